//! Cures that did harm, and errors about what is sound: each mended, with what it took to see it.

use std::fs;

use rsyncctl::catalog::Severity;

use crate::support::program::{folder, rsyncctl, stdout};

fn fixed(text: &str, level: &str) -> String {
    let folder = folder(&[("rsyncd.conf", text)]);
    rsyncctl(&folder, &["lint", "rsyncd.conf", level]);
    fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file")
}

fn concise(text: &str) -> String {
    let folder = folder(&[("rsyncd.conf", text)]);
    stdout(&rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "concise"],
    ))
}

#[test]
fn a_no_break_space_in_a_path_is_a_part_of_its_name() {
    let text = "[m]\npath = /srv/My\u{a0}Documents\nhosts allow = 192.0.2.7\n";
    assert_eq!(fixed(text, "--fix=unsafe"), text);
    assert!(!concise(text).contains("RSY201"), "{}", concise(text));
}

#[test]
fn no_safe_fix_gives_strangers_more_than_they_have() {
    for line in [
        "read only = \"no\"",
        "read\u{a0}only = no",
        "read only = \u{200b}no",
        "read only\u{3000}= no",
        "uid = \"root\"",
        "gid = \"0\"",
        "strict modes = \"no\"",
        "munge symlinks = \"no\"",
        "insecure links = \"yes\"",
        "use chroot = “no”",
        "hosts allow = 192.0.2.*",
        "hosts allow = \"192.0.2.1\" 192.0.2.7",
        "hosts allow = 192.0.2.1;192.0.2.7",
        "hosts allow = 192.0.2.1 # 办公室",
        // A list of no host keeps everybody out; its cure would not.
        "hosts deny = “192.0.2.1”",
        "hosts deny = 192.0.2.1，192.0.2.7",
        "hosts allow = “*”",
        "hosts allow = *.*.*.*",
        "hosts allow = ::ffff:192.0.2.7",
        "refuse options = * !delete, !recursive",
        "refuse options = * !--delete",
        "include = /one, /two",
        "exclude from = \"/srv/patterns\"",
    ] {
        let text = format!("[m]\npath = /srv/m\n{line}\n");
        assert_eq!(fixed(&text, "--fix"), text);
        assert_ne!(fixed(&text, "--fix=unsafe"), text, "{line}");
    }
    let separator = "[m]\npath = /srv/m\nread_only = no\n";
    assert_eq!(fixed(separator, "--fix"), separator);
    // What closes is plainly meant, and safe.
    for (line, cured) in [
        ("read only = \"yes\"", "read only = yes"),
        ("read\u{a0}only = yes", "read only = yes"),
    ] {
        let text = format!("[m]\npath = /srv/m\n{line}\n");
        assert_eq!(fixed(&text, "--fix"), text.replace(line, cured));
    }
    // A header that begins to count opens what stands below it.
    let text = "［m］\npath = /srv/m\nread only = no\n";
    assert_eq!(fixed(text, "--fix"), text);
    let guarded = "［m］\npath = /srv/m\nread only\u{a0}= no\nhosts allow = 192.0.2.7\n";
    assert_eq!(
        fixed(guarded, "--fix"),
        "[m]\npath = /srv/m\nread only = no\nhosts allow = 192.0.2.7\n"
    );
}

#[test]
fn a_damaged_list_of_hosts_is_no_guard() {
    let text = "[m]\npath = /srv/m\nuid = root\nread only = no\nhosts deny = “10.0.0.1”\n";
    assert_eq!(fixed(text, "--fix"), text);
    // Nor is a password a reason to let the whole world ask for it.
    let text = "[m]\npath = /srv/m\nauth users = joe\nsecrets file = /srv/secrets\nhosts allow = “*”\n";
    assert_eq!(fixed(text, "--fix"), text);
    // A list that names a few is a guard, and so is one that denies all.
    for list in ["hosts allow = 192.0.2.10，192.0.2.11", "hosts deny = “*”"] {
        let text = format!("[m]\npath\u{a0}= /srv/m\nread only = no\n{list}\n");
        let cured = text
            .replace('\u{a0}', " ")
            .replace('，', ",")
            .replace(['“', '”'], "");
        assert_eq!(fixed(&text, "--fix"), cured);
    }
    // Beside `hosts deny` it is none.
    let text = "[m]\npath\u{a0}= /srv/m\nhosts allow = 192.0.2.7\nhosts deny = 192.0.2.8\n";
    assert_eq!(fixed(text, "--fix"), text);
}

#[test]
fn a_note_that_shuts_a_module_is_taken_away_by_hand() {
    // The daemon hangs up over the charset; it refuses `-a`, because a word of the note is called so.
    for line in ["charset = utf-8 # a note", "refuse options = delete # a note"] {
        let text = format!("[m]\npath = /srv/m\nread only = no\n{line}\n");
        assert_eq!(fixed(&text, "--fix"), text);
        assert_ne!(fixed(&text, "--fix=unsafe"), text);
    }
}

#[test]
fn nobody_gets_in_whom_the_file_does_not_name() {
    let module = "[m]\npath = /srv/m\nread only = no\nsecrets file = /srv/secrets\n";
    for (users, is_safe) in [
        // Whom the file names was to get in.
        ("auth users = bob:ro，alice", true),
        // These are every user of the secrets file.
        ("auth users = bob:ro，*:rw", false),
        ("auth users = bob，a*", false),
        ("auth users = bob\nauth users＝*", false),
        ("auth users＝*:rw", false),
        // They get in already, whoever they are.
        ("auth users = bob，alice, *", true),
        ("auth users＝*", true),
        ("auth users = bob，*:deny", true),
    ] {
        let text = format!("{module}{users}\n");
        let cured = text.replace('，', ",").replace('＝', "=");
        assert_eq!(fixed(&text, "--fix") == cured, is_safe, "{users}");
        assert_eq!(fixed(&text, "--fix=unsafe"), cured, "{users}");
    }
    // What the cured line does is told by its own rule.
    let cured = fixed(&format!("{module}auth users = bob\nuid = “root”\n"), "--fix");
    assert!(concise(&cured).contains("RSY502"), "{cured}");
}

#[test]
fn a_mark_in_front_of_a_header_is_taken_away_by_hand() {
    let text = "\u{feff}[m]\npath = /srv/m\nread only = no\n";
    assert_eq!(fixed(text, "--fix"), text);
    assert_eq!(fixed(text, "--fix=unsafe"), text.replace('\u{feff}', ""));
    // The line behind the backslash would count.
    let text = "a note of ours \\\n[m]\npath = /srv/m\n";
    assert_eq!(fixed(text, "--fix"), text);
}

#[test]
fn a_list_of_exceptions_guards_nothing() {
    for (lists, is_open) in [
        ("hosts deny = 198.51.100.7", true),
        ("hosts allow = 0.0.0.0/1 128.0.0.0/1", true),
        ("hosts allow = ::/0", true),
        ("hosts deny = *.*.*.*", true),
        ("hosts allow = 192.0.2.7\nhosts deny = 198.51.100.7", true),
        ("hosts deny = *", false),
        ("hosts allow = ::ffff:127.0.0.1", false),
        ("hosts allow = 192.0.2.7", false),
        ("hosts allow = 192.0.2.7\nhosts deny = *", false),
        ("hosts deny = 198.51.100.7\nauth users = joe", false),
    ] {
        let text = format!("uid = backup\n[m]\npath = /srv/m\nread only = no\n{lists}\n");
        let report = concise(&text);
        assert_eq!(report.contains("error RSY501"), is_open, "{lists}: {report}");
        let is_by_address = lists.contains("allow = 192.0.2.7") && !is_open;
        assert_eq!(report.contains("RSY505"), is_by_address, "{lists}: {report}");
        let reads = concise(&text.replace("read only = no\n", ""));
        assert_eq!(reads.contains("RSY506"), !is_open, "{lists}: {reads}");
    }
}

#[test]
fn what_is_safe_is_cured_beside_what_opens_and_both_are_told() {
    let text = "[m]\npath = /srv/m\ncomment\u{a0}= ours\nread only\u{a0}= no\n";
    assert_eq!(fixed(text, "--fix"), text.replacen('\u{a0}', " ", 1));
    let report = concise(text);
    assert_eq!(report.matches("RSY111").count(), 2, "{report}");
    assert!(report.contains("rsyncd.conf:4:10: error RSY111"), "{report}");
}

#[test]
fn wide_digits_behind_a_digit_are_the_same_number() {
    let text = "[m]\npath = /srv/m\nhosts allow = 192.0.2.7\ntimeout = 6００\n";
    assert_eq!(
        fixed(text, "--fix"),
        text.replace("６", "6").replace("００", "00")
    );
}

#[test]
fn a_host_behind_a_note_stays_where_it_works() {
    let text = "[m]\npath = /srv/m\nhosts allow = 192.0.2.1 #office 192.0.2.9\n";
    for level in ["--fix", "--fix=unsafe"] {
        assert_eq!(fixed(text, level), text);
    }
    assert!(concise(text).contains("RSY201"), "{}", concise(text));
}

#[test]
fn a_folder_may_have_a_hash_in_its_name() {
    for path in ["/volume1/Net Backup #1", "/srv/c #recycle"] {
        let text = format!("[m]\npath = {path}\nhosts allow = 192.0.2.7\n");
        let report = concise(&text);
        assert!(report.contains("info RSY201"), "{report}");
        assert_eq!(fixed(&text, "--fix=unsafe"), text);
        let folder = folder(&[("rsyncd.conf", &text)]);
        fs::create_dir_all(folder.path().join(&path[1..])).expect("a folder");
        let output = rsyncctl(
            &folder,
            &["lint", "rsyncd.conf", "--root", ".", "--format", "concise"],
        );
        assert!(!stdout(&output).contains("RSY201"), "{}", stdout(&output));
    }
    let report = concise("[m]\npath = /srv/data #all of our data\nhosts allow = 192.0.2.7\n");
    assert!(report.contains("warning RSY201"), "{report}");
}

#[test]
fn lines_of_other_programs_that_include_are_told_ours() {
    for line in [
        "include /etc/rsyncd.d",
        "!include /etc/rsyncd.d",
        "$include /etc/rsyncd.d",
        "@include /etc/rsyncd.d",
        "!includedir /etc/rsyncd.d",
    ] {
        let folder = folder(&[("rsyncd.conf", &format!("{line}\n[m]\npath = /srv\n"))]);
        let report = stdout(&rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", "json"]));
        assert!(
            report.contains("write `&include /etc/rsyncd.d`"),
            "{line}: {report}"
        );
    }
}

#[test]
fn a_lost_line_is_as_bad_as_what_it_was_to_keep_out() {
    for (text, severity) in [
        (
            "[m]\npath = /srv\nread only = no\nauth user = bob\n",
            "error RSY101",
        ),
        ("[m]\npath = /srv\nhosts allow 192.0.2.7\n", "error RSY102"),
        ("[m]\npath = /srv\naddress = 127.0.0.1\n", "error RSY209"),
        (
            "read only = no\n[m]\npath = /srv\nread_only = yes\n",
            "error RSY101",
        ),
        ("[m]\npath = /srv\nread_only = yes\n", "warning RSY101"),
        ("[m]\npath = /srv\nwritable = yes\n", "warning RSY101"),
        ("[m]\npath = /srv\nport = 8730\n", "warning RSY209"),
        ("[m]\npath = /srv\nread only = on\n", "info RSY202"),
        ("[m]\npath = /srv\nread only = off\n", "error RSY202"),
    ] {
        let report = concise(text);
        assert!(report.contains(severity), "{severity}: {report}");
        let folder = folder(&[("rsyncd.conf", text)]);
        let report = stdout(&rsyncctl(&folder, &["lint", "rsyncd.conf"]));
        assert!(!report.contains("the module works without"), "{report}");
    }
}

#[test]
fn what_is_to_be_typed_has_no_dots_for_tabs() {
    let text = "[m]\npath = /srv\nhosts allow = 192.0.2.1\t192.0.2.2 # ours\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let report = stdout(&rsyncctl(&folder, &["lint", "rsyncd.conf", "--json"]));
    assert!(report.contains("`hosts allow = 192.0.2.1 192.0.2.2`"), "{report}");
}

#[test]
fn a_password_that_the_server_knows_so_is_right() {
    for (password, rule) in [("pa:not-real", "RSY327"), ("not-real #1", "RSY330")] {
        let configuration = "[m]\npath = /srv\nauth users = bob\nsecrets file = rsyncd.secrets\n";
        for (secret, wanted) in [
            (format!("bob:{password}\n"), None),
            ("bob:other-not-real\n".to_owned(), Some(Severity::Info)),
            (format!("{password}\n"), Some(Severity::Error)),
        ] {
            let folder = folder(&[
                ("rsyncd.conf", configuration),
                ("rsyncd.secrets", &secret),
                ("rsync.pass", password),
            ]);
            let files = ["rsyncd.conf", "rsyncd.secrets", "rsync.pass"];
            let arguments = [&["lint"][..], &files, &["--format", "concise"]].concat();
            let report = stdout(&rsyncctl(&folder, &arguments));
            let found = report.lines().find(|line| line.contains(rule));
            let worst = wanted
                .filter(|_| rule == "RSY327")
                .map(|wanted| wanted.to_string());
            match (found, wanted, worst) {
                (None, None, _) => {}
                (Some(line), Some(_), Some(severity)) => assert!(line.contains(&severity), "{line}"),
                (Some(line), Some(_), None) => assert!(line.contains("info"), "{line}"),
                _ => panic!("{password} with {secret}: {report}"),
            }
        }
    }
}
