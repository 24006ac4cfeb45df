//! The rules of this machine's firewall, as its own programs print them.

use crate::{
    doctor::reach::firewall::{Chain, Decider, Family, Packet, Verdict, judge, read_iptables, read_nft},
    host::{Host, Unknown},
};

/// What the programs printed.
pub(super) struct Rules {
    nft: Option<(Vec<u8>, String)>,
    iptables: Vec<(Family, String)>,
    /// Programs that failed, and why.
    pub(super) failed: Vec<(&'static str, Unknown)>,
}

/// Who writes the rules, and has to be asked to change them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Manager {
    /// firewalld.
    Firewalld,
    /// ufw.
    Ufw,
    /// Somebody by `nft`.
    Nft,
    /// Somebody by `iptables` and `ip6tables`.
    Iptables,
}

/// What becomes of a packet, and who has the say.
pub(super) struct Judged {
    pub(super) verdict: Verdict,
    pub(super) manager: Manager,
}

/// The programs that print rules of xtables, for each family; those behind are for rules of the old kind beside new ones.
const TABLES: [(&str, Family); 4] = [
    ("iptables-save", Family::V4),
    ("iptables-legacy-save", Family::V4),
    ("ip6tables-save", Family::V6),
    ("ip6tables-legacy-save", Family::V6),
];

impl Rules {
    /// Asks the programs; they change nothing.
    pub(super) fn of(host: &dyn Host) -> Self {
        let mut rules = Self {
            nft: None,
            iptables: Vec::new(),
            failed: Vec::new(),
        };
        match host.output("nft", &["-j", "list", "ruleset"]) {
            Ok(Some(json)) => {
                // The rules are only quoted from it.
                let text = host.output("nft", &["-a", "-s", "list", "ruleset"]);
                let text = text.ok().flatten().unwrap_or_default();
                rules.nft = Some((json, String::from_utf8_lossy(&text).into_owned()));
            }
            Ok(None) => {}
            Err(reason) => rules.failed.push(("nft", reason)),
        }
        for (program, family) in TABLES {
            match host.output(program, &[]) {
                Ok(Some(text)) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let is_known =
                        |(other, known): &(Family, String)| *other == family && is_same(known, &text);
                    if !rules.iptables.iter().any(is_known) {
                        rules.iptables.push((family, text));
                    }
                }
                Ok(None) => {}
                Err(reason) => rules.failed.push((program, reason)),
            }
        }
        rules
    }

    /// Whether no program could tell anything.
    pub(super) fn are_unknown(&self) -> bool {
        self.nft.is_none() && self.iptables.is_empty()
    }

    /// Whether some rule hands on connections to a port to somebody else.
    pub(super) fn hand_on(&self, port: u16) -> bool {
        let port = port.to_string();
        let texts = self.iptables.iter().map(|(_, text)| text);
        let texts = texts.chain(self.nft.as_ref().map(|(_, text)| text));
        let mut lines = texts.flat_map(|text| text.lines());
        lines.any(|line| {
            let lower = line.to_lowercase();
            let hands_on = ["dnat", "redirect"].iter().any(|word| lower.contains(word));
            // Ports may stand in a set or a range, of which this tells nothing.
            hands_on
                && (lower.contains(['{', '@', '-']) && !lower.contains("-p tcp")
                    || lower
                        .split(|letter: char| !letter.is_ascii_digit())
                        .any(|word| word == port))
        })
    }

    /// What becomes of a packet.
    pub(super) fn judge(&self, packet: &Packet) -> Judged {
        let own = self
            .iptables
            .iter()
            .filter(|(family, _)| *family == packet.family);
        let own: Vec<_> = own.map(|(_, text)| text).collect();
        let mut chains: Vec<Chain> = Vec::new();
        for text in &own {
            chains.extend(read_iptables(text, packet));
        }
        if let Some((json, text)) = &self.nft {
            // iptables itself tells more of its tables than nft does.
            let name = match packet.family {
                Family::V4 => "ip",
                Family::V6 => "ip6",
            };
            let is_told =
                |family: &str, table: &str| family == name && own.iter().any(|text| tells(text, table));
            match read_nft(json, text, packet, &is_told) {
                Ok(found) => chains.extend(found),
                Err(error) => {
                    let decider = Decider {
                        place: "nft -j list ruleset".to_owned(),
                        rule: error.to_string(),
                    };
                    return Judged {
                        verdict: Verdict::NotKnown(decider),
                        manager: Manager::Nft,
                    };
                }
            }
        }
        let verdict = judge(&chains);
        let manager = manager(&verdict, &chains);
        Judged { verdict, manager }
    }
}

/// Whether a program told all of a table of nft's: the one of old tables does not, and the other remarks on one that is not
/// its own, and lists at most some of it.
fn tells(text: &str, table: &str) -> bool {
    let (heading, remark) = (format!("*{table}"), format!("# Table `{table}'"));
    text.contains("(nf_tables)")
        && text.lines().any(|line| line == heading)
        && !text.lines().any(|line| line.starts_with(&remark))
}

/// Whether two programs print the same, but for their own name and the time.
fn is_same(one: &str, other: &str) -> bool {
    let lines = |text| {
        str::lines(text)
            .filter(|line| !line.starts_with('#'))
            .collect::<Vec<_>>()
    };
    lines(one) == lines(other)
}

/// Who wrote the rule that decides.
fn manager(verdict: &Verdict, chains: &[Chain]) -> Manager {
    let decider = match verdict {
        Verdict::Accepted(decider) => decider.as_ref(),
        Verdict::Dropped(decider)
        | Verdict::Rejected(decider)
        | Verdict::SomeAccepted(_, decider)
        | Verdict::NotKnown(decider) => Some(decider),
        Verdict::SomeStopped(deciders) => deciders.first(),
    };
    let place = decider.map_or("", |decider| &decider.place);
    if place.contains("firewalld") {
        return Manager::Firewalld;
    }
    let of_table = || {
        chains
            .iter()
            .filter(|chain| place.starts_with(&format!("{} ", chain.table)))
    };
    let is_of = |begin: &str| of_table().any(|chain| chain.name.starts_with(begin));
    match place.contains("tables ") {
        true if is_of("ufw-") || is_of("ufw6-") => Manager::Ufw,
        true if is_of("INPUT_ZONES") || is_of("IN_public") => Manager::Firewalld,
        true => Manager::Iptables,
        false => Manager::Nft,
    }
}

#[cfg(test)]
mod tests {
    use proptest::proptest;

    use super::{Manager, Rules};
    use crate::{
        doctor::reach::{
            Verdict,
            firewall::{Direction, Family, Packet},
        },
        host::{Image, Unknown},
    };

    fn packet() -> Packet {
        Packet {
            direction: Direction::In,
            family: Family::V4,
            port: 873,
            source: None,
            destination: None,
            interfaces: vec!["eth0".to_owned()],
        }
    }

    fn image(outputs: &[(&str, &str)]) -> Image {
        let mut image = Image::new("/nowhere");
        for (command, output) in outputs {
            image = image.with_output(command, Ok(output.as_bytes().to_vec()));
        }
        image
    }

    #[test]
    fn what_cannot_be_read_is_not_known() {
        let rules = Rules::of(&image(&[]));
        assert!(rules.are_unknown() && rules.failed.is_empty());
        let denied = image(&[]).with_output("nft -j list ruleset", Err(Unknown::Denied));
        let rules = Rules::of(&denied);
        assert!(rules.are_unknown());
        assert_eq!(rules.failed, [("nft", Unknown::Denied)]);
        for (json, is_known) in [
            ("", false),
            ("{", false),
            ("[]", true),
            ("{\"nftables\": 7}", true),
        ] {
            let rules = Rules::of(&image(&[("nft -j list ruleset", json)]));
            let verdict = rules.judge(&packet()).verdict;
            assert_eq!(
                verdict == Verdict::Accepted(None),
                is_known,
                "{json}: {verdict:?}"
            );
        }
    }

    #[test]
    fn answers_meet_the_rules_for_what_goes_out() {
        let answer = Packet {
            direction: Direction::Out,
            source: Some("192.0.2.1".parse().expect("an address")),
            destination: Some("192.0.2.7".parse().expect("an address")),
            ..packet()
        };
        let dropped = |rules: &str| {
            let text = format!("*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{rules}COMMIT\n");
            let verdict = Rules::of(&image(&[("iptables-save", &text)]))
                .judge(&answer)
                .verdict;
            matches!(verdict, Verdict::Dropped(_))
        };
        assert!(dropped(
            "-A OUTPUT -d 192.0.2.0/24 -p tcp -m tcp --sport 873 -j DROP\n"
        ));
        assert!(dropped(
            "-A OUTPUT -p tcp --tcp-flags SYN,ACK,FIN,RST SYN,ACK -j DROP\n"
        ));
        assert!(dropped("-A OUTPUT -o eth0 -j DROP\n"));
        for passing in [
            "",
            "-A INPUT -p tcp --dport 873 -j DROP\n",
            "-A OUTPUT -p tcp --dport 873 -j DROP\n",
            "-A OUTPUT -p tcp --syn -j DROP\n",
            "-A OUTPUT -i eth0 -j DROP\n",
            "-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A OUTPUT -j DROP\n",
            "-A OUTPUT -d 198.51.100.0/24 -j DROP\n",
        ] {
            assert!(!dropped(passing), "{passing}");
        }
        let chain = |hook: &str, expression: &str| {
            let json = format!(
                "{{\"nftables\": [{{\"chain\": {{\"family\": \"inet\", \"table\": \"a\", \"name\": \"c\", \
                \"hook\": \"{hook}\", \"prio\": 0, \"type\": \"filter\", \"policy\": \"accept\"}}}}, \
                {{\"rule\": {{\"family\": \"inet\", \"table\": \"a\", \"chain\": \"c\", \"handle\": 2, \
                \"expr\": [{expression}, {{\"drop\": null}}]}}}}]}}"
            );
            Rules::of(&image(&[("nft -j list ruleset", &json)]))
                .judge(&answer)
                .verdict
        };
        let field = |field: &str| {
            format!(
                "{{\"match\": {{\"op\": \"==\", \"left\": {{\"payload\": {{\"protocol\": \"tcp\", \
                \"field\": \"{field}\"}}}}, \"right\": 873}}}}"
            )
        };
        assert!(matches!(chain("output", &field("sport")), Verdict::Dropped(_)));
        assert_eq!(chain("input", &field("sport")), Verdict::Accepted(None));
        assert!(matches!(
            chain("postrouting", &field("dport")),
            Verdict::SomeStopped(_)
        ));
    }

    #[test]
    fn rules_that_hand_on_a_port_are_found() {
        let hands_on = |rule: &str| {
            let text = format!("*nat\n:PREROUTING ACCEPT [0:0]\n{rule}\nCOMMIT\n");
            Rules::of(&image(&[("iptables-save", &text)])).hand_on(873)
        };
        assert!(hands_on(
            "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 873 -j DNAT --to-destination 172.17.0.2:873"
        ));
        assert!(hands_on(
            "-A PREROUTING -p tcp --dport 873 -j REDIRECT --to-ports 8730"
        ));
        assert!(!hands_on(
            "-A PREROUTING -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.3:80"
        ));
        assert!(!hands_on("-A PREROUTING -p tcp --dport 873 -j ACCEPT"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_an_end(text in "(\\*filter\n|:INPUT DROP \\[0:0\\]\n|-A INPUT |-[a-z] |! |--[a-z]{2,9} |[!-~]{0,9}|\n){0,40}") {
            let image = image(&[("iptables-save", &text), ("nft -j list ruleset", &text)]);
            Rules::of(&image).judge(&packet());
        }

        #[test]
        fn any_expression_is_read_to_an_end(expression in "(\\[|\\]|\\{|\\}|,|:|\"(match|left|right|set|vmap|op|&|payload|jump|target|a)\"|1|null){0,30}") {
            let json = format!(
                "{{\"nftables\": [{{\"chain\": {{\"family\": \"ip\", \"table\": \"a\", \"name\": \"a\", \"hook\": \"input\"}}}}, \
                {{\"rule\": {{\"family\": \"ip\", \"table\": \"a\", \"chain\": \"a\", \"expr\": [{expression}]}}}}]}}"
            );
            Rules::of(&image(&[("nft -j list ruleset", &json)])).judge(&packet());
        }
    }

    #[test]
    fn chains_that_jump_in_circles_come_to_an_end() {
        let text = "*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n\
            -A a -m limit --limit 1/s -j b\n-A a -j b\n-A b -m limit --limit 1/s -j a\n-A b -j a\nCOMMIT\n";
        let verdict = Rules::of(&image(&[("iptables-save", text)]))
            .judge(&packet())
            .verdict;
        assert!(matches!(verdict, Verdict::NotKnown(_)), "{verdict:?}");
    }

    #[test]
    fn who_keeps_the_rules_is_known_by_their_chains() {
        for (chains, manager) in [
            (":ufw-user-input - [0:0]\n", Manager::Ufw),
            (":INPUT_ZONES - [0:0]\n", Manager::Firewalld),
            ("", Manager::Iptables),
        ] {
            let text = format!("# by iptables-save\n*filter\n:INPUT DROP [0:0]\n{chains}COMMIT\n");
            let judged = Rules::of(&image(&[("iptables-save", &text)])).judge(&packet());
            assert_eq!(judged.manager, manager, "{:?}", judged.verdict);
            assert!(matches!(judged.verdict, Verdict::Dropped(_)));
        }
    }
}
