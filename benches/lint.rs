//! How fast `rsyncctl lint` is, and how much memory it takes: `cargo bench --bench lint`.
//!
//! Cold start and peak memory as a process; then configurations of 0.1, 1 and 10 MB, clean and with a finding in each
//! module: the time per byte of checking and of writing each format, which is to be the same at each size, and the time
//! of the whole program.
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::{
    io::{self, Write as _},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use jiff::civil::date;
use nix::sys::resource::{UsageWho, getrusage};
use rsyncctl::{
    catalog::{FileKind, Language},
    host::NoHost,
    lint::{Circumstances, Input, Options, Report, lint},
    render::{self, Format, Style},
    terms::Release,
};
use tempfile::NamedTempFile;

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
    let largest = sizes[sizes.len() - 1];
    let start = fastest(runs * 10, program([configuration(300, "yes")], "human"));
    println!("cold start, a small file: {start:.1?}");
    // Piece by piece, because a child's peak is never told as less than what its parent had.
    let comments = std::iter::repeat_n("#\n".repeat(largest / 10), 15);
    program(comments, "human")();
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN)
        .expect("it is always told")
        .max_rss();
    println!("peak memory, {} bytes of comment lines: {peak} KiB", 3 * largest);
    for (what, value) in [("clean", "yes"), ("a finding in each module", "on")] {
        let files: Vec<_> = sizes.iter().map(|&size| configuration(size, value)).collect();
        let reports: Vec<_> = files.iter().map(|file| check(file)).collect();
        let findings: Vec<_> = reports.iter().map(|report| report.findings.len()).collect();
        println!("\n{what}: {findings:?} findings\n{}", heading(sizes));
        let checked = files.iter().map(|file| fastest(runs, || check(file)));
        println!("{}", row("check", &files, checked, None));
        for (name, format) in FORMATS {
            let whole = fastest(runs, program([&files[sizes.len() / 2]], name));
            let written = reports
                .iter()
                .map(|report| fastest(runs, || write(report, format)));
            println!("{}", row(name, &files, written, Some(whole)));
        }
    }
}

fn heading(sizes: &[usize]) -> String {
    let columns = sizes
        .iter()
        .map(|size| format!(" {size:>10}"))
        .collect::<String>();
    let middle = sizes[sizes.len() / 2];
    format!("{:>9}{columns} bytes: ns/byte; whole program at {middle}", "")
}

fn row(
    step: &str,
    files: &[Vec<u8>],
    times: impl Iterator<Item = Duration>,
    whole: Option<Duration>,
) -> String {
    let columns = files.iter().zip(times).map(|(file, time)| {
        let per_byte = time.as_nanos() as f64 / file.len() as f64;
        format!(" {per_byte:>10.1}")
    });
    let columns: String = columns.collect();
    let whole = whole.map_or_else(String::new, |time| format!("       {time:.1?}"));
    format!("{step:>9}{columns}{whole}")
}

/// Runs the program on a file.
fn program<T: AsRef<[u8]>>(file: impl IntoIterator<Item = T>, format: &'static str) -> impl Fn() {
    let mut input = NamedTempFile::new().expect("a temporary file");
    for piece in file {
        input.write_all(piece.as_ref()).expect("a temporary file");
    }
    move || {
        let status = Command::new(env!("CARGO_BIN_EXE_rsyncctl"))
            .args(["lint", "--kind", "rsyncd.conf", "--format", format])
            .arg(input.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let code = status.expect("the program runs").code();
        assert!(matches!(code, Some(0 | 1)), "{code:?}");
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
