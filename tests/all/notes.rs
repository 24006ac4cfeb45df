//! Notes behind values: what each does to the daemon, and what else is wrong with their lines.

use crate::support::program::{folder, rsyncctl, stdout};

fn concise(text: &str) -> String {
    let folder = folder(&[("rsyncd.conf", text)]);
    let arguments = ["lint", "rsyncd.conf", "--no-settings", "--format", "concise"];
    stdout(&rsyncctl(&folder, &arguments))
}

#[test]
fn a_note_hides_nothing_that_is_wrong_without_it() {
    for (line, rules) in [
        // Every client is told that the limit is reached.
        (
            "max connections = -1 # unlimited",
            &["error RSY217", "info RSY201"][..],
        ),
        // No number at all: the daemon has no timeout.
        ("timeout = ten # x", &["warning RSY204"]),
        ("timeout = 10 minutes # x", &["warning RSY204"]),
        ("timeout = 99999999999 # x", &["warning RSY204"]),
        ("port = 8730 # x", &["warning RSY209", "info RSY201"]),
        ("auth users = joe # our user", &["RSY311", "warning RSY201"]),
        ("port = \"8730\"", &["warning RSY209"]),
        ("port = ８７３０", &["warning RSY209"]),
    ] {
        let report = concise(&format!("[m]\npath = /srv/m\nhosts allow = 192.0.2.7\n{line}\n"));
        for rule in rules {
            assert!(report.contains(rule), "{line}: {rule}: {report}");
        }
    }
    let harmless = concise("[m]\npath = /srv/m\nhosts allow = 192.0.2.7\ntimeout = 600 # x\n");
    assert!(harmless.contains("info RSY201"), "{harmless}");
    assert!(!harmless.contains("RSY204"), "{harmless}");
}

#[test]
fn a_note_that_shuts_the_module_is_an_error() {
    let users = "auth users = joe\nsecrets file = /srv/secrets\n";
    for (lines, severity) in [
        (format!("{users}auth digest = sha256 # x"), "error"),
        // Nobody is asked for a password.
        ("auth digest = sha256 # x".to_owned(), "warning"),
        ("charset = UTF-8 # x".to_owned(), "error"),
        ("filter = - *.o # x".to_owned(), "error"),
        ("exclude = *.o # x".to_owned(), "warning"),
    ] {
        let report = concise(&format!("[m]\npath = /srv/m\nhosts allow = 192.0.2.7\n{lines}\n"));
        assert!(
            report.contains(&format!("{severity} RSY201")),
            "{lines}: {report}"
        );
    }
}
