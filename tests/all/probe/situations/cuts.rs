//! Sessions that something happens to.

use super::{
    engine::{Asked, SOUND, Server, Situation, conf},
    tamper::{At, From, Tamper, Then},
};

/// A pull whose only file says `the beginning, the middle, the end`.
const PULL: Situation = Situation {
    tree: &["file /srv/data/one = the beginning, the middle, the end\\n"],
    asked: Asked::Line("rsync -a --timeout=10 rsync://127.0.0.1:$PORT/data/ here/"),
    ..SOUND
};

/// A push of a file that says `text of ours`.
const PUSH: Situation = Situation {
    tree: &["dir /srv/data 0777"],
    configuration: conf!("read only = no\n"),
    asked: Asked::Line("rsync -r --timeout=10 own/ rsync://127.0.0.1:$PORT/data/"),
    ..SOUND
};

const fn from_server(at: At, then: Then) -> Server {
    Server::Tampered(Tamper {
        from: From::Server,
        at,
        then,
    })
}

const fn from_client(at: At, then: Then) -> Server {
    Server::Tampered(Tamper {
        from: From::Client,
        at,
        then,
    })
}

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "the connection ends in the middle of the greeting",
        pages: &["RSY811"],
        server: from_server(At::Byte(5), Then::Close),
        ..PULL
    },
    Situation {
        // The reset may be there before the program that connects runs on: rsync says that it failed to connect then.
        name: "the connection is reset in place of the greeting",
        pages: &["RSY811", "RSY832"],
        server: from_server(At::Text(b"@RSYNCD"), Then::Reset),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "the connection ends before the module's answer",
        pages: &["RSY833", "RSY831"],
        is_plain: false,
        server: from_server(At::Text(b"@RSYNCD: OK"), Then::Close),
        ..PULL
    },
    Situation {
        name: "the connection is reset before the module's answer",
        pages: &["RSY833", "RSY832"],
        is_plain: false,
        server: from_server(At::Text(b"@RSYNCD: OK"), Then::Reset),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "the connection ends before the list of files",
        pages: &["RSY833"],
        server: from_server(At::Text(b"one"), Then::Close),
        ..PULL
    },
    Situation {
        name: "the connection ends in the middle of a file",
        pages: &["RSY833"],
        server: from_server(At::Text(b"the middle"), Then::Close),
        ..PULL
    },
    Situation {
        name: "the connection is reset in the middle of a file",
        pages: &["RSY833"],
        server: from_server(At::Text(b"the middle"), Then::Reset),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "the daemon is killed in the middle of a file",
        pages: &["RSY833"],
        server: from_server(At::Text(b"the middle"), Then::Kill),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "nothing comes any more in the middle of a file",
        pages: &["RSY868"],
        server: from_server(At::Text(b"the middle"), Then::Stall),
        asked: Asked::Line("rsync -a --timeout=1 rsync://127.0.0.1:$PORT/data/ here/"),
        ..PULL
    },
    Situation {
        name: "nothing comes any more when the module is named",
        pages: &["RSY868"],
        server: from_server(At::Text(b"@RSYNCD: OK"), Then::Stall),
        asked: Asked::Line("rsync -a --timeout=1 rsync://127.0.0.1:$PORT/data/ here/"),
        ..PULL
    },
    Situation {
        name: "something on the way changes a file's text",
        pages: &["RSY858", "RSY869"],
        server: from_server(At::Text(b"the middle"), Then::Replace(b"the muddle")),
        ..PULL
    },
    Situation {
        name: "something on the way changes the frames of the stream",
        pages: &["RSY869"],
        server: from_server(At::Text(b"the middle"), Then::Say(b"advertisement! ")),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "a hook's text comes into the stream",
        pages: &["RSY825", "RSY869"],
        server: from_server(At::Text(b"one"), Then::Say(b"Last login: Monday\r\n")),
        runs: 3,
        ..PULL
    },
    Situation {
        name: "text comes before the greeting",
        pages: &["RSY807", "RSY825"],
        server: from_server(At::Byte(0), Then::Say(b"Authorized users only!\n")),
        ..PULL
    },
    Situation {
        name: "a file vanishes between the list and its turn",
        pages: &["RSY861"],
        tree: &["file /srv/data/one = text", "file /srv/data/zebra = text"],
        server: from_server(At::Text(b"zebra"), Then::Remove("srv/data/zebra")),
        ..PULL
    },
    Situation {
        name: "the connection ends while files are sent",
        pages: &["RSY833"],
        server: from_client(At::Text(b"text of ours"), Then::Close),
        runs: 3,
        ..PUSH
    },
    Situation {
        name: "the daemon is killed while files are sent",
        pages: &["RSY833"],
        server: from_client(At::Text(b"text of ours"), Then::Kill),
        runs: 3,
        ..PUSH
    },
    // The daemon tells its limit, and the client keeps it too: did the daemon's own end come through, that would race it.
    Situation {
        name: "the daemon's patience ends while files are sent",
        pages: &["RSY868"],
        configuration: conf!("read only = no\ntimeout = 1\n"),
        server: from_client(At::Text(b"text of ours"), Then::Sever),
        // Where the machine is slow, the daemon's second may be over before the text comes by.
        runs: 3,
        ..PUSH
    },
    Situation {
        name: "something on the way changes what is sent",
        pages: &["RSY858", "RSY869"],
        server: from_client(At::Text(b"text of ours"), Then::Replace(b"text of hers")),
        ..PUSH
    },
    Situation {
        name: "a compressed stream is damaged",
        pages: &["RSY869"],
        server: from_server(At::Text(b"*\xc9HUHJM"), Then::Replace(b"\xff\xff\xff\xff")),
        asked: Asked::Line(
            "rsync -az --compress-choice=zlib --timeout=10 rsync://127.0.0.1:$PORT/data/ here/",
        ),
        runs: 3,
        ..PULL
    },
];
