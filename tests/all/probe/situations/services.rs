//! Ports behind which no rsync daemon is, or none that talks.

use super::engine::{Around, Asked, OURS, SOUND, Server, Situation, conf};

/// Nobody reads a configuration.
const OTHER: Situation = Situation {
    configuration: "",
    ..SOUND
};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "a web server",
        pages: &["RSY807"],
        server: Server::Script(
            "read -r line; printf 'HTTP/1.1 400 Bad Request\\r\\nConnection: close\\r\\n\\r\\n<html>'; cat >/dev/null",
        ),
        ..OTHER
    },
    Situation {
        name: "an SSH server",
        pages: &["RSY807"],
        server: Server::Script("printf 'SSH-2.0-OpenSSH_9.2p1 Debian-2\\r\\n'; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "a mail server",
        pages: &["RSY807"],
        server: Server::Script(
            "printf '220 mail.example.com ESMTP Postfix\\r\\n'; read -r line; printf '502 5.5.2 Error: command not recognized\\r\\n'; cat >/dev/null",
        ),
        ..OTHER
    },
    Situation {
        name: "an FTP server",
        pages: &["RSY807"],
        server: Server::Script("printf '220-Welcome\\r\\n220 (vsFTPd 3.0.3)\\r\\n'; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "a port of TLS",
        pages: &["RSY807", "RSY821"],
        server: Server::Script("read -r line; printf '\\x15\\x03\\x03\\x00\\x02\\x02\\x46'"),
        ..OTHER
    },
    Situation {
        name: "a database server, which speaks first",
        pages: &["RSY807"],
        server: Server::Script("printf '\\x4a\\x00\\x00\\x00\\x0a8.0.36\\x00'; cat >/dev/null"),
        patience: 2,
        ..OTHER
    },
    Situation {
        name: "a key-value store that answers in lines",
        pages: &["RSY807"],
        server: Server::Script("read -r line; printf -- \"-ERR unknown command\\r\\n\"; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "a service that never says a word",
        pages: &["RSY803", "RSY807", "RSY811", "RSY794"],
        server: Server::Script("cat >/dev/null"),
        patience: 1,
        ..OTHER
    },
    Situation {
        name: "a forwarder with nothing behind it",
        pages: &["RSY811"],
        server: Server::Script("read -r line"),
        ..OTHER
    },
    Situation {
        name: "a wrapper that hangs up on what it has not read",
        pages: &["RSY811"],
        server: Server::Script("read -r -N 1 letter"),
        is_unheard: true,
        ..OTHER
    },
    Situation {
        name: "rsync is started without --daemon",
        pages: &["RSY808"],
        server: Server::Script("rsync 2>&1; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "the super-server's program is missing",
        pages: &["RSY807"],
        server: Server::Script("echo 'sh: 1: /usr/local/bin/rsync: not found'; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "a daemon of the future",
        pages: &["RSY826"],
        server: Server::Script(
            "printf '@RSYNCD: 99.0 sha512 md5\\n'; read -r line; read -r line; printf '@RSYNCD: OK\\n'; cat >/dev/null",
        ),
        asked: Asked::Line("rsync -a --timeout=5 rsync://127.0.0.1:$PORT/data/ here/"),
        ..OTHER
    },
    Situation {
        name: "a daemon with digests that the client does not know",
        pages: &["RSY818"],
        server: Server::Script(
            "printf '@RSYNCD: 32.0 shake256\\n'; read -r line; read -r line; printf '@RSYNCD: AUTHREQD c2FsdA\\n'; cat >/dev/null",
        ),
        client: Around {
            environment: &[("RSYNC_PASSWORD", "not-a-secret")],
            ..OURS
        },
        asked: Asked::Pull("joe@127.0.0.1:$PORT/data"),
        ..OTHER
    },
    Situation {
        name: "a daemon that greets and falls silent",
        pages: &["RSY794"],
        server: Server::Script("printf '@RSYNCD: 31.0\\n'; cat >/dev/null"),
        patience: 1,
        ..OTHER
    },
    Situation {
        name: "another daemon than rsync's says no in its own words",
        pages: &["RSY831"],
        server: Server::Script(
            "printf '@RSYNCD: 31.0\\n'; read -r line; read -r line; printf '@ERROR: down for maintenance until Monday\\n'; cat >/dev/null",
        ),
        ..OTHER
    },
    Situation {
        name: "the message of the day has a line that no client reads to its end",
        pages: &["RSY622"],
        is_plain: false,
        outside: &["RSY833"],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        tree: &["dir /srv/data", "file /etc/motd = \\x78{5119}\\n"],
        ..SOUND
    },
    Situation {
        name: "the message of the day gives the client an order",
        pages: &["RSY622"],
        tree: &[
            "dir /srv/data",
            "file /etc/motd = Welcome!\\n@ERROR: not on Sundays\\n",
        ],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        ..SOUND
    },
    Situation {
        name: "the message of the day begins with a client's word for a refusal",
        pages: &["RSY622"],
        tree: &["dir /srv/data", "file /etc/motd = @ERROR is a word of rsync\\n"],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        ..SOUND
    },
    Situation {
        name: "the message of the day says yes in the daemon's place",
        pages: &["RSY622"],
        tree: &["dir /srv/data", "file /etc/motd = Welcome!\\n@RSYNCD: OK\\n"],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        ..SOUND
    },
    Situation {
        name: "the message of the day says yes, and goes on",
        pages: &["RSY622"],
        tree: &[
            "dir /srv/data",
            "file /etc/motd = Welcome!\\n@RSYNCD: OK\\nAsk the desk for a password, please.\\n",
        ],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        ..SOUND
    },
    Situation {
        name: "the message of the day says yes, and a word more",
        pages: &["RSY622"],
        tree: &["dir /srv/data", "file /etc/motd = @RSYNCD: OK\\nhi\\n"],
        configuration: concat!("motd file = /etc/motd\n", conf!("")),
        ..SOUND
    },
    Situation {
        name: "a wrapper refuses in place of the greeting",
        pages: &["RSY831"],
        server: Server::Script("printf '@ERROR: not from your network\\n'; cat >/dev/null"),
        ..OTHER
    },
    Situation {
        name: "the daemon awaits a proxy's header, and trusts nobody",
        pages: &["RSY335"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: concat!("proxy protocol = yes\n", conf!("")),
        is_unheard: true,
        ..SOUND
    },
    Situation {
        name: "the daemon awaits a proxy's header, which does not come",
        pages: &["RSY811"],
        is_plain: false,
        configuration: concat!(
            "proxy protocol = yes\nproxy protocol hosts = 127.0.0.1\n",
            conf!("")
        ),
        is_unheard: true,
        ..SOUND
    },
];
