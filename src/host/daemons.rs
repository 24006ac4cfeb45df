use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

/// The configuration files that the rsync daemons of this machine were started with, as far as `/proc` shows their
/// command lines to us.
pub fn running_configurations() -> Vec<PathBuf> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_number = |name: &OsStr| name.as_bytes().iter().all(u8::is_ascii_digit);
    let mut found: Vec<_> = processes
        .filter_map(|entry| entry.ok())
        .filter(|entry| is_number(&entry.file_name()))
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter_map(|command_line| configuration(&command_line))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The configuration file of a command line whose words end with NUL, if it is that of an rsync daemon.
pub(super) fn configuration(command_line: &[u8]) -> Option<PathBuf> {
    let words: Vec<&OsStr> = command_line
        .split(|&byte| byte == 0)
        .map(OsStr::from_bytes)
        .collect();
    let program = Path::new(words.first()?).file_name()?;
    if program != "rsync" || !words.iter().any(|&word| word == "--daemon") {
        return None;
    }
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(path) = word.as_bytes().strip_prefix(b"--config=") {
            return Some(PathBuf::from(OsStr::from_bytes(path)));
        }
        if *word == "--config" {
            return words.next().map(PathBuf::from);
        }
    }
    Some(PathBuf::from("/etc/rsyncd.conf"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn daemons_are_known_by_their_command_line() {
        for (line, path) in [
            (
                &b"/usr/bin/rsync\0--daemon\0--config=/srv/r.conf\0"[..],
                Some("/srv/r.conf"),
            ),
            (b"rsync\0--daemon\0--config\0/srv/r.conf\0", Some("/srv/r.conf")),
            (b"rsync\0--daemon\0--no-detach\0", Some("/etc/rsyncd.conf")),
            (b"rsync\0-a\0a\0b\0", None),
            (b"grep\0rsync\0--daemon\0", None),
            (b"", None),
        ] {
            assert_eq!(configuration(line), path.map(PathBuf::from));
        }
    }
}
