//! All addresses at once: the verdict on every peer, as ranges of addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv4Subnets, Ipv6Net, Ipv6Subnets};

use crate::model::{
    Configuration, Parameter, Scope,
    access::{AddressPattern, Peer, hosts, is_host_separator},
};

/// Addresses that lie side by side and that a module treats alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Region {
    /// The first one.
    pub first: IpAddr,
    /// The last one.
    pub last: IpAddr,
}

impl Region {
    /// The region as networks, as few as possible.
    pub fn networks(self) -> Vec<IpNet> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Ipv4Subnets::new(first, last, 0).map(IpNet::V4).collect()
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Ipv6Subnets::new(first, last, 0).map(IpNet::V6).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The places at which a verdict may change: the ends of every network that the modules' lists name. Masks with gaps
/// have no such ends; an address is judged by its own bits all the same, but the ranges between them are not exact.
pub fn boundaries(configuration: &Configuration) -> Vec<IpAddr> {
    let mut starts = vec![
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ];
    for setting in &configuration.settings {
        if !matches!(setting.parameter, Parameter::HostsAllow | Parameter::HostsDeny) {
            continue;
        }
        for token in setting.text.tokens(is_host_separator) {
            let Some(network) = AddressPattern::parse(&token.bytes.to_ascii_lowercase()).and_then(network)
            else {
                continue;
            };
            starts.push(network.network());
            starts.extend(next(network.broadcast()));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The verdict of `hosts allow` and `hosts deny` on every address, in order, for regions that start at `boundaries`.
pub fn reach(
    configuration: &Configuration,
    scope: Scope,
    boundaries: &[IpAddr],
) -> Vec<(Region, Option<bool>)> {
    boundaries
        .iter()
        .enumerate()
        .map(|(index, &first)| {
            let following = boundaries
                .get(index + 1)
                .filter(|next| next.is_ipv4() == first.is_ipv4());
            let last = following.map_or_else(|| end(first), |&next| previous(next));
            let allowed = hosts(
                configuration,
                scope,
                &Peer {
                    address: first,
                    name: None,
                },
            )
            .allowed;
            (Region { first, last }, allowed)
        })
        .collect()
}

/// Puts neighbours with the same value together.
pub fn merge<T: PartialEq>(regions: impl IntoIterator<Item = (Region, T)>) -> Vec<(Region, T)> {
    let mut merged: Vec<(Region, T)> = Vec::new();
    for (region, value) in regions {
        match merged.last_mut() {
            Some((last, same)) if *same == value && last.last.is_ipv4() == region.first.is_ipv4() => {
                last.last = region.last;
            }
            _ => merged.push((region, value)),
        }
    }
    merged
}

/// The network of a pattern; a mask of bytes counts if its bits have no gap.
fn network(pattern: AddressPattern) -> Option<IpNet> {
    match pattern {
        AddressPattern::Network { address, bits, .. } => IpNet::new(address, bits).ok(),
        AddressPattern::Masked {
            address: IpAddr::V4(address),
            mask: IpAddr::V4(mask),
        } => Ipv4Net::with_netmask(address, mask).ok().map(IpNet::V4),
        AddressPattern::Masked {
            address: IpAddr::V6(address),
            mask: IpAddr::V6(mask),
        } => Ipv6Net::with_netmask(address, mask).ok().map(IpNet::V6),
        _ => None,
    }
}

fn next(address: IpAddr) -> Option<IpAddr> {
    match address {
        IpAddr::V4(address) => address
            .to_bits()
            .checked_add(1)
            .map(|bits| Ipv4Addr::from_bits(bits).into()),
        IpAddr::V6(address) => address
            .to_bits()
            .checked_add(1)
            .map(|bits| Ipv6Addr::from_bits(bits).into()),
    }
}

/// The address before one that is not the first of its family.
fn previous(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits().saturating_sub(1)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits().saturating_sub(1)).into(),
    }
}

fn end(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BROADCAST.into(),
        IpAddr::V6(_) => Ipv6Addr::from_bits(u128::MAX).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Files, NotOpened, Opened, resolve},
        terms::{Release, Source, Sources},
    };

    struct NoFiles;

    impl Files for NoFiles {
        fn open(&self, _: &std::path::Path) -> Result<Opened, NotOpened> {
            Err(NotOpened::Unknown(crate::host::Unknown::NoHost))
        }
    }

    fn allowed(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let source = sources.add(Source::new("rsyncd.conf", text));
        let configuration = resolve(&mut sources, source, Release::CURRENT, &NoFiles);
        let boundaries = boundaries(&configuration);
        merge(reach(&configuration, Scope::Module(0), &boundaries))
            .into_iter()
            .filter(|(_, allowed)| *allowed == Some(true))
            .flat_map(|(region, _)| region.networks())
            .map(|network| network.to_string())
            .collect()
    }

    #[test]
    fn an_allow_list_alone_is_what_it_says() {
        assert_eq!(
            allowed("[m]\nhosts allow = 192.0.2.1/24 10.0.0.0/255.0.0.0 2001:db8::/32\n"),
            ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"]
        );
    }

    #[test]
    fn one_denied_address_leaves_the_rest_of_the_world() {
        let open = allowed("[m]\nhosts allow = 192.0.2.7\nhosts deny = 0.0.0.0/32\n");
        assert_eq!(open.last().map(String::as_str), Some("::/0"));
        assert_eq!(open[0], "0.0.0.1/32");
    }
}
