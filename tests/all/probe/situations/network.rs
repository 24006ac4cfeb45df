//! Ways to the server that lead nowhere.

use super::engine::{Around, Asked, OURS, SOUND, Server, Situation, Space, conf};

/// A network of its own, with an address and a neighbour.
macro_rules! network {
    ($lines:expr) => {
        Around {
            space: Space::Network,
            before: concat!(
                "ip link set lo up\nip link add near type veth peer name far\nip link set near up\nip link set far up\n\
                 ip addr add 192.0.2.1/24 dev near\n",
                $lines
            ),
            ..OURS
        }
    };
}

/// Nobody reads a configuration.
const AWAY: Situation = Situation {
    configuration: "",
    server: Server::Nobody,
    ..SOUND
};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "nothing listens",
        pages: &["RSY801"],
        ..AWAY
    },
    Situation {
        name: "the daemon listens on another address",
        pages: &["RSY801"],
        server: Server::Daemon,
        listens: "127.0.0.2:0",
        ..SOUND
    },
    Situation {
        name: "the daemon listens on IPv6 alone",
        pages: &["RSY801"],
        server: Server::Daemon,
        listens: "[::1]:0",
        ..SOUND
    },
    Situation {
        name: "the daemon's port is another one",
        pages: &["RSY770", "RSY801"],
        configuration: concat!("port = 8730\n", conf!("")),
        server: Server::Nobody,
        ..SOUND
    },
    Situation {
        name: "the name does not exist",
        pages: &["RSY804"],
        asked: Asked::Pull("no-such-host.invalid/data"),
        ..AWAY
    },
    Situation {
        name: "an IPv6 address for a client of IPv4 alone",
        pages: &["RSY804"],
        asked: Asked::Line("rsync -a -4 rsync://[2001:db8::1]/data/ here/"),
        ..AWAY
    },
    Situation {
        name: "the server's queue is full",
        pages: &["RSY836", "RSY803"],
        server: Server::Stuck,
        patience: 1,
        ..AWAY
    },
    Situation {
        name: "the machine has no way to the network",
        pages: &["RSY784"],
        client: Around {
            space: Space::Network,
            before: "ip link set lo up",
            ..OURS
        },
        asked: Asked::Pull("198.51.100.1/data"),
        ..AWAY
    },
    Situation {
        name: "no name server can be asked",
        pages: &["RSY804"],
        client: Around {
            space: Space::Network,
            before: "ip link set lo up",
            ..OURS
        },
        asked: Asked::Pull("rsync.example.com/data"),
        ..AWAY
    },
    Situation {
        name: "packets are dropped on the way",
        pages: &["RSY836", "RSY803"],
        client: network!("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near"),
        asked: Asked::Pull("192.0.2.9/data"),
        patience: 1,
        ..AWAY
    },
    Situation {
        name: "packets are dropped, and the client would wait for ever",
        pages: &["RSY803", "RSY836"],
        client: network!(
            "ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near\nsysctl -qw net.ipv4.tcp_syn_retries=1 net.ipv4.tcp_syn_linear_timeouts=0"
        ),
        asked: Asked::Line("rsync -a rsync://192.0.2.9/data/ here/"),
        ..AWAY
    },
    Situation {
        name: "the host is unreachable",
        pages: &["RSY802"],
        client: network!("ip route add unreachable 198.51.100.1"),
        asked: Asked::Pull("198.51.100.1/data"),
        ..AWAY
    },
    Situation {
        name: "the route is prohibited",
        pages: &["RSY784"],
        client: network!("ip route add prohibit 198.51.100.1"),
        asked: Asked::Pull("198.51.100.1/data"),
        ..AWAY
    },
    Situation {
        name: "a router on the way rejects",
        // A link that has just come up answers the first packet itself, as if there were no route.
        pages: &["RSY802", "RSY784"],
        client: network!(
            "coproc router { exec unshare -n bash -c 'echo; read'; }\nread <&${router[0]}\nip link set far netns $router_PID\n\
             nsenter -n -t $router_PID bash -ec 'ip addr add 192.0.2.2/24 dev far; ip link set far up; sysctl -qw net.ipv4.ip_forward=1; ip route add prohibit 198.51.100.1'\n\
             ip route add 198.51.100.1 via 192.0.2.2"
        ),
        asked: Asked::Pull("198.51.100.1/data"),
        ..AWAY
    },
    Situation {
        name: "the proxy refuses",
        pages: &["RSY813"],
        server: Server::Script("read -r line; printf 'HTTP/1.0 403 Forbidden\\r\\n\\r\\n'; cat >/dev/null"),
        client: Around {
            environment: &[("RSYNC_PROXY", "127.0.0.1:$PORT")],
            ..OURS
        },
        asked: Asked::Line("rsync -a rsync://rsync.example.com/data/ here/"),
        ..AWAY
    },
    Situation {
        name: "the proxy is not there",
        pages: &["RSY813"],
        client: Around {
            environment: &[("RSYNC_PROXY", "127.0.0.1:$PORT")],
            ..OURS
        },
        asked: Asked::Line("rsync -a rsync://rsync.example.com/data/ here/"),
        ..AWAY
    },
    Situation {
        name: "the proxy's port is missing",
        pages: &["RSY813"],
        client: Around {
            environment: &[("RSYNC_PROXY", "proxy.example.com")],
            ..OURS
        },
        asked: Asked::Line("rsync -a rsync://rsync.example.com/data/ here/"),
        ..AWAY
    },
    Situation {
        name: "the program that is to connect fails",
        pages: &["RSY813"],
        client: Around {
            environment: &[("RSYNC_CONNECT_PROG", "exit 1")],
            ..OURS
        },
        asked: Asked::Line("rsync -a rsync://rsync.example.com/data/ here/"),
        is_unheard: true,
        ..AWAY
    },
];
