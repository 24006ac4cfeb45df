//! Rules as `iptables-save` and `ip6tables-save` print them.

use crate::doctor::reach::firewall::{
    Action, Chain, Direction, Family, Holds, Packet, Rule,
    value::{Candidate, Item},
};

/// Tables and chains that a packet to this machine meets, in this order.
const BASES: [(&str, &str); 6] = [
    ("raw", "PREROUTING"),
    ("mangle", "PREROUTING"),
    ("nat", "PREROUTING"),
    ("mangle", "INPUT"),
    ("filter", "INPUT"),
    ("security", "INPUT"),
];
/// The same for the answer that leaves it; the addresses of answers are changed back without rules.
const BASES_OUT: [(&str, &str); 5] = [
    ("raw", "OUTPUT"),
    ("mangle", "OUTPUT"),
    ("filter", "OUTPUT"),
    ("security", "OUTPUT"),
    ("mangle", "POSTROUTING"),
];
/// Targets behind which the packet goes on in the same chain.
const PASSING: [&str; 15] = [
    "LOG",
    "NFLOG",
    "ULOG",
    "AUDIT",
    "TRACE",
    "MARK",
    "CONNMARK",
    "SECMARK",
    "CONNSECMARK",
    "CT",
    "NOTRACK",
    "TCPMSS",
    "SET",
    "CHECKSUM",
    "DSCP",
];

/// The chains that a program printed, as they treat a packet.
pub(in crate::doctor::reach) fn read(text: &str, packet: &Packet) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let program = match packet.family {
        Family::V4 => "iptables",
        Family::V6 => "ip6tables",
    };
    let bases: &[_] = match packet.direction {
        Direction::In => &BASES,
        Direction::Out => &BASES_OUT,
    };
    let mut table = "";
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name.trim();
        } else if let Some(rest) = line.strip_prefix(':') {
            let mut words = rest.split_ascii_whitespace();
            let (Some(name), policy) = (words.next(), words.next()) else {
                continue;
            };
            let order = bases.iter().position(|base| *base == (table, name));
            let policy = match policy {
                Some("DROP") => Action::Drop,
                _ => Action::Accept,
            };
            chains.push(Chain {
                table: format!("{program} {table}"),
                name: name.to_owned(),
                rules: Vec::new(),
                base: order.map(|order| (i64::try_from(order).unwrap_or_default(), policy)),
            });
        } else if let Some((name, rule)) = rule(line, packet) {
            let is_meant =
                |chain: &&mut Chain| chain.name == name && chain.table.split(' ').nth(1) == Some(table);
            if let Some(chain) = chains.iter_mut().find(is_meant) {
                chain.rules.push(rule);
            }
        }
    }
    chains
}

/// The chain of a line, and its rule: `[0:0] -A INPUT … -j DROP`, the counters only if they are asked for.
fn rule(line: &str, packet: &Packet) -> Option<(String, Rule)> {
    let start = line.find("-A ")?;
    let text = &line[start..];
    let mut words = shell_words::split(text).ok()?.into_iter().skip(1);
    let chain = words.next()?;
    let words: Vec<_> = words.collect();
    let (holds, action) = Reading::new(packet, &words).all();
    let branches = action.map(|action| (holds, action)).into_iter().collect();
    let rule = Rule {
        text: text.to_owned(),
        branches,
    };
    Some((chain, rule))
}

/// The words of one rule.
struct Reading<'r> {
    packet: &'r Packet,
    words: &'r [String],
    at: usize,
}

impl<'r> Reading<'r> {
    fn new(packet: &'r Packet, words: &'r [String]) -> Self {
        Self { packet, words, at: 0 }
    }

    fn next(&mut self) -> Option<&'r str> {
        let word = self.words.get(self.at)?;
        self.at += 1;
        Some(word)
    }

    /// The value of an option.
    fn value(&mut self) -> &'r str {
        self.next().unwrap_or_default()
    }

    /// Passes over what belongs to an option: everything up to the next one.
    fn rest(&mut self) {
        while let Some(word) = self.words.get(self.at)
            && word != "!"
            && !word.starts_with('-')
        {
            self.at += 1;
        }
    }

    /// Whether the rule holds, and what it does; nothing if packets go on behind it.
    fn all(&mut self) -> (Holds, Option<Action>) {
        let mut holds = Holds::Always;
        let mut is_negated = false;
        while let Some(word) = self.next() {
            match word {
                "!" => {
                    is_negated = true;
                    continue;
                }
                "-j" => {
                    let target = self.value();
                    return (holds, action(target));
                }
                "-g" => return (holds, Some(Action::Goto(self.value().to_owned()))),
                _ => holds = holds.and(self.condition(word).negated(is_negated)),
            }
            is_negated = false;
        }
        (holds, None)
    }

    fn condition(&mut self, option: &str) -> Holds {
        let is_out = self.packet.direction == Direction::Out;
        match option {
            "-m" | "--match" => {
                self.value();
                Holds::Always
            }
            "--comment" => {
                self.value();
                Holds::Always
            }
            "-p" => {
                let protocol = self.value();
                Holds::of(matches!(protocol, "tcp" | "6" | "all"))
            }
            "-s" | "--src-range" => self.address(self.packet.source),
            "-d" | "--dst-range" => self.address(self.packet.destination),
            "-i" if is_out => {
                self.value();
                Holds::Never
            }
            "-i" | "-o" if is_out == (option == "-o") => {
                let name = self.value().to_owned();
                Candidate::Interface(&self.packet.interfaces).is_in(&[Item::Word(name)])
            }
            "--ports" => self.port(),
            "--dport" | "--dports" if !is_out => self.port(),
            "--sport" | "--sports" if is_out => self.port(),
            // The client's own port, whatever it is.
            "--sport" | "--sports" | "--dport" | "--dports" => {
                self.value();
                Holds::Partly
            }
            "--ctstate" | "--state" => {
                let states = self.value();
                let own = if is_out { "ESTABLISHED" } else { "NEW" };
                Holds::of(states.split(',').any(|state| state == own))
            }
            "--ctdir" => Holds::of(self.value() == if is_out { "REPLY" } else { "ORIGINAL" }),
            "--syn" => Holds::of(!is_out),
            "--tcp-flags" => {
                let (mask, set) = (self.value(), self.value());
                let all = mask.replace("ALL", "fin,syn,rst,psh,ack,urg").to_lowercase();
                let set = set.to_lowercase();
                self.packet.direction.has(all.split(','), set.split(','))
            }
            "--dst-type" if !is_out => Holds::of(self.value().split(',').any(|kind| kind == "LOCAL")),
            "--pkt-type" => Holds::of(self.value() == "unicast"),
            "-f" => Holds::Never,
            "--icmp-type" | "--icmpv6-type" => {
                self.value();
                Holds::Never
            }
            // So many in a time, from one address, or of those who came before.
            "--limit" | "--connlimit-upto" | "--connlimit-above" | "--hashlimit-upto"
            | "--hashlimit-above" | "--rcheck" | "--update" | "--mac-source" | "--match-set" | "--src-cc"
            | "--source-country" => {
                self.rest();
                match self.packet.source {
                    // Which addresses a set has, nobody asked.
                    Some(_) if option == "--match-set" => Holds::Unknown,
                    _ => Holds::Partly,
                }
            }
            "--limit-burst"
            | "--connlimit-mask"
            | "--connlimit-saddr"
            | "--hashlimit-burst"
            | "--hashlimit-mode"
            | "--hashlimit-name"
            | "--hashlimit-htable-expire"
            | "--hashlimit-srcmask"
            | "--seconds"
            | "--hitcount"
            | "--name"
            | "--mask"
            | "--rsource"
            | "--set" => {
                self.rest();
                Holds::Always
            }
            _ => {
                self.rest();
                Holds::Unknown
            }
        }
    }

    fn port(&mut self) -> Holds {
        let items: Vec<_> = self.value().split(',').map(ports).collect();
        Candidate::Number(self.packet.port.into()).is_in(&items)
    }

    fn address(&mut self, own: Option<std::net::IpAddr>) -> Holds {
        let items: Vec<_> = self.value().split(',').map(Item::address).collect();
        Candidate::Address(self.packet.family, own).is_in(&items)
    }
}

/// `873`, or `870:880`.
fn ports(text: &str) -> Item {
    let number = |text: &str| text.parse::<u64>().ok();
    let found = match text.split_once(':') {
        Some((from, to)) => number(from).zip(number(to)),
        None => number(text).map(|port| (port, port)),
    };
    found.map_or(Item::Other, |(from, to)| Item::Number(from, to))
}

fn action(target: &str) -> Option<Action> {
    match target {
        "ACCEPT" => Some(Action::Accept),
        "DROP" | "TARPIT" => Some(Action::Drop),
        "REJECT" => Some(Action::Reject),
        "RETURN" => Some(Action::Return),
        "QUEUE" | "NFQUEUE" | "DNAT" | "REDIRECT" | "TPROXY" | "SYNPROXY" => Some(Action::Elsewhere),
        target if PASSING.contains(&target) => None,
        chain => Some(Action::Jump(chain.to_owned())),
    }
}
