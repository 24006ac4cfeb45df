use std::{borrow::Cow, path::Path};

use crate::{
    catalog::{Language, Safety, fill, fill_command},
    diagnosis::Finding,
    doctor::{Cause, TYPED, Told},
    lint::{self, fixed},
    render::{
        explanation, facts,
        names::{has_placeholder, settled},
        next::edit,
        words::pick,
    },
    terms::without_passwords,
};

/// What a client of the user's says, where pages look into it: on the server there is no such file.
const OUTPUT: &str = " rsync.log";

/// What is said of a cause.
pub(super) struct Words {
    pub(super) title: String,
    /// Where it stands: `rsyncd.conf:7`.
    pub(super) place: Option<String>,
    pub(super) message: Option<String>,
    pub(super) facts: Vec<String>,
    pub(super) help: String,
    pub(super) commands: Vec<String>,
    /// What else it may be.
    pub(super) others: Vec<String>,
    pub(super) next: Option<String>,
}

impl Words {
    /// Passwords are taken out, wherever they come from: a line of a log, a cure with words that somebody typed.
    pub(super) fn of(cause: &Cause, language: Language) -> Self {
        let mut words = Self::within(cause, language);
        if cause.is_foreign && words.commands.iter().any(|command| changes_rights(command)) {
            let own = "somebody else than root decides what this configuration names: have it name a file of the user as whom \
                       the daemon runs, and open nothing else to that user";
            let zh = "这份配置指向哪些文件不是由 root 决定的：请让它使用守护进程运行用户自己的文件，不要把其他文件开放给该用户";
            words.help = pick(language, own, zh).to_owned();
            words.commands.retain(|command| !changes_rights(command));
            words.next = words.next.filter(|next| !changes_rights(next));
        }
        if cause.is_of_others && words.commands.iter().any(|command| starts(command)) {
            let own = "somebody else than root decides what this configuration says, and that may be programs to run: let its \
                       owner start the daemon, or a unit with `User=`, and never root";
            let zh = "这份配置的内容不是由 root 决定的，其中可能指定要运行的程序：请由它的所有者，或用带 `User=` 的服务单元启动守护进程，\
                      不要以 root 启动";
            words.help = pick(language, own, zh).to_owned();
            words.commands.retain(|command| !starts(command));
            words.next = words.next.filter(|next| !starts(next));
        }
        let shown = |text: String| without_passwords(&text).into_owned();
        Self {
            facts: words.facts.into_iter().map(shown).collect(),
            commands: words.commands.into_iter().map(shown).collect(),
            next: words.next.map(shown),
            ..words
        }
    }

    fn within(cause: &Cause, language: Language) -> Self {
        let words = Self::told(cause, language);
        let Some(within) = &cause.within else {
            return words;
        };
        Self {
            commands: words
                .commands
                .into_iter()
                .map(|command| within.typed(command))
                .collect(),
            next: words.next.map(|next| within.typed(next)),
            ..words
        }
    }

    fn told(cause: &Cause, language: Language) -> Self {
        match &cause.told {
            Told::Finding(report, index) => {
                let finding = &report.findings[*index];
                // Nobody can open what was typed.
                let span = finding.labels[0].span;
                let is_typed = report.sources.get(span.source).name() == TYPED;
                let place = report.sources.place(span);
                let commands = match finding.commands() {
                    commands if commands.is_empty() => cause.commands.clone(),
                    commands => commands,
                };
                let seen = finding.facts.iter().chain(&cause.also);
                Self {
                    title: finding.title(language).into_owned(),
                    message: Some(finding.message(language).into_owned()),
                    facts: seen
                        .map(|fact| facts::told(fact, language).into_owned())
                        .collect(),
                    help: finding.help(language).into_owned(),
                    next: match is_typed {
                        true => corrected(report, finding).or_else(|| commands.first().cloned()),
                        false => commands.first().cloned().or_else(|| edit(&place)),
                    },
                    place: (!is_typed).then_some(place),
                    commands,
                    others: Vec::new(),
                }
            }
            Told::Text(explanation, index) => {
                let incident = &explanation.incidents[*index];
                let words = explanation::words(incident, language);
                let words = words.expect("a failure is told by its first cause");
                let line = incident.lines.first().map(|seen| format!("`{}`", seen.shown()));
                let times = match (incident.count, language) {
                    (0 | 1, _) => String::new(),
                    (count, Language::English) => format!(", {count} times"),
                    (count, Language::Chinese) => format!("，共 {count} 次"),
                };
                Self {
                    title: words.title,
                    place: words.place,
                    message: words.message,
                    facts: line
                        .map(|line| format!("{line}{times}"))
                        .into_iter()
                        .chain(
                            cause
                                .also
                                .iter()
                                .map(|fact| facts::told(fact, language).into_owned()),
                        )
                        .collect(),
                    help: words.help,
                    commands: words.commands,
                    others: words.others,
                    // The journal is no file, and what it has of it is shown.
                    next: words
                        .next
                        .filter(|next| !cause.is_over() && !next.contains(OUTPUT))
                        .map(|next| match next.contains("LOG_FILE") {
                            true => format!("rsyncctl explain {}", cause.page.id),
                            false => next,
                        }),
                }
            }
            Told::Page(file, arguments, seen) => {
                let mut arguments = arguments.clone();
                if cause.seen.iter().all(|check| check.is_of_server()) {
                    // The pages' commands name the usual place.
                    arguments.push(("configuration-file", file.display().to_string()));
                }
                let arguments = &arguments;
                let text = cause.page.text(cause.variant, language);
                let filled = |text: &'static str| fill(text, arguments);
                let filled_or = |text: Option<&'static str>| filled(text.unwrap_or_default());
                let variant = cause.variant.and_then(|name| cause.page.variant(name));
                let commands = variant.and_then(|variant| variant.commands);
                let commands = commands.unwrap_or(cause.page.commands).iter();
                let commands = match cause.commands.is_empty() {
                    true => commands.map(|text| command(text, arguments)).collect(),
                    false => cause.commands.clone(),
                };
                let check = cause.page.check.iter().flat_map(|check| check.commands);
                // Nobody can type what names something that is not known.
                let mut check = check.map(|text| command(text, arguments));
                let check = check.find(|command| !has_placeholder(command));
                let place = line_of(file, seen).map(|line| format!("{}:{line}", file.display()));
                let edited = place.as_deref().filter(|_| commands.is_empty()).and_then(edit);
                Self {
                    title: filled_or(text.title).into_owned(),
                    place,
                    message: text.message.map(filled).map(Cow::into_owned),
                    facts: seen
                        .iter()
                        .map(|fact| facts::told(fact, language).into_owned())
                        .collect(),
                    help: filled_or(text.help).into_owned(),
                    next: match cause.commands.first() {
                        Some(command) => Some(command.clone()),
                        None => edited.or(check).or_else(|| commands.first().cloned()),
                    },
                    commands,
                    others: Vec::new(),
                }
            }
        }
    }
}

/// The line of a file that one of the facts begins with, as in `/etc/rsyncd.conf:7: hosts deny = *`.
pub(super) fn line_of(file: &Path, facts: &[String]) -> Option<u32> {
    let file = file.display().to_string();
    facts.iter().find_map(|fact| {
        let rest = fact.strip_prefix(&*file)?.strip_prefix(':')?;
        rest.split_once(": ")?.0.parse().ok()
    })
}

/// What was typed, as it should be.
fn corrected(report: &lint::Report, finding: &Finding) -> Option<String> {
    let source = finding.labels[0].span.source;
    let mut fixed = fixed(&report.sources, &[finding], Safety::Unsafe);
    let line = String::from_utf8(fixed.remove(&source)?).ok()?;
    Some(line.trim_end().to_owned())
}

/// A command of a page; one that is made for the case stands there as it is.
fn command(text: &'static str, arguments: &[(&'static str, String)]) -> String {
    let is_whole = text.starts_with('{') && text.find('}') == Some(text.len() - 1);
    let text = settled(text, arguments);
    let command = match is_whole {
        true => fill(&text, arguments),
        false => fill_command(&text, arguments),
    };
    known(command.into_owned(), arguments)
}

/// Puts what is known of this machine in the place of words like `MOUNT_POINT`, which a page has where others do not know it.
fn known(mut command: String, arguments: &[(&'static str, String)]) -> String {
    for (word, value) in arguments {
        if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            command = command.replace(word, value);
        }
    }
    command
}

/// Whether a command gives somebody rights to a file, or takes them away: whoever names the file may have others lose
/// theirs.
fn changes_rights(command: &str) -> bool {
    ["chgrp", "chmod", "chown", "setfacl"].contains(&program(command))
}

/// Whether a command starts a daemon as who types it.
fn starts(command: &str) -> bool {
    let program = program(command);
    program.rsplit('/').next() == Some("rsync") && command.split(' ').any(|word| word == "--daemon")
}

/// The program of a command, which may be typed among the mounts of another process.
fn program(command: &str) -> &str {
    let is_within = command.starts_with("nsenter");
    let mut words = command.split(' ').skip_while(|word| *word != "--" && is_within);
    words.find(|word| *word != "--").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{changes_rights, starts};

    #[test]
    fn what_changes_rights_and_what_starts_a_daemon_is_known() {
        for command in [
            "setfacl -m u:joe:r /root/x",
            "nsenter -t 7 -m -- setfacl -m u:joe:r /root/x",
            "chmod o+x /root",
            "chmod 600 '/etc/passwd'",
            "chown -R joe /root/x",
            "chown root /x",
        ] {
            assert!(changes_rights(command) && !starts(command), "{command}");
        }
        for command in ["ls -l /x", "systemctl restart rsync"] {
            assert!(!changes_rights(command) && !starts(command), "{command}");
        }
        assert!(starts("rsync --daemon --config=/home/joe/rsyncd.conf"));
        assert!(!starts("rsync -a /x h::m"));
    }
}
