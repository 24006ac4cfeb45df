//! Where daemons listen, and who may see it.

use std::{
    fs,
    io::Read as _,
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt as _, process::CommandExt as _},
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::geteuid;
use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Place, healthy},
    examined,
    reach::{CLIENT, can_separate, facts, open_place, report},
    states,
};
use crate::support::{
    program::{folder, unprivileged},
    skip,
};

#[test]
fn a_daemon_that_only_this_machine_reaches() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert!(states(&report).contains(&("reach", "passed")));
    assert_eq!(facts(&report)[0]["addresses"], serde_json::json!(["127.0.0.1"]));
    for from in CLIENT {
        let (report, code) = examined(place.path(), &["--from", from]);
        assert_eq!(
            (code, causes(&report)),
            (Some(1), vec![("RSY792", "now")]),
            "{report:#}"
        );
    }
    // Clients of this machine get there, and each module is told.
    let (report, code) = examined(place.path(), &["--from", "127.0.0.1"]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    let admission = |report: &Value| {
        let fact = facts(report).iter().find(|fact| fact["module"] == "data");
        fact.expect("the module")["admission"].as_str().map(str::to_owned)
    };
    assert_eq!(admission(&report).as_deref(), Some("admitted"));
    let (report, code) = examined(place.path(), &["--from", "127.0.0.9"]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY822", "now")]),
        "{report:#}"
    );
    assert_eq!(admission(&report).as_deref(), Some("refused"));
    // Modules that name other clients are not meant for this machine alone.
    write_hosts(place.path(), "192.0.2.0/24");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY792", "now")]),
        "{report:#}"
    );
}

fn write_hosts(folder: &Path, hosts: &str) {
    let file = folder.join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    let text = text.replace(
        "hosts allow = 127.0.0.1",
        &format!("hosts allow = 127.0.0.1 {hosts}"),
    );
    fs::write(file, text).expect("the file");
}

#[test]
fn a_daemon_that_still_has_its_old_address() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let daemon = place.start();
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text.replace("address = 127.0.0.1", "address = 127.0.0.9")).expect("the file");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let found = causes(&report);
    assert_eq!(found.first(), Some(&("RSY737", "now")), "{report:#}");
    let command = report["summary"]["next"].as_str().expect("a command");
    assert!(
        command.starts_with(&format!(
            "kill {0}; while kill -0 {0} 2>/dev/null; do sleep 1; done; rsync",
            daemon.process()
        )),
        "{command}"
    );
}

#[test]
fn a_plain_user_is_told_that_only_root_reads_the_rules() {
    if !can_separate() {
        return;
    }
    let place = open_place(&[healthy("data")]);
    let script = "ip link set lo up; cp \"$1\" program; touch told; chmod 666 told
        rsync --daemon --no-detach --config=rsyncd.conf & daemon=$!; trap 'kill $daemon' EXIT
        until (exec 3<>/dev/tcp/127.0.0.1/873) 2>/dev/null; do kill -0 $daemon; done
        setpriv --reuid 65534 --regid 65534 --clear-groups ./program doctor --json --config rsyncd.conf > told || true";
    let output = Command::new("unshare")
        .args([
            "-n",
            "bash",
            "-euc",
            script,
            "bash",
            env!("CARGO_BIN_EXE_rsyncctl"),
        ])
        .current_dir(place.path())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = report(&place, "told");
    let unseen = report["unchecked"].as_array().expect("a list");
    let rules = unseen
        .iter()
        .find(|one| one["subject"] == "the rules of the firewall");
    let rules = rules.unwrap_or_else(|| panic!("{report:#}"));
    assert!(rules.to_string().contains("permission denied"), "{rules:#}");
    assert!(states(&report).contains(&("reach", "warned")), "{report:#}");
    assert_eq!(
        facts(&report)[0]["addresses"],
        serde_json::json!(["0.0.0.0", "::"])
    );
}

#[test]
fn a_daemon_in_a_network_of_its_own_is_said_to_be_there() {
    if !can_separate() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let script = "unshare -n rsync --daemon --no-detach --config=\"$PWD/rsyncd.conf\" & daemon=$!
        trap 'kill $daemon' EXIT
        until tr '\\0' ' ' < /proc/$daemon/cmdline | grep -q '^rsync --daemon'; do kill -0 $daemon; done
        \"$1\" doctor --json --config rsyncd.conf > told || true";
    let output = Command::new("bash")
        .args(["-euc", script, "bash", env!("CARGO_BIN_EXE_rsyncctl")])
        .current_dir(place.path())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report = report(&place, "told");
    assert!(states(&report).contains(&("reach", "failed")), "{report:#}");
    assert!(
        report["unchecked"].to_string().contains("the network of process"),
        "{report:#}"
    );
}

/// Greets, and then sends a little now and then, or as much as it can.
const ENDLESS: &str = r#"
    use IO::Socket::INET;
    $SIG{PIPE} = $SIG{CHLD} = "IGNORE";
    alarm 600;
    # A daemon whose input is a socket serves that one alone.
    open(my $had, "+<&", *STDIN) and open(STDIN, "<", "/dev/null") or die;
    my $socket = IO::Socket::INET->new_from_fd(fileno($had), "r+") or die;
    syswrite(STDOUT, "ready\n");
    while (my $client = $socket->accept) {
        next if fork;
        $client->autoflush(1);
        print $client "\@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n";
        while (1) {
            # More than anybody wants to read, and yet something is left of the processor.
            if ($ENV{IS_FLOOD}) { print $client ("x" x 79 . "\n") x 800 or exit; select undef, undef, undef, .01 }
            else { sleep 4; print $client "words\n" or exit }
        }
    }
"#;

#[test]
fn a_daemon_whose_words_have_no_end_is_left_in_time() {
    if !can_serve() {
        return;
    }
    let modules: Vec<_> = ["a", "b", "c"].into_iter().map(healthy).collect();
    let asked = ["", "1"].map(|is_flood| {
        let place = Place::new(&modules);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        place.name_port(listener.local_addr().expect("bound").port());
        fs::write(place.path().join("endless"), ENDLESS).expect("a program");
        let started = Command::new("perl")
            .arg0("rsync")
            .args(["endless", "--daemon", "--config"])
            .arg(place.path().join("rsyncd.conf"))
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::piped())
            .env(if is_flood.is_empty() { "NONE" } else { "IS_FLOOD" }, "1")
            .stderr(Stdio::null())
            .current_dir(place.path())
            .spawn();
        let mut daemon = started.expect("perl runs");
        let mut ready = [0; 6];
        let said = daemon.stdout.as_mut().expect("a pipe").read_exact(&mut ready);
        said.expect("it begins");
        (place, daemon)
    });
    std::thread::scope(|scope| {
        for (place, daemon) in asked {
            scope.spawn(move || {
                let mut daemon = daemon;
                let (report, code) = examined(place.path(), &[]);
                let _ = daemon.kill();
                let _ = daemon.wait();
                assert_eq!((code, causes(&report)), (Some(1), vec![]), "{report:#}");
                let stages = report["stages"].as_array().expect("stages");
                let loopback = stages.iter().find(|stage| stage["stage"] == "loopback");
                let facts = loopback.expect("the stage")["facts"].to_string();
                assert!(facts.contains("no end came within 30 seconds"), "{facts}");
                assert!(facts.contains("took too long"), "{facts}");
            });
        }
    });
}

/// Neither the port nor whether somebody listens is known of a configuration that may not be read.
#[test]
fn what_port_a_closed_configuration_has_is_not_guessed() {
    if !geteuid().is_root() {
        return skip("is not root");
    }
    let folder = folder(&[("rsyncd.conf", "port = 28999\n[data]\npath = /srv\n")]);
    let file = folder.path().join("rsyncd.conf");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let output = unprivileged(&folder, &["doctor", "--json", "--config", "rsyncd.conf"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(
        (output.status.code(), causes(&report)),
        (Some(3), vec![]),
        "{report:#}"
    );
    let stages = report["stages"].as_array().expect("stages");
    let reach = stages.iter().find(|stage| stage["stage"] == "reach");
    assert_eq!(reach.expect("the stage")["reason"], "port-unseen", "{report:#}");
    assert!(
        report["unchecked"].to_string().contains("the port of "),
        "{report:#}"
    );
}

/// A cure that names the daemon's port names the one that it has.
#[test]
fn cures_have_the_port_of_the_daemon() {
    if !can_serve() {
        return;
    }
    let module = "auth users = joe\nsecrets file = FOLDER/secrets\n";
    let place = Place::new(&[format!("{}{module}", healthy("data"))]);
    let root = place.path();
    for (name, text) in [("secrets", "joe:one-of-them\n"), ("password", "another-one\n")] {
        fs::write(root.join(name), text).expect("a file");
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let daemon = place.start();
    let address = format!("rsync://joe@127.0.0.1:{}/data/", daemon.port);
    let client = Command::new("rsync")
        .args(["--password-file=password", &address])
        .current_dir(root)
        .output();
    assert_eq!(client.expect("rsync runs").status.code(), Some(5));
    let (report, _) = examined(root, &[]);
    let wrong = report["diagnoses"].as_array().expect("causes").iter();
    let wrong: Vec<_> = wrong.filter(|cause| cause["rule"] == "RSY810").collect();
    let commands = wrong[0]["remedy"]["commands"].to_string();
    assert!(
        commands.contains(&format!(":{}/data/", daemon.port)),
        "{commands}"
    );
}
