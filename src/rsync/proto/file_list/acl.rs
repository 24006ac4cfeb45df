use std::collections::HashMap;

use crate::rsync::proto::{
    Encode, Input, Stop, Violation,
    file_list::{Id, extended::CallName, names::OwnedName},
};

/// An access control list. What is `None` follows from the file's mode, or is not there (`acls.c`).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Acl {
    /// What the owner may do: 4 to read, 2 to write, 1 to execute.
    pub user: Option<u8>,
    /// What the group may do.
    pub group: Option<u8>,
    /// What all but the owner and others may do at most.
    pub mask: Option<u8>,
    /// What others may do.
    pub other: Option<u8>,
    /// What single users and groups may do.
    pub named: Vec<Grant>,
}

/// What a user or a group may do.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Grant {
    /// Whether it is a user.
    pub is_user: bool,
    /// Whose it is.
    pub id: u32,
    /// 4 to read, 2 to write, 1 to execute.
    pub permissions: u8,
}

/// What stands in the place of something that may have come before.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Cached<T> {
    /// It has; its place among those that did.
    Known(u32),
    /// It has not.
    New(T),
}

const USER: u8 = 1;
const GROUP: u8 = 1 << 1;
const MASK: u8 = 1 << 2;
const OTHER: u8 = 1 << 3;
const NAMED: u8 = 1 << 4;

/// Behind the permissions of a named entry.
const IS_USER: i32 = 2;
const HAS_NAME: i32 = 1;

/// Most named entries that are read.
const MAX_NAMED: i32 = 65_536;

impl Acl {
    /// One that says nothing.
    pub const NONE: Self = Self {
        user: None,
        group: None,
        mask: None,
        other: None,
        named: Vec::new(),
    };

    /// The permission bits that stand for it; none if it says nothing of the owner (`rsync_acl_get_perms` in acls.c).
    pub fn permissions(&self) -> Option<u32> {
        let user = u32::from(self.user?);
        let group = self.mask.or(self.group).map_or(0, u32::from);
        Some(user << 6 | group << 3 | self.other.map_or(0, u32::from))
    }

    /// The permissions of the group in a mode.
    pub const fn group_of(mode: u32) -> u8 {
        (mode >> 3 & 7) as u8
    }

    /// Reads an ACL, where `known` have come before. `mode` is that of the file, for an access ACL. Names that came are
    /// appended.
    pub(super) fn read(
        input: &mut Input<'_>,
        known: usize,
        mode: Option<u32>,
        names: &mut Vec<OwnedName>,
    ) -> Result<Cached<Self>, Stop> {
        let index = input.varint()?;
        match usize::try_from(index) {
            Ok(0) => {}
            Ok(place) if place <= known => return Ok(Cached::Known(place as u32 - 1)),
            _ => {
                let kind = if mode.is_some() { "ACCESS" } else { "DEFAULT" };
                return Err(Violation::AclIndex { kind, index, known }.into());
            }
        }
        let flags = input.byte()?;
        let mut object = |flag: u8| {
            (flags & flag != 0)
                .then(|| permissions(input.varint()?))
                .transpose()
        };
        let mut acl = Self {
            user: object(USER)?,
            group: object(GROUP)?,
            mask: object(MASK)?,
            other: object(OTHER)?,
            named: Vec::new(),
        };
        if flags & NAMED != 0 {
            let count = input.varint()?;
            if !(0..=MAX_NAMED).contains(&count) {
                return Err(Violation::Range {
                    what: "ACL count",
                    value: i64::from(count),
                    most: MAX_NAMED.into(),
                }
                .into());
            }
            for _ in 0..count {
                acl.named.push(Grant::read(input, names)?);
            }
        }
        if !acl.named.is_empty() && acl.mask.is_none() {
            let all = acl.named.iter().map(|grant| grant.permissions);
            acl.mask = Some(match mode {
                Some(mode) => Self::group_of(mode),
                None => all.fold(acl.group.unwrap_or(0), |all, one| all | one),
            });
        }
        Ok(Cached::New(acl))
    }

    /// Writes an ACL that has not come before.
    fn write(&self, call: &mut CallName<'_>, to: &mut impl Encode) {
        let objects = [
            (USER, self.user),
            (GROUP, self.group),
            (MASK, self.mask),
            (OTHER, self.other),
        ];
        let mut flags = if self.named.is_empty() { 0 } else { NAMED };
        for (flag, object) in objects {
            flags |= if object.is_some() { flag } else { 0 };
        }
        to.byte(flags);
        for (_, object) in objects {
            if let Some(permissions) = object {
                to.varint(i32::from(permissions));
            }
        }
        if self.named.is_empty() {
            return;
        }
        to.varint(i32::try_from(self.named.len()).expect("no file has more"));
        for grant in &self.named {
            grant.write(call, to);
        }
    }

    /// An access ACL without what follows from the mode, as it travels (`rsync_acl_strip_perms`).
    #[must_use]
    pub fn condensed(mut self, mode: u32) -> Self {
        let group = Some(Self::group_of(mode));
        if self.mask.is_none() || self.group == group {
            self.group = None;
        }
        if !self.named.is_empty() && self.mask == group {
            self.mask = None;
        }
        (self.user, self.other) = (None, None);
        self
    }

    /// An access ACL with all that follows from the mode.
    #[must_use]
    pub fn whole(&self, mode: u32) -> Self {
        let bits = |shift: u32| (mode >> shift & 7) as u8;
        Self {
            user: Some(bits(6)),
            group: self.group.or_else(|| Some(bits(3))),
            // It stands where the group's permissions stand in a mode.
            mask: self.mask.map(|_| bits(3)),
            other: Some(bits(0)),
            named: self.named.clone(),
        }
    }

    /// Whether an access ACL, with all its entries, has beside the mode what another one wants (`rsync_acl_equal_enough`).
    pub fn is_like(&self, wanted: &Self, mode: u32) -> bool {
        let group = wanted.group.unwrap_or_else(|| Self::group_of(mode));
        self.mask.is_some() == wanted.mask.is_some()
            && (self.mask.is_none() || self.group == Some(group))
            && self.named == wanted.named
    }

    /// Whether the mode says all of it.
    pub fn is_trivial(&self) -> bool {
        self.mask.is_none() && self.named.is_empty()
    }
}

impl Grant {
    fn read(input: &mut Input<'_>, names: &mut Vec<OwnedName>) -> Result<Self, Stop> {
        let id = input.varint()?.cast_unsigned();
        let bits = input.varint()?;
        let is_user = bits & IS_USER != 0;
        if bits & HAS_NAME != 0 {
            names.push(OwnedName::read(is_user, id, input)?);
        }
        Ok(Self {
            is_user,
            id,
            permissions: permissions(bits >> 2)?,
        })
    }

    /// Writes it, with the name that the id is called by, if it goes here.
    fn write(self, call: &mut CallName<'_>, to: &mut impl Encode) {
        let (kind, id) = match self.is_user {
            true => (IS_USER, Id::User(self.id)),
            false => (0, Id::Group(self.id)),
        };
        let bits = i32::from(self.permissions) << 2 | kind;
        to.varint(self.id.cast_signed());
        match call(id).filter(|name| name.len() <= 255) {
            Some(name) => {
                to.varint(bits | HAS_NAME);
                to.byte(name.len() as u8);
                to.bytes(&name);
            }
            None => to.varint(bits),
        }
    }
}

fn permissions(value: i32) -> Result<u8, Stop> {
    u8::try_from(value)
        .ok()
        .filter(|&permissions| permissions <= 7)
        .ok_or_else(|| Violation::AclAccess(value).into())
}

/// The distinct ACLs of a kind that were sent, numbered as they came.
#[derive(Clone, Debug, Default)]
pub struct AclWriter(HashMap<Acl, i32>);

impl AclWriter {
    /// Writes an ACL: its number if it has come before, else all of it; `call` gives the name of an id that is to go with it.
    pub fn write(&mut self, acl: Acl, call: &mut CallName<'_>, to: &mut impl Encode) {
        if let Some(&number) = self.0.get(&acl) {
            to.varint(number);
            return;
        }
        to.varint(0);
        acl.write(call, to);
        let number = i32::try_from(self.0.len() + 1).expect("a list holds fewer");
        self.0.insert(acl, number);
    }
}

#[cfg(test)]
mod tests {
    use super::{Acl, AclWriter, Cached, Grant};
    use crate::rsync::proto::{Input, Stop};

    /// As rsync 3.5.0 sends a file of mode 674 with `u:4242:rwx`, `g::r`, `g:77:rx` and a mask of rwx.
    const CAPTURED: &[u8] = &[0, 0x12, 4, 2, 0x90, 0x92, 0x1e, 0x4d, 0x14];

    fn there() -> Acl {
        let grant = |is_user, id, permissions| Grant {
            is_user,
            id,
            permissions,
        };
        Acl {
            user: Some(6),
            group: Some(4),
            mask: Some(7),
            other: Some(4),
            named: vec![grant(true, 4242, 7), grant(false, 77, 5)],
        }
    }

    #[test]
    fn a_captured_acl_is_read_and_written() {
        let Ok(Cached::New(read)) = Acl::read(&mut Input::new(CAPTURED), 0, Some(0o674), &mut Vec::new())
        else {
            panic!("an ACL");
        };
        assert_eq!(read.whole(0o674), there());
        let (mut writer, mut written) = (AclWriter::default(), Vec::new());
        for _ in 0..2 {
            writer.write(there().condensed(0o674), &mut |_| None, &mut written);
        }
        writer.write(Acl::default(), &mut |_| None, &mut written);
        assert_eq!(written, [CAPTURED, &[1, 0, 0]].concat());
        for cut in 0..CAPTURED.len() {
            let cut = Acl::read(&mut Input::new(&CAPTURED[..cut]), 0, None, &mut Vec::new());
            assert_eq!(cut, Err(Stop::Short));
        }
        assert_eq!(
            Acl::read(&mut Input::new(&[2]), 2, None, &mut Vec::new()),
            Ok(Cached::Known(1))
        );
    }

    #[test]
    fn what_no_acl_has_is_refused() {
        for bytes in [
            &[3][..],
            &[0, 1, 8],
            &[0, 0x10, 1, 5, 0x20],
            &[0, 0x10, 0xc1, 1, 0],
        ] {
            let read = Acl::read(&mut Input::new(bytes), 2, None, &mut Vec::new());
            assert!(matches!(read, Err(Stop::Broken(_))), "{bytes:?}: {read:?}");
        }
    }
}
