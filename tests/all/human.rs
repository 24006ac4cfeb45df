//! What people see: the underline stands under the right characters, and no password is shown.

use rsyncctl::{
    catalog::{FileKind, Language},
    render::Format,
};
use textwrap::core::display_width;

use crate::support::report::{check, check_for, write};

/// The rules whose findings these tests look at, whatever else there is to say.
const RULES: [&str; 6] = ["RSY101", "RSY102", "RSY103", "RSY202", "RSY303", "RSY402"];

#[test]
fn underlines_stand_under_the_right_characters() {
    let cases: &[(&[u8], &str)] = &[
        (b"hosts allow = 300.1.1.1", "300.1.1.1"),
        // Latin-1
        (b"hosts allow = caf\xe9 \xe9\xe8 300.1.1.1 x", "300.1.1.1"),
        // GBK
        (b"hosts allow = \xd6\xd0\xce\xc4 300.1.1.1", "300.1.1.1"),
        // A stray byte, and a character that is cut short.
        (b"hosts allow = \xff 300.1.1.1 \xff", "300.1.1.1"),
        (b"hosts allow = \xe4\xb8 300.1.1.1", "300.1.1.1"),
        // Wide characters, characters without a width, tabs.
        ("hosts allow = 中文 300.1.1.1".as_bytes(), "300.1.1.1"),
        ("host 中文 allow = ::1".as_bytes(), "host 中文 allow"),
        (
            "hosts allow = e\u{301}\u{200b}x 300.1.1.1".as_bytes(),
            "300.1.1.1",
        ),
        (b"\thosts allow =\t300.1.1.1\tx", "300.1.1.1"),
        ("\thosts allow = 中\t文\t300.1.1.1".as_bytes(), "300.1.1.1"),
        (b"read only = o\x07n", "o·n"),
        (b"hosts allow = a\x0cb 300.1.1.1\r", "300.1.1.1"),
    ];
    for (line, expected) in cases {
        for context in ["", "# 中文\t", "# \u{feff}"] {
            let file = [b"[a]\npath = /x\n" as &[u8], line, b"\n", context.as_bytes()].concat();
            let text = human(&file, FileKind::RsyncdConf, 0);
            assert_eq!(underlined(&text), [*expected], "{text}");
        }
    }
}

#[test]
fn long_lines_are_cut_around_the_place() {
    for filler in ["10.0.0.1 ", "中文 ", "\u{e9}"] {
        for (before, after) in [(0, 1000), (1000, 0), (500, 500), (27, 0), (30, 30)] {
            let line = format!(
                "[a]\npath = /x\nhosts allow = {} 300.1.1.1 {}\n",
                filler.repeat(before),
                filler.repeat(after)
            );
            let text = human(line.as_bytes(), FileKind::RsyncdConf, 0);
            assert_eq!(underlined(&text), ["300.1.1.1"], "{text}");
            let column = line.lines().nth(2).and_then(|line| line.find("300"));
            let start = line.find("hosts").expect("a line");
            let column = line[start..start + column.expect("an address")].chars().count() + 1;
            assert!(text.contains(&format!("[rsyncd.conf:3:{column}]")), "{text}");
            assert!(text.lines().all(|line| line.len() < 400), "{text}");
        }
    }
}

#[test]
fn places_far_apart_are_shown_apart() {
    let file = format!("[a]\npath = /x\nignore errors\n{}[x", "# filler\n".repeat(50));
    let text = human(file.as_bytes(), FileKind::RsyncdConf, 0);
    assert_eq!(underlined(&text), ["ignore errors", "[x"]);
}

#[test]
fn passwords_are_not_shown() {
    let secrets = "# users\nbackup:fake-zebra\nfake-walrus\n# rsyncctl: allow RSY000\njoe:fake-heron\n";
    for language in [Language::English, Language::Chinese] {
        let report = check(secrets.as_bytes(), FileKind::Secrets);
        assert_eq!(report.findings.len(), 2);
        for format in [
            Format::Human,
            Format::Concise,
            Format::Json,
            Format::Sarif,
            Format::Github,
        ] {
            let text = write(&report, format, language, 0);
            for password in ["zebra", "walrus", "heron"] {
                assert!(!text.contains(password), "{text}");
            }
        }
        let text = write(&report, Format::Human, language, 0);
        assert!(
            text.contains("backup:****") && text.contains("# rsyncctl: allow"),
            "{text}"
        );
        assert_eq!(underlined(&text)[0], "*".repeat("fake-walrus".len()));
    }
    for password in ["backup:not-a-password\n", "#backup:not-a-password\n"] {
        let text = human(password.as_bytes(), FileKind::Password, 0);
        assert!(!text.contains("not-a"), "{text}");
    }
}

#[test]
fn long_lists_are_cut_unless_all_is_asked_for() {
    let file: String = (0..30)
        .map(|n| format!("[m{n}]\npath = /srv/{n}\nignore errors\n"))
        .collect();
    let text = human(file.as_bytes(), FileKind::RsyncdConf, 10);
    assert_eq!(underlined(&text).len(), 10);
    assert!(
        text.contains("RSY102: 20 more like it (--limit 0 shows all)"),
        "{text}"
    );
    assert!(text.contains("  and 20 more (--limit 0 shows all)"), "{text}");
    let text = human(file.as_bytes(), FileKind::RsyncdConf, 0);
    assert_eq!(underlined(&text).len(), 30);
    assert!(
        text.contains("- /srv/29 (RSY402)") && !text.contains("more"),
        "{text}"
    );
}

fn human(file: &[u8], kind: FileKind, limit: usize) -> String {
    let report = check_for(file, kind, &RULES);
    write(&report, Format::Human, Language::English, limit)
}

/// The texts above the underlines, found as a terminal shows them: by columns.
fn underlined(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| {
            let source = pair[0].split_once('│')?.1;
            let line = pair[1].split_once('·')?.1;
            let start = line.find(['─', '┬'])?;
            let mark = &line[start..];
            let end = mark.find(|c| !matches!(c, '─' | '┬')).unwrap_or(mark.len());
            let first = display_width(&line[..start]);
            let last = first + display_width(&mark[..end]);
            let mut column = 0;
            let under = source.chars().filter(|c| {
                let here = column;
                column += display_width(c.encode_utf8(&mut [0; 4]));
                here >= first && here < last
            });
            Some(under.collect())
        })
        .collect()
}
