//! Stretches of addresses, and the whole world made of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Subnets, Ipv6Subnets};

/// Addresses of one family that lie side by side.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Region {
    /// The first one.
    pub first: IpAddr,
    /// The last one.
    pub last: IpAddr,
}

/// Every address, a family after the other.
pub const WORLD: [Region; 2] = [
    Region {
        first: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        last: IpAddr::V4(Ipv4Addr::BROADCAST),
    },
    Region {
        first: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        last: IpAddr::V6(Ipv6Addr::from_bits(u128::MAX)),
    },
];

impl Region {
    /// The region as networks, as few as possible, in order.
    pub fn networks(self) -> Box<dyn Iterator<Item = IpNet>> {
        match (self.first, self.last) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                Box::new(Ipv4Subnets::new(first, last, 0).map(IpNet::V4))
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                Box::new(Ipv6Subnets::new(first, last, 0).map(IpNet::V6))
            }
            _ => Box::new(std::iter::empty()),
        }
    }
}

impl From<IpNet> for Region {
    fn from(network: IpNet) -> Self {
        Self {
            first: network.network(),
            last: network.broadcast(),
        }
    }
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

/// Lays two maps of the world over each other: a region for each pair of values. Both must hold every address, in
/// order.
pub fn overlay<T: Copy, U: Copy>(one: &[(Region, T)], other: &[(Region, U)]) -> Vec<(Region, (T, U))> {
    let mut pairs = Vec::with_capacity(one.len() + other.len());
    let (mut left, mut right) = (one.iter().peekable(), other.iter().peekable());
    while let (Some(&&(here, value)), Some(&&(there, other))) = (left.peek(), right.peek()) {
        let region = Region {
            first: here.first.max(there.first),
            last: here.last.min(there.last),
        };
        pairs.push((region, (value, other)));
        left.next_if(|_| here.last == region.last);
        right.next_if(|_| there.last == region.last);
    }
    pairs
}

/// The world, with whether each region is one of those given, which lie apart and in order.
pub(super) fn cover(regions: &[Region]) -> Vec<(Region, bool)> {
    let mut map = Vec::with_capacity(2 * regions.len() + 2);
    let mut regions = regions.iter().peekable();
    for family in WORLD {
        let mut open = Some(family.first);
        while let Some(region) = regions.next_if(|region| region.last <= family.last) {
            if let Some(first) = open.filter(|&first| first < region.first) {
                let last = previous(region.first);
                map.push((Region { first, last }, false));
            }
            map.push((*region, true));
            open = next(region.last);
        }
        if let Some(first) = open {
            map.push((Region { first, ..family }, false));
        }
    }
    map
}

/// The same addresses in order, with what overlaps or touches made one.
pub(super) fn join(mut regions: Vec<Region>) -> Vec<Region> {
    regions.sort_unstable();
    let mut joined: Vec<Region> = Vec::with_capacity(regions.len());
    for region in regions {
        match joined.last_mut() {
            Some(before) if region.first <= before.last || next(before.last) == Some(region.first) => {
                before.last = before.last.max(region.last);
            }
            _ => joined.push(region),
        }
    }
    joined
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
