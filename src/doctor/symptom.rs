//! What a text means that a client was seen to say, with what is known of the configuration.

use std::rc::Rc;

use crate::{
    doctor::{Cause, Check, Fact, Report, Stage, Urgency, heard},
    explain::{Known, explain},
};

pub(super) fn look(text: &str, known: Option<&Known>, stage: &mut Stage, report: &mut Report) {
    let nothing = Known::default();
    // Reading from memory does not fail.
    let Ok(found) = explain(text.as_bytes(), known.unwrap_or(&nothing)) else {
        return;
    };
    let mut found = Rc::new(found);
    heard::note_open_ports(&mut found, &report.stages);
    let causes = Cause::of_text(&found, Check::Symptom, Urgency::Now);
    stage.note(Fact::Recognised(causes.len()));
    if causes.is_empty() {
        stage.warn();
    } else {
        stage.fail();
    }
    report.causes.extend(causes);
}
