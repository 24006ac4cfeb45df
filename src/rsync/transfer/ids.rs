use std::collections::{BTreeSet, HashMap};

use nix::unistd::{Gid, Group, Uid, User};

use crate::rsync::{
    proto::file_list::{FileList, Named},
    transfer::owners::Owners,
};

/// Which of our ids a name of the sender's has; ids without a name here stay as they are.
#[derive(Debug, Default)]
pub(crate) struct LocalIds {
    users: HashMap<u32, u32>,
    groups: HashMap<u32, u32>,
    owners: Owners,
}

impl LocalIds {
    /// Nothing is known but whom files are given to.
    pub(crate) fn new(owners: Owners) -> Self {
        Self {
            owners,
            ..Self::default()
        }
    }

    /// A user of the sender's here.
    pub(crate) fn user(&self, uid: u32) -> u32 {
        let known = self.users.get(&uid).copied();
        known.or_else(|| self.owners.user(uid, b"")).unwrap_or(uid)
    }

    /// A group of the sender's here.
    pub(crate) fn group(&self, gid: u32) -> u32 {
        let known = self.groups.get(&gid).copied();
        known.or_else(|| self.owners.group(gid, b"")).unwrap_or(gid)
    }

    /// Notes what an id is called at the sender.
    pub(crate) fn learn(&mut self, named: &Named<'_>) {
        match *named {
            Named::User(id, name) => {
                let here = || User::from_name(std::str::from_utf8(name).ok()?).ok().flatten();
                let mapped = self.owners.user(id, name);
                // That of root stays.
                let user = mapped.or_else(|| here().filter(|_| id != 0).map(|user| user.uid.as_raw()));
                // What has a name is not looked for again without one.
                self.users.insert(id, user.unwrap_or(id));
            }
            Named::Group(id, name) => {
                let here = || Group::from_name(std::str::from_utf8(name).ok()?).ok().flatten();
                let mapped = self.owners.group(id, name);
                let group = mapped.or_else(|| here().filter(|_| id != 0).map(|group| group.gid.as_raw()));
                self.groups.insert(id, group.unwrap_or(id));
            }
        }
    }
}

/// The names of those who own the files of a list, or whom ACLs name, without root's.
#[derive(Default)]
pub(crate) struct OwnerNames {
    pub(crate) users: Vec<(u32, Vec<u8>)>,
    pub(crate) groups: Vec<(u32, Vec<u8>)>,
}

impl OwnerNames {
    pub(crate) fn of(list: &FileList) -> Self {
        let named = |ids: BTreeSet<u32>, name: fn(u32) -> Option<String>| {
            let ids = ids.into_iter().filter(|&id| id != 0);
            ids.filter_map(|id| Some((id, name(id)?.into_bytes()))).collect()
        };
        let entries = || list.entries().iter();
        let granted = |is_user: bool| {
            let acls = entries().flat_map(|entry| [list.acl(entry), list.default_acl(entry)]);
            let grants = acls.flatten().flat_map(|acl| &acl.named);
            let grants = grants.filter(move |grant| grant.is_user == is_user);
            grants.map(|grant| grant.id)
        };
        Self {
            users: named(
                entries().map(|entry| entry.uid).chain(granted(true)).collect(),
                user_name,
            ),
            groups: named(
                entries().map(|entry| entry.gid).chain(granted(false)).collect(),
                group_name,
            ),
        }
    }
}

/// The name of a user here.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    Some(User::from_uid(Uid::from_raw(uid)).ok()??.name)
}

/// The name of a group here.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    Some(Group::from_gid(Gid::from_raw(gid)).ok()??.name)
}

#[cfg(test)]
mod tests {
    use super::LocalIds;
    use crate::rsync::{
        proto::file_list::Named,
        transfer::{Options, owners::Owners},
    };

    #[test]
    fn an_empty_name_is_that_of_ids_without_one() {
        let mut options = Options::default();
        options.receiving.user_map = Some(":1".to_owned());
        options.receiving.group_map = Some(":2".to_owned());
        let (owners, _) = Owners::new(&options).expect("a map");
        let mut ids = LocalIds::new(owners);
        for id in [0, 12_345] {
            ids.learn(&Named::User(id, b"nobody-here-has-this-name"));
            ids.learn(&Named::Group(id, b"nobody-here-has-this-name"));
        }
        assert_eq!([0, 12_345, 12_346].map(|id| ids.user(id)), [0, 12_345, 1]);
        assert_eq!([0, 12_345, 12_346].map(|id| ids.group(id)), [0, 12_345, 2]);
    }
}
