use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::host::{
    Fact, Unknown,
    daemons::{configuration, parent, whole, words},
    live::unknown,
    spaces::Space,
};

/// Who listens on a port of this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listener {
    /// An rsync daemon, with its configuration file.
    Daemon {
        /// Its process.
        process: u32,
        /// The file, from the root of this machine.
        configuration: PathBuf,
    },
    /// An rsync daemon in a container, whose files are not this machine's.
    Contained(u32),
    /// Another program, which may start rsync for each connection.
    Other {
        /// Its process.
        process: u32,
        /// Its name.
        program: String,
    },
    /// Somebody whose process we may not see.
    Unseen,
    /// Nobody.
    Nobody,
}

impl Listener {
    /// Looks for the process that listens on a TCP port, as far as `/proc` shows it to us.
    pub fn on(port: u16) -> Self {
        Self::at(port, &[])
    }

    /// The same where several may listen on the port, each at an address of its own: of them the one that clients of these
    /// addresses reach.
    pub fn at(port: u16, asked: &[IpAddr]) -> Self {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
        let sockets = tables.flat_map(|table| sockets(&table, port)).collect();
        let sockets = nearest(sockets, asked);
        if sockets.is_empty() {
            return Self::Nobody;
        }
        let Ok(entries) = fs::read_dir("/proc") else {
            return Self::Unseen;
        };
        let mut processes: Vec<u32> = entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        processes.sort_unstable();
        let holds = |process: &u32| holds(*process, &sockets);
        let holders: BTreeSet<_> = processes.into_iter().filter(holds).collect();
        // Its children have what the listener has, also those that are about to become another program.
        let is_first = |process: &&u32| {
            let parent = parent(Path::new("/proc"), **process);
            parent.is_none_or(|parent| !holders.contains(&parent))
        };
        let first = holders.iter().find(is_first).or_else(|| holders.first());
        first.copied().map_or(Self::Unseen, Self::of)
    }

    fn of(process: u32) -> Self {
        let folder = PathBuf::from(format!("/proc/{process}"));
        let line = fs::read(folder.join("cmdline")).unwrap_or_default();
        let Some(found) = configuration(&line) else {
            let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
            let program = whole_name(name.trim_end(), &line);
            return Self::Other { process, program };
        };
        if Space::of(Path::new("/proc"), &folder) == Space::Other {
            return Self::Contained(process);
        }
        match whole(&folder, found) {
            Ok(configuration) => Self::Daemon {
                process,
                configuration,
            },
            Err(_) => Self::Unseen,
        }
    }
}

/// The name of a program: the kernel keeps no more than its first 15 bytes, and the command line has the rest.
fn whole_name(name: &str, line: &[u8]) -> String {
    let first = words(line).next().and_then(|word| Path::new(word).file_name());
    let whole = first.and_then(OsStr::to_str);
    let whole = whole.filter(|whole| name.len() == LONGEST_NAME && whole.starts_with(name));
    whole.unwrap_or(name).to_owned()
}

/// So many bytes of a program's name are in `/proc/PID/comm` (`TASK_COMM_LEN` of the kernel, without the NUL).
const LONGEST_NAME: usize = 15;

/// The configuration file with which a process that listens starts rsync for each connection, if its command line says so:
/// `systemd-socket-activate --listen=873 --accept --inetd rsync --daemon`, `tcpserver 0 873 rsync --daemon`,
/// `socat TCP-LISTEN:873,fork EXEC:'rsync --daemon'`. A relative name is one from the folder of that process.
pub fn starts_rsync(process: u32) -> Option<PathBuf> {
    let folder = PathBuf::from(format!("/proc/{process}"));
    let named = handed_on(&fs::read(folder.join("cmdline")).ok()?)?;
    whole(&folder, named).ok()
}

/// The same by a command line whose words end with NUL.
fn handed_on(line: &[u8]) -> Option<PathBuf> {
    // The command may be one word, behind its kind.
    let parts = words(line)
        .skip(1)
        .flat_map(|word| word.as_bytes().split(u8::is_ascii_whitespace));
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let program = |part: &&[u8]| part.rsplit(|byte| matches!(byte, b'/' | b':')).next() == Some(b"rsync");
    let at = parts.iter().position(program)?;
    let command = [b"rsync"]
        .into_iter()
        .map(|name| &name[..])
        .chain(parts[at + 1..].iter().copied());
    configuration(&command.collect::<Vec<_>>().join(&0))
}

/// The TCP ports that a process listens on.
///
/// # Errors
/// We may not see that, or it has ended.
pub fn ports_of(process: u32) -> Fact<BTreeSet<u16>> {
    let folder = format!("/proc/{process}/fd");
    let descriptors = fs::read_dir(folder).map_err(|error| unknown(&error))?;
    let links: BTreeSet<PathBuf> = descriptors
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    let tables = ["tcp", "tcp6"].map(|table| format!("/proc/{process}/net/{table}"));
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    let listening: Vec<_> = tables.flat_map(|table| listening(&table)).collect();
    if listening.is_empty() && links.is_empty() {
        return Err(Unknown::Denied);
    }
    let own = listening
        .into_iter()
        .filter(|(_, socket)| links.contains(Path::new(socket)));
    Ok(own.map(|(port, _)| port).collect())
}

/// Whether a process, by its folder of `/proc`, holds a connection and listens nowhere: it serves a client, and the daemon that took
/// it may be gone. Not if we may not see that.
pub(super) fn only_serves(folder: &Path) -> bool {
    let own = sockets_of(folder);
    !own.is_empty() && own.iter().all(|socket| !socket.listens)
}

/// Whether the client of a process that serves one has closed the connection.
pub fn is_left_by_client(process: u32) -> bool {
    let own = sockets_of(Path::new(&format!("/proc/{process}")));
    own.iter().any(|socket| socket.is_left)
}

/// The sockets of TCP that a process holds, by its folder of `/proc`.
fn sockets_of(folder: &Path) -> Vec<Socket> {
    let links: BTreeSet<PathBuf> = fs::read_dir(folder.join("fd"))
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .collect();
    let tables = ["net/tcp", "net/tcp6"].map(|table| folder.join(table));
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    tables
        .flat_map(|table| connections(&table))
        .filter(|socket| links.contains(Path::new(&socket.name)))
        .collect()
}

/// The addresses that somebody listens on with a TCP port, as the kernel tells everybody.
pub fn listening_on(port: u16) -> BTreeSet<IpAddr> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.flat_map(|table| addresses(&table, port)).collect()
}

/// The same by one of its tables.
fn addresses(table: &str, port: u16) -> Vec<IpAddr> {
    let port = format!(":{port:04X}");
    let lines = table.lines().skip(1);
    let found = lines.filter_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
        let local = local.strip_suffix(&port).filter(|_| state == "0A")?;
        address(local)
    });
    found.collect()
}

/// An address of the kernel's tables: words of 32 bits in hexadecimal, each in the order of the machine's bytes.
fn address(text: &str) -> Option<IpAddr> {
    let words = text.as_bytes().chunks(8).map(|word| {
        let word = u32::from_str_radix(str::from_utf8(word).ok()?, 16).ok()?;
        Some(word.to_ne_bytes())
    });
    let words: Vec<[u8; 4]> = words.collect::<Option<_>>()?;
    match words[..] {
        [word] => Some(Ipv4Addr::from(word).into()),
        [..] => Some(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?).into()),
    }
}

/// An address with its port, as the kernel's tables have it; an address of IPv4 in a socket of IPv6 is one of IPv4.
pub(super) fn socket_address(text: &str) -> Option<(IpAddr, u16)> {
    let (own, port) = text.rsplit_once(':')?;
    Some((address(own)?.to_canonical(), u16::from_str_radix(port, 16).ok()?))
}

/// The sockets of a table of the kernel's that listen on a port, with their addresses.
fn sockets(table: &str, port: u16) -> Vec<Socket> {
    let found = connections(table).into_iter();
    found
        .filter(|socket| socket.listens && socket.port == port)
        .collect()
}

/// The names of those sockets that connections to one of the addresses come to, or of all if none does: one that listens
/// at the address itself takes them from one that listens at all (`inet_lookup_listener` of the kernel).
fn nearest(sockets: Vec<Socket>, asked: &[IpAddr]) -> BTreeSet<String> {
    let distance = |socket: &Socket| {
        let own = socket.address?;
        let of_one = |asked: &IpAddr| match own {
            _ if own.to_canonical() == asked.to_canonical() => Some(0),
            _ if own.is_unspecified() && own.is_ipv4() == asked.is_ipv4() => Some(1),
            // Unless it wants to hear nothing of IPv4, which the table does not say.
            _ if own.is_unspecified() && own.is_ipv6() => Some(2),
            _ => None,
        };
        asked.iter().filter_map(of_one).min()
    };
    let least = sockets.iter().filter_map(distance).min();
    let near = sockets
        .into_iter()
        .filter(|socket| least.is_none() || distance(socket) == least);
    near.map(|socket| socket.name).collect()
}

/// The ports of a table of the kernel's that somebody listens on, with their sockets as links of descriptors name them.
fn listening(table: &str) -> Vec<(u16, String)> {
    let sockets = connections(table).into_iter();
    let listening = sockets.filter(|socket| socket.listens);
    listening.map(|socket| (socket.port, socket.name)).collect()
}

/// A socket of a table of the kernel's.
struct Socket {
    /// Its own address, if it can be read.
    address: Option<IpAddr>,
    /// Its own port.
    port: u16,
    /// Whether it takes connections, and is none.
    listens: bool,
    /// Whether the other end has closed the connection, and this one has not.
    is_left: bool,
    /// As links of descriptors name it: `socket:[4242]`.
    name: String,
}

/// All sockets of a table of the kernel's.
fn connections(table: &str) -> Vec<Socket> {
    // Local address, peer, state, and, five fields on, the number of the inode (proc_net_tcp(5)); 0A is `TCP_LISTEN`, 08
    // `TCP_CLOSE_WAIT`.
    let lines = table.lines().skip(1);
    let found = lines.filter_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else {
            return None;
        };
        let (own, port) = local.rsplit_once(':')?;
        Some(Socket {
            address: address(own),
            port: u16::from_str_radix(port, 16).ok()?,
            listens: state == "0A",
            is_left: state == "08",
            name: format!("socket:[{inode}]"),
        })
    });
    found.collect()
}

fn holds(process: u32, sockets: &BTreeSet<String>) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{process}/fd")) else {
        return false;
    };
    let mut links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.any(|link| {
        let name: &OsStr = link.as_os_str();
        str::from_utf8(name.as_bytes()).is_ok_and(|name| sockets.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr, TcpListener},
        path::Path,
        process,
    };

    use super::{Listener, addresses, handed_on, listening_on, nearest, ports_of, sockets, whole_name};

    #[test]
    fn only_what_listens_on_the_port_counts() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:0369 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0\n\
             1: 0100007F:0369 0100007F:8AAC 01 00000000:00000000 00:00000000 00000000     0        0 4343 1 0\n\
             2: 00000000:036A 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4444 1 0\n\
             3: nonsense\n";
        let names = |port| nearest(sockets(table, port), &[]).into_iter().collect::<Vec<_>>();
        assert_eq!(names(873), ["socket:[4242]"]);
        assert_eq!(names(874), ["socket:[4444]"]);
        assert!(sockets("", 873).is_empty());
        if cfg!(target_endian = "little") {
            let two = table
                .replace("0100007F:8AAC 01", "00000000:0000 0A")
                .replace("1: 0100007F", "1: 00000000");
            for (asked, expected) in [
                (&["127.0.0.1"][..], &["socket:[4242]"][..]),
                (&["127.0.0.2"], &["socket:[4343]"]),
                (&["::1"], &["socket:[4242]", "socket:[4343]"]),
                (&["::1", "127.0.0.1"], &["socket:[4242]"]),
            ] {
                let asked: Vec<_> = asked
                    .iter()
                    .map(|text| text.parse().expect("an address"))
                    .collect();
                let found: Vec<_> = nearest(sockets(&two, 873), &asked).into_iter().collect();
                assert_eq!(found, expected, "{asked:?}");
            }
            assert_eq!(
                addresses(table, 873),
                ["127.0.0.1".parse::<IpAddr>().expect("an address")]
            );
            let table = "head\n 0: 000000000000000000000000010000FF:0369 00000000000000000000000000000000:0000 0A 0\n";
            assert_eq!(
                addresses(table, 873),
                ["::ff00:1".parse::<IpAddr>().expect("an address")]
            );
        }
    }

    #[test]
    fn who_starts_rsync_says_so_in_its_command_line() {
        for (line, configuration) in [
            (
                "systemd-socket-activate\0--listen=873\0--accept\0--inetd\0/usr/bin/rsync\0--daemon\0",
                Some("/etc/rsyncd.conf"),
            ),
            (
                "tcpserver\x000\x00873\0rsync\0--daemon\0--config=/srv/r.conf\0",
                Some("/srv/r.conf"),
            ),
            (
                "socat\0TCP-LISTEN:873,fork\0EXEC:rsync --daemon --config /srv/r.conf\0",
                Some("/srv/r.conf"),
            ),
            (
                "ncat\0-lk\0873\0-c\0/usr/bin/rsync --daemon\0",
                Some("/etc/rsyncd.conf"),
            ),
            ("python3\0-m\0http.server\x00873\0", None),
            ("ssh\0-NL\x00873:127.0.0.1:873\0rsync\0", None),
            ("", None),
        ] {
            let found = handed_on(line.as_bytes());
            assert_eq!(found.as_deref(), configuration.map(Path::new), "{line:?}");
        }
    }

    #[test]
    fn names_that_the_kernel_cuts_are_whole() {
        let line = b"/usr/bin/systemd-socket-activate\0--listen=873\0";
        assert_eq!(whole_name("systemd-socket-", line), "systemd-socket-activate");
        assert_eq!(whole_name("systemd", b"/sbin/init\0"), "systemd");
        assert_eq!(whole_name("python3", b"python3.11\0"), "python3");
        assert_eq!(whole_name("", b""), "");
    }

    #[test]
    fn who_listens_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let found = Listener::on(port);
        assert!(
            matches!(found, Listener::Other { process, .. } if process == process::id()),
            "{found:?}"
        );
        assert!(listening_on(port).contains(&IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert!(ports_of(process::id()).is_ok_and(|ports| ports.contains(&port)));
    }
}
