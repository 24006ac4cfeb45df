//! What the system forbids the daemon, whatever modes and owners say: its unit, its own mounts, its capabilities, SELinux,
//! AppArmor.

mod apparmor;
mod denials;
mod groups;
mod limits;
mod profile;
mod rights;
mod selinux;
#[cfg(test)]
mod tests;
mod unit;
mod users;
mod views;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    catalog::Severity,
    doctor::{
        Cause, Check, Fact, Report, Setup, Skip, Stage, Subject, Urgency,
        absent::DEFAULT,
        changed::restart,
        daemon::skip_without_configuration,
        paths::{Daemon, DaemonFile, Served, files, served},
    },
    host::{Host, Status, Unknown},
    terms::Release,
};
use denials::Denials;

/// Something that confines the daemon, or does not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Confined {
    /// Nothing does that was looked at.
    Free,
    /// It belongs to that unit of systemd, of which so many files were read.
    Unit(String, usize),
    /// It is in a container.
    Container,
    /// It has mounts of its own.
    OwnMounts,
    /// For the daemon a module's folder is not what it is for others.
    Differs(String, PathBuf, Difference),
    /// So many processes or open files are allowed it, which is too few.
    Limited(u64),
    /// Its control group has a limit that is reached, or was; so many of them.
    Group(PathBuf, u64),
    /// Its user namespace does not have that user, or its group.
    WithoutUser(String),
    /// It lacks these capabilities.
    Lacks(Vec<&'static str>),
    /// No program that it starts gets more rights.
    NoNewPrivileges,
    /// Its system calls are filtered.
    Filtered,
    /// SELinux: the daemon's domain, and whether it is enforced.
    Domain(String, bool),
    /// SELinux runs, and has no rules for the daemon's domain.
    Unconfined(String),
    /// A module's folder has a label that the daemon's domain may not use.
    Label(String, PathBuf, String),
    /// AppArmor: the daemon's profile, and whether it is enforced.
    Profile(String, bool),
    /// So many accesses were denied in the last day, by that log.
    Denied(usize, PathBuf),
}

impl Confined {
    /// The name that programs read.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Unit(..) => "unit",
            Self::Container => "container",
            Self::OwnMounts => "own-mounts",
            Self::Differs(_, _, difference) => difference.variant(),
            Self::Limited(_) => "limits",
            Self::Group(..) => "control-group",
            Self::WithoutUser(_) => "user-namespace",
            Self::Lacks(_) => "capabilities",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::Filtered => "system-calls",
            Self::Domain(..) => "selinux",
            Self::Unconfined(_) => "selinux-unconfined",
            Self::Label(..) => "label",
            Self::Profile(..) => "apparmor",
            Self::Denied(..) => "denied",
        }
    }
}

/// How a folder is for the daemon, and for others not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Difference {
    /// It is not there.
    Missing,
    /// It is empty.
    Empty,
    /// It holds something else.
    Other,
    /// It is read-only.
    ReadOnly,
}

impl Difference {
    /// The kind of case on the page.
    const fn variant(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::Other => "other",
            Self::ReadOnly => "read-only",
        }
    }
}

/// What every part looks at.
struct Subjects<'c> {
    /// The machine.
    host: &'c dyn Host,
    /// The machine as the daemon sees it.
    view: &'c dyn Host,
    /// Whether that is a container's.
    is_contained: bool,
    /// The daemon's process.
    process: u32,
    /// Its unit.
    unit: Option<&'c str>,
    /// What starts it anew.
    restart: String,
    /// Its configuration.
    file: &'c Path,
    /// The modules whose folders and users are known.
    modules: &'c [Served],
    /// The files that the daemon itself reads and writes.
    files: &'c [DaemonFile],
    /// The seconds since 1970.
    now: i64,
}

/// What was found.
#[derive(Default)]
struct Found {
    facts: Vec<Confined>,
    causes: Vec<Cause>,
    unseen: Vec<(String, Unknown)>,
    /// Rules of modules that something else explains.
    explained: Vec<(&'static str, String)>,
}

pub(super) fn look(subject: &mut Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(known) = skip_without_configuration(subject, stage).cloned() else {
        return;
    };
    let (Some(server), Some(daemon)) = (&known.server, &subject.daemon) else {
        without_process(subject, setup, stage, report);
        return;
    };
    let rights = Daemon::of(subject, setup).ok();
    let modules: Vec<Served> = match &rights {
        Some(rights) => served(server, subject, setup, rights)
            .into_iter()
            .flatten()
            .collect(),
        None => Vec::new(),
    };
    let files = files(server, Some(daemon));
    let subjects = Subjects {
        host: setup.host,
        view: subject.host(setup),
        is_contained: daemon.is_contained,
        process: daemon.process,
        unit: daemon.unit.as_deref(),
        restart: restart(daemon),
        file: &subject.file,
        modules: &modules,
        files: &files,
        now: setup.now.timestamp().as_second(),
    };
    let mut found = Found::default();
    let views = views::look(&subjects, &mut found);
    let release = setup.release.unwrap_or(Release::CURRENT);
    unit::look(&subjects, release, setup.now.date(), &views, &mut found);
    rights::look(&subjects, &mut found);
    users::look(&subjects, &mut found);
    limits::look(&subjects, &mut found);
    groups::look(&subjects, &mut found);
    if selinux::runs(&subjects) || apparmor::confines(&subjects) {
        let denials = Denials::read(&subjects);
        selinux::look(&subjects, &denials, &mut found);
        apparmor::look(&subjects, &denials, &mut found);
    }
    let predicted: Vec<_> = found
        .causes
        .iter()
        .filter_map(|cause| cause.predicted(report.release))
        .collect();
    let explained = std::mem::take(&mut found.explained);
    found.tell(stage, report);
    drop(known);
    if let Some(known) = subject.known.as_mut().and_then(Arc::get_mut) {
        known.findings.retain(|finding| {
            let is_explained =
                |(rule, module): &(&str, String)| finding.rule == *rule && finding.modules.contains(module);
            !explained.iter().any(is_explained)
        });
        known.findings.extend(predicted);
    }
    report.causes.retain(|cause| {
        let is_explained = |(rule, module): &(&str, String)| {
            cause.page.id == *rule && cause.argument("module") == Some(module)
        };
        !explained.iter().any(is_explained)
    });
}

/// No process can be looked at; whoever starts one for each connection, or did not start any, may have a unit.
fn without_process(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let mut found = Found::default();
    if subject.file == Path::new(DEFAULT) {
        let release = setup.release.unwrap_or(Release::CURRENT);
        unit::look_alone(setup.host, &subject.file, release, setup.now.date(), &mut found);
    }
    match found.facts.is_empty() {
        true => stage.skip(Skip::NoDaemon),
        false => found.tell(stage, report),
    }
}

impl Found {
    fn tell(mut self, stage: &mut Stage, report: &mut Report) {
        for (subject, reason) in self.unseen {
            stage.note(Fact::Unseen(subject.clone(), reason.clone()));
            stage.warn();
            report.not_seen(subject, reason);
        }
        if self.facts.is_empty() && stage.facts.is_empty() {
            self.facts.push(Confined::Free);
        }
        for fact in self.facts {
            stage.note(Fact::Confined(fact));
        }
        for cause in &self.causes {
            if cause.urgency == Urgency::Now && cause.severity == Severity::Error {
                stage.fail();
            } else {
                stage.warn();
            }
        }
        report.causes.extend(self.causes);
    }
}

impl Subjects<'_> {
    /// The file of the daemon's own that a path, or a name alone, means.
    fn file_of(&self, path: &str) -> Option<&DaemonFile> {
        let path = Path::new(path);
        let is_meant = |file: &&DaemonFile| match path.is_absolute() {
            true => file.path == path,
            false => file.path.file_name() == path.file_name(),
        };
        self.files.iter().find(is_meant)
    }

    /// A cause that a page tells of a module.
    fn cause(
        &self,
        rule: &str,
        module: &Served,
        arguments: Vec<(&'static str, String)>,
        facts: Vec<String>,
    ) -> Cause {
        self.cause_at(rule, module.described(arguments), facts)
    }

    fn cause_at(&self, rule: &str, arguments: Vec<(&'static str, String)>, facts: Vec<String>) -> Cause {
        Cause::of_rule(rule, Check::Confinement, self.file, arguments, facts)
    }

    /// The rights of the daemon.
    fn status(&self) -> Result<Status, Unknown> {
        Status::of(self.host, self.process)
    }

    /// A text of `/proc/PID`, without the zero byte that ends some.
    fn text(&self, name: &str) -> Option<String> {
        let path = PathBuf::from(format!("/proc/{}/{name}", self.process));
        let bytes = self.host.read(&path).ok()??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let text = text.trim_matches(['\0', '\n', ' ']);
        (!text.is_empty()).then(|| text.to_owned())
    }
}
