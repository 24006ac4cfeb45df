//! xinetd reads its files when it starts and when it is told to, and not for each connection as rsync reads its own.

use std::path::{Path, PathBuf};

use crate::{
    doctor::{
        Cause, Check, Report, Setup, Subject, Told, Urgency,
        absent::has_systemd,
        daemon::{SLACK, at},
        log,
        reach::starters::{self, MAIN, XINETD},
    },
    host::{Descendant, Host, changed, process_of},
};

/// Where clients of a daemon that xinetd starts fail: that its files have changed since xinetd read them, if nothing is wrong
/// in them any more.
pub(super) fn look(subject: &Subject, setup: &Setup<'_>, report: &mut Report) {
    let Some(port) = subject.port.filter(|_| subject.daemon.is_none()) else {
        return;
    };
    let Some(xinetd) = process_of(XINETD).filter(|_| starters::is_of_xinetd(port)) else {
        return;
    };
    let Some(started) = xinetd.started else {
        return;
    };
    let mut inputs: Vec<_> = starters::inputs_of_xinetd(setup.host)
        .into_iter()
        .filter_map(|input| input.path)
        .collect();
    inputs.push(PathBuf::from(MAIN));
    let is_wrong = |cause: &Cause| {
        let Told::Finding(found, index) = &cause.told else {
            return false;
        };
        let name = found
            .sources
            .get(found.findings[*index].labels[0].span.source)
            .name();
        cause.urgency == Urgency::Now && inputs.iter().any(|path| path == Path::new(name))
    };
    if report.causes.iter().any(is_wrong) || log::was_reloaded(setup, &xinetd) {
        return;
    }
    let times = inputs.into_iter().filter_map(|path| {
        let time = changed(&path).ok()??;
        (time > started + SLACK).then_some((time, path))
    });
    let Some((time, path)) = times.max() else {
        return;
    };
    let file = path.display().to_string();
    let shown =
        |second| at(setup, second).map_or_else(String::new, |time| time.strftime("%F %T").to_string());
    let facts = vec![format!(
        "{file} was changed {}, and process {} was started {}",
        shown(time),
        xinetd.process,
        shown(started)
    )];
    let arguments = vec![("file", file), ("reload", reload(setup.host, &xinetd))];
    let cause = Cause::of_rule("RSY617", Check::Loopback, &path, arguments, facts);
    report.causes.push(cause);
}

/// What lets xinetd read its files again (xinetd(8)).
pub(super) fn reload(host: &dyn Host, xinetd: &Descendant) -> String {
    match has_systemd(host) {
        true => "systemctl reload xinetd".to_owned(),
        false => format!("kill -HUP {}", xinetd.process),
    }
}
