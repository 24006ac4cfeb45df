//! Which folders are served, and as whom.

use std::{
    ffi::CString,
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Uid, User, getgrouplist};

use crate::{
    doctor::{Hindrance, Setup, Subject, changed::restart, daemon::SLACK},
    explain::Server,
    host::{Daemon as Process, Fact, Status, Unknown, changed, trial::Identity, user_inside},
    lint::{Account, Accounts, Circumstances, ConfigurationSubject, ModuleSubject},
    model::{Parameter, Scope, has_variable},
    terms::Release,
};

/// As whom the daemon opens files, and through which mounts.
pub(in crate::doctor) struct Daemon {
    pub(in crate::doctor) identity: Identity,
    /// Its effective capabilities, if it runs.
    pub(in crate::doctor) capabilities: Option<u64>,
    /// Its process, if its mounts are its own.
    pub(in crate::doctor) root_of: Option<u32>,
    /// Whether its users are those of a container.
    is_contained: bool,
    /// What a restart would make of it, if its user's groups have changed since it was started.
    pub(in crate::doctor) after_restart: Option<AfterRestart>,
}

/// As whom a daemon opens files once it is started again.
pub(in crate::doctor) struct AfterRestart {
    pub(in crate::doctor) identity: Identity,
    /// Its process now.
    pub(in crate::doctor) process: u32,
    /// What starts it again.
    pub(in crate::doctor) command: String,
}

impl AfterRestart {
    /// That of a daemon of a plain user, where `/etc/group` was changed behind its start.
    fn of(daemon: &Process, identity: &Identity) -> Option<Self> {
        let is_later = changed(Path::new("/etc/group")).ok()?? >= daemon.started? - SLACK;
        if identity.uid == 0 || !is_later {
            return None;
        }
        let user = User::from_uid(Uid::from_raw(identity.uid)).ok()??;
        let name = CString::new(user.name).ok()?;
        let groups = getgrouplist(&name, user.gid).ok()?.into_iter().map(Gid::as_raw);
        let mut all = identity.clone();
        all.groups.extend(groups);
        all.groups.sort_unstable();
        all.groups.dedup();
        (all.groups.len() > identity.groups.len()).then(|| Self {
            identity: all,
            process: daemon.process,
            command: restart(daemon),
        })
    }
}

impl Daemon {
    /// That of a configuration; where none runs, that of who starts one: mostly root.
    pub(in crate::doctor) fn of(subject: &Subject, setup: &Setup<'_>) -> Result<Self, Unknown> {
        let Some(daemon) = &subject.daemon else {
            return Ok(Self {
                identity: subject.starter.clone().unwrap_or_else(root),
                capabilities: None,
                root_of: None,
                is_contained: false,
                after_restart: None,
            });
        };
        let status = Status::of(setup.host, daemon.process)?;
        if daemon.is_contained && user_inside(daemon.process, 0) != Some(0) {
            return Err(Unknown::Failed("it has users of its own (uid_map)".to_owned()));
        }
        let after_restart = (!daemon.is_contained).then(|| AfterRestart::of(daemon, &status.identity));
        Ok(Self {
            after_restart: after_restart.flatten(),
            identity: status.identity,
            capabilities: Some(status.effective),
            root_of: (daemon.has_own_mounts || daemon.is_contained).then_some(daemon.process),
            is_contained: daemon.is_contained,
        })
    }
}

fn root() -> Identity {
    Identity {
        uid: 0,
        gid: 0,
        groups: vec![0],
    }
}

/// A module with its folder and those who enter and use it.
pub(in crate::doctor) struct Served {
    pub(in crate::doctor) name: String,
    pub(in crate::doctor) path: PathBuf,
    /// How its user is called in the configuration.
    pub(in crate::doctor) account: String,
    /// As whom the folder is entered.
    pub(in crate::doctor) daemon: Identity,
    /// As whom it is read and written.
    pub(in crate::doctor) user: Identity,
    /// Whether clients may write into it.
    pub(in crate::doctor) is_writable: bool,
    /// Whether clients may read it.
    pub(in crate::doctor) is_readable: bool,
    /// Whether everybody may who reaches the port: it asks for no password, and has no list of clients.
    pub(in crate::doctor) is_for_everybody: bool,
    /// Whether nobody is served without the jail: `use chroot = yes`, or `/./` in the path.
    pub(in crate::doctor) insists_on_chroot: bool,
    /// Whether links that clients push are stored munged.
    pub(in crate::doctor) munges_links: bool,
    /// Whether some of what is in it is hidden from clients, so that its rights do not matter.
    pub(in crate::doctor) has_filters: bool,
}

impl Served {
    /// What causes say of it, behind what they say themselves: the first value of a name counts.
    pub(in crate::doctor) fn described(
        &self,
        mut arguments: Vec<(&'static str, String)>,
    ) -> Vec<(&'static str, String)> {
        let path = self.path.display().to_string();
        arguments.extend([
            ("module", self.name.clone()),
            ("account", self.account.clone()),
            ("path", path.clone()),
            ("target-folder", path),
        ]);
        arguments
    }
}

/// A module that is not tried, with the reason.
pub(in crate::doctor) type NotServed = (String, Hindrance);

const FILTERS: [Parameter; 5] = [
    Parameter::Exclude,
    Parameter::ExcludeFrom,
    Parameter::Filter,
    Parameter::Include,
    Parameter::IncludeFrom,
];

/// What says who may come to a module.
const ACCESS: [Parameter; 3] = [Parameter::AuthUsers, Parameter::HostsAllow, Parameter::HostsDeny];

/// The modules that are meant.
pub(in crate::doctor) fn served(
    server: &Server,
    subject: &Subject,
    setup: &Setup<'_>,
    daemon: &Daemon,
) -> Vec<Result<Served, NotServed>> {
    let host = subject.host(setup);
    let configuration = ConfigurationSubject {
        sources: &server.sources,
        configuration: &server.configuration,
        host,
        circumstances: Circumstances {
            release: setup.release.unwrap_or(Release::CURRENT),
            from_release: None,
            daemon_uid: daemon.identity.uid,
            today: setup.now.date(),
        },
        facts: None,
    };
    let mut accounts = Accounts::new(host);
    let is_meant =
        |module: &ModuleSubject<'_>| setup.modules.is_empty() || setup.modules.contains(&module.name());
    configuration
        .modules()
        .filter(is_meant)
        .filter(|module| module.has(Parameter::Path))
        .map(|module| one(&configuration, &module, &mut accounts, daemon))
        .collect()
}

fn one(
    configuration: &ConfigurationSubject<'_>,
    module: &ModuleSubject<'_>,
    accounts: &mut Accounts<'_>,
    daemon: &Daemon,
) -> Result<Served, NotServed> {
    let name = module.name();
    let path = &*module.path();
    let chroot = configuration
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot);
    let words = [
        path,
        module.text(Parameter::Uid).value,
        module.text(Parameter::Gid).value,
    ];
    if !chroot.value.is_empty() {
        return Err((name, Hindrance::DaemonChroot));
    }
    if words.into_iter().any(has_variable) {
        return Err((name, Hindrance::Variable));
    }
    // A relative path, or a user or a group that the machine does not know.
    let unseen = |reason| (name.clone(), Hindrance::Unseen(reason));
    let nobody = || (name.clone(), Hindrance::Configuration);
    let folder = module.folder(configuration).ok_or_else(nobody)?;
    let enters = entering(configuration, accounts, daemon).map_err(unseen)?;
    let enters = enters.ok_or_else(nobody)?;
    let account = accounts.of_module(configuration, module).map_err(unseen)?;
    let account = account.ok_or_else(nobody)?;
    let groups = || (name.clone(), Hindrance::Groups);
    let user = match enters.uid {
        // The groups of a container's users are not those of ours.
        0 if account.groups.is_none() && daemon.is_contained => return Err(groups()),
        0 => identity(&account).ok_or_else(groups)?,
        _ => enters.clone(),
    };
    let written = module.display(Parameter::Uid);
    Ok(Served {
        path: folder,
        account: match (enters.uid, written.is_empty()) {
            (0, true) => "nobody".to_owned(),
            (0, false) => written,
            (uid, _) => user_name(uid),
        },
        daemon: enters,
        user,
        is_writable: module.is_writable(),
        insists_on_chroot: module
            .boolean(Parameter::UseChroot)
            .value
            .unwrap_or_else(|| path.windows(3).any(|part| part == b"/./")),
        munges_links: module.munges_links(configuration),
        is_readable: !module.is(Parameter::WriteOnly),
        is_for_everybody: !ACCESS.iter().any(|parameter| module.has(*parameter)),
        has_filters: FILTERS.iter().any(|parameter| module.has(*parameter)),
        name,
    })
}

/// Who the daemon is when it meets a module; none if the machine knows no such user: `daemon uid` changes that (`start_daemon` in clientserver.c).
fn entering(
    configuration: &ConfigurationSubject<'_>,
    accounts: &mut Accounts<'_>,
    daemon: &Daemon,
) -> Fact<Option<Identity>> {
    let text = |parameter| configuration.configuration.text(Scope::Global, parameter).value;
    let Some(uid) = accounts.daemon(configuration)? else {
        return Ok(None);
    };
    if text(Parameter::DaemonUid).is_empty() || uid == daemon.identity.uid {
        return Ok(Some(daemon.identity.clone()));
    }
    let gid = match text(Parameter::DaemonGid) {
        b"" => Some(daemon.identity.gid),
        word => accounts.gid(word)?,
    };
    Ok(gid.map(|gid| Identity {
        uid,
        gid,
        groups: vec![gid],
    }))
}

/// An account with its groups; those that the system gives it where the configuration says `*`.
fn identity(account: &Account) -> Option<Identity> {
    let uid = account.uid;
    if let Some(groups) = &account.groups {
        return Some(Identity {
            uid,
            gid: *groups.first()?,
            groups: groups.clone(),
        });
    }
    let user = User::from_uid(Uid::from_raw(uid)).ok()??;
    let name = CString::new(user.name).ok()?;
    let groups = getgrouplist(&name, user.gid).ok()?;
    Some(Identity {
        uid,
        gid: user.gid.as_raw(),
        groups: groups.into_iter().map(Gid::as_raw).collect(),
    })
}

/// What people call a user.
pub(super) fn user_name(uid: u32) -> String {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| uid.to_string(), |user| user.name)
}
