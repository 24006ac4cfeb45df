use std::time::Duration;

use crate::{
    rsync::{
        delta::Checksum,
        net::{ConnectError, Proxy, Stream, connect, run_program, set_socket_options},
        proto::Compression,
        transfer::{Dialogue, Error, Observer, Opening, Outcome, open, pull, push},
        tree::Identity,
    },
    sync::{
        Place, Plan, Printer,
        ahead::is_whole_better,
        login::{Login, early_input},
    },
    terms::{Exit, without_password},
};

/// What names the user whom a command line does not name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LoginSource {
    /// The address.
    Address,
    /// The variable `USER`.
    User,
    /// The variable `LOGNAME`.
    Logname,
    /// No variable; rsync sends `nobody` then.
    Nobody,
    /// A transcript, or who calls us.
    Given,
}

/// What a session depends on besides the command line.
pub struct Environment<'e> {
    /// A command that makes the connection: `RSYNC_CONNECT_PROG`.
    pub connect_program: Option<String>,
    /// A web proxy: `RSYNC_PROXY`.
    pub proxy: Option<String>,
    /// Who asks where the command line names nobody.
    pub login: String,
    /// Where that comes from.
    pub login_source: LoginSource,
    /// The password where no file has it; asked for when a daemon wants one, if the user does not want to end.
    pub password: Box<dyn Fn() -> Result<Vec<u8>, Error> + Send + Sync + 'e>,
    /// Who this process is.
    pub identity: Identity,
    /// The checksums that are offered: `RSYNC_CHECKSUM_LIST`.
    pub checksums: Option<Vec<Checksum>>,
    /// The compressions that are offered: `RSYNC_COMPRESS_LIST`.
    pub compressions: Option<Vec<Compression>>,
}

impl Environment<'_> {
    /// Adds to a plan what is offered to the server.
    pub fn offer(&self, plan: &mut Plan) {
        let algorithms = &mut plan.options.algorithms;
        algorithms.checksums.clone_from(&self.checksums);
        algorithms.compressions.clone_from(&self.compressions);
    }

    /// The variable that makes the connection otherwise, as a shell is told it, a password taken out.
    pub fn way(&self) -> Option<String> {
        let (name, value) = match (&self.connect_program, &self.proxy) {
            (Some(program), _) => ("RSYNC_CONNECT_PROG", without_password(program)),
            (None, Some(proxy)) => {
                let (login, address) = proxy.rsplit_once('@').unzip();
                let user = login.map(|login| login.split(':').next().unwrap_or_default());
                let shown = user.map(|user| format!("{user}:****@{}", address.unwrap_or_default()));
                ("RSYNC_PROXY", shown.unwrap_or_else(|| proxy.clone()))
            }
            (None, None) => return None,
        };
        Some(format!("{name}={}", shell_words::quote(&value)))
    }
}

/// Connects as command line and environment say. `patience` is how long a proxy is waited for where the command line has
/// no limit.
///
/// # Errors
///
/// No connection, or a socket option that the system refuses.
pub fn reach(
    plan: &Plan,
    environment: &Environment<'_>,
    printer: &Printer<'_>,
    patience: Option<Duration>,
) -> Result<Stream, Error> {
    let address = &plan.daemon.address;
    if plan.connect_limit.is_some_and(|limit| limit.is_zero()) {
        return Err(ConnectError::TimedOut.into());
    }
    let limit = plan.connect_limit.or(plan.options.timeout);
    let stream = match (&environment.connect_program, &environment.proxy) {
        (Some(command), _) => run_program(command, &address.host)?,
        (None, Some(proxy)) => {
            let proxy = Proxy::parse(proxy)?;
            let to = &proxy.address;
            printer.connecting(&to.host, to.port, true);
            proxy.connect(address, limit.or(patience))?
        }
        (None, None) => {
            printer.connecting(&address.host, address.port, false);
            connect(address, limit).map_err(|error| match plan.connect_limit {
                Some(_) if error.is_silence() => ConnectError::TimedOut,
                _ => error,
            })?
        }
    };
    Ok(stream.into())
}

/// Sets what the command line asks of the connection.
///
/// # Errors
///
/// What the system says to the timeout.
pub fn prepare(plan: &Plan, stream: &Stream, printer: &Printer<'_>) -> Result<(), Error> {
    stream
        .set_read_timeout(plan.options.timeout)
        .map_err(|source| Error::Socket {
            action: "setsockopt",
            source,
        })?;
    if let (Some(list), Some(socket)) = (&plan.socket_options, stream.socket()) {
        match set_socket_options(socket, list) {
            Ok(unknown) => {
                for word in unknown {
                    printer.complain(&format!("Unknown socket option {word}"));
                }
            }
            // rsync goes on without it too.
            Err((name, error)) => printer.complain(&format!("failed to set socket option {name}: {error}")),
        }
    }
    Ok(())
}

/// Carries a plan out over a connection; nothing comes of a list of modules.
///
/// # Errors
///
/// What ends the session; errors with single files are in the outcome.
pub fn converse(
    plan: &Plan,
    environment: &Environment<'_>,
    observer: &dyn Observer,
    stream: Stream,
) -> Result<Option<Outcome>, Error> {
    let role = plan.place.role();
    let early_input = plan.early_input.as_deref().map(|path| early_input(path, role));
    let early_input = early_input.transpose()?;
    let dialogue = match &plan.place {
        Place::Modules => Dialogue::List,
        Place::Files { module, .. } | Place::Push { module, .. } => Dialogue::Module {
            name: module.as_bytes(),
            early_input: early_input.as_deref().unwrap_or_default(),
        },
    };
    let login = Login { plan, environment };
    let opening = match (&environment.connect_program, plan.hears_greeting_first) {
        (Some(_), _) => Opening::OfProgram,
        (None, true) => Opening::BehindGreeting,
        (None, false) => Opening::Ahead,
    };
    let Some(opened) = open(stream, plan.protocol, opening, dialogue, &login, observer)? else {
        return Ok(None);
    };
    let mut options = plan.options.clone();
    if options.recursive && options.whole_lists.is_none() {
        options.whole_lists = Some(is_whole_better(&plan.place, opened.round_trip));
    }
    let outcome = match &plan.place {
        Place::Modules => return Ok(None),
        Place::Files {
            paths, destination, ..
        } => pull(
            opened,
            paths,
            destination.as_deref(),
            &options,
            identity(plan, environment),
            observer,
        )?,
        Place::Push { target, sources, .. } => push(opened, sources, target, &options, observer)?,
    };
    Ok(Some(outcome))
}

/// Who this process is, or is to act as.
fn identity(plan: &Plan, environment: &Environment<'_>) -> Identity {
    let identity = environment.identity.clone();
    Identity {
        is_root: plan.options.receiving.super_user.unwrap_or(identity.is_root),
        ..identity
    }
}

/// Says how the session ended; the status to end with.
pub fn conclude(printer: &Printer<'_>, ended: &Result<Option<Outcome>, Error>) -> u8 {
    let code = match ended {
        Ok(outcome) => outcome.map_or(0, |outcome| outcome.exit),
        // It said why.
        Err(Error::PeerExit(said @ 1..)) => return u8::try_from(*said).unwrap_or(u8::MAX),
        // The last line says it all.
        Err(error @ Error::Connect(ConnectError::TimedOut)) => error.exit(),
        Err(error @ Error::Connect(reason)) => {
            printer.complain(&unconnected(reason, printer.role()));
            error.exit()
        }
        Err(error @ Error::Timeout) => {
            let role = printer.role();
            let seconds = printer.state().timeout;
            printer.complain(&format!("[{role}] io timeout after {seconds} seconds -- exiting"));
            error.exit()
        }
        Err(error @ (Error::Dialogue { .. } | Error::Socket { .. } | Error::Receiving { .. })) => {
            let role = printer.role();
            printer.complain(&format!("rsync: [{role}] {error}"));
            error.exit()
        }
        Err(error @ Error::Violation(violation)) => {
            printer.complain(&printer.violation(violation));
            error.exit()
        }
        Err(error) => {
            let text = error.to_string();
            let prefix = if is_whole(error, &text) { "" } else { "rsync: " };
            printer.complain(&format!("{prefix}{text}"));
            error.exit()
        }
    };
    if code != 0 {
        printer.complain(&last_line(code, printer.role()));
    }
    code
}

/// What rsync prints of a connection that was not made: a line for each address.
pub fn unconnected(reason: &ConnectError, role: &str) -> String {
    let prefix = match reason {
        ConnectError::Resolve { .. } | ConnectError::Own { .. } => "rsync: ".to_owned(),
        ConnectError::ProxyForm(_) => String::new(),
        _ => format!("rsync: [{role}] "),
    };
    let lines = reason.to_string();
    let lines: Vec<_> = lines.lines().map(|line| format!("{prefix}{line}")).collect();
    lines.join("\n")
}

/// Whether rsync puts nothing in front of that text.
fn is_whole(error: &Error, text: &str) -> bool {
    let starts = [
        "@",
        "ERROR",
        "refusing ",
        "rsync:",
        "Failed to ",
        "The ",
        "No colon",
        "No name",
        "Invalid checksum-choice",
        "Invalid number",
        "Invalid ID number",
        "found \"..\"",
        "--",
        "stopping ",
    ];
    matches!(error, Error::Filter(_)) || starts.iter().any(|start| text.starts_with(start))
}

/// How rsync's complaints end.
pub fn last_line(code: u8, role: &str) -> String {
    let text = Exit::of_code(code).map_or("unexplained error", Exit::text);
    let version = env!("CARGO_PKG_VERSION");
    let kind = match code == Exit::Vanished.code() {
        true => "warning",
        false => "error",
    };
    format!("rsync {kind}: {text} (code {code}) [{role}=rsyncctl {version}]")
}
