use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Zoned;

use crate::{
    rsync::{
        filter::{CvsIgnores, FilterList, ReadRules},
        transfer::{DeleteWhen, ModeChange, Options},
    },
    sync::{
        clock,
        names::{ListPlace, NameChoices},
        receiving::ReceivingChoices,
        usage::UsageError,
        values::{LARGEST, integer, size},
    },
};

/// As much memory rsync wants to be allowed at least, in bytes.
const LEAST_ALLOCATION: u64 = 1 << 20;

/// What it is if nobody says anything, in bytes.
const USUAL_ALLOCATION: u64 = 1 << 30;

/// What a command line needs of the machine while it is read.
pub struct Surroundings<'s> {
    /// Reads a file with rules; `-` is standard input.
    pub read: Box<ReadRules<'s>>,
    /// Reads a list of names; `-` is standard input.
    pub read_list: fn(&Path) -> io::Result<Vec<u8>>,
    /// What CVS is to ignore.
    pub ignores: CvsIgnores,
    /// What new files' modes leave out.
    pub umask: u32,
    /// What time it is.
    pub now: Zoned,
    /// What `--max-alloc` is without that option: `RSYNC_MAX_ALLOC`.
    pub max_alloc: Option<String>,
    /// What `--iconv` is without that option: `RSYNC_ICONV`.
    pub iconv: Option<String>,
    /// What `--partial-dir` is where parts are kept without that option: `RSYNC_PARTIAL_DIR`.
    pub partial_directory: Option<String>,
}

/// The options that choose what is transferred and what is deleted.
pub(super) struct Choices<'s> {
    surroundings: Surroundings<'s>,
    receiving: ReceivingChoices,
    names: NameChoices,
    filters: FilterList,
    /// How often `-F` was given.
    folder_rules: u8,
    deletes: bool,
    times_of_deletion: Vec<DeleteWhen>,
}

impl<'s> Choices<'s> {
    pub(super) fn new(mut surroundings: Surroundings<'s>) -> Self {
        let ignores = std::mem::take(&mut surroundings.ignores);
        Self {
            surroundings,
            receiving: ReceivingChoices::default(),
            names: NameChoices::default(),
            filters: FilterList::new(ignores),
            folder_rules: 0,
            deletes: false,
            times_of_deletion: Vec::new(),
        }
    }

    /// Takes an option, without its `no-`; `false` if it is none of these.
    pub(super) fn option(
        &mut self,
        options: &mut Options,
        name: &str,
        is_on: bool,
        value: Option<&str>,
    ) -> Result<bool, UsageError> {
        if is_on && (self.rule(name, value)? || self.deletion(options, name, value)?) {
            return Ok(true);
        }
        match name {
            "ignore-errors" => options.deletion.ignores_errors = is_on,
            "force" => options.deletion.force = is_on,
            "cvs-exclude" | "C" if is_on => options.cvs_exclude = true,
            "from0" | "0" => {
                self.filters.end_with_nul(is_on);
                options.ends_with_nul = is_on;
            }
            "prune-empty-dirs" | "m" => options.prune_empty_directories = is_on,
            "one-file-system" | "x" if is_on => options.one_file_system += 1,
            "one-file-system" | "x" => options.one_file_system = 0,
            "copy-links" | "L" if is_on => options.copy_links = true,
            "copy-dirlinks" | "k" if is_on => options.copy_directory_links = true,
            "copy-unsafe-links" if is_on => options.copy_unsafe_links = true,
            "safe-links" if is_on => options.safe_links = true,
            "munge-links" => options.munge_links = is_on,
            "ignore-missing-args" if is_on => options.ignore_missing_arguments = true,
            "remove-source-files" | "remove-sent-files" if is_on => options.remove_source_files = true,
            "min-size" if is_on => options.min_size = Some(size(name, value, 0, 0..=LARGEST, false)?),
            "max-size" if is_on => options.max_size = Some(size(name, value, 0, 0..=LARGEST, false)?),
            "modify-window" | "@" if is_on => {
                options.modify_window = integer("modify-window", value)?.into();
            }
            "chmod" if is_on => {
                let text = value.unwrap_or_default();
                let changes = ModeChange::parse(text, self.surroundings.umask);
                let changes = changes.map_err(|_| UsageError::Mode(text.to_owned()))?;
                options.mode_changes.extend(changes);
            }
            "backup" | "b" => options.backs_up = is_on,
            "suffix" if is_on => options.suffix = value.map(str::to_owned),
            "max-alloc" if is_on => options.max_alloc = value.map(str::to_owned),
            "bwlimit" if is_on => options.bandwidth = bandwidth(name, value)?,
            "bwlimit" => options.bandwidth = None,
            "stop-after" | "time-limit" if is_on => self.stop_after(options, value.unwrap_or_default())?,
            "stop-at" if is_on => self.stop_at(options, value.unwrap_or_default())?,
            "secluded-args" | "protect-args" | "s" => options.secluded = is_on,
            "chown" | "usermap" | "groupmap" if is_on => {
                self.receiving.owners(options, name, value.unwrap_or_default())?;
            }
            "mkpath" => options.make_path = is_on,
            "hard-links" | "H" => options.hard_links = is_on,
            "remote-option" | "M" if is_on => {
                let option = value.filter(|value| value.starts_with('-'));
                let none = || UsageError::RemoteOption(value.unwrap_or_default().to_owned());
                options.remote_options.push(option.ok_or_else(none)?.to_owned());
            }
            "trust-sender" if is_on => options.trust_sender = true,
            _ if self.names.option(options, name, is_on, value) => {}
            _ => return self.receiving.option(&mut options.receiving, name, is_on, value),
        }
        Ok(true)
    }

    fn stop_after(&self, options: &mut Options, value: &str) -> Result<(), UsageError> {
        let after = clock::after(value);
        let after = after.ok_or_else(|| UsageError::Stop(format!("invalid --stop-after value: {value}")))?;
        options.stop_at = Instant::now().checked_add(after);
        Ok(())
    }

    fn stop_at(&self, options: &mut Options, value: &str) -> Result<(), UsageError> {
        let now = &self.surroundings.now;
        let at = clock::at(value, now);
        let at = at.ok_or_else(|| UsageError::Stop(format!("invalid --stop-at format: {value}")))?;
        let after = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        if after.as_secs() == 0 {
            let text = format!("--stop-at time is not in the future: {value}");
            return Err(UsageError::Stop(text));
        }
        options.stop_at = Instant::now().checked_add(after);
        Ok(())
    }

    /// The filter rules, in their order.
    fn rule(&mut self, name: &str, value: Option<&str>) -> Result<bool, UsageError> {
        let value = value.unwrap_or_default().as_bytes();
        let (filters, read) = (&mut self.filters, &mut *self.surroundings.read);
        match name {
            "filter" | "f" => filters.filter(value, read)?,
            "exclude" => filters.pattern(value, false, read)?,
            "include" => filters.pattern(value, true, read)?,
            "exclude-from" => filters.patterns_of(value, false, read)?,
            "include-from" => filters.patterns_of(value, true, read)?,
            "F" => {
                self.folder_rules = self.folder_rules.saturating_add(1);
                match self.folder_rules {
                    1 => filters.filter(b": /.rsync-filter", read)?,
                    2 => filters.filter(b"- .rsync-filter", read)?,
                    _ => {}
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn deletion(
        &mut self,
        options: &mut Options,
        name: &str,
        value: Option<&str>,
    ) -> Result<bool, UsageError> {
        let deletion = &mut options.deletion;
        let when = match name {
            "delete" => {
                self.deletes = true;
                return Ok(true);
            }
            "del" | "delete-during" => DeleteWhen::During,
            "delete-before" => DeleteWhen::Before,
            "delete-delay" => DeleteWhen::Delay,
            "delete-after" => DeleteWhen::After,
            "delete-excluded" => {
                deletion.excluded = true;
                self.filters.delete_excluded();
                return Ok(true);
            }
            "max-delete" => {
                // A negative number is none at all, but for the least, which rsync has where nothing is said.
                let most = integer(name, value)?;
                deletion.most = (most != i32::MIN).then(|| u64::try_from(most).unwrap_or(0));
                return Ok(true);
            }
            "delete-missing-args" => {
                deletion.missing_arguments = true;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.times_of_deletion.push(when);
        Ok(true)
    }

    /// What only all options together say; `count` is that of sources and destination.
    pub(super) fn finish(
        mut self,
        options: &mut Options,
        is_pull: bool,
        count: usize,
    ) -> Result<ListPlace, UsageError> {
        if let Some(rule) = self.names.rule() {
            self.filters.filter(rule, &mut *self.surroundings.read)?;
        }
        let list = self.names.finish(options, count)?;
        let limit = options
            .max_alloc
            .take()
            .or_else(|| self.surroundings.max_alloc.take());
        if let Some(limit) = limit {
            let size = size("max-alloc", Some(&limit), 0, LEAST_ALLOCATION..=LARGEST, true)?;
            // What is usual is not told.
            options.max_alloc = (size != USUAL_ALLOCATION).then_some(limit);
        }
        let usual = self.surroundings.partial_directory.take();
        self.receiving
            .finish(&mut options.receiving, options.whole_file, is_pull, usual)?;
        let mut times = self.times_of_deletion;
        times.dedup();
        // During and delayed are one setting, of which the last holds.
        let is_during = |when: &DeleteWhen| matches!(when, DeleteWhen::During | DeleteWhen::Delay);
        if let Some(first) = times.first().copied() {
            if times
                .iter()
                .any(|when| *when != first && !(is_during(when) && is_during(&first)))
            {
                return Err(UsageError::DeletionTimes);
            }
            options.deletion.when = times.last().copied().unwrap_or_default();
        } else if self.deletes || options.deletion.excluded {
            options.deletion.when = DeleteWhen::Unsaid;
        }
        let deletes = options.deletion.when != DeleteWhen::Never;
        // What is listed needs no folder.
        let lists = options.list_only || count < 2;
        if deletes && !options.recursive && !options.directories && !lists {
            return Err(UsageError::DeletionWithoutFolders);
        }
        let given = options.receiving.backup_directory.take();
        let is_given = given.is_some();
        options.receiving.backup_directory = given.as_deref().and_then(backup_directory);
        options.backs_up |= is_given;
        let keeps_beside = options.receiving.backup_directory.is_none();
        match options.suffix.as_deref() {
            None | Some("") if keeps_beside && is_given => return Err(UsageError::EmptySuffixThere),
            Some("") if keeps_beside => return Err(UsageError::EmptySuffix),
            Some(suffix) if suffix.contains('/') => return Err(UsageError::Suffix(suffix.to_owned())),
            _ => {}
        }
        if options.backs_up && keeps_beside && deletes && !options.deletion.excluded {
            let rule = [b"P *", options.backup_suffix()].concat();
            self.filters.filter(&rule, &mut *self.surroundings.read)?;
        }
        self.filters.end_with_nul(false);
        options.filters = self.filters;
        Ok(list)
    }
}

/// Where backups go; `None` if that is where the files are.
fn backup_directory(mut path: &str) -> Option<String> {
    while let Some(rest) = path.strip_prefix("./") {
        path = rest;
    }
    (!matches!(path, "" | ".")).then(|| path.to_owned())
}

/// `--bwlimit`: bytes a second, in units of 1024 (`OPT_BWLIMIT` in options.c).
fn bandwidth(name: &str, value: Option<&str>) -> Result<Option<u32>, UsageError> {
    let bytes = size(name, value, 1, 512..=LARGEST, true)?;
    // What no connection comes to is no limit; rsync cuts such a number off.
    let rate = i32::try_from(bytes.saturating_add(512) / 1024).unwrap_or(0);
    Ok(u32::try_from(rate).ok().filter(|&rate| rate > 0))
}

#[cfg(test)]
mod tests {
    use super::bandwidth;

    #[test]
    fn rates_are_thousands_of_bytes() {
        let rate = |text| bandwidth("bwlimit", Some(text));
        for (text, expected) in [
            ("100", 100),
            ("1.5m", 1536),
            ("1MB", 977),
            ("600b", 1),
            ("0.5", 1),
            ("2g", 2 << 20),
        ] {
            assert_eq!(rate(text), Ok(Some(expected)), "{text}");
        }
        for text in ["0", "", "5p"] {
            assert_eq!(rate(text), Ok(None), "{text}");
        }
        for text in ["511b", "-1", "x", "9e9"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
