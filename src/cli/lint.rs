use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::{
    catalog::{self, FileKind, Page, Severity},
    cli::{
        Failure, exit,
        output::{Output, ReportFormat, stdout},
    },
    host::{Host, Image, LARGEST_FILE, Live, NoHost},
    lint::{self, Circumstances, Input, Options, Report},
    render,
    terms::Release,
};

/// Check rsyncd.conf, secrets files and sersync configurations
///
/// Ends with 0 if nothing at or above --fail-on was found, 1 if something was, 2 for wrong usage, 3 if something that
/// was asked for could not be checked.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Files and folders to check; `-` is standard input
    #[arg(value_name = "PATH", default_value = "/etc/rsyncd.conf")]
    paths: Vec<PathBuf>,
    /// What the files are, instead of recognising them by name and content
    #[arg(long, value_name = "KIND")]
    kind: Option<KindName>,
    /// The name under which standard input is reported and recognised
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    stdin_name: PathBuf,
    /// Which machine the files are judged with
    #[arg(long, value_name = "HOST", default_value = "auto", conflicts_with = "root")]
    host: HostName,
    /// Judge the files with the machine whose file system is below this folder
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Check only these rules (identifiers or names, separated by commas)
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule)]
    select: Vec<&'static Page>,
    /// Do not check these rules
    #[arg(long, value_name = "RULES", value_delimiter = ',', value_parser = rule)]
    ignore: Vec<&'static Page>,
    /// The least severity that makes the command fail
    #[arg(long, value_name = "SEVERITY", default_value = "warning")]
    fail_on: Threshold,
    /// The release of rsync that will read the files
    #[arg(long, value_name = "VERSION", default_value_t = Release::CURRENT)]
    target_version: Release,
    #[command(flatten)]
    output: Output<ReportFormat>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindName {
    #[value(name = "rsyncd.conf")]
    RsyncdConf,
    Secrets,
    Password,
    Sersync,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum HostName {
    /// This machine for files below /etc, none for all others
    Auto,
    /// This machine
    Live,
    /// No machine: judge the text alone
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Threshold {
    Error,
    Warning,
    Info,
    Never,
}

/// Checks the files and writes the report.
pub(super) fn run(arguments: Arguments) -> Result<u8, Failure> {
    let hosts = Hosts::new(&arguments);
    let mut inputs = Vec::new();
    for path in &arguments.paths {
        if path == Path::new("-") {
            let bytes = standard_input()?;
            inputs.extend(input(
                &arguments,
                &hosts,
                arguments.stdin_name.clone(),
                bytes,
                true,
            )?);
            continue;
        }
        for file in lint::discover(path)? {
            let bytes = Live
                .read(&file)
                .map_err(|error| format!("cannot read `{}`: {error}", file.display()))?;
            let bytes = bytes.ok_or_else(|| format!("`{}` is gone", file.display()))?;
            let was_named = file == *path;
            inputs.extend(input(&arguments, &hosts, file, bytes, was_named)?);
        }
    }
    if inputs.is_empty() {
        return Err("there is nothing to check in the folders that were given".into());
    }
    let options = Options {
        circumstances: Circumstances {
            release: arguments.target_version,
            from_release: None,
            daemon_uid: 0,
            today: jiff::Zoned::now().date(),
        },
        select: arguments.select.clone(),
        ignore: arguments.ignore.clone(),
        severities: Vec::new(),
    };
    let report = lint::lint(inputs, &options);
    let mut out = stdout();
    render::report(
        arguments.output.format(),
        &report,
        arguments.output.style(),
        &mut out,
    )?;
    out.flush()?;
    Ok(code(&report, &arguments))
}

fn code(report: &Report, arguments: &Arguments) -> u8 {
    let threshold = match arguments.fail_on {
        Threshold::Error => Some(Severity::Error),
        Threshold::Warning => Some(Severity::Warning),
        Threshold::Info => Some(Severity::Info),
        Threshold::Never => None,
    };
    let fails = |severity| threshold.is_some_and(|threshold| severity >= threshold);
    if report.findings.iter().any(|finding| fails(finding.severity)) {
        return exit::FINDINGS;
    }
    // Facts that nobody asked for by naming a machine or a rule are only mentioned.
    let has_machine = arguments.host == HostName::Live || arguments.root.is_some();
    if !report.unchecked.is_empty() && (has_machine || !arguments.select.is_empty()) {
        return exit::UNCHECKED;
    }
    exit::CLEAN
}

fn input<'a>(
    arguments: &Arguments,
    hosts: &'a Hosts,
    path: PathBuf,
    bytes: Vec<u8>,
    was_named: bool,
) -> Result<Option<Input<'a>>, Failure> {
    let name = path.display().to_string();
    let kind = match arguments.kind {
        Some(KindName::RsyncdConf) => Some(FileKind::RsyncdConf),
        Some(KindName::Secrets) => Some(FileKind::Secrets),
        Some(KindName::Password) => Some(FileKind::Password),
        Some(KindName::Sersync) => Some(FileKind::Sersync),
        None => lint::recognise(&path, &bytes),
    };
    match kind {
        Some(kind) => Ok(Some(Input {
            host: hosts.of(&path),
            name,
            path: Some(path),
            bytes,
            kind,
            is_guess: arguments.kind.is_none(),
        })),
        None if was_named => Err(format!(
            "cannot tell what `{name}` is; say so with --kind (rsyncd.conf, secrets, password, sersync)"
        )
        .into()),
        None => Ok(None),
    }
}

/// The machines that files may be judged with.
struct Hosts {
    choice: HostName,
    image: Option<Image>,
}

impl Hosts {
    fn new(arguments: &Arguments) -> Self {
        Self {
            choice: arguments.host,
            image: arguments.root.as_ref().map(Image::new),
        }
    }

    fn of(&self, path: &Path) -> &dyn Host {
        if let Some(image) = &self.image {
            return image;
        }
        match self.choice {
            HostName::Live => &Live,
            HostName::None => &NoHost,
            HostName::Auto if is_live_place(path) => &Live,
            HostName::Auto => &NoHost,
        }
    }
}

/// Whether a file lies where a daemon of this machine would read it.
fn is_live_place(path: &Path) -> bool {
    let places = ["/etc", "/usr/local/etc", "/opt/etc"];
    std::path::absolute(path).is_ok_and(|path| places.iter().any(|place| path.starts_with(place)))
}

fn standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other("standard input is larger than 256 MiB"));
    }
    Ok(bytes)
}

fn rule(name: &str) -> Result<&'static Page, String> {
    catalog::page(name).ok_or_else(|| match catalog::nearest(name) {
        Some(page) => format!(
            "no rule is called `{name}`; did you mean {} ({})?",
            page.id, page.name
        ),
        None => format!("no rule is called `{name}`; `rsyncctl rules` lists them"),
    })
}
