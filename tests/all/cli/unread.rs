//! What is not checked, or not read, is told.

use std::{fs, os::unix::fs::PermissionsExt as _};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::CLEAN;
use crate::support::program::{folder, rsyncctl, stderr, stdout, unprivileged};

#[test]
fn what_is_not_checked_is_said_by_name() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert!(
        stdout(&output).contains("- /srv/data (RSY402, RSY405)"),
        "{}",
        stdout(&output)
    );
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--root", "."]);
    assert!(stdout(&output).contains("error RSY402"), "{}", stdout(&output));
}

#[test]
fn concise_says_on_standard_error_what_was_not_checked() {
    let modules: String = (0..5)
        .map(|n| format!("[m{n}]\npath = /srv/{n}\nhosts allow = ::1\n"))
        .collect();
    let folder = folder(&[(
        "rsyncd.conf",
        &format!("timeout = 9\nmax connections = 9\n{modules}"),
    )]);
    let arguments = ["lint", "rsyncd.conf", "--format", "concise", "--fail-on", "error"];
    let output = rsyncctl(&folder, &arguments);
    assert!(!stdout(&output).contains("not checked"), "{}", stdout(&output));
    assert_eq!(
        stderr(&output),
        "rsyncctl: not checked: /srv/0, /srv/1, /srv/2 and 3 more: \
         the file is judged without a machine (--host live or --root DIR give one)\n"
    );
}

#[test]
fn a_folder_that_cannot_be_entered_is_one_thing_that_is_not_checked() {
    let folder = folder(&[("rsyncd.conf", CLEAN)]);
    fs::create_dir(folder.path().join("closed")).expect("a folder");
    let mode = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(folder.path().join("closed"), mode).expect("a mode");
    };
    mode(0o000);
    let output = unprivileged(&folder, &["lint", "."]);
    let asked = unprivileged(&folder, &["lint", "closed"]);
    fs::write(folder.path().join("rsyncd.conf"), "[data]\nignore errors\n").expect("a file");
    let findings = unprivileged(&folder, &["lint", "."]);
    mode(0o700);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{text}{}", stderr(&output));
    assert!(
        text.contains("not checked: permission denied: run as root"),
        "{text}"
    );
    assert!(text.contains("- ./closed\n"), "{text}");
    assert!(text.contains("1 file checked"), "{text}");
    assert_eq!(findings.status.code(), Some(1), "{}", stdout(&findings));
    assert_eq!(asked.status.code(), Some(3), "{}", stderr(&asked));
    assert!(stdout(&asked).contains("- closed\n"), "{}", stdout(&asked));
}

#[test]
fn a_file_that_may_not_be_read_is_not_checked_and_the_others_are() {
    let folder = folder(&[("rsyncd.conf", CLEAN), ("closed.rsyncd.conf", CLEAN)]);
    let closed = folder.path().join("closed.rsyncd.conf");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("a mode");
    let alone = unprivileged(&folder, &["lint", "closed.rsyncd.conf"]);
    let both = unprivileged(&folder, &["lint", "closed.rsyncd.conf", "rsyncd.conf"]);
    fs::write(folder.path().join("rsyncd.conf"), "[data]\nignore errors\n").expect("a file");
    let found = unprivileged(&folder, &["lint", "closed.rsyncd.conf", "rsyncd.conf"]);
    let missing = unprivileged(&folder, &["lint", "missing.rsyncd.conf"]);
    for output in [&alone, &both] {
        let text = stdout(output);
        assert_eq!(output.status.code(), Some(3), "{text}{}", stderr(output));
        assert!(text.contains("permission denied: run as root"), "{text}");
        assert!(text.contains("- closed.rsyncd.conf\n"), "{text}");
    }
    assert!(stdout(&both).contains("1 file checked"), "{}", stdout(&both));
    assert_eq!(found.status.code(), Some(1), "{}", stdout(&found));
    // A name that nothing has is a slip of the keyboard.
    assert_eq!(missing.status.code(), Some(2), "{}", stderr(&missing));
}

#[test]
fn pipes_are_no_files() {
    let folder = folder(&[("rsyncd.conf", CLEAN)]);
    for name in ["pipe.conf", "rsyncctl.toml"] {
        mkfifo(&folder.path().join(name), Mode::from_bits_truncate(0o600)).expect("a pipe");
    }
    let hint = "; a pipe can be given as `-`";
    for (arguments, name, hint) in [
        (&["lint", "pipe.conf", "--no-settings"][..], "pipe.conf", hint),
        (
            &["lint", "pipe.conf", "--no-settings", "--root", "."],
            "pipe.conf",
            hint,
        ),
        (&["config", "pipe.conf"], "pipe.conf", hint),
        (
            &["lint", "rsyncd.conf", "--settings", "rsyncctl.toml"],
            "rsyncctl.toml",
            "",
        ),
        (&["lint", "rsyncd.conf"], "rsyncctl.toml", ""),
    ] {
        let output = rsyncctl(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = stderr(&output);
        assert!(
            error.starts_with("rsyncctl: cannot read `"),
            "{arguments:?}: {error}"
        );
        assert!(
            error.ends_with(&format!("{name}`: it is not a regular file{hint}\n")),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn folders_that_are_too_deep_are_not_checked() {
    let folder = folder(&[]);
    let deep = "d/".repeat(100);
    fs::create_dir_all(folder.path().join(&deep)).expect("folders");
    fs::write(folder.path().join(&deep).join("rsyncd.conf"), "ignore errors\n").expect("a file");
    let output = rsyncctl(&folder, &["lint", "d"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stdout(&output).contains("folders are searched 64 deep, and no deeper"));
}

#[test]
fn a_file_that_may_not_be_read_is_not_checked_and_one_that_is_not_there_is_wrong_usage() {
    let folder = folder(&[
        ("rsyncd.conf", "[data]\npath = /srv/data\n"),
        ("error.txt", "rsync error\n"),
    ]);
    for name in ["rsyncd.conf", "error.txt"] {
        let mode = fs::Permissions::from_mode(0o000);
        fs::set_permissions(folder.path().join(name), mode).expect("a mode");
    }
    for arguments in [
        &["lint", "rsyncd.conf"][..],
        &["config", "rsyncd.conf"],
        &["access", "rsyncd.conf"],
        &["access", "--compare", "rsyncd.conf", "rsyncd.conf"],
        &["explain", "./error.txt"],
        &["explain", "--config", "rsyncd.conf", "rsync error"],
    ] {
        let output = unprivileged(&folder, arguments);
        assert_eq!(
            output.status.code(),
            Some(3),
            "{arguments:?}: {}",
            stderr(&output)
        );
        let missing = arguments
            .iter()
            .map(|word| word.replace("rsyncd.conf", "nothing.conf"));
        let missing: Vec<_> = missing
            .map(|word| word.replace("error.txt", "nothing.txt"))
            .collect();
        let missing: Vec<_> = missing.iter().map(String::as_str).collect();
        let output = unprivileged(&folder, &missing);
        assert_eq!(output.status.code(), Some(2), "{missing:?}: {}", stderr(&output));
    }
}
