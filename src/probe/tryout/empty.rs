use crate::{
    catalog::Stage,
    explain::{Known, Predicted},
    model::Scope,
};

/// The page of a file that is no text.
const NO_TEXT: &str = "RSY110";

/// The page of a file without a module.
const NO_MODULE: &str = "RSY232";

/// The pages of what keeps a daemon from starting and does not hold in a trial: the folder of its pid file, its address.
const ENDS_START: [&str; 2] = ["RSY604", "RSY614"];

/// The kind of case of a daemon that starts, and listens on another port than its file names.
pub const WRAPPED_PORT: &str = "port-large";

/// What keeps the daemon from starting outside of a trial, or from listening where its clients call, if something does.
pub(super) fn unstarted(known: &Known) -> Option<Predicted> {
    let ends = |found: &&Predicted| {
        let mut symptoms = found.symptoms.iter();
        let is_end = symptoms.any(|symptom| symptom.stage == Stage::Start && symptom.exit != 0);
        ENDS_START.contains(&found.rule) && (is_end || found.variant == Some(WRAPPED_PORT))
    };
    known.findings.iter().find(ends).cloned()
}

/// The page that tells why a file has no module; none if it has one, or if what was not read may have some.
pub(super) fn emptiness(known: &Known) -> Option<&'static str> {
    let configuration = &known.server.as_ref()?.configuration;
    let is_empty = configuration.modules.is_empty() && configuration.is_settled(Scope::Global);
    let is_no_text = known.findings.iter().any(|found| found.rule == NO_TEXT);
    is_empty.then_some(if is_no_text { NO_TEXT } else { NO_MODULE })
}
