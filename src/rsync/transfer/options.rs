use std::time::Duration;

use crate::rsync::{
    proto::{Algorithms, Compression},
    transfer::Role,
};

/// What a transfer keeps and compares: rsync's options by their meaning.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// `--recursive`.
    pub recursive: bool,
    /// `--dirs`.
    pub directories: bool,
    /// `--links`.
    pub links: bool,
    /// `--perms`.
    pub permissions: bool,
    /// `--times`.
    pub times: bool,
    /// `--group`.
    pub group: bool,
    /// `--owner`.
    pub owner: bool,
    /// `--devices`.
    pub devices: bool,
    /// `--specials`.
    pub specials: bool,
    /// `--acls`.
    pub acls: bool,
    /// `--xattrs`.
    pub xattrs: bool,
    /// `--atimes`.
    pub atimes: bool,
    /// `--executability`.
    pub executability: bool,
    /// `--sparse`.
    pub sparse: bool,
    /// `--omit-link-times`.
    pub omit_link_times: bool,
    /// `--hard-links`.
    pub hard_links: bool,
    /// `--numeric-ids`.
    pub numeric_ids: bool,
    /// `--omit-dir-times`.
    pub omit_directory_times: bool,
    /// `--checksum`.
    pub checksum: bool,
    /// `--ignore-times`.
    pub ignore_times: bool,
    /// `--size-only`.
    pub size_only: bool,
    /// `--update`.
    pub update: bool,
    /// `--existing`.
    pub existing: bool,
    /// `--ignore-existing`.
    pub ignore_existing: bool,
    /// `--whole-file`.
    pub whole_file: bool,
    /// `--dry-run`.
    pub dry_run: bool,
    /// `--list-only`.
    pub list_only: bool,
    /// `--itemize-changes` twice: also what is as it should be is reported.
    pub report_unchanged: bool,
    /// `--itemize-changes`: each change is reported.
    pub itemize: bool,
    /// How often `--verbose` is given.
    pub verbose: u8,
    /// `--block-size`, in bytes.
    pub block_size: Option<u32>,
    /// `--checksum-choice`, `--compress` and what belongs to them.
    pub algorithms: Algorithms,
    /// `--checksum-seed`.
    pub checksum_seed: i32,
    /// `--skip-compress`.
    pub skip_compress: Option<String>,
    /// `--timeout`.
    pub timeout: Option<Duration>,
    /// The filter rules for the server, in the form in which they travel.
    pub filters: Vec<Vec<u8>>,
    /// Whether this process may give files away.
    pub is_root: bool,
    /// What a new file's mode leaves out.
    pub umask: u32,
}

impl Options {
    /// What the server of a daemon is started with (`server_options` in options.c), without `--server` and the paths.
    pub fn of_server(&self, protocol: u8, role: Role) -> Vec<String> {
        let is_sender = role == Role::Sender;
        let algorithms = &self.algorithms;
        let chosen = algorithms.compression.as_ref().map(|choice| choice.compression);
        let is_zlib = match chosen {
            Some(chosen) => chosen == Compression::Zlib,
            // The letter of all that is negotiated.
            None => algorithms.compress,
        };
        let mut letters = String::from("-");
        letters.extend(std::iter::repeat_n('v', usize::from(self.verbose.min(9))));
        let flags = [
            (self.update, 'u'),
            (self.dry_run, 'n'),
            (self.links, 'l'),
            (self.directories && !self.recursive, 'd'),
            (self.omit_directory_times && is_sender, 'O'),
            (self.omit_link_times && is_sender, 'J'),
            (self.whole_file, 'W'),
            (self.hard_links, 'H'),
            (self.owner, 'o'),
            (self.group, 'g'),
            (self.devices, 'D'),
            (self.times, 't'),
            (self.atimes, 'U'),
            (self.permissions, 'p'),
            (self.executability && !self.permissions && is_sender, 'E'),
            (self.acls, 'A'),
            (self.xattrs, 'X'),
            (self.recursive, 'r'),
            (self.checksum, 'c'),
            (self.ignore_times, 'I'),
            (self.sparse, 'S'),
            (is_zlib, 'z'),
        ];
        letters.extend(
            flags
                .iter()
                .filter(|(is_set, _)| *is_set)
                .map(|(_, letter)| *letter),
        );
        if protocol >= 30 {
            letters.push_str("e.LsfxCIvu");
        }
        let mut arguments = vec![letters];
        let mut long = |is_set: bool, text: &str| {
            if is_set {
                arguments.push(text.to_owned());
            }
        };
        long(self.list_only, "--list-only");
        if let Some(level) = algorithms.level {
            long(true, &format!("--compress-level={level}"));
        }
        long(self.devices && !self.specials, "--no-specials");
        long(self.specials && !self.devices, "--specials");
        if let Some(format) = self.log_format().filter(|_| is_sender) {
            long(true, &format!("--log-format={format}"));
        }
        if let Some(length) = self.block_size {
            long(true, &format!("-B{length}"));
        }
        if let Some(limit) = self.timeout {
            long(true, &format!("--timeout={}", limit.as_secs()));
        }
        if let Some(choice) = &algorithms.checksum {
            long(true, &format!("--checksum-choice={}", choice.text));
        }
        if let Some(choice) = &algorithms.compression {
            match choice.compression {
                Compression::Zlibx => long(true, "--new-compress"),
                Compression::Zlib => long(true, "--old-compress"),
                _ => long(true, &format!("--compress-choice={}", choice.text)),
            }
        }
        long(is_sender && self.size_only, "--size-only");
        if let Some(suffixes) = self.skip_compress.as_ref().filter(|_| !is_sender) {
            long(true, &format!("--skip-compress={}", escaped(suffixes)));
        }
        if self.checksum_seed != 0 {
            long(true, &format!("--checksum-seed={}", self.checksum_seed));
        }
        long(self.numeric_ids, "--numeric-ids");
        long(is_sender && self.ignore_existing, "--ignore-existing");
        long(is_sender && self.existing, "--existing");
        arguments
    }

    /// What a push cannot send yet.
    pub fn unsent(&self) -> Option<&'static str> {
        match (self.acls, self.xattrs) {
            (true, _) => Some("a push with --acls"),
            (_, true) => Some("a push with --xattrs"),
            _ => None,
        }
    }

    /// What a receiving server is to report.
    fn log_format(&self) -> Option<&'static str> {
        match (self.itemize, self.report_unchanged, self.verbose) {
            (true, true, _) => Some("%i%I"),
            (true, false, _) => Some("%i"),
            _ => None,
        }
    }
}

/// A value as it travels: a shell, or a daemon in its place, takes the backslashes away again (`safe_arg` in options.c).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if "*?[]!#$&;|<>(){}\"'` \t\n\r\\".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}
