//! What stands behind a call of rsync's on its line.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::{
    cli::probe::{
        folder::files_of,
        plain::{Reading, name_of},
        token::{Command, End, Met, Reader, Token},
        value::Names,
    },
    syntax::Invocation,
    terms::Target,
};

/// Words that a shell does not take for a command.
const RESERVED: [&[u8]; 18] = [
    b"!",
    b"[[",
    b"case",
    b"coproc",
    b"do",
    b"done",
    b"elif",
    b"else",
    b"esac",
    b"fi",
    b"for",
    b"function",
    b"if",
    b"in",
    b"select",
    b"then",
    b"until",
    b"while",
];

/// Checks the redirections of a call, and what follows it on its line: commands that run once it has ended, or read what it
/// says.
///
/// # Errors
///
/// Something else.
pub(super) fn check(
    call: &Command<'_>,
    reader: &mut Reader<'_>,
    names: &Names,
    reading: &Reading<'_>,
) -> Result<(), Met> {
    let files = Files { names, reading };
    files.check(call)?;
    let mut end = call.end;
    // What reads its words runs beside it.
    let mut is_beside = end == End::Pipe;
    while end != End::Line {
        let next = reader.command(None)?;
        let words = next.words();
        let Some(program) = words.first() else {
            return match (end, next.end) {
                (End::Semicolon, End::Line) => Ok(()),
                _ => Err(call.met(end.sign())),
            };
        };
        if RESERVED.contains(program) {
            return Err(next.met(name_of(program)));
        }
        if is_beside {
            files.check_reader(&next, &words)?;
        }
        end = next.end;
        is_beside &= end == End::Pipe;
    }
    Ok(())
}

/// The files that are opened beside a call.
struct Files<'f> {
    names: &'f Names,
    reading: &'f Reading<'f>,
}

impl Files<'_> {
    /// Whether nothing keeps a command from being started, and none of the files is rsync's.
    fn check(&self, command: &Command<'_>) -> Result<(), Met> {
        for token in &command.tokens {
            let (file, sign) = match token {
                Token::Word(_) => continue,
                Token::Output(file) => (file, ">"),
                Token::Input(file) => (file, "<"),
            };
            let name = self.names.word(file);
            let is_harmless = match (token, name) {
                (_, Some(name)) if name == b"/dev/null" => {
                    // Its standard input is ours.
                    let mut words = self.reading.words.iter();
                    sign == ">" || words.all(|word| !word.ends_with('-'))
                }
                (Token::Output(_), Some(name)) => self.may_write(&name),
                _ => false,
            };
            if !is_harmless {
                return Err(command.met(sign));
            }
        }
        Ok(())
    }

    /// Whether a program reads a pipe to its end, and writes nothing that rsync reads.
    fn check_reader(&self, command: &Command<'_>, words: &[&[u8]]) -> Result<(), Met> {
        self.check(command)?;
        let is_plain = |word: &[u8]| !word.iter().any(|byte| b"*?[~`$".contains(byte));
        let is_reader = match words {
            [b"tee", rest @ ..] => rest.iter().all(|&word| match word {
                b"-a" => true,
                word if word.starts_with(b"-") => false,
                word => {
                    let name = self.names.word(word).filter(|_| is_plain(word));
                    name.is_some_and(|name| name == b"/dev/null" || self.may_write(&name))
                }
            }),
            // With a text of its own it does not read.
            [b"logger", rest @ ..] => {
                let mut rest = rest;
                loop {
                    rest = match rest {
                        [] => break true,
                        [b"-t" | b"-p", _, behind @ ..] | [b"-i" | b"-s", behind @ ..] => behind,
                        _ => break false,
                    };
                }
            }
            _ => false,
        };
        match is_reader {
            true => Ok(()),
            false => Err(command.met(format!("| {}", words.first().map_or("", |word| name_of(word))))),
        }
    }

    /// Whether a file can be written, and rsync does not read it.
    fn may_write(&self, name: &[u8]) -> bool {
        let name = Path::new(OsStr::from_bytes(name));
        let file = match (self.reading.folder, name.is_absolute()) {
            (_, true) => name.to_owned(),
            (Some(folder), false) => folder.join(name),
            (None, false) => return false,
        };
        is_writable(&file) && !self.is_of_rsync(&file)
    }

    /// Whether a file is one that the command line names, or lies in a folder that it sends.
    fn is_of_rsync(&self, file: &Path) -> bool {
        let folder = self.reading.folder.unwrap_or_else(|| Path::new(""));
        let file = real(file);
        let words = self.reading.words;
        let invocation = Invocation::parse(words);
        let is_pull = invocation.is_push() == Some(false);
        let named = |name: &str| real(&folder.join(name));
        let is_named = files_of(words).any(|name| named(&name) == file);
        let is_sent = invocation.targets.iter().any(|target| match target {
            Target::Local(path) => !is_pull && file.starts_with(named(path)),
            Target::Shell(_) | Target::Daemon(_) => false,
        });
        is_named || is_sent
    }
}

/// A path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let path = if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    };
    fs::canonicalize(path).unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder != path => real(folder).join(name),
        _ => path.to_owned(),
    })
}

fn is_writable(file: &Path) -> bool {
    let real = real(file);
    let is_of_kernel = ["/dev", "/proc", "/sys"]
        .iter()
        .any(|folder| real.starts_with(folder));
    let may = |place: &Path, how| access(place, how).is_ok();
    !is_of_kernel
        && match (file.symlink_metadata(), fs::metadata(file)) {
            (Ok(_), Ok(found)) => found.is_file() && may(file, AccessFlags::W_OK),
            // A link to nowhere.
            (Ok(_), Err(_)) => false,
            (Err(_), _) => real
                .parent()
                .is_some_and(|folder| folder.is_dir() && may(folder, AccessFlags::W_OK | AccessFlags::X_OK)),
        }
}
