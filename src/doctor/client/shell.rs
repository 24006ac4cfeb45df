//! A remote shell that a command line asks for, where the daemon of this machine is meant.

use std::path::Path;

use crate::{
    doctor::{
        Cause, Check, Report,
        client::{Client, TYPED, corrected},
    },
    terms::{Target, without_password},
};

/// Why rsync calls a remote shell though a module of a daemon of this machine is named; none if it does not, if that may well be
/// meant, or if it has been told.
pub(super) fn in_place_of_daemon(client: &Client<'_>, report: &Report) -> Option<Cause> {
    let here = client.setup.here.as_ref()?;
    let file = here.file.as_deref().unwrap_or_else(|| Path::new(TYPED));
    let invocation = &client.invocation;
    let at = invocation
        .targets
        .iter()
        .position(|target| target.remote().is_some())?;
    let index = invocation.target_words[at];
    let word = without_password(&client.setup.words[index]);
    let remote = invocation.targets[at].remote()?;
    let has_told = |rule: &str| report.causes.iter().any(|cause| cause.page.id == rule);
    match &invocation.targets[at] {
        // A path from the root on is one of the system, and a module may be called so.
        Target::Shell(_) if !remote.path.starts_with('/') && !has_told("RSY994") => {
            let module = here.modules.concat();
            let fact = format!("`{module}` is a module of the daemon here");
            let cause = client.cause("RSY874", Check::Server, file, vec![("word", word)], fact);
            let line = corrected::with_two_colons(&client.setup.words, index);
            Some(cause.of_kind("module").typing(vec![line]))
        }
        Target::Daemon(_) if client.has("rsh") => {
            let shell = invocation.option("rsh")?.value.clone()?;
            let arguments = vec![
                ("shell", without_password(&shell)),
                ("word", word),
                ("host", remote.host.clone()),
            ];
            let fact = format!("`{}` is the configuration of the daemon here", file.display());
            let cause = client.cause("RSY874", Check::Server, file, arguments, fact);
            let line = corrected::without(&client.setup.words, "rsh");
            Some(cause.of_kind("option").typing(vec![line]))
        }
        _ => None,
    }
}
