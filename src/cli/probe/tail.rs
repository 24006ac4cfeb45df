//! What stands behind a call of rsync's on its line.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Component, Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::{
    cli::probe::{
        folder::files_of,
        interpreter::system_program,
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

/// Options that take folders in which rsync looks, or which it fills.
const FOLDERS: [&str; 6] = [
    "backup-dir",
    "compare-dest",
    "copy-dest",
    "link-dest",
    "partial-dir",
    "temp-dir",
];

/// Options with which rsync follows links out of the folders that are named.
const LEADING_OUT: [&str; 4] = [
    "copy-dirlinks",
    "copy-links",
    "copy-unsafe-links",
    "keep-dirlinks",
];

/// Options with which rsync reads rules from files that it finds on its way.
const RULES: [&str; 3] = ["F", "cvs-exclude", "filter"];

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
    path: &[u8],
    reading: &Reading<'_>,
) -> Result<(), Met> {
    let files = Files { names, path, reading };
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
    /// Where programs are looked for.
    path: &'f [u8],
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
        let is_systems = || {
            let program = words.first().and_then(|word| str::from_utf8(word).ok());
            program.is_some_and(|program| system_program(self.path, program).is_some())
        };
        match is_reader && is_systems() {
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

    /// Whether rsync may come upon a file: the command line names it or a folder above it, leads out of its folders through
    /// links, or has rules that may be read from it. The shell makes it, or empties it, before rsync starts.
    fn is_of_rsync(&self, file: &Path) -> bool {
        let folder = self.reading.folder.unwrap_or_else(|| Path::new(""));
        let Some(file) = real_name(file) else {
            return true;
        };
        let words = self.reading.words;
        let invocation = Invocation::parse(words);
        let has = |names: &[&str]| {
            let mut options = invocation.options.iter();
            options.any(|given| names.contains(&&*given.name))
        };
        let is_lists_source = has(&["files-from"]) && invocation.is_push() == Some(true);
        // A rule of a folder's own may name a file beside it.
        let mut options = invocation.options.iter();
        let climbs = options.any(|given| {
            let value = given.value.as_deref().unwrap_or_default();
            given.name == "filter" && value.contains("..")
        });
        if has(&LEADING_OUT) || is_lists_source || climbs {
            return true;
        }
        let targets = invocation.targets.iter().filter_map(|target| match target {
            Target::Local(path) => Some(folder.join(path)),
            Target::Shell(_) | Target::Daemon(_) => None,
        });
        let targets: Vec<_> = targets.collect();
        let options = invocation.options.iter();
        let beside = options.filter(|given| FOLDERS.contains(&&*given.name));
        let beside = beside.filter_map(|given| given.value.as_deref());
        // They begin in the destination, where they are not whole paths.
        let beside = beside.flat_map(|value| {
            let below = targets.iter().map(move |target| target.join(value));
            below.chain([folder.join(value)])
        });
        let named = files_of(words).map(|name| folder.join(name));
        let mut places = targets.iter().cloned().chain(beside).chain(named);
        // What is not there yet, and goes up, may be anywhere.
        let is_below = |place: PathBuf| {
            let place = real(&place);
            file.starts_with(&place) || place.components().any(|part| part == Component::ParentDir)
        };
        if places.any(is_below) {
            return true;
        }
        let is_hidden = file
            .file_name()
            .is_some_and(|name| name.as_bytes().starts_with(b"."));
        let is_options = file.file_name().is_some_and(|name| name == ".popt");
        // Rules are looked for above the sources, too.
        let is_above = || {
            let parent = file.parent().unwrap_or_else(|| Path::new("/"));
            targets.iter().any(|target| real(target).starts_with(parent))
        };
        is_options || is_hidden && has(&RULES) || has(&["filter"]) && is_above()
    }
}

/// Where a file really is or will be; none if it has other names or is more than a file.
fn real_name(file: &Path) -> Option<PathBuf> {
    let is_one = match file.symlink_metadata() {
        Ok(found) => found.is_file() && found.nlink() == 1,
        Err(_) => true,
    };
    let folder = fs::canonicalize(file.parent()?).ok()?;
    Some(folder.join(file.file_name()?)).filter(|_| is_one)
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
