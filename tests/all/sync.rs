//! Our client and the real one, side by side, against one real daemon: the same files, the same output, the same end.
//!
//! `RSYNCCTL_TREES` is the number of generated trees, `RSYNCCTL_SEED` the seed of the first one.

mod algorithms;
mod arguments;
mod bar;
mod checks;
mod conflicts;
mod defaults;
mod descriptors;
mod destination;
mod dialogue;
mod extended;
mod faults;
mod filters;
mod foreign_links;
mod found;
mod full;
mod incremental;
mod interrupted;
mod kept;
mod large;
mod links;
mod names;
mod output;
mod parts;
mod peer;
mod places;
mod programs;
mod reasons;
mod refused;
mod removed;
mod strangers;
mod trees;
mod unasked;
mod unprinted;
mod unreadable;
mod unwritable;
mod usage;
mod values;
mod waits;
mod wire;

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
    sync::Mutex,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::{
    differential::generator::Random,
    support::{
        daemon::{Daemon, Run, has_rsync},
        program::program,
    },
    sync::{
        extended::adorn,
        faults::collect,
        output::masked,
        trees::{RECEIVING, described, link, names, options, plant, touch},
    },
};

/// Fills the folder that a client starts in.
type Prepare = fn(&Path);

/// A module `data` with what is below `src`, and a module for `joe`.
struct Stage {
    folder: TempDir,
    daemon: Daemon,
    /// How often rsync may try again to come to what our client came to: its processes race each other here and there.
    repeats: u32,
}

impl Stage {
    fn new() -> Self {
        Self::run_by(nix::unistd::geteuid().as_raw())
    }

    /// The same for trees of which nobody knows whether rsync always makes the same of them.
    fn patient() -> Self {
        Self {
            repeats: 20,
            ..Self::new()
        }
    }

    /// The same with a daemon that is another user once it has begun.
    fn run_by(user: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().display();
        let text = format!(
            "use chroot = no\nuid = {user}\ngid = {gid}\nmax verbosity = 9\n\
             [data]\npath = {root}/data\ncomment = all of it\n\
             [drop]\npath = {root}/drop\nread only = no\nlist = no\n\
             [locked]\npath = {root}/data\nauth users = joe\nsecrets file = {root}/secrets\nlist = no\n\
             [limited]\npath = {root}/data\ntimeout = 3600\nlist = no\n\
             [writable]\npath = {root}/data\nread only = no\nlist = no\n\
             [source]\npath = {root}/data/src\nread only = no\nlist = no\n",
            gid = nix::unistd::getegid(),
        );
        let configuration = folder.path().join("rsyncd.conf");
        fs::write(&configuration, text).expect("a file");
        let secrets = folder.path().join("secrets");
        fs::write(&secrets, "joe:not-a-secret\n").expect("a file");
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).expect("a mode");
        // Another user comes through.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::create_dir_all(folder.path().join("data/src")).expect("folders");
        let daemon = Daemon::start(&configuration, &Run::default());
        Self {
            folder,
            daemon,
            repeats: 0,
        }
    }

    fn source(&self) -> std::path::PathBuf {
        self.folder.path().join("data/src")
    }

    /// What a push goes to.
    fn target(&self) -> std::path::PathBuf {
        self.folder.path().join("drop")
    }

    /// Both clients with the same words; `{url}` stands for the daemon, `{here}` for the folder that a
    /// client starts in, one of its own that `prepare` fills.
    fn compare(&self, words: &[&str], prepare: impl Fn(&Path)) -> Result<(), String> {
        self.compare_all(&[], words, prepare, |_| {})
    }

    /// The same in an environment with these variables.
    fn compare_in(
        &self,
        environment: &[(&str, &str)],
        words: &[&str],
        prepare: impl Fn(&Path),
    ) -> Result<(), String> {
        self.compare_all(environment, words, prepare, |_| {})
    }

    /// The same, with what becomes of the target that `plant` fills for each.
    fn compare_push(
        &self,
        words: &[&str],
        prepare: impl Fn(&Path),
        plant: impl Fn(&Path),
    ) -> Result<(), String> {
        self.compare_all(&[], words, prepare, plant)
    }

    fn compare_all(
        &self,
        environment: &[(&str, &str)],
        words: &[&str],
        prepare: impl Fn(&Path),
        plant: impl Fn(&Path),
    ) -> Result<(), String> {
        let url = format!("rsync://127.0.0.1:{}", self.daemon.port());
        let words: Vec<String> = words.iter().map(|word| word.replace("{url}", &url)).collect();
        let run = |ours: bool| {
            let folder = tempfile::tempdir().expect("a folder");
            prepare(folder.path());
            let target = self.target();
            let _ = fs::remove_dir_all(&target);
            fs::create_dir(&target).expect("a folder");
            plant(&target);
            let mut command = client(folder.path(), ours);
            command
                .env_remove("RSYNC_PASSWORD")
                .envs(environment.iter().copied());
            let place = folder.path().display().to_string();
            let given = words.iter().map(|word| word.replace("{here}", &place));
            let output = command.args(given).output().expect("the client runs");
            let trees = [described(folder.path()), described(&target)].join("-- target\n");
            let mut told = told(&output, &place);
            // When a file is there that others are linked to, or one is asked for again, is a matter of rsync's processes;
            // so is which of them says first why a rule decides about a file.
            let is_told_twice = words.iter().filter(|word| *word == "-v").count() > 1;
            if is_told_twice
                || words
                    .iter()
                    .any(|word| word == "-H" || word.starts_with("--append"))
            {
                let mut lines: Vec<_> = told.lines().collect();
                lines.sort_unstable();
                // rsync comes back to a name of something that is not transferred where the last name of it is skipped
                // (`skip_hard_link` in hlink.c), and says so once more.
                lines.dedup_by(|line, before| line == before && line.contains("skipping non-regular file"));
                told = lines.join("\n");
            }
            (told, trees)
        };
        let (theirs, ours) = (run(false), run(true));
        // rsync waits for ever where a named pipe has the name of a merge file, and with `-H --compare-dest`.
        let hangs = theirs.0.lines().any(|line| line == "code None");
        // It gives up where a folder is in the way of a name of something that has several.
        let gives_up = theirs.0.contains("Hlink node data for");
        if theirs == ours || hangs || gives_up || (0..self.repeats).any(|_| run(false) == ours) {
            return Ok(());
        }
        let text = |(told, tree): &(String, String)| format!("{told}{tree}");
        let difference = similar::TextDiff::from_lines(text(&theirs), text(&ours))
            .unified_diff()
            .header("rsync", "rsyncctl")
            .to_string();
        Err(format!("{environment:?} {words:?}\n{difference}"))
    }
}

/// Our client or the real one, in a folder.
fn client(folder: &Path, ours: bool) -> Command {
    if ours {
        // On a busy machine a daemon answers as late as from afar, where whole lists are better.
        return program(folder, &["sync", "--inc-recursive"]);
    }
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60", "rsync"]);
    command.current_dir(folder).env("LC_ALL", "C.UTF-8");
    command
}

/// What a client said, without what differs from run to run and from program to program.
fn told(output: &Output, place: &str) -> String {
    let mut text = format!("code {:?}\n", output.status.code());
    // What overwrites a line begins one here: rsync's processes do not know of each other's lines.
    let said = String::from_utf8_lossy(&output.stdout).replace('\r', "\n");
    // Nor of where one ends.
    let mut pieces = said.split("to-chk=");
    let mut said = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        said.push_str("to-chk=");
        said.push_str(&piece.replacen(')', ")\n", 1));
    }
    let said: String = said
        .split_inclusive('\n')
        .filter(|line| !line.trim().is_empty())
        .collect();
    text.push_str(&masked("out", &said));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // rsync ends the line in which it counts files with an empty one, if something is to be said.
    for line in errors.lines().filter(|line| !line.is_empty()) {
        let is_of_program = line.starts_with("rsyncctl: ")
            || line.contains("read error: Connection reset")
            || line.contains("SIGUSR1");
        if !is_of_program {
            // Where in its source.
            let end = [") at ", ") ["].iter().filter_map(|mark| line.find(mark)).min();
            let role = line.rsplit_once('[').map_or("", |(_, role)| role);
            let role = role.split(['=', ']']).next().unwrap_or_default();
            let line = match end {
                Some(end) => format!("{} [{role}]", &line[..=end]),
                None => line.to_owned(),
            };
            let line = line.replace(&format!("{place}/"), "").replace("Password: ", "");
            // We do not have the option that rsync speaks of there.
            let line = match line.split_once("; use --insecure-links") {
                Some((before, _)) => before.to_owned(),
                None => line,
            };
            // rsync counts what came before its list in another process.
            let line = match line.split_once("closed (") {
                Some((before, _)) => format!("{before}closed"),
                None => line,
            };
            text.push_str(&format!("! {line}\n"));
        }
    }
    text
}

/// A number of the environment.
fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn some_files(root: &Path) {
    for (name, text) in [
        ("f1", "one"),
        ("f2", "two"),
        ("sub/deep/y", "y"),
        ("a b/-x", "dash"),
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, text).expect("a file");
    }
    symlink("f1", root.join("link")).expect("a link");
    touch(root, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

#[test]
fn the_same_is_done_and_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let nothing: fn(&Path) = |_| {};
    let folder: fn(&Path) = |root| fs::create_dir(root.join("dst")).expect("a folder");
    let file: fn(&Path) = |root| fs::write(root.join("dst"), "x").expect("a file");
    let obstacles: fn(&Path) = |root| {
        fs::create_dir_all(root.join("dst/src/f1/full")).expect("folders");
        fs::create_dir_all(root.join("dst/src/f2")).expect("folders");
        fs::write(root.join("dst/src/sub"), "in the way").expect("a file");
    };
    let cases: [(&str, Prepare); 41] = [
        ("{url}/", nothing),
        ("{url}/data/src/", nothing),
        ("-r {url}/data", nothing),
        ("-ai {url}/data/src/ dst", nothing),
        ("-av {url}/data/src dst", nothing),
        ("-av {url}/data/src dst/", folder),
        ("-rv {url}/data/src/f1 dst", nothing),
        ("-rv {url}/data/src/f1 dst", folder),
        ("-a {url}/data/src/f1 dst/", nothing),
        ("-ai {url}/data/src dst", obstacles),
        ("-ai {url}/data/src/sub dst", nothing),
        ("-ai {url}/data/src/f1 {url}/data/src/f2 dst", nothing),
        ("-ai {url}/data/src/f1 {url}/data/src/none dst", nothing),
        ("-ain {url}/data/src/ dst", nothing),
        ("-avn {url}/data/src/ dst/a/b", nothing),
        ("-di {url}/data/src/ dst", nothing),
        ("-i {url}/data/src/ dst", nothing),
        ("-ri {url}/data/src/ dst", nothing),
        ("-aiq {url}/data/src/ dst", nothing),
        ("-ai {url}/data/src/ dst", file),
        ("-ai {url}/data/src/f1 dst", file),
        ("-ai {url}/data/src/sub dst", file),
        ("-ai {url}/data/src/f1 no/such/dst", nothing),
        ("-ai {url}/data/src/f1 no/", nothing),
        ("-a {url}/none/x dst", nothing),
        ("-a {url}/locked/src dst", nothing),
        ("-a --protocol=29 {url}/data/src dst", nothing),
        ("-av --protocol=30 {url}/data/src dst", nothing),
        ("-ai --protocol=31 {url}/data/src dst", nothing),
        ("-aci --no-t {url}/data/src dst", folder),
        ("-ai --existing {url}/data/src/ dst", folder),
        ("-ai --port=1 rsync://127.0.0.1/data/src/ dst", nothing),
        ("-ai {url}/data/../src dst", nothing),
        ("-rvvn --existing {url}/data/src/ dst", nothing),
        ("-rvvn --existing --no-i-r {url}/data/src/ dst", nothing),
        ("-dvvn --existing {url}/data/src/ dst", nothing),
        // Folders in which nothing is left are not listed.
        (
            "-rm --list-only --exclude=f1 --exclude=y {url}/data/src/",
            nothing,
        ),
        ("-rm --exclude=* {url}/data/src/", nothing),
        ("-dm {url}/data/src/", nothing),
        ("-am --exclude=y {url}/data/src", nothing),
        ("-rRm --exclude=y {url}/data/src", nothing),
    ];
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|(words, prepare)| {
            let words: Vec<_> = words.split(' ').collect();
            stage.compare(&words, prepare).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_same_is_pushed_and_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source: Prepare = |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        some_files(&root.join("src"));
    };
    let nothing: Prepare = |_| {};
    let there: Prepare = |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        fs::create_dir(root.join("src/f1")).expect("a folder");
        fs::write(root.join("src/f2"), "other").expect("a file");
        touch(
            &root.join("src/f2"),
            UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        );
        fs::write(root.join("src/sub"), "in the way").expect("a file");
    };
    let cases: [(&str, Prepare); 29] = [
        ("-aR --stats src/. src//. src/. {url}/drop", nothing),
        (
            "-aR --no-i-r --stats src/sub/deep/y src/f1 src/sub/deep {url}/drop",
            nothing,
        ),
        ("-aA --protocol=29 --filter=R,p_A src {url}/drop", nothing),
        ("-ri --protocol=29 --filter=-p_f1 src/ {url}/drop", nothing),
        ("-ri --protocol=29 --filter=-s_f1 src/ {url}/drop", nothing),
        ("-ai src {url}/drop", nothing),
        ("-av src/ {url}/drop", nothing),
        ("-ai src {url}/drop", there),
        ("-ai --no-D src {url}/drop/a", nothing),
        ("-ai src {url}/drop/a/b", nothing),
        ("-rv src/f1 src/f2 {url}/drop/", nothing),
        ("-i src/f1 {url}/drop/new", nothing),
        ("-i src {url}/drop/", nothing),
        ("-di src/ {url}/drop/", nothing),
        ("-dv src {url}/drop/", nothing),
        ("-ain src {url}/drop", there),
        ("-avn src {url}/drop", there),
        ("-aii src {url}/drop", there),
        ("-aci src {url}/drop", there),
        ("-aiW src {url}/drop", there),
        ("-ai src/none src/f1 none/x {url}/drop", nothing),
        ("-ai none {url}/drop", nothing),
        ("-a src {url}/data/x", nothing),
        ("-a src {url}/none", nothing),
        ("-a src {url}/locked", nothing),
        ("-ai --protocol=29 src {url}/drop", there),
        ("-aiI --protocol=30 src {url}/drop", there),
        ("-ai --protocol=31 --numeric-ids src {url}/drop", there),
        ("-aiu --existing src {url}/drop", there),
    ];
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|(words, plant)| {
            let words: Vec<_> = words.split(' ').collect();
            stage.compare_push(&words, source, plant).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn names_need_not_be_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(folder.path().join(name), "text").expect("a file");
    let url = format!("rsync://127.0.0.1:{}/drop/", stage.daemon.port());
    let at = |path: &[u8]| OsStr::from_bytes(&[url.as_bytes(), path].concat()).to_owned();
    let run = |words: &[&OsStr]| {
        let output = program(folder.path(), &["sync", "-a"]).args(words).output();
        let output = output.expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
    };
    run(&[name, &at(b"")]);
    assert!(stage.target().join(name).exists());
    let other = OsStr::from_bytes(b"\xff");
    run(&[&at(b"caf\xe9"), other]);
    assert_eq!(fs::read(folder.path().join(other)).expect("a file"), b"text");
}

#[test]
fn a_password_opens_a_module() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = format!("rsync://joe@127.0.0.1:{}/locked/src/", stage.daemon.port());
    for (password, code) in [("not-a-secret", 0), ("wrong", 5)] {
        for protocol in ["29", "30", "31", "32"] {
            let folder = tempfile::tempdir().expect("a folder");
            let protocol = format!("--protocol={protocol}");
            let output = program(folder.path(), &["sync", "-a", &protocol, &url, "dst"])
                .env("RSYNC_PASSWORD", password)
                .output()
                .expect("the program runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{error}");
            assert_eq!(folder.path().join("dst/f1").exists(), code == 0);
            assert!(!error.contains(password), "{error}");
        }
    }
}

#[test]
fn a_password_file_must_be_there_and_be_ones_own() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = "rsync://joe@127.0.0.1:{port}/locked/src/".replace("{port}", &stage.daemon.port().to_string());
    let prepare: Prepare = |root| {
        use std::os::unix::fs::PermissionsExt as _;
        for (name, mode) in [("own", 0o600), ("open", 0o644)] {
            let path = root.join(name);
            fs::write(&path, "not-a-secret\nmore\n").expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
    };
    for file in ["none", "open", "own"] {
        let file = format!("--password-file={file}");
        if let Err(difference) = stage.compare(&["-ai", &file, &url, "dst"], prepare) {
            panic!("{difference}");
        }
    }
}

#[test]
fn a_delta_is_small_and_right() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut random = Random::new(7);
    let old: Vec<u8> = (0..2_000_000).map(|_| random.below(256) as u8).collect();
    let mut scattered = old.clone();
    for _ in 0..20 {
        let place = random.below(old.len());
        scattered[place] ^= 1;
    }
    let (front, back) = old.split_at(1_234_567);
    let contents = [
        ("same", old.clone()),
        ("appended", [&old[..], b"more"].concat()),
        ("prepended", [b"more", &old[..]].concat()),
        ("moved", [back, front].concat()),
        ("scattered", scattered),
        ("shorter", old[..700_001].to_vec()),
    ];
    for (name, content) in &contents {
        fs::write(stage.source().join(name), content).expect("a file");
    }
    for protocol in ["29", "30", "31", "32"] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("dst")).expect("a folder");
        for (name, _) in &contents {
            fs::write(folder.path().join("dst").join(name), &old).expect("a file");
        }
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let protocol = format!("--protocol={protocol}");
        let output = program(
            folder.path(),
            &["sync", "-rI", "--stats", &protocol, &url, "dst/"],
        )
        .output()
        .expect("the program runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for (name, content) in &contents {
            let there = fs::read(folder.path().join("dst").join(name)).expect("the file");
            assert!(there == *content, "{name} differs");
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let literal = text.lines().find_map(|line| line.strip_prefix("Literal data: "));
        let literal: u64 = literal
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.replace(',', "").parse().ok())
            .expect("a number");
        // Each of the changes costs at most a block or two of 1,400 bytes.
        assert!(literal < 60_000, "{literal} bytes of literal data");
    }
}

/// rsync sets the time of a file that it was told to leave, if a folder was to stand there.
fn may_conflict(words: &[&str]) -> bool {
    !words.contains(&"--ignore-existing")
}

/// ACLs and extended attributes, if they are kept. Without `-p`, rsync's receiver gives a folder with attributes the
/// sender's mode, against the umask: not here.
fn attributes(seed: u64, words: &[String]) -> Option<&'static str> {
    let mut random = Random::new(seed + 7);
    let has_permissions =
        matches!(&*words[0], "-a" | "-rlpt" | "-rlptgo") && !words.iter().any(|word| word == "--no-p");
    (has_permissions && random.chance(40)).then(|| random.pick(&["-A", "-X", "-AX", "-AX"]))
}

/// Gives files ACLs and attributes where those are kept; with one of them alone those that new files would get from
/// their folder are another matter.
fn adorn_all(root: &Path, seed: u64, words: &[&str], is_source: bool) {
    let is_kept = |word: &&str| matches!(*word, "-AX") || is_source && matches!(*word, "-A" | "-X");
    if words.iter().any(is_kept) {
        adorn(root, &mut Random::new(seed + 9));
    }
}

fn generated_pull(seed: u64) -> Result<(), String> {
    let stage = Stage::patient();
    let mut random = Random::new(seed);
    let mut words = options(&mut random);
    plant(&stage.source(), &mut random, None, true);
    for _ in 0..random.below(3) {
        words.push(random.pick(&RECEIVING).to_owned());
    }
    let mut list = None;
    words.extend(attributes(seed, &words).map(str::to_owned));
    match random.chance(35) {
        true => list = names(&mut random, &mut words, &stage.source(), "{url}/source/"),
        false => words.push(random.pick(&["{url}/data/src/", "{url}/data/src"]).to_owned()),
    }
    words.push("dst".to_owned());
    // Where another file is the basis, rsync leaves zeros in front of what it appends, or makes no file: see `parts`.
    if words.iter().any(|word| word.starts_with("--append")) {
        words.retain(|word| !word.starts_with("-y") && !word.contains("-dest="));
    }
    // rsync loses what stands at linked names then: see `conflicts`.
    if words.iter().any(|word| word == "-H") {
        words.retain(|word| word != "--existing");
    }
    if words
        .iter()
        .any(|word| word == "-H" || word.starts_with("--append"))
    {
        link(&stage.source(), &mut random);
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    adorn_all(&stage.source(), seed, &words, true);
    let may_conflict = may_conflict(&words);
    stage.compare(&words, |root| {
        let mut random = Random::new(seed);
        if let Some(list) = &list {
            fs::write(root.join("list"), list).expect("a file");
        }
        for name in ["one", "two"] {
            fs::create_dir(root.join(name)).expect("a folder");
            plant(&root.join(name), &mut random, Some(&stage.source()), may_conflict);
            adorn_all(&root.join(name), seed + 1, &words, false);
        }
        let target = root.join("dst");
        if !random.chance(30) {
            fs::create_dir(&target).expect("a folder");
            plant(&target, &mut random, Some(&stage.source()), may_conflict);
            if words.contains(&"-H") {
                link(&target, &mut random);
            }
            adorn_all(&target, seed + 2, &words, false);
        }
    })
}

fn generated_push(seed: u64) -> Result<(), String> {
    let stage = Stage::patient();
    let mut random = Random::new(seed);
    let mut words = options(&mut random);
    // What a pull does not do yet.
    let others = [
        "-H",
        "-s",
        "-y",
        "--inplace",
        "--append",
        "--append-verify",
        "--backup-dir=old",
        "--partial-dir=.part",
        "--delay-updates",
        "--copy-dest=/",
        "--chown=1:2",
    ];
    for _ in 0..random.below(3) {
        words.push(random.pick(&others).to_owned());
    }
    words.extend(attributes(seed, &words).map(str::to_owned));
    // What stands there is like the files of a pull.
    plant(&stage.source(), &mut Random::new(seed), None, true);
    let mut list = None;
    match random.chance(35) {
        true => list = names(&mut random, &mut words, &stage.source(), "src"),
        false => words.push(random.pick(&["src/", "src"]).to_owned()),
    }
    words.push(random.pick(&["{url}/drop", "{url}/drop/dst"]).to_owned());
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let may_conflict = may_conflict(&words);
    stage.compare_push(
        &words,
        |root| {
            fs::create_dir(root.join("src")).expect("a folder");
            plant(&root.join("src"), &mut Random::new(seed), None, true);
            if let Some(list) = &list {
                fs::write(root.join("list"), list).expect("a file");
            }
            if words.contains(&"-H") {
                link(&root.join("src"), &mut Random::new(seed + 2));
            }
            adorn_all(&root.join("src"), seed, &words, true);
        },
        |target| {
            let mut random = Random::new(seed + 1);
            if !random.chance(30) {
                plant(target, &mut random, Some(&stage.source()), may_conflict);
                if words.contains(&"-H") {
                    link(target, &mut random);
                }
                adorn_all(target, seed + 2, &words, false);
            }
        },
    )
}

#[test]
fn a_sender_removes_what_was_stored() {
    if !has_rsync() {
        return;
    }
    for protocol in ["29", "30", "31", "32"] {
        let removed = |ours: bool| {
            let stage = Stage::new();
            some_files(&stage.source());
            fs::write(stage.source().join("excluded"), "x").expect("a file");
            let url = format!("rsync://127.0.0.1:{}/writable/src/", stage.daemon.port());
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(folder.path().join("dst/f2/full")).expect("folders");
            let mut command = client(folder.path(), ours);
            command.args(["-ai", "--remove-source-files", "--exclude=excluded"]);
            let protocol = format!("--protocol={protocol}");
            let output = command
                .args([&protocol, &url, "dst"])
                .output()
                .expect("the client runs");
            (
                output.status.code(),
                described(&stage.source()).replace('\n', "|"),
            )
        };
        let (theirs, ours) = (removed(false), removed(true));
        assert!(
            theirs.1.contains("f2") && !theirs.1.contains("f1"),
            "{}",
            theirs.1
        );
        assert_eq!(ours.0, theirs.0, "protocol {protocol}");
        // Folders have new times.
        let names = |text: &str| {
            let names = text
                .split('|')
                .map(|line| line.split('"').nth(1).map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&ours.1), names(&theirs.1), "protocol {protocol}");
    }
}

#[test]
fn generated_trees_become_the_same() {
    if !has_rsync() {
        return;
    }
    let count = number("RSYNCCTL_TREES").unwrap_or(160);
    let first = number("RSYNCCTL_SEED").unwrap_or(1);
    let next = Mutex::new(first..first + count);
    let differences = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    let result = match seed % 2 {
                        0 => generated_pull(seed),
                        _ => generated_push(seed),
                    };
                    if let Err(difference) = result {
                        let text = format!("RSYNCCTL_SEED={seed} RSYNCCTL_TREES=1\n{difference}");
                        differences.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    println!("{count} trees compared, from seed {first}");
    assert_none(&differences);
}

/// Fails if there are differences: the first ones are shown whole, of the others the beginning, which says how to see them.
fn assert_none(differences: &[String]) {
    let (shown, more) = differences.split_at(differences.len().min(5));
    let more = more.iter().map(|text| text.lines().next().unwrap_or_default());
    assert!(
        differences.is_empty(),
        "{} differences:\n{}\n{}",
        differences.len(),
        shown.join("\n"),
        more.collect::<Vec<_>>().join("\n")
    );
}
