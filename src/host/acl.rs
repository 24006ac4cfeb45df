use crate::host::{Metadata, trial::Identity};

/// The attribute that holds it.
pub const ACCESS_LIST: &str = "system.posix_acl_access";

/// An access list of a file: what users and groups may do beside what the mode says (acl(5)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccessList(Vec<Entry>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Entry {
    tag: u16,
    rights: u32,
    id: u32,
}

const OWNER: u16 = 0x01;
const USER: u16 = 0x02;
const OWNING_GROUP: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHERS: u16 = 0x20;

impl AccessList {
    /// Reads the attribute; none if it is no access list of version 2 (posix_acl_xattr.h of the kernel).
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let entries = bytes.strip_prefix(&2_u32.to_le_bytes())?;
        let entries = entries.as_chunks::<8>();
        let read = |&[a, b, c, d, e, f, g, h]: &[u8; 8]| Entry {
            tag: u16::from_le_bytes([a, b]),
            rights: u32::from(u16::from_le_bytes([c, d])),
            id: u32::from_le_bytes([e, f, g, h]),
        };
        entries
            .1
            .is_empty()
            .then(|| Self(entries.0.iter().map(read).collect()))
    }

    /// Whether it withholds one of the rights `wanted` (4 read, 2 write, 1 enter) from a user whose groups are known, or
    /// in no group at all if they are not.
    pub fn is_denied(&self, uid: u32, groups: &[u32], metadata: &Metadata, wanted: u32) -> bool {
        let of = |tag| self.0.iter().filter(move |entry| entry.tag == tag);
        let mask = of(MASK).next().map_or(7, |entry| entry.rights);
        let lacks = |rights: u32| rights & wanted != wanted;
        if uid == metadata.uid {
            return of(OWNER).next().is_none_or(|entry| lacks(entry.rights));
        }
        if let Some(own) = of(USER).find(|entry| entry.id == uid) {
            return lacks(own.rights & mask);
        }
        let owning = of(OWNING_GROUP).filter(|_| groups.contains(&metadata.gid));
        let named = of(GROUP).filter(|entry| groups.contains(&entry.id));
        let mut of_groups = owning.chain(named).peekable();
        if of_groups.peek().is_some() {
            return of_groups.all(|entry| lacks(entry.rights & mask));
        }
        of(OTHERS).next().is_none_or(|entry| lacks(entry.rights))
    }

    /// Whether it has a line of its own for a user.
    pub fn names(&self, uid: u32) -> bool {
        self.0.iter().any(|entry| entry.tag == USER && entry.id == uid)
    }

    /// Its lines about users and groups that the mode does not show, as `getfacl -n` writes them.
    pub fn shown(&self) -> String {
        let lines = self.0.iter().filter_map(|entry| {
            let kind = match entry.tag {
                USER => "user",
                GROUP => "group",
                MASK => return Some(format!("mask::{}", letters(entry.rights))),
                _ => return None,
            };
            Some(format!("{kind}:{}:{}", entry.id, letters(entry.rights)))
        });
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// Whether the mode, or the access list if there is one, withholds a right from somebody.
pub fn is_denied(identity: &Identity, metadata: &Metadata, list: Option<&AccessList>, wanted: u32) -> bool {
    let lacks = |shift: u32| (metadata.mode >> shift) & wanted != wanted;
    match list {
        _ if identity.uid == 0 => false,
        Some(list) => list.is_denied(identity.uid, &identity.groups, metadata, wanted),
        None if identity.uid == metadata.uid => lacks(6),
        None if identity.groups.contains(&metadata.gid) => lacks(3),
        None => lacks(0),
    }
}

fn letters(rights: u32) -> String {
    let letter = |bit, letter| if rights & bit == 0 { '-' } else { letter };
    [letter(4, 'r'), letter(2, 'w'), letter(1, 'x')].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::EntryKind;

    fn list(entries: &[(u16, u16, u32)]) -> AccessList {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, rights, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(rights.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        AccessList::read(&bytes).expect("an access list")
    }

    const NONE: u32 = u32::MAX;

    #[test]
    fn the_entry_that_fits_best_decides() {
        let folder = Metadata {
            kind: EntryKind::Directory,
            mode: 0o770,
            uid: 7,
            gid: 8,
            size: 0,
            device: 0,
            inode: 0,
        };
        let list = list(&[
            (OWNER, 7, NONE),
            (USER, 7, 20),
            (USER, 0, 21),
            (OWNING_GROUP, 0, NONE),
            (GROUP, 5, 30),
            (MASK, 5, NONE),
            (OTHERS, 0, NONE),
        ]);
        let denied = |uid, groups: &[u32], wanted| list.is_denied(uid, groups, &folder, wanted);
        assert!(!denied(7, &[], 7));
        assert!(
            !denied(20, &[], 5) && denied(20, &[], 2),
            "the mask takes writing"
        );
        assert!(
            denied(21, &[30], 1),
            "the user's own line counts before its groups"
        );
        assert!(!denied(22, &[8, 30], 5) && denied(22, &[8], 1));
        assert!(denied(22, &[], 1));
        assert!(list.names(21) && !list.names(22));
        assert_eq!(list.shown(), "user:20:rwx user:21:--- group:30:r-x mask::r-x");
        assert_eq!(AccessList::read(b"\x02\0\0\0\x01"), None);
        assert_eq!(AccessList::read(b""), None);
    }
}
