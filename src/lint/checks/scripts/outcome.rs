//! Whether anybody learns that rsync has failed.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::{ScriptSubject, Transfer},
    },
    model::script::{PipeTo, Status, Stream},
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY997", failure_unnoticed),
    Check::script("RSY997", only_last_counts),
];

/// From how many on whoever wrote them wants to know of each.
const ROW: usize = 4;

/// Programs that end with 0 whatever they are fed.
const ALWAYS_CONTENT: [&str; 5] = ["cat", "logger", "systemd-cat", "tee", "ts"];

/// RSY997: the script ends with the status of its last command.
fn only_last_counts(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let transfers: Vec<_> = subject.transfers().collect();
    let mut dropped = transfers.iter().filter(|transfer| {
        let call = transfer.call;
        let is_told = matches!(call.errors, Stream::Inherited | Stream::File(_));
        is_told && call.status == Status::Dropped && !call.is_in_loop() && !call.is_background
    });
    if transfers.len() >= ROW
        && let Some(first) = dropped.next()
        && let Some(last) = dropped.next_back()
    {
        let place = |transfer: &Transfer<'_>| subject.span(transfer.call.words[0].range.clone());
        let case = Case::at(place(first)).also(place(last), "last").variant("row");
        out.report(case.with("count", transfers.len().to_string()));
    }
}

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
