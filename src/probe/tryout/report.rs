use std::{collections::BTreeSet, net::IpAddr, time::Duration};

use crate::{
    explain::{Explanation, Predicted},
    model::Parameter,
    probe::{
        Fact, Report, State, Step,
        tryout::{
            attempt::{Attempt, End, Verdict},
            leash::Stayed,
        },
    },
    terms::Release,
};

/// What a configuration was worth.
#[derive(Debug)]
pub struct Trial {
    /// The file.
    pub file: String,
    /// The release of the daemon.
    pub release: Release,
    /// Who the daemon ran as, if not as root.
    pub account: Option<String>,
    /// Whether the user said which address clients come from.
    pub is_from_named: bool,
    /// The parameters that are set and that did not hold.
    pub without_effect: Vec<Parameter>,
    /// Whether the daemon started.
    pub start: Start,
    /// The finding that tells why it has no module; none if it has one, or nothing tells.
    pub empty: Option<&'static str>,
    /// What keeps the daemon from starting outside of the trial, in which it does not hold.
    pub unstarted: Option<Predicted>,
    /// What stands in the lines that the daemon goes on without: names of parameters, or whole lines.
    pub ignored: Vec<String>,
    /// Module by module, if it came that far.
    pub modules: Vec<ModuleTrial>,
    /// The processes that commands of the configuration had left running.
    pub stayed: Vec<Stayed>,
    /// How long it took.
    pub time: Duration,
}

impl Trial {
    /// Whether something fails, or is other than it was foretold, or than the file says.
    pub fn is_bad(&self) -> bool {
        self.start.verdict().is_bad()
            || self.empty.is_some()
            || self.unstarted.is_some()
            || !self.ignored.is_empty()
            || self.modules.iter().any(|module| module.verdict().is_bad())
    }

    /// Whether something is other than it was foretold.
    pub fn differs(&self) -> bool {
        let differs = |verdict| verdict == Verdict::Differs;
        differs(self.start.verdict()) || self.modules.iter().any(|module| differs(module.verdict()))
    }
}

/// How the daemon began.
#[derive(Debug)]
pub struct Start {
    /// Whether it is to listen, by the file; none if that does not tell.
    pub starts: Option<bool>,
    /// Whether it is to greet.
    pub serves: Option<bool>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a start.
#[derive(Debug)]
pub enum Outcome {
    /// It ended before it would listen.
    Ended {
        /// Its code; none for a signal.
        exit: Option<i32>,
        /// What it printed and logged.
        said: Vec<String>,
        /// Why.
        explanation: Option<Explanation>,
    },
    /// It came so far that it would listen: what a client meets there who asks for no module.
    Listened(Box<Report>),
}

impl Start {
    /// What it is worth.
    pub fn verdict(&self) -> Verdict {
        let Outcome::Listened(report) = &self.outcome else {
            return Verdict::Fails {
                is_foreseen: self.starts == Some(false),
            };
        };
        match (self.serves, greets(report)) {
            _ if self.starts == Some(false) => Verdict::Differs,
            (Some(false), true) => Verdict::Differs,
            (_, true) if report.exit == 0 => Verdict::Works,
            (serves, _) => Verdict::Fails {
                is_foreseen: serves == Some(false),
            },
        }
    }

    /// Whether clients are greeted.
    pub fn greets(&self) -> bool {
        matches!(&self.outcome, Outcome::Listened(report) if greets(report))
    }
}

/// Whether a daemon spoke to its client.
pub(super) fn greets(report: &Report) -> bool {
    report.stage(Step::Version).state.is_passed()
}

/// The names of the modules that are listed; none if there was no list.
pub(super) fn listed(report: &Report) -> Option<BTreeSet<&str>> {
    let stage = report.stage(Step::Modules);
    (stage.state == State::Passed).then(|| {
        let names = stage.facts.iter().filter_map(|fact| match fact {
            Fact::Module(name, _) => Some(name.as_str()),
            _ => None,
        });
        names.collect()
    })
}

/// Whether the daemon refuses every option that a list of files needs: then nobody sees what is in the module.
pub(super) fn lists_nothing(report: &Report) -> bool {
    let facts = &report.stage(Step::Setup).facts;
    let is_refused = |option: &str| {
        facts
            .iter()
            .any(|fact| matches!(fact, Fact::Refused(name) if *name == option))
    };
    is_refused("recursive") && is_refused("dirs")
}

/// The page of a message of the day that ends sessions, and lists of modules.
const MESSAGE_OF_THE_DAY: &str = "RSY622";

/// What a module was worth.
#[derive(Debug)]
pub struct ModuleTrial {
    /// Its name.
    pub name: String,
    /// Where the sessions came from, for the daemon.
    pub from: IpAddr,
    /// Whether it is to be listed, by the file; none if that does not tell.
    pub is_to_be_listed: Option<bool>,
    /// Whether it is listed; none if there was no list.
    pub is_listed: Option<bool>,
    /// User by user.
    pub attempts: Vec<Attempt>,
    /// Who was not tried.
    pub not_tried: Vec<NotTried>,
}

impl ModuleTrial {
    /// Whether the list of modules is another than the file says.
    pub fn is_listed_otherwise(&self) -> bool {
        // What ends the list is told as the cause of what fails.
        let is_ended = self
            .attempts
            .iter()
            .any(|attempt| attempt.read.is_told_by(MESSAGE_OF_THE_DAY));
        let both = self.is_to_be_listed.zip(self.is_listed).filter(|_| !is_ended);
        both.is_some_and(|(to_be, is)| to_be != is)
    }

    /// The worst that came of it.
    pub fn verdict(&self) -> Verdict {
        let listed = self.is_listed_otherwise().then_some(Verdict::Differs);
        let verdicts = self.attempts.iter().map(Attempt::verdict);
        verdicts.chain(listed).max().unwrap_or(Verdict::Refused)
    }

    /// Whether it is shut to everybody, as the file says: `max connections` is below 0.
    pub fn is_shut(&self) -> bool {
        let mut parts = self.attempts.iter().flat_map(Attempt::parts);
        !self.attempts.is_empty() && parts.all(|part| part.end == End::Shut)
    }

    /// Whether nobody saw what is in it.
    pub fn is_left_out(&self) -> bool {
        self.not_tried.iter().any(|not_tried| not_tried.user.is_none())
    }
}

/// Somebody, or everybody, who was not tried with a module.
#[derive(Debug)]
pub struct NotTried {
    /// Who; everybody if it is none.
    pub user: Option<String>,
    /// Why.
    pub why: Why,
}

/// Why something was not tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// The module does not admit the address, so the other users meet the same.
    NotAdmitted,
    /// Nobody of this machine logs in with the password of the group.
    Group,
    /// So many members of the group log in with its password as well.
    Members(usize),
    /// We may not read the secrets file, and so does the daemon of this trial.
    Secrets,
    /// No client can ask for a module, or log in, with that name.
    Name,
}

impl Why {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NotAdmitted => "not-admitted",
            Self::Group => "group",
            Self::Members(_) => "members",
            Self::Secrets => "secrets",
            Self::Name => "name",
        }
    }
}
