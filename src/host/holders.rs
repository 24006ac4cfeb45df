use std::{collections::BTreeMap, ffi::OsStr, fs, net::IpAddr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::host::{
    daemons::{command_lines, words},
    listener::socket_address,
};

/// A socket that has a TCP port of this machine, as its own, and is not rsync's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Holder {
    /// The address that it has the port of.
    pub address: IpAddr,
    /// The other end of the connection; none if it listens.
    pub peer: Option<(IpAddr, u16)>,
    /// Its process and the program; none if it is the kernel's own, or somebody's whom we may not see.
    pub process: Option<(u32, String)>,
}

/// Who has a TCP port of this machine besides rsync: listeners, and connections, which keep a daemon from listening there too
/// if they came first (bind(2)). Those that are only winding up keep nobody away.
pub fn holders(port: u16) -> Vec<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    let found: Vec<_> = tables.flat_map(|table| held(&table, port)).collect();
    if found.is_empty() {
        return Vec::new();
    }
    let owners = owners(Path::new("/proc"));
    let found = found.into_iter().filter_map(|(socket, address, peer)| {
        let process = owners.get(&socket).cloned();
        let is_ours = process.as_ref().is_some_and(|(_, program)| program == "rsync");
        (!is_ours).then_some(Holder {
            address,
            peer,
            process,
        })
    });
    found.collect()
}

/// The number of a socket, its own address, and the one that it is connected with.
type Held = (String, IpAddr, Option<(IpAddr, u16)>);

/// The sockets of a table of the kernel's that have a port (proc_net_tcp(5)). `06` is `TCP_TIME_WAIT`, `0A` is `TCP_LISTEN`;
/// nobody has what has no number.
fn held(table: &str, port: u16) -> Vec<Held> {
    let lines = table.lines().skip(1);
    let found = lines.filter_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, remote, state, _, _, _, _, _, inode, ..] = fields[..] else {
            return None;
        };
        let (address, own) = socket_address(local)?;
        if own != port || state == "06" || inode == "0" {
            return None;
        }
        let peer = match state {
            "0A" => None,
            _ => Some(socket_address(remote)?),
        };
        Some((format!("socket:[{inode}]"), address, peer))
    });
    found.collect()
}

/// The processes that hold sockets, and their programs, as far as we may see them.
fn owners(root: &Path) -> BTreeMap<String, (u32, String)> {
    let mut owners = BTreeMap::new();
    for (process, line) in command_lines(root) {
        let Ok(descriptors) = fs::read_dir(root.join(process.to_string()).join("fd")) else {
            continue;
        };
        let program = words(&line).next().and_then(|word| Path::new(word).file_name());
        let program = String::from_utf8_lossy(program.map_or(&[], OsStr::as_bytes)).into_owned();
        let links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        for link in links.filter_map(|link| link.into_os_string().into_string().ok()) {
            if link.starts_with("socket:") {
                owners.entry(link).or_insert_with(|| (process, program.clone()));
            }
        }
    }
    owners
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, process};

    use super::{held, holders};

    #[test]
    fn whoever_has_the_port_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let [one] = &holders(port)[..] else {
            panic!("{:?}", holders(port));
        };
        assert_eq!(
            one.process.as_ref().map(|(process, _)| *process),
            Some(process::id())
        );
        assert_eq!((one.address.to_string().as_str(), one.peer), ("127.0.0.1", None));
    }

    #[test]
    fn connections_count_until_they_end() {
        if cfg!(target_endian = "big") {
            return;
        }
        let line = |local: &str, state: &str, inode: &str| {
            format!("head\n 0: {local} 320200C0:0801 {state} 0:0 0:0 0 0 0 {inode} 1\n")
        };
        let found = |local, state, inode| held(&line(local, state, inode), 873);
        let [(socket, address, Some((peer, port)))] = &found("010200C0:0369", "01", "7")[..] else {
            panic!("one");
        };
        assert_eq!(
            (socket.as_str(), address.to_string().as_str()),
            ("socket:[7]", "192.0.2.1")
        );
        assert_eq!((peer.to_string().as_str(), *port), ("192.0.2.50", 2049));
        assert!(found("010200C0:036A", "01", "7").is_empty());
        assert!(found("010200C0:0369", "06", "0").is_empty());
        let mapped = found("0000000000000000FFFF0000010200C0:0369", "01", "7");
        assert!(mapped[0].1.is_ipv4());
    }
}
