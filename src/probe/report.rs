use std::{collections::HashSet, path::PathBuf, time::Duration};

use crate::{
    catalog::Confidence,
    explain::{Cause, Explanation},
    probe::{
        audit::Remark,
        stage::{Fact, Skip, Stage, State, Step},
    },
    terms::Release,
};

/// A place of a user's file that is read otherwise than it is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slip {
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub cure: String,
    /// What it does.
    pub effect: Effect,
}

/// What a slip does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Something else is done than is meant.
    Other,
    /// It fails only where files are changed, so that a dry run does not meet it.
    Later,
    /// rsync is not started at all, which who carries out its command line alone does not meet.
    Never,
}

/// What a probe showed.
#[derive(Debug)]
pub struct Report {
    /// What was probed: a target as the user wrote it, or a command line.
    pub subject: String,
    /// What stands around a command line and was not carried out with it, by name.
    pub left_out: Vec<String>,
    /// Whether a command line asks for a list of files, and copies nothing.
    pub is_list: bool,
    /// The folder that the command line was carried out in, if that is not the one in which the reader is.
    pub folder: Option<PathBuf>,
    /// What of it is read otherwise than it is meant.
    pub slips: Vec<Slip>,
    /// Each stage, in order.
    pub stages: Vec<Stage>,
    /// The code that rsync ends with there; 0 if all is well.
    pub exit: u8,
    /// The command line that fails so, or the last one.
    pub command: String,
    /// Why it fails; nothing if it does not.
    pub explanation: Option<Explanation>,
    /// What else is to be known about the server.
    pub remarks: Vec<Remark>,
    /// How long it took.
    pub time: Duration,
}

/// What shells end with where a command cannot be started (2.8.2 of POSIX's shell); none of rsync's own codes.
const NEVER_STARTED: u8 = 127;

impl Report {
    /// A probe that has done nothing yet.
    pub(super) fn new(subject: String) -> Self {
        let stages = Step::ALL.map(|step| Stage {
            step,
            state: State::NotReached,
            time: None,
            facts: Vec::new(),
        });
        Self {
            subject,
            left_out: Vec::new(),
            is_list: false,
            folder: None,
            slips: Vec::new(),
            stages: stages.into(),
            exit: 0,
            command: String::new(),
            explanation: None,
            remarks: Vec::new(),
            time: Duration::ZERO,
        }
    }

    /// The status to end with: the code, and where rsync would not be started at all that of a shell which finds no command.
    pub fn status(&self) -> u8 {
        let is_never = self.slip().is_some_and(|slip| slip.effect == Effect::Never);
        match self.exit {
            0 if is_never => NEVER_STARTED,
            code => code,
        }
    }

    /// The stage that fails first.
    pub fn failed(&self) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.state == State::Failed)
    }

    /// What of the command line is read otherwise than it is meant; where it fails, as far as that may be why.
    pub fn slip(&self) -> Option<&Slip> {
        let has_failed = self.failed().is_some();
        self.slips
            .iter()
            .find(|slip| !(slip.effect == Effect::Later && has_failed))
    }

    /// What was not carried out, and may be why it fails: a variable of a stage that it decides, or a folder, a user or an
    /// input where files are looked for.
    pub fn set_aside(&self) -> Vec<&str> {
        let names = self.left_out.iter().map(String::as_str);
        let failed = self.failed().map(|stage| stage.step);
        names
            .filter(|name| failed.is_some_and(|step| may_decide(name, step)))
            .collect()
    }

    /// Whether it fails because something was not carried out: without it rsync was somewhere else, or was nobody.
    pub fn is_without(&self) -> bool {
        let names = self.set_aside();
        let has_cause = |id: &str| {
            let found = self.explanation.iter().flat_map(|found| &found.incidents);
            let mut first = found.filter_map(|incident| incident.causes.first());
            first.any(|cause| cause.page.id == id)
        };
        names.contains(&CONNECT_PROGRAM)
            || names.iter().any(|name| is_password(name))
                && (has_cause(NO_PASSWORD) || self.explanation.is_none())
    }

    /// What rsync would have ended with, had it heard the server out: a daemon says why and closes, and where it leaves
    /// something unread that arrives as a reset, behind which rsync reads no more. Nothing where the code is that one, or
    /// the likeliest cause is none of that kind.
    pub fn implied_exit(&self) -> Option<u8> {
        let incident = self.explanation.as_ref()?.incidents.first()?;
        let cause = incident.causes.first()?;
        let is_lost = [10, 12].contains(&self.exit) && [1, 4, 5].contains(&cause.symptom.exit);
        // What else it may be means the same code.
        let is_alike = |other: &Cause| other.symptom.exit == cause.symptom.exit;
        let is_known =
            cause.confidence != Confidence::Possible || incident.causes.iter().take(3).all(is_alike);
        (is_lost && is_known).then_some(cause.symptom.exit)
    }

    /// The stage of that step.
    pub fn stage(&self, step: Step) -> &Stage {
        &self.stages[step as usize]
    }

    pub(super) fn pass(&mut self, step: Step, time: Duration) {
        let stage = &mut self.stages[step as usize];
        match stage.state {
            State::Skipped(Skip::NotAsked) => return,
            State::Failed => {}
            State::Passed | State::Skipped(_) | State::NotReached => stage.state = State::Passed,
        }
        *stage.time.get_or_insert_default() += time;
    }

    /// The stage that a later connection was made for, if it failed at one that an earlier connection had passed.
    pub(super) fn under_way(&self, step: Step) -> Step {
        if !self.stage(step).state.is_passed() {
            return step;
        }
        let behind = self.stages.iter().skip(step as usize);
        let open = behind.filter(|stage| stage.state == State::NotReached);
        open.map(|stage| stage.step).next().unwrap_or(step)
    }

    pub(super) fn skip(&mut self, step: Step, why: Skip) {
        self.stages[step as usize].state = State::Skipped(why);
    }

    pub(super) fn fail(&mut self, step: Step) {
        self.stages[step as usize].state = State::Failed;
    }

    /// How long it took until a stage failed.
    pub(super) fn spend(&mut self, step: Step, time: Duration) {
        *self.stages[step as usize].time.get_or_insert_default() += time;
    }

    /// The server says which release it is of, so that nothing has to be guessed.
    pub(super) fn settle(&mut self, release: Release) {
        let facts = &mut self.stages[Step::Version as usize].facts;
        facts.retain(|fact| !matches!(fact, Fact::Releases(_)));
        facts.push(Fact::Releases(release..=release));
    }

    /// Takes the list of modules, each line of it once. There may be very many: no comparison of all with all.
    pub(super) fn list(&mut self, modules: impl Iterator<Item = Fact>) {
        let facts = &mut self.stages[Step::Modules as usize].facts;
        let mut known: HashSet<_> = facts.iter().cloned().collect();
        facts.extend(modules.filter(|module| known.insert(module.clone())));
    }

    pub(super) fn note(&mut self, step: Step, fact: Fact) {
        let facts = &mut self.stages[step as usize].facts;
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }
}

/// Variables, as they are named where their values are not known.
const CONNECT_PROGRAM: &str = "RSYNC_CONNECT_PROG=";
const PASSWORD: &str = "RSYNC_PASSWORD=";

/// The page of a client without a password.
const NO_PASSWORD: &str = "RSY815";

/// Whether a password is to come from what is not carried out: a variable, or a file that is made first; or may, from what
/// is read in.
pub fn is_password(name: &str) -> bool {
    let word = name.split(' ').next().unwrap_or_default();
    name == PASSWORD || name.starts_with("--password-file=") || [".", "source", "eval"].contains(&word)
}

/// Whether something around a command line decides how a stage ends.
fn may_decide(name: &str, step: Step) -> bool {
    let is_of_login = step == Step::Authentication;
    match name {
        "USER=" | "LOGNAME=" => is_of_login,
        name if is_password(name) => is_of_login,
        CONNECT_PROGRAM | "RSYNC_PROXY=" => (Step::Resolve..=Step::Authentication).contains(&step),
        // A password may be read there, and a list of files.
        name if name == "<" || name.ends_with(" |") => {
            step == Step::CommandLine || step >= Step::Authentication
        }
        name if name.ends_with('=') => step > Step::Authentication,
        _ => step == Step::CommandLine || step > Step::Authentication,
    }
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::probe::stage::{Fact, Step};

    #[test]
    fn a_list_of_very_many_modules_is_taken_at_once() {
        let module = |number: u32| Fact::Module(format!("m{number}"), String::new());
        let mut report = Report::new("host::".to_owned());
        // Compared all with all these take minutes.
        report.list((0..400_000).map(|number| module(number / 2)));
        report.list([module(1), module(200_000)].into_iter());
        let facts = &report.stage(Step::Modules).facts;
        assert_eq!(facts.len(), 200_001);
        assert_eq!((&facts[0], &facts[200_000]), (&module(0), &module(200_000)));
    }
}
