//! Limits of rules: so many connections in a time, or at once.

/// The most of a rule that people set against guesses of passwords and floods, and that a job of rsync's meets: each run is a
/// connection of its own.
const FEW_A_MINUTE: u64 = 30;
const FEW_AT_ONCE: u64 = 4;

/// A limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::doctor::reach) enum Limit {
    /// New connections, by the minute.
    InTime(u64),
    /// Connections that stand.
    AtOnce(u64),
}

impl Limit {
    /// That of a rule, as nft or iptables prints it; none if it has none.
    pub(in crate::doctor::reach) fn of(rule: &str) -> Option<Self> {
        let words: Vec<_> = rule.split_ascii_whitespace().collect();
        let behind = |name: &str| {
            let at = words.iter().position(|word| *word == name)?;
            words.get(at + 1).copied()
        };
        let number = |name: &str| behind(name)?.parse::<u64>().ok();
        // `limit rate over 3/minute burst 5 packets`, `-m limit --limit 3/min`
        let mut rates = ["rate", "--limit", "--hashlimit-above", "--hashlimit-upto"].into_iter();
        let rate = rates.find_map(|name| match behind(name)? {
            "over" => behind("over"),
            word => Some(word),
        });
        if let Some(rate) = rate {
            return a_minute(rate).map(Self::InTime);
        }
        // `-m recent --update --seconds 30 --hitcount 6`
        if let Some(count) = number("--hitcount") {
            let seconds = number("--seconds").filter(|seconds| *seconds > 0)?;
            return Some(Self::InTime(count.saturating_mul(60) / seconds));
        }
        // `ct count over 3`, `-m connlimit --connlimit-above 3`
        let counts = || {
            behind("count")
                .filter(|word| *word == "over")
                .and_then(|_| number("over"))
        };
        let at_once = number("--connlimit-above").or_else(|| number("--connlimit-upto"));
        at_once.or_else(counts).map(Self::AtOnce)
    }

    /// Whether a job of rsync's may well exceed it.
    pub(in crate::doctor::reach) const fn is_tight(self) -> bool {
        match self {
            Self::InTime(count) => count <= FEW_A_MINUTE,
            Self::AtOnce(count) => count <= FEW_AT_ONCE,
        }
    }
}

/// `3/minute`, `10/sec`, `5/m`: so many a minute; those of bytes are none.
fn a_minute(rate: &str) -> Option<u64> {
    let (count, unit) = rate.split_once('/')?;
    let count: u64 = count.parse().ok()?;
    Some(match unit.as_bytes().first()? {
        b's' => count.saturating_mul(60),
        b'm' => count,
        b'h' => count / 60,
        b'd' | b'w' => 0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Limit;

    #[test]
    fn limits_are_read_of_both_kinds_of_rules() {
        for (rule, limit) in [
            (
                "tcp dport 873 ct state new limit rate over 2/minute burst 2 packets drop",
                Some(Limit::InTime(2)),
            ),
            (
                "tcp dport 873 limit rate 10/second accept",
                Some(Limit::InTime(600)),
            ),
            (
                "tcp dport 873 add @flood { ip saddr limit rate over 3/minute } drop",
                Some(Limit::InTime(3)),
            ),
            (
                "tcp dport 873 meter m size 65535 { ip saddr ct count over 3 } reject with tcp reset",
                Some(Limit::AtOnce(3)),
            ),
            (
                "-A INPUT -p tcp -m tcp --dport 873 -m limit --limit 12/hour -j ACCEPT",
                Some(Limit::InTime(0)),
            ),
            (
                "-A u -p tcp -m recent --update --seconds 30 --hitcount 6 --name DEFAULT -j ufw-user-limit",
                Some(Limit::InTime(12)),
            ),
            (
                "-A INPUT -p tcp -m hashlimit --hashlimit-above 5/min --hashlimit-mode srcip -j DROP",
                Some(Limit::InTime(5)),
            ),
            (
                "-A INPUT -p tcp -m connlimit --connlimit-above 20 -j REJECT",
                Some(Limit::AtOnce(20)),
            ),
            ("limit rate 10 mbytes/second drop", None),
            (
                "-A INPUT -m recent --update --seconds 0 --hitcount 6 -j DROP",
                None,
            ),
            ("tcp dport 873 counter packets 3 bytes 1 accept", None),
            ("ct count over", None),
            ("", None),
        ] {
            assert_eq!(Limit::of(rule), limit, "{rule}");
        }
        assert!(Limit::InTime(30).is_tight() && !Limit::InTime(600).is_tight());
        assert!(Limit::AtOnce(2).is_tight() && !Limit::AtOnce(20).is_tight());
    }
}
