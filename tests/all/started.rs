//! What a machine's super servers start an rsync with, by their files.

use std::path::PathBuf;

use rsyncctl::{host::Image, lint::started};

use crate::support::program::folder;

fn files(program: &str, port: u16, files: &[(&str, &str)]) -> Vec<(String, String)> {
    let root = folder(files);
    let shown = |path: PathBuf| path.display().to_string();
    let found = started(&Image::new(root.path()), program, port).into_iter();
    found
        .map(|one| (shown(one.configuration), shown(one.place)))
        .collect()
}

fn one(configuration: &str, place: &str) -> Vec<(String, String)> {
    vec![(configuration.to_owned(), place.to_owned())]
}

#[test]
fn a_socket_leads_to_its_services_file() {
    let socket = (
        "usr/lib/systemd/system/rsyncd.socket",
        "[Socket]\nListenStream=873\nAccept=yes\n",
    );
    let service =
        "[Service]\nEnvironmentFile=-/etc/sysconfig/rsyncd\nExecStart=-/usr/bin/rsync --daemon $OPTIONS\n";
    let template = ("usr/lib/systemd/system/rsyncd@.service", service);
    let place = "/usr/lib/systemd/system/rsyncd@.service";
    assert_eq!(
        files("systemd", 873, &[socket, template]),
        one("/etc/rsyncd.conf", place)
    );
    let variables = ("etc/sysconfig/rsyncd", "OPTIONS=\"--config=/srv/own.conf\"\n");
    assert_eq!(
        files("systemd", 873, &[socket, template, variables]),
        one("/srv/own.conf", place)
    );
    let drop_in = (
        "etc/systemd/system/rsyncd@.service.d/own.conf",
        "[Service]\nExecStart=\nExecStart=/usr/bin/rsync --daemon --config=/srv/other.conf\n",
    );
    assert_eq!(
        files("systemd", 873, &[socket, template, drop_in]),
        one("/srv/other.conf", place)
    );
    assert!(files("systemd", 8730, &[socket, template]).is_empty());
    assert!(files("systemd", 873, &[socket]).is_empty());
}

#[test]
fn lines_of_other_super_servers_name_the_file() {
    let text = "service rsync\n{\n disable = no\n server = /usr/bin/rsync\n server_args = --daemon --config=/srv/own.conf\n}\n";
    let file = ("etc/xinetd.d/rsync", text);
    let off = text.replace("= no", "= yes");
    assert_eq!(
        files("xinetd", 873, &[file]),
        one("/srv/own.conf", "/etc/xinetd.d/rsync")
    );
    assert!(files("xinetd", 8730, &[file]).is_empty());
    assert!(
        files(
            "xinetd",
            873,
            &[("etc/xinetd.d/rsync", &off), ("etc/xinetd.d/rsync.bak", text)]
        )
        .is_empty()
    );
    let line = (
        "etc/inetd.conf",
        "rsync stream tcp nowait root /usr/bin/rsync rsyncd --daemon --config=/srv/own.conf\n",
    );
    assert_eq!(
        files("inetd", 873, &[line]),
        one("/srv/own.conf", "/etc/inetd.conf")
    );
    assert!(files("tcpserver", 873, &[line]).is_empty());
}
