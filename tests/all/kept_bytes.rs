//! What a cure keeps: the meaning of the line, every byte of a note, and how the file's lines end.

use std::fs;

use crate::support::program::{folder_of_bytes, rsyncctl, stdout};

/// The file after `--fix` or `--fix=unsafe`.
fn fixed(text: &[u8], level: &str) -> Vec<u8> {
    let folder = folder_of_bytes(&[("rsyncd.conf", text)]);
    rsyncctl(&folder, &["lint", "rsyncd.conf", "--no-settings", level]);
    fs::read(folder.path().join("rsyncd.conf")).expect("the file")
}

fn concise(text: &[u8]) -> String {
    let folder = folder_of_bytes(&[("rsyncd.conf", text)]);
    let arguments = ["lint", "rsyncd.conf", "--no-settings", "--format", "concise"];
    stdout(&rsyncctl(&folder, &arguments))
}

fn module(line: &[u8]) -> Vec<u8> {
    [b"[m]\npath = /srv/m\nhosts allow = 192.0.2.7\n", line, b"\n"].concat()
}

#[test]
fn a_switch_with_a_value_is_not_turned_round() {
    for (line, cured) in [
        // A wide colon, in GBK and in UTF-8.
        (&b"list\xa3\xbano"[..], &b"list = no"[..]),
        ("list：no".as_bytes(), b"list=no"),
        (b"list \xa3\xba no", b"list = no"),
        (b"list\xa3\xbdno", b"list = no"),
        (b"list\xa1\xa1no", b"list = no"),
        (b"read only\xa3\xbayes", b"read only = yes"),
        // A note of several words, whatever its bytes.
        (b"list \xba\xf6\xc2\xd4", b"# \xba\xf6\xc2\xd4\nlist = yes"),
        ("list   列出".as_bytes(), "# 列出\nlist = yes".as_bytes()),
    ] {
        let after = fixed(&module(line), "--fix=unsafe");
        let wanted = module(cured);
        assert_eq!(
            after.escape_ascii().to_string(),
            wanted.escape_ascii().to_string()
        );
    }
    // What may say no does not become yes.
    for line in [
        "list 否".as_bytes(),
        "list 关闭".as_bytes(),
        "list （no）".as_bytes(),
        "list 是否：off".as_bytes(),
        b"list \xb7\xf1",
        b"list\xba\xf6",
    ] {
        let text = module(line);
        assert_eq!(fixed(&text, "--fix=unsafe"), text, "{}", line.escape_ascii());
        assert!(concise(&text).contains("RSY102"), "{}", line.escape_ascii());
    }
}

#[test]
fn cures_of_lines_that_ran_together_keep_bytes() {
    let text = b"[m]\npath = /srv/\xba\xf6 # \xc2\xd4 read only = no # \xb7\xf1\nhosts allow = 192.0.2.7\n";
    let after = fixed(text, "--fix=unsafe");
    assert_eq!(
        after.escape_ascii().to_string(),
        b"[m]\n# \xc2\xd4\npath = /srv/\xba\xf6\n# \xb7\xf1\nread only = no\nhosts allow = 192.0.2.7\n"
            .escape_ascii()
            .to_string()
    );
    let text = b"[m] # \xba\xf6 path = /srv/m\nhosts allow = 192.0.2.7\nauth users = j\xf6e;ann\nsecrets file = /s\n";
    let after = fixed(text, "--fix=unsafe");
    assert_eq!(
        after.escape_ascii().to_string(),
        b"[m]\n# \xba\xf6\npath = /srv/m\nhosts allow = 192.0.2.7\nauth users = j\xf6e, ann\nsecrets file = /s\n"
            .escape_ascii()
            .to_string()
    );
}

#[test]
fn a_guard_under_another_name_is_named() {
    for (line, cured) in [
        ("host allow: 192.168.1.*", "hosts allow = 192.168.1.*"),
        ("hosts-allow: 192.0.2.1", "hosts allow = 192.0.2.1"),
        ("auth_users joe", "auth users = joe"),
    ] {
        let text = format!("[m]\npath = /srv/m\n{line}\nsecrets file = /s\n");
        let report = concise(text.as_bytes());
        let name = cured.split(" =").next().expect("a name");
        let found = report.lines().find(|line| line.contains("RSY102")).expect("it");
        assert!(found.contains("error") && found.contains(name), "{found}");
        let untouched = fixed(text.as_bytes(), "--fix");
        assert_eq!(String::from_utf8_lossy(&untouched), text);
    }
    // The daemon's other lines are no such thing.
    let prose = concise(b"[m]\npath = /srv/m\nhosts allow = 192.0.2.7\nallow these: all of them\n");
    assert!(prose.contains("warning RSY102"), "{prose}");
}

#[test]
fn new_lines_end_as_the_others_do() {
    for (text, level, wanted) in [
        (
            "[m]\r\npath = /srv/m\r\nhosts allow = 192.0.2.7\r\ntimeout = 60 # x\r\n",
            "--fix",
            "[m]\r\npath = /srv/m\r\nhosts allow = 192.0.2.7\r\n# x\r\ntimeout = 60\r\n",
        ),
        (
            "[m]\r\npath = /srv/m\r\nhosts allow = 192.0.2.7\r\ngid = rootuse chroot = notimeout = 80",
            "--fix=unsafe",
            "[m]\r\npath = /srv/m\r\nhosts allow = 192.0.2.7\r\ngid = root\r\nuse chroot = no\r\ntimeout = 80",
        ),
        (
            "[m]\npath = /srv/m\nhosts allow = 192.0.2.7\ntimeout = 60 # x\r\n",
            "--fix",
            "[m]\npath = /srv/m\nhosts allow = 192.0.2.7\n# x\r\ntimeout = 60\r\n",
        ),
    ] {
        let after = fixed(text.as_bytes(), level);
        assert_eq!(String::from_utf8_lossy(&after), wanted);
    }
}

#[test]
fn a_cure_makes_no_fault_of_its_own() {
    for (line, cured) in [
        ("auth users = joe；ann", "auth users = joe,ann"),
        ("auth users = joe｜ann", "auth users = joe,ann"),
        (
            "refuse options = delete，checksum",
            "refuse options = delete checksum",
        ),
        ("hosts deny = *；192.0.2.9", "hosts deny = *,192.0.2.9"),
    ] {
        let text = format!("[m]\npath = /srv/m\nhosts allow = 192.0.2.7\nsecrets file = /s\n{line}\n");
        let after = fixed(text.as_bytes(), "--fix");
        assert_eq!(String::from_utf8_lossy(&after), text.replace(line, cured));
    }
}
