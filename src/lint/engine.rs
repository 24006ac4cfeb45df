use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    catalog::{FileKind, Page, Severity},
    diagnosis::{Finding, Unchecked},
    host::Host,
    lint::{
        checks, consequences,
        files::HostFiles,
        report::{Case, Reporter},
        roles::{Roles, hidden_suffixes, names_secrets},
        services::{Given, Services, ServicesSubject},
        subject::{
            Circumstances, ConfigurationSubject, PasswordSubject, SecretsSubject, SersyncFile, SersyncSubject,
        },
        suppress::{Mistake, Suppression, Suppressions},
    },
    model::{self, Configuration, Parameter, ProblemKind, access, resolve},
    syntax,
    terms::{Source, SourceId, Sources, Span},
};

/// A file to check.
pub struct Input<'a> {
    /// How reports call it.
    pub name: String,
    /// Where it is, if it is a file.
    pub path: Option<PathBuf>,
    /// Its content.
    pub bytes: Vec<u8>,
    /// What it is.
    pub kind: FileKind,
    /// Whether that is only what it looks like, so that another file that names it knows better.
    pub is_guess: bool,
    /// The machine that it is judged with.
    pub host: &'a dyn Host,
}

/// What the user wants to hear.
#[derive(Debug)]
pub struct Options {
    /// The circumstances that the files are judged for.
    pub circumstances: Circumstances,
    /// The only rules to check; empty: all.
    pub select: Vec<&'static Page>,
    /// Rules not to check.
    pub ignore: Vec<&'static Page>,
    /// Severities that replace those of the pages.
    pub severities: Vec<(&'static Page, Severity)>,
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
    /// What could not be checked.
    pub unchecked: BTreeSet<Unchecked>,
    /// For each file that another one includes: the line that does.
    pub included_by: BTreeMap<SourceId, Span>,
    /// How many findings a comment kept back.
    pub suppressed: usize,
    /// The circumstances.
    pub circumstances: Circumstances,
}

/// Checks files.
pub fn lint(inputs: Vec<Input<'_>>, options: &Options) -> Report {
    let mut run = Run {
        options,
        sources: Sources::default(),
        files: Vec::new(),
        findings: Vec::new(),
        unchecked: BTreeSet::new(),
        included_by: BTreeMap::new(),
        credentials: Vec::new(),
    };
    let (files, daemons) = run.read(inputs);
    for (daemon, host) in &daemons {
        run.configuration(daemon, *host);
    }
    let daemons: Vec<Configuration> = daemons.into_iter().map(|(daemon, _)| daemon).collect();
    for file in &files {
        run.file(file, &daemons);
    }
    run.sersync_files(&files, &daemons);
    run.services(&files, &daemons);
    run.finish()
}

/// A shorter secret is part of too many words, and of too little worth, to be looked for in them.
const SHORTEST_SECRET: usize = 4;
/// How many secrets are looked for in the words of findings.
const MOST_SECRETS: usize = 1_000;

struct Run<'a> {
    options: &'a Options,
    sources: Sources,
    files: Vec<(SourceId, FileKind)>,
    findings: Vec<Finding>,
    unchecked: BTreeSet<Unchecked>,
    included_by: BTreeMap<SourceId, Span>,
    /// The secrets and password files that were given, or that a configuration names and the machine shows.
    credentials: Vec<(SourceId, FileKind)>,
}

/// A file that is no daemon's configuration.
struct OtherFile<'a> {
    source: SourceId,
    path: Option<PathBuf>,
    kind: FileKind,
    host: &'a dyn Host,
}

impl Run<'_> {
    /// Reads the configurations, and with what they say decides what the other files are.
    fn read<'h>(
        &mut self,
        inputs: Vec<Input<'h>>,
    ) -> (Vec<OtherFile<'h>>, Vec<(Configuration, &'h dyn Host)>) {
        let mut daemons = Vec::new();
        let mut others = Vec::new();
        let mut named = Roles::default();
        for input in inputs {
            let source = self.sources.add(Source::new(input.name, input.bytes));
            if input.kind == FileKind::RsyncdConf {
                let release = self.options.circumstances.release;
                let daemon = resolve(&mut self.sources, source, release, &HostFiles(input.host));
                for (source, ranges) in hidden_suffixes(&daemon) {
                    self.sources.hide(source, ranges);
                }
                named.by_daemon(&daemon);
                self.not_seen(&daemon);
                let includes = daemon.includes.iter();
                self.included_by
                    .extend(includes.map(|include| (include.source, include.directive)));
                daemons.push((daemon, input.host));
                self.files.push((source, input.kind));
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
                self.files.push((source, kind));
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

    /// Includes that were not followed: what stands in them is missing everywhere.
    fn not_seen(&mut self, daemon: &Configuration) {
        for problem in &daemon.problems {
            if let ProblemKind::IncludeNotSeen(path, reason) = &problem.kind {
                self.unchecked.insert(Unchecked {
                    rule: None,
                    subject: path.display().to_string(),
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Takes note of a file of passwords, and hides them.
    fn credential(&mut self, source: SourceId, kind: FileKind) {
        let bytes = self.sources.get(source).bytes();
        let length = bytes.len();
        match kind {
            FileKind::Secrets => {
                let hidden = syntax::secrets::hidden_in_secrets(bytes);
                self.sources.hide(source, hidden);
            }
            FileKind::Password => self.sources.hide(source, Some(0..length)),
            _ => return,
        }
        self.credentials.push((source, kind));
    }

    fn configuration(&mut self, configuration: &Configuration, host: &dyn Host) {
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            if let checks::Run::Configuration(run) = check.run {
                let subject = ConfigurationSubject {
                    configuration,
                    sources: &self.sources,
                    host,
                    circumstances: self.options.circumstances,
                };
                run(
                    &subject,
                    &mut Reporter::new(check.rule, &mut self.findings, &mut self.unchecked),
                );
            }
        }
        self.named_secrets(configuration, host);
    }

    /// The secrets files that a configuration names and that the machine shows us.
    fn named_secrets(&mut self, configuration: &Configuration, host: &dyn Host) {
        let scopes = configuration.module_scopes().map(|(scope, _)| scope);
        let paths: BTreeSet<PathBuf> = scopes
            .filter(|scope| access::has_rules(configuration, *scope))
            .map(|scope| {
                PathBuf::from(OsStr::from_bytes(
                    configuration.text(scope, Parameter::SecretsFile).value,
                ))
            })
            .filter(|path| path.is_absolute())
            .collect();
        for path in paths {
            // What is missing or hidden from us is the business of the checks that ask for it.
            if let Ok(Some(bytes)) = host.read(&path) {
                let source = self.sources.add(Source::new(path.display().to_string(), bytes));
                self.credential(source, FileKind::Secrets);
                self.secrets(source, &[configuration]);
            }
        }
    }

    fn file(&mut self, file: &OtherFile<'_>, daemons: &[Configuration]) {
        match file.kind {
            FileKind::Secrets => {
                let name = Path::new(self.sources.get(file.source).name()).to_owned();
                let users: Vec<_> = daemons
                    .iter()
                    .filter(|daemon| names_secrets(daemon, &name))
                    .collect();
                self.secrets(file.source, &users);
            }
            FileKind::Password => self.password(file.source, file.path.as_deref(), file.host),
            _ => {}
        }
    }

    fn secrets(&mut self, source: SourceId, configurations: &[&Configuration]) {
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            if let checks::Run::Secrets(run) = check.run {
                let subject = SecretsSubject {
                    source,
                    sources: &self.sources,
                    configurations,
                };
                run(
                    &subject,
                    &mut Reporter::new(check.rule, &mut self.findings, &mut self.unchecked),
                );
            }
        }
    }

    fn password(&mut self, source: SourceId, path: Option<&Path>, host: &dyn Host) {
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            if let checks::Run::Password(run) = check.run {
                let subject = PasswordSubject {
                    source,
                    path,
                    sources: &self.sources,
                    host,
                };
                run(
                    &subject,
                    &mut Reporter::new(check.rule, &mut self.findings, &mut self.unchecked),
                );
            }
        }
    }

    fn sersync_files(&mut self, files: &[OtherFile<'_>], daemons: &[Configuration]) {
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
            self.sources.hide(file.source, file.document.passwords());
            self.named_password(&file.configuration, *host);
        }
        let (files, hosts): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        for (index, host) in hosts.into_iter().enumerate() {
            self.sersync(index, &files, daemons, host);
        }
    }

    /// The password file that sersync hands to rsync, if the machine shows it.
    fn named_password(&mut self, configuration: &model::sersync::Configuration, host: &dyn Host) {
        let auth = configuration.active_auth();
        let Some(setting) = auth.and_then(|auth| auth.passwordfile.as_ref()) else {
            return;
        };
        let path = Path::new(OsStr::from_bytes(setting.value.bytes()));
        let name = path.display().to_string();
        if !path.is_absolute() || self.sources.iter().any(|(_, source)| source.name() == name) {
            return;
        }
        if let Ok(Some(bytes)) = host.read(path) {
            let source = self.sources.add(Source::new(name, bytes));
            self.credential(source, FileKind::Password);
            self.password(source, Some(path), host);
        }
    }

    fn sersync(&mut self, index: usize, files: &[SersyncFile], daemons: &[Configuration], host: &dyn Host) {
        let file = &files[index];
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            if let checks::Run::Sersync(run) = check.run {
                let subject = SersyncSubject {
                    source: file.source,
                    sources: &self.sources,
                    document: &file.document,
                    configuration: &file.configuration,
                    earlier: &files[..index],
                    credentials: &self.credentials,
                    daemons,
                    host,
                };
                run(
                    &subject,
                    &mut Reporter::new(check.rule, &mut self.findings, &mut self.unchecked),
                );
            }
        }
    }

    fn services(&mut self, files: &[OtherFile<'_>], daemons: &[Configuration]) {
        let given = files.iter().map(|file| Given {
            source: file.source,
            kind: file.kind,
            host: file.host,
        });
        let services = Services::read(given, &mut self.sources);
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            if let checks::Run::Services(run) = check.run {
                let subject = ServicesSubject {
                    services: &services,
                    sources: &self.sources,
                    daemons,
                    circumstances: self.options.circumstances,
                };
                run(
                    &subject,
                    &mut Reporter::new(check.rule, &mut self.findings, &mut self.unchecked),
                );
            }
        }
    }

    fn finish(mut self) -> Report {
        consequences::drop_explained(&mut self.findings);
        let suppressed = self.suppress();
        for finding in &mut self.findings {
            let mut chosen = self.options.severities.iter().rev();
            if let Some((_, severity)) = chosen.find(|(page, _)| page.id == finding.page.id) {
                finding.severity = *severity;
            }
        }
        self.mask_arguments();
        self.findings.sort_by_key(|finding| {
            let first = finding.labels[0].span;
            (first.source, first.start, finding.page.id)
        });
        Report {
            sources: self.sources,
            files: self.files,
            findings: self.findings,
            unchecked: self.unchecked,
            included_by: self.included_by,
            suppressed,
            circumstances: self.options.circumstances,
        }
    }

    /// Takes what no report may show out of the findings' own words too.
    fn mask_arguments(&mut self) {
        let secrets: BTreeSet<String> = self
            .sources
            .iter()
            .flat_map(|(_, source)| source.hidden_texts())
            .filter(|text| text.len() >= SHORTEST_SECRET)
            .take(MOST_SECRETS)
            .collect();
        if secrets.is_empty() {
            return;
        }
        for (_, value) in self
            .findings
            .iter_mut()
            .flat_map(|finding| &mut finding.arguments)
        {
            for secret in &secrets {
                if value.contains(secret.as_str()) {
                    *value = value.replace(secret.as_str(), &"*".repeat(secret.chars().count()));
                }
            }
        }
    }

    /// Keeps back what comments allow, and reports comments that allow nothing, or no longer.
    fn suppress(&mut self) -> usize {
        let before = self.findings.len();
        let today = self.options.circumstances.today;
        let mut comments: BTreeMap<SourceId, Suppressions> = self
            .sources
            .iter()
            .map(|(id, source)| (id, Suppressions::of(id, source, today)))
            .collect();
        let sources = &self.sources;
        self.findings.retain(|finding| {
            let first = finding.labels[0].span;
            let line = sources.get(first.source).line_of(first.start as usize);
            let of_source = comments.get_mut(&first.source);
            !of_source.is_some_and(|comments| comments.allow(finding.page.id, line))
        });
        let suppressed = before - self.findings.len();
        for comments in comments.into_values() {
            for one in &comments.allowed {
                self.judge(one);
            }
            for comment in comments.misunderstood {
                let variant = match comment.what {
                    Mistake::Verb => "verb",
                    Mistake::Rule => "rule",
                    Mistake::Date => "date",
                };
                let case = Case::at(comment.span).variant(variant).with("word", comment.word);
                self.own("RSY001", case);
            }
        }
        suppressed
    }

    fn judge(&mut self, one: &Suppression) {
        let case = |span| Case::at(span).with("rule", one.page.id);
        match one.until {
            Some((until, span)) if until < self.options.circumstances.today => {
                self.own("RSY003", case(span).with("date", until.to_string()));
            }
            // A rule that was not run had no chance to be kept back.
            _ if !one.used && is_wanted(self.options, one.page.id) => self.own("RSY002", case(one.span)),
            _ => {}
        }
        if !one.has_reason {
            self.own("RSY004", case(one.span));
        }
    }

    fn own(&mut self, rule: &'static str, case: Case) {
        if is_wanted(self.options, rule) {
            Reporter::new(rule, &mut self.findings, &mut self.unchecked).report(case);
        }
    }
}

fn is_wanted(options: &Options, rule: &str) -> bool {
    let named = |pages: &[&Page]| pages.iter().any(|page| page.id == rule);
    (options.select.is_empty() || named(&options.select)) && !named(&options.ignore)
}
