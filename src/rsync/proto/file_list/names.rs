use std::sync::Arc;

use crate::rsync::proto::{
    Encode, Input, Stop,
    file_list::{Fields, FileList, Grant},
};

/// An id of the sender's, and its name there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Named<'a> {
    /// A user.
    User(u32, &'a [u8]),
    /// A group.
    Group(u32, &'a [u8]),
}

/// A name that came with a file, which happens in incremental lists where an id is used first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnedName {
    is_user: bool,
    id: u32,
    name: Box<[u8]>,
}

impl OwnedName {
    /// Reads the name of an id: its length in a byte, and its text.
    pub(super) fn read(is_user: bool, id: u32, input: &mut Input<'_>) -> Result<Self, Stop> {
        let length = usize::from(input.byte()?);
        let name = input.take(length)?.into();
        Ok(Self { is_user, id, name })
    }

    /// Whose name it is.
    pub fn named(&self) -> Named<'_> {
        match self.is_user {
            true => Named::User(self.id, &self.name),
            false => Named::Group(self.id, &self.name),
        }
    }
}

/// Reads the names behind a list that is not incremental: users, then groups, each ended by id 0 (`recv_id_list` in
/// uidlist.c).
#[derive(Clone, Debug)]
pub struct NameReader {
    protocol: u8,
    has_name_of_root: bool,
    users: bool,
    groups: bool,
}

impl NameReader {
    /// The names that an entry's fields ask for.
    pub const fn new(fields: &Fields, has_name_of_root: bool) -> Self {
        Self {
            protocol: fields.protocol,
            has_name_of_root,
            users: fields.owner || fields.acls,
            groups: fields.group || fields.acls,
        }
    }

    /// The next name; `None` at the end.
    ///
    /// # Errors
    ///
    /// Only an end of the bytes.
    pub fn next<'a>(&mut self, input: &mut Input<'a>) -> Result<Option<Named<'a>>, Stop> {
        while self.users || self.groups {
            let id = input.varint30(self.protocol)?.cast_unsigned();
            let name = if id != 0 || self.has_name_of_root {
                let length = usize::from(input.byte()?);
                Some(input.take(length)?)
            } else {
                None
            };
            let is_user = self.users;
            if id == 0 {
                *(if is_user {
                    &mut self.users
                } else {
                    &mut self.groups
                }) = false;
            }
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                return Ok(Some(if is_user {
                    Named::User(id, name)
                } else {
                    Named::Group(id, name)
                }));
            }
        }
        Ok(None)
    }
}

/// A user or a group.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Id {
    /// A user.
    User(u32),
    /// A group.
    Group(u32),
}

/// Writes the names of ids behind a list that is not incremental: users, then groups (`send_id_lists` in uidlist.c).
/// The names are in the order in which they go; id 0 is left out of `users` and `groups`, its name is `of_root`.
pub fn write_names(
    fields: &Fields,
    users: &[(u32, Vec<u8>)],
    groups: &[(u32, Vec<u8>)],
    of_root: Option<(&[u8], &[u8])>,
    to: &mut impl Encode,
) {
    let kinds = [
        (fields.owner || fields.acls, users, of_root.map(|names| names.0)),
        (fields.group || fields.acls, groups, of_root.map(|names| names.1)),
    ];
    for (is_sent, names, root) in kinds {
        if !is_sent {
            continue;
        }
        for (id, name) in names {
            to.varint30(id.cast_signed(), fields.protocol);
            put_name(name, to);
        }
        to.varint30(0, fields.protocol);
        if let Some(root) = root {
            put_name(root, to);
        }
    }
}

/// A name with its length in a byte; the few that are longer go without.
pub(super) fn put_name(name: &[u8], to: &mut impl Encode) {
    let name = if name.len() > 255 { &[][..] } else { name };
    to.byte(name.len() as u8);
    to.bytes(name);
}

impl FileList {
    /// Turns the sender's ids into ours.
    pub fn map_ids(&mut self, user: impl Fn(u32) -> u32, group: impl Fn(u32) -> u32) {
        for entry in self.entries_mut() {
            (entry.uid, entry.gid) = (user(entry.uid), group(entry.gid));
        }
        let ours = |grant: &Grant| match grant.is_user {
            true => user(grant.id),
            false => group(grant.id),
        };
        for acl in self.acls_mut() {
            // Most are shared, and stay so.
            if acl.named.iter().any(|grant| ours(grant) != grant.id) {
                for grant in &mut Arc::make_mut(acl).named {
                    grant.id = ours(grant);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NameReader, Named, write_names};
    use crate::rsync::proto::{Input, file_list::Fields};

    #[test]
    fn names_end_with_that_of_root() {
        let fields = Fields {
            protocol: 32,
            owner: true,
            group: true,
            ..Fields::default()
        };
        let mut reader = NameReader::new(&fields, true);
        let mut input = Input::new(b"\x09\x03joe\x00\x04root\x00\x00");
        assert_eq!(reader.next(&mut input), Ok(Some(Named::User(9, b"joe"))));
        assert_eq!(reader.next(&mut input), Ok(Some(Named::User(0, b"root"))));
        assert_eq!(reader.next(&mut input), Ok(None));
        assert!(input.rest().is_empty());
    }

    #[test]
    fn names_of_ids_are_written_as_they_are_read() {
        let fields = Fields {
            protocol: 32,
            owner: true,
            group: true,
            ..Fields::default()
        };
        let mut bytes = Vec::new();
        let root = Some((&b"root"[..], &b"wheel"[..]));
        write_names(&fields, &[(9, b"joe".to_vec())], &[], root, &mut bytes);
        let mut reader = NameReader::new(&fields, true);
        let mut input = Input::new(&bytes);
        assert_eq!(reader.next(&mut input), Ok(Some(Named::User(9, b"joe"))));
        assert_eq!(reader.next(&mut input), Ok(Some(Named::User(0, b"root"))));
        assert_eq!(reader.next(&mut input), Ok(Some(Named::Group(0, b"wheel"))));
        assert_eq!(reader.next(&mut input), Ok(None));
        assert!(input.rest().is_empty());
    }
}
