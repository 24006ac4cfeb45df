use std::sync::Arc;

use crate::rsync::proto::{
    Input, Stop,
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
    use super::{NameReader, Named};
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
}
