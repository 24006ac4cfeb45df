use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::rsync::{
    filter::{FilterError, FilterList},
    proto::Algorithms,
    transfer::{OutputLevels, Receiving, chmod::ModeChange, pace::Pace},
};

/// What a transfer keeps and compares: rsync's options by their meaning.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Options {
    /// `--recursive`.
    pub recursive: bool,
    /// `--dirs`.
    pub directories: bool,
    /// Nobody said `--dirs`: it follows from something else.
    pub directories_are_implied: bool,
    /// `--no-inc-recursive`; none if it was not said.
    pub whole_lists: Option<bool>,
    /// `--relative`.
    pub relative: bool,
    /// `--no-implied-dirs`.
    pub no_implied_directories: bool,
    /// `--files-from`.
    pub files_from: Option<FilesFrom>,
    /// `--from0`.
    pub ends_with_nul: bool,
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
    /// `--drop-D`: no device and no special file is made here, whatever was asked for.
    pub drop_devices: bool,
    /// `--copy-devices`: a device is sent as a file with what is on it.
    pub copy_devices: bool,
    /// `--acls`.
    pub acls: bool,
    /// `--xattrs`.
    pub xattrs: bool,
    /// `--xattrs` twice: rsync's own attributes (`user.rsync.%…`) too.
    pub private_xattrs: bool,
    /// `--atimes`, how often.
    pub atimes: u8,
    /// `--open-noatime`, or `--atimes` twice: what is read keeps its access time.
    pub open_noatime: bool,
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
    /// In a dry run that pulls: the server opens each file that would come, and sends nothing of it.
    pub opens: bool,
    /// `--list-only`, or no destination.
    pub list_only: bool,
    /// `--list-only`.
    pub list_only_is_said: bool,
    /// `--itemize-changes` twice, or `--info=name2`: also what is as it should be is reported.
    pub report_unchanged: bool,
    /// What is said is itemized: a line for each change says what it is.
    pub itemize: bool,
    /// How often `--verbose` is given.
    pub verbose: u8,
    /// What is said at all.
    pub output: OutputLevels,
    /// What a receiving server needs to know of the format of the lines.
    pub server_format: Option<&'static str>,
    /// `--stats`.
    pub statistics: bool,
    /// `--quiet`.
    pub quiet: bool,
    /// `--stderr`, if it is not `errors`: whether all goes there.
    pub all_to_errors: Option<bool>,
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
    /// `--stop-after` or `--stop-at`.
    pub stop_at: Option<Instant>,
    /// `--bwlimit`, in units of 1024 bytes a second.
    pub bandwidth: Option<u32>,
    /// The filter rules of the command line.
    pub filters: FilterList,
    /// `--cvs-exclude`.
    pub cvs_exclude: bool,
    /// What is deleted at the destination.
    pub deletion: Deletion,
    /// `--backup`.
    pub backs_up: bool,
    /// `--suffix`, if it is not `~`.
    pub suffix: Option<String>,
    /// `--one-file-system`, how often.
    pub one_file_system: u8,
    /// `--copy-links`.
    pub copy_links: bool,
    /// `--copy-dirlinks`.
    pub copy_directory_links: bool,
    /// `--copy-unsafe-links`.
    pub copy_unsafe_links: bool,
    /// `--safe-links`.
    pub safe_links: bool,
    /// `--munge-links`.
    pub munge_links: bool,
    /// `--ignore-missing-args`.
    pub ignore_missing_arguments: bool,
    /// `--prune-empty-dirs`.
    pub prune_empty_directories: bool,
    /// `--remove-source-files`.
    pub remove_source_files: bool,
    /// `--min-size`, in bytes.
    pub min_size: Option<u64>,
    /// `--max-size`, in bytes.
    pub max_size: Option<u64>,
    /// `--modify-window`, in seconds; -1 compares nanoseconds too.
    pub modify_window: i64,
    /// `--chmod`.
    pub mode_changes: Vec<ModeChange>,
    /// `--max-alloc`, as it was given.
    pub max_alloc: Option<String>,
    /// `--remote-option`, each.
    pub remote_options: Vec<String>,
    /// `--secluded-args`: the arguments but the letters travel in a list of their own, which nothing expands or splits.
    pub secluded: bool,
    /// `--mkpath`.
    pub make_path: bool,
    /// `--trust-sender`.
    pub trust_sender: bool,
    /// What only a receiving side does.
    pub receiving: Receiving,
    /// What a new file's mode leaves out.
    pub umask: u32,
}

impl Options {
    /// The same pull as a dry run in which the server opens what it would send: a dry run alone opens nothing, so it does not
    /// show what the server may not read. The server is told to append to files that are whole here, and finds nothing to
    /// send of them (`match_sums` in match.c). Nothing is removed on the server either, whatever was asked for.
    #[must_use]
    pub fn opening(&self) -> Self {
        let removes = |option: &String| option.starts_with("--remove-");
        let remote_options = self.remote_options.iter().filter(|option| !removes(option));
        Self {
            remote_options: remote_options.cloned().collect(),
            dry_run: true,
            opens: true,
            whole_file: false,
            remove_source_files: false,
            xattrs: false,
            private_xattrs: false,
            // For digests all would be read; instead of that all is opened.
            checksum: false,
            ignore_times: self.ignore_times || self.checksum,
            size_only: self.size_only && !self.checksum,
            ..self.clone()
        }
    }

    /// What the name of a backup has behind that of the file.
    pub fn backup_suffix(&self) -> &[u8] {
        let usual = match self.receiving.backup_directory {
            Some(_) => "",
            None => "~",
        };
        self.suffix.as_deref().unwrap_or(usual).as_bytes()
    }

    /// Whether the sender sends what some symlinks lead to in their place.
    pub(crate) const fn follows_links(&self) -> bool {
        self.copy_links || self.copy_unsafe_links || self.copy_directory_links
    }

    /// How fast may be written.
    pub(crate) fn pace(&self) -> Option<Pace> {
        self.bandwidth.map(Pace::new)
    }

    /// The rules of the command line, and the one that keeps a partial directory out of the transfer.
    pub(crate) fn filters_of(&self, protocol: u8) -> Result<FilterList, FilterError> {
        let mut filters = self.filters.clone();
        let receiving = &self.receiving;
        if let Some(folder) = receiving
            .partial_folder()
            .filter(|folder| !folder.starts_with('/'))
        {
            // An old server knows no rules that yield to the deletion of a folder.
            let kind = if protocol >= 30 { "-p" } else { "-" };
            let rule = format!("{kind} {}/", folder.trim_end_matches('/'));
            filters.filter(rule.as_bytes(), &mut |_| Err(io::ErrorKind::NotFound.into()))?;
        }
        Ok(filters)
    }
}

/// Where the list of files is that are to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FilesFrom {
    /// On this machine; a receiver sends the names to the server.
    Here(Arc<[u8]>),
    /// On the server, which sends the names to a sender.
    There(String),
}

/// What is deleted at the destination, and when.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deletion {
    /// `--delete`, and the options that say when.
    pub when: DeleteWhen,
    /// `--delete-excluded`.
    pub excluded: bool,
    /// `--max-delete`.
    pub most: Option<u64>,
    /// `--ignore-errors`.
    pub ignores_errors: bool,
    /// `--force`.
    pub force: bool,
    /// `--delete-missing-args`.
    pub missing_arguments: bool,
}

/// When something is deleted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DeleteWhen {
    /// Not at all.
    #[default]
    Never,
    /// Before the transfer up to protocol 29, during it from 30 on.
    Unsaid,
    /// `--delete-before`.
    Before,
    /// `--delete-during`.
    During,
    /// `--delete-delay`: found during the transfer, deleted behind it.
    Delay,
    /// `--delete-after`.
    After,
}
