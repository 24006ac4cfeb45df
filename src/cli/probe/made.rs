//! What a script makes before it calls rsync, which a dry run of that call alone does not find.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::model::script::{Argument, Call, Script, Stream};

/// The folders that are made in front of a call.
#[derive(Debug, Default)]
pub(in crate::cli) struct Made {
    named: Vec<PathBuf>,
    /// Whether there are more, whose names only a run can tell.
    has_others: bool,
}

impl Made {
    /// Whether a folder is made there, or may be; `from`: the folder that relative names begin in.
    pub(super) fn has(&self, folder: &Path, from: &Path) -> bool {
        // What is above a folder is made with it by `mkdir -p`.
        let mut named = self.named.iter().map(|named| from.join(named));
        self.has_others || named.any(|named| named.starts_with(folder))
    }
}

/// What `mkdir` and `install -d` make in front of a call.
pub(super) fn made(script: &Script, call: &Call) -> Made {
    let mut made = Made::default();
    for other in before(script, call) {
        let is_flag = |word: &Argument| word.known().is_some_and(|word| word.starts_with(b"-"));
        let makes = match &*other.program() {
            "mkdir" => true,
            "install" => other
                .arguments()
                .iter()
                .any(|word| word.known().as_deref() == Some(b"-d")),
            _ => false,
        };
        for word in other.arguments().iter().filter(|word| makes && !is_flag(word)) {
            match word.known() {
                Some(name) => made.named.push(OsString::from_vec(name).into()),
                None => made.has_others = true,
            }
        }
    }
    made
}

/// The files among the words of a call that a redirection in front of it writes, as `> FILE`: a password, a list of names.
pub(super) fn written_before(script: &Script, call: &Call, words: &[String]) -> Vec<String> {
    let files = before(script, call).filter_map(|other| match &other.output {
        Stream::File(file) => String::from_utf8(file.known()?).ok(),
        _ => None,
    });
    let is_named = |file: &String| {
        let value = |word: &String| {
            word.strip_suffix(&**file)
                .is_some_and(|front| front.ends_with('='))
        };
        !file.is_empty() && words.iter().any(|word| word == file || value(word))
    };
    let mut names: Vec<_> = files.filter(is_named).map(|file| format!("> {file}")).collect();
    names.sort();
    names.dedup();
    names
}

fn before<'s>(script: &'s Script, call: &'s Call) -> impl Iterator<Item = &'s Call> {
    let is_before = |other: &&Call| other.range.end <= call.range.start;
    script.calls.iter().filter(is_before)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::probe::written::command_line;

    #[test]
    fn what_is_made_in_front_is_seen() {
        for (script, around, is_made) in [
            ("echo pw > /tmp/pw; chmod 600 /tmp/pw", &["> /tmp/pw"][..], false),
            ("ls > /tmp/other; mkdir -p d/e", &[], true),
            ("mkdir -p -m 755 /srv/d/e/f", &[], true),
            ("mkdir \"$1\"", &[], true),
            ("mkdir d log; install -d logs; install x d/e", &[], false),
            ("F=/tmp/list; find . > $F", &["> /tmp/list"], false),
            ("", &[], false),
        ] {
            let text = format!(
                "#!/bin/sh\n{script}\ncd /srv\nrsync --password-file=/tmp/pw --files-from /tmp/list h::m d/e/f/\nmkdir x; echo > /tmp/pw\n"
            );
            let written = command_line(Path::new("a.sh"), text.into(), 4).expect(script);
            assert_eq!(written.around[1..], *around, "{script}");
            assert_eq!(written.is_folder_made(Path::new("/srv/d/e")), is_made, "{script}");
        }
    }
}
