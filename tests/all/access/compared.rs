//! Two files compared.

use std::{fs, process::Command};

use insta::assert_snapshot;

use super::CONFIGURATION;
use crate::support::program::{folder, rsyncctl, stderr, stdout};

#[test]
fn users_who_gain_are_named_where_two_files_are_compared() {
    let text = |users: &str| format!("[m]\npath = /srv\nauth users = {users}\nsecrets file = /s\n");
    let folder = folder(&[("old.conf", &text("joe")), ("new.conf", &text("joe, ann"))]);
    // The shell gives the output of a command as a file that can be read once.
    let command = "cat old.conf | \"$0\" access --compare /dev/fd/0 new.conf";
    let output = Command::new("sh")
        .args(["-c", command, env!("CARGO_BIN_EXE_rsyncctl")])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert_snapshot!(stdout(&output), @r"
    m                    0.0.0.0/0: with a password (read only: joe) -> with a password (read only: joe, ann)
    m                    ::/0: with a password (read only: joe) -> with a password (read only: joe, ann)
    ");
}

#[test]
fn access_compares_two_files() {
    let new = CONFIGURATION
        .replace("hosts deny = 0.0.0.0/32\n", "")
        .replace("10.0.0.0/255.0.0.0", "10.0.0.0/9")
        .replace("[open]", "[opened]");
    let folder = folder(&[("old.conf", CONFIGURATION), ("new.conf", &new)]);
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "new.conf"]);
    assert_snapshot!(stdout(&output), @r"
    open                 0.0.0.0/0: read and write -> nothing
    open                 ::/0: read and write -> nothing
    lan                  10.128.0.0/9: with a password (read and write: joe, ann; denied: guest; read only: @staff) -> nothing
    trap                 0.0.0.1 - 192.0.2.6 (36 networks): read only -> nothing
    trap                 192.0.2.8 - 255.255.255.255 (26 networks): read only -> nothing
    trap                 ::/0: read only -> nothing
    opened               0.0.0.0/0: nothing -> read and write
    opened               ::/0: nothing -> read and write
    ");
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "old.conf"]);
    assert_eq!(
        stdout(&output),
        "by the host lists, the users and the rights of the modules, nobody gains or loses access\n"
    );
}

#[test]
fn a_rule_of_auth_users_may_give_more_than_the_module_or_less() {
    let text = "\
[backup]
path = /srv
auth users = alice:rw, bob, guest:deny
secrets file = /etc/secrets
[same]
path = /srv
auth users = joe, ann
secrets file = /etc/secrets
[nobody]
path = /srv
auth users = ,
";
    let folder = folder(&[("rsyncd.conf", text)]);
    let output = rsyncctl(&folder, &["access", "rsyncd.conf"]);
    assert_snapshot!(stdout(&output), @r"
    backup
      from: every IPv4, every IPv6
      users: alice:rw, bob, guest:deny
      rights: read and write: alice; read only: bob; denied: guest
      listed: yes
    same
      from: every IPv4, every IPv6
      users: joe, ann
      rights: read only
      listed: yes
    nobody
      from: every IPv4, every IPv6
      users: no name is accepted
      rights: nobody can log in
      listed: yes
    ");
    let output = rsyncctl(
        &folder,
        &["access", "rsyncd.conf", "--from", "::1", "--module", "backup"],
    );
    assert!(
        stdout(&output).contains("read and write: alice; read only: bob; denied: guest"),
        "{}",
        stdout(&output)
    );
    fs::write(folder.path().join("new.conf"), text.replace("bob", "bob:rw")).expect("a file");
    let output = rsyncctl(&folder, &["access", "--compare", "rsyncd.conf", "new.conf"]);
    assert_snapshot!(stdout(&output), @r"
    backup               0.0.0.0/0: with a password (read and write: alice; read only: bob; denied: guest) -> with a password (read and write: alice, bob; denied: guest)
    backup               ::/0: with a password (read and write: alice; read only: bob; denied: guest) -> with a password (read and write: alice, bob; denied: guest)
    ");
}

#[test]
fn files_that_are_not_read_to_their_end_are_not_compared() {
    let folder = folder(&[
        ("sound.conf", "[data]\npath = /srv\n"),
        ("broken.conf", "[data]\npath = /srv\n[other\n"),
        ("unseen.conf", "[data]\npath = /srv\n&include /etc/more.conf\n"),
    ]);
    for (old, new, told) in [
        (
            "sound.conf",
            "broken.conf",
            "broken.conf:3: rsync gives up the file here, and serves nothing",
        ),
        (
            "broken.conf",
            "sound.conf",
            "broken.conf:3: rsync gives up the file here, and serves nothing",
        ),
        ("sound.conf", "unseen.conf", "`/etc/more.conf` was not read: "),
        ("unseen.conf", "sound.conf", "`/etc/more.conf` was not read: "),
    ] {
        let output = rsyncctl(&folder, &["access", "--compare", old, new]);
        assert_eq!(output.status.code(), Some(3), "{old} {new}");
        assert_eq!(stdout(&output), "", "{old} {new}");
        assert!(stderr(&output).contains(told), "{old} {new}: {}", stderr(&output));
        assert!(
            stderr(&output).contains("cannot be told before both files are read to their end"),
            "{old} {new}: {}",
            stderr(&output)
        );
    }
    let output = rsyncctl(&folder, &["access", "broken.conf", "--from", "::1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("denied  rsync gives up the file"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_module_that_only_the_new_file_has_can_be_compared() {
    let folder = folder(&[
        ("old.conf", ""),
        ("new.conf", "[data]\npath = /srv\nhosts allow = ::1\n"),
    ]);
    let output = rsyncctl(
        &folder,
        &["access", "--compare", "old.conf", "new.conf", "--module", "data"],
    );
    assert_eq!(
        stdout(&output),
        "data                 ::1/128: nothing -> read only\n"
    );
}

#[test]
fn the_files_to_compare_come_in_the_order_of_time() {
    let folder = folder(&[("old.conf", ""), ("new.conf", "[data]\npath = /srv\n")]);
    for arguments in [
        &["access", "old.conf", "--compare", "new.conf"][..],
        &["access", "--compare", "new.conf"],
        &["access", "--compare", "old.conf", "new.conf", "other.conf"],
        &["access", "--compare", "old.conf", "new.conf", "--from", "::1"],
    ] {
        let output = rsyncctl(&folder, arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            stdout(&output)
        );
        assert!(
            stderr(&output).contains("--compare <OLD> <NEW>"),
            "{}",
            stderr(&output)
        );
    }
}
