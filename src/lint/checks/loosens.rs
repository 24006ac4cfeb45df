//! Lines that hold clients back, and lines that let them do more.

use crate::{
    catalog::Safety,
    model::{Configuration, Parameter, Scope, Value, parameter::Kind},
};

/// How safe it is to let a parameter have a value that it was plainly to have and has not. Where clients may get more
/// than they have, somebody is to look at it first; every check that offers a cure of a value asks here.
pub(super) fn safety(parameter: Parameter, value: &[u8]) -> Safety {
    if loosens(parameter, value) {
        Safety::Unsafe
    } else {
        Safety::Safe
    }
}

/// A line that is not read may be all that keeps a module shut: `path`, without which there is none, a list of hosts that
/// names nobody, a charset, a file or a mode over which the daemon gives up. A boolean loosens with one of its values only, a list of
/// refused options with the words that it takes back.
pub(super) fn loosens(parameter: Parameter, value: &[u8]) -> bool {
    use Parameter as P;
    let is = |wanted: bool| {
        let read = Value::read(Kind::Boolean, value);
        read.is_none_or(|read| read == Value::Boolean(wanted))
    };
    match parameter {
        P::ReadOnly | P::WriteOnly | P::UseChroot | P::StrictModes | P::MungeSymlinks => is(false),
        P::InsecureLinks => is(true),
        P::RefuseOptions => value.contains(&b'!'),
        P::Path
        | P::Address
        | P::Charset
        | P::DaemonChroot
        | P::ExcludeFrom
        | P::Filter
        | P::ForwardLookup
        | P::Include
        | P::IncludeFrom
        | P::IncomingChmod
        | P::LockFile
        | P::OutgoingChmod
        | P::ReverseLookup
        | P::TempDir
        | P::Uid
        | P::Gid
        | P::DaemonUid
        | P::DaemonGid
        | P::HostsAllow
        | P::HostsDeny
        | P::ProxyProtocolHosts => true,
        _ => false,
    }
}

/// Whether a line that rsync does not read was to hold clients back, and nothing else in its place does. Without `uid` or a
/// secrets file they get less, not more.
pub(super) fn guards(
    configuration: &Configuration,
    scope: Scope,
    parameter: Parameter,
    value: &[u8],
) -> bool {
    use Parameter as P;
    match parameter {
        P::AuthUsers
        | P::HostsAllow
        | P::HostsDeny
        | P::RefuseOptions
        | P::Address
        | P::DaemonUid
        | P::DaemonChroot
        | P::ProxyProtocolHosts => !value.is_empty(),
        // Whom a name lets in, either value decides.
        P::ForwardLookup | P::ReverseLookup => false,
        _ if !matches!(parameter.facts().kind, Kind::Boolean | Kind::BooleanOrUnset) => false,
        // One of its values loosens; the other one guards where that is what holds.
        _ => match (
            Value::read(Kind::Boolean, value),
            configuration.boolean(scope, parameter).value,
        ) {
            (Some(Value::Boolean(wanted)), Some(holds)) => {
                wanted != holds && loosens(parameter, if holds { b"yes" } else { b"no" })
            }
            _ => false,
        },
    }
}
