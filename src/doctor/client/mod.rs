//! On the client: what is wrong with a command line, with the password file that it names, on the way to the daemon, at the
//! destination, and with the programs that watch folders there. Nothing is transferred, and nothing is changed.

mod address;
mod asked;
mod corrected;
mod destination;
mod facts;
mod home;
mod leftover;
mod line;
mod login;
mod lsyncd;
mod modes;
mod nothing;
mod otherwise;
mod password;
mod runner;
mod sersync;
mod server;
mod shell;
mod watchers;

use std::{
    cell::RefCell,
    io,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

use tokio::runtime::Runtime;

use crate::{
    catalog::{FileKind, Severity},
    diagnosis::Finding,
    doctor::{self, Cause, Check, Examination, Fact, Report, Setup, Skip, Stage, Urgency, linked, summary},
    host::Host,
    lint::{Input, Options, lint},
    model::script::Runner,
    probe::{self, Setting, State, Step},
    syntax::Invocation,
    terms::{Release, Sources, Target},
};

pub use facts::{ClientFact, Limit, Room, Watcher};
pub use line::TYPED;
pub use runner::uid_of;
pub use server::UNKNOWN_PASSWORD;

/// What the examination of a client needs.
pub struct ClientSetup<'s> {
    /// The command line as reports show it.
    pub line: String,
    /// The words behind `rsync`.
    pub words: Vec<String>,
    /// Why the words are not known, and none are there: only what stands around the line is looked at then.
    pub unread: Option<String>,
    /// Whether a password is set for it that only a run can tell.
    pub has_unknown_password: bool,
    /// Where it stands, if it was not typed.
    pub script: Option<Script>,
    /// What starts that script, if its line was named in place of the command's own.
    pub starter: Option<Script>,
    /// The folder that relative paths count from.
    pub folder: PathBuf,
    /// Who runs it.
    pub runner: Runner,
    /// This machine.
    pub host: &'s dyn Host,
    /// The release of the rsync that is installed, if there is one.
    pub release: Option<Release>,
    /// How the server is examined, if it is this machine.
    pub here: Option<Setup<'s>>,
    /// The time.
    pub now: jiff::Zoned,
    /// How the command line is carried out.
    pub setting: Arc<Setting>,
    /// How another machine is asked whether a daemon answers there: without a login.
    pub bare: Arc<Setting>,
    /// What that runs on.
    pub runtime: &'s Runtime,
}

/// Where a command line stands.
pub struct Script {
    /// The script, or the table of cron's.
    pub file: PathBuf,
    /// Its line; the first one is 1.
    pub line: usize,
}

/// A file that is linted.
struct Linted<'l> {
    /// As reports call it.
    name: &'l str,
    /// Where it is, if it is one.
    path: Option<&'l Path>,
    bytes: Vec<u8>,
    kind: FileKind,
    /// The configuration of the daemon that it is for, if that is one of this machine.
    daemon: Option<PathBuf>,
}

/// A command line under examination.
struct Client<'c> {
    setup: &'c ClientSetup<'c>,
    invocation: Invocation,
    /// What the password looks like; told unless the server takes it as it is.
    looks: RefCell<Vec<Cause>>,
}

/// Pages of how the text of a password looks: a guess, until a server has taken it.
const LOOKS: [&str; 3] = ["RSY327", "RSY330", "RSY340"];

/// Goes through the stages, and tells each once it is done.
///
/// # Errors
/// What `tell` gives; that the user wants no more.
pub fn run(setup: &ClientSetup<'_>, tell: &mut dyn FnMut(&Stage) -> io::Result<()>) -> io::Result<Report> {
    let start = Instant::now();
    let mut examination = Examination {
        report: Report::new(setup.release.unwrap_or(Release::CURRENT)),
        connections: &setup.setting.connections,
        tell,
    };
    let client = Client {
        setup,
        invocation: Invocation::parse(&setup.words),
        looks: RefCell::default(),
    };
    examination.stage(Check::CommandLine, None, |stage, report| {
        line::look(&client, stage, report);
    })?;
    examination.stage(Check::PasswordFile, None, |stage, report| {
        if client.is_read(stage) {
            password::look(&client, stage, report);
        }
    })?;
    let mut room = None;
    examination.stage(Check::Destination, None, |stage, report| {
        if client.is_read(stage) {
            room = destination::look(&client, stage, report);
        }
    })?;
    examination.stage(Check::Watchers, None, |stage, report| {
        watchers::look(&client, stage, report);
    })?;
    let (mut is_well, mut is_empty) = (false, false);
    examination.stage(Check::Server, None, |stage, report| {
        if client.is_read(stage) {
            is_well = server::look(&client, room.as_ref(), stage, report);
            is_empty = is_well && nothing::has_come(stage);
            if let Some(cause) = is_empty.then(|| nothing::look(&client)).flatten() {
                report.causes.push(cause);
                stage.fail();
            } else if is_well {
                otherwise::look(&client, is_empty, stage, report);
            }
        }
    })?;
    let is_let_in = examination.report.stages.last().is_some_and(has_logged_in);
    if !is_let_in {
        examination.report.causes.append(&mut client.looks.take());
    }
    // Of a server of this machine all can be seen; a dry run that writes nothing there meets no right to write.
    let is_failed = has_failed(&examination.report);
    let is_written = is_well && client.invocation.is_push() == Some(true);
    if let Some(here) = setup
        .here
        .as_ref()
        .filter(|_| is_failed || is_written || is_empty)
    {
        let own = super::run(here, examination.tell)?;
        let least = match is_written && !is_failed {
            true => Urgency::Lately,
            false => Urgency::Now,
        };
        server::take_over(own, &here.modules, least, &mut examination.report);
        if let (Some(known), Some(file)) = (examination.report.servers.first().cloned(), &here.file)
            && let Some(server) = &known.server
        {
            linked::note(server, here.host, file, &mut examination.report.causes);
        }
    }
    modes::look(&client, &mut examination.report);
    examination.stage(Check::Leftover, None, |stage, report| {
        if client.is_read(stage) {
            leftover::look(&client, is_well, room.as_ref(), stage, report);
        }
    })?;
    let mut report = examination.report;
    let asked = setup.here.as_ref().map_or(&[][..], |here| &here.modules);
    report.causes = summary::ordered(report.causes, asked);
    report.time = start.elapsed();
    Ok(report)
}

/// Whether the dry run, the stage before, has failed.
fn has_failed(report: &Report) -> bool {
    let last = report.stages.last();
    last.is_some_and(|stage| stage.check == Check::Server && stage.state == doctor::State::Failed)
}

/// Whether the server has taken the password.
fn has_logged_in(stage: &Stage) -> bool {
    let is_login = |one: &probe::Stage| one.step == Step::Authentication && one.state == State::Passed;
    let mut facts = stage.facts.iter();
    facts.any(|fact| matches!(fact, Fact::Client(ClientFact::Probed(one)) if is_login(one)))
}

impl Client<'_> {
    /// Whether the words of the command line are known; a stage that needs them is skipped otherwise. Why, the first one has
    /// told, and that of the server tells again.
    fn is_read(&self, stage: &mut Stage) -> bool {
        let Some(reason) = &self.setup.unread else {
            return true;
        };
        if stage.check == Check::Server {
            stage.note(Fact::Client(ClientFact::NotCarriedOut(reason.clone())));
        }
        stage.skip(Skip::LineUnread);
        false
    }

    /// The path of a word on this machine.
    fn path(&self, word: &str) -> PathBuf {
        self.setup.folder.join(word)
    }

    /// Where files come to, if that is on this machine.
    fn destination(&self) -> Option<PathBuf> {
        match (self.invocation.targets.len(), self.invocation.targets.last()?) {
            (2.., Target::Local(path)) => Some(self.path(path)),
            _ => None,
        }
    }

    /// The sources on this machine, as they were typed.
    fn sources(&self) -> impl Iterator<Item = &str> {
        let all = &self.invocation.targets;
        let sources = &all[..all.len().saturating_sub(1)];
        sources.iter().filter_map(|target| match target {
            Target::Local(path) => Some(&**path),
            _ => None,
        })
    }

    /// Whether it is to write on the other machine.
    fn writes_there(&self) -> bool {
        self.invocation.is_push() == Some(true) && !self.has("dry-run") && !self.has("list-only")
    }

    fn has(&self, option: &str) -> bool {
        self.invocation.option(option).is_some()
    }

    /// Lints a file, and says what that means for the stage.
    fn judged(&self, file: &Path, bytes: Vec<u8>, kind: FileKind, stage: &mut Stage, report: &mut Report) {
        let name = file.display().to_string();
        let daemon = match kind {
            FileKind::Sersync => sersync::daemon_of(self.setup.host, &bytes),
            _ => None,
        };
        let linted = Linted {
            name: &name,
            path: Some(file),
            bytes,
            kind,
            daemon,
        };
        let found = self.linted(linted, stage.check, &|_, _| true, report);
        match found.into_iter().max() {
            Some(Severity::Error) => stage.fail(),
            Some(Severity::Warning) => stage.warn(),
            _ => {}
        }
    }

    /// The severities of what lint says of a file, with this machine's facts, as far as it matters; those findings are causes
    /// from warnings on.
    fn linted(
        &self,
        linted: Linted<'_>,
        check: Check,
        matters: &dyn Fn(&Finding, &Sources) -> bool,
        report: &mut Report,
    ) -> Vec<Severity> {
        let release = self.setup.release.unwrap_or(Release::CURRENT);
        let options = Options::of_release(release, self.setup.now.date());
        let input = |name: String, path: Option<&Path>, bytes: Vec<u8>, kind| Input {
            name,
            path: path.map(Path::to_owned),
            bytes: bytes.into(),
            kind,
            is_guess: false,
            host: self.setup.host,
        };
        let own = input(linted.name.to_owned(), linted.path, linted.bytes, linted.kind);
        let daemon = linted.daemon.as_deref().and_then(|file| {
            let bytes = self.setup.host.read(file).ok()??;
            let name = file.display().to_string();
            Some(input(name, Some(file), bytes, FileKind::RsyncdConf))
        });
        let found = Rc::new(lint([own].into_iter().chain(daemon).collect(), &options));
        let mut severities = Vec::new();
        for (index, finding) in found.findings.iter().enumerate() {
            // What is wrong with the daemon's file alone, its own examination tells.
            let source = found.sources.get(finding.labels[0].span.source);
            let is_of_daemon = linted.daemon.is_some() && source.name() != linted.name;
            if is_of_daemon || !matters(finding, &found.sources) {
                continue;
            }
            let mut cause = Cause::of_finding(&found, index);
            cause.seen = [check].into();
            if LOOKS.contains(&finding.page.id) && check != Check::Watchers {
                if finding.severity >= Severity::Warning {
                    self.looks.borrow_mut().push(cause);
                }
                continue;
            }
            severities.push(finding.severity);
            if finding.severity >= Severity::Warning {
                report.causes.push(cause);
            }
        }
        severities
    }

    /// A cause that is told by its page; it makes this command fail.
    fn cause(
        &self,
        rule: &str,
        check: Check,
        file: &Path,
        arguments: Vec<(&'static str, String)>,
        fact: String,
    ) -> Cause {
        Cause {
            urgency: Urgency::Now,
            ..Cause::of_rule(rule, check, file, arguments, vec![fact])
        }
    }
}
