use crate::rsync::transfer::Options;

impl Options {
    /// What the server of a daemon is started with, without `--server` and the paths (`server_options` in options.c, for
    /// a client that receives).
    pub fn of_server(&self, protocol: u8) -> Vec<String> {
        let mut arguments = vec![self.letters(protocol)];
        let mut long = |is_set: bool, text: &str| {
            if is_set {
                arguments.push(text.to_owned());
            }
        };
        long(self.list_only_is_said, "--list-only");
        long(self.devices && !self.specials, "--no-specials");
        long(self.specials && !self.devices, "--specials");
        if let Some(size) = self.block_size {
            long(true, &format!("-B{size}"));
        }
        if let Some(limit) = self.timeout {
            long(true, &format!("--timeout={}", limit.as_secs()));
        }
        if let Some(suffix) = &self.suffix {
            long(true, &format!("--suffix={suffix}"));
        }
        if let Some(limit) = &self.max_alloc {
            long(true, &format!("--max-alloc={limit}"));
        }
        long(self.deletion.missing_arguments, "--delete-missing-args");
        let is_ignored = self.ignore_missing_arguments && !self.deletion.missing_arguments;
        long(is_ignored, "--ignore-missing-args");
        long(self.deletion.ignores_errors, "--ignore-errors");
        long(self.copy_unsafe_links, "--copy-unsafe-links");
        long(self.safe_links, "--safe-links");
        long(self.numeric_ids, "--numeric-ids");
        long(self.remove_source_files, "--remove-source-files");
        arguments.extend(self.remote_options.iter().cloned());
        arguments.retain(|argument| argument != "-");
        arguments
    }

    fn letters(&self, protocol: u8) -> String {
        let mut letters = String::from("-");
        letters.extend(std::iter::repeat_n('v', usize::from(self.verbose.min(9))));
        let flags = [
            (self.backs_up, 'b'),
            (self.update, 'u'),
            (self.dry_run, 'n'),
            (self.links, 'l'),
            (self.directories && !self.recursive, 'd'),
            (self.copy_links, 'L'),
            (self.copy_directory_links, 'k'),
            (self.whole_file, 'W'),
            (self.owner, 'o'),
            (self.group, 'g'),
            (self.devices, 'D'),
            (self.times, 't'),
            (self.permissions, 'p'),
            (self.recursive, 'r'),
            (self.checksum, 'c'),
            (self.cvs_exclude, 'C'),
            (self.ignore_times, 'I'),
            (self.one_file_system > 0, 'x'),
            (self.one_file_system > 1, 'x'),
        ];
        let set = flags.iter().filter(|(is_set, _)| *is_set);
        letters.extend(set.map(|(_, letter)| *letter));
        if protocol >= 30 {
            letters.push_str("e.LsfxCIvu");
        }
        letters
    }
}
