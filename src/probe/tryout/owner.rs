use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
};

use crate::{
    host::{Host, Metadata},
    model::{Configuration, Parameter, Scope},
};

/// Who a daemon of root's becomes before it speaks to anybody (`daemon uid`, `daemon gid`).
#[derive(Clone, Copy)]
pub(super) struct Owner {
    uid: u32,
    /// Root's own, unless another is set.
    gid: u32,
}

impl Owner {
    /// None if it stays root; nor can it become another if it is not root.
    pub(super) fn of(configuration: &Configuration, host: &dyn Host, is_root: bool) -> Option<Self> {
        let word = |parameter| str::from_utf8(configuration.text(Scope::Global, parameter).value).ok();
        let uid = word(Parameter::DaemonUid).filter(|name| is_root && !name.is_empty())?;
        let uid = uid.parse().ok().or_else(|| Some(host.user(uid).ok()??.uid))?;
        let gid = word(Parameter::DaemonGid).filter(|name| !name.is_empty());
        let gid = gid.and_then(|gid| gid.parse().ok().or_else(|| host.group(gid).ok()?));
        Some(Self {
            uid,
            gid: gid.unwrap_or_default(),
        })
    }

    /// Whether it may read a file, by its mode.
    pub(super) fn may_read(self, file: Metadata) -> bool {
        let class = match file {
            _ if self.uid == 0 => return true,
            Metadata { uid, .. } if uid == self.uid => 0o400,
            Metadata { gid, .. } if gid == self.gid => 0o040,
            _ => 0o004,
        };
        file.mode & class != 0
    }

    /// Makes files of the trial's folder that it may write.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn prepare(self, folder: &Path, names: &[String]) -> io::Result<()> {
        fs::set_permissions(folder, Permissions::from_mode(0o711))?;
        for name in names {
            let file = folder.join(name);
            File::create_new(&file)?.set_permissions(Permissions::from_mode(0o600))?;
            chown(file, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }
}
