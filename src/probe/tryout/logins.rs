use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    host::Host,
    model::{
        Configuration, Parameter, Scope,
        access::{Right, has_rules, user_rules},
        has_variable,
    },
    probe::tryout::report::Why,
    syntax::secrets::{Content, parse},
};

/// Somebody who asks for a module.
pub(super) struct Login {
    /// None where nobody is asked for a name.
    pub(super) user: Option<String>,
    /// What the secrets file has; empty if it has nothing.
    pub(super) password: Vec<u8>,
    /// Whether it has something.
    pub(super) has_secret: bool,
}

impl Login {
    /// Nobody in particular.
    pub(super) const fn nobody() -> Self {
        Self {
            user: None,
            password: Vec::new(),
            has_secret: false,
        }
    }
}

/// Everybody whom a module's secrets file knows, then those whom its `auth users` names besides; and who cannot be tried.
pub(super) fn logins(
    configuration: &Configuration,
    scope: Scope,
    place: Option<PathBuf>,
    host: &dyn Host,
) -> (Vec<Login>, Vec<(String, Why)>) {
    if !has_rules(configuration, scope) {
        return (vec![Login::nobody()], Vec::new());
    }
    let file = place.and_then(|place| host.read(&place).ok().flatten());
    let file = file.unwrap_or_default();
    let (mut logins, mut untried): (Vec<Login>, Vec<(String, Why)>) = Default::default();
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
        // Of a name the first line counts.
        if is_group {
            let group = (format!("@{shown}"), Why::Group);
            if !untried.contains(&group) {
                untried.push(group);
            }
        } else if !can_be_sent(&file[name]) {
            untried.push((shown, Why::Name));
        } else if !is_named(&logins, &shown) {
            logins.push(Login {
                user: Some(shown),
                password: file[password].to_vec(),
                has_secret: true,
            });
        }
    }
    for user in named(configuration, scope) {
        if !is_named(&logins, &user) {
            logins.push(Login {
                user: Some(user),
                password: Vec::new(),
                has_secret: false,
            });
        }
    }
    (logins, untried)
}

/// Whether a client can log in with that name: it stands in a line of text, with a blank behind it.
fn can_be_sent(name: &[u8]) -> bool {
    let text = str::from_utf8(name).ok();
    text.is_some_and(|text| !text.contains(|letter: char| letter.is_whitespace() || letter.is_control()))
}

fn is_named(logins: &[Login], user: &str) -> bool {
    logins.iter().any(|login| login.user.as_deref() == Some(user))
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
