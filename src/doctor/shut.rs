//! xinetd or systemd is to serve rsync, and does not listen: both shut a service that gets too many connections.

use std::path::{Path, PathBuf};

use crate::{
    catalog::Confidence,
    doctor::{
        Cause, Check, Report, Setup,
        absent::has_systemd,
        daemon::{PORT, SLACK, at, written},
        log,
        reach::starters::{self, Switched},
        starter::SOCKETS,
    },
    host::{Descendant, changed, process_of},
    lint::{Installed, started},
};

/// Tells that xinetd or systemd has shut its service of rsync.
pub(super) fn look(setup: &Setup<'_>, port: u16, report: &mut Report) {
    by_xinetd(setup, port, report);
    by_systemd(setup, report);
}

/// Tells of a socket unit that systemd says it has shut.
fn by_systemd(setup: &Setup<'_>, report: &mut Report) {
    for socket in SOCKETS.iter().filter_map(|name| Installed::of(setup.host, name)) {
        let name = &socket.unit.name;
        let description = socket.unit.last("Unit", "Description");
        let description = description.map(|value| value.display()).unwrap_or_default();
        if let Some(line) = log::refused_by(setup, name, &description) {
            let cause = Cause::of_rule("RSY899", Check::Daemon, &socket.place, Vec::new(), vec![line]);
            let start = format!("systemctl restart {name}");
            report.causes.push(cause.typing(vec![start]));
        }
    }
}

/// Tells that xinetd has shut its service of rsync, if it says so, or has served and listens no more though nobody has
/// changed anything (seen with xinetd 2.3.15.3).
fn by_xinetd(setup: &Setup<'_>, port: u16, report: &mut Report) {
    let Some(xinetd) = process_of(starters::XINETD) else {
        return;
    };
    let started =
        [port, PORT]
            .into_iter()
            .find_map(|port| match &started(setup.host, starters::XINETD, port)[..] {
                [one] => Some((port, one.clone())),
                _ => None,
            });
    let Some((port, service)) = started else {
        return;
    };
    let Switched { name, limit } = starters::switched(setup.host, &service.place);
    let (confidence, fact) = match log::shut_by(setup, &xinetd, &name) {
        Some(line) => (Confidence::Certain, line),
        None => match has_served(setup, &xinetd, &service.place, &service.configuration) {
            Some(log) => (
                Confidence::Likely,
                format!(
                    "{}: clients have come since xinetd started, and its files have not changed",
                    log.display()
                ),
            ),
            None => return,
        },
    };
    let runs = format!(
        "xinetd (process {}) is to serve rsync by {}, and nobody listens on port {port}",
        xinetd.process,
        service.place.display()
    );
    let facts = [Some(runs), Some(fact), limit].into_iter().flatten();
    let restart = match has_systemd(setup.host) {
        true => "systemctl restart xinetd",
        false => "/etc/init.d/xinetd restart",
    };
    let cause = Cause::of_rule(
        "RSY899",
        Check::Daemon,
        &service.place,
        Vec::new(),
        facts.collect(),
    );
    report.causes.push(Cause {
        confidence,
        ..cause.typing(vec![restart.to_owned()])
    });
}

/// The log of a configuration that shows clients since xinetd started, if xinetd's files are older than that.
fn has_served(setup: &Setup<'_>, xinetd: &Descendant, place: &Path, served: &Path) -> Option<PathBuf> {
    let started = xinetd.started?;
    let is_older = |file: &Path| matches!(changed(file), Ok(Some(second)) if second <= started + SLACK);
    if !is_older(place) || !is_older(Path::new(starters::MAIN)) {
        return None;
    }
    let configuration = written(setup.host, served)?;
    let since = at(setup, started - SLACK)?.datetime();
    log::served_since(setup.host, &configuration, since)
}
