//! Lines that a daemon goes on without are no success, although nothing fails.

use super::{has_rsync, report, stage, stdout, tried, write};

#[test]
fn lines_that_the_daemon_ignores_are_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("hosts alow = 10.0.0.1\n[m]\npath = $ROOT/files\nno line at all\ncommnt = 备份\n");
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let expected = serde_json::json!(["hosts alow", "no line at all", "commnt"]);
    assert_eq!(report["ignored"], expected, "{report:#}");
    let told = stdout(&tried(&folder, &[]));
    let first =
        "rsyncd.conf: the daemon ignores 3 lines of the file: `hosts alow`, `no line at all`, `commnt`\n";
    assert!(told.starts_with(first), "{told}");
    let last = "type next: rsyncctl lint --kind rsyncd.conf rsyncd.conf\n";
    assert!(told.ends_with(last), "{told}");
}

#[test]
fn what_is_no_configuration_is_no_success() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "\u{1}x\u{2}\nsome prose, and more\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["summary"]["works"], 0, "{report:#}");
}

/// An editor does not show the mark, so it is named.
#[test]
fn a_byte_order_mark_is_named() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    write(folder.path(), "rsyncd.conf", "\u{feff}[m]\npath = $ROOT/files\n");
    let output = tried(&folder, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let first = "rsyncd.conf: the daemon ignores 1 line of the file: `[m]` behind a byte order mark, which no editor shows (RSY109)\n";
    assert!(stdout(&output).starts_with(first), "{output:?}");
}
