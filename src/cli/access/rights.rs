use crate::{
    catalog::Language,
    model::{
        Configuration, Parameter, Scope, Setting,
        access::{Right, UserRule, has_rules, user_rules},
    },
    render::{pick, visible},
};

/// What a peer may do with a module.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) struct Rights {
    pub(super) read: bool,
    pub(super) write: bool,
}

/// What a rule of `auth users` leaves to whom it matches.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct UserRights {
    /// The user, the pattern, or the group behind its `@`.
    who: String,
    /// None if they are turned away.
    rights: Option<Rights>,
}

impl Rights {
    /// What the module gives to whom no rule says otherwise.
    pub(super) fn of(configuration: &Configuration, scope: Scope) -> Self {
        Self {
            read: !configuration.is(scope, Parameter::WriteOnly),
            write: !configuration.is(scope, Parameter::ReadOnly),
        }
    }

    /// What is left of them under a rule of `auth users`, which may also give more (`auth_server` in authenticate.c).
    pub(super) fn under(self, rule: &UserRule<'_>) -> Option<Self> {
        match rule.right {
            Right::Deny => None,
            Right::ReadOnly => Some(Self { write: false, ..self }),
            Right::ReadWrite => Some(Self { write: true, ..self }),
            Right::Module => Some(self),
        }
    }

    pub(super) fn in_words(self, language: Language) -> &'static str {
        match (self.read, self.write) {
            (true, true) => pick(language, "read and write", "读写"),
            (true, false) => pick(language, "read only", "只读"),
            (false, true) => pick(language, "write only", "只写"),
            (false, false) => pick(
                language,
                "nothing (write only, and read only too)",
                "什么也做不了（同时只写和只读）",
            ),
        }
    }
}

impl UserRights {
    /// Rule by rule, in the order in which the daemon asks; none if the module asks nobody for a name. Without a secrets
    /// file there is nobody who can log in.
    pub(super) fn of(configuration: &Configuration, scope: Scope) -> Option<Vec<Self>> {
        let setting = configuration.text(scope, Parameter::AuthUsers).origin.setting();
        let setting = setting.filter(|_| has_rules(configuration, scope))?;
        let module = Rights::of(configuration, scope);
        let rules = user_rules(setting, configuration.release).into_iter();
        let rules = rules.filter(|_| !has_no_secrets(configuration, scope));
        let rights = rules.map(|rule| Self {
            who: who(&rule),
            rights: module.under(&rule),
        });
        Some(rights.collect())
    }

    pub(super) fn as_json(&self) -> serde_json::Value {
        serde_json::json!({
            "user": self.who,
            "read": self.rights.is_some_and(|rights| rights.read),
            "write": self.rights.is_some_and(|rights| rights.write),
        })
    }
}

/// The line that shuts a module for everybody: no connection is one too many (`claim_connection` in connection.c).
pub(super) fn shut(configuration: &Configuration, scope: Scope) -> Option<&Setting> {
    let most = configuration.integer(scope, Parameter::MaxConnections);
    most.origin.setting().filter(|_| most.value < 0)
}

/// Whether a module asks for users and has no secrets file to find their passwords in.
pub(super) fn has_no_secrets(configuration: &Configuration, scope: Scope) -> bool {
    has_rules(configuration, scope) && configuration.text(scope, Parameter::SecretsFile).value.is_empty()
}

/// What the users of a module may do, those with the same rights together; who they are is left out where all may do
/// the same.
pub(super) fn users_in_words(users: &[UserRights], language: Language) -> String {
    match groups(users)[..] {
        [(rights, _)] => words(rights, language).to_owned(),
        _ => named_users_in_words(users, language),
    }
}

/// The same, with everybody named.
pub(super) fn named_users_in_words(users: &[UserRights], language: Language) -> String {
    let groups = groups(users);
    if groups.is_empty() {
        return pick(language, "nobody can log in", "没有人能登录").to_owned();
    }
    let group = |(rights, who): &(Option<Rights>, Vec<&str>)| {
        let who = who.join(pick(language, ", ", "、"));
        format!("{}{}{who}", words(*rights, language), pick(language, ": ", "："))
    };
    let groups: Vec<_> = groups.iter().map(group).collect();
    groups.join(pick(language, "; ", "；"))
}

fn words(rights: Option<Rights>, language: Language) -> &'static str {
    match rights {
        Some(rights) => rights.in_words(language),
        None => pick(language, "denied", "拒绝"),
    }
}

fn groups(users: &[UserRights]) -> Vec<(Option<Rights>, Vec<&str>)> {
    let mut groups: Vec<(Option<Rights>, Vec<&str>)> = Vec::new();
    for user in users {
        match groups.iter_mut().find(|(rights, _)| *rights == user.rights) {
            Some((_, who)) => who.push(&user.who),
            None => groups.push((user.rights, vec![&user.who])),
        }
    }
    groups
}

/// Whom a rule is about, without what stands behind the colon.
fn who(rule: &UserRule<'_>) -> String {
    let at = if rule.is_group { "@" } else { "" };
    visible(&format!("{at}{}", String::from_utf8_lossy(rule.pattern)))
}
