//! From rules to a verdict.

use crate::doctor::reach::firewall::{Action, Chain, Decider, Holds, Limit, Rule, Verdict};

/// Chains jump to each other so deep at most; the kernel allows 16 (`NFT_JUMP_STACK_SIZE`), xtables more.
const DEEPEST: usize = 64;
/// Rules that are looked at for one packet: a bound for chains that jump to each other again and again.
const MOST_STEPS: usize = 1 << 20;

/// How it goes on behind a chain.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Flow {
    /// Every packet has its verdict.
    Ended,
    GoesOn,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fate {
    In,
    Dropped,
    Rejected,
    Elsewhere,
}

/// Something that happens to the packets, or to some of them.
struct Outcome {
    fate: Fate,
    /// Whether it happens to those that no earlier outcome took.
    holds: Holds,
    decider: Decider,
    is_policy: bool,
}

/// What becomes of a packet that meets these chains. It must pass each of those that packets come to by themselves.
pub(in crate::doctor::reach) fn judge(chains: &[Chain]) -> Verdict {
    let mut bases: Vec<_> = chains
        .iter()
        .filter_map(|chain| chain.base.as_ref().map(|base| (base, chain)))
        .collect();
    bases.sort_by_key(|((order, _), _)| *order);
    let mut rest: Vec<Verdict> = Vec::new();
    for ((_, policy), chain) in bases {
        match base(chains, chain, policy) {
            stopped @ (Verdict::Dropped(_) | Verdict::Rejected(_)) => return stopped,
            other => rest.push(other),
        }
    }
    // What stops more counts for more.
    let rank = |verdict: &Verdict| match verdict {
        Verdict::NotKnown(_) => 4,
        Verdict::SomeAccepted(..) => 3,
        Verdict::SomeStopped(_) => 2,
        Verdict::Accepted(Some(_)) => 1,
        _ => 0,
    };
    rest.into_iter()
        .max_by_key(rank)
        .unwrap_or(Verdict::Accepted(None))
}

fn base(chains: &[Chain], chain: &Chain, policy: &Action) -> Verdict {
    let mut walk = Walk {
        chains,
        outcomes: Vec::new(),
        limits: Vec::new(),
        steps: 0,
    };
    if walk.chain(chain, Holds::Always, 0) == Flow::GoesOn {
        walk.outcomes.push(Outcome {
            fate: match policy {
                Action::Drop => Fate::Dropped,
                _ => Fate::In,
            },
            holds: Holds::Always,
            decider: Decider {
                place: place(chain),
                rule: format!(
                    "policy {}",
                    if *policy == Action::Drop { "drop" } else { "accept" }
                ),
            },
            is_policy: true,
        });
    }
    summary(walk.outcomes)
}

/// One verdict for all that happens to the packets; the last outcome takes the rest.
fn summary(mut outcomes: Vec<Outcome>) -> Verdict {
    let Some(last) = outcomes.pop() else {
        return Verdict::Accepted(None);
    };
    let comes_in = |outcome: &Outcome| outcome.fate == Fate::In;
    let others: Vec<_> = outcomes
        .into_iter()
        .filter(|one| comes_in(one) != comes_in(&last))
        .collect();
    if last.fate == Fate::Elsewhere {
        return Verdict::NotKnown(last.decider);
    }
    let open = others
        .iter()
        .find(|one| one.holds == Holds::Unknown || one.fate == Fate::Elsewhere);
    if let Some(open) = open {
        return Verdict::NotKnown(open.decider.clone());
    }
    let others: Vec<_> = others.into_iter().map(|one| one.decider).collect();
    match (last.fate, others.is_empty()) {
        (Fate::In, true) => Verdict::Accepted((!last.is_policy).then_some(last.decider)),
        (Fate::In, false) => Verdict::SomeStopped(others),
        (_, false) => Verdict::SomeAccepted(others, last.decider),
        (Fate::Rejected, true) => Verdict::Rejected(last.decider),
        (_, true) => Verdict::Dropped(last.decider),
    }
}

fn place(chain: &Chain) -> String {
    format!("{} {}", chain.table, chain.name)
}

struct Walk<'c> {
    chains: &'c [Chain],
    outcomes: Vec<Outcome>,
    /// The rules with limits by which this chain was come to.
    limits: Vec<String>,
    steps: usize,
}

impl Walk<'_> {
    /// Goes through a chain that those packets come to for which `weight` holds.
    fn chain(&mut self, chain: &Chain, mut weight: Holds, depth: usize) -> Flow {
        // Whether some have gone back to where they came from.
        let mut leaks = false;
        for rule in &chain.rules {
            for (holds, action) in &rule.branches {
                self.steps += 1;
                if *holds == Holds::Never {
                    continue;
                }
                let is_sure = *holds == Holds::Always;
                let here = weight.and(*holds);
                let ends = match action {
                    Action::Accept => self.take(Fate::In, here, chain, rule),
                    Action::Drop => self.take(Fate::Dropped, here, chain, rule),
                    Action::Reject => self.take(Fate::Rejected, here, chain, rule),
                    Action::Elsewhere => self.take(Fate::Elsewhere, here, chain, rule),
                    Action::Return => {
                        if is_sure {
                            return Flow::GoesOn;
                        }
                        leaks = true;
                        weight = here;
                        Flow::GoesOn
                    }
                    Action::Jump(target) | Action::Goto(target) => {
                        let flow = self.jump(target, chain, rule, here, depth);
                        if is_sure && matches!(action, Action::Goto(_)) {
                            return if leaks { Flow::GoesOn } else { flow };
                        }
                        if matches!(action, Action::Goto(_)) && flow == Flow::GoesOn {
                            // Some have come to the end of this chain by the other.
                            leaks = true;
                        }
                        flow
                    }
                };
                if is_sure && ends == Flow::Ended {
                    return if leaks { Flow::GoesOn } else { Flow::Ended };
                }
            }
        }
        Flow::GoesOn
    }

    fn jump(&mut self, target: &str, chain: &Chain, rule: &Rule, holds: Holds, depth: usize) -> Flow {
        let is_meant = |other: &&Chain| other.table == chain.table && other.name == target;
        match self.chains.iter().find(is_meant) {
            Some(next) if depth < DEEPEST && self.steps < MOST_STEPS => {
                let known = self.limits.len();
                if holds == Holds::Partly && Limit::of(&rule.text).is_some() {
                    self.limits.push(rule.text.clone());
                }
                let flow = self.chain(next, holds, depth + 1);
                self.limits.truncate(known);
                flow
            }
            _ => self.take(Fate::Elsewhere, holds, chain, rule),
        }
    }

    fn take(&mut self, fate: Fate, holds: Holds, chain: &Chain, rule: &Rule) -> Flow {
        self.outcomes.push(Outcome {
            fate,
            holds,
            decider: Decider {
                place: place(chain),
                rule: match self.limits.last() {
                    Some(limit) => format!("{limit} → {}", rule.text),
                    None => rule.text.clone(),
                },
            },
            is_policy: false,
        });
        Flow::Ended
    }
}
