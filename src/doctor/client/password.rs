//! The password file of the command line.

use crate::{
    catalog::FileKind,
    doctor::{
        Check, Fact, Report, Skip, Stage,
        client::{Client, ClientFact, home, runner::READ},
    },
};

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
        Err(reason) if client.is_of_another() => {
            stage.note(Fact::Unseen(name.clone(), reason.clone()));
            report.not_seen(name, reason);
            stage.warn();
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
    if let Some(fact) = client.closed(&path, READ) {
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
