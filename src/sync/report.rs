use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    rsync::{
        proto::file_list::{Entry, FileKind, FileList},
        transfer::{FileCounts, Outcome, shown},
    },
    sync::{console::Channel, lines::moment},
};

/// What a program that reads gets: the envelope of all instruments, an event on each line as it happens.
#[derive(Debug, Default)]
pub(super) struct Report {
    has_events: bool,
    /// The file under way.
    path: String,
}

/// The part of the envelope in front of the events.
const HEAD: &str = r#"{"schema":"rsyncctl/1","command":"sync","events":["#;

impl Report {
    /// Something happened.
    pub(super) fn event(&mut self, event: &Value, to: &mut dyn Write) {
        let start = match std::mem::replace(&mut self.has_events, true) {
            true => ",",
            false => HEAD,
        };
        let _ = write!(to, "{start}\n{event}");
        let _ = to.flush();
    }

    /// Something about a file: what is other than before.
    pub(super) fn item(
        &mut self,
        list: &FileList,
        entry: &Entry,
        itemized: &str,
        link: Option<&[u8]>,
        to: &mut dyn Write,
    ) {
        self.path = shown(list.name(entry));
        let event = json!({
            "event": "item",
            "path": self.path,
            "itemize": itemized,
            "kind": kind(entry),
            "size": entry.size,
            "target": target(list, entry).or_else(|| link.map(shown)),
        });
        self.event(&event, to);
    }

    /// A file's data went or came.
    pub(super) fn transferred(&mut self, list: &FileList, entry: &Entry, data: u64, to: &mut dyn Write) {
        let path = shown(list.name(entry));
        let event = json!({ "event": "transferred", "path": path, "size": entry.size, "data": data });
        self.event(&event, to);
    }

    /// How far the file, or the transfer, is.
    pub(super) fn progress(&mut self, done: u64, size: u64, to: &mut dyn Write) {
        let event = json!({ "event": "progress", "path": self.path, "done": done, "size": size });
        self.event(&event, to);
    }

    /// Something was deleted.
    pub(super) fn deleted(&mut self, name: &[u8], is_directory: bool, to: &mut dyn Write) {
        let event = json!({ "event": "deleted", "path": shown(name), "directory": is_directory });
        self.event(&event, to);
    }

    /// A line of a listing.
    pub(super) fn listed(&mut self, list: &FileList, entry: &Entry, to: &mut dyn Write) {
        let event = json!({
            "event": "listed",
            "path": shown(list.name(entry)),
            "kind": kind(entry),
            "size": entry.size,
            "mode": format!("{:04o}", entry.mode & 0o7777),
            "mtime": moment(entry.mtime),
            "target": target(list, entry),
        });
        self.event(&event, to);
    }

    /// A text for people.
    pub(super) fn message(&mut self, channel: Channel, text: &str, to: &mut dyn Write) {
        let level = match channel {
            Channel::Error => "error",
            Channel::Info => "info",
            // The others are made of what the events say.
            Channel::Client | Channel::Log | Channel::Advice => return,
        };
        let path = text.split('"').nth(1).filter(|_| level == "error");
        let event = json!({ "event": "message", "level": level, "text": text.trim_end(), "path": path });
        self.event(&event, to);
    }

    /// The end of the envelope.
    pub(super) fn end(&self, diagnoses: &Value, summary: &Value, to: &mut dyn Write) -> io::Result<()> {
        let start = if self.has_events { "\n" } else { HEAD };
        writeln!(
            to,
            r#"{start}],"diagnoses":{diagnoses},"unchecked":[],"summary":{summary}}}"#
        )
    }
}

/// All of it for a command line that is wrong: what is said of it, line by line, and why it may be so.
///
/// # Errors
///
/// What the output fails with.
pub fn report_refusal(text: &str, diagnoses: &Value, exit: u8, to: &mut dyn Write) -> io::Result<()> {
    let mut report = Report::default();
    for line in text.lines() {
        report.message(Channel::Error, line, to);
    }
    report.end(diagnoses, &summary(false, exit, None, None), to)?;
    to.flush()
}

/// What the session came to.
pub(super) fn summary(
    is_dry_run: bool,
    exit: u8,
    protocol: Option<u8>,
    counted: Option<(&Outcome, &FileCounts, &FileCounts)>,
) -> Value {
    let statistics = counted.map(|(outcome, listed, created)| {
        json!({
            "listed": counts(listed),
            "created": counts(created),
            "deleted": counts(&outcome.deleted),
            "transferred": outcome.transferred,
            "total_size": outcome.total_size,
            "transferred_size": outcome.transferred_size,
            "literal": outcome.literal,
            "matched": outcome.matched,
            "list_size": outcome.list_size,
            "list_build_ms": outcome.list_build,
            "list_transfer_ms": outcome.list_transfer,
            "sent": outcome.sent,
            "received": outcome.received,
        })
    });
    json!({
        "exit": exit,
        "dry_run": is_dry_run,
        "protocol": protocol,
        "statistics": statistics,
    })
}

fn counts(counts: &FileCounts) -> Value {
    json!({
        "files": counts.files,
        "directories": counts.directories,
        "symlinks": counts.symlinks,
        "devices": counts.devices,
        "specials": counts.specials,
    })
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind() {
        FileKind::Regular => "file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symlink",
        FileKind::Device => "device",
        FileKind::Special => "special",
        FileKind::Missing => "missing",
    }
}

fn target(list: &FileList, entry: &Entry) -> Option<String> {
    list.extra(entry)?.link.as_deref().map(shown)
}
