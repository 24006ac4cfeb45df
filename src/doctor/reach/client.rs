//! What a client meets once its packets come in: xinetd's lists if xinetd listens, then each module's.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use crate::{
    doctor::{
        Cause, Check, Fact, Report, Setup, Stage, Told, Urgency,
        reach::{Admission, ReachFact, Way, meant::is_meant, names::Resolver, starters, wrappers},
    },
    host::{Host, Unknown},
    model::{
        Configuration, Parameter, Scope,
        access::{Lookups, Peer, Which, has_rules, hosts, hosts_resolved, is_host_separator, shut},
    },
    terms::{Sources, Span},
};

pub(super) fn look(way: &Way<'_>, from: IpAddr, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    if starters::is_of_xinetd(way.port) && !wrapped(way, from, stage, report) {
        return;
    }
    let known = way.subject.known.as_ref().and_then(|known| known.server.as_ref());
    let Some(server) = known else {
        return;
    };
    let mut resolver = Resolver::new(way.subject, way.host);
    let mut refused = None;
    let mut is_admitted = false;
    for (scope, module) in server.configuration.module_scopes() {
        let name = module.name.display().into_owned();
        if !setup.modules.is_empty() && !setup.modules.contains(&name) {
            continue;
        }
        let (admission, line) = admission(&server.configuration, &server.sources, scope, from, &mut resolver);
        match admission {
            Admission::Refused => {
                refused.get_or_insert_with(|| (scope, name.clone(), line.clone()));
                if !setup.modules.is_empty() {
                    stage.fail();
                }
            }
            Admission::Open => {
                let subject = format!("whether [{name}] admits {from}");
                let reason = "it depends on the name service, or on what could not be read".to_owned();
                report.not_seen(subject, Unknown::Failed(reason));
                stage.warn();
                is_admitted = true;
            }
            Admission::Admitted | Admission::WithPassword => is_admitted = true,
        }
        stage.note(Fact::Reach(ReachFact::Meets(name, admission, line)));
    }
    // That some modules are for others is no fault, unless one of them is asked for.
    if let Some((scope, module, line)) = refused
        && (!is_admitted || !setup.modules.is_empty())
    {
        let allowed = server.configuration.text(scope, Parameter::HostsAllow);
        let list = allowed.origin.setting().map(|setting| setting.value_span());
        let list = list.map(|span| (server.sources.get(span.source).name(), span));
        if !list.is_some_and(|list| misread(list, &module, from, report)) {
            let arguments = vec![("module", module), ("address", from.to_string())];
            way.cause("RSY822", arguments, line.into_iter().collect(), report);
        }
        stage.fail();
    }
}

/// Whether a word of a module's `hosts allow` was meant for the client, and a finding tells why it does not admit it: that is
/// the cause then. Findings of words that were meant for others are not.
fn misread((file, list): (&str, Span), module: &str, from: IpAddr, report: &mut Report) -> bool {
    let mut words: Vec<(&mut Cause, bool)> = Vec::new();
    for cause in &mut report.causes {
        let Told::Finding(found, index) = &cause.told else {
            continue;
        };
        let finding = &found.findings[*index];
        let span = finding.labels[0].span;
        let is_in_list =
            found.sources.get(span.source).name() == file && (list.start..list.end).contains(&span.start);
        if !is_in_list {
            continue;
        }
        let written = found.sources.text(span);
        let told = finding.arguments.iter().find(|(name, _)| *name == "word");
        let word = told.map_or(written, |(_, word)| word.clone());
        if let Some(is_meant) = is_meant(&word, from) {
            words.push((cause, is_meant));
        }
    }
    let is_told = words.iter().any(|(_, is_meant)| *is_meant);
    for (cause, is_meant) in words {
        if is_meant {
            cause.urgency = Urgency::Now;
            cause.also.push(format!("[{module}] refuses {from}"));
            cause.seen.insert(Check::Reach);
        } else {
            cause.urgency = Urgency::Later;
        }
    }
    is_told
}

/// Whether xinetd lets the client through to rsync, or nobody can tell.
fn wrapped(way: &Way<'_>, from: IpAddr, stage: &mut Stage, report: &mut Report) -> bool {
    for (says, line) in said(way.host, from) {
        match says {
            Some(true) => stage.note(Fact::Reach(ReachFact::Wrapped(true, line))),
            Some(false) => {
                let cause = kept_out(way, from.to_string(), &line);
                report.causes.push(cause);
                stage.note(Fact::Reach(ReachFact::Wrapped(false, line)));
                stage.fail();
                return false;
            }
            None => {
                let reason = "it has names, which nobody looks up here".to_owned();
                stage.note(Fact::Unseen(line.clone(), Unknown::Failed(reason.clone())));
                report.not_seen(line, Unknown::Failed(reason));
                stage.warn();
            }
        }
    }
    true
}

/// What xinetd's own lists say of a client, and those of TCP wrappers.
fn said(host: &dyn Host, from: IpAddr) -> impl Iterator<Item = wrappers::Said> {
    let lists = [
        wrappers::by_xinetd(host, from),
        wrappers::by_tcp_wrappers(host, from.into()),
    ];
    lists.into_iter().flatten()
}

/// Whether xinetd listens at a port, and keeps a client out.
pub(in crate::doctor) fn is_kept_out(host: &dyn Host, port: u16, from: IpAddr) -> bool {
    starters::is_of_xinetd(port) && said(host, from).any(|(says, _)| says == Some(false))
}

fn kept_out(way: &Way<'_>, client: String, line: &str) -> Cause {
    let (file, line) = line.split_once(": ").unwrap_or_default();
    let arguments = vec![
        ("client", client),
        ("file", file.to_owned()),
        ("line", line.to_owned()),
    ];
    way.found("RSY793", arguments, vec![format!("{file}: {line}")])
}

/// Everybody of IPv4.
const EVERYBODY: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0);

/// Where no client is named: whether the lists of TCP wrappers keep out everybody whom modules admit by addresses, or
/// everybody at all. xinetd's own lists are judged beside those of modules with its file.
pub(super) fn look_at_lists(way: &Way<'_>, stage: &mut Stage, report: &mut Report) {
    if !starters::is_of_xinetd(way.port) {
        return;
    }
    let admitted = way.admitted_from_elsewhere();
    let asked = if admitted.is_empty() {
        vec![EVERYBODY.into()]
    } else {
        admitted
    };
    let mut refusing = asked.iter().map(|network| {
        let (says, line) = wrappers::by_tcp_wrappers(way.host, *network)?;
        (says == Some(false)).then_some((network, line))
    });
    let Some((network, line)) = refusing.next().flatten() else {
        return;
    };
    if refusing.any(|refused| refused.is_none()) {
        return;
    }
    let cause = kept_out(way, super::plain(network), &line);
    report.causes.push(match network.prefix_len() {
        0 => cause.of_kind("everybody"),
        _ => cause,
    });
    stage.note(Fact::Reach(ReachFact::Wrapped(false, line)));
    stage.fail();
}

/// What a client meets in a module, and the line that decides.
fn admission(
    configuration: &Configuration,
    sources: &Sources,
    scope: Scope,
    from: IpAddr,
    resolver: &mut Resolver<'_>,
) -> (Admission, Option<String>) {
    if configuration.serves() == Some(false) {
        return (Admission::Refused, None);
    }
    if !configuration.is_settled(scope) {
        return (Admission::Open, None);
    }
    let line = |setting: &crate::model::Setting, text: String| {
        format!(
            "{}: {} {text}",
            sources.place(setting.span()),
            setting.parameter.name()
        )
    };
    if let Some(setting) = shut(configuration, scope) {
        return (
            Admission::Refused,
            Some(line(setting, format!("= {}", setting.text.display()))),
        );
    }
    let mut verdict = hosts(configuration, scope, &Peer::new(from, None));
    if verdict.allowed.is_none() {
        let is_looked_up = Lookups::of(configuration, scope).reverse;
        let name = is_looked_up
            .then(|| resolver.name_of(from.to_canonical()))
            .flatten();
        let peer = Peer::new(from, name);
        verdict = hosts_resolved(configuration, scope, &peer, &mut |name| {
            resolver.addresses_of(name)
        });
    }
    let deciding = verdict.deciding.map(|index| &verdict.steps[index]);
    let decided = match deciding {
        Some(step) => Some(line(step.setting, format!("`{}`", step.token.display()))),
        None => verdict
            .steps
            .iter()
            .rfind(|step| step.list == Which::Allow)
            .map(|step| line(step.setting, format!("= {}", step.setting.text.display()))),
    };
    let admission = match verdict.allowed {
        None => Admission::Open,
        Some(false) => Admission::Refused,
        Some(true) if has_rules(configuration, scope) => Admission::WithPassword,
        Some(true) => Admission::Admitted,
    };
    (admission, decided)
}

/// The addresses and networks of other machines that modules have in `hosts allow`.
pub(super) fn networks_of_elsewhere(configuration: &Configuration) -> Vec<IpNet> {
    let words = configuration.module_scopes().flat_map(|(scope, _)| {
        let list = configuration.text(scope, Parameter::HostsAllow);
        let setting = list.origin.setting();
        setting.into_iter().flat_map(|setting| {
            let words = setting.text.tokens(is_host_separator);
            words.map(|word| word.display().into_owned()).collect::<Vec<_>>()
        })
    });
    let networks = words.filter_map(|word| {
        let network = word.parse::<IpNet>().ok();
        network.or_else(|| word.parse::<IpAddr>().ok().map(IpNet::from))
    });
    let mut found: Vec<_> = networks
        .filter(|network| network.prefix_len() > 0 && !network.network().is_loopback())
        .collect();
    found.sort();
    found.dedup();
    found
}
