use crate::model::{
    Configuration, Parameter, Scope, Setting,
    access::{Right, UserRule, has_rules},
};

/// What a peer may do with a module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rights {
    /// Take files out of it.
    pub read: bool,
    /// Put files into it.
    pub write: bool,
}

impl Rights {
    /// What the module gives to whom no rule says otherwise.
    pub fn of(configuration: &Configuration, scope: Scope) -> Self {
        Self {
            read: !configuration.is(scope, Parameter::WriteOnly),
            write: !configuration.is(scope, Parameter::ReadOnly),
        }
    }

    /// What is left of them under a rule of `auth users`, which may also give more (`auth_server` in authenticate.c).
    pub fn under(self, rule: &UserRule<'_>) -> Option<Self> {
        match rule.right {
            Right::Deny => None,
            Right::ReadOnly => Some(Self { write: false, ..self }),
            Right::ReadWrite => Some(Self { write: true, ..self }),
            Right::Module => Some(self),
        }
    }
}

/// The line that shuts a module for everybody: no connection is one too many (`claim_connection` in connection.c).
pub fn shut(configuration: &Configuration, scope: Scope) -> Option<&Setting> {
    let most = configuration.integer(scope, Parameter::MaxConnections);
    most.origin.setting().filter(|_| most.value < 0)
}

/// Whether a module asks for users and has no secrets file to find their passwords in.
pub fn has_no_secrets(configuration: &Configuration, scope: Scope) -> bool {
    has_rules(configuration, scope) && configuration.text(scope, Parameter::SecretsFile).value.is_empty()
}
