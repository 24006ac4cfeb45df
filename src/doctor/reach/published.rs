//! Whether anybody hands on a port of this machine to a daemon with a network of its own.

use std::path::Path;

use crate::{
    catalog::{Confidence, Severity},
    doctor::{Cause, Check, Report, Setup, Stage, Subject, Urgency, reach::rules::Rules},
    host::listening_on,
};

pub(super) fn look(
    subject: &Subject,
    setup: &Setup<'_>,
    process: u32,
    stage: &mut Stage,
    report: &mut Report,
) {
    let Some(port) = subject.port.filter(|port| listening_on(*port).is_empty()) else {
        return;
    };
    let rules = Rules::of(setup.host);
    // Whether a rule does it cannot be told without the rules.
    if rules.are_unknown() || rules.hand_on(port) {
        return;
    }
    let interfaces = setup.host.read(Path::new(&format!("/proc/{process}/net/dev")));
    let interfaces = interfaces.ok().flatten().unwrap_or_default();
    let interfaces = String::from_utf8_lossy(&interfaces).into_owned();
    let outward: Vec<_> = interfaces
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim())
        .filter(|name| *name != "lo")
        .collect();
    let arguments = vec![("process", process.to_string()), ("port", port.to_string())];
    let fact = match outward.is_empty() {
        true => format!("process {process} has no interface but lo"),
        false => format!("process {process} has the interfaces {}", outward.join(", ")),
    };
    let mut cause = Cause::of_rule("RSY238", Check::Reach, &subject.file, arguments, vec![fact]);
    if outward.is_empty() {
        // Nobody can come there by any address.
        cause.confidence = Confidence::Certain;
        stage.fail();
    } else {
        // Clients may know an address of its own.
        (cause.severity, cause.confidence) = (Severity::Warning, Confidence::Possible);
        cause = cause.at(Urgency::Later);
    }
    report.causes.push(cause);
}
