//! What a client of this machine meets in each module, without a password, beside what the configuration says.

mod short;
mod visits;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

pub use short::DEPTH;
pub use visits::AT_ONCE;

use crate::{
    doctor::{
        Cause, Check, Fact, Outcome, Report, Setup, Skip, Stage, State, Subject, Untried, Urgency,
        daemon::{option, skip_without_configuration},
        hooks,
        reach::{client::is_kept_out, own::is_kept_out_itself},
        unreloaded,
    },
    explain::Explanation,
    host::{Unknown, listening_on},
    model::{
        Configuration, Parameter, Scope,
        access::{Peer, Rights, has_rules, hosts, shut},
    },
    probe::{self, Step, Target, tryout::End},
};

/// What a configuration runs for each connection.
const HOOKS: [Parameter; 4] = [
    Parameter::EarlyExec,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
    Parameter::NameConverter,
];
/// What the names of variables begin with that tell of the client.
const VARIABLES: &[u8] = b"%RSYNC_HOST_";
/// Causes of daemons that root does not run.
const OF_OTHERS: [&str; 3] = ["RSY409", "RSY411", "RSY718"];
/// Lines of a failure that are shown.
const LINES: usize = 2;

pub(super) fn look(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(known) = skip_without_configuration(subject, stage) else {
        return;
    };
    let Some(server) = &known.server else {
        return;
    };
    let waiting = hooks::look(subject, setup);
    if !waiting.is_empty() {
        stage.fail();
    }
    report.causes.extend(waiting);
    if subject
        .daemon
        .as_ref()
        .is_some_and(|daemon| daemon.has_own_network)
    {
        stage.skip(Skip::OtherNetwork);
        return;
    }
    let Some(port) = subject.port else {
        stage.skip(subject.without_port());
        return;
    };
    let configuration = &server.configuration;
    let client = Client {
        configuration,
        address: address(subject, configuration),
        port,
        is_of_root: subject
            .daemon
            .as_ref()
            .is_some_and(|daemon| daemon.uid == Some(0)),
    };
    let mut modules: Vec<_> = configuration.module_scopes().collect();
    if !setup.modules.is_empty() {
        modules.retain(|(_, module)| setup.modules.contains(&module.name.display().into_owned()));
    }
    if modules.is_empty() {
        stage.skip(Skip::NoModule);
        return;
    }
    let own = client.address.parse::<IpAddr>().ok();
    if own.is_some_and(|own| is_kept_out(setup.host, port, own)) {
        // Lists that are for others say nothing of the modules.
        for (_, module) in modules {
            let name = module.name.display().into_owned();
            stage.note(Fact::Module(name, Outcome::Refuses(End::NoEntry)));
        }
        return;
    }
    let until = Instant::now() + visits::LIMIT;
    let setting_of = |from| {
        let mut setting = (setup.setting)(known.clone(), from);
        if let Some(setting) = Arc::get_mut(&mut setting) {
            setting.choice.until = Some(until);
        }
        setting
    };
    let setting = setting_of(None);
    let marked = is_ours(MARK).then(|| setting_of(Some(MARK.into())));
    let most = visits::at_once(subject, configuration, &modules);
    let planned: Vec<_> = modules
        .iter()
        .map(|(scope, module)| {
            if let Some(why) = client.untried(*scope, module.name.bytes()) {
                return Err(why);
            }
            let target = client.target(&module.name.display());
            let marked = marked.as_ref().filter(|_| client.may_be_marked(*scope));
            let chosen = marked.unwrap_or(&setting).clone();
            let target = Target::parse(&target).map_err(|_| Untried::NoProbe)?;
            Ok((target, chosen))
        })
        .collect();
    let Some(visited) = setup
        .runtime
        .block_on(visits::visited(planned, most, &setting.connections))
    else {
        // The user wants no more, and that is no fault of the modules'.
        return;
    };
    let is_kept_out = visited.iter().flatten().any(|probed| is_unconnected(probed))
        && own.is_some_and(|own| is_kept_out_itself(setup.host, own, MARK.into(), port));
    for ((scope, module), visit) in modules.into_iter().zip(visited) {
        let name = module.name.display().into_owned();
        let outcome = match visit {
            Ok(probed) if is_kept_out && is_unconnected(&probed) => Outcome::NotTried(Untried::Firewall),
            Err(Untried::NoAnswer) if is_kept_out => Outcome::NotTried(Untried::Firewall),
            // What an end of ours was like says nothing of the module.
            Ok(probed) if probed.exit != 0 && Instant::now() >= until => {
                let reason = Unknown::Failed(endless());
                report.not_seen(format!("[{name}]"), reason);
                Outcome::Fails(vec![endless()])
            }
            Ok(probed) => {
                let visited = short::Visited {
                    subject,
                    configuration,
                    sources: &server.sources,
                    scope,
                    module,
                };
                let short = visited.short(&probed);
                match (client.judge(scope, *probed, report), short) {
                    (Outcome::Works, Some((cause, line))) => {
                        report.causes.push(cause);
                        Outcome::Fails(vec![line])
                    }
                    (outcome, _) => outcome,
                }
            }
            Err(why) => Outcome::NotTried(why),
        };
        match &outcome {
            Outcome::Fails(_) | Outcome::Differs { .. } => stage.fail(),
            Outcome::NotTried(why) => {
                stage.warn();
                // Whoever names a module wants it tried.
                if !setup.modules.is_empty()
                    || matches!(why, Untried::NoProbe | Untried::NoTime | Untried::NoAnswer)
                {
                    let reason = Unknown::Failed("it is not tried".to_owned());
                    report.not_seen(format!("[{name}]"), reason);
                }
            }
            Outcome::Works | Outcome::AsksPassword | Outcome::Refuses(_) => {}
        }
        stage.note(Fact::Module(name, outcome));
    }
    if stage.state == State::Failed {
        unreloaded::look(subject, setup, report);
    }
}

/// Whether nobody took the connection of a visit.
fn is_unconnected(probed: &probe::Report) -> bool {
    probed.failed().is_some_and(|stage| stage.step == Step::Connect)
}

/// What is said of a daemon whose words have no end.
fn endless() -> String {
    format!(
        "no end came within {} seconds, and the doctor waits no longer",
        visits::LIMIT.as_secs()
    )
}

/// The address that the doctor comes from, where that makes no difference to the daemon: so what it leaves in the log can be
/// told from what other clients of this machine do. It is `RSY` in bytes.
pub(super) const MARK: Ipv4Addr = Ipv4Addr::new(127, 0x52, 0x53, 0x59);

/// The path by which the doctor asks for the whole of a module. The daemon logs it as it was asked for, and other clients write
/// it otherwise. Slashes alone are what clients ask for too: a pattern of the module such as `.*` hides `./` (observed with rsync
/// 3.5.0 and a jail).
pub(super) const PATH: &str = "///";

/// Whether connections can come from an address: it is one of this machine.
pub(super) fn is_ours(address: impl Into<IpAddr>) -> bool {
    UdpSocket::bind((address.into(), 0)).is_ok()
}

/// Whether every module that the doctor tries asks for a password.
pub(super) fn are_all_asked(subject: &Subject, configuration: &Configuration) -> bool {
    all_tried(subject, configuration, |_, scope| has_rules(configuration, scope))
}

/// Whether all visits of the doctor's to that daemon come from its own address.
pub(super) fn are_marked(subject: &Subject, configuration: &Configuration) -> bool {
    is_ours(MARK)
        && all_tried(subject, configuration, |client, scope| {
            client.may_be_marked(scope)
        })
}

/// Whether something holds of every module that the doctor tries.
fn all_tried(
    subject: &Subject,
    configuration: &Configuration,
    holds: impl Fn(&Client<'_>, Scope) -> bool,
) -> bool {
    let client = Client {
        configuration,
        address: address(subject, configuration),
        port: 0,
        is_of_root: false,
    };
    let mut tried = configuration
        .module_scopes()
        .filter(|(scope, module)| client.untried(*scope, module.name.bytes()).is_none());
    tried.all(|(scope, _)| holds(&client, scope))
}

/// The address that the daemon listens on, for clients of this machine.
pub(super) fn address(subject: &Subject, configuration: &Configuration) -> String {
    let daemon = subject.daemon.as_ref();
    let named = daemon.and_then(|daemon| option(&daemon.words, "--address"));
    let written = configuration.text(Scope::Global, Parameter::Address).value;
    let written = String::from_utf8_lossy(written).into_owned();
    let named = named.or_else(|| (!written.is_empty()).then_some(written));
    // A daemon with `--ipv6` takes no others, whatever its configuration says.
    let is_of_ipv6 = || {
        let listens = subject.port.map(listening_on).unwrap_or_default();
        !listens.is_empty() && listens.iter().all(IpAddr::is_ipv6)
    };
    match named.as_deref() {
        None if is_of_ipv6() => Ipv6Addr::LOCALHOST.to_string(),
        None | Some("0.0.0.0" | "*") => Ipv4Addr::LOCALHOST.to_string(),
        Some("::") => Ipv6Addr::LOCALHOST.to_string(),
        Some(named) => named.to_owned(),
    }
}

/// A client of this machine.
struct Client<'c> {
    configuration: &'c Configuration,
    address: String,
    port: u16,
    /// Whether root runs the daemon.
    is_of_root: bool,
}

impl Client<'_> {
    fn target(&self, module: &str) -> String {
        let Self { address, port, .. } = self;
        match address.contains(':') {
            true => format!("rsync://[{address}]:{port}/{module}{PATH}"),
            false => format!("rsync://{address}:{port}/{module}{PATH}"),
        }
    }

    /// Why a module is better left alone.
    fn untried(&self, scope: Scope, name: &[u8]) -> Option<Untried> {
        let is_set = |parameter: &Parameter| !self.configuration.text(scope, *parameter).value.is_empty();
        let is_plain =
            str::from_utf8(name).is_ok_and(|name| !name.contains(|c: char| c.is_control() || c == '/'));
        if !is_plain || name.starts_with(b"#") {
            Some(Untried::Name)
        } else if self.configuration.is(Scope::Global, Parameter::ProxyProtocol) {
            Some(Untried::Proxy)
        } else if HOOKS.iter().any(is_set) {
            // They may do anything, and the doctor changes nothing.
            Some(Untried::Hooks)
        } else {
            None
        }
    }

    /// Whether a module treats a client of the doctor's own address as any other one of this machine.
    fn may_be_marked(&self, scope: Scope) -> bool {
        let configuration = self.configuration;
        let allowed = |from: Ipv4Addr| hosts(configuration, scope, &Peer::new(from.into(), None)).allowed;
        // The address is in these variables.
        let names_client = |parameter: Parameter| {
            let text = configuration.text(scope, parameter).value;
            text.windows(VARIABLES.len()).any(|part| part == VARIABLES)
        };
        let usual = allowed(Ipv4Addr::LOCALHOST);
        // The daemon would ask the name service for the name of an address that has none, and may wait for seconds.
        let looks_up = [Scope::Global, scope]
            .into_iter()
            .any(|scope| configuration.is(scope, Parameter::ReverseLookup));
        self.address == Ipv4Addr::LOCALHOST.to_string()
            && !looks_up
            && usual.is_some()
            && usual == allowed(MARK)
            && ![Parameter::Path, Parameter::LogFile]
                .into_iter()
                .any(names_client)
    }

    /// How a client ends that has no password, by the configuration; none if that depends on what it does not tell.
    fn expected(&self, scope: Scope) -> Option<End> {
        let configuration = self.configuration;
        if !configuration.is_settled(scope) {
            return None;
        }
        // Who connects to an address of this machine comes from there.
        let from: IpAddr = self.address.parse().ok()?;
        match hosts(configuration, scope, &Peer::new(from, None)).allowed? {
            false => Some(End::NoEntry),
            true if shut(configuration, scope).is_some() => Some(End::Shut),
            true if has_rules(configuration, scope) => Some(End::NoLogin),
            true if !Rights::of(configuration, scope).read => Some(End::NoReading),
            true => Some(End::Works),
        }
    }

    /// What came of a module, beside what was to be expected.
    fn judge(&self, scope: Scope, mut probed: probe::Report, report: &mut Report) -> Outcome {
        let expected = self.expected(scope);
        let failed = probed.failed().filter(|stage| stage.step != Step::Modules);
        let is_asked = failed.is_some_and(|stage| stage.step == Step::Authentication);
        let end = if is_asked { End::NoLogin } else { End::of(&probed) };
        match (expected, end) {
            (Some(End::Works) | None, End::Works) => return Outcome::Works,
            (Some(End::NoLogin) | None, End::NoLogin) => return Outcome::AsksPassword,
            (Some(expected), end) if expected == end && end != End::Fails => return Outcome::Refuses(end),
            (None, End::NoEntry | End::NoReading) => return Outcome::Refuses(end),
            _ => {}
        }
        let lines = failed.iter().flat_map(|stage| &stage.facts);
        let said: Vec<_> = lines
            .filter_map(|fact| match fact {
                probe::Fact::Said(line) => Some(line.clone()),
                _ => None,
            })
            .take(LINES)
            .collect();
        let mut explanation = probed.explanation.take();
        for incident in explanation.iter_mut().flat_map(|found| &mut found.incidents) {
            let is_other = |rule| {
                self.is_of_root
                    && self
                        .configuration
                        .text(Scope::Global, Parameter::DaemonUid)
                        .value
                        .is_empty()
                    && OF_OTHERS.contains(&rule)
            };
            incident.causes.retain(|cause| !is_other(cause.page.id));
        }
        let is_explained = |found: &Explanation| {
            let mut incidents = found.incidents.iter();
            incidents.any(|incident| !incident.causes.is_empty())
        };
        if let Some(found) = explanation.filter(is_explained) {
            let causes = Cause::of_text(&Rc::new(found), Check::Loopback, Urgency::Now);
            // One session fails for one reason; what follows is told by the same lines.
            report.causes.extend(causes.into_iter().take(1));
            return Outcome::Fails(said);
        }
        match expected {
            Some(expected) if end != End::Fails => Outcome::Differs { expected, end },
            _ => Outcome::Fails(said),
        }
    }
}
