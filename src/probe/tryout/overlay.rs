use std::{os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    model::{Configuration, Parameter, Scope},
    probe::tryout::peer::Peers,
};

/// What never holds in a trial: it says where the daemon listens, and what it writes.
const NEVER: [Parameter; 5] = [
    Parameter::Port,
    Parameter::Address,
    Parameter::PidFile,
    Parameter::LogFile,
    Parameter::LockFile,
];

/// What does not hold where the trial acts as a proxy.
const PROXY: [Parameter; 2] = [Parameter::ProxyProtocol, Parameter::ProxyProtocolHosts];

/// The commands of the user that a session runs.
const HOOKS: [Parameter; 4] = [
    Parameter::EarlyExec,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
    Parameter::NameConverter,
];

/// Whether the trial's daemon can count connections: not where it has no way to the trial's own folder.
fn is_counting(configuration: &Configuration) -> bool {
    let chroot = configuration.text(Scope::Global, Parameter::DaemonChroot).value;
    chroot.is_empty()
}

/// The names of the files that the daemon writes in the trial's folder.
pub(super) fn own_files(configuration: &Configuration) -> Vec<String> {
    let locks = (0..configuration.module_scopes().count()).map(lock);
    [LOG.to_owned()].into_iter().chain(locks).collect()
}

/// The daemon's log.
pub(super) const LOG: &str = "log";

/// The lock file of a module, by its number.
fn lock(index: usize) -> String {
    format!("lock-{index}")
}

/// The parameters that are set and that do not hold in the trial.
pub(super) fn without_effect(peers: Peers<'_>, with_hooks: bool) -> Vec<Parameter> {
    let Peers { configuration, .. } = peers;
    let is_set = |parameter: &Parameter| {
        let mut scopes = configuration.module_scopes().map(|(scope, _)| scope);
        let is_set = |scope| configuration.origin(scope, *parameter).setting().is_some();
        is_set(Scope::Global) || scopes.any(is_set)
    };
    let proxy = PROXY.into_iter().filter(|_| peers.are_told());
    let hooks = HOOKS.into_iter().filter(|_| !with_hooks);
    let counting = (!is_counting(configuration)).then_some(Parameter::MaxConnections);
    NEVER
        .into_iter()
        .chain(counting)
        .chain(proxy)
        .chain(hooks)
        .filter(is_set)
        .collect()
}

/// The name of an address that is only told need not be known, and asking for it takes long where nobody answers.
const NO_LOOKUP: &[u8] = b"reverse lookup = no";

/// A configuration that is the file's, but for what would touch the machine.
///
/// rsync takes a module whose header comes again for the same one, and the last line of a parameter for the one that
/// holds (`add_a_section` in loadparm.c). So the file stays as it is, with its includes, and a few lines follow it.
pub(super) fn overlay(file: &Path, peers: Peers<'_>, folder: &Path) -> Vec<u8> {
    let Peers { configuration, .. } = peers;
    let mut text = b"&merge ".to_vec();
    text.extend_from_slice(file.as_os_str().as_bytes());
    let mut line = |bytes: &[&[u8]]| {
        text.push(b'\n');
        text.extend(bytes.concat());
    };
    let log = folder.join(LOG);
    let log: &[&[u8]] = &[b"log file = ", log.as_os_str().as_bytes()];
    line(&[b"[global]"]);
    line(log);
    peers.trust().iter().for_each(|trust| line(&[trust]));
    let mut scopes = configuration.module_scopes().map(|(scope, _)| scope);
    if scopes.all(|scope| peers.needs_no_names(scope)) {
        line(&[NO_LOOKUP]);
    }
    for (index, (scope, module)) in configuration.module_scopes().enumerate() {
        if !can_be_reopened(module.name.bytes()) {
            continue;
        }
        line(&[b"[", module.name.bytes(), b"]"]);
        line(log);
        match is_counting(configuration) {
            true => {
                let lock = folder.join(lock(index));
                line(&[b"lock file = ", lock.as_os_str().as_bytes()]);
            }
            // A negative number shuts the module, and nothing is counted.
            false if configuration.integer(scope, Parameter::MaxConnections).value > 0 => {
                line(&[b"max connections = 0"]);
            }
            false => {}
        }
        if peers.needs_no_names(scope) {
            line(&[NO_LOOKUP]);
        }
    }
    text.push(b'\n');
    text
}

/// Whether a header can have that name; `name` can give a module any.
pub(super) fn can_be_reopened(name: &[u8]) -> bool {
    !name.is_empty() && !name.iter().any(|byte| b"]/\n\r\\\0".contains(byte))
}

/// Whether the path can stand in a line.
pub(super) fn can_be_merged(file: &Path) -> bool {
    let bytes = file.as_os_str().as_bytes();
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    !bytes.iter().any(|byte| b"\n\r\0".contains(byte))
        && bytes.last().is_some_and(|last| !is_blank(last) && *last != b'\\')
}
