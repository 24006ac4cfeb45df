//! Whatever the bytes: a report in every format and language, and no panic.

use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

use proptest::{collection::vec, prelude::*};
use rsyncctl::{
    catalog::{self, FileKind, Language, Severity},
    host::Unknown,
    lint::Report,
    model::Parameter,
    render::Format,
    terms::Span,
};
use serde_json::Value;

use crate::support::{
    program::{folder, one_core},
    report::{check, write},
};

const KINDS: [FileKind; 12] = [
    FileKind::RsyncdConf,
    FileKind::Secrets,
    FileKind::Password,
    FileKind::Sersync,
    FileKind::Systemd,
    FileKind::Xinetd,
    FileKind::Inetd,
    FileKind::Environment,
    FileKind::Crontab,
    FileKind::Markdown,
    FileKind::Script,
    FileKind::Dockerfile,
];

proptest! {
    // Each case is one of every kind, and each report is written nine times.
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_every_format(file in vec(any::<u8>(), 0..300)) {
        for kind in KINDS {
            hold(&check(&file, kind));
        }
    }

    #[test]
    fn bytes_that_mean_something_give_every_format(file in pieces()) {
        for kind in KINDS {
            hold(&check(&file, kind));
        }
    }

    #[test]
    fn configurations_with_mistakes_give_every_format(file in configuration()) {
        hold(&check(&file, FileKind::RsyncdConf));
    }
}

#[test]
fn a_line_of_a_mebibyte_is_one_line() {
    let filler = |text: &str| text.repeat((1 << 20) / text.len());
    // The most that is read of a script.
    let small = |text: &str| text.repeat((255 << 10) / text.len());
    for (kind, file) in [
        (FileKind::RsyncdConf, format!("[a]\npath = /{}\n", filler("x"))),
        (FileKind::RsyncdConf, filler("a  ")),
        (FileKind::RsyncdConf, filler("a\\\n ")),
        (FileKind::RsyncdConf, format!("path = {}", filler("a\\\n"))),
        (FileKind::RsyncdConf, format!("path = {}", filler("a\r"))),
        (FileKind::RsyncdConf, format!("[{}", filler("中"))),
        (FileKind::RsyncdConf, format!("{} = 1\n", filler("host allo"))),
        (
            FileKind::RsyncdConf,
            format!("[a]\npath = /x\nhosts allow = é {}\n", filler("300.1.1.1 ")),
        ),
        (
            FileKind::RsyncdConf,
            format!("# rsyncctl: allow {}\nignore errors\n", filler("RSY102 x ")),
        ),
        (FileKind::Secrets, filler("not-a-password")),
        (FileKind::Password, filler("not-a-password")),
        (
            FileKind::Sersync,
            format!("<head é>{}", filler("<debug start='TRUE'/>")),
        ),
        (FileKind::Sersync, format!("<head {}>", filler("a=\"<"))),
        (FileKind::Systemd, format!("[Service]\n{}", filler("User=a#\n"))),
        (
            FileKind::Systemd,
            format!("[Service]\nExecStart=rsync --daemon {}", filler("$A\\\n")),
        ),
        (
            FileKind::Xinetd,
            format!("service rsync\n{{\n{}", filler("wait=no\n")),
        ),
        (FileKind::Inetd, filler("rsync stream\n")),
        (FileKind::Environment, filler("RSYNC_NICE=x\n")),
        (FileKind::Script, filler("rsync\n")),
        (FileKind::Script, format!("rsync {}", small("-Z"))),
        (FileKind::Script, small("rsync -Z /$a$b::c d;")),
        (
            FileKind::Script,
            small("inotifywait -o x -e modify | while read a; do rsync $a b; "),
        ),
        (FileKind::Script, small("a=rsync$a;$a ")),
        (FileKind::Script, small("if (rsync `")),
        (FileKind::Script, small("ps|grep rsync|grep -v gerp|wc;")),
        (FileKind::Dockerfile, format!("RUN rsync {}", small("-Z \\\n"))),
        (FileKind::Dockerfile, small("RUN [\"rsync\"]\n")),
    ] {
        all_formats(&check(file.as_bytes(), kind));
    }
}

/// 48 MiB of address space for the program itself, and 16 bytes for each byte of the file. On one core: for each thread
/// the allocator of the C library sets 64 MiB of addresses aside, whether anything is stored there or not.
#[test]
fn memory_is_bounded_by_the_size_of_the_file() {
    let size = 8 << 20;
    let filler = |text: &str| text.repeat(size / text.len());
    let modules: String = (0..size / 100)
        .map(|number| {
            let line = format!("[module{number}]\npath = /srv/module{number}\n");
            format!("{line}comment = {}\n", "x".repeat(89 - line.len()))
        })
        .collect();
    for text in [
        filler("#\n"),
        filler(" \n"),
        filler("# a comment\n"),
        filler("x"),
        modules,
    ] {
        let folder = folder(&[("rsyncd.conf", &text)]);
        let limit = (48 << 10) + 16 * size / 1024;
        let bounded = format!("ulimit -v {limit} && exec \"$0\" lint --format json rsyncd.conf");
        let status = Command::new("taskset")
            .args(["--cpu-list", &one_core(), "sh", "-c", &bounded])
            .arg(env!("CARGO_BIN_EXE_rsyncctl"))
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status()
            .expect("a shell");
        assert!(
            matches!(status.code(), Some(0 | 1)),
            "{status}: {:?}",
            &text[..40]
        );
    }
}

#[test]
fn a_hundred_thousand_modules_are_checked() {
    let modules = |lines: &str| -> String {
        (0..100_000)
            .map(|n| format!("[module{n}]\npath = /srv/{n}\n{lines}"))
            .collect()
    };
    let report = check(modules("").as_bytes(), FileKind::RsyncdConf);
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.severity == Severity::Info)
    );
    assert!(report.unchecked.len() >= 100_000);
    all_formats(&report);
    let report = check(
        modules("name = same\nignore errors\n").as_bytes(),
        FileKind::RsyncdConf,
    );
    let not_kept: usize = report.not_kept.values().sum();
    assert!(report.findings.len() + not_kept >= 100_000);
    assert_eq!(fired(&report, "RSY102"), 10_000);
    let more = report.unchecked.iter().find(|one| one.rule == Some("RSY102"));
    assert_eq!(more.expect("the others").reason, Unknown::NotKept(90_000));
    all_formats(&report);
    let allowed = modules("# rsyncctl: allow RSY102 -- a test\nignore errors\n");
    let report = check(allowed.as_bytes(), FileKind::RsyncdConf);
    assert_eq!(report.suppressed, 100_000);
    let late = check(
        modules("[global]\ncomment = late\n").as_bytes(),
        FileKind::RsyncdConf,
    );
    let reaching = late.findings.iter().filter(|finding| finding.page.id == "RSY211");
    assert_eq!(reaching.count(), 1);
}

fn fired(report: &Report, rule: &str) -> usize {
    let findings = report.findings.iter();
    findings.filter(|finding| finding.page.id == rule).count()
}

/// Lines of two bytes, each of them wrong.
#[test]
fn memory_is_bounded_for_files_of_mistakes() {
    let size = 8 << 20;
    for (name, text, expected) in [
        ("rsyncd.conf", "=\n".repeat(size / 2), 1),
        ("rsyncd.conf", "x\n".repeat(size / 2), 1),
        // What is not read could give the module all that it lacks.
        ("rsyncd.conf", "[a]\n".repeat(size / 4), 3),
        ("confxml.xml", format!("<head {}>", "a=\"<".repeat(size / 4)), 3),
        (
            "small.confxml.xml",
            format!("<head {}>", "a=\"<".repeat(size / 40)),
            1,
        ),
        ("large.sh", "rsync -Z;".repeat(size / 10), 3),
        ("small.sh", "rsync -Z;".repeat(25_000), 1),
        ("calls.sh", format!("{}rsync -Z", "a;".repeat(100_000)), 1),
    ] {
        let folder = folder(&[(name, &text)]);
        let bounded = "ulimit -v 640000 && exec \"$0\" lint --format json \"$1\"";
        let status = Command::new("taskset")
            .args([
                "--cpu-list",
                &one_core(),
                "sh",
                "-c",
                bounded,
                env!("CARGO_BIN_EXE_rsyncctl"),
                name,
            ])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .status()
            .expect("a shell");
        assert_eq!(status.code(), Some(expected), "{:?}", &text[..10]);
    }
}

#[test]
fn comments_allow_what_is_only_counted_too() {
    let lines = "ignore errors\n".repeat(10_010);
    let file = |comment: &str| format!("{comment}[a]\npath = /a\n{lines}");
    let report = check(file("").as_bytes(), FileKind::RsyncdConf);
    assert_eq!(fired(&report, "RSY102"), 10_000);
    assert_eq!(report.not_kept.values().sum::<usize>(), 10);
    let allowed = file("# rsyncctl: allow-file RSY102 -- a test\n");
    let report = check(allowed.as_bytes(), FileKind::RsyncdConf);
    assert_eq!(report.suppressed, 10_010);
    assert!(report.not_kept.is_empty());
}

#[test]
fn a_hundred_thousand_elements_in_one_another_are_read() {
    let open = "<localpath watch='/x'>".repeat(100_000);
    let close = "</localpath>".repeat(100_000);
    for file in [
        format!("<head><sersync>{open}{close}</sersync></head>"),
        format!("<head><sersync>{open}"),
        format!("<head>{close}"),
    ] {
        all_formats(&check(file.as_bytes(), FileKind::Sersync));
    }
}

/// Large reports are written, and not read again.
fn all_formats(report: &Report) {
    let concise = write(report, Format::Concise, Language::English, 10);
    assert_eq!(concise.lines().count(), report.findings.len());
    for format in [Format::Human, Format::Json, Format::Sarif, Format::Github] {
        write(report, format, Language::Chinese, 10);
    }
}

/// What must hold of every report.
fn hold(report: &Report) {
    let count = report.findings.len();
    for finding in &report.findings {
        let is_inside = |span: Span| span.range().end <= report.sources.get(span.source).bytes().len();
        assert!(finding.labels.iter().all(|label| is_inside(label.span)));
        assert!(!finding.title(Language::Chinese).is_empty());
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let mut edits: Vec<_> = edits.map(|edit| edit.span).collect();
        edits.sort();
        assert!(edits.iter().all(|&span| is_inside(span)));
        // What one fix changes does not overlap.
        let are_apart = edits.windows(2).all(|pair| pair[0].end <= pair[1].start);
        assert!(are_apart, "{} {edits:?}", finding.page.id);
    }
    for language in [Language::English, Language::Chinese] {
        let concise = write(report, Format::Concise, language, 10);
        assert_eq!(concise.lines().count(), count);
        let json: Value = parsed(&write(report, Format::Json, language, 10));
        assert_eq!(json["diagnoses"].as_array().map(Vec::len), Some(count));
        let github = write(report, Format::Github, language, 10);
        assert!(github.lines().count() >= count);
        assert!(github.lines().all(|line| line.starts_with("::")));
        let human = write(report, Format::Human, language, 10);
        // Nothing of a file commands the terminal.
        assert!(
            !human.contains(|c: char| c.is_control() && c != '\n' && c != '\t'),
            "{human:?}"
        );
        let rules: BTreeSet<_> = report.findings.iter().map(|finding| finding.page.id).collect();
        assert!(rules.iter().all(|rule| human.contains(rule)), "{human}");
    }
    // It describes all rules, and so is long whatever the file.
    let sarif: Value = parsed(&write(report, Format::Sarif, Language::Chinese, 10));
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(count));
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Bytes and words on which the grammars turn.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let words: &[&[u8]] = &[
        b"[",
        b"]",
        b"=",
        b"\n",
        b"\r\n",
        b"\\\n",
        b"\\",
        b"\0",
        b" ",
        b"\t",
        b"#",
        b";",
        b":",
        b",",
        b"/",
        b"&include ",
        b"&merge ",
        b"<",
        b">",
        b"/>",
        b"</",
        b"\"",
        b"'",
        b"&amp;",
        b"&",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?xml",
        b"?>",
        b"head",
        b"sersync",
        b"localpath",
        b"<debug start=\"TRUE\"/>",
        b"path",
        b"read only",
        b"on",
        b"300.1.1.1",
        b"hosts allow",
        b"# rsyncctl: allow ",
        b"RSY102",
        b" until ",
        b"2020-01-01",
        b" -- ",
        b"\xff",
        b"\xe4\xb8",
        b"\xe4\xb8\xad",
        b"\xd6\xd0",
        b"\xc2\xa0",
        b"\x1b[31m",
        b"\xef\xbb\xbf",
        b"\xe2\x80\x8b",
        b"\xef\xbc\x9d",
        b"\xef\xbc\x83",
        b"\xe2\x80\x9c",
        b"\xe3\x80\x80",
        b"\xef\xbc",
        b"\xe2",
        b"a",
        b"%A%",
        b"[data]",
        b"[global]",
        b" = ",
        b" # ",
        b"path = /srv/data",
        b"10.0.0.1",
        b"refuse options = ",
        b"delete",
        b"exclude = ",
        b"max connections = ",
        b"-1",
        b"gid = root",
        b"use chroot = no",
        b"ignore errors",
        b"auth users",
        b"timeout",
        b"10 minutes",
        b"log file = /var/log/x",
        b"name = x",
        b"write only = yes",
        b"incoming chmod = ",
        b"charset = ",
        b"uid",
        b"no",
    ];
    let piece = prop::sample::select(words).prop_map(<[u8]>::to_vec);
    vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Configurations that are nearly right.
fn configuration() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<_> = Parameter::all()
        .map(Parameter::name)
        .chain(["host allow", "ignore errors", "read_only", "中文"])
        .collect();
    let values: &[&[u8]] = &[
        b"yes",
        b"no",
        b"on",
        b"",
        b"/srv/data",
        b"/",
        b"srv",
        b"10.0.0.0/8",
        b"300.1.1.1 ::1/200 *.lan",
        b"joe, @staff:rw",
        b"nobody",
        b"-1",
        b"99999999999",
        b"%HOME%",
        b"a \\\n b",
        b"\xe9\xe8",
        b"\xe4\xb8\xad # x",
        b"0600",
        b"\x1b[2J",
    ];
    let rules: Vec<_> = catalog::pages().iter().map(|page| page.id).collect();
    let line = prop_oneof![
        8 => (prop::sample::select(names), prop::sample::select(values)).prop_map(|(name, value)| {
            [b"    " as &[u8], name.as_bytes(), b" = ", value, b"\n"].concat()
        }),
        3 => "[a-z中]{0,3}".prop_map(|name| format!("[{name}]\n").into_bytes()),
        1 => prop::sample::select(rules).prop_map(|rule| {
            format!("# rsyncctl: allow {} until 2026-11-21 -- a test\n", rule).into_bytes()
        }),
        1 => Just(b"[global]\n".to_vec()),
        1 => Just(b"&include /etc/rsyncd.d\n".to_vec()),
        1 => Just(b"ignore errors\n".to_vec()),
        1 => vec(any::<u8>(), 0..12),
    ];
    vec(line, 0..40).prop_map(|lines| lines.concat())
}
