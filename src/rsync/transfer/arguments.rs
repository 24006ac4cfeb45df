use crate::rsync::{
    proto::Compression,
    transfer::{FilesFrom, Options, Role, Speaker, options::DeleteWhen},
};

impl Options {
    /// What the server of a daemon is told, as it goes there: all at once, or, if arguments are secluded, the letters ahead
    /// and the others behind (`start_inband_exchange` in clientserver.c, `send_protected_args` in rsync.c).
    pub fn all_of_server(&self, protocol: u8, role: Role, paths: &[Vec<u8>]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        let mut arguments = vec![b"--server".to_vec()];
        if role == Role::Receiver {
            arguments.push(b"--sender".to_vec());
        }
        let first = arguments.len() + 1;
        let options = self.of_server(protocol, role);
        arguments.extend(options.into_iter().map(String::into_bytes));
        arguments.push(b".".to_vec());
        arguments.extend_from_slice(paths);
        let behind = match self.secluded {
            true => arguments.split_off(first),
            false => Vec::new(),
        };
        (arguments, behind)
    }

    /// What the server of a daemon is started with, without `--server` and the paths (`server_options` in options.c).
    pub fn of_server(&self, protocol: u8, role: Role) -> Vec<String> {
        let is_push = role == Role::Sender;
        let mut arguments = vec![self.letters(protocol, is_push)];
        let mut long = |is_set: bool, text: &str| {
            if is_set {
                arguments.push(text.to_owned());
            }
        };
        let escaped = |value: &str| match self.secluded {
            true => value.to_owned(),
            false => escaped(value),
        };
        let receiving = &self.receiving;
        let deletion = &self.deletion;
        let deletes = deletion.when != DeleteWhen::Never;
        long(self.list_only_is_said, "--list-only");
        long(
            is_push && deletes && self.directories && !self.recursive,
            "--no-r",
        );
        if let Some(level) = self.algorithms.level {
            long(true, &format!("--compress-level={level}"));
        }
        long(self.devices && !self.specials, "--no-specials");
        long(self.specials && !self.devices, "--specials");
        if let Some(format) = self.server_format.filter(|_| is_push) {
            long(true, &format!("--log-format={format}"));
        }
        match self.all_to_errors {
            Some(true) => long(true, "--msgs2stderr"),
            Some(false) => long(true, "--no-msgs2stderr"),
            None => {}
        }
        if let Some(size) = self.block_size {
            long(true, &format!("-B{size}"));
        }
        if let Some(limit) = self.timeout {
            long(true, &format!("--timeout={}", limit.as_secs()));
        }
        if let Some(rate) = self.bandwidth {
            long(true, &format!("--bwlimit={rate}"));
        }
        if let Some(folder) = &receiving.backup_directory {
            long(true, "--backup-dir");
            long(true, &escaped(folder));
        }
        let usual = if receiving.backup_directory.is_some() {
            ""
        } else {
            "~"
        };
        if let Some(suffix) = self.suffix.as_ref().filter(|suffix| *suffix != usual) {
            long(true, &format!("--suffix={}", escaped(suffix)));
        }
        if let Some(choice) = &self.algorithms.checksum {
            long(true, &format!("--checksum-choice={}", choice.text));
        }
        match &self.algorithms.compression {
            Some(choice) if choice.compression == Compression::Zlibx => long(true, "--new-compress"),
            Some(choice) if choice.compression == Compression::Zlib => long(true, "--old-compress"),
            Some(choice) => long(true, &format!("--compress-choice={}", choice.text)),
            None => {}
        }
        if let Some(suffixes) = self.skip_compress.as_ref().filter(|_| !is_push) {
            long(true, &format!("--skip-compress={}", escaped(suffixes)));
        }
        if is_push {
            match deletion.most {
                Some(0) => long(true, "--max-delete=-1"),
                Some(most) => long(true, &format!("--max-delete={most}")),
                None => {}
            }
            if let Some(size) = self.min_size {
                long(true, &format!("--min-size={size}"));
            }
            if let Some(size) = self.max_size {
                long(true, &format!("--max-size={size}"));
            }
            match deletion.when {
                DeleteWhen::Never => {}
                DeleteWhen::Unsaid => long(!deletion.excluded, "--delete"),
                DeleteWhen::Before => long(true, "--delete-before"),
                DeleteWhen::During => long(true, "--delete-during"),
                DeleteWhen::Delay => long(true, "--delete-delay"),
                DeleteWhen::After => long(true, "--delete-after"),
            }
            long(deletion.excluded, "--delete-excluded");
            long(deletion.force, "--force");
            long(receiving.super_user == Some(true), "--super");
            long(self.size_only, "--size-only");
            long(self.statistics, "--stats");
        }
        if let Some(limit) = &self.max_alloc {
            long(true, &format!("--max-alloc={limit}"));
        }
        long(deletion.missing_arguments, "--delete-missing-args");
        let is_ignored = self.ignore_missing_arguments && !deletion.missing_arguments;
        long(is_ignored && !is_push, "--ignore-missing-args");
        if is_push && self.modify_window != 0 {
            let option = if self.modify_window < 0 {
                "-@"
            } else {
                "--modify-window="
            };
            long(true, &format!("{option}{}", self.modify_window));
        }
        if self.checksum_seed != 0 {
            long(true, &format!("--checksum-seed={}", self.checksum_seed));
        }
        if is_push {
            if let Some(folder) = &receiving.partial_directory {
                long(true, "--partial-dir");
                long(true, &escaped(folder));
            }
            long(receiving.delay_updates, "--delay-updates");
            let keeps_elsewhere = receiving.partial_directory.is_some() || receiving.delay_updates;
            long(receiving.partial && !keeps_elsewhere, "--partial");
        }
        long(deletion.ignores_errors, "--ignore-errors");
        long(self.copy_unsafe_links, "--copy-unsafe-links");
        long(self.safe_links, "--safe-links");
        long(self.numeric_ids, "--numeric-ids");
        if let Some(map) = receiving.user_map.as_ref().filter(|_| is_push) {
            long(true, &format!("--usermap={}", escaped(map)));
        }
        if let Some(map) = receiving.group_map.as_ref().filter(|_| is_push) {
            long(true, &format!("--groupmap={}", escaped(map)));
        }
        long(is_push && self.ignore_existing, "--ignore-existing");
        long(is_push && self.existing, "--existing");
        if is_push {
            if let Some(folder) = &receiving.temporary_directory {
                long(true, "--temp-dir");
                long(true, &escaped(folder));
            }
            long(receiving.sync, "--fsync");
            for (kind, folder) in &receiving.bases {
                long(true, kind);
                long(true, &escaped(folder));
            }
        }
        let role = if is_push {
            Speaker::RECEIVER
        } else {
            Speaker::SENDER
        };
        if let Some(words) = self.output.of_server(Speaker::SERVER.and(role)) {
            long(true, &words);
        }
        let appends = receiving.append > 0 || self.opens;
        long(receiving.append > 1 && !self.opens, "--append");
        long(appends, "--append");
        long(receiving.in_place && !appends, "--inplace");
        match &self.files_from {
            Some(FilesFrom::There(path)) => {
                long(true, "--files-from");
                long(true, &escaped(path));
                long(self.ends_with_nul, "--from0");
                long(!self.relative, "--no-relative");
            }
            Some(FilesFrom::Here(_)) if !is_push => {
                long(true, "--files-from=-");
                long(true, "--from0");
                long(!self.relative, "--no-relative");
            }
            _ => {}
        }
        let is_implied_told = self.relative && (!is_push || protocol >= 30);
        long(
            is_implied_told && self.no_implied_directories,
            "--no-implied-dirs",
        );
        long(is_push && receiving.write_devices, "--write-devices");
        long(self.remove_source_files, "--remove-source-files");
        long(!is_push && self.copy_devices, "--copy-devices");
        long(is_push && receiving.preallocate, "--preallocate");
        long(self.open_noatime && self.atimes <= 1, "--open-noatime");
        long(is_push && self.make_path, "--mkpath");
        arguments.extend(self.remote_options.iter().cloned());
        arguments.retain(|argument| argument != "-");
        arguments
    }

    /// Whether the lists of folders may come one by one (`set_allow_inc_recurse` in compat.c).
    pub(crate) const fn is_incremental(&self, is_push: bool) -> bool {
        // A receiver that needs to know all before it begins.
        let waits = matches!(self.deletion.when, DeleteWhen::Before | DeleteWhen::After)
            || self.receiving.delay_updates
            || self.prune_empty_directories;
        self.recursive && !matches!(self.whole_lists, Some(true)) && (is_push || !waits)
    }

    fn letters(&self, protocol: u8, is_push: bool) -> String {
        let is_zlib = match &self.algorithms.compression {
            Some(choice) => choice.compression == Compression::Zlib,
            // The letter of all that is negotiated.
            None => self.algorithms.compress,
        };
        let receiving = &self.receiving;
        let deletes = self.deletion.when != DeleteWhen::Never;
        let says_directories = !self.directories_are_implied || self.list_only || is_push && deletes;
        // Backups beside the files change the times of folders, so nobody keeps them (`parse_arguments` in options.c).
        let backs_up_beside = self.backs_up && receiving.backup_directory.is_none();
        let mut letters = String::from("-");
        letters.extend(self.secluded.then_some('s'));
        letters.extend(std::iter::repeat_n('v', usize::from(self.verbose.min(9))));
        letters.extend((self.quiet && self.all_to_errors != Some(false)).then_some('q'));
        let flags = [
            (self.backs_up, 'b'),
            (self.update, 'u'),
            (self.dry_run && !self.opens, 'n'),
            (self.links, 'l'),
            (self.directories && !self.recursive && says_directories, 'd'),
            (is_push && receiving.keep_directory_links, 'K'),
            (is_push && self.prune_empty_directories, 'm'),
            (is_push && self.omit_directory_times && !backs_up_beside, 'O'),
            (is_push && self.omit_link_times, 'J'),
            (is_push && receiving.fuzzy > 0, 'y'),
            (is_push && receiving.fuzzy > 1 && !receiving.bases.is_empty(), 'y'),
            (!is_push && self.copy_links, 'L'),
            (!is_push && self.copy_directory_links, 'k'),
            (self.whole_file, 'W'),
            (self.hard_links, 'H'),
            (self.owner, 'o'),
            (self.group, 'g'),
            (self.devices, 'D'),
            (self.times, 't'),
            (self.atimes > 0, 'U'),
            (self.atimes > 1, 'U'),
            (self.permissions, 'p'),
            (is_push && self.executability && !self.permissions, 'E'),
            (self.acls, 'A'),
            (self.xattrs, 'X'),
            (self.private_xattrs, 'X'),
            (self.recursive, 'r'),
            (self.checksum, 'c'),
            (self.cvs_exclude, 'C'),
            (self.ignore_times, 'I'),
            (self.relative, 'R'),
            (self.one_file_system > 0, 'x'),
            (self.one_file_system > 1, 'x'),
            (self.sparse, 'S'),
            (is_zlib, 'z'),
        ];
        let set = flags.iter().filter(|(is_set, _)| *is_set);
        letters.extend(set.map(|(_, letter)| *letter));
        if protocol >= 30 {
            letters.push_str("e.");
            letters.extend(self.is_incremental(is_push).then_some('i'));
            letters.push_str("LsfxCIvu");
        }
        letters
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
