//! Whether anybody learns that rsync has failed.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::ScriptSubject,
    },
    model::script::{PipeTo, Status, Stream},
};

pub(super) const CHECKS: &[Check] = &[Check::script("RSY997", failure_unnoticed)];

/// Programs that end with 0 whatever they are fed.
const ALWAYS_CONTENT: [&str; 5] = ["cat", "logger", "systemd-cat", "tee", "ts"];

/// RSY997: neither the status nor the message reaches anybody.
fn failure_unnoticed(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let call = transfer.call;
        let program = || Case::at(subject.span(call.words[0].range.clone()));
        match (&call.errors, call.status, &call.pipe_to) {
            (Stream::Discarded(range), Status::Dropped, _) => {
                let has_log = transfer.has("log-file");
                if !has_log {
                    out.report(Case::at(subject.span(range.clone())));
                }
            }
            (_, Status::LostInPipe, Some(PipeTo::Program(name)))
                if ALWAYS_CONTENT.contains(&name.as_str()) =>
            {
                out.report(program().variant("pipe").with("program", name.as_str()));
            }
            _ => {}
        }
    }
}
