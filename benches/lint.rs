//! How fast `rsyncctl lint` is: `cargo bench --bench lint`.
//!
//! Cold start as a process; then, inside this process, reading and writing a configuration of 0.1, 1 and 10 MB, clean
//! and with a finding in each module, in every format. A time per byte that grows with the size is a defect.
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::{
    fs, io,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use jiff::civil::date;
use rsyncctl::{
    catalog::{FileKind, Language},
    host::NoHost,
    lint::{Circumstances, Input, Options, Report, lint},
    render::{self, Format, Style},
    terms::Release,
};

const FORMATS: [(&str, Format); 5] = [
    ("human", Format::Human),
    ("concise", Format::Concise),
    ("json", Format::Json),
    ("sarif", Format::Sarif),
    ("github", Format::Github),
];

fn main() {
    // `cargo test --benches` runs this file too, to see that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let (runs, sizes): (usize, &[usize]) = if is_bench {
        (7, &[100_000, 1_000_000, 10_000_000])
    } else {
        (1, &[10_000])
    };
    let file = std::env::temp_dir().join(format!("rsyncctl-bench-{}.conf", std::process::id()));
    fs::write(&file, configuration(300, "yes")).expect("a temporary file");
    let time = fastest(runs * 10, || {
        let status = Command::new(env!("CARGO_BIN_EXE_rsyncctl"))
            .args(["lint", "--kind", "rsyncd.conf"])
            .arg(&file)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("the program runs").success());
    });
    fs::remove_file(&file).expect("the file is ours");
    println!("cold start, a small file: {time:.1?}\n");
    println!(
        "{:>9} {:>9} {:>9} {:>10} {:>9}",
        "bytes", "findings", "step", "time", "ns/byte"
    );
    for value in ["yes", "on"] {
        for &size in sizes {
            let file = configuration(size, value);
            let findings = check(&file).findings.len();
            let row = |step: &str, time: Duration| {
                let per_byte = time.as_nanos() as f64 / file.len() as f64;
                println!(
                    "{:>9} {findings:>9} {step:>9} {time:>10.1?} {per_byte:>9.1}",
                    file.len()
                );
            };
            row("check", fastest(runs, || check(&file)));
            let report = check(&file);
            for (name, format) in FORMATS {
                row(name, fastest(runs, || write(&report, format)));
            }
        }
    }
}

/// About `size` bytes of modules, each with `read only = value`.
fn configuration(size: usize, value: &str) -> Vec<u8> {
    let mut file = String::with_capacity(size + 128);
    for number in 0.. {
        file += &format!(
            "[module{number}]\npath = /srv/backup/module{number}\ncomment = backup\nread only = {value}\n\
             hosts allow = 10.0.0.0/8\n\n"
        );
        if file.len() >= size {
            break;
        }
    }
    file.into_bytes()
}

fn check(file: &[u8]) -> Report {
    let input = Input {
        name: "rsyncd.conf".to_owned(),
        path: None,
        bytes: file.into(),
        kind: FileKind::RsyncdConf,
        is_guess: false,
        host: &NoHost,
    };
    let circumstances = Circumstances {
        release: Release::CURRENT,
        from_release: None,
        daemon_uid: 0,
        today: date(2026, 11, 21),
    };
    let options = Options {
        circumstances,
        select: Vec::new(),
        ignore: Vec::new(),
        severities: Vec::new(),
    };
    lint(vec![input], &options)
}

fn write(report: &Report, format: Format) {
    let style = Style {
        language: Language::English,
        color: false,
        unicode: true,
        width: 100,
        limit: 10,
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, io::sink());
    render::report(format, report, style, &mut out).expect("nothing refuses what is written");
}

/// The fastest of several runs: what else the machine does only ever makes them slower.
fn fastest<T>(runs: usize, mut run: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    };
    (0..runs).map(time).min().unwrap_or_default()
}
