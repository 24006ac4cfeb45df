//! A bar on a terminal, where nothing else tells how far a transfer is.

use std::{
    fs::{self},
    io::Read as _,
    os::unix::fs::symlink,
    process::{Command, Stdio},
    thread,
};

use super::Stage;
use crate::support::{daemon::has_rsync, terminal::Terminal};

/// What a client writes to the terminal that its errors go to; the transfer takes some seconds.
fn shown(stage: &Stage, program: &str, words: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("rsync");
    symlink(env!("CARGO_BIN_EXE_rsyncctl"), &link).expect("a link");
    let Terminal {
        program: errors,
        mut screen,
    } = Terminal::new();
    let mut command = match program {
        "rsync" => Command::new(&link),
        _ => Command::new(env!("CARGO_BIN_EXE_rsyncctl")),
    };
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    command
        .args((program != "rsync").then_some("sync"))
        .args(words)
        .args(["-a", "--bwlimit=1m", &url, "dst"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors);
    let mut client = command.spawn().expect("the program runs");
    // It holds the other end of the terminal.
    drop(command);
    let mut text = Vec::new();
    // What is read once nobody writes any more is an error.
    let _ = screen.read_to_end(&mut text);
    assert!(client.wait().expect("it ends").success());
    assert!(folder.path().join("dst/large").exists());
    String::from_utf8(text).expect("text")
}

#[test]
fn a_bar_is_shown_on_a_terminal_where_nothing_else_tells() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("large"), vec![7; 3 << 20]).expect("a file");
    fs::write(stage.source().join("small"), "x").expect("a file");
    thread::scope(|scope| {
        let run = |program, words: &'static [&str]| {
            let stage = &stage;
            scope.spawn(move || shown(stage, program, words))
        };
        let bars = [run("rsyncctl", &[]), run("rsyncctl", &["-i"])];
        let none = [
            run("rsync", &[]),
            run("rsyncctl", &["-q"]),
            run("rsyncctl", &["-v"]),
            run("rsyncctl", &["--progress"]),
            run("rsyncctl", &["--info=progress2"]),
            run("rsyncctl", &["--json"]),
        ];
        for bar in bars {
            let text = bar.join().expect("it runs");
            assert!(text.contains("\r[") && text.contains('%'), "{text:?}");
            // It fits, and is taken away.
            assert!(text.split('\r').all(|line| line.len() < 60), "{text:?}");
            let last = text.trim_end_matches('\r').rsplit('\r').next();
            assert!(last.is_some_and(|last| last.trim().is_empty()), "{text:?}");
        }
        for nothing in none {
            assert_eq!(nothing.join().expect("it runs"), "");
        }
    });
}
