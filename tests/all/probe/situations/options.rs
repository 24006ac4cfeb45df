//! What a module refuses: options, directions, names, the next connection; and hooks that fail.

use super::engine::{Around, Asked, OURS, SOUND, Situation, conf};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "deletions are refused",
        pages: &["RSY887"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\nrefuse options = delete\n"),
        asked: Asked::Line("rsync -a --delete own/ rsync://127.0.0.1:$PORT/data/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "compression is refused to who pulls",
        pages: &["RSY887"],
        configuration: conf!("refuse options = compress\n"),
        asked: Asked::Line("rsync -az rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "all options but a few are refused",
        pages: &["RSY887"],
        configuration: conf!("refuse options = * !v !a !recursive\n"),
        asked: Asked::Line("rsync -a --timeout=10 rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the server's devices are to be copied as files",
        pages: &["RSY887"],
        asked: Asked::Line("rsync -a --copy-devices rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the list of names is missing on the server",
        pages: &["RSY787"],
        asked: Asked::Line("rsync -a --files-from=:missing rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the server does not know an option",
        pages: &["RSY877"],
        asked: Asked::Line("rsync -a -M--no-such-option rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the server may not use the checksum that is asked for",
        pages: &["RSY888"],
        daemon: Around {
            environment: &[("RSYNC_CHECKSUM_LIST", "md5")],
            ..OURS
        },
        asked: Asked::Line("rsync -a --checksum-choice=sha1 rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module is read-only",
        pages: &["RSY885"],
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module's `read only` is no boolean",
        pages: &["RSY202", "RSY885"],
        configuration: conf!("read only = flase\n"),
        asked: Asked::Line("rsync -a own/ rsync://127.0.0.1:$PORT/data/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the source is to be removed from a read-only module",
        pages: &["RSY885"],
        asked: Asked::Line("rsync -a --remove-source-files rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module is write-only",
        pages: &["RSY886"],
        configuration: conf!("read only = no\nwrite only = yes\n"),
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/ here/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module is write-only and read-only",
        pages: &["RSY216"],
        is_plain: false,
        outside: &["RSY885"],
        configuration: conf!("write only = yes\nread only = yes\n"),
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the only connection is taken",
        pages: &["RSY823"],
        configuration: conf!("max connections = 1\n"),
        is_busy: true,
        ..SOUND
    },
    Situation {
        name: "the number of connections is negative",
        pages: &["RSY217"],
        configuration: conf!("max connections = -1\n"),
        ..SOUND
    },
    Situation {
        name: "the folder of the lock file is missing",
        pages: &["RSY608"],
        configuration: conf!("max connections = 4\nlock file = /var/lib/rsync/lock\n"),
        ..SOUND
    },
    Situation {
        name: "the module excludes the folder that is asked for",
        pages: &["RSY889"],
        is_plain: false,
        tree: &["file /srv/data/private/one = text"],
        configuration: conf!("exclude = /private\n"),
        asked: Asked::Pull("127.0.0.1:$PORT/data/private"),
        ..SOUND
    },
    Situation {
        name: "the module excludes the folder that is written to",
        pages: &["RSY889"],
        tree: &["dir /srv/data 0777", "dir /srv/data/private 0777"],
        configuration: conf!("read only = no\nexclude = /private\n"),
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/private/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module excludes one of the files that come in",
        pages: &["RSY889"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\nexclude = *.bak\n"),
        client: Around {
            before: "touch own/two.bak",
            ..OURS
        },
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "the folder that is asked for does not exist",
        pages: &["RSY851"],
        asked: Asked::Pull("127.0.0.1:$PORT/data/nowhere"),
        ..SOUND
    },
    Situation {
        name: "the server's whole path stands behind the module",
        pages: &["RSY851"],
        asked: Asked::Line("rsync -a rsync://127.0.0.1:$PORT/data/srv/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the folder above the one that is written to does not exist",
        pages: &["RSY852"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\n"),
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/a/b/"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "more is to be deleted than the client allows",
        pages: &["RSY862"],
        tree: &[
            "file /srv/data/one = text",
            "file /home/me/here/a = a",
            "file /home/me/here/b = b",
        ],
        asked: Asked::Line("rsync -r --delete --max-delete=1 rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the module excludes by a file that is missing",
        pages: &["RSY418"],
        is_plain: false,
        configuration: conf!("exclude from = /etc/rsyncd-exclude.list\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module's filter merges a file that is missing",
        pages: &["RSY418"],
        is_plain: false,
        configuration: conf!("filter = - *.bak merge /etc/rsyncd-exclude.list\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module's filter is none",
        pages: &["RSY419"],
        is_plain: false,
        configuration: conf!("filter = *.tmp\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module's charset does not exist",
        pages: &["RSY220"],
        is_plain: false,
        configuration: conf!("charset = utf-88\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the script before the transfer says no",
        pages: &["RSY824"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/hook 0755 = #!/bin/sh\\necho the disk is not mounted\\nexit 7\\n",
        ],
        configuration: conf!("pre-xfer exec = /etc/hook\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the script before the transfer is missing",
        pages: &["RSY414"],
        configuration: conf!("pre-xfer exec = /etc/no-such-hook\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the script before the transfer may not be run",
        pages: &["RSY414"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/hook 0644 = #!/bin/sh\\nexit 0\\n",
        ],
        configuration: conf!("pre-xfer exec = /etc/hook\n"),
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the early script says no",
        pages: &["RSY824"],
        is_plain: false,
        configuration: conf!("early exec = /bin/false\n"),
        ..SOUND
    },
    Situation {
        name: "the early script is missing",
        pages: &["RSY414"],
        is_plain: false,
        configuration: conf!("early exec = /etc/no-such-hook\n"),
        ..SOUND
    },
    Situation {
        name: "the script before the transfer takes too long",
        pages: &["RSY794"],
        is_plain: false,
        configuration: conf!("pre-xfer exec = /bin/sleep 2\n"),
        patience: 1,
        ..SOUND
    },
    Situation {
        name: "a hook's variable holds a semicolon",
        pages: &["RSY416"],
        is_plain: false,
        tree: &["file /srv/a;b/one = text", "file /bin/true 0755 = "],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = /srv/a;b\npre-xfer exec = /bin/true %RSYNC_MODULE_PATH%\n",
        runs: 3,
        ..SOUND
    },
];
