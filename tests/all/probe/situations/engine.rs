//! A broken situation: set up anew for each run, met by rsync and by the probe.

use std::{
    collections::BTreeSet,
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use serde_json::Value;

use super::{stage::Stage, tamper::Tamper};
use crate::{probe::causes, support::program::stderr};

/// The configuration of a daemon with the module `data`, and more lines for the module.
macro_rules! conf {
    ($lines:expr) => {
        concat!(
            "use chroot = no\nreverse lookup = no\n[data]\npath = /srv/data\n",
            $lines
        )
    };
}
pub(super) use conf;

/// What is broken, and what it is met with. In all texts `$PORT` is the server's port; paths of the machine begin with
/// a slash, and lie below a temporary folder. The client stands in `/home/me`.
pub(super) struct Situation {
    /// The true cause, in a few words.
    pub(super) name: &'static str,
    /// The pages that tell it: each of them is right.
    pub(super) pages: &'static [&'static str],
    /// Whether a client can know it, from what it hears and from its own machine.
    pub(super) is_plain: bool,
    /// Pages that say less, and all that a client can know.
    pub(super) outside: &'static [&'static str],
    /// The machine's files, as `Machine::line` takes them.
    pub(super) tree: &'static [&'static str],
    /// The daemon's rsyncd.conf.
    pub(super) configuration: &'static str,
    pub(super) server: Server,
    /// The address that the server listens on.
    pub(super) listens: &'static str,
    /// Somebody else is in the midst of a session with the module `data`.
    pub(super) is_busy: bool,
    pub(super) daemon: Around,
    pub(super) client: Around,
    pub(super) asked: Asked,
    /// For so many seconds the client waits for an answer.
    pub(super) patience: u8,
    /// The server may hang up on what it has not read: whether rsync then hears of the end (5) or of a reset (12) is a
    /// matter of microseconds.
    pub(super) is_unheard: bool,
    /// So often rsync is asked: more than once where its code races.
    pub(super) runs: usize,
}

/// What listens.
pub(super) enum Server {
    /// A real daemon.
    Daemon,
    /// Nothing.
    Nobody,
    /// A script whose standard input and output are the connection.
    Script(&'static str),
    /// Somebody who takes no more connections.
    Stuck,
    /// A real daemon, with something in the way.
    Tampered(Tamper),
}

/// Who runs a program, and where.
pub(super) struct Around {
    /// The local user; we, if it is empty.
    pub(super) user: &'static str,
    pub(super) space: Space,
    /// A script that runs first, as its parent.
    pub(super) before: &'static str,
    pub(super) environment: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Space {
    /// File systems of its own.
    Mount,
    /// A network of its own.
    Network,
    /// That of all others.
    Same,
}

/// What the client is to do.
pub(super) enum Asked {
    /// rsync pulls from this target, and the probe is given it.
    Pull(&'static str),
    /// rsync pushes there, and the probe is to write.
    Push(&'static str),
    /// The command line of rsync, which the probe is to reproduce.
    Line(&'static str),
}

pub(super) const OURS: Around = Around {
    user: "",
    space: Space::Same,
    before: "",
    environment: &[],
};

/// A pull with nothing broken.
pub(super) const SOUND: Situation = Situation {
    name: "",
    pages: &[],
    is_plain: true,
    outside: &[],
    tree: &["dir /srv/data", "file /srv/data/one = some text\\n"],
    configuration: conf!(""),
    server: Server::Daemon,
    listens: "127.0.0.1:0",
    is_busy: false,
    daemon: OURS,
    client: OURS,
    asked: Asked::Pull("127.0.0.1:$PORT/data"),
    patience: 20,
    is_unheard: false,
    runs: 1,
};

/// How the situation was met.
pub(super) struct Met {
    /// How rsync ended.
    pub(super) codes: BTreeSet<i32>,
    /// How the probe ended, without the configuration and with it.
    pub(super) ours: Vec<i32>,
    /// The causes that it told.
    pub(super) causes: Vec<Vec<String>>,
    /// What rsync and the probe said.
    pub(super) said: String,
}

impl Met {
    /// What is wrong with the probe's answer.
    pub(super) fn faults(&self, situation: &Situation) -> Vec<String> {
        let mut faults = Vec::new();
        if self.codes.contains(&0) {
            faults.push("nothing is broken for rsync".to_owned());
        }
        for (number, (code, causes)) in self.ours.iter().zip(&self.causes).enumerate() {
            let knows_all = situation.is_plain || number > 0;
            let within = if knows_all { 1 } else { 3 };
            let mut told = causes.iter().take(within).map(String::as_str);
            let with = ["without", "with"][number];
            let is_of_race = self.codes.iter().chain([code]).all(|code| [5, 12].contains(code));
            let is_same = self.codes.contains(code) || situation.is_unheard && is_of_race;
            if !is_same {
                faults.push(format!("{with} the configuration it ends with {code}"));
            }
            let is_told =
                |cause| situation.pages.contains(&cause) || number == 0 && situation.outside.contains(&cause);
            if !told.any(is_told) {
                faults.push(format!("{with} the configuration it tells {causes:?}"));
            }
        }
        faults
    }
}

impl Situation {
    /// Whether the situation needs more than a default container has.
    pub(super) fn needs_space(&self) -> bool {
        self.daemon.space != Space::Same || self.client.space != Space::Same
    }

    /// Why it cannot be set up on this machine.
    pub(super) fn unmet(&self) -> Option<&'static str> {
        static SPACES: OnceLock<[Option<&'static str>; 2]> = OnceLock::new();
        let [mount, network] = SPACES.get_or_init(|| {
            [
                (!works("unshare -m mount -t tmpfs none /mnt")).then_some("nothing can be mounted here"),
                (!works("unshare -n ip link set lo up"))
                    .then_some("there are no networks of one's own, or no iproute2"),
            ]
        });
        [self.daemon.space, self.client.space]
            .into_iter()
            .find_map(|space| match space {
                Space::Mount => *mount,
                Space::Network => *network,
                Space::Same => None,
            })
    }

    /// rsync meets it, and then the probe, without and with the configuration.
    pub(super) fn meet(&self) -> Met {
        let mut met = Met {
            codes: BTreeSet::new(),
            ours: Vec::new(),
            causes: Vec::new(),
            said: String::new(),
        };
        for _ in 0..self.runs {
            let stage = Stage::new(self);
            let output = stage.run(self, &stage.rsync(self));
            met.codes.insert(code(&output));
            met.said = format!("{}{}{}", stdout_of(&output), stderr(&output), stage.log());
        }
        let has_file =
            matches!(self.server, Server::Daemon | Server::Tampered(_)) && !self.configuration.is_empty();
        for with in [false, true].iter().take(1 + usize::from(has_file)) {
            let stage = Stage::new(self);
            let output = stage.run(self, &stage.probe(self, *with));
            let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
            met.ours.push(code(&output));
            met.causes
                .push(causes(&report).into_iter().map(str::to_owned).collect());
            met.said += &format!("{}\n{}", brief(&report), stderr(&output));
        }
        met
    }
}

/// Whether a command of the shell succeeds.
fn works(script: &str) -> bool {
    let mut command = Command::new("bash");
    command
        .args(["-c", script])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().expect("bash runs").success()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stdout_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What matters in a report: how each stage ended, and the causes with their reasons.
fn brief(report: &Value) -> String {
    let stages = report["stages"].as_array().into_iter().flatten();
    let stages = stages
        .filter(|stage| stage["state"] == "failed")
        .map(Value::to_string);
    let diagnoses = report["diagnoses"].as_array().into_iter().flatten();
    let diagnoses = diagnoses.map(|diagnosis| {
        format!(
            "{} {} {}",
            diagnosis["rule"], diagnosis["confidence"], diagnosis["because"]
        )
    });
    stages.chain(diagnoses).collect::<Vec<_>>().join("\n")
}
