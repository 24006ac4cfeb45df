//! What the rules of a module leave of its folder for clients.

use std::{ffi::OsStr, fs, io, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    doctor::Subject,
    lint::rules_of_filter,
    model::{Configuration, Parameter, Scope},
    rsync::filter::{CvsIgnores, FilterList, Purpose},
};

/// So many entries are looked at for a file that no rule hides.
const MOST_ENTRIES: usize = 10_000;

/// The rules of a module; none if rsync cannot read them (`rsync_module` in clientserver.c reads them in this order).
fn rules(subject: &Subject, configuration: &Configuration, scope: Scope) -> Option<FilterList> {
    let text = |parameter| configuration.text(scope, parameter).value;
    let mut list = FilterList::new(CvsIgnores::default());
    let mut read = |file: &[u8]| -> io::Result<Vec<u8>> {
        fs::read(subject.outside(Path::new(OsStr::from_bytes(file))))
    };
    for rule in rules_of_filter(text(Parameter::Filter)) {
        list.filter(rule?, &mut read).ok()?;
    }
    for (from, direct, is_include) in [
        (Parameter::IncludeFrom, Parameter::Include, true),
        (Parameter::ExcludeFrom, Parameter::Exclude, false),
    ] {
        list.patterns_of(text(from), is_include, &mut read).ok()?;
        let mut sign = None;
        for word in text(direct).split(u8::is_ascii_whitespace) {
            match (word, sign.take()) {
                (b"", before) => sign = before,
                (b"+" | b"-", None) => sign = Some(word == b"+"),
                (word, before) => list.pattern(word, before.unwrap_or(is_include), &mut read).ok()?,
            }
        }
    }
    Some(list)
}

/// Whether the rules of a module hide every file below its folder; none if that cannot be told.
pub(super) fn hides_all(
    subject: &Subject,
    configuration: &Configuration,
    scope: Scope,
    folder: &Path,
) -> Option<bool> {
    let rules = rules(subject, configuration, scope).filter(|rules| !rules.has_folder_rules())?;
    let mut left = MOST_ENTRIES;
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).ok()? {
            let entry = entry.ok()?;
            left = left.checked_sub(1)?;
            let kind = entry.file_type().ok()?;
            let path = entry.path();
            let name = path.strip_prefix(folder).ok()?.as_os_str().as_bytes();
            if rules.excludes(name, kind.is_dir(), Purpose::Sending) {
                continue;
            }
            match kind.is_dir() {
                true => folders.push(path),
                false => return Some(false),
            }
        }
    }
    Some(true)
}
