use std::{
    borrow::Cow,
    ffi::OsStr,
    fs::{self, File},
    io,
    marker::PhantomData,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            ffi::{OsStrExt as _, OsStringExt},
            fs::PermissionsExt as _,
        },
    },
    path::PathBuf,
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::AT_FDCWD,
    sys::stat::{FchmodatFlags, Mode, fchmodat},
};

use crate::rsync::{
    filter::{FilterList, Side, Verdict},
    proto::file_list::{Acl, Grant},
    tree::{Tree, Unset},
};

/// Something whose extended attributes and ACLs are read and set: an open file, or a name in a held folder, which may be
/// a symlink and is not followed.
#[derive(Debug)]
pub struct Handle<'f> {
    /// The kernel leads from here to what is held, whatever its path is now.
    path: PathBuf,
    /// Whether what a symlink there leads to is meant.
    follows: bool,
    _folder: Option<Arc<OwnedFd>>,
    _file: PhantomData<&'f File>,
}

/// The name of an extended attribute, and its value; without one, there is the right one already.
pub type Wanted<'a> = (Cow<'a, [u8]>, Option<Vec<u8>>);

/// Which extended attributes are kept at all (`rsync_xal_get` and `receive_xattr` in xattrs.c).
#[derive(Clone, Debug, Default)]
pub enum Chosen {
    /// Those of users.
    #[default]
    OfUsers,
    /// All but those of the system.
    All,
    /// Those that the rules with `x` leave, whatever their namespace.
    Unhidden(Arc<FilterList>),
}

impl Chosen {
    /// Whether an attribute is kept.
    pub fn takes(&self, name: &[u8]) -> bool {
        match self {
            Self::OfUsers => name.starts_with(b"user."),
            Self::All => !name.starts_with(b"system."),
            Self::Unhidden(rules) => rules.check_xattr(name, Side::Receiver) != Verdict::Excluded,
        }
    }
}

/// What else something at the destination is to have; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Extended<'a> {
    /// All attributes: others are removed.
    pub xattrs: Option<Vec<Wanted<'a>>>,
    /// The access ACL.
    pub acl: Option<&'a Acl>,
    /// The default ACL of a folder.
    pub default_acl: Option<&'a Acl>,
    /// Which attributes count.
    pub chosen: Chosen,
}

impl Extended<'_> {
    /// Whether there is anything to set.
    pub(super) const fn is_something(&self) -> bool {
        self.xattrs.is_some() || self.acl.is_some() || self.default_acl.is_some()
    }
}

/// The owner's right to write.
const OWNER_WRITES: u32 = 0o200;

const ACCESS: &[u8] = b"system.posix_acl_access";
const DEFAULT: &[u8] = b"system.posix_acl_default";

impl<'f> Handle<'f> {
    /// An open file.
    pub fn of_file(file: &'f File) -> Self {
        Self {
            path: PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
            follows: true,
            _folder: None,
            _file: PhantomData,
        }
    }

    /// A name in a folder.
    fn at(folder: Arc<OwnedFd>, base: &OsStr, follows: bool) -> Handle<'static> {
        let mut path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd()));
        path.push(base);
        Handle {
            path,
            follows,
            _folder: Some(folder),
            _file: PhantomData,
        }
    }

    /// The value of an attribute; none if it is not there, or the file system has none.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn get(&self, name: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let name = OsStr::from_bytes(name);
        let value = match self.follows {
            true => xattr::get_deref(&self.path, name),
            false => xattr::get(&self.path, name),
        };
        or_unsupported(value)
    }

    fn remove(&self, name: &[u8]) -> io::Result<()> {
        let name = OsStr::from_bytes(name);
        self.with_right(|| match self.follows {
            true => xattr::remove_deref(&self.path, name),
            false => xattr::remove(&self.path, name),
        })
    }

    /// The names of the attributes that are chosen, sorted.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn names(&self, is_chosen: impl Fn(&[u8]) -> bool) -> io::Result<Vec<Vec<u8>>> {
        let names = match self.follows {
            true => xattr::list_deref(&self.path),
            false => xattr::list(&self.path),
        };
        let names = or_unsupported(names.map(Some))?;
        let mut names: Vec<_> = names
            .into_iter()
            .flatten()
            .map(OsStringExt::into_vec)
            .filter(|name| is_chosen(name))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The attributes that are chosen, with their values, sorted by name.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn xattrs(&self, is_chosen: impl Fn(&[u8]) -> bool) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let mut attributes = Vec::new();
        for name in self.names(is_chosen)? {
            // It may be gone meanwhile.
            if let Some(value) = self.get(&name)? {
                attributes.push((name, value));
            }
        }
        Ok(attributes)
    }

    /// The access ACL of something with that mode, with all its entries.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn acl(&self, mode: u32) -> io::Result<Acl> {
        let acl = self.get(ACCESS)?.and_then(|bytes| of_kernel(&bytes));
        Ok(acl.unwrap_or_else(|| Acl::default().whole(mode)))
    }

    /// The default ACL of a folder; an empty one if it has none.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn default_acl(&self) -> io::Result<Acl> {
        let acl = self.get(DEFAULT)?.and_then(|bytes| of_kernel(&bytes));
        Ok(acl.unwrap_or_default())
    }

    /// Sets an attribute.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn set(&self, name: &[u8], value: &[u8]) -> io::Result<()> {
        let name = OsStr::from_bytes(name);
        self.with_right(|| match self.follows {
            true => xattr::set_deref(&self.path, name, value),
            false => xattr::set(&self.path, name, value),
        })
    }

    /// Sets something for which the owner of a file needs the right to write it, which they have meanwhile if they lack it
    /// (`set_xattr` in xattrs.c).
    fn with_right(&self, set: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let first = set();
        let is_refused = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        if !first.as_ref().is_err_and(is_refused) {
            return first;
        }
        let (found, flag) = match self.follows {
            true => (fs::metadata(&self.path), FchmodatFlags::FollowSymlink),
            false => (fs::symlink_metadata(&self.path), FchmodatFlags::NoFollowSymlink),
        };
        let Ok(found) = found else { return first };
        let permissions = found.permissions().mode() & 0o7777;
        let change =
            |permissions| fchmodat(AT_FDCWD, &self.path, Mode::from_bits_truncate(permissions), flag);
        if found.is_symlink()
            || permissions & OWNER_WRITES != 0
            || change(permissions | OWNER_WRITES).is_err()
        {
            return first;
        }
        let second = set();
        // Who could give the right can take it back.
        let _ = change(permissions);
        second
    }

    /// Sets an attribute unless it has that value.
    ///
    /// # Errors
    ///
    /// What the system says of the setting.
    pub fn renew(&self, name: &[u8], value: &[u8]) -> io::Result<()> {
        match self.get(name) {
            Ok(Some(now)) if now == value => Ok(()),
            _ => self.set(name, value),
        }
    }

    /// Sets what is to be there and is not; `mode` is the one that it gets, `now` the one that it has. What could
    /// not be set.
    pub(super) fn apply(&self, wanted: &Extended<'_>, mode: u32, now: u32) -> Vec<Unset> {
        let xattrs = wanted.xattrs.as_deref();
        let set = xattrs.map(|xattrs| self.apply_xattrs(xattrs, &wanted.chosen, now));
        let mut unset = set.unwrap_or_default();
        unset.extend(self.apply_acls(wanted, mode).err());
        unset
    }

    fn apply_xattrs(&self, wanted: &[Wanted<'_>], chosen: &Chosen, now: u32) -> Vec<Unset> {
        let present = match self.names(|name| chosen.takes(name)) {
            Ok(present) => present,
            Err(error) => return vec![Unset::Extended(error)],
        };
        let mut unset = Vec::new();
        for (name, value) in wanted {
            let Some(value) = value else { continue };
            let set = match present.iter().any(|present| **present == **name) {
                true => self.renew(name, value),
                false => self.set(name, value),
            };
            let failed = |error| Unset::attribute("setxattr", now, name, error);
            unset.extend(set.err().map(failed));
        }
        for name in present {
            if !wanted.iter().any(|(wanted, _)| **wanted == *name) {
                let failed = |error| Unset::attribute("removexattr", now, &name, error);
                unset.extend(self.remove(&name).err().map(failed));
            }
        }
        unset
    }

    fn apply_acls(&self, wanted: &Extended<'_>, mode: u32) -> Result<(), Unset> {
        if let Some(acl) = wanted.acl
            && !self.acl(mode).map_err(Unset::Extended)?.is_like(acl, mode)
        {
            let failed = |error| Unset::Acl("xacl_set({}, ACL_TYPE_ACCESS)", error);
            self.set_acl(ACCESS, (!acl.is_trivial()).then(|| acl.whole(mode)))
                .map_err(failed)?;
        }
        if let Some(acl) = wanted.default_acl
            && self.default_acl().map_err(Unset::Extended)? != *acl
        {
            let is_none = *acl == Acl::default();
            let call = match is_none {
                true => "sys_acl_delete_def_file({})",
                false => "xacl_set({}, ACL_TYPE_DEFAULT)",
            };
            self.set_acl(DEFAULT, (!is_none).then(|| acl.clone()))
                .map_err(|error| Unset::Acl(call, error))?;
        }
        Ok(())
    }

    fn set_acl(&self, name: &[u8], acl: Option<Acl>) -> io::Result<()> {
        match acl {
            Some(acl) => self.set(name, &to_kernel(&acl)),
            None => match self.remove(name) {
                Err(error) if error.raw_os_error() == Some(Errno::ENODATA as i32) => Ok(()),
                other => other,
            },
        }
    }
}

impl Tree {
    /// What is at a place, for its extended attributes and ACLs.
    ///
    /// # Errors
    ///
    /// What the system says of the folders on the way.
    pub fn handle(&mut self, name: &[u8]) -> io::Result<Handle<'static>> {
        let (folder, base) = self.place(name)?;
        Ok(Handle::at(folder, base, false))
    }

    /// The same, or what a symlink there leads to, where symlinks are the user's own and are followed.
    ///
    /// # Errors
    ///
    /// What the system says of the folders on the way.
    pub fn followed_handle(&mut self, name: &[u8]) -> io::Result<Handle<'static>> {
        let follows = self.follows();
        let (folder, base) = self.place(name)?;
        Ok(Handle::at(folder, base, follows))
    }
}

/// Whether an attribute is one of rsync's own, which are sent and taken with a second `-X` only.
pub fn is_private(name: &[u8]) -> bool {
    name.starts_with(b"user.rsync.%")
}

fn or_unsupported<T>(result: io::Result<Option<T>>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(None),
        other => other,
    }
}

/// The form of an ACL in the kernel: a version, then for each entry tag, permissions and id (`posix_acl_xattr.h`).
const VERSION: u32 = 2;
const USER_OBJECT: u16 = 1;
const USER: u16 = 2;
const GROUP_OBJECT: u16 = 4;
const GROUP: u16 = 8;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NOBODY: u32 = u32::MAX;

fn to_kernel(acl: &Acl) -> Vec<u8> {
    let object = |tag, permissions: Option<u8>| permissions.map(|permissions| (tag, permissions, NOBODY));
    let named = |tag, is_user| {
        let grants = acl.named.iter().filter(move |grant| grant.is_user == is_user);
        grants.map(move |grant| (tag, grant.permissions, grant.id))
    };
    let entries = object(USER_OBJECT, acl.user)
        .into_iter()
        .chain(named(USER, true))
        .chain(object(GROUP_OBJECT, acl.group))
        .chain(named(GROUP, false))
        .chain(object(MASK, acl.mask))
        .chain(object(OTHER, acl.other));
    let mut bytes = VERSION.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(u16::from(permissions).to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

fn of_kernel(bytes: &[u8]) -> Option<Acl> {
    let entries = bytes.strip_prefix(&VERSION.to_le_bytes())?;
    let mut acl = Acl::default();
    for entry in entries.chunks_exact(8) {
        let tag = u16::from_le_bytes([entry[0], entry[1]]);
        let permissions = entry[2] & 7;
        let id = u32::from_le_bytes([entry[4], entry[5], entry[6], entry[7]]);
        match tag {
            USER_OBJECT => acl.user = Some(permissions),
            GROUP_OBJECT => acl.group = Some(permissions),
            MASK => acl.mask = Some(permissions),
            OTHER => acl.other = Some(permissions),
            USER | GROUP => acl.named.push(Grant {
                is_user: tag == USER,
                id,
                permissions,
            }),
            _ => {}
        }
    }
    Some(acl)
}

#[cfg(test)]
mod tests;
