//! What falls short in a module that a visit went through all the same: the probe leaves out what a daemon refuses, and an
//! empty list is served as readily as a full one.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    catalog::Severity,
    doctor::{Cause, Check, Subject, hiding::hides_all},
    model::{Configuration, Module, Parameter, Scope},
    probe::{self, Fact, Step},
    terms::Sources,
};

/// What `rsync -a` asks for beside what every transfer does: the options as a probe names them.
const ARCHIVE: [&str; 7] = [
    "recursive",
    "links",
    "perms",
    "times",
    "group",
    "owner",
    "devices",
];

/// What hides files (`set_filter` calls in `rsync_module` of clientserver.c).
const RULES: [Parameter; 5] = [
    Parameter::Filter,
    Parameter::IncludeFrom,
    Parameter::Include,
    Parameter::ExcludeFrom,
    Parameter::Exclude,
];

/// So deep the visits list a module.
pub const DEPTH: usize = 2;

/// So many entries are looked at for a file that should have come.
const MOST_ENTRIES: usize = 1000;

/// A module that was visited.
pub(super) struct Visited<'v> {
    pub(super) subject: &'v Subject,
    pub(super) configuration: &'v Configuration,
    pub(super) sources: &'v Sources,
    pub(super) scope: Scope,
    pub(super) module: &'v Module,
}

impl Visited<'_> {
    /// What clients meet there that the visit did not end for, with the line that says so.
    pub(super) fn short(&self, probed: &probe::Report) -> Option<(Cause, String)> {
        self.refused(probed).or_else(|| self.hidden(probed))
    }

    /// `rsync -a`, which is what people type, ends with the first option that is refused.
    fn refused(&self, probed: &probe::Report) -> Option<(Cause, String)> {
        let facts = probed.stage(Step::Setup).facts.iter();
        let refused: Vec<_> = facts
            .filter_map(|fact| match fact {
                Fact::Refused(option) if ARCHIVE.contains(option) => Some(*option),
                _ => None,
            })
            .collect();
        let line = format!("`rsync -a` ends there: the daemon refuses --{}", refused.first()?);
        // The page has the hyphens of the first, and its quotes.
        let arguments = vec![
            ("option", refused.join("`, `--")),
            ("module", self.module.name.display().into_owned()),
        ];
        let written = self.written(&[Parameter::RefuseOptions]);
        let mut cause = self.cause("RSY887", arguments, &line, written);
        if !refused.contains(&"recursive") {
            // Whoever asks for less is served.
            cause.severity = Severity::Warning;
        }
        Some((cause, line))
    }

    /// Files are there, and the rules of the module hide each.
    fn hidden(&self, probed: &probe::Report) -> Option<(Cause, String)> {
        let list = probed.stage(Step::List);
        let is_empty = list.facts.iter().any(|fact| matches!(fact, Fact::Files(0, _)));
        let path = self.configuration.text(self.scope, Parameter::Path).value;
        let path = Path::new(OsStr::from_bytes(path));
        let written = self.written(&RULES);
        if !list.state.is_passed() || !is_empty || written.is_empty() || !path.is_absolute() {
            return None;
        }
        let folder = self.subject.outside(path);
        // Below the depth of the visits there may be files that come.
        if hides_all(self.subject, self.configuration, self.scope, &folder) != Some(true) {
            return None;
        }
        let file = some_file(&folder)?;
        let line = format!("no file comes, though {}/{file} is there", path.display());
        let name = self.module.name.display().into_owned();
        let arguments = vec![("place", name.clone()), ("module", name)];
        let cause = self.cause("RSY523", arguments, &line, written);
        Some((cause.of_kind("hidden"), line))
    }

    fn cause(
        &self,
        rule: &str,
        arguments: Vec<(&'static str, String)>,
        line: &str,
        written: Vec<String>,
    ) -> Cause {
        let line = format!("[{}] {line}", self.module.name.display());
        let facts = [line].into_iter().chain(written).collect();
        Cause::of_rule(rule, Check::Loopback, &self.subject.file, arguments, facts)
    }

    /// The lines of the configuration that set one of these for the module.
    fn written(&self, parameters: &[Parameter]) -> Vec<String> {
        let set = parameters.iter().filter_map(|parameter| {
            let found = self.configuration.text(self.scope, *parameter);
            let setting = found.origin.setting().filter(|_| !found.value.is_empty())?;
            let place = self.sources.place(setting.span());
            let value = String::from_utf8_lossy(found.value);
            Some(format!("{place}: {} = {value}", parameter.name()))
        });
        set.collect()
    }
}

/// A regular file in a folder, as deep as the visits look.
fn some_file(folder: &Path) -> Option<String> {
    let mut left = MOST_ENTRIES;
    let mut level = vec![folder.to_owned()];
    for _ in 0..DEPTH {
        let mut next = Vec::new();
        for entry in level.iter().flat_map(fs::read_dir).flatten().flatten() {
            left = left.checked_sub(1)?;
            let kind = entry.file_type().ok()?;
            if kind.is_file() {
                let path = entry.path();
                return Some(path.strip_prefix(folder).ok()?.display().to_string());
            } else if kind.is_dir() {
                next.push(entry.path());
            }
        }
        level = next;
    }
    None
}
