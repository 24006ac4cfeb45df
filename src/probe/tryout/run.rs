mod module;

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, TcpListener},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use thiserror::Error;
use tokio::time::sleep;

use crate::{
    explain::{Explanation, Known, explain},
    host::Host,
    model::{Configuration, Scope},
    probe::{
        Choice, NoTarget, ProbeError, Report, Setting, Target, Wire, probe,
        reproduce::reproduce_stepping_back,
        stage::{State, Step},
        tryout::{
            attempt::decide,
            daemon::{Daemon, NoDaemon, Program},
            empty::{emptiness, unstarted},
            ignored::ignored,
            leash::Leash,
            logins::Login,
            overlay::{can_be_merged, overlay, own_files, without_effect},
            owner::Owner,
            peer::Peers,
            report::{ModuleTrial, Outcome, Start, Trial, greets, listed},
        },
    },
    rsync::net::Connections,
    sync::{Environment, Surroundings},
};

/// What a trial needs.
pub struct Setup<'s> {
    /// The file as reports call it.
    pub name: String,
    /// Its path, from the root on.
    pub file: PathBuf,
    /// The rsync that serves it.
    pub program: Program,
    /// The folder that the daemon is started in.
    pub directory: PathBuf,
    /// Where the trial's own files are, in a folder of their own.
    pub folder: PathBuf,
    /// The modules that are tried; all if none is named.
    pub modules: Vec<Scope>,
    /// The address that the sessions come from, for the daemon; if none is named, one that the module admits.
    pub from: Option<IpAddr>,
    /// Whether the user's commands are run.
    pub with_hooks: bool,
    /// The configuration, and what is found in it.
    pub known: Arc<Known>,
    /// The machine that the daemon runs on.
    pub host: &'s dyn Host,
    /// What the environment says to a client that logs in with that name and password.
    pub environment: fn(&str, Vec<u8>) -> Environment<'static>,
    /// What command lines need of the machine.
    pub surroundings: fn() -> Surroundings<'static>,
    /// The connections of the trial; nothing more is tried once they are ended.
    pub connections: Arc<Connections>,
    /// This program, which becomes the daemon.
    pub own: PathBuf,
    /// What ends the daemon.
    pub leash: Arc<Leash>,
    /// Who the daemon runs as, if not as root.
    pub account: Option<String>,
}

/// Why a configuration could not be tried.
#[derive(Debug, Error)]
pub enum TrialError {
    /// There is no daemon.
    #[error("{0}")]
    Daemon(#[from] NoDaemon),
    /// A probe could not be made.
    #[error("{0}")]
    Probe(#[from] ProbeError),
    /// A name of the configuration makes no target.
    #[error("{0}")]
    Target(#[from] NoTarget),
    /// The daemon does not come so far that it would listen, and does not end either.
    #[error("the daemon does not read its configuration to the end within {0} seconds")]
    Silent(u64),
    /// Nobody wants to know any more.
    #[error("interrupted")]
    Interrupted,
}

impl From<io::Error> for TrialError {
    fn from(error: io::Error) -> Self {
        Self::Daemon(error.into())
    }
}

/// How long a daemon is given to read its configuration.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often it is looked whether it has.
const PAUSE: Duration = Duration::from_millis(5);
/// Seconds that a daemon may be silent, also while a hook runs.
const SILENCE: u64 = 30;

/// Starts the daemon, probes the modules, and ends the daemon.
///
/// # Errors
///
/// There is no rsync, or no folder, or the user does not want to wait.
///
/// # Panics
///
/// Without a configuration in what is known.
pub async fn run(setup: &Setup<'_>) -> Result<Trial, TrialError> {
    let begin = Instant::now();
    let server = setup.known.server.as_ref().expect("a trial has a configuration");
    let configuration = &server.configuration;
    if !can_be_merged(&setup.file) {
        return Err(NoDaemon::Name(setup.name.clone()).into());
    }
    // The folder is taken away also if the user wants no more.
    let _held = setup.connections.hold();
    if setup.connections.are_ended() {
        return Err(TrialError::Interrupted);
    }
    let folder = tempfile::Builder::new()
        .prefix("rsyncctl-try-")
        .tempdir_in(&setup.folder)?;
    let _kept = setup.connections.keep(folder.path());
    let empty = folder.path().join("empty");
    fs::create_dir(&empty)?;
    let owner = Owner::of(configuration, setup.host, setup.account.is_none());
    if let Some(owner) = owner {
        owner.prepare(folder.path(), &own_files(configuration))?;
    }
    let daemon = Daemon {
        own: setup.own.clone(),
        program: setup.program.name.clone(),
        folder: folder.path().to_owned(),
        directory: setup.directory.clone(),
        with_hooks: setup.with_hooks,
        leash: setup.leash.clone(),
        connections: setup.connections.clone(),
    };
    let bench = Bench {
        setup,
        configuration,
        peers: Peers {
            configuration,
            from: setup.from,
        },
        folder: folder.path(),
        empty: &empty,
        owner,
        daemon: daemon.into(),
    };
    let tried = bench.start_and_modules().await;
    let ignored = ignored(&bench.daemon.said());
    let stayed = bench.daemon.end();
    let (outcome, modules) = tried?;
    Ok(Trial {
        file: setup.name.clone(),
        release: setup.program.release,
        account: setup.account.clone(),
        is_from_named: setup.from.is_some(),
        without_effect: without_effect(bench.peers, setup.with_hooks),
        start: Start {
            starts: configuration.starts(),
            serves: configuration.serves(),
            outcome,
        },
        empty: emptiness(&setup.known),
        unstarted: unstarted(&setup.known),
        ignored,
        modules,
        stayed,
        time: begin.elapsed(),
    })
}

/// A trial under way.
struct Bench<'b> {
    setup: &'b Setup<'b>,
    configuration: &'b Configuration,
    peers: Peers<'b>,
    folder: &'b Path,
    /// A folder without files, which a push can do no harm with.
    empty: &'b Path,
    /// Who the daemon becomes, if it does not stay who it is.
    owner: Option<Owner>,
    daemon: Arc<Daemon>,
}

impl Bench<'_> {
    /// What comes of the start, then module by module if the daemon serves anybody.
    async fn start_and_modules(&self) -> Result<(Outcome, Vec<ModuleTrial>), TrialError> {
        let text = overlay(&self.setup.file, self.peers, self.folder);
        self.daemon.configure(&text)?;
        let outcome = self.outcome().await?;
        let mut modules = Vec::new();
        if let Outcome::Listened(report) = &outcome
            && greets(report)
        {
            let listed = listed(report);
            for &scope in &self.setup.modules {
                modules.extend(self.module(scope, listed.as_ref()).await?);
            }
        }
        Ok((outcome, modules))
    }

    /// Whether the daemon comes so far that it would listen, and what it says to a client then.
    async fn outcome(&self) -> Result<Outcome, TrialError> {
        let status = self.ended().await?;
        if !self.daemon.would_listen() {
            let mut said = self.own_names(&self.daemon.said());
            if status.signal() == Some(Signal::SIGSEGV as i32) {
                // As a shell says it; the daemon says nothing then.
                said.push_str("Segmentation fault\n");
            }
            return Ok(Outcome::Ended {
                exit: status.code(),
                explanation: self.explain_start(&said),
                said: said.lines().map(str::to_owned).collect(),
            });
        }
        let local = Some(Ipv4Addr::LOCALHOST.into());
        let mut report = self.probe(None, &Login::nobody(), local).await?;
        if report.stage(Step::Greeting).state == State::Failed {
            // A daemon that hangs up with our words unread resets the connection, and hides what clients see.
            report = self.probe(None, &Login::nobody(), None).await?;
        }
        // What is cut short is no answer.
        self.go_on()?;
        report.explanation.as_mut().map(decide);
        Ok(Outcome::Listened(Box::new(report)))
    }

    /// How a daemon ends that finds its port taken.
    async fn ended(&self) -> Result<ExitStatus, TrialError> {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let id = self.daemon.start(&taken)?;
        let begin = Instant::now();
        loop {
            self.go_on()?;
            if let Some(status) = self.setup.leash.ended(id)? {
                return Ok(status);
            }
            if begin.elapsed() > PATIENCE {
                return Err(TrialError::Silent(PATIENCE.as_secs()));
            }
            sleep(PAUSE).await;
        }
    }

    /// What the daemon says, with the user's file in place of the trial's.
    fn own_names(&self, said: &[u8]) -> String {
        let said = String::from_utf8_lossy(said);
        let own = self.daemon.configuration().display().to_string();
        said.replace(&own, &self.setup.name)
    }

    fn explain_start(&self, said: &str) -> Option<Explanation> {
        let name = shell_words::quote(&self.setup.name);
        let text = format!("$ rsync --daemon --no-detach --config={name}\n{said}");
        let mut found = explain(text.as_bytes(), &self.setup.known).ok()?;
        decide(&mut found);
        (!found.incidents.is_empty()).then_some(found)
    }

    /// Takes some files.
    async fn probe(
        &self,
        module: Option<&str>,
        login: &Login,
        from: Option<IpAddr>,
    ) -> Result<Report, TrialError> {
        let target = self.target(module.unwrap_or_default(), login);
        let target = Target::parse(&target)?;
        Ok(probe(target, self.setting(login, from)).await?)
    }

    /// Asks to bring files, and brings none.
    async fn push(&self, module: &str, login: &Login, from: Option<IpAddr>) -> Result<Report, TrialError> {
        let target = format!("{}/", self.target(module, login));
        let mut words = choice().words;
        words.extend([format!("{}/", self.empty.display()), target.clone()]);
        Ok(reproduce_stepping_back(target, "rtn", words, || self.setting(login, from)).await?)
    }

    fn target(&self, module: &str, login: &Login) -> String {
        // The others are sent as the login of the machine.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let user = login.user.as_ref().filter(|user| user.chars().all(is_plain));
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        format!("rsync://{user}{}/{module}", Ipv4Addr::LOCALHOST)
    }

    fn setting(&self, login: &Login, from: Option<IpAddr>) -> Arc<Setting> {
        let Setup {
            environment,
            surroundings,
            known,
            connections,
            ..
        } = self.setup;
        let user = login.user.as_deref().unwrap_or("nobody");
        Arc::new(Setting {
            wire: Wire::Own(self.daemon.clone()),
            watch: None,
            choice: Choice {
                announce: from.map_or_else(Vec::new, |from| self.peers.announce(from)),
                ..choice()
            },
            environment: environment(user, login.password.clone()),
            surroundings: Box::new(*surroundings),
            known: known.clone(),
            log: Some(self.daemon.log().into()),
            folder: self.folder.into(),
            connections: connections.clone(),
        })
    }

    fn go_on(&self) -> Result<(), TrialError> {
        match self.setup.connections.are_ended() {
            true => Err(TrialError::Interrupted),
            false => Ok(()),
        }
    }
}

/// As much as tells that it works.
fn choice() -> Choice {
    Choice {
        words: vec!["--contimeout=10".to_owned()],
        silence: Duration::from_secs(SILENCE),
        connect_limit: Duration::from_secs(10),
        most_files: 3,
        most_bytes: 1 << 20,
        depth: 2,
        pushes: false,
        left_out: Vec::new(),
        folder: None,
        slips: Vec::new(),
        until: None,
        is_one_of_many: false,
        announce: Vec::new(),
    }
}
