//! Places that cannot be written to: both clients name the same file in the same way, and end alike.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Stage, client, some_files, told};
use crate::support::{daemon::has_rsync, mishap::Need, skip};

/// Something below a folder as a file system of its own, as long as it lives: what is there cannot be replaced, and if it
/// is protected nothing can be made there.
struct Mount(std::path::PathBuf);

impl Mount {
    fn new(place: &Path, is_protected: bool) -> Self {
        let mount = Self(place.to_owned());
        mount.run(&["--bind", &place.display().to_string()]);
        if is_protected {
            mount.run(&["-o", "remount,ro,bind"]);
        }
        mount
    }

    fn run(&self, words: &[&str]) {
        let status = Command::new("mount").args(words).arg(&self.0).status();
        assert!(status.expect("mount runs").success(), "{words:?}");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A line without the six letters of a new file's name.
fn without_letters(line: &str) -> String {
    let mut pieces = line.split("\" ");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let start = plain.len().saturating_sub(7);
        if plain.is_char_boundary(start)
            && plain[start..].starts_with('.')
            && plain[start + 1..].chars().all(char::is_alphanumeric)
        {
            plain.replace_range(start + 1.., "LETTERS");
        }
        plain.push_str("\" ");
        plain.push_str(piece);
    }
    plain
}

/// What both clients say of a destination in which something is mounted, with `{here}` for the folder that they start in.
fn compare(stage: &Stage, words: &[&str], mounted: &str, is_protected: bool) -> Result<String, String> {
    let [theirs, ours] = [false, true].map(|ours| {
        let folder = tempfile::tempdir().expect("a folder");
        let destination = folder.path().join("dst");
        for name in ["tmp", "sub", "outside"] {
            fs::create_dir_all(destination.join(name)).expect("folders");
        }
        fs::write(destination.join("f1"), "older").expect("a file");
        symlink("other", destination.join("link")).expect("a link");
        mkfifo(&destination.join("link2"), Mode::S_IRUSR).expect("a pipe");
        let _mount = Mount::new(&destination.join(mounted), is_protected);
        let here = folder.path().display().to_string();
        let mut command = client(folder.path(), ours);
        command.args(words.iter().map(|word| word.replace("{here}", &here)));
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let output = command.args([&*url, "dst"]).output().expect("the client runs");
        let said = told(&output, &here);
        // rsync's copying says by itself what fails in it, and a backup that it could not make cannot be changed either.
        let counts = |line: &&str| !line.contains(" unlink ") && !line.contains(" stat \"dst/tmp/");
        let mut lines: Vec<_> = said.lines().filter(counts).map(without_letters).collect();
        lines.sort();
        lines.join("\n")
    });
    match theirs == ours {
        true => Ok(ours),
        false => Err(format!("{words:?} {mounted}\n{theirs}\n-- and ours\n{ours}")),
    }
}

#[test]
fn what_cannot_be_written_is_named_as_rsync_names_it() {
    if !has_rsync() {
        return;
    }
    if let Some(reason) = Need::Root.unmet().or_else(|| Need::Mount.unmet()) {
        skip(&format!("a place that cannot be written to: {reason}"));
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    for name in [".hidden", "dot.", &"x".repeat(250), &"é".repeat(125)] {
        fs::write(stage.source().join(name), name).expect("a file");
    }
    symlink("f2", stage.source().join("link2")).expect("a link");
    let cases: [(&[&str], &str, bool, &str); 15] = [
        (
            &["-rlb", "--backup-dir=tmp", "--exclude=f1"],
            "tmp",
            true,
            "link \"dst/tmp/link\" -> \"other\": ",
        ),
        (
            &["-rlDb", "--backup-dir={here}/dst/tmp", "--exclude=f1"],
            "tmp",
            true,
            "mknod \"dst/tmp/link2\" failed: ",
        ),
        (&["-r"], "f1", false, "rename \"dst/.f1.LETTERS\" -> \"f1\": "),
        (&["-rb"], "f1", false, "rename \"dst/.f1.LETTERS\" -> \"f1\": "),
        (&["-r", "--partial-dir=.p"], "f1", false, "-> \"f1\": "),
        (&["-r", "--delay-updates"], "f1", false, "(from .~tmp~/f1): "),
        (&["-r", "-Ttmp"], "f1", false, "rename \"dst/tmp/f1.LETTERS\" -> "),
        (
            &["-r", "-T{here}/dst/tmp"],
            "f1",
            false,
            "rename \"dst/tmp/f1.LETTERS\" -> ",
        ),
        (&["-r"], ".", true, "mkstemp \"dst/.hidden.LETTERS\" failed: "),
        (&["-r"], "sub", true, "mkdir \"dst/sub/deep\" failed: "),
        (&["-r", "--inplace"], ".", true, "open \"dst/f1\" failed: "),
        (
            &["-r", "-Ttmp"],
            "tmp",
            true,
            "mkstemp \"dst/tmp/y.LETTERS\" failed: ",
        ),
        (
            &["-r", "-T{here}/dst/tmp"],
            "tmp",
            true,
            "mkstemp \"dst/tmp/.hidden.LETTERS\" failed: ",
        ),
        (
            &["-rb", "--backup-dir=tmp"],
            "tmp",
            true,
            "keep_backup failed: \"dst/f1\" -> \"tmp/f1\": ",
        ),
        (
            &["-rb", "--backup-dir=tmp", "--suffix=~"],
            "tmp",
            true,
            "-> \"tmp/f1~\": ",
        ),
    ];
    for (words, mounted, is_protected, expected) in cases {
        let said = compare(&stage, words, mounted, is_protected);
        let said = said.unwrap_or_else(|difference| panic!("{difference}"));
        assert!(said.contains(expected), "{words:?} {mounted}\n{said}");
    }
}
