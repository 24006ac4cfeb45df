use std::{sync::Arc, time::Duration};

use crate::{
    probe::{
        ProbeError, Report, Setting,
        command::command,
        deadline::Deadline,
        opening::is_open_to,
        prober::{MOST_LINES, Prober},
        refused::Refused,
        session::Session,
        stage::{Fact, Skip, Step},
        stages::module,
    },
    rsync::net::Stream,
    sync::{Place, Plan, UsageError, last_line},
    syntax::Lookalike,
    terms::{Exit, Misread, without_password},
};

/// What rsync ends with where ssh finds no host: ssh's own code.
const OF_SSH: u8 = 255;

/// What a probe does besides, and no command line of a user's.
const OWN: [Step; 6] = [
    Step::Pull,
    Step::Delta,
    Step::Push,
    Step::PushDelta,
    Step::ReadBack,
    Step::Removal,
];

/// Carries out a command line of ours with these letters, without those of them that the daemon refuses.
///
/// # Errors
///
/// An option of rsync's that our client lacks.
pub(super) async fn reproduce_stepping_back(
    subject: String,
    letters: &str,
    words: Vec<String>,
    setting: impl Fn() -> Arc<Setting>,
) -> Result<Report, ProbeError> {
    let mut refused = Refused::default();
    loop {
        let mut all = vec![refused.word(letters)];
        all.extend_from_slice(&words);
        let report = reproduce_in(subject.clone(), all, setting(), Manner::default()).await?;
        let facts = report.failed().into_iter().flat_map(|stage| &stage.facts);
        let lines = facts.filter_map(|fact| match fact {
            Fact::Said(line) => Some(line.clone()),
            _ => None,
        });
        if refused.take(letters, lines).is_none() {
            return Ok(report);
        }
    }
}

/// How long a command line may take once there is a connection.
#[derive(Clone, Copy, Debug)]
pub struct Within {
    /// What comes before its transfer.
    pub dialogue: Duration,
    /// All of it.
    pub whole: Duration,
}

/// A server that sends data in place of none may go on for ever, and nothing of it is wanted.
const OPENING: Within = Within {
    dialogue: Duration::from_secs(300),
    whole: Duration::from_secs(300),
};

/// How a command line is carried out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// How long it may take; what has not ended then fails as a silence does.
    pub limit: Option<Within>,
    /// Whether the server is to open what a dry run would bring, over a connection more: which files it may not read.
    pub opens: bool,
}

/// Carries out a command line of rsync's: the words behind `rsync`.
///
/// # Errors
///
/// An option of rsync's that our client lacks.
pub async fn reproduce_in(
    subject: String,
    words: Vec<String>,
    setting: Arc<Setting>,
    manner: Manner,
) -> Result<Report, ProbeError> {
    let mut prober = Prober::new(subject, setting);
    prober.report.command = prober.typed(&words);
    prober.report.left_out.clone_from(&prober.setting.choice.left_out);
    prober.report.folder.clone_from(&prober.setting.choice.folder);
    prober.report.slips.clone_from(&prober.setting.choice.slips);
    prober.watched.lookalike = words.iter().find_map(|word| Lookalike::in_word(word));
    let mut plan = match prober.plan(&words) {
        Ok(plan) => plan,
        Err(ProbeError::Usage(error))
            if !matches!(
                error,
                UsageError::Unsupported(_)
                    | UsageError::PushOnly(_)
                    | UsageError::NotYet(_)
                    | UsageError::Shell { .. }
                    | UsageError::NotText(_)
            ) =>
        {
            for step in OWN
                .into_iter()
                .chain([Step::Modules, Step::DryRun, Step::Opening])
            {
                prober.report.skip(step, Skip::NotAsked);
            }
            prober.misread(Step::CommandLine, &error, &words);
            return prober.blocking(|_| Ok(())).await;
        }
        Err(ProbeError::Usage(error)) => {
            return Err(match prober.report.slip() {
                Some(slip) => ProbeError::Meant(slip.cure.clone(), error),
                None => ProbeError::NotTried(error),
            });
        }
        Err(error) => return Err(error),
    };
    prober.report.is_list = plan.options.list_only;
    let asked = [
        Step::CommandLine,
        Step::Modules,
        Step::DryRun,
        Step::Opening,
        Step::Transfer,
    ];
    for step in OWN.into_iter().chain(asked) {
        let is_asked = match (&plan.place, step) {
            (Place::Modules, step) => step == Step::Modules,
            (_, Step::DryRun) => plan.options.dry_run,
            (_, Step::Opening) => manner.opens && is_open_to(&plan),
            (_, Step::Transfer) => !plan.options.dry_run,
            _ => false,
        };
        if !is_asked {
            prober.report.skip(step, Skip::NotAsked);
        }
    }
    let stream = prober.reach(&plan, &words).await;
    let rest = move |prober: &mut Prober| {
        prober.carry_out(&mut plan, &words, stream, manner);
        Ok(())
    };
    let mut report = prober.blocking(rest).await?;
    if report.is_without() {
        // The causes are those of a command line that nobody has written.
        report.explanation = None;
    }
    Ok(report)
}

impl Prober {
    /// rsync does not understand the command line, or its address.
    pub(super) fn misread(&mut self, step: Step, error: &UsageError, words: &[String]) {
        let mut text = format!("{}{error}", error.prefix());
        for word in words {
            text = text.replace(&**word, &without_password(word));
        }
        self.report.fail(step);
        let said = match error {
            // Of a text of many lines the first one is enough.
            UsageError::Help(text) => text.lines().next().unwrap_or_default().to_owned(),
            _ => text.clone(),
        };
        self.report.note(step, Fact::Said(said));
        self.report.exit = match error {
            UsageError::Misread(Misread::Password { .. } | Misread::Path { .. }) => OF_SSH,
            UsageError::Misread(Misread::Port { .. } | Misread::Host { .. }) => Exit::SocketIo.code(),
            error => error.exit().code(),
        };
        self.report.command = command(words);
        if self.report.exit == 0 {
            return;
        }
        let last = last_line(self.report.exit, "client");
        self.said = format!("{text}\n{last}\n").into_bytes();
    }

    fn session_in(&self, manner: Manner, plan: &Plan, stream: Option<Stream>) -> Session {
        match manner.limit {
            Some(limit) => {
                let silence = self.setting.choice.silence;
                let deadline = Deadline::of_dialogue(limit.dialogue, silence).in_all(limit.whole);
                self.session_until(deadline, plan, stream)
            }
            None => self.whole_session(plan, stream),
        }
    }

    fn carry_out(&mut self, plan: &mut Plan, words: &[String], stream: Option<Stream>, manner: Manner) {
        let session = self.session_in(manner, plan, stream);
        self.take(&session);
        self.is_counted |= session.seen.has(Step::Module);
        let last = match plan.place {
            Place::Modules => Step::Modules,
            _ if plan.options.dry_run => Step::DryRun,
            _ => Step::Transfer,
        };
        if last != Step::Modules && session.is_dismissed() {
            return self.dismissed();
        }
        if session.exit == 0 {
            self.report.pass(last, session.elapsed);
            // rsync may warn, and go on.
            for line in session.lines().take(MOST_LINES) {
                self.report.note(last, Fact::Said(line));
            }
            if last == Step::Modules {
                let lines = session.seen.lines.iter();
                self.report.list(lines.filter_map(|line| module(line)));
            }
            if let Some(outcome) = session.outcome.filter(|outcome| outcome.transferred > 0)
                && plan.options.dry_run
            {
                let fact = Fact::Writes(outcome.transferred, outcome.transferred_size);
                self.report.note(last, fact);
            }
            let deleted = session.outcome.map_or(0, |outcome| outcome.deleted.total());
            if deleted > 0 {
                self.report.note(last, Fact::Deleted(deleted));
            }
            let is_anything_sent = session.outcome.is_some_and(|outcome| outcome.transferred > 0);
            if !is_anything_sent {
                self.report.skip(Step::Opening, Skip::NotAsked);
            } else if manner.opens && is_open_to(plan) {
                let limit = manner.limit.unwrap_or(OPENING);
                let manner = Manner {
                    limit: Some(limit),
                    ..manner
                };
                self.open(plan, words, |prober, plan| {
                    prober.session_in(manner, plan, prober.again(plan))
                });
            }
            for step in [
                Step::Module,
                Step::Access,
                Step::Arguments,
                Step::Setup,
                Step::List,
            ] {
                if last == Step::Modules {
                    self.report.skip(step, Skip::NoModule);
                }
            }
            return;
        }
        let step = session.seen.missed(last, session.outcome.is_some());
        self.failed(step, &session, plan, words);
    }
}
