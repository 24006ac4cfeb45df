mod baseline;
mod choice;
pub(in crate::cli) mod fix;
mod report;
mod uncovered;
mod unwritten;

use std::{
    collections::BTreeSet,
    io::Write as _,
    mem,
    path::{Path, PathBuf},
    rc::Rc,
};

use baseline::KnownFindings;
use choice::{Choice, Chosen};
use clap::{Args, ValueEnum};
use report::ReportFiles;
use unwritten::Unwritten;

use crate::{
    catalog::{FileKind, Language, Safety},
    cli::{
        Failure, exit,
        input::{Hosts, Machine, cannot_read, is_standard_input, read, standard_input},
        output::{Output, ReportFormat, complain, stdout, unless_closed},
    },
    diagnosis::Unchecked,
    host::{Host, Unknown},
    lint::{self, Folder, Folders, Input, Report},
    render::{self, Format},
    terms::Bytes,
};

/// Check rsyncd.conf, secrets files, sersync configurations, and the service files that start the daemon
///
/// Ends with 0 if nothing at or above --fail-on was found, 1 if something was, 2 for wrong usage, 3 if something that
/// was asked for could not be checked.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Files and folders to check; `-` is standard input
    ///
    /// [default: /etc/rsyncd.conf, of the machine that --root names]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What the files are, instead of recognising them by name and content
    #[arg(long, value_name = "KIND")]
    kind: Option<KindName>,
    /// The name under which standard input is reported and recognised
    #[arg(long, value_name = "NAME", default_value = "stdin")]
    stdin_name: PathBuf,
    /// Apply cures; `unsafe` also those that somebody should look at first
    #[arg(long, value_name = "SAFETY", num_args = 0..=1, require_equals = true, default_missing_value = "safe")]
    fix: Option<FixName>,
    /// Show what --fix would change, and change nothing
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    choice: Choice,
    #[command(flatten)]
    known: KnownFindings,
    #[command(flatten)]
    output: Output<ReportFormat>,
    #[command(flatten)]
    reports: ReportFiles,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindName {
    #[value(name = "rsyncd.conf")]
    RsyncdConf,
    Secrets,
    Password,
    Sersync,
    Systemd,
    Xinetd,
    Inetd,
    Environment,
    Crontab,
    Markdown,
    Script,
    Dockerfile,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FixName {
    Safe,
    Unsafe,
}

/// A file to check, and to cure.
pub(in crate::cli) struct File<'a> {
    pub(in crate::cli) name: String,
    /// None for standard input.
    pub(in crate::cli) path: Option<PathBuf>,
    /// The same as its machine knows it.
    pub(in crate::cli) place: Option<PathBuf>,
    pub(in crate::cli) original: Bytes,
    pub(in crate::cli) bytes: Bytes,
    pub(in crate::cli) kind: FileKind,
    pub(in crate::cli) is_guess: bool,
    pub(in crate::cli) host: &'a dyn Host,
}

/// Checks the files, cures them if that is asked for, and writes the report.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let hosts = arguments.machine.hosts()?;
    let paths = match &arguments.paths[..] {
        [] => &[arguments.machine.default_file()],
        paths => paths,
    };
    if arguments.fix.is_some() && !arguments.diff && paths.iter().any(|path| is_standard_input(path)) {
        return Err("standard input cannot be fixed; --diff shows what would change".into());
    }
    let mut chosen = arguments.choice.resolve(&paths[0], hosts.named())?;
    let known = arguments.known.read(chosen.baseline.take())?;
    let mut unread = Vec::new();
    let mut folders = Folders::default();
    let mut files = files(arguments, paths, &hosts, &mut folders, &mut unread)?;
    let language = arguments.output.language();
    let safety = match arguments.fix {
        Some(FixName::Unsafe) => Some(Safety::Unsafe),
        Some(FixName::Safe) => Some(Safety::Safe),
        None => arguments.diff.then_some(Safety::Safe),
    };
    let mut is_missing = !unread.is_empty();
    let mut out = stdout();
    let mut report = match safety {
        Some(safety) if arguments.diff => {
            let mut report = lint::lint_found(inputs(&files), &folders, &chosen.options);
            let cured = fix::apply(&mut files, &folders, &chosen.options, safety);
            let written = fix::diff(&files, &report, language, &mut out);
            unless_closed(written.and_then(|()| out.flush()))?;
            fix::tell_withheld(&cured, &Unwritten::all(&files), safety, language)?;
            if let Some(known) = known {
                arguments
                    .known
                    .apply(known, &mut report, &chosen.options, false, language)?;
            }
            return Ok(code(&report, arguments, &chosen, is_missing));
        }
        Some(safety) => {
            let cured = fix::apply(&mut files, &folders, &chosen.options, safety);
            let written = fix::write(&mut files, &hosts, language)?;
            let (changed, count) = (written.files, files.len());
            complain(&match language {
                Language::English => format!("{changed} of {count} files changed"),
                Language::Chinese => format!("{count} 个文件中修改了 {changed} 个"),
            })?;
            fix::tell_withheld(&cured, &written.failed, safety, language)?;
            if !written.failed.is_empty() {
                is_missing = true;
                lint::lint_found(inputs(&files), &folders, &chosen.options)
            } else {
                cured.report
            }
        }
        None => lint::lint_found(inputs(&files), &folders, &chosen.options),
    };
    report.unchecked.extend(unread);
    if let Some(known) = known {
        let fixes = safety.is_some();
        arguments
            .known
            .apply(known, &mut report, &chosen.options, fixes, language)?;
    }
    let code = code(&report, arguments, &chosen, is_missing);
    report.settings = chosen.settings;
    arguments
        .reports
        .write(&report, arguments.output.style_of_file())?;
    let format = arguments.output.format();
    let written = render::report(format, &report, arguments.output.style(), &mut out);
    unless_closed(written.and_then(|()| out.flush()))?;
    if format == Format::Concise {
        for line in render::unchecked(&report, language) {
            complain(&line)?;
        }
    }
    // The process ends here, and the system takes back a large report at once.
    mem::forget(report);
    Ok(code)
}

fn code(report: &Report, arguments: &Arguments, chosen: &Chosen, is_missing: bool) -> u8 {
    if report
        .findings
        .iter()
        .map(|finding| finding.severity)
        .chain(report.not_kept.keys().copied())
        .any(|severity| chosen.fail_on.fails(severity))
    {
        return exit::FINDINGS;
    }
    // Facts that nobody asked for by naming a machine or a rule are only mentioned.
    let is_asked = arguments.machine.is_named() || chosen.names_rules;
    let is_unknown = |one: &Unchecked| !matches!(one.reason, Unknown::NotKept(_));
    if is_missing || report.is_cut || (is_asked && report.unchecked.iter().any(is_unknown)) {
        return exit::UNCHECKED;
    }
    exit::CLEAN
}

fn files<'a>(
    arguments: &Arguments,
    paths: &[PathBuf],
    hosts: &'a Hosts,
    folders: &mut Folders<'a>,
    unread: &mut Vec<Unchecked>,
) -> Result<Vec<File<'a>>, Failure> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if is_standard_input(path) {
            let bytes = standard_input()?;
            let name = &arguments.stdin_name;
            let file = file(arguments, hosts, name, bytes.into()).ok_or_else(|| unknown(name))?;
            files.push(File {
                path: None,
                place: None,
                ..file
            });
            continue;
        }
        let (host, place) = hosts.place(path);
        let discovered = lint::discover(path, &place, host);
        if let Err(Unknown::Denied) = discovered {
            unread.push(not_read(path, Unknown::Denied));
            continue;
        }
        let discovered = discovered.map_err(|reason| match &arguments.paths[..] {
            [] => format!(
                "{}; name the files or folders to check",
                cannot_read(path, reason)
            ),
            _ => cannot_read(path, reason),
        })?;
        unread.extend(discovered.unchecked);
        let folder = Rc::new(Folder {
            path: path.clone(),
            place,
            reader: host,
        });
        for found in discovered.files {
            // A file that is named twice is one file.
            if !seen.insert(hosts.real_path(&found).unwrap_or_else(|_| found.clone())) {
                continue;
            }
            let bytes = match read(hosts, &found) {
                Ok(bytes) => bytes,
                // One file of a folder that cannot be read says nothing about the others. Nor is it wrong to ask for
                // one that we may not read.
                Err(reason) if found != *path || reason == Unknown::Denied => {
                    unread.push(not_read(&found, reason));
                    continue;
                }
                Err(reason) => return Err(cannot_read(&found, reason).into()),
            };
            match file(arguments, hosts, &found, bytes.into()) {
                // A folder's documentation that shows none of our files is nobody's business.
                Some(file)
                    if found != *path && file.kind == FileKind::Markdown && !lint::shows_any(&file.bytes) => {
                }
                Some(file) => {
                    if found != *path {
                        folders.note(file.name.clone(), Rc::clone(&folder));
                    }
                    files.push(file);
                }
                None if found == *path => return Err(unknown(path).into()),
                None => {}
            }
        }
    }
    if files.is_empty() && unread.is_empty() {
        let folders: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let folders = folders.join(", ");
        return Err(format!(
            "no file in {folders} looks like one of rsync's or sersync's; name it, with --kind"
        )
        .into());
    }
    Ok(files)
}

fn not_read(path: &Path, reason: Unknown) -> Unchecked {
    Unchecked {
        rule: None,
        subject: path.display().to_string(),
        reason,
    }
}

fn file<'a>(arguments: &Arguments, hosts: &'a Hosts, path: &Path, bytes: Bytes) -> Option<File<'a>> {
    let kind = match arguments.kind {
        Some(KindName::RsyncdConf) => Some(FileKind::RsyncdConf),
        Some(KindName::Secrets) => Some(FileKind::Secrets),
        Some(KindName::Password) => Some(FileKind::Password),
        Some(KindName::Sersync) => Some(FileKind::Sersync),
        Some(KindName::Systemd) => Some(FileKind::Systemd),
        Some(KindName::Xinetd) => Some(FileKind::Xinetd),
        Some(KindName::Inetd) => Some(FileKind::Inetd),
        Some(KindName::Environment) => Some(FileKind::Environment),
        Some(KindName::Crontab) => Some(FileKind::Crontab),
        Some(KindName::Markdown) => Some(FileKind::Markdown),
        Some(KindName::Script) => Some(FileKind::Script),
        Some(KindName::Dockerfile) => Some(FileKind::Dockerfile),
        None => lint::recognise(path, &bytes),
    };
    kind.map(|kind| File {
        name: path.display().to_string(),
        path: Some(path.to_owned()),
        place: Some(hosts.place(path).1),
        original: bytes.clone(),
        bytes,
        kind,
        is_guess: arguments.kind.is_none(),
        host: hosts.of(path),
    })
}

pub(in crate::cli) fn inputs<'a>(files: &[File<'a>]) -> Vec<Input<'a>> {
    files
        .iter()
        .map(|file| Input {
            name: file.name.clone(),
            path: file.place.clone(),
            bytes: file.bytes.clone(),
            kind: file.kind,
            is_guess: file.is_guess,
            host: file.host,
        })
        .collect()
}

fn unknown(path: &Path) -> String {
    format!(
        "cannot tell what `{}` is; say so with --kind (rsyncd.conf, secrets, password, sersync, systemd, \
         xinetd, inetd, environment, script, dockerfile, crontab, markdown)",
        path.display()
    )
}
