//! A sersync file and the daemon that it pushes to, where both are given.

use std::net::IpAddr;

use crate::{
    lint::{
        checks::{Check, sersync::params::options},
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::{
        Configuration, Parameter, Resolved, Scope,
        access::{self, Right, UsersVerdict},
        sersync::{Remote, Setting},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY950", unknown_module),
    Check::sersync("RSY951", module_read_only),
    Check::sersync("RSY952", user_not_admitted),
    Check::sersync("RSY953", auth_disagrees),
    Check::sersync("RSY955", too_few_connections),
];

/// As many rsyncs as sersync runs at once for one target, unless its option `-n` says otherwise.
const WORKERS: i32 = 10;

/// RSY950: a name that no given daemon knows. Where another target's host is one of the given daemons, an unknown
/// name may well be a further host's; then only a near miss is reported.
fn unknown_module(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if subject.daemons.is_empty() {
        return;
    }
    let targets = targets(subject);
    for target in targets.iter().filter(|target| target.candidates.is_empty()) {
        let case = Case::at(target.span).with("module", String::from_utf8_lossy(target.module));
        let like = subject
            .daemons
            .iter()
            .find_map(|daemon| Some(&daemon.modules[daemon.module_like(target.module)?]));
        if let Some(like) = like {
            out.report(
                case.variant("spelling")
                    .also(like.header(), "module")
                    .with("like", like.name.display()),
            );
            continue;
        }
        let is_explained = targets
            .iter()
            .any(|other| other.host != target.host && !other.candidates.is_empty());
        if !is_explained {
            let daemons = subject.daemons.iter();
            let names: Vec<_> = daemons
                .map(|daemon| subject.sources.get(daemon.root).name())
                .collect();
            out.report(case.with("daemon", names.join("`, `")));
        }
    }
}

/// RSY951: a daemon that takes nothing in.
fn module_read_only(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for target in targets(subject) {
        let refused = target.in_all(|module| {
            let right = match module.verdict(&target.user) {
                UsersVerdict::Rule(rule) => rule.right,
                UsersVerdict::Anonymous => Right::Module,
                UsersVerdict::Group(_) | UsersVerdict::NoRule => return false,
            };
            match right {
                Right::ReadOnly => true,
                Right::Module => module.daemon.is(module.scope, Parameter::ReadOnly),
                Right::ReadWrite | Right::Deny => false,
            }
        });
        let Some(module) = refused else {
            continue;
        };
        let users = module
            .daemon
            .text(module.scope, Parameter::AuthUsers)
            .origin
            .setting();
        let by_user =
            matches!(module.verdict(&target.user), UsersVerdict::Rule(rule) if rule.right == Right::ReadOnly);
        let origin = module.daemon.origin(module.scope, Parameter::ReadOnly).setting();
        let case = Case::at(target.span).with("module", String::from_utf8_lossy(target.module));
        out.report(match (by_user.then_some(users).flatten(), origin) {
            (Some(users), _) => case
                .variant("user")
                .also(users.span(), "users")
                .with("user", target.user.clone()),
            (None, Some(line)) => case.also(line.span(), "module"),
            (None, None) => case.also(module.header(), "module"),
        });
    }
}

/// RSY952: a user whom the module does not let in.
fn user_not_admitted(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for target in targets(subject).iter().filter(|target| target.sends_user) {
        let refused = target.in_all(|module| match module.verdict(&target.user) {
            UsersVerdict::NoRule => true,
            UsersVerdict::Rule(rule) => rule.right == Right::Deny,
            UsersVerdict::Anonymous | UsersVerdict::Group(_) => false,
        });
        let line = refused.and_then(|module| {
            module
                .daemon
                .text(module.scope, Parameter::AuthUsers)
                .origin
                .setting()
        });
        if let Some(line) = line {
            out.report(
                Case::at(target.user_span)
                    .also(line.span(), "users")
                    .with("module", String::from_utf8_lossy(target.module))
                    .with("user", target.user.clone()),
            );
        }
    }
}

/// RSY953: one side asks for a password, the other does not.
fn auth_disagrees(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let has_password = subject.configuration.params().is_some_and(|params| {
        options(params)
            .iter()
            .any(|option| option.is_long("password-file"))
    });
    for target in targets(subject) {
        let asks = |module: &Module<'_>| access::has_rules(module.daemon, module.scope);
        let case = Case::at(target.user_span).with("module", String::from_utf8_lossy(target.module));
        if !target.sends_user && !has_password {
            let users = target.in_all(asks).and_then(|module| {
                let users = module.daemon.text(module.scope, Parameter::AuthUsers);
                users.origin.setting()
            });
            if let Some(users) = users {
                out.report(case.variant("asked").also(users.span(), "users"));
            }
        } else if target.sends_user
            && let Some(module) = target.in_all(|module| !asks(module))
        {
            out.report(
                case.variant("anonymous")
                    .also(module.header(), "module")
                    .with("user", target.user.clone()),
            );
        }
    }
}

/// RSY955: the pushes of one burst refuse each other.
fn too_few_connections(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for target in targets(subject) {
        let limited = target.in_all(|module| (1..WORKERS).contains(&module.most_connections().value));
        let limit = limited.map(|module| module.most_connections());
        if let Some(limit) = limit
            && let Some(line) = limit.origin.setting()
        {
            out.report(
                Case::at(target.span)
                    .also(line.span(), "limit")
                    .with("module", String::from_utf8_lossy(target.module))
                    .with("limit", limit.value.to_string()),
            );
        }
    }
}

/// A daemon that is pushed to, as far as the file says.
pub(super) struct Target<'a> {
    /// Where the module is written.
    pub(super) span: Span,
    host: &'a [u8],
    module: &'a [u8],
    /// Whom it names itself; the switch of `auth` if nobody.
    user_span: Span,
    user: String,
    sends_user: bool,
    /// The module of that name in every given daemon that has it.
    pub(super) candidates: Vec<Module<'a>>,
}

/// A module of a given daemon.
#[derive(Clone, Copy)]
pub(in crate::lint::checks) struct Module<'a> {
    pub(in crate::lint::checks) daemon: &'a Configuration,
    pub(in crate::lint::checks) scope: Scope,
    index: usize,
}

impl<'a> Module<'a> {
    /// The module of that name.
    pub(in crate::lint::checks) fn named(daemon: &'a Configuration, name: &[u8]) -> Option<Self> {
        let index = daemon.module(name)?;
        let scope = Scope::Module(index);
        Some(Self { daemon, scope, index })
    }

    /// Its first header.
    pub(in crate::lint::checks) fn header(&self) -> Span {
        self.daemon.modules[self.index].header()
    }

    /// Whether the text tells what holds for it.
    pub(in crate::lint::checks) fn is_settled(&self) -> bool {
        self.daemon.is_settled(self.scope)
    }

    fn most_connections(&self) -> Resolved<'a, i32> {
        self.daemon.integer(self.scope, Parameter::MaxConnections)
    }

    /// What its `auth users` say of a user.
    pub(in crate::lint::checks) fn verdict(&self, user: &str) -> UsersVerdict<'a> {
        access::users(self.daemon, self.scope, user, None)
    }
}

impl<'a> Target<'a> {
    /// The first candidate, if the condition holds for all of them: which one is meant, nobody knows.
    fn in_all(&self, condition: impl Fn(&Module<'a>) -> bool) -> Option<Module<'a>> {
        let first = self.candidates.first().copied();
        first.filter(|_| {
            self.candidates
                .iter()
                .all(|module| module.is_settled() && condition(module))
        })
    }

    /// Whether it is the machine that sersync runs on.
    pub(super) fn is_local(&self) -> bool {
        let text = String::from_utf8_lossy(self.host);
        let address: Result<IpAddr, _> = text.trim_matches(['[', ']']).parse();
        text == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }
}

/// The daemons that are pushed to; none with ssh, which asks no daemon.
pub(super) fn targets<'a>(subject: &SersyncSubject<'a>) -> Vec<Target<'a>> {
    let configuration = subject.configuration;
    let Some(path) = configuration
        .localpath()
        .filter(|_| configuration.active_ssh().is_none())
    else {
        return Vec::new();
    };
    path.remotes
        .iter()
        .filter_map(|remote| target(subject, remote))
        .collect()
}

fn target<'a>(subject: &SersyncSubject<'a>, remote: &'a Remote) -> Option<Target<'a>> {
    let (ip, name) = (remote.ip.as_ref()?, remote.name.as_ref()?);
    // The shell drops the blanks at the end.
    let name_bytes = name.value.bytes().trim_ascii_end();
    let module = name_bytes.split(|&byte| byte == b'/').next()?;
    if module.is_empty() || ip.value.is_empty() {
        return None;
    }
    let auth = subject.configuration.auth()?;
    let users = auth
        .users
        .as_ref()
        .filter(|_| auth.start.as_ref().is_some_and(Setting::is_on));
    // The host is copied onto the command line as it is, so a user may stand in it.
    let at = ip
        .value
        .bytes()
        .iter()
        .position(|&byte| byte == b'@')
        .filter(|_| users.is_none());
    let in_host = at.map(|at| &ip.value.bytes()[..at]);
    let user = users.map(|users| users.value.bytes()).or(in_host);
    let user_span = match (users, at) {
        (Some(users), _) => subject.value(users),
        (None, Some(_)) => subject.value(ip),
        (None, None) => auth.start.as_ref().map_or_else(
            || subject.span(auth.place.tag.clone()),
            |start| subject.value(start),
        ),
    };
    let candidates = subject
        .daemons
        .iter()
        .filter_map(|daemon| Module::named(daemon, module));
    Some(Target {
        span: subject.value(name),
        host: &ip.value.bytes()[at.map_or(0, |at| at + 1)..],
        module,
        user_span,
        user: String::from_utf8_lossy(user.unwrap_or_default()).into_owned(),
        sends_user: user.is_some(),
        candidates: candidates.collect(),
    })
}
