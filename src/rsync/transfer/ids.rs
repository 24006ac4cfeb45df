use std::collections::HashMap;

use nix::unistd::{Group, User};

use crate::rsync::proto::file_list::Named;

/// Which of our ids a name of the sender's has; ids without a name here stay as they are.
#[derive(Debug, Default)]
pub(crate) struct LocalIds {
    users: HashMap<u32, u32>,
    groups: HashMap<u32, u32>,
}

impl LocalIds {
    /// A user of the sender's here.
    pub(crate) fn user(&self, uid: u32) -> u32 {
        self.users.get(&uid).copied().unwrap_or(uid)
    }

    /// A group of the sender's here.
    pub(crate) fn group(&self, gid: u32) -> u32 {
        self.groups.get(&gid).copied().unwrap_or(gid)
    }

    /// Notes what an id is called at the sender.
    pub(crate) fn learn(&mut self, named: &Named<'_>) {
        match *named {
            Named::User(id, name) if id != 0 => {
                let name = std::str::from_utf8(name).ok();
                let user = name.and_then(|name| User::from_name(name).ok().flatten());
                self.users.extend(user.map(|user| (id, user.uid.as_raw())));
            }
            Named::Group(id, name) if id != 0 => {
                let name = std::str::from_utf8(name).ok();
                let group = name.and_then(|name| Group::from_name(name).ok().flatten());
                self.groups.extend(group.map(|group| (id, group.gid.as_raw())));
            }
            // That of root stays.
            _ => {}
        }
    }
}
