//! The command line that a unit of systemd's starts.

use std::{
    collections::BTreeMap,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use crate::{
    cli::probe::{
        table::is_us,
        text::lines,
        unread::Unread,
        variables::OF_RSYNC,
        written::{Part, Written},
    },
    model::service::{Word, commands, expand, words},
    syntax::{
        Text,
        environment_file::{self, Kind as Line},
        unit::{self, Kind},
    },
    terms::Bytes,
};

/// Shells that run a text behind `-c`.
const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"dash", b"ksh", b"zsh"];

/// The command line of rsync's that stands on a line of a unit, or goes on there: systemd splits it into words and puts the
/// unit's variables in (systemd.exec(5), systemd.service(5)).
///
/// # Errors
///
/// There is none, or more than one, or what it says is known only once it runs.
pub(super) fn command_line(path: &Path, file: &[u8], line: usize) -> Result<Written, Unread> {
    let unit = Unit::read(file);
    let name = path.display();
    let here = lines(file)
        .nth(line - 1)
        .ok_or_else(|| Unread::NoCommand(format!("`{name}` has no line {line}")))?;
    let touches = |range: &Range<usize>| range.start < here.end && here.start < range.end;
    let started: Vec<_> = unit.started.iter().filter(|(range, _)| touches(range)).collect();
    let found: Vec<_> = started
        .iter()
        .flat_map(|(_, value)| commands(value))
        .filter_map(|command| unit.called(&command))
        .collect();
    match found.len() {
        1 => found.into_iter().next().expect("one").map_err(Unread::Unclear),
        0 if started.is_empty() => Err(Unread::NoCommand(format!(
            "line {line} of `{name}` calls no rsync: it is no `ExecStart=`"
        ))),
        0 => Err(Unread::NoCommand(format!(
            "line {line} of `{name}` calls no rsync itself; give FILE:LINE of the script that it starts"
        ))),
        _ => Err(Unread::Unclear(format!(
            "line {line} of `{name}` calls rsync more than once; paste the command that fails, as 'rsync ...'"
        ))),
    }
}

/// What a unit's file says of how its commands run.
#[derive(Default)]
struct Unit {
    /// The values of `ExecStart=` and its like, with the lines that they take.
    started: Vec<(Range<usize>, Text)>,
    variables: BTreeMap<Vec<u8>, Vec<u8>>,
    /// `WorkingDirectory=`
    folder: Option<PathBuf>,
    /// `User=`, if that is somebody else than who we are.
    user: Option<String>,
}

impl Unit {
    fn read(file: &[u8]) -> Self {
        let mut read = Self::default();
        for item in unit::parse(file).items {
            let Kind::Setting { name, value } = item.kind else {
                continue;
            };
            let text = || String::from_utf8_lossy(value.bytes()).into_owned();
            match name.bytes() {
                b"Environment" => read.variables.extend(words(&value).iter().filter_map(variable)),
                b"EnvironmentFile" => {
                    let named = text();
                    read.variables
                        .extend(of_file(Path::new(named.trim_start_matches('-'))));
                }
                b"WorkingDirectory" if !value.is_empty() => {
                    read.folder = Some(text().trim_start_matches('-').into());
                }
                b"User" if !value.is_empty() => read.user = Some(text()).filter(|user| !is_us(user)),
                name if name.starts_with(b"Exec") => read.started.push((item.range, value)),
                _ => {}
            }
        }
        read
    }

    /// What a command hands to rsync; nothing if it does not call it.
    fn called(&self, command: &[Word]) -> Option<Result<Written, String>> {
        let command = expand(command, &self.variables);
        let (program, arguments) = command.split_first()?;
        match program.bytes.rsplit(|&byte| byte == b'/').next()? {
            b"rsync" => Some(self.rsync(arguments)),
            shell if SHELLS.contains(&shell) => self.shell(arguments),
            _ => None,
        }
    }

    fn rsync(&self, arguments: &[Word]) -> Result<Written, String> {
        let words = arguments.iter().map(|word| specified(&word.bytes));
        let variables = self
            .variables
            .iter()
            .filter_map(|(name, value)| Some((String::from_utf8(name.clone()).ok()?, Some(value.clone()))))
            .filter(|(name, _)| OF_RSYNC.contains(&&**name))
            .collect();
        Ok(Written {
            words: words.collect::<Result<_, _>>()?,
            variables,
            around: self.user.iter().map(|user| format!("User={user}")).collect(),
            folder: self.folder_of(Some(PathBuf::new())),
            user: self.user.clone(),
            ..Written::default()
        })
    }

    /// `sh -c '…'`
    fn shell(&self, arguments: &[Word]) -> Option<Result<Written, String>> {
        let at = arguments
            .iter()
            .position(|word| word.bytes.starts_with(b"-") && word.bytes.ends_with(b"c"))?;
        let text = match specified(&arguments.get(at + 1)?.bytes) {
            Ok(text) => text,
            Err(reason) => return Some(Err(reason)),
        };
        let bytes = Bytes::from(text.into_bytes());
        let variables = self.variables.iter();
        let mut part = Part::of_text(&bytes, false);
        part.variables
            .extend(variables.map(|(name, value)| (name.clone(), &value[..])));
        let call = part.calls().next()?;
        Some(part.command(call, &bytes).map(|written| {
            let mut around = written.around;
            around.extend(self.user.iter().map(|user| format!("User={user}")));
            Written {
                folder: self.folder_of(written.folder),
                user: self.user.clone(),
                around,
                ..written
            }
        }))
    }

    /// The folder that a command runs in, which may go on from the one that systemd starts it in; none if only a run can tell.
    fn folder_of(&self, own: Option<PathBuf>) -> Option<PathBuf> {
        let first = self.folder.as_deref().unwrap_or_else(|| Path::new("/"));
        let folder = match own? {
            own if own.as_os_str().is_empty() => first.to_owned(),
            own => first.join(own),
        };
        folder.is_absolute().then_some(folder)
    }
}

/// `NAME=value`
fn variable(word: &Word) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = word.bytes.iter().position(|&byte| byte == b'=')?;
    Some((word.bytes[..at].to_vec(), word.bytes[at + 1..].to_vec()))
}

/// The variables of an `EnvironmentFile=`; none if it cannot be read.
fn of_file(path: &Path) -> Vec<(Vec<u8>, Vec<u8>)> {
    let file = fs::read(path).unwrap_or_default();
    let lines = environment_file::parse(&file).into_iter();
    let assigned = lines.filter_map(|line| match line.kind {
        // systemd takes the word as a part of the name.
        Line::Assignment {
            export: None,
            name,
            value,
            ..
        } => Some((file[name].to_vec(), file[value].to_vec())),
        _ => None,
    });
    assigned.collect()
}

/// A word behind its specifiers: `%%` is a `%`, what others stand for systemd alone knows (systemd.unit(5)).
fn specified(word: &[u8]) -> Result<String, String> {
    let text = String::from_utf8(word.to_vec()).map_err(|_| "a word of the unit is not UTF-8".to_owned())?;
    let plain = text.replace("%%", "");
    match plain.split_once('%') {
        Some((_, rest)) => Err(format!(
            "what `%{}` stands for systemd alone knows; paste the command with its value, as 'rsync ...'",
            rest.chars().next().unwrap_or_default()
        )),
        None => Ok(text.replace("%%", "%")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::probe::written::command_line;

    #[test]
    fn a_unit_is_read_as_systemd_reads_it() {
        let read = |exec: &str| {
            let text = format!(
                "[Service]\nEnvironment=HOST=a.example \"OPTS=-a -z\" RSYNC_PASSWORD=hush\nUser=joe\nWorkingDirectory=/srv\n{exec}\n"
            );
            let found = command_line(Path::new("/etc/systemd/system/a.service"), text.into(), 5);
            found.map_err(|unread| unread.to_string()).map(|written| {
                let password = written.variables.get("RSYNC_PASSWORD").and_then(Option::as_ref);
                assert_eq!(
                    password.map(|password| &password[..]),
                    Some(&b"hush"[..]),
                    "{exec}"
                );
                let folder = written.folder.expect("a folder");
                let words = shell_words::join(&written.words);
                format!("{} {words} [{}]", folder.display(), written.around.join(" "))
            })
        };
        for (exec, expected) in [
            ("ExecStart=/usr/bin/rsync -a x h::m", "/srv -a x h::m [User=joe]"),
            (
                "ExecStart=-rsync $OPTS \\\n  x '${HOST}::m/100%%'",
                "/srv -a -z x 'a.example::m/100%' [User=joe]",
            ),
            (
                "ExecStart=rsync -a * h::m > log",
                "/srv -a '*' h::m '>' log [User=joe]",
            ),
            (
                "ExecStart=/bin/sh -c 'cd www && rsync -a ./ ${HOST}::m'",
                "/srv/www -a ./ a.example::m [cd User=joe]",
            ),
        ] {
            assert_eq!(read(exec).as_deref(), Ok(expected), "{exec}");
        }
        for (exec, why) in [
            ("ExecStart=rsync -a x h::%i", "what `%i` stands for"),
            ("ExecStart=/root/push.sh", "of the script that it starts"),
            ("Type=oneshot", "is no `ExecStart=`"),
            ("ExecStart=rsync a b ; rsync b c", "more than once"),
            ("ExecStart=sh -c 'rsync -a x h::$$1'", "only a run can tell"),
        ] {
            let error = read(exec).expect_err(why);
            assert!(error.contains(why), "{exec}: {error}");
        }
    }
}
