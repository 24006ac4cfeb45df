//! A cause that is told once for many modules, and counts for each of them.

use crate::{diagnosis::Finding, terms::Span};

/// A module that a finding is told for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Member {
    /// What is wrong in it, or its header.
    pub span: Span,
    /// Its name.
    pub module: String,
}

/// The variant of the page and the values of its placeholders for some modules, of which the first is named.
pub(crate) fn told(members: &[Member]) -> (&'static str, Vec<(&'static str, String)>) {
    let first = members.first().map(|member| member.module.clone());
    let mut arguments = vec![("module", first.unwrap_or_default())];
    let others = members.len().saturating_sub(1);
    if others == 0 {
        return ("one", arguments);
    }
    arguments.push(("others", others.to_string()));
    ("several", arguments)
}

impl Finding {
    /// How many modules it is told for; 1 if it is about something else.
    pub fn count(&self) -> usize {
        self.members.len().max(1)
    }

    /// The first place of each module that it is told for.
    pub fn spans(&self) -> impl Iterator<Item = Span> {
        let own = self.members.is_empty().then(|| self.labels[0].span);
        own.into_iter()
            .chain(self.members.iter().map(|member| member.span))
    }

    /// Keeps the modules whose places are wanted, and tells it for those. Returns how many are left: if none is, it is
    /// no finding any more.
    pub fn retain(&mut self, mut wanted: impl FnMut(Span) -> bool) -> usize {
        if self.members.is_empty() {
            return usize::from(wanted(self.labels[0].span));
        }
        let before = self.members.len();
        self.members.retain(|member| wanted(member.span));
        let left = self.members.len();
        if (1..before).contains(&left) {
            let (variant, arguments) = told(&self.members);
            self.labels[0].span = self.members[0].span;
            self.variant = Some(variant);
            self.arguments = arguments;
        }
        left
    }
}
