//! What listens in place of rsync: xinetd with its lists, and programs on another port than rsyncd.conf names.

use std::{fs, path::Path, process::Command};

use super::{
    causes,
    daemons::{Place, healthy},
    outcome,
    reach::{can_separate, open_place, report},
};
use crate::support::skip;

/// xinetd in front of rsync, in a network and with files of its own. `$1` is the program, `$2` the folder: the file of
/// xinetd, and those of TCP wrappers, are there.
const XINETD: &str = r#"
set -eu
program=$1; cd "$2"
ip link set lo up
for file in hosts.allow hosts.deny; do [ -e /etc/$file ] && mount --bind $file /etc/$file; done
mount --bind xinetd.d /etc/xinetd.d
xinetd -dontfork -f xinetd.d/rsync -pidfile "$PWD/pid" 2>/dev/null & server=$!
trap 'kill $server' EXIT
until (exec 3<>/dev/tcp/127.0.0.1/873) 2>/dev/null; do kill -0 $server; done
for from in 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4; do
    "$program" doctor --json --config "$PWD/rsyncd.conf" --from $from data > $from.json || true
    code=0; rsync --timeout=20 --address=$from rsync://127.0.0.1/data/ >/dev/null 2>&1 || code=$?
    echo $code > $from.code
done
sed -i 's/127.0.0.0\/29/192.0.2.0/; /no_access/d' xinetd.d/rsync
"$program" doctor --json --config "$PWD/rsyncd.conf" > narrow.json || true
"#;

#[test]
fn xinetd_turns_away_whom_the_doctor_says() {
    if !can_separate() {
        return;
    }
    if !["/etc/hosts.allow", "/etc/hosts.deny", "/etc/xinetd.d"]
        .iter()
        .all(|path| Path::new(path).exists())
    {
        skip("xinetd or the files of TCP wrappers are not installed");
        return;
    }
    let place = open_place(&[format!(
        "{}hosts allow = 127.0.0.1 127.0.0.2 127.0.0.3\n",
        healthy("data")
    )]);
    let folder = place.path().join("xinetd.d");
    fs::create_dir(&folder).expect("a folder");
    let service = format!(
        "service rsync\n{{\n disable = no\n socket_type = stream\n wait = no\n user = root\n port = 873\n \
        type = UNLISTED\n server = /usr/bin/rsync\n server_args = --daemon --config={}/rsyncd.conf\n \
        only_from = 127.0.0.0/29\n no_access = 127.0.0.2\n}}\n",
        place.path().display()
    );
    fs::write(folder.join("rsync"), service).expect("a file");
    fs::write(place.path().join("hosts.allow"), "sshd: ALL\n").expect("a file");
    fs::write(place.path().join("hosts.deny"), "# who\nrsync: 127.0.0.3\n").expect("a file");
    let output = Command::new("unshare")
        .args([
            "-n",
            "-m",
            "bash",
            "-c",
            XINETD,
            "bash",
            env!("CARGO_BIN_EXE_rsyncctl"),
        ])
        .arg(place.path())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let narrow = report(&place, "narrow.json");
    assert!(causes(&narrow).contains(&("RSY753", "now")), "{narrow:#}");
    for (from, rules, codes) in [
        ("127.0.0.1", &[][..], &["0"][..]),
        ("127.0.0.2", &["RSY793"], &["5", "12"]),
        ("127.0.0.3", &["RSY793"], &["5", "12"]),
        ("127.0.0.4", &["RSY822"], &["5"]),
    ] {
        let report = report(&place, &format!("{from}.json"));
        let now = causes(&report)
            .into_iter()
            .filter(|(_, urgency)| *urgency == "now");
        let found: Vec<_> = now.map(|(rule, _)| rule).collect();
        assert_eq!(found, rules, "{from}: {report:#}");
        let code = fs::read_to_string(place.path().join(format!("{from}.code"))).expect("a code");
        assert!(codes.contains(&code.trim()), "{from}: {code}");
    }
}

/// Who listens has another port than rsyncd.conf, or is switched off. `$1` is the program, `$2` the folder.
const STARTERS: &str = r#"
set -eu
program=$1; cd "$2"
ip link set lo up
mkdir -p units; mount --bind xinetd.d /etc/xinetd.d; mkdir -p /etc/systemd/system; mount --bind units /etc/systemd/system
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
listens() { until (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null; do kill -0 $2; done; }
xinetd -dontfork -f xinetd.d/rsync -pidfile "$PWD/pid" 2>/dev/null & server=$!
listens 873 $server
"$program" doctor --json --config "$PWD/rsyncd.conf" > other.json || true
kill $server; wait $server || true
sed -i 's/disable = no/disable = yes/' xinetd.d/rsync
printf 'service echo\n{\n disable = no\n type = INTERNAL UNLISTED\n port = 7\n socket_type = stream\n wait = no\n protocol = tcp\n user = root\n}\n' > xinetd.d/echo
xinetd -dontfork -f xinetd.d/echo -pidfile "$PWD/pid" 2>/dev/null & server=$!
listens 7 $server
"$program" doctor --json --config "$PWD/rsyncd.conf" > off.json || true
kill $server; wait $server || true
rm xinetd.d/*; printf '[Socket]\nListenStream=127.0.0.1:8731\n' > units/rsync.socket
cp /usr/bin/perl systemd
./systemd -MIO::Socket::INET -e 'my $one = IO::Socket::INET->new(LocalAddr => "127.0.0.1:8731", Listen => 5) or die;
    while (my $other = $one->accept) { close $other }' & server=$!
listens 8731 $server
"$program" doctor --json --config "$PWD/rsyncd.conf" > socket.json || true
"#;

#[test]
fn who_listens_in_place_of_rsync_has_its_own_port() {
    if !can_separate() {
        return;
    }
    if !Path::new("/etc/xinetd.d").exists() {
        skip("xinetd is not installed");
        return;
    }
    let place = Place::new(&[healthy("data")]);
    place.name_port(8730);
    let folder = place.path().join("xinetd.d");
    fs::create_dir(&folder).expect("a folder");
    let service = format!(
        "service rsync\n{{\n disable = no\n socket_type = stream\n wait = no\n user = root\n port = 873\n \
        type = UNLISTED\n server = /usr/bin/rsync\n server_args = --daemon --config={}/rsyncd.conf\n}}\n",
        place.path().display()
    );
    fs::write(folder.join("rsync"), service).expect("a file");
    let output = Command::new("unshare")
        .args([
            "-n",
            "-m",
            "bash",
            "-c",
            STARTERS,
            "bash",
            env!("CARGO_BIN_EXE_rsyncctl"),
        ])
        .arg(place.path())
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let other = report(&place, "other.json");
    assert_eq!(causes(&other), [("RSY724", "now")], "{other:#}");
    assert_eq!(outcome(&other, "data"), "works");
    let off = report(&place, "off.json");
    let found: Vec<_> = causes(&off).into_iter().map(|(rule, _)| rule).collect();
    assert!(found.contains(&"RSY742") && found.contains(&"RSY782"), "{off:#}");
    let socket = report(&place, "socket.json");
    let found: Vec<_> = causes(&socket).into_iter().map(|(rule, _)| rule).collect();
    assert!(found.contains(&"RSY724"), "{socket:#}");
}
