//! The rsyncs that scripts, cron tables and units start as clients of a daemon.

use std::ops::Range;

use crate::{
    catalog::FileKind,
    lint::services::{ServiceUnit, Services},
    model::{
        Configuration,
        script::{Argument, Call, Script, UNKNOWN},
    },
    syntax::{Invocation, shell},
    terms::{Remote, SourceId, Sources, Span, Target},
};

/// What a check of clients looks at: all of them at once, for what one says of a host tells something about the others.
#[derive(Clone, Copy)]
pub struct ClientsSubject<'a> {
    /// The clients.
    pub clients: &'a [Client],
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The daemons' configurations that were given with them.
    pub daemons: &'a [Configuration],
    /// The secrets and password files of the run.
    pub credentials: &'a [(SourceId, FileKind)],
}

/// What a unit starts, read as a command line.
pub(super) struct UnitScript<'a> {
    pub(super) unit: &'a ServiceUnit<'a>,
    pub(super) source: SourceId,
    pub(super) script: Script,
}

/// The command lines of units. What a specifier of systemd or a variable decides is left out.
pub(super) fn unit_scripts<'a>(services: &'a Services<'a>, sources: &Sources) -> Vec<UnitScript<'a>> {
    let mut scripts = Vec::new();
    for unit in &services.units {
        for setting in unit.unit.list("Service", "ExecStart") {
            let (source, range, value) = (setting.source, setting.value.range(), setting.value.bytes());
            let is_decided_later = value.iter().any(|byte| matches!(byte, b'%' | b'$'));
            if range.len() != value.len() || is_decided_later {
                continue;
            }
            let file = sources.get(source).bytes();
            let is_prefix = |byte: &&u8| b"-@+!:|".contains(byte);
            let prefix = value.iter().take_while(is_prefix).count();
            let script = Script::read(&shell::parse_part(file, range.start + prefix..range.end), file);
            scripts.push(UnitScript { unit, source, script });
        }
    }
    scripts
}

/// A client of a daemon.
pub struct Client {
    /// The file in which it is started.
    pub source: SourceId,
    /// What kind of file that is.
    pub kind: FileKind,
    /// The call.
    pub call: Call,
    /// What it is told.
    pub invocation: Invocation,
    /// Whether a variable of the script holds a password.
    pub has_password: bool,
}

impl Client {
    /// The clients of a script.
    pub(super) fn of_script(source: SourceId, kind: FileKind, script: Script) -> Vec<Self> {
        let name = &b"RSYNC_PASSWORD"[..];
        let exports = script.takes_in_others
            || script.exported.contains(name)
            || script.assignments.iter().any(|assigned| assigned.name == name);
        let calls = script.calls.into_iter().filter(|call| call.program() == "rsync");
        let clients = calls.map(|call| Self {
            source,
            kind,
            invocation: call.invocation(),
            has_password: exports || call.environment.iter().any(|assigned| assigned.name == name),
            call,
        });
        clients.filter(|client| client.peer().is_some()).collect()
    }

    /// The clients that units start.
    pub(super) fn of_services(scripts: Vec<UnitScript<'_>>) -> Vec<Self> {
        let mut clients = Vec::new();
        for UnitScript { unit, source, script } in scripts {
            let has_environment = !unit.environment_files().is_empty();
            let mut found = Self::of_script(source, FileKind::Systemd, script);
            for client in &mut found {
                client.has_password |=
                    has_environment || !unit.unit.list("Service", "Environment").is_empty();
            }
            clients.extend(found);
        }
        clients
    }

    /// The daemon that it asks, and the word that names it; `None` if it is none, or if only a run can tell.
    pub fn peer(&self) -> Option<(&Remote, &Argument)> {
        let targets = self.invocation.targets.iter();
        let mut peers =
            targets
                .zip(&self.invocation.target_words)
                .filter_map(|(target, word)| match target {
                    Target::Daemon(remote) => Some((remote, self.call.arguments().get(*word)?)),
                    Target::Local(_) | Target::Shell(_) => None,
                });
        let (remote, word) = peers.next()?;
        let is_known =
            !remote.host.contains(UNKNOWN) && !remote.host.is_empty() && !self.module().contains(UNKNOWN);
        (is_known && !self.module().is_empty()).then_some((remote, word))
    }

    /// The module that it asks for; empty if it asks for none.
    pub fn module(&self) -> &str {
        let module = self.invocation.peer().and_then(Target::module);
        module.unwrap_or_default()
    }

    /// The user whom it names, as far as that is known.
    pub fn user(&self) -> Option<&str> {
        let (remote, _) = self.peer()?;
        remote
            .user
            .as_deref()
            .filter(|user| !user.is_empty() && !user.contains(UNKNOWN))
    }

    /// Whether it pushes. `None` where words may be missing or be more than they look.
    pub fn is_push(&self) -> Option<bool> {
        self.invocation.is_push().filter(|_| self.call.is_complete())
    }

    /// A part of its file.
    pub fn span(&self, range: &Range<usize>) -> Span {
        Span::new(self.source, range.clone())
    }
}
