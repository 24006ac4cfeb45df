//! Where the daemon listens, and what firewalls do: rules that the kernel really follows, in a network of their own, beside
//! a client of another machine that really connects.

use std::{fs, process::Command};

use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Place, healthy},
    outcome, states,
};
use crate::support::{
    program::{keeps_to, schema},
    skip,
};

/// The client's addresses; the server has those that end with 1.
pub(super) const CLIENT: [&str; 2] = ["192.0.2.2", "2001:db8::2"];

/// A world of two machines; each file of rules is loaded in turn, the doctor asked, and the client lets itself be refused.
/// `$1` is the program, `$2` the folder, the others are the doctor's words.
const WORLD: &str = r#"
set -eu
program=$1; folder=$2; shift 2
cd "$folder"
ip link set lo up
ip link add server type veth peer name client
unshare -n sleep 600 & peer=$!
rsync --daemon --no-detach --config=rsyncd.conf & daemon=$!
trap 'kill $peer $daemon' EXIT
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
ip link set client netns $peer
away() { nsenter -t $peer -n "$@"; }
ip address add 192.0.2.1/24 dev server; ip address add 2001:db8::1/64 dev server nodad; ip link set server up
away ip address add 192.0.2.2/24 dev client; away ip address add 2001:db8::2/64 dev client nodad
away ip link set client up; away ip link set lo up
connects() { away timeout "$1" bash -c "</dev/tcp/$2/873" 2>/dev/null; }
until connects 5 192.0.2.1 && connects 5 2001:db8::1; do kill -0 $daemon; done
for rules in *.nft *.sh; do
    [ -e "$rules" ] || continue
    nft flush ruleset; iptables-legacy -F
    case $rules in *.nft) nft -f "$rules" ;; *) sh -e "$rules" ;; esac
    "$program" doctor --json --config rsyncd.conf "$@" > "$rules.anybody.json" || true
    "$program" doctor --json --config rsyncd.conf --from 192.0.2.2 > "$rules.4.json" || true
    "$program" doctor --json --config rsyncd.conf --from 2001:db8::2 > "$rules.6.json" || true
    for family in 4:192.0.2.1 6:2001:db8::1; do
        code=0
        # Who is dropped hears nothing, however long it waits.
        patience=10; if grep -qE '"verdict": *"(dropped|not-known)"' "$rules.${family%%:*}.json"; then patience=1; fi
        connects $patience "${family#*:}" || code=$?
        echo $code > "$rules.${family%%:*}.code"
    done
done
"#;

/// Whether a world of its own can be made here.
pub(super) fn can_separate() -> bool {
    if !can_serve() {
        return false;
    }
    for program in ["nft", "iptables-save", "ip", "unshare", "nsenter"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        if !found.is_ok_and(|output| output.status.success()) {
            skip(&format!("{program} is not installed"));
            return false;
        }
    }
    let tried = Command::new("unshare")
        .args(["-n", "nft", "list", "ruleset"])
        .output();
    if !tried.is_ok_and(|output| output.status.success()) {
        skip("no network of its own with rules of nft can be made here");
        return false;
    }
    true
}

/// A daemon that listens everywhere, and admits everybody.
pub(super) fn open_place(modules: &[String]) -> Place {
    let place = Place::new(modules);
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    let own: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("address = ") && *line != "hosts allow = 127.0.0.1")
        .collect();
    fs::write(file, format!("{}\n", own.join("\n"))).expect("the file");
    place
}

/// Lives through the files of rules of a folder.
fn live(place: &Place, words: &[&str]) {
    let output = Command::new("unshare")
        .args(["-n", "bash", "-c", WORLD, "bash", env!("CARGO_BIN_EXE_rsyncctl")])
        .arg(place.path())
        .args(words)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Rules with the ends of lines that nft wants.
fn lines(rules: &str) -> String {
    rules.replace("} }", "}\n}\n").replace("} }", "}\n}\n")
}

pub(super) fn report(place: &Place, name: &str) -> Value {
    let text = fs::read(place.path().join(name)).expect("a report");
    let report = serde_json::from_slice(&text).expect("JSON");
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    report
}

/// The facts of the stage.
pub(super) fn facts(report: &Value) -> &[Value] {
    let stages = report["stages"].as_array().expect("stages");
    let stage = stages.iter().find(|stage| stage["stage"] == "reach");
    stage.expect("the stage")["facts"].as_array().expect("facts")
}

/// What the firewall does with a family.
fn verdict<'r>(report: &'r Value, family: &str) -> &'r str {
    let fact = facts(report).iter().find(|fact| fact["family"] == family);
    fact.and_then(|fact| fact["verdict"].as_str()).unwrap_or("none")
}

/// Rules; the verdicts for anybody by IPv4 and IPv6, and those for the client.
const RULES: [(&str, &str, [&str; 2], [&str; 2]); 21] = [
    ("none.nft", "", ["accepted"; 2], ["accepted"; 2]),
    (
        "policy.nft",
        "table inet filter { chain input { type filter hook input priority 0; policy drop;
            iifname lo accept; ct state established,related accept; meta l4proto ipv6-icmp accept; tcp dport 22 accept; } }",
        ["dropped"; 2],
        ["dropped"; 2],
    ),
    (
        "opened.nft",
        "table inet filter { chain input { type filter hook input priority 0; policy drop;
            iifname lo accept; ct state vmap { established : accept, related : accept, invalid : drop }
            meta l4proto ipv6-icmp accept; tcp dport { 22, 870-880 } ct state new accept; } }",
        ["accepted"; 2],
        ["accepted"; 2],
    ),
    (
        "networks.nft",
        "table inet filter {
            set trusted { type ipv4_addr; flags interval; elements = { 192.0.2.0/28, 198.51.100.7 } }
            set ports { type inet_service; elements = { 22, 873 } }
            map verdicts { type inet_service : verdict; elements = { 22 : accept } }
            chain input { type filter hook input priority 0; policy drop;
                iifname lo accept; meta l4proto { icmp, ipv6-icmp } accept; ct state established accept
                tcp flags & (fin|syn|rst|ack) != syn ct state new counter drop
                tcp dport vmap @verdicts; ip saddr @trusted tcp dport @ports accept
                jump local; reject with icmpx type admin-prohibited; }
            chain local { udp dport 53 accept; fib daddr type != local return
                tcp dport 8730-8740 ip6 saddr 2001:db8::/32 accept; } }",
        ["some-accepted", "rejected"],
        ["accepted", "rejected"],
    ),
    (
        "stranger.nft",
        "table ip filter { chain input { type filter hook input priority 0; policy accept;
            ip saddr 192.0.2.2 tcp dport 873 reject with tcp reset; ip saddr 203.0.113.0/24 drop; } }",
        ["some-stopped", "accepted"],
        ["rejected", "accepted"],
    ),
    (
        "returns.nft",
        "table inet filter {
            chain input { type filter hook input priority 0; policy accept; iifname lo accept; ip6 saddr ::/0 tcp dport 873 goto six
                tcp dport 873 jump some; tcp dport 873 drop; }
            chain some { ip saddr != 192.0.2.0/24 return; tcp dport != 873 return; accept; }
            chain six { ip6 saddr 2001:db8::2 return; drop; } }",
        ["some-accepted", "some-stopped"],
        ["accepted", "accepted"],
    ),
    (
        "early.nft",
        "table inet raw { chain pre { type filter hook prerouting priority -300; iifname != lo tcp dport 873 drop; } }
         table inet filter { chain input { type filter hook input priority 0; policy drop; accept; } }",
        ["dropped"; 2],
        ["dropped"; 2],
    ),
    (
        "twice.nft",
        "table inet one { chain input { type filter hook input priority -10; tcp dport 873 accept; } }
         table inet two { chain input { type filter hook input priority 10; iifname \"ser*\" tcp dport 873 drop; } }",
        ["dropped"; 2],
        ["dropped"; 2],
    ),
    (
        "marks.nft",
        "table inet filter { chain input { type filter hook input priority 0; policy drop;
            iifname lo accept; meta mark 7 accept; meta l4proto ipv6-icmp accept; } }",
        ["not-known"; 2],
        ["not-known"; 2],
    ),
    (
        "marks-that-do-not-matter.nft",
        "table inet filter { chain input { type filter hook input priority 0; policy drop;
            iifname lo accept; meta mark 7 accept; meta l4proto ipv6-icmp accept; tcp dport 873 accept; } }",
        ["accepted"; 2],
        ["accepted"; 2],
    ),
    (
        "firewalld.nft",
        "table inet firewalld {
            chain filter_PREROUTING { type filter hook prerouting priority 10; policy accept;
                icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
                meta nfproto ipv6 fib saddr . mark . iif oif missing drop; }
            chain filter_INPUT { type filter hook input priority 10; policy accept;
                ct state { established, related } accept; ct status dnat accept; iifname lo accept
                ct state invalid drop; jump filter_INPUT_ZONES; reject with icmpx type admin-prohibited; }
            chain filter_INPUT_ZONES { iifname nothing goto filter_IN_trusted; iifname server goto filter_IN_public
                goto filter_IN_public; }
            chain filter_IN_trusted { accept; }
            chain filter_IN_public { jump filter_IN_public_pre; jump filter_IN_public_allow
                meta l4proto { icmp, ipv6-icmp } accept; reject with icmpx type admin-prohibited; }
            chain filter_IN_public_pre { }
            chain filter_IN_public_allow { tcp dport 22 ct state { new, untracked } accept
                ip6 daddr fe80::/64 udp dport 546 ct state { new, untracked } accept; } }",
        ["rejected"; 2],
        ["rejected"; 2],
    ),
    (
        "tables.sh",
        "iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
         iptables -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
         iptables -A INPUT -j REJECT --reject-with icmp-host-prohibited; iptables -A INPUT -p tcp --dport 873 -j ACCEPT",
        ["rejected", "accepted"],
        ["rejected", "accepted"],
    ),
    (
        "ufw.sh",
        "for t in iptables:ufw ip6tables:ufw6; do p=${t%%:*}; u=${t#*:}; $p -P INPUT DROP
            for c in before-input user-input not-local after-input; do $p -N $u-$c; done
            $p -A INPUT -j $u-before-input; $p -A INPUT -j $u-after-input; $p -A $u-before-input -i lo -j ACCEPT
            $p -A $u-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            $p -A $u-before-input -m conntrack --ctstate INVALID -j DROP; $p -A $u-before-input -j $u-not-local
            $p -A $u-not-local -m addrtype --dst-type LOCAL -j RETURN
            $p -A $u-not-local -m limit --limit 3/min --limit-burst 10 -j LOG; $p -A $u-not-local -j DROP
            $p -A $u-before-input -j $u-user-input; $p -A $u-user-input -p tcp --dport 22 -j ACCEPT; done
         ip6tables -I INPUT -p ipv6-icmp -j ACCEPT
         ip6tables -A ufw6-user-input -p tcp -m multiport --dports 80,873 -m comment --comment 'a: b' -j ACCEPT",
        ["dropped", "accepted"],
        ["dropped", "accepted"],
    ),
    (
        "mixed.sh",
        "iptables -A INPUT ! -i lo ! -s 192.0.2.0/24 -p tcp -m multiport --dports 873 -j DROP
         nft add table ip other
         nft 'add chain ip other input { type filter hook input priority 5; }'
         nft add rule ip other input tcp dport 873 ip saddr 192.0.2.64/26 drop
         ip6tables -A INPUT -i server -p tcp ! --dport 22 --syn -j REJECT --reject-with tcp-reset",
        ["some-stopped", "rejected"],
        ["accepted", "rejected"],
    ),
    (
        "legacy.sh",
        "iptables-legacy -A INPUT -i serv+ -p tcp --dport 800:900 -j DROP",
        ["dropped", "accepted"],
        ["dropped", "accepted"],
    ),
    (
        "firewalld-open.nft",
        "table inet firewalld {
            chain nat_PREROUTING { type nat hook prerouting priority -90; policy accept; jump nat_PREROUTING_ZONES; }
            chain nat_PREROUTING_ZONES { iifname server goto nat_PRE_public; goto nat_PRE_public; }
            chain nat_PRE_public { tcp dport 8080 redirect to :80; }
            chain filter_INPUT { type filter hook input priority 10; policy accept;
                ct state { established, related } accept; iifname lo accept; ct state invalid drop
                jump filter_INPUT_ZONES; reject with icmpx type admin-prohibited; }
            chain filter_INPUT_ZONES { goto filter_IN_public; }
            chain filter_IN_public { meta l4proto { icmp, ipv6-icmp } accept
                tcp dport { 22, 873 } ct state { new, untracked } accept; reject with icmpx type admin-prohibited; } }",
        ["accepted"; 2],
        ["accepted"; 2],
    ),
    (
        "banned.nft",
        "table inet f2b-table { set addr-set-sshd { type ipv4_addr; elements = { 203.0.113.9 }
            }
            chain f2b-chain { type filter hook input priority -1; policy accept;
                tcp dport 22 ip saddr @addr-set-sshd reject with icmp type port-unreachable; } }",
        ["accepted"; 2],
        ["accepted"; 2],
    ),
    (
        "rate.nft",
        "table inet filter { chain input { type filter hook input priority 0; policy drop;
            iifname lo accept; meta l4proto ipv6-icmp accept; ct state established accept
            tcp dport 873 ct state new limit rate 1000/second accept; } }",
        ["some-accepted"; 2],
        ["some-accepted"; 2],
    ),
    (
        "sent-on.nft",
        "table ip nat { chain pre { type nat hook prerouting priority -100; iifname != lo tcp dport 873 redirect to :9; } }",
        ["not-known", "accepted"],
        ["not-known", "accepted"],
    ),
    (
        "docker.sh",
        "iptables -t nat -N DOCKER; iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
         iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
         iptables -P FORWARD DROP; iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        ["accepted"; 2],
        ["accepted"; 2],
    ),
    (
        "again.sh",
        "iptables -A INPUT -p udp --dport 873 -j DROP
         iptables -A INPUT -p tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark 3 -j DROP",
        ["not-known", "accepted"],
        ["not-known", "accepted"],
    ),
];

#[test]
fn the_kernel_does_with_a_client_what_the_doctor_says() {
    if !can_separate() {
        return;
    }
    let place = open_place(&[healthy("data")]);
    for (name, rules, ..) in RULES {
        fs::write(place.path().join(name), lines(rules)).expect("a file");
    }
    live(&place, &[]);
    for (name, _, anybody, client) in RULES {
        let for_anybody = report(&place, &format!("{name}.anybody.json"));
        let families = ["IPv4", "IPv6"];
        assert_eq!(
            families.map(|family| verdict(&for_anybody, family)),
            anybody,
            "{name}: {:#?}",
            facts(&for_anybody)
        );
        for (at, family) in [4, 6].into_iter().enumerate() {
            let report = report(&place, &format!("{name}.{family}.json"));
            let said = verdict(&report, families[at]);
            assert_eq!(said, client[at], "{name} {family}: {:#?}", facts(&report));
            let code = fs::read_to_string(place.path().join(format!("{name}.{family}.code")));
            let code = code.expect("a code");
            let met = match code.trim() {
                "0" => "accepted",
                "124" => "dropped",
                _ => "rejected",
            };
            assert!(
                said == met || matches!(said, "not-known" | "some-accepted"),
                "{name} {family}: said {said}, met {met}"
            );
            // The client that hangs up at once leaves lines in the log.
            let now = causes(&report)
                .into_iter()
                .filter(|(_, urgency)| *urgency == "now");
            let rules: Vec<_> = now.map(|(rule, _)| rule).collect();
            let expected: &[&str] = match said {
                "dropped" => &["RSY790"],
                "rejected" => &["RSY791"],
                _ => &[],
            };
            assert_eq!(rules, expected, "{name} {family}: {report:#}");
            assert_eq!(
                outcome(&report, "data"),
                if said == "none" {
                    "none"
                } else {
                    outcome(&report, "data")
                }
            );
        }
    }
    // The command that is named lets the client in, whoever keeps the rules; those of firewalld and ufw are not here.
    let next = |name: &str| {
        report(&place, name)["summary"]["next"]
            .as_str()
            .map(str::to_owned)
    };
    assert_eq!(
        next("policy.nft.anybody.json").as_deref(),
        Some("nft insert rule inet filter input tcp dport 873 accept")
    );
    assert_eq!(
        next("firewalld.nft.anybody.json").as_deref(),
        Some("firewall-cmd --permanent --add-service=rsyncd && firewall-cmd --reload")
    );
    assert_eq!(next("ufw.sh.anybody.json").as_deref(), Some("ufw allow 873/tcp"));
    assert_eq!(
        next("tables.sh.4.json").as_deref(),
        Some("iptables -I INPUT -s 192.0.2.2 -p tcp --dport 873 -j ACCEPT")
    );
}

#[test]
fn the_cures_are_cures() {
    if !can_separate() {
        return;
    }
    let place = open_place(&[healthy("data")]);
    let close = RULES
        .iter()
        .find(|(name, ..)| *name == "policy.nft")
        .expect("rules")
        .1;
    // Loads the rules from a file beside it, then does what the doctor says.
    fs::write(place.path().join("closed"), lines(close)).expect("a file");
    let cured = "nft -f closed; sh -ec \"$(rsyncctl doctor --json --config rsyncd.conf | python3 -c '
import json, sys; print(json.load(sys.stdin)[\"summary\"][\"next\"])')\"";
    let cured = cured.replace("rsyncctl", env!("CARGO_BIN_EXE_rsyncctl"));
    fs::write(place.path().join("cured.sh"), cured).expect("a file");
    let tables = "iptables -P INPUT DROP; ip6tables -P INPUT ACCEPT; CURE";
    let cure = "sh -ec \"$(rsyncctl doctor --json --config rsyncd.conf --from 192.0.2.2 | python3 -c '
import json, sys; print(json.load(sys.stdin)[\"summary\"][\"next\"])')\"";
    let cure = cure.replace("rsyncctl", env!("CARGO_BIN_EXE_rsyncctl"));
    fs::write(place.path().join("tables.sh"), tables.replace("CURE", &cure)).expect("a file");
    live(&place, &[]);
    for name in ["cured.sh.4", "cured.sh.6", "tables.sh.4", "tables.sh.6"] {
        let code = fs::read_to_string(place.path().join(format!("{name}.code"))).expect("a code");
        assert_eq!(code.trim(), "0", "{name}");
        let report = report(&place, &format!("{name}.json"));
        assert!(
            states(&report).contains(&("reach", "passed")),
            "{name}: {report:#}"
        );
    }
}

#[test]
fn a_machine_that_a_module_admits_and_the_firewall_stops() {
    if !can_separate() {
        return;
    }
    let place = open_place(&[format!(
        "{}hosts allow = 192.0.2.2 203.0.113.0/24 127.0.0.1\n",
        healthy("data")
    )]);
    let narrow = "table inet filter { chain input { type filter hook input priority 0; policy drop;
        iifname lo accept; ct state established accept; meta l4proto ipv6-icmp accept
        ip saddr ALLOWED tcp dport 873 accept; } }";
    for (name, allowed) in [("closed.nft", "192.0.2.3"), ("open.nft", "192.0.2.0/30")] {
        let rules = lines(&narrow.replace("ALLOWED", allowed));
        fs::write(place.path().join(name), rules).expect("a file");
    }
    live(&place, &[]);
    let closed = report(&place, "closed.nft.anybody.json");
    let now = |report: &Value| {
        let now = causes(report)
            .into_iter()
            .filter(|(_, urgency)| *urgency == "now");
        now.map(|(rule, _)| rule.to_owned()).collect::<Vec<_>>()
    };
    // No module admits anybody over IPv6 either, but that is another matter.
    assert_eq!(now(&closed), ["RSY790"], "{closed:#}");
    assert!(
        closed
            .to_string()
            .contains("ip saddr 192.0.2.2 tcp dport 873 accept"),
        "{closed:#}"
    );
    let open = report(&place, "open.nft.anybody.json");
    assert!(!open.to_string().contains("192.0.2.2"), "{open:#}");
}
