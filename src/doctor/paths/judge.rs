//! What an answer means: which component keeps whom out, and what is to be typed.

use std::{
    cell::Cell,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    unistd::{Gid, Group},
};

use crate::{
    catalog::{Confidence, Severity},
    doctor::{
        Cause, Check, Hindrance, Refusal, Tried, Urgency,
        paths::{Daemon, Served, room, user_name},
    },
    host::{
        ACCESS_LIST, AccessList, Capability, EntryKind, Host, Metadata, Mounts, is_denied, is_immutable,
        trial::{Answer, Denied, Folder, Identity, Question, Request, Said, Wish, ask},
        walk,
    },
    lint::unwritable,
};

/// What is needed to judge answers.
pub(super) struct Judge<'j> {
    pub(super) host: &'j dyn Host,
    /// The machine itself, where the daemon sees another.
    pub(super) machine: &'j dyn Host,
    pub(super) mounts: Mounts,
    pub(super) daemon: &'j Daemon,
    /// Our own program.
    pub(super) own: &'j Path,
    /// The configuration.
    pub(super) file: &'j Path,
    /// For so many modules the closed component was looked for.
    pub(super) searched: Cell<usize>,
}

/// For so many modules the component that is closed is looked for, each in a process of its own: mostly it is the same.
const MOST_SEARCHES: usize = 32;
const READ: u32 = 4;
const WRITE: u32 = 2;
const ENTER: u32 = 1;

impl Judge<'_> {
    /// What came of a module, and why.
    pub(super) fn judge(&self, module: &Served, answer: &Result<Answer, Denied>) -> (Vec<Tried>, Vec<Cause>) {
        match answer {
            Err(denied) => (vec![Tried::NotTried(Hindrance::from(denied))], Vec::new()),
            Ok(Answer::Late) => {
                let facts = vec![format!("{} does not answer", module.path.display())];
                let cause = self.cause("RSY857", module, Vec::new(), facts);
                (vec![Tried::Late(module.path.clone())], vec![cause])
            }
            Ok(Answer::Refused(error)) => self.not_entered(module, Errno::from_raw(*error)),
            Ok(Answer::Folder(folder)) => self.entered(module, folder),
            Ok(Answer::Open) => (Vec::new(), Vec::new()),
        }
    }

    /// The daemon does not even get into the folder.
    fn not_entered(&self, module: &Served, error: Errno) -> (Vec<Tried>, Vec<Cause>) {
        let closed = match error {
            Errno::EACCES => self.closed_component(module),
            _ => None,
        };
        let refusal = self.refusal(closed.as_deref().unwrap_or(&module.path), error);
        let mut causes: Vec<_> = self.storage(module, &module.path, error).into_iter().collect();
        if error == Errno::EACCES {
            let closed = closed.unwrap_or_else(|| module.path.clone());
            causes.extend(self.closed(module, &closed, &refusal));
        }
        (vec![Tried::NotEntered(refusal)], causes)
    }

    /// Why a folder on the way is closed to the daemon.
    fn closed(&self, module: &Served, closed: &Path, refusal: &Refusal) -> Option<Cause> {
        let found = self.host.metadata(closed, true).ok().flatten();
        let shown = closed.display().to_string();
        let facts = refusal.rights.clone().into_iter().collect();
        let arguments = vec![("closed", shown.clone())];
        if module.daemon.uid != 0 {
            let found = found.filter(|found| self.is_denied(&module.daemon, closed, found, ENTER))?;
            if let Some(cause) = self.joined_later(module, closed, &found, ENTER) {
                return Some(cause);
            }
            let command = self.let_in(&module.daemon, closed, &found, "x");
            let variant = match found.uid == module.daemon.uid {
                true => "above-own",
                false => "above",
            };
            let cause = self.cause("RSY405", module, arguments, facts);
            return Some(cause.of_kind(variant).typing(vec![command]));
        }
        let full = self.daemon.capabilities;
        let passes = |set| Capability::DacOverride.is_in(set) || Capability::DacReadSearch.is_in(set);
        if full.is_some_and(|set| !passes(set)) {
            let arguments = vec![
                ("capability", Capability::DacReadSearch.name().to_owned()),
                ("call", "chdir".to_owned()),
                ("closed", shown),
            ];
            let cause = self.cause("RSY719", module, arguments, facts);
            return Some(cause.of_kind("closed"));
        }
        // The modes bind no root of this machine; a file system of another one may not know it.
        self.foreign(module, closed, true, facts)
    }

    /// Somebody is kept out by a file system that does not go by this machine's modes.
    fn foreign(&self, module: &Served, closed: &Path, is_root: bool, facts: Vec<String>) -> Option<Cause> {
        let mount = self.mounts.of(closed).filter(|mount| mount.is_foreign())?;
        let arguments = vec![
            ("closed", closed.display().to_string()),
            ("mount", mount.point.display().to_string()),
            ("kind", mount.kind.clone()),
            ("source", mount.source.clone()),
        ];
        let variant = match (mount.kind.starts_with("fuse"), is_root) {
            (true, true) => "fuse",
            (true, false) => "fuse-user",
            (false, true) => "network",
            (false, false) => "network-user",
        };
        Some(self.cause("RSY799", module, arguments, facts).of_kind(variant))
    }

    fn entered(&self, module: &Served, folder: &Folder) -> (Vec<Tried>, Vec<Cause>) {
        let (mut tried, mut causes) = (Vec::new(), Vec::new());
        let refusal = |error| self.refusal(&module.path, error);
        if let Some(error) = folder.pass.error() {
            let refusal = refusal(error);
            causes.extend(self.kept_out(module, error, "closed", &refusal));
            return (vec![Tried::NotPassed(refusal)], causes);
        }
        if let Some(error) = folder.list.error().filter(|_| module.is_readable) {
            let refusal = refusal(error);
            causes.extend(self.kept_out(module, error, "unlisted", &refusal));
            tried.push(Tried::NotListed(refusal));
        }
        let write = folder.write.and_then(Said::error);
        if let Some(error) = write.filter(|_| !folder.writes_below) {
            let refusal = refusal(error);
            causes.extend(self.not_written(module, error, &refusal));
            tried.push(Tried::NotWritten(refusal));
        }
        if module.is_writable && write.is_none() {
            let mount = self.mounts.of(&module.path);
            let room = folder.room.and_then(|room| room::judge(&room, module.user.uid));
            let quota = || room::quota(mount?, module.user.uid);
            if let Some(found) = room.or_else(quota) {
                let mount = mount.map_or_else(|| module.path.clone(), |mount| mount.point.clone());
                causes.push(self.full(module, &found, &mount));
                tried.push(found.tried(mount));
            }
        }
        // What a filter hides is not asked for.
        if let Some((name, error)) = folder
            .first_closed()
            .filter(|_| !module.has_filters && module.is_readable)
        {
            let path = module.path.join(&name);
            let refusal = self.refusal(&path, error);
            let (closed, all) = (folder.closed.len(), folder.closed.len() + folder.opened);
            if error == Errno::EACCES {
                let command = self.let_into_tree(module, &path);
                let arguments = vec![("path", name.display().to_string())];
                let facts = vec![format!("{closed} of {all} that were tried; {}", refusal.shown())];
                let mut cause = self.cause("RSY840", module, arguments, facts);
                // Only who asks for it, or for everything, meets it.
                cause.severity = Severity::Warning;
                let cause = cause.at(Urgency::Later);
                causes.push(match self.is_private(module, &path) {
                    true => cause.of_kind("private"),
                    false => cause.typing(vec![command]),
                });
            } else {
                causes.extend(self.storage(module, &path, error));
            }
            tried.push(Tried::Closed(closed, all, refusal));
        }
        (tried, causes)
    }

    /// The module's user cannot use a folder that the daemon could enter.
    fn kept_out(
        &self,
        module: &Served,
        error: Errno,
        variant: &'static str,
        refusal: &Refusal,
    ) -> Option<Cause> {
        if error != Errno::EACCES {
            return self.storage(module, &module.path, error);
        }
        let found = self.host.metadata(&module.path, true).ok().flatten()?;
        let wanted = if variant == "closed" { ENTER } else { READ };
        let facts = refusal.rights.clone().into_iter().collect();
        if !self.is_denied(&module.user, &module.path, &found, wanted) {
            // Where no mode, no list and no such mount denies it, something else does, which has a stage of its own.
            return self.foreign(module, &module.path, module.user.uid == 0, facts);
        }
        if let Some(cause) = self.joined_later(module, &module.path, &found, wanted) {
            return Some(cause);
        }
        let command = self.let_in(&module.user, &module.path, &found, "rx");
        let variant = match (found.uid == module.user.uid, variant) {
            (true, "closed") => "own",
            (true, _) => "own-unlisted",
            _ => variant,
        };
        let cause = self.cause("RSY405", module, rights_of(&found), facts);
        Some(cause.of_kind(variant).typing(vec![command]))
    }

    /// The daemon's user could do it by a group that it joined after the daemon had started.
    fn joined_later(&self, module: &Served, path: &Path, found: &Metadata, wanted: u32) -> Option<Cause> {
        let after = self.daemon.after_restart.as_ref()?;
        if module.daemon != self.daemon.identity || self.is_denied(&after.identity, path, found, wanted) {
            return None;
        }
        let numbers = |groups: &[u32]| groups.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let facts = vec![format!(
            "process {} has the groups {}; by /etc/group its user has {}; {} has mode {:o} and group {}",
            after.process,
            numbers(&self.daemon.identity.groups),
            numbers(&after.identity.groups),
            path.display(),
            found.mode,
            group_name(found.gid)
        )];
        let arguments = vec![
            ("process", after.process.to_string()),
            ("restart", after.command.clone()),
        ];
        Some(self.cause("RSY235", module, arguments, facts))
    }

    /// The module's user cannot create files in the folder.
    fn not_written(&self, module: &Served, error: Errno, refusal: &Refusal) -> Option<Cause> {
        let facts: Vec<_> = refusal.rights.clone().into_iter().collect();
        match error {
            Errno::EACCES => {
                let found = self.host.metadata(&module.path, true).ok().flatten()?;
                let denied = self.is_denied(&module.user, &module.path, &found, WRITE | ENTER);
                if let Some(cause) = self.joined_later(module, &module.path, &found, WRITE | ENTER) {
                    return Some(cause);
                }
                let cause = self.cause("RSY406", module, rights_of(&found), facts);
                let names_user = module.account != "nobody";
                let user = module.user.uid;
                denied.then(|| cause.of_kind(unwritable((user, names_user), &module.path, &found)))
            }
            Errno::EROFS => {
                let mount = self.mounts.of(&module.path)?;
                // What is read-only for the daemon alone is a matter of its confinement.
                if self.daemon.root_of.is_some() && !mount.is_read_only_everywhere() {
                    return None;
                }
                let point = mount.point.display().to_string();
                let facts = vec![format!(
                    "{point} is {} of {}, mounted {}",
                    mount.kind, mount.source, mount.options
                )];
                let cause = self.cause("RSY848", module, vec![("mount", point)], facts);
                Some(cause.of_kind("module"))
            }
            Errno::EPERM => Some(self.not_permitted(module, facts)),
            other => self.storage(module, &module.path, other),
        }
    }

    /// Nothing may be made in the folder, whoever asks.
    fn not_permitted(&self, module: &Served, facts: Vec<String>) -> Cause {
        let path = module.path.display().to_string();
        let arguments = vec![
            ("target-folder", path.clone()),
            ("target-parent", path.clone()),
            ("target-path", path.clone()),
        ];
        let cause = self.cause("RSY844", module, arguments, facts);
        if is_immutable(&self.host.ours(&module.path)) != Ok(Some(true)) {
            return cause;
        }
        let command = format!("chattr -i {}", shell_words::quote(&path));
        let cause = cause.of_kind("module").typing(vec![command]);
        Cause {
            confidence: Confidence::Certain,
            ..cause
        }
    }

    fn full(&self, module: &Served, found: &room::Lack, mount: &Path) -> Cause {
        let arguments = vec![("mount", mount.display().to_string()), ("free", found.free())];
        let facts = vec![format!("{}: {}", mount.display(), found.shown())];
        let cause = self.cause("RSY846", module, arguments, facts);
        let cause = cause.of_kind(found.variant());
        cause.at(match found.is_used_up() {
            true => Urgency::Now,
            false => Urgency::Later,
        })
    }

    /// A file of the daemon's own is to be created on a file system without a free inode.
    pub(super) fn without_inodes(
        &self,
        variant: &'static str,
        path: &Path,
        mut arguments: Vec<(&'static str, String)>,
    ) -> Cause {
        let mount = self.mounts.of(path).map(|mount| mount.point.clone());
        let mount = mount.unwrap_or_else(|| PathBuf::from("/")).display().to_string();
        let facts = vec![format!("{mount}: no inode is free")];
        let folder = path.parent().unwrap_or(path).display().to_string();
        arguments.extend([
            ("mount", mount),
            ("path", path.display().to_string()),
            ("target-folder", folder),
        ]);
        self.cause_of("RSY846", arguments, facts).of_kind(variant)
    }

    /// A disk or a server that fails.
    fn storage(&self, module: &Served, path: &Path, error: Errno) -> Option<Cause> {
        let is_of_storage = matches!(
            error,
            Errno::EIO
                | Errno::ESTALE
                | Errno::ENOTCONN
                | Errno::EHOSTDOWN
                | Errno::ETIMEDOUT
                | Errno::EUCLEAN
        );
        let facts = vec![format!("{}: {}", path.display(), error.desc())];
        is_of_storage.then(|| self.cause("RSY857", module, Vec::new(), facts))
    }

    pub(super) fn cause(
        &self,
        rule: &str,
        module: &Served,
        arguments: Vec<(&'static str, String)>,
        facts: Vec<String>,
    ) -> Cause {
        self.cause_of(rule, module.described(arguments), facts)
    }

    pub(super) fn cause_of(
        &self,
        rule: &str,
        arguments: Vec<(&'static str, String)>,
        facts: Vec<String>,
    ) -> Cause {
        Cause::of_rule(rule, Check::Paths, self.file, arguments, facts)
    }

    /// The first folder on the way that the daemon's user really cannot enter.
    fn closed_component(&self, module: &Served) -> Option<PathBuf> {
        self.closed_on_way(&module.path, &module.daemon)
    }

    /// The first folder on the way to a path that somebody really cannot enter.
    pub(super) fn closed_on_way(&self, path: &Path, identity: &Identity) -> Option<PathBuf> {
        if self.searched.replace(self.searched.get() + 1) >= MOST_SEARCHES {
            return None;
        }
        // Who may not look into a folder sees nothing below it: then that one is the last that can be asked about.
        let passed = path.ancestors().find_map(|above| walk(self.host, above).ok())?;
        let folders = passed.into_iter().filter(|component| {
            let found = component.metadata;
            found.is_some_and(|found| found.kind == EntryKind::Directory)
        });
        let folders: Vec<PathBuf> = folders.map(|component| component.path).collect();
        let questions = folders.iter().map(|path| Question::new(path, Wish::Enter));
        let request = Request {
            root_of: self.daemon.root_of,
            daemon: identity.clone(),
            capabilities: self.daemon.capabilities,
            user: identity.clone(),
            questions: questions.collect(),
        };
        let answers = ask(self.own, &request);
        let mut tried = folders.into_iter().zip(answers);
        tried
            .find(|(_, answer)| matches!(answer, Ok(Answer::Refused(_))))
            .map(|(path, _)| path)
    }

    pub(super) fn is_denied(&self, identity: &Identity, path: &Path, found: &Metadata, wanted: u32) -> bool {
        is_denied(identity, found, self.list(path).as_ref(), wanted)
    }

    fn list(&self, path: &Path) -> Option<AccessList> {
        AccessList::read(&self.host.attribute(path, ACCESS_LIST).ok()??)
    }

    pub(super) fn refusal(&self, path: &Path, error: Errno) -> Refusal {
        let found = self.host.metadata(path, true).ok().flatten();
        let rights = found.map(|found| {
            let list = self.list(path).map(|list| list.shown());
            let list = list.filter(|list| !list.is_empty());
            let list = list.map_or_else(String::new, |list| format!(", access list {list}"));
            format!(
                "{} has mode {:o}, owner {}, group {}{list}",
                path.display(),
                found.mode,
                user_name(found.uid),
                group_name(found.gid)
            )
        });
        Refusal {
            path: path.to_owned(),
            error: error.desc(),
            rights,
        }
    }

    /// Whether somebody closed a file to all others, as keys and passwords are, and everybody would get it who reaches the
    /// module.
    fn is_private(&self, module: &Served, path: &Path) -> bool {
        let found = self.host.metadata(path, true).ok().flatten();
        let is_closed = |found: Metadata| found.kind == EntryKind::File && found.mode & 0o7 == 0;
        module.is_for_everybody && found.is_some_and(is_closed)
    }

    /// What lets the module's user into a file or a folder with all that is in it.
    fn let_into_tree(&self, module: &Served, path: &Path) -> String {
        let found = self.host.metadata(path, true).ok().flatten();
        let is_owner = found.is_some_and(|found| found.uid == module.user.uid);
        let shown = path.display().to_string();
        let path = shell_words::quote(&shown);
        match (is_owner, module.is_writable) {
            (true, true) => format!("chmod -R u+rwX {path}"),
            (true, false) => format!("chmod -R u+rX {path}"),
            (false, _) => {
                let account = shell_words::quote(&module.account);
                format!("setfacl -R -m u:{account}:rX {path}")
            }
        }
    }

    /// What lets somebody in: the owner's own bits, since no line of an access list counts for an owner (acl(5)); a line of the
    /// access list where it has lines of users; else the bits that count for it.
    pub(super) fn let_in(&self, identity: &Identity, path: &Path, found: &Metadata, rights: &str) -> String {
        let shown = path.display().to_string();
        let path = shell_words::quote(&shown);
        let is_listed = self.list(Path::new(&shown)).is_some();
        let class = if identity.uid == found.uid {
            'u'
        } else if identity.groups.contains(&found.gid) {
            'g'
        } else {
            'o'
        };
        // More than entering is given to this user alone, and not to everybody.
        match class != 'u' && (is_listed || (class == 'o' && rights != "x")) {
            true => {
                let name = user_name(identity.uid);
                format!("setfacl -m u:{}:{rights} {path}", shell_words::quote(&name))
            }
            false => format!("chmod {class}+{rights} {path}"),
        }
    }
}

impl Refusal {
    /// In English.
    pub(super) fn shown(&self) -> String {
        match &self.rights {
            Some(rights) => rights.clone(),
            None => format!("{}: {}", self.path.display(), self.error),
        }
    }
}

fn rights_of(found: &Metadata) -> Vec<(&'static str, String)> {
    vec![
        ("mode", format!("{:o}", found.mode)),
        ("owner", found.uid.to_string()),
        ("group", found.gid.to_string()),
    ]
}

fn group_name(gid: u32) -> String {
    let found = Group::from_gid(Gid::from_raw(gid)).ok().flatten();
    found.map_or_else(|| gid.to_string(), |group| group.name)
}
