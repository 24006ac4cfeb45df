//! `--delete`, and sources that are not what they seem.

use std::collections::BTreeSet;

use crate::{
    catalog::FileKind,
    lint::{
        checks::{
            Check,
            scripts::targets::{option_place, shown},
        },
        report::{Case, Reporter},
        scripts::{ScriptSubject, Transfer},
    },
    model::script::{Argument, Block, Call, Piece, Status, UNKNOWN},
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

/// Variables that every shell has, or a login sets.
const FROM_OUTSIDE: [&[u8]; 8] = [
    b"HOME",
    b"HOSTNAME",
    b"LOGNAME",
    b"OLDPWD",
    b"PWD",
    b"RANDOM",
    b"TMPDIR",
    b"USER",
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
        for word in sources(&transfer) {
            if let Some(cd) = unchecked_cd(subject, &transfer, word) {
                let case = Case::at(subject.span(cd.range.clone())).variant("cd");
                let case = case.also(option_place(subject, &transfer, given), "delete");
                let text = subject.sources.text(subject.span(cd.range.clone()));
                out.report(case.with("text", shown(&word.text())).with("cd", text));
            }
            if subject.script.is_nounset {
                continue;
            }
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
            // What a function is called with stands where it is called.
            let is_in_function = transfer
                .call
                .blocks
                .iter()
                .any(|block| matches!(block, Block::Function(_)));
            if is_in_function && variant == "argument" {
                continue;
            }
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

/// The `cd` to a place that may not be there, in front of a transfer of the folder in which the script then is: nothing
/// looks whether it failed.
fn unchecked_cd<'a>(
    subject: &ScriptSubject<'a>,
    transfer: &Transfer<'_>,
    word: &Argument,
) -> Option<&'a Call> {
    if !matches!(&*word.text(), "." | "./") {
        return None;
    }
    let calls = subject.script.calls.iter();
    let mut before = calls.filter(|call| call.range.start < transfer.call.range.start);
    let cd = before.rfind(|call| matches!(&*call.program(), "cd" | "pushd" | "popd"))?;
    let is_before = transfer.call.blocks.starts_with(&cd.blocks);
    let place = cd.arguments().last()?.text();
    let may_be_missing = place.starts_with(UNKNOWN)
        || ["/mnt/", "/media/", "/run/media/"]
            .iter()
            .any(|root| place.starts_with(root));
    (is_before && may_be_missing && cd.status == Status::Dropped).then_some(cd)
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
    let is_counted = script.tested.contains(&b"#"[..]);
    if name.first().is_some_and(u8::is_ascii_digit) {
        return (!is_counted && name != b"0").then_some("argument");
    }
    if !is_counted && !script.takes_in_others && is_argument(subject, name) {
        return Some("argument");
    }
    // What no line of the script sets may come from outside, unless its name is a variable's in other letters.
    let is_set = names.contains(name);
    let lookalike = folded.contains(&name.to_ascii_lowercase());
    let is_known = script.takes_in_others || !lookalike;
    if !is_set && !is_known {
        return Some("misspelt");
    }
    // A cron table and an image set variables in lines of their own; `$HOME` and its like every shell has.
    let is_own = subject.kind == FileKind::Script && !FROM_OUTSIDE.contains(&name);
    let is_plain = name
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    (is_own && is_plain && !script.takes_in_others && !script.set.contains(name)).then_some("never-set")
}

/// Whether every line that sets a variable takes an argument of the script that nothing has looked at: `SRC=$1`.
fn is_argument(subject: &ScriptSubject<'_>, name: &[u8]) -> bool {
    let mut assigned = subject
        .script
        .assignments
        .iter()
        .filter(|assigned| assigned.name == name)
        .peekable();
    assigned.peek().is_some()
        && assigned.all(|assigned| {
            let [piece] = &assigned.value.pieces[..] else {
                return false;
            };
            let number = piece.variable.clone().map(|variable| subject.bytes(variable));
            number.is_some_and(|number| {
                let is_number = number.iter().all(u8::is_ascii_digit) && number != b"0" && !number.is_empty();
                let has_operator = subject.bytes(piece.range.clone()).starts_with(b"${")
                    && piece.range.len() > number.len() + 3;
                is_number && !has_operator && !subject.script.tested.contains(number)
            })
        })
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
