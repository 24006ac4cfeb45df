use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use crate::{
    catalog::{Confidence, Page, Severity, Symptom, page},
    diagnosis::{Finding, Unchecked},
    doctor::{
        client::ClientFact,
        stage::{Check, Fact, Stage, State},
        within::Within,
    },
    explain::{self, Explanation, Incident, Known, Predicted},
    host::{Unknown, View},
    lint,
    terms::{BLOT, Release, without_passwords},
};

/// What an examination showed.
#[derive(Debug)]
pub struct Report {
    /// Each stage, in the order in which they were done.
    pub stages: Vec<Stage>,
    /// The causes, each once, most urgent first.
    pub causes: Vec<Cause>,
    /// What could not be seen, and why.
    pub unseen: BTreeSet<Unchecked>,
    /// The modules of the configurations that could be read; of those that no daemon reads only what the user asks for.
    pub modules: BTreeSet<String>,
    /// The configurations that could be read.
    pub servers: Vec<Arc<Known>>,
    /// The machine as the daemon of each of them sees it, if that has mounts of its own.
    pub views: Vec<Option<View>>,
    /// The passwords of the daemons' secrets files, which nothing shows.
    pub(super) passwords: Passwords,
    /// What was read of logs.
    pub logs: Vec<Log>,
    /// The release of rsync that the configurations were judged for.
    pub release: Release,
    /// How long it took.
    pub time: Duration,
}

/// Passwords that are known, and never shown.
#[derive(Clone, Default)]
pub(super) struct Passwords(BTreeSet<String>);

impl fmt::Debug for Passwords {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passwords", self.0.len())
    }
}

impl Passwords {
    /// Takes note of them.
    pub(super) fn extend(&mut self, found: impl Iterator<Item = String>) {
        self.0
            .extend(found.filter(|password| !password.trim().is_empty()));
    }

    /// Lines of a daemon's log without the passwords that somebody typed where a user's name belongs (`auth_server` in
    /// authenticate.c and `rsync_module` in clientserver.c write the name). Elsewhere the same word may be another thing's name.
    pub(super) fn taken_from_users<'t>(&self, log: &'t [u8]) -> Cow<'t, [u8]> {
        let text = String::from_utf8_lossy(log);
        let mut shown = None;
        for password in &self.0 {
            for (typed, blot) in [
                (format!(" for {password}:"), format!(" for {BLOT}:")),
                (format!(" from {password}@"), format!(" from {BLOT}@")),
            ] {
                let now: &str = shown.as_deref().unwrap_or(&text);
                if now.contains(&typed) {
                    shown = Some(now.replace(&typed, &blot));
                }
            }
        }
        shown.map_or(Cow::Borrowed(log), |shown| Cow::Owned(shown.into_bytes()))
    }
}

impl Report {
    /// One of an examination that has not begun.
    pub(super) fn new(release: Release) -> Self {
        Self {
            stages: Vec::new(),
            causes: Vec::new(),
            unseen: BTreeSet::new(),
            modules: BTreeSet::new(),
            servers: Vec::new(),
            views: Vec::new(),
            passwords: Passwords::default(),
            logs: Vec::new(),
            release,
            time: Duration::ZERO,
        }
    }

    /// Whether somebody has something to mend.
    pub fn is_bad(&self) -> bool {
        let is_serious = |cause: &Cause| cause.severity >= Severity::Warning;
        let has_failed = |stage: &Stage| stage.state == State::Failed;
        self.causes.iter().any(is_serious) || self.stages.iter().any(has_failed)
    }

    /// Whether a client of the doctor's own failed, or did not come to an end, and no cause tells why: other clients may fail
    /// for the same.
    pub fn has_unexplained_failure(&self) -> bool {
        let has_client = |stage: &&Stage| matches!(stage.check, Check::Loopback | Check::Server);
        let is_late = |stage: &Stage| {
            let mut facts = stage.facts.iter();
            facts.any(|fact| matches!(fact, Fact::Client(ClientFact::NotFinished(_))))
        };
        let mut clients = self.stages.iter().filter(has_client);
        clients.any(|stage| stage.state == State::Failed || is_late(stage))
            && self.causes.iter().all(|cause| cause.urgency != Urgency::Now)
    }

    /// Notes that something could not be seen.
    pub(super) fn not_seen(&mut self, subject: impl Into<String>, reason: Unknown) {
        self.unseen.insert(Unchecked {
            rule: None,
            subject: subject.into(),
            reason,
        });
    }
}

/// The end of a daemon's log.
#[derive(Debug)]
pub struct Log {
    /// Where it stands, as people call it.
    pub place: String,
    /// What was read of it.
    pub bytes: Vec<u8>,
}

/// What to do first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// It makes clients fail now.
    Now,
    /// It made clients fail in the last day.
    Lately,
    /// It may do harm.
    Later,
}

impl Urgency {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Lately => "lately",
            Self::Later => "later",
        }
    }
}

/// A cause, told once.
#[derive(Debug)]
pub struct Cause {
    /// What to do first.
    pub urgency: Urgency,
    /// Its page.
    pub page: &'static Page,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// Where its words come from.
    pub told: Told,
    /// The stages that show it.
    pub seen: BTreeSet<Check>,
    /// So many more findings have the same page.
    pub others: usize,
    /// Which of the page's kinds of case it is, where a page tells it.
    pub variant: Option<&'static str>,
    /// What to type in this very case, in place of what the page says.
    pub commands: Vec<String>,
    /// Facts of the machine in English that another stage adds to what is told.
    pub also: Vec<String>,
    /// Among whose mounts its commands are to be typed, where its paths are other files outside.
    pub within: Option<Within>,
    /// Whether somebody else than root, or who we are, decides which files the configuration names, so that none is to be
    /// opened to anybody.
    pub is_foreign: bool,
    /// Whether the configuration that it is about is decided by somebody else than root, or who we are, so that root starts no
    /// daemon with it: that runs what it names.
    pub is_of_others: bool,
}

/// Where the words of a cause come from.
#[derive(Debug)]
pub enum Told {
    /// A finding of a configuration.
    Finding(Rc<lint::Report>, usize),
    /// What a text means: the likeliest cause of one of its failures.
    Text(Rc<Explanation>, usize),
    /// A page, the file that it is about, the values of its placeholders, and facts of the machine in English.
    Page(PathBuf, Vec<(&'static str, String)>, Vec<String>),
}

impl Cause {
    /// A finding, if the configuration is wrong there.
    pub(super) fn of_finding(report: &Rc<lint::Report>, index: usize) -> Self {
        let finding: &Finding = &report.findings[index];
        let fails = finding
            .predictions(report.circumstances.release)
            .any(|symptom| symptom.exit > 0);
        let is_now = fails && finding.severity == Severity::Error;
        Self {
            urgency: if is_now { Urgency::Now } else { Urgency::Later },
            page: finding.page,
            severity: finding.severity,
            confidence: finding.confidence,
            told: Told::Finding(report.clone(), index),
            seen: [Check::Configuration].into(),
            others: 0,
            variant: None,
            commands: Vec::new(),
            also: Vec::new(),
            within: None,
            is_foreign: false,
            is_of_others: false,
        }
    }

    /// The likeliest causes of the failures of a text, one each.
    pub(super) fn of_text(explanation: &Rc<Explanation>, check: Check, urgency: Urgency) -> Vec<Self> {
        let incidents = explanation.incidents.iter().enumerate();
        let causes = incidents.filter_map(|(index, incident)| {
            let cause = first(incident)?;
            // A line of a log by which no client fails made none fail.
            let is_harmless = check == Check::Log && incident.exit.is_none() && cause.symptom.exit == 0;
            Some(Self {
                urgency: if is_harmless { Urgency::Later } else { urgency },
                page: cause.page,
                severity: cause.page.severity,
                confidence: cause.confidence,
                told: Told::Text(explanation.clone(), index),
                seen: [check].into(),
                others: 0,
                variant: None,
                commands: Vec::new(),
                also: Vec::new(),
                within: None,
                is_foreign: false,
                is_of_others: false,
            })
        });
        causes.collect()
    }

    /// A page whose fault makes clients fail, by its identifier.
    pub(super) fn of_rule(
        rule: &str,
        check: Check,
        file: &Path,
        arguments: Vec<(&'static str, String)>,
        facts: Vec<String>,
    ) -> Self {
        let page = page(rule).expect("the doctor's pages are in the catalogue; the tests see each");
        let shown = |(kind, value): (&'static str, String)| (kind, without_passwords(&value).into_owned());
        let arguments = arguments.into_iter().map(shown).collect();
        Self {
            urgency: Urgency::Now,
            page,
            severity: page.severity,
            confidence: page.confidence,
            told: Told::Page(file.to_owned(), arguments, facts),
            seen: [check].into(),
            others: 0,
            variant: None,
            commands: Vec::new(),
            also: Vec::new(),
            within: None,
            is_foreign: false,
            is_of_others: false,
        }
    }

    /// The same as a kind of case of its page, which may be worse or surer than another.
    pub(super) fn of_kind(mut self, variant: &'static str) -> Self {
        if let Some(found) = self.page.variant(variant) {
            self.severity = found.severity.unwrap_or(self.severity);
            self.confidence = found.confidence.unwrap_or(self.confidence);
        }
        self.variant = Some(variant);
        self
    }

    /// The same of what a log tells, where it holds no more, with what shows that.
    pub(super) fn over(mut self, shown: Option<String>) -> Self {
        self.severity = Severity::Info;
        self.also.extend(shown);
        self
    }

    /// Whether it holds no more, as far as the log tells: pages of what a log shows are no mere notes otherwise.
    pub fn is_over(&self) -> bool {
        matches!(self.told, Told::Text(..)) && self.severity == Severity::Info
    }

    /// A value of it.
    pub(super) fn argument(&self, name: &str) -> Option<&String> {
        let arguments = match &self.told {
            Told::Finding(report, index) => &report.findings[*index].arguments,
            Told::Page(_, arguments, _) => arguments,
            Told::Text(..) => return None,
        };
        let mut named = arguments.iter().filter(|(key, _)| *key == name);
        named.next().map(|(_, value)| value)
    }

    /// What clients see of it, so that what they meet is told by the same cause.
    pub(super) fn predicted(&self, release: Release) -> Option<Predicted> {
        let (place, symptoms, arguments) = match &self.told {
            Told::Finding(found, index) => {
                let finding = &found.findings[*index];
                let place = found.sources.place(finding.labels[0].span);
                (place, finding.predictions(release).collect(), &finding.arguments)
            }
            Told::Page(file, arguments, _) => {
                let shows = |symptom: &&'static Symptom| {
                    let mut variants = symptom.variants.iter();
                    symptom.applies_to(release)
                        && (symptom.variants.is_empty()
                            || variants.any(|variant| Some(*variant) == self.variant))
                };
                let symptoms = self.page.symptoms.iter().filter(shows).collect();
                (file.display().to_string(), symptoms, arguments)
            }
            Told::Text(..) => return None,
        };
        let variant = match &self.told {
            Told::Finding(found, index) => found.findings[*index].variant,
            _ => self.variant,
        };
        let modules = self.argument("module").filter(|module| !module.is_empty());
        Some(Predicted {
            rule: self.page.id,
            place,
            others: Vec::new(),
            confidence: self.page.confidence,
            symptoms,
            modules: modules.cloned().into_iter().collect(),
            variant,
            arguments: arguments.clone(),
        })
    }

    /// The same with what to type.
    pub(super) fn typing(mut self, commands: Vec<String>) -> Self {
        self.commands = commands;
        self
    }

    /// The same, which is to be done then.
    pub(super) fn at(mut self, urgency: Urgency) -> Self {
        self.urgency = urgency;
        self
    }
}

/// The likeliest cause of a failure.
fn first(incident: &Incident) -> Option<&explain::Cause> {
    incident.causes.first()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Cause, Check, Passwords, Report, Stage, Urgency};
    use crate::terms::Release;

    #[test]
    fn a_password_in_the_place_of_a_user_is_not_shown() {
        let mut passwords = Passwords::default();
        passwords.extend(["hush".to_owned(), String::new()].into_iter());
        for (said, shown) in [
            (
                "auth failed on module hush from a (192.0.2.1) for hush: no matching rule",
                "auth failed on module hush from a (192.0.2.1) for ****: no matching rule",
            ),
            (
                "rsync on hush/ from hush@a (192.0.2.1)",
                "rsync on hush/ from ****@a (192.0.2.1)",
            ),
            (
                "rsync on hush/ from joe@a (192.0.2.1)",
                "rsync on hush/ from joe@a (192.0.2.1)",
            ),
        ] {
            assert_eq!(&*passwords.taken_from_users(said.as_bytes()), shown.as_bytes());
        }
        assert!(!format!("{passwords:?}").contains("hush"));
    }

    #[test]
    fn a_failure_without_its_cause_is_known() {
        let cause = |urgency| Cause {
            urgency,
            ..Cause::of_rule(
                "RSY523",
                Check::Configuration,
                Path::new("/etc/rsyncd.conf"),
                Vec::new(),
                Vec::new(),
            )
        };
        let report = |has_failed, urgency| {
            let mut stage = Stage::new(Check::Loopback, None);
            if has_failed {
                stage.fail();
            }
            let mut report = Report::new(Release::CURRENT);
            report.stages.push(stage);
            report.causes.push(cause(urgency));
            report
        };
        assert!(report(true, Urgency::Later).has_unexplained_failure());
        assert!(!report(true, Urgency::Now).has_unexplained_failure());
        assert!(!report(false, Urgency::Later).has_unexplained_failure());
    }
}
