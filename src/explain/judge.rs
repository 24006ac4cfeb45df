//! What the server's configuration says about a failure that the text tells.

use std::collections::BTreeMap;

use crate::{
    catalog::{Page, Stage},
    explain::{Command, Incident, Predicted, Reason, Secrets, Watched, modes},
    model::{
        Configuration, Parameter, Scope, Setting,
        access::{Peer, Right, UserRule, UsersVerdict, hosts, is_host_separator, users},
        has_variable,
    },
    terms::Sources,
};

/// A configuration, resolved, and the files that it was read from.
#[derive(Debug)]
pub struct Server {
    /// The files.
    pub sources: Sources,
    /// What they mean.
    pub configuration: Configuration,
    /// The groups of a user of the server, where they are known.
    pub groups: fn(&str) -> Option<Vec<String>>,
    /// The name of the user who runs the daemon, where that is not root: it stays that user, whatever `uid` says
    /// (`rsync_module` in clientserver.c).
    pub plain_user: Option<String>,
    /// The secrets files that could be read, by their modules.
    pub secrets: BTreeMap<String, Secrets>,
    /// The modules that stand in files which no daemon reads, and in none that one does, where they were looked for.
    pub unread: BTreeMap<String, Unread>,
}

/// Where a module stands that no daemon has.
#[derive(Clone, Debug)]
pub struct Unread {
    /// The configuration file.
    pub file: String,
    /// Its header: the file, the line, the text.
    pub place: String,
    /// The kind of case of the page of modules that are not there.
    pub variant: &'static str,
    /// The port of the daemon that serves it after all.
    pub port: Option<u16>,
}

/// The page of a blank that is missing between a module and a folder.
const WORDS_TOGETHER: &str = "RSY872";
/// The page of a module that is not there.
const NO_MODULE: &str = "RSY819";
/// The page of a user whom a module does not admit.
const NOT_ADMITTED: &str = "RSY816";
/// The page of names in `hosts deny`, which cost everybody the access while they cannot be resolved.
const NAME_DENIED: &str = "RSY309";
/// What stands in the place of the client's name where the daemon found none (`client_name` in clientname.c).
const NAMELESS: [&str; 3] = ["UNDETERMINED", "UNKNOWN", "unknown"];
/// The page of names that a module's filters keep from clients.
const EXCLUDED: &str = "RSY889";
/// The page of an option that the server refuses.
const REFUSED_OPTION: &str = "RSY887";
/// The commands that a transfer waits for, and that can refuse it.
const GATES: [Parameter; 2] = [Parameter::EarlyExec, Parameter::PreXferExec];
/// What a daemon says of a module that it does not have, or hides.
const UNKNOWN_MODULE: &str = "Unknown module";
/// What keeps names from clients.
const FILTERS: [Parameter; 5] = [
    Parameter::Exclude,
    Parameter::ExcludeFrom,
    Parameter::Filter,
    Parameter::Include,
    Parameter::IncludeFrom,
];

/// Whether a page is about the rules of `auth users`: the daemon then logs that none admits the user.
fn is_of_rules(page: &Page) -> bool {
    let mut logged = page.symptoms.iter().flat_map(|symptom| symptom.log);
    page.id == NOT_ADMITTED || logged.any(|log| log.contains("no matching rule"))
}

/// The client as the daemon names it.
fn peer(incident: &Incident) -> Option<Peer> {
    let named = |kind| incident.names.iter().find(|(known, _)| *known == kind);
    let (_, address) = named("address")?;
    let name = named("client").map(|(_, name)| name.clone());
    let name = name.filter(|name| !NAMELESS.contains(&&**name));
    Some(Peer::new(address.parse().ok()?, name))
}

/// Whether the configuration makes a failure of that kind happen.
pub(super) enum Judgement {
    /// It does, for that reason.
    Yes(Reason),
    /// A line does, there, as that kind of case of the page, with names for its placeholders.
    Of(&'static str, String, Vec<(&'static str, String)>),
    /// It does not.
    No,
    /// It has no say in it, or the text tells too little.
    Open,
}

impl Server {
    /// Whether it has a module of that name.
    pub fn has(&self, module: &str) -> bool {
        self.configuration.module(module.as_bytes()).is_some()
    }

    /// Whether the path of the module has a variable in it, so that only a client settles it.
    pub(super) fn has_open_path(&self, incident: &Incident) -> bool {
        let module = incident.module().and_then(|module| self.place_of(module));
        module.is_some_and(|path| has_variable(path.as_bytes()))
    }

    /// The root that the whole daemon changes to, before it reads accounts.
    pub(super) fn daemon_root(&self) -> Option<String> {
        let root = self
            .configuration
            .text(Scope::Global, Parameter::DaemonChroot)
            .value;
        let root = str::from_utf8(root)
            .ok()
            .filter(|root| !root.is_empty() && *root != "/")?;
        Some(root.trim_end_matches('/').to_owned())
    }

    /// The path of a module, as the file has it.
    pub fn path_of(&self, module: &str) -> Option<String> {
        let index = self.configuration.module(module.as_bytes())?;
        let path = self
            .configuration
            .text(Scope::Module(index), Parameter::Path)
            .value;
        let path = str::from_utf8(path).ok()?;
        (!path.is_empty()).then(|| path.to_owned())
    }

    /// Where a module is on the server, whatever root the daemon has.
    pub fn place_of(&self, module: &str) -> Option<String> {
        let path = self.path_of(module)?.replace("%RSYNC_MODULE_NAME%", module);
        Some(match self.daemon_root() {
            Some(root) => format!("{root}/{}", path.trim_start_matches('/')),
            None => path,
        })
    }

    /// Judges a page's cause of a failure at a stage, with the message that shows it.
    pub(super) fn judge(&self, incident: &Incident, page: &str, stage: Stage, message: &str) -> Judgement {
        let Some(module) = incident.module() else {
            return Judgement::Open;
        };
        let Some(index) = self.configuration.module(module.as_bytes()) else {
            return match (
                stage,
                page == WORDS_TOGETHER,
                self.begins_as_a_module(module, incident),
            ) {
                (Stage::Module, true, false) => Judgement::No,
                (Stage::Module, false, true) => Judgement::Open,
                (Stage::Module, ..) => self.missing(module, page),
                (Stage::Access, ..) if message.contains(UNKNOWN_MODULE) => Judgement::No,
                _ => Judgement::Open,
            };
        };
        let scope = Scope::Module(index);
        match stage {
            // A daemon denies that it has a module which it hides from who may not use it.
            Stage::Access if message.contains(UNKNOWN_MODULE) => {
                if self.configuration.is(scope, Parameter::List) {
                    Judgement::No
                } else {
                    self.line_of(scope, Parameter::List)
                }
            }
            Stage::Module if page == NO_MODULE && self.configuration.is(scope, Parameter::List) => {
                Judgement::Yes(Reason::OtherFile(format!("[{module}]"), self.name().to_owned()))
            }
            Stage::Module if message.contains(UNKNOWN_MODULE) => Judgement::No,
            Stage::Access => peer(incident).map_or(Judgement::Open, |peer| self.admission(scope, &peer)),
            Stage::Slot if message.contains("max connections") => self.limit(scope),
            Stage::Authentication
                if self
                    .configuration
                    .text(scope, Parameter::AuthUsers)
                    .value
                    .is_empty() =>
            {
                Judgement::No
            }
            Stage::Authentication if page == NOT_ADMITTED && self.is_login_sent(incident, scope) => {
                Judgement::Yes(Reason::NoUser)
            }
            Stage::Authentication if page == NOT_ADMITTED => match self.verdict(incident, scope) {
                Some(UsersVerdict::Rule(rule)) if rule.right == Right::Deny => {
                    self.by_rule(scope, "denied", &rule)
                }
                Some(UsersVerdict::Rule(_)) => Judgement::No,
                Some(UsersVerdict::NoRule) => self.line_of(scope, Parameter::AuthUsers),
                _ => Judgement::Open,
            },
            // A rule's right comes before what the module says.
            Stage::Arguments if message.contains("read only") => match self.verdict(incident, scope) {
                Some(UsersVerdict::Rule(rule)) if rule.right == Right::ReadOnly => {
                    self.by_rule(scope, "user", &rule)
                }
                Some(UsersVerdict::Rule(rule)) if rule.right == Right::ReadWrite => Judgement::No,
                _ => self.switch(scope, Parameter::ReadOnly),
            },
            Stage::Arguments if message.contains("write only") => self.switch(scope, Parameter::WriteOnly),
            Stage::Hooks => self.first_line_of(scope, &GATES),
            _ if page == REFUSED_OPTION => match self.first_line_of(scope, &[Parameter::RefuseOptions]) {
                // Some are refused unless a line accepts them.
                Judgement::No => Judgement::Open,
                judgement => judgement,
            },
            _ if modes::close_folders(
                self.configuration.text(scope, Parameter::IncomingChmod).value,
                page,
            ) =>
            {
                match self.line_of(scope, Parameter::IncomingChmod) {
                    Judgement::Yes(Reason::Found(place)) => {
                        Judgement::Of("incoming-chmod", place, Vec::new())
                    }
                    judgement => judgement,
                }
            }
            _ if page == EXCLUDED => self.first_line_of(scope, &FILTERS),
            _ => Judgement::Open,
        }
    }

    /// Whether the command has a single place, whose module's name begins with that of one there is.
    fn begins_as_a_module(&self, module: &str, incident: &Incident) -> bool {
        let is_single = |command: &Command| command.invocation.targets.len() == 1;
        let mut modules = self.configuration.modules.iter();
        incident.command.as_ref().is_some_and(is_single)
            && modules.any(|known| module.as_bytes().starts_with(known.name.bytes()))
    }

    /// Whether the command names no user, and the module admits a few by name: the login of the machine is hardly one of
    /// them.
    fn is_login_sent(&self, incident: &Incident, scope: Scope) -> bool {
        let peer = incident
            .command
            .as_ref()
            .and_then(|command| command.invocation.peer());
        let is_unnamed = peer
            .and_then(|peer| peer.remote())
            .is_some_and(|remote| remote.user.is_none());
        let is_told = incident.names.iter().any(|(kind, _)| *kind == "user");
        let users = self.configuration.text(scope, Parameter::AuthUsers).value;
        let is_pattern = users.iter().any(|byte| b"*?[@".contains(byte));
        is_unnamed && !is_told && !is_pattern
    }

    /// Whether the module admits the user whom the text names in no rule.
    pub(super) fn refuses_user(&self, incident: &Incident) -> bool {
        let index = incident
            .module()
            .and_then(|module| self.configuration.module(module.as_bytes()));
        let verdict = index.and_then(|index| self.verdict(incident, Scope::Module(index)));
        match verdict {
            Some(UsersVerdict::NoRule) => true,
            Some(UsersVerdict::Rule(rule)) => rule.right == Right::Deny,
            _ => false,
        }
    }

    /// Whether nothing but the rules of `auth users` can be why the login failed: whom none admits is refused before the
    /// daemon looks for a secret (`auth_server` in authenticate.c).
    pub(super) fn ends_at_rules(&self, page: &Page, findings: &[Predicted], incident: &Incident) -> bool {
        let mut findings = findings.iter();
        self.refuses_user(incident)
            && !is_of_rules(page)
            && !findings.any(|found| found.rule == page.id && self.disguise(found, incident).is_some())
    }

    /// The line of `auth users`, if a mistake in it keeps its rules from naming the user whom the text names: the name stands
    /// there, between characters that belong to it for the daemon (observed with rsync 3.5.0: quotes, a wide comma).
    pub(super) fn disguise(&self, found: &Predicted, incident: &Incident) -> Option<String> {
        let (user, module) = (incident.user()?, incident.module()?);
        let scope = Scope::Module(self.configuration.module(module.as_bytes())?);
        let users = self.configuration.text(scope, Parameter::AuthUsers);
        let setting = users.origin.setting()?;
        let span = setting.span();
        let source = self.sources.get(span.source);
        let [first, last] = [span.start, span.end].map(|at| source.position(at as usize).line);
        let mut places = [&found.place].into_iter().chain(&found.others);
        let is_there =
            |place: &String| (first..=last).any(|line| *place == format!("{}:{line}", source.name()));
        let value = String::from_utf8_lossy(users.value);
        let is_of_name = |letter: char| letter.is_alphanumeric() || user.contains(letter);
        let mut names = value.split(|letter| !is_of_name(letter));
        let is_meant = places.any(is_there) && names.any(|name| name == user);
        (is_meant && self.refuses_user(incident)).then(|| self.quoted(setting))
    }

    /// Which rule of `auth users` decides about the user whom the text names.
    pub(super) fn verdict(&self, incident: &Incident, scope: Scope) -> Option<UsersVerdict<'_>> {
        let user = incident.user()?;
        let groups = (self.groups)(user);
        Some(users(&self.configuration, scope, user, groups.as_deref()))
    }

    /// What the pages' commands name: its file, its log, the module's path and account.
    pub(super) fn names(&self, incident: &Incident, watched: &Watched) -> Vec<(&'static str, String)> {
        let index = incident
            .module()
            .and_then(|module| self.configuration.module(module.as_bytes()));
        let scope = index.map_or(Scope::Global, Scope::Module);
        let text = |parameter| {
            let value = self.configuration.text(scope, parameter).value;
            str::from_utf8(value).ok().filter(|value| !value.is_empty())
        };
        let of_module = |name| index.and(name);
        let user = self.account(scope);
        let told = watched.names.iter().find(|(kind, _)| *kind == "user");
        let login = incident.user().or_else(|| told.map(|(_, user)| user.as_str()));
        let path = text(Parameter::Path).map(|path| self.settled(path, scope, login));
        let names = [
            ("configuration-file", Some(self.name())),
            ("log-file", text(Parameter::LogFile)),
            ("module-path", of_module(path.as_deref())),
            ("module-user", of_module(Some(&*user))),
        ];
        let root = self.daemon_root().map(|root| ("daemon-root", root));
        let names = names.into_iter();
        names
            .filter_map(|(kind, name)| Some((kind, name?.to_owned())))
            .chain(root)
            .collect()
    }

    /// A value with the names of the module and of who has logged in, where it has variables for them (`expand_vars` in
    /// loadparm.c).
    fn settled(&self, value: &str, scope: Scope, login: Option<&str>) -> String {
        let module = match scope {
            Scope::Module(index) => self.configuration.modules[index].name.display(),
            Scope::Global => return value.to_owned(),
        };
        let asks = !self
            .configuration
            .text(scope, Parameter::AuthUsers)
            .value
            .is_empty();
        let value = value.replace("%RSYNC_MODULE_NAME%", &module);
        match login.filter(|_| asks) {
            Some(login) => value.replace("%RSYNC_USER_NAME%", login),
            None => value,
        }
    }

    /// As whom a module reads and writes, as the configuration has it: a daemon that root started becomes that user, and
    /// `nobody` if nobody says otherwise.
    pub fn account(&self, scope: Scope) -> String {
        let written = self.configuration.text(scope, Parameter::Uid).value;
        match (&self.plain_user, written) {
            (Some(user), _) => user.clone(),
            (None, []) => "nobody".to_owned(),
            (None, written) => String::from_utf8_lossy(written).into_owned(),
        }
    }

    /// The name of its file.
    pub fn name(&self) -> &str {
        self.sources.get(self.configuration.root).name()
    }

    fn missing(&self, module: &str, page: &str) -> Judgement {
        if let Some(unread) = self.unread.get(module).filter(|_| page == NO_MODULE) {
            let mut names = vec![("file", unread.file.clone())];
            names.extend(unread.port.map(|port| ("other-port", port.to_string())));
            return Judgement::Of(unread.variant, unread.place.clone(), names);
        }
        let file = self.name();
        let names: Vec<_> = self
            .configuration
            .modules
            .iter()
            .map(|module| format!("[{}]", module.name.display()))
            .take(8)
            .collect();
        Judgement::Yes(Reason::NoModule(
            format!("[{module}]"),
            file.to_owned(),
            names.join(" "),
        ))
    }

    /// Whether a page blames the name service, and the module denies the client by the name that the daemon found for it.
    pub(super) fn has_resolved(&self, page: &Page, incident: &Incident) -> bool {
        let index = incident
            .module()
            .and_then(|module| self.configuration.module(module.as_bytes()));
        let scope = index.map(Scope::Module);
        page.id == NAME_DENIED
            && scope.zip(peer(incident)).is_some_and(|(scope, peer)| {
                let verdict = hosts(&self.configuration, scope, &peer);
                verdict.allowed == Some(false) || self.denies_name(scope, &peer)
            })
    }

    /// Whether `hosts deny` has the name that the daemon found for the client, be it by a lookup of that very word
    /// (`match_hostname` in access.c).
    fn denies_name(&self, scope: Scope, peer: &Peer) -> bool {
        let words = self.configuration.text(scope, Parameter::HostsDeny).value;
        let mut words = words.split(|&byte| is_host_separator(byte));
        let name = peer.name.as_ref();
        name.is_some_and(|name| words.any(|word| word.eq_ignore_ascii_case(name.as_bytes())))
    }

    fn admission(&self, scope: Scope, peer: &Peer) -> Judgement {
        let verdict = hosts(&self.configuration, scope, peer);
        match verdict.allowed {
            Some(true) => Judgement::No,
            Some(false) => match verdict
                .deciding
                .map(|step| &verdict.steps[step])
                .or_else(|| verdict.steps.last())
            {
                Some(step) => Judgement::Yes(Reason::Found(self.quoted(step.setting))),
                None => Judgement::Open,
            },
            None if self.denies_name(scope, peer) => self.line_of(scope, Parameter::HostsDeny),
            None => Judgement::Open,
        }
    }

    fn switch(&self, scope: Scope, parameter: Parameter) -> Judgement {
        if self.configuration.is(scope, parameter) {
            self.line_of(scope, parameter)
        } else {
            Judgement::No
        }
    }

    /// The first of these parameters that is set.
    fn first_line_of(&self, scope: Scope, parameters: &[Parameter]) -> Judgement {
        let is_set =
            |parameter: &&Parameter| self.configuration.origin(scope, **parameter).setting().is_some();
        let first = parameters.iter().find(is_set);
        first.map_or(Judgement::No, |first| self.line_of(scope, *first))
    }

    fn line_of(&self, scope: Scope, parameter: Parameter) -> Judgement {
        match self.configuration.origin(scope, parameter).setting() {
            Some(setting) => Judgement::Yes(Reason::Found(self.quoted(setting))),
            // A line that sets it, and does not hold, is another mistake.
            None if self.is_written(scope, parameter) => Judgement::Open,
            None => Judgement::Yes(Reason::Default(parameter.facts().name)),
        }
    }

    /// The limit of a module is reached; one with a timeout needs no advice to set one.
    fn limit(&self, scope: Scope) -> Judgement {
        let timeout = self.configuration.integer(scope, Parameter::Timeout).value;
        match self.line_of(scope, Parameter::MaxConnections) {
            Judgement::Yes(Reason::Found(place)) if timeout > 0 => {
                Judgement::Of("timed", place, vec![("timeout", timeout.to_string())])
            }
            judgement => judgement,
        }
    }

    /// A rule of `auth users` makes it happen, as that kind of case of the page.
    fn by_rule(&self, scope: Scope, variant: &'static str, rule: &UserRule<'_>) -> Judgement {
        let shown = rule.shown();
        let entry = shown.split(':').next().unwrap_or_default().to_owned();
        match self.line_of(scope, Parameter::AuthUsers) {
            Judgement::Yes(Reason::Found(place)) => {
                Judgement::Of(variant, place, vec![("rule", shown), ("entry", entry)])
            }
            judgement => judgement,
        }
    }

    /// Whether a line names a parameter where it would hold in a module.
    fn is_written(&self, scope: Scope, parameter: Parameter) -> bool {
        let Configuration { settings, blocks, .. } = &self.configuration;
        let is_there = |setting: &&Setting| {
            let own = blocks[setting.block].scope;
            setting.parameter == parameter && (own == scope || own == Scope::Global)
        };
        settings.iter().any(|setting| is_there(&setting))
    }
}
