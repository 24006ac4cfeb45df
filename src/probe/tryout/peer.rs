use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    model::{
        Configuration, Parameter, Scope,
        access::{AddressPattern, Peer, hosts, is_host_separator},
    },
    terms::Release,
};

/// What stands for the client's name in a value.
const HOST_NAME: &[u8] = b"%RSYNC_HOST_NAME%";

/// The first releases that know `proxy protocol` and `proxy protocol hosts`.
const PROXIES: Release = Release::new(3, 2, 0);
const TRUSTED_PROXIES: Release = Release::new(3, 5, 0);

/// Where a trial's sessions say that they come from.
///
/// To the daemon a trial is a proxy, which tells the address that it acts for. So host lists can be tried from this machine.
#[derive(Clone, Copy)]
pub(super) struct Peers<'p> {
    pub(super) configuration: &'p Configuration,
    /// The address that the user wants to come from.
    pub(super) from: Option<IpAddr>,
}

impl Peers<'_> {
    /// Whether the daemon is told another address than ours. One that trusts no proxy drops every connection that needs
    /// one, and that is worth seeing.
    pub(super) fn are_told(self) -> bool {
        let Self { configuration, .. } = self;
        let is_on = configuration.is(Scope::Global, Parameter::ProxyProtocol);
        let trusted = configuration
            .text(Scope::Global, Parameter::ProxyProtocolHosts)
            .value;
        let is_dead = is_on && trusted.is_empty() && configuration.release >= TRUSTED_PROXIES;
        configuration.release >= PROXIES && !is_dead
    }

    /// Who asks for a module: if nobody is named, the machine itself, or else somebody whom the host lists name and let
    /// in.
    pub(super) fn of(self, scope: Scope) -> Peer {
        let peer = |address| Peer::new(address, None);
        let local = peer(Ipv4Addr::LOCALHOST.into());
        if !self.are_told() {
            return local;
        }
        if let Some(from) = self.from {
            return peer(from);
        }
        let mut candidates = [local.clone()].into_iter().chain(self.named(scope).map(peer));
        candidates
            .find(|peer| hosts(self.configuration, scope, peer).allowed == Some(true))
            .unwrap_or(local)
    }

    /// Whether a module serves its peer without the name service: its host lists decide, and no value holds the name.
    pub(super) fn needs_no_names(self, scope: Scope) -> bool {
        let mut own = self.configuration.settings.iter();
        let names = own.any(|setting| {
            let block = self.configuration.blocks[setting.block].scope;
            let mut text = setting.text.bytes().windows(HOST_NAME.len());
            (block == scope || block == Scope::Global) && text.any(|window| window == HOST_NAME)
        });
        let verdict = hosts(self.configuration, scope, &self.of(scope));
        !names && verdict.allowed.is_some()
    }

    /// Addresses that the module's host lists name, then some that hardly any list names.
    fn named(self, scope: Scope) -> impl Iterator<Item = IpAddr> {
        let lists = [Parameter::HostsAllow, Parameter::HostsDeny];
        let settings = lists
            .into_iter()
            .filter_map(move |list| self.configuration.text(scope, list).origin.setting());
        let words = settings.flat_map(|setting| setting.text.tokens(is_host_separator));
        let named = words.filter_map(
            |word| match AddressPattern::parse(&word.bytes.to_ascii_lowercase())? {
                AddressPattern::Network { address, .. }
                | AddressPattern::Everything { address }
                | AddressPattern::Masked { address, .. } => Some(address),
                AddressPattern::NotAnAddress | AddressPattern::BadMask { .. } => None,
            },
        );
        // A network's first address is no host's.
        let named = named.flat_map(|address| [next(address), address]);
        let others = [
            Ipv4Addr::new(192, 0, 2, 1).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
        ];
        named.chain(others)
    }

    /// The lines with which the daemon takes our word for it.
    pub(super) fn trust(self) -> &'static [&'static [u8]] {
        match (self.are_told(), self.configuration.release >= TRUSTED_PROXIES) {
            (false, _) => &[],
            (true, false) => &[b"proxy protocol = yes"],
            (true, true) => &[b"proxy protocol = yes", b"proxy protocol hosts = 127.0.0.1"],
        }
    }

    /// What stands in front of a session (version 1 of the proxy protocol).
    pub(super) fn announce(self, address: IpAddr) -> Vec<u8> {
        let header = match address {
            _ if !self.are_told() => return Vec::new(),
            IpAddr::V4(address) => format!("PROXY TCP4 {address} 127.0.0.1 873 873\r\n"),
            IpAddr::V6(address) => format!("PROXY TCP6 {address} ::1 873 873\r\n"),
        };
        header.into_bytes()
    }
}

/// The address behind another.
fn next(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits().wrapping_add(1)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().wrapping_add(1)).into(),
    }
}
