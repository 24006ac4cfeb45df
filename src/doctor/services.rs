//! What is wrong in the files that are to start a daemon, where none runs.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::{FileKind, Severity, page},
    doctor::{
        Cause, Check, Report, Setup, Urgency,
        absent::{UNIT_FOLDERS, UNITS, has_systemd},
        reach::starters,
        summary::keeps_from_starting,
    },
    host::Host,
    lint::{Input, Options, lint},
    terms::Release,
};

/// What Debian's init script reads, and the script.
const DEFAULTS: &str = "/etc/default/rsync";
const SCRIPT: &str = "/etc/init.d/rsync";
/// Services of xinetd.
const XINETD: &str = "/etc/xinetd.d/rsync";

/// Checks the units of rsync's packages, with what administrators add to them, and xinetd's service.
pub(super) fn look(setup: &Setup<'_>, has_configuration: bool, report: &mut Report) {
    let inputs: Vec<_> = files(setup.host)
        .into_iter()
        .filter_map(|(path, kind)| {
            // What cannot be read is no reason that we know; the unit's own state says it.
            let bytes = setup.host.read(&path).ok().flatten()?;
            Some(Input {
                name: path.display().to_string(),
                path: Some(path),
                bytes: bytes.into(),
                kind,
                is_guess: false,
                host: setup.host,
            })
        })
        .collect();
    let has_xinetd = inputs.iter().any(|input| input.kind == FileKind::Xinetd);
    switched_off(setup, has_xinetd || !has_configuration, report);
    let release = setup.release.unwrap_or(Release::CURRENT);
    let found = Rc::new(lint(inputs, &Options::of_release(release, setup.now.date())));
    for (index, finding) in found.findings.iter().enumerate() {
        let cause = Cause::of_finding(&found, index);
        if finding.severity == Severity::Error || keeps_from_starting(&cause) {
            report.causes.push(Cause {
                urgency: Urgency::Now,
                seen: [Check::Daemon].into(),
                ..cause
            });
        }
    }
}

/// What is to start a daemon, and was told not to, or does not run itself.
fn switched_off(setup: &Setup<'_>, has_better: bool, report: &mut Report) {
    let host = setup.host;
    let mut cause = |rule, file: &Path, more: Option<(&'static str, String)>| {
        let page = page(rule).expect("the doctor's pages are in the catalogue; the tests see each");
        let mut arguments = vec![("file", file.display().to_string())];
        arguments.extend(more);
        report
            .causes
            .push(Cause::of_page(page, Check::Daemon, file, arguments, Vec::new()));
    };
    let has_systemd = has_systemd(host);
    for unit in UNITS.into_iter().filter(|_| has_systemd) {
        let file = Path::new(UNIT_FOLDERS[0]).join(unit);
        if host.read_link(&file).is_ok_and(|to| to == Path::new("/dev/null")) {
            cause("RSY738", &file, Some(("unit", unit.to_owned())));
        }
    }
    if let Some(file) = starters::without_xinetd(host) {
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
    let line = text
        .lines()
        .rev()
        .find(|line| line.trim_start().starts_with("RSYNC_ENABLE="));
    // Debian's package brings that line; it tells nothing where something else is the reason.
    let is_off = |line: &&str| !has_systemd && !has_better && line.trim_end().ends_with("=false");
    if let Some(line) = line.filter(is_off)
        && matches!(host.metadata(Path::new(SCRIPT), true), Ok(Some(_)))
    {
        cause("RSY754", file, Some(("line", line.trim().to_owned())));
    }
}

/// The files that may start a daemon: units of rsync's packages and those that are `named`, with what is added to them,
/// xinetd's service, Debian's defaults.
pub(super) fn all_files<'n>(host: &dyn Host, named: impl Iterator<Item = &'n str>) -> Vec<PathBuf> {
    let of_packages = UNITS.iter().copied();
    // A name is part of a path here.
    let named = named.filter(|name| !name.contains('/') && !UNITS.contains(name));
    let mut files = Vec::new();
    for unit in of_packages.chain(named) {
        files.extend(files_of(unit, host));
    }
    for file in [XINETD, DEFAULTS] {
        let file = PathBuf::from(file);
        files.extend(matches!(host.read(&file), Ok(Some(_))).then_some(file));
    }
    files
}

/// The files that are there: of each unit the first one, which hides the others, and what is added to it.
fn files(host: &dyn Host) -> Vec<(PathBuf, FileKind)> {
    let found = UNITS.iter().flat_map(|unit| files_of(unit, host));
    let mut found: Vec<_> = found.map(|path| (path, FileKind::Systemd)).collect();
    let xinetd = PathBuf::from(XINETD);
    let is_there = matches!(host.read(&xinetd), Ok(Some(_)));
    found.extend(is_there.then_some((xinetd, FileKind::Xinetd)));
    found
}

/// The file of a unit, the first one, which hides the others, and what is added to it.
fn files_of(unit: &str, host: &dyn Host) -> Vec<PathBuf> {
    let is_file = |path: &Path| matches!(host.read(path), Ok(Some(_)));
    let places = UNIT_FOLDERS.iter().map(|folder| Path::new(folder).join(unit));
    let mut found: Vec<_> = places.filter(|path| is_file(path)).take(1).collect();
    for folder in UNIT_FOLDERS {
        let folder = Path::new(folder).join(format!("{unit}.d"));
        let mut names = host.list(&folder).ok().flatten().unwrap_or_default();
        names.sort();
        let added = names.into_iter().map(|name| folder.join(name));
        found.extend(added.filter(|path| path.extension().is_some_and(|ending| ending == "conf")));
    }
    found
}
