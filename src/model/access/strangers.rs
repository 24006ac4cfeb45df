//! Whether the host lists of a module keep strangers out: peers whom no word of the lists means.

use std::net::{IpAddr, Ipv4Addr};

use crate::model::{
    Configuration, Parameter, Scope,
    access::{
        AddressPattern, Answer, Lookups, Peer, Which, hosts::may_be_name, is_host_separator, token_answer,
    },
    resolve::has_variable,
};

/// Whom `hosts allow` and `hosts deny` let in together.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Admitted {
    /// No address at all.
    Nobody,
    /// Those that are named, or that a name stands for.
    Some,
    /// At least half of the addresses of a family that the daemon listens on: the lists only make exceptions.
    Strangers,
}

/// How many IPv4 addresses there are.
const ALL_V4: u128 = 1 << 32;
/// The part of IPv6 that is handed out: 2000::/3.
const PUBLIC_V6: (u128, u128) = (0x2 << 124, (0x4 << 124) - 1);

/// Whom the host lists of a module let in. Names are taken for those of few hosts: a list that bans some by name lets
/// strangers in, one that admits some by name does not.
pub fn admitted(configuration: &Configuration, scope: Scope) -> Admitted {
    let lookups = Lookups::of(configuration, scope);
    let list = |parameter| configuration.text(scope, parameter).value;
    let (allow, deny) = (list(Parameter::HostsAllow), list(Parameter::HostsDeny));
    let listens = listens(configuration);
    by_lists(allow, deny, lookups, listens)
}

/// How much of IPv4 and of IPv6 the host lists of a module let in, in percent; none if that is nearly all to which the
/// daemon listens.
pub fn admitted_percent(configuration: &Configuration, scope: Scope) -> Option<[u8; 2]> {
    let lookups = Lookups::of(configuration, scope);
    let list = |parameter| configuration.text(scope, parameter).value;
    let (allow, deny) = (list(Parameter::HostsAllow), list(Parameter::HostsDeny));
    if allow.is_empty() && deny.is_empty() {
        return None;
    }
    let allowed = Listed::of(allow, Which::Allow, lookups);
    let denied = Listed::of(deny, Which::Deny, lookups);
    let listens = listens(configuration);
    let percent = [0, 1].map(|family| {
        let (total, admitted) = allowed.admits(&denied, deny.is_empty(), family, &Share::PUBLIC);
        (admitted / (total / 100)).min(100) as u8
    });
    let is_nearly_all = (0..2).all(|family| !listens[family] || percent[family] >= 99);
    (!is_nearly_all).then(|| [0, 1].map(|family| if listens[family] { percent[family] } else { 0 }))
}

/// Whether a list that stands alone as `hosts allow` admits strangers.
pub fn holds_strangers(list: &[u8], lookups: Lookups) -> bool {
    !list.is_empty() && by_lists(list, b"", lookups, [true, true]) == Admitted::Strangers
}

/// Whether a list that stands alone as `hosts deny` keeps all strangers out.
pub fn denies_strangers(list: &[u8], lookups: Lookups) -> bool {
    by_lists(b"", list, lookups, [true, true]) != Admitted::Strangers
}

/// Whether somebody who is on no list and has no password may do more with a module than before, or any module stops
/// asking for a password. A configuration that is not served whole gives nothing to anybody.
pub fn strangers_gain(before: &Configuration, after: &Configuration) -> bool {
    if after.serves() == Some(false) {
        return false;
    }
    let of = |configuration: &Configuration, name: &[u8]| match configuration.module(name) {
        Some(index) if configuration.serves() != Some(false) => {
            Stranger::of(configuration, Scope::Module(index))
        }
        _ => Stranger::default(),
    };
    after.modules.iter().any(|module| {
        let name = module.name.bytes();
        let (then, now) = (of(before, name), of(after, name));
        let is_known = before.module(name).is_some();
        let loses_guard = (now.enters && !then.enters) || (then.is_asked && !now.is_asked);
        (is_known && loses_guard) || (now.reads && !then.reads) || (now.writes && !then.writes)
    })
}

/// What becomes of somebody whom no line of a module means.
#[derive(Default)]
struct Stranger {
    /// Past the host lists.
    enters: bool,
    is_asked: bool,
    reads: bool,
    writes: bool,
}

impl Stranger {
    fn of(configuration: &Configuration, scope: Scope) -> Self {
        let has = |parameter| !configuration.text(scope, parameter).value.is_empty();
        let enters = admitted(configuration, scope) == Admitted::Strangers;
        let is_asked = has(Parameter::AuthUsers);
        let is_served = enters && !is_asked && has(Parameter::Path);
        Self {
            enters,
            is_asked,
            reads: is_served && !configuration.is(scope, Parameter::WriteOnly),
            writes: is_served && !configuration.is(scope, Parameter::ReadOnly),
        }
    }
}

/// Which families the daemon listens on: IPv4, IPv6.
fn listens(configuration: &Configuration) -> [bool; 2] {
    let address = configuration.text(Scope::Global, Parameter::Address).value;
    let address = std::str::from_utf8(address).ok();
    match address.and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(IpAddr::V4(_)) => [true, false],
        Some(IpAddr::V6(_)) => [false, true],
        None => [true, true],
    }
}

fn by_lists(allow: &[u8], deny: &[u8], lookups: Lookups, listens: [bool; 2]) -> Admitted {
    if allow.is_empty() && deny.is_empty() {
        return Admitted::Strangers;
    }
    let allowed = Listed::of(allow, Which::Allow, lookups);
    let denied = Listed::of(deny, Which::Deny, lookups);
    let mut all = Admitted::Nobody;
    for (family, _) in listens.iter().enumerate().filter(|(_, listens)| **listens) {
        let shares = [Share::WHOLE, Share::PUBLIC];
        let [(_, any), (total, public)] =
            shares.map(|share| allowed.admits(&denied, deny.is_empty(), family, &share));
        let is_named = allowed.has_names || any > 0;
        all = all.max(match public.saturating_mul(2) >= total {
            true => Admitted::Strangers,
            false if is_named => Admitted::Some,
            false => Admitted::Nobody,
        });
    }
    all
}

/// The addresses that a list matches, whatever a name service says.
#[derive(Default)]
struct Listed {
    /// First and last, of IPv4 and of IPv6.
    ranges: [Vec<(u128, u128)>; 2],
    /// Whether it may match others too.
    has_names: bool,
}

impl Listed {
    fn of(list: &[u8], which: Which, lookups: Lookups) -> Self {
        let is_made_of_variables = has_variable(list);
        // Only words that are no addresses are compared with it.
        let stranger = Peer::new(Ipv4Addr::UNSPECIFIED.into(), Some("stranger.invalid".to_owned()));
        let mut listed = Self::default();
        let words = list.split(|&byte| is_host_separator(byte));
        for word in words.filter(|word| !word.is_empty()) {
            if is_made_of_variables && word.contains(&b'%') {
                // Anybody may be meant: nothing is let in by it, and nobody is sure to pass it.
                match which {
                    Which::Allow => listed.has_names = true,
                    Which::Deny => listed.everything(),
                }
                continue;
            }
            match AddressPattern::parse(&word.to_ascii_lowercase()) {
                Some(pattern) => listed.pattern(&pattern),
                None => match token_answer(word, which, &stranger, lookups) {
                    Answer::Yes(_) => listed.everything(),
                    Answer::Unknown => listed.has_names = true,
                    Answer::No(_) => listed.has_names |= lookups.reverse && may_be_name(word),
                },
            }
        }
        listed
    }

    /// How many addresses of a family there are, and how many of them get in beside a `hosts deny`.
    fn admits(&self, denied: &Self, is_alone: bool, family: usize, share: &Share) -> (u128, u128) {
        let total = share.of(family, &[(0, u128::MAX)]);
        let inside = share.of(family, &self.ranges[family]);
        if is_alone {
            // Without `hosts deny`, whoever is not allowed is refused.
            return (total, inside);
        }
        let both = [&self.ranges[family][..], &denied.ranges[family]].concat();
        (total, total - (share.of(family, &both) - inside))
    }

    fn everything(&mut self) {
        for family in &mut self.ranges {
            family.push((0, u128::MAX));
        }
    }

    fn pattern(&mut self, pattern: &AddressPattern) {
        let (address, mask) = match *pattern {
            AddressPattern::Everything { address } => {
                self.ranges[usize::from(address.is_ipv6())].push((0, u128::MAX));
                return;
            }
            AddressPattern::Network { address, bits, .. } => (address, leading(address, bits)),
            AddressPattern::Masked { address, mask } => (address, bits(mask)),
            AddressPattern::NotAnAddress | AddressPattern::BadMask { .. } => return,
        };
        // No peer has such an address: rsync takes it for one of IPv4.
        if matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) && mask >> 32 != 0 {
            return;
        }
        let width = if address.is_ipv4() { 32 } else { 128 };
        let free = match width {
            32 => mask.leading_zeros() - 96,
            _ => mask.leading_zeros(),
        };
        if free > 0 && mask != 0 {
            // Strewn over the whole family: as many, side by side.
            let count = 1_u128.checked_shl(width - mask.count_ones()).unwrap_or(u128::MAX);
            self.ranges[usize::from(address.is_ipv6())].push((0, count.saturating_sub(1)));
            return;
        }
        // Gaps behind the first bits are few addresses more or less.
        let tail = (1_u128 << (width - mask.count_ones()).min(127)) - 1;
        let first = bits(address) & mask;
        self.ranges[usize::from(address.is_ipv6())].push((first, first.saturating_add(tail)));
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn leading(address: IpAddr, count: u8) -> u128 {
    match address {
        IpAddr::V4(_) => (u32::MAX << (32 - u32::from(count).clamp(1, 32))).into(),
        IpAddr::V6(_) => u128::MAX << (128 - u32::from(count).clamp(1, 128)),
    }
}

/// Which addresses of a family are counted.
struct Share([(u128, u128); 2]);

impl Share {
    const WHOLE: Self = Self([(0, ALL_V4 - 1), (0, u128::MAX - 1)]);
    const PUBLIC: Self = Self([(0, ALL_V4 - 1), PUBLIC_V6]);

    /// How many addresses the ranges hold, each counted once.
    fn of(&self, family: usize, ranges: &[(u128, u128)]) -> u128 {
        let (lowest, highest) = self.0[family];
        let clipped = ranges
            .iter()
            .map(|&(first, last)| (first.max(lowest), last.min(highest)));
        let mut clipped: Vec<_> = clipped.filter(|(first, last)| first <= last).collect();
        clipped.sort_unstable();
        let mut count = 0;
        let mut next = lowest;
        for (first, last) in clipped {
            if last >= next {
                count += last - first.max(next) + 1;
                next = last + 1;
            }
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOKUPS: Lookups = Lookups {
        reverse: true,
        forward: true,
        unresolvable_denies: true,
    };

    fn by(allow: &str, deny: &str) -> Admitted {
        by_lists(allow.as_bytes(), deny.as_bytes(), LOOKUPS, [true, true])
    }

    #[test]
    fn lists_that_make_exceptions_let_strangers_in() {
        for (allow, deny) in [
            ("", ""),
            ("*", ""),
            ("*", "*"),
            ("", "198.51.100.7"),
            ("", "198.51.100.0/24, bad.example.org"),
            ("0.0.0.0/1 128.0.0.0/1", ""),
            ("::/0", ""),
            ("2000::/3", ""),
            ("192.0.2.7", "0.0.0.0/32"),
            ("192.0.2.7", "10.0.0.0/8"),
            // Peers with an IPv6 address.
            ("192.0.2.7", "0.0.0.0/0"),
            ("", "*.*.*.*"),
            ("", "127.0.0.0/33"),
            ("0.0.0.0/0.0.0.0", ""),
        ] {
            assert_eq!(by(allow, deny), Admitted::Strangers, "{allow} / {deny}");
        }
    }

    #[test]
    fn lists_that_name_a_few_keep_strangers_out() {
        for (allow, deny) in [
            ("192.0.2.0/24", ""),
            ("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fd00::/8", ""),
            ("::1", "*"),
            ("host.example.org", ""),
            ("*.example.org", "*"),
            ("192.0.2.7", "0.0.0.0/0 ::/0"),
            ("192.0.2.7", "0.0.0.0/1 128.0.0.0/1 ::/0"),
            ("127.0.0.1/0.0.0.255", ""),
        ] {
            assert_eq!(by(allow, deny), Admitted::Some, "{allow} / {deny}");
        }
    }

    #[test]
    fn lists_that_match_no_peer_let_nobody_in() {
        for (allow, deny) in [
            ("", "*"),
            ("::ffff:127.0.0.1", ""),
            ("10.0.0.0/33", ""),
            // No host is called so.
            ("\"127.0.0.1\"", ""),
            ("127.0.0.1; 127.0.0.2;", ""),
            ("127.0.0.1，x", ""),
            ("“*”", ""),
            // Nor so, and since 3.5.0 that denies everybody.
            ("", "“10.0.0.1”"),
        ] {
            assert_eq!(by(allow, deny), Admitted::Nobody, "{allow} / {deny}");
        }
    }

    #[test]
    fn long_lists_are_counted_once() {
        let halves = "0.0.0.0/2 ".repeat(5_000);
        assert_eq!(by(&halves, ""), Admitted::Some);
        assert_eq!(by("", &halves), Admitted::Strangers);
    }
}
