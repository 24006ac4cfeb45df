use crate::{explain::Known, model::Scope};

/// The page of a file that is no text.
const NO_TEXT: &str = "RSY110";

/// The page of a file without a module.
const NO_MODULE: &str = "RSY232";

/// The page that tells why a file has no module; none if it has one, or if what was not read may have some.
pub(super) fn emptiness(known: &Known) -> Option<&'static str> {
    let configuration = &known.server.as_ref()?.configuration;
    let is_empty = configuration.modules.is_empty() && configuration.is_settled(Scope::Global);
    let is_no_text = known.findings.iter().any(|found| found.rule == NO_TEXT);
    is_empty.then_some(if is_no_text { NO_TEXT } else { NO_MODULE })
}
