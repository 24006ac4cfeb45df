//! What a script makes before it calls rsync, which a dry run of that call alone does not find.

use crate::model::script::{Call, Script, Stream};

/// Programs that make folders.
const MAKERS: [&str; 4] = ["git", "install", "mkdir", "tar"];

/// Whether folders are made in front of a call.
pub(super) fn is_folder_made(script: &Script, call: &Call) -> bool {
    before(script, call).any(|other| MAKERS.contains(&&*other.program()))
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
            ("F=/tmp/list; find . > $F", &["> /tmp/list"], false),
            ("", &[], false),
        ] {
            let text = format!(
                "#!/bin/sh\n{script}\nrsync --password-file=/tmp/pw --files-from /tmp/list h::m d/e/f/\nmkdir x; echo > /tmp/pw\n"
            );
            let written = command_line(Path::new("a.sh"), text.into(), 3).expect(script);
            assert_eq!(written.around, around, "{script}");
            assert_eq!(written.is_folder_made, is_made, "{script}");
        }
    }
}
