//! What files say about a failure: the server's configuration, and the client's password file.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use nix::unistd::{Uid, User};

use crate::{
    catalog::{FileKind, page},
    cli::{
        Failure, doctor,
        input::{Hosts, Machine, read, unreadable},
    },
    diagnosis::Finding,
    doctor::unread,
    explain::{Known, Predicted, Secrets, Server},
    host::{Host, Live},
    lint::{HostFiles, Input, Options, Report, closed_includes, hidden_suffixes, lint},
    model::{Configuration, Files, Parameter, Scope, Setting, has_variable, resolve},
    syntax::secrets::{self, Content},
    terms::{Release, Source, Sources},
};

/// The server's configuration.
#[derive(Args, Debug)]
pub(super) struct ServerFile {
    /// The server's rsyncd.conf, which decides between causes
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The release of rsync on the server
    #[arg(long, value_name = "RELEASE", default_value_t = Release::CURRENT)]
    target_version: Release,
    #[command(flatten)]
    machine: Machine,
}

impl ServerFile {
    /// The machines that files may be judged with.
    pub(super) fn hosts(&self) -> Result<Hosts, Failure> {
        self.machine.hosts()
    }

    /// What a file of this machine says against itself.
    pub(super) fn known_here(&self, file: &Path) -> Result<Known, Failure> {
        let known = of_server(file, &self.hosts()?, &Live, self.target_version)?;
        Ok(with_machine(known))
    }

    /// The same of the daemon that is a process of this machine.
    pub(super) fn known_of(&self, process: u32, file: &Path, modules: Vec<String>) -> Result<Known, Failure> {
        match doctor::known_of(process, self.target_version, modules)? {
            Some(known) => Ok(with_machine(known)),
            None => self.known_here(file),
        }
    }

    /// The file that is named, if it is one of this machine as it is.
    pub(super) fn of_this_machine(&self) -> Result<Option<&Path>, Failure> {
        let hosts = self.hosts()?;
        Ok(self.config.as_deref().filter(|file| hosts.is_live(file)))
    }

    /// What it says against itself; nothing if none is named.
    pub(super) fn known(&self) -> Result<Known, Failure> {
        match &self.config {
            Some(file) => {
                let hosts = self.hosts()?;
                let known = of_server(file, &hosts, hosts.of(file), self.target_version)?;
                Ok(if hosts.is_live(file) {
                    with_machine(known)
                } else {
                    known
                })
            }
            None => Ok(Known::default()),
        }
    }
}

/// Lets rules of `auth users` that name groups be judged by those of this machine, and modules be looked for in its other
/// files.
fn with_machine(mut known: Known) -> Known {
    if let Some(server) = &mut known.server {
        server.groups = |user| Live.groups(user).ok();
        server.unread = unread(&Live, server);
    }
    known
}

/// What the configuration of this machine's daemon says against itself; nothing if it cannot be read.
pub(super) fn here(file: &Path, release: Release) -> Known {
    let Ok(Some(bytes)) = Live.read(file) else {
        return Known::default();
    };
    let options = Options::of_release(release, jiff::Zoned::now().date());
    with_machine(judge(file, bytes, &Live, &options).0)
}

fn of_server(file: &Path, hosts: &Hosts, host: &dyn Host, release: Release) -> Result<Known, Failure> {
    let bytes = read(hosts, file).map_err(|reason| unreadable(file, &reason, ""))?;
    let options = Options::of_release(release, jiff::Zoned::now().date());
    Ok(of_configuration(file, bytes, host, &HostFiles(host), &options))
}

/// What a daemon's configuration says against itself on a machine that has those files.
pub(super) fn of_configuration(
    file: &Path,
    bytes: Vec<u8>,
    host: &dyn Host,
    files: &dyn Files,
    options: &Options,
) -> Known {
    judged(file, bytes, host, files, options).0
}

/// The same with the findings that it comes from.
pub(super) fn judge(file: &Path, bytes: Vec<u8>, host: &dyn Host, options: &Options) -> (Known, Report) {
    judged(file, bytes, host, &HostFiles(host), options)
}

fn judged(
    file: &Path,
    bytes: Vec<u8>,
    host: &dyn Host,
    files: &dyn Files,
    options: &Options,
) -> (Known, Report) {
    let release = options.circumstances.release;
    let report = check(file, bytes.clone(), FileKind::RsyncdConf, host, options);
    let mut sources = Sources::default();
    let source = sources.add(Source::new(file.display().to_string(), bytes));
    let configuration = resolve(&mut sources, source, release, files);
    // Lines are cited where they are to blame.
    for (source, ranges) in hidden_suffixes(&configuration) {
        sources.hide(source, ranges);
    }
    for source in closed_includes(&configuration, &file.display().to_string(), host) {
        sources.hide_lines(source);
    }
    let mut findings = predicted(&report, release);
    let sections = sections(&configuration, &sources);
    let secrets = secrets(&configuration, host);
    let is_above = |setting: &&Setting| configuration.blocks[setting.block].scope == Scope::Global;
    let above: Vec<_> = configuration.settings.iter().filter(is_above).collect();
    for (predicted, finding) in findings.iter_mut().zip(&report.findings) {
        let Some(label) = finding.labels.first() else {
            continue;
        };
        let place = (report.sources.get(label.span.source).name(), label.span.start);
        let inherited = heirs(&configuration, &sources, &above, place);
        if finding.members.is_empty() && !inherited.is_empty() {
            // It is told of one module, and the line is one that others have too.
            predicted.modules = inherited;
        } else if predicted.modules.is_empty() {
            // A secrets file is of those modules that read it.
            let readers = secrets.iter().filter(|(_, secrets)| secrets.file == place.0);
            predicted
                .modules
                .extend(readers.map(|(module, _)| module.clone()));
            // Clients of other modules are spared what a line in the section of one sets.
            let before = sections.range(..=place).next_back();
            let own = before.filter(|((file, _), (end, _))| *file == place.0 && place.1 <= *end);
            predicted
                .modules
                .extend(own.map(|(_, (_, module))| module.clone()));
        }
    }
    let known = Known {
        names: Vec::new(),
        is_tried: false,
        is_of_no_unit: false,
        findings,
        unchecked: report
            .unchecked
            .iter()
            .filter_map(|unchecked| unchecked.rule)
            .collect(),
        server: Some(Server {
            sources,
            configuration,
            groups: |_| None,
            secrets,
            unread: BTreeMap::new(),
            plain_user: plain_user(options.circumstances.daemon_uid),
        }),
    };
    (known, report)
}

/// Who has a password in the secrets files of the modules that want one, where those can be read.
fn secrets(configuration: &Configuration, host: &dyn Host) -> BTreeMap<String, Secrets> {
    let mut read: BTreeMap<&[u8], Option<Secrets>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for (scope, module) in configuration.module_scopes() {
        let file = configuration.text(scope, Parameter::SecretsFile).value;
        let users = configuration.text(scope, Parameter::AuthUsers).value;
        if users.is_empty() || !file.starts_with(b"/") || has_variable(file) {
            continue;
        }
        let secrets = read.entry(file).or_insert_with(|| {
            let path = Path::new(OsStr::from_bytes(file));
            Some(secrets_of(path, &host.read(path).ok()??))
        });
        let name = module.name.display().into_owned();
        found.extend(secrets.clone().map(|secrets| (name, secrets)));
    }
    found
}

fn secrets_of(path: &Path, bytes: &[u8]) -> Secrets {
    let (mut names, mut empty, mut has_groups) = (Vec::new(), Vec::new(), false);
    for (index, line) in secrets::parse(bytes).into_iter().enumerate() {
        if let Content::Secret {
            name,
            is_group,
            password,
        } = line.content
        {
            has_groups |= is_group;
            empty.extend(password.is_empty().then_some(index + 1));
            let name = String::from_utf8_lossy(&bytes[name]).into_owned();
            names.push((name, index + 1));
        }
    }
    Secrets {
        file: path.display().to_string(),
        names,
        empty,
        has_groups,
    }
}

/// The name of a user who is not root.
fn plain_user(uid: u32) -> Option<String> {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    (uid != 0).then(|| found.map_or_else(|| uid.to_string(), |user| user.name))
}

/// What is wrong with a client's password file on this machine; nothing if it cannot be read, which its client says.
pub(super) fn of_password_file(file: &Path) -> Vec<Predicted> {
    if file.is_dir() {
        let page = page(PASSWORD_FILE_NOT_OPENED).expect("the pages that code names are there");
        return vec![Predicted {
            rule: page.id,
            place: file.display().to_string(),
            others: Vec::new(),
            confidence: page.confidence,
            symptoms: page.symptoms.iter().collect(),
            modules: Vec::new(),
            variant: Some("folder"),
            arguments: vec![("path", file.display().to_string())],
        }];
    }
    let Ok(Some(bytes)) = Live.read(file) else {
        return Vec::new();
    };
    let options = Options::of_release(Release::CURRENT, jiff::Zoned::now().date());
    let report = check(file, bytes, FileKind::Password, &Live, &options);
    let mut predicted = predicted(&report, Release::CURRENT);
    for (predicted, finding) in predicted.iter_mut().zip(&report.findings) {
        // What may be meant so before a login is likely a mistake once it failed.
        predicted.symptoms = finding.page.symptoms.iter().collect();
    }
    predicted
}

/// The page of a password file that the client cannot use.
const PASSWORD_FILE_NOT_OPENED: &str = "RSY879";

fn check(file: &Path, bytes: Vec<u8>, kind: FileKind, host: &dyn Host, options: &Options) -> Report {
    let input = Input {
        name: file.display().to_string(),
        path: Some(file.to_owned()),
        bytes: bytes.into(),
        kind,
        is_guess: false,
        host,
    };
    lint(vec![input], options)
}

fn predicted(report: &Report, release: Release) -> Vec<Predicted> {
    let findings = report.findings.iter().map(|finding| Predicted {
        rule: finding.page.id,
        place: finding
            .labels
            .first()
            .map_or_else(String::new, |label| report.sources.place(label.span)),
        others: (finding.labels.iter().skip(1))
            .map(|label| report.sources.place(label.span))
            .collect(),
        confidence: finding.confidence,
        symptoms: finding.predictions(release).collect(),
        modules: modules(finding),
        variant: finding.variant,
        arguments: finding.arguments.clone(),
    });
    findings.collect()
}

/// Where lines that set something for one module stand: file and begin, with end and module.
fn sections<'s>(
    configuration: &Configuration,
    sources: &'s Sources,
) -> BTreeMap<(&'s str, u32), (u32, String)> {
    let settings = configuration.settings.iter();
    let own = settings.filter_map(|setting| match configuration.blocks[setting.block].scope {
        Scope::Module(index) => {
            let span = setting.span();
            let module = configuration.modules[index].name.display().into_owned();
            Some(((sources.get(span.source).name(), span.start), (span.end, module)))
        }
        Scope::Global => None,
    });
    own.collect()
}

/// The modules in which a line holds that stands above them all.
fn heirs(
    configuration: &Configuration,
    sources: &Sources,
    above: &[&Setting],
    (file, at): (&str, u32),
) -> Vec<String> {
    let is_there = |setting: &&Setting| {
        let span = setting.span();
        sources.get(span.source).name() == file && (span.start..=span.end).contains(&at)
    };
    let Some(setting) = above.iter().copied().find(is_there) else {
        return Vec::new();
    };
    let holds = |index: &usize| {
        let origin = configuration.origin(Scope::Module(*index), setting.parameter);
        origin.setting().is_some_and(|own| own.span() == setting.span())
    };
    let modules = (0..configuration.modules.len()).filter(holds);
    modules
        .map(|index| configuration.modules[index].name.display().into_owned())
        .collect()
}

/// The modules that a finding is about.
fn modules(finding: &Finding) -> Vec<String> {
    let members = finding.members.iter().map(|member| member.module.clone());
    let named = finding.arguments.iter().filter(|(kind, _)| *kind == "module");
    let named = named.map(|(_, module)| module.clone());
    if finding.members.is_empty() {
        named.collect()
    } else {
        members.collect()
    }
}
