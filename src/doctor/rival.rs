//! The configuration that nobody needs to name, where daemons run with others: whether a daemon of its own could not get the port.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    doctor::{
        Cause, Check, Fact, Report, Setup, Stage,
        absent::DEFAULT,
        daemon::{is_same, port_of, written},
        starter,
    },
    host::Listener,
    model::{Parameter, Scope},
};

/// As much of the end of a log is read, in bytes.
const MOST: u64 = 16 << 10;
/// So many of its last lines are those of one start: what it says of each address, and of the end.
const LINES: usize = 6;
/// What a daemon logs that does not get its port (`open_socket_in` and `start_accept_loop` in socket.c).
const TAKEN: &str = "unable to bind any inbound sockets on port";

/// Tells that somebody else has the port, if the log of that configuration ends with a start that failed for it.
pub(super) fn look(setup: &Setup<'_>, served: &[PathBuf], stage: &mut Stage, report: &mut Report) {
    let host = setup.host;
    let unit = starter::service(host);
    let usual = unit.and_then(|unit| unit.configuration(host));
    let usual = usual.unwrap_or_else(|| PathBuf::from(DEFAULT));
    if setup.file.is_some() || served.iter().any(|file| is_same(file, &usual)) {
        return;
    }
    let Some(configuration) = written(host, &usual) else {
        return;
    };
    let port = port_of(&configuration);
    let log = configuration.text(Scope::Global, Parameter::LogFile).value;
    let log = Path::new(OsStr::from_bytes(log));
    let Ok(Some(tail)) = host.tail(log, MOST) else {
        return;
    };
    let text = String::from_utf8_lossy(&tail.bytes).into_owned();
    let mut last = text.lines().rev().take(LINES);
    let Some(line) = last.find(|line| line.contains(&format!("{TAKEN} {port}"))) else {
        return;
    };
    let (program, process, shown) = match Listener::on(port) {
        Listener::Other { process, program } => (program.clone(), process, program),
        Listener::Daemon {
            process,
            configuration,
        } => {
            let shown = format!("rsync with {}", configuration.display());
            ("rsync".to_owned(), process, shown)
        }
        _ => return,
    };
    stage.note(Fact::Held(program, process, port));
    stage.fail();
    let facts = vec![
        format!(
            "{shown} (process {process}) listens on port {port}, and nobody serves {}",
            usual.display()
        ),
        format!("{}: {line}", log.display()),
    ];
    let arguments = vec![("port", port.to_string())];
    report
        .causes
        .push(Cause::of_rule("RSY890", Check::Daemon, &usual, arguments, facts));
}
