use std::time::Duration;

use crate::rsync::transfer::Role;

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
        let mut letters = String::from("-");
        letters.extend(std::iter::repeat_n('v', usize::from(self.verbose.min(9))));
        let flags = [
            (self.update, 'u'),
            (self.dry_run, 'n'),
            (self.links, 'l'),
            (self.directories && !self.recursive, 'd'),
            (self.omit_directory_times && is_sender, 'O'),
            (self.whole_file, 'W'),
            (self.hard_links, 'H'),
            (self.owner, 'o'),
            (self.group, 'g'),
            (self.devices, 'D'),
            (self.times, 't'),
            (self.permissions, 'p'),
            (self.recursive, 'r'),
            (self.checksum, 'c'),
            (self.ignore_times, 'I'),
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
        long(self.devices && !self.specials, "--no-specials");
        long(self.specials && !self.devices, "--specials");
        if let Some(format) = self.log_format().filter(|_| is_sender) {
            arguments.push(format!("--log-format={format}"));
        }
        arguments.extend(
            self.block_size
                .filter(|_| is_sender)
                .map(|length| format!("-B{length}")),
        );
        arguments.extend(self.timeout.map(|limit| format!("--timeout={}", limit.as_secs())));
        let mut long = |is_set: bool, text: &str| {
            if is_set {
                arguments.push(text.to_owned());
            }
        };
        long(is_sender && self.size_only, "--size-only");
        long(self.numeric_ids, "--numeric-ids");
        long(is_sender && self.ignore_existing, "--ignore-existing");
        long(is_sender && self.existing, "--existing");
        arguments
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
