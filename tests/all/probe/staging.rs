//! A stage on which scripts run: a program in the place of rsync that writes down how it is called, and a daemon that answers
//! our own client.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, stderr, stdout},
};

/// A folder with `bin/rsync` in it.
pub(super) struct Stage {
    folder: TempDir,
    daemon: Option<Daemon>,
}

impl Stage {
    /// A folder with these files, and nobody who answers.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let stage = Self {
            folder: folder(files),
            daemon: None,
        };
        let words = stage.root().join("words").display().to_string();
        let text = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >{words}\n");
        stage.program("bin/rsync", &text);
        stage
    }

    /// The same with a daemon, whose module `m` is the folder `served`; nothing where there is no rsync.
    pub(super) fn with_daemon(files: &[(&str, &str)]) -> Option<Self> {
        if !has_rsync() {
            return None;
        }
        let mut stage = Self::new(&[files, &[("served/one", "one\n")]].concat());
        let root = stage.root();
        for place in [root.to_owned(), root.join("served")] {
            fs::set_permissions(place, fs::Permissions::from_mode(0o755)).expect("a mode");
        }
        let configuration = root.join("rsyncd.conf");
        let text = format!("use chroot = no\n[m]\npath = {}/served\n", root.display());
        fs::write(&configuration, text).expect("a file");
        stage.daemon = Some(Daemon::start(&configuration, &Run::default()));
        Some(stage)
    }

    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The name of the folder.
    pub(super) fn here(&self) -> String {
        self.root().display().to_string()
    }

    fn port(&self) -> u16 {
        self.daemon.as_ref().expect("a daemon").port()
    }

    /// A call that the daemon answers.
    pub(super) fn call(&self) -> String {
        format!("rsync -r rsync://127.0.0.1:{}/m/ {}/d/", self.port(), self.here())
    }

    /// A text with the call in the place of `RSYNC`, the folder in that of `HERE`, and the daemon's port in that of `PORT`.
    pub(super) fn filled(&self, text: &str) -> String {
        let text = text.replace("RSYNC", &self.call()).replace("HERE", &self.here());
        text.replace("PORT", &self.port().to_string())
    }

    /// Writes a program. A shell of its own does, as nobody can run what is open for writing: what another test starts at
    /// that moment would hold it open too.
    pub(super) fn program(&self, name: &str, text: &str) -> PathBuf {
        let file = self.root().join(name);
        fs::create_dir_all(file.parent().expect("a parent")).expect("folders");
        let mut writer = Command::new("/bin/sh")
            .args(["-c", "cat >\"$0\" && chmod 755 \"$0\""])
            .arg(&file)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell runs");
        let mut input = writer.stdin.take().expect("its input");
        input.write_all(text.as_bytes()).expect("it reads");
        drop(input);
        assert!(writer.wait().expect("it ends").success());
        file
    }

    /// The words that a shell hands to rsync where it runs a command; none if it starts none.
    pub(super) fn words_of(&self, command: &str) -> Option<Vec<String>> {
        let words = self.root().join("words");
        let _ = fs::remove_file(&words);
        let path = format!("{}:/usr/bin:/bin", self.root().join("bin").display());
        let mut shell = Command::new("/bin/sh");
        let shell = shell.args(["-c", command]).current_dir(self.root());
        shell.env("PATH", path).output().expect("a shell runs");
        let words = fs::read_to_string(&words).ok()?;
        Some(words.lines().map(str::to_owned).collect())
    }

    /// The same of a script, which its own shell runs.
    pub(super) fn words_of_script(&self, text: &str) -> Option<Vec<String>> {
        let script = self.program("job.sh", text).display().to_string();
        self.words_of(&shell_words::quote(&script))
    }

    /// What a dry run of `FILE` or `FILE:LINE` ends with.
    pub(super) fn reproduced(&self, place: &str) -> Output {
        let mut program = program(self.root(), &["probe", "--reproduce", place]);
        program.output().expect("it runs")
    }
}

/// The line that a text's call stands on.
pub(super) fn line_of_call(text: &str) -> usize {
    1 + text[..text.find("rsync -r").expect("a call")]
        .matches('\n')
        .count()
}

/// Whether a dry run's first line says that rsync is not started, and why; `why`: nothing where it is.
pub(super) fn tells(output: &Output, why: &str, own: &str) {
    let told = stdout(output);
    let first = told.lines().next().unwrap_or_default();
    assert_eq!(
        first.contains("rsync is never started"),
        !why.is_empty(),
        "{own}: {told}{}",
        stderr(output)
    );
    assert!(
        !told.is_empty() && first.contains(why),
        "{own}: {told}{}",
        stderr(output)
    );
    let status = if why.is_empty() { 0 } else { 127 };
    assert_eq!(output.status.code(), Some(status), "{own}: {told}");
}

/// Why rsync is not started, as the first line tells it; nothing where it is. What begins with five fields is a table of
/// cron's. The shell is the referee.
pub(super) fn come_to_rsync(cases: &[(&str, &str)]) {
    let Some(stage) = Stage::with_daemon(&[("conf", "A=1\nD=/\n")]) else {
        return;
    };
    for (text, why) in cases {
        let own = stage.filled(text);
        let (name, words) = match own.strip_prefix("0 4 * * * ") {
            Some(command) => (
                "job.cron",
                stage.words_of_script(&format!("#!/bin/sh\n{command}")),
            ),
            None => ("job.sh", stage.words_of_script(&own)),
        };
        assert_eq!(words.is_some(), why.is_empty(), "the shell: {own}");
        fs::write(stage.root().join(name), &own).expect("a file");
        let place = format!("{name}:{}", line_of_call(&own));
        tells(&stage.reproduced(&place), why, &own);
    }
}
