use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::access::{
    AddressPattern,
    region::{Region, WORLD, join},
};

/// The addresses that some words name, in a shape in which many can be asked for.
#[derive(Debug, Default)]
pub struct AddressSet {
    /// Apart from each other, and in order.
    regions: Vec<Region>,
    /// For each mask with gaps, what the bits that it lets through must be.
    masked: BTreeMap<IpAddr, BTreeSet<IpAddr>>,
    /// Around what a mask with gaps lets through: apart from each other, and in order.
    around: Vec<Region>,
}

impl FromIterator<AddressPattern> for AddressSet {
    fn from_iter<I: IntoIterator<Item = AddressPattern>>(patterns: I) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            set.add(&pattern);
        }
        set.regions = join(set.regions);
        set.around = join(set.around);
        set
    }
}

impl AddressSet {
    fn add(&mut self, pattern: &AddressPattern) {
        match *pattern {
            AddressPattern::Everything { address } => {
                self.regions.push(WORLD[usize::from(address.is_ipv6())]);
            }
            AddressPattern::Network { address, bits, .. } => self.regions.extend(network(address, bits)),
            AddressPattern::Masked { address, mask } => match leading(mask) {
                bits if has_gaps(mask) => {
                    self.masked.entry(mask).or_default().insert(masked(address, mask));
                    self.around.extend(network(address, bits));
                }
                bits => self.regions.extend(network(address, bits)),
            },
            AddressPattern::BadMask { .. } | AddressPattern::NotAnAddress => {}
        }
    }

    /// Whether one of the words names an address.
    pub fn contains(&self, address: IpAddr) -> bool {
        if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
            // No peer has such an address.
            return false;
        }
        let behind = self.regions.partition_point(|region| region.first <= address);
        let region = behind.checked_sub(1).map(|index| self.regions[index]);
        region.is_some_and(|region| address <= region.last)
            || self
                .masked
                .iter()
                .any(|(&mask, bits)| bits.contains(&masked(address, mask)))
    }

    /// What its words without gaps name: apart from each other, and in order.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// The networks in which a word that has a mask with gaps names some addresses: apart, and in order.
    pub fn around_gaps(&self) -> &[Region] {
        &self.around
    }
}

/// Whether a pattern names addresses that do not lie side by side.
pub(super) fn is_with_gaps(pattern: &AddressPattern) -> bool {
    matches!(pattern, AddressPattern::Masked { mask, .. } if has_gaps(*mask))
}

fn has_gaps(mask: IpAddr) -> bool {
    match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones() != mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones() != mask.to_bits().count_ones(),
    }
}

fn leading(mask: IpAddr) -> u8 {
    let bits = match mask {
        IpAddr::V4(mask) => mask.to_bits().leading_ones(),
        IpAddr::V6(mask) => mask.to_bits().leading_ones(),
    };
    bits as u8
}

/// The bits of an address that a mask of its family lets through.
fn masked(address: IpAddr, mask: IpAddr) -> IpAddr {
    match (address, mask) {
        (IpAddr::V4(address), IpAddr::V4(mask)) => (address & mask).into(),
        (IpAddr::V6(address), IpAddr::V6(mask)) => (address & mask).into(),
        // Of the other family: not a value that any word has.
        _ => address,
    }
}

fn network(address: IpAddr, bits: u8) -> Option<Region> {
    let network = match address {
        IpAddr::V4(address) => Ipv4Net::new(address, bits).map(IpNet::V4),
        IpAddr::V6(address) => Ipv6Net::new(address, bits).map(IpNet::V6),
    };
    network.ok().map(Region::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_set_where_a_word_matches_it() {
        let words = [
            "10.0.0.0/8",
            "10.1.0.0/16",
            "11.0.0.0",
            "192.0.2.7/255.0.0.255",
            "198.51.100.0/255.255.255.0",
            "203.0.113.1/33",
            "2001:db8::5/ffff:ffff::f",
            "::1",
            "::ffff:0:0/96",
        ];
        let patterns: Vec<_> = words
            .iter()
            .filter_map(|word| AddressPattern::parse(word.as_bytes()))
            .collect();
        assert_eq!(patterns.len(), words.len());
        let set: AddressSet = patterns.iter().cloned().collect();
        for address in [
            "9.255.255.255",
            "10.0.0.0",
            "11.0.0.0",
            "11.0.0.1",
            "192.9.9.7",
            "192.9.9.8",
            "198.51.100.255",
            "198.51.101.0",
            "203.0.113.1",
            "::",
            "::1",
            "::2",
            "::ffff:1.2.3.4",
            "2001:db8:9::5",
            "2001:db8:9::6",
        ] {
            let address = address.parse().expect("an address");
            let matches = patterns.iter().any(|pattern| pattern.matches(address));
            assert_eq!(set.contains(address), matches, "{address}");
        }
        let regions: Vec<_> = set
            .regions()
            .iter()
            .flat_map(|region| region.networks())
            .collect();
        let regions: Vec<_> = regions.iter().map(ToString::to_string).collect();
        assert_eq!(
            regions,
            [
                "10.0.0.0/8",
                "11.0.0.0/32",
                "198.51.100.0/24",
                "::1/128",
                "::ffff:0.0.0.0/96"
            ]
        );
        let around: Vec<_> = set
            .around_gaps()
            .iter()
            .flat_map(|region| region.networks())
            .collect();
        let around: Vec<_> = around.iter().map(ToString::to_string).collect();
        assert_eq!(around, ["192.0.0.0/8", "2001:db8::/32"]);
    }
}
