//! Folders above what clients push, which rsync does not make: whether they are there by now, and for whom they are to be made.

use std::path::Path;

use crate::{
    catalog::Severity,
    doctor::{Cause, Check, Told},
    explain::Server,
    host::{EntryKind, Host},
    model::Scope,
};

/// That the folder above the target is missing.
const MISSING: &str = "RSY852";

/// Looks for the folders that sessions of a log missed in modules: what is there by now is over, and what is not is to be made
/// for the module's user, who has to write there.
pub(super) fn note(server: &Server, host: &dyn Host, file: &Path, causes: &mut [Cause]) {
    let is_logged = |cause: &&mut Cause| cause.page.id == MISSING && cause.seen == [Check::Log].into();
    for cause in causes.iter_mut().filter(is_logged) {
        let Told::Text(explanation, index) = &cause.told else {
            continue;
        };
        let explanation = explanation.clone();
        let incident = &explanation.incidents[*index];
        let names = &incident.names;
        let name = |wanted: &str| {
            names
                .iter()
                .find(|(kind, _)| *kind == wanted)
                .map(|(_, name)| name)
        };
        let (Some(module), Some(path)) = (name("module"), name("path")) else {
            continue;
        };
        let (Some(top), Some(index)) = (
            server.place_of(module),
            server.configuration.module(module.as_bytes()),
        ) else {
            continue;
        };
        let place = Path::new(&top).join(path.trim_matches('/'));
        let Some(folder) = place.parent() else {
            continue;
        };
        let shown = folder.display().to_string();
        match host.metadata(folder, true) {
            Ok(Some(found)) if found.kind == EntryKind::Directory => {
                cause.severity = Severity::Info;
                cause.also.push(format!("{shown} is there"));
            }
            Ok(_) => {
                let whole = place.display().to_string();
                let arguments = vec![
                    ("path", path.clone()),
                    ("module", module.clone()),
                    ("target-path", whole),
                    ("PARENT_FOLDER", shown.clone()),
                    ("target-folder", shown),
                    ("module-user", server.account(Scope::Module(index))),
                ];
                let line = incident.lines.first();
                let facts = line.map(|line| format!("`{}`", line.text)).into_iter().collect();
                let mut told = Cause::of_rule(MISSING, Check::Log, file, arguments, facts).of_kind("module");
                told.urgency = cause.urgency;
                *cause = told;
            }
            Err(_) => {}
        }
    }
}
