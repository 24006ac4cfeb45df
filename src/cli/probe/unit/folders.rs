//! Folders that systemd makes for a unit before it starts anything, and the variables that name them (systemd.exec(5)).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::cli::probe::{
    made::{Extent, Made},
    makers::Makes,
};

/// The settings, the variables, and where the folders of the system's units lie.
const OF_SYSTEM: [(&str, &str, &str); 5] = [
    ("RuntimeDirectory", "RUNTIME_DIRECTORY", "/run"),
    ("StateDirectory", "STATE_DIRECTORY", "/var/lib"),
    ("CacheDirectory", "CACHE_DIRECTORY", "/var/cache"),
    ("LogsDirectory", "LOGS_DIRECTORY", "/var/log"),
    ("ConfigurationDirectory", "CONFIGURATION_DIRECTORY", "/etc"),
];

/// Settings that put a file into the folder of the unit's credentials.
const OF_CREDENTIALS: [&str; 5] = [
    "ImportCredential",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "SetCredential",
    "SetCredentialEncrypted",
];

/// The variable of that folder.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// What a unit has systemd make.
#[derive(Clone, Default)]
pub(super) struct Folders {
    /// The values of the settings, by the variable.
    named: BTreeMap<&'static str, Vec<String>>,
    has_credentials: bool,
}

impl Folders {
    /// Takes a setting of a unit's in, if it is one of these.
    pub(super) fn take(&mut self, name: &[u8], value: &str) {
        let is_it = |setting: &str| setting.as_bytes() == name;
        if let Some((_, variable, _)) = OF_SYSTEM.iter().find(|(setting, ..)| is_it(setting)) {
            let names = self.named.entry(variable).or_default();
            match value.is_empty() {
                true => names.clear(),
                // `NAME:LINK` of later releases.
                false => names.extend(value.split_ascii_whitespace().map(|word| {
                    let name = word.split(':').next().unwrap_or_default();
                    name.trim_matches('"').to_owned()
                })),
            }
        }
        if OF_CREDENTIALS.iter().any(|setting| is_it(setting)) {
            self.has_credentials = !value.is_empty();
        }
    }

    /// The variables with their values, none where only a run can tell them; `unit`: the unit's own file, if the system's
    /// manager starts it.
    pub(super) fn variables(&self, unit: Option<&Path>) -> Vec<(&'static str, Option<String>)> {
        let mut found: Vec<_> = self
            .named
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(variable, names)| {
                let base = OF_SYSTEM.iter().find(|(_, own, _)| own == variable);
                let base = base.map_or("", |(.., base)| *base);
                let is_known = unit.is_some() && !names.iter().any(|name| name.contains('%'));
                let paths: Vec<_> = names.iter().map(|name| format!("{base}/{name}")).collect();
                (*variable, is_known.then(|| paths.join(":")))
            })
            .collect();
        if self.has_credentials {
            let name = unit.and_then(Path::file_name).and_then(|name| name.to_str());
            // That of a template has the name of its instance in it.
            let name = name.filter(|name| !name.contains('@') && name.ends_with(".service"));
            found.push((CREDENTIALS, name.map(|name| format!("/run/credentials/{name}"))));
        }
        found
    }

    /// What is made so.
    pub(super) fn made(&self, unit: Option<&Path>) -> Made {
        let mut made = Made::default();
        for (variable, value) in self.variables(unit) {
            let paths = value.iter().flat_map(|value| value.split(':'));
            let extent = match variable {
                CREDENTIALS => Extent::Tree,
                _ => Extent::Folder,
            };
            let named = paths.map(|path| (PathBuf::from(path), extent)).collect();
            made.add(match value {
                Some(_) => Makes::Named(named),
                None => Makes::Anything,
            });
        }
        made
    }

    /// The first of the variables that a text uses and only a run can tell.
    pub(super) fn unknown_in(&self, unit: Option<&Path>, text: &[u8]) -> Option<&'static str> {
        let unknown = self.variables(unit).into_iter();
        let mut unknown = unknown.filter(|(_, value)| value.is_none());
        let is_used = |name: &str| {
            let name = name.as_bytes();
            let mut places = text.windows(name.len()).enumerate();
            places.any(|(at, word)| word == name && at > 0 && matches!(text[at - 1], b'$' | b'{'))
        };
        unknown.find_map(|(name, _)| is_used(name).then_some(name))
    }
}
