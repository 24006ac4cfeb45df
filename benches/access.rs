//! How fast long host lists are judged: `cargo bench --bench access`.
//!
//! `rsyncctl access` and `rsyncctl lint` as processes, on many modules each with a network of its own, on one module
//! with two long lists, and on two files that are compared: each at three sizes, so that the growth shows.
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::{
    fmt::Write as _,
    fs,
    net::Ipv4Addr,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn main() {
    // `cargo test --benches` runs this file too, to see that it works.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[u32] = if is_bench {
        &[1_000, 10_000, 100_000]
    } else {
        &[10]
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let row = |what: &str, text: fn(u32) -> String, arguments: &[&str]| {
        let times = sizes.iter().map(|&size| {
            let text = text(size);
            fs::write(folder.path().join("y.conf"), text.replace("10.", "11.")).expect("a file");
            fs::write(folder.path().join("x.conf"), text).expect("a file");
            format!(" {:>10.1?} ({size})", time(folder.path(), arguments))
        });
        println!("{what:36}{}", times.collect::<String>());
    };
    row(
        "access, modules with a network each",
        modules,
        &["access", "x.conf"],
    );
    row("access, entries in two lists", lists, &["access", "x.conf"]);
    let both = ["access", "--compare", "x.conf", "y.conf"];
    row("access, two such files", lists, &both);
    row("lint, entries in two lists", lists, LINT);
    row("lint, modules beside a list for all", beside, LINT);
}

const LINT: &[&str] = &["lint", "--host", "none", "--kind", "rsyncd.conf", "x.conf"];

/// So many modules, each with a network of its own.
fn modules(count: u32) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let network = Ipv4Addr::from_bits((10 << 24) + (number << 4));
        writeln!(text, "[m{number}]\npath = /srv/m\nhosts allow = {network}/28").expect("a string");
        text
    })
}

/// So many entries: half of them denied networks, half of them exceptions.
fn lists(count: u32) -> String {
    let words = |ending: &str, first: u32| {
        (0..count / 2).fold(String::new(), |mut words, number| {
            let address = Ipv4Addr::from_bits((10 << 24) + (number << 5) + first);
            write!(words, " {address}{ending}").expect("a string");
            words
        })
    };
    format!(
        "[m]\npath = /srv/m\nhosts allow ={}\nhosts deny ={}\n",
        words("", 5),
        words("/28", 0)
    )
}

/// A hundredth of so many modules, beside a list of so many entries that holds for all.
fn beside(count: u32) -> String {
    let all = lists(count);
    let deny = all.lines().last().unwrap_or_default();
    format!("{deny}\n{}", modules(count / 100))
}

/// The fastest of several runs: what else the machine does only ever makes them slower.
fn time(folder: &Path, arguments: &[&str]) -> Duration {
    let run = |_| {
        let start = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_rsyncctl"))
            .args(arguments)
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let code = status.expect("the program runs").code();
        assert!(matches!(code, Some(0 | 1)), "{arguments:?}: {code:?}");
        start.elapsed()
    };
    (0..3).map(run).min().unwrap_or_default()
}
