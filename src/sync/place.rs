use std::path::PathBuf;

use crate::{
    rsync::net::Address,
    sync::{argument::Argument, usage::UsageError},
    terms::{Remote, Target},
};

/// Where the daemon is, and who asks.
#[derive(Debug)]
pub struct Daemon {
    /// Host and port.
    pub address: Address,
    /// The name in front of the `@`.
    pub user: Option<String>,
}

/// What is wanted of the daemon.
#[derive(Debug)]
pub enum Place {
    /// The list of its modules.
    Modules,
    /// Files of a module; without a destination they are listed.
    Files {
        /// The module's name.
        module: String,
        /// Module and path, for each source.
        paths: Vec<Vec<u8>>,
        /// Where they go.
        destination: Option<PathBuf>,
    },
    /// Files of this machine, for a module.
    Push {
        /// The module's name.
        module: String,
        /// Module and path.
        target: Vec<u8>,
        /// The files.
        sources: Vec<PathBuf>,
    },
}

impl Place {
    /// What rsync is in its messages then, before a pull has its two roles (`who_am_i` in rsync.c).
    pub const fn role(&self) -> &'static str {
        match self {
            Self::Push { .. } => "sender",
            Self::Files { .. } | Self::Modules => "Receiver",
        }
    }
}

/// What a pull or a listing is to do, and where; `port` is that of the option.
pub(super) fn pull<'t>(
    port: Option<i32>,
    sources: &[Argument<'t>],
    destination: Option<&Argument<'t>>,
) -> Result<(&'t Remote, Place), UsageError> {
    let [source, others @ ..] = sources else {
        return Err(UsageError::NoSource);
    };
    let is_both = destination.is_some_and(|destination| destination.target.remote().is_some());
    if is_both && source.target.remote().is_some() {
        return Err(UsageError::BothRemote);
    }
    let Target::Daemon(first) = source.target else {
        return Err(source.refusal());
    };
    for other in others {
        check_source(port, first, other)?;
    }
    if first.path.is_empty() {
        return Ok((first, Place::Modules));
    }
    if first.path.starts_with('/') {
        return Err(UsageError::NoModule { role: "Receiver" });
    }
    if destination.is_some_and(|destination| destination.word.is_empty()) {
        return Err(UsageError::EmptyDestination);
    }
    let place = Place::Files {
        module: module(first),
        paths: sources.iter().map(Argument::module_and_path).collect(),
        destination: destination.map(Argument::local),
    };
    Ok((first, place))
}

/// Whether a further source is where the first one is: with its host or none, and its port or none (`start_client` in
/// main.c).
fn check_source(port: Option<i32>, first: &Remote, other: &Argument<'_>) -> Result<(), UsageError> {
    let Some(remote) = other.target.remote() else {
        return Err(UsageError::UnexpectedLocal(other.shown()));
    };
    let is_empty = remote.host.is_empty() && remote.user.is_none();
    if !is_empty && (&remote.user, &remote.host) != (&first.user, &first.host) {
        return Err(UsageError::ManyHosts);
    }
    if matches!(other.target, Target::Shell(_)) {
        return Err(UsageError::ManyFormats);
    }
    match remote.port {
        Some(own) if Some(i32::from(own)) != first.port.map(i32::from).or(port) => Err(UsageError::ManyPorts),
        _ => Ok(()),
    }
}

/// What a push is to do, and where.
pub(super) fn push<'t>(
    sources: &[Argument<'_>],
    to: &Argument<'t>,
) -> Result<(&'t Remote, Place), UsageError> {
    for source in sources {
        if source.word.is_empty() {
            return Err(UsageError::EmptySource);
        }
        if source.target.remote().is_some() {
            return Err(UsageError::UnexpectedRemote(source.shown()));
        }
    }
    let Target::Daemon(target) = to.target else {
        return Err(to.refusal());
    };
    if target.path.is_empty() {
        return Ok((target, Place::Modules));
    }
    if target.path.starts_with('/') {
        return Err(UsageError::NoModule { role: "sender" });
    }
    let place = Place::Push {
        module: module(target),
        target: to.module_and_path(),
        sources: sources.iter().map(Argument::local).collect(),
    };
    Ok((target, place))
}

fn module(remote: &Remote) -> String {
    remote.path.split('/').next().unwrap_or_default().to_owned()
}
