//! What is wrong in the files that are to start a daemon, where none runs.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::{FileKind, Severity},
    doctor::{
        Cause, Check, Report, Setup, Urgency,
        absent::{UNIT_FOLDERS, UNITS},
        summary::keeps_from_starting,
    },
    host::Host,
    lint::{Input, Options, lint},
    terms::Release,
};

/// Services of xinetd.
const XINETD: &str = "/etc/xinetd.d/rsync";

/// Checks the units of rsync's packages, with what administrators add to them, and xinetd's service.
pub(super) fn look(setup: &Setup<'_>, report: &mut Report) {
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

/// The files that are there: of each unit the first one, which hides the others, and what is added to it.
fn files(host: &dyn Host) -> Vec<(PathBuf, FileKind)> {
    let is_file = |path: &Path| matches!(host.read(path), Ok(Some(_)));
    let mut found = Vec::new();
    for unit in UNITS {
        let places = UNIT_FOLDERS.iter().map(|folder| Path::new(folder).join(unit));
        found.extend(places.filter(|path| is_file(path)).take(1));
        for folder in UNIT_FOLDERS {
            let folder = Path::new(folder).join(format!("{unit}.d"));
            let names = host.list(&folder).ok().flatten().unwrap_or_default();
            let added = names.into_iter().map(|name| folder.join(name));
            found.extend(added.filter(|path| path.extension().is_some_and(|ending| ending == "conf")));
        }
    }
    let mut found: Vec<_> = found.into_iter().map(|path| (path, FileKind::Systemd)).collect();
    let xinetd = PathBuf::from(XINETD);
    found.extend(is_file(&xinetd).then_some((xinetd, FileKind::Xinetd)));
    found
}
