//! The interfaces of this machine, and what the firewall does with its connections to itself, which come in by loopback.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use crate::{
    doctor::reach::{
        Family, Verdict,
        firewall::{Direction, Packet},
        rules::Rules,
    },
    host::{Host, listening_on},
};

/// The interface by which a machine comes to itself.
const LOOPBACK: &str = "lo";

impl Packet {
    /// What a client of this machine sends to one of its addresses.
    pub(super) fn of_this_machine(address: IpAddr, port: u16) -> Self {
        Self {
            direction: Direction::In,
            family: Family::of(address),
            port,
            source: Some(address),
            destination: Some(address),
            interfaces: vec![LOOPBACK.to_owned()],
        }
    }
}

/// The address by which a machine comes to itself.
pub(super) const fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::V6(Ipv6Addr::LOCALHOST),
    }
}

/// Whether the firewall keeps clients of this machine, which come from its own address or from `mark`, from a port where
/// somebody listens for others. They have their own rules, so what such a client meets says nothing of the others.
pub(in crate::doctor) fn is_kept_out_itself(
    host: &dyn Host,
    address: IpAddr,
    mark: IpAddr,
    port: u16,
) -> bool {
    let listeners = listening_on(port);
    if listeners.iter().all(IpAddr::is_loopback) {
        return false;
    }
    let rules = Rules::of(host);
    if rules.are_unknown() {
        // Where somebody listens and nobody waits to be heard, nothing but a firewall refuses or keeps silent.
        return !is_anybody_waiting(port);
    }
    let own = Packet::of_this_machine(address, port);
    let marked = Packet {
        source: Some(mark),
        ..own.clone()
    };
    [own, marked]
        .iter()
        .any(|packet| !matches!(rules.judge(packet).verdict, Verdict::Accepted(_)))
}

/// Whether connections wait for whoever listens on a port: the kernel tells their number as what is to be received
/// (proc_net(5), `get_tcp4_sock` in tcp_ipv4.c).
fn is_anybody_waiting(port: u16) -> bool {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].into_iter();
    let mut tables = tables.filter_map(|table| fs::read_to_string(table).ok());
    tables.any(|table| has_waiting(&table, port))
}

fn has_waiting(table: &str, port: u16) -> bool {
    let port = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, queues, ..] = fields[..] else {
            return false;
        };
        let waiting = queues.split_once(':').map(|(_, waiting)| waiting);
        local.ends_with(&port) && state == "0A" && waiting != Some("00000000")
    })
}

/// The interfaces by which packets of elsewhere come in, as the kernel counts them (proc_net(5)).
pub(super) fn interfaces(host: &dyn Host) -> Vec<String> {
    let table = host
        .read(Path::new("/proc/net/dev"))
        .ok()
        .flatten()
        .unwrap_or_default();
    let table = String::from_utf8_lossy(&table);
    let names = table.lines().filter_map(|line| line.split_once(':'));
    names
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| name != "lo")
        .collect()
}

/// Whether this machine has an address of IPv6 that others can send to; scope 00 of the table (proc_net(5)).
pub(super) fn has_global_address(host: &dyn Host) -> bool {
    let table = host
        .read(Path::new("/proc/net/if_inet6"))
        .ok()
        .flatten()
        .unwrap_or_default();
    String::from_utf8_lossy(&table)
        .lines()
        .any(|line| line.split_ascii_whitespace().nth(3) == Some("00"))
}

#[cfg(test)]
mod tests {
    use super::has_waiting;

    #[test]
    fn connections_that_wait_are_counted_by_the_kernel() {
        let table = |waiting: &str| {
            format!(
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n   \
                0: 00000000:0369 00000000:0000 0A 00000000:{waiting} 00:00000000 00000000     0\n"
            )
        };
        assert!(!has_waiting(&table("00000000"), 873));
        assert!(has_waiting(&table("00000006"), 873));
        assert!(!has_waiting(&table("00000006"), 874));
    }
}
