use std::{
    sync::{Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use crate::{
    catalog::greeting_so,
    probe::{
        files::Candidates,
        sample::left_over,
        stage::{Fact, Step},
    },
    rsync::{
        proto::{
            Greeting, Tag,
            file_list::{Entry, FileKind, FileList},
        },
        transfer::{Event, Observer, shown},
    },
    sync::Printer,
};

/// Notes how far a session comes, and hands everything on to what prints.
pub(super) struct Recorder<'r, 'p> {
    printer: &'r Printer<'p>,
    /// What ages of files are told by.
    now: SystemTime,
    /// What the session does once it has the list.
    behind_list: Step,
    watches: Watches<'r>,
    seen: Mutex<Seen>,
}

/// Who is told what happens while it happens.
#[derive(Clone, Copy)]
pub(super) struct Watches<'w> {
    /// Is told which stage is under way.
    pub(super) step: &'w (dyn Fn(Step) + Sync),
    /// Is told what the server says of an error.
    pub(super) error: &'w (dyn Fn(&[u8]) + Sync),
}

/// What came by.
pub(super) struct Seen {
    /// The last time when something was reached.
    at: Instant,
    /// The stages that were reached, how long each took, and what was told.
    pub(super) reached: Vec<(Step, Duration)>,
    /// What each showed.
    pub(super) facts: Vec<(Step, Fact)>,
    /// The first bytes of what answers.
    pub(super) greeting: Vec<u8>,
    /// Whether a password was asked for.
    pub(super) is_challenged: bool,
    /// Whether something went wrong before the list was complete.
    pub(super) is_list_faulty: bool,
    /// Lines of text before the session: the message of the day, or modules.
    pub(super) lines: Vec<Vec<u8>>,
    /// How many bytes they have.
    text: usize,
    /// Whether there were more lines than are kept.
    pub(super) is_cut: bool,
    /// Whether the list has an entry.
    pub(super) is_anything_listed: bool,
    /// Files that may be pulled.
    pub(super) candidates: Candidates,
    /// Folders of earlier probes.
    pub(super) left: Vec<String>,
    /// The first entries of the list: name, kind and size.
    pub(super) entries: Vec<(Vec<u8>, FileKind, i64)>,
    /// What was deleted.
    pub(super) deleted: Vec<Vec<u8>>,
}

/// Names that are kept.
const MOST_NAMES: usize = 16;

/// Bytes of a daemon's lines that are kept.
pub(super) const MOST_TEXT: usize = 1 << 20;

impl<'r, 'p> Recorder<'r, 'p> {
    pub(super) fn new(
        printer: &'r Printer<'p>,
        candidates: Candidates,
        now: SystemTime,
        behind_list: Step,
        watches: Watches<'r>,
    ) -> Self {
        (watches.step)(Step::Greeting);
        Self {
            printer,
            now,
            behind_list,
            watches,
            seen: Mutex::new(Seen {
                at: Instant::now(),
                reached: Vec::new(),
                facts: Vec::new(),
                greeting: Vec::new(),
                is_challenged: false,
                is_list_faulty: false,
                lines: Vec::new(),
                text: 0,
                is_cut: false,
                is_anything_listed: false,
                candidates,
                left: Vec::new(),
                entries: Vec::new(),
                deleted: Vec::new(),
            }),
        }
    }

    /// The stage that begins with an event.
    fn begun(&self, event: &Event<'_>) -> Option<Step> {
        Some(match event {
            Event::Greeting(_) => Step::Version,
            Event::Agreed(_) if self.behind_list == Step::Modules => Step::Modules,
            Event::Agreed(_) => Step::Module,
            Event::Challenged(_) => Step::Authentication,
            Event::Accepted => Step::Arguments,
            Event::Began(_) => Step::List,
            Event::AllListed => self.behind_list,
            _ => return None,
        })
    }

    /// What came by until now.
    pub(super) fn into_seen(self) -> Seen {
        self.seen.into_inner().expect("no thread panics with it")
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("no thread panics with it")
    }
}

impl Seen {
    fn reach(&mut self, step: Step) {
        let now = Instant::now();
        self.reached.push((step, now - self.at));
        self.at = now;
    }

    /// How long ago the last stage was passed.
    pub(super) fn since(&self) -> Duration {
        self.at.elapsed()
    }

    /// Whether a stage was passed.
    pub(super) fn has(&self, step: Step) -> bool {
        self.reached.iter().any(|(reached, _)| *reached == step)
    }

    /// The stage at which a session failed whose last one is given.
    pub(super) fn missed(&self, last: Step, is_complete: bool) -> Step {
        if is_complete {
            return if self.is_list_faulty { Step::List } else { last };
        }
        let steps: &[Step] = match last {
            Step::Modules => &[Step::Greeting, Step::Version],
            _ => &[
                Step::Greeting,
                Step::Version,
                Step::Module,
                Step::Access,
                Step::Authentication,
                Step::Arguments,
                Step::Setup,
                Step::List,
            ],
        };
        let is_missed =
            |step: &Step| !self.has(*step) && (*step != Step::Authentication || self.is_challenged);
        steps.iter().copied().find(is_missed).unwrap_or(last)
    }

    fn look_for_left_over(&mut self, list: &FileList, entry: &Entry, now: SystemTime) {
        if entry.kind() == FileKind::Directory
            && self.left.len() < MOST_NAMES
            && let Some(name) = left_over(list.name(entry), entry.mtime, now)
        {
            self.left.push(name.to_owned());
        }
    }

    fn note(&mut self, step: Step, fact: Fact) {
        self.facts.push((step, fact));
    }

    fn greeted(&mut self, line: &[u8]) {
        self.greeting = line.to_vec();
        let Ok(greeting) = Greeting::parse(line) else {
            return;
        };
        self.reach(Step::Greeting);
        self.note(Step::Greeting, Fact::Line(shown(line)));
        self.note(Step::Version, Fact::Newest(greeting.protocol));
        if let Some(releases) = greeting_so(greeting.protocol, greeting.digests.is_some()) {
            self.note(Step::Version, Fact::Releases(releases));
        }
        if let Some(digests) = greeting.digests {
            let digests = digests.iter().map(|name| shown(name)).collect();
            self.note(Step::Version, Fact::Digests(digests));
        }
    }
}

impl Observer for Recorder<'_, '_> {
    fn observe(&self, event: Event<'_>) {
        if let Some(step) = self.begun(&event) {
            (self.watches.step)(step);
        }
        self.printer.observe(event);
        if let Event::Message(Tag::Error, text) = event {
            (self.watches.error)(text);
        }
        let mut seen = self.seen();
        match event {
            Event::Greeting(line) => seen.greeted(line),
            Event::NoGreeting(text) => seen.greeting = text.to_vec(),
            Event::Agreed(protocol) => {
                seen.reach(Step::Version);
                seen.note(Step::Version, Fact::Protocol(protocol));
            }
            Event::Line(line) if !seen.is_cut && seen.text + line.len() < MOST_TEXT => {
                seen.text += line.len() + 1;
                seen.lines.push(line.to_vec());
            }
            Event::Line(_) => seen.is_cut = true,
            Event::Challenged(digest) => {
                seen.is_challenged = true;
                seen.reach(Step::Module);
                seen.reach(Step::Access);
                seen.note(Step::Authentication, Fact::Digest(digest));
            }
            Event::Accepted if seen.is_challenged => seen.reach(Step::Authentication),
            Event::Accepted => {
                seen.reach(Step::Module);
                seen.reach(Step::Access);
            }
            Event::Began(session) => {
                seen.reach(Step::Arguments);
                seen.reach(Step::Setup);
                let checksum = session.checksum.name().to_owned();
                let compression = session.compression.name().to_owned();
                seen.note(Step::Setup, Fact::Algorithms(checksum, compression));
            }
            Event::Listed { list, .. } => {
                for entry in list.entries() {
                    seen.is_anything_listed = true;
                    seen.candidates.take(list, entry);
                    if seen.entries.len() < MOST_NAMES {
                        let name = list.name(entry).to_vec();
                        seen.entries.push((name, entry.kind(), entry.size));
                    }
                    seen.look_for_left_over(list, entry, self.now);
                }
            }
            Event::Deleted { name, .. } if seen.deleted.len() < MOST_NAMES => {
                seen.deleted.push(name.to_vec());
            }
            Event::AllListed => seen.reach(Step::List),
            Event::Message(Tag::Error | Tag::TransferError | Tag::IoError, _) | Event::Failed(_) => {
                let is_listing = seen.has(Step::Setup) && !seen.has(Step::List);
                seen.is_list_faulty |= is_listing;
            }
            Event::Done(_) => {
                // A list without its folders' content has no end of its own.
                if !seen.has(Step::List) {
                    seen.reach(Step::List);
                }
                seen.reach(Step::DryRun);
            }
            _ => {}
        }
    }
}
