//! Whether clients reach the daemon at all: where it listens, what the firewall of this machine lets in, and what one client
//! meets whose address is named.

mod answers;
pub(super) mod client;
mod facts;
mod firewall;
pub(super) mod held;
mod manager;
mod meant;
mod names;
mod others;
pub(super) mod own;
mod published;
mod rules;
pub(super) mod starters;
mod unit;
mod wrappers;

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    catalog::{Confidence, Severity},
    doctor::{
        Cause, Check, Fact, Report, Setup, Skip, Stage, Subject, Urgency, changed::restart, daemon::option,
        unreloaded::reload,
    },
    host::{Host, Unknown, listening_on, process_of},
    lint::Options,
    model::{Parameter, Scope},
    terms::Release,
};

pub use facts::{Admission, ReachFact};
pub use firewall::{Decider, Family, Verdict};
pub use rules::Manager;

use self::{
    firewall::{Direction, Limit, Packet},
    others::is_rejecting,
    rules::Rules,
    starters::{Linted, XINETD},
};

pub(super) fn look(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    if let Some(daemon) = subject.daemon.as_ref().filter(|daemon| daemon.has_own_network) {
        let process = daemon.process;
        stage.note(Fact::Reach(ReachFact::OwnNetwork(process)));
        report.not_seen(
            format!("the network of process {process}"),
            Unknown::Failed("it has one of its own: run rsyncctl in there".to_owned()),
        );
        stage.warn();
        published::look(subject, setup, process, stage, report);
        return;
    }
    let Some(port) = subject.port else {
        stage.skip(subject.without_port());
        return;
    };
    let addresses: Vec<_> = listening_on(port).into_iter().collect();
    if addresses.is_empty() {
        stage.skip(Skip::NobodyListens);
        return;
    }
    let way = Way {
        subject,
        host: setup.host,
        port,
        from: setup.from.map(|from| from.to_canonical()),
        addresses,
    };
    stage.note(Fact::Reach(ReachFact::Listens(port, way.addresses.clone())));
    names::look(subject, setup.host, stage, report);
    way.address(stage, report);
    held::look(&way, stage, report);
    way.starter(setup, stage, report);
    if !way.is_heard(setup, stage, report) {
        return;
    }
    way.unit(setup, stage, report);
    way.firewall(setup, stage, report);
    way.ways_back(stage, report);
    if let Some(from) = way.from {
        client::look(&way, from, setup, stage, report);
    } else {
        client::look_at_lists(&way, stage, report);
    }
}

/// So many machines that modules admit by their own addresses are looked at.
const MOST_CLIENTS: usize = 64;

/// The address of another interface than loopback that a text says refused a connection (`open_socket_out` in socket.c).
fn refused_address(text: &str) -> Option<IpAddr> {
    let mut refused = text.lines().filter(|line| line.contains("Connection refused"));
    refused.find_map(|line| {
        let mut words = line.split(['(', ')', ' ']);
        words.find_map(|word| {
            word.parse::<IpAddr>()
                .ok()
                .filter(|address| !address.is_loopback())
        })
    })
}

/// A network as people write it: a machine has no number of bits.
fn plain(network: &IpNet) -> String {
    match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }
}

/// The way to a daemon.
struct Way<'w> {
    subject: &'w Subject,
    host: &'w dyn Host,
    port: u16,
    /// The client that is asked about.
    from: Option<IpAddr>,
    /// Where somebody listens.
    addresses: Vec<IpAddr>,
}

impl Way<'_> {
    /// Whether somebody listens where clients of elsewhere, or the one that is asked about, can come to.
    fn is_heard(&self, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> bool {
        let is_near = self.from.is_some_and(|from| from.is_loopback());
        if is_near {
            return true;
        }
        let outward: Vec<_> = self.families().collect();
        if outward.is_empty() {
            stage.note(Fact::Reach(ReachFact::LoopbackAlone));
            if let Some(from) = self.from {
                self.unheard(from.to_string(), stage, report);
            } else if let Some(network) = self.admitted_from_elsewhere().first() {
                self.unheard(plain(network), stage, report);
                // A tunnel of this machine may be in front.
                if let Some(cause) = report.causes.last_mut() {
                    cause.confidence = Confidence::Likely;
                }
            } else if let Some(asked) = setup.symptom.as_deref().and_then(refused_address) {
                let cause = self.unheard_cause(asked.to_string());
                report.causes.push(cause.of_kind("asked"));
                stage.fail();
            }
            return false;
        }
        if let Some(from) = self.from
            && !outward.contains(&Family::of(from))
        {
            self.unheard(from.to_string(), stage, report);
            return false;
        }
        true
    }

    /// Whether the daemon listens on the address that its configuration names, which it reads only when it starts.
    fn address(&self, stage: &mut Stage, report: &mut Report) {
        let (Some(daemon), Some(known)) = (&self.subject.daemon, &self.subject.known) else {
            return;
        };
        let Some(server) = known
            .server
            .as_ref()
            .filter(|_| option(&daemon.words, "--address").is_none())
        else {
            return;
        };
        let written = server.configuration.text(Scope::Global, Parameter::Address).value;
        let written = str::from_utf8(written)
            .ok()
            .and_then(|text| text.trim().parse::<IpAddr>().ok());
        let Some(written) = written.filter(|written| !self.addresses.contains(written)) else {
            return;
        };
        let shown: Vec<_> = self.addresses.iter().map(IpAddr::to_string).collect();
        let file = self.subject.file.display().to_string();
        let arguments = vec![
            ("file", file),
            ("address", written.to_string()),
            ("addresses", shown.join(", ")),
            ("restart", restart(daemon)),
        ];
        self.cause("RSY737", arguments, Vec::new(), report);
        stage.fail();
    }

    /// The families of which clients of elsewhere can come.
    fn families(&self) -> impl Iterator<Item = Family> {
        let is_of = |family| {
            self.addresses.iter().any(|address| match address {
                _ if address.is_loopback() => false,
                // A socket of systemd's or xinetd's for both families is one of IPv6; rsync itself has one for each.
                IpAddr::V6(address) if address.is_unspecified() && self.subject.daemon.is_none() => true,
                address => Family::of(*address) == family,
            })
        };
        [Family::V4, Family::V6]
            .into_iter()
            .filter(move |family| is_of(*family))
    }

    /// Nobody listens where that client can come to.
    fn unheard(&self, who: String, stage: &mut Stage, report: &mut Report) {
        report.causes.push(self.unheard_cause(who));
        stage.fail();
    }

    fn unheard_cause(&self, who: String) -> Cause {
        let shown: Vec<_> = self.addresses.iter().map(IpAddr::to_string).collect();
        let arguments = vec![
            ("addresses", shown.join(", ")),
            ("port", self.port.to_string()),
            ("client", who),
        ];
        self.found("RSY792", arguments, Vec::new())
    }

    fn cause(
        &self,
        rule: &str,
        arguments: Vec<(&'static str, String)>,
        facts: Vec<String>,
        report: &mut Report,
    ) {
        report.causes.push(self.found(rule, arguments, facts));
    }

    fn found(&self, rule: &str, arguments: Vec<(&'static str, String)>, facts: Vec<String>) -> Cause {
        Cause::of_rule(rule, Check::Reach, &self.subject.file, arguments, facts)
    }

    /// What modules have in `hosts allow` of other machines; nothing where a proxy of this machine tells whose connection it
    /// hands on.
    fn admitted_from_elsewhere(&self) -> Vec<IpNet> {
        let known = self
            .subject
            .known
            .as_ref()
            .and_then(|known| known.server.as_ref());
        match known.map(|server| &server.configuration) {
            Some(configuration) if !configuration.is(Scope::Global, Parameter::ProxyProtocol) => {
                client::networks_of_elsewhere(configuration)
            }
            _ => Vec::new(),
        }
    }

    /// What is wrong with the files by which xinetd or systemd starts rsync, if one does.
    fn starter(&self, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
        let release = setup.release.unwrap_or(Release::CURRENT);
        let options = Options::of_release(release, setup.now.date());
        let file = &self.subject.file;
        let Linted { found, own } = match () {
            () if starters::is_of_xinetd(self.port) => Linted::of_xinetd(self.host, file, &options),
            () if starters::is_of_systemd(self.port) => {
                Linted::of_systemd(self.host, self.port, file, &options)
            }
            () => return,
        };
        let xinetd = process_of(XINETD).filter(|_| starters::is_of_xinetd(self.port));
        for index in own {
            let finding = &found.findings[index];
            if finding.severity == Severity::Error {
                stage.fail();
            } else {
                stage.warn();
            }
            let mut cause = Cause::of_finding(&found, index);
            cause.seen = [Check::Reach].into();
            let place = found.sources.place(finding.labels[0].span);
            // rsync reads its own file for each connection; xinetd does not.
            if let (Some((file, line)), Some(xinetd)) = (place.rsplit_once(':'), &xinetd) {
                let edit = format!("vi +{line} {}", shell_words::quote(file));
                cause = cause.typing(vec![edit, reload(self.host, xinetd)]);
            }
            report.causes.push(cause);
        }
    }

    /// Whether systemd keeps the network from the daemon.
    fn unit(&self, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
        let daemon = self.subject.daemon.as_ref();
        let Some(unit) = daemon.and_then(|daemon| daemon.unit.as_deref()) else {
            return;
        };
        let release = setup.release.unwrap_or(Release::CURRENT);
        let options = Options::of_release(release, setup.now.date());
        if let Some((found, index)) = unit::denied(self.host, unit, &options) {
            let mut cause = Cause::of_finding(&found, index);
            cause.seen = [Check::Reach].into();
            report.causes.push(cause);
            stage.fail();
        }
    }

    /// What the rules of this machine do with connections.
    fn firewall(&self, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
        let rules = Rules::of(self.host);
        let mut reasons: Vec<_> = rules.failed.iter().map(|(_, reason)| reason).collect();
        reasons.dedup();
        for reason in reasons {
            let programs = rules.failed.iter().filter(|(_, other)| other == reason);
            let programs: Vec<_> = programs.map(|(program, _)| *program).collect();
            stage.note(Fact::Unseen(programs.join(", "), reason.clone()));
            stage.warn();
        }
        if rules.are_unknown() {
            let reason = match rules.failed.first() {
                Some((_, reason)) => reason.clone(),
                None => {
                    let reason = Unknown::Failed("neither nft nor iptables-save is installed".to_owned());
                    stage.note(Fact::Unseen("firewall".to_owned(), reason.clone()));
                    stage.warn();
                    reason
                }
            };
            report.not_seen("the rules of the firewall", reason);
            return;
        }
        if let Some(from) = self.from.filter(IpAddr::is_loopback) {
            let judged = rules.judge(&Packet::of_this_machine(from, self.port));
            self.judged(
                Family::of(from),
                Some(from),
                judged,
                Some("itself"),
                stage,
                report,
            );
            return;
        }
        let interfaces = own::interfaces(self.host);
        let families = self.families().filter(|family| match self.from {
            Some(from) => Family::of(from) == *family,
            None => *family == Family::V4 || own::has_global_address(self.host),
        });
        for family in families {
            self.answers(family, &interfaces, &rules, stage, report);
            let mut packet = Packet {
                direction: Direction::In,
                family,
                port: self.port,
                source: self.from,
                destination: self.one_address(family),
                interfaces: interfaces.clone(),
            };
            let judged = rules.judge(&packet);
            let is_for_some = matches!(
                judged.verdict,
                Verdict::SomeAccepted(..) | Verdict::SomeStopped(_)
            );
            let own = rules.judge(&Packet::of_this_machine(own::loopback(family), self.port));
            let is_for_all = matches!(own.verdict, Verdict::Dropped(_) | Verdict::Rejected(_));
            let kind = is_for_all.then_some("everybody");
            let others = setup.symptom.as_deref().filter(|_| self.from.is_none());
            let others = others.and_then(|text| self.stops_others(family, text, &judged.verdict));
            self.judged(family, self.from, judged, kind, stage, report);
            if let Some(cause) = others {
                report.causes.push(cause);
                stage.fail();
            }
            if self.from.is_some() || !is_for_some {
                continue;
            }
            // A machine that modules admit by its own address is meant to get through.
            for client in self.single_addresses(family) {
                packet.source = Some(client);
                let judged = rules.judge(&packet);
                if matches!(judged.verdict, Verdict::Dropped(_) | Verdict::Rejected(_)) {
                    stage.note(Fact::Reach(ReachFact::Stopped(client)));
                    self.judged(family, Some(client), judged, kind, stage, report);
                }
            }
        }
    }

    /// The machines of a family that modules admit by their own addresses.
    fn single_addresses(&self, family: Family) -> Vec<IpAddr> {
        let networks = self.admitted_from_elsewhere().into_iter();
        let single = networks.filter(|network| network.prefix_len() == network.max_prefix_len());
        let addresses = single.map(|network| network.addr());
        addresses
            .filter(|address| Family::of(*address) == family)
            .take(MOST_CLIENTS)
            .collect()
    }

    /// The address that packets of a family come to, if there is only one.
    fn one_address(&self, family: Family) -> Option<IpAddr> {
        let mut own = self
            .addresses
            .iter()
            .filter(|address| Family::of(**address) == family);
        let one = own.next().filter(|address| !address.is_unspecified());
        one.copied().filter(|_| own.next().is_none())
    }

    fn judged(
        &self,
        family: Family,
        from: Option<IpAddr>,
        judged: rules::Judged,
        kind: Option<&'static str>,
        stage: &mut Stage,
        report: &mut Report,
    ) {
        let manager = judged.manager;
        let stopped = match &judged.verdict {
            Verdict::Dropped(decider) => Some(("RSY790", decider)),
            Verdict::Rejected(decider) => Some(("RSY791", decider)),
            // What is let in to some may be meant so; who names a client asks for this one.
            Verdict::NotKnown(decider) => {
                let subject = format!(
                    "whether the firewall lets {} in to port {}",
                    family.name(),
                    self.port
                );
                let reason = format!("it depends on the rule `{}` of {}", decider.rule, decider.place);
                report.not_seen(subject, Unknown::Failed(reason));
                stage.warn();
                None
            }
            Verdict::SomeAccepted(..) | Verdict::SomeStopped(_) if from.is_some() => {
                stage.warn();
                None
            }
            Verdict::Accepted(_) | Verdict::SomeAccepted(..) | Verdict::SomeStopped(_) => None,
        };
        if let Some((rule, decider)) = stopped {
            let keeps = manager.keeps(self.host, self.port);
            let is_kept = keeps == Some(true);
            if is_kept {
                stage.note(Fact::Reach(ReachFact::Kept(manager, true)));
            }
            let mut command = manager.command(self.port, decider, is_kept);
            if let (Some(from), false) = (from, is_kept) {
                command = manager.command_for(from, self.port, decider);
            }
            let arguments = vec![
                ("port", self.port.to_string()),
                ("family", family.name().to_owned()),
                ("open", command),
            ];
            let fact = format!("{}: {}", decider.place, decider.rule);
            let cause = self.found(rule, arguments, vec![fact]);
            report.causes.push(match kind {
                Some(kind) => cause.of_kind(kind),
                None => cause,
            });
            stage.fail();
        } else if matches!(judged.verdict, Verdict::Accepted(Some(_)))
            && manager.keeps(self.host, self.port) == Some(false)
            && from.is_none()
        {
            stage.note(Fact::Reach(ReachFact::Kept(manager, false)));
            stage.warn();
        }
        if let Some(from) = from {
            self.limited(family, from, &judged, report);
        }
        stage.note(Fact::Reach(ReachFact::Firewall(family, judged.verdict)));
    }

    /// A rule that lets a client in so many times and no more, which a job of rsync's may exceed.
    fn limited(&self, family: Family, from: IpAddr, judged: &rules::Judged, report: &mut Report) {
        let (deciders, stopping) = match &judged.verdict {
            Verdict::SomeStopped(deciders) => (deciders, None),
            Verdict::SomeAccepted(deciders, last) => (deciders, Some(last)),
            _ => return,
        };
        let is_tight = |decider: &&Decider| Limit::of(&decider.rule).is_some_and(Limit::is_tight);
        let Some(limiting) = deciders.iter().find(is_tight) else {
            return;
        };
        let rule = match is_rejecting(stopping.unwrap_or(limiting)) {
            true => "RSY791",
            false => "RSY790",
        };
        let arguments = vec![
            ("port", self.port.to_string()),
            ("family", family.name().to_owned()),
            ("client", from.to_string()),
            ("limit", limiting.rule.clone()),
            ("open", judged.manager.command_for(from, self.port, limiting)),
        ];
        let fact = format!("{}: {}", limiting.place, limiting.rule);
        let cause = self.found(rule, arguments, vec![fact]).of_kind("limited");
        // Whether that client has exceeded it, the rules do not tell.
        report.causes.push(cause.at(Urgency::Later));
    }
}
