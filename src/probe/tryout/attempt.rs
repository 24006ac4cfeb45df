use crate::{
    explain::{Cause, Explanation, Predicted, Reason},
    model::Parameter,
    probe::{
        Report,
        stage::{Fact, Skip, State, Step},
    },
    terms::Exit,
};

/// How an attempt to use a module ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// It does what it is there for.
    Works,
    /// The module does not admit the address.
    NoEntry,
    /// The module takes no connection at all.
    Shut,
    /// The login is refused.
    NoLogin,
    /// Nothing may be taken.
    NoReading,
    /// Nothing may be brought.
    NoWriting,
    /// Anything else.
    Fails,
}

impl End {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NoEntry => "no-entry",
            Self::Shut => "shut",
            Self::NoLogin => "no-login",
            Self::NoReading => "no-reading",
            Self::NoWriting => "no-writing",
            Self::Fails => "fails",
        }
    }

    /// What a report shows.
    pub fn of(report: &Report) -> Self {
        if report.stage(Step::Setup).state == State::Skipped(Skip::WriteOnly) {
            return Self::NoReading;
        }
        // That the modules are not listed says nothing about one of them.
        let failed = report.failed().filter(|stage| stage.step != Step::Modules);
        let Some(failed) = failed else {
            return if report.exit == 0 {
                Self::Works
            } else {
                Self::Fails
            };
        };
        let lines = failed.facts.iter().filter_map(|fact| match fact {
            Fact::Said(line) => Some(line.as_str()),
            _ => None,
        });
        lines
            .map(Self::of_line)
            .find(|end| *end != Self::Fails)
            .unwrap_or(Self::Fails)
    }

    fn of_line(line: &str) -> Self {
        const LINES: [(&str, End); 5] = [
            ("@ERROR: access denied to ", End::NoEntry),
            ("@ERROR: Unknown module ", End::NoEntry),
            // Of a number that is not negative, that many are there.
            ("@ERROR: max connections (-", End::Shut),
            ("@ERROR: auth failed ", End::NoLogin),
            ("ERROR: module is read only", End::NoWriting),
        ];
        let found = LINES.iter().find(|(start, _)| line.starts_with(start));
        found.map_or(Self::Fails, |(_, end)| *end)
    }
}

/// What comes of an attempt, beside what was foretold; the worse, the greater.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// It is refused, as the file means it.
    Refused,
    /// It works.
    Works,
    /// It fails.
    Fails {
        /// Whether the configuration shows why.
        is_foreseen: bool,
    },
    /// The daemon does what the model does not expect of it.
    Differs,
}

impl Verdict {
    /// Whether somebody has something to mend.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Fails { .. } | Self::Differs)
    }

    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Refused => "refused",
            Self::Fails { .. } => "fails",
            Self::Differs => "differs",
        }
    }
}

/// A line of the configuration: a command that had not ended when the client had waited long enough, or what makes the
/// daemon a user who may not read the secrets file.
#[derive(Clone, Debug)]
pub struct Blamed {
    /// The parameter that has it.
    pub parameter: Parameter,
    /// Where that is set: `rsyncd.conf:7`.
    pub place: String,
}

/// One way to use a module, as it was foretold and as it went.
#[derive(Debug)]
pub struct Compared {
    /// What the model foretells; none if the file does not tell.
    pub expected: Option<End>,
    /// What happened.
    pub end: End,
    /// Both together.
    pub verdict: Verdict,
    /// The stages, the exit code, the explanation.
    pub report: Report,
    /// The line of the configuration that the trial shows to be the cause.
    pub blamed: Option<Blamed>,
    /// A mistake of the configuration that a trial does not show.
    pub unseen: Option<Predicted>,
}

impl Compared {
    /// Compares; a refusal may be a fault of the configuration that the model knows.
    pub(super) fn new(expected: Option<End>, is_fault: bool, mut report: Report) -> Self {
        let end = End::of(&report);
        let is_found = report.explanation.as_mut().is_some_and(decide);
        // A login is refused also if the mistake is in what the file says of others, and a module shut on purpose.
        let may_be_meant = matches!(end, End::NoLogin | End::Shut);
        let is_fault = is_fault || (is_found && !may_be_meant && is_mistake(&report));
        let verdict = match (expected, end) {
            (_, End::Fails) => Verdict::Fails {
                is_foreseen: is_found,
            },
            (Some(End::Works) | None, End::Works) => Verdict::Works,
            (Some(expected), end) if expected == end && is_fault => Verdict::Fails { is_foreseen: true },
            (Some(expected), end) if expected == end => Verdict::Refused,
            (None, _) => Verdict::Refused,
            (Some(End::Works), _) if is_found => Verdict::Fails { is_foreseen: true },
            (Some(_), _) => Verdict::Differs,
        };
        Self {
            expected,
            end,
            verdict,
            report,
            blamed: None,
            unseen: None,
        }
    }

    /// Blames the command that a transfer has to wait for, if the client waited for too long, and no transfer had begun.
    pub(super) fn blame_command(&mut self, command: Blamed) {
        let has_begun = self.report.stage(Step::List).state.is_passed();
        if self.report.exit == Exit::Timeout.code() && !has_begun {
            self.blame(command);
        }
    }

    /// Whether a page tells why it failed.
    pub(super) fn is_told_by(&self, page: &str) -> bool {
        let incidents = self.report.explanation.iter().flat_map(|found| &found.incidents);
        let first = incidents.filter_map(|incident| incident.causes.first()).next();
        first.is_some_and(|cause| cause.page.id == page)
    }

    /// Blames a line.
    pub(super) fn blame(&mut self, line: Blamed) {
        self.verdict = Verdict::Fails { is_foreseen: true };
        self.blamed = Some(line);
    }

    /// Makes a failure of what ended well, because the configuration has a mistake that only shows outside of a trial.
    pub(super) fn fails_for_real(&mut self, why: Predicted) {
        self.verdict = Verdict::Fails { is_foreseen: true };
        self.unseen = Some(why);
    }
}

/// Whether the likeliest cause is one that is found in the configuration: the others are not worth telling then.
pub(super) fn decide(explanation: &mut Explanation) -> bool {
    let is_found = |cause: &Cause| {
        let is_found = |reason: &Reason| matches!(reason, Reason::Found(_) | Reason::NoModule(..));
        cause.reasons.iter().any(is_found)
    };
    let first = explanation.incidents.first_mut();
    let first = first.filter(|incident| incident.causes.first().is_some_and(is_found));
    let is_decided = first.map(|incident| incident.causes.truncate(1)).is_some();
    if is_decided {
        // What the daemon's log tells besides is of the same session.
        explanation.incidents.truncate(1);
    }
    is_decided
}

/// Whether the likeliest cause is a line that does not do what it was written for.
fn is_mistake(report: &Report) -> bool {
    let found = report.explanation.as_ref();
    let incident = found.and_then(|found| found.incidents.first());
    let cause = incident.and_then(|incident| incident.causes.first());
    cause.is_some_and(|cause| !cause.page.files.is_empty())
}

/// What one user, or nobody in particular, can do with a module.
#[derive(Debug)]
pub struct Attempt {
    /// Who asked, where the module asks for a name.
    pub user: Option<String>,
    /// The group whose password it was, if it was not the user's own.
    pub group: Option<String>,
    /// Files are taken.
    pub read: Compared,
    /// Files would be brought; none if it did not come that far.
    pub write: Option<Compared>,
}

impl Attempt {
    /// Both ways.
    pub fn parts(&self) -> impl Iterator<Item = &Compared> {
        [&self.read].into_iter().chain(&self.write)
    }

    /// What both together are worth: one way that works is enough, one that fails is too much.
    pub fn verdict(&self) -> Verdict {
        let write = self.write.as_ref().map(|write| write.verdict);
        write.map_or(self.read.verdict, |write| write.max(self.read.verdict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_blamed_for_a_client_that_waits_too_long() {
        for (exit, is_blamed) in [(Exit::Timeout, true), (Exit::StartClient, false)] {
            let mut report = Report::new("rsync://127.0.0.1/m".to_owned());
            report.exit = exit.code();
            let mut read = Compared::new(Some(End::Works), false, report);
            read.blame_command(Blamed {
                parameter: Parameter::PreXferExec,
                place: "rsyncd.conf:3".to_owned(),
            });
            assert_eq!(read.blamed.is_some(), is_blamed);
            assert_eq!(
                read.verdict,
                Verdict::Fails {
                    is_foreseen: is_blamed
                }
            );
        }
    }
}
