use jiff::{Timestamp, tz::TimeZone};

use crate::{
    rsync::{
        delta::Checksum,
        proto::{
            ItemFlags, Session,
            file_list::{Entry, FileKind, FileList},
        },
        transfer::Options,
    },
    sync::{
        console,
        format::{Value, Values},
        itemize::{letters, permissions},
        number::Readable,
    },
};

/// What a line says of a file (`log_formatted` in log.c).
pub(super) struct FileLine<'a> {
    pub(super) options: &'a Options,
    pub(super) zone: &'a TimeZone,
    pub(super) session: Option<Session>,
    pub(super) is_push: bool,
    /// Its name, and what else the list says of it; something that was deleted is in no list.
    pub(super) name: &'a [u8],
    pub(super) listed: Option<(&'a FileList, &'a Entry)>,
    /// Its kind and permissions, as `st_mode` has them.
    pub(super) mode: u32,
    pub(super) flags: ItemFlags,
    /// What a hard link was made to.
    pub(super) link: Option<&'a [u8]>,
    /// The folder that a name counts from at the sender.
    pub(super) folder: &'a [u8],
    /// Bytes for the data, and for the sums of what was there.
    pub(super) data: u64,
    pub(super) sums: u64,
    /// What went along with the data.
    pub(super) digest: &'a [u8],
}

pub(super) fn is_directory(mode: u32) -> bool {
    FileKind::of(mode) == Some(FileKind::Directory)
}

impl Values for FileLine<'_> {
    fn value(&self, letter: char) -> Option<Value> {
        let entry = self.listed.map(|(_, entry)| entry);
        let is_transferred = self.flags.has(ItemFlags::TRANSFER);
        let text = |text: &str| Value::Text(text.as_bytes().to_vec());
        Some(match letter {
            '%' => text("%"),
            'b' => Value::Length(if is_transferred { self.data } else { 0 }),
            'c' => Value::Length(if is_transferred { self.sums } else { 0 }),
            'f' => Value::Text(self.place()),
            'i' => match entry {
                Some(entry) => text(&letters(
                    entry,
                    self.flags,
                    self.options,
                    self.session,
                    self.arrow(),
                )),
                None => text("*deleting  "),
            },
            'l' => Value::Length(entry.map_or(0, |entry| entry.size.unsigned_abs())),
            'n' => {
                let slash: &[u8] = if is_directory(self.mode) { b"/" } else { b"" };
                Value::Text([self.name, slash].concat())
            }
            'o' => text(match (entry, self.is_push) {
                (None, _) => "del.",
                (Some(_), true) => "send",
                (Some(_), false) => "recv",
            }),
            'p' => Value::Number(i64::from(std::process::id())),
            't' => text(&console::time(Timestamp::now(), self.zone)),
            'B' => text(&permissions(self.mode)[1..]),
            'C' => text(&self.digest()),
            'G' if !self.options.group => text("DEFAULT"),
            'G' => Value::Number(entry.map_or(0, |entry| i64::from(entry.gid))),
            'L' => self.target(),
            'M' => text(&local(entry.map_or(0, |entry| entry.mtime), self.zone).replace(' ', "-")),
            'U' => {
                let owner = entry.filter(|_| self.options.owner);
                Value::Number(owner.map_or(0, |entry| i64::from(entry.uid)))
            }
            // That of no module.
            'm' => text(""),
            // Only daemons know who asks, and for which module.
            _ => return None,
        })
    }
}

impl FileLine<'_> {
    /// Which way data go.
    const fn arrow(&self) -> char {
        if self.is_push { '<' } else { '>' }
    }

    /// The name with the folder that it counts from.
    fn place(&self) -> Vec<u8> {
        let mut place = match self.listed {
            Some(_) if self.is_push && !self.folder.is_empty() => {
                let folder = self.folder.strip_suffix(b"/").unwrap_or(self.folder);
                match (folder, self.name) {
                    (b"." | b"./", name) => name.to_vec(),
                    (folder, b".") => [folder, b"/."].concat(),
                    (folder, name) => [folder, b"/", name].concat(),
                }
            }
            _ => self.name.to_vec(),
        };
        if place.starts_with(b"/") {
            place.remove(0);
        }
        place
    }

    fn target(&self) -> Value {
        if let Some(link) = self.link.filter(|link| !link.is_empty()) {
            return Value::Marked(" => ", link.to_vec());
        }
        let link = self
            .listed
            .and_then(|(list, entry)| list.extra(entry)?.link.as_deref());
        Value::Marked(" -> ", link.unwrap_or_default().to_vec())
    }

    /// The digest of a regular file in hexadecimal digits, or as much space.
    fn digest(&self) -> String {
        let Some(session) = self.session else {
            return String::new();
        };
        let (kind, listed) = match self.options.checksum {
            true => {
                let extra = self.listed.and_then(|(list, entry)| list.extra(entry));
                let digest = extra.and_then(|extra| extra.checksum.as_deref());
                (session.list_checksum, digest)
            }
            false => (session.checksum, None),
        };
        let is_regular = self
            .listed
            .is_some_and(|(_, entry)| entry.kind() == FileKind::Regular);
        let sent = (!self.options.checksum && self.flags.has(ItemFlags::TRANSFER)).then_some(self.digest);
        let digest = listed.or(sent).filter(|_| is_regular);
        match (digest, kind) {
            (Some(_), Checksum::None | Checksum::OldMd4) | (None, _) => " ".repeat(kind.length() * 2),
            // Nothing was transferred.
            (Some([]), _) => "0".repeat(kind.length() * 2),
            (Some(digest), Checksum::Xxh128 | Checksum::Xxh3 | Checksum::Xxh64) => {
                digest.iter().rev().map(|byte| format!("{byte:02x}")).collect()
            }
            (Some(digest), _) => digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

/// A line of a listing (`list_file_entry` in generator.c).
pub(super) fn listing(
    list: &FileList,
    entry: &Entry,
    options: &Options,
    readable: Readable,
    zone: &TimeZone,
) -> Vec<u8> {
    let width = if readable.0 > 0 { 14 } else { 11 };
    let extra = list.extra(entry);
    let time = local(entry.mtime, zone);
    let more = match extra.and_then(|extra| extra.atime).filter(|_| options.atimes > 0) {
        Some(atime) => format!("{:>20}", local(atime, zone)),
        None if options.atimes > 0 => " ".repeat(20),
        None => String::new(),
    };
    let head = match entry.kind() {
        FileKind::Missing => {
            let space = 10 + 1 + width + time.len() + 1 + more.len();
            format!("{:<space$} ", "*missing")
        }
        _ => {
            let size = readable.length(entry.size.unsigned_abs());
            format!("{} {size:>width$} {time}{more} ", permissions(entry.mode))
        }
    };
    let mut line = head.into_bytes();
    line.extend_from_slice(list.name(entry));
    if let Some(link) = extra.and_then(|extra| extra.link.as_ref()) {
        line.extend_from_slice(b" -> ");
        line.extend_from_slice(link);
    }
    line
}

/// A time that programs read, whatever the zone.
pub(super) fn moment(seconds: i64) -> Option<String> {
    Timestamp::from_second(seconds).ok().map(|time| time.to_string())
}

fn local(seconds: i64, zone: &TimeZone) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => console::time(time, zone),
        Err(_) => "(time out of range)".to_owned(),
    }
}
