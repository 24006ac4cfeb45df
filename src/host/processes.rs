//! What runs below a process.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use crate::host::daemons::{command_lines, parent, start_of, words};

/// A process that another one has started, itself or by others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Descendant {
    /// Its number.
    pub process: u32,
    /// The one that started it.
    pub parent: u32,
    /// Its command line, the program first.
    pub words: Vec<OsString>,
    /// When it was started, in seconds since 1970.
    pub started: Option<i64>,
}

/// All processes below one, in the order of their numbers, as far as `/proc` shows them to us.
pub fn descendants(of: u32) -> Vec<Descendant> {
    descendants_in(Path::new("/proc"), of)
}

/// Whether a program of that name runs, as far as `/proc` shows it to us.
pub fn is_running(program: &str) -> bool {
    process_of(program).is_some()
}

/// The first process that runs a program of that name, as far as `/proc` shows it to us.
pub fn process_of(program: &str) -> Option<Descendant> {
    let root = Path::new("/proc");
    let is_meant = |line: &[u8]| {
        let first = words(line).next().map(Path::new);
        first
            .and_then(Path::file_name)
            .is_some_and(|name| name == program)
    };
    let (process, line) = command_lines(root).into_iter().find(|(_, line)| is_meant(line))?;
    Some(Descendant {
        process,
        parent: parent(root, process)?,
        words: words(&line).map(OsStr::to_owned).collect(),
        started: start_of(root, process),
    })
}

/// The same by a folder like `/proc`.
fn descendants_in(root: &Path, of: u32) -> Vec<Descendant> {
    let all: Vec<_> = command_lines(root)
        .into_iter()
        .filter_map(|(process, line)| Some((process, parent(root, process)?, line)))
        .collect();
    let mut below = vec![of];
    let mut next = 0;
    while let Some(&one) = below.get(next) {
        let children = all.iter().filter(|(_, parent, _)| *parent == one);
        let new: Vec<_> = children
            .map(|(process, ..)| *process)
            .filter(|process| !below.contains(process))
            .collect();
        below.extend(new);
        next += 1;
    }
    let below = &below[1..];
    let found = all.into_iter().filter(|(process, ..)| below.contains(process));
    found
        .map(|(process, parent, line)| Descendant {
            process,
            parent,
            words: words(&line).map(OsStr::to_owned).collect(),
            started: start_of(root, process),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, process};

    use super::descendants_in;

    #[test]
    fn all_that_a_process_has_started_is_found() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("stat"), "btime 1700000000\n").expect("a file");
        for (number, parent, line) in [
            (1, 0, "init"),
            (7, 1, "rsync\0--daemon"),
            (9, 7, "sh\0-c\0x"),
            (8, 9, "x"),
            (10, 1, "y"),
        ] {
            let folder = root.path().join(number.to_string());
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join("cmdline"), format!("{line}\0")).expect("a file");
            let rest = "0 ".repeat(17);
            fs::write(
                folder.join("stat"),
                format!("{number} (x) S {parent} {rest}4200 0\n"),
            )
            .expect("a file");
        }
        let found = descendants_in(root.path(), 7);
        let numbers: Vec<_> = found.iter().map(|one| (one.process, one.parent)).collect();
        assert_eq!(numbers, [(8, 9), (9, 7)]);
        assert_eq!(found[0].started, Some(1_700_000_042));
        assert_eq!(found[1].words, ["sh", "-c", "x"]);
        assert!(descendants_in(root.path(), process::id()).is_empty());
    }
}
