//! Modules whose files, folders, identities or lines are wrong.

use super::engine::{Around, Asked, OURS, SOUND, Situation, Space, conf};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "the folder of the module is missing",
        pages: &["RSY402"],
        is_plain: false,
        tree: &["dir /srv"],
        ..SOUND
    },
    Situation {
        name: "the path of the module is a file",
        pages: &["RSY402"],
        is_plain: false,
        tree: &["file /srv/data = no folder"],
        ..SOUND
    },
    Situation {
        name: "the module's user may not enter the folder",
        pages: &["RSY405"],
        is_plain: false,
        tree: &["dir /srv/data 0700 root", "file /srv/data/one = text"],
        ..SOUND
    },
    Situation {
        name: "the way to the module leads through a stranger's link",
        pages: &["RSY404"],
        is_plain: false,
        tree: &[
            "dir /srv/real",
            "file /srv/real/one = text",
            "link /srv/data -> real nobody",
        ],
        ..SOUND
    },
    Situation {
        name: "the module has no path",
        pages: &["RSY401"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\ncomment = files\n",
        ..SOUND
    },
    Situation {
        name: "the parameter `path` is misspelt",
        pages: &["RSY101", "RSY401"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npaht = /srv/data\n",
        ..SOUND
    },
    Situation {
        name: "the path is relative",
        pages: &["RSY403"],
        is_plain: false,
        outside: &["RSY402"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = srv/no-such-folder\n",
        ..SOUND
    },
    Situation {
        name: "a number without an account is to have all groups of its user",
        pages: &["RSY407"],
        configuration: conf!("uid = 54321\ngid = *\n"),
        ..SOUND
    },
    Situation {
        name: "the path leads through a file",
        pages: &["RSY402"],
        is_plain: false,
        tree: &["file /srv/data/one = text"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = /srv/data/one/deep\n",
        ..SOUND
    },
    Situation {
        name: "two folders in one path",
        pages: &["RSY424"],
        is_plain: false,
        outside: &["RSY402"],
        tree: &["dir /srv/data", "dir /srv/more"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = /srv/data, /srv/more\n",
        ..SOUND
    },
    Situation {
        name: "a note behind the path",
        pages: &["RSY201"],
        is_plain: false,
        outside: &["RSY402"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = /srv/data # the files\n",
        ..SOUND
    },
    Situation {
        name: "the path stands in quotes",
        pages: &["RSY206"],
        is_plain: false,
        outside: &["RSY402"],
        configuration: "use chroot = no\nreverse lookup = no\n[data]\npath = \"/srv/data\"\n",
        ..SOUND
    },
    Situation {
        name: "the module's user does not exist",
        pages: &["RSY407"],
        configuration: conf!("uid = nosuchuser\n"),
        ..SOUND
    },
    Situation {
        name: "the module's group does not exist",
        pages: &["RSY408"],
        configuration: conf!("gid = nosuchgroup\n"),
        ..SOUND
    },
    Situation {
        name: "a plain user's daemon is to become another user",
        pages: &["RSY409"],
        is_plain: false,
        configuration: conf!("uid = daemon\n"),
        daemon: Around {
            user: "nobody",
            ..OURS
        },
        ..SOUND
    },
    Situation {
        name: "a plain user's daemon is to change its root",
        pages: &["RSY409"],
        is_plain: false,
        configuration: "use chroot = yes\nreverse lookup = no\n[data]\npath = /srv/data\n",
        daemon: Around {
            user: "nobody",
            ..OURS
        },
        ..SOUND
    },
    Situation {
        name: "the daemon gives root up before the module needs it",
        pages: &["RSY411"],
        is_plain: false,
        configuration: concat!("daemon uid = nobody\n", conf!("uid = daemon\n")),
        ..SOUND
    },
    Situation {
        name: "the folder of munged links exists",
        pages: &["RSY410"],
        tree: &["dir /srv/data/rsyncd-munged", "file /srv/data/one = text"],
        configuration: "use chroot = yes\nreverse lookup = no\nmunge symlinks = yes\n[data]\npath = /srv/data\n",
        ..SOUND
    },
    Situation {
        name: "the folder for temporary files is missing",
        pages: &["RSY413"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\ntemp dir = partial\n"),
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        ..SOUND
    },
    Situation {
        name: "the folder for temporary files repeats the module's path",
        pages: &["RSY412"],
        is_plain: false,
        tree: &["dir /srv/data 0777", "dir /srv/data/incoming 0777"],
        configuration: "use chroot = yes\nreverse lookup = no\n[data]\npath = /srv/data\nread only = no\ntemp dir = /srv/data/incoming\n",
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        ..SOUND
    },
    Situation {
        name: "one file of several may not be read",
        pages: &["RSY840"],
        tree: &["file /srv/data/one = text", "file /srv/data/two 0600 root = text"],
        ..SOUND
    },
    Situation {
        name: "a folder below may not be entered",
        pages: &["RSY840"],
        tree: &["file /srv/data/one = text", "dir /srv/data/closed 0700 root"],
        ..SOUND
    },
    Situation {
        name: "a file to send is a link to nothing",
        pages: &["RSY431"],
        tree: &["file /srv/data/one = text", "link /srv/data/two -> nowhere"],
        asked: Asked::Line("rsync -aL rsync://127.0.0.1:$PORT/data/ here/"),
        ..SOUND
    },
    Situation {
        name: "the module's user may not write in the folder",
        pages: &["RSY406", "RSY841"],
        tree: &["dir /srv/data 0755 root"],
        configuration: conf!("read only = no\nuid = nobody\n"),
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        ..SOUND
    },
    Situation {
        name: "files come in as nobody, whose folder it is not",
        pages: &["RSY406", "RSY422"],
        is_plain: false,
        tree: &["dir /srv/data 0755 root"],
        configuration: conf!("read only = no\n"),
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "folders come in without the right to enter them",
        pages: &["RSY227"],
        is_plain: false,
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\nincoming chmod = 0644\n"),
        asked: Asked::Line("rsync -rp --chmod=D755 ../ rsync://127.0.0.1:$PORT/data/in/"),
        ..SOUND
    },
    Situation {
        name: "the module's disk is full",
        pages: &["RSY846"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\n"),
        daemon: Around {
            space: Space::Mount,
            before: "mount -t tmpfs -o size=64k,mode=1777 none /srv/data",
            ..OURS
        },
        client: Around {
            before: "head -c 300000 /dev/urandom >own/big",
            ..OURS
        },
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "the module's disk has no room for one more file",
        pages: &["RSY846"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\n"),
        daemon: Around {
            space: Space::Mount,
            before: "mount -t tmpfs -o nr_inodes=1,mode=1777 none /srv/data",
            ..OURS
        },
        asked: Asked::Line("rsync -r own/ rsync://127.0.0.1:$PORT/data/"),
        ..SOUND
    },
    Situation {
        name: "the module's disk is mounted read-only",
        pages: &["RSY848"],
        tree: &["dir /srv/data 0777"],
        configuration: conf!("read only = no\n"),
        daemon: Around {
            space: Space::Mount,
            before: "mount -t tmpfs -o ro,mode=1777 none /srv/data",
            ..OURS
        },
        asked: Asked::Push("127.0.0.1:$PORT/data"),
        ..SOUND
    },
    Situation {
        name: "a header of the file is not closed",
        pages: &["RSY103"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: "use chroot = no\n[data\npath = /srv/data\n",
        is_unheard: true,
        ..SOUND
    },
    Situation {
        name: "a line of the file begins with `=`",
        pages: &["RSY104"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: conf!("= /srv/more\n"),
        is_unheard: true,
        ..SOUND
    },
    Situation {
        name: "the file includes one that is missing",
        pages: &["RSY106"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: concat!("&include /etc/rsyncd.d/more.conf\n", conf!("")),
        is_unheard: true,
        ..SOUND
    },
    Situation {
        name: "the file includes in a way that rsync does not know",
        pages: &["RSY105"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: concat!("&source /etc/rsyncd.d\n", conf!("")),
        is_unheard: true,
        ..SOUND
    },
    Situation {
        name: "the file begins with a byte order mark",
        pages: &["RSY109"],
        is_plain: false,
        outside: &["RSY819"],
        configuration: "\u{feff}[data]\npath = /srv/data\nuse chroot = no\nreverse lookup = no\n",
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the lines of the file end as on old Macs",
        pages: &["RSY231"],
        is_plain: false,
        outside: &["RSY819"],
        configuration: "use chroot = no\r[data]\rpath = /srv/data\r",
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the lines of the file are numbered",
        pages: &["RSY116"],
        is_plain: false,
        outside: &["RSY819"],
        configuration: "1 use chroot = no\n2 [data]\n3 path = /srv/data\n",
        runs: 3,
        ..SOUND
    },
    Situation {
        name: "the module is renamed by `name`",
        pages: &["RSY219"],
        is_plain: false,
        outside: &["RSY819"],
        configuration: conf!("name = files\n"),
        ..SOUND
    },
    Situation {
        name: "the module's header has two brackets",
        pages: &["RSY228"],
        is_plain: false,
        outside: &["RSY819"],
        configuration: "use chroot = no\n[[data]]\npath = /srv/data\n",
        ..SOUND
    },
    Situation {
        name: "the module's name is asked for with a capital",
        pages: &["RSY819"],
        asked: Asked::Pull("127.0.0.1:$PORT/Data"),
        ..SOUND
    },
    Situation {
        name: "the daemon has no configuration file",
        pages: &["RSY809", "RSY893"],
        is_plain: false,
        outside: &["RSY811"],
        configuration: "",
        daemon: Around {
            before: "set -- \"${@/rsyncd.conf/nowhere.conf}\"",
            ..OURS
        },
        is_unheard: true,
        ..SOUND
    },
];
