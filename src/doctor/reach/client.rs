//! What a client meets once its packets come in: xinetd's lists if xinetd listens, then each module's.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{
    doctor::{
        Fact, Report, Setup, Stage,
        reach::{Admission, ReachFact, Way, wrappers},
    },
    host::{Listener, Unknown},
    model::{
        Configuration, Parameter, Scope,
        access::{Peer, Which, has_rules, hosts, is_host_separator, shut},
    },
    terms::Sources,
};

pub(super) fn look(way: &Way<'_>, from: IpAddr, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    if is_of_xinetd(way.port) && !wrapped(way, from, stage, report) {
        return;
    }
    let known = way.subject.known.as_ref().and_then(|known| known.server.as_ref());
    let Some(server) = known else {
        return;
    };
    let mut refused = None;
    let mut is_admitted = false;
    for (scope, module) in server.configuration.module_scopes() {
        let name = module.name.display().into_owned();
        if !setup.modules.is_empty() && !setup.modules.contains(&name) {
            continue;
        }
        let (admission, line) = admission(&server.configuration, &server.sources, scope, from);
        match admission {
            Admission::Refused => {
                refused.get_or_insert_with(|| (name.clone(), line.clone()));
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
    if let Some((module, line)) = refused
        && (!is_admitted || !setup.modules.is_empty())
    {
        let arguments = vec![("module", module), ("address", from.to_string())];
        way.cause("RSY822", arguments, line.into_iter().collect(), report);
        stage.fail();
    }
}

pub(super) fn is_of_xinetd(port: u16) -> bool {
    matches!(Listener::on(port), Listener::Other { program, .. } if program == "xinetd")
}

/// Whether xinetd lets the client through to rsync, or nobody can tell.
fn wrapped(way: &Way<'_>, from: IpAddr, stage: &mut Stage, report: &mut Report) -> bool {
    let said = [
        wrappers::by_xinetd(way.host, from),
        wrappers::by_tcp_wrappers(way.host, from),
    ];
    for (says, line) in said.into_iter().flatten() {
        match says {
            Some(true) => stage.note(Fact::Reach(ReachFact::Wrapped(true, line))),
            Some(false) => {
                stage.note(Fact::Reach(ReachFact::Wrapped(false, line.clone())));
                let (file, line) = line.split_once(": ").unwrap_or_default();
                let arguments = vec![
                    ("client", from.to_string()),
                    ("file", file.to_owned()),
                    ("line", line.to_owned()),
                ];
                way.cause("RSY793", arguments, vec![format!("{file}: {line}")], report);
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

/// What a client meets in a module, and the line that decides.
fn admission(
    configuration: &Configuration,
    sources: &Sources,
    scope: Scope,
    from: IpAddr,
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
    let verdict = hosts(configuration, scope, &Peer::new(from, None));
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
