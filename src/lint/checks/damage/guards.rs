//! What becomes of clients when hurt lines count, and what keeps strangers out then.

//!
//! A safe fix may give back what the hosts and the users that the file names were meant to have: that is what the line
//! says to whoever reads it. It lets in nobody whom the file does not name: no stranger, and no user of whom only the
//! secrets file knows.

use super::Damage;
use crate::{
    diagnosis::Edit,
    lint::{checks::loosens::loosens, subject::ConfigurationSubject},
    model::{
        Parameter, Scope, Setting,
        access::{Lookups, denies_strangers, holds_strangers},
    },
    terms::Span,
};

/// A line that keeps clients out, as it is once it is cured.
pub(super) struct Guard {
    scope: Scope,
    parameter: Parameter,
    value: Vec<u8>,
    /// Where its value stands, if rsync takes the line for what it is.
    read: Option<Span>,
}

/// A line that counts once it is cured.
pub(super) struct Hurt {
    pub(super) parameter: Parameter,
    pub(super) value: Vec<u8>,
    pub(super) block: usize,
    /// Where its value stands, if rsync takes the line for what it is.
    pub(super) read: Option<Span>,
}

/// Whether the first of some edits is in a list of users.
pub(super) fn are_of_users(subject: &ConfigurationSubject<'_>, edits: &[Edit]) -> bool {
    let settings = subject.configuration.settings.iter();
    let mut lists = settings
        .filter(|setting| setting.parameter == Parameter::AuthUsers)
        .map(Setting::value_span);
    let is_around =
        |list: Span, at: Span| list.source == at.source && list.start <= at.start && at.end <= list.end;
    let first = edits.first();
    first.is_some_and(|first| lists.any(|list| is_around(list, first.span)))
}

impl Damage<'_> {
    /// A part of the file with the edits from `first` on applied.
    pub(super) fn cured(&self, part: Span, first: usize) -> Vec<u8> {
        let mut edits: Vec<_> = self.edits[first..].iter().collect();
        edits.sort_by_key(|edit| edit.span);
        edits.dedup_by_key(|edit| edit.span);
        let bytes = self.subject.sources.get(self.file).bytes();
        let mut cured = Vec::new();
        let mut at = part.range().start;
        for edit in edits {
            let range = edit.span.range();
            if range.start < at || range.end > part.range().end {
                continue;
            }
            cured.extend_from_slice(&bytes[at..range.start]);
            cured.extend_from_slice(&edit.replacement);
            at = range.end;
        }
        cured.extend_from_slice(&bytes[at..part.range().end]);
        cured
    }

    /// What becomes of clients when a line counts that the edits from `first` on cure.
    pub(super) fn judge(&mut self, line: Hurt, first: usize) {
        use Parameter as P;
        let edits = first..self.edits.len();
        let scope = self.subject.configuration.blocks[line.block].scope;
        let lookups = Lookups::of(self.subject.configuration, scope);
        match line.parameter {
            // Whom it names gets in; the others do not.
            P::HostsAllow if holds_strangers(&line.value, lookups) => self.opening.push(edits),
            P::AuthUsers if self.admits_unnamed(&line, scope) => self.opening.push(edits),
            P::HostsAllow | P::AuthUsers => {}
            // What is denied now may be more: everybody, for a word that is no name. And a `hosts allow` that refuses
            // all others does so no longer beside a `hosts deny`.
            P::HostsDeny if !denies_strangers(&line.value, lookups) => self.opening.push(edits),
            P::HostsDeny => {}
            P::RefuseOptions if line.read.is_some() && loosens(line.parameter, &line.value) => {
                self.opening.push(edits);
            }
            P::RefuseOptions => {}
            parameter if loosens(parameter, &line.value) => self.loosening.push((line.block, edits)),
            _ => {}
        }
        if matches!(line.parameter, P::AuthUsers | P::HostsAllow | P::HostsDeny) {
            self.guards.push(Guard {
                scope,
                parameter: line.parameter,
                value: line.value,
                read: line.read,
            });
        }
    }

    /// Whether a cured `auth users` gives something to users whom it does not name: its patterns mean every user of the
    /// secrets file.
    fn admits_unnamed(&self, line: &Hurt, scope: Scope) -> bool {
        let is_separator = |byte: &u8| b" ,\t".contains(byte);
        let now: Vec<&[u8]> = match line.read {
            Some(value) => self.subject.sources.slice(value),
            None => self.subject.configuration.text(scope, Parameter::AuthUsers).value,
        }
        .split(is_separator)
        .collect();
        // Where nobody is asked for a name, all have what the module gives already.
        let asks = now.iter().any(|word| !word.is_empty());
        let gains = |word: &[u8]| {
            let mut parts = word.splitn(2, |&byte| byte == b':');
            let (name, right) = (parts.next().unwrap_or_default(), parts.next());
            let right = right.map(<[u8]>::to_ascii_lowercase).unwrap_or_default();
            let is_pattern = name.iter().any(|byte| b"*?[".contains(byte));
            let gives = (asks && !right.starts_with(b"d")) || right.starts_with(b"rw");
            is_pattern && gives && !now.contains(&word)
        };
        line.value.split(is_separator).any(gains)
    }

    /// Whether every module that a block reaches asks for users or keeps strangers out once the file is cured: then
    /// nothing is opened to strangers.
    pub(super) fn is_guarded(&self, block: usize) -> bool {
        let scope = self.subject.configuration.blocks[block].scope;
        let reached = |of: Scope| scope == Scope::Global || of == scope;
        let mut modules = self
            .subject
            .modules()
            .map(|module| module.scope())
            .filter(|scope| reached(*scope))
            .peekable();
        match modules.peek() {
            Some(_) => modules.all(|scope| self.guards_scope(scope)),
            None => self.guards_scope(scope),
        }
    }

    fn guards_scope(&self, scope: Scope) -> bool {
        let lookups = Lookups::of(self.subject.configuration, scope);
        let users = self.values(scope, Parameter::AuthUsers);
        let allowed = self.values(scope, Parameter::HostsAllow);
        let denied = self.values(scope, Parameter::HostsDeny);
        let asks = users.iter().all(|value| !value.is_empty());
        // `hosts deny` beside `hosts allow` lets in who is on neither.
        let all_denied = denied
            .iter()
            .all(|value| !value.is_empty() && denies_strangers(value, lookups));
        let none_denied = denied.iter().all(|value| value.is_empty());
        let few_allowed = allowed
            .iter()
            .all(|value| !value.is_empty() && !holds_strangers(value, lookups));
        let none_allowed = allowed.iter().all(|value| value.is_empty());
        asks || (few_allowed && (none_denied || all_denied)) || (none_allowed && all_denied)
    }

    /// What may hold in a scope once the file is cured: hurt lines of its own or of the global block, and what holds
    /// now if that is none of them.
    fn values(&self, scope: Scope, parameter: Parameter) -> Vec<&[u8]> {
        let guards = self.guards.iter();
        let hurt: Vec<&Guard> = guards
            .filter(|guard| {
                guard.parameter == parameter && (guard.scope == scope || guard.scope == Scope::Global)
            })
            .collect();
        let now = self.subject.configuration.text(scope, parameter);
        let is_hurt = match now.origin.setting() {
            Some(setting) => hurt.iter().any(|guard| guard.read == Some(setting.value_span())),
            None => !hurt.is_empty(),
        };
        let mut values: Vec<&[u8]> = hurt.iter().map(|guard| &guard.value[..]).collect();
        if !is_hurt {
            values.push(now.value);
        }
        values
    }
}
