//! The server of a client's command line, where it is this machine.

use std::{
    env,
    net::{IpAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

use tokio::{net::lookup_host, runtime::Runtime, time::timeout};

use crate::{
    cli::{known, probe::local::Local},
    explain::Known,
    host::{Listener, daemons},
    syntax::Invocation,
    terms::{Release, Target},
};

/// So long a name is looked up; without an answer nobody knows whose it is.
const LIMIT: Duration = Duration::from_secs(5);

/// The daemon that a command line is for, of this machine.
pub(super) struct Here {
    /// Its configuration file.
    pub(super) file: PathBuf,
    /// The module that is asked for, if one is.
    pub(super) module: Option<String>,
    /// The address that the client comes from.
    pub(super) from: Option<IpAddr>,
    /// What the file says against itself; nothing if it cannot be read.
    pub(super) known: Known,
}

/// Finds the daemon that a command line is for, or seems to be meant for with one colon; none if that is on another machine,
/// or nobody can tell its configuration.
pub(super) fn find(invocation: &Invocation, release: Release, runtime: &Runtime) -> Option<Here> {
    let (Target::Daemon(remote) | Target::Shell(remote)) = invocation.peer()? else {
        return None;
    };
    let is_daemon = matches!(invocation.peer(), Some(Target::Daemon(_)));
    // The proxy resolves the name then, and its machine is the one that is meant.
    if env::var_os("RSYNC_PROXY").is_some() {
        return None;
    }
    let asked = addresses(&remote.host, runtime);
    let mut own = asked.iter().copied();
    let own = own.find(|address| !address.is_unspecified() && is_own(*address))?;
    let module = remote.path.split('/').next().filter(|module| !module.is_empty());
    let port = invocation.port().unwrap_or(Invocation::PORT);
    let other = || of_another_port(port, module?, release);
    let file = other().or_else(|| Local::find(port, &asked).file)?;
    let known = known::here(&file, release);
    // A path behind a remote shell is the system's, unless it begins as a module does.
    let server = known.server.as_ref();
    let is_module = server.is_some_and(|server| module.is_some_and(|name| server.path_of(name).is_some()));
    (is_daemon || is_module).then(|| Here {
        known,
        // Who connects to an address of this machine comes from there, unless the command line has another one.
        from: given_address(invocation).or(Some(own)),
        module: module.map(str::to_owned),
        file,
    })
}

/// The address that a client of rsync's is told to come from.
fn given_address(invocation: &Invocation) -> Option<IpAddr> {
    let given = invocation.option("address")?;
    str::from_utf8(given.value.as_ref()?.as_bytes())
        .ok()?
        .parse()
        .ok()
}

/// The configuration of the one daemon that has the module, where nobody listens on the port that is asked.
fn of_another_port(port: u16, module: &str, release: Release) -> Option<PathBuf> {
    if Listener::on(port) != Listener::Nobody {
        return None;
    }
    let has_module = |file: &PathBuf| {
        let known = known::here(file, release);
        known
            .server
            .is_some_and(|server| server.path_of(module).is_some())
    };
    let own = daemons()
        .into_iter()
        .filter(|daemon| !daemon.is_contained && !daemon.has_own_network && !daemon.is_serving);
    let mut files: Vec<_> = own.filter_map(|daemon| daemon.configuration.ok()).collect();
    files.sort();
    files.dedup();
    files.retain(has_module);
    match &files[..] {
        [file] => Some(file.clone()),
        _ => None,
    }
}

/// The addresses of a name; none if it is not known in time.
pub(in crate::cli) fn addresses(host: &str, runtime: &Runtime) -> Vec<IpAddr> {
    let found = runtime.block_on(async { timeout(LIMIT, lookup_host((host, 0))).await });
    match found {
        Ok(Ok(addresses)) => addresses.map(|address| address.ip()).collect(),
        _ => Vec::new(),
    }
}

/// Whether an address is one of this machine: nobody can send from another one's.
pub(in crate::cli) fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}
