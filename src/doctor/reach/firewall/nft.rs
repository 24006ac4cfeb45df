//! Rules as `nft -j list ruleset` prints them (libnftables-json(5)).

use std::collections::HashMap;

use serde_json::Value;

use crate::doctor::reach::firewall::{
    Action, Chain, Direction, Family, Holds, Packet, Rule,
    value::{Candidate, Item},
};

/// Protocols that are not ours: what asks for a field of theirs is about their packets alone.
const OTHER_PROTOCOLS: [&str; 11] = [
    "udp", "udplite", "icmp", "icmpv6", "igmp", "sctp", "dccp", "esp", "ah", "comp", "arp",
];
/// Statements behind which the packet goes on.
const PASSING: [&str; 10] = [
    "counter",
    "log",
    "mangle",
    "notrack",
    "ct helper",
    "ct timeout",
    "flow",
    "dup",
    "set",
    "last",
];

/// The chains that the program printed, as they treat a packet. `text` is what it prints for people, with handles: the rules
/// are quoted from there. Tables of `skipped` are left out, each a family and a name.
///
/// # Errors
/// It is not what that program prints.
pub(in crate::doctor::reach) fn read(
    json: &[u8],
    text: &str,
    packet: &Packet,
    skipped: &dyn Fn(&str, &str) -> bool,
) -> Result<Vec<Chain>, serde_json::Error> {
    let ruleset: Value = serde_json::from_slice(json)?;
    let objects = ruleset["nftables"].as_array().map_or(&[][..], Vec::as_slice);
    let shown = shown(text);
    let mut chains: Vec<Chain> = Vec::new();
    let mut sets = HashMap::new();
    for object in objects {
        for kind in ["set", "map"] {
            let set = &object[kind];
            if let Some(name) = set["name"].as_str() {
                sets.insert((table(set), name), &set["elem"]);
            }
        }
    }
    for object in objects {
        let (chain, rule) = (&object["chain"], &object["rule"]);
        let one = if chain.is_object() { chain } else { rule };
        let family = one["family"].as_str().unwrap_or_default();
        if !meets(family, packet.family) || skipped(family, one["table"].as_str().unwrap_or_default()) {
            continue;
        }
        if let Some(name) = chain["name"].as_str() {
            chains.push(Chain {
                table: table(chain),
                name: name.to_owned(),
                rules: Vec::new(),
                base: base(chain, packet.direction),
            });
        } else if let Some(name) = rule["chain"].as_str() {
            let table = table(rule);
            let reading = Reading {
                packet,
                table: &table,
                sets: &sets,
            };
            let statements = rule["expr"].as_array().map_or(&[][..], Vec::as_slice);
            let handle = rule["handle"].as_u64().unwrap_or_default();
            let quoted = shown.get(&(table.clone(), handle));
            let read = Rule {
                text: quoted.map_or_else(|| rule["expr"].to_string(), |text| (*text).to_owned()),
                branches: reading.branches(statements),
            };
            let is_meant = |chain: &&mut Chain| chain.table == table && chain.name == name;
            if let Some(chain) = chains.iter_mut().find(is_meant) {
                chain.rules.push(read);
            }
        }
    }
    Ok(chains)
}

fn table(object: &Value) -> String {
    let word = |key: &str| object[key].as_str().unwrap_or_default();
    format!("{} {}", word("family"), word("table"))
}

/// Whether tables of a family see packets of another.
fn meets(tables: &str, packet: Family) -> bool {
    match tables {
        "inet" => true,
        "ip" => packet == Family::V4,
        "ip6" => packet == Family::V6,
        _ => false,
    }
}

/// When a chain is met on the way, and what happens at its end.
fn base(chain: &Value, direction: Direction) -> Option<(i64, Action)> {
    let hook = match (direction, chain["hook"].as_str()?) {
        // Addresses of answers are changed back by what was noted of the first packet, not by rules.
        (Direction::Out, _) if chain["type"] == "nat" => return None,
        (Direction::In, "prerouting") | (Direction::Out, "output") => 0,
        (Direction::In, "input") | (Direction::Out, "postrouting") => 1,
        _ => return None,
    };
    let priority = chain["prio"].as_i64().unwrap_or_default();
    let policy = match chain["policy"].as_str() {
        Some("drop") => Action::Drop,
        _ => Action::Accept,
    };
    Some(((hook << 40) + priority, policy))
}

/// The rules as people read them, by table and handle.
fn shown(text: &str) -> HashMap<(String, u64), &str> {
    let mut found = HashMap::new();
    let mut table = String::new();
    for line in text.lines() {
        let line = line.trim();
        let Some((words, handle)) = line.rsplit_once("# handle ") else {
            continue;
        };
        let Ok(handle) = handle.trim().parse() else {
            continue;
        };
        match words.trim().strip_prefix("table ") {
            Some(name) => table = name.trim_end_matches('{').trim().to_owned(),
            None => {
                found.insert((table.clone(), handle), words.trim());
            }
        }
    }
    found
}

/// What the statements of one rule are read with.
struct Reading<'r> {
    packet: &'r Packet,
    table: &'r str,
    sets: &'r HashMap<(String, &'r str), &'r Value>,
}

impl Reading<'_> {
    /// The ways in which the rule may end.
    fn branches(&self, statements: &[Value]) -> Vec<(Holds, Action)> {
        let mut holds = Holds::Always;
        let mut branches = Vec::new();
        for statement in statements {
            let Some((kind, body)) = statement.as_object().and_then(|object| object.iter().next()) else {
                holds = holds.and(Holds::Unknown);
                continue;
            };
            match &**kind {
                "match" => holds = holds.and(self.matches(body)),
                "vmap" => {
                    let pairs = self.items(&body["data"]);
                    let candidate = self.candidate(&body["key"]);
                    let of_pair = pairs.iter().filter_map(|pair| {
                        let key = Self::key(&pair[0]);
                        let is_met = candidate
                            .as_ref()
                            .map_or_else(|holds| *holds, |one| one.is_in(&key));
                        Some((holds.and(is_met), Self::action(&pair[1])?))
                    });
                    branches.extend(of_pair);
                    return branches;
                }
                // So many in a time.
                "limit" | "quota" | "ct count" | "meter" => holds = holds.and(Holds::Partly),
                // The same for each address that a set holds.
                "set" if !body["stmt"].is_null() => holds = holds.and(Holds::Partly),
                "xt" => {
                    // nft does not tell what iptables' own extension asks.
                    holds = holds.and(Holds::Unknown);
                    let target = body["name"].as_str().filter(|_| body["type"] == "target");
                    match target {
                        Some("REJECT") => branches.push((holds, Action::Reject)),
                        Some("DROP") => branches.push((holds, Action::Drop)),
                        Some("DNAT" | "REDIRECT" | "TPROXY") => branches.push((holds, Action::Elsewhere)),
                        _ => {}
                    }
                }
                kind if PASSING.contains(&kind) => {}
                _ => {
                    match Self::action(statement) {
                        Some(action) => branches.push((holds, action)),
                        None if kind == "continue" => {}
                        None => branches.push((holds, Action::Elsewhere)),
                    }
                    return branches;
                }
            }
        }
        branches
    }

    fn action(statement: &Value) -> Option<Action> {
        let (kind, body) = statement.as_object()?.iter().next()?;
        let target = || body["target"].as_str().unwrap_or_default().to_owned();
        Some(match &**kind {
            "accept" => Action::Accept,
            "drop" => Action::Drop,
            "reject" => Action::Reject,
            "return" => Action::Return,
            "jump" => Action::Jump(target()),
            "goto" => Action::Goto(target()),
            _ => return None,
        })
    }

    fn matches(&self, body: &Value) -> Holds {
        let (left, right) = (&body["left"], &body["right"]);
        let is_negated = body["op"] == "!=";
        if let Some(mask) = left["&"].as_array() {
            return self.flags(mask, right).negated(is_negated);
        }
        let candidate = match self.candidate(left) {
            Ok(candidate) => candidate,
            // What is not there is not unlike anything either.
            Err(Holds::Never) => return Holds::Never,
            Err(holds) => return holds.negated(is_negated),
        };
        let number = right.as_u64().unwrap_or_default();
        let items = match body["op"].as_str() {
            Some("<") => vec![Item::Number(0, number.saturating_sub(1))],
            Some("<=") => vec![Item::Number(0, number)],
            Some(">") => vec![Item::Number(number.saturating_add(1), u64::MAX)],
            Some(">=") => vec![Item::Number(number, u64::MAX)],
            _ => {
                let values = self.items(right);
                values.iter().flat_map(Self::key).collect()
            }
        };
        candidate.is_in(&items).negated(is_negated)
    }

    /// `tcp flags & (fin | syn | rst | ack) == syn`: the first packet has SYN alone, and its answer ACK too.
    fn flags(&self, operands: &[Value], right: &Value) -> Holds {
        let [left, mask] = operands else {
            return Holds::Unknown;
        };
        if left["payload"]["field"] != "flags" {
            return Holds::Unknown;
        }
        let words = |value: &Value| -> Vec<String> {
            let many = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let many = many.iter().map(|one| match one {
                Value::String(word) => word.clone(),
                other => other.to_string(),
            });
            many.collect()
        };
        // An older nft writes `fin | syn` as a nested operation.
        let mask = match mask["|"].as_array() {
            Some(_) => flattened(mask),
            None => words(mask),
        };
        let wanted = match right["|"].as_array() {
            Some(_) => flattened(right),
            None => words(right),
        };
        let (mask, wanted) = (mask.iter().map(|flag| &**flag), wanted.iter().map(|flag| &**flag));
        self.packet.direction.has(mask, wanted)
    }

    /// What the packet has of that; or whether the condition holds whatever is asked of it.
    fn candidate(&self, left: &Value) -> Result<Candidate<'_>, Holds> {
        let (kind, body) = left
            .as_object()
            .and_then(|object| object.iter().next())
            .ok_or(Holds::Unknown)?;
        let packet = self.packet;
        let is_out = packet.direction == Direction::Out;
        let (protocol, field, key) = (&body["protocol"], &body["field"], &body["key"]);
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match (
            &**kind,
            &*word(protocol),
            &*word(if kind == "payload" { field } else { key }),
        ) {
            ("payload", "tcp" | "th", "dport") if !is_out => Ok(Candidate::Number(packet.port.into())),
            ("payload", "tcp" | "th", "sport") if is_out => Ok(Candidate::Number(packet.port.into())),
            // The client's own port, whatever it is.
            ("payload", "tcp" | "th", "sport" | "dport") => Err(Holds::Partly),
            ("payload", "tcp", "flags") if is_out => Ok(Candidate::Word(&["syn", "ack", "18"])),
            ("payload", "tcp", "flags") => Ok(Candidate::Word(&["syn", "2"])),
            ("payload", "ip", _) if packet.family == Family::V6 => Err(Holds::Never),
            ("payload", "ip6", _) if packet.family == Family::V4 => Err(Holds::Never),
            ("payload", "ip" | "ip6", "saddr") => Ok(Candidate::Address(packet.family, packet.source)),
            ("payload", "ip" | "ip6", "daddr") => Ok(Candidate::Address(packet.family, packet.destination)),
            ("payload", "ip" | "ip6", "protocol" | "nexthdr") | ("meta", _, "l4proto") => {
                Ok(Candidate::Word(&["tcp", "6"]))
            }
            ("payload", other, _) if OTHER_PROTOCOLS.contains(&other) => Err(Holds::Never),
            // What goes out has come in by none.
            ("meta", _, "iifname" | "iif") if is_out => Err(Holds::Never),
            ("meta", _, "oifname" | "oif") if is_out => Ok(Candidate::Interface(&packet.interfaces)),
            ("meta", _, "iifname" | "iif") => Ok(Candidate::Interface(&packet.interfaces)),
            ("meta", _, "nfproto") => Ok(Candidate::Word(match packet.family {
                Family::V4 => &["ipv4", "2"],
                Family::V6 => &["ipv6", "10"],
            })),
            ("meta", _, "protocol") => Ok(Candidate::Word(match packet.family {
                Family::V4 => &["ip", "2048"],
                Family::V6 => &["ip6", "34525"],
            })),
            ("meta", _, "pkttype") => Ok(Candidate::Word(&["host", "unicast", "0"])),
            ("ct", _, "state") if is_out => Ok(Candidate::Word(&["established", "2"])),
            ("ct", _, "direction") if is_out => Ok(Candidate::Word(&["reply", "1"])),
            ("ct", _, "state") => Ok(Candidate::Word(&["new", "8"])),
            ("ct", _, "direction") => Ok(Candidate::Word(&["original", "0"])),
            // Nobody has changed its addresses.
            ("ct", _, "status") => Err(Holds::Never),
            ("fib", _, _) if !is_out => Self::route(body),
            _ => Err(Holds::Unknown),
        }
    }

    /// A question to the routes: packets come to an address of this machine, from where answers go.
    fn route(body: &Value) -> Result<Candidate<'static>, Holds> {
        let flags = body["flags"].as_array().map_or(&[][..], Vec::as_slice);
        let asks = |flag: &str| flags.iter().any(|one| one == flag) || body["flags"] == flag;
        match body["result"].as_str() {
            Some("type") if asks("daddr") => Ok(Candidate::Word(&["local", "2"])),
            // It asks for a way back that is missing.
            Some("oif" | "oifname" | "check") if asks("saddr") => Err(Holds::Never),
            _ => Err(Holds::Unknown),
        }
    }

    /// The values on the right: of a set of its own, of one with a name, or just one.
    fn items(&self, right: &Value) -> Vec<Value> {
        if let Some(name) = right.as_str().and_then(|name| name.strip_prefix('@')) {
            let set = self.sets.get(&(self.table.to_owned(), name));
            return match set {
                Some(Value::Array(elements)) => elements.clone(),
                // Without elements.
                Some(Value::Null) => Vec::new(),
                _ => vec![Value::Null],
            };
        }
        match (&right["set"], right) {
            (Value::Array(elements), _) | (_, Value::Array(elements)) => elements.clone(),
            (Value::Null, one) => vec![one.clone()],
            (one, _) => vec![one.clone()],
        }
    }

    /// One value on the right.
    fn key(value: &Value) -> Vec<Item> {
        if let Value::Object(object) = value {
            if let Some(element) = object.get("elem") {
                return Self::key(&element["val"]);
            }
            if let Some(prefix) = object.get("prefix") {
                let text = format!(
                    "{}/{}",
                    prefix["addr"].as_str().unwrap_or_default(),
                    prefix["len"]
                );
                return vec![Item::address(&text)];
            }
            if let Some([from, to]) = object.get("range").and_then(Value::as_array).map(Vec::as_slice) {
                return vec![match (from.as_u64(), to.as_u64(), from.as_str(), to.as_str()) {
                    (Some(from), Some(to), ..) => Item::Number(from, to),
                    (.., Some(from), Some(to)) => Item::address(&format!("{from}-{to}")),
                    _ => Item::Other,
                }];
            }
        }
        vec![match value {
            Value::Number(number) => number.as_u64().map_or(Item::Other, |one| Item::Number(one, one)),
            Value::String(text) => match Item::address(text) {
                Item::Other => Item::Word(text.clone()),
                address => address,
            },
            _ => Item::Other,
        }]
    }
}

/// The words of operations that stand in each other.
fn flattened(value: &Value) -> Vec<String> {
    match (value, value["|"].as_array()) {
        (_, Some(parts)) => parts.iter().flat_map(flattened).collect(),
        (Value::Array(parts), _) => parts.iter().flat_map(flattened).collect(),
        (Value::String(word), _) => vec![word.clone()],
        (other, _) => vec![other.to_string()],
    }
}
