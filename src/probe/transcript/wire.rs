use std::{
    fmt,
    io::{self, Write as _},
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    probe::{
        ProbeError, reach,
        transcript::{Replay, Subject, Trace, event::Event},
    },
    rsync::{
        net::{Address, ConnectError, Stream},
        transfer::Error,
    },
    sync::{Environment, Place, Plan},
};

/// A daemon that serves whom it is handed, and listens nowhere.
pub trait Served: fmt::Debug + Send + Sync {
    /// A connection that it serves.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn connect(&self) -> io::Result<Stream>;
}

/// What connects a probe to its target.
#[derive(Debug)]
pub enum Wire {
    /// The network.
    Live,
    /// A daemon of our own, whatever address the target has.
    Own(Arc<dyn Served>),
    /// The network, and all that goes over it is written down.
    Traced(Arc<Trace>),
    /// A transcript.
    Replayed(Box<Replay>),
}

impl Wire {
    /// The addresses of a host.
    ///
    /// # Errors
    ///
    /// What the resolver says.
    pub(in crate::probe) async fn resolve(
        &self,
        address: &Address,
        limit: Duration,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        match self {
            Self::Live | Self::Own(_) => reach::resolve(address, limit).await,
            Self::Traced(trace) => {
                let found = reach::resolve(address, limit).await;
                match &found {
                    Ok(found) => found.iter().for_each(|at| trace.note(0, &Event::Resolved(*at))),
                    Err(ConnectError::Resolve { source, .. }) => {
                        trace.note(0, &Event::Unresolved(source.to_string()));
                    }
                    Err(error) => trace.note(0, &Event::Unresolved(error.to_string())),
                }
                found
            }
            Self::Replayed(replay) => replay.resolved.clone().map_err(|text| ConnectError::Resolve {
                host: address.host.clone(),
                port: address.port,
                source: io::Error::other(text),
            }),
        }
    }

    /// Connects to one address, and says there what stands in front of a session.
    ///
    /// # Errors
    ///
    /// What the system says, or that nothing answered within the limit.
    pub(in crate::probe) async fn connect(
        &self,
        target: &Address,
        address: SocketAddr,
        limit: Duration,
        announce: &[u8],
    ) -> io::Result<Stream> {
        match self {
            Self::Live => reach::connect(target, address, limit, announce).await,
            Self::Own(daemon) => {
                let mut stream = daemon.connect()?;
                stream.write_all(announce)?;
                Ok(stream)
            }
            Self::Traced(trace) => match reach::connect(target, address, limit, announce).await {
                Ok(stream) => Ok(trace.clone().join(stream, &Event::Connected(Some(address)))),
                Err(error) => {
                    trace.note(0, &Event::Refused(address, (&error).into()));
                    Err(error)
                }
            },
            Self::Replayed(replay) => replay.connect().map_err(|(error, _)| error),
        }
    }

    /// Connects as rsync itself does: through a proxy, or with a program.
    ///
    /// # Errors
    ///
    /// What `connect` says.
    pub(in crate::probe) fn connect_otherwise(
        &self,
        connect: impl FnOnce() -> Result<Stream, Error>,
    ) -> Result<Stream, Error> {
        match self {
            Self::Live | Self::Own(_) => connect(),
            Self::Traced(trace) => match connect() {
                Ok(stream) => Ok(trace.clone().join(stream, &Event::Connected(None))),
                Err(error) => {
                    trace.note(0, &Event::Unconnected(error.exit(), error.to_string()));
                    Err(error)
                }
            },
            Self::Replayed(replay) => Ok(replay.connect().map_err(|(_, error)| error)?),
        }
    }

    /// The variable of a proxy or a program, where one of them makes the connections, as rsync itself does.
    pub(in crate::probe) fn way(&self, environment: &Environment<'_>) -> Option<String> {
        match self {
            Self::Replayed(replay) => replay.head.way.clone(),
            _ => environment.way(),
        }
    }

    /// What the folder of a write test is to be called, if it may not choose.
    pub(in crate::probe) fn sample(&self) -> Option<&str> {
        match self {
            Self::Replayed(replay) => replay.sample.as_deref(),
            _ => None,
        }
    }

    /// The folder of a write test is called so.
    pub(in crate::probe) fn note_sample(&self, name: &str) {
        if let Self::Traced(trace) = self {
            trace.note(0, &Event::Sample(name.to_owned()));
        }
    }

    /// A session ended so: what it ended with that did not go over the wire.
    pub(in crate::probe) fn note_end(&self, error: &Error) {
        if let Error::PasswordFile(text) = error {
            self.note_no_password(text);
        }
    }

    /// There was no password, and why; without a reason nobody gave one.
    pub(in crate::probe) fn note_no_password(&self, why: &str) {
        if let Self::Traced(trace) = self {
            trace.note(trace.last(), &Event::NoPassword(why.to_owned()));
        }
    }

    /// What ages of files are told by.
    pub(in crate::probe) fn now(&self) -> SystemTime {
        match self {
            Self::Replayed(replay) => replay.head.began.into(),
            _ => SystemTime::now(),
        }
    }

    /// Makes a plan one for this wire: who talks to a transcript needs no password, and shall not change a file.
    ///
    /// # Errors
    ///
    /// It would.
    pub(in crate::probe) fn adapt(&self, plan: &mut Plan) -> Result<(), ProbeError> {
        if !matches!(self, Self::Live | Self::Own(_)) {
            // Of lists that come one by one the end of each is told when its files happen to be there, in another order
            // each time. The whole list at once makes both sides say the same again.
            plan.options.whole_lists.get_or_insert(true);
        }
        let Self::Replayed(replay) = self else {
            return Ok(());
        };
        plan.password_file = None;
        let is_harmless = match (&plan.place, &replay.head.subject) {
            // What is pulled goes into a folder of our own.
            (Place::Modules, _) | (_, Subject::Probe(_)) => true,
            (Place::Files { destination, .. }, _) => destination.is_none() || plan.options.dry_run,
            (Place::Push { .. }, _) => plan.options.dry_run,
        };
        is_harmless.then_some(()).ok_or(ProbeError::ReplayWrites)
    }

    /// Whether it did what it is there for.
    ///
    /// # Errors
    ///
    /// A transcript that cannot be written, or that is too short.
    pub(in crate::probe) fn check(&self) -> Result<(), ProbeError> {
        match self {
            Self::Traced(trace) => trace
                .failure()
                .map_or(Ok(()), |error| Err(ProbeError::Trace(error))),
            Self::Replayed(replay) if replay.is_short() => {
                Err(ProbeError::ShortTranscript(replay.head.program.clone()))
            }
            Self::Live | Self::Own(_) | Self::Replayed(_) => Ok(()),
        }
    }
}
