use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use jiff::civil::Date;

use crate::{
    catalog::FileKind,
    diagnosis::Member,
    host::Host,
    lint::{
        clients::ClientsSubject, crontabs::CrontabSubject, scripts::ScriptSubject, services::ServicesSubject,
    },
    model::{
        self, Configuration, Origin, Parameter, Resolved, Scope, Setting,
        access::{self, Admitted, Lookups, Reach},
    },
    syntax,
    terms::{Release, SourceId, Sources, Span},
};

/// What a check looks at.
pub(crate) enum Subject<'a> {
    Configuration(ConfigurationSubject<'a>),
    Secrets(SecretsSubject<'a>),
    Password(PasswordSubject<'a>),
    Sersync(SersyncSubject<'a>),
    Services(ServicesSubject<'a>),
    Crontab(CrontabSubject<'a>),
    Clients(ClientsSubject<'a>),
    Script(ScriptSubject<'a>),
}

/// What a check of a daemon's configuration looks at.
#[derive(Clone, Copy)]
pub struct ConfigurationSubject<'a> {
    /// The configuration as the daemon resolves it.
    pub configuration: &'a Configuration,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The machine that it is for.
    pub host: &'a dyn Host,
    /// The circumstances.
    pub circumstances: Circumstances,
    /// What is found out once for all checks; none for those that ask little.
    pub facts: Option<&'a Facts>,
}

/// What of a configuration many checks ask, and what is dear to find out.
#[derive(Debug, Default)]
pub struct Facts {
    /// Whom each module's host lists let in.
    admitted: OnceLock<Vec<Admitted>>,
    /// The host lists that hold somewhere.
    host_lists: OnceLock<Vec<HostList>>,
}

/// A host list that holds in a module: the module's number, which list it is, and what the module may look up.
pub(super) type HostList = (usize, Parameter, Lookups);

impl Facts {
    /// Modules whose lists are the same share the answer.
    fn admitted(&self, configuration: &Configuration, module: usize) -> Admitted {
        let all = self.admitted.get_or_init(|| {
            let (mut known, mut reach) = (HashMap::new(), Reach::new(configuration));
            // A list that holds for many modules is compared with the others once.
            let (mut places, mut texts) = (HashMap::new(), HashMap::new());
            let scopes = configuration.module_scopes();
            let of = scopes.map(|(scope, _)| {
                let lists = [Parameter::HostsAllow, Parameter::HostsDeny].map(|parameter| {
                    let setting = configuration.text(scope, parameter).origin.setting()?;
                    let number = places.entry(setting.value_span()).or_insert_with(|| {
                        let next = texts.len();
                        *texts.entry(setting.text.bytes()).or_insert(next)
                    });
                    Some(*number)
                });
                let key = (lists, Lookups::of(configuration, scope));
                *known.entry(key).or_insert_with(|| reach.admitted(scope))
            });
            of.collect()
        });
        all[module]
    }
}

/// What a check of a secrets file looks at.
#[derive(Clone, Copy)]
pub struct SecretsSubject<'a> {
    /// The file.
    pub source: SourceId,
    /// Where it is, if it is a file of the machine that was asked for itself.
    pub path: Option<&'a Path>,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The configurations that name the file.
    pub configurations: &'a [&'a Configuration],
    /// The machine that it is on.
    pub host: &'a dyn Host,
    /// The circumstances.
    pub circumstances: Circumstances,
}

/// What a check of a client's password file looks at.
#[derive(Clone, Copy)]
pub struct PasswordSubject<'a> {
    /// The file.
    pub source: SourceId,
    /// The secrets and password files of the run.
    pub credentials: &'a [(SourceId, FileKind)],
    /// Whom the files of the run call users.
    pub users: &'a BTreeSet<Vec<u8>>,
    /// Where it is, if it is a file of the machine.
    pub path: Option<&'a Path>,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The machine that it is on.
    pub host: &'a dyn Host,
}

/// What a check of a sersync configuration looks at.
#[derive(Clone, Copy)]
pub struct SersyncSubject<'a> {
    /// The file.
    pub source: SourceId,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// Its tree.
    pub document: &'a syntax::sersync::Document,
    /// What sersync makes of it.
    pub configuration: &'a model::sersync::Configuration,
    /// The sersync configurations of the same run that come before it.
    pub earlier: &'a [SersyncFile],
    /// The secrets and password files of the run.
    pub credentials: &'a [(SourceId, FileKind)],
    /// The daemons' configurations that were given with it.
    pub daemons: &'a [Configuration],
    /// The machine that sersync runs on.
    pub host: &'a dyn Host,
}

/// A sersync configuration that was read.
#[derive(Debug)]
pub struct SersyncFile {
    /// The file.
    pub source: SourceId,
    /// Its tree.
    pub document: syntax::sersync::Document,
    /// What sersync makes of it.
    pub configuration: model::sersync::Configuration,
}

impl SersyncSubject<'_> {
    /// A part of the file.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// The value of an attribute; the whole attribute if the value is empty.
    pub fn value(&self, setting: &model::sersync::Setting) -> Span {
        if !setting.range.is_empty() {
            return self.span(setting.range.clone());
        }
        let behind = self.sources.get(self.source).bytes().get(setting.range.end);
        let quote = usize::from(matches!(behind, Some(b'"' | b'\'')));
        self.span(setting.name.start..setting.range.end + quote)
    }
}

/// What holds for a whole run.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The release that the file is judged for.
    pub release: Release,
    /// The release that it comes from, if the difference is asked for.
    pub from_release: Option<Release>,
    /// The number of the user that starts the daemon.
    pub daemon_uid: u32,
    /// Today, for suppressions that expire.
    pub today: Date,
}

impl<'a> ConfigurationSubject<'a> {
    /// Every module of which the text tells what holds.
    pub fn modules(&self) -> impl Iterator<Item = ModuleSubject<'a>> + use<'a> {
        let configuration = self.configuration;
        let sources = self.sources;
        let facts = self.facts;
        (0..configuration.modules.len())
            .filter(|&index| configuration.is_settled(Scope::Module(index)))
            .map(move |index| ModuleSubject {
                configuration,
                sources,
                facts,
                index,
            })
    }

    /// Every host list that holds somewhere, once for each way to look names up.
    pub(super) fn host_lists(&self) -> Vec<HostList> {
        let find = || {
            let mut seen = HashSet::new();
            let in_modules = self.modules().flat_map(|module| {
                let lookups = Lookups::of(module.configuration, module.scope());
                let lists = [Parameter::HostsAllow, Parameter::HostsDeny];
                lists.map(|parameter| (module, parameter, lookups))
            });
            let lists = in_modules.filter_map(|(module, parameter, lookups)| {
                let list = module.text(parameter);
                let setting = list.origin.setting().filter(|_| !list.value.is_empty())?;
                let is_new = seen.insert((setting.span(), lookups.reverse, lookups.forward));
                is_new.then_some((module.index, parameter, lookups))
            });
            lists.collect::<Vec<_>>()
        };
        match self.facts {
            Some(facts) => facts.host_lists.get_or_init(find).clone(),
            None => find(),
        }
    }

    /// The modules that the lines of a block reach, its own or all of them, of which the text tells what holds.
    pub fn reached(&self, block: usize) -> impl Iterator<Item = ModuleSubject<'a>> + use<'a> {
        let (configuration, sources, facts) = (self.configuration, self.sources, self.facts);
        let reached = match configuration.blocks[block].scope {
            Scope::Module(index) => index..index + 1,
            Scope::Global => 0..configuration.modules.len(),
        };
        let settled = reached.filter(|&index| configuration.is_settled(Scope::Module(index)));
        settled.map(move |index| ModuleSubject {
            configuration,
            sources,
            facts,
            index,
        })
    }

    /// Every line that sets one of the parameters, wherever it stands.
    pub fn settings(&self, parameters: &'a [Parameter]) -> impl Iterator<Item = &'a Setting> + use<'a> {
        self.configuration
            .settings
            .iter()
            .filter(|setting| parameters.contains(&setting.parameter))
    }

    /// Where on the machine a path leads that the daemon uses for a module: below `daemon chroot`, if there is one.
    /// `None` where the text does not tell: a relative path, or one with a variable.
    pub fn place(&self, path: &[u8]) -> Option<PathBuf> {
        let chroot = self
            .configuration
            .text(Scope::Global, Parameter::DaemonChroot)
            .value;
        if path.first() != Some(&b'/') || model::has_variable(path) || model::has_variable(chroot) {
            return None;
        }
        let inside = Path::new(OsStr::from_bytes(path));
        if chroot.is_empty() {
            return Some(inside.to_owned());
        }
        let below = inside.strip_prefix("/").expect("it begins with a slash");
        Some(Path::new(OsStr::from_bytes(chroot)).join(below))
    }
}

/// One module, with what holds in it.
#[derive(Clone, Copy)]
pub struct ModuleSubject<'a> {
    /// The configuration.
    pub configuration: &'a Configuration,
    sources: &'a Sources,
    facts: Option<&'a Facts>,
    index: usize,
}

impl<'a> ModuleSubject<'a> {
    /// Where its values are looked up.
    pub fn scope(&self) -> Scope {
        Scope::Module(self.index)
    }

    /// Which of the configuration's modules it is.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name that a client must send.
    pub fn name(&self) -> String {
        self.configuration.modules[self.index].name.display().into_owned()
    }

    /// The module as one of those that a case is told for.
    pub fn member(&self, span: Span) -> Member {
        Member {
            span,
            module: self.name(),
        }
    }

    /// Its first header, from bracket to bracket.
    pub fn header(&self) -> Span {
        self.configuration.modules[self.index].header()
    }

    /// A text that holds in it.
    pub fn text(&self, parameter: Parameter) -> Resolved<'a, &'a [u8]> {
        self.configuration.text(self.scope(), parameter)
    }

    /// Whether a text holds in it that is not empty.
    pub fn has(&self, parameter: Parameter) -> bool {
        !self.text(parameter).value.is_empty()
    }

    /// Whether a two-way boolean holds in it.
    pub fn is(&self, parameter: Parameter) -> bool {
        self.configuration.is(self.scope(), parameter)
    }

    /// A boolean that holds in it; `None` is unset.
    pub fn boolean(&self, parameter: Parameter) -> Resolved<'a, Option<bool>> {
        self.configuration.boolean(self.scope(), parameter)
    }

    /// A number that holds in it.
    pub fn integer(&self, parameter: Parameter) -> Resolved<'a, i32> {
        self.configuration.integer(self.scope(), parameter)
    }

    /// The line that decides a parameter, or the header where no line does.
    pub fn place(&self, origin: Origin<'a>) -> Span {
        origin.setting().map_or_else(|| self.header(), Setting::span)
    }

    /// Whom its host lists let in.
    pub fn admitted(&self) -> Admitted {
        match self.facts {
            Some(facts) => facts.admitted(self.configuration, self.index),
            None => access::admitted(self.configuration, self.scope()),
        }
    }

    /// How much of IPv4 and of IPv6 its host lists let in, in percent; none if that is nearly all.
    pub fn admitted_percent(&self) -> Option<[u8; 2]> {
        access::admitted_percent(self.configuration, self.scope())
    }

    /// Whether clients may write into it: some of them, if a rule of `auth users` says `:rw`.
    pub fn is_writable(&self) -> bool {
        if !self.is(Parameter::ReadOnly) {
            return true;
        }
        let users = self.text(Parameter::AuthUsers).origin;
        users.setting().is_some_and(|setting| {
            access::user_rules(setting, self.configuration.release)
                .iter()
                .any(|rule| rule.right == access::Right::ReadWrite)
        })
    }

    /// Whether clients of the module act as root: the daemon is root, and `uid` keeps it so.
    pub fn serves_as_root(&self, subject: &ConfigurationSubject<'_>) -> bool {
        let daemon_uid = self.configuration.text(Scope::Global, Parameter::DaemonUid).value;
        subject.circumstances.daemon_uid == 0
            && (daemon_uid.is_empty() || is_root(daemon_uid))
            && is_root(self.text(Parameter::Uid).value)
    }

    /// Whether links that clients push are stored munged: where that is asked for, else where not the system alone confines the
    /// module (`rsync_module` in clientserver.c).
    pub fn munges_links(&self, subject: &ConfigurationSubject<'_>) -> bool {
        let path = self.text(Parameter::Path).value;
        let dot = path.windows(3).position(|part| part == b"/./");
        let is_confined = self.tries_chroot(subject);
        let has_inner = is_confined && dot.is_some_and(|dot| dot + 3 < path.len());
        let munge = self.boolean(Parameter::MungeSymlinks).value;
        munge.unwrap_or(!is_confined || has_inner)
    }

    /// Whether the daemon confines the module with chroot: `yes` always; unset with `/./` in the path, or as long as
    /// the daemon is root.
    pub fn tries_chroot(&self, subject: &ConfigurationSubject<'_>) -> bool {
        let has_dot = self
            .text(Parameter::Path)
            .value
            .windows(3)
            .any(|part| part == b"/./");
        let gives_up_root = !self
            .configuration
            .text(Scope::Global, Parameter::DaemonUid)
            .value
            .is_empty();
        self.boolean(Parameter::UseChroot)
            .value
            .unwrap_or(has_dot || (subject.circumstances.daemon_uid == 0 && !gives_up_root))
    }

    /// Where on the machine its folder is; `None` where the text does not tell.
    pub fn folder(&self, subject: &ConfigurationSubject<'_>) -> Option<PathBuf> {
        subject.place(&self.path())
    }

    /// Its path, with its own name where that stands for a variable.
    pub fn path(&self) -> Cow<'a, [u8]> {
        let module = &self.configuration.modules[self.index];
        model::with_module_name(self.text(Parameter::Path).value, module.name.bytes())
    }

    /// A value decoded for people.
    pub fn display(&self, parameter: Parameter) -> String {
        let text = self.text(parameter);
        String::from_utf8_lossy(text.value).into_owned()
    }

    /// Every file that was read.
    pub fn sources(&self) -> &'a Sources {
        self.sources
    }
}

/// Whether a user is root: by name, or by a number however long (`user_to_uid` in uidlist.c).
fn is_root(user: &[u8]) -> bool {
    user == b"root" || (!user.is_empty() && user.iter().all(|&byte| byte == b'0'))
}
