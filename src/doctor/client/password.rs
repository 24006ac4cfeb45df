//! The password file of the command line.

use std::path::Path;

use crate::{
    catalog::FileKind,
    doctor::{
        Check, Fact, Report, Skip, Stage,
        client::{Client, ClientFact, home},
    },
    lint::Account,
};

/// The right to read, and that to enter (stat(2)).
const READ: u32 = 4;
const ENTER: u32 = 1;

pub(super) fn look(client: &Client<'_>, stage: &mut Stage, report: &mut Report) {
    let named = client.invocation.option("password-file");
    let Some(named) = named.and_then(|given| given.value.as_deref()) else {
        stage.note(Fact::Client(ClientFact::NoPasswordFile));
        return;
    };
    if named == "-" {
        stage.skip(Skip::FromInput);
        return;
    }
    let path = client.path(named);
    let name = path.display().to_string();
    let host = client.setup.host;
    let found = host.metadata(&path, true);
    let bytes = match host.read(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) if let Some(cause) = home::unreplaced(client, named, &path) => {
            report.causes.push(cause);
            stage.note(Fact::NoFile(path));
            stage.fail();
            return;
        }
        Ok(None) => {
            let arguments = vec![("path", name.clone()), ("password-file", name.clone())];
            let fact = format!("{name} is not there");
            let cause = client.cause("RSY879", Check::PasswordFile, &path, arguments, fact);
            report.causes.push(cause);
            stage.note(Fact::NoFile(path));
            stage.fail();
            return;
        }
        Err(reason) => {
            let arguments = vec![("path", name.clone()), ("password-file", name.clone())];
            let fact = format!("{name}: {reason}");
            stage.note(Fact::Unseen(name, reason));
            // rsync reads it as the same user.
            let cause = client.cause("RSY879", Check::PasswordFile, &path, arguments, fact);
            report.causes.push(cause);
            stage.fail();
            return;
        }
    };
    if let Some(fact) = closed_to_user(client, &path) {
        let arguments = vec![("path", name.clone()), ("password-file", name)];
        let cause = client.cause("RSY879", Check::PasswordFile, &path, arguments, fact);
        report.causes.push(cause);
        stage.fail();
        return;
    }
    client.judged(&path, bytes, FileKind::Password, stage, report);
    if let Ok(Some(metadata)) = found {
        stage.note(Fact::Client(ClientFact::PasswordFile(path, metadata)));
    }
}

/// What keeps the user from a password file who runs the command line; none if that is who we are, or if nothing does.
fn closed_to_user(client: &Client<'_>, path: &Path) -> Option<String> {
    let host = client.setup.host;
    let name = client.setup.user.as_ref()?;
    let account = Account::of_login(host.user(name).ok()??.uid);
    let is_closed = |place: &Path| {
        let wanted = if place == path { READ } else { ENTER };
        let found = host.metadata(place, true);
        matches!(found, Ok(Some(found)) if account.is_denied(&found, wanted))
    };
    let closed = path.ancestors().find(|place| is_closed(place))?;
    Some(format!(
        "the command runs as {name}, to whom {} is closed",
        closed.display()
    ))
}
