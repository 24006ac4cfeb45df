//! The files of service managers: which belong together, and which daemon they start with which configuration.

mod place;
mod server;
mod started;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

pub(super) use place::{by_content, by_name, is_meant};
pub use server::{Manager, Server};
pub use started::{Installed, Started, sockets, started};

use crate::{
    catalog::FileKind,
    host::Host,
    lint::{services::place::Place, subject::Circumstances},
    model::{Configuration, service},
    syntax::{
        self,
        environment_file::{self, Kind},
    },
    terms::{Source, SourceId, Sources, Span},
};

/// What a check of service managers' files looks at: all of them at once, for they work together.
#[derive(Clone, Copy)]
pub struct ServicesSubject<'a> {
    /// The files.
    pub services: &'a Services<'a>,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// The daemons' configurations that were given with them.
    pub daemons: &'a [Configuration],
    /// The circumstances.
    pub circumstances: Circumstances,
}

/// The files of service managers, read.
#[derive(Default)]
pub struct Services<'h> {
    /// Units, each with its drop-ins.
    pub units: Vec<ServiceUnit<'h>>,
    /// Files of xinetd.
    pub xinetd: Vec<XinetdFile<'h>>,
    /// Files of inetd.
    pub inetd: Vec<InetdFile<'h>>,
    /// Files of variables.
    pub environments: Vec<EnvironmentFile>,
}

/// A unit with its drop-ins.
pub struct ServiceUnit<'h> {
    /// What its lines say together.
    pub unit: service::Unit,
    /// Its files.
    pub documents: Vec<(SourceId, syntax::unit::Document)>,
    /// Whether its own file is there, and not only drop-ins.
    pub has_fragment: bool,
    /// The machine that it is for.
    pub host: &'h dyn Host,
    place: Place,
    is_vendors: bool,
}

/// A file of xinetd.
pub struct XinetdFile<'h> {
    /// The file.
    pub source: SourceId,
    /// Its entries.
    pub document: syntax::xinetd::Document,
    /// The machine that it is for.
    pub host: &'h dyn Host,
    place: Place,
}

/// A file of inetd.
pub struct InetdFile<'h> {
    /// The file.
    pub source: SourceId,
    /// Its lines.
    pub lines: Vec<syntax::inetd::Line>,
    /// The machine that it is for.
    pub host: &'h dyn Host,
    place: Place,
}

/// A file of variables.
pub struct EnvironmentFile {
    /// The file.
    pub source: SourceId,
    /// Its lines.
    pub lines: Vec<environment_file::Line>,
    place: Place,
}

/// A variable of a file.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Span,
    /// Its value without quotes.
    pub value: Span,
}

/// A file that a run was given.
pub(super) struct Given<'h> {
    pub(super) source: SourceId,
    pub(super) kind: FileKind,
    pub(super) host: &'h dyn Host,
}

impl<'h> Services<'h> {
    /// Reads what was given, and the variables that a unit takes from a file which the machine shows.
    pub(super) fn read(given: impl Iterator<Item = Given<'h>>, sources: &mut Sources) -> Self {
        let mut services = Self::default();
        let mut units: BTreeMap<Place, Vec<(PathBuf, Given<'h>)>> = BTreeMap::new();
        for file in given {
            let source = file.source;
            let path = PathBuf::from(sources.get(source).name());
            let bytes = sources.get(source).bytes();
            let place = Place::of(&path);
            match file.kind {
                FileKind::Systemd => units.entry(place).or_default().push((path, file)),
                FileKind::Xinetd => services.xinetd.push(XinetdFile {
                    source,
                    document: syntax::xinetd::parse(bytes),
                    host: file.host,
                    place,
                }),
                FileKind::Inetd => services.inetd.push(InetdFile {
                    source,
                    lines: syntax::inetd::parse(bytes),
                    host: file.host,
                    place,
                }),
                FileKind::Environment => services.environment(source, place, sources),
                _ => {}
            }
        }
        for (place, mut files) in units {
            files.sort_by_cached_key(|(path, _)| place::order(path));
            services.units.push(ServiceUnit::read(place, &files, sources));
        }
        services.named_environments(sources);
        services
    }

    fn environment(&mut self, source: SourceId, place: Place, sources: &Sources) {
        self.environments.push(EnvironmentFile {
            source,
            lines: environment_file::parse(sources.get(source).bytes()),
            place,
        });
    }

    fn named_environments(&mut self, sources: &mut Sources) {
        let mut wanted = Vec::new();
        for unit in &self.units {
            for (path, _, _) in unit.environment_files() {
                if self.environment_of(unit, &path).is_none() {
                    wanted.push((path, unit.host));
                }
            }
        }
        for (path, host) in wanted {
            if let Ok(Some(bytes)) = host.read(&path) {
                let source = sources.add(Source::new(path.display().to_string(), bytes));
                self.environment(source, Place::of(&path), sources);
            }
        }
    }

    /// The file of variables that a unit means with a path, if it was given or the machine shows it.
    pub fn environment_of(&self, unit: &ServiceUnit<'_>, path: &Path) -> Option<&EnvironmentFile> {
        let named = self
            .environments
            .iter()
            .filter(|file| Some(OsStr::new(&file.place.name)) == path.file_name())
            .filter(|file| !file.place.is_of_another(&unit.place));
        named.max_by_key(|file| file.place.nearness(&unit.place))
    }

    /// The variables that a unit's commands can name.
    pub fn variables(&self, unit: &ServiceUnit<'_>, sources: &Sources) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let mut variables = BTreeMap::new();
        for setting in unit.unit.list("Service", "Environment") {
            for word in service::words(&setting.value) {
                if let Some(equals) = word.bytes.iter().position(|&byte| byte == b'=') {
                    let value = word.bytes[equals + 1..].to_vec();
                    variables.insert(word.bytes[..equals].to_vec(), value);
                }
            }
        }
        for (path, _, _) in unit.environment_files() {
            if let Some(file) = self.environment_of(unit, &path) {
                for variable in file.variables() {
                    let text = |span| sources.slice(span).to_vec();
                    variables.insert(text(variable.name), text(variable.value));
                }
            }
        }
        variables
    }
}

impl<'h> ServiceUnit<'h> {
    fn read(place: Place, files: &[(PathBuf, Given<'h>)], sources: &Sources) -> Self {
        let mut unit = service::Unit {
            name: place.name.clone(),
            ..service::Unit::default()
        };
        let mut documents = Vec::new();
        let is_drop_in = |path: &Path| place::is_drop_in(path);
        // The file in /etc takes the place of the vendor's.
        let last = files.iter().rposition(|(path, _)| !is_drop_in(path));
        for (index, (path, file)) in files.iter().enumerate() {
            let document = syntax::unit::parse(sources.get(file.source).bytes());
            if is_drop_in(path) || Some(index) == last {
                unit.read(file.source, &document);
            }
            documents.push((file.source, document));
        }
        Self {
            unit,
            documents,
            has_fragment: last.is_some(),
            is_vendors: files.iter().all(|(path, _)| place::is_below_usr(path)),
            host: files[0].1.host,
            place,
        }
    }

    /// The files that it takes variables from, whether each may be missing, and where they are named.
    pub fn environment_files(&self) -> Vec<(PathBuf, bool, Span)> {
        let settings = self.unit.list("Service", "EnvironmentFile").into_iter();
        settings
            .map(|setting| {
                let value = setting.value.bytes();
                let path = value.strip_prefix(b"-").unwrap_or(value);
                let span = Span::new(setting.source, setting.value.range());
                (
                    PathBuf::from(OsStr::from_bytes(path)),
                    path.len() < value.len(),
                    span,
                )
            })
            .collect()
    }

    /// Whether all of it lies where packages put files, so that nobody may have switched it on.
    pub fn is_vendors(&self) -> bool {
        self.is_vendors
    }

    /// The folder that stands for the machine's root.
    pub fn root(&self) -> &Path {
        &self.place.root
    }

    /// Whether it belongs to the same machine as another.
    pub fn is_beside(&self, other: &ServiceUnit<'_>) -> bool {
        self.place.root == other.place.root
    }
}

impl EnvironmentFile {
    /// What it sets; the last line of a name counts.
    pub fn variables(&self) -> impl DoubleEndedIterator<Item = Variable> {
        self.lines.iter().filter_map(|line| match &line.kind {
            Kind::Assignment { name, value, .. } => Some(Variable {
                name: Span::new(self.source, name.clone()),
                value: Span::new(self.source, value.clone()),
            }),
            Kind::Blank | Kind::Other(_) => None,
        })
    }

    /// Whether Debian's init script reads it.
    pub fn is_default_file(&self) -> bool {
        self.place.folder == "default"
    }

    /// Whether it belongs to the same machine as another file.
    pub fn is_beside(&self, unit: &ServiceUnit<'_>) -> bool {
        self.place.root == unit.place.root
    }
}
