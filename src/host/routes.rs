//! The routes of this machine (proc_net(5)).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    path::Path,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use nix::errno::Errno;

use crate::host::{Fact, Host};

/// The flag of routes that refuse what is sent by them: `unreachable`, `prohibit` (`RTF_REJECT` of linux/route.h).
const REJECT: u32 = 0x200;
/// What stands for the interface of a route that has none: `blackhole`.
const NO_INTERFACE: &str = "*";
/// The metric of the entry of IPv6 that counts where no route does.
const NO_ROUTE: &str = "ffffffff";

/// A route of the main table; of IPv6 those of other tables too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The interface that it leads through.
    pub interface: String,
    /// Where it leads.
    pub network: IpNet,
    /// Whether nothing that is sent by it gets anywhere; of IPv6 only perhaps, for the table shows those to the loopback
    /// interface in the same way (observed with Linux 6). [`hindrance_to`] knows.
    pub is_swallowed: bool,
}

/// The routes of IPv4, then those of IPv6.
///
/// # Errors
/// The reason why nobody knows.
pub fn routes(host: &dyn Host) -> Fact<Vec<Route>> {
    let table = |name: &str| -> Fact<String> {
        let bytes = host.read(&Path::new("/proc/net").join(name))?;
        Ok(String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned())
    };
    let (four, six) = (table("route")?, table("ipv6_route")?);
    let four = four.lines().skip(1).filter_map(Route::read);
    Ok(four.chain(six.lines().filter_map(Route::read_six)).collect())
}

impl Route {
    /// Interface, destination, gateway, flags, three numbers, mask: addresses in the order of the machine's bytes.
    fn read(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [interface, network, _, flags, _, _, _, mask, ..] = fields[..] else {
            return None;
        };
        let address = |text: &str| {
            let word = u32::from_str_radix(text, 16).ok()?;
            Some(Ipv4Addr::from(word.to_ne_bytes()))
        };
        let network = Ipv4Net::with_netmask(address(network)?, address(mask)?).ok()?;
        Some(Self {
            interface: interface.to_owned(),
            network: network.into(),
            is_swallowed: interface == NO_INTERFACE || is_rejected(flags)?,
        })
    }

    /// Destination and its bits, source and its bits, gateway, metric, two numbers, flags, interface: all hexadecimal.
    fn read_six(line: &str) -> Option<Self> {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [network, bits, _, _, _, metric, _, _, flags, interface] = fields[..] else {
            return None;
        };
        if metric == NO_ROUTE {
            return None;
        }
        let address = Ipv6Addr::from(u128::from_str_radix(network, 16).ok()?);
        let bits = u8::from_str_radix(bits, 16).ok()?;
        Some(Self {
            interface: interface.to_owned(),
            network: Ipv6Net::new(address, bits).ok()?.into(),
            is_swallowed: is_rejected(flags)?,
        })
    }

    /// The route of several that packets to an address take: the closest.
    pub fn to(routes: &[Self], address: IpAddr) -> Option<&Self> {
        let leading = routes.iter().filter(|route| route.network.contains(&address));
        leading.max_by_key(|route| route.network.prefix_len())
    }
}

fn is_rejected(flags: &str) -> Option<bool> {
    Some(u32::from_str_radix(flags, 16).ok()? & REJECT != 0)
}

/// Why nothing that this machine sends to an address from one of its own gets there, by all tables and rules of the kernel
/// that we run on; `None` if it has a way. Nothing is sent.
pub fn hindrance_to(address: IpAddr, own: Option<IpAddr>) -> Option<Errno> {
    // Which interface is meant, its address does not tell.
    if matches!(address, IpAddr::V6(address) if address.is_unicast_link_local()) {
        return None;
    }
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((own.unwrap_or(any), 0)).ok()?;
    let error = socket.connect((address, ANY_PORT)).err()?.raw_os_error()?;
    let error = Errno::from_raw(error);
    // `unreachable`, `prohibit`, `blackhole`, and no route at all (ip-route(8)).
    let is_of_routes = matches!(
        error,
        Errno::EHOSTUNREACH | Errno::EACCES | Errno::EINVAL | Errno::ENETUNREACH
    );
    is_of_routes.then_some(error)
}

/// A port of UDP to which nothing is sent.
const ANY_PORT: u16 = 9;

/// The addresses of IPv4 that a process has in its network, those of loopback left out.
///
/// # Errors
/// The reason why nobody knows.
pub fn addresses_of(host: &dyn Host, process: u32) -> Fact<Vec<Ipv4Addr>> {
    let table = host.read(Path::new(&format!("/proc/{process}/net/fib_trie")))?;
    let table = String::from_utf8_lossy(&table.unwrap_or_default()).into_owned();
    let own = networks_of(&table).filter(|network| network.prefix_len() == 32);
    let own = own.map(|network| network.addr());
    let mut found: Vec<_> = own.filter(|address| !address.is_loopback()).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Whether a daemon of this machine can listen on an address; nothing where the machine does not tell.
///
/// # Errors
/// The reason why nobody knows.
pub fn has_address(host: &dyn Host, address: IpAddr) -> Fact<Option<bool>> {
    let (table, setting) = match address {
        IpAddr::V4(_) => ("/proc/net/fib_trie", "/proc/sys/net/ipv4/ip_nonlocal_bind"),
        IpAddr::V6(_) => ("/proc/net/if_inet6", "/proc/sys/net/ipv6/ip_nonlocal_bind"),
    };
    if address.is_unspecified() || address.is_loopback() {
        return Ok(Some(true));
    }
    let Some(table) = host.read(Path::new(table))? else {
        return Ok(None);
    };
    // A service whose address moves from machine to machine listens before it comes.
    let listens_anywhere = host.read(Path::new(setting));
    if listens_anywhere.is_ok_and(|found| found.is_some_and(|text| text.starts_with(b"1"))) {
        return Ok(Some(true));
    }
    let table = String::from_utf8_lossy(&table);
    Ok(Some(match address {
        IpAddr::V4(address) => networks_of(&table).any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            let address = format!("{:032x}", u128::from(address));
            table.lines().any(|line| line.starts_with(&address))
        }
    }))
}

/// The networks of IPv4 that are the machine's own, most of one address.
fn networks_of(table: &str) -> impl Iterator<Item = Ipv4Net> {
    let mut last = None;
    table.lines().map(str::trim).filter_map(move |line| {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        }
        let length = line.strip_prefix('/')?.strip_suffix(" host LOCAL")?;
        Ipv4Net::new(last?, length.parse().ok()?).ok()
    })
}

/// How many packets of IPv4 of this machine found no way to where they were to go (`OutNoRoutes`, RFC 4293). Of IPv6 the kernel
/// does not count answers that found none (observed with Linux 6).
pub fn packets_without_route(host: &dyn Host) -> Option<u64> {
    let table = host.read(Path::new("/proc/net/snmp")).ok()??;
    let table = String::from_utf8_lossy(&table).into_owned();
    let mut lines = table.lines().filter_map(|line| line.strip_prefix("Ip: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut pairs = names.split(' ').zip(values.split(' '));
    pairs.find(|(name, _)| *name == "OutNoRoutes")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::{Route, addresses_of, has_address, hindrance_to, packets_without_route, routes};
    use crate::host::Image;

    #[test]
    fn the_closest_route_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let image = Image::new(root.path());
        let net = root.path().join("proc/net");
        std::fs::create_dir_all(&net).expect("a folder");
        let table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            eth0 00000000 0100A8C0 0003 0 0 0 00000000 0 0 0\n\
            * 006433C6 00000000 0001 0 0 0 00FFFFFF 0 0 0\n\
            lo 007100CB 00000000 0200 0 0 0 00FFFFFF 0 0 0\nnonsense\n";
        std::fs::write(net.join("route"), table).expect("a file");
        let snmp = "Ip: Forwarding OutNoRoutes\nIp: 1 7\nIcmp: InMsgs\nIcmp: 0\n";
        std::fs::write(net.join("snmp"), snmp).expect("a file");
        let six = "20010db8000100000000000000000000 30 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 00000400 00000001 00000000 00200200       lo\n\
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
            fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n\
            00000000000000000000000000000000 00 00000000000000000000000000000000 00 \
            00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\nnonsense\n";
        std::fs::write(net.join("ipv6_route"), six).expect("a file");
        let routes = routes(&image).expect("a table");
        if cfg!(target_endian = "little") {
            let to = |address: &str| {
                let address = address.parse().expect("an address");
                Route::to(&routes, address).map(|route| route.is_swallowed)
            };
            assert_eq!(to("198.51.100.7"), Some(true));
            assert_eq!(to("203.0.113.7"), Some(true));
            assert_eq!(to("192.0.2.7"), Some(false));
            assert_eq!(to("2001:db8:1::1"), Some(true));
            assert_eq!(to("2001:db8:2::1"), Some(false));
        }
        std::fs::create_dir_all(root.path().join("proc/7/net")).expect("a folder");
        let trie = "Main:\n  |-- 10.9.0.0\n     /24 link UNICAST\n  |-- 10.9.0.2\n     /32 host LOCAL\n  |-- 127.0.0.1\n\
            \x20    /32 host LOCAL\nLocal:\n  |-- 10.9.0.2\n     /32 host LOCAL\n";
        std::fs::write(root.path().join("proc/7/net/fib_trie"), trie).expect("a file");
        assert_eq!(addresses_of(&image, 7), Ok(vec![Ipv4Addr::new(10, 9, 0, 2)]));
        assert_eq!(packets_without_route(&image), Some(7));
        assert_eq!(packets_without_route(&Image::new("/nowhere")), None);
        assert_eq!(hindrance_to(Ipv4Addr::LOCALHOST.into(), None), None);
    }

    #[test]
    fn a_daemon_listens_on_addresses_of_the_machine() {
        let root = tempfile::tempdir().expect("a folder");
        let image = Image::new(root.path());
        let has = |address: &str| has_address(&image, address.parse().expect("an address"));
        assert_eq!(has("192.0.2.1"), Ok(None));
        let net = root.path().join("proc/net");
        std::fs::create_dir_all(&net).expect("a folder");
        let table = "Main:\n  +-- 0.0.0.0/0 3 0 4\n     |-- 0.0.0.0\n        /0 universe UNICAST\n\
            |-- 10.9.0.2\n           /32 host LOCAL\n     |-- 10.9.0.255\n        /32 link BROADCAST\n\
            |-- 198.51.100.0\n           /24 host LOCAL\n";
        std::fs::write(net.join("fib_trie"), table).expect("a file");
        let six = "fd000000000000000000000000000001 02 40 00 80     eth0\n";
        std::fs::write(net.join("if_inet6"), six).expect("a file");
        for (address, expected) in [
            ("10.9.0.2", true),
            ("10.9.0.255", false),
            ("198.51.100.7", true),
            ("192.0.2.1", false),
            ("127.0.0.9", true),
            ("0.0.0.0", true),
            ("fd00::1", true),
            ("fd00::2", false),
            ("::", true),
        ] {
            assert_eq!(has(address), Ok(Some(expected)), "{address}");
        }
        let setting = root.path().join("proc/sys/net/ipv4");
        std::fs::create_dir_all(&setting).expect("a folder");
        std::fs::write(setting.join("ip_nonlocal_bind"), "1\n").expect("a file");
        assert_eq!(has("192.0.2.1"), Ok(Some(true)));
        assert_eq!(has("fd00::2"), Ok(Some(false)));
    }
}
