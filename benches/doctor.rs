//! What an examination of a healthy daemon takes: `cargo bench --bench doctor`.
//!
//! Beside what a user would do by hand: one `rsync -n` of each module.
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod support;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use support::{Daemon, Ground, median, watch};

/// How often each runs.
const RUNS: usize = 11;
/// How many modules the daemon has.
const MODULES: usize = 20;
/// How many files each of them has.
const FILES: usize = 20;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if Command::new("rsync").arg("--version").output().is_err() {
        println!("rsync is not installed: there is no daemon to examine");
        return;
    }
    let ground = Ground::new();
    let mut text = String::from("use chroot = no\nhosts allow = 127.0.0.0/8\nmax connections = 10\n");
    text += &format!("lock file = {}\n", ground.path("lock").display());
    for number in 0..MODULES {
        let folder = ground.fresh(&format!("m{number}"));
        for file in 0..FILES {
            fs::write(folder.join(file.to_string()), vec![b'a'; 100 * file]).expect("a file");
        }
        text += &format!("[m{number}]\npath = {}\nuid = 0\ngid = 0\n", folder.display());
    }
    let daemon = Daemon::start_with(&ground, &text);
    let target = ground.fresh("target").display().to_string();
    let runs = if is_bench { RUNS } else { 1 };
    let (mut by_hand, mut examined) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let start = Instant::now();
        for number in 0..MODULES {
            let url = format!("rsync://127.0.0.1:{}/m{number}/", daemon.port);
            let status = Command::new("rsync")
                .args(["-rn", &url, &target])
                .stdout(Stdio::null())
                .status();
            assert!(status.expect("rsync runs").success());
        }
        by_hand.push(start.elapsed());
        examined.push(examination(&ground));
    }
    let (by_hand, examined) = (median(by_hand), median(examined));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    println!("| {MODULES} modules of {FILES} files | ms | ratio |");
    println!("|---|---|---|");
    println!("| rsync -rn of each | {:.0} | 1.00 |", milliseconds(by_hand));
    println!(
        "| doctor | {:.0} | {:.2} |",
        milliseconds(examined),
        examined.as_secs_f64() / by_hand.as_secs_f64()
    );
    let peak = watch(&mut command(&ground));
    println!(
        "{:.1} MiB, {} descriptors",
        peak.memory as f64 / 1024.0,
        peak.descriptors
    );
}

fn command(ground: &Ground) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rsyncctl"));
    command
        .args(["doctor", "--format", "concise", "--config"])
        .arg(ground.path("rsyncd.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

fn examination(ground: &Ground) -> Duration {
    let start = Instant::now();
    let status = command(ground).status().expect("it runs");
    let time = start.elapsed();
    // What a plain user cannot see is said with 3.
    assert!(matches!(status.code(), Some(0 | 3)), "{status}");
    time
}
