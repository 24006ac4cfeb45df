//! The machine behind a remote shell, asked whether a daemon serves there what the command line names with one colon.

use std::{sync::Arc, time::Duration};

use crate::{
    doctor::{
        Cause, Check, Fact, Report, Stage,
        client::{Client, ClientFact, TYPED, corrected},
    },
    probe::{self, Manner, Step, Within, reproduce_in},
    syntax::Invocation,
    terms::{Remote, Target, without_password},
};

/// So long each of its answers may take: nobody has asked for a daemon there.
const LIMIT: Duration = Duration::from_secs(5);

/// Why rsync calls a remote shell though a daemon of that machine has the module; none if no daemon answers there, if it has
/// no such module, or if the shell may well be meant.
pub(super) fn has_module(client: &Client<'_>, stage: &mut Stage, report: &Report) -> Option<Cause> {
    let invocation = &client.invocation;
    let mut targets = invocation.targets.iter().zip(&invocation.target_words);
    let (remote, index) = targets.find_map(|(target, &index)| match target {
        Target::Shell(remote) => Some((remote, index)),
        _ => None,
    })?;
    let has_told = |rule: &str| report.causes.iter().any(|cause| cause.page.id == rule);
    // A path from the root on is one of the system, and so is one below a home folder.
    if remote.path.starts_with(['/', '~']) || client.has("rsh") || has_told("RSY994") {
        return None;
    }
    let module = remote
        .path
        .split('/')
        .next()
        .filter(|module| !module.is_empty())?;
    let probed = visited(client, remote, module)?;
    for one in probed.stages.iter().filter(|one| one.state.is_passed()) {
        if matches!(one.step, Step::Connect | Step::Greeting) {
            stage.note(Fact::Client(ClientFact::Probed(one.clone())));
        }
    }
    let word = without_password(&client.setup.words[index]);
    let port = Invocation::PORT;
    let fact = format!(
        "an rsync daemon answers on port {port} of `{}`, and `{module}` is a module of it",
        remote.host
    );
    let cause = client.cause(
        "RSY874",
        Check::Server,
        TYPED.as_ref(),
        vec![("word", word)],
        fact,
    );
    let line = corrected::with_two_colons(&client.setup.words, index);
    Some(cause.of_kind("module").typing(vec![line]))
}

/// What the daemon of that machine said where it has the module: one that it lists, or one that it opens by its name.
fn visited(client: &Client<'_>, remote: &Remote, module: &str) -> Option<probe::Report> {
    let host = match remote.host.contains(':') {
        true => format!("[{}]", remote.host),
        false => remote.host.clone(),
    };
    let listed = visit(client, format!("{host}::"))?;
    if !listed.stage(Step::Version).state.is_passed() {
        return None;
    }
    let mut facts = listed.stage(Step::Modules).facts.iter();
    if facts.any(|fact| matches!(fact, probe::Fact::Module(name, _) if name == module)) {
        return Some(listed);
    }
    let opened = visit(client, format!("{host}::{module}"))?;
    opened.stage(Step::Module).state.is_passed().then_some(opened)
}

/// Asks the daemon for a list, and does not log in.
fn visit(client: &Client<'_>, target: String) -> Option<probe::Report> {
    let setup = client.setup;
    let bare: &Arc<_> = &setup.bare;
    let words = bare.choice.words.iter().cloned();
    let words = words.chain(["--list-only", "--dirs"].map(str::to_owned));
    let words = words.chain([target.clone()]).collect();
    let limit = Within {
        dialogue: LIMIT,
        whole: LIMIT,
    };
    let manner = Manner {
        limit: Some(limit),
        opens: false,
    };
    let visit = reproduce_in(target, words, bare.clone(), manner);
    setup.runtime.block_on(visit).ok()
}
