//! As whom a daemon is started that does not run.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    doctor::daemon::written,
    host::{Host, trial::Identity, units_with},
    lint::Installed,
    model::{Parameter, Scope},
};

/// The units by which packages start a daemon that listens.
pub(super) const SERVICES: [&str; 2] = ["rsync.service", "rsyncd.service"];
/// Those that listen in place of one.
pub(super) const SOCKETS: [&str; 2] = ["rsync.socket", "rsyncd.socket"];
/// Those that they start for each connection.
pub(super) const TEMPLATES: [&str; 2] = ["rsync@.service", "rsyncd@.service"];

/// The unit by which a machine starts a daemon; none that is masked.
pub(super) fn service(host: &dyn Host) -> Option<Installed> {
    let mut found = SERVICES.iter().filter_map(|name| Installed::of(host, name));
    found.find(|unit| !unit.is_masked)
}

/// A unit of the administrator's own that starts a daemon with a configuration; none that is masked.
pub(super) fn own(host: &dyn Host, file: &Path) -> Option<Installed> {
    let names = units_with(host, ".service").into_iter();
    let mut own = names
        .filter(|name| !SERVICES.contains(&&**name) && !name.contains('@'))
        .filter_map(|name| Installed::of(host, &name));
    own.find(|unit| {
        let has_named = || unit.configuration(host).is_some_and(|named| named == file);
        !unit.is_masked && unit.is_of_daemon(host) && has_named()
    })
}

/// Who starts a daemon with a configuration: the user of the unit that does, or else the one whom its log belongs to, in a
/// folder of its own; `None` for root, or if nobody can tell.
pub(super) fn of(host: &dyn Host, unit: Option<&Installed>, file: &Path) -> Option<Identity> {
    match unit.and_then(|unit| Some((unit, unit.unit.last("Service", "User")?.display()))) {
        Some((unit, user)) => of_unit(host, unit, &user),
        None => of_log(host, file),
    }
}

/// The user that a unit names, with its groups (systemd.exec(5)).
fn of_unit(host: &dyn Host, unit: &Installed, user: &str) -> Option<Identity> {
    let mut identity = named(host, user)?;
    if let Some(group) = unit.unit.last("Service", "Group") {
        identity.gid = host.group(&group.display()).ok()??;
    }
    for setting in unit.unit.list("Service", "SupplementaryGroups") {
        let words = setting.display();
        let words = words.split_ascii_whitespace();
        identity
            .groups
            .extend(words.filter_map(|word| host.group(word).ok().flatten()));
    }
    identity.groups.push(identity.gid);
    identity.groups.sort_unstable();
    identity.groups.dedup();
    (identity.uid != 0).then_some(identity)
}

/// The user who wrote a log of a daemon into a folder of its own: one that root starts writes it as root.
fn of_log(host: &dyn Host, file: &Path) -> Option<Identity> {
    let configuration = written(host, file)?;
    let log = configuration.text(Scope::Global, Parameter::LogFile).value;
    let log = PathBuf::from(OsStr::from_bytes(log));
    let owner = |path: &Path| Some(host.metadata(path, true).ok()??.uid);
    let uid = owner(&log).filter(|uid| *uid != 0)?;
    let is_own = owner(log.parent()?)? == uid;
    let name = name_of(host, uid).filter(|_| is_own)?;
    named(host, &name)
}

/// The name of a user, by the machine's `/etc/passwd`.
fn name_of(host: &dyn Host, uid: u32) -> Option<String> {
    let table = host.read(Path::new("/etc/passwd")).ok()??;
    let table = String::from_utf8_lossy(&table).into_owned();
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// A user by name, with its groups.
fn named(host: &dyn Host, name: &str) -> Option<Identity> {
    let user = host.user(name).ok()??;
    let groups = host.groups(name).ok()?.into_iter();
    let mut groups: Vec<_> = groups
        .filter_map(|group| host.group(&group).ok().flatten())
        .collect();
    groups.push(user.gid);
    groups.sort_unstable();
    groups.dedup();
    Some(Identity {
        uid: user.uid,
        gid: user.gid,
        groups,
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{of, own, service};
    use crate::host::Image;

    #[test]
    fn who_starts_a_daemon_is_told_by_its_unit() {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        write("etc/passwd", "root:x:0:0::/:\nweb:x:33:33::/:\n");
        write("etc/group", "root:x:0:\nweb:x:33:\nfiles:x:50:\nmore:x:60:\n");
        write("etc/rsyncd.conf", "[data]\npath = /srv/data\n");
        let unit = "usr/lib/systemd/system/rsync.service";
        write(unit, "[Service]\nExecStart=/usr/bin/rsync --daemon --no-detach\n");
        let image = Image::new(root.path());
        let file = Path::new("/etc/rsyncd.conf");
        let starter = || of(&image, service(&image).as_ref(), file);
        assert_eq!(starter(), None);
        write(
            "etc/systemd/system/rsync.service.d/user.conf",
            "[Service]\nUser=web\nGroup=files\nSupplementaryGroups=more none\n",
        );
        let identity = starter().expect("a user");
        assert_eq!((identity.uid, identity.gid), (33, 50));
        assert_eq!(identity.groups, [33, 50, 60]);
        assert!(own(&image, file).is_none());
        write(
            "etc/systemd/system/swift_rsync.service",
            "[Service]\nExecStart=/usr/bin/rsync --daemon --no-detach --config=/etc/rsyncd.conf\n",
        );
        write(
            "etc/systemd/system/mirror.service",
            "[Service]\nExecStart=/usr/bin/rsync -a /srv/ host::data/\n",
        );
        let found = own(&image, file).expect("a unit");
        assert_eq!(found.unit.name, "swift_rsync.service");
        assert!(own(&image, Path::new("/etc/other.conf")).is_none());
        fs::remove_file(root.path().join(unit)).expect("it is there");
        std::os::unix::fs::symlink("/dev/null", root.path().join(unit)).expect("a link");
        assert!(service(&image).is_none());
    }
}
