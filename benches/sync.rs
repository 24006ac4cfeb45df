//! How fast `rsyncctl sync` is beside rsync: `cargo bench --bench sync`, with the names of scenarios behind it only those.
//!
//! Both run in turn against one real daemon on loopback, each after the destination was built anew; the figures are
//! medians. CPU is what the client's processes work, and wire the bytes that it sends and receives, both as ratios; memory
//! is that of our process, of a run of its own. What came out is compared with the source by rsync.
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod support;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant, UNIX_EPOCH},
};

use nix::sys::resource::{UsageWho, getrusage};
use support::{Daemon, Ground, far, median, watch};

/// How often each client runs.
const RUNS: usize = 7;

/// What is measured.
struct Scenario {
    name: &'static str,
    text: &'static str,
    /// Writes what is sent, of a size.
    source: fn(&Path, usize),
    size: usize,
    /// Writes what is at the destination before, given the source.
    basis: fn(&Path, &Path),
    options: &'static [&'static str],
    /// How long the way to the daemon is.
    round_trip: Duration,
}

const NEAR: Duration = Duration::ZERO;
const FAR: Duration = Duration::from_millis(50);

const MIB: usize = 1 << 20;

const SCENARIOS: [Scenario; 15] = [
    Scenario {
        name: "tiny",
        text: "10 files of 4 KiB",
        source: |to, count| small_files(to, count, 10, 4096),
        size: 10,
        basis: nothing,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "small",
        text: "5,000 files of 8 KiB",
        source: |to, count| small_files(to, count, 100, 8192),
        size: 5_000,
        basis: nothing,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "noop",
        text: "20,000 files, nothing to do",
        source: |to, count| small_files(to, count, 100, 200),
        size: 20_000,
        basis: copy,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "crowd",
        text: "100,000 empty files in one folder",
        source: |to, count| small_files(to, count, 1, 0),
        size: 100_000,
        basis: nothing,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "tree",
        text: "5,000 folders with an empty file each",
        source: |to, count| small_files(to, count, count, 0),
        size: 5_000,
        basis: nothing,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "big",
        text: "one file of 256 MiB",
        source: |to, size| write_random(&to.join("big"), size, 1),
        size: 256 * MIB,
        basis: nothing,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "delta",
        text: "256 MiB, 1 % of its pages other",
        source: |to, size| write_random(&to.join("big"), size, 1),
        size: 256 * MIB,
        basis: scattered,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "insert",
        text: "256 MiB, 1,000 bytes inserted in front",
        source: |to, size| write_random(&to.join("big"), size, 1),
        size: 256 * MIB,
        basis: shorter,
        options: &[],
        round_trip: NEAR,
    },
    Scenario {
        name: "checksum",
        text: "256 MiB in 16 files, `-c`, nothing to do",
        source: |to, size| {
            for number in 0..16 {
                write_random(&to.join(number.to_string()), size / 16, number);
            }
        },
        size: 256 * MIB,
        basis: copy,
        options: &["-c"],
        round_trip: NEAR,
    },
    Scenario {
        name: "compress",
        text: "64 MiB of text, `-z`",
        source: |to, size| write_text(&to.join("text"), size),
        size: 64 * MIB,
        basis: nothing,
        options: &["-z"],
        round_trip: NEAR,
    },
    Scenario {
        name: "delete",
        text: "10,000 files to delete",
        source: |to, _| small_files(to, 1, 1, 100),
        size: 1,
        basis: |_, to| small_files(to, 10_000, 100, 100),
        options: &["--delete"],
        round_trip: NEAR,
    },
    Scenario {
        name: "far-tiny",
        text: "50 ms away, 10 files of 4 KiB",
        source: |to, count| small_files(to, count, 10, 4096),
        size: 10,
        basis: nothing,
        options: &[],
        round_trip: FAR,
    },
    Scenario {
        name: "far-small",
        text: "50 ms away, 5,000 files of 8 KiB",
        source: |to, count| small_files(to, count, 100, 8192),
        size: 5_000,
        basis: nothing,
        options: &[],
        round_trip: FAR,
    },
    Scenario {
        name: "far-noop",
        text: "50 ms away, 100,000 files, nothing to do",
        source: |to, count| small_files(to, count, 100, 200),
        size: 100_000,
        basis: copy,
        options: &[],
        round_trip: FAR,
    },
    Scenario {
        name: "far-tree",
        text: "50 ms away, 5,000 folders with an empty file each",
        source: |to, count| small_files(to, count, count, 0),
        size: 5_000,
        basis: nothing,
        options: &[],
        round_trip: FAR,
    },
];

fn main() {
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|name| !name.starts_with('-'))
        .collect();
    if Command::new("rsync").arg("--version").output().is_err() {
        println!("rsync is not installed: nothing to compare with");
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(&ground);
    println!("| | | rsync, s | rsyncctl, s | ratio | CPU | wire | memory, MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    for scenario in &SCENARIOS {
        if !wanted.is_empty() && !wanted.iter().any(|name| name == scenario.name) {
            continue;
        }
        let (size, runs) = match is_bench {
            true => (scenario.size, RUNS),
            false => (scenario.size.div_ceil(100), 1),
        };
        let source = ground.fresh("source");
        (scenario.source)(&source, size);
        for is_push in [false, true] {
            let port = match scenario.round_trip {
                NEAR => daemon.port,
                round_trip => far(daemon.port, round_trip),
            };
            let run = Run {
                scenario,
                ground: &ground,
                port,
                is_push,
            };
            run.report(runs);
        }
    }
}

/// A scenario in one direction.
struct Run<'a> {
    scenario: &'a Scenario,
    ground: &'a Ground,
    port: u16,
    is_push: bool,
}

impl Run<'_> {
    fn report(&self, runs: usize) {
        let ours: [&str; 2] = [env!("CARGO_BIN_EXE_rsyncctl"), "sync"];
        let (mut theirs_took, mut ours_took) = (Vec::new(), Vec::new());
        for run in 0..runs {
            // Who goes second finds the caches warm.
            if run % 2 == 0 {
                theirs_took.push(self.time(&["rsync"]));
                ours_took.push(self.time(&ours));
            } else {
                ours_took.push(self.time(&ours));
                theirs_took.push(self.time(&["rsync"]));
            }
        }
        let wire = self.wire(&ours) as f64 / self.wire(&["rsync"]) as f64;
        let memory = self.memory(&ours);
        self.compare();
        let (theirs_took, theirs_worked): (Vec<_>, Vec<_>) = theirs_took.into_iter().unzip();
        let (ours_took, ours_worked): (Vec<_>, Vec<_>) = ours_took.into_iter().unzip();
        let (theirs, ours) = (median(theirs_took), median(ours_took));
        println!(
            "| {}: {} | {} | {:.3} | {:.3} | {:.2} | {:.2} | {:.2} | {:.1} |",
            self.scenario.name,
            self.scenario.text,
            if self.is_push { "push" } else { "pull" },
            theirs.as_secs_f64(),
            ours.as_secs_f64(),
            ours.as_secs_f64() / theirs.as_secs_f64(),
            median(ours_worked).as_secs_f64() / median(theirs_worked).as_secs_f64(),
            wire,
            memory as f64 / 1024.0,
        );
    }

    /// Builds the destination anew; the command that brings it up to the source.
    fn prepare(&self, program: &[&str]) -> Command {
        let target = self.ground.fresh("target");
        (self.scenario.basis)(&self.ground.path("source"), &target);
        let url = |folder| format!("rsync://127.0.0.1:{}/all/{folder}/", self.port);
        let local = |folder| format!("{}/", self.ground.path(folder).display());
        let places = match self.is_push {
            true => [local("source"), url("target")],
            false => [url("source"), local("target")],
        };
        let mut command = Command::new(program[0]);
        command
            .args(&program[1..])
            .arg("-a")
            .args(self.scenario.options)
            .args(places)
            .stdin(Stdio::null());
        command
    }

    /// How long it takes, and how long its processes work meanwhile.
    fn time(&self, program: &[&str]) -> (Duration, Duration) {
        let mut command = self.prepare(program);
        let (start, before) = (Instant::now(), worked());
        let status = command.status().expect("the client runs");
        let time = start.elapsed();
        assert!(status.success(), "{command:?}: {status}");
        (time, worked() - before)
    }

    /// How many bytes it sends and receives.
    fn wire(&self, program: &[&str]) -> u64 {
        let output = self.prepare(program).arg("--stats").output();
        let output = output.expect("the client runs").stdout;
        let text = String::from_utf8_lossy(&output);
        let counts = text.lines().filter_map(|line| line.strip_prefix("Total bytes "));
        let counts = counts.filter_map(|line| line.split_once(": "));
        counts
            .map(|(_, count)| count.replace(',', "").parse::<u64>().expect("a number"))
            .sum()
    }

    /// The largest resident set, in KiB.
    fn memory(&self, program: &[&str]) -> u64 {
        watch(&mut self.prepare(program)).memory
    }

    /// Nothing is left to do for rsync, now that ours has run.
    fn compare(&self) {
        let output = Command::new("rsync")
            .args(["-acin", "--delete"])
            .arg(format!("{}/", self.ground.path("source").display()))
            .arg(self.ground.path("target"))
            .output()
            .expect("rsync runs");
        let left = String::from_utf8_lossy(&output.stdout);
        assert_eq!(left, "", "{} left something to do", self.scenario.name);
    }
}

/// How long all processes worked that were waited for.
fn worked() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("our children");
    let times = [usage.user_time(), usage.system_time()];
    times
        .iter()
        .map(|time| Duration::from_micros((time.tv_sec() * 1_000_000 + time.tv_usec()) as u64))
        .sum()
}

fn nothing(_source: &Path, _to: &Path) {}

/// The source itself, with its times.
fn copy(source: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(source.join("."))
        .arg(to)
        .status();
    assert!(copied.expect("cp runs").success());
}

/// The source as it was before 1 % of its pages were written anew.
fn scattered(source: &Path, to: &Path) {
    const PAGE: usize = 4096;
    let mut bytes = fs::read(source.join("big")).expect("the source");
    let mut random = Random(7);
    let pages = bytes.len() / PAGE;
    for _ in 0..pages.div_ceil(100) {
        let page = random.next() as usize % pages;
        random.fill(&mut bytes[page * PAGE..][..PAGE]);
    }
    write_old(&to.join("big"), &bytes);
}

/// The source as it was before something was inserted in front.
fn shorter(source: &Path, to: &Path) {
    let bytes = fs::read(source.join("big")).expect("the source");
    write_old(&to.join("big"), &bytes[1000..]);
}

fn write_old(to: &Path, bytes: &[u8]) {
    let file = fs::File::create(to).and_then(|mut file| {
        file.write_all(bytes)?;
        // Older by more than a second, which is all that is looked at.
        file.set_modified(UNIX_EPOCH)
    });
    file.expect("a file");
}

fn small_files(to: &Path, count: usize, folders: usize, size: usize) {
    let mut random = Random(count as u64);
    let mut content = vec![0; size];
    for number in 0..count {
        let folder = to.join(format!("folder{}", number % folders));
        fs::create_dir_all(&folder).expect("a folder");
        random.fill(&mut content);
        fs::write(folder.join(format!("file{number}")), &content).expect("a file");
    }
}

fn write_random(to: &Path, size: usize, seed: u64) {
    let mut bytes = vec![0; size];
    Random(seed + 1).fill(&mut bytes);
    fs::write(to, bytes).expect("a file");
}

/// Lines as of a log.
fn write_text(to: &Path, size: usize) {
    const WORDS: [&str; 8] = [
        "sent", "bytes", "from", "backup", "failed", "module", "data", "connect",
    ];
    let mut random = Random(3);
    let mut text = Vec::with_capacity(size + 100);
    while text.len() < size {
        let _ = write!(text, "{} ", random.next() % 1_000_000);
        for _ in 0..8 {
            let word = WORDS[random.next() as usize % WORDS.len()];
            text.extend_from_slice(word.as_bytes());
            text.push(b' ');
        }
        text.push(b'\n');
    }
    fs::write(to, text).expect("a file");
}

/// The same bytes each time (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }
}
