//! The daemon's secrets file: who may read it, and what is in it.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, SecretsSubject},
    },
    model::{Parameter, access},
    syntax::secrets::{Content, parse},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY302", secrets_file_world_readable),
    Check::secrets("RSY321", line_without_name),
];

/// RSY302: with `strict modes` the daemon refuses a file that others may read or write, and the client is told no
/// more than `auth failed`.
fn secrets_file_world_readable(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let file = module.text(Parameter::SecretsFile);
        let Some(setting) = file.origin.setting() else {
            continue;
        };
        let asks_for_users = access::has_rules(subject.configuration, module.scope());
        if !asks_for_users || !module.is(Parameter::StrictModes) || file.value.contains(&b'%') {
            continue;
        }
        let path = Path::new(OsStr::from_bytes(file.value));
        let name = path.display().to_string();
        let Some(Some(metadata)) = out.fact(&name, subject.host.metadata(path, true)) else {
            continue;
        };
        if metadata.mode & 0o006 != 0 {
            out.report(
                Case::at(setting.value_span())
                    .with("module", module.name())
                    .with("path", name)
                    .with("mode", format!("{:o}", metadata.mode)),
            );
        }
    }
}

/// RSY321: a line that holds only a password belongs to nobody.
fn line_without_name(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    for line in parse(subject.sources.get(subject.source).bytes()) {
        if line.content == Content::WithoutColon && !line.is_rest {
            out.report(Case::at(Span::new(subject.source, line.text)));
        }
    }
}
