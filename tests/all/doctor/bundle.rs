//! The archive for a ticket: what is in it, and that no password is.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::geteuid;
use tempfile::TempDir;

use super::{
    can_serve,
    daemons::{Place, healthy},
    on_machine,
    reach::can_separate,
};
use crate::support::{
    port::Closed,
    program::{folder, program, rsyncctl, stderr, stdout, unprivileged},
    skip,
};

/// Every secret of these machines has that in it, and nothing else has.
const MARK: &str = "Zq9";

/// A server with secrets wherever people put them.
const SERVER: &str = r#"
mkdir -p /srv/data /srv/hook /etc/rsyncd.d /etc/systemd/system/rsync.service.d
conf <<'END'
log file = /var/log/rsyncd.log
reverse lookup = no
# the backup password is Zq9-note
#pre-xfer exec = /bin/tell Zq9-disabled
&include /etc/rsyncd.d
[data]
path = /srv/data
auth users = joe, ann:Zq9-rule
secrets file = /etc/rsyncd.secrets
[odd]
path = /srv/data
secrets file = joe:Zq9-inline
auth users = joe
pasword = Zq9-unknown
END
cat > /etc/rsyncd.d/hook.conf <<'END'
[hook]
path = /srv/hook
pre-xfer exec = /usr/bin/curl -u joe:Zq9-login -H 'Authorization: Bearer Zq9-bearer' https://h/Zq9-address \
  --data Zq9-second
post-xfer exec = mysql -pZq9-glued --password Zq9-apart Zq9-bare
END
printf 'joe:Zq9-secret\n# ann:Zq9-former\n@staff:Zq9 "quoted" & <more>\nZq9-alone\n' | secret /etc/rsyncd.secrets
cat > /etc/systemd/system/rsync.service <<'END'
[Unit]
Description=rsync
[Service]
Environment=RSYNC_PASSWORD=Zq9-unit "OTHER=Zq9 in quotes" PLAIN=Zq9-plain
EnvironmentFile=-/etc/rsync.environment
ExecStartPre=/bin/login Zq9-argument
ExecStart=/usr/bin/rsync --daemon --no-detach
# password Zq9-comment
END
printf '[Service]\nSetCredential=key:Zq9-credential\n' > /etc/systemd/system/rsync.service.d/own.conf
printf 'RSYNC_PASSWORD=Zq9-environment\n' > /etc/rsync.environment
printf "RSYNC_ENABLE=true\nRSYNC_OPTS='--password=Zq9-default'\nPW=Zq9-short\nexport KEY=Zq9-key OTHER=Zq9-other\n" > /etc/default/rsync
{
    at=$(date '+%Y/%m/%d %H:%M:%S')
    echo "$at [70001] connect from client (192.0.2.7)"
    echo "$at [70001] auth failed on module data from client (192.0.2.7) for joe: password mismatch"
    echo "$at [70001] tried rsync://joe:Zq9-logged@host/data and Zq9-secret, with RSYNC_PASSWORD=Zq9-set"
    echo "$at [70001] Zq9-environment was given; {\"api_token\": \"Zq9-token\"}"
} > /var/log/rsyncd.log
"#;

const RUNS: &str = r#"
start
rsyncctl doctor --bundle /root/bundle.tar.gz || [ $? = 1 ]
cat /root/bundle.tar.gz >&3
"#;

/// The same where no daemon runs.
const RUNS_NOT: &str = r#"
rsyncctl doctor --lang zh --symptom 'Zq9-secret rsync://joe:Zq9-typed@h/ fails' --bundle /root/bundle.tar.gz || [ $? = 1 ]
cat /root/bundle.tar.gz >&3
"#;

/// A client, with its own.
const CLIENT: &str = r#"
mkdir -p /srv/target
conf <<'END'
reverse lookup = no
[data]
path = /srv
auth users = joe
secrets file = /etc/rsyncd.secrets
END
printf 'joe:Zq9-secret\n' | secret /etc/rsyncd.secrets
printf 'Zq9-of-client\n' | secret /etc/rsync.pass
cat > /root/backup.sh <<'END'
#!/bin/sh
export RSYNC_PASSWORD='Zq9 of script'
curl -u joe:Zq9-curl https://h/
sshpass -p Zq9-sshpass ssh h true
rsync -a rsync://joe@127.0.0.1/data/ /srv/target/
notify Zq9-anything
END
cat > /etc/confxml.xml <<'END'
<?xml version="1.0" encoding="ISO-8859-1"?>
<head version="2.5">
    <host hostip="localhost" port="8008"></host>
    <fileSystem xfs="false"/>
    <sersync>
        <localpath watch="/srv/target"><remote ip="127.0.0.1" name="data"/></localpath>
        <rsync>
            <commonParams params="-artuz"/>
            <auth start="true" users="joe" passwordfile="/etc/sersync.pas"/>
            <auth start="true" users="joe" passwordfile="Zq9-inline"/>
        </rsync>
        <!-- password: Zq9-comment -->
    </sersync>
    <plugin name="command">
        <param prefix="/bin/tell Zq9-plugin" suffix="" ignoreError="true"/>
    </plugin>
</head>
END
printf 'Zq9-sersync\n' | secret /etc/sersync.pas
(exec -a sersync2 bash -c 'read -rt 100 <> <(:)' -o /etc/confxml.xml) &
start
export RSYNC_PASSWORD=Zq9-variable
LINE
cat /root/bundle.tar.gz >&3
"#;

/// The unpacked bundle of a machine.
fn made(machine: &str) -> TempDir {
    let output = on_machine(machine);
    assert!(output.status.success(), "{}", stderr(&output));
    let folder = folder(&[]);
    fs::write(folder.path().join("bundle.tar.gz"), &output.stdout).expect("a file");
    unpack(folder.path());
    folder
}

/// Unpacks `bundle.tar.gz`, as its reader would.
fn unpack(folder: &Path) {
    let status = Command::new("tar")
        .args(["-xzf", "bundle.tar.gz"])
        .current_dir(folder)
        .status();
    assert!(status.expect("tar runs").success());
    fs::create_dir(folder.join("raw")).expect("a folder");
    let raw = Command::new("gzip")
        .args(["-dc", "bundle.tar.gz"])
        .current_dir(folder)
        .output();
    fs::write(folder.join("raw/archive"), raw.expect("gzip runs").stdout).expect("a file");
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// The folder that a bundle is unpacked to.
fn top(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder).expect("a folder");
    let is_top = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("rsyncctl-"))
    };
    entries
        .find_map(|entry| Some(entry.expect("an entry").path()).filter(&is_top))
        .expect("the bundle's own folder")
}

fn text(folder: &Path, name: &str) -> String {
    let path = top(folder).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// No byte of it is of a secret, neither packed nor unpacked, and its manifest names each file.
fn keeps_secrets(folder: &Path) {
    for path in files(folder) {
        let bytes = fs::read(&path).expect("a file");
        let found = bytes.windows(MARK.len()).position(|part| part == MARK.as_bytes());
        if let Some(at) = found {
            let around = &bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())];
            panic!("{}: {}", path.display(), String::from_utf8_lossy(around));
        }
        assert!(!path.to_string_lossy().contains(MARK), "{}", path.display());
    }
    let manifest = text(folder, "MANIFEST.txt");
    let top = top(folder);
    for path in files(&top) {
        let name = path.strip_prefix(&top).expect("below").display().to_string();
        assert!(
            name == "MANIFEST.txt" || manifest.contains(&format!("  {name}\n")),
            "{name}: {manifest}"
        );
    }
}

#[test]
fn a_server_keeps_its_secrets() {
    if !can_serve() || !can_separate() {
        return;
    }
    let folder = made(&format!("{SERVER}{RUNS}"));
    let path = folder.path();
    keeps_secrets(path);
    let manifest = text(path, "MANIFEST.txt");
    for part in [
        "/etc/rsyncd.secrets\n      it holds passwords",
        "/etc/rsync.environment\n      it is the environment",
        "configuration/etc/rsyncd.conf\n      a daemon's configuration, from /etc/rsyncd.conf, ",
    ] {
        assert!(manifest.contains(part), "{part}: {manifest}");
    }
    // What is no secret is there.
    for (name, parts) in [
        (
            "configuration/etc/rsyncd.conf",
            &[
                "path = /srv/data\n",
                "auth users = joe, ann:****\n",
                "#pre-xfer exec = /bin/tell ****\n",
            ][..],
        ),
        (
            "configuration/etc/rsyncd.d/hook.conf",
            &[
                "pre-xfer exec = /usr/bin/curl -u **** -H",
                "post-xfer exec = mysql ",
            ],
        ),
        (
            "units/etc/systemd/system/rsync.service",
            &[
                "ExecStart=/usr/bin/rsync --daemon --no-detach\n",
                "RSYNC_PASSWORD=****",
            ],
        ),
        (
            "units/etc/systemd/system/rsync.service.d/own.conf",
            &["SetCredential=****"],
        ),
        ("units/etc/default/rsync", &["RSYNC_ENABLE=true\n"]),
        (
            "log/var/log/rsyncd.log",
            &[
                "auth failed on module data from client",
                "rsync://joe:****@host/data and ****",
            ],
        ),
        (
            "facts/credentials.txt",
            &["/etc/rsyncd.secrets: mode 600, owner 0, group 0, ", "lines: 4\n"],
        ),
        ("facts/daemons.txt", &["command: rsync --daemon\n"]),
        ("facts/machine.txt", &["rsync: rsync  version "]),
        ("report.txt", &["RSY810"]),
        ("report.html", &["</html>", "RSY810"]),
    ] {
        let found = text(path, name);
        for part in parts {
            assert!(found.contains(part), "{name}: {part}: {found}");
        }
    }
    let report: serde_json::Value = serde_json::from_str(&text(path, "report.json")).expect("JSON");
    assert_eq!(report["command"], "doctor");
}

#[test]
fn where_no_daemon_runs_there_is_a_bundle_too() {
    if !can_serve() || !can_separate() {
        return;
    }
    let folder = made(&format!("{SERVER}{RUNS_NOT}"));
    keeps_secrets(folder.path());
    assert!(text(folder.path(), "MANIFEST.txt").contains("没有包含"));
    assert_eq!(text(folder.path(), "facts/daemons.txt"), "no rsync daemon runs\n");
    assert!(text(folder.path(), "configuration/etc/rsyncd.conf").contains("[data]"));
}

#[test]
fn a_client_keeps_its_secrets() {
    if !can_serve() || !can_separate() {
        return;
    }
    for line in [
        "rsyncctl doctor --client 'rsync -a --password-file=/etc/rsync.pass joe@127.0.0.1::data/ /srv/target/' \
         --bundle /root/bundle.tar.gz || true",
        "rsyncctl doctor --client 'RSYNC_PASSWORD=\"Zq9 typed\" rsync -a joe@127.0.0.1::data/ /srv/target/' \
         --bundle /root/bundle.tar.gz || true",
        "rsyncctl doctor --client 'rsync -a rsync://joe:Zq9-address@127.0.0.1/data/ /srv/target/' \
         --bundle /root/bundle.tar.gz || true",
        "rsyncctl doctor --client /root/backup.sh:5 --html /root/page --bundle /root/bundle.tar.gz || true",
    ] {
        let folder = made(&CLIENT.replace("LINE", line));
        let path = folder.path();
        keeps_secrets(path);
        let manifest = text(path, "MANIFEST.txt");
        assert!(
            manifest.contains("/etc/sersync.pas\n      it holds passwords"),
            "{manifest}"
        );
        let sersync = text(path, "watchers/etc/confxml.xml");
        assert!(sersync.contains("passwordfile=\"/etc/sersync.pas\""), "{sersync}");
        if line.contains("backup.sh") {
            assert!(
                manifest.contains("/root/backup.sh\n      a program"),
                "{manifest}"
            );
        }
    }
}

#[test]
fn a_healthy_daemon_has_a_bundle_for_its_owner_alone() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let _daemon = place.start();
    let words = [
        "doctor",
        "--json",
        "--config",
        "rsyncd.conf",
        "--bundle",
        "bundle.tar.gz",
    ];
    let output = rsyncctl(place.path(), &words);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stderr(&output).contains("`bundle.tar.gz`"), "{output:?}");
    assert!(stdout(&output).starts_with('{'), "{output:?}");
    let file = place.path().join("bundle.tar.gz");
    assert_eq!(fs::metadata(&file).expect("it is there").mode() & 0o7777, 0o600);
    let listed = Command::new("tar")
        .args(["--numeric-owner", "--full-time", "-tvzf"])
        .arg(&file)
        .output();
    let listed = stdout(&listed.expect("tar runs"));
    let times: std::collections::BTreeSet<_> = listed
        .lines()
        .map(|line| line.split_whitespace().skip(3).take(2).collect::<Vec<_>>())
        .collect();
    assert_eq!(times.len(), 1, "{listed}");
    for line in listed.lines() {
        assert!(line.contains(" 0/0 "), "{line}");
        assert!(
            line.starts_with("-rw------- ") || line.starts_with("drwx------ "),
            "{line}"
        );
    }
    let first = listed.lines().nth(1).expect("a file");
    assert!(first.ends_with("/MANIFEST.txt"), "{listed}");
}

#[test]
fn nothing_is_written_over() {
    let place = Place::new(&[healthy("data")]);
    let closed = Closed::new();
    place.name_port(closed.port);
    let file = place.path().join("bundle");
    fs::write(&file, "mine").expect("a file");
    symlink("nowhere", place.path().join("link")).expect("a link");
    for (name, part) in [
        ("bundle", "is there already"),
        ("link", "is there already"),
        ("none/x", "there is no folder"),
    ] {
        let words = ["doctor", "--config", "rsyncd.conf", "--bundle", name];
        let output = program(place.path(), &words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            stderr(&output).contains(part) && stderr(&output).contains(name),
            "{output:?}"
        );
        // Nobody waits for an examination in vain.
        assert_eq!(stdout(&output), "");
    }
    assert_eq!(fs::read_to_string(&file).expect("the file"), "mine");
    assert!(!place.path().join("nowhere").exists());
    let left = files(place.path())
        .into_iter()
        .filter(|path| path.to_string_lossy().contains(".rsyncctl-"));
    assert_eq!(left.count(), 0);
}

#[test]
fn a_plain_user_may_make_one() {
    let folder = folder(&[("rsyncd.conf", "port = 1\n[data]\npath = /\n")]);
    let into = tempfile::tempdir().expect("a folder");
    fs::set_permissions(into.path(), fs::Permissions::from_mode(0o777)).expect("a mode");
    let file = into.path().join("bundle.tar.gz");
    let name = file.display().to_string();
    let output = unprivileged(&folder, &["doctor", "--config", "rsyncd.conf", "--bundle", &name]);
    assert!(file.is_file(), "{output:?}");
    unpack(into.path());
    assert!(text(into.path(), "report.txt").contains("RSY782"));
}

/// Who owns a configuration may name any file in it; what root reads there is for nobody who gets a report.
#[test]
fn what_the_owner_of_a_configuration_may_not_read_is_not_shown() {
    if !geteuid().is_root() {
        return skip("is not root");
    }
    let folder = folder(&[(
        "closed",
        "root:Zq9hash:19000\nZq9 words\nkey = Zq9value\n[x]\npath = /Zq9\n",
    )]);
    let closed = folder.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o600)).expect("a mode");
    let log = folder.path().join("log");
    fs::write(&log, "2026/11/23 10:00:00 [1] Zq9logged\n").expect("a file");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o600)).expect("a mode");
    let text = format!(
        "port = 1\nlog file = {}\n[data]\npath = /srv\n&include {}\n",
        log.display(),
        closed.display()
    );
    fs::write(folder.path().join("rsyncd.conf"), text).expect("a file");
    let owned_by = |user: u32| {
        chown(folder.path().join("rsyncd.conf"), Some(user), None).expect("root changes owners");
        let bundle = format!("{user}.tar.gz");
        let words = [
            "doctor",
            "--config",
            "rsyncd.conf",
            "--html",
            "page.html",
            "--bundle",
            &bundle,
        ];
        let told = rsyncctl(&folder, &words);
        let page = fs::read_to_string(folder.path().join("page.html")).expect("a page");
        let script = format!("tar -xzOf {bundle}");
        let kept = Command::new("sh")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output();
        let linted = stdout(&rsyncctl(&folder, &["lint", "rsyncd.conf"]));
        [stdout(&told), stdout(&kept.expect("tar runs")), page, linted]
    };
    let shown = |texts: [String; 4]| {
        texts.map(|text| {
            ["Zq9hash", "Zq9 words", "= Zq9value", "Zq9logged"]
                .iter()
                .any(|word| text.contains(word))
        })
    };
    assert_eq!(shown(owned_by(65534)), [false; 4]);
    assert!(shown(owned_by(0)).contains(&true), "root may name what it likes");
}
