//! ACLs and extended attributes of a transfer: what is other than at the sender, which long values must be asked for, and
//! what is to be set.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    io,
};

use crate::rsync::{
    proto::{
        Index, ItemFlags, Record, Violation,
        file_list::{Acl, Entry, FileKind, FileList, Xattr, XattrValue, write_wanted},
    },
    transfer::{generator::Generator, keep::Keep, queue::Pending, text::shown},
    tree::{Attributes, Extended, Handle, Status, Wanted, is_private},
};

/// A long value: the set of attributes that it belongs to, and its number there. Files may share a set, and a sender gives
/// a value of it once.
pub(crate) type ValueKey = (u32, i32);

/// The long values that the sender gave.
pub(crate) type Values = HashMap<ValueKey, Vec<u8>>;

/// What of a file is other than at the sender.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// As it is reported.
    pub(crate) flags: u16,
    /// The numbers of the values that must be asked for.
    pub(crate) wanted: Vec<i32>,
    /// Whether a long value is other, which only the receiver can set.
    pub(crate) is_long: bool,
}

/// The long value of a file that has this number.
///
/// # Errors
///
/// There is none.
pub(crate) fn long_value(list: &FileList, entry: &Entry, number: i32) -> Result<ValueKey, Violation> {
    let is_long =
        |attribute: &Xattr| attribute.number == number && matches!(attribute.value, XattrValue::Digest(..));
    match list.xattr_set(entry) {
        Some(set) if list.xattrs(entry).iter().any(is_long) => Ok((set, number)),
        _ => Err(Violation::XattrNumber {
            number,
            name: shown(list.name(entry)),
        }),
    }
}

/// The name of an attribute, and its value.
type Named = (Vec<u8>, Vec<u8>);

const NAMES_FAILED: &str = "get_xattr_names: llistxattr({},1024)";

/// The attributes of something that are kept, with their values, of those names that are chosen.
///
/// # Errors
///
/// The call that failed, with the place in `{}`.
pub(super) fn read_attributes(
    there: &Handle<'_>,
    is_chosen: impl Fn(&[u8]) -> bool,
) -> Result<Vec<Named>, (String, io::Error)> {
    let names = there.names(is_chosen);
    let names = names.map_err(|error| (NAMES_FAILED.to_owned(), error))?;
    let mut attributes = Vec::new();
    for name in names {
        match there.get(&name) {
            Ok(Some(value)) => attributes.push((name, value)),
            // It is gone meanwhile.
            Ok(None) => {}
            Err(error) => {
                let call = format!("get_xattr_data: lgetxattr({{}},\"{}\",0)", shown(&name));
                return Err((call, error));
            }
        }
    }
    Ok(attributes)
}

/// The value that something has of an attribute whose digest is known, if it is the sender's and a long one.
pub(super) fn long_value_of(name: &[u8], attribute: &Xattr, there: &Handle<'_>) -> Option<Vec<u8>> {
    let value = match attribute.value {
        XattrValue::Digest(..) => there.get(name).ok().flatten(),
        XattrValue::Whole(_) => None,
    };
    value.filter(|value| XattrValue::listed(value) == attribute.value)
}

impl Keep<'_> {
    /// Compares with what is there; with nothing, if it is new (`xattr_diff` in xattrs.c). What was asked for already is not
    /// wanted once more.
    ///
    /// # Errors
    ///
    /// The call that failed, with the place in `{}`.
    pub(crate) fn extended_difference(
        &self,
        list: &FileList,
        entry: &Entry,
        there: Option<(&Handle<'_>, u32)>,
        asked: &HashSet<ValueKey>,
    ) -> Result<Difference, (String, io::Error)> {
        let mut difference = Difference::default();
        if self.options.acls
            && entry.kind() != FileKind::Symlink
            && let Some((there, mode)) = there
        {
            let nothing = Acl::default();
            let acl = list.acl(entry).unwrap_or(&nothing);
            let default_acl = list.default_acl(entry).unwrap_or(&nothing);
            let is_same = || {
                Ok(there.acl(mode)?.is_like(acl, entry.mode)
                    && (!entry.is_directory() || there.default_acl()? == *default_acl))
            };
            let is_same = is_same().map_err(|error| ("get_acl: sys_acl_get_file({})".to_owned(), error))?;
            difference.flags |= if is_same { 0 } else { ItemFlags::ACL };
        }
        if !self.options.xattrs {
            return Ok(difference);
        }
        let chosen = self.identity.chosen();
        let present = match there {
            Some((there, _)) => read_attributes(there, |name| chosen.takes(name))?,
            None => Vec::new(),
        };
        let mut count = 0;
        let mut is_other = false;
        for (name, attribute) in self.kept(list, entry) {
            count += 1;
            let value = present.iter().find(|(present, _)| **present == *name);
            if value.is_some_and(|(_, value)| XattrValue::listed(value) == attribute.value) {
                continue;
            }
            is_other = true;
            if let (XattrValue::Digest(..), Some(set)) = (&attribute.value, list.xattr_set(entry)) {
                difference.is_long = true;
                if !asked.contains(&(set, attribute.number)) {
                    difference.wanted.push(attribute.number);
                }
            }
        }
        if is_other || count != present.len() {
            difference.flags |= ItemFlags::XATTR;
        }
        Ok(difference)
    }

    /// The attributes of the sender's that are kept here, and their names: where rules choose, those that only root can set
    /// become the user's.
    pub(super) fn kept<'l>(
        &self,
        list: &'l FileList,
        entry: &Entry,
    ) -> impl Iterator<Item = (Cow<'l, [u8]>, &'l Xattr)> {
        let (is_root, takes_private) = (self.identity.is_root, self.options.private_xattrs);
        let chosen = self.identity.chosen();
        list.xattrs(entry).iter().filter_map(move |attribute| {
            let name = &*attribute.name;
            if !chosen.takes(name) {
                return None;
            }
            let name = match is_root || name.starts_with(b"user.") {
                true => Cow::Borrowed(name),
                false => Cow::Owned([b"user.rsync.", name].concat()),
            };
            (takes_private || !is_private(&name)).then_some((name, attribute))
        })
    }

    /// What is to be set of something that stays: long values are right, or come later.
    pub(crate) fn extended<'l>(&self, list: &'l FileList, entry: &Entry) -> Extended<'l> {
        self.extended_like(list, entry, None)
    }

    /// The same of a copy of something: long values are those that it has, or come later.
    pub(crate) fn extended_like<'l>(
        &self,
        list: &'l FileList,
        entry: &Entry,
        there: Option<&Handle<'_>>,
    ) -> Extended<'l> {
        let xattrs = self.kept(list, entry).map(|(name, attribute)| {
            let value = match &attribute.value {
                XattrValue::Whole(value) => Some(value.to_vec()),
                XattrValue::Digest(..) => there.and_then(|there| long_value_of(&name, attribute, there)),
            };
            (name, value)
        });
        self.wanted(list, entry, xattrs.collect())
    }

    /// What is to be set of something that is made anew, or whose long values have come: those are the sender's, or those
    /// of what is at one of these places now.
    ///
    /// # Errors
    ///
    /// The name of a value that is neither here nor there.
    pub(crate) fn whole_extended<'l>(
        &self,
        list: &'l FileList,
        entry: &Entry,
        values: &Values,
        places: &[Handle<'_>],
    ) -> Result<Extended<'l>, &'l [u8]> {
        let mut xattrs = Vec::new();
        for (name, attribute) in self.kept(list, entry) {
            let value = match &attribute.value {
                XattrValue::Whole(value) => value.to_vec(),
                XattrValue::Digest(..) => {
                    let given = list
                        .xattr_set(entry)
                        .and_then(|set| values.get(&(set, attribute.number)));
                    let found = || {
                        places
                            .iter()
                            .find_map(|there| long_value_of(&name, attribute, there))
                    };
                    given.cloned().or_else(found).ok_or(&*attribute.name)?
                }
            };
            xattrs.push((name, Some(value)));
        }
        Ok(self.wanted(list, entry, xattrs))
    }

    fn wanted<'l>(&self, list: &'l FileList, entry: &Entry, xattrs: Vec<Wanted<'l>>) -> Extended<'l> {
        const NOTHING: &Acl = &Acl::NONE;
        let acls = self.options.acls && entry.kind() != FileKind::Symlink;
        Extended {
            xattrs: self.options.xattrs.then_some(xattrs),
            acl: acls.then(|| list.acl(entry).unwrap_or(NOTHING)),
            default_acl: (acls && entry.is_directory()).then(|| list.default_acl(entry).unwrap_or(NOTHING)),
            chosen: self.identity.chosen(),
        }
    }
}

impl Generator<'_> {
    /// How ACLs and extended attributes are other than at the sender. Where they cannot be read, that is told, and they
    /// count as if there were none.
    pub(super) fn extended(&mut self, entry: &Entry, now: Option<&Status>) -> Difference {
        if !self.options.acls && !self.options.xattrs {
            return Difference::default();
        }
        let name = self.keep.place(&self.list, entry);
        let there = match (now, &mut self.tree) {
            (Some(now), Some(tree)) => Some((tree.handle(&name), now.mode)),
            _ => None,
        };
        self.compared(entry, there)
    }

    /// The same for something that may stand elsewhere, with its mode.
    pub(super) fn compared(
        &self,
        entry: &Entry,
        there: Option<(io::Result<Handle<'static>>, u32)>,
    ) -> Difference {
        let compare = |there: Option<(&Handle<'_>, u32)>| {
            self.keep
                .extended_difference(&self.list, entry, there, &self.asked)
        };
        let compared = match there {
            Some((Ok(there), mode)) => compare(Some((&there, mode))),
            Some((Err(error), _)) => Err((NAMES_FAILED.to_owned(), error)),
            None => compare(None),
        };
        compared.unwrap_or_else(|(call, error)| {
            self.fail(self.failure(&format!("{call} failed"), entry, &error));
            compare(None).unwrap_or_default()
        })
    }

    /// Asks for long values of extended attributes, behind the record of something.
    pub(super) fn want(&mut self, entry: &Entry, wanted: &[i32]) {
        write_wanted(wanted, self.outgoing.buffer());
        if let Some(set) = self.list.xattr_set(entry) {
            self.asked.extend(wanted.iter().map(|&number| (set, number)));
        }
    }

    /// Sets a modification time that is near enough to the nanosecond where an extended attribute is set too
    /// (`rsync_xal_set` in xattrs.c).
    pub(super) fn renew_time(&mut self, entry: &Entry, now: &Status, flags: u16) {
        let wanted = (entry.mtime, entry.nanoseconds);
        let is_renewed = ItemFlags(flags).has(ItemFlags::XATTR)
            && self.keep.keeps_time(entry)
            && (now.mtime, now.nanoseconds) != wanted;
        if !is_renewed || self.options.dry_run {
            return;
        }
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let Some(tree) = &mut self.tree else { return };
        let attributes = Attributes {
            mtime: Some(wanted),
            ..Attributes::default()
        };
        let unset = tree.apply(&name, &attributes, now);
        self.say_unset(entry, &unset);
    }

    /// Reports what is done without the sender's data, and asks for long values of extended attributes.
    pub(super) fn tell(&mut self, number: u32, entry: &Entry, flags: u16, other: &Difference) {
        let flags = ItemFlags(flags);
        if !other.is_long || self.options.dry_run {
            return self.queue.push(Pending::Local(number, flags));
        }
        if !other.wanted.is_empty() {
            self.indices.write(Index::File(number), self.outgoing.buffer());
            let record = Record {
                flags,
                ..Record::default()
            };
            record.write(self.outgoing.buffer());
            self.want(entry, &other.wanted);
        }
        self.queue.push(Pending::Values(number, flags));
    }
}
