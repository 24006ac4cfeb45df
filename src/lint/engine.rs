mod documents;
mod passwords;
mod programs;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    catalog::{FileKind, Severity},
    diagnosis::{Finding, Unchecked},
    host::{Host, Part, Unknown},
    lint::{
        engine::passwords::PasswordFile,
        folders::Folders,
        options::Options,
        outcome::Outcome,
        roles::{Roles, closed_includes, hidden_suffixes, names_secrets},
        scripts,
        subject::{
            Circumstances, ConfigurationSubject, Facts, SecretsSubject, SersyncFile, SersyncSubject, Subject,
        },
    },
    model::{self, Configuration, Parameter, ProblemKind, access, resolve},
    syntax,
    terms::{Bytes, Source, SourceId, Sources, Span},
};

/// A file to check.
pub struct Input<'a> {
    /// How reports call it.
    pub name: String,
    /// Where it is, if it is a file.
    pub path: Option<PathBuf>,
    /// Its content.
    pub bytes: Bytes,
    /// What it is.
    pub kind: FileKind,
    /// Whether that is only what it looks like, so that another file that names it knows better.
    pub is_guess: bool,
    /// The machine that it is judged with.
    pub host: &'a dyn Host,
}

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Every file that was read.
    pub sources: Sources,
    /// The files that were asked for, with what they were taken for.
    pub files: Vec<(SourceId, FileKind)>,
    /// In the order of the files and the places in them.
    pub findings: Vec<Finding>,
    /// How many more findings there are of a rule, by severity; `unchecked` has them too.
    pub not_kept: BTreeMap<Severity, usize>,
    /// Whether a file was given that is larger, or has more parts, than what is read of it; `unchecked` has it too.
    pub is_cut: bool,
    /// What could not be checked.
    pub unchecked: BTreeSet<Unchecked>,
    /// For each file that another one includes: the line that does.
    pub included_by: BTreeMap<SourceId, Span>,
    /// How many findings a comment kept back.
    pub suppressed: usize,
    /// How many findings a baseline kept back, for whoever applies one.
    pub baselined: usize,
    /// The circumstances.
    pub circumstances: Circumstances,
    /// The settings file that had a say in it, for whoever applies one.
    pub settings: Option<String>,
}

impl Report {
    /// The chain of includes that leads to a file: the line that includes it, then the one that includes that line's
    /// file, and so on.
    pub fn includes_of(&self, source: SourceId) -> impl Iterator<Item = Span> {
        let directive = |source| self.included_by.get(&source).copied();
        std::iter::successors(directive(source), move |line| directive(line.source))
    }
}

/// Checks files.
pub fn lint<'a>(inputs: Vec<Input<'a>>, options: &'a Options) -> Report {
    lint_found(inputs, &Folders::default(), options)
}

/// Checks files, some of which were found in folders.
pub fn lint_found<'a>(inputs: Vec<Input<'a>>, folders: &'a Folders<'a>, options: &'a Options) -> Report {
    let inputs = folders.without_included(inputs, options.circumstances.release);
    let mut run = Run {
        options,
        folders,
        sources: Sources::default(),
        files: Vec::new(),
        outcome: Outcome::new(options),
        included_by: BTreeMap::new(),
        credentials: Vec::new(),
        passwords: Vec::new(),
        users: BTreeSet::new(),
        documents: Vec::new(),
        is_cut: false,
    };
    let (documents, files) = inputs
        .into_iter()
        .partition(|input| input.kind == FileKind::Markdown);
    run.project(files);
    for document in documents {
        run.document(document);
    }
    run.report()
}

struct Run<'a> {
    options: &'a Options,
    folders: &'a Folders<'a>,
    sources: Sources,
    files: Vec<(SourceId, FileKind)>,
    outcome: Outcome<'a>,
    included_by: BTreeMap<SourceId, Span>,
    /// The secrets and password files that were given, or that a configuration names and the machine shows.
    credentials: Vec<(SourceId, FileKind)>,
    /// The clients' password files that are still to be checked.
    passwords: Vec<PasswordFile<'a>>,
    /// Whom the files call users.
    users: BTreeSet<Vec<u8>>,
    /// The files that stand in scripts, each with its script.
    documents: Vec<(SourceId, SourceId)>,
    is_cut: bool,
}

/// The most that is read of a file that is neither a daemon's configuration nor one of passwords, in bytes.
const LARGEST_OTHER: usize = 4 << 20;

/// A file that is no daemon's configuration.
struct OtherFile<'a> {
    source: SourceId,
    path: Option<PathBuf>,
    kind: FileKind,
    host: &'a dyn Host,
}

impl<'a> Run<'a> {
    /// Checks files that belong together.
    fn project(&mut self, inputs: Vec<Input<'a>>) {
        self.credentials.clear();
        self.users.clear();
        let (files, daemons) = self.read(inputs);
        for (daemon, host) in &daemons {
            self.configuration(daemon, *host);
        }
        let daemons: Vec<Configuration> = daemons.into_iter().map(|(daemon, _)| daemon).collect();
        for file in &files {
            self.file(file, &daemons);
        }
        self.sersync_files(&files, &daemons);
        self.programs(&files, &daemons);
        self.passwords(&daemons);
    }

    /// Reads the configurations, and with what they say decides what the other files are.
    fn read(&mut self, inputs: Vec<Input<'a>>) -> (Vec<OtherFile<'a>>, Vec<(Configuration, &'a dyn Host)>) {
        let mut daemons = Vec::new();
        let mut others = Vec::new();
        let mut named = Roles::default();
        let mut inputs: VecDeque<_> = inputs.into_iter().map(|input| (input, None)).collect();
        while let Some((input, script)) = inputs.pop_front() {
            if self.is_too_large(&input) {
                continue;
            }
            let source = self
                .sources
                .add(Source::new(input.name.clone(), input.bytes.clone()));
            self.documents.extend(script.map(|script| (source, script)));
            if input.kind == FileKind::Script {
                let (documents, is_cut) = scripts::documents(&input.bytes);
                if is_cut {
                    self.cut(&input.name, scripts::MOST_WRITTEN, Part::WrittenFile);
                }
                for document in documents {
                    let input = Input {
                        name: input.name.clone(),
                        path: None,
                        bytes: document.bytes.into(),
                        kind: document.kind,
                        is_guess: false,
                        host: input.host,
                    };
                    inputs.push_front((input, Some(source)));
                }
            }
            if input.kind == FileKind::RsyncdConf {
                let release = self.options.circumstances.release;
                let files = self.folders.files(&input.name, input.host);
                let daemon = resolve(&mut self.sources, source, release, &files);
                for (source, ranges) in hidden_suffixes(&daemon) {
                    self.sources.hide(source, ranges);
                }
                for source in closed_includes(&daemon, &input.name, input.host) {
                    self.sources.hide_lines(source);
                }
                named.by_daemon(&daemon);
                self.not_seen(&daemon);
                let includes = daemon.includes.iter();
                for include in includes {
                    // The first line that includes a file stands for all: whoever has it was read before.
                    self.included_by
                        .entry(include.source)
                        .or_insert(include.directive);
                }
                daemons.push((daemon, input.host));
                if script.is_none() {
                    self.files.push((source, input.kind));
                }
            } else {
                if input.kind == FileKind::Sersync {
                    named.by_sersync(self.sources.get(source).bytes());
                }
                others.push((source, input.path, input.kind, input.is_guess, input.host));
            }
        }
        let others = others
            .into_iter()
            .map(|(source, path, kind, is_guess, host)| {
                let name = self.sources.get(source).name();
                let kind = if is_guess {
                    named.role(Path::new(name)).unwrap_or(kind)
                } else {
                    kind
                };
                if !self.documents.iter().any(|(document, _)| *document == source) {
                    self.files.push((source, kind));
                }
                self.credential(source, kind);
                OtherFile {
                    source,
                    path,
                    kind,
                    host,
                }
            })
            .collect();
        (others, daemons)
    }

    /// Takes note of a file that is too large for what it is said to be. Those with many users or modules may be large.
    /// Says that not every part of a file is looked at.
    fn cut(&mut self, name: &str, most: usize, part: Part) {
        self.outcome.unchecked.insert(Unchecked {
            rule: None,
            subject: name.to_owned(),
            reason: Unknown::TooManyParts(most, part),
        });
    }

    fn is_too_large(&mut self, input: &Input<'_>) -> bool {
        let may_be_large = matches!(
            input.kind,
            FileKind::RsyncdConf | FileKind::Secrets | FileKind::Password
        );
        let largest = match input.kind {
            FileKind::Script | FileKind::Dockerfile => scripts::LARGEST,
            _ => LARGEST_OTHER,
        };
        let is_too_large = !may_be_large && input.bytes.len() > largest;
        if is_too_large {
            self.is_cut = true;
            self.outcome.unchecked.insert(Unchecked {
                rule: None,
                subject: input.name.clone(),
                reason: Unknown::TooLarge(largest >> 10, input.kind.to_string()),
            });
        }
        is_too_large
    }

    /// Includes that were not followed: what stands in them is missing everywhere.
    fn not_seen(&mut self, daemon: &Configuration) {
        for problem in &daemon.problems {
            let file = self.sources.get(problem.span.source).name();
            if let Some((subject, reason)) = problem.kind.unread(file) {
                self.outcome.unchecked.insert(Unchecked {
                    rule: None,
                    subject,
                    reason,
                });
            }
            self.is_cut |= problem.kind == ProblemKind::TooLong;
        }
    }

    /// Takes note of a file of passwords, and hides them.
    fn credential(&mut self, source: SourceId, kind: FileKind) {
        let bytes = self.sources.get(source).bytes();
        match kind {
            FileKind::Secrets => {
                let hidden = syntax::secrets::hidden_in_secrets(bytes);
                let passwords = syntax::secrets::passwords_in_secrets(bytes);
                self.sources.hide_around(source, hidden, passwords);
            }
            FileKind::Password => {
                // Of a file that stands in a script the rest is empty lines, and the script's to show.
                let is_text = |byte: &u8| !matches!(byte, b'\n' | b'\r');
                let start = bytes.iter().position(is_text).unwrap_or(0);
                let end = bytes.iter().rposition(is_text).map_or(0, |last| last + 1);
                self.sources.hide(source, Some(start..end));
            }
            _ => return,
        }
        self.credentials.push((source, kind));
    }

    fn configuration(&mut self, configuration: &Configuration, host: &dyn Host) {
        let facts = Facts::default();
        let subject = Subject::Configuration(ConfigurationSubject {
            configuration,
            sources: &self.sources,
            host,
            circumstances: self.options.circumstances,
            facts: Some(&facts),
        });
        self.outcome.check(&subject);
        self.named_secrets(configuration, host);
    }

    /// The secrets files that a configuration names and that the machine shows us.
    fn named_secrets(&mut self, configuration: &Configuration, host: &dyn Host) {
        let scopes = configuration.module_scopes().map(|(scope, _)| scope);
        let paths: BTreeSet<&Path> = scopes
            .filter(|scope| access::has_rules(configuration, *scope))
            .map(|scope| configuration.text(scope, Parameter::SecretsFile).value)
            .map(|path| Path::new(OsStr::from_bytes(path)))
            .filter(|path| path.is_absolute())
            .collect();
        for path in paths {
            match host.read(path) {
                Ok(Some(bytes)) => {
                    let source = self.sources.add(Source::new(path.display().to_string(), bytes));
                    self.credential(source, FileKind::Secrets);
                    self.secrets(source, None, &[configuration], host);
                }
                // What is missing, and that there is no machine to ask, the checks of the line itself say.
                Ok(None) | Err(Unknown::NoHost) => {}
                Err(reason) => {
                    self.outcome.unchecked.insert(Unchecked {
                        rule: None,
                        subject: path.display().to_string(),
                        reason,
                    });
                }
            }
        }
    }

    fn file(&mut self, file: &OtherFile<'a>, daemons: &[Configuration]) {
        match file.kind {
            FileKind::Secrets => {
                let name = Path::new(self.sources.get(file.source).name()).to_owned();
                let users: Vec<_> = daemons
                    .iter()
                    .filter(|daemon| names_secrets(daemon, &name))
                    .collect();
                self.secrets(file.source, file.path.as_deref(), &users, file.host);
            }
            FileKind::Password => self.passwords.push(PasswordFile {
                source: file.source,
                path: file.path.clone(),
                host: file.host,
            }),
            _ => {}
        }
    }

    fn secrets(
        &mut self,
        source: SourceId,
        path: Option<&Path>,
        configurations: &[&Configuration],
        host: &dyn Host,
    ) {
        let subject = Subject::Secrets(SecretsSubject {
            source,
            path,
            sources: &self.sources,
            configurations,
            host,
            circumstances: self.options.circumstances,
        });
        self.outcome.check(&subject);
    }

    fn sersync_files(&mut self, files: &[OtherFile<'a>], daemons: &[Configuration]) {
        let files: Vec<_> = files
            .iter()
            .filter(|file| file.kind == FileKind::Sersync)
            .map(|file| {
                let bytes = self.sources.get(file.source).bytes();
                let document = syntax::sersync::parse(bytes);
                let configuration = model::sersync::Configuration::read(&document, bytes);
                let read = SersyncFile {
                    source: file.source,
                    document,
                    configuration,
                };
                (read, file.host)
            })
            .collect();
        for (file, host) in &files {
            self.user_of_sersync(file);
            let passwords = file.document.passwords(self.sources.get(file.source).bytes());
            self.sources.hide(file.source, passwords);
            let auth = file.configuration.active_auth();
            let setting = auth.and_then(|auth| auth.passwordfile.as_ref());
            if let Some(setting) = setting {
                self.named_password(Path::new(OsStr::from_bytes(setting.value.bytes())), *host);
            }
        }
        let (files, hosts): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        for (index, host) in hosts.into_iter().enumerate() {
            self.sersync(index, &files, daemons, host);
        }
    }

    fn sersync(&mut self, index: usize, files: &[SersyncFile], daemons: &[Configuration], host: &dyn Host) {
        let file = &files[index];
        let subject = Subject::Sersync(SersyncSubject {
            source: file.source,
            sources: &self.sources,
            document: &file.document,
            configuration: &file.configuration,
            earlier: &files[..index],
            credentials: &self.credentials,
            daemons,
            host,
        });
        self.outcome.check(&subject);
    }

    fn report(mut self) -> Report {
        self.outcome.findings.move_to(&self.documents);
        self.outcome.finish(&self.sources);
        let has_more = |one: &Unchecked| matches!(one.reason, Unknown::TooManyParts(..));
        let is_cut = self.is_cut || self.outcome.unchecked.iter().any(has_more);
        Report {
            sources: self.sources,
            files: self.files,
            findings: self.outcome.findings.kept,
            not_kept: self.outcome.not_kept,
            is_cut,
            unchecked: self.outcome.unchecked,
            included_by: self.included_by,
            suppressed: self.outcome.suppressed,
            baselined: 0,
            circumstances: self.options.circumstances,
            settings: None,
        }
    }
}
