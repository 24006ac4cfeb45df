//! Whether the server may read what a pull is to bring: a dry run opens nothing there.

use crate::{
    probe::{
        prober::Prober,
        refused::REFUSAL,
        session::Session,
        stage::{Fact, Skip, Step},
    },
    sync::{Place, Plan},
};

/// An older server reads whole files to append to them (`setup_protocol` in compat.c).
const OLDEST: u8 = 30;
/// What a sender says of a file that it cannot open (`send_files` in sender.c).
const UNREADABLE: &str = "send_files failed to open";

/// Whether a dry run of it leaves files closed that the server would send.
pub(super) fn is_open_to(plan: &Plan) -> bool {
    let options = &plan.options;
    let is_pull = matches!(plan.place, Place::Files { .. });
    // To open a device may do more than that.
    is_pull && options.dry_run && !options.list_only && !options.copy_devices
}

impl Prober {
    /// Lets the server open each file that the dry run would bring, over a connection more. None is sent.
    pub(super) fn open(&mut self, plan: &mut Plan, words: &[String], run: impl Fn(&Self, &Plan) -> Session) {
        let is_old = |fact: &Fact| matches!(fact, Fact::Protocol(protocol) if *protocol < OLDEST);
        if self.report.stage(Step::Version).facts.iter().any(is_old) {
            return self.report.skip(Step::Opening, Skip::OldProtocol);
        }
        plan.options = plan.options.opening();
        self.come_to(Step::Opening);
        let session = self.admitted(|prober| run(prober, plan));
        if session.exit == 0 {
            self.report.pass(Step::Opening, session.elapsed);
            let count = session.outcome.map_or(0, |outcome| outcome.transferred);
            return self.report.note(Step::Opening, Fact::Opened(count));
        }
        let says = |text: &str| session.lines().any(|line| line.contains(text));
        if says(UNREADABLE) && session.outcome.is_some() {
            self.failed(Step::Opening, &session, plan, words);
        } else if says(REFUSAL) {
            self.report.skip(Step::Opening, Skip::Refused);
        } else {
            // What a dry run does not meet and a transfer does not meet either.
            self.report.skip(Step::Opening, Skip::Unfinished);
        }
    }
}
