use std::{path::Path, pin::pin, sync::Arc, time::Duration};

use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use crate::{
    probe::{
        ProbeError, Report, Setting, Target,
        audit::audit,
        delta::{Differs, Pulled},
        files::only,
        prober::Prober,
        push::is_write_only,
        recorder::{MOST_TEXT, Seen},
        session::Session,
        stage::{Fact, Skip, State, Step},
    },
    rsync::{
        net::Stream,
        transfer::{Outcome, describe, shown},
    },
    sync::{Plan, UsageError},
};

/// How a daemon refuses a connection because there are so many.
const FULL: &str = "@ERROR: max connections (";

/// What rsync ends with 0 on, and says nothing about.
const DISMISSED: &str = "the server answered `@RSYNCD: EXIT`, which ends a list of modules, and opened no module: rsync ends with 0 and copies nothing";

/// What a dry run asks for: all that `rsync -az` does.
const WANTED: &str = "rlptgoDzn";

/// How many milliseconds are waited before each new try then: six seconds in all.
const PAUSES: [u64; 7] = [50, 100, 200, 400, 800, 1600, 3200];

/// How soon it is seen that the user wants no more.
const GLANCE: Duration = Duration::from_millis(100);

/// Probes a target, one connection after the other.
///
/// # Errors
///
/// An option that is none, or a folder that cannot be made.
pub async fn probe(target: Target, setting: Arc<Setting>) -> Result<Report, ProbeError> {
    let mut prober = Prober::new(target.text.clone(), setting);
    for step in [Step::CommandLine, Step::Opening, Step::Transfer] {
        prober.report.skip(step, Skip::NotAsked);
    }
    if !prober.setting.choice.pushes {
        for step in [Step::Push, Step::PushDelta, Step::ReadBack, Step::Removal] {
            prober.report.skip(step, Skip::NotAsked);
        }
    }
    let words = prober.words(&[&target.daemon()]);
    let plan = prober.plan(&words)?;
    prober.report.command = prober.typed(&words);
    let stream = prober.reach(&plan, &words).await;
    let module = target.module_and_path().map(str::to_owned);
    prober.asked = module
        .as_deref()
        .and_then(|path| path.split('/').next())
        .map(str::to_owned);
    let probed = prober.blocking(move |prober| prober.converse(&target, &plan, &words, stream));
    let mut report = probed.await?;
    report.remarks = audit(&report, module.as_deref());
    Ok(report)
}

/// A line of the list: name, a tab, comment; what is before the list is the message of the day.
pub(super) fn module(line: &[u8]) -> Option<Fact> {
    let tab = line.iter().position(|&byte| byte == b'\t')?;
    let (name, comment) = (shown(&line[..tab]), shown(&line[tab + 1..]));
    Some(Fact::Module(name.trim_end().to_owned(), comment))
}

/// What is said where nothing came of what had been listed.
const GONE: &str = "what was listed was gone when it was asked for: files come and go in this module";

impl Prober {
    /// Everything behind the connection.
    fn converse(
        &mut self,
        target: &Target,
        plan: &Plan,
        words: &[String],
        stream: Option<Stream>,
    ) -> Result<(), ProbeError> {
        let module = target.module();
        self.list_modules(plan, words, stream, module.is_some());
        if !self.report.stage(Step::Version).state.is_passed() {
            return Ok(());
        }
        let Some(module) = module else {
            let is_asked = |step: &Step| self.report.stage(*step).state == State::NotReached;
            let behind: Vec<_> = Step::ALL.into_iter().filter(is_asked).collect();
            for step in behind {
                self.report.skip(step, Skip::NoModule);
            }
            return Ok(());
        };
        // Folders here and there are left in order, also between connections.
        let connections = self.setting.connections.clone();
        let _held = connections.hold();
        let folder = tempfile::Builder::new()
            .prefix("rsyncctl-probe-")
            .tempdir_in(&self.setting.folder)
            .map_err(ProbeError::Folder)?;
        let _kept = connections.keep(folder.path());
        let place = folder.path().display().to_string();
        let Some(seen) = self.dry_run(&module, &place)? else {
            return Ok(());
        };
        let names = seen.candidates.chosen();
        if self.report.stage(Step::Pull).state == State::NotReached {
            if names.is_empty() {
                self.report.skip(Step::Pull, Skip::NoFile);
                self.report.skip(Step::Delta, Skip::NoFile);
            } else {
                self.pull(&module, folder.path(), &names)?;
            }
        }
        if self.setting.choice.pushes {
            self.push(&module, &seen.left)?;
        }
        Ok(())
    }

    /// Asks for the list of modules.
    fn list_modules(&mut self, plan: &Plan, words: &[String], stream: Option<Stream>, is_more_wanted: bool) {
        let session = self.session(plan, stream);
        self.take(&session);
        if session.exit == 0 {
            self.report
                .list(session.seen.lines.iter().filter_map(|line| module(line)));
            if session.seen.is_cut {
                let text = format!("the list is longer: its first {} KiB were kept", MOST_TEXT >> 10);
                self.report.note(Step::Modules, Fact::Said(text));
            }
            self.report.pass(Step::Modules, session.elapsed);
            return;
        }
        let step = session.seen.missed(Step::Modules, false);
        if step == Step::Modules && is_more_wanted {
            // That the modules are not listed says nothing about one of them.
            self.report.fail(step);
            return;
        }
        self.failed(step, &session, plan, words);
    }

    /// Lists the module, and goes through the list without a change; what was seen, unless the module is out of reach.
    fn dry_run(&mut self, module: &str, place: &str) -> Result<Option<Seen>, ProbeError> {
        self.dispensable = WANTED;
        let deep = format!("--exclude={}", "/*".repeat(self.setting.choice.depth + 1));
        let (plan, words, session) = loop {
            let letters = self.refused.word(WANTED);
            let mut words = vec![&*letters, &*deep];
            words.extend(self.refused.has('n').then_some("--list-only"));
            words.extend([module, place]);
            let words = self.words(&words);
            let plan = match self.plan(&words) {
                Err(ProbeError::Usage(error @ UsageError::NoModule { .. })) => {
                    self.misread(Step::Module, &error, &words);
                    return Ok(None);
                }
                plan => plan?,
            };
            let session = self.next_session(&plan);
            // Another client may do without it, and so does this one.
            let Some(option) = self.refused.take(WANTED, session.lines()) else {
                break (plan, words, session);
            };
            self.report.note(Step::Setup, Fact::Refused(option));
        };
        self.dispensable = "";
        self.take(&session);
        if self.refused.has('n') {
            self.report.skip(Step::DryRun, Skip::Refused);
        }
        self.report.command = self.typed(&words);
        if is_write_only(&session) {
            for step in [
                Step::Arguments,
                Step::Setup,
                Step::List,
                Step::DryRun,
                Step::Pull,
                Step::Delta,
            ] {
                self.report.skip(step, Skip::WriteOnly);
            }
            return Ok(Some(session.seen));
        }
        if session.is_dismissed() {
            self.dismissed();
            return Ok(None);
        }
        if session.exit != 0 {
            let step = session.seen.missed(Step::DryRun, session.outcome.is_some());
            self.failed(step, &session, &plan, &words);
            if !session.seen.is_anything_listed {
                // What does not exist would be made by a push.
                return Ok(None);
            }
        }
        Ok(session.outcome.map(|_| session.seen))
    }

    /// Pulls the files, changes one, and pulls again.
    fn pull(&mut self, module: &str, folder: &Path, names: &[&str]) -> Result<(), ProbeError> {
        let rules = only(names);
        let place = folder.display().to_string();
        // No links: what is changed afterwards is a file of this folder.
        let letters = self.refused.word("rtz");
        let mut words = vec![&*letters];
        words.extend(rules.iter().map(String::as_str));
        words.extend([module, &place]);
        let words = self.words(&words);
        let plan = self.plan(&words)?;
        if self.fetch(Step::Pull, &plan, &words).is_err() {
            return Ok(());
        }
        // Files come and go, in a queue within the moment.
        let names: Vec<_> = names
            .iter()
            .copied()
            .filter(|name| folder.join(name).exists())
            .collect();
        if names.is_empty() {
            self.report.note(Step::Pull, Fact::Said(GONE.to_owned()));
            self.report.skip(Step::Delta, Skip::NoFile);
            return Ok(());
        }
        let pulled = match Pulled::read(folder, &names) {
            Ok(pulled) => pulled,
            Err(error) => {
                self.differs(Step::Pull, &describe(&error));
                return Ok(());
            }
        };
        if let Err(error) = pulled.change() {
            self.differs(Step::Delta, &describe(&error));
            return Ok(());
        }
        let Ok(outcome) = self.fetch(Step::Delta, &plan, &words) else {
            return Ok(());
        };
        if outcome.transferred == 0 {
            self.report.note(Step::Delta, Fact::Said(GONE.to_owned()));
            return Ok(());
        }
        let saving = Fact::Saving(outcome.literal, outcome.matched);
        self.report.note(Step::Delta, saving);
        match pulled.differing() {
            Ok(None) => {}
            Ok(Some(differs)) => {
                let (Differs::There(path) | Differs::Here(path)) = differs;
                let name = path.strip_prefix(folder).unwrap_or(path).display();
                if let Differs::There(_) = differs {
                    // Logs are served, too, and commands of the module may write.
                    let text = format!("{name} was written on the server meanwhile");
                    self.report.note(Step::Delta, Fact::Said(text));
                } else {
                    let text = format!(
                        "{name} came with other content than before, and the server gives it the same time and size"
                    );
                    self.differs(Step::Delta, &text);
                }
            }
            Err(error) => self.differs(Step::Delta, &describe(&error)),
        }
        Ok(())
    }

    /// Carries a command line out for a stage; the session if that fails.
    pub(super) fn fetch(
        &mut self,
        step: Step,
        plan: &Plan,
        words: &[String],
    ) -> Result<Outcome, Box<Session>> {
        self.come_to(step);
        let mut session = self.next_session(plan);
        match session.outcome.take_if(|outcome| outcome.exit == 0) {
            Some(outcome) => {
                self.report.pass(step, session.elapsed);
                let fact = Fact::Files(outcome.transferred, outcome.transferred_size);
                self.report.note(step, fact);
                Ok(outcome)
            }
            None => {
                self.failed(step, &session, plan, words);
                Err(session.into())
            }
        }
    }

    /// rsync ends there with 0, and says nothing.
    pub(super) fn dismissed(&mut self) {
        self.differs(Step::Module, DISMISSED);
        self.said = DISMISSED.into();
        self.watched.is_dismissed = true;
    }

    /// A stage that rsync itself finds nothing wrong with.
    pub(super) fn differs(&mut self, step: Step, what: &str) {
        self.report.fail(step);
        self.report.note(step, Fact::Said(what.to_owned()));
    }

    /// A session over one more connection. A module counts one of ours until the daemon has ended all that belongs to it
    /// (`claim_connection` in connection.c, `post-xfer exec`): a refusal for their number is believed once that had its time.
    pub(super) fn next_session(&mut self, plan: &Plan) -> Session {
        self.admitted(|prober| prober.session(plan, prober.again(plan)))
    }

    /// The same for a session that is carried out otherwise.
    pub(super) fn admitted(&mut self, run: impl Fn(&Self) -> Session) -> Session {
        let mut pauses = PAUSES.into_iter();
        loop {
            let session = run(self);
            let is_full = session.lines().any(|line| line.starts_with(FULL));
            if is_full
                && self.is_counted
                && let Some(pause) = pauses.next()
                && self.until_ended(sleep(Duration::from_millis(pause))).is_some()
            {
                continue;
            }
            self.is_counted |= session.seen.has(Step::Module);
            return session;
        }
    }

    /// One more connection to the address that took the first.
    pub(super) fn again(&self, plan: &Plan) -> Option<Stream> {
        let Setting { choice, wire, .. } = &*self.setting;
        let connected = wire.connect(
            &plan.daemon.address,
            self.address?,
            choice.connect_limit,
            &choice.announce,
        );
        // What cannot be reached any more fails in the session, which says how.
        self.until_ended(connected)?.ok()
    }

    /// Waits for something, unless the user does not want it any more.
    fn until_ended<T>(&self, awaited: impl Future<Output = T>) -> Option<T> {
        let connections = &self.setting.connections;
        Handle::current().block_on(async {
            let mut awaited = pin!(awaited);
            while !connections.are_ended() {
                if let Ok(done) = timeout(GLANCE, &mut awaited).await {
                    return Some(done);
                }
            }
            None
        })
    }
}
