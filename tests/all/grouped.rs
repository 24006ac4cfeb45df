//! What is told once for many modules counts for each of them: in comments, in baselines, and beside other causes.

use std::fs;

use crate::support::program::{folder, rsyncctl, stderr, stdout};

const RULES: &str = "RSY506,RSY601,RSY602,RSY002";

fn concise(text: &str, more: &[&str]) -> (Vec<String>, Option<i32>) {
    let folder = folder(&[("rsyncd.conf", text)]);
    let common = ["lint", "rsyncd.conf", "--no-settings", "--format", "concise"];
    let output = rsyncctl(&folder, &[&common[..], more].concat());
    let lines = stdout(&output).lines().map(str::to_owned).collect();
    (lines, output.status.code())
}

#[test]
fn a_comment_counts_for_its_module_alone() {
    for (rule, global, own) in [
        (
            "RSY506",
            "timeout = 60\nmax connections = 4\n",
            "hosts allow = ::1\n",
        ),
        ("RSY601", "max connections = 4\n", ""),
        ("RSY602", "timeout = 60\n", ""),
    ] {
        let comment = format!("# rsyncctl: allow {rule} -- meant\n");
        let module = |name: &str, comment: &str| format!("{comment}[{name}]\npath = /srv/{name}\n{own}");
        let report = |comments: [bool; 3]| {
            let mut text = global.to_owned();
            for (name, has_comment) in ["a", "b", "c"].into_iter().zip(comments) {
                text += &module(name, if has_comment { &comment } else { "" });
            }
            concise(&text, &["--select", RULES])
        };
        let (lines, code) = report([false; 3]);
        assert_eq!((lines.len(), code), (1, Some(0)), "{lines:?}");
        assert!(lines[0].contains("module `a` and 2 more "), "{lines:?}");
        let (lines, code) = report([false, true, false]);
        assert_eq!((lines.len(), code), (1, Some(0)), "{lines:?}");
        assert!(lines[0].contains("module `a` and 1 more "), "{lines:?}");
        let (lines, code) = report([true, false, false]);
        assert_eq!((lines.len(), code), (1, Some(0)), "{lines:?}");
        assert!(lines[0].contains("module `b` and 1 more "), "{lines:?}");
        let (lines, code) = report([true, false, true]);
        assert_eq!((lines.len(), code), (1, Some(0)), "{lines:?}");
        assert!(
            lines[0].contains("module `b` ") && !lines[0].contains("more"),
            "{lines:?}"
        );
        assert_eq!(report([true; 3]), (Vec::new(), Some(0)));
    }
}

#[test]
fn a_baseline_knows_each_module() {
    let module = |name: &str| format!("[{name}]\npath = /srv/{name}\nhosts allow = ::1\n");
    let folder = folder(&[("rsyncd.conf", &["a", "b"].map(module).concat())]);
    let lint = |more: &[&str]| {
        let common = [
            "lint",
            "rsyncd.conf",
            "--baseline",
            "known",
            "--format",
            "concise",
            "--select",
            "RSY506,RSY601,RSY602,RSY005",
        ];
        rsyncctl(&folder, &[&common[..], more].concat())
    };
    let set = |text: String| fs::write(folder.path().join("rsyncd.conf"), text).expect("a file");
    let output = lint(&["--write-baseline"]);
    assert_eq!(stderr(&output), "rsyncctl: known: 6 findings, 6 of them new\n");
    assert_eq!(stdout(&lint(&[])), "");
    // A new module is new, wherever it stands.
    for text in [
        ["a", "b", "c"].map(module).concat(),
        ["c", "a", "b"].map(module).concat(),
        ["a", "c", "b"].map(module).concat(),
    ] {
        set(text);
        let report = stdout(&lint(&[]));
        assert_eq!(report.lines().count(), 3, "{report}");
        assert!(
            report.lines().all(|line| line.contains("module `c` ")),
            "{report}"
        );
    }
    // One that is gone leaves only its own entries behind.
    set(module("b"));
    let report = stdout(&lint(&[]));
    assert_eq!(report.lines().count(), 3, "{report}");
    assert!(report.lines().all(|line| line.contains("RSY005")), "{report}");
    lint(&["--update-baseline"]);
    assert_eq!(stdout(&lint(&[])), "");
}

#[test]
fn a_cause_in_one_module_explains_nothing_in_another() {
    let text = "max connections = 4\n[a]\npath = /srv/a\ntimeout = ten\n[b]\npath = /srv/b\n";
    let (lines, _) = concise(text, &["--select", "RSY204,RSY601"]);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("RSY601") && lines[1].contains("module `b` "),
        "{lines:?}"
    );
}
