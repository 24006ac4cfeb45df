//! `config` and `access` as a user runs them.

mod compared;

use insta::assert_snapshot;

use crate::support::program::{folder, rsyncctl, stderr, stdout};

const CONFIGURATION: &str = "\
port = 8730
read only = no
[open]
path = /srv/open/
[lan]
path = /srv/lan
hosts allow = 192.168.2.1/24 10.0.0.0/255.0.0.0
auth users = joe, guest:deny, @staff:ro, ann:rw
secrets file = /etc/secrets
[trap]
path = /srv/trap
read only = yes
hosts allow = 192.0.2.7
hosts deny = 0.0.0.0/32
[Names]
path = /srv/names
hosts allow = *.example.org
[global]
comment = late
";

#[test]
fn config_shows_what_holds_and_why() {
    let folder = folder(&[("rsyncd.conf", CONFIGURATION)]);
    let output = rsyncctl(&folder, &["config", "rsyncd.conf", "--module", "open"]);
    assert_snapshot!(stdout(&output), @r"
    [open]
      comment = late    ← rsyncd.conf:19 (global, though it stands after the module)
      path = /srv/open  ← rsyncd.conf:4
      read only = no    ← rsyncd.conf:2 (global)
    ");
    let output = rsyncctl(&folder, &["config", "rsyncd.conf", "--module", "names"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        error,
        "rsyncctl: there is no module `names`; clients must spell it `Names`\n"
    );
}

#[test]
fn access_lists_who_reaches_what() {
    let folder = folder(&[("rsyncd.conf", CONFIGURATION)]);
    assert_snapshot!(stdout(&rsyncctl(&folder, &["access", "rsyncd.conf"])), @r"
    open
      from: every IPv4, every IPv6
      users: nobody is asked for a name
      rights: read and write
      listed: yes
    lan
      from: 10.0.0.0/8, 192.168.2.0/24
      users: joe, guest:deny, @staff:ro, ann:rw
      rights: read and write: joe, ann; denied: guest; read only: @staff
      listed: yes
    trap
      from: every IPv4 except 0.0.0.0/32, every IPv6
      users: nobody is asked for a name
      rights: read only
      listed: yes
    Names
      perhaps: every IPv4, every IPv6, if the name service says so: *.example.org
      users: nobody is asked for a name
      rights: read and write
      listed: yes
    ");
}

#[test]
fn access_answers_for_one_peer_with_the_line_that_decides() {
    let folder = folder(&[("rsyncd.conf", CONFIGURATION)]);
    for (arguments, code, text) in [
        (
            &["--module", "lan", "--from", "10.1.2.3", "--user", "joe"][..],
            0,
            "read and write",
        ),
        (
            &["--module", "lan", "--from", "10.1.2.3", "--user", "guest"],
            1,
            "auth users `guest:deny`",
        ),
        (
            &["--module", "lan", "--from", "10.1.2.3", "--user", "ann"],
            3,
            "depends on the server's groups",
        ),
        (
            &["--module", "lan", "--from", "172.16.0.1"],
            1,
            "not in `hosts allow`",
        ),
        (
            &["--module", "lan", "--from", "::ffff:10.1.2.3"],
            0,
            "rsyncd.conf:7: hosts allow `10.0.0.0/255.0.0.0`",
        ),
        (
            &["--module", "trap", "--from", "203.0.113.9"],
            0,
            "in neither list, which lets a peer in; rsyncd.conf:12: read only = yes",
        ),
        (
            &["--module", "lan", "--from", "10.1.2.3", "--user", "guest"],
            1,
            "rsyncd.conf:8: auth users `guest:deny`",
        ),
        (
            &["--module", "Names", "--from", "203.0.113.9"],
            3,
            "depends on the name service",
        ),
        (
            &["--module", "Names", "--from", "203.0.113.9,a.example.org"],
            0,
            "`*.example.org`",
        ),
        (
            &["--module", "Names", "--from", "203.0.113.9,a.example.com"],
            1,
            "not in `hosts allow`",
        ),
    ] {
        let arguments = [&["access", "rsyncd.conf"], arguments].concat();
        let output = rsyncctl(&folder, &arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stdout(&output)
        );
        assert!(
            stdout(&output).contains(text),
            "{arguments:?}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn a_module_that_nobody_can_use_is_told() {
    let guarded = "[m]\npath = /srv\nauth users = joe\n";
    let shut = "[m]\npath = /srv\nmax connections = -1\n";
    let folder = folder(&[
        ("guarded.conf", guarded),
        ("shut.conf", shut),
        ("open.conf", "[m]\npath = /srv\n"),
    ]);
    for (file, arguments, text) in [
        (
            "guarded.conf",
            &["--from", "::1", "--user", "joe"][..],
            "there is no `secrets file`",
        ),
        ("guarded.conf", &[], "nobody can log in"),
        (
            "shut.conf",
            &["--from", "::1"],
            "denied  shut.conf:3: max connections = -1",
        ),
        (
            "shut.conf",
            &[],
            "from: nobody (shut.conf:3: max connections = -1)",
        ),
    ] {
        let output = rsyncctl(&folder, &[&["access", file], arguments].concat());
        assert!(stdout(&output).contains(text), "{file}: {}", stdout(&output));
    }
    for (old, text) in [
        ("guarded.conf", "with a password (nobody can log in) -> read only"),
        ("shut.conf", "nothing -> read only"),
    ] {
        let output = rsyncctl(&folder, &["access", "--compare", old, "open.conf"]);
        assert!(stdout(&output).contains(text), "{old}: {}", stdout(&output));
    }
}

#[test]
fn a_file_without_modules_is_told() {
    let folder = folder(&[("rsyncd.conf", "path = /srv\n")]);
    for arguments in [
        &["access", "rsyncd.conf"][..],
        &["access", "rsyncd.conf", "--from", "::1"],
    ] {
        let output = rsyncctl(&folder, arguments);
        assert!(
            stderr(&output).contains("the file has no modules"),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn what_an_unread_merge_may_change_is_in_doubt() {
    let text =
        "[data]\npath = /srv/data\nread only = no\n&merge /etc/lists.inc\n[other]\npath = /srv/other\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let answer = |arguments: &[&str]| {
        let output = rsyncctl(&folder, &[arguments, &["--host", "none"]].concat());
        assert!(stderr(&output).contains("/etc/lists.inc"), "{}", stderr(&output));
        (output.status.code(), stdout(&output))
    };
    let (code, verdicts) = answer(&["access", "rsyncd.conf", "--from", "::1"]);
    assert_eq!(code, Some(3));
    assert_snapshot!(verdicts, @r"
    data                 depends on what was not read  it may set this module's host lists
    other                read only  there are no host lists
    ");
    let (_, table) = answer(&["access", "rsyncd.conf"]);
    assert_eq!(table.matches("in doubt: ").count(), 1, "{table}");
    let (_, sections) = answer(&["config", "rsyncd.conf"]);
    assert!(sections.contains("[data]  ← in doubt: "), "{sections}");
    assert!(sections.contains("[other]\n"), "{sections}");
    let (code, report) = answer(&["lint", "rsyncd.conf", "--format", "concise"]);
    assert_eq!(code, Some(0), "{report}");
    assert!(!report.contains("`data`"), "{report}");
    assert!(report.contains("module `other`"), "{report}");
}

#[test]
fn groups_are_those_of_the_machine() {
    let text = "\
[data]
path = /srv
auth users = @staff:deny, @jo?:rw
secrets file = /etc/secrets
";
    let folder = folder(&[
        ("etc/rsyncd.conf", text),
        (
            "etc/passwd",
            "joe:x:1007:1008::/:/bin/sh\nann:x:1009:1010::/:/bin/sh\n",
        ),
        ("etc/group", "staff:x:50:bob,ann\njoe:x:1008:\nann:x:1010:\n"),
    ]);
    for (user, code, text) in [
        // The primary group, which has no member in /etc/group.
        ("joe", 0, "read and write"),
        ("ann", 1, "auth users `@staff:deny`"),
        // A member without an account: the daemon asks for the account first.
        ("bob", 1, "no rule of `auth users` matches"),
        ("eve", 1, "no rule of `auth users` matches"),
    ] {
        let arguments = ["access", "--root", ".", "--from", "192.0.2.4", "--user", user];
        let output = rsyncctl(&folder, &arguments);
        assert_eq!(output.status.code(), Some(code), "{user}: {}", stdout(&output));
        assert!(stdout(&output).contains(text), "{user}: {}", stdout(&output));
    }
    let arguments = [
        "access",
        "etc/rsyncd.conf",
        "--host",
        "live",
        "--from",
        "::1",
        "--user",
        "root",
    ];
    let output = rsyncctl(&folder, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let arguments = ["access", "etc/rsyncd.conf", "--from", "::1", "--user", "root"];
    let output = rsyncctl(&folder, &arguments);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
}

#[test]
fn a_mask_with_gaps_is_not_taken_for_nobody() {
    let file = |list: &str| format!("reverse lookup = no\n[data]\npath = /srv\nhosts allow = {list}\n");
    let folder = folder(&[
        ("old.conf", &file("192.0.2.1")),
        ("gaps.conf", &file("192.0.2.1, 127.0.0.1/0.0.0.255")),
        ("other.conf", &file("192.0.2.1, 127.0.0.2/0.0.0.255")),
    ]);
    let output = rsyncctl(&folder, &["access", "gaps.conf"]);
    assert_snapshot!(stdout(&output), @r"
    data
      from: 192.0.2.1/32
      some of: every IPv4 except 192.0.2.1/32, by a mask with gaps: 127.0.0.1/0.0.0.255 (--from tells for one address)
      users: nobody is asked for a name
      rights: read only
      listed: yes
    ");
    for (from, code) in [("127.9.9.1", 0), ("127.9.9.2", 1)] {
        let output = rsyncctl(&folder, &["access", "gaps.conf", "--from", from]);
        assert_eq!(output.status.code(), Some(code), "{from}: {}", stdout(&output));
    }
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "gaps.conf"]);
    assert_snapshot!(stdout(&output), @r"
    data                 0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/23, 192.0.2.0/32: nothing -> read only, for some, by a mask with gaps (127.0.0.1/0.0.0.255)
    data                 192.0.2.2 - 255.255.255.255 (28 networks): nothing -> read only, for some, by a mask with gaps (127.0.0.1/0.0.0.255)
    ");
    let output = rsyncctl(&folder, &["access", "--compare", "gaps.conf", "other.conf"]);
    assert_snapshot!(stdout(&output), @r"
    data                 0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/23, 192.0.2.0/32: read only, for some, by a mask with gaps (127.0.0.1/0.0.0.255) -> read only, for some, by a mask with gaps (127.0.0.2/0.0.0.255)
    data                 192.0.2.2 - 255.255.255.255 (28 networks): read only, for some, by a mask with gaps (127.0.0.1/0.0.0.255) -> read only, for some, by a mask with gaps (127.0.0.2/0.0.0.255)
    ");
    let output = rsyncctl(&folder, &["access", "--compare", "gaps.conf", "gaps.conf"]);
    assert_eq!(
        stdout(&output),
        "by the host lists, the users and the rights of the modules, nobody gains or loses access\n"
    );
}

#[test]
fn names_and_rights_that_change_are_told_where_the_name_service_decides() {
    let file = |name: &str, read_only: &str| {
        format!("[data]\npath = /srv\nhosts allow = {name}.example.org\nread only = {read_only}\n")
    };
    let folder = folder(&[
        ("old.conf", &file("a", "yes")),
        ("name.conf", &file("b", "yes")),
        ("rights.conf", &file("a", "no")),
    ]);
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "name.conf"]);
    assert_snapshot!(stdout(&output), @r"
    data                 0.0.0.0/0: read only, depends on the name service (a.example.org) -> read only, depends on the name service (b.example.org)
    data                 ::/0: read only, depends on the name service (a.example.org) -> read only, depends on the name service (b.example.org)
    ");
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "rights.conf"]);
    assert_snapshot!(stdout(&output), @r"
    data                 0.0.0.0/0: read only, depends on the name service (a.example.org) -> read and write, depends on the name service (a.example.org)
    data                 ::/0: read only, depends on the name service (a.example.org) -> read and write, depends on the name service (a.example.org)
    ");
    let output = rsyncctl(&folder, &["access", "--compare", "old.conf", "old.conf"]);
    assert_eq!(
        stdout(&output),
        "by the host lists, the users and the rights of the modules, nobody gains or loses access\n"
    );
}

#[test]
fn nobody_comes_from_an_ipv4_address_that_is_written_as_one_of_ipv6() {
    let text = "[m]\npath = /srv/m\nhosts allow = ::ffff:127.0.0.1, ::ffff:10.0.0.0/104\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let table = stdout(&rsyncctl(&folder, &["access", "rsyncd.conf"]));
    assert!(table.contains("from: nobody"), "{table}");
    for peer in ["127.0.0.1", "::ffff:127.0.0.1"] {
        let output = rsyncctl(&folder, &["access", "rsyncd.conf", "--from", peer]);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    }
}

/// What stands behind the line at which rsync gives up was never read, and is no part of what holds.
#[test]
fn nothing_holds_that_was_not_read() {
    for fatal in ["&includes other.conf", "[a/b]", "= yes", "[]", "[c"] {
        let text = format!(
            "timeout = 60\n[data]\npath = /srv/data\n{fatal}\npath = /srv/other\n[more]\npath = /srv\n"
        );
        let folder = folder(&[("rsyncd.conf", &text)]);
        let output = rsyncctl(&folder, &["config", "rsyncd.conf"]);
        assert_eq!(output.status.code(), Some(1));
        let shown = stdout(&output);
        assert!(shown.contains("path = /srv/data"), "{fatal}: {shown}");
        assert!(
            !shown.contains("other") && !shown.contains("more"),
            "{fatal}: {shown}"
        );
        assert!(!shown.contains("a/b"), "{fatal}: {shown}");
        assert_eq!(
            stderr(&output),
            "rsyncctl: rsyncd.conf:4: rsync gives up the file here, and serves nothing\n"
        );
    }
}
