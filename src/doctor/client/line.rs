//! The command line's own mistakes.

use crate::{
    catalog::{FileKind, Severity},
    doctor::{
        Check, Fact, Report, Stage,
        client::{Client, ClientFact},
    },
};

/// What the command line is called in reports.
const NAME: &str = "command line";

pub(super) fn look(client: &Client<'_>, stage: &mut Stage, report: &mut Report) {
    let line = &client.setup.line;
    let bytes = format!("{line}\n").into_bytes();
    let found = client.linted(NAME, None, bytes, FileKind::Script, Check::CommandLine, report);
    let count = |severity| {
        found
            .findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors > 0 {
        stage.fail();
    } else if warnings > 0 {
        stage.warn();
    }
    stage.note(Fact::Client(ClientFact::Line(line.clone(), errors, warnings)));
}
