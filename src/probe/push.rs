use crate::{
    probe::{
        ProbeError, Setting,
        prober::Prober,
        sample::{Sample, is_own},
        session::Session,
        stage::{Fact, Skip, Step},
    },
    rsync::transfer::{describe, shown},
};

/// Codes with which a push ends before anything was written.
const REFUSED: [u8; 6] = [1, 2, 3, 4, 5, 10];

/// How a folder is deleted that is named, and missing here.
const DELETION: &[&str] = &["-ri", "--delete", "--delete-missing-args"];

impl Prober {
    /// Sends a folder of our own into the module, changes it, sends the difference, reads it back and has it deleted;
    /// folders of earlier probes with it.
    pub(super) fn push(&mut self, module: &str, left: &[String]) -> Result<(), ProbeError> {
        if self.refused.has('r') {
            for step in [Step::Push, Step::PushDelta, Step::ReadBack, Step::Removal] {
                self.report.skip(step, Skip::Refused);
            }
            return Ok(());
        }
        let Setting { folder, wire, .. } = &*self.setting;
        let sample = Sample::new(folder, wire.sample()).map_err(ProbeError::Folder)?;
        wire.note_sample(&sample.name);
        let place = format!("{}/", module.trim_end_matches('/'));
        let source = sample.source().display().to_string();
        let words = self.words(&[&self.refused.word("rtz"), &source, &place]);
        let plan = self.plan(&words)?;
        let is_written = match self.fetch(Step::Push, &plan, &words) {
            Ok(_) => true,
            Err(session) => session.seen.has(Step::Setup) && !REFUSED.contains(&session.exit),
        };
        if self.report.stage(Step::Push).state.is_passed() {
            self.push_difference(&sample, &words)?;
            self.read_back(&sample, &place)?;
        }
        let own = is_written.then_some(&sample.name);
        // A listed folder is part of the names, unless it ends with a slash.
        let listed = module.rsplit('/').next().unwrap_or_default();
        let left = left.iter().filter_map(|name| {
            let name = name.strip_prefix(listed)?.trim_start_matches('/');
            (!name.contains('/')).then_some(name)
        });
        if let Some(name) = own {
            self.remove(name, &sample, &place)?;
        }
        for name in left {
            if self.is_ours_alone(name, &place)? {
                self.remove(name, &sample, &place)?;
            }
        }
        Ok(())
    }

    /// Whether a folder that is called as those of probes holds nothing else than what a probe leaves; what cannot be listed
    /// stays.
    fn is_ours_alone(&mut self, name: &str, place: &str) -> Result<bool, ProbeError> {
        let words = self.words(&["-r", "--list-only", &format!("{place}{name}/")]);
        let plan = self.plan(&words)?;
        let session = self.next_session(&plan);
        let is_own = session.exit == 0 && is_own(&session.seen.entries);
        if !is_own {
            let text = format!("{name} is called as folders of probes, and holds something else: it stays");
            self.report.note(Step::Removal, Fact::Said(text));
        }
        Ok(is_own)
    }

    fn push_difference(&mut self, sample: &Sample, words: &[String]) -> Result<(), ProbeError> {
        if let Err(error) = sample.change() {
            self.differs(Step::PushDelta, &describe(&error));
            return Ok(());
        }
        let plan = self.plan(words)?;
        if let Ok(outcome) = self.fetch(Step::PushDelta, &plan, words) {
            let saving = Fact::Saved(outcome.literal, outcome.matched);
            self.report.note(Step::PushDelta, saving);
        }
        Ok(())
    }

    fn read_back(&mut self, sample: &Sample, place: &str) -> Result<(), ProbeError> {
        let (from, to) = (format!("{place}{}/", sample.name), sample.back());
        let to = to.display().to_string();
        self.come_to(Step::ReadBack);
        let words = self.words(&["-r", &from, &to]);
        let plan = self.plan(&words)?;
        let session = self.next_session(&plan);
        if session.exit != 0 {
            if is_write_only(&session) {
                self.report.skip(Step::ReadBack, Skip::WriteOnly);
            } else {
                self.failed(Step::ReadBack, &session, &plan, &words);
            }
            return Ok(());
        }
        self.report.pass(Step::ReadBack, session.elapsed);
        match sample.is_back() {
            Ok(true) => {}
            Ok(false) => self.differs(Step::ReadBack, "what came back is not what was sent"),
            Err(error) => self.differs(Step::ReadBack, &describe(&error)),
        }
        Ok(())
    }

    /// Has one folder deleted, and nothing else: only its name is sent, as one that is missing here, and the server stops
    /// after as many files as the folder has. The module's own folder is not sent: a daemon applies its `incoming chmod`
    /// to all that is (`set_file_attrs` in rsync.c).
    fn remove(&mut self, name: &str, sample: &Sample, place: &str) -> Result<(), ProbeError> {
        self.come_to(Step::Removal);
        let missing = sample.nothing().join(name).display().to_string();
        let words = self.words(&[DELETION, &["--max-delete=2", &missing, place]].concat());
        let plan = self.plan(&words)?;
        let session = self.next_session(&plan);
        let mut is_gone = deletes(&session, name);
        // A push that failed may have left nothing.
        let is_sent = name != sample.name || self.report.stage(Step::Push).state.is_passed();
        match session.exit {
            0 if is_gone => self.report.pass(Step::Removal, session.elapsed),
            0 => {}
            _ => self.failed(Step::Removal, &session, &plan, &words),
        }
        if !is_gone && session.exit != 0 && name == sample.name {
            is_gone = self.remove_closed(sample, place)?;
        }
        if !is_gone && (is_sent || session.exit != 0) {
            self.left(name, place);
        }
        Ok(())
    }

    /// Has our own folder deleted that came in closed to the daemon's own account: for the time of a transfer into it the
    /// daemon opens it again (`recv_generator` in generator.c), so it is emptied first, by an empty one. Whether it is gone.
    fn remove_closed(&mut self, sample: &Sample, place: &str) -> Result<bool, ProbeError> {
        let empty = sample
            .emptied()
            .map_err(ProbeError::Folder)?
            .display()
            .to_string();
        let missing = sample.nothing().join(&sample.name).display().to_string();
        let emptying = [&["-ri", "--delete"][..], &["--max-delete=1", &empty, place]].concat();
        let deletion = [DELETION, &["--max-delete=1", &missing, place]].concat();
        let mut is_gone = false;
        for words in [emptying, deletion] {
            let words = self.words(&words);
            let plan = self.plan(&words)?;
            let session = self.next_session(&plan);
            is_gone = deletes(&session, &sample.name);
        }
        Ok(is_gone)
    }

    /// Says that a folder is still in the module.
    fn left(&mut self, name: &str, place: &str) {
        // Behind `rsync://host/module/`.
        let mut parts = place.splitn(5, '/').skip(3);
        let module = parts.next().unwrap_or_default();
        let path = parts.next().unwrap_or_default();
        let server = self.setting.known.server.as_ref();
        let fact = Fact::Left {
            name: format!("{path}{name}"),
            module: server
                .and_then(|server| server.place_of(module))
                .filter(|path| !path.contains('%')),
        };
        self.report.fail(Step::Removal);
        self.report.note(Step::Removal, fact);
    }
}

/// Whether the server has deleted that folder.
fn deletes(session: &Session, name: &str) -> bool {
    let mut deleted = session.seen.deleted.iter();
    deleted.any(|gone| shown(gone).trim_end_matches('/') == name)
}

/// Whether a module refused to be read (`read_only` and `write_only` in clientserver.c).
pub(super) fn is_write_only(session: &Session) -> bool {
    session.lines().any(|line| line == "ERROR: module is write only")
}
