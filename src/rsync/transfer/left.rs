//! What is left as it is at the destination, and why.

use crate::rsync::{
    proto::file_list::{Entry, FileKind},
    transfer::{Info, generator::Generator, queue::Pending, text::shown},
    tree::Status,
};

impl Generator<'_> {
    /// Says why something is left as it is (`recv_generator` in generator.c).
    pub(super) fn say_left(&mut self, entry: &Entry, now: Option<&Status>) {
        let level = self.options.output.info(Info::Skip);
        let name = shown(&self.keep.place(&self.list, entry));
        let Some(now) = now.filter(|_| level > 0) else {
            let kind = if entry.is_directory() { "directory" } else { "file" };
            if level > 0 {
                let text = format!("not creating new {kind} \"{name}\"");
                self.queue.push(Pending::Said(text.into()));
            }
            return;
        };
        let why = match level {
            1 => "",
            _ if now.kind() != entry.kind() => " (type change)",
            _ if entry.kind() == FileKind::Regular && !self.is_unchanged(entry, now) => {
                if self.options.checksum {
                    " (sum change)"
                } else {
                    " (file change)"
                }
            }
            _ if self.difference(entry, now, false) != 0 => " (attr change)",
            _ => " (uptodate)",
        };
        self.queue
            .push(Pending::Said(format!("{name} exists{why}").into()));
    }

    pub(super) fn say_skipped(&self, entry: &Entry, why: &str) {
        if self.options.output.info(Info::Skip) > 0 {
            let name = shown(&self.keep.place(&self.list, entry));
            self.queue.push(Pending::Said(format!("{name}{why}").into()));
        }
    }
}
