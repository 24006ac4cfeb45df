//! What a probe takes: `cargo bench --bench probe`.
//!
//! Beside one `rsync -n` of a small module, in turn, as medians; then many targets in one run, a few of them real.
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod support;

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use support::{Daemon, Ground, free_port, median, watch};

/// How often each runs.
const RUNS: usize = 21;
/// How many targets a run has.
const TARGETS: usize = 1000;
/// One of so many is a module of the daemon; nothing listens at the others.
const ONE_OF: usize = 100;

const PROBE: [&str; 2] = [env!("CARGO_BIN_EXE_rsyncctl"), "probe"];

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if Command::new("rsync").arg("--version").output().is_err() {
        println!("rsync is not installed: there is nothing to probe");
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(&ground);
    let module = ground.fresh("module");
    for number in 0..20 {
        fs::write(module.join(number.to_string()), vec![b'a'; 1000 * number]).expect("a file");
    }
    let url = format!("rsync://127.0.0.1:{}/all/module/", daemon.port);
    let target = ground.fresh("target").display().to_string();
    let (runs, targets) = if is_bench { (RUNS, TARGETS) } else { (1, ONE_OF) };
    let commands = [
        ("rsync -rn", vec!["rsync", "-rn", &url, &target]),
        (
            "probe --max-files 0: all up to the dry run",
            [&PROBE[..], &["--max-files", "0", &url]].concat(),
        ),
        ("probe", [&PROBE[..], &[&url]].concat()),
        ("probe --push", [&PROBE[..], &["--push", &url]].concat()),
    ];
    let mut times = vec![Vec::new(); commands.len()];
    for _ in 0..runs {
        for ((_, words), times) in commands.iter().zip(&mut times) {
            times.push(time(words));
        }
    }
    let times: Vec<_> = times.into_iter().map(median).collect();
    println!("| one module of 20 files | ms | ratio |");
    println!("|---|---|---|");
    for ((name, _), time) in commands.iter().zip(&times) {
        let ratio = time.as_secs_f64() / times[0].as_secs_f64();
        println!("| {name} | {:.1} | {ratio:.2} |", time.as_secs_f64() * 1000.0);
    }
    many(&ground, &url, targets);
}

fn time(words: &[&str]) -> Duration {
    let mut command = Command::new(words[0]);
    command
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("it runs");
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

/// Many targets in one run.
fn many(ground: &Ground, url: &str, targets: usize) {
    let dead = format!("rsync://127.0.0.1:{}/data", free_port());
    let lines: String = (0..targets)
        .map(|number| if number % ONE_OF == 0 { url } else { &dead })
        .map(|line| format!("{line}\n"))
        .collect();
    let list = ground.path("targets");
    fs::write(&list, lines).expect("a file");
    let mut command = Command::new(PROBE[0]);
    command
        .args([PROBE[1], "--format", "concise", "--targets"])
        .arg(list)
        .stdout(Stdio::null());
    let start = Instant::now();
    let peak = watch(&mut command);
    let time = start.elapsed();
    assert_eq!(peak.status.and_then(|status| status.code()), Some(10));
    println!(
        "{targets} targets, {} of them modules: {:.2} s, {:.1} MiB, {} descriptors",
        targets.div_ceil(ONE_OF),
        time.as_secs_f64(),
        peak.memory as f64 / 1024.0,
        peak.descriptors
    );
}
