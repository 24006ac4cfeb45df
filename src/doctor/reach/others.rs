//! Rules that stop some clients, or all but some, where the user's symptom is of a client that was stopped.

use crate::doctor::{
    Cause,
    reach::{Family, Verdict, Way, firewall::Decider},
};

impl Way<'_> {
    /// Such rules, by what becomes of packets of whoever; the text does not tell the client's own address.
    pub(super) fn stops_others(&self, family: Family, text: &str, verdict: &Verdict) -> Option<Cause> {
        let quoted = |deciders: &[Decider]| {
            let rules = deciders.iter().map(|decider| format!("`{}`", decider.rule));
            rules.collect::<Vec<_>>().join(", ")
        };
        let (kind, stopping, rules) = match verdict {
            Verdict::SomeAccepted(deciders, last) if may_be_stopped(text, last) => {
                ("others", last, ("accepting", quoted(deciders)))
            }
            Verdict::SomeStopped(deciders) => {
                let mut fitting = deciders.iter().filter(|decider| may_be_stopped(text, decider));
                ("some", fitting.next()?, ("stopping", quoted(deciders)))
            }
            _ => return None,
        };
        let arguments = vec![
            ("port", self.port.to_string()),
            ("family", family.name().to_owned()),
            rules,
        ];
        let rule = if is_rejecting(stopping) {
            "RSY791"
        } else {
            "RSY790"
        };
        let fact = format!("{}: {}", stopping.place, stopping.rule);
        Some(self.found(rule, arguments, vec![fact]).of_kind(kind))
    }
}

/// Whether a text says that a client of elsewhere was refused, or waited in vain (`open_socket_out` in socket.c), as one is that
/// a rule stops.
fn may_be_stopped(text: &str, decider: &Decider) -> bool {
    let signs: &[&str] = match is_rejecting(decider) {
        true => &["Connection refused", "No route to host"],
        false => &["Connection timed out"],
    };
    let mut failed = text.lines().filter(|line| line.contains("failed to connect to "));
    failed.any(|line| {
        let is_near = ["127.0.0.1", "::1", "localhost"]
            .iter()
            .any(|near| line.contains(near));
        !is_near && signs.iter().any(|sign| line.contains(sign))
    })
}

/// Whether a rule that stops connections answers them.
pub(super) fn is_rejecting(decider: &Decider) -> bool {
    decider.rule.to_lowercase().contains("reject")
}

#[cfg(test)]
mod tests {
    use super::{Decider, may_be_stopped};

    #[test]
    fn what_a_client_of_elsewhere_says_tells_the_kind_of_rule() {
        let decider = |rule: &str| Decider {
            place: "inet filter input".to_owned(),
            rule: rule.to_owned(),
        };
        let said = |host: &str, end: &str| format!("rsync: failed to connect to {host} ({host}): {end}");
        let (refused, late) = ("Connection refused (111)", "Connection timed out (110)");
        let (rejects, drops) = (
            decider("-j REJECT --reject-with tcp-reset"),
            decider("policy drop"),
        );
        assert!(may_be_stopped(&said("192.0.2.1", refused), &rejects));
        assert!(!may_be_stopped(&said("192.0.2.1", late), &rejects));
        assert!(may_be_stopped(&said("192.0.2.1", late), &drops));
        assert!(!may_be_stopped(&said("192.0.2.1", refused), &drops));
        assert!(!may_be_stopped(&said("127.0.0.1", refused), &rejects));
    }
}
