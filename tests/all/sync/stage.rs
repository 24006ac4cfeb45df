//! A daemon with modules, and both clients against it.

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{
    output::masked,
    trees::{described, touch},
};
use crate::support::{
    daemon::{Daemon, Run},
    program::program,
};

/// Fills the folder that a client starts in.
pub(super) type Prepare = fn(&Path);

/// A module `data` with what is below `src`, and a module for `joe`.
pub(super) struct Stage {
    pub(super) folder: TempDir,
    pub(super) daemon: Daemon,
    /// How often rsync may try again to come to what our client came to: its processes race each other here and there.
    repeats: u32,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::run_by(nix::unistd::geteuid().as_raw())
    }

    /// The same for trees of which nobody knows whether rsync always makes the same of them.
    pub(super) fn patient() -> Self {
        Self {
            repeats: 20,
            ..Self::new()
        }
    }

    /// The same with a daemon that is another user once it has begun.
    pub(super) fn run_by(user: u32) -> Self {
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

    pub(super) fn source(&self) -> PathBuf {
        self.folder.path().join("data/src")
    }

    /// What a push goes to.
    pub(super) fn target(&self) -> PathBuf {
        self.folder.path().join("drop")
    }

    /// Both clients with the same words; `{url}` stands for the daemon, `{here}` for the folder that a
    /// client starts in, one of its own that `prepare` fills.
    pub(super) fn compare(&self, words: &[&str], prepare: impl Fn(&Path)) -> Result<(), String> {
        self.compare_all(&[], words, prepare, |_| {})
    }

    /// The same in an environment with these variables.
    pub(super) fn compare_in(
        &self,
        environment: &[(&str, &str)],
        words: &[&str],
        prepare: impl Fn(&Path),
    ) -> Result<(), String> {
        self.compare_all(environment, words, prepare, |_| {})
    }

    /// The same, with what becomes of the target that `plant` fills for each.
    pub(super) fn compare_push(
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
        let (mut theirs, ours) = (run(false), run(true));
        theirs.1 = without_permissions_of_links(&theirs.1, &ours.1);
        // rsync waits for ever where a named pipe has the name of a merge file, and with `-H --compare-dest`.
        let hangs = theirs.0.lines().any(|line| line == "code None");
        // It gives up where a folder is in the way of a name of something that has several, and where it has to send
        // `--usermap` in two ways (`-s` before protocol 30).
        let faults = [
            "Hlink node data for",
            "(finish_hard_link)",
            "specify --usermap once",
        ];
        let gives_up = faults.iter().any(|fault| theirs.0.contains(fault));
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

/// What rsync made, but where its permissions are those of a symlink which was there (`dest_mode` in rsync.c): all may write
/// then, and no other file of a test is so.
fn without_permissions_of_links(theirs: &str, ours: &str) -> String {
    let lines = theirs.lines().zip(ours.lines()).map(|(theirs, ours)| {
        let is_open = ["\" 10777 ", "\" 100777 "]
            .iter()
            .any(|mark| theirs.contains(mark));
        let rest = |line: &str| {
            let (name, rest) = line.split_once("\" ")?;
            Some(format!("{name} {}", rest.split_once(' ')?.1))
        };
        let is_same = is_open && rest(theirs).is_some() && rest(theirs) == rest(ours);
        if is_same { ours } else { theirs }
    });
    let count = ours.lines().count();
    lines
        .chain(theirs.lines().skip(count))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Our client or the real one, in a folder.
pub(super) fn client(folder: &Path, ours: bool) -> Command {
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
pub(super) fn told(output: &Output, place: &str) -> String {
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
pub(super) fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

pub(super) fn some_files(root: &Path) {
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

/// Fails if there are differences: the first ones are shown whole, of the others the beginning, which says how to see them.
pub(super) fn assert_none(differences: &[String]) {
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
