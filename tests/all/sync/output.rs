//! What our client and the real one print, line by line: everything but times, rates and bytes on the wire is the same.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
    process::{Command, Output},
};

use crate::{
    support::{daemon::has_rsync, program::program},
    sync::{Stage, some_files},
};

/// What is there before a client runs.
#[derive(Clone, Copy, Debug)]
enum Before {
    Nothing,
    /// Some files as they are, some others, and some that the source does not have.
    Others,
}

/// Runs a client: what it put out, what it logged, and in which folder.
fn ran(
    stage: &Stage,
    module: &str,
    words: &[&str],
    before: Before,
    is_push: bool,
    is_ours: bool,
) -> (Output, Vec<u8>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let target = stage.target();
    let _ = fs::remove_dir_all(&target);
    fs::create_dir(&target).expect("a folder");
    if is_push {
        fs::create_dir(folder.path().join("src")).expect("a folder");
        source(&folder.path().join("src"));
    }
    let there = if is_push {
        target
    } else {
        folder.path().join("dst")
    };
    if let Before::Others = before {
        plant(&there);
    }
    let url = format!("rsync://127.0.0.1:{}", stage.daemon.port());
    let ends = match is_push {
        true => ["src/".to_owned(), format!("{url}/drop/")],
        false => [format!("{url}/{module}/src/"), "dst".to_owned()],
    };
    let mut command = match is_ours {
        true => program(folder.path(), &["sync"]),
        false => {
            let mut command = Command::new("rsync");
            command.current_dir(folder.path());
            command.env("LC_ALL", "C.UTF-8");
            command
        }
    };
    let output = command.args(words).args(ends).output().expect("the client runs");
    let log = fs::read(folder.path().join("log")).unwrap_or_default();
    (output, log, folder.path().display().to_string())
}

/// All that a client printed and logged.
fn printed(
    stage: &Stage,
    module: &str,
    words: &[&str],
    before: Before,
    is_push: bool,
    is_ours: bool,
) -> String {
    let (output, log, place) = ran(stage, module, words, before, is_push, is_ours);
    let mut text = format!("code {:?}\n", output.status.code());
    for (name, bytes) in [("out", &output.stdout), ("errors", &output.stderr), ("log", &log)] {
        text.push_str(&masked(
            name,
            &String::from_utf8_lossy(bytes).replace(&place, "HERE"),
        ));
    }
    text
}

fn source(root: &Path) {
    some_files(root);
    fs::write(root.join("long"), content()).expect("a file");
    fs::write(root.join("odd\u{1}caf\u{e9}"), "odd").expect("a file");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_100_000_000);
    crate::sync::trees::touch_itself(&root.join("link"), time);
    for name in [
        "long",
        "f1",
        "f2",
        "sub/deep/y",
        "a b/-x",
        "odd\u{1}caf\u{e9}",
        "sub",
        "a b",
        "sub/deep",
        ".",
    ] {
        crate::sync::trees::touch_itself(&root.join(name), time);
    }
}

/// Bytes that do not repeat.
fn content() -> Vec<u8> {
    let byte = |number: u32| (number.wrapping_mul(2_654_435_761) >> 24) as u8;
    (0..100_000).map(byte).collect()
}

fn plant(root: &Path) {
    fs::create_dir_all(root.join("sub/gone/deep")).expect("folders");
    let mut content = content();
    content[50_000] ^= 1;
    fs::write(root.join("long"), content).expect("a file");
    fs::write(root.join("f1"), "one").expect("a file");
    fs::write(root.join("f2"), "longer").expect("a file");
    fs::write(root.join("more"), "more").expect("a file");
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_100_000_000);
    crate::sync::trees::touch_itself(&root.join("f1"), time);
}

/// The lines of one stream, without what differs from run to run. Those that rsync's generator writes by itself stand
/// behind the others: it is a process of its own.
pub(super) fn masked(name: &str, text: &str) -> String {
    let mut lines = Vec::new();
    let mut of_generator = Vec::new();
    for line in text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("rsyncctl: "))
        // How far a list has come is said by the clock.
        .filter(|line| !line.trim_end().ends_with(" files..."))
    {
        let line = rates(line);
        let (line, is_logged) = match line.split_once("] ") {
            Some((head, rest)) if name == "log" && head.contains(" [") => (format!("TIME {rest}"), true),
            _ => (line, false),
        };
        let said = line.strip_prefix("TIME ").unwrap_or(&line);
        let starts = [
            "delta-transmission",
            "not creating ",
            "skipping ",
            "deleting ",
            "*deleting ",
            "backed up ",
            "cannot delete ",
            "IO error ",
            "ignoring unsafe ",
        ];
        let ends = [
            " exists",
            "is uptodate",
            "is newer",
            "max-size",
            "min-size",
            " change)",
            "(uptodate)",
        ];
        let end = said.trim_end();
        // Without a format the log has two lines for what the generator makes.
        let is_name = is_logged && (end.ends_with('/') || end.contains(" -> ") && !end.contains("+++"));
        let is_of_generator = starts.iter().any(|start| said.starts_with(start))
            || ends.iter().any(|way| end.ends_with(way))
            || is_name
            || end.contains("del.");
        match is_of_generator {
            true => of_generator.push(line),
            false => lines.push(line),
        }
    }
    // The log is written by both at once.
    if name == "log" {
        of_generator.sort();
    }
    format!(
        "-- {name}\n{}-- {name} of the generator\n{}",
        lines.concat(),
        of_generator.concat()
    )
}

/// A line without rates, times, and what the two programs call themselves.
fn rates(line: &str) -> String {
    let number = |word: &str| word.starts_with(|letter: char| letter.is_ascii_digit());
    let mut masked = String::new();
    let mut rest = line;
    // The rate of a line of progress, and the time behind it.
    while let Some(place) = ["kB/s ", "MB/s ", "GB/s "]
        .iter()
        .filter_map(|unit| rest.find(unit))
        .min()
    {
        let start = rest[..place].rfind(' ').map_or(0, |space| space + 1);
        let (before, behind) = (&rest[..start], &rest[place + 5..]);
        masked.push_str(before.trim_end());
        masked.push_str(" RATE");
        rest = behind.get(10..).unwrap_or_default();
    }
    masked.push_str(rest);
    for (start, mask) in [
        ("sent ", "sent BYTES\n"),
        ("Total bytes sent: ", "Total bytes sent\n"),
        ("Total bytes received: ", "Total bytes received\n"),
        ("File list size: ", "File list size\n"),
        ("File list generation time: ", "File list generation time\n"),
        ("File list transfer time: ", "File list transfer time\n"),
    ] {
        if let Some(place) = masked.find(start).filter(|_| masked.contains(start)) {
            let is_mine = masked[place + start.len()..]
                .split(' ')
                .next()
                .is_some_and(number);
            if is_mine {
                masked.truncate(place);
                masked.push_str(mask);
            }
        }
    }
    for (mark, mask) in [
        ("  speedup is ", "\n"),
        ("hash_hits=", "\n"),
        (") at ", ")\n"),
        (") [", ")\n"),
    ] {
        let is_kept = mark == "  speedup is " && masked.contains("(DRY RUN)");
        if let Some(place) = masked.find(mark) {
            masked.truncate(place);
            masked.push_str(if is_kept { " (DRY RUN)\n" } else { mask });
        }
    }
    if let Some(place) = masked.find("127.0.0.1 port ") {
        masked.truncate(place);
        masked.push('\n');
    }
    masked
}

fn compare(cases: &[&str]) {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    let mut differences = Vec::new();
    for case in cases {
        // Lists that come one by one are said to be still on their way, if they are.
        let is_incremental = case.starts_with("--inc-recursive");
        let mut words: Vec<_> = case.split_whitespace().collect();
        words.extend((!is_incremental).then_some("--no-inc-recursive"));
        for is_push in [false, true] {
            for before in [Before::Nothing, Before::Others] {
                let [theirs, ours] =
                    [false, true].map(|is_ours| printed(&stage, "data", &words, before, is_push, is_ours));
                if theirs != ours {
                    let difference = similar::TextDiff::from_lines(&theirs, &ours)
                        .unified_diff()
                        .header("rsync", "rsyncctl")
                        .to_string();
                    differences.push(format!("{case}, push: {is_push}, {before:?}\n{difference}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn progress_is_shown_as_rsync_shows_it() {
    compare(&[
        "-a --progress",
        "-a --info=progress2",
        "-avh --progress --no-progress",
        "-aiv --progress --del",
        "-an --progress",
        "-aWh --info=progress2,name",
        "-a --progress --out-format=%n_%b",
        "-a --delete-before --progress",
        "-az --protocol=29 --progress",
        "-aq --progress",
        "-a --stderr=all --progress",
    ]);
}

#[test]
fn words_choose_what_is_said() {
    compare(&[
        "-v -d",
        "--inc-recursive -av",
        "--inc-recursive -avv --del",
        "--inc-recursive -aii --stats -h",
        "--inc-recursive -a --info=flist2 --log-file=log",
        "--inc-recursive -av --out-format=%n_%b_%c",
        "-avv",
        "-avv --del",
        "-aivv",
        "-asvv --chmod=u+w,g-w",
        "-asvv --protocol=29",
        "-aii --info=name0",
        "-av --info=none",
        "-a --info=all0,name2",
        "-a --info=flist,del2,nonreg0 --delete-after",
        "-rv --info=nonreg0",
        "-av --info=stats0,flist0,misc",
        "-a --existing -vv",
        "-a --ignore-existing --info=skip2",
        "-auc --ignore-existing --info=skip2",
        "-au --info=skip --max-size=100",
        "-a --min-size=4 --max-size=1k -vv",
        "-abvv",
        "-abv --delay-updates",
        "-abi --info=backup --delay-updates --backup-dir=old --delete",
        "-abvv --delete-after --backup-dir=old/",
        "-abvv --delete-before",
        "-a --delete-before -vv",
        "-a --debug=cmd,flist,deltasum,connect,bind2",
        "-aqvv --stats",
        "-a --info=bogus",
        "-a --debug=name,12",
        "-a --info=help",
        "-a --debug=help",
    ]);
}

#[test]
fn lines_have_the_form_that_is_wanted() {
    compare(&[
        "-a --out-format=%o_%i_%n_%b_%c_%l_%C_%M_%f_%U_%G_%B_%L|",
        "-a --out-format=%-10n|%10l|%'10l|%''l|%'''9l|%L|%5L|%-5L|%h%a%m%P%u%q%010n%5%|%",
        "-ac --out-format=%C_%n",
        "-an --cc=md5 --out-format=%C_%n_%b",
        "-a --cc=xxh64 --out-format=%C",
        "-a --cc=sha1 --protocol=30 --log-format=%C_%o",
        "-ain --del --out-format=%n_%o",
        "-av --del --out-format=%f",
        "-a --del --out-format=%i_%n_%B",
        "-r --out-format=%U_%G_%n",
        "-aii --out-format=%n",
        "-a --out-format=",
        "-ai --8-bit-output",
        "-av -8 --no-8",
    ]);
}

#[test]
fn the_same_is_logged() {
    compare(&[
        "-a --log-file=log",
        "-av --log-file=log",
        "-aiq --del --log-file=log",
        "-an --del --log-file=log",
        "-a --progress --log-file=log",
        "-a --stats --log-file=log",
        "-a --del --log-file=log --log-file-format=%n_%l_%b",
        "-av --del --log-file=log --log-file-format=%o=%n",
        "-avv --log-file=log --log-file-format=%i:%n",
        "-rv --log-file=log --log-file-format=x",
        "-rlv --log-file=log --log-file-format=%n",
        "-rtvO --log-file=log --log-file-format=x",
        "-a --log-file=log --log-file-format=",
        "-av --log-file=no/log",
    ]);
}

#[test]
fn numbers_and_streams_are_those_that_are_wanted() {
    compare(&[
        "-a --stats",
        "-a --stats --protocol=30",
        "-av --stats -h",
        "-a --stats -hh",
        "-a --stats -hhh --no-h",
        "-a --stats --no-human-readable -n",
        "-r --list-only -h",
        "-rU --list-only --no-h -v",
        "-r --list-only -q",
        "-av --msgs2stderr",
        "-av --no-msgs2stderr",
        "-av --stderr=c",
        "-av --stderr=errors --outbuf=L",
        "-av --outbuf=block",
        "-a --stderr=x",
        "-a --outbuf=x",
    ]);
}

/// Bytes are counted from where rsync counts them to the end of the last phase; how many frames they are in is a matter of
/// time.
#[test]
fn bytes_are_counted_as_rsync_counts_them() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    let counted = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("sent "));
        let line = line.unwrap_or_else(|| panic!("no counts in {text}"));
        let words = line
            .split_whitespace()
            .filter_map(|word| word.replace(',', "").parse().ok());
        words.take(2).collect::<Vec<i64>>()
    };
    for words in [
        "-av",
        "-av --delete-after",
        "-av --protocol=29",
        "-av --protocol=30 -n",
    ] {
        let words: Vec<_> = words.split_whitespace().collect();
        for is_push in [false, true] {
            let [theirs, ours] = [false, true].map(|is_ours| {
                let (output, ..) = ran(&stage, "data", &words, Before::Others, is_push, is_ours);
                counted(&String::from_utf8_lossy(&output.stdout))
            });
            let is_near = theirs
                .iter()
                .zip(&ours)
                .all(|(theirs, ours)| (theirs - ours).abs() <= 60);
            assert!(is_near, "{words:?}, push: {is_push}: {theirs:?} {ours:?}");
        }
    }
}

#[test]
fn the_patience_of_a_server_is_taken_over() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    for words in [
        ["-avv", "--protocol=32"],
        ["-avv", "--timeout=60"],
        ["-a", "--info=misc2"],
    ] {
        let [theirs, ours] =
            [false, true].map(|is_ours| printed(&stage, "limited", &words, Before::Nothing, false, is_ours));
        assert_eq!(theirs, ours, "{words:?}");
        let is_taken_over = !words.contains(&"--timeout=60");
        assert_eq!(
            ours.contains("Setting --timeout=3600 to match server"),
            is_taken_over,
            "{ours}"
        );
    }
}

/// Whoever knows nothing but ASCII is shown other bytes as numbers.
#[test]
fn names_are_shown_in_the_characters_of_the_locale() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let fill = |root: &Path| {
        fs::create_dir_all(root).expect("a folder");
        for name in [&b"na\xc3\xafve"[..], b"latin\xe9", b"bell\x07"] {
            fs::write(root.join(OsStr::from_bytes(name)), "text").expect("a file");
        }
    };
    fill(&stage.source());
    let push = |root: &Path| fill(&root.join("src"));
    for locale in ["C", "POSIX", "", "C.UTF-8"] {
        for words in [
            "-ai {url}/data/src/ dst",
            "-r {url}/data/src/",
            "-ai -8 {url}/data/src/ dst",
            "-ai src/ {url}/drop/",
            "-ai src/mist\u{fc} {url}/drop/",
        ] {
            let words: Vec<_> = words.split(' ').collect();
            let compared = stage.compare_in(&[("LC_ALL", locale)], &words, push);
            assert!(compared.is_ok(), "{locale}: {}", compared.unwrap_err());
        }
    }
}
