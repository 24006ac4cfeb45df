use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// A word of `hosts allow` or `hosts deny` that rsync takes for an address (`match_address` in access.c).
#[derive(Clone, Debug, PartialEq)]
pub enum AddressPattern {
    /// An address alone, or with the number of its leading bits that count.
    Network {
        /// The address as written.
        address: IpAddr,
        /// How many bits count; all of them if none are written.
        bits: u8,
        /// Whether bits behind the mask are set, which rsync overlooks.
        host_bits: bool,
    },
    /// `address/0`, which is every address of that family.
    Everything {
        /// The address as written.
        address: IpAddr,
    },
    /// An address with a mask of bytes. Its bits may have gaps.
    Masked {
        /// The address as written.
        address: IpAddr,
        /// The mask as written.
        mask: IpAddr,
    },
    /// Digits and dots, or something with a colon, that is no address: never matches, is only logged. An address
    /// with a scope that no peer has (`::1%1`) counts as one.
    NotAnAddress,
    /// An address with a mask that rsync cannot read: never matches, is only logged.
    BadMask {
        /// The address as written.
        address: IpAddr,
        /// What is wrong with the mask.
        error: MaskError,
    },
}

/// What is wrong with the part behind the slash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MaskError {
    /// Neither a number nor a mask of the address's family.
    NotANumber,
    /// Fewer than none or more than the address has.
    OutOfRange,
}

impl AddressPattern {
    /// Takes a word apart. `None`: rsync takes it for a host's name.
    pub fn parse(word: &[u8]) -> Option<Self> {
        let (address, mask) = match word.iter().position(|&byte| byte == b'/') {
            Some(slash) => (&word[..slash], Some(&word[slash + 1..])),
            None => (word, None),
        };
        let only_digits = address.iter().all(|byte| matches!(byte, b'.' | b'0'..=b'9'));
        if !only_digits && !address.contains(&b':') {
            return None;
        }
        let Some(address) = numeric_address(address) else {
            return Some(Self::NotAnAddress);
        };
        let width = if address.is_ipv4() { 32 } else { 128 };
        let Some(mask) = mask else {
            return Some(Self::network(address, width));
        };
        if let Some(mask) = strict_address(mask).filter(|mask| mask.is_ipv4() == address.is_ipv4()) {
            return Some(Self::Masked { address, mask });
        }
        Some(match strtol(mask) {
            None => Self::BadMask {
                address,
                error: MaskError::NotANumber,
            },
            Some(0) => Self::Everything { address },
            Some(bits) if bits < 0 || bits > i64::from(width) => Self::BadMask {
                address,
                error: MaskError::OutOfRange,
            },
            Some(bits) => Self::network(address, bits as u8),
        })
    }

    fn network(address: IpAddr, bits: u8) -> Self {
        let host_bits = match address {
            IpAddr::V4(address) => Ipv4Net::new(address, bits).is_ok_and(|net| net.network() != address),
            IpAddr::V6(address) => Ipv6Net::new(address, bits).is_ok_and(|net| net.network() != address),
        };
        Self::Network {
            address,
            bits,
            host_bits,
        }
    }

    /// Whether the pattern matches a peer. None has an IPv4 address that is written as one of IPv6: rsync takes it for
    /// what it is (`client_addr` in clientname.c).
    pub fn matches(&self, peer: IpAddr) -> bool {
        match (self, peer) {
            (
                Self::Network {
                    address: IpAddr::V4(address),
                    bits,
                    ..
                },
                IpAddr::V4(peer),
            ) => Ipv4Net::new(*address, *bits).is_ok_and(|net| net.trunc().contains(&peer)),
            (
                Self::Network {
                    address: IpAddr::V6(address),
                    bits,
                    ..
                },
                IpAddr::V6(peer),
            ) if peer.to_ipv4_mapped().is_none() => {
                Ipv6Net::new(*address, *bits).is_ok_and(|net| net.trunc().contains(&peer))
            }
            (Self::Everything { address }, peer) => address.is_ipv4() == peer.is_ipv4(),
            (
                Self::Masked {
                    address: IpAddr::V4(address),
                    mask: IpAddr::V4(mask),
                },
                IpAddr::V4(peer),
            ) => (address.to_bits() ^ peer.to_bits()) & mask.to_bits() == 0,
            (
                Self::Masked {
                    address: IpAddr::V6(address),
                    mask: IpAddr::V6(mask),
                },
                IpAddr::V6(peer),
            ) if peer.to_ipv4_mapped().is_none() => {
                (address.to_bits() ^ peer.to_bits()) & mask.to_bits() == 0
            }
            _ => false,
        }
    }
}

/// What `getaddrinfo` with `AI_NUMERICHOST` makes of a text: also `10.1`, `010.0.0.1` (octal) and `3232235777`.
fn numeric_address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if text.contains(':') {
        let (address, scope) = text.split_once('%').unwrap_or((text, "0"));
        let address = address.parse::<Ipv6Addr>().ok()?;
        // A scope (`fe80::1%eth0`) names an interface of the daemon's machine; the address counts. Only peers on
        // the same link have one.
        let has_scope = address.is_unicast_link_local() || scope.parse() == Ok(0_u32);
        return has_scope.then_some(IpAddr::V6(address));
    }
    let (leading, last) = match text.rsplit_once('.') {
        Some((leading, last)) => (Some(leading), last),
        None => (None, text),
    };
    let mut high = 0_u64;
    let mut free_bits = 32;
    for part in leading.into_iter().flat_map(|leading| leading.split('.')) {
        if free_bits == 8 {
            return None;
        }
        high = high << 8 | u64::from(c_number(part).filter(|&part| part <= 255)?);
        free_bits -= 8;
    }
    let last = c_number(last).filter(|&last| u64::from(last) < 1 << free_bits)?;
    Some(IpAddr::V4(Ipv4Addr::from_bits((high << free_bits) as u32 | last)))
}

/// A number as C writes it; only digits come here, so a leading zero means octal.
fn c_number(text: &str) -> Option<u32> {
    if text.len() > 1 && text.starts_with('0') {
        return u32::from_str_radix(text, 8).ok();
    }
    text.parse().ok()
}

/// What `inet_pton` accepts.
fn strict_address(text: &[u8]) -> Option<IpAddr> {
    // Most masks are numbers, and each word is asked for by many checks.
    if text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// C's `strtol` of a text that must be a number as a whole; too large ones saturate.
fn strtol(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let digits = text.trim_start_matches(['\x0b', '\x0c', '\r', '\n', ' ', '\t']);
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(digits)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = digits.parse().unwrap_or(i64::MAX);
    Some(if negative { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, peer: &str) -> bool {
        AddressPattern::parse(pattern.as_bytes())
            .expect("an address")
            .matches(peer.parse().expect("a peer"))
    }

    #[test]
    fn networks_match_as_access_c_does() {
        assert!(matches("192.168.2.1/24", "192.168.2.77"));
        assert!(!matches("192.168.2.1/24", "192.168.3.77"));
        assert!(matches("0.0.0.0/0", "10.0.0.1"));
        assert!(!matches("0.0.0.0/0", "::1"));
        assert!(!matches("0.0.0.0/32", "10.0.0.1"));
        assert!(matches("10.0.0.0/255.0.0.0", "10.9.8.7"));
        assert!(matches("10.0.0.7/255.0.0.255", "10.9.8.7"));
        assert!(matches("10.1", "10.0.0.1"));
        assert!(matches("010.0.0.1", "8.0.0.1"));
        assert!(matches("167772161", "10.0.0.1"));
        assert!(matches("10.1.257", "10.1.1.1"));
        assert!(matches("2001:db8::/32", "2001:db8:1::5"));
        assert!(matches("10.0.0.0/+8", "10.200.0.1"));
    }

    #[test]
    fn what_is_malformed_matches_nothing() {
        for word in [
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/x",
            "10.0.0.0/-1",
            "127.",
            "1.2.3.4.5",
            "256.1.1.1",
            ".1",
            "1..2",
            "1.2.3.256",
            "4294967296",
        ] {
            assert!(!matches(word, "10.0.0.1"), "{word}");
            assert!(!matches(word, "127.0.0.1"), "{word}");
        }
        for word in ["::1%lo", "::1%1", "::1%", "2001:db8::%eth0/64"] {
            assert!(!matches(word, "::1"), "{word}");
            assert!(!matches(word, "2001:db8::1"), "{word}");
        }
        assert!(matches("fe80::1%eth0", "fe80::1"));
        assert!(matches("::1%0", "::1"));
        assert_eq!(AddressPattern::parse(b"backup.example.org"), None);
        assert_eq!(AddressPattern::parse(b"10.*"), None);
    }
}
