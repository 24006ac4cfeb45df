use std::sync::Arc;

use crate::rsync::proto::{
    Input, Stop, Violation,
    file_list::{
        Acl, Entry, Extra, FileKind, FileList, MAX_PATH, Xattr,
        acl::Cached,
        flag,
        groups::{Groups, copy_leader},
        names::OwnedName,
        path::{clean, show},
        xattr::read_xattrs,
    },
};

/// Which fields an entry has; both sides know it from the options.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields {
    /// The protocol of the session.
    pub protocol: u8,
    /// Flags are varints.
    pub varint_flags: bool,
    /// The end of the list may carry errors.
    pub safe_lists: bool,
    /// Names of owners come with the entries.
    pub inline_names: bool,
    /// `--owner`.
    pub owner: bool,
    /// `--group`.
    pub group: bool,
    /// `--links`.
    pub links: bool,
    /// `--devices`.
    pub devices: bool,
    /// `--specials`.
    pub specials: bool,
    /// `--checksum`: the length of the digest in bytes.
    pub checksum: Option<usize>,
    /// `--atimes`.
    pub atimes: bool,
    /// `--crtimes`.
    pub crtimes: bool,
    /// `--acls`.
    pub acls: bool,
    /// `--xattrs`.
    pub xattrs: bool,
    /// `--hard-links`: before protocol 30 each file of a group comes with its device and inode.
    pub hard_links: bool,
    /// `--relative`: names may begin with a slash.
    pub relative: bool,
}

/// What came of reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Item {
    /// A file was appended to the list.
    File,
    /// The list is complete; the sender's error bits.
    End(i32),
}

/// Reads entries. What an entry leaves out is as in the one before, also across lists (`recv_file_entry` in flist.c).
#[derive(Clone, Debug)]
pub struct ListReader {
    fields: Fields,
    last: Last,
    name: Vec<u8>,
    /// The names that came with files.
    names: Vec<OwnedName>,
    /// The distinct ACLs and sets of extended attributes, as they came.
    acls: Vec<Arc<Acl>>,
    default_acls: Vec<Arc<Acl>>,
    xattrs: Vec<Arc<Vec<Xattr>>>,
    groups: Groups,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    pub(super) mode: u32,
    pub(super) mtime: i64,
    pub(super) atime: i64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) major: u32,
    device: i64,
    inode: i64,
}

/// The most nanoseconds that a time has (`MAX_WIRE_NSEC` in rsync.h).
const MAX_NANOSECONDS: u32 = 999_999_999;

impl ListReader {
    /// The beginning of a session.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            last: Last::default(),
            name: Vec::new(),
            names: Vec::new(),
            acls: Vec::new(),
            default_acls: Vec::new(),
            xattrs: Vec::new(),
            groups: Groups::default(),
        }
    }

    /// The names of ids that came with files since the last call.
    pub fn take_names(&mut self) -> Vec<OwnedName> {
        std::mem::take(&mut self.names)
    }

    /// Reads one entry into the list, whose first number is `start`, or the end of the list.
    ///
    /// # Errors
    ///
    /// Every value is checked before it is believed; names must stay below the root.
    pub fn read(&mut self, start: u32, input: &mut Input<'_>, list: &mut FileList) -> Result<Item, Stop> {
        let known = self.names.len();
        let read = self.read_entry(start, input, list);
        if read.is_err() {
            // They are read again.
            self.names.truncate(known);
        }
        read
    }

    fn read_entry(&mut self, start: u32, input: &mut Input<'_>, list: &mut FileList) -> Result<Item, Stop> {
        let fields = self.fields;
        let flags = match self.flags(input)? {
            Head::End(errors) => return Ok(Item::End(errors)),
            Head::Flags(flags) => flags,
        };
        let has = |bits: u32| flags & bits != 0;
        let shared = if has(flag::SAME_NAME) {
            usize::from(input.byte()?)
        } else {
            0
        };
        let length = if has(flag::LONG_NAME) {
            i64::from(input.varint30(fields.protocol)?)
        } else {
            i64::from(input.byte()?)
        };
        let long_name = || Violation::LongName {
            flags,
            shared,
            length,
            last: show(&self.name),
        };
        let length = usize::try_from(length).map_err(|_| long_name())?;
        if shared > self.name.len() || length > MAX_PATH || shared + length > MAX_PATH {
            return Err(long_name().into());
        }
        let suffix = input.take(length)?;
        let mut last = self.last;
        let mut extra = Extra::default();
        let mut entry = None;
        if fields.protocol >= 30 && has(flag::HARD_LINKED) {
            let here = u64::from(start) + list.len() as u64;
            let leader = if has(flag::FIRST_OF_GROUP) {
                here
            } else {
                let leader = input.varint()?;
                u64::try_from(leader)
                    .ok()
                    .filter(|&leader| leader < here)
                    .ok_or(Violation::HardLink { leader, here })?
            };
            if leader >= u64::from(start) && leader < here {
                entry = Some(copy_leader(
                    list,
                    (leader - u64::from(start)) as usize,
                    &mut last,
                    &mut extra,
                ));
            }
            extra.leader = u32::try_from(leader).ok();
            self.groups.check(extra.leader, start)?;
        }
        let mut entry = match entry {
            Some(entry) => entry,
            None => self.attributes(flags, input, &mut last, &mut extra)?,
        };
        entry.flags = flags as u16;
        let mut name = Vec::with_capacity(shared + length);
        name.extend_from_slice(&self.name[..shared]);
        name.extend_from_slice(suffix);
        let clean = clean(&name, fields.relative)?;
        if matches!(&*clean, b"." | b"/.") && FileKind::of(entry.mode) != Some(FileKind::Directory) {
            return Err(Violation::RootNotDirectory(show(&clean)).into());
        }
        if FileKind::of(entry.mode).is_none() {
            return Err(Violation::Mode {
                mode: entry.mode,
                name: show(&clean),
            }
            .into());
        }
        let kind = FileKind::of(entry.mode);
        let (mut acl, mut default_acl, mut xattrs) = (None, None, None);
        if fields.acls && kind != Some(FileKind::Symlink) {
            acl = Some(Acl::read(
                input,
                self.acls.len(),
                Some(entry.mode),
                &mut self.names,
            )?);
            if kind == Some(FileKind::Directory) {
                default_acl = Some(Acl::read(input, self.default_acls.len(), None, &mut self.names)?);
            }
        }
        if fields.xattrs {
            xattrs = Some(read_xattrs(input, self.xattrs.len(), &clean)?);
        }
        // Nothing can be short any more: what is new is kept.
        if fields.hard_links && fields.protocol < 30 && has(flag::HARD_LINKED) {
            let here = start.saturating_add(u32::try_from(list.len()).unwrap_or(u32::MAX));
            let first = self.groups.first_of((last.device, last.inode), here);
            extra.leader = Some(first);
        }
        if fields.inline_names && has(flag::FIRST_OF_GROUP) {
            self.groups.lead(extra.leader);
        }
        extra.acl = keep(acl, &mut self.acls, |acl| acl.is_trivial()).map(|(_, acl)| acl);
        let default_acl = keep(default_acl, &mut self.default_acls, |acl| *acl == Acl::default());
        extra.default_acl = default_acl.map(|(_, acl)| acl);
        extra.xattrs = keep(xattrs, &mut self.xattrs, Vec::is_empty);
        if !list.push(&clean, entry, extra) {
            return Err(Violation::LongList(list.len() as i64).into());
        }
        (self.last, self.name) = (last, name);
        Ok(Item::File)
    }

    fn flags(&self, input: &mut Input<'_>) -> Result<Head, Stop> {
        let fields = self.fields;
        if fields.varint_flags {
            let flags = input.varint()?.cast_unsigned();
            return Ok(match flags {
                0 => Head::End(input.varint()?),
                _ => Head::Flags(flags),
            });
        }
        let mut flags = u32::from(input.byte()?);
        if flags == 0 {
            return Ok(Head::End(0));
        }
        if flags & flag::EXTENDED != 0 {
            flags |= u32::from(input.byte()?) << 8;
        }
        let may_end = fields.safe_lists || fields.protocol >= 31;
        if may_end && flags == flag::EXTENDED | flag::ERRORS_AT_END {
            return Ok(Head::End(input.varint()?));
        }
        Ok(Head::Flags(flags))
    }

    fn attributes(
        &mut self,
        flags: u32,
        input: &mut Input<'_>,
        last: &mut Last,
        extra: &mut Extra,
    ) -> Result<Entry, Stop> {
        let fields = self.fields;
        let protocol = fields.protocol;
        let has = |bits: u32| flags & bits != 0;
        let size = input.varlong30(protocol, 3)?;
        if size < 0 {
            return Err(Violation::NegativeLength.into());
        }
        if !has(flag::SAME_TIME) {
            last.mtime = if protocol >= 30 {
                input.varlong(4)?
            } else {
                i64::from(input.int()?.cast_unsigned())
            };
        }
        let nanoseconds = if has(flag::NANOSECONDS) && protocol >= 31 {
            let value = input.varint()?;
            u32::try_from(value)
                .ok()
                .filter(|&value| value <= MAX_NANOSECONDS)
                .ok_or_else(|| Violation::Range {
                    what: "modtime_nsec",
                    value: i64::from(value),
                    most: MAX_NANOSECONDS.into(),
                })?
        } else {
            0
        };
        if fields.crtimes {
            let same = fields.varint_flags && has(flag::CREATED_WHEN_MODIFIED);
            extra.crtime = Some(if same { last.mtime } else { input.varlong(4)? });
        }
        if !has(flag::SAME_MODE) {
            last.mode = input.int()?.cast_unsigned();
        }
        let mode = last.mode;
        let kind = FileKind::of(mode);
        if fields.atimes && kind != Some(FileKind::Directory) {
            if !has(flag::SAME_ACCESS_TIME) {
                last.atime = input.varlong(4)?;
            }
            extra.atime = Some(last.atime);
        }
        if fields.owner && !has(flag::SAME_UID) {
            last.uid = self.id(true, has(flag::USER_NAME), input)?;
        }
        if fields.group && !has(flag::SAME_GID) {
            last.gid = self.id(false, has(flag::GROUP_NAME), input)?;
        }
        let is_device = fields.devices && kind == Some(FileKind::Device);
        let is_dummy = fields.specials && kind == Some(FileKind::Special) && protocol < 31;
        if is_device || is_dummy {
            if !has(flag::SAME_MAJOR) {
                last.major = input.varint30(protocol)?.cast_unsigned();
            }
            let minor = if protocol >= 30 {
                input.varint()?.cast_unsigned()
            } else if has(flag::MINOR_IS_BYTE) {
                u32::from(input.byte()?)
            } else {
                input.int()?.cast_unsigned()
            };
            extra.device = is_device.then_some((last.major, minor));
        }
        if fields.links && kind == Some(FileKind::Symlink) {
            let length = input.varint30(protocol)?;
            let length = usize::try_from(length)
                .ok()
                .filter(|length| (1..=MAX_PATH).contains(length))
                .ok_or_else(|| Violation::LongLink(i64::from(length)))?;
            extra.link = Some(input.take(length)?.into());
        }
        if fields.hard_links && protocol < 30 && has(flag::HARD_LINKED) {
            if !has(flag::SAME_DEVICE) {
                last.device = input.varlong30(protocol, 3)?;
            }
            last.inode = input.varlong30(protocol, 3)?;
        }
        if let Some(length) = fields.checksum
            && kind == Some(FileKind::Regular)
        {
            extra.checksum = Some(input.take(length)?.into());
        }
        Ok(Entry {
            mode,
            uid: last.uid,
            gid: last.gid,
            nanoseconds,
            mtime: last.mtime,
            size,
            ..Entry::default()
        })
    }

    /// An id; with incremental lists a name may follow.
    fn id(&mut self, is_user: bool, has_name: bool, input: &mut Input<'_>) -> Result<u32, Stop> {
        let id = input.varint30(self.fields.protocol)?.cast_unsigned();
        if self.fields.inline_names && has_name {
            self.names.push(OwnedName::read(is_user, id, input)?);
        }
        Ok(id)
    }
}

/// The place of something among what came; none for what says nothing.
fn keep<T>(
    read: Option<Cached<T>>,
    known: &mut Vec<Arc<T>>,
    is_nothing: impl Fn(&T) -> bool,
) -> Option<(u32, Arc<T>)> {
    let place = match read? {
        Cached::Known(place) => place,
        Cached::New(new) => {
            known.push(Arc::new(new));
            u32::try_from(known.len() - 1).ok()?
        }
    };
    let kept = &known[place as usize];
    (!is_nothing(kept)).then(|| (place, kept.clone()))
}

enum Head {
    Flags(u32),
    End(i32),
}

#[cfg(test)]
mod tests {
    use super::{Fields, Item, ListReader};
    use crate::rsync::proto::{
        Input, Stop, Violation,
        file_list::{FileKind, FileList},
    };

    /// `m/` with `f1` and `sub`, as rsync 3.5.0 sends it for `-t` and recursion.
    const LIST: &[u8] = &[
        0x19, 0x01, 0x2e, 0, 0, 0x10, 0x3b, 0, 0xca, 0x9a, 0xed, 0x41, 0, 0, //
        0x80, 0x98, 0x02, 0x66, 0x31, 0, 6, 0, 0xa4, 0x81, 0, 0, //
        0x80, 0x98, 0x03, 0x73, 0x75, 0x62, 0, 0, 0x10, 0xed, 0x41, 0, 0, //
        0, 0,
    ];

    fn newest() -> Fields {
        Fields {
            protocol: 32,
            varint_flags: true,
            ..Fields::default()
        }
    }

    #[test]
    fn a_captured_list_is_read_from_every_cut() {
        for cut in 0..LIST.len() {
            let (mut reader, mut list) = (ListReader::new(newest()), FileList::default());
            let mut taken = 0;
            for end in [cut, LIST.len()] {
                loop {
                    let mut input = Input::new(&LIST[taken..end]);
                    match reader.read(0, &mut input, &mut list) {
                        Ok(item) => {
                            taken += input.position();
                            assert!(item == Item::File || taken == LIST.len(), "{item:?} at {taken}");
                            if item == Item::End(0) {
                                break;
                            }
                        }
                        Err(stop) => {
                            assert_eq!(stop, Stop::Short);
                            break;
                        }
                    }
                }
            }
            assert_eq!(taken, LIST.len());
            let names: Vec<_> = list.entries().iter().map(|entry| list.name(entry)).collect();
            assert_eq!(names, [&b"."[..], b"f1", b"sub"]);
            let file = &list.entries()[1];
            assert_eq!(
                (file.kind(), file.size, file.mtime),
                (FileKind::Regular, 6, 1_000_000_000)
            );
            assert_eq!(file.permissions(), 0o644);
            assert!(list.entries()[2].has_content());
        }
    }

    #[test]
    fn names_that_lead_out_are_refused() {
        for name in [&b"../x"[..], b"a/../../x", b"/etc/x", b"..", b"a/.."] {
            let mut bytes = vec![0x18, name.len() as u8];
            bytes.extend(name);
            bytes.extend([0, 0, 0, 0, 0, 0, 0, 0xa4, 0x81, 0, 0]);
            let read = ListReader::new(newest()).read(0, &mut Input::new(&bytes), &mut FileList::default());
            assert!(
                matches!(read, Err(Stop::Broken(Violation::UnsafeName(_)))),
                "{read:?}"
            );
        }
    }
}
