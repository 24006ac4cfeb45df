use crate::rsync::proto::{
    Encode,
    file_list::{Acl, AclWriter, Entry, Extra, Fields, FileKind, Id, XattrWriter},
};

/// Gives the name of a user or a group that is to go with its id, if it is.
pub type CallName<'c> = dyn FnMut(Id) -> Option<Vec<u8>> + 'c;

/// Writes what stands behind an entry: ACLs and extended attributes, by number if they have come before (`send_acl` and
/// `send_xattr`).
#[derive(Clone, Debug, Default)]
pub(super) struct ExtendedWriter {
    acls: AclWriter,
    default_acls: AclWriter,
    xattrs: XattrWriter,
}

impl ExtendedWriter {
    pub(super) fn write(
        &mut self,
        fields: &Fields,
        entry: &Entry,
        extra: &Extra,
        call: &mut CallName<'_>,
        to: &mut impl Encode,
    ) {
        let mut silent = |_| None;
        // Names stand behind a list that is the only one.
        let call = if fields.inline_names { call } else { &mut silent };
        let whole = |acl: &Option<_>| acl.as_deref().cloned().unwrap_or(Acl::NONE);
        if fields.acls && entry.kind() != FileKind::Symlink {
            let acl = whole(&extra.acl).condensed(entry.mode);
            self.acls.write(acl, call, to);
            if entry.is_directory() {
                self.default_acls.write(whole(&extra.default_acl), call, to);
            }
        }
        if fields.xattrs {
            let attributes = extra.xattrs.as_ref();
            let attributes = attributes.map_or(&[][..], |(_, attributes)| attributes);
            self.xattrs.write(attributes, to);
        }
    }
}
