//! What `--format github` writes is what GitHub's workflows read as annotations.

use crate::support::program::{folder, rsyncctl, stdout};

#[test]
fn findings_are_annotations() {
    let folder = folder(&[(
        "50%,a:b.rsyncd.conf",
        "[data]\npath = /srv/data\nread only = 100%\n[x\n\ny = z\n",
    )]);
    let output = rsyncctl(
        &folder,
        &[
            "lint",
            "50%,a:b.rsyncd.conf",
            "--format",
            "github",
            "--select",
            "RSY202,RSY402",
        ],
    );
    let text = stdout(&output);
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "::error file=50%25%2Ca%3Ab.rsyncd.conf,line=3,endLine=3,col=13,endColumn=17,\
             title=RSY202 malformed-boolean::`100%25` is not a boolean, so `read only` stays `yes`%0A\
             why: the daemon logs `Badly formed boolean` and keeps the value that held before%0A\
             clients will see: `ERROR: module is read only` (exit code 1)%0A\
             cure: write yes, true or 1, or else no, false or 0, and nothing behind it"
        )
    );
    let notice = "::notice title=not checked::the file is judged without a machine";
    assert!(text.contains(notice), "{text}");
    assert!(text.contains("%0A/srv/data (RSY402)"), "{text}");
    assert!(lines.all(|line| line.starts_with("::")), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn columns_are_left_out_where_lines_differ() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\nread only = of\\\nf\n")]);
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "github", "--select", "RSY202"],
    );
    let text = stdout(&output);
    assert!(
        text.starts_with("::error file=rsyncd.conf,line=3,endLine=4,title=RSY202"),
        "{text}"
    );
}

#[test]
fn long_lists_of_what_was_not_checked_are_cut() {
    let modules: String = (0..8)
        .map(|n| format!("[m{n}]\npath = /srv/{n}\nhosts allow = ::1\n"))
        .collect();
    let folder = folder(&[("rsyncd.conf", &modules)]);
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "github", "--select", "RSY402"],
    );
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.ends_with("/srv/4 (RSY402)%0Aand 3 more\n"), "{text}");
}
