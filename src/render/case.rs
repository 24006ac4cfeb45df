//! One cause, in the words of its page.

use std::borrow::Cow;

use crate::{
    catalog::{FileKind, Language, Side, Text, fill, fill_advice},
    explain::{Cause, Reason},
    render::{
        names::{Command, has_placeholder, settled, with_names},
        words::pick,
    },
};

/// A cause, told with the names of the text.
pub(super) struct Case<'a> {
    pub(super) cause: &'a Cause,
    pub(super) language: Language,
}

impl Case<'_> {
    pub(super) fn text(&self) -> Text {
        self.cause.page.text(self.variant(), self.language)
    }

    /// Which kind of case the configuration has, or the symptom shows. A page about lines of files knows its kinds by those
    /// lines, not by symptoms; a client that refuses its own password file says why. Of several kinds that a line may be, it
    /// is the first that the line tells all of.
    pub(super) fn variant(&self) -> Option<&'static str> {
        let Cause { page, symptom, .. } = self.cause;
        match (symptom.variants, page.files) {
            _ if self.cause.variant.is_some() => self.cause.variant,
            ([variant], [] | [FileKind::Password, ..]) => Some(variant),
            ([told @ .., last], []) => told
                .iter()
                .find(|name| self.names_all(name))
                .or(Some(last))
                .copied(),
            _ => None,
        }
    }

    /// Whether the text tells every name in the title of a kind of case.
    fn names_all(&self, variant: &str) -> bool {
        let title = self.cause.page.text(Some(variant), self.language).title;
        !has_placeholder(&fill(title.unwrap_or_default(), &self.cause.arguments))
    }

    /// What tells it from the other causes of the same line: what the daemon logs.
    pub(super) fn log_line(&self) -> Option<String> {
        let Cause {
            symptom,
            page,
            reasons,
            ..
        } = self.cause;
        let is_shared = reasons.iter().any(|reason| matches!(reason, Reason::Shared(..)));
        let is_open = is_shared && self.place().is_none();
        let of_page = page.symptoms.iter().filter(|one| one.client == symptom.client);
        let of_page = of_page.filter_map(|one| one.log.or_else(|| one.log_wordings.first().copied()));
        let own = symptom.log.or_else(|| symptom.log_wordings.first().copied());
        let log = own.or_else(|| of_page.into_iter().next());
        log.filter(|_| is_open)
            .map(|log| self.filled(Some(log)).into_owned())
    }

    /// Where the server's configuration has it.
    pub(super) fn place(&self) -> Option<&str> {
        let mut reasons = self.cause.reasons.iter();
        reasons.find_map(|reason| match reason {
            Reason::Found(place) => Some(&**place),
            _ => None,
        })
    }

    /// What to type.
    pub(super) fn cure(&self) -> Vec<Command> {
        let page = self.cause.page;
        let variant = self.variant().and_then(|name| page.variant(name));
        self.commands(
            variant
                .and_then(|variant| variant.commands)
                .unwrap_or(page.commands),
        )
    }

    /// What happened; where the text does not tell enough for that, the cause in general.
    pub(super) fn title(&self) -> Cow<'static, str> {
        let title = self.text().title.map(|title| fill(title, &self.cause.arguments));
        match title.filter(|title| !has_placeholder(title)) {
            Some(title) => title,
            None => Cow::Borrowed(self.cause.page.summary(self.language)),
        }
    }

    /// Why it is so. A page about a line of a file says it only where the text tells that line.
    pub(super) fn message(&self) -> Option<Cow<'static, str>> {
        let message = fill(self.text().message?, &self.cause.arguments);
        if self.cause.page.files.is_empty() {
            return Some(self.filled(self.text().message));
        }
        (!has_placeholder(&message)).then_some(message)
    }

    pub(super) fn help(&self) -> Cow<'static, str> {
        let advice = self.text().help.unwrap_or_default();
        let arguments = &self.cause.arguments;
        with_names(
            fill_advice(&settled(advice, arguments), arguments)
                .into_owned()
                .into(),
        )
    }

    pub(super) fn not(&self) -> Option<Cow<'static, str>> {
        self.text().not.map(|not| self.filled(Some(not)))
    }

    /// Where commands are typed that the page has for `side`: a path may be of the other machine than a daemon's.
    pub(super) fn side(&self, side: Side) -> Option<Side> {
        if side == self.cause.page.side {
            self.cause.side
        } else {
            Some(side)
        }
    }

    /// The commands of a page, what can be typed as it is first.
    pub(super) fn commands(&self, commands: &[&'static str]) -> Vec<Command> {
        let is_of_daemon = |command: &str| {
            ["rsyncd.conf", "MODULE_USER"]
                .iter()
                .any(|word| command.contains(word))
        };
        let arguments = &self.cause.arguments;
        let mut filled: Vec<_> = commands
            .iter()
            .filter(|command| self.cause.is_of_daemon || !is_of_daemon(command))
            .map(|command| Command::new(command, arguments))
            .collect();
        // The configuration that is at hand says itself what a search of it shows.
        let file = arguments.iter().find(|(kind, _)| *kind == "configuration-file");
        let is_read = |command: &Command| {
            file.is_some_and(|(_, file)| command.text.starts_with("grep ") && command.text.ends_with(&**file))
        };
        // A daemon that logs into a file writes nothing into the journal.
        let has_log = arguments.iter().any(|(kind, _)| *kind == "log-file");
        let is_silent = |command: &Command| has_log && command.text.starts_with("journalctl -t rsyncd ");
        filled.sort_by_key(|command| (!command.open.is_empty(), is_silent(command), is_read(command)));
        filled
    }

    pub(super) fn filled(&self, text: Option<&'static str>) -> Cow<'static, str> {
        with_names(fill(text.unwrap_or_default(), &self.cause.arguments))
    }
}

pub(super) fn place(side: Option<Side>, language: Language) -> &'static str {
    match side {
        None => pick(language, "where that path is", "在该路径所在的机器上"),
        Some(Side::Client) => pick(language, "on the client", "在客户端"),
        Some(Side::Server) => pick(language, "on the server", "在服务器上"),
    }
}
