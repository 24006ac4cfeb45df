//! How fast `rsyncctl explain` reads: `cargo bench --bench explain`.
//!
//! 100 MB of a daemon's log with a failure now and then, a client's file list with none, and a log that is nothing but
//! failures. Memory is the program's peak, of a run of its own.
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod support;

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    time::Instant,
};

use support::watch;

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let size = if is_bench { 100_000_000 } else { 100_000 };
    println!(
        "{:>30} {:>12} {:>9} {:>9} {:>12}",
        "text", "bytes", "seconds", "MB/s", "peak, MiB"
    );
    for (name, text) in [
        ("a daemon's log", daemon_log(size, 1000)),
        ("a daemon's log, all failures", daemon_log(size, 1)),
        ("a client's list of files", file_list(size)),
        (
            "a Chinese text",
            "数据同步失败，请检查服务器。\n".repeat(size / 43),
        ),
    ] {
        let file = std::env::temp_dir().join(format!("rsyncctl-bench-{}.log", std::process::id()));
        fs::write(&file, &text).expect("a temporary file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rsyncctl"));
        command
            .arg("explain")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        command.status().expect("the program runs");
        let time = start.elapsed();
        let memory = watch(&mut command).memory;
        fs::remove_file(&file).expect("the file is ours");
        let speed = text.len() as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{name:>30} {:>12} {:>9.2} {speed:>9.0} {:>12.1}",
            text.len(),
            time.as_secs_f64(),
            memory as f64 / 1024.0
        );
    }
}

/// A log in which every `every`th session fails.
fn daemon_log(size: usize, every: usize) -> String {
    let mut log = String::with_capacity(size + 200);
    let mut session = 0;
    while log.len() < size {
        session += 1;
        let stamp = format!(
            "2026/11/21 04:{:02}:{:02} [{}]",
            session / 60 % 60,
            session % 60,
            1000 + session
        );
        let _ = writeln!(log, "{stamp} connect from backup.example (192.0.2.7)");
        if session % every == 0 {
            let _ = writeln!(
                log,
                "{stamp} auth failed on module data from backup.example (192.0.2.7) for joe: password mismatch"
            );
        } else {
            let _ = writeln!(log, "{stamp} rsync to data/ from joe@backup.example (192.0.2.7)");
            let _ = writeln!(
                log,
                "{stamp} sent 35 bytes  received 2413 bytes  total size 1048576"
            );
        }
    }
    log
}

fn file_list(size: usize) -> String {
    let mut list = String::with_capacity(size + 200);
    let mut file = 0;
    while list.len() < size {
        file += 1;
        let _ = writeln!(
            list,
            "srv/data/customers/{:04}/invoice-{file:09}.pdf",
            file / 1000
        );
    }
    list
}
