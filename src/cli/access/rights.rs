use crate::{
    catalog::Language,
    model::{
        Configuration, Parameter, Scope,
        access::{Rights, UserRule, has_no_secrets, has_rules, user_rules},
    },
    render::{pick, visible},
};

/// What a rule of `auth users` leaves to whom it matches.
#[derive(Clone, Eq, PartialEq)]
pub(super) struct UserRights {
    /// The user, the pattern, or the group behind its `@`.
    who: String,
    /// None if they are turned away.
    rights: Option<Rights>,
}

/// What somebody may do.
pub(super) fn in_words(rights: Rights, language: Language) -> &'static str {
    match (rights.read, rights.write) {
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
        Some(rights) => in_words(rights, language),
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
