mod choice;
mod fix;

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use choice::{Choice, Chosen};
use clap::{Args, ValueEnum};

use crate::{
    catalog::{FileKind, Language, Safety},
    cli::{
        Failure, exit,
        input::{Hosts, Machine, read},
        output::{Output, ReportFormat, complain, stdout},
    },
    diagnosis::Unchecked,
    host::{Host, LARGEST_FILE, Unknown},
    lint::{self, Input, Report},
    render,
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
    output: Output<ReportFormat>,
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
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum FixName {
    Safe,
    Unsafe,
}

/// A file to check, and to cure.
struct File<'a> {
    name: String,
    /// None for standard input.
    path: Option<PathBuf>,
    original: Bytes,
    bytes: Bytes,
    kind: FileKind,
    is_guess: bool,
    host: &'a dyn Host,
}

/// Checks the files, cures them if that is asked for, and writes the report.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let hosts = arguments.machine.hosts()?;
    let paths = match &arguments.paths[..] {
        [] => &[arguments.machine.place("/etc/rsyncd.conf")],
        paths => paths,
    };
    let chosen = arguments.choice.resolve(&paths[0], hosts.named())?;
    let mut unread = Vec::new();
    let mut files = files(arguments, paths, &hosts, &mut unread)?;
    let is_missing = !unread.is_empty();
    let language = arguments.output.language();
    let safety = match arguments.fix {
        Some(FixName::Unsafe) => Some(Safety::Unsafe),
        Some(FixName::Safe) => Some(Safety::Safe),
        None => arguments.diff.then_some(Safety::Safe),
    };
    let mut out = stdout();
    let mut report = match safety {
        Some(safety) if arguments.diff => {
            let report = lint::lint(inputs(&files), &chosen.options);
            fix::apply(&mut files, &chosen.options, safety);
            fix::diff(&files, &report, language, &mut out)?;
            out.flush()?;
            return Ok(code(&report, arguments, &chosen));
        }
        Some(safety) => {
            let report = fix::apply(&mut files, &chosen.options, safety);
            let written = fix::write(&files)?;
            complain(&match language {
                Language::English => format!("{written} of {} files changed", files.len()),
                Language::Chinese => format!("{} 个文件中修改了 {written} 个", files.len()),
            })?;
            report
        }
        None => lint::lint(inputs(&files), &chosen.options),
    };
    report.unchecked.extend(unread);
    let written = render::report(
        arguments.output.format(),
        &report,
        arguments.output.style(),
        &mut out,
    );
    // Whoever reads may go away early (`| head`); what was found is found all the same.
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(match code(&report, arguments, &chosen) {
            exit::CLEAN if is_missing => exit::UNCHECKED,
            code => code,
        }),
    }
}

fn code(report: &Report, arguments: &Arguments, chosen: &Chosen) -> u8 {
    if report
        .findings
        .iter()
        .any(|finding| chosen.fail_on.fails(finding.severity))
    {
        return exit::FINDINGS;
    }
    // Facts that nobody asked for by naming a machine or a rule are only mentioned.
    if !report.unchecked.is_empty() && (arguments.machine.is_named() || chosen.names_rules) {
        return exit::UNCHECKED;
    }
    exit::CLEAN
}

fn files<'a>(
    arguments: &Arguments,
    paths: &[PathBuf],
    hosts: &'a Hosts,
    unread: &mut Vec<Unchecked>,
) -> Result<Vec<File<'a>>, Failure> {
    let mut files: Vec<File<'_>> = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path == Path::new("-") {
            let bytes = standard_input()?;
            let name = &arguments.stdin_name;
            let file = file(arguments, hosts.of(name), name, bytes.into()).ok_or_else(|| unknown(name))?;
            files.push(File { path: None, ..file });
            continue;
        }
        for found in lint::discover(path)? {
            // A file that is named twice is one file.
            if !seen.insert(fs::canonicalize(&found).unwrap_or_else(|_| found.clone())) {
                continue;
            }
            let bytes = match read(&found) {
                Ok(bytes) => bytes,
                // One file of a folder that cannot be read says nothing about the others.
                Err(error) if found != *path => {
                    unread.push(Unchecked {
                        rule: None,
                        subject: found.display().to_string(),
                        reason: Unknown::Failed(error.to_string()),
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
            let file = file(arguments, hosts.of(&found), &found, bytes.into());
            match file {
                Some(file) => files.push(file),
                None if found == *path => return Err(unknown(path).into()),
                None => {}
            }
        }
    }
    if files.is_empty() {
        let folders: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let folders = folders.join(", ");
        return Err(format!(
            "no file in {folders} looks like one of rsync's or sersync's; name it, with --kind"
        )
        .into());
    }
    Ok(files)
}

fn file<'a>(arguments: &Arguments, host: &'a dyn Host, path: &Path, bytes: Bytes) -> Option<File<'a>> {
    let kind = match arguments.kind {
        Some(KindName::RsyncdConf) => Some(FileKind::RsyncdConf),
        Some(KindName::Secrets) => Some(FileKind::Secrets),
        Some(KindName::Password) => Some(FileKind::Password),
        Some(KindName::Sersync) => Some(FileKind::Sersync),
        Some(KindName::Systemd) => Some(FileKind::Systemd),
        Some(KindName::Xinetd) => Some(FileKind::Xinetd),
        Some(KindName::Inetd) => Some(FileKind::Inetd),
        Some(KindName::Environment) => Some(FileKind::Environment),
        None => lint::recognise(path, &bytes),
    };
    kind.map(|kind| File {
        name: path.display().to_string(),
        path: Some(path.to_owned()),
        original: bytes.clone(),
        bytes,
        kind,
        is_guess: arguments.kind.is_none(),
        host,
    })
}

fn inputs<'a>(files: &[File<'a>]) -> Vec<Input<'a>> {
    files
        .iter()
        .map(|file| Input {
            name: file.name.clone(),
            path: file.path.clone(),
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
         xinetd, inetd, environment)",
        path.display()
    )
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
