//! One cause, in the words of its page.

use std::borrow::Cow;

use crate::{
    catalog::{FileKind, Language, Side, Text, fill, fill_advice, fill_command},
    explain::{Cause, Reason},
    render::words::pick,
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
    pub(super) fn cure(&self) -> Vec<String> {
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
            fill_advice(&of_server(advice, arguments), arguments)
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

    pub(super) fn commands(&self, commands: &[&'static str]) -> Vec<String> {
        let is_of_daemon = |command: &str| {
            ["rsyncd.conf", "MODULE_USER"]
                .iter()
                .any(|word| command.contains(word))
        };
        let arguments = &self.cause.arguments;
        let mut filled: Vec<_> = commands
            .iter()
            .filter(|command| self.cause.is_of_daemon || !is_of_daemon(command))
            .map(|command| fill_command(&of_server(command, arguments), arguments).into_owned())
            // Who gives no password file is asked.
            .map(|command| command.replace("--password-file=PASSWORD_FILE ", ""))
            .collect();
        // What can be typed as it is comes first.
        filled.sort_by_key(|command| has_placeholder(command) || has_name(command));
        filled
            .into_iter()
            .map(|command| with_names(command.into()).into_owned())
            .collect()
    }

    pub(super) fn filled(&self, text: Option<&'static str>) -> Cow<'static, str> {
        with_names(fill(text.unwrap_or_default(), &self.cause.arguments))
    }
}

/// Names of the pages' commands that the server's configuration settles, or the command line.
const OF_SERVER: [(&str, &str); 8] = [
    ("PARENT_FOLDER", "target-parent"),
    ("PASSWORD_FILE", "password-file"),
    ("SCRIPT", "script"),
    ("/etc/rsyncd.conf", "configuration-file"),
    ("/var/log/rsyncd.log", "log-file"),
    ("LOG_FILE", "log-file"),
    ("MODULE_PATH", "module-path"),
    ("MODULE_USER", "module-user"),
];

/// Whether a command has a word that its reader has to replace.
pub(super) fn has_name(command: &str) -> bool {
    const NAMES: [&str; 13] = [
        "ARGUMENTS",
        "FILE",
        "HOST",
        "LOG_FILE",
        "MODULE",
        "MODULE_PATH",
        "MODULE_USER",
        "OPTION",
        "PARENT_FOLDER",
        "PASSWORD_FILE",
        "SCRIPT",
        "SOURCE",
        "USER",
    ];
    let mut words = command.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.any(|word| NAMES.contains(&word))
}

/// A command, with placeholders where the server's configuration is known to say more.
fn of_server(command: &str, arguments: &[(&'static str, String)]) -> String {
    let mut command = command.to_owned();
    for (name, kind) in OF_SERVER {
        if arguments.iter().any(|(known, _)| *known == kind) {
            command = command.replace(name, &format!("{{{kind}}}"));
        }
    }
    command
}

/// What nobody has told is named in capitals, as in manual pages.
fn with_names(filled: Cow<'static, str>) -> Cow<'static, str> {
    if !has_placeholder(&filled) {
        return filled;
    }
    let mut shown = String::new();
    let mut rest = &*filled;
    while let Some((before, name, behind)) = placeholder(rest) {
        shown += before;
        shown += &name.to_uppercase();
        rest = behind;
    }
    shown += rest;
    Cow::Owned(shown)
}

/// The first `{placeholder}` of a text, with what stands before and behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('{')?;
        let (name, behind) = text[open + 1..].split_once('}')?;
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') {
            return Some((&text[..open], name, behind));
        }
        from = open + 1;
    }
}

/// Whether a text has a placeholder that nobody has filled.
pub(super) fn has_placeholder(text: &str) -> bool {
    placeholder(text).is_some()
}

pub(super) fn place(side: Option<Side>, language: Language) -> &'static str {
    match side {
        None => pick(language, "where that path is", "在该路径所在的机器上"),
        Some(Side::Client) => pick(language, "on the client", "在客户端"),
        Some(Side::Server) => pick(language, "on the server", "在服务器上"),
    }
}
