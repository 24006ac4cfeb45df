//! `--delete`, and sources that are not what they seem.

use std::collections::BTreeSet;

use crate::{
    lint::{
        checks::{
            Check,
            scripts::targets::{option_place, shown},
        },
        report::{Case, Reporter},
        scripts::{ScriptSubject, Transfer},
    },
    model::script::{Argument, Piece},
    syntax::Given,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY990", delete_with_empty_variable),
    Check::script("RSY991", delete_with_pattern),
];

/// The options that delete what the source does not have.
const DELETING: [&str; 7] = [
    "delete",
    "del",
    "delete-before",
    "delete-during",
    "delete-delay",
    "delete-after",
    "delete-excluded",
];

/// Programs by which a script looks whether a disk is there.
const LOOKING: [&str; 10] = [
    "[",
    "[[",
    "df",
    "findmnt",
    "grep",
    "ls",
    "mount",
    "mountpoint",
    "systemctl",
    "test",
];

fn deletes<'t>(transfer: &'t Transfer<'_>) -> Option<&'t Given> {
    DELETING.iter().find_map(|name| transfer.invocation.option(name))
}

fn sources<'a>(transfer: &Transfer<'a>) -> Vec<&'a Argument> {
    let mut words: Vec<_> = transfer.targets().map(|(word, _)| word).collect();
    words.pop();
    words
}

/// RSY990: `$SRC/` is the root if the variable is empty.
fn delete_with_empty_variable(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let looks_at_disks = subject
        .script
        .calls
        .iter()
        .any(|call| LOOKING.contains(&&*call.program()));
    let assignments = subject.script.assignments.iter();
    let names: BTreeSet<&[u8]> = assignments.map(|assigned| &assigned.name[..]).collect();
    let folded: BTreeSet<Vec<u8>> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
    for transfer in subject.transfers() {
        let Some(given) = deletes(&transfer) else { continue };
        if subject.script.is_nounset {
            continue;
        }
        for word in sources(&transfer) {
            if let Some(root) = unguarded_mount(subject, word, looks_at_disks) {
                let case = Case::at(subject.span(word.range.clone())).variant("mount");
                let case = case.also(option_place(subject, &transfer, given), "delete");
                out.report(case.with("text", shown(&word.text())).with("root", root));
                continue;
            }
            let [first, rest @ ..] = &word.pieces[..] else {
                continue;
            };
            let Some(name) = first.variable.clone() else {
                continue;
            };
            let behind = rest.first().and_then(|piece| piece.text.as_deref());
            // Only with a slash behind it an empty variable becomes the root.
            if !behind.is_some_and(|text| text.starts_with(b"/")) || word.is_open && first.is_quoted {
                continue;
            }
            let name = subject.bytes(name);
            let Some(variant) = may_be_empty(subject, first, name, &names, &folded) else {
                continue;
            };
            let case = Case::at(subject.span(word.range.clone()))
                .also(option_place(subject, &transfer, given), "delete")
                .with("name", String::from_utf8_lossy(name))
                .with("text", subject.sources.text(subject.span(word.range.clone())));
            out.report(if variant.is_empty() {
                case
            } else {
                case.variant(variant)
            });
        }
    }
}

/// The folder of a disk that comes and goes, if nothing in the script looks whether it is there.
fn unguarded_mount(subject: &ScriptSubject<'_>, word: &Argument, looks_at_disks: bool) -> Option<String> {
    let text = word.text();
    let root = ["/mnt/", "/media/", "/run/media/"]
        .into_iter()
        .find(|root| text.starts_with(root))?;
    (!looks_at_disks && !subject.script.takes_in_others).then(|| root.trim_end_matches('/').to_owned())
}

/// Which kind of variable it is that may be empty; none if something looks after it.
fn may_be_empty(
    subject: &ScriptSubject<'_>,
    piece: &Piece,
    name: &[u8],
    names: &BTreeSet<&[u8]>,
    folded: &BTreeSet<Vec<u8>>,
) -> Option<&'static str> {
    let script = subject.script;
    if piece.text.as_deref() == Some(b"") {
        return Some("");
    }
    let has_operator =
        subject.bytes(piece.range.clone()).starts_with(b"${") && piece.range.len() > name.len() + 3;
    if piece.text.is_some() || script.tested.contains(name) || has_operator {
        return None;
    }
    if name.first().is_some_and(u8::is_ascii_digit) {
        let is_counted = script.tested.contains(&b"#"[..]);
        return (!is_counted && name != b"0").then_some("argument");
    }
    // What no line of the script sets may come from outside, unless its name is a variable's in other letters.
    let is_set = names.contains(name);
    let lookalike = folded.contains(&name.to_ascii_lowercase());
    let is_known = script.takes_in_others || !lookalike;
    (!is_set && !is_known).then_some("misspelt")
}

/// RSY991: rsync deletes only inside folders that are in the transfer, and a pattern names files.
fn delete_with_pattern(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let Some(given) = deletes(&transfer) else { continue };
        for word in sources(&transfer) {
            let text = word.text();
            let ends_with_pattern = word.has_pattern() && text.ends_with("/*");
            let is_whole = ends_with_pattern && !text.contains(':') && !transfer.has("relative");
            if is_whole {
                let folder = text.strip_suffix('*').unwrap_or(&text);
                let case = Case::at(subject.span(word.range.clone()))
                    .also(option_place(subject, &transfer, given), "delete")
                    .with("text", shown(&text));
                out.report(case.with("folder", shown(folder)));
            }
        }
    }
}
