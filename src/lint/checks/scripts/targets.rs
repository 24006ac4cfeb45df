//! What rsync is to copy, and where to.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::{ScriptSubject, Transfer},
    },
    model::script::{Argument, UNKNOWN},
    terms::Target,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY980", words_run_together),
    Check::script("RSY993", impossible_targets),
    Check::script("RSY994", daemon_option_without_daemon),
];

/// RSY980: what has a slash in front of its colons is a local name.
fn words_run_together(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        for (word, target) in transfer.targets() {
            let Target::Local(text) = target else { continue };
            let Some((head, _)) = text.split_once("::") else {
                continue;
            };
            if !head.contains('/') || head.starts_with("./") {
                continue;
            }
            let case = Case::at(subject.span(word.range.clone())).with("text", shown(text));
            out.report(match boundary(word) {
                Some(at) => case
                    .fix(Safety::Unsafe, [Edit::replace(subject.span(at..at), " ")])
                    .with("source", subject.sources.text(subject.span(word.range.start..at)))
                    .with("target", subject.sources.text(subject.span(at..word.range.end))),
                None => case.variant("literal"),
            });
        }
    }
}

/// Where a second variable begins, behind a path.
fn boundary(word: &Argument) -> Option<usize> {
    let (mut has_slash, mut ends_with_slash) = (false, false);
    for (piece, next) in word.pieces.iter().zip(word.pieces.get(1..)?) {
        let text = piece.text.as_deref().unwrap_or_default();
        has_slash |= text.contains(&b'/');
        ends_with_slash = if piece.text.is_some() && text.is_empty() {
            ends_with_slash
        } else {
            text.ends_with(b"/")
        };
        let has_own_place = next.variable != piece.variable && next.variable.is_some();
        let is_whole = piece.variable.is_some() || ends_with_slash;
        if has_slash && has_own_place && is_whole && !piece.is_quoted && !next.is_quoted {
            return Some(next.range.start);
        }
    }
    None
}

/// RSY993: two other machines, a path where a module's name is wanted, no source at all.
fn impossible_targets(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let targets: Vec<_> = transfer.targets().collect();
        if let [sources @ .., (last, Target::Shell(_) | Target::Daemon(_))] = &targets[..]
            && let Some((word, _)) = sources.iter().find(|(_, target)| target.remote().is_some())
        {
            let case = Case::at(subject.span(word.range.clone())).variant("both");
            out.report(case.also(subject.span(last.range.clone()), "other"));
            continue;
        }
        for (word, target) in &targets {
            let Target::Daemon(remote) = target else { continue };
            if remote.path.starts_with('/') {
                let case = Case::at(subject.span(word.range.clone())).variant("path");
                out.report(case.with("path", shown(&remote.path)));
            }
        }
    }
}

/// RSY994: what is for a daemon alone stands where none is asked.
fn daemon_option_without_daemon(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let Some(given) = transfer.invocation.option("password-file") else {
            continue;
        };
        let targets: Vec<_> = transfer.targets().collect();
        // An unknown word may be a daemon's address.
        let may_be_daemon = |target: &Target| match target {
            Target::Daemon(_) => true,
            Target::Local(text) => text.contains(UNKNOWN) || text.contains("::"),
            Target::Shell(remote) => remote.path.starts_with(UNKNOWN),
        };
        let is_through_shell = transfer.has("rsh") && targets.iter().any(|(_, target)| may_be_daemon(target));
        if transfer.may_have_more() || targets.len() < 2 || is_through_shell {
            continue;
        }
        if targets.iter().any(|(_, target)| may_be_daemon(target)) {
            continue;
        }
        let place = option_place(subject, &transfer, given);
        let case = Case::at(place);
        let shell = targets.iter().find_map(|(word, target)| match target {
            Target::Shell(remote) => Some((word, remote)),
            _ => None,
        });
        out.report(match shell {
            Some((word, remote)) => case
                .also(subject.span(word.range.clone()), "target")
                .with("host", shown(&remote.host)),
            None => case.variant("local"),
        });
    }
}

/// An option with its value.
pub(super) fn option_place(
    subject: &ScriptSubject<'_>,
    transfer: &Transfer<'_>,
    given: &crate::syntax::Given,
) -> crate::terms::Span {
    let mut range = transfer.word(given.word).range.clone();
    if let Some(value) = given.value_word {
        range.end = transfer.word(value).range.end.max(range.end);
    }
    subject.span(range)
}

/// A text with what is not known of it.
pub(super) fn shown(text: &str) -> String {
    text.replace(UNKNOWN, "…")
}
