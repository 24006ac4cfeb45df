//! lsyncd that has ended for want of watches: by its configuration, its log, and the folders that it was to watch.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::host::{EntryKind, Host};

/// Where packages start it with its configuration: of Debian, of Red Hat, and as its manual has it.
const FILES: [&str; 3] = [
    "/etc/lsyncd/lsyncd.conf.lua",
    "/etc/lsyncd.conf",
    "/etc/lsyncd/lsyncd.conf",
];
/// As much is read of the end of its log, in bytes.
const MOST: u64 = 64 << 10;
/// What it says where it ends for that (`core.c` and `inotify.c` of lsyncd).
const ENDED: &str = "Terminating since out of inotify watches";
/// What it says once it starts.
const STARTED: &str = "--- Startup";
/// Folders are counted so long.
const LIMIT: Duration = Duration::from_secs(5);

/// An lsyncd that has ended.
pub(super) struct Ended {
    /// The folder that it was to watch.
    pub(super) source: PathBuf,
    /// The line of its log, and where that stands.
    pub(super) said: String,
    /// So many folders, and perhaps more, are to be watched.
    pub(super) folders: u64,
}

/// The lsyncd that ended so when it last ran, if the folders that it watches below one of these are more than the limit still.
pub(super) fn ended(host: &dyn Host, sources: &[PathBuf], limit: u64) -> Option<Ended> {
    FILES.iter().find_map(|file| {
        let bytes = host.read(Path::new(file)).ok()??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let log = strings(&text, "logfile").pop()?;
        let tail = host.tail(Path::new(&log), MOST).ok()??;
        let line = last_words(&String::from_utf8_lossy(&tail.bytes))?;
        let watched = strings(&text, "source").into_iter().map(PathBuf::from);
        let is_pushed = |watched: &PathBuf| {
            let mut pushed = sources.iter();
            pushed.any(|source| source.starts_with(watched) || watched.starts_with(source))
        };
        let source = watched.into_iter().find(is_pushed)?;
        let folders = folders(host, &source, limit);
        (folders > limit).then(|| Ended {
            source,
            said: format!("{log}: {line}"),
            folders,
        })
    })
}

/// The texts that a configuration gives to a name: `source = "/srv/www/"`.
fn strings(text: &str, name: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    let values = lines.filter_map(|line| {
        let (_, behind) = line.split_once(name)?;
        let behind = behind.trim_start().strip_prefix('=')?.trim_start();
        let quote = behind
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''))?;
        behind[1..].split_once(quote).map(|(value, _)| value.to_owned())
    });
    values.collect()
}

/// The line by which it ended, if it has not started since.
fn last_words(log: &str) -> Option<String> {
    let last = log
        .lines()
        .rfind(|line| line.contains(ENDED) || line.contains(STARTED));
    last.filter(|line| line.contains(ENDED)).map(str::to_owned)
}

/// The folders of a tree, each of which needs a watch; no more are counted than `limit` and one.
fn folders(host: &dyn Host, root: &Path, limit: u64) -> u64 {
    let start = Instant::now();
    let (mut count, mut open) = (1, vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        if start.elapsed() > LIMIT || count > limit {
            break;
        }
        for name in host.list(&folder).ok().flatten().unwrap_or_default() {
            let path = folder.join(name);
            let found = host.metadata(&path, false).ok().flatten();
            if found.is_some_and(|found| found.kind == EntryKind::Directory) {
                count += 1;
                open.push(path);
            }
        }
    }
    count.min(limit + 1)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{ended, last_words};
    use crate::host::Image;

    const OUT: &str = "Sun Nov 22 10:00:00 2026 Error: Terminating since out of inotify watches.";
    const UP: &str = "Sun Nov 22 10:00:00 2026 Normal: --- Startup, daemonizing ---";

    #[test]
    fn it_has_ended_until_it_is_started() {
        let is_told = |lines: &[&str]| last_words(&lines.join("\n")).is_some();
        assert!(is_told(&[UP, OUT, "Error: Consider increasing x"]) && is_told(&[OUT, UP, OUT]));
        assert!(!is_told(&[UP, OUT, UP]) && !is_told(&[UP]) && !is_told(&[]));
    }

    #[test]
    fn the_folders_that_are_pushed_count() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        for folder in 0..7 {
            write(&format!("srv/www/{folder}/a"), "");
        }
        write(
            "etc/lsyncd.conf",
            "settings { logfile = '/var/log/lsyncd.log' }\n-- source = \"/srv/old\",\nsync {\n  source = \"/srv/www/\",\n}\n",
        );
        write("var/log/lsyncd.log", &format!("{UP}\n{OUT}\n"));
        let image = Image::new(root.path());
        let told =
            |source: &str, limit| ended(&image, &[PathBuf::from(source)], limit).map(|found| found.folders);
        assert_eq!(told("/srv/www/", 7), Some(8));
        assert_eq!(told("/srv/www/3", 5), Some(6));
        assert_eq!(told("/srv/www/", 8), None);
        assert_eq!(told("/srv/other/", 7), None);
    }
}
