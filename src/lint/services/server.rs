use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    host::Host,
    lint::{
        services::{Place, ServiceUnit, ServicesSubject, place},
        subject::ConfigurationSubject,
    },
    model::{
        Configuration,
        service::{self, DaemonOptions, Word, XinetdService},
    },
    syntax::inetd,
    terms::{SourceId, Span},
};

/// How many words of an inetd line stand in front of the program's arguments, its own name included.
const BEFORE_ARGUMENTS: usize = 7;

/// An rsync that a service manager starts.
#[derive(Clone)]
pub struct Server<'a> {
    /// The program and its arguments, with variables put in.
    pub words: Vec<Word>,
    /// What the arguments say.
    pub options: DaemonOptions,
    /// The file in which it is written.
    pub source: SourceId,
    /// Who starts it.
    pub manager: Manager<'a>,
    /// The configuration that it serves, if that was given too.
    pub configuration: Option<&'a Configuration>,
    /// The machine that it is for.
    pub host: &'a dyn Host,
    place: &'a Place,
}

/// Who starts a server.
#[derive(Clone, Copy)]
pub enum Manager<'a> {
    /// inetd, for each connection.
    Inetd(&'a inetd::Line),
    /// systemd, at boot; or for each connection if the unit is a template.
    Unit(&'a ServiceUnit<'a>),
    /// xinetd, for each connection.
    Xinetd(XinetdService<'a>),
}

impl<'a> ServicesSubject<'a> {
    /// Every rsync that is started as a daemon, or by a service that is called so.
    pub fn servers(&self) -> Vec<Server<'a>> {
        let mut servers = Vec::new();
        for unit in &self.services.units {
            let variables = self.services.variables(unit, self.sources);
            let commands = unit.unit.list("Service", "ExecStart").into_iter();
            let commands = commands.flat_map(|setting| {
                let commands = service::commands(&setting.value).into_iter();
                commands.map(|command| (setting.source, command))
            });
            // Of two commands systemd runs neither; the one that was added is the one that is meant.
            let meant = commands.filter_map(|(source, command)| {
                let words = service::expand(&command, &variables);
                self.server(words, source, &unit.place, unit.host, Manager::Unit(unit))
            });
            servers.extend(meant.reduce(|_, added| added).or_else(|| self.packaged(unit)));
        }
        for file in &self.services.xinetd {
            let bytes = self.sources.get(file.source).bytes();
            for service in service::services(&file.document, bytes) {
                let mut words = service.values("server");
                words.truncate(1);
                if !words.is_empty() {
                    words.extend(service.values("server_args"));
                }
                let manager = Manager::Xinetd(service);
                servers.extend(self.server(words, file.source, &file.place, file.host, manager));
            }
        }
        for file in &self.services.inetd {
            let bytes = self.sources.get(file.source).bytes();
            for line in &file.lines {
                let arguments = line.words.iter().skip(BEFORE_ARGUMENTS);
                let words = line.words.get(5).into_iter().chain(arguments);
                let words: Vec<_> = words.map(|word| Word::verbatim(bytes, word.clone())).collect();
                let manager = Manager::Inetd(line);
                servers.extend(self.server(words, file.source, &file.place, file.host, manager));
            }
        }
        servers
    }

    /// What the unit of a package starts to which only drop-ins were given.
    fn packaged(&self, unit: &'a ServiceUnit<'a>) -> Option<Server<'a>> {
        if unit.has_fragment || !unit.unit.list("Service", "ExecStart").is_empty() {
            return None;
        }
        let (source, _) = unit.documents.first()?;
        let words = ["/usr/bin/rsync", "--daemon", "--no-detach"].map(|word| Word {
            bytes: word.into(),
            range: 0..0,
        });
        self.server(
            words.to_vec(),
            *source,
            &unit.place,
            unit.host,
            Manager::Unit(unit),
        )
    }

    fn server(
        &self,
        words: Vec<Word>,
        source: SourceId,
        place: &'a Place,
        host: &'a dyn Host,
        manager: Manager<'a>,
    ) -> Option<Server<'a>> {
        let program = Path::new(OsStr::from_bytes(&words.first()?.bytes));
        let options = service::daemon_options(&words[1..]);
        let is_called_so = match manager {
            Manager::Unit(unit) => matches!(
                &*unit.unit.name,
                "rsync.service" | "rsyncd.service" | "rsync@.service" | "rsyncd@.service"
            ),
            Manager::Xinetd(_) | Manager::Inetd(_) => true,
        };
        let is_rsync = program.file_name() == Some(OsStr::new("rsync"));
        if !is_rsync || !(is_called_so || options.daemon.is_some()) {
            return None;
        }
        let configuration = options
            .configuration_file()
            .and_then(|path| self.daemon(path, place));
        Some(Server {
            words,
            options,
            source,
            manager,
            configuration,
            host,
            place,
        })
    }

    /// The configuration that a path means: the given file of that name that lies nearest.
    fn daemon(&self, path: &[u8], place: &Place) -> Option<&'a Configuration> {
        let path = Path::new(OsStr::from_bytes(path));
        let name = |daemon: &&Configuration| Path::new(self.sources.get(daemon.root).name());
        let named = self
            .daemons
            .iter()
            .filter(|daemon| name(daemon).file_name() == path.file_name())
            .filter(|daemon| !place.is_elsewhere(name(daemon)));
        named.max_by_key(|daemon| place::common(name(daemon), &place.root))
    }
}

impl<'a> Server<'a> {
    /// Where a word stands.
    pub fn span(&self, word: &Word) -> Span {
        Span::new(self.source, word.range.clone())
    }

    /// Where the program stands.
    pub fn program(&self) -> Span {
        self.span(&self.words[0])
    }

    /// The unit that starts it.
    pub fn unit(&self) -> Option<&'a ServiceUnit<'a>> {
        match self.manager {
            Manager::Unit(unit) => Some(unit),
            Manager::Inetd(_) | Manager::Xinetd(_) => None,
        }
    }

    /// Whether it gets a connection instead of listening itself.
    pub fn gets_connection(&self) -> bool {
        self.unit().is_none_or(|unit| unit.unit.is_template())
    }

    /// The folder that stands for the machine's root.
    pub fn root(&self) -> &'a Path {
        &self.place.root
    }

    /// Its configuration as other checks look at it.
    pub fn configuration(&self, subject: &ServicesSubject<'a>) -> Option<ConfigurationSubject<'a>> {
        Some(ConfigurationSubject {
            configuration: self.configuration?,
            sources: subject.sources,
            host: self.host,
            circumstances: subject.circumstances,
            facts: None,
        })
    }
}
