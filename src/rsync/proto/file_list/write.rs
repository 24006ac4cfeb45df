use crate::rsync::proto::{
    Encode,
    file_list::{
        CallName, Entry, Extra, Fields, FileKind, Id, MAX_SHARED, extended::ExtendedWriter, flag,
        names::put_name,
    },
};

/// Writes entries; what is as in the entry before is left out (`send_file_entry` in flist.c).
#[derive(Clone, Debug)]
pub struct ListWriter {
    fields: Fields,
    name: Vec<u8>,
    mode: u32,
    mtime: i64,
    atime: i64,
    uid: u32,
    gid: u32,
    major: u32,
    extended: ExtendedWriter,
    /// Before protocol 30: a device went.
    has_device: bool,
}

impl ListWriter {
    /// The beginning of a session.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            name: Vec::new(),
            mode: 0,
            mtime: 0,
            atime: 0,
            uid: 0,
            gid: 0,
            major: 0,
            extended: ExtendedWriter::default(),
            has_device: false,
        }
    }

    /// Writes the entry that is the `number`th to go, in a list that begins with `start`. With incremental lists `call` gives
    /// the name of a user or a group whose id goes for the first time.
    #[expect(clippy::too_many_arguments, reason = "all of it belongs to the entry")]
    pub fn write(
        &mut self,
        name: &[u8],
        entry: &Entry,
        extra: &Extra,
        start: u32,
        number: u32,
        call: &mut CallName<'_>,
        to: &mut impl Encode,
    ) {
        let fields = self.fields;
        let leader = extra.leader.filter(|_| fields.protocol >= 30);
        let mut flags = self.flags(entry, extra, leader == Some(number));
        let is_whole = leader.is_none_or(|leader| leader == number || leader < start);
        let mut named = |same: u32, follows: u32, id: Id| {
            let name = (fields.inline_names && is_whole && flags & same == 0).then(|| call(id));
            let name = name.flatten().filter(|name| name.len() <= 255);
            flags |= if name.is_some() { follows } else { 0 };
            name
        };
        let user = named(flag::SAME_UID, flag::USER_NAME, Id::User(entry.uid));
        let group = named(flag::SAME_GID, flag::GROUP_NAME, Id::Group(entry.gid));
        let most = name.len().min(self.name.len()).min(MAX_SHARED);
        let shared = (0..most)
            .find(|&place| name[place] != self.name[place])
            .unwrap_or(most);
        let rest = &name[shared..];
        let flags = flags
            | if shared > 0 { flag::SAME_NAME } else { 0 }
            | if rest.len() > 255 { flag::LONG_NAME } else { 0 };
        self.put_flags(flags, entry.is_directory(), to);
        if shared > 0 {
            to.byte(shared as u8);
        }
        let length = i32::try_from(rest.len()).expect("a path is shorter");
        if rest.len() > 255 {
            to.varint30(length, fields.protocol);
        } else {
            to.byte(length as u8);
        }
        to.bytes(rest);
        self.name.truncate(shared);
        self.name.extend_from_slice(rest);
        let earlier = leader.filter(|&leader| leader != number);
        if let Some(leader) = earlier {
            to.varint(leader.cast_signed());
        }
        if is_whole {
            self.put_attributes(flags, entry, extra, [user.as_deref(), group.as_deref()], to);
        }
        self.extended.write(&fields, entry, extra, call, to);
        (self.mode, self.mtime) = (entry.mode, entry.mtime);
        (self.uid, self.gid) = (entry.uid, entry.gid);
        self.atime = extra.atime.unwrap_or(self.atime);
        self.major = extra.device.map_or(self.major, |(major, _)| major);
        self.has_device |= extra.leader.is_some();
    }

    /// Ends a list, with the bits of the errors that were met.
    pub fn end(&self, errors: i32, to: &mut impl Encode) {
        let fields = self.fields;
        if fields.varint_flags {
            to.varint(0);
            to.varint(errors);
        } else if errors != 0 && (fields.safe_lists || fields.protocol >= 31) {
            to.short((flag::EXTENDED | flag::ERRORS_AT_END) as u16);
            to.varint(errors);
        } else {
            to.byte(0);
        }
    }

    /// All flags but those of the name.
    fn flags(&self, entry: &Entry, extra: &Extra, is_leader: bool) -> u32 {
        let fields = self.fields;
        let kind = entry.kind();
        let is_directory = kind == FileKind::Directory;
        // The first entry always says whose it is.
        let is_first = self.name.is_empty();
        let mut flags = 0;
        let mut note = |is_so: bool, flag: u32| {
            if is_so {
                flags |= flag;
            }
        };
        // From 30 on a folder without content is one on the way to what is wanted.
        let says_top = fields.protocol >= 30 || entry.has_content();
        note(entry.is_top() && says_top, flag::TOP_DIRECTORY);
        note(
            is_directory && fields.protocol >= 30 && !entry.has_content(),
            flag::NO_CONTENT,
        );
        note(entry.mode == self.mode, flag::SAME_MODE);
        note(
            !fields.owner || entry.uid == self.uid && !is_first,
            flag::SAME_UID,
        );
        note(
            !fields.group || entry.gid == self.gid && !is_first,
            flag::SAME_GID,
        );
        note(entry.mtime == self.mtime, flag::SAME_TIME);
        note(entry.nanoseconds != 0 && fields.protocol >= 31, flag::NANOSECONDS);
        note(
            fields.atimes && !is_directory && extra.atime == Some(self.atime),
            flag::SAME_ACCESS_TIME,
        );
        note(
            fields.crtimes && extra.crtime == Some(entry.mtime),
            flag::CREATED_WHEN_MODIFIED,
        );
        if let Some((major, minor)) = self.device(entry, extra) {
            note(major == self.major, flag::SAME_MAJOR);
            note(fields.protocol < 30 && minor <= 0xff, flag::MINOR_IS_BYTE);
        }
        note(extra.leader.is_some(), flag::HARD_LINKED);
        note(is_leader, flag::FIRST_OF_GROUP);
        let is_paired = extra.leader.is_some() && fields.protocol < 30;
        note(is_paired && self.has_device, flag::SAME_DEVICE);
        flags
    }

    /// The device number that is sent: before 31 special files have one too, which means nothing.
    fn device(&self, entry: &Entry, extra: &Extra) -> Option<(u32, u32)> {
        let fields = self.fields;
        match entry.kind() {
            FileKind::Device if fields.devices => extra.device,
            FileKind::Special if fields.specials && fields.protocol < 31 => Some((self.major, 0)),
            _ => None,
        }
    }

    /// Never zero, which would end the list.
    fn put_flags(&self, mut flags: u32, is_directory: bool, to: &mut impl Encode) {
        if self.fields.varint_flags {
            to.varint(if flags == 0 { flag::EXTENDED } else { flags }.cast_signed());
            return;
        }
        if flags == 0 && !is_directory {
            flags = flag::TOP_DIRECTORY;
        }
        if flags & 0xff00 != 0 || flags == 0 {
            to.short((flags | flag::EXTENDED) as u16);
        } else {
            to.byte(flags as u8);
        }
    }

    fn put_attributes(
        &self,
        flags: u32,
        entry: &Entry,
        extra: &Extra,
        names: [Option<&[u8]>; 2],
        to: &mut impl Encode,
    ) {
        let fields = self.fields;
        let protocol = fields.protocol;
        let has = |bits: u32| flags & bits != 0;
        let is_directory = entry.is_directory();
        to.varlong30(entry.size, 3, protocol);
        if !has(flag::SAME_TIME) {
            if protocol >= 30 {
                to.varlong(entry.mtime, 4);
            } else {
                // The older form has 32 bits.
                to.int(entry.mtime as i32);
            }
        }
        if has(flag::NANOSECONDS) {
            to.varint(entry.nanoseconds.cast_signed());
        }
        if fields.crtimes && !has(flag::CREATED_WHEN_MODIFIED) {
            to.varlong(extra.crtime.unwrap_or(0), 4);
        }
        if !has(flag::SAME_MODE) {
            to.int(entry.mode.cast_signed());
        }
        if fields.atimes && !is_directory && !has(flag::SAME_ACCESS_TIME) {
            to.varlong(extra.atime.unwrap_or(0), 4);
        }
        if !has(flag::SAME_UID) {
            to.varint30(entry.uid.cast_signed(), protocol);
            if let Some(name) = names[0] {
                put_name(name, to);
            }
        }
        if !has(flag::SAME_GID) {
            to.varint30(entry.gid.cast_signed(), protocol);
            if let Some(name) = names[1] {
                put_name(name, to);
            }
        }
        if let Some((major, minor)) = self.device(entry, extra) {
            if !has(flag::SAME_MAJOR) {
                to.varint30(major.cast_signed(), protocol);
            }
            if protocol >= 30 {
                to.varint(minor.cast_signed());
            } else if has(flag::MINOR_IS_BYTE) {
                to.byte(minor as u8);
            } else {
                to.int(minor.cast_signed());
            }
        }
        if let Some(link) = &extra.link {
            to.varint30(i32::try_from(link.len()).expect("a path is shorter"), protocol);
            to.bytes(link);
        }
        if let Some(leader) = extra.leader.filter(|_| protocol < 30) {
            // Device and inode only say which files are one: the first of them says it as well. Neither is ever 0.
            if !has(flag::SAME_DEVICE) {
                to.long_int(1);
            }
            to.long_int(i64::from(leader) + 1);
        }
        if let Some(length) = fields.checksum
            && entry.kind() == FileKind::Regular
        {
            match &extra.checksum {
                Some(digest) => to.bytes(digest),
                None => to.bytes(&vec![0; length]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ListWriter;
    use crate::rsync::proto::{
        Input,
        file_list::{Entry, Extra, Fields, FileKind, FileList, Id, Item, ListReader},
    };

    fn any_entry() -> impl Strategy<Value = (Vec<u8>, Entry, Extra)> {
        let kinds = prop::sample::select(vec![
            0o100_644, 0o100_755, 0o040_755, 0o120_777, 0o020_600, 0o010_600,
        ]);
        let name = prop_oneof![
            "[ab/]{0,3}[abc]".prop_map(String::into_bytes),
            prop::collection::vec(prop::sample::select(vec![b'a', b'b', 0xff]), 1..400),
        ];
        let numbers = (0_i64..1 << 40, -5_i64..1 << 33, 0_u32..3, 0_u32..3, 0_u32..2);
        (name, kinds, numbers, any::<(u16, u8, bool)>()).prop_map(
            |(mut name, mode, (size, mtime, uid, gid, nanoseconds), (major, minor, is_top))| {
                if name.starts_with(b"/") {
                    name[0] = b'x';
                }
                let mut entry = Entry {
                    mode,
                    uid,
                    gid,
                    nanoseconds,
                    mtime,
                    size,
                    ..Entry::default()
                };
                entry.set_folder(is_top, minor % 2 == 0);
                let kind = FileKind::of(mode).expect("one of those");
                let extra = Extra {
                    link: (kind == FileKind::Symlink).then(|| b"target".to_vec().into()),
                    device: (kind == FileKind::Device).then_some((u32::from(major), u32::from(minor))),
                    checksum: (kind == FileKind::Regular).then(|| vec![minor; 16].into()),
                    ..Extra::default()
                };
                (name, entry, extra)
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(entries in prop::collection::vec(any_entry(), 0..8), protocol in 29_u8..=32, errors in 0..8) {
            let fields = Fields {
                protocol,
                varint_flags: protocol == 32,
                safe_lists: protocol >= 31,
                owner: true,
                group: true,
                links: true,
                devices: true,
                specials: true,
                checksum: Some(16),
                ..Fields::default()
            };
            let (mut writer, mut bytes) = (ListWriter::new(fields), Vec::new());
            for (number, (name, entry, extra)) in entries.iter().enumerate() {
                writer.write(name, entry, extra, 0, number as u32, &mut |_| None, &mut bytes);
            }
            writer.end(errors, &mut bytes);
            let (mut reader, mut list) = (ListReader::new(fields), FileList::default());
            let mut input = Input::new(&bytes);
            for (name, entry, extra) in &entries {
                prop_assert_eq!(reader.read(0, &mut input, &mut list), Ok(Item::File));
                let read = *list.entries().last().expect("read just now");
                let clean: Vec<_> = name.split(|&byte| byte == b'/').filter(|part| !part.is_empty()).collect();
                prop_assert_eq!(list.name(&read), clean.join(&b'/'));
                let time = if protocol < 30 { i64::from(entry.mtime as u32) } else { entry.mtime };
                let nanoseconds = if protocol < 31 { 0 } else { entry.nanoseconds };
                prop_assert_eq!(
                    (read.mode, read.uid, read.gid, read.size, read.mtime, read.nanoseconds),
                    (entry.mode, entry.uid, entry.gid, entry.size, time, nanoseconds)
                );
                prop_assert_eq!(list.extra(&read).cloned().unwrap_or_default(), extra.clone());
                if protocol >= 30 {
                    prop_assert_eq!(read.has_content(), entry.has_content());
                }
            }
            let expected = if protocol >= 31 { errors } else { 0 };
            prop_assert_eq!(reader.read(0, &mut input, &mut list), Ok(Item::End(expected)));
            prop_assert!(input.rest().is_empty());
        }
    }

    #[test]
    fn before_30_files_that_are_one_have_one_device_and_inode() {
        let fields = Fields {
            protocol: 29,
            hard_links: true,
            ..Fields::default()
        };
        let (mut writer, mut bytes) = (ListWriter::new(fields), Vec::new());
        let entry = Entry {
            mode: 0o100_644,
            ..Entry::default()
        };
        let leaders = [Some(0), None, Some(2), Some(0), Some(2)];
        for (number, leader) in (0..).zip(leaders) {
            let extra = Extra {
                leader,
                ..Extra::default()
            };
            let name = [b'a' + number as u8];
            writer.write(&name, &entry, &extra, 0, number, &mut |_| None, &mut bytes);
        }
        let (mut reader, mut list, mut input) =
            (ListReader::new(fields), FileList::default(), Input::new(&bytes));
        for leader in leaders {
            assert_eq!(reader.read(0, &mut input, &mut list), Ok(Item::File));
            let extra = list.extra(list.entries().last().expect("read just now"));
            assert_eq!(extra.and_then(|extra| extra.leader), leader);
        }
        assert!(input.rest().is_empty());
    }

    #[test]
    fn names_go_with_the_first_file_of_an_owner() {
        let fields = Fields {
            protocol: 32,
            varint_flags: true,
            inline_names: true,
            owner: true,
            group: true,
            ..Fields::default()
        };
        let (mut writer, mut bytes) = (ListWriter::new(fields), Vec::new());
        let mut called = Vec::new();
        let mut call = |id: Id| {
            let is_new = !called.contains(&id);
            called.push(id);
            is_new.then(|| format!("{id:?}").into_bytes())
        };
        for (number, (uid, gid)) in [(9, 0), (9, 7), (0, 7), (9, 0)].into_iter().enumerate() {
            let mut entry = Entry::default();
            (entry.mode, entry.uid, entry.gid) = (0o100_644, uid, gid);
            let (name, number) = (format!("f{number}"), number as u32);
            writer.write(
                name.as_bytes(),
                &entry,
                &Extra::default(),
                1,
                number + 1,
                &mut call,
                &mut bytes,
            );
        }
        let (mut reader, mut list) = (ListReader::new(fields), FileList::default());
        let mut input = Input::new(&bytes);
        let mut names = Vec::new();
        for _ in 0..4 {
            assert_eq!(reader.read(1, &mut input, &mut list), Ok(Item::File));
            names.push(
                reader
                    .take_names()
                    .iter()
                    .map(|name| format!("{:?}", name.named()))
                    .collect::<Vec<_>>(),
            );
        }
        assert!(input.rest().is_empty());
        let counts: Vec<_> = names.iter().map(Vec::len).collect();
        assert_eq!(counts, [2, 1, 1, 0]);
        let ids: Vec<_> = list
            .entries()
            .iter()
            .map(|entry| (entry.uid, entry.gid))
            .collect();
        assert_eq!(ids, [(9, 0), (9, 7), (0, 7), (9, 0)]);
    }
}
