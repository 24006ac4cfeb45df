//! A login in a name that the command line does not say.

use crate::{
    catalog::Confidence,
    doctor::{
        Cause, Check,
        client::{Client, TYPED, corrected},
    },
    probe::{self, Step},
    sync::LoginSource,
    terms::Target,
};

/// The account that runs backups on most machines, and that few modules admit.
const ROOT: &str = "root";

/// Why a login was refused that the client made in the name of this machine's user: rsync sends that where the address has
/// none (`start_inband_exchange` in clientserver.c).
pub(super) fn unnamed(client: &Client<'_>, probed: &probe::Report) -> Option<Cause> {
    let peer = client.invocation.peer();
    let Some(Target::Daemon(remote)) = peer.filter(|peer| peer.module().is_some()) else {
        return None;
    };
    let mut facts = probed.stage(Step::Authentication).facts.iter();
    let (user, source) = facts.find_map(|fact| match fact {
        probe::Fact::User(user, source) if *source != LoginSource::Address => Some((user, *source)),
        _ => None,
    })?;
    let arguments = vec![
        ("user", user.clone()),
        ("module", peer?.module()?.to_owned()),
        ("host", remote.host.clone()),
    ];
    let fact = format!("the daemon refused `{user}`, and the command line names nobody");
    let mut cause = client.cause("RSY816", Check::Server, TYPED.as_ref(), arguments, fact);
    // A module may well be for people with accounts here.
    let is_for_nobody = source == LoginSource::Nobody || user == ROOT;
    cause = cause.of_kind("unnamed");
    cause.confidence = match is_for_nobody {
        true => Confidence::Likely,
        false => Confidence::Possible,
    };
    let line = corrected::with_user(&client.setup.words, "USER");
    Some(cause.typing(vec![line]))
}
