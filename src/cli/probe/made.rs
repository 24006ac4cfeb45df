//! What a script makes while it runs, which who looks at this machine before it does not find.

use std::{
    collections::BTreeSet,
    ops::Range,
    path::{Component, Path, PathBuf},
};

use crate::{
    cli::probe::{
        makers::{Makes, is_nowhere, of_call},
        part::Part,
        redirected::redirections,
    },
    host::PROGRAM_FOLDERS,
    model::script::{Argument, Block, Call, Script, Stream},
};

/// What something makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Extent {
    /// A file of that name, or one in the folder of that name.
    File,
    /// A folder, and those above it.
    Folder,
    /// That, and whatever lies below it.
    Tree,
}

/// What is made before a place of a script is reached, or may be.
#[derive(Debug, Default)]
pub(in crate::cli) struct Made {
    named: Vec<(PathBuf, Extent)>,
    /// Whether there is more, whose names only a run can tell.
    has_others: bool,
}

impl Made {
    /// Whether a folder is made there, or may be; `from`: the folder that relative names begin in.
    pub(super) fn has(&self, folder: &Path, from: &Path) -> bool {
        self.matches(folder, from, |extent| extent != Extent::File)
    }

    /// Whether anything is made there, or may be.
    pub(super) fn has_any(&self, path: &Path, from: &Path) -> bool {
        self.matches(path, from, |_| true)
    }

    fn matches(&self, path: &Path, from: &Path, is_meant: impl Fn(Extent) -> bool) -> bool {
        let asked = spellings(path);
        let mut named = self.named.iter().filter(|(_, extent)| is_meant(*extent));
        let is_there = |(named, extent): &(PathBuf, Extent)| {
            let is_vague = !named.is_absolute()
                && !named
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            let absolute = spellings(&from.join(named));
            let mut pairs = asked
                .iter()
                .flat_map(|asked| absolute.iter().map(move |named| (asked, named)));
            is_vague
                || pairs.any(|(asked, named)| extent.covers(named, asked))
                || !named.is_absolute() && extent.may_cover(named, path)
        };
        self.has_others || named.any(is_there)
    }

    pub(super) fn extend(&mut self, more: Self) {
        self.named.extend(more.named);
        self.has_others |= more.has_others;
    }

    /// Its names are not those that are made.
    pub(super) fn blur(&mut self) {
        self.has_others |= !self.named.is_empty();
    }

    pub(super) fn add(&mut self, makes: Makes) {
        match makes {
            Makes::Nothing => {}
            Makes::Named(named) => self.named.extend(named),
            Makes::Anything => self.has_others = true,
        }
    }
}

impl Extent {
    /// Whether what is made under this name is, or holds, what is asked for.
    fn covers(self, named: &Path, asked: &Path) -> bool {
        match self {
            Self::File => asked == named || asked.parent() == Some(named),
            Self::Folder => named.starts_with(asked),
            Self::Tree => named.starts_with(asked) || asked.starts_with(named),
        }
    }

    /// The same of a name that begins in a folder which only a run can tell.
    fn may_cover(self, named: &Path, asked: &Path) -> bool {
        let names: PathBuf = named
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .collect();
        // Where one is that of the folder itself, all in it may be meant.
        if names.as_os_str().is_empty() {
            return true;
        }
        let mut starts = names.ancestors().filter(|start| !start.as_os_str().is_empty());
        match self {
            Self::File => {
                asked.ends_with(&names) || asked.parent().is_some_and(|above| above.ends_with(&names))
            }
            Self::Folder => starts.any(|start| asked.ends_with(start)),
            Self::Tree => {
                starts.any(|start| asked.ends_with(start))
                    || asked.ancestors().any(|above| above.ends_with(&names))
            }
        }
    }
}

/// Whether a program takes other files in.
fn is_taker(program: Option<&[u8]>) -> bool {
    matches!(program, Some(b"." | b"source"))
}

/// A path as it is named, and where the links of what is there lead.
fn spellings(path: &Path) -> Vec<PathBuf> {
    let plain: PathBuf = path.components().collect();
    let resolved = plain.ancestors().find_map(|above| {
        let rest = plain.strip_prefix(above).ok()?;
        Some(above.canonicalize().ok()?.join(rest))
    });
    let mut all = vec![plain.clone()];
    all.extend(resolved.filter(|resolved| *resolved != plain));
    all
}

impl Part<'_> {
    /// What is made before a shell comes to a place, or may be; `call`: the call that this is about, which makes nothing before
    /// it runs.
    pub(super) fn made(&self, call: &Range<usize>, place: usize, bytes: &[u8]) -> Made {
        let mut made = Made::default();
        let calls = &self.script.calls;
        let functions = self.functions(bytes);
        let loops: Vec<_> = calls
            .iter()
            .flat_map(|one| one.blocks.iter())
            .filter_map(|block| match block {
                Block::While { range, .. } | Block::For { range } => Some(range),
                _ => None,
            })
            .filter(|range| range.contains(&place))
            .collect();
        let runs_before = |range: &Range<usize>| {
            // What stands in a function is run where it is called, what stands in a loop is run again.
            let is_in_function = |at: usize| functions.iter().any(|(_, body)| body.contains(&at));
            let is_in_loop = || loops.iter().any(|all| all.contains(&range.start));
            range.start < place || is_in_function(range.start) || is_in_function(place) || is_in_loop()
        };
        let names: BTreeSet<&[u8]> = functions.iter().map(|(name, _)| *name).collect();
        let sets_path = self
            .script
            .assignments
            .iter()
            .any(|assigned| assigned.name == b"PATH");
        let mut absent = Vec::new();
        for other in calls {
            if other.range == *call || other.range.contains(&place) || !runs_before(&other.range) {
                continue;
            }
            let program = other.words.first().and_then(Argument::known);
            let is_function = program.as_deref().is_some_and(|name| names.contains(name));
            let has_text = || {
                calls.iter().any(|inner| {
                    inner.range != other.range
                        && other.range.start <= inner.range.start
                        && inner.range.end <= other.range.end
                })
            };
            // A file that is taken in, and is not there, makes as little as a program that is not.
            let taken_in = other.arguments().first().and_then(Argument::known);
            let taken_in = taken_in
                .filter(|file| is_taker(program.as_deref()) && file.starts_with(b"/") && is_nowhere(file));
            match of_call(other, has_text) {
                _ if is_function => {}
                _ if taken_in.is_some() => absent.extend(taken_in),
                Makes::Anything if !sets_path && program.as_deref().is_some_and(is_nowhere) => {
                    absent.extend(program);
                }
                makes => made.add(makes),
            }
            // A text that a shell is handed has redirections of its own.
            for stream in [&other.output, &other.errors] {
                if let Stream::File(file) = stream {
                    made.add(Makes::by_writing(file));
                }
            }
        }
        for redirection in redirections(&self.tree.list) {
            if runs_before(&redirection.range) && !call.contains(&redirection.range.start) {
                made.add(Makes::by_redirection(redirection, &self.script.opened));
            }
        }
        // A program that is not there makes nothing, unless it is made itself.
        let is_made = |name: &Vec<u8>| {
            let name = String::from_utf8_lossy(name);
            let mut paths = PROGRAM_FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(&*name));
            paths.any(|path| made.has_any(&path, Path::new("")))
        };
        let is_any_made = absent.iter().any(is_made);
        made.has_others |= is_any_made;
        made
    }
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

    #[test]
    fn programs_make_what_they_name_or_anything() {
        for (script, is_made) in [
            ("mkdir -p /nope/a/b", true),
            ("mkdir -p /nope/b", false),
            ("mkdir -p /nope", false),
            ("cp -r x /nope", true),
            ("cp x /nope/a", true),
            ("cp x /nope", true),
            ("cp x /nop", false),
            ("install -d /nope/a", true),
            ("mv x \"$1\"", true),
            ("mv x /other", false),
            ("tar xf a.tar", true),
            ("sh -c 'echo > /nope/a'", true),
            ("sh -c 'echo > /nope/b'", false),
            ("sh ./x.sh", true),
            ("find . -exec rm {} +", false),
            ("find . -exec unpack {} +", true),
            ("find . | xargs -n 1 rm -f", false),
            ("find . | xargs unpack sort", true),
            ("echo > /dev/shm/nope; cp x /nope/a", true),
            ("grep x y | tee /nope/a", true),
            ("grep x y | sort -u", false),
            ("no-such-program x", false),
            ("cp x /usr/bin/no-such-program; no-such-program", true),
            ("rsync -a h::m/ /nope/", true),
            ("rsync -a /nope/ h::m/", false),
            ("mkdir a", true),
            ("mkdir b", false),
            ("unpack() { echo; }; unpack", false),
            ("echo > $X", true),
            ("echo > /dev/null", false),
        ] {
            let text = format!("#!/bin/sh\n{script}\nrsync -a s h::m\nmkdir /nope/a\n");
            let bytes = crate::terms::Bytes::from(text.into_bytes());
            let part = crate::cli::probe::part::Part::of_text(&bytes, false);
            let call = part.calls().last().expect("a call");
            let made = part.made(&call.range, call.range.start, &bytes);
            let path = Path::new("/nope/a");
            assert_eq!(made.has_any(path, Path::new("")), is_made, "{script}");
        }
    }
}
