//! Secrets files and password files look alike; the files that name them tell them apart.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use crate::{
    catalog::FileKind,
    host::Host,
    model::{Configuration, Parameter, ProblemKind, access, parameter::fold, sersync},
    syntax::{self, Text},
    terms::SourceId,
};

/// The names of files that other files of the run name, without their folders: a copy in a work tree lies elsewhere
/// than the file on the server.
#[derive(Debug, Default)]
pub(super) struct Roles {
    secrets: BTreeSet<OsString>,
    passwords: BTreeSet<OsString>,
}

impl Roles {
    /// Takes in the secrets files that a daemon's configuration names.
    pub(super) fn by_daemon(&mut self, configuration: &Configuration) {
        let named = secrets_files(configuration).filter_map(|path| path.file_name());
        self.secrets.extend(named.map(OsStr::to_owned));
    }

    /// Takes in the password file that a sersync configuration names.
    pub(super) fn by_sersync(&mut self, file: &[u8]) {
        let document = syntax::sersync::parse(file);
        let configuration = sersync::Configuration::read(&document, file);
        let auth = configuration
            .sersync
            .and_then(|sersync| sersync.rsync)
            .and_then(|rsync| rsync.auth);
        let Some(path) = auth.and_then(|auth| auth.passwordfile) else {
            return;
        };
        let path = Path::new(OsStr::from_bytes(path.value.bytes()));
        self.passwords.extend(path.file_name().map(OsStr::to_owned));
    }

    /// What a file is, if another file names it. A daemon's word counts more than a client's.
    pub(super) fn role(&self, path: &Path) -> Option<FileKind> {
        let name = path.file_name()?;
        if self.secrets.contains(name) {
            return Some(FileKind::Secrets);
        }
        self.passwords.contains(name).then_some(FileKind::Password)
    }
}

/// Whether a daemon's configuration names a secrets file of that name.
pub(super) fn names_secrets(configuration: &Configuration, path: &Path) -> bool {
    secrets_files(configuration).any(|named| named.file_name() == path.file_name())
}

/// Where a password may stand in a daemon's configuration: behind a user's colon in `auth users`, and behind a colon in
/// lines that rsync does not understand.
pub(crate) fn hidden_suffixes(configuration: &Configuration) -> BTreeMap<SourceId, Vec<Range<usize>>> {
    let mut hidden: BTreeMap<SourceId, Vec<Range<usize>>> = BTreeMap::new();
    let settings = configuration.settings.iter();
    for setting in settings.filter(|setting| setting.parameter == Parameter::AuthUsers) {
        for rule in access::user_rules(setting, configuration.release) {
            if rule.may_hide_password() {
                let suffix = rule.suffix_part().filter(|part| !part.is_empty());
                let ranges = hidden.entry(setting.source).or_default();
                ranges.extend(suffix.map(|part| setting.text.range_of(part)));
            }
        }
    }
    // `secrets file = joe:password` of somebody who took it for the place of the secret itself.
    let settings = configuration.settings.iter();
    for setting in settings.filter(|setting| setting.parameter == Parameter::SecretsFile) {
        if !setting.bytes().starts_with(b"/") {
            let ranges = hidden.entry(setting.source).or_default();
            ranges.extend(behind_colons(&setting.text));
        }
    }
    for problem in &configuration.problems {
        if problem.kind == ProblemKind::TooLong {
            // Nobody has looked whether there are passwords in it.
            let ranges = hidden.entry(problem.span.source).or_default();
            ranges.push(problem.span.range());
        }
        if let ProblemKind::UnknownParameter(name, text) = &problem.kind {
            let names_users = fold(name.bytes()).take(8).eq(*b"AUTHUSER");
            let ranges = hidden.entry(problem.span.source).or_default();
            ranges.extend(names_users.then(|| behind_colons(text)).into_iter().flatten());
        }
        if let ProblemKind::WithoutEquals(text) = &problem.kind {
            hidden
                .entry(problem.span.source)
                .or_default()
                .extend(behind_colons(text));
        }
    }
    for ranges in hidden.values_mut() {
        ranges.sort_by_key(|range| range.start);
        ranges.dedup();
    }
    hidden
}

/// Files that a configuration takes in though its owner may not read them, as far as their modes tell: a user may name any
/// file of the machine, and what root reads there is not for a report that others see. Nothing where root owns it.
pub(crate) fn closed_includes<'c>(
    configuration: &'c Configuration,
    main: &str,
    host: &dyn Host,
) -> impl Iterator<Item = SourceId> + 'c {
    let found = |path: &Path| host.metadata(path, true).ok().flatten();
    let includes = &configuration.includes[..];
    let main = includes.first().and_then(|_| found(Path::new(main)));
    let foreign = main.filter(|main| main.uid != 0);
    let is_closed = |path: &Path| {
        let (Some(main), Some(file)) = (&foreign, found(path)) else {
            return false;
        };
        file.uid != main.uid && file.mode & OTHERS_READ == 0
    };
    let includes = includes.iter().filter(|_| foreign.is_some());
    let closed: Vec<_> = includes.filter(|include| is_closed(&include.path)).collect();
    closed.into_iter().map(|include| include.source)
}

/// The permission of others to read.
const OTHERS_READ: u32 = 0o004;

/// Where something stands behind a colon inside a word, as a password does in `user:password`.
fn behind_colons(text: &Text) -> Vec<Range<usize>> {
    let words = text.tokens(|byte| matches!(byte, b' ' | b'\t' | b',' | b'"'));
    words
        .filter_map(|word| {
            let colon = word.bytes.iter().position(|&byte| byte == b':')?;
            let is_setting = Parameter::from_name(&text.bytes()[..word.part.start + colon]).is_some();
            let is_inside = !is_setting
                && colon > 0
                && colon + 1 < word.bytes.len()
                && !word.bytes[colon..].starts_with(b"://");
            is_inside.then(|| text.range_of(word.part.start + colon + 1..word.part.end))
        })
        .collect()
}

fn secrets_files(configuration: &Configuration) -> impl Iterator<Item = &Path> {
    let settings = configuration.settings.iter();
    settings
        .filter(|setting| setting.parameter == Parameter::SecretsFile)
        .map(|setting| Path::new(OsStr::from_bytes(setting.bytes())))
}
