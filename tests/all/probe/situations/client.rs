//! What is wrong on the client's own side.

use super::engine::{Around, Asked, OURS, SOUND, Server, Situation, Space, conf};

/// A module with a password, which a file of the client's is to hold.
const GUARDED: Situation = Situation {
    configuration: conf!("auth users = joe\nsecrets file = /etc/rsyncd.secrets\n"),
    asked: Asked::Line("rsync -a --password-file=pass rsync://joe@127.0.0.1:$PORT/data/ here/"),
    ..SOUND
};

/// The folders and secrets of such a module, and the client's password file.
macro_rules! with_file {
    ($line:expr) => {
        &[
            "file /srv/data/one = text\\n",
            "file /etc/rsyncd.secrets 0600 = joe:not-a-secret\\n",
            $line,
        ]
    };
}

/// A command line that rsync refuses before it connects.
const REFUSED: Situation = Situation {
    configuration: "",
    server: Server::Nobody,
    ..SOUND
};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "the password file is missing",
        pages: &["RSY879"],
        tree: with_file!("dir /home/me"),
        ..GUARDED
    },
    Situation {
        name: "everybody may read the password file",
        pages: &["RSY328"],
        tree: with_file!("file /home/me/pass 0644 = not-a-secret\\n"),
        ..GUARDED
    },
    Situation {
        name: "the password file belongs to somebody else",
        pages: &["RSY328"],
        tree: with_file!("file /home/me/pass 0600 nobody = not-a-secret\\n"),
        ..GUARDED
    },
    Situation {
        name: "the password file is empty",
        pages: &["RSY329"],
        tree: with_file!("file /home/me/pass 0600"),
        ..GUARDED
    },
    Situation {
        name: "the password file is a folder",
        pages: &["RSY329", "RSY879"],
        tree: with_file!("dir /home/me/pass 0700"),
        ..GUARDED
    },
    Situation {
        name: "the password file begins with the user",
        pages: &["RSY327", "RSY954"],
        tree: with_file!("file /home/me/pass 0600 = joe:not-a-secret\\n"),
        ..GUARDED
    },
    Situation {
        name: "the password file has a blank behind the password",
        pages: &["RSY330"],
        tree: with_file!("file /home/me/pass 0600 = not-a-secret \\n"),
        ..GUARDED
    },
    Situation {
        name: "the password file has a byte order mark in front",
        pages: &["RSY330"],
        tree: with_file!("file /home/me/pass 0600 = \u{feff}not-a-secret\\n"),
        ..GUARDED
    },
    Situation {
        name: "the password file has a note in its first line",
        pages: &["RSY330"],
        tree: with_file!("file /home/me/pass 0600 = # of joe\\nnot-a-secret\\n"),
        ..GUARDED
    },
    Situation {
        name: "two modules are named in one command",
        pages: &["RSY870"],
        tree: &[
            "file /srv/data/shop/one = text\\n",
            "file /srv/other/blog/two = text\\n",
        ],
        configuration: conf!("exclude = *.tmp\n[other]\npath = /srv/other\n"),
        asked: Asked::Line(
            "rsync -a rsync://127.0.0.1:$PORT/data/shop rsync://127.0.0.1:$PORT/other/blog here/",
        ),
        ..SOUND
    },
    Situation {
        name: "the option does not exist",
        pages: &["RSY876"],
        asked: Asked::Line("rsync -a --recursve rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "an option's value is no number",
        pages: &["RSY878"],
        asked: Asked::Line("rsync -a --timeout=soon rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "an option's dash is a typographer's",
        pages: &["RSY875"],
        asked: Asked::Line("rsync \u{2013}avz rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "deletions without folders",
        pages: &["RSY882"],
        asked: Asked::Line("rsync -v --delete rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "both sides are remote",
        pages: &["RSY870"],
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ rsync://127.0.0.1:$PORT/more/"),
        ..REFUSED
    },
    Situation {
        name: "a path in place of the module",
        pages: &["RSY873"],
        asked: Asked::Line("rsync -a 127.0.0.1::/srv/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "an empty word of a variable that is not set",
        pages: &["RSY881"],
        asked: Asked::Line("rsync -a '' rsync://127.0.0.1:$PORT/data/"),
        ..REFUSED
    },
    Situation {
        name: "the client's filter is none",
        pages: &["RSY883"],
        asked: Asked::Line("rsync -a --filter='exclud *.tmp' rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "the client's list of excludes is missing",
        pages: &["RSY884"],
        asked: Asked::Line("rsync -a --exclude-from=nowhere.list rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "the client does not know the checksum that it asks for",
        pages: &["RSY888"],
        asked: Asked::Line("rsync -a --checksum-choice=crc32 rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "attributes over a protocol that has none",
        pages: &["RSY975", "RSY882", "RSY826"],
        asked: Asked::Line("rsync -aX --protocol=29 rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "a protocol that is too old",
        pages: &["RSY826"],
        asked: Asked::Line("rsync -a --protocol=19 rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the source does not exist",
        pages: &["RSY851"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\n"),
        asked: Asked::Line("rsync -a nowhere/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "the client's user may not read a file that it is to send",
        pages: &["RSY842"],
        tree: &["dir /srv/data 0777", "file /home/me/own/closed 0600 root = text"],
        configuration: conf!("read only = no\n"),
        client: Around {
            user: "nobody",
            ..OURS
        },
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "the client's user may not write at the target",
        pages: &["RSY842"],
        tree: &["file /srv/data/one = text", "dir /home/me/closed 0755 root"],
        client: Around {
            user: "nobody",
            ..OURS
        },
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ closed/here/"),
        ..SOUND
    },
    Situation {
        name: "the client's user may not open its password file",
        pages: &["RSY879"],
        tree: with_file!("file /home/me/pass 0600 root = not-a-secret\\n"),
        client: Around {
            user: "nobody",
            ..OURS
        },
        ..GUARDED
    },
    Situation {
        name: "the folder above the target is missing",
        pages: &["RSY852"],
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ a/b/"),
        ..SOUND
    },
    Situation {
        name: "a file stands where the target folder belongs",
        pages: &["RSY853"],
        tree: &[
            "file /srv/data/one = text",
            "file /srv/data/two = text",
            "file /home/me/here = text",
        ],
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ here"),
        ..SOUND
    },
    Situation {
        name: "a folder with files stands where a file is to come",
        pages: &["RSY853"],
        tree: &["file /srv/data/one = text", "file /home/me/here/one/inner = text"],
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the client's disk is full",
        pages: &["RSY846"],
        client: Around {
            space: Space::Mount,
            before: "mkdir here\nmount -t tmpfs -o size=8k none here\nhead -c 8192 /dev/urandom >here/other || true",
            ..OURS
        },
        asked: Asked::Line("rsync -r rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the client's disk is mounted read-only",
        pages: &["RSY848"],
        client: Around {
            space: Space::Mount,
            before: "mkdir here\nmount -t tmpfs -o ro none here",
            ..OURS
        },
        asked: Asked::Line("rsync -r rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the client may not write files of that size",
        pages: &["RSY859"],
        tree: &["file /srv/data/one = text"],
        client: Around {
            before: "head -c 9000 /dev/urandom >../../srv/data/big\ntrap '' XFSZ\nulimit -f 4",
            ..OURS
        },
        asked: Asked::Line("rsync -r rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "a name is too long for the target",
        pages: &["RSY849"],
        asked: Asked::Line(concat!(
            "rsync -r rsync://127.0.0.1:$PORT/data/ ",
            "a-name-of-more-than-255-bytes-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-",
            "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-",
            "0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789/"
        )),
        ..SOUND
    },
    Situation {
        name: "the time is up before the transfer begins",
        pages: &["RSY864", "RSY868", "RSY878"],
        asked: Asked::Line("rsync -r --stop-at=2001-01-01T00:00 rsync://127.0.0.1:$PORT/data/ here/"),
        ..REFUSED
    },
    Situation {
        name: "the client may use too little memory",
        pages: &["RSY863", "RSY878"],
        asked: Asked::Line("rsync -r --max-alloc=1 rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
];
