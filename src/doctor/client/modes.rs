//! Modes of the command line that close the folders of the transfer to whoever is not root.

use crate::{
    catalog::{Confidence, Severity},
    doctor::{
        Report, Told, Urgency,
        client::{Client, runner},
    },
    model::{Parameter, Scope},
    terms::Target,
};

/// The page of such modes, and its kind of case that a receiver meets.
const CLOSING: (&str, &str) = ("RSY623", "owner");
const ROOT: [&str; 2] = ["root", "0"];

/// They make each run fail where it is known who receives the folders, and that is not root: a dry run changes no mode, and
/// passes.
pub(super) fn look(client: &Client<'_>, report: &mut Report) {
    let mut causes = report.causes.iter_mut();
    let is_closing = |told: &Told| match told {
        Told::Finding(found, index) => found.findings[*index].variant == Some(CLOSING.1),
        _ => false,
    };
    let Some(cause) = causes.find(|cause| cause.page.id == CLOSING.0 && is_closing(&cause.told)) else {
        return;
    };
    if is_received_by_root(client) == Some(false) {
        cause.urgency = Urgency::Now;
        cause.severity = Severity::Error;
        cause.confidence = Confidence::Certain;
    }
}

/// Whether root receives what is transferred; `None` where that is decided on another machine.
fn is_received_by_root(client: &Client<'_>) -> Option<bool> {
    match client.invocation.targets.last()? {
        Target::Local(_) => Some(runs_as_root(client)),
        Target::Daemon(remote) => {
            client.setup.here.as_ref()?;
            let server = client.setup.setting.known.server.as_ref()?;
            if server.plain_user.is_some() {
                return Some(false);
            }
            let (module, _) = remote.path.split_once('/').unwrap_or((&remote.path, ""));
            let configuration = &server.configuration;
            let index = configuration.module(module.as_bytes())?;
            let user = configuration.text(Scope::Module(index), Parameter::Uid).value;
            Some(ROOT.iter().any(|root| root.as_bytes() == &*user))
        }
        Target::Shell(_) => None,
    }
}

/// Whether the command line runs as root.
fn runs_as_root(client: &Client<'_>) -> bool {
    runner::uid_of(&client.setup.runner, client.setup.host) == Some(0)
}
