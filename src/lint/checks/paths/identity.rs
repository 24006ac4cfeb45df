//! `uid` and `gid`, and a daemon that is not root.

use std::collections::BTreeSet;

use crate::{
    diagnosis::Edit,
    lint::{
        checks::{
            Check, loosens,
            paths::account::{Accounts, has_daemon_chroot},
        },
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Effect, Parameter, Scope, Setting, Value, has_variable},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY407", unknown_uid),
    Check::configuration("RSY407", number_without_account),
    Check::configuration("RSY408", unknown_gid),
    Check::configuration("RSY409", identity_on_plain_user_daemon),
    Check::configuration("RSY411", identity_after_daemon_uid),
    Check::configuration("RSY421", fake_super_as_root),
    Check::configuration("RSY422", writable_as_nobody),
];

/// RSY407: a user that the server does not know closes the module.
fn unknown_uid(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut accounts = Accounts::new(subject.host);
    for user in lines(subject, Parameter::Uid, Parameter::DaemonUid) {
        let word = user.setting.text.bytes();
        if has_variable(word) || has_daemon_chroot(subject) {
            continue;
        }
        let is_list = word.iter().any(|byte| b" ,\t".contains(byte)) || is_no_name(word);
        let too_large = too_large(word);
        if !is_list && too_large.is_none() && !is_no_number(word) {
            let name = String::from_utf8_lossy(word);
            if !matches!(out.fact(name, accounts.uid(word)), Some(None)) {
                continue;
            }
        }
        let case = Case::at(user.setting.value_span())
            .with("user", user.setting.text.display())
            .with("call", "setuid");
        out.report(match &user.module {
            None if too_large.is_some() => case.variant("daemon-number"),
            None => case.variant("daemon"),
            Some(module) => case
                .variant(too_large.unwrap_or(if is_list { "list" } else { "module" }))
                .with("module", module.name()),
        });
    }
}

/// RSY407: `gid = *` stands for the groups of the module's user, whom only an account has (`want_all_groups` in clientserver.c;
/// observed with rsync 3.5.0).
fn number_without_account(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if !is_root(subject) || has_daemon_chroot(subject) {
        return;
    }
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let [user, groups] = [Parameter::Uid, Parameter::Gid].map(|parameter| module.text(parameter));
        let (Some(setting), Some(first)) = (user.origin.setting(), groups.origin.setting()) else {
            continue;
        };
        let takes_all = first
            .text
            .conf_tokens()
            .first()
            .is_some_and(|token| token.bytes == b"*");
        let number = str::from_utf8(user.value).ok();
        let number = number.filter(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
        let Some(number) = number
            .and_then(|number| number.parse::<u32>().ok())
            .filter(|_| takes_all)
        else {
            continue;
        };
        let span = setting.value_span();
        if number != u32::MAX
            && seen.insert((span.source, span.start))
            && out.fact(number.to_string(), subject.host.has_number(number)) == Some(false)
        {
            out.report(
                Case::at(span)
                    .variant("without-account")
                    .with("user", number.to_string())
                    .with("module", module.name()),
            );
        }
    }
}

/// A number that no account has: rsync gives up at one of more than 32 bits (`id_parse` in uidlist.c), and to the system
/// the largest one of them is -1, which is nobody.
fn too_large(word: &[u8]) -> Option<&'static str> {
    let is_number = !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let digits = str::from_utf8(word).ok().filter(|_| is_number)?;
    match digits.parse() {
        Ok(u32::MAX) => Some("minus-one"),
        Ok(_) => None,
        Err(_) => Some("number"),
    }
}

/// `-2`, as old guides write nobody, `+5`, `0x10`: rsync takes it for a name, and no account is called so (`id_parse` in
/// uidlist.c reads decimal digits alone).
fn is_no_number(word: &[u8]) -> bool {
    let is = |digits: Option<&[u8]>, is_digit: fn(&u8) -> bool| {
        digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(is_digit))
    };
    let sign = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"+"));
    let hexadecimal = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X"));
    is(sign, u8::is_ascii_digit) || is(hexadecimal, u8::is_ascii_hexdigit)
}

/// What no account's name holds: a colon parts the fields of /etc/passwd, and a semicolon or a wide mark was to part words.
fn is_no_name(word: &[u8]) -> bool {
    let wide_marks = ["，", "；", "、", "："];
    word.iter().any(|byte| b":;".contains(byte))
        || wide_marks
            .iter()
            .any(|mark| word.windows(mark.len()).any(|part| part == mark.as_bytes()))
}

/// RSY408: a group that the server does not know closes the module; `nobody` is one on some systems, `nogroup` on
/// others.
fn unknown_gid(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut accounts = Accounts::new(subject.host);
    for group in lines(subject, Parameter::Gid, Parameter::DaemonGid) {
        let setting = group.setting;
        if has_variable(setting.text.bytes()) || has_daemon_chroot(subject) {
            continue;
        }
        // Without root no group will do, and that is another case.
        if group.module.is_some() && !is_root(subject) {
            continue;
        }
        let tokens = match group.module {
            Some(_) => setting.text.conf_tokens(),
            None => setting.text.tokens(|_| false).collect(),
        };
        for (index, token) in tokens.iter().enumerate() {
            if index == 0 && token.bytes == b"*" {
                continue;
            }
            let too_large = too_large(token.bytes);
            let is_unknown = too_large.is_some()
                || is_no_number(token.bytes)
                || is_no_name(token.bytes)
                || matches!(out.fact(token.display(), accounts.gid(token.bytes)), Some(None));
            if !is_unknown {
                continue;
            }
            let span = setting.part(token.part.clone());
            let case = Case::at(span)
                .with("group", token.display())
                .with("call", if index == 0 { "setgid" } else { "setgroups" });
            let Some(module) = &group.module else {
                out.report(case.variant(if too_large.is_some() {
                    "daemon-number"
                } else {
                    "daemon"
                }));
                continue;
            };
            let case = case.with("module", module.name());
            if let Some(variant) = too_large {
                out.report(case.variant(variant));
                continue;
            }
            let other: &[u8] = match token.bytes {
                b"nobody" => b"nogroup",
                b"nogroup" => b"nobody",
                _ => b"",
            };
            let has_other = !other.is_empty() && matches!(accounts.gid(other), Ok(Some(_)));
            out.report(if has_other {
                case.variant("other-system")
                    .with("other", String::from_utf8_lossy(other))
                    .fix(
                        loosens::safety(Parameter::Gid, other),
                        [Edit::replace(span, other)],
                    )
            } else {
                case.variant("module")
            });
        }
    }
}

/// RSY409: only root may take on another identity or leave its root folder.
fn identity_on_plain_user_daemon(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let daemon = subject.circumstances.daemon_uid;
    if daemon != 0 {
        without_root(subject, out, daemon, None);
    }
}

/// RSY411: with `daemon uid` the daemon is no longer root when it meets a module.
fn identity_after_daemon_uid(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let origin = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonUid)
        .origin;
    let Some(setting) = origin.setting().filter(|setting| !setting.text.is_empty()) else {
        return;
    };
    if subject.circumstances.daemon_uid != 0 || has_variable(setting.text.bytes()) {
        return;
    }
    let mut accounts = Accounts::new(subject.host);
    let daemon = out.fact(setting.text.display(), accounts.daemon(subject));
    if let Some(Some(daemon)) = daemon.filter(|uid| *uid != Some(0)) {
        without_root(subject, out, daemon, Some(setting.span()));
    }
}

/// What fails in a module when the daemon is the user `daemon`, and not root.
fn without_root(
    subject: &ConfigurationSubject<'_>,
    out: &mut Reporter<'_>,
    daemon: u32,
    because: Option<Span>,
) {
    let mut accounts = Accounts::new(subject.host);
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let chroot = module.boolean(Parameter::UseChroot);
        let path = module.text(Parameter::Path);
        let (uid, gid) = (module.text(Parameter::Uid), module.text(Parameter::Gid));
        let of_chroot = chroot.origin.setting().filter(|_| chroot.value == Some(true));
        let with_dot = path.origin.setting().filter(|_| has_dot(path.value));
        let is_other = |setting: &&Setting| {
            let known = (!has_variable(uid.value)).then(|| accounts.uid(uid.value));
            let user = known.and_then(|fact| out.fact(setting.text.display(), fact));
            // An unknown user is another case; the daemon's own one changes nothing.
            user.flatten().is_some_and(|user| user != daemon)
        };
        let is_set = |setting: &&Setting| !setting.text.is_empty();
        let of_user = uid.origin.setting().filter(is_set).filter(is_other);
        // In the order in which the daemon meets them.
        let lines = [
            ("chroot", of_chroot),
            ("dot", with_dot.filter(|_| chroot.value.is_none())),
            ("gid", gid.origin.setting().filter(is_set)),
            ("uid", of_user),
        ];
        let mut lines = lines
            .into_iter()
            .filter_map(|(variant, setting)| Some((variant, setting?)));
        let Some((variant, setting)) = lines.next() else {
            continue;
        };
        if seen.insert(setting.span().start) {
            let case = Case::at(setting.span())
                .variant(variant)
                .with("module", module.name())
                .with("value", setting.text.display());
            let case = lines.fold(case, |case, (_, more)| {
                let line = String::from_utf8_lossy(more.bytes());
                let name = more.parameter.name();
                case.fact(format!("`{name} = {line}` needs root too"))
            });
            out.report(match because {
                Some(span) => case.also(span, "daemon-uid"),
                None => case,
            });
        }
    }
}

/// RSY421: `fake super` exists so that ownership is kept without root.
fn fake_super_as_root(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let fake = module.boolean(Parameter::FakeSuper);
        let uid = module.text(Parameter::Uid);
        let (Some(setting), Some(user)) = (fake.origin.setting(), uid.origin.setting()) else {
            continue;
        };
        let is_root = matches!(uid.value, b"root" | b"0") && subject.circumstances.daemon_uid == 0;
        if fake.value == Some(true) && is_root && seen.insert(setting.span().start) {
            out.report(
                Case::at(setting.span())
                    .with("module", module.name())
                    .also(user.span(), "uid"),
            );
        }
    }
}

/// RSY422: without `uid` the daemon of root writes as nobody. Where the folder can be looked at, RSY406 knows whether
/// that works.
fn writable_as_nobody(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if !is_root(subject) {
        return;
    }
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        if !module.is_writable() || module.has(Parameter::Uid) {
            continue;
        }
        let is_seen = module
            .folder(subject)
            .is_some_and(|folder| subject.host.metadata(&folder, true).is_ok());
        let place = module.place(module.boolean(Parameter::ReadOnly).origin);
        if !is_seen && seen.insert((place.source, place.start)) {
            out.report(Case::at(place).with("module", module.name()));
        }
    }
}

/// A line that names users or groups, once, with a module for which it holds; none for the daemon's own.
struct Line<'a> {
    setting: &'a Setting,
    module: Option<ModuleSubject<'a>>,
}

fn lines<'a>(subject: &ConfigurationSubject<'a>, module: Parameter, daemon: Parameter) -> Vec<Line<'a>> {
    let mut seen = BTreeSet::new();
    let own = subject.configuration.text(Scope::Global, daemon).origin.setting();
    let mut found: Vec<Line<'a>> = own
        .filter(|setting| matches!(setting.effect, Effect::Set(Value::Text)))
        .map(|setting| Line {
            setting,
            module: None,
        })
        .into_iter()
        .collect();
    for one in subject.modules() {
        let Some(setting) = one.text(module).origin.setting() else {
            continue;
        };
        let span = setting.span();
        if seen.insert((span.source, span.start)) {
            found.push(Line {
                setting,
                module: Some(one),
            });
        }
    }
    found.retain(|line| !line.setting.text.is_empty());
    found
}

/// Whether the daemon is still root when it meets a module.
fn is_root(subject: &ConfigurationSubject<'_>) -> bool {
    let daemon_uid = subject.configuration.text(Scope::Global, Parameter::DaemonUid);
    subject.circumstances.daemon_uid == 0 && daemon_uid.value.is_empty()
}

fn has_dot(path: &[u8]) -> bool {
    path.windows(3).any(|part| part == b"/./")
}
