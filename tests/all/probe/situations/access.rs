//! Who may come in: addresses, users, secrets.

use super::engine::{Around, Asked, OURS, SOUND, Situation, conf};

/// What is wrong with a login shows on the server alone; joe has the right password if nothing else is said.
const GUARDED: Situation = Situation {
    is_plain: false,
    outside: &["RSY810"],
    tree: &[
        "file /srv/data/one = text\\n",
        "file /etc/rsyncd.secrets 0600 = joe:not-a-secret\\n",
    ],
    configuration: conf!("auth users = joe\nsecrets file = /etc/rsyncd.secrets\n"),
    client: Around {
        environment: &[("RSYNC_PASSWORD", "not-a-secret")],
        ..OURS
    },
    asked: Asked::Pull("joe@127.0.0.1:$PORT/data"),
    ..SOUND
};

pub(super) const ALL: &[Situation] = &[
    Situation {
        name: "other networks alone are admitted",
        pages: &["RSY822"],
        configuration: conf!("hosts allow = 192.168.1.0/24\n"),
        ..SOUND
    },
    Situation {
        name: "everybody is denied",
        pages: &["RSY822", "RSY242"],
        configuration: conf!("hosts deny = *\n"),
        ..SOUND
    },
    Situation {
        name: "this machine is denied by its name",
        pages: &["RSY822"],
        is_plain: false,
        configuration: conf!("hosts deny = localhost\n"),
        ..SOUND
    },
    Situation {
        name: "a hidden module denies the address",
        pages: &["RSY820", "RSY822"],
        is_plain: false,
        configuration: conf!("list = no\nhosts allow = 192.168.1.0/24\n"),
        ..SOUND
    },
    Situation {
        name: "the mask of an admitted network is impossible",
        pages: &["RSY303"],
        is_plain: false,
        outside: &["RSY822"],
        configuration: conf!("hosts allow = 127.0.0.0/33\n"),
        ..SOUND
    },
    Situation {
        name: "admitted addresses are parted by semicolons",
        pages: &["RSY307"],
        is_plain: false,
        outside: &["RSY822"],
        configuration: conf!("hosts allow = 127.0.0.1;192.168.1.5\n"),
        ..SOUND
    },
    Situation {
        name: "an admitted name is never looked up",
        pages: &["RSY308"],
        is_plain: false,
        outside: &["RSY822"],
        configuration: conf!("hosts allow = *.example.com\n"),
        ..SOUND
    },
    Situation {
        name: "an admitted address has zeros in front",
        pages: &["RSY306"],
        is_plain: false,
        outside: &["RSY822"],
        configuration: conf!("hosts allow = 0127.0.0.1\n"),
        ..SOUND
    },
    Situation {
        name: "the password is another one",
        pages: &["RSY810"],
        is_plain: false,
        client: Around {
            environment: &[("RSYNC_PASSWORD", "another-not-a-secret")],
            ..OURS
        },
        ..GUARDED
    },
    Situation {
        name: "the user is not among the module's",
        pages: &["RSY816"],
        asked: Asked::Pull("ann@127.0.0.1:$PORT/data"),
        ..GUARDED
    },
    Situation {
        name: "the user is named in other letters",
        pages: &["RSY816"],
        asked: Asked::Pull("Joe@127.0.0.1:$PORT/data"),
        ..GUARDED
    },
    Situation {
        name: "nobody named the user, so it is the login's name",
        pages: &["RSY816"],
        client: Around {
            environment: &[
                ("RSYNC_PASSWORD", "not-a-secret"),
                ("USER", "root"),
                ("LOGNAME", "root"),
            ],
            ..OURS
        },
        asked: Asked::Pull("127.0.0.1:$PORT/data"),
        ..GUARDED
    },
    Situation {
        name: "the user is not among the module's, whose secrets are open to all besides",
        pages: &["RSY816"],
        tree: &[
            "file /srv/data/one = text\\n",
            "file /etc/rsyncd.secrets 0644 = ann:not-a-secret\\n",
        ],
        configuration: conf!("auth users = ann\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "the password is wrong, and another user of the module has none",
        pages: &["RSY810"],
        configuration: conf!("auth users = ann, joe\nsecrets file = /etc/rsyncd.secrets\n"),
        client: Around {
            environment: &[("RSYNC_PASSWORD", "another")],
            ..OURS
        },
        ..GUARDED
    },
    Situation {
        name: "everybody may log in, and the user has no password",
        pages: &["RSY315"],
        is_plain: false,
        tree: &[
            "file /srv/data/one = text\\n",
            "file /etc/rsyncd.secrets 0600 = ann:not-a-secret\\n",
        ],
        configuration: conf!("auth users = *\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "everybody may log in, and the user's password is another",
        pages: &["RSY810"],
        is_plain: false,
        configuration: conf!("auth users = *\nsecrets file = /etc/rsyncd.secrets\n"),
        client: Around {
            environment: &[("RSYNC_PASSWORD", "another")],
            ..OURS
        },
        ..GUARDED
    },
    Situation {
        name: "the user is in none of the groups that are admitted",
        pages: &["RSY816"],
        configuration: conf!("auth users = @daemon, ann\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "a rule denies the user",
        pages: &["RSY816"],
        configuration: conf!("auth users = joe:deny, *\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "the module names no secrets file",
        pages: &["RSY311"],
        configuration: conf!("auth users = joe\n"),
        ..GUARDED
    },
    Situation {
        name: "the secrets file is missing",
        pages: &["RSY312"],
        tree: &["file /srv/data/one = text"],
        ..GUARDED
    },
    Situation {
        name: "everybody may read the secrets file",
        pages: &["RSY302"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0644 = joe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file belongs to somebody else",
        pages: &["RSY313"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 nobody = joe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the way to the secrets file leads through a stranger's link",
        pages: &["RSY318"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsync/secrets 0600 = joe:not-a-secret\\n",
            "link /etc/rsyncd.secrets -> rsync/secrets nobody",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file is named by a relative path",
        pages: &["RSY320"],
        configuration: conf!("auth users = joe\nsecrets file = etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "the secrets file has no line for the user",
        pages: &["RSY315"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = ann:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file has a blank behind the password",
        pages: &["RSY322"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = joe:not-a-secret \\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file has a note behind the password",
        pages: &["RSY323"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = joe:not-a-secret # of joe\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file has the password in quotes",
        pages: &["RSY340"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = joe:\"not-a-secret\"\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the password is in the second line of the user",
        pages: &["RSY324"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = joe:an-old-not-a-secret\\njoe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file begins with a byte order mark",
        pages: &["RSY326"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = \u{feff}joe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "the secrets file holds the password alone",
        pages: &["RSY321"],
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "users are parted by semicolons",
        pages: &["RSY339"],
        configuration: conf!("auth users = joe;ann\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "a wide comma stands between the users",
        pages: &["RSY111"],
        configuration: conf!("auth users = joe，ann\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "a wide blank stands between two of the users",
        pages: &["RSY111"],
        configuration: conf!("auth users = ann, joe\u{3000}eve\nsecrets file = /etc/rsyncd.secrets\n"),
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = ann:not-hers\\njoe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "each user stands in quotes",
        pages: &["RSY206"],
        configuration: conf!("auth users = \"ann\" \"joe\"\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "one of the users stands in quotes",
        pages: &["RSY206"],
        configuration: conf!("auth users = ann, \"joe\"\nsecrets file = /etc/rsyncd.secrets\n"),
        tree: &[
            "file /srv/data/one = text",
            "file /etc/rsyncd.secrets 0600 = ann:not-hers\\njoe:not-a-secret\\n",
        ],
        ..GUARDED
    },
    Situation {
        name: "users stand in quotes, and the user is none of them",
        pages: &["RSY816"],
        configuration: conf!("auth users = \"ann\" \"eve\"\nsecrets file = /etc/rsyncd.secrets\n"),
        ..GUARDED
    },
    Situation {
        name: "the daemon wants a digest that nobody knows",
        pages: &["RSY331"],
        configuration: conf!("auth users = joe\nsecrets file = /etc/rsyncd.secrets\nauth digest = sha-512\n"),
        ..GUARDED
    },
    Situation {
        name: "the client was given no password",
        pages: &["RSY815"],
        is_plain: true,
        client: OURS,
        ..GUARDED
    },
    Situation {
        name: "the user may read alone",
        pages: &["RSY885"],
        is_plain: true,
        tree: &[
            "dir /srv/data 0777",
            "file /etc/rsyncd.secrets 0600 = joe:not-a-secret\\n",
        ],
        configuration: conf!("read only = no\nauth users = joe:ro\nsecrets file = /etc/rsyncd.secrets\n"),
        asked: Asked::Push("joe@127.0.0.1:$PORT/data"),
        ..GUARDED
    },
];
