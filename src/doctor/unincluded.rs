//! Modules in files that a configuration seems to include, and does not.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Severity,
    doctor::{Cause, Told, Urgency, daemon::written},
    explain::{Server, Unread},
    host::{EntryKind, Host},
    syntax::rsyncd_conf::{Kind, parse},
};

/// Pages of lines that look as if they included a file, with the argument that names it.
const SEEMING: [(&str, &str); 2] = [("RSY102", "path"), ("RSY229", "meant")];
/// So many files of a folder are looked at.
const MOST: usize = 100;

/// Notes of lines that look as if they included a file what modules stand there that nobody serves: who asks for one fails.
pub(super) fn look(server: &Server, host: &dyn Host, report: &mut crate::doctor::Report) {
    for cause in &mut report.causes {
        let Some(path) = named(cause) else {
            continue;
        };
        let missing: Vec<_> = files(host, &path)
            .iter()
            .flat_map(|file| modules(host, file))
            .filter(|(name, _)| !server.has(name))
            .map(|(name, place)| format!("[{name}] is in {place}"))
            .collect();
        if !missing.is_empty() {
            cause.urgency = Urgency::Now;
            cause.severity = Severity::Error;
            cause.also.extend(missing);
        }
    }
}

/// The modules of files of folders that `&include` names, which it does not take for their names: of a folder it reads
/// `*.conf` alone (`include_config` in params.c).
pub(super) fn passed_over(host: &dyn Host, server: &Server) -> BTreeMap<String, Unread> {
    let mut found = BTreeMap::new();
    for (_, folder) in folders(host, server) {
        for file in files(host, &folder) {
            if file.extension().is_some_and(|ending| ending == "conf") {
                continue;
            }
            for (name, place) in modules(host, &file) {
                found.entry(name).or_insert_with(|| Unread {
                    file: file.display().to_string(),
                    place,
                    variant: "passed-over",
                    port: None,
                });
            }
        }
    }
    found
}

/// The folders that `&include` names, with the place of the line.
pub(super) fn folders(host: &dyn Host, server: &Server) -> Vec<(String, PathBuf)> {
    let root = server.configuration.root;
    let source = server.sources.get(root);
    let lines = parse(source.bytes()).filter_map(|item| match item.kind {
        Kind::Directive(line) if line.name.display().ends_with("include") => Some((item.range.start, line)),
        _ => None,
    });
    let named = lines.map(|(start, line)| {
        let path = PathBuf::from(OsStr::from_bytes(line.value.bytes()));
        let number = source.line_of(start) + 1;
        (format!("{}:{number}", source.name()), path)
    });
    named
        .filter(|(_, path)| {
            let found = host.metadata(path, true).ok().flatten();
            found.is_some_and(|found| found.kind == EntryKind::Directory)
        })
        .collect()
}

/// The file of a path, or those of a folder.
pub(super) fn files(host: &dyn Host, path: &Path) -> Vec<PathBuf> {
    match host.list(path) {
        Ok(Some(names)) => names.iter().take(MOST).map(|name| path.join(name)).collect(),
        _ => vec![path.to_owned()],
    }
}

/// The modules of a file, with their places.
fn modules(host: &dyn Host, file: &Path) -> Vec<(String, String)> {
    let found = written(host, file).into_iter();
    let names = found.flat_map(|found| {
        let modules = found.modules.into_iter();
        modules
            .map(|module| module.name.display().into_owned())
            .collect::<Vec<_>>()
    });
    names.map(|name| (name, file.display().to_string())).collect()
}

/// What a line seems to include.
fn named(cause: &Cause) -> Option<PathBuf> {
    let Told::Finding(..) = &cause.told else {
        return None;
    };
    let (_, argument) = SEEMING.iter().find(|(id, _)| *id == cause.page.id)?;
    let path = PathBuf::from(cause.argument(argument)?);
    path.is_absolute().then_some(path)
}
