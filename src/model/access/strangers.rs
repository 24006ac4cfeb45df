//! Whether the host lists of a module keep strangers out: peers whom no word of the lists means.

use std::net::IpAddr;

use crate::model::{
    Configuration, Parameter, Scope,
    access::{
        Answer, Lookups, Match, Matched, Open, Reach, Reached, Region, Which,
        hosts::{decide, name_answer},
    },
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

/// The name of a host that no list means. Only words that are no addresses are compared with it.
const NAME: &str = "stranger.invalid";
/// What hosts are called that no list means: also those without a name (`client_name` in clientname.c).
const NAMES: [&str; 2] = [NAME, "UNKNOWN"];
/// IPv4, and the part of IPv6 that is handed out: 2000::/3.
const PUBLIC: [(u128, u128); 2] = [(0, (1 << 32) - 1), (0x2 << 124, (0x4 << 124) - 1)];

/// Whom the host lists of a module let in. Names are taken for those of few hosts: a list that bans some by name lets
/// strangers in, one that admits some by name does not. Masks with gaps are taken for those of few hosts too.
pub fn admitted(configuration: &Configuration, scope: Scope) -> Admitted {
    Reach::new(configuration).admitted(scope)
}

impl Reach<'_> {
    /// The same for one module after the other.
    pub fn admitted(&mut self, scope: Scope) -> Admitted {
        let listens = listens(self.configuration());
        self.of(scope).admits(listens)
    }
}

/// How much of IPv4 and of IPv6 the host lists of a module let in, in percent; none if that is nearly all to which the
/// daemon listens.
pub fn admitted_percent(configuration: &Configuration, scope: Scope) -> Option<[u8; 2]> {
    let lists = [Parameter::HostsAllow, Parameter::HostsDeny];
    if lists
        .iter()
        .all(|&list| configuration.text(scope, list).value.is_empty())
    {
        return None;
    }
    let listens = listens(configuration);
    let percent = Reach::new(configuration).of(scope).percent();
    let is_nearly_all = (0..2).all(|family| !listens[family] || percent[family] >= 99);
    (!is_nearly_all).then(|| [0, 1].map(|family| if listens[family] { percent[family] } else { 0 }))
}

/// Whether a list that stands alone as `hosts allow` admits strangers.
pub fn holds_strangers(list: &[u8], lookups: Lookups) -> bool {
    !list.is_empty() && by_lists(list, b"", lookups) == Admitted::Strangers
}

/// Whether a list that stands alone as `hosts deny` keeps all strangers out.
pub fn denies_strangers(list: &[u8], lookups: Lookups) -> bool {
    by_lists(b"", list, lookups) != Admitted::Strangers
}

fn by_lists(allow: &[u8], deny: &[u8], lookups: Lookups) -> Admitted {
    Reached::by_lists(allow, deny, lookups).admits([true, true])
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

impl Reached {
    /// Whom the lists let in, of the families that the daemon listens on.
    fn admits(&self, listens: [bool; 2]) -> Admitted {
        let [allow, _] = self.open();
        let is_named = allow.is_some_and(|open| !open.names.is_empty() || !open.masks.is_empty());
        let mut families = [is_named; 2];
        for region in self.for_strangers() {
            families[family(region)] = true;
        }
        let percent = self.percent();
        let of_family = |family: usize| match (percent[family], families[family]) {
            (50.., _) => Admitted::Strangers,
            (_, true) => Admitted::Some,
            (_, false) => Admitted::Nobody,
        };
        let heard = (0..2).filter(|&family| listens[family]);
        heard.map(of_family).max().unwrap_or(Admitted::Nobody)
    }

    /// How much of what is public of IPv4 and of IPv6 gets in, in percent.
    fn percent(&self) -> [u8; 2] {
        let mut counts = [0_u128; 2];
        for region in self.for_strangers() {
            let family = family(region);
            let (lowest, highest) = PUBLIC[family];
            let (first, last) = (bits(region.first).max(lowest), bits(region.last).min(highest));
            counts[family] += (last + 1).saturating_sub(first);
        }
        [0, 1].map(|family| {
            let (lowest, highest) = PUBLIC[family];
            (counts[family] / ((highest - lowest + 1) / 100)).min(100) as u8
        })
    }

    /// From where strangers get in.
    fn for_strangers(&self) -> impl Iterator<Item = &Region> {
        let [allow, deny] = self.open();
        let is_meant = |open: &Open, which, name| {
            let mut names = open.names.iter();
            names.any(|word| matches!(name_answer(word, which, Some(name), open.lookups), Answer::Yes(_)))
        };
        let by_allow = allow.is_some_and(|open| is_meant(open, Which::Allow, NAME));
        let are_denied = |open: &Open| NAMES.iter().all(|name| is_meant(open, Which::Deny, name));
        // Whom a variable names may be anybody: nobody is sure to pass it.
        let by_deny = deny.is_some_and(|open| open.has_variables || are_denied(open));
        let is_listed = |matched, by_name| match matched {
            Matched::Yes => true,
            Matched::Unknown => by_name,
            Matched::Partly | Matched::No => false,
        };
        let gets_in = move |one: &Match| {
            let allowed = one.allow.map(|matched| Some(is_listed(matched, by_allow)));
            let denied = one.deny.map(|matched| Some(is_listed(matched, by_deny)));
            decide(allowed, denied) == Some(true)
        };
        let regions = self.world.iter().filter(move |(_, one)| gets_in(one));
        regions.map(|(region, _)| region)
    }
}

/// 0 for IPv4, 1 for IPv6.
fn family(region: &Region) -> usize {
    usize::from(region.first.is_ipv6())
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
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
        by_lists(allow.as_bytes(), deny.as_bytes(), LOOKUPS)
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
            ("", "*.*"),
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
