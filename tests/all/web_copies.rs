//! What copying from web pages and typing with Chinese keyboards leaves behind: told once, and cured.

use std::fs;

use crate::support::program::{folder, folder_of_bytes, rsyncctl, stdout};

/// The file after `--fix=unsafe`, and what is still wrong with it.
fn cured(name: &str, text: &[u8]) -> (String, String) {
    let folder = folder_of_bytes(&[(name, text)]);
    rsyncctl(&folder, &["lint", name, "--no-settings", "--fix=unsafe"]);
    let after = fs::read(folder.path().join(name)).expect("the file");
    let arguments = ["lint", name, "--no-settings", "--format", "concise"];
    let report = stdout(&rsyncctl(&folder, &arguments));
    (after.escape_ascii().to_string(), report)
}

#[test]
fn what_web_pages_do_to_a_configuration_is_cured() {
    const WANTED: &str = "[data]\npath = /srv/data\nhosts allow = 192.0.2.7\n";
    for text in [
        "[data]\npath = ／srv／data\nhosts allow = 192.0.2.7\n",
        "[data］\npath = /srv/data\nhosts allow = 192.0.2.7\n",
        "【data】\npath = /srv/data\nhosts allow = 192.0.2.7\n",
        "［data］\npath = /srv/data\nhosts allow = 192.0.2.7\n",
        "[data]\npath = \\srv\\data\nhosts allow = 192.0.2.7\n",
        "     1\t[data]\n     2\tpath = /srv/data\n     3\thosts allow = 192.0.2.7\n",
        "7 [data]\n8 path = /srv/data\n9 hosts allow = 192.0.2.7\n",
    ] {
        let (after, report) = cured("rsyncd.conf", text.as_bytes());
        assert_eq!(after, WANTED.as_bytes().escape_ascii().to_string(), "{text}");
        assert!(!report.contains("error"), "{text}: {report}");
    }
    let (after, report) = cured(
        "rsyncd.conf",
        b"[data]\n&nbsp;&nbsp;path = /srv/data\n  &nbsp;hosts allow = 192.0.2.7\n",
    );
    assert!(after.contains("[data]\\n path = /srv/data"), "{after}");
    assert!(!report.contains("error"), "{report}");
}

#[test]
fn numbers_are_told_once_and_nothing_is_commented_out_for_them() {
    let text = "     1\t[data]\n     2\tpath = /srv/data\n     3\thosts allow = 192.0.2.7\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let report = stdout(&rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "concise", "--fix"],
    ));
    assert_eq!(report.lines().count(), 1, "{report}");
    assert!(report.contains("error RSY116"), "{report}");
    let after = fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file");
    assert_eq!(after, text);
}

#[test]
fn wide_colons_and_quotes_of_secrets_are_cured() {
    for (line, wanted) in [
        ("kim：not-real-1".as_bytes(), "kim:not-real-1\n"),
        (b"kim\xa3\xbanot-real-1", "kim:not-real-1\n"),
        ("“bob”:not-real-1".as_bytes(), "bob:not-real-1\n"),
        (b"\"bob\":not-real-1", "bob:not-real-1\n"),
    ] {
        let (after, report) = cured("rsyncd.secrets", &[line, b"\n"].concat());
        assert_eq!(after, wanted.as_bytes().escape_ascii().to_string());
        assert!(!report.contains("RSY321"), "{report}");
    }
    // A password alone may hold anything.
    for line in ["密码：not-real-1", "not real：1", "：not-real-1"] {
        let (after, report) = cured("rsyncd.secrets", format!("{line}\n").as_bytes());
        assert_eq!(after, format!("{line}\n").as_bytes().escape_ascii().to_string());
        assert!(
            report.contains("RSY321") && !report.contains("not-real"),
            "{report}"
        );
    }
}

#[test]
fn curved_quotes_of_sersync_become_straight() {
    let text = "<head version=\"2.5\">\n<sersync>\n<localpath watch=“/srv/site”>\n\
        <remote ip=\"“192.0.2.21”\" name=\"site\"/>\n</localpath>\n\
        <rsync><auth start=“true” users=“a b”/></rsync>\n</sersync>\n</head>\n";
    let (after, _) = cured("confxml.xml", text.as_bytes());
    assert!(after.contains("watch=\\\"/srv/site\\\""), "{after}");
    assert!(after.contains("ip=\\\"192.0.2.21\\\""), "{after}");
    assert!(after.contains("start=\\\"true\\\""), "{after}");
}

#[test]
fn a_user_that_rsync_refuses_is_not_looked_for() {
    let folder = folder(&[
        (
            "rsyncd.conf",
            "[m]\npath = /srv/m\nauth users = #joe, bob\nsecrets file = rsyncd.secrets\n",
        ),
        ("rsyncd.secrets", "bob:not-real-1\n"),
    ]);
    let arguments = ["lint", "rsyncd.conf", "rsyncd.secrets", "--format", "concise"];
    let report = stdout(&rsyncctl(&folder, &arguments));
    assert!(report.contains("error RSY341"), "{report}");
    assert!(!report.contains("RSY315"), "{report}");
}
