use std::{
    io,
    sync::{Mutex, MutexGuard},
    time::SystemTime,
};

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::{
    rsync::{
        proto::{
            Session, Tag, Violation,
            file_list::{Entry, FileKind, FileList, numbered},
        },
        transfer::{Event, FileCounts, Observer, Options, Outcome, Role, Transferred},
    },
    sync::{
        console::{Channel, Console, Streams},
        lines::listing,
        place::Place,
        plan::Plan,
        progress::Progress,
        report,
        summary::Summary,
    },
    terms::{Debug, Info},
};

/// Writes what rsync writes, where rsync writes it.
pub struct Printer<'p> {
    pub(super) plan: &'p Plan,
    pub(super) zone: TimeZone,
    start: SystemTime,
    pub(super) state: Mutex<State<'p>>,
}

/// What came by, and where it is written.
pub(super) struct State<'p> {
    pub(super) console: Console<'p>,
    pub(super) session: Option<Session>,
    pub(super) listed: FileCounts,
    pub(super) created: FileCounts,
    pub(super) progress: Option<Progress>,
    /// It is shown by a bar.
    pub(super) has_bar: bool,
    /// The time limit in seconds: ours, or the server's shorter one.
    pub(super) timeout: u64,
    /// What this side is, in messages.
    role: &'static str,
    /// What is said of the arguments that the server is still to be told.
    secluded: Option<Vec<u8>>,
}

impl<'p> Printer<'p> {
    /// Writes to these. Times are local to the zone.
    pub fn new(plan: &'p Plan, zone: TimeZone, streams: Streams<'p>) -> Self {
        let level = plan.options.output.info(Info::Progress);
        let has_bar = streams.bar.is_some() && may_have_bar(plan);
        let has_progress = level > 0 || has_bar;
        let is_total = level > 1 || has_bar;
        let progress = has_progress.then(|| Progress::new(plan.output.readable, is_total));
        Self {
            plan,
            start: SystemTime::now(),
            state: Mutex::new(State {
                console: Console::new(&plan.output, plan.options.quiet, zone.clone(), streams),
                session: None,
                listed: FileCounts::default(),
                created: FileCounts::default(),
                progress,
                has_bar,
                timeout: plan.options.timeout.unwrap_or_default().as_secs(),
                role: plan.place.role(),
                secluded: None,
            }),
            zone,
        }
    }

    /// Writes a line to where errors go.
    pub fn complain(&self, text: &str) {
        self.say(Channel::Error, text);
    }

    /// Writes a line for the user.
    pub fn inform(&self, text: &str) {
        self.say(Channel::Info, text);
    }

    /// Writes what to do next to where errors go.
    pub fn advise(&self, text: &str) {
        self.say(Channel::Advice, text);
    }

    /// Says what the client is about to connect to.
    pub fn connecting(&self, host: &str, port: u16, is_proxy: bool) {
        if self.options().output.debug(Debug::Connect) > 0 {
            let way = match is_proxy {
                true => format!("connection via http proxy {host} port {port}"),
                false => format!("opening tcp connection to {host} port {port}"),
            };
            self.say(Channel::Info, &way);
        }
    }

    /// What this side is now, as rsync's messages have it.
    pub fn role(&self) -> &'static str {
        self.state().role
    }

    /// What rsync says of a peer that breaks the protocol.
    pub fn violation(&self, violation: &Violation) -> String {
        let state = self.state();
        let is_incremental = state
            .session
            .is_some_and(|session| session.compatibility.has_incremental_lists());
        violation.line(state.role, is_incremental)
    }

    /// All lines that went to where errors go, as far as they are kept.
    pub fn complaints(&self) -> Vec<u8> {
        self.state().console.complaints()
    }

    /// The session is over: ends what was begun, and the log (`log_exit` in log.c).
    ///
    /// # Errors
    ///
    /// What the output fails with.
    pub fn finish(&self, outcome: Option<&Outcome>) -> io::Result<()> {
        let mut state = self.state();
        if let Some(outcome) = outcome
            && self.options().output.info(Info::Stats) == 0
            && (outcome.exit == 0 || self.is_push())
        {
            let text = format!(
                "sent {} bytes  received {} bytes  total size {}",
                outcome.sent, outcome.received, outcome.total_size
            );
            state.console.text(Channel::Log, &text);
        }
        state.console.finish()
    }

    /// Ends what a program reads; the explanations of what went wrong are the caller's.
    ///
    /// # Errors
    ///
    /// What the output fails with.
    pub fn conclude(&self, diagnoses: &Value, exit: u8, outcome: Option<&Outcome>) -> io::Result<()> {
        let mut state = self.state();
        let protocol = state.session.map(|session| session.protocol);
        let counted = outcome.map(|outcome| (outcome, &state.listed, &state.created));
        let summary = report::summary(self.plan.options.dry_run, exit, protocol, counted);
        let mut ended = Ok(());
        state
            .console
            .report(|report, to| ended = report.end(diagnoses, &summary, to).and_then(|()| to.flush()));
        ended
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<'p>> {
        self.state.lock().expect("no thread panics with it")
    }

    pub(super) fn options(&self) -> &Options {
        &self.plan.options
    }

    pub(super) fn info(&self, word: Info) -> u8 {
        self.options().output.info(word)
    }

    pub(super) const fn is_push(&self) -> bool {
        matches!(self.plan.place, Place::Push { .. })
    }

    pub(super) fn say(&self, channel: Channel, text: &str) {
        self.state().console.text(channel, text);
    }

    /// What the server is about to be told.
    fn agreed(&self, protocol: u8) {
        let (role, paths) = match &self.plan.place {
            Place::Modules => return,
            Place::Files { paths, .. } => (Role::Receiver, paths.as_slice()),
            Place::Push { target, .. } => (Role::Sender, std::slice::from_ref(target)),
        };
        if self.options().output.debug(Debug::Cmd) == 0 {
            return;
        }
        let (ahead, behind) = self.options().all_of_server(protocol, role, paths);
        let mut state = self.state();
        let text = arguments_shown("sending daemon args:", &ahead);
        state.console.line(Channel::Client, &text);
        state.secluded = (!behind.is_empty()).then(|| arguments_shown("protected args:", &behind));
    }

    /// The server is told what it is not told on its command line.
    fn accepted(&self) {
        let mut state = self.state();
        if let Some(text) = state.secluded.take() {
            state.console.line(Channel::Client, &text);
        }
    }

    /// Whether rsync says how the list comes on (`init_flist` in flist.c).
    fn shows_list(&self, state: &State<'_>) -> bool {
        let is_incremental = |session: Session| session.compatibility.has_incremental_lists();
        let has_folders = self.options().recursive || self.options().directories;
        self.info(Info::Flist) > 0 && has_folders && !state.session.is_some_and(is_incremental)
    }

    fn listing(&self) {
        let what = if self.is_push() { "building" } else { "receiving" };
        let mut state = self.state();
        state.console.text(Channel::Log, &format!("{what} file list"));
        if self.shows_list(&state) {
            state
                .console
                .begin(Channel::Client, &format!("{what} file list ... "));
        } else if self.info(Info::Flist) > 0 && (self.options().recursive || self.options().directories) {
            let what = if self.is_push() { "sending" } else { "receiving" };
            let text = format!("{what} incremental file list");
            state.console.text(Channel::Client, &text);
        }
    }

    fn counted(&self, count: u64) {
        let mut state = self.state();
        if self.info(Info::Flist) > 1 && self.shows_list(&state) {
            state.console.count(count);
        }
    }

    fn listed(&self, list: &FileList, is_first: bool, is_incremental: bool) {
        let mut state = self.state();
        let state = &mut *state;
        let mut size = 0;
        for entry in list.entries() {
            state.listed.count(entry.kind());
            if matches!(entry.kind(), FileKind::Regular | FileKind::Symlink) {
                size += entry.size.unsigned_abs();
            }
        }
        let count = list.len() as u64;
        if let Some(progress) = &mut state.progress {
            progress.listed(count, size, is_incremental);
        }
        if is_first && self.shows_list(state) {
            state.console.go_on();
            let text = match self.info(Info::Flist) {
                1 => "done".to_owned(),
                _ => format!("{count} file{}to consider", if count == 1 { " " } else { "s " }),
            };
            state.console.text(Channel::Info, &text);
        }
    }

    /// The lines of a listing; a folder stands in front of what it holds, which may come later. `kept`: where in the list those
    /// are that are left of it, if not all.
    fn list(
        &self,
        list: &FileList,
        kept: Option<&[u32]>,
        folder: Option<(&FileList, &Entry)>,
        is_incremental: bool,
    ) {
        let mut state = self.state();
        let mut line = |list: &FileList, entry: &Entry| {
            let console = &mut state.console;
            if !console.report(|report, to| report.listed(list, entry, to)) {
                let readable = self.plan.output.readable;
                console.line(
                    Channel::Info,
                    &listing(list, entry, self.options(), readable, &self.zone),
                );
            }
        };
        let options = self.options();
        let leaves_implied = options.relative && options.no_implied_directories;
        let is_left = |entry: &Entry| leaves_implied && entry.is_implied();
        if let Some((list, entry)) = folder.filter(|(_, entry)| !is_left(entry)) {
            line(list, entry);
        }
        let places = match kept {
            Some(kept) => kept.to_vec(),
            None => numbered(list).into_iter().flatten().collect(),
        };
        let entries = places.into_iter().map(|place| &list.entries()[place as usize]);
        let is_later = |entry: &Entry| is_incremental && entry.is_directory();
        for entry in entries.filter(|entry| !is_later(entry) && !is_left(entry)) {
            line(list, entry);
        }
    }

    fn done(&self, outcome: &Outcome) {
        let mut state = self.state();
        // Nothing of what follows ends the line elsewhere; a failure to write shows again.
        let _ = state.console.finish();
        let summary = Summary {
            plan: self.plan,
            protocol: state
                .session
                .map_or(self.plan.protocol, |session| session.protocol),
            outcome,
            listed: state.listed,
            created: state.created,
            start: self.start,
        };
        for (channel, line) in summary.lines() {
            state.console.text(channel, &line);
        }
    }

    /// A line of the daemon's before the session.
    fn daemon_line(&self, line: &[u8]) {
        // Nothing tells the message from the list of modules.
        if !self.plan.no_message_of_the_day {
            self.state().console.line(Channel::Info, line);
        }
    }

    fn failed(&self, text: &str) {
        self.complain(&match text.split_once(' ') {
            // rsync has no prefix for these.
            Some((
                "could" | "Deletions" | "ERROR:" | "WARNING:" | "file" | "filename" | "gid" | "recv_files:"
                | "refusing" | "rsync:" | "symlink" | "uid",
                _,
            )) => text.to_owned(),
            _ => format!("rsync: [generator] {text}"),
        });
    }
}

/// Whether nothing else is told of a transfer while it goes on.
fn may_have_bar(plan: &Plan) -> bool {
    let options = &plan.options;
    let is_told = options.verbose > 0 || options.output.info(Info::Progress) > 0;
    let is_transfer = !options.list_only && !options.dry_run && !matches!(plan.place, Place::Modules);
    is_transfer && !is_told && !options.quiet && !plan.output.is_json
}

/// Arguments behind a word, and how many they are (`print_child_argv` in util1.c).
fn arguments_shown(what: &str, arguments: &[Vec<u8>]) -> Vec<u8> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b",.-_=+@/".contains(byte);
    let mut text = [what.as_bytes(), b" "].concat();
    for argument in arguments {
        let quote: &[u8] = if argument.iter().all(is_plain) { b"" } else { b"\"" };
        text.extend_from_slice(&[quote, argument, quote, b" "].concat());
    }
    text.extend_from_slice(format!(" ({} args)", arguments.len()).as_bytes());
    text
}

impl Observer for Printer<'_> {
    fn observe(&self, event: Event<'_>) {
        match event {
            Event::Greeting(_) | Event::NoGreeting(_) | Event::Challenged(_) => {}
            Event::Accepted => self.accepted(),
            Event::Agreed(protocol) => self.agreed(protocol),
            Event::Line(line) => self.daemon_line(line),
            Event::Began(session) => self.state().session = Some(*session),
            // A line end within a message is part of a name.
            Event::Message(Tag::Info, text) => {
                self.state().console.line(Channel::Info, text.trim_ascii_end());
            }
            Event::Message(Tag::IoTimeout, seconds) => {
                let seconds = u32::from_le_bytes(seconds.try_into().unwrap_or_default());
                self.state().timeout = seconds.into();
                if self.info(Info::Misc) > 1 {
                    self.say(
                        Channel::Info,
                        &format!("Setting --timeout={seconds} to match server"),
                    );
                }
            }
            Event::Message(_, text) => self.state().console.line(Channel::Error, text.trim_ascii_end()),
            Event::Listing => self.listing(),
            Event::Counted(count) => self.counted(count),
            Event::Listed {
                list,
                kept,
                folder,
                is_first,
                is_incremental,
            } => {
                self.listed(list, is_first, is_incremental);
                if self.options().list_only && !self.is_push() {
                    self.list(list, kept, folder, is_incremental);
                }
            }
            Event::AllListed => {
                if let Some(progress) = &mut self.state().progress {
                    progress.all_listed();
                }
            }
            Event::Created(path) => {
                if self.info(Info::Name) > 0 || self.plan.output.itemized > 0 {
                    self.say(Channel::Info, &format!("created directory {path}"));
                }
            }
            Event::CreatedPath(count, path) => {
                if self.info(Info::Name) > 0 || self.plan.output.itemized > 0 {
                    let ending = if count == 1 { "y" } else { "ies" };
                    self.say(
                        Channel::Info,
                        &format!("created {count} director{ending} for {path}"),
                    );
                }
            }
            Event::Item {
                list,
                number,
                entry,
                flags,
                link,
                folder,
            } => {
                let item = Transferred {
                    list,
                    entry,
                    flags,
                    folder,
                    size: 0,
                    data: 0,
                    sums: 0,
                    digest: b"",
                };
                self.item(item, number, link);
            }
            Event::Deleted { name, mode } => self.deleted(name, mode),
            Event::Unopened { number, entry, flags } => self.unopened(number, entry, flags),
            Event::Failed(text) => self.failed(text),
            Event::Retried(text) => {
                if self.info(Info::Name) > 0 || self.plan.output.itemized > 0 {
                    self.complain(text);
                }
            }
            Event::Warning(text) => self.say(Channel::Info, text),
            Event::Complained(text) => self.complain(text),
            Event::Note(text) => self.say(Channel::Client, text),
            Event::Progress(offset, size) => self.progress(offset, size),
            Event::Transferred(item) => self.transferred(*item),
            Event::Acting(role) => self.state().role = role,
            Event::PhaseEnded => self.phase_ended(),
            Event::Done(outcome) => self.done(outcome),
        }
    }
}
