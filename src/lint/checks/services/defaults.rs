//! `/etc/default/rsync` and `/etc/sysconfig/rsyncd`.

use std::collections::HashMap;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{EnvironmentFile, ServicesSubject, Variable},
    },
    syntax::environment_file::Kind,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY707", environment_file_missing),
    Check::services("RSY708", shell_in_environment_file),
    Check::services("RSY709", defaults_ignored_by_systemd),
    Check::services("RSY710", bad_default_value),
];

/// RSY707: without `-` in front of it, a missing file keeps the unit from starting.
fn environment_file_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in &subject.services.units {
        for (path, may_be_missing, span) in unit.environment_files() {
            let is_given = subject.services.environment_of(unit, &path).is_some();
            if may_be_missing || is_given || !path.is_absolute() {
                continue;
            }
            let shown = path.display().to_string();
            if let Some(None) = out.fact(shown.clone(), unit.host.metadata(&path, true)) {
                let case = Case::at(span).with("path", shown.clone());
                out.report(
                    case.with("unit", &*unit.unit.name)
                        .fact(format!("{shown} does not exist")),
                );
            }
        }
    }
}

/// RSY708: systemd reads `NAME=value` and nothing else.
fn shell_in_environment_file(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for file in &subject.services.environments {
        let is_read = subject.services.units.iter().any(|unit| {
            let mut files = unit.environment_files().into_iter();
            files.any(|(path, _, _)| {
                let meant = subject.services.environment_of(unit, &path);
                meant.is_some_and(|meant| meant.source == file.source)
            })
        });
        if file.is_default_file() && !is_read {
            continue;
        }
        for line in &file.lines {
            match &line.kind {
                Kind::Assignment {
                    export: Some(export), ..
                } => out.report(Case::at(Span::new(file.source, export.clone())).variant("export")),
                Kind::Assignment { value, quote, .. } if *quote != Some(b'\'') => {
                    let bytes = &subject.sources.get(file.source).bytes()[value.clone()];
                    if let Some(at) = expansion(bytes) {
                        let place = value.start + at..value.end;
                        let case = Case::at(Span::new(file.source, place)).variant("expansion");
                        out.report(case.with("text", String::from_utf8_lossy(&bytes[at..])));
                    }
                }
                Kind::Other(text) => {
                    let span = Span::new(file.source, text.clone());
                    let case = Case::at(span).variant("command");
                    out.report(case.with("text", subject.sources.text(span)));
                }
                _ => {}
            }
        }
    }
}

/// Where a shell would put something in.
fn expansion(value: &[u8]) -> Option<usize> {
    let is_start = |pair: &[u8]| {
        pair[0] == b'$' && (matches!(pair[1], b'(' | b'{' | b'_') || pair[1].is_ascii_alphabetic())
    };
    let variable = value.windows(2).position(is_start);
    let command = value.iter().position(|&byte| byte == b'`');
    variable.into_iter().chain(command).min()
}

/// RSY709: Debian's file is for the init script; its unit has nothing to do with it.
fn defaults_ignored_by_systemd(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for file in subject
        .services
        .environments
        .iter()
        .filter(|file| is_debians(subject, file))
    {
        let mut units = subject.services.units.iter().filter(|unit| {
            file.is_beside(unit) && matches!(&*unit.unit.name, "rsync.service" | "rsyncd.service")
        });
        let unit = units
            .clone()
            .find(|unit| unit.has_fragment)
            .or_else(|| units.next());
        let reads_it = unit.is_some_and(|unit| {
            let files = unit.environment_files().into_iter();
            files
                .map(|(path, ..)| path)
                .any(|path| path.ends_with("default/rsync"))
        });
        if reads_it {
            continue;
        }
        for variable in file.variables() {
            let name = subject.sources.text(variable.name);
            let value = subject.sources.slice(variable.value);
            let matters = match &*name {
                "RSYNC_ENABLE" => value == b"true",
                "RSYNC_OPTS" | "RSYNC_CONFIG_FILE" | "RSYNC_NICE" | "RSYNC_IONICE" => !value.is_empty(),
                _ => false,
            };
            if !matters {
                continue;
            }
            let case = Case::at(variable.name.join(variable.value)).with("name", name);
            let place = unit.and_then(|unit| Some((unit, unit.documents.first()?.0)));
            out.report(match place {
                Some((unit, source)) => case
                    .variant("unit")
                    .also(Span::new(source, 0..0), "unit")
                    .with("unit", &*unit.unit.name),
                None => case,
            });
        }
    }
}

/// RSY710: the init script refuses what it does not know.
fn bad_default_value(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for file in subject
        .services
        .environments
        .iter()
        .filter(|file| is_debians(subject, file))
    {
        // As in any shell.
        let last: HashMap<_, _> = file
            .variables()
            .map(|variable| (subject.sources.slice(variable.name), variable.name))
            .collect();
        for Variable { name, value } in file.variables() {
            if last[subject.sources.slice(name)] != name {
                continue;
            }
            let text = subject.sources.text(value);
            let case = || Case::at(value).with("value", text.clone());
            match subject.sources.slice(name) {
                b"RSYNC_ENABLE" if !is_switch(&text) => out.report(case()),
                b"RSYNC_NICE" if !text.is_empty() && text.parse().map_or(true, |nice: u8| nice > 19) => {
                    out.report(case().variant("nice"));
                }
                b"RSYNC_IONICE" if !text.is_empty() && !is_ionice(&text) => {
                    out.report(case().variant("ionice"));
                }
                b"RSYNC_OPTS" if text.split_whitespace().any(|word| word == "--daemon") => {
                    out.report(case().variant("daemon"));
                }
                _ => {}
            }
        }
    }
}

/// Whether the script takes a value, or only a shell can tell what it is. What stands behind it may be a note.
fn is_switch(text: &str) -> bool {
    let words = shell_words::split(text).unwrap_or_default();
    let word = words.first().map_or("", String::as_str);
    matches!(word, "true" | "false" | "inetd") || word.contains(['$', '`'])
}

fn is_ionice(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.all(|word| word.starts_with("-c") || word.starts_with("-n") || word.parse::<u8>().is_ok())
}

/// Whether the file is the one of Debian's init script.
fn is_debians(subject: &ServicesSubject<'_>, file: &EnvironmentFile) -> bool {
    let names = |variable: Variable| subject.sources.slice(variable.name).starts_with(b"RSYNC_");
    file.variables().any(names)
}
