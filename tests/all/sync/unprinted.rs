//! What cannot be printed: nobody takes a session for a complete one whose report is lost.

use std::{
    fs::OpenOptions,
    io::pipe,
    path::Path,
    process::{Command, Output, Stdio},
};

use super::{Stage, some_files};
use crate::support::{
    daemon::has_rsync,
    program::{program, stderr},
};

/// Where the output goes.
#[derive(Clone, Copy)]
enum To {
    /// A disk without room.
    Full,
    /// A pipe whose reader has gone.
    Nobody,
}

fn run(mut command: Command, to: To, words: &[&str], url: &str) -> Output {
    let output = match to {
        To::Full => Stdio::from(
            OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("a device"),
        ),
        To::Nobody => Stdio::from(pipe().expect("a pipe").1),
    };
    command.args(words).args([url, "dst"]).stdout(output);
    command.output().expect("the client runs")
}

fn real(folder: &Path) -> Command {
    let mut command = Command::new("rsync");
    command.current_dir(folder);
    command
}

#[test]
fn a_report_that_is_lost_is_told() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src", stage.daemon.port());
    let folder = tempfile::tempdir().expect("a folder");
    let ours = || program(folder.path(), &["sync"]);
    let theirs = run(real(folder.path()), To::Full, &["-rv", "--outbuf=L"], &url);
    for words in [&["-rv", "--outbuf=L"][..], &["-rv"], &["-r", "--json"]] {
        let ended = run(ours(), To::Full, words, &url);
        assert_eq!(ended.status.code(), theirs.status.code(), "{words:?}");
        assert_eq!(ended.status.code(), Some(13), "{words:?}");
        assert!(stderr(&ended).contains("rsync error: errors with program diagnostics (code 13)"));
        assert!(folder.path().join("dst/src/f1").exists(), "{words:?}");
    }
    // Who reads no further knows it, and still hears how it ended.
    let ended = run(ours(), To::Nobody, &["-rv"], &url);
    assert_eq!(ended.status.code(), Some(0), "{}", stderr(&ended));
    let missing = format!("{url}/missing");
    for words in [&["-rv"][..], &["-r", "--json"]] {
        let ended = run(ours(), To::Nobody, words, &missing);
        assert_eq!(ended.status.code(), Some(23), "{}", stderr(&ended));
    }
}
