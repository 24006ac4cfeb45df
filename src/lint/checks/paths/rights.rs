//! What the module's user may do in the module's folder.

use std::{ffi::OsString, path::Path};

use crate::{
    host::{Component, EntryKind, Host, Metadata, walk},
    lint::{
        checks::{
            Check,
            paths::account::{Account, Accounts},
        },
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Setting},
    terms::Release,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY405", unreadable_folder),
    Check::configuration("RSY406", unwritable_folder),
    Check::configuration("RSY433", noatime_of_others),
];

const ENTER: u32 = 1;
const WRITE: u32 = 2;
const READ: u32 = 4;

/// More entries than this are not looked at for one that may be written.
const MOST_ENTRIES: usize = 1000;

/// RSY405: root enters the folder, but reads it as the module's user; a daemon of another user has to get through
/// every folder above it as well.
fn unreadable_folder(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut accounts = Accounts::new(subject.host);
    for module in subject.modules() {
        let Some(served) = served(subject, &module, &mut accounts, out) else {
            continue;
        };
        let case = served.case(&module);
        if subject.circumstances.daemon_uid != 0 {
            let Some(passed) = out.fact(&served.path, walk(subject.host, Path::new(&served.path))) else {
                continue;
            };
            let closed = passed.iter().find(|component| {
                let folder = component
                    .metadata
                    .filter(|found| found.kind == EntryKind::Directory);
                folder.is_some_and(|folder| {
                    let account = &served.account;
                    account.may_not(subject.host, &component.path, &folder, ENTER)
                })
            });
            let is_own = |closed: &Component| {
                closed
                    .metadata
                    .is_some_and(|folder| folder.uid == served.account.uid)
            };
            if let Some(closed) = closed {
                out.report(
                    case.variant(match is_own(closed) {
                        true => "above-own",
                        false => "above",
                    })
                    .with("closed", closed.path.display().to_string()),
                );
                continue;
            }
        }
        let is_owner = served.folder.uid == served.account.uid;
        if served.may_not(subject.host, ENTER) {
            let is_closed = served.account.is_denied(&served.folder, ENTER);
            out.report(case.variant(match is_closed {
                true if is_owner => "own",
                true => "closed",
                false => "listed",
            }));
        } else if served.may_not(subject.host, READ) && !module.is(Parameter::WriteOnly) {
            out.report(case.variant(if is_owner { "own-unlisted" } else { "unlisted" }));
        }
    }
}

/// RSY406: a module that clients may write into, and its own user may not.
fn unwritable_folder(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut accounts = Accounts::new(subject.host);
    for module in subject.modules().filter(ModuleSubject::is_writable) {
        let Some(served) = served(subject, &module, &mut accounts, out) else {
            continue;
        };
        // Who cannot even enter it is another case.
        if served.may_not(subject.host, ENTER)
            || !served.may_not(subject.host, WRITE)
            || holds_writable_folder(subject.host, &served)
        {
            continue;
        }
        let user = (served.account.uid, served.user.is_some());
        let variant = unwritable(user, Path::new(&served.path), &served.folder);
        let case = served.case(&module).variant(variant);
        out.report(match served.user {
            Some(user) => case.also(user.span(), "user"),
            None => case,
        });
    }
}

/// The kind of RSY406: whether the module names a user, and what folder it is. One that is no root's belongs to whom the module
/// should write as, unless that is who writes already.
pub(crate) fn unwritable((user, is_named): (u32, bool), path: &Path, folder: &Metadata) -> &'static str {
    match is_named {
        _ if is_of_system(path) => "system",
        _ if folder.uid == user => "own",
        // The owner's own bits are enough, and nobody needs the rights of root's group for them.
        _ if folder.uid != 0 && folder.gid == 0 => "owned-by-user",
        _ if folder.uid != 0 => "owned",
        true => "named",
        false => "nobody",
    }
}

/// RSY433: the system opens a file without touching its access time for its owner and for root alone (observed with rsync
/// 3.5.0: folders too, unless links are insecure; older releases differ).
fn noatime_of_others(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.configuration.release < Release::new(3, 5, 0) {
        return;
    }
    let mut accounts = Accounts::new(subject.host);
    for module in subject
        .modules()
        .filter(|module| !module.is(Parameter::WriteOnly))
    {
        let noatime = module.boolean(Parameter::OpenNoatime);
        let Some(setting) = noatime.origin.setting().filter(|_| noatime.value == Some(true)) else {
            continue;
        };
        let Some(served) = served(subject, &module, &mut accounts, out) else {
            continue;
        };
        // Who may not read at all is another case.
        if served.account.uid == 0 || served.may_not(subject.host, ENTER | READ) {
            continue;
        }
        let opens_plainly = module.is(Parameter::InsecureLinks);
        let found = match served.folder.uid == served.account.uid || opens_plainly {
            true => file_of_another(subject.host, &module, &served),
            false => Some((".".into(), served.folder.uid, "folder")),
        };
        if let Some((name, owner, variant)) = found {
            let place = Path::new(&served.path).join(&name).display().to_string();
            let place = place.trim_end_matches("/.");
            let name = name.to_string_lossy();
            // In a chroot the module's folder is `/`.
            let is_root = module.tries_chroot(subject) && subject.circumstances.daemon_uid == 0;
            out.report(
                Case::at(setting.span())
                    .variant(variant)
                    .with("module", module.name())
                    .with("account", served.account_name())
                    .with("owner", owner.to_string())
                    .with("place", place)
                    .with(
                        "path",
                        if is_root {
                            format!("/{name}")
                        } else {
                            name.into_owned()
                        },
                    )
                    .fact(format!("{place} belongs to uid {owner}")),
            );
        }
    }
}

/// A file directly below the folder that is somebody else's, with its owner. What filters may hide is not looked at.
fn file_of_another(
    host: &dyn Host,
    module: &ModuleSubject<'_>,
    served: &Served<'_>,
) -> Option<(OsString, u32, &'static str)> {
    if FILTERS
        .iter()
        .any(|filter| module.text(*filter).origin.setting().is_some())
    {
        return None;
    }
    let mut names = host.list(Path::new(&served.path)).ok()??;
    names.sort();
    names.into_iter().take(MOST_ENTRIES).find_map(|name| {
        let path = Path::new(&served.path).join(&name);
        let file = host.metadata(&path, false).ok()??;
        let is_others = file.kind == EntryKind::File && file.uid != served.account.uid;
        let is_read = is_others && !served.account.may_not(host, &path, &file, READ);
        is_read.then_some((name, file.uid, "file"))
    })
}

/// What keeps files from clients.
const FILTERS: [Parameter; 5] = [
    Parameter::Exclude,
    Parameter::ExcludeFrom,
    Parameter::Filter,
    Parameter::Include,
    Parameter::IncludeFrom,
];

/// Whether a folder is the root, directly below it, or below what belongs to the system: nobody else is to own it.
fn is_of_system(path: &Path) -> bool {
    let mut parts = path.components().skip(1);
    let first = parts.next();
    let own = [
        "bin", "boot", "dev", "etc", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "usr",
    ];
    match (first, parts.next()) {
        (Some(first), Some(_)) => own.iter().any(|name| first.as_os_str() == *name),
        (first, _) => first.is_none_or(|first| first.as_os_str() != "data"),
    }
}

/// A folder that a module serves, and the account that it is served with.
struct Served<'a> {
    setting: &'a Setting,
    user: Option<&'a Setting>,
    path: String,
    folder: Metadata,
    account: Account,
}

impl Served<'_> {
    fn may_not(&self, host: &dyn Host, wanted: u32) -> bool {
        self.account
            .may_not(host, Path::new(&self.path), &self.folder, wanted)
    }

    /// The account as the configuration calls it.
    fn account_name(&self) -> String {
        match self.user {
            Some(user) => user.text.display().into_owned(),
            None => "nobody".to_owned(),
        }
    }

    fn case(&self, module: &ModuleSubject<'_>) -> Case {
        let (mode, owner) = (self.folder.mode, self.folder.uid);
        Case::at(self.setting.value_span())
            .with("module", module.name())
            .with("path", &self.path)
            .with("account", self.account_name())
            .with("uid", self.account.uid.to_string())
            .with("mode", format!("{mode:o}"))
            .with("owner", owner.to_string())
            .with("group", self.folder.gid.to_string())
            .fact(format!(
                "{} has mode {mode:o} and belongs to uid {owner}",
                self.path
            ))
    }
}

fn served<'a>(
    subject: &ConfigurationSubject<'a>,
    module: &ModuleSubject<'a>,
    accounts: &mut Accounts<'a>,
    out: &mut Reporter<'_>,
) -> Option<Served<'a>> {
    let setting = module.text(Parameter::Path).origin.setting()?;
    let place = module.folder(subject)?;
    let path = place.display().to_string();
    let folder = out.fact(&path, subject.host.metadata(&place, true))??;
    let account = out.fact(
        format!("the user of module {}", module.name()),
        accounts.of_module(subject, module),
    )??;
    let user = module.text(Parameter::Uid).origin.setting();
    (folder.kind == EntryKind::Directory).then_some(Served {
        setting,
        user: user.filter(|user| !user.text.is_empty()),
        path,
        folder,
        account,
    })
}

/// Whether a folder directly below may be written: then that is likely where clients are to write.
fn holds_writable_folder(host: &dyn Host, served: &Served<'_>) -> bool {
    let Ok(Some(names)) = host.list(Path::new(&served.path)) else {
        return false;
    };
    names.iter().take(MOST_ENTRIES).any(|name| {
        let path = Path::new(&served.path).join(name);
        let found = host.metadata(&path, true);
        let folder = found
            .ok()
            .flatten()
            .filter(|found| found.kind == EntryKind::Directory);
        folder.is_some_and(|folder| !served.account.may_not(host, &path, &folder, ENTER | WRITE))
    })
}
