//! The program as a user runs it.

mod unread;

use std::{fs, io::Write as _, os::unix::fs::symlink, process::Stdio};

use crate::support::program::{folder, program, rsyncctl, stderr, stdout};

const CLEAN: &str =
    "timeout = 600\nmax connections = 9\n[data]\npath = /srv/data\nhosts allow = 192.0.2.7\nlist = no\n";
#[test]
fn a_clean_file_ends_with_0() {
    let folder = folder(&[("rsyncd.conf", CLEAN)]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("no findings"));
}

#[test]
fn findings_end_with_1_unless_they_are_below_the_threshold() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\nignore errors\n")]);
    assert_eq!(rsyncctl(&folder, &["lint", "rsyncd.conf"]).status.code(), Some(1));
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--fail-on", "error"]);
    assert_eq!(output.status.code(), Some(0));
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--ignore", "line-without-equals"],
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let folder = folder(&[("notes.txt", "nothing of ours\n")]);
    for (arguments, text) in [
        (&["lint", "missing.conf"][..], "cannot read `missing.conf`"),
        (&["lint", "notes.txt"], "cannot tell what `notes.txt` is"),
        (&["lint", "--select", "RSY9999"], "no rule is called `RSY9999`"),
        (&["lint", "--select", "unknown-paramter"], "did you mean RSY101"),
        (&["lint", "--target-version", "three"], "is not an rsync release"),
        (
            &["lint", "--daemon-user", "no such user"],
            "the machine has no user `no such user`",
        ),
    ] {
        let output = rsyncctl(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(text), "{arguments:?}: {error}");
    }
}

#[test]
fn who_starts_the_daemon_and_which_release_it_had_are_taken_into_account() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\ngid = 7\n")]);
    let lint = |arguments: &[&str]| {
        let fixed = ["lint", "rsyncd.conf", "--format", "concise"];
        stdout(&rsyncctl(&folder, &[&fixed[..], arguments].concat()))
    };
    assert_eq!(lint(&["--select", "RSY409,RSY701"]), "");
    let by_user = lint(&["--select", "RSY409", "--daemon-user", "1000"]);
    assert!(by_user.starts_with("rsyncd.conf:3:1: error RSY409"), "{by_user}");
    let upgrade = lint(&["--select", "RSY701", "--from-version", "3.2.6"]);
    assert!(upgrade.starts_with("rsyncd.conf:1:1: info RSY701"), "{upgrade}");
    let same = lint(&["--select", "RSY701", "--from-version", "3.5.0"]);
    assert_eq!(same, "");
}

#[test]
fn concise_is_one_line_a_finding() {
    let text = "[data]\npath = /srv/data\nread only = on\nhosts allow = ::1\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let output = rsyncctl(
        &folder,
        &[
            "lint",
            "rsyncd.conf",
            "--format",
            "concise",
            "--ignore",
            "RSY506,RSY6",
        ],
    );
    assert_eq!(
        stdout(&output),
        "rsyncd.conf:3:13: info RSY202 `on` is not a boolean; `read only` is `yes`, as was meant, for another \
         reason\n"
    );
}

#[test]
fn standard_input_is_checked_under_a_name() {
    let folder = folder(&[]);
    let mut child = program(
        &folder,
        &[
            "lint",
            "-",
            "--stdin-name",
            "rsyncd.conf",
            "--format",
            "concise",
            "--ignore",
            "RSY6",
        ],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"[data]\npath = /srv/data\nhost allow = ::1\n")
        .expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        stdout(&output).contains("rsyncd.conf:3:1: error RSY101"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_closed_pipe_is_a_quiet_success() {
    let folder = folder(&[]);
    let mut child = program(&folder, &["rules"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn nothing_outside_the_root_is_read_or_written() {
    let folder = folder(&[("rsyncd.conf", "[outside]\nhosts alow = 192.0.2.7\n")]);
    let root = folder.path().join("root");
    fs::create_dir_all(root.join("etc")).expect("folders");
    symlink("../../rsyncd.conf", root.join("etc/rsyncd.conf")).expect("a link");
    symlink("/srv/rsyncd.conf", root.join("etc/absolute-rsyncd.conf")).expect("a link");
    let inside = "[inside]\npath = /srv\nhosts alow = 192.0.2.7\n";
    fs::create_dir(root.join("srv")).expect("a folder");
    fs::write(root.join("srv/rsyncd.conf"), inside).expect("a file");
    let climbing = &["lint", "--root", "root", "root/etc/rsyncd.conf"][..];
    for arguments in [
        climbing,
        &["lint", "--root", "root"],
        &["config", "--root", "root"],
    ] {
        let output = rsyncctl(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {}", stdout(&output));
        let error = stderr(&output);
        let start = "rsyncctl: cannot read `root/etc/rsyncd.conf`: No such file or directory";
        assert!(error.starts_with(start), "{arguments:?}: {error}");
    }
    let absolute = [
        "lint",
        "--root",
        "root",
        "root/etc/absolute-rsyncd.conf",
        "--fix=unsafe",
    ];
    rsyncctl(&folder, &absolute);
    let cured = fs::read_to_string(root.join("srv/rsyncd.conf")).expect("the file");
    assert_eq!(cured, inside.replace("alow", "allow"));
    assert!(root.join("etc/absolute-rsyncd.conf").is_symlink());
}

#[test]
fn the_default_file_is_that_of_the_root() {
    let folder = folder(&[]);
    fs::create_dir_all(folder.path().join("root/etc")).expect("folders");
    fs::write(
        folder.path().join("root/etc/rsyncd.conf"),
        "[inside]\npath = /srv\n",
    )
    .expect("a file");
    for command in ["config", "access", "lint"] {
        let output = rsyncctl(&folder, &[command, "--root", "root", "--json"]);
        assert!(
            stdout(&output).contains("inside"),
            "{command}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn the_report_names_the_settings_that_shaped_it() {
    let folder = folder(&[("rsyncd.conf", CLEAN), ("rsyncctl.toml", "ignore = []\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert!(
        stdout(&output).contains("1 file checked for rsync 3.5.0 with rsyncctl.toml: no findings"),
        "{}",
        stdout(&output)
    );
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--lang", "zh"]);
    assert!(
        stdout(&output).contains("按 rsync 3.5.0 和 rsyncctl.toml 检查了 1 个文件：没有发现问题"),
        "{}",
        stdout(&output)
    );
    fs::write(folder.path().join("rsyncctl.toml"), b"# \xff\n").expect("a file");
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("rsyncctl.toml: line 1: this is not UTF-8"),
        "{}",
        stderr(&output)
    );
    let file = fs::File::create(folder.path().join("rsyncctl.toml")).expect("a file");
    file.set_len(2 << 20).expect("a long file");
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert!(
        stderr(&output).contains("rsyncctl.toml`: it is larger than 1 MiB"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn where_nothing_is_named_the_message_says_what_to_name() {
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("root")).expect("a folder");
    for (command, text) in [
        ("lint", "name the files or folders to check"),
        ("config", "name the file"),
        ("access", "name the file"),
    ] {
        let output = rsyncctl(&folder, &[command, "--root", "root"]);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(
            stderr(&output),
            format!("rsyncctl: cannot read `root/etc/rsyncd.conf`: No such file or directory; {text}\n")
        );
    }
}

#[test]
fn cures_that_were_not_asked_for_are_mentioned() {
    let folder = folder(&[(
        "rsyncd.conf",
        "[data]\npath = /srv\nhosts alow = ::1\nignore errors\n",
    )]);
    for option in ["--fix", "--diff"] {
        let output = rsyncctl(&folder, &["lint", "rsyncd.conf", option]);
        assert!(
            stderr(&output).ends_with("rsyncctl: 2 cures need a look first; --fix=unsafe applies them too\n"),
            "{option}: {}",
            stderr(&output)
        );
    }
}

/// What names and values hold must not command the terminal.
#[test]
fn no_control_byte_reaches_people() {
    let config = "[a\x1b[31m]\npath = /\x1b]0;x\x07\ncomment = \x1b[2J\u{9b}\nhosts allow = 192.0.2.1 b\x1b[1m\n\
                  auth users = joe\x1b[5m:ro @g\x1b[1m\nsecrets file = /s\x1b[1m\nrefuse options = \x1b[1m\n\
                  x\x1b[1m = 1\n\x1b[1m y\n&merge /\x1b[1m.inc\n";
    let (name, other) = ("rsync\x1b[31md.conf", "other\x1b[31mrsyncd.conf");
    let folder = folder(&[(name, config), (other, "[b\x1b[1m]\npath = /x\n")]);
    let missing = "no\x1b[31msuch.conf";
    for arguments in [
        &["lint", name][..],
        &["lint", "."],
        &["lint", "--lang", "zh", name],
        &["lint", "--format", "concise", name],
        &["lint", "--format", "github", name],
        &["lint", "--fix", "--diff", other],
        &["lint", missing],
        &["lint", "--select", "\x1b[31m", name],
        &["lint", "--\x1b[31m"],
        &["config", name],
        &["config", "--defaults", "--lang", "zh", name],
        &["config", "--module", "\x1b[31m", name],
        &["access", name],
        &["access", "--from", "192.0.2.1", "--trace", name],
        &[
            "access",
            "--from",
            "192.0.2.1,b\x1b[1m",
            "--user",
            "joe\x1b[5m",
            name,
        ],
        &["access", "--from", "\x1b[1m", name],
        &["access", "--compare", other, name],
        &[
            "explain",
            "rsync error: \x1b[2J error starting client-server protocol (code 5) at main.c(1)",
        ],
        &["explain", "@ERROR: auth failed on module a\u{9b}\x07\x1bc"],
        &["explain", "nothing \x1b[31m"],
        &["explain", missing],
        &["rules", "\x1b[31m"],
    ] {
        let output = rsyncctl(&folder, arguments);
        for text in [stdout(&output), stderr(&output)] {
            let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(control, None, "{arguments:?}: {text:?}");
        }
    }
}

#[test]
fn a_file_that_is_merged_more_than_once_is_judged_once() {
    let folder = folder(&[("common.inc", "uid = 0\nuid = 1\nread only = maybe\n")]);
    let inc = folder.path().join("common.inc");
    let inc = inc.display();
    let modules = ["a", "b", "c"].map(|name| format!("[{name}]\npath = /{name}\n&merge {inc}\n"));
    fs::write(folder.path().join("rsyncd.conf"), modules.concat()).expect("a file");
    let arguments = ["lint", "--host", "live", "--format", "concise", "rsyncd.conf"];
    let output = rsyncctl(&folder, &arguments);
    let text = stdout(&output);
    let mut lines: Vec<_> = text.lines().collect();
    assert!(text.contains("common.inc:"), "{text}");
    let count = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), count, "{text}");
}

#[test]
fn cures_of_files_that_are_not_named_are_mentioned() {
    let folder = folder(&[(
        "common.inc",
        "[a]\npath = /a\nhosts alow = 192.0.2.1\nthis is a note\n",
    )]);
    let inc = folder.path().join("common.inc").display().to_string();
    fs::write(folder.path().join("rsyncd.conf"), format!("&include {inc}\n")).expect("a file");
    let output = rsyncctl(
        &folder,
        &["lint", "--host", "live", "--fix=unsafe", "rsyncd.conf"],
    );
    let told = stderr(&output);
    assert!(told.contains(&format!("in `{inc}` not applied")), "{told}");
}
