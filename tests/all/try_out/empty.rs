//! Configurations that a daemon starts with, and that nobody can use.

use std::{fs, thread};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::stage;
use crate::support::{
    daemon::has_rsync,
    program::{folder, program, rsyncctl, stdout},
};

/// A file that serves nothing is not well, although the daemon starts.
#[test]
fn a_file_without_a_module_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("empty.conf", ""), ("comment.conf", "# nothing yet\n")]);
    let wide: Vec<u8> = "[m]\npath = /srv\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(
        folder.path().join("wide.conf"),
        [&b"\xff\xfe"[..], &wide].concat(),
    )
    .expect("a file");
    fs::write(folder.path().join("nul.conf"), [0; 3]).expect("a file");
    for (file, rule) in [
        ("empty.conf", "RSY232"),
        ("comment.conf", "RSY232"),
        ("nul.conf", "RSY110"),
        ("wide.conf", "RSY110"),
    ] {
        let output = rsyncctl(folder.path(), &["try", file]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = stdout(&output);
        assert!(text.contains(rule), "{text}");
        let last = format!("type next: rsyncctl lint --kind rsyncd.conf {file}\n");
        assert!(text.ends_with(&last), "{text}");
    }
}

/// Where every option is refused that a list needs, and where a command decides, not all is well.
#[test]
fn what_nobody_has_seen_does_not_work() {
    if !has_rsync() {
        return;
    }
    let module = "[m]\npath = $ROOT/files\n";
    let refusing = stage(&format!("{module}refuse options = *\n"));
    let output = rsyncctl(refusing.path(), &["try", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    assert!(
        text.contains("refuses `--recursive` and `--dirs` too, so nobody sees what is in the module"),
        "{text}"
    );
    let hooked = stage(&format!("{module}pre-xfer exec = /bin/false\n"));
    let text = stdout(&rsyncctl(hooked.path(), &["try", "rsyncd.conf"]));
    let last = text.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("nothing to do for what was tried; what the commands of the file do"),
        "{text}"
    );
}

/// Whenever it is interrupted, a trial says nothing of the configuration, and leaves nothing.
#[test]
fn a_trial_may_be_interrupted_at_any_time() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/files\n");
    let tmp = folder.path().join("tmp");
    let is_empty = || fs::read_dir(&tmp).expect("a folder").next().is_none();
    for turns in [0, 1, 10, 100, 1000, 10_000] {
        let mut trial = program(folder.path(), &["try", "rsyncd.conf"]);
        let mut trial = trial.env("TMPDIR", &tmp).spawn().expect("it runs");
        // It hears signals by then.
        while is_empty() && trial.try_wait().expect("it is ours").is_none() {
            thread::yield_now();
        }
        (0..turns).for_each(|_| thread::yield_now());
        let _ = kill(Pid::from_raw(trial.id().cast_signed()), Signal::SIGTERM);
        let code = trial.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 20)), "{code:?}");
        assert!(is_empty(), "a folder is left");
    }
}
