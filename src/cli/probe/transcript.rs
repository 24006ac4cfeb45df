use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use jiff::Timestamp;

use crate::{
    cli::{
        Failure,
        input::{Hosts, is_standard_input, read, standard_input, unreadable},
    },
    host::plain,
    probe::{Head, Replay, Subject, Trace, Wire},
    rsync::transfer::Error,
    sync::{Environment, LoginSource},
};

/// What goes over the wire, written down or played again.
#[derive(Args, Debug)]
pub(super) struct Transcript {
    /// Write what goes over the wire into this file too, with times, for a bug report: no password, but names and content of files
    #[arg(long, value_name = "FILE", conflicts_with = "targets")]
    trace: Option<PathBuf>,
    /// Run against what --trace wrote, `-` for standard input, without a network; target and options are those of the file
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "trace", "words", "targets", "reproduce", "really", "push", "port", "protocol", "ipv4", "ipv6", "contimeout",
        "timeout", "max_files", "max_bytes", "max_depth",
    ])]
    replay: Option<PathBuf>,
}

impl Transcript {
    /// Whether a transcript is written.
    pub(super) fn is_written(&self) -> bool {
        self.trace.is_some()
    }

    /// The network, or what is in the place of it.
    pub(super) fn wire(&self, head: impl FnOnce() -> Head) -> Result<Wire, Failure> {
        let Some(file) = &self.trace else {
            return Ok(Wire::Live);
        };
        if is_standard_input(file) {
            return Err("`--trace -`: the report is on standard output already; name a file, which --replay then reads".into());
        }
        let failed = |error: io::Error| format!("the transcript `{}`: {}", file.display(), plain(&error));
        let out = create(file).map_err(failed)?;
        let trace = Trace::begin(Box::new(out), &head()).map_err(failed)?;
        Ok(Wire::Traced(Arc::new(trace)))
    }

    /// The transcript that is to be played, if one is.
    pub(super) fn replay(&self, hosts: &Hosts) -> Result<Option<Replay>, Failure> {
        let Some(file) = &self.replay else { return Ok(None) };
        let text = match is_standard_input(file) {
            true => standard_input()?,
            false => read(hosts, file).map_err(|reason| unreadable(file, &reason, ""))?,
        };
        let replay = Replay::read(&text).map_err(|why| format!("`{}`: {why}", file.display()))?;
        Ok(Some(replay))
    }
}

/// What a transcript says in front.
pub(super) fn head(subject: Subject, options: Vec<String>, environment: &Environment<'_>) -> Head {
    Head {
        program: format!("rsyncctl {}", env!("CARGO_PKG_VERSION")),
        began: Timestamp::now(),
        subject,
        options,
        login: environment.login.clone(),
        way: environment.way(),
        checksums: environment.checksums.clone(),
        compressions: environment.compressions.clone(),
    }
}

/// The environment of then. Any password will do, where one could be had.
pub(super) fn environment_of(replay: &Replay, now: Environment<'static>) -> Environment<'static> {
    let no_password = replay.no_password.clone();
    let Head {
        login,
        checksums,
        compressions,
        ..
    } = replay.head.clone();
    Environment {
        connect_program: None,
        proxy: None,
        login,
        login_source: LoginSource::Given,
        password: Box::new(move || match &no_password {
            Some(text) if text.is_empty() => Ok(Vec::new()),
            Some(text) => Err(Error::PasswordFile(text.clone())),
            None => Ok(b"played".to_vec()),
        }),
        checksums,
        compressions,
        ..now
    }
}

/// A file that nobody else may read: what it will hold is the content of others.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.set_len(0)?;
    }
    Ok(file)
}
