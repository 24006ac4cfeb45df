//! What a folder has as long as something is made in it.

use crate::rsync::{
    proto::{ItemFlags, file_list::Entry},
    transfer::generator::Generator,
    tree::{Attributes, Extended, Status, Unset},
};

impl Generator<'_> {
    /// Opens up a folder that was made.
    pub(super) fn open_up_new(&mut self, entry: &Entry) {
        let Ok(Some(made)) = self.status(entry) else {
            return;
        };
        let name = self.keep.place(&self.list, entry);
        let Some(tree) = &mut self.tree else { return };
        let new = self.keep.new_permissions(entry, tree, &name) | made.mode & 0o2000;
        let permissions = (!self.options.permissions).then_some(new);
        self.open_up(entry, &made, ItemFlags::OWNER | ItemFlags::GROUP, permissions);
    }

    /// Gives a folder its owner, its permissions, which a new one has from here, and its ACLs, so that what is made in it is
    /// not open to others before the end; its owner may write to it until then.
    pub(super) fn open_up(&mut self, entry: &Entry, now: &Status, flags: u16, new: Option<u32>) {
        const WHOSE: u16 = ItemFlags::PERMISSIONS | ItemFlags::OWNER | ItemFlags::GROUP | ItemFlags::ACL;
        let attributes = self.keep.changes(&self.list, entry, now);
        let before = now.mode & 0o7777;
        let own = new.or(attributes.permissions).unwrap_or(before);
        let lent = own | self.owner_needs();
        if self.options.dry_run {
            return self.say_unset(entry, &attributes.impossible(now));
        }
        if !ItemFlags(flags).has(WHOSE) && lent == before {
            return;
        }
        let attributes = Attributes {
            permissions: Some(lent),
            uid: attributes.uid,
            gid: attributes.gid,
            extended: Extended {
                xattrs: None,
                ..self.keep.extended(&self.list, entry)
            },
            ..Attributes::default()
        };
        let name = self.keep.place(&self.list, entry).into_owned();
        let Some(tree) = &mut self.tree else { return };
        let mut unset = tree.apply(&name, &attributes, now);
        if unset.iter().any(Unset::is_of_owners) {
            self.unowned.insert(name.clone());
        }
        if lent != own && !self.options.permissions {
            self.opened.insert(name, own);
            // It gets its own back at the end.
            unset = unset.into_iter().map(Unset::of_lent).collect();
        }
        self.say_unset(entry, &unset);
    }

    /// What the owner of a folder may do to it as long as something is made in it.
    pub(super) const fn owner_needs(&self) -> u32 {
        if self.keep.identity.is_root { 0 } else { 0o700 }
    }
}
