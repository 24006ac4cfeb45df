//! Who runs a program: `sudo -u`, `runuser -u`, `su NAME -c`, …

use crate::model::script::Argument;

/// Who runs a program.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Runner {
    /// Who runs what stands around it.
    #[default]
    Same,
    /// Somebody else.
    Named {
        /// The user's name, or number.
        name: String,
        /// Whether the program finds that name in `USER` and `LOGNAME` (sudo(8), doas(1), su(1)).
        has_login: bool,
    },
    /// Somebody whom only a run can tell.
    Unknown,
}

impl Runner {
    /// A user by name, or by number as `#1000`.
    pub fn named(name: &str, has_login: bool) -> Self {
        Self::Named {
            name: name.trim_start_matches(['#', '+']).to_owned(),
            has_login,
        }
    }

    /// Who runs it, `other` being who runs what stands around it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Same => other,
            own => own,
        }
    }

    /// The user of `joe:users`.
    fn without_group(self) -> Self {
        match self {
            Self::Named { name, has_login } => {
                let name = name.trim_start_matches(':');
                Self::named(name.split(':').next().unwrap_or_default(), has_login)
            }
            other => other,
        }
    }

    fn of(value: Option<&Argument>, has_login: bool) -> Self {
        match value.map(Argument::known) {
            Some(Some(name)) => Self::named(&String::from_utf8_lossy(&name), has_login),
            Some(None) => Self::Unknown,
            None => Self::Same,
        }
    }
}

/// Whom a program makes another one run as that stands behind its own words.
pub(super) fn behind(program: &str, words: &[Argument]) -> Runner {
    match program {
        "sudo" => {
            let keeps = words.iter().map(Argument::text);
            let has_login = !keeps.into_iter().any(|word| is_kept(&word));
            option(words, Some('u'), &["user"], has_login).or(Runner::named("root", has_login))
        }
        "doas" => option(words, Some('u'), &[], true).or(Runner::named("root", true)),
        "runuser" => option(words, Some('u'), &["user"], false),
        "chpst" => option(words, Some('u'), &[], false).without_group(),
        // The first word that is no option.
        "gosu" | "s6-setuidgid" | "setuidgid" | "su-exec" => {
            let user = words.iter().find(|word| !word.text().starts_with('-'));
            Runner::of(user, false).without_group()
        }
        "setpriv" => option(words, None, &["reuid", "euid"], false),
        "systemd-run" => match words.iter().any(|word| word.text() == "--user") {
            true => Runner::Same,
            false => property(words)
                .or(option(words, None, &["uid"], true))
                .or(Runner::named("root", true)),
        },
        // The files that it finds are others, too.
        "chroot" => match words.iter().any(|word| word.text().starts_with("--userspec")) {
            true => Runner::Unknown,
            false => Runner::Same,
        },
        _ => Runner::Same,
    }
}

/// The user that a unit's property names: `systemd-run -p User=joe`.
fn property(words: &[Argument]) -> Runner {
    let mut found = Runner::Same;
    for word in words {
        let text = word.text();
        let value = ["--property=", "-p", ""].into_iter().find_map(|front| {
            let setting = text.strip_prefix(front)?;
            setting.strip_prefix("User=")
        });
        found = match value {
            None => continue,
            Some(_) if word.known().is_none() => Runner::Unknown,
            // Without a value it is the manager's own user again.
            Some("") => Runner::Same,
            Some(name) => Runner::named(name, true),
        };
    }
    found
}

/// Whether `sudo` hands the environment on as it is.
fn is_kept(word: &str) -> bool {
    word.starts_with("--preserve-env") || is_cluster(word) && word.contains('E')
}

/// Whom `su` makes a text run as: the first word that is no option, else root (su(1)).
pub(super) fn of_su(words: &[Argument]) -> Runner {
    const WITH_VALUE: [&str; 12] = [
        "-c",
        "-s",
        "-g",
        "-G",
        "-w",
        "-C",
        "--command",
        "--session-command",
        "--shell",
        "--group",
        "--supp-group",
        "--whitelist-environment",
    ];
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text();
        let takes_next = WITH_VALUE.contains(&&*text) || is_cluster(&text) && text.ends_with('c');
        if takes_next {
            words.next();
        } else if !text.starts_with('-') {
            // Root's login is not set without `-`.
            return Runner::of(Some(word), text != "root");
        }
    }
    Runner::named("root", false)
}

/// The shell that `su` hands a text to where one is named, else that of the user (su(1)).
pub(super) fn shell_of_su(words: &[Argument]) -> Option<String> {
    match option(words, Some('s'), &["shell"], false) {
        Runner::Named { name, .. } => Some(name),
        Runner::Same | Runner::Unknown => None,
    }
}

/// Short options in one word.
fn is_cluster(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--")
}

/// The user that an option names, by its letter or one of its long names; the last one counts.
fn option(words: &[Argument], letter: Option<char>, names: &[&str], has_login: bool) -> Runner {
    let mut found = Runner::Same;
    for (at, word) in words.iter().enumerate() {
        let text = word.text();
        let attached = match text.strip_prefix("--") {
            Some(long) => {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None => (long, None),
                };
                names.contains(&name).then_some(value)
            }
            None if is_cluster(&text) => letter.and_then(|letter| {
                let (flags, value) = text[1..].split_once(letter)?;
                let are_flags = flags.chars().all(|flag| FLAGS.contains(flag));
                are_flags.then_some(Some(value).filter(|value| !value.is_empty()))
            }),
            None => None,
        };
        found = match attached {
            None => continue,
            Some(Some(_)) if word.known().is_none() => Runner::Unknown,
            Some(Some(value)) => Runner::named(value, has_login),
            Some(None) => Runner::of(words.get(at + 1), has_login),
        };
    }
    found
}

/// Letters of `sudo` and `doas` that take no value and may stand in front of another one.
const FLAGS: &str = "ABbEeHiKklNnPSsV";

#[cfg(test)]
mod tests {
    use super::Runner;
    use crate::{model::script::Script, syntax::shell, terms::Bytes};

    fn runner(line: &str) -> Runner {
        let text = Bytes::from(line.as_bytes().to_vec());
        let script = Script::read(&shell::parse(&text), &text);
        let found = script.calls_of("rsync").next().expect(line);
        found.runner.clone()
    }

    #[test]
    fn who_runs_a_program_stands_in_front_of_it() {
        for (line, name, has_login) in [
            ("sudo rsync a b", "root", true),
            ("sudo -n -u joe rsync a b", "joe", true),
            ("sudo -ujoe rsync a b", "joe", true),
            ("sudo --user=joe -- rsync a b", "joe", true),
            ("sudo -E -u joe rsync a b", "joe", false),
            ("sudo -u '#1000' nice -n 5 rsync a b", "1000", true),
            ("USER1=joe; sudo -u \"$USER1\" rsync a b", "joe", true),
            ("sudo -Hu joe rsync a b", "joe", true),
            ("sudo -nHu joe rsync a b", "joe", true),
            ("sudo -nujoe rsync a b", "joe", true),
            ("sudo -Eu joe rsync a b", "joe", false),
            ("doas -nu joe rsync a b", "joe", true),
            ("doas -u joe rsync a b", "joe", true),
            ("runuser -u joe -- rsync a b", "joe", false),
            ("runuser -l joe -c 'rsync a b'", "joe", true),
            ("runuser - joe -c 'rsync a b'", "joe", true),
            ("runuser joe -c 'cd /x; rsync a b'", "joe", true),
            ("su joe --command 'rsync a b'", "joe", true),
            ("gosu joe rsync a b", "joe", false),
            ("gosu joe:users rsync a b", "joe", false),
            ("setuidgid joe rsync a b", "joe", false),
            ("chpst -u joe:users -n 5 rsync a b", "joe", false),
            ("sh -c 'sudo -u joe rsync a b'", "joe", true),
            ("systemd-run -p User=joe --pipe rsync a b", "joe", true),
            ("systemd-run --property=User=joe rsync a b", "joe", true),
            ("systemd-run -p User=joe -p User= rsync a b", "root", true),
            ("setpriv --reuid=1000 --clear-groups rsync a b", "1000", false),
            ("setpriv --reuid joe --regid joe rsync a b", "joe", false),
            ("systemd-run --uid=joe rsync a b", "joe", true),
            ("su joe -c 'rsync a b'", "joe", true),
            ("su - joe -s /bin/sh -c 'cd /x && rsync a b'", "joe", true),
            ("su -c 'rsync a b' joe", "joe", true),
            ("su -c 'rsync a b'", "root", false),
            ("sudo -u joe sh -c 'rsync a b'", "joe", true),
            ("su joe -c 'sudo rsync a b'", "root", true),
        ] {
            assert_eq!(runner(line), Runner::named(name, has_login), "{line}");
        }
        for line in [
            "rsync a b",
            "nice -n 5 rsync a b",
            "systemd-run --user rsync a b",
            "setpriv --nnp rsync a b",
            "sh -c 'rsync a b'",
        ] {
            assert_eq!(runner(line), Runner::Same, "{line}");
        }
        for line in ["sudo -u \"$1\" rsync a b", "su \"$WHO\" -c 'rsync a b'"] {
            assert_eq!(runner(line), Runner::Unknown, "{line}");
        }
    }
}
