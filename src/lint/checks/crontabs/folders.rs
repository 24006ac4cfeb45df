//! Scripts of the folders that cron runs whole: /etc/cron.daily and its like.

use std::path::Path;

use crate::lint::{
    checks::Check,
    files::file_name,
    report::{Case, Reporter},
    scripts::ScriptSubject,
};

pub(super) const CHECKS: &[Check] = &[Check::script("RSY771", script_skipped)];

const FOLDERS: [&str; 4] = ["cron.hourly", "cron.daily", "cron.weekly", "cron.monthly"];

/// RSY771: run-parts passes over names with a dot, and over files that cannot be executed.
fn script_skipped(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let name = Path::new(subject.sources.get(subject.source).name());
    let Some(folder) = name
        .parent()
        .map(file_name)
        .filter(|folder| FOLDERS.contains(folder))
    else {
        return;
    };
    let Some(call) = subject.script.calls.first() else {
        return;
    };
    let file = file_name(name);
    let case = Case::at(subject.span(call.range.clone()))
        .with("name", file)
        .with("folder", folder);
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !file.bytes().all(is_sound) {
        out.report(case.variant("name"));
    } else if let Some(path) = subject.path
        && let Some(Some(metadata)) = out.fact(path.display().to_string(), subject.host.metadata(path, true))
        && metadata.mode & 0o111 == 0
    {
        out.report(
            case.variant("mode")
                .with("path", path.display().to_string())
                .fact(format!(
                    "{} has mode {:o}",
                    path.display(),
                    metadata.mode & 0o7777
                )),
        );
    }
}
