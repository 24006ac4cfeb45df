use std::{collections::HashMap, path::Path};

use crate::{
    host::{ACCESS_LIST, AccessList, Fact, Host, Metadata},
    lint::subject::{ConfigurationSubject, ModuleSubject},
    model::{Parameter, Scope, has_variable},
    syntax::Text,
};

/// The users and groups of a machine, each asked for once.
pub(crate) struct Accounts<'a> {
    host: &'a dyn Host,
    users: HashMap<Vec<u8>, Fact<Option<u32>>>,
    groups: HashMap<Vec<u8>, Fact<Option<u32>>>,
}

/// As whom a module reads and writes.
#[derive(Debug)]
pub(crate) struct Account {
    /// The user's number.
    pub(crate) uid: u32,
    /// Its groups; `None` if they are whatever the system gives that user.
    pub(crate) groups: Option<Vec<u32>>,
}

impl<'a> Accounts<'a> {
    pub(crate) fn new(host: &'a dyn Host) -> Self {
        Self {
            host,
            users: HashMap::new(),
            groups: HashMap::new(),
        }
    }

    /// The number of a user's name, or the number itself (`user_to_uid` in uidlist.c).
    pub(super) fn uid(&mut self, word: &[u8]) -> Fact<Option<u32>> {
        if let Some(number) = number(word) {
            return Ok(Some(number));
        }
        let host = self.host;
        let known = self.users.entry(word.to_vec());
        known
            .or_insert_with(|| {
                let user = host.user(&String::from_utf8_lossy(word))?;
                Ok(user.map(|user| user.uid))
            })
            .clone()
    }

    /// The number of a group's name, or the number itself (`group_to_gid` in uidlist.c).
    pub(crate) fn gid(&mut self, word: &[u8]) -> Fact<Option<u32>> {
        if let Some(number) = number(word) {
            return Ok(Some(number));
        }
        let host = self.host;
        let known = self.groups.entry(word.to_vec());
        known
            .or_insert_with(|| host.group(&String::from_utf8_lossy(word)))
            .clone()
    }

    /// The number of the user that the daemon is when it meets a module: who started it, or `daemon uid`. `None` if
    /// that user is not known.
    pub(crate) fn daemon(&mut self, subject: &ConfigurationSubject<'_>) -> Fact<Option<u32>> {
        let word = subject
            .configuration
            .text(Scope::Global, Parameter::DaemonUid)
            .value;
        if word.is_empty() || subject.circumstances.daemon_uid != 0 {
            return Ok(Some(subject.circumstances.daemon_uid));
        }
        if has_variable(word) || has_daemon_chroot(subject) {
            return Ok(None);
        }
        self.uid(word)
    }

    /// As whom a module reads and writes (`rsync_module` in clientserver.c). `None` if a name is unknown or a
    /// variable: then nobody gets that far, or nobody can tell.
    pub(crate) fn of_module(
        &mut self,
        subject: &ConfigurationSubject<'_>,
        module: &ModuleSubject<'_>,
    ) -> Fact<Option<Account>> {
        let Some(daemon) = self.daemon(subject)? else {
            return Ok(None);
        };
        if daemon != 0 {
            let account = Account {
                uid: daemon,
                groups: None,
            };
            return Ok(Some(account));
        }
        let user = module.text(Parameter::Uid).value;
        let user = if user.is_empty() { b"nobody" } else { user };
        if has_variable(user) || has_daemon_chroot(subject) {
            return Ok(None);
        }
        let Some(uid) = self.uid(user)? else {
            return Ok(None);
        };
        let groups = module.text(Parameter::Gid).origin.setting();
        let words = groups.map_or_else(Vec::new, |setting| group_words(&setting.text));
        let mut known = Vec::new();
        for word in &words {
            if *word == b"*" || has_variable(word) {
                return Ok(Some(Account { uid, groups: None }));
            }
            let Some(gid) = self.gid(word)? else {
                return Ok(None);
            };
            known.push(gid);
        }
        if words.is_empty() {
            // The group without members is called one or the other when rsync is built.
            let fallback = match self.gid(b"nogroup")? {
                Some(gid) => Some(gid),
                None => self.gid(b"nobody")?,
            };
            let Some(gid) = fallback else {
                return Ok(None);
            };
            known.push(gid);
        }
        let groups = Some(known);
        Ok(Some(Account { uid, groups }))
    }
}

impl Account {
    /// Somebody who has logged in, with whatever groups the system gives.
    pub(crate) fn of_login(uid: u32) -> Self {
        Self { uid, groups: None }
    }

    /// Whether it lacks one of the rights `wanted` to what is at a path: by its access list if it has one, else by its bits.
    pub(in crate::lint::checks) fn may_not(
        &self,
        host: &dyn Host,
        path: &Path,
        metadata: &Metadata,
        wanted: u32,
    ) -> bool {
        let list = host.attribute(path, ACCESS_LIST).ok().flatten();
        match list.as_deref().and_then(AccessList::read) {
            _ if self.uid == 0 => false,
            Some(list) => match &self.groups {
                Some(groups) => list.is_denied(self.uid, groups, metadata, wanted),
                // A line for a group may let it in.
                None => self.is_denied(metadata, wanted) && list.is_denied(self.uid, &[], metadata, wanted),
            },
            None => self.is_denied(metadata, wanted),
        }
    }

    /// Whether the permission bits withhold one of the rights `wanted` (4 read, 2 write, 1 enter). Where it is not
    /// known whether the account is in the group, both the group and the others must be without it.
    pub(crate) fn is_denied(&self, metadata: &Metadata, wanted: u32) -> bool {
        let lacks = |shift: u32| (metadata.mode >> shift) & wanted != wanted;
        if self.uid == 0 {
            return false;
        }
        if self.uid == metadata.uid {
            return lacks(6);
        }
        match &self.groups {
            Some(groups) if groups.contains(&metadata.gid) => lacks(3),
            Some(_) => lacks(0),
            None => lacks(3) && lacks(0),
        }
    }
}

/// Whether names of users and groups are looked up behind `daemon chroot`, where other files count.
pub(super) fn has_daemon_chroot(subject: &ConfigurationSubject<'_>) -> bool {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    !chroot.is_empty()
}

/// The words of a `gid` list.
pub(super) fn group_words(text: &Text) -> Vec<&[u8]> {
    text.conf_tokens().into_iter().map(|token| token.bytes).collect()
}

/// A word that is a number from its first to its last letter.
fn number(word: &[u8]) -> Option<u32> {
    let is_number = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(word).ok().filter(|_| is_number)?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::EntryKind;

    #[test]
    fn one_class_of_bits_decides() {
        let folder = |mode, uid, gid| Metadata {
            kind: EntryKind::Directory,
            mode,
            uid,
            gid,
            size: 0,
            device: 0,
            inode: 0,
        };
        let account = |groups| Account { uid: 7, groups };
        let known = account(Some(vec![8]));
        assert!(
            known.is_denied(&folder(0o077, 7, 0), 5),
            "the owner's bits count for the owner"
        );
        assert!(
            known.is_denied(&folder(0o707, 0, 8), 5),
            "the group's bits count for a member"
        );
        assert!(!known.is_denied(&folder(0o705, 0, 0), 5));
        let unknown = account(None);
        assert!(
            !unknown.is_denied(&folder(0o750, 0, 8), 5),
            "it may be in the group"
        );
        assert!(unknown.is_denied(&folder(0o700, 0, 8), 5));
        assert!(!Account { uid: 0, groups: None }.is_denied(&folder(0, 7, 8), 7));
    }
}
