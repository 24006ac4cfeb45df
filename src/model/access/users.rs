use std::ops::Range;

use crate::{
    model::{Configuration, Parameter, Scope, Setting, wildmatch::wildmatch},
    syntax::Token,
    terms::Release,
};

/// What a rule of `auth users` grants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// `:deny`.
    Deny,
    /// No suffix, or one that rsync ignores: what the module says.
    Module,
    /// `:ro`.
    ReadOnly,
    /// `:rw`.
    ReadWrite,
}

/// One word of `auth users`.
#[derive(Debug)]
pub struct UserRule<'a> {
    /// The whole word.
    pub token: Token<'a>,
    /// The user's name or pattern, or the group's behind its `@`.
    pub pattern: &'a [u8],
    /// Whether it names a group of the system.
    pub is_group: bool,
    /// What stands behind the colon, if there is one.
    pub suffix: Option<&'a [u8]>,
    /// What rsync makes of the suffix.
    pub right: Right,
}

impl UserRule<'_> {
    /// Whether the suffix is none of the words that people write there: it may be a password, which nobody is shown.
    /// rsync looks at its first letters only, so a password may well be a right.
    pub fn may_hide_password(&self) -> bool {
        let is_right = |word: &[u8]| [&b"deny"[..], b"ro", b"rw", b""].contains(&word);
        self.suffix.is_some_and(|suffix| !is_right(suffix)) && self.meant().is_none()
    }

    /// The word for people, with stars for what may be a password.
    pub fn shown(&self) -> String {
        let word = self.token.display().into_owned();
        match word.split_once(':') {
            Some((name, _)) if self.may_hide_password() => format!("{name}:****"),
            _ => word,
        }
    }

    /// The right that the suffix was to give, where rsync ignores it and it is a word that people write for one.
    pub fn meant(&self) -> Option<Right> {
        let word = self.suffix?.to_ascii_lowercase();
        let words: [(Right, &[&[u8]]); 3] = [
            (
                Right::ReadOnly,
                &[b"r", b"read", b"readonly", b"read-only", b"read_only", b"-w"],
            ),
            (
                Right::ReadWrite,
                &[
                    b"w",
                    b"wr",
                    b"write",
                    b"writable",
                    b"readwrite",
                    b"read-write",
                    b"read_write",
                ],
            ),
            (
                Right::Deny,
                &[
                    b"no", b"none", b"false", b"block", b"reject", b"refuse", b"forbid",
                ],
            ),
        ];
        let found = words.into_iter().find(|(_, words)| words.contains(&&word[..]));
        found
            .filter(|_| self.right == Right::Module)
            .map(|(right, _)| right)
    }

    /// Where the suffix stands in the setting's text.
    pub fn suffix_part(&self) -> Option<Range<usize>> {
        let end = self.token.part.end;
        Some(end - self.suffix?.len()..end)
    }
}

/// What `auth_server` in authenticate.c decides before it looks at a password.
#[derive(Debug)]
pub enum UsersVerdict<'a> {
    /// The module asks nobody for a name.
    Anonymous,
    /// The rule that matches first.
    Rule(UserRule<'a>),
    /// The rule that may match first: it names a group, and who is in it only the server knows.
    Group(UserRule<'a>),
    /// No rule matches.
    NoRule,
}

/// The value of `secrets file` for people: with stars where somebody wrote `user:password` in place of a path.
pub fn shown_secrets_file(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    match text.split_once(':') {
        Some((name, _)) if !text.starts_with('/') => format!("{name}:****"),
        _ => text.into_owned(),
    }
}

/// Whether the module asks for a user at all.
pub fn has_rules(configuration: &Configuration, scope: Scope) -> bool {
    !configuration.text(scope, Parameter::AuthUsers).value.is_empty()
}

/// The rules of an `auth users` line. Before 3.5.0 a leading comma has no meaning.
pub fn user_rules(setting: &Setting, release: Release) -> Vec<UserRule<'_>> {
    let tokens = if release >= Release::new(3, 5, 0) {
        setting.text.conf_tokens()
    } else {
        setting
            .text
            .tokens(|byte| matches!(byte, b' ' | b',' | b'\t'))
            .collect()
    };
    tokens.into_iter().map(rule).collect()
}

/// Which rule decides about a user, who is in these groups of the server if they are known.
pub fn users<'a>(
    configuration: &'a Configuration,
    scope: Scope,
    user: &str,
    groups: Option<&[String]>,
) -> UsersVerdict<'a> {
    let users = configuration.text(scope, Parameter::AuthUsers);
    let Some(setting) = users.origin.setting().filter(|_| !users.value.is_empty()) else {
        return UsersVerdict::Anonymous;
    };
    for rule in user_rules(setting, configuration.release) {
        let is_meant = match groups {
            _ if !rule.is_group => wildmatch(rule.pattern, user.as_bytes()),
            Some(groups) => groups
                .iter()
                .any(|group| wildmatch(rule.pattern, group.as_bytes())),
            None => return UsersVerdict::Group(rule),
        };
        if is_meant {
            return UsersVerdict::Rule(rule);
        }
    }
    UsersVerdict::NoRule
}

fn rule(token: Token<'_>) -> UserRule<'_> {
    let word = token.bytes;
    let (name, suffix) = match word.iter().position(|&byte| byte == b':') {
        Some(colon) => (&word[..colon], Some(&word[colon + 1..])),
        None => (word, None),
    };
    // Only the first letters count.
    let right = match suffix.map(<[u8]>::to_ascii_lowercase).as_deref() {
        Some([b'd', ..]) => Right::Deny,
        Some([b'r', b'o', ..]) => Right::ReadOnly,
        Some([b'r', b'w', ..]) => Right::ReadWrite,
        _ => Right::Module,
    };
    let group = name.strip_prefix(b"@");
    UserRule {
        token,
        pattern: group.unwrap_or(name),
        is_group: group.is_some(),
        suffix,
        right,
    }
}
