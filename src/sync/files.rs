use std::time::Instant;

use crate::{
    rsync::{
        proto::{ItemFlags, file_list::Entry},
        transfer::Transferred,
    },
    sync::{
        Printer,
        console::Channel,
        format::Format,
        itemize::{is_significant, letters},
        lines::{FileLine, is_directory},
        print::State,
        progress::Progress,
    },
    terms::Info,
};

/// What is written of single files.
impl Printer<'_> {
    pub(super) fn item(&self, item: Transferred<'_>, number: u32, link: Option<&[u8]>) {
        let mut state = self.state();
        let state = &mut *state;
        let (entry, flags) = (item.entry, item.flags);
        if flags.has(ItemFlags::NEW) {
            state.created.count(entry.kind());
        }
        if let Some(progress) = &mut state.progress {
            progress.reach(u64::from(number));
        }
        let output = &self.plan.output;
        let arrow = if self.is_push() { '<' } else { '>' };
        if is_significant(flags) || link.is_some() || self.options().report_unchanged {
            let letters = letters(entry, flags, self.options(), state.session, arrow);
            state
                .console
                .report(|report, to| report.item(item.list, entry, &letters, link, to));
        }
        if flags.has(ItemFlags::TRANSFER) {
            if let Some(progress) = &mut state.progress {
                progress.file(u64::from(number), entry.size.unsigned_abs());
            }
            if output.is_line_first || self.options().dry_run {
                self.file_line(state, Channel::Client, &item, link);
            } else if self.info(Info::Name) > 0 && self.info(Info::Progress) == 1 {
                let channel = match self.is_push() {
                    true => Channel::Client,
                    false => Channel::Info,
                };
                state.console.line(channel, item.list.name(entry));
            }
            return;
        }
        // Which lines rsync writes: `maybe_log_item` in log.c.
        let is_significant = is_significant(flags);
        let has_link = link.is_some_and(|link| !link.is_empty());
        let is_itemized = output.itemized > 0
            && (is_significant || has_link || output.itemized > 1 || self.info(Info::Name) > 1);
        let is_made = is_significant && (flags.has(ItemFlags::LOCAL_CHANGE) || entry.is_directory());
        if is_itemized || is_made || has_link {
            let logs_all = output.log_format.as_ref().is_some_and(|format| format.has("i"));
            let channel = match is_significant || logs_all {
                true => Channel::Info,
                false => Channel::Client,
            };
            if !logs_all && is_significant {
                self.log_made(state, &item);
            }
            self.file_line(state, channel, &item, link);
        }
    }

    /// Where the log has a format of its own, rsync's receiving client writes there by name too what it makes
    /// (`recv_generator` in generator.c).
    fn log_made(&self, state: &mut State<'_>, item: &Transferred<'_>) {
        let is_directory = item.entry.is_directory();
        // Of a folder only what is set behind its making.
        let is_set = self.options().times && !self.options().omit_directory_times;
        let is_made = match is_directory {
            true => is_set,
            false => item.flags.has(ItemFlags::LOCAL_CHANGE),
        };
        if self.is_push() || self.plan.output.log_format.is_none() || self.info(Info::Name) == 0 || !is_made {
            return;
        }
        let mut name = item.list.name(item.entry).to_vec();
        if is_directory {
            name.push(b'/');
        }
        if let Some(link) = item.list.extra(item.entry).and_then(|extra| extra.link.as_ref()) {
            name.extend_from_slice(&[b" -> ", &**link].concat());
        }
        state.console.line(Channel::Log, &name);
    }

    pub(super) fn transferred(&self, item: Transferred<'_>) {
        let mut state = self.state();
        let state = &mut *state;
        if let Some(progress) = &mut state.progress
            && !state.has_bar
        {
            let line = progress.last_line(item.size, Instant::now());
            write_progress(state, &line);
        }
        state
            .console
            .report(|report, to| report.transferred(item.list, item.entry, item.data, to));
        let channel = match self.plan.output.is_line_first {
            true => Channel::Log,
            false => Channel::Info,
        };
        self.file_line(state, channel, &item, None);
    }

    /// Writes what is wanted of a file (`log_item` in log.c).
    fn file_line(
        &self,
        state: &mut State<'_>,
        channel: Channel,
        item: &Transferred<'_>,
        link: Option<&[u8]>,
    ) {
        let line = FileLine {
            options: self.options(),
            zone: &self.zone,
            session: state.session,
            is_push: self.is_push(),
            name: item.list.name(item.entry),
            listed: Some((item.list, item.entry)),
            mode: item.entry.mode,
            flags: item.flags,
            link,
            folder: item.folder,
            data: item.data,
            sums: item.sums,
            digest: item.digest,
        };
        let output = &self.plan.output;
        if let Some(format) = output.format.as_ref().filter(|_| channel != Channel::Log) {
            state.console.line(Channel::Client, &format.line(&line));
        }
        if let Some(format) = output.log_format.as_ref().filter(|_| channel != Channel::Client) {
            state.console.line(Channel::Log, &format.line(&line));
        }
    }

    /// A file was asked for, and cannot be opened.
    pub(super) fn unopened(&self, number: u32, entry: &Entry, flags: ItemFlags) {
        let mut state = self.state();
        if flags.has(ItemFlags::NEW) {
            state.created.count(entry.kind());
        }
        if let Some(progress) = &mut state.progress {
            progress.file(u64::from(number), entry.size.unsigned_abs());
        }
    }

    /// Something was deleted; its kind and permissions as `st_mode` has them (`log_delete` in log.c).
    pub(super) fn deleted(&self, name: &[u8], mode: u32) {
        let mut state = self.state();
        let line = FileLine {
            options: self.options(),
            zone: &self.zone,
            session: state.session,
            is_push: self.is_push(),
            name,
            listed: None,
            mode,
            flags: ItemFlags::default(),
            link: None,
            folder: b"",
            data: 0,
            sums: 0,
            digest: b"",
        };
        state
            .console
            .report(|report, to| report.deleted(name, is_directory(mode), to));
        let usual = Format::parse("deleting %n");
        let chosen = |format: &Option<Format>| format.clone().filter(|format| format.has("io"));
        let output = &self.plan.output;
        if self.info(Info::Del) > 0 || output.format.is_some() {
            let format = chosen(&output.format).unwrap_or_else(|| usual.clone());
            state.console.line(Channel::Client, &format.line(&line));
        }
        if output.log_format.is_some() && !self.options().dry_run {
            let format = chosen(&output.log_format).unwrap_or(usual);
            state.console.line(Channel::Log, &format.line(&line));
        }
    }

    pub(super) fn progress(&self, offset: u64, size: u64) {
        let mut state = self.state();
        let state = &mut *state;
        if state.has_bar {
            let columns = state.console.bar_columns();
            let progress = state.progress.as_mut().zip(columns);
            let bar =
                progress.and_then(|(progress, columns)| progress.bar(offset, size, Instant::now(), columns));
            if let Some(bar) = bar {
                state.console.bar(&bar);
            }
            return;
        }
        let line = state
            .progress
            .as_mut()
            .and_then(|progress| progress.line(offset, size, Instant::now()));
        if line.is_some()
            && state
                .console
                .report(|report, to| report.progress(offset, size, to))
        {
            return;
        }
        if let Some(line) = line.filter(|_| state.console.is_in_foreground()) {
            state.console.go_on();
            state.console.write(Channel::Client, line.as_bytes(), None);
            state.console.unended();
        }
    }

    pub(super) fn phase_ended(&self) {
        let mut state = self.state();
        let state = &mut *state;
        if let Some(progress) = &mut state.progress
            && progress.is_through()
            && progress.is_total()
            && !state.has_bar
        {
            let line = progress.last_line(0, Instant::now());
            write_progress(state, &line);
        }
    }
}

fn write_progress(state: &mut State<'_>, line: &str) {
    let is_total = state.progress.as_ref().is_some_and(Progress::is_total);
    state.console.go_on();
    if is_total {
        state.console.write(Channel::Client, line.as_bytes(), None);
        state.console.unended();
    } else {
        state.console.write(Channel::Client, line.as_bytes(), Some(b'\n'));
    }
}
