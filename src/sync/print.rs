use std::{
    io::{self, Write},
    sync::Mutex,
    time::Instant,
};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    rsync::{
        proto::{
            ItemFlags, Tag,
            file_list::{Entry, FileKind, FileList},
        },
        transfer::{Event, FileCounts, Observer, Options, Outcome, shown},
    },
    sync::{
        itemize::{grouped, is_significant, letters, name, permissions},
        plan::{Place, Plan},
    },
};

/// Writes what rsync writes, where rsync writes it.
pub struct Printer<'p> {
    plan: &'p Plan,
    zone: TimeZone,
    start: Instant,
    seen: Mutex<Seen>,
    output: Mutex<Box<dyn Write + Send + 'p>>,
    errors: Mutex<Errors<'p>>,
}

/// What files came by.
#[derive(Default)]
struct Seen {
    listed: FileCounts,
    created: FileCounts,
}

struct Errors<'p> {
    to: Box<dyn Write + Send + 'p>,
    /// What was written, for those who explain it.
    lines: Vec<u8>,
}

/// As much is kept of what was written.
const KEPT: usize = 64 * 1024;

impl<'p> Printer<'p> {
    /// Writes to these. Times are local to the zone.
    pub fn new(
        plan: &'p Plan,
        zone: TimeZone,
        output: impl Write + Send + 'p,
        errors: impl Write + Send + 'p,
    ) -> Self {
        Self {
            plan,
            zone,
            start: Instant::now(),
            seen: Mutex::default(),
            output: Mutex::new(Box::new(output)),
            errors: Mutex::new(Errors {
                to: Box::new(errors),
                lines: Vec::new(),
            }),
        }
    }

    /// Writes a line to where errors go.
    pub fn complain(&self, text: &str) {
        let mut errors = self.errors.lock().expect("no thread panics with it");
        let line = format!("{text}\n");
        if errors.lines.len() < KEPT {
            errors.lines.extend_from_slice(line.as_bytes());
        }
        let _ = errors.to.write_all(line.as_bytes());
    }

    /// All lines that went to where errors go, as far as they are kept.
    pub fn complaints(&self) -> Vec<u8> {
        self.errors
            .lock()
            .expect("no thread panics with it")
            .lines
            .clone()
    }

    /// Writes out what waits.
    ///
    /// # Errors
    ///
    /// What the output fails with.
    pub fn flush(&self) -> io::Result<()> {
        self.output.lock().expect("no thread panics with it").flush()
    }

    fn print(&self, text: &str) {
        if !self.plan.quiet {
            self.always(text);
        }
    }

    fn always(&self, text: &str) {
        let mut output = self.output.lock().expect("no thread panics with it");
        let _ = writeln!(output, "{text}");
    }

    fn options(&self) -> &Options {
        &self.plan.options
    }

    /// Which way data go (`%i` in rsyncd.conf(5)).
    fn arrow(&self) -> char {
        match self.plan.place {
            Place::Push { .. } => '<',
            _ => '>',
        }
    }

    fn listed(&self, list: &FileList) {
        let mut seen = self.seen.lock().expect("no thread panics with it");
        list.entries()
            .iter()
            .for_each(|entry| seen.listed.count(entry.kind()));
    }

    /// The first lines: what comes now.
    fn begin(&self, is_incremental: bool) {
        let options = self.options();
        if options.verbose == 0 || !options.recursive && !options.directories {
            return;
        }
        let verb = match self.plan.place {
            Place::Push { .. } if is_incremental => "sending",
            Place::Push { .. } => "building",
            _ => "receiving",
        };
        self.print(&match is_incremental {
            true => format!("{verb} incremental file list"),
            false => format!("{verb} file list ... done"),
        });
    }

    /// The lines of a listing; a folder stands in front of what it holds, which may come later.
    fn list(&self, list: &FileList, folder: Option<(&FileList, &Entry)>, is_incremental: bool) {
        if let Some((list, entry)) = folder {
            self.always(&self.listing(list, entry));
        }
        let numbers = crate::rsync::proto::file_list::numbered(list);
        let entries = numbers
            .into_iter()
            .flatten()
            .map(|place| &list.entries()[place as usize]);
        for entry in entries.filter(|entry| !is_incremental || !entry.is_directory()) {
            self.always(&self.listing(list, entry));
        }
    }

    /// A line of a listing (`list_file_entry` in generator.c).
    fn listing(&self, list: &FileList, entry: &Entry) -> String {
        let time = Timestamp::from_second(entry.mtime).map_or_else(
            |_| "                   ".to_owned(),
            |time| {
                time.to_zoned(self.zone.clone())
                    .strftime("%Y/%m/%d %H:%M:%S")
                    .to_string()
            },
        );
        let mut name = list.name(entry).to_vec();
        if let Some(link) = list.extra(entry).and_then(|extra| extra.link.as_ref()) {
            name.extend_from_slice(b" -> ");
            name.extend_from_slice(link);
        }
        let size = grouped(entry.size.unsigned_abs());
        format!("{} {size:>14} {time} {}", permissions(entry), shown(&name))
    }

    fn item(&self, list: &FileList, entry: &Entry, flags: ItemFlags, link: Option<&[u8]>) {
        if flags.has(ItemFlags::NEW) {
            let mut seen = self.seen.lock().expect("no thread panics with it");
            seen.created.count(entry.kind());
        }
        let significant = is_significant(flags);
        let line = match link {
            Some(link) => format!("{} => {}", shown(list.name(entry)), shown(link)),
            None => shown(&name(list, entry)),
        };
        let options = self.options();
        if self.plan.options.itemize {
            if significant || options.report_unchanged || link.is_some() {
                self.print(&format!(
                    "{} {line}",
                    letters(entry, flags, options, self.arrow())
                ));
            }
        } else if options.verbose > 0 {
            let is_told = flags.has(ItemFlags::TRANSFER)
                || link.is_some()
                || flags.has(ItemFlags::LOCAL_CHANGE) && significant
                || entry.kind() == FileKind::Directory && significant;
            if is_told {
                self.print(&line);
            }
        }
    }

    /// Something was deleted (`log_delete` in log.c).
    fn deleted(&self, name: &[u8], is_directory: bool) {
        let slash = if is_directory { "/" } else { "" };
        let name = shown(name);
        if self.plan.options.itemize {
            self.print(&format!("*deleting   {name}{slash}"));
        } else if self.options().verbose > 0 {
            self.print(&format!("deleting {name}{slash}"));
        }
    }

    /// The lines of `--stats`.
    fn statistics(&self, outcome: &Outcome) -> Vec<String> {
        let seen = self.seen.lock().expect("no thread panics with it");
        vec![
            String::new(),
            format!("Number of files: {}", counted(&seen.listed)),
            format!("Number of created files: {}", counted(&seen.created)),
            format!("Number of deleted files: {}", counted(&outcome.deleted)),
            format!(
                "Number of regular files transferred: {}",
                grouped(outcome.transferred)
            ),
            format!("Total file size: {} bytes", grouped(outcome.total_size)),
            format!(
                "Total transferred file size: {} bytes",
                grouped(outcome.transferred_size)
            ),
            format!("Literal data: {} bytes", grouped(outcome.literal)),
            format!("Matched data: {} bytes", grouped(outcome.matched)),
            format!("Total bytes sent: {}", grouped(outcome.sent)),
            format!("Total bytes received: {}", grouped(outcome.received)),
        ]
    }

    fn done(&self, outcome: &Outcome) {
        let options = self.options();
        if self.plan.statistics {
            for line in self.statistics(outcome) {
                self.print(&line);
            }
        }
        let is_listing = matches!(
            &self.plan.place,
            Place::Files {
                destination: None,
                ..
            }
        );
        if options.verbose > 0 || self.plan.statistics && !is_listing {
            let seconds = self.start.elapsed().as_secs_f64() + 0.5;
            let total = outcome.sent + outcome.received;
            let rate = total as f64 / seconds;
            self.print(&format!(
                "\nsent {} bytes  received {} bytes  {}.{:02} bytes/sec",
                grouped(outcome.sent),
                grouped(outcome.received),
                grouped(rate as u64),
                ((rate.fract() * 100.0) as u64).min(99),
            ));
            let speedup = outcome.total_size as f64 / total.max(1) as f64;
            let dry = if options.dry_run { " (DRY RUN)" } else { "" };
            self.print(&format!(
                "total size is {}  speedup is {}.{:02}{dry}",
                grouped(outcome.total_size),
                grouped(speedup as u64),
                ((speedup.fract() * 100.0) as u64).min(99),
            ));
        }
    }
}

impl Observer for Printer<'_> {
    fn observe(&self, event: Event<'_>) {
        match event {
            Event::Line(line) => {
                let is_listing = matches!(self.plan.place, Place::Modules);
                if is_listing || !self.plan.no_message_of_the_day && !self.plan.quiet {
                    self.always(&shown(line));
                }
            }
            // A line end within a message is part of a name.
            Event::Message(Tag::Info, text) => self.print(&shown(text.trim_ascii_end())),
            Event::Message(_, text) => self.complain(&shown(text.trim_ascii_end())),
            Event::Listed {
                list,
                folder,
                is_first,
                is_incremental,
            } => {
                self.listed(list);
                if is_first {
                    self.begin(is_incremental);
                }
                if self.options().list_only {
                    self.list(list, folder, is_incremental);
                }
            }
            Event::Created(path) => {
                if self.options().verbose > 0 || self.plan.options.itemize {
                    self.print(&format!("created directory {path}"));
                }
            }
            Event::CreatedPath(count, path) => {
                if self.options().verbose > 0 || self.plan.options.itemize {
                    let ending = if count == 1 { "y" } else { "ies" };
                    self.print(&format!("created {count} director{ending} for {path}"));
                }
            }
            Event::Item {
                list,
                entry,
                flags,
                link,
            } => self.item(list, entry, flags, link),
            Event::Deleted { name, is_directory } => self.deleted(name, is_directory),
            Event::Failed(text) => self.complain(&match text.split_once(' ') {
                // rsync has no prefix for these.
                Some(("could" | "Deletions" | "ERROR:" | "WARNING:" | "file" | "rsync:" | "symlink", _)) => {
                    text.to_owned()
                }
                _ => format!("rsync: [generator] {text}"),
            }),
            Event::Retried(text) => {
                if self.options().verbose > 0 || self.plan.options.itemize {
                    self.complain(text);
                }
            }
            Event::Warning(text) => self.print(text),
            Event::Progress(..) => {}
            Event::Done(outcome) => self.done(outcome),
        }
    }
}

/// How many files there are, and of which kinds.
fn counted(counts: &FileCounts) -> String {
    let kinds = [
        ("reg", counts.files),
        ("dir", counts.directories),
        ("link", counts.symlinks),
        ("dev", counts.devices),
        ("special", counts.specials),
    ];
    let kinds: Vec<_> = kinds
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(kind, count)| format!("{kind}: {}", grouped(*count)))
        .collect();
    match counts.total() {
        0 => "0".to_owned(),
        total => format!("{} ({})", grouped(total), kinds.join(", ")),
    }
}
