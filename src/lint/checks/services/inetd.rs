//! inetd.conf.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::ServicesSubject,
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[Check::services("RSY755", line_incomplete)];

/// A line that starts a program has that many words: the last is the program's name.
const WORDS: usize = 7;

/// RSY755: each word has its place, and none may be left out.
fn line_incomplete(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for file in &subject.services.inetd {
        let bytes = subject.sources.get(file.source).bytes();
        for line in &file.lines {
            let is_rsync = line
                .words
                .first()
                .is_some_and(|word| &bytes[word.clone()] == b"rsync");
            if is_rsync && line.words.len() < WORDS {
                let range = line.words[0].start..line.words[line.words.len() - 1].end;
                let case = Case::at(Span::new(file.source, range));
                out.report(case.with("count", line.words.len().to_string()));
            }
        }
    }
}
