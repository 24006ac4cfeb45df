//! Facts of the machine as lines of `name: value`, the same in each language.

use std::{fmt::Write as _, path::Path};

use jiff::Timestamp;

use crate::{
    host::{Fact, Host as _, Live, Metadata, daemons},
    terms::without_password,
};

/// What is told of files with passwords.
#[derive(Default)]
pub(super) struct Credentials(String);

impl Credentials {
    /// Notes what may be known of one: never what it holds.
    pub(super) fn note(&mut self, path: &Path, found: Fact<Option<Metadata>>, bytes: Option<&[u8]>) {
        let path = path.display();
        let told = match found {
            Ok(Some(found)) => {
                let lines = bytes.map_or_else(
                    || "not read".to_owned(),
                    |bytes| bytes.split_inclusive(|&byte| byte == b'\n').count().to_string(),
                );
                let Metadata {
                    mode, uid, gid, size, ..
                } = found;
                format!("mode {mode:o}, owner {uid}, group {gid}, {size} bytes, lines: {lines}")
            }
            Ok(None) => "not there".to_owned(),
            Err(reason) => reason.to_string(),
        };
        // A string takes all that is written.
        let _ = writeln!(self.0, "{path}: {told}");
    }

    pub(super) fn text(&self) -> String {
        match self.0.is_empty() {
            true => "none is named\n".to_owned(),
            false => self.0.clone(),
        }
    }
}

/// The system and the programs.
pub(super) fn machine(now: &jiff::Zoned) -> String {
    let file = |path: &str| {
        let bytes = Live.read(Path::new(path)).ok().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut text = format!(
        "rsyncctl: {}\ntime: {}\nkernel: {}\n",
        env!("CARGO_PKG_VERSION"),
        now.strftime("%Y-%m-%d %H:%M:%S %z"),
        file("/proc/sys/kernel/osrelease").trim()
    );
    let release = file("/etc/os-release");
    for line in release.lines() {
        if ["PRETTY_NAME=", "ID=", "VERSION_ID="]
            .iter()
            .any(|name| line.starts_with(name))
        {
            let _ = writeln!(text, "system: {line}");
        }
    }
    match Live.output("rsync", &["--version"]) {
        Ok(Some(version)) => {
            for line in String::from_utf8_lossy(&version).lines() {
                let _ = writeln!(text, "rsync: {line}");
            }
        }
        Ok(None) => text += "rsync: not installed\n",
        Err(reason) => {
            let _ = writeln!(text, "rsync: {reason}");
        }
    }
    text
}

/// Each rsync daemon that runs.
pub(super) fn daemons_of_machine() -> String {
    let mut text = String::new();
    for daemon in daemons() {
        let words = daemon
            .words
            .iter()
            .map(|word| without_password(&word.to_string_lossy()));
        let started = daemon
            .started
            .and_then(|second| Timestamp::from_second(second).ok());
        let configuration = match &daemon.configuration {
            Ok(file) => file.display().to_string(),
            Err(reason) => reason.to_string(),
        };
        let yes = |flag: bool| if flag { "yes" } else { "no" };
        let _ = write!(
            text,
            "process: {}\ncommand: {}\nconfiguration: {configuration}\nuser: {}\nstarted: {}\nunit: {}\nstarted by: {}\n\
             container: {}\nown mounts: {}\nown network: {}\nstopped: {}\nserves one connection: {}\n\n",
            daemon.process,
            shell_words::join(words),
            daemon
                .uid
                .map_or_else(|| "not known".to_owned(), |uid| uid.to_string()),
            started.map_or_else(|| "not known".to_owned(), |time| time.to_string()),
            daemon.unit.as_deref().unwrap_or("none"),
            daemon.parent.as_deref().unwrap_or("not known"),
            yes(daemon.is_contained),
            yes(daemon.has_own_mounts),
            yes(daemon.has_own_network),
            yes(daemon.is_stopped),
            yes(daemon.is_serving),
        );
    }
    if text.is_empty() {
        text += "no rsync daemon runs\n";
    }
    text
}
