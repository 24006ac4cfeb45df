use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    host::{Host, Unknown},
    model::{
        Configuration, Parameter, Scope,
        access::{Right, UsersVerdict, has_rules, user_rules, users},
        has_variable,
        wildmatch::wildmatch,
    },
    probe::tryout::{
        owner::Owner,
        report::{NotTried, Why},
    },
    syntax::secrets::{Content, parse},
};

/// Somebody who asks for a module.
pub(super) struct Login {
    /// None where nobody is asked for a name.
    pub(super) user: Option<String>,
    /// The group whose password it is, if it is not the user's own.
    pub(super) group: Option<String>,
    /// What the secrets file has; empty if it has nothing.
    pub(super) password: Vec<u8>,
    /// Whether it has something, and the daemon may read it.
    pub(super) has_secret: bool,
    /// Whether the daemon becomes a user who may not read it.
    pub(super) is_closed: bool,
}

impl Login {
    /// Nobody in particular.
    pub(super) const fn nobody() -> Self {
        Self {
            user: None,
            group: None,
            password: Vec::new(),
            has_secret: false,
            is_closed: false,
        }
    }
}

/// So many members of a group are tried: the others log in with the same password.
const MEMBERS: usize = 3;

/// Everybody whom a module's secrets file knows, then those whom its `auth users` names besides; and who cannot be tried.
///
/// A line of a group is for its members, each with the own name, where the group is what `auth users` admits them for
/// (`check_secret` in authenticate.c).
pub(super) fn logins(
    configuration: &Configuration,
    scope: Scope,
    place: Option<PathBuf>,
    host: &dyn Host,
    owner: Option<Owner>,
) -> (Vec<Login>, Vec<NotTried>) {
    if !has_rules(configuration, scope) {
        return (vec![Login::nobody()], Vec::new());
    }
    let mut found = Found::default();
    let is_closed = owner.zip(place.as_deref()).is_some_and(|(owner, place)| {
        let file = host.metadata(place, true).ok().flatten();
        file.is_some_and(|file| !owner.may_read(file))
    });
    let file = match place.map(|place| host.read(&place)) {
        Some(Err(Unknown::Denied)) => {
            found.leave_out(None, Why::Secrets);
            return (found.logins, found.not_tried);
        }
        read => read.and_then(Result::ok).flatten().unwrap_or_default(),
    };
    let mut groups: Vec<(String, &[u8])> = Vec::new();
    for line in parse(&file) {
        let Content::Secret {
            name,
            is_group,
            password,
        } = line.content
        else {
            continue;
        };
        let shown = String::from_utf8_lossy(&file[name.clone()]).into_owned();
        let password = &file[password];
        // Of a name the first line counts.
        if is_group {
            if !groups.iter().any(|(group, _)| *group == shown) {
                groups.push((shown, password));
            }
        } else if !can_be_sent(&file[name]) {
            found.leave_out(Some(shown), Why::Name);
        } else {
            found.add(shown, None, Some(password));
        }
    }
    for (group, password) in groups {
        let mut members = members(configuration, scope, &group, host);
        members.retain(|member| can_be_sent(member.as_bytes()) && !found.has(member));
        let title = Some(format!("@{group}"));
        match members.len() {
            0 => found.leave_out(title, Why::Group),
            count if count > MEMBERS => found.leave_out(title, Why::Members(count - MEMBERS)),
            _ => {}
        }
        for member in members.into_iter().take(MEMBERS) {
            found.add(member, Some(group.clone()), Some(password));
        }
    }
    for user in named(configuration, scope) {
        found.add(user, None, None);
    }
    for login in &mut found.logins {
        login.has_secret &= !is_closed;
        login.is_closed = is_closed;
    }
    (found.logins, found.not_tried)
}

/// Who is tried, and who is not.
#[derive(Default)]
struct Found {
    logins: Vec<Login>,
    not_tried: Vec<NotTried>,
}

impl Found {
    fn has(&self, user: &str) -> bool {
        self.logins
            .iter()
            .any(|login| login.user.as_deref() == Some(user))
    }

    fn add(&mut self, user: String, group: Option<String>, password: Option<&[u8]>) {
        if !self.has(&user) {
            self.logins.push(Login {
                user: Some(user),
                group,
                password: password.unwrap_or_default().to_vec(),
                has_secret: password.is_some(),
                is_closed: false,
            });
        }
    }

    fn leave_out(&mut self, user: Option<String>, why: Why) {
        self.not_tried.push(NotTried { user, why });
    }
}

/// The users of this machine who log in to a module with the password of a group: those whom a rule lets in for it.
fn members(configuration: &Configuration, scope: Scope, group: &str, host: &dyn Host) -> Vec<String> {
    let is_let_in = |user: &String| {
        let Ok(groups) = host.groups(user) else {
            return false;
        };
        let UsersVerdict::Rule(rule) = users(configuration, scope, user, Some(&groups)) else {
            return false;
        };
        let mut groups = groups.iter();
        let deciding = groups.find(|group| wildmatch(rule.pattern, group.as_bytes()));
        rule.is_group && rule.right != Right::Deny && deciding.is_some_and(|deciding| deciding == group)
    };
    let mut members = listed_members(group, host);
    members.retain(is_let_in);
    members
}

/// The users whom `/etc/group` and `/etc/passwd` have in a group.
fn listed_members(group: &str, host: &dyn Host) -> Vec<String> {
    let read = |place: &str| {
        let bytes = host.read(Path::new(place)).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut members = Vec::new();
    let mut number = None;
    for line in read("/etc/group").lines() {
        let fields: Vec<_> = line.split(':').collect();
        if let [name, _, gid, names, ..] = fields[..]
            && name == group
        {
            number = Some(gid.to_owned());
            members.extend(
                names
                    .split(',')
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
            );
        }
    }
    for line in read("/etc/passwd").lines() {
        let fields: Vec<_> = line.split(':').collect();
        if let [name, _, _, gid, ..] = fields[..]
            && number.as_deref() == Some(gid)
            && !members.iter().any(|member| member == name)
        {
            members.push(name.to_owned());
        }
    }
    members
}

/// Whether a client can log in with that name: it stands in a line of text, with a blank behind it.
fn can_be_sent(name: &[u8]) -> bool {
    let text = str::from_utf8(name).ok();
    text.is_some_and(|text| !text.contains(|letter: char| letter.is_whitespace() || letter.is_control()))
}

/// The users whom `auth users` names and lets in.
fn named(configuration: &Configuration, scope: Scope) -> Vec<String> {
    let setting = configuration.text(scope, Parameter::AuthUsers).origin.setting();
    let setting = setting.filter(|setting| !has_variable(setting.text.bytes()));
    let rules = setting.map_or_else(Vec::new, |setting| user_rules(setting, configuration.release));
    let is_name = |pattern: &[u8]| !pattern.iter().any(|byte| b"*?[\\".contains(byte));
    let named = rules
        .iter()
        .filter(|rule| !rule.is_group && rule.right != Right::Deny && is_name(rule.pattern));
    named
        .filter_map(|rule| str::from_utf8(rule.pattern).ok().map(str::to_owned))
        .collect()
}

/// Where a module's secrets file is for us; none if it has none, or if only the daemon knows.
pub(super) fn secrets_file(configuration: &Configuration, scope: Scope, directory: &Path) -> Option<PathBuf> {
    let path = configuration.text(scope, Parameter::SecretsFile).value;
    let chroot = configuration.text(Scope::Global, Parameter::DaemonChroot).value;
    if path.is_empty() || has_variable(path) || has_variable(chroot) {
        return None;
    }
    let [path, chroot] = [path, chroot].map(|bytes| Path::new(OsStr::from_bytes(bytes)));
    // A daemon that locks itself in looks below its folder.
    Some(match chroot.as_os_str().is_empty() {
        true => directory.join(path),
        false => chroot.join(path.strip_prefix("/").unwrap_or(path)),
    })
}
