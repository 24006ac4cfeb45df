//! The daemon that a file of sersync pushes to.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::{
    doctor::absent::DEFAULT,
    host::{Host, Listener, has_address, is_super_server, starts_rsync},
    model::sersync::{Configuration, Remote},
    syntax::{Invocation, sersync},
};

/// The configuration of the daemon of this machine that a file of sersync pushes to; none if one of its targets is another
/// machine, where a module of the same name is another one, or if nobody can tell it.
pub(super) fn daemon_of(host: &dyn Host, file: &[u8]) -> Option<PathBuf> {
    let document = sersync::parse(file);
    let configuration = Configuration::read(&document, file);
    // That asks no daemon.
    if configuration.active_ssh().is_some() {
        return None;
    }
    let remotes = &configuration.localpath()?.remotes;
    if remotes.is_empty() || !remotes.iter().all(|remote| is_here(host, remote)) {
        return None;
    }
    let port = match configuration.active_port() {
        Some(port) => port.value.as_ref()?.value.display().parse().ok()?,
        None => Invocation::PORT,
    };
    match Listener::on(port) {
        Listener::Daemon { configuration, .. } => Some(configuration),
        Listener::Other { process, program }
            if is_super_server(&program) || starts_rsync(process).is_some() =>
        {
            Some(Path::new(DEFAULT).to_owned())
        }
        _ => None,
    }
}

/// Whether a target is this machine, by its address.
fn is_here(host: &dyn Host, remote: &Remote) -> bool {
    let Some(written) = &remote.ip else {
        return false;
    };
    let written = written.value.display();
    let named = written.rsplit_once('@').map_or(&*written, |(_, named)| named);
    let address: Option<IpAddr> = named.trim_matches(['[', ']']).parse().ok();
    let is_own = |address: IpAddr| {
        !address.is_unspecified() && has_address(host, address).is_ok_and(|found| found == Some(true))
    };
    named == "localhost" || address.is_some_and(is_own)
}

#[cfg(test)]
mod tests {
    use super::daemon_of;
    use crate::host::Live;

    #[test]
    fn a_target_of_another_machine_has_no_daemon_here() {
        let file = |ip: &str| {
            let text = format!(
                "<head><sersync><localpath watch=\"/a\"><remote ip=\"{ip}\" name=\"a\"/></localpath>\
                 <rsync><ssh start=\"false\"/></rsync></sersync></head>"
            );
            daemon_of(&Live, text.as_bytes())
        };
        assert_eq!(file("192.0.2.7"), None);
        assert_eq!(file("backup.example"), None);
        assert_eq!(daemon_of(&Live, b"no file of sersync's"), None);
    }
}
