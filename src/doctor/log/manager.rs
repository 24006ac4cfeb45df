//! What xinetd and systemd say of a service that they have shut, and what the log of a daemon shows of its starts.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use jiff::civil::DateTime;

use super::{MOST, session, syslog};
use crate::{
    doctor::{Setup, daemon::option, reach::starters::XINETD},
    host::{Descendant, Host},
    model::{Configuration, Parameter, Scope},
};

/// What the lines of systemd itself are tagged with.
const SYSTEMD: &str = "systemd";

/// The line by which xinetd says that it has shut a service, if it has not opened it again, and where that stands.
pub(in crate::doctor) fn shut_by(setup: &Setup<'_>, xinetd: &Descendant, service: &str) -> Option<String> {
    let (place, bytes) = log_of(setup, xinetd)?;
    let text = String::from_utf8_lossy(&bytes);
    let line = last_shut(&text, xinetd.process, service)?;
    Some(format!("{place}: {line}"))
}

/// Whether xinetd has read its files again since it was started, as far as its log tells (`hard_reconfig` in xinetd).
pub(in crate::doctor) fn was_reloaded(setup: &Setup<'_>, xinetd: &Descendant) -> bool {
    let bytes = log_of(setup, xinetd).map_or_else(Vec::new, |(_, bytes)| bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let of_process = format!("[{}]", xinetd.process);
    text.lines()
        .any(|line| line.contains(&of_process) && line.contains("Reconfigured: new="))
}

/// What xinetd writes of itself, and where: without a file of its own the system's log (`xlog` in xinetd; `log_type` is for what
/// services log).
fn log_of(setup: &Setup<'_>, xinetd: &Descendant) -> Option<(String, Vec<u8>)> {
    if let Some(file) = option(&xinetd.words, "-filelog") {
        let tail = setup.host.tail(Path::new(&file), MOST).ok()??;
        return Some((file, tail.bytes));
    }
    let lines = syslog::read(XINETD, setup.host, &setup.now).ok()??;
    Some((lines.place, lines.bytes))
}

/// The same by the text of a log.
fn last_shut<'t>(log: &'t str, process: u32, service: &str) -> Option<&'t str> {
    let of_process = format!("[{process}]");
    let shut = format!("Deactivating service {service} due to excessive incoming connections");
    let opened = format!("Activating service {service}");
    let own = log.lines().filter(|line| line.contains(&of_process));
    own.fold(None, |last, line| match line {
        _ if line.contains(&shut) => Some(line),
        _ if line.trim_end().ends_with(&opened) => None,
        _ => last,
    })
}

/// The line by which systemd says that it listens no more for a socket unit, if it has not begun again, and where that
/// stands.
pub(in crate::doctor) fn refused_by(setup: &Setup<'_>, socket: &str, description: &str) -> Option<String> {
    let lines = syslog::read(SYSTEMD, setup.host, &setup.now).ok()??;
    let text = String::from_utf8_lossy(&lines.bytes);
    let line = last_refused(&text, socket, description)?;
    Some(format!("{}: {line}", lines.place))
}

/// The same by the text of a log. The socket stays shut until somebody starts it (`TriggerLimitBurst=` in systemd.socket(5)).
fn last_refused<'t>(log: &'t str, socket: &str, description: &str) -> Option<&'t str> {
    let refused = format!("{socket}: Trigger limit hit, refusing further activation");
    // Older ones say no more than what is described.
    let opened = |line: &str| match line.split_once("Listening on ") {
        Some((_, what)) => what.starts_with(socket) || what.trim_end_matches('.') == description,
        None => false,
    };
    log.lines().fold(None, |last, line| match line {
        _ if line.contains(&refused) => Some(line),
        _ if opened(line) => None,
        _ => last,
    })
}

/// The log file of a configuration, if clients have come since then, and no daemon has ever listened by itself that writes
/// there.
pub(in crate::doctor) fn served_since(
    host: &dyn Host,
    configuration: &Configuration,
    since: DateTime,
) -> Option<PathBuf> {
    let named = configuration.text(Scope::Global, Parameter::LogFile).value;
    let log = Path::new(OsStr::from_bytes(named));
    let tail = host.tail(log, MOST).ok()??;
    has_served(&String::from_utf8_lossy(&tail.bytes), since).then(|| log.to_owned())
}

/// The same by the text of a log. A daemon that listens says so first (`start_daemon` in clientserver.c).
fn has_served(log: &str, since: DateTime) -> bool {
    let begins = |line: &str, start: &str| session::said(line).1.starts_with(start);
    let is_young = |line: &str| session::time(line.as_bytes()).is_some_and(|time| time >= since);
    let mut lines = log.lines();
    lines.clone().all(|line| !begins(line, "rsyncd version "))
        && lines.any(|line| is_young(line) && begins(line, "connect from "))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{has_served, last_refused, last_shut};

    #[test]
    fn a_service_is_shut_until_it_is_opened() {
        let shut = "2026/11/22 17:15:58 [24] Deactivating service rsync due to excessive incoming connections.  Restarting in 4 \
                    seconds.";
        let of_file = "26/11/22@17:16:14 xinetd[24]: ERROR: Deactivating service rsync due to excessive incoming \
                       connections.  Restarting in 4 seconds.";
        let opened = "2026/11/22 17:16:02 [24] Activating service rsync";
        let told = |lines: &[&str]| last_shut(&lines.join("\n"), 24, "rsync").is_some();
        assert!(told(&[shut]) && told(&[of_file]) && told(&[shut, opened, shut]));
        assert!(told(&[
            shut,
            "2026/11/22 17:16:02 [24] Activating service rsync-inner"
        ]));
        assert!(!told(&[shut, opened]) && !told(&[]) && !told(&["2026/11/22 17:16:02 [24] x"]));
        assert!(last_shut(shut, 25, "rsync").is_none() && last_shut(shut, 24, "other").is_none());
    }

    #[test]
    fn a_socket_is_shut_until_it_is_started() {
        let shut = "2026/11/22 17:15:58 [1] rsync.socket: Trigger limit hit, refusing further activation.";
        let failed = "2026/11/22 17:15:58 [1] rsync.socket: Failed with result 'trigger-limit-hit'.";
        let told = |lines: &[&str]| last_refused(&lines.join("\n"), "rsync.socket", "Copies").is_some();
        assert!(told(&[shut, failed]) && told(&[shut, "2026/11/22 17:16:02 [1] Listening on D-Bus."]));
        assert!(!told(&[failed]) && !told(&[]));
        for opened in ["Listening on rsync.socket - Copies.", "Listening on Copies."] {
            let opened = format!("2026/11/22 17:16:02 [1] {opened}");
            assert!(!told(&[shut, &opened]) && told(&[shut, &opened, shut]));
        }
    }

    #[test]
    fn clients_of_a_daemon_that_listens_itself_are_not_of_xinetd() {
        let since = date(2026, 11, 22).at(17, 0, 0, 0);
        let came = "2026/11/22 17:15:58 [27] connect from localhost (127.0.0.1)";
        assert!(has_served(came, since));
        assert!(!has_served(
            "2026/11/22 16:15:58 [27] connect from localhost (127.0.0.1)",
            since
        ));
        let listened =
            format!("2026/11/21 07:43:24 [9] rsyncd version 3.5.0 starting, listening on port 873\n{came}");
        assert!(!has_served(&listened, since) && !has_served("", since));
    }
}
