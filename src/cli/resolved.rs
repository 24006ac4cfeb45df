//! What the commands that read one daemon's configuration share: which file, for which release, and what of it nobody
//! can rely on.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    catalog::{self, FileKind, Language},
    cli::{
        Failure, exit,
        input::{Machine, is_standard_input, read, standard_input, unreadable},
        output::complain,
        settings::SettingsFile,
    },
    diagnosis::Unchecked,
    host::Host,
    lint::{self, HostFiles, Input, Options, Report},
    model::{Configuration, Files, Scope, resolve, resolve_until_fatal},
    render,
    terms::{Release, Source, SourceId, Sources},
};

/// The rules that find what makes rsync give up a file, and nothing else.
const FATAL: [&str; 5] = ["RSY103", "RSY104", "RSY105", "RSY106", "RSY107"];

/// How a configuration is resolved.
type Resolve = fn(&mut Sources, SourceId, Release, &dyn Files) -> Configuration;

/// One daemon's configuration.
#[derive(Args, Debug)]
pub(super) struct OneFile {
    /// The daemon's configuration file; `-` is standard input
    ///
    /// [default: /etc/rsyncd.conf, of the machine that --root names]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Only this module
    #[arg(long, value_name = "NAME")]
    pub(super) module: Option<String>,
    /// The release of rsync that reads the file
    ///
    /// [default: `target-version` of the settings, else 3.5.0]
    #[arg(long, value_name = "VERSION")]
    target_version: Option<Release>,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    settings: SettingsFile,
}

impl OneFile {
    /// Reads and resolves the file.
    pub(super) fn resolve(&self) -> Result<Resolved, Failure> {
        match &self.file {
            Some(file) => self.resolve_named(file),
            None => self.read(&self.machine.default_file(), "; name the file", resolve),
        }
    }

    /// The release that was named, or else the one of the settings.
    fn release(&self) -> Result<Release, Failure> {
        let default = self.machine.default_file();
        let (settings, _) = self.settings.read(self.file.as_ref().unwrap_or(&default))?;
        let release = self.target_version.or(settings.target_version);
        Ok(release.unwrap_or(Release::CURRENT))
    }

    /// Reads and resolves a file that was named elsewhere, in the same circumstances.
    pub(super) fn resolve_named(&self, path: &Path) -> Result<Resolved, Failure> {
        self.read(path, "", resolve)
    }

    /// Reads and resolves the file, without what stands behind the line at which rsync gives up.
    pub(super) fn resolve_until_fatal(&self) -> Result<Resolved, Failure> {
        match &self.file {
            Some(file) => self.read(file, "", resolve_until_fatal),
            None => self.read(
                &self.machine.default_file(),
                "; name the file",
                resolve_until_fatal,
            ),
        }
    }

    /// What to do is told where the file cannot be read.
    fn read(&self, path: &Path, what_to_do: &str, resolve: Resolve) -> Result<Resolved, Failure> {
        let hosts = self.machine.hosts()?;
        let (name, bytes) = if is_standard_input(path) {
            ("stdin".to_owned(), standard_input()?)
        } else {
            let bytes = read(&hosts, path).map_err(|reason| unreadable(path, &reason, what_to_do))?;
            (path.display().to_string(), bytes)
        };
        let mut sources = Sources::default();
        let source = sources.add(Source::new(name, bytes));
        let host = hosts.of(path);
        let release = self.release()?;
        let configuration = resolve(&mut sources, source, release, &HostFiles(host));
        let gives_up = configuration.fatal().next().is_some();
        Ok(Resolved {
            fatal: gives_up.then(|| fatal(sources.get(source), release, host)),
            sources,
            source,
            configuration,
        })
    }

    /// The groups that a user is in on the machine of the file; `None` if no machine tells.
    pub(super) fn groups(&self, user: &str) -> Result<Option<Vec<String>>, Failure> {
        let hosts = self.machine.hosts()?;
        let default = self.machine.default_file();
        let host = hosts.of(self.file.as_ref().unwrap_or(&default));
        Ok(host.groups(user).ok())
    }
}

/// What makes rsync give up the file, as `lint` tells it.
fn fatal(source: &Source, release: Release, host: &dyn Host) -> Report {
    let input = Input {
        name: source.name().to_owned(),
        path: None,
        bytes: source.bytes().clone(),
        kind: FileKind::RsyncdConf,
        is_guess: false,
        host,
    };
    let options = Options {
        select: FATAL.into_iter().filter_map(catalog::page).collect(),
        ..Options::of_release(release, jiff::Zoned::now().date())
    };
    lint::lint(vec![input], &options)
}

/// A configuration as the daemon reads it.
pub(super) struct Resolved {
    pub(super) sources: Sources,
    source: SourceId,
    pub(super) configuration: Configuration,
    fatal: Option<Report>,
}

impl Resolved {
    /// The modules that the user wants to hear of.
    ///
    /// # Errors
    /// That there is no module of that name, with a near name, which is the likely reason.
    pub(super) fn scopes(&self, module: Option<&str>) -> Result<Vec<Scope>, String> {
        let configuration = &self.configuration;
        let Some(name) = module else {
            return Ok(configuration.module_scopes().map(|(scope, _)| scope).collect());
        };
        scope_of(configuration, name).map(|scope| vec![scope])
    }

    /// How a command ends that found nothing of the name that it was asked for: it may stand in what was not read.
    pub(super) fn without_answer(&self) -> u8 {
        if self.unseen().is_empty() {
            exit::FINDINGS
        } else {
            exit::UNCHECKED
        }
    }

    /// How a command ends that shows the file: nothing of it holds if rsync gives it up, and what was not read may hold
    /// more.
    pub(super) fn code(&self) -> u8 {
        match self.configuration.serves() {
            Some(true) => exit::CLEAN,
            Some(false) => exit::FINDINGS,
            None => exit::UNCHECKED,
        }
    }

    /// What of the file could not be read: it may hold what an answer lacks.
    pub(super) fn unseen(&self) -> Vec<Unchecked> {
        let problems = self.configuration.problems.iter();
        let unseen = problems.filter_map(|problem| {
            let file = self.sources.get(problem.span.source).name();
            let (subject, reason) = problem.kind.unread(file)?;
            Some(Unchecked {
                rule: None,
                subject,
                reason,
            })
        });
        unseen.collect()
    }

    /// Says on standard error where rsync gives up the file, and what of it was not read.
    pub(super) fn complain(&self, language: Language) -> io::Result<()> {
        for one in self.unseen() {
            let (path, reason) = (&one.subject, render::unknown(&one.reason, language));
            complain(&match language {
                Language::English => format!("`{path}` was not read: {reason}"),
                Language::Chinese => format!("没有读取 `{path}`：{reason}"),
            })?;
        }
        for (problem, _) in self.configuration.fatal() {
            let place = self.sources.place(problem.span);
            complain(&match language {
                Language::English => format!("{place}: rsync gives up the file here, and serves nothing"),
                Language::Chinese => format!("{place}：rsync 读到这里就放弃，所有模块都不可用"),
            })?;
        }
        Ok(())
    }

    /// What becomes of the file, for an envelope's summary.
    fn as_json(&self) -> serde_json::Value {
        let configuration = &self.configuration;
        serde_json::json!({
            "file": self.sources.get(self.source).name(),
            "modules": configuration.modules.len(),
            "starts": configuration.starts(),
            "serves": configuration.serves(),
        })
    }
}

/// The module of a name.
///
/// # Errors
/// That there is none, with a near name, which is the likely reason.
pub(super) fn scope_of(configuration: &Configuration, name: &str) -> Result<Scope, String> {
    if let Some(index) = configuration.module(name.as_bytes()) {
        return Ok(Scope::Module(index));
    }
    Err(match configuration.module_like(name.as_bytes()) {
        Some(index) => format!(
            "there is no module `{name}`; clients must spell it `{}`",
            configuration.modules[index].name.display()
        ),
        None => format!("there is no module `{name}`"),
    })
}

/// The envelope of an answer about some files, with the keys of the command's own.
pub(super) fn envelope(
    command: &str,
    language: Language,
    files: &[&Resolved],
    own: impl IntoIterator<Item = (&'static str, serde_json::Value)>,
) -> serde_json::Value {
    let unseen: Vec<_> = files.iter().flat_map(|file| file.unseen()).collect();
    let fatal: Vec<_> = files.iter().filter_map(|file| file.fatal.as_ref()).collect();
    let configurations: Vec<_> = files.iter().map(|file| file.as_json()).collect();
    let summary = serde_json::json!({
        "release": files.first().map(|file| file.configuration.release),
        "configurations": configurations,
        "unchecked": unseen.len(),
    });
    render::envelope(command, &fatal, &unseen, summary, language, own)
}
