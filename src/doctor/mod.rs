//! On the failing server: which daemon runs, what is wrong with its configuration and its machine, what it logged, and what a
//! client of loopback meets; then the causes, most urgent first. Nothing is changed here.

mod above;
mod absent;
pub mod bundle;
mod changed;
mod client;
mod configuration;
mod confinement;
mod consequences;
mod daemon;
mod elsewhere;
mod foreign;
mod greeting;
mod heard;
mod hooks;
mod known;
mod linked;
mod log;
mod loopback;
mod lost;
mod paths;
mod reach;
mod relative;
mod report;
mod rival;
mod services;
mod shut;
mod stage;
mod starter;
mod sticky;
mod summary;
mod symptom;
mod unincluded;
mod unread;
mod unreloaded;
mod within;

use std::{
    any::Any,
    io,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use tokio::runtime::Runtime;

use crate::{
    diagnosis::Unchecked,
    explain::Known,
    host::{Daemon, Host, Unknown, View, trial::Identity},
    lint::{self, Options},
    probe::Setting,
    rsync::net::Connections,
    terms::Release,
};

pub use changed::restart_for;
pub use client::{
    ClientFact, ClientSetup, Limit, Room, Script, TYPED, UNKNOWN_PASSWORD, Watcher, run as run_client, uid_of,
};
pub use confinement::{Confined, Difference};
pub use known::known_of;
pub use loopback::{AT_ONCE, DEPTH};
pub use paths::{Hindrance, PathFact, Refusal, Tried};
pub use reach::{Admission, Decider, Family, Manager, ReachFact, Verdict};
pub use report::{Cause, Log, Report, Told, Urgency};
pub use stage::{Check, Fact, Outcome, Skip, Stage, State, Untried, Way};
pub use unread::unread;
pub use within::Within;

/// The name under which the doctor asks for modules that want one; its own lines in the daemon's log are known by it.
pub const LOGIN: &str = "rsyncctl-doctor";

/// Reads a configuration and judges it with a machine: what it says against itself, and the findings.
pub type Judge = fn(&Path, Vec<u8>, &dyn Host, &Options) -> (Known, lint::Report);

/// What an examination needs.
pub struct Setup<'s> {
    /// The configuration file that the user means, from the root on; else that of the daemons that run.
    pub file: Option<PathBuf>,
    /// The modules that are tried; all if none is named.
    pub modules: Vec<String>,
    /// The address of a client: what it meets is told.
    pub from: Option<IpAddr>,
    /// What a client was seen to say.
    pub symptom: Option<String>,
    /// The machine.
    pub host: &'s dyn Host,
    /// Who judges configurations.
    pub judge: Judge,
    /// The release of the rsync that is installed, if there is one.
    pub release: Option<Release>,
    /// The time.
    pub now: jiff::Zoned,
    /// How modules are probed, with what is known of the server, and from which address of this machine if that matters.
    pub setting: &'s (dyn Fn(Arc<Known>, Option<IpAddr>) -> Arc<Setting> + Sync),
    /// Their connections; nothing more is looked at once they are ended.
    pub connections: Arc<Connections>,
    /// What probes run on.
    pub runtime: &'s Runtime,
    /// Our own program, which tries as other users what they may do.
    pub own: PathBuf,
}

/// A daemon that is examined, or the configuration of one that does not run.
struct Subject {
    /// Its configuration file.
    file: PathBuf,
    /// The daemon, if one runs by itself.
    daemon: Option<Daemon>,
    /// As whom it is started, if it does not run and that is known.
    starter: Option<Identity>,
    /// The port that clients find it at; none if nothing listens.
    port: Option<u16>,
    /// Whether that is because its port cannot be seen.
    is_port_unseen: bool,
    /// What the file says, once it was read.
    known: Option<Arc<Known>>,
    /// The machine as the daemon sees it, if it has mounts of its own.
    view: Option<View>,
}

impl Subject {
    /// Why nothing can be said of its port.
    fn without_port(&self) -> Skip {
        match self.is_port_unseen {
            true => Skip::PortUnseen,
            false => Skip::NobodyListens,
        }
    }

    /// The machine, as the daemon sees it.
    fn host<'s>(&'s self, setup: &Setup<'s>) -> &'s dyn Host {
        match &self.view {
            Some(view) => view,
            None => setup.host,
        }
    }

    /// Our own path of a path that the daemon sees.
    fn outside(&self, path: &Path) -> PathBuf {
        match &self.view {
            Some(view) => view.outside(path),
            None => path.to_owned(),
        }
    }
}

/// Goes through the stages, and tells each once it is done.
///
/// # Errors
/// What `tell` gives; that the user wants no more.
pub fn run(setup: &Setup<'_>, tell: &mut dyn FnMut(&Stage) -> io::Result<()>) -> io::Result<Report> {
    let start = Instant::now();
    let mut examination = Examination {
        report: Report::new(setup.release.unwrap_or(Release::CURRENT)),
        connections: &setup.connections,
        tell,
    };
    let mut subjects = Vec::new();
    examination.stage(Check::Daemon, None, |stage, report| {
        subjects = daemon::look(setup, stage, report);
    })?;
    for subject in &mut subjects {
        let file = subject.file.clone();
        let file = Some(file.as_path());
        let first = examination.report.causes.len();
        examination.stage(Check::Changed, file, |stage, report| {
            changed::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Configuration, file, |stage, report| {
            configuration::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Paths, file, |stage, report| {
            paths::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Confinement, file, |stage, report| {
            confinement::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Reach, file, |stage, report| {
            reach::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Log, file, |stage, report| {
            log::look(subject, setup, stage, report);
        })?;
        examination.stage(Check::Loopback, file, |stage, report| {
            loopback::look(subject, setup, stage, report);
            log::again(subject, setup, first, report);
        })?;
        // A stage may take causes of other daemons back.
        let first = first.min(examination.report.causes.len());
        if let Some(server) = subject.known.as_ref().and_then(|known| known.server.as_ref()) {
            let host = subject.host(setup);
            linked::note(
                server,
                host,
                &subject.file,
                &mut examination.report.causes[first..],
            );
            above::note(
                server,
                host,
                &subject.file,
                &mut examination.report.causes[first..],
            );
            sticky::note(
                server,
                host,
                &subject.file,
                &mut examination.report.causes[first..],
            );
        }
        within::note(subject, &mut examination.report.causes[first..]);
        foreign::note(subject, setup.host, &mut examination.report.causes[first..]);
    }
    for subject in &subjects {
        foreign::note_daemon(subject, setup.host, &mut examination.report.causes);
    }
    if let Some(text) = &setup.symptom {
        let known = subjects.iter().find_map(|subject| subject.known.clone());
        examination.stage(Check::Symptom, None, |stage, report| {
            symptom::look(text, known.as_deref(), stage, report);
        })?;
        for subject in &subjects {
            if let Some(server) = subject.known.as_ref().and_then(|known| known.server.as_ref()) {
                let host = subject.host(setup);
                linked::note(server, host, &subject.file, &mut examination.report.causes);
            }
        }
    }
    let mut report = examination.report;
    report.causes = summary::ordered(report.causes, &setup.modules);
    for subject in subjects {
        if let Some(known) = subject.known {
            report.servers.push(known);
            report.views.push(subject.view);
        }
    }
    report.time = start.elapsed();
    Ok(report)
}

struct Examination<'e> {
    report: Report,
    connections: &'e Connections,
    tell: &'e mut dyn FnMut(&Stage) -> io::Result<()>,
}

impl Examination<'_> {
    /// Does one stage; whatever breaks in it breaks nothing else.
    fn stage(
        &mut self,
        check: Check,
        file: Option<&Path>,
        look: impl FnOnce(&mut Stage, &mut Report),
    ) -> io::Result<()> {
        let start = Instant::now();
        let mut stage = Stage::new(check, file);
        let report = &mut self.report;
        let ended = catch_unwind(AssertUnwindSafe(|| look(&mut stage, report)));
        if let Err(panic) = ended {
            stage.crash(message(&*panic));
            self.report.unseen.insert(Unchecked {
                rule: None,
                subject: check.key().to_owned(),
                reason: Unknown::Failed("this check crashed".to_owned()),
            });
        }
        if self.connections.are_ended() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        stage.time = start.elapsed();
        (self.tell)(&stage)?;
        self.report.stages.push(stage);
        Ok(())
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Check, Examination, Report, State};
    use crate::{rsync::net::Connections, terms::Release};

    #[test]
    fn a_check_that_crashes_stops_no_other() {
        let mut told = Vec::new();
        let mut examination = Examination {
            report: Report::new(Release::CURRENT),
            connections: &Connections::default(),
            tell: &mut |stage| {
                told.push((stage.check, stage.state));
                Ok(())
            },
        };
        examination
            .stage(Check::Log, None, |_, _| panic!("out of {}", "order"))
            .expect("it is told");
        examination
            .stage(Check::Loopback, None, |stage, _| stage.state = State::Passed)
            .expect("it is told");
        assert_eq!(examination.report.unseen.len(), 1);
        assert_eq!(
            told,
            [(Check::Log, State::Crashed), (Check::Loopback, State::Passed)]
        );
    }
}
