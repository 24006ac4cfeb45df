//! Failures that a real rsync is made to show: something is broken, and what it prints is kept.
//!
//! A scenario is a file of `fixtures/mishaps/`. In its texts `$ROOT` is its temporary folder and `$PORT` its port.

mod stage;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;

use self::stage::{Server, Stage, bind};
use super::program::{folder, rsyncctl, stdout};

/// One scenario: what is broken, what the user types, and how that ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mishap {
    #[serde(skip)]
    pub(crate) name: String,
    /// What was broken, in words: the true cause.
    pub(crate) title: String,
    /// The true cause as a key.
    pub(crate) cause: String,
    /// The pages of the true cause: one, or several where no text tells them apart.
    #[serde(default)]
    pub(crate) rules: Vec<String>,
    /// Why no page tells it.
    pub(crate) unexplained: Option<String>,
    /// What the scenario needs beyond an rsync and an ordinary user.
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    /// The rsyncd.conf of a daemon that listens on `$PORT`.
    config: Option<String>,
    /// The local user that runs the daemon.
    daemon: Option<String>,
    /// A script in the daemon's place; the connection is its standard input and output.
    peer: Option<String>,
    /// Nobody accepts on `$PORT`, and the queue of waiting connections is full.
    #[serde(default)]
    stuck: bool,
    /// Prepares the folder.
    #[serde(default)]
    setup: String,
    /// Runs beside the client, which starts once this has printed a line.
    meanwhile: Option<String>,
    /// The local user who types the commands.
    user: Option<String>,
    /// The commands, one after the other.
    run: Vec<String>,
    /// How the last command ends.
    pub(crate) exit: i32,
    /// A part of what the commands print.
    pub(crate) client: Option<String>,
    /// A part of the daemon's log.
    pub(crate) log: Option<String>,
}

/// What not every machine can give.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Need {
    /// A FUSE file system that passes another folder on.
    Bindfs,
    /// Files that even root may not change.
    Chattr,
    /// inotify-tools.
    Inotifywait,
    /// Routes of its own.
    Iproute,
    /// File systems of its own.
    Mount,
    /// A user namespace with limits of its own.
    Namespace,
    /// TLS.
    Openssl,
    /// Ports that only root may listen on.
    ReservedPorts,
    /// Users, owners, chroot.
    Root,
    /// rsync's script for restricted keys.
    Rrsync,
    /// An SSH server.
    Sshd,
}

impl Need {
    /// Why this machine does not give it.
    pub(crate) fn unmet(self) -> Option<&'static str> {
        let (probe, reason) = match self {
            Self::Bindfs => (
                "command -v bindfs && test -w /dev/fuse",
                "bindfs is not installed",
            ),
            Self::Chattr => (
                "f=$(mktemp) && chattr +i $f && chattr -i $f && rm $f",
                "the temporary folder's file system has no `chattr +i`",
            ),
            Self::Inotifywait => ("command -v inotifywait", "inotify-tools is not installed"),
            Self::Iproute => ("command -v ip", "iproute2 is not installed"),
            Self::Mount => (
                "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d",
                "nothing can be mounted here",
            ),
            Self::Namespace => (
                "unshare -Urn sh -c 'echo 99 >/proc/sys/user/max_inotify_watches'",
                "there are no user namespaces with limits of their own",
            ),
            Self::Openssl => (
                "command -v openssl && command -v rsync-ssl",
                "openssl is not installed",
            ),
            Self::ReservedPorts => (
                "test $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) -gt 1",
                "everybody may listen on any port",
            ),
            // It needs Python; without arguments it asks for its folder.
            Self::Rrsync => ("rrsync 2>&1 | grep -q DIR", "rrsync does not run here"),
            Self::Root => ("test $(id -u) = 0", "needs root"),
            Self::Sshd => ("test -x /usr/sbin/sshd", "openssh-server is not installed"),
        };
        let mut command = Command::new("bash");
        command
            .args(["-c", probe])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let is_met = command.status().expect("bash runs").success();
        (!is_met).then_some(reason)
    }
}

/// Every scenario of `fixtures/mishaps/`, in order.
pub(crate) fn mishaps() -> Vec<Mishap> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mishaps");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("fixtures/mishaps/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a scenario");
            let mut mishap: Mishap =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().expect("a name").to_string_lossy();
            mishap.name = name.into_owned();
            mishap
        })
        .collect()
}

/// What a scenario left on the screen and in the log.
#[derive(Debug)]
pub(crate) struct Transcript {
    steps: Vec<Step>,
    log: String,
    /// The causes that `explain` tells with the daemon's configuration and its machine, likeliest first.
    pub(crate) configured: Option<Vec<String>>,
}

/// A command and what it printed.
#[derive(Debug)]
struct Step {
    prompt: &'static str,
    command: String,
    output: String,
    exit: i32,
}

impl Transcript {
    /// What a user copies from the terminal: prompts, commands and what they printed.
    pub(crate) fn pasted(&self) -> String {
        let steps = self.steps.iter();
        steps
            .map(|step| {
                let newline = if step.output.is_empty() || step.output.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                format!("{}{}\n{}{newline}", step.prompt, step.command, step.output)
            })
            .collect()
    }

    /// Both, as somebody pastes them below each other who has access to both machines.
    pub(crate) fn whole(&self) -> String {
        [self.pasted(), self.log.clone()].concat()
    }

    /// What the daemon logged.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// What the last command printed.
    pub(crate) fn last_output(&self) -> &str {
        &self.steps.last().expect("a command").output
    }

    /// How the last command ended; a signal counts as it does in a shell.
    pub(crate) fn exit(&self) -> i32 {
        self.steps.last().expect("a command").exit
    }
}

/// Runs a scenario against the rsync that is installed.
pub(crate) fn run(mishap: &Mishap) -> Transcript {
    let (stage, mut transcript) = played(mishap, None);
    if mishap.config.is_some() {
        transcript.configured = Some(configured_causes(&transcript.pasted(), &stage.configuration()));
    }
    transcript
}

/// The same with a folder whose program `rsync` is the client.
pub(crate) fn run_with(mishap: &Mishap, client: &Path) -> Transcript {
    played(mishap, Some(client)).1
}

fn played(mishap: &Mishap, client: Option<&Path>) -> (Stage, Transcript) {
    let (socket, port) = bind();
    let stage = Stage::new(mishap, port, client);
    if let Some(config) = &mishap.config {
        fs::write(stage.configuration(), stage.text(config)).expect("a configuration");
    }
    stage.prepare(&mishap.setup);
    let server = Server::start(mishap, &stage, socket);
    let beside = mishap.meanwhile.as_ref().map(|script| stage.beside(script));
    let steps = mishap.run.iter().map(|command| stage.step(mishap, command));
    let steps = steps.collect();
    drop(beside);
    drop(server);
    let transcript = Transcript {
        steps,
        log: stage.log(),
        configured: None,
    };
    (stage, transcript)
}

/// The causes of the first failure that a client's text tells, where the daemon's machine and configuration are at hand.
fn configured_causes(text: &str, configuration: &Path) -> Vec<String> {
    let folder = folder(&[("text", text)]);
    let configuration = configuration.display().to_string();
    let arguments = [
        "explain",
        "--json",
        "--host",
        "live",
        "--config",
        &configuration,
        "text",
    ];
    let output = rsyncctl(folder.path(), &arguments);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).unwrap_or_default();
    let diagnoses = report["diagnoses"].as_array().into_iter().flatten();
    diagnoses
        .filter(|diagnosis| diagnosis["failure"] == 1)
        .filter_map(|diagnosis| diagnosis["rule"].as_str().map(str::to_owned))
        .collect()
}
