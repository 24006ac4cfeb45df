//! Units of sersync.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::ServicesSubject,
    },
    model::service,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[Check::services("RSY772", watcher_leaves_unit)];

/// RSY772: with `-d` sersync goes on in a child, and a unit whose first process is the service ends with that.
fn watcher_leaves_unit(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in subject.services.units.iter().filter(|unit| unit.has_fragment) {
        let kind = unit.unit.last("Service", "Type");
        let kind = kind.map_or(&b"simple"[..], |setting| setting.value.bytes());
        let stays = unit.unit.last("Service", "RemainAfterExit").is_some();
        if stays || !matches!(kind, b"simple" | b"exec" | b"idle" | b"") {
            continue;
        }
        for setting in unit.unit.list("Service", "ExecStart") {
            for command in service::commands(&setting.value) {
                let program = command
                    .first()
                    .map(|word| Path::new(OsStr::from_bytes(&word.bytes)));
                let name = program.and_then(Path::file_name).and_then(OsStr::to_str);
                let Some(name) = name.filter(|name| matches!(*name, "sersync2" | "sersync")) else {
                    continue;
                };
                if let Some(word) = command.iter().find(|word| word.bytes == b"-d") {
                    out.report(
                        Case::at(Span::new(setting.source, word.range.clone()))
                            .with("program", name)
                            .with("unit", &*unit.unit.name)
                            .with("type", String::from_utf8_lossy(kind)),
                    );
                }
            }
        }
    }
}
