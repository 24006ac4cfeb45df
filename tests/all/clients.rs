//! Clients in scripts, cron tables and units, and the configurations of the same run.

use std::path::PathBuf;

use rsyncctl::{
    catalog::{FileKind, Language},
    host::NoHost,
    lint::{Input, Report, lint, recognise},
    terms::Bytes,
};

use crate::support::report::options;

const DATA: &str = "uid = backup\n[data]\npath = /srv/data\nhosts allow = 192.0.2.0/24\n";

/// The rules about clients that find something.
fn found(files: &[(&str, &str)]) -> Vec<&'static str> {
    let report = check(files);
    let ours = ["RSY971", "RSY972", "RSY973", "RSY974", "RSY770"];
    let findings = report.findings.iter();
    findings
        .map(|finding| finding.page.id)
        .filter(|id| ours.contains(id))
        .collect()
}

fn check(files: &[(&str, &str)]) -> Report {
    let inputs = files.iter().map(|(name, text)| {
        let bytes = Bytes::from(text.as_bytes());
        let kind = recognise(&PathBuf::from(name), &bytes).unwrap_or(FileKind::Script);
        Input {
            name: (*name).to_owned(),
            path: None,
            bytes,
            kind,
            is_guess: true,
            host: &NoHost,
        }
    });
    lint(inputs.collect(), &options())
}

#[test]
fn files_of_one_repository_are_compared() {
    let push = "#!/bin/sh\nrsync -a /srv/www/ backup.example.net::data\n";
    let unit = "[Service]\nType=oneshot\nExecStart=-/usr/bin/rsync -a /srv/www/ rsync://192.0.2.7/data\n";
    let table = "0 3 * * * root rsync -a /srv/www/ 192.0.2.7::data/www\n";
    for (name, text) in [
        ("roles/client/files/push.sh", push),
        ("roles/client/files/rsync-push.service", unit),
        ("roles/client/files/etc/cron.d/push", table),
    ] {
        assert_eq!(
            found(&[("roles/server/files/rsyncd.conf", DATA), (name, text)]),
            ["RSY972"],
            "{name}"
        );
    }
}

#[test]
fn files_of_several_hosts_are_not_joined_falsely() {
    let writable = "[data]\npath = /srv/data\nread only = no\nhosts allow = 192.0.2.0/24\n";
    let push = "#!/bin/sh\nrsync -a /srv/www/ backup.example.net::data\n";
    for files in [
        // One of two servers may take it in.
        &[
            ("a/rsyncd.conf", DATA),
            ("b/rsyncd.conf", writable),
            ("push.sh", push),
        ][..],
        // Another server, which is asked for modules that no file here has.
        &[
            ("rsyncd.conf", DATA),
            (
                "mirror.sh",
                "#!/bin/sh\nrsync -a mirror.example.org::debian /srv/debian/\n",
            ),
        ],
        &[
            ("rsyncd.conf", DATA),
            (
                "mirror.sh",
                "#!/bin/sh\nrsync -a mirror.example.org::dato /srv/dato/\n",
            ),
        ],
        // The daemon listens on another address.
        &[
            ("rsyncd.conf", &format!("address = 192.0.2.1\n{DATA}")),
            ("push.sh", "#!/bin/sh\nrsync -a /srv/www/ 192.0.2.7::data\n"),
        ],
        // What only a run can tell.
        &[
            ("rsyncd.conf", DATA),
            ("push.sh", "#!/bin/sh\nrsync -a /srv/www/ \"$1\"::data$2\n"),
        ],
        &[
            ("rsyncd.conf", DATA),
            (
                "push.sh",
                "#!/bin/sh\nrsync -a $2 /srv/www/ backup.example.net::data $3\n",
            ),
        ],
        // ssh asks no daemon.
        &[
            ("rsyncd.conf", DATA),
            (
                "push.sh",
                "#!/bin/sh\nrsync -a /srv/www/ backup.example.net:data\n",
            ),
        ],
        // No push: a module is listed.
        &[
            ("rsyncd.conf", DATA),
            (
                "list.sh",
                "#!/bin/sh\nrsync backup.example.net::data\nrsync backup.example.net::\n",
            ),
        ],
    ] {
        assert!(found(files).is_empty(), "{files:?}: {:?}", titles(files));
    }
}

#[test]
fn what_is_refused_is_told_by_what_the_server_gets() {
    let refusing = |words: &str| {
        format!(
            "[data]\npath = /srv/data\nread only = no\nhosts allow = 192.0.2.0/24\nrefuse options = {words}\n"
        )
    };
    let call = |words: &str| format!("#!/bin/sh\nset -e\nrsync {words}\n");
    for (refused, words, is_refused) in [
        ("owner", "-a /x/ h.example::data", true),
        ("owner", "-a --no-o /x/ h.example::data", false),
        ("owner", "-rlt /x/ h.example::data", false),
        ("delete", "-a --delete-excluded /x/ h.example::data", true),
        ("delete", "-a --delete h.example::data /x/", false),
        ("delete", "-a --remove-source-files h.example::data /x/", true),
        ("delete-after", "-a --delete /x/ h.example::data", false),
        ("z", "-az /x/ h.example::data", true),
        ("* !a", "-a --delete /x/ h.example::data", false),
        ("progress", "-a --progress /x/ h.example::data", false),
    ] {
        let files = [("rsyncd.conf", &*refusing(refused)), ("x.sh", &*call(words))];
        assert_eq!(
            found(&files) == ["RSY974"],
            is_refused,
            "{refused}: {words}: {:?}",
            titles(&files)
        );
    }
}

fn titles(files: &[(&str, &str)]) -> Vec<String> {
    let report = check(files);
    let findings = report.findings.iter();
    findings
        .map(|finding| format!("{} {}", finding.page.id, finding.title(Language::English)))
        .collect()
}

#[test]
fn a_unit_serves_the_configuration_of_its_own_machine() {
    let unit = "[Service]\nExecStart=/usr/bin/rsync --daemon --no-detach\nProtectHome=yes\n";
    let daemon = "[home]\npath = /home/backup\nhosts allow = 192.0.2.0/24\n";
    let hidden = |files: &[(&str, &str)]| titles(files).iter().any(|title| title.starts_with("RSY702"));
    assert!(hidden(&[
        ("hosts/a/etc/rsyncd.conf", daemon),
        ("hosts/a/etc/systemd/system/rsync.service", unit),
    ]));
    assert!(!hidden(&[
        ("hosts/b/etc/rsyncd.conf", daemon),
        ("hosts/a/etc/systemd/system/rsync.service", unit),
    ]));
}
