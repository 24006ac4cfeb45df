//! Files of others in a sticky folder of a module, which nobody but their owner and the folder's may replace.

use std::path::Path;

use crate::{
    doctor::{Cause, Check, Told},
    explain::Server,
    host::{EntryKind, Host, is_immutable},
    model::Scope,
};

/// That something may not be replaced, not even by root.
const KEPT: &str = "RSY844";

/// Whose files others in the same folder may not replace (inode(7)).
const STICKY: u32 = 0o1000;

/// Tells of a file that sessions of a log could not replace that its folder is sticky and it is somebody else's, where it is.
pub(super) fn note(server: &Server, host: &dyn Host, file: &Path, causes: &mut [Cause]) {
    let is_logged = |cause: &&mut Cause| cause.page.id == KEPT && !cause.is_over();
    for cause in causes.iter_mut().filter(is_logged) {
        if let Some(found) = behind(cause, server, host, file) {
            *cause = found;
        }
    }
}

fn behind(cause: &Cause, server: &Server, host: &dyn Host, file: &Path) -> Option<Cause> {
    let Told::Text(explanation, index) = &cause.told else {
        return None;
    };
    let incident = &explanation.incidents[*index];
    let arguments = &incident.causes.first()?.arguments;
    let name = |wanted: &str| {
        let mut named = arguments.iter().filter(|(kind, _)| *kind == wanted);
        named.next().map(|(_, name)| name.clone())
    };
    let (module, path, whole) = (name("module")?, name("path")?, name("target-path")?);
    let place = Path::new(&whole);
    let folder = host.metadata(place.parent()?, true).ok()??;
    let found = host.metadata(place, false).ok()??;
    let scope = Scope::Module(server.configuration.module(module.as_bytes())?);
    let account = server.account(scope);
    let is_kept = folder.mode & STICKY != 0
        && found.kind == EntryKind::File
        && is_immutable(&host.ours(place)) != Ok(Some(true));
    if !is_kept || account.is_empty() {
        return None;
    }
    let shown = shell_words::quote(&whole).into_owned();
    let mut facts: Vec<_> = incident
        .lines
        .first()
        .map(|line| format!("`{}`", line.text))
        .into_iter()
        .collect();
    facts.push(format!(
        "{} has mode {:o}; {whole} belongs to uid {}",
        place.parent()?.display(),
        folder.mode,
        found.uid
    ));
    let arguments = vec![
        ("path", path),
        ("module", module.clone()),
        ("account", account.clone()),
        ("owner", found.uid.to_string()),
        ("target-parent", place.parent()?.display().to_string()),
        ("target-folder", place.parent()?.display().to_string()),
        ("target-path", whole.clone()),
    ];
    let mut told = Cause::of_rule(KEPT, Check::Log, file, arguments, facts).of_kind("sticky");
    told.urgency = cause.urgency;
    told.seen.clone_from(&cause.seen);
    // Who may write in a folder below may have it lead elsewhere before that is typed.
    let is_at_top = server
        .place_of(&module)
        .is_some_and(|top| place.parent() == Some(Path::new(&top)));
    Some(match is_at_top {
        true => told.typing(vec![format!("chown -h {} {shown}", shell_words::quote(&account))]),
        false => told,
    })
}
