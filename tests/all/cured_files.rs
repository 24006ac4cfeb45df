//! Whatever stands in a file, `--fix` leaves a better one.
//!
//! What holds of every text:
//! - a second `--fix` changes nothing;
//! - a file in which nothing was to be warned of has nothing of the kind afterwards;
//! - no byte becomes a replacement character, and lines that all ended with a carriage return still do.
//!
//! What holds of safe cures besides: a rule finds more than before only where something no less severe hid it, in a line that
//! the cure has changed (with what a backslash joins to it), or in a section of which it has changed the header or the `path`:
//! there, rsync had read nothing as it stands. What hid it is a finding of the same run.

use std::{collections::BTreeMap, fs};

use proptest::{collection::vec, option::weighted, prelude::*, sample::select, test_runner::Config};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::program::{folder_of_bytes, rsyncctl, stdout};

const NAMES: [&str; 36] = [
    "path",
    "read only",
    "read_only",
    "write only",
    "list",
    "hosts allow",
    "hosts-allow",
    "host allow",
    "hosts deny",
    "auth users",
    "auth user",
    "secrets file",
    "auth digest",
    "strict modes",
    "uid",
    "gid",
    "use chroot",
    "munge symlinks",
    "temp dir",
    "incoming chmod",
    "timeout",
    "max connections",
    "lock file",
    "log file",
    "syslog facility",
    "port",
    "exclude",
    "include",
    "filter",
    "exclude from",
    "refuse options",
    "dont compress",
    "ignore errors",
    "charset",
    "comment",
    "pre-xfer exec",
];

const VALUES: [&str; 56] = [
    "yes",
    "no",
    "off",
    "是",
    "“no”",
    "'yes'",
    "no。",
    "ｙｅｓ",
    "/srv/m",
    "srv/m",
    "／srv／m",
    "\"/srv/m\"",
    "\\srv\\m",
    "/srv/m;",
    "/srv/m，",
    "/",
    "/etc",
    "192.0.2.7",
    "192.0.2.7,192.0.2.8",
    "192.0.2.7；192.0.2.8",
    "192.0.2.7、192.0.2.8",
    "192.0.2.7|192.0.2.8",
    "192.0.2.1/24",
    "192.0.2.0/33",
    "192.0.2.*",
    "0.0.0.0/32",
    "*",
    "ALL",
    "joe",
    "joe,ann",
    "joe；ann",
    "joe|ann",
    "“joe”，ann",
    "joe:readonly",
    "joe : ro",
    "@ops:rw, *:deny",
    "#joe",
    "root",
    "nobody",
    "0",
    "-1",
    "600",
    "６００",
    "10 minutes",
    "ten",
    "D755,F644",
    "644",
    "*.bak, *.tmp",
    "- *.o",
    "delete,checksum",
    "delete，checksum",
    "--delete",
    "sha256",
    "UTF-8",
    "local3",
    "",
];

const JOINTS: [&str; 9] = [
    " = ",
    "=",
    "\u{a0}= ",
    "＝",
    "：",
    ": ",
    " == ",
    " =\u{3000}",
    " ",
];

const TAILS: [&str; 11] = [
    " # a note",
    "\t#note",
    " ; note",
    " // note",
    " #说明",
    "   说明",
    " # allow 192.0.2.9",
    " \\",
    ",",
    "read only = no",
    " [other]",
];

const OTHERS: [&str; 15] = [
    "ignore errors",
    "ignore errors 忽略",
    "list 否",
    "read only",
    "timeout 600",
    "hosts allow 192.0.2.7",
    "a line of prose",
    "// a note",
    "＃ a note",
    "；a note",
    "<br>",
    "&nbsp;uid = root",
    "&include /etc/rsyncd.d",
    "# a comment",
    "",
];

const HEADERS: [&str; 12] = [
    "[m]",
    "[m]",
    "[other]",
    "[M]",
    "［m］",
    "[m］",
    "【m】",
    "\u{feff}[m]",
    "[m] # a note",
    "[global]",
    "[m",
    "[m] path = /srv/m",
];

fn line() -> impl Strategy<Value = String> {
    let setting = (
        select(vec!["", "", "  ", "\u{3000}", "\u{a0}", "\u{200b}"]),
        select(&NAMES[..]),
        prop_oneof![3 => Just(" = "), 1 => select(&JOINTS[..])],
        select(&VALUES[..]),
        weighted(0.3, select(&TAILS[..])),
    )
        .prop_map(|(indent, name, joint, value, tail)| {
            format!("{indent}{name}{joint}{value}{}", tail.unwrap_or_default())
        });
    prop_oneof![8 => setting, 1 => select(&OTHERS[..]).prop_map(str::to_owned)]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let section = (select(&HEADERS[..]), any::<bool>(), vec(line(), 0..5));
    let section = section.prop_map(|(header, has_path, lines)| {
        let path = if has_path {
            vec!["path = /srv/m".to_owned()]
        } else {
            vec![]
        };
        [vec![header.to_owned()], path, lines].concat()
    });
    let end = select(vec!["\n", "\n", "\r\n"]);
    (
        vec(line(), 0..3),
        vec(section, 1..3),
        end,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(globals, sections, end, has_end, is_gbk)| {
            let lines = [globals, sections.concat()].concat();
            let mut text = lines.join(end);
            if has_end {
                text += end;
            }
            match is_gbk {
                true => in_gbk(&text),
                false => text.into_bytes(),
            }
        })
}

/// The text as an old Chinese editor saves it, as far as our lines have characters of that kind.
fn in_gbk(text: &str) -> Vec<u8> {
    const TABLE: [(char, [u8; 2]); 16] = [
        ('\u{3000}', [0xa1, 0xa1]),
        ('、', [0xa1, 0xa2]),
        ('。', [0xa1, 0xa3]),
        ('“', [0xa1, 0xb0]),
        ('”', [0xa1, 0xb1]),
        ('【', [0xa1, 0xbe]),
        ('】', [0xa1, 0xbf]),
        ('＃', [0xa3, 0xa3]),
        ('，', [0xa3, 0xac]),
        ('：', [0xa3, 0xba]),
        ('；', [0xa3, 0xbb]),
        ('＝', [0xa3, 0xbd]),
        ('［', [0xa3, 0xdb]),
        ('］', [0xa3, 0xdd]),
        ('否', [0xb7, 0xf1]),
        ('忽', [0xba, 0xf6]),
    ];
    let mut bytes = Vec::new();
    for character in text.chars() {
        match TABLE.iter().find(|(known, _)| *known == character) {
            Some((_, code)) => bytes.extend(code),
            None if character.is_ascii() => bytes.push(character as u8),
            None => bytes.extend([0xc2, 0xd4]),
        }
    }
    bytes
}

/// A finding that makes the program fail.
struct Found {
    rule: String,
    is_error: bool,
    line: usize,
}

/// What there is to find, and how the program ends.
struct Seen {
    found: Vec<Found>,
    exit: Option<i32>,
}

const FILE: &str = "rsyncd.conf";

fn lint(folder: &TempDir) -> Seen {
    let output = rsyncctl(
        folder,
        &["lint", FILE, "--no-settings", "--host", "none", "--json"],
    );
    let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
    let found = diagnoses.iter().filter(|one| one["severity"] != "info");
    let found = found.map(|one| Found {
        rule: one["rule"].as_str().expect("a rule").to_owned(),
        is_error: one["severity"] == "error",
        line: one["evidence"][0]["line"].as_u64().expect("a line") as usize,
    });
    Seen {
        found: found.collect(),
        exit: output.status.code(),
    }
}

fn fix(folder: &TempDir, level: &str) -> Vec<u8> {
    rsyncctl(folder, &["lint", FILE, "--no-settings", "--host", "none", level]);
    fs::read(folder.path().join(FILE)).expect("the file")
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split(|byte| *byte == b'\n').collect()
}

/// Whether rsync may not have read a line as it stands before the cure: it is new, or its section's header or path is.
fn is_changed(before: &[u8], after: &[u8], line: usize) -> bool {
    let (old, new) = (lines(before), lines(after));
    let count = |lines: &[&[u8]], line: &[u8]| lines.iter().filter(|other| **other == line).count();
    let is_new = |line: &&[u8]| count(&new, line) > count(&old, line);
    let is_header = |line: &&[u8]| line.trim_ascii().starts_with(b"[");
    let start = new[..line].iter().rposition(&is_header);
    let section = start.map_or(&[][..], |start| {
        let end = new[start + 1..].iter().position(&is_header);
        &new[start..end.map_or(new.len(), |end| start + 1 + end)]
    });
    let is_path = |line: &&[u8]| line.trim_ascii().to_ascii_lowercase().starts_with(b"path");
    let mut vital = section.iter().filter(|line| is_header(line) || is_path(line));
    // A value goes on behind a backslash.
    let goes_on = |line: &usize| new[line - 1].trim_ascii().ends_with(b"\\");
    let first = (1..line).rev().find(|line| !goes_on(line)).unwrap_or(0);
    new[first..line].iter().any(&is_new) || vital.any(is_new)
}

fn holds(text: &[u8], level: &str) -> Result<(), TestCaseError> {
    let folder = folder_of_bytes(&[(FILE, text)]);
    let before = lint(&folder);
    let cured = fix(&folder, level);
    let after = lint(&folder);
    let shown = format!("{level}: {} -> {}", text.escape_ascii(), cured.escape_ascii());
    prop_assert!(
        before.exit != Some(0) || after.exit == Some(0),
        "fails now: {shown}"
    );
    let marks = |text: &[u8]| text.windows(3).filter(|part| *part == b"\xef\xbf\xbd").count();
    prop_assert_eq!(marks(text), marks(&cured), "bytes are lost: {}", shown);
    let all = lines(text);
    if all.len() > 1 && all[..all.len() - 1].iter().all(|line| line.ends_with(b"\r")) {
        let mut ends = lines(&cured);
        ends.pop();
        prop_assert!(
            ends.iter().all(|line| line.ends_with(b"\r")),
            "line ends: {shown}"
        );
    }
    if level == "--fix" {
        uncovers(text, &before, &cured, &after).map_err(|rule| {
            let text = format!("{rule} is new: {shown}");
            TestCaseError::fail(text)
        })?;
    }
    let again = fix(&folder, level);
    prop_assert_eq!(
        cured.escape_ascii().to_string(),
        again.escape_ascii().to_string(),
        "{}",
        shown
    );
    Ok(())
}

/// A rule that finds more than before, and may not.
fn uncovers(text: &[u8], before: &Seen, cured: &[u8], after: &Seen) -> Result<(), String> {
    let had_error = before.found.iter().any(|found| found.is_error);
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for found in &before.found {
        *known.entry(&found.rule).or_default() += 1;
    }
    let (changed, kept): (Vec<&Found>, Vec<&Found>) = after
        .found
        .iter()
        .partition(|found| is_changed(text, cured, found.line) && (had_error || !found.is_error));
    for found in kept {
        let left = known.entry(&found.rule).or_default();
        *left = left.checked_sub(1).ok_or_else(|| found.rule.clone())?;
    }
    match changed.is_empty() || !before.found.is_empty() {
        true => Ok(()),
        false => Err(changed[0].rule.clone()),
    }
}

proptest! {
    #![proptest_config(Config::with_cases(120))]

    #[test]
    fn a_safe_fix_leaves_a_better_file(text in text()) {
        holds(&text, "--fix")?;
    }

    #[test]
    fn an_unsafe_fix_leaves_a_better_file(text in text()) {
        holds(&text, "--fix=unsafe")?;
    }
}
