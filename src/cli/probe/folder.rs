//! The folder that a command of a script runs in.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use crate::{
    model::script::{Argument, Call, Script},
    syntax::Invocation,
    terms::Target,
};

/// Commands that go to another folder.
pub(super) const MOVES: [&str; 3] = ["cd", "pushd", "popd"];

/// Why a command line is not carried out.
pub(in crate::cli) const UNKNOWN_FOLDER: &str = "the script goes to a folder that only a run can tell; paste the command with whole paths, as 'rsync ...'";

/// Options that name a file of this machine, each of which counts as often as it is given.
const FILES: [&str; 9] = [
    "password-file",
    "exclude-from",
    "include-from",
    "files-from",
    "early-input",
    "log-file",
    "read-batch",
    "write-batch",
    "only-write-batch",
];

/// Whether somebody like us can go to a folder.
pub(super) fn is_open(folder: &Path) -> bool {
    folder.is_dir() && access(folder, AccessFlags::X_OK).is_ok()
}

/// Whether a command line names files of this machine from the folder on that it runs in.
pub(in crate::cli) fn needs_folder(words: &[String]) -> bool {
    let targets = Invocation::parse(words).targets;
    let mut local = targets.iter().filter_map(|target| match target {
        Target::Local(path) => Some(&**path),
        Target::Shell(_) | Target::Daemon(_) => None,
    });
    let is_relative = |path: &str| !path.starts_with('/');
    local.any(is_relative) || files_of(words).any(|path| is_relative(&path))
}

/// The files of this machine that the options of a command line name.
pub(super) fn files_of(words: &[String]) -> impl Iterator<Item = String> {
    let options = Invocation::parse(words).options.into_iter();
    options.filter_map(|given| {
        let value = given.value?;
        match &*given.name {
            "filter" => merge_file(&value).map(str::to_owned),
            name => FILES.contains(&name).then_some(value),
        }
    })
}

/// The file that a filter rule reads once: `. FILE`, `.MODIFIERS FILE`, `merge,MODIFIERS FILE`.
pub(super) fn merge_file(rule: &str) -> Option<&str> {
    let rule = rule.trim_start();
    let behind = rule.strip_prefix("merge").or_else(|| rule.strip_prefix('.'))?;
    behind.split_once([' ', '_']).map(|(_, file)| file)
}

/// The folder that a script has gone to before a call, from the one on that it is started in; none if only a run can tell.
/// Of the commands that go there dash knows but one.
pub(super) fn folder_of(script: &Script, call: &Call, knows_all: bool) -> Option<PathBuf> {
    folder_among(script, call, knows_all, |_| true)
}

/// The same where a shell stays where it is if it cannot enter a folder.
pub(super) fn folder_among(
    script: &Script,
    call: &Call,
    knows_all: bool,
    is_open: impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let moves = if knows_all { &MOVES[..] } else { &MOVES[..1] };
    let before = script
        .calls
        .iter()
        .filter(|other| moves.contains(&&*other.program()) && other.range.end <= call.range.start);
    let mut folder = Some(PathBuf::new());
    for other in before {
        let scopes = script.scopes.iter();
        let mut apart = scopes.filter(|scope| scope.has(&other.range) && !scope.has(&call.range));
        match apart.next() {
            // A shell of its own goes there, and nobody else.
            Some(scope) if scope.is_own_shell => {}
            Some(_) => folder = None,
            None => {
                folder = named(other).and_then(|named| {
                    let next = match named.is_absolute() {
                        true => named,
                        false => folder.clone()?.join(named),
                    };
                    if is_open(&next) { Some(next) } else { folder }
                });
            }
        }
    }
    folder
}

/// Whether a script does not come to a call where a folder that it goes to first cannot be entered.
pub(super) fn is_bound(script: &Script, call: &Call, text: &[u8]) -> bool {
    let before = |other: &&Call| other.range.end <= call.range.start;
    let moves = |other: &&Call| MOVES.contains(&&*other.program());
    let mut moving = script.calls.iter().filter(before).filter(moves);
    let ends = |other: &Call| {
        let behind = text[other.range.end..].trim_ascii_start();
        let alternative = behind.strip_prefix(b"||").map(<[u8]>::trim_ascii_start);
        let ends: [&[u8]; 4] = [b"exit", b"return", b"{", b"die"];
        behind.starts_with(b"&&") && is_of_one_command(&text[other.range.end..call.range.start])
            || alternative.is_some_and(|alternative| ends.iter().any(|end| alternative.starts_with(end)))
    };
    let is_strict = |other: &Call| {
        let is_set = |word: &String| {
            word == "errexit" || word.starts_with('-') && !word.starts_with("--") && word.contains('e')
        };
        other.program() == "set"
            && other
                .arguments()
                .iter()
                .map(Argument::text)
                .any(|word| is_set(&word))
    };
    let first = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = String::from_utf8_lossy(first);
    let has_option = first.starts_with("#!")
        && first
            .split_ascii_whitespace()
            .skip(1)
            .any(|word| word.starts_with('-') && word.contains('e'));
    moving.any(ends) || has_option || script.calls.iter().filter(before).any(is_strict)
}

/// Whether no line ends in a text but where its command goes on.
fn is_of_one_command(text: &[u8]) -> bool {
    let mut lines: Vec<_> = text.split(|&byte| byte == b'\n').collect();
    lines.pop();
    for line in lines.into_iter().map(<[u8]>::trim_ascii_end) {
        if line.ends_with(b"{") || line.ends_with(b"(") {
            return true;
        }
        if !line.ends_with(b"\\") && !line.ends_with(b"&&") {
            return false;
        }
    }
    true
}

/// The folder that a command names, if the text tells it.
fn named(call: &Call) -> Option<PathBuf> {
    let word = match call.arguments() {
        [word] => word,
        [end, word] if end.is("--") => word,
        _ => return None,
    };
    let text = word.known().filter(|_| call.program() != "popd")?;
    // The folder before, a stack's, and somebody's home.
    let is_other = matches!(text.first(), None | Some(b'-' | b'+' | b'~'));
    (!is_other).then(|| OsString::from_vec(text).into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::needs_folder;
    use crate::cli::probe::written::command_line;

    #[test]
    fn files_of_this_machine_have_a_folder() {
        for (words, expected) in [
            (&["-a", "/x", "h::m"][..], false),
            (&["-a", "x", "h::m"], true),
            (&["-a", "--exclude-from=x", "/x", "h::m"], true),
            (&["-a", "--early-input=x", "/x", "h::m"], true),
            (&["--exclude-from=x", "--exclude-from=/y", "/x", "h::m"], true),
            (&["--files-from", "x", "--files-from=/y", "/x", "h::m"], true),
            (&["--log-file=x", "/x", "h::m"], true),
            (&["--filter=. x"], true),
            (&["--filter=.,n- x"], true),
            (&["-f", "merge_x"], true),
            (&["--filter=. /x"], false),
            (&["--filter=: x"], false),
            (&["--filter=dir-merge x"], false),
        ] {
            let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
            assert_eq!(needs_folder(&words), expected, "{words:?}");
        }
    }

    #[test]
    fn a_script_is_followed_to_its_folder() {
        for (script, folder) in [
            ("", Some("")),
            ("cd /srv/www", Some("/srv/www")),
            ("cd /srv; cd www", Some("/srv/www")),
            // Without the first folder nothing goes to the second.
            ("cd /srv && cd www", None),
            ("cd www || exit 1", Some("www")),
            ("ROOT=/srv; cd \"$ROOT/www\"", Some("/srv/www")),
            ("pushd /srv", Some("/srv")),
            ("(cd /srv; ls)", Some("")),
            ("cd \"$1\"", None),
            ("cd -- /srv/www", Some("/srv/www")),
            ("cd -- -", None),
            ("cd", None),
            ("cd -", None),
            ("cd ~joe/www", None),
            ("pushd /srv; popd", None),
            ("if [ -d /srv ]; then cd /srv; fi", None),
            ("cd \"$1\"; cd /srv", Some("/srv")),
        ] {
            let text = format!("#!/bin/bash\n{script}\nrsync -a h::m/ x/\n");
            let written = command_line(Path::new("a.sh"), text.into(), 3).expect(script);
            assert_eq!(written.folder.as_deref(), folder.map(Path::new), "{script}");
        }
        let one = "#!/bin/sh\ncd /srv/www && rsync -a ./x h::m\n";
        let written = command_line(Path::new("a.sh"), one.into(), 2).expect(one);
        assert_eq!(written.folder.as_deref(), Some(Path::new("/srv/www")));
    }
}
