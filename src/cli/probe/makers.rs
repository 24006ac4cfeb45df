//! What programs make, by their words.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::{
    cli::probe::made::Extent,
    host::PROGRAM_FOLDERS,
    model::script::{Argument, Call},
    syntax::shell::Redirection,
    terms::Target,
};

/// What a command makes.
pub(super) enum Makes {
    Nothing,
    Named(Vec<(PathBuf, Extent)>),
    /// What only a run can tell.
    Anything,
}

/// Programs, and commands of the shell's own, that make no files.
const HARMLESS: &str = ": [ [[ alias awk basename bg bind break builtin caller cat cd chgrp chmod chown chrt \
    cksum clear cmp column comm \
    command complete continue cut date declare df diff dirname dirs disown du echo egrep enable env exec exit export \
    expr false fc fg fgrep file find free getent getopt getopts grep groups hash head help history host \
    hostname id ionice jobs kill killall less let local logger logname logout ls lsof mapfile md5sum mktemp more \
    mountpoint nice nproc paste pgrep pidof ping pkill popd printenv printf ps pushd pwd read readarray readlink \
    readonly realpath renice return rev rm rmdir sed select seq set sha1sum sha256sum shift shopt sleep sort stat \
    sync tail test time times tr trap true tty type typeset ulimit umask umount unalias uname uniq unset uptime \
    users wait wc which who whoami yes";

fn is_harmless(program: &str) -> bool {
    HARMLESS.split(' ').any(|harmless| harmless == program)
}

/// What a call makes, other than by its redirections; `has_text`: whether what it runs as a script is read, too.
pub(super) fn of_call(call: &Call, has_text: impl Fn() -> bool) -> Makes {
    let program = call.program();
    let words = call.arguments();
    let texts: Vec<_> = words.iter().map(Argument::text).collect();
    let has = |word: &str| texts.iter().any(|text| text == word);
    let has_letter = |letters: &[char]| {
        let mut options = texts
            .iter()
            .filter(|text| text.starts_with('-') && !text.starts_with("--"));
        options.any(|text| text.contains(letters))
    };
    match &*program {
        "mkdir" => named(words, &["-m", "--mode"], Extent::Folder),
        "install" if has_letter(&['d']) || has("--directory") => {
            named(words, &["-m", "-o", "-g"], Extent::Folder)
        }
        "install" if has_letter(&['D', 't']) => Makes::Anything,
        "touch" => named(words, &["-d", "-r", "-t"], Extent::File),
        "tee" => named(words, &[], Extent::File),
        // The lock; what runs behind it is read on its own.
        "flock" => all_named(operands(words, &["-E", "-w"]).first().copied(), Extent::File),
        "cp" if has_letter(&['t']) || has_long(&texts, &["--target-directory", "--parents"]) => {
            Makes::Anything
        }
        "cp" if !has_letter(&['a', 'd', 'r', 'R']) && !has_long(&texts, &["--recursive", "--archive"]) => {
            last(words, Extent::File)
        }
        "install" => last(words, Extent::File),
        "ln" | "mv" if has_letter(&['t']) || has_long(&texts, &["--target-directory"]) => Makes::Anything,
        "cp" | "ln" | "mv" => last(words, Extent::Tree),
        "rsync" => of_rsync(call),
        // What it runs is read on its own, if it is known.
        "sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" if has_text() => Makes::Nothing,
        "awk" | "gawk" | "mawk" => either(
            texts
                .iter()
                .any(|text| text.contains(['>', '|']) || text.contains("system")),
        ),
        "sed" => either(
            texts
                .iter()
                .any(|text| text.contains("w ") || text.contains("w/")),
        ),
        "sort" => either(has_letter(&['o']) || has_long(&texts, &["--output"])),
        "env" | "nice" | "time" => either(!texts.is_empty()),
        "trap" => either(words.first().is_some_and(|word| word.known().is_none())),
        "find" => {
            let mut behind = texts.iter().zip(texts.iter().skip(1));
            let runs = |(word, program): (&String, &String)| {
                let is_run = ["-exec", "-execdir", "-ok", "-okdir"].contains(&&**word);
                is_run && !is_harmless(base_name(program))
            };
            let writes = texts
                .iter()
                .any(|text| text.starts_with("-fprint") || text == "-fls");
            either(writes || behind.any(runs))
        }
        "xargs" => {
            let run = operands(words, &["-E", "-I", "-L", "-P", "-a", "-d", "-n", "-s"]);
            let run = run.first().map(|program| program.text());
            // Without a program it is `echo`.
            either(run.is_some_and(|program| !is_harmless(base_name(&program))))
        }
        program => either(!is_harmless(program)),
    }
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or_default()
}

fn either(is_anything: bool) -> Makes {
    match is_anything {
        true => Makes::Anything,
        false => Makes::Nothing,
    }
}

fn has_long(texts: &[String], names: &[&str]) -> bool {
    texts
        .iter()
        .any(|text| names.iter().any(|name| text.starts_with(name)))
}

/// The words that are no options; `with_value`: those that take the next word.
fn operands<'a>(words: &'a [Argument], with_value: &[&str]) -> Vec<&'a Argument> {
    let mut found = Vec::new();
    let (mut is_value, mut is_end) = (false, false);
    for word in words {
        let text = word.text();
        match text.as_str() {
            _ if std::mem::take(&mut is_value) => {}
            _ if is_end => found.push(word),
            "--" => is_end = true,
            text if text.starts_with('-') && text.len() > 1 => is_value = with_value.contains(&text),
            _ => found.push(word),
        }
    }
    found
}

fn path(word: &Argument) -> Option<PathBuf> {
    let has_signs = |text: &[u8]| text.contains(&b'{') || text.starts_with(b"~");
    let known = word
        .known()
        .filter(|text| !word.has_pattern() && !has_signs(text));
    known.map(|text| OsString::from_vec(text).into())
}

fn all_named<'a>(words: impl IntoIterator<Item = &'a Argument>, extent: Extent) -> Makes {
    let paths = words.into_iter().map(|word| Some((path(word)?, extent)));
    paths
        .collect::<Option<Vec<_>>>()
        .map_or(Makes::Anything, Makes::Named)
}

fn named(words: &[Argument], with_value: &[&str], extent: Extent) -> Makes {
    all_named(operands(words, with_value), extent)
}

fn last(words: &[Argument], extent: Extent) -> Makes {
    all_named(operands(words, &["-m", "-o", "-g", "-S"]).last().copied(), extent)
}

/// What comes from elsewhere lies below the last word; what goes elsewhere makes nothing here.
fn of_rsync(call: &Call) -> Makes {
    let invocation = call.invocation();
    let has_files = invocation
        .options
        .iter()
        .any(|option| ["log-file", "write-batch", "only-write-batch"].contains(&&*option.name));
    if !call.is_complete() || has_files {
        return Makes::Anything;
    }
    match &invocation.targets[..] {
        [.., Target::Daemon(_) | Target::Shell(_)] | [] | [_] => Makes::Nothing,
        [.., Target::Local(_)] => {
            let word = invocation
                .target_words
                .last()
                .and_then(|&at| call.arguments().get(at));
            all_named(word, Extent::Tree)
        }
    }
}

/// Whether there is no program of that name for sure.
pub(super) fn is_nowhere(name: &[u8]) -> bool {
    let Ok(name) = str::from_utf8(name) else {
        return false;
    };
    let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
    match name.contains('/') {
        true => name.starts_with('/') && is_missing(Path::new(name)),
        false => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let own = std::env::split_paths(&path).map(|folder| folder.join(name));
            let usual = PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(name));
            let is_own = matches!(name, "." | "eval" | "source" | "coproc" | "function");
            !name.is_empty() && !is_own && own.chain(usual).all(|path| is_missing(&path))
        }
    }
}

impl Makes {
    /// What a redirection writes.
    pub(super) fn by_redirection(redirection: &Redirection, opened: &[Argument]) -> Self {
        let target = &redirection.target;
        // Where variables stand in it, whoever followed them knows it.
        let file = opened.iter().find(|file| file.range == target.range);
        match (file, target.literal()) {
            (Some(file), _) => Self::by_writing(file),
            (None, Some(text)) => Self::of_file(Some(OsString::from_vec(text).into())),
            (None, None) => Self::Anything,
        }
    }

    /// What is made where a command's output is written into a file.
    pub(super) fn by_writing(file: &Argument) -> Self {
        Self::of_file(path(file))
    }

    fn of_file(file: Option<PathBuf>) -> Self {
        match file {
            // Whatever stands there is there already, but in the memory that all share.
            Some(file) if file.starts_with("/dev") && !file.starts_with("/dev/shm") => Self::Nothing,
            Some(file) => Self::Named(vec![(file, Extent::File)]),
            None => Self::Anything,
        }
    }
}
