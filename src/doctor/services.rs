//! What is wrong in the files that are to start a daemon, where none runs.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::{FileKind, Severity},
    doctor::{
        Cause, Check, Report, Setup, Urgency,
        absent::has_systemd,
        reach::starters::{self, Idle},
        starter::{self, SERVICES, SOCKETS},
        summary::keeps_from_starting,
    },
    host::{EntryKind, Host, PROGRAM_FOLDERS, UnitFiles},
    lint::{Input, Options, lint},
    terms::Release,
};

/// What Debian's init script reads, and the script.
pub(super) const DEFAULTS: &str = "/etc/default/rsync";
const SCRIPT: &str = "/etc/init.d/rsync";
/// What tells a value that the script refuses.
const REFUSED: &str = "RSY710";
/// The service of xinetd that packages of rsync bring along.
const XINETD_SERVICE: &str = "/etc/xinetd.d/rsync";

/// Checks the units of rsync's packages, with what administrators add to them, and xinetd's service, beside the configuration
/// that they are for.
pub(super) fn look(setup: &Setup<'_>, configuration: &Path, has_run: bool, report: &mut Report) {
    let host = setup.host;
    let inputs = || {
        let units = SERVICES.iter().chain(&SOCKETS);
        let units = units.flat_map(|unit| inputs_of(host, unit));
        // What cannot be read is no reason that we know; the unit's own state says it.
        units.chain(starters::inputs_of_xinetd(host)).collect::<Vec<_>>()
    };
    let alone = inputs();
    let has_xinetd = alone.iter().any(|input| input.kind == FileKind::Xinetd);
    let has_configuration = !matches!(host.metadata(configuration, true), Ok(None));
    let has_better = has_xinetd || has_run || !has_configuration;
    switched_off(setup, has_better, report);
    without_program(host, report);
    let release = setup.release.unwrap_or(Release::CURRENT);
    let options = Options::of_release(release, setup.now.date());
    if !has_better {
        refused_by_script(host, &options, report);
    }
    let found = Rc::new(lint(alone, &options));
    let mut told = Vec::new();
    for (index, finding) in found.findings.iter().enumerate() {
        let cause = Cause::of_finding(&found, index);
        if finding.severity == Severity::Error || keeps_from_starting(&cause) {
            told.push(finding.page.id);
            report.causes.push(at_start(cause));
        }
    }
    let Ok(Some(bytes)) = host.read(configuration) else {
        return;
    };
    // What a session would meet later is told by other stages.
    let served = input(configuration.to_owned(), bytes, FileKind::RsyncdConf, host);
    let found = Rc::new(lint([served].into_iter().chain(inputs()).collect(), &options));
    for (index, finding) in found.findings.iter().enumerate() {
        let cause = Cause::of_finding(&found, index);
        let place = found.sources.get(finding.labels[0].span.source).name();
        let is_of_starter = Path::new(place) != configuration;
        if is_of_starter && keeps_from_starting(&cause) && !told.contains(&finding.page.id) {
            report.causes.push(at_start(cause));
        }
    }
}

/// A cause that keeps a daemon from being there.
fn at_start(cause: Cause) -> Cause {
    Cause {
        urgency: Urgency::Now,
        seen: [Check::Daemon].into(),
        ..cause
    }
}

/// A unit whose program is not there, or no program.
fn without_program(host: &dyn Host, report: &mut Report) {
    let Some(unit) = starter::service(host).filter(|_| has_systemd(host)) else {
        return;
    };
    let fault = |path: &Path| match host.metadata(path, true) {
        Ok(None) => Some("No such file or directory"),
        Ok(Some(found)) if found.kind == EntryKind::File && found.mode & 0o111 == 0 => {
            Some("Permission denied")
        }
        Ok(Some(found)) if found.kind != EntryKind::File => Some("Permission denied"),
        // Who may not look cannot tell.
        Ok(Some(_)) | Err(_) => None,
    };
    for words in unit.commands(host) {
        let named = PathBuf::from(OsStr::from_bytes(&words[0].bytes));
        // What a specifier stands for is not known here.
        if named.as_os_str().is_empty() || named.as_os_str().as_bytes().contains(&b'%') {
            continue;
        }
        let reason = match named.is_absolute() {
            true => fault(&named),
            false => {
                let mut places = PROGRAM_FOLDERS
                    .iter()
                    .map(|folder| fault(&Path::new(folder).join(&named)));
                let is_missing = places.all(|fault| fault.is_some());
                is_missing.then_some("No such file or directory")
            }
        };
        if let Some(reason) = reason {
            let program = named.display().to_string();
            let fact = format!("{}: {program}: {reason}", unit.place.display());
            let arguments = vec![
                ("program", program),
                ("reason", reason.to_owned()),
                ("unit", unit.unit.name.clone()),
            ];
            let cause = Cause::of_rule("RSY780", Check::Daemon, &unit.place, arguments, vec![fact]);
            report.causes.push(cause);
        }
    }
}

/// What is to start a daemon, and was told not to, or does not run itself.
fn switched_off(setup: &Setup<'_>, has_better: bool, report: &mut Report) {
    let host = setup.host;
    let mut cause = |rule, file: &Path, more: Option<(&'static str, String)>| {
        let mut arguments = vec![("file", file.display().to_string())];
        arguments.extend(more);
        report
            .causes
            .push(Cause::of_rule(rule, Check::Daemon, file, arguments, Vec::new()));
    };
    let has_systemd = has_systemd(host);
    for unit in SERVICES.into_iter().chain(SOCKETS).filter(|_| has_systemd) {
        if let Some(found) = UnitFiles::of(host, unit).filter(|found| found.is_masked) {
            cause("RSY738", &found.place, Some(("unit", unit.to_owned())));
        }
    }
    if let Some(Idle::NotRunning(file)) = starters::idle_xinetd(host) {
        let start = match has_systemd {
            true => "systemctl enable --now xinetd",
            false => "/etc/init.d/xinetd start",
        };
        cause("RSY739", &file, Some(("start", start.to_owned())));
    }
    let file = Path::new(DEFAULTS);
    let text = host.read(file).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    // The last line counts, as in a shell.
    let value = |line: &str| {
        let value = line.trim().strip_prefix("RSYNC_ENABLE=")?;
        let words = shell_words::split(value).ok()?;
        Some(words.first().cloned().unwrap_or_default())
    };
    let line = text.lines().rev().find(|line| value(line).is_some());
    // Debian's package brings that line; it tells nothing where something else is the reason. The script leaves the daemon to
    // inetd with the other value, which does not listen here either.
    let is_off =
        |line: &&str| !has_better && value(line).is_some_and(|value| value == "false" || value == "inetd");
    if let Some(line) = line.filter(is_off)
        && starts_by_script(host)
    {
        cause("RSY754", file, Some(("line", line.trim().to_owned())));
    }
}

/// What Debian's init script takes from its file and ends for, on a machine that starts services by such scripts.
fn refused_by_script(host: &dyn Host, options: &Options, report: &mut Report) {
    let file = PathBuf::from(DEFAULTS);
    let Some(Ok(Some(bytes))) = starts_by_script(host).then(|| host.read(&file)) else {
        return;
    };
    let found = Rc::new(lint(
        vec![input(file, bytes, FileKind::Environment, host)],
        options,
    ));
    let refused = found.findings.iter().enumerate();
    let refused =
        refused.filter(|(_, finding)| finding.page.id == REFUSED && finding.severity == Severity::Error);
    let refused = refused.map(|(index, _)| at_start(Cause::of_finding(&found, index)));
    report.causes.extend(refused);
}

/// Whether Debian's init script is what starts the daemon.
fn starts_by_script(host: &dyn Host) -> bool {
    !has_systemd(host) && matches!(host.metadata(Path::new(SCRIPT), true), Ok(Some(_)))
}

/// The files that may start a daemon: units of rsync's packages and those that are `named`, with what is added to them,
/// xinetd's service, Debian's defaults.
pub(super) fn all_files<'n>(host: &dyn Host, named: impl Iterator<Item = &'n str>) -> Vec<PathBuf> {
    let of_packages = || SERVICES.into_iter().chain(SOCKETS);
    // A name is part of a path here.
    let named = named.filter(|name| !name.contains('/') && !of_packages().any(|known| known == *name));
    let mut files = Vec::new();
    for unit in of_packages().chain(named) {
        let found = UnitFiles::of(host, unit).into_iter();
        files.extend(found.flat_map(|found| found.files).map(|file| file.path));
    }
    for file in [XINETD_SERVICE, DEFAULTS] {
        let file = PathBuf::from(file);
        files.extend(matches!(host.read(&file), Ok(Some(_))).then_some(file));
    }
    files
}

/// The files of a unit, to be linted; none of one that is masked, or not there.
pub(super) fn inputs_of<'h>(host: &'h dyn Host, unit: &str) -> Vec<Input<'h>> {
    let files = UnitFiles::of(host, unit)
        .into_iter()
        .flat_map(|found| found.files);
    files
        .map(|file| input(file.path, file.bytes, FileKind::Systemd, host))
        .collect()
}

/// A file, to be linted.
pub(super) fn input(path: PathBuf, bytes: Vec<u8>, kind: FileKind, host: &dyn Host) -> Input<'_> {
    Input {
        name: path.display().to_string(),
        path: Some(path),
        bytes: bytes.into(),
        kind,
        is_guess: false,
        host,
    }
}
