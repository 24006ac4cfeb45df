//! What a file's path and content say: whether it is a cron table, and whether its jobs name users.

use std::path::Path;

use crate::{
    catalog::FileKind,
    host::Host,
    lint::files::file_name,
    syntax::crontab::{self, Job, Kind},
};

/// Words that a table is about copies with: those of our programs, and those that people call their scripts by.
const ABOUT_COPIES: [&[u8]; 6] = [b"rsync", b"sersync", b"lsyncd", b"back", b"sync", b"mirror"];
/// Accounts that most machines have, and programs never are called by.
const ACCOUNTS: [&[u8]; 9] = [
    b"root",
    b"nobody",
    b"www-data",
    b"backup",
    b"daemon",
    b"apache",
    b"nginx",
    b"www",
    b"rsync_backup",
];

/// What a file is, by its name.
pub(in crate::lint) fn by_name(path: &Path) -> Option<FileKind> {
    let name = file_name(path).to_ascii_lowercase();
    let is_table = name == "crontab"
        || name.starts_with("crontab.") && !name.ends_with(".sh") && !name.ends_with(".md")
        || name.ends_with(".cron")
        || name.ends_with(".crontab")
        || is_below(path, "cron.d") && !name.starts_with('.')
        || is_users(path);
    is_table.then_some(FileKind::Crontab)
}

/// Whether a file of a folder that is searched is a table about copies. Others are nobody's business here.
pub(in crate::lint) fn is_meant(path: &Path, place: &Path, host: &dyn Host) -> bool {
    by_name(path).is_some()
        && match host.read(place) {
            Ok(Some(bytes)) => is_about_copies(&bytes),
            Ok(None) => false,
            // Reading it again will say why it cannot be read.
            Err(_) => true,
        }
}

fn is_about_copies(content: &[u8]) -> bool {
    let has = |word: &[u8]| content.windows(word.len()).any(|window| window == word);
    ABOUT_COPIES.iter().any(|word| has(word))
}

/// What a file is, by its content: nothing but jobs of sound times and variables, and one of them about copies.
pub(in crate::lint) fn by_content(content: &[u8]) -> Option<FileKind> {
    let lines = crontab::parse(content, false);
    let jobs: Vec<&Job> = lines.iter().filter_map(|line| job(&line.kind)).collect();
    let is_sound = !jobs.is_empty() && jobs.iter().all(|job| job.schedule.is_ok());
    (is_sound && is_about_copies(content)).then_some(FileKind::Crontab)
}

/// Whether each job names a user: by the file's place, else by what stands there.
pub(in crate::lint) fn has_user(path: &Path, content: &[u8]) -> bool {
    let folder = path.parent().map(file_name).unwrap_or_default();
    if is_users(path) {
        return false;
    }
    if is_below(path, "cron.d") || folder == "etc" && file_name(path) == "crontab" {
        return true;
    }
    let lines = crontab::parse(content, false);
    let mut jobs = lines.iter().filter_map(|line| job(&line.kind)).peekable();
    jobs.peek().is_some()
        && jobs.all(|job| {
            let command = &content[job.command.clone()];
            let mut words = command
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty());
            let first = words.next().unwrap_or_default();
            ACCOUNTS.contains(&first) && words.next().is_some()
        })
}

fn job(kind: &Kind) -> Option<&Job> {
    match kind {
        Kind::Job(job) => Some(job),
        _ => None,
    }
}

/// Whose own table a file is: cron calls each by its user's name (crontab(1)).
pub fn owner(path: &Path) -> Option<String> {
    let name = is_users(path).then(|| file_name(path))?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether it is a user's own table.
fn is_users(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("spool/cron/")
}

fn is_below(path: &Path, folder: &str) -> bool {
    path.parent().is_some_and(|parent| file_name(parent) == folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_known_by_name_and_content() {
        let name = |path: &str| by_name(Path::new(path)).is_some();
        assert!(name("etc/crontab") && name("etc/cron.d/backup") && name("var/spool/cron/crontabs/root"));
        assert!(name("crontab.txt") && name("web.cron"));
        assert!(!name("crontab.sh") && !name("etc/cron.daily/backup") && !name("etc/cron.d/.placeholder"));
        let content = |text: &str| by_content(text.as_bytes()).is_some();
        assert!(content("00 04 * * * rsync -a /a /b\n"));
        assert!(!content("00 04 * * * /bin/true\n"));
        assert!(!content("rsync -a /a /b\n"));
        assert!(!content("uid = root\nmax connections = 1\n[rsync]\n"));
    }

    #[test]
    fn users_are_told_by_the_place_or_the_words() {
        let told = |path: &str, text: &str| has_user(Path::new(path), text.as_bytes());
        assert!(told("/etc/crontab", "* * * * * /home/rsync.sh\n"));
        assert!(told("x/cron.d/y", ""));
        assert!(!told("/var/spool/cron/root", "* * * * * root /home/rsync.sh\n"));
        assert!(told("crontab", "* * * * * root /home/rsync.sh\n"));
        assert!(!told("crontab", "* * * * * rsync -a /a /b\n"));
        assert!(!told("crontab", "* * * * * backup\n"));
    }
}
