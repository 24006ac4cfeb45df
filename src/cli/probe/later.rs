//! What a command is to send, or to read, that is not there yet: something in front of it makes it.

use std::path::{Path, PathBuf};

use crate::{
    catalog::Language,
    cli::probe::written::Written,
    syntax::{Given, Invocation},
    terms::Target,
};

/// Options whose value is a list that rsync reads.
const LISTS: [&str; 3] = ["exclude-from", "files-from", "include-from"];

/// A list in which nothing stands.
const EMPTY: &str = "/dev/null";

/// What is not there yet, and the words with which the rest can be tried without it.
#[derive(Debug, Default)]
pub(super) struct Later {
    pub(super) names: Vec<String>,
    /// In the place of the words of those numbers, counted from 0; nothing where one is left away.
    changed: Vec<(usize, Option<String>)>,
    /// Whether nothing is left that could be sent.
    has_no_source: bool,
}

impl Later {
    /// The words behind `rsync` for a dry run.
    pub(super) fn words(&self, words: &[String]) -> Vec<String> {
        // rsync then takes what is missing for nothing (`--ignore-missing-args` of rsync(1)).
        let mut all: Vec<_> = self
            .has_no_source
            .then(|| "--ignore-missing-args".to_owned())
            .into_iter()
            .collect();
        for (index, word) in words.iter().enumerate() {
            match self.changed.iter().find(|(at, _)| *at == index) {
                Some((_, instead)) => all.extend(instead.clone()),
                None => all.push(word.clone()),
            }
        }
        all
    }

    /// What is said of it.
    pub(super) fn told(&self, language: Language) -> String {
        let names: Vec<_> = self.names.iter().map(|name| format!("`{name}`")).collect();
        match language {
            Language::English => format!(
                "{} is not there yet, and something in front of rsync may make it: all but that is tried, and whether it can be read only the real run can tell",
                names.join(", ")
            ),
            Language::Chinese => format!(
                "{} 现在还不存在，rsync 之前的命令可能会创建它：其余部分照常试运行，能否读取它只有真正运行时才知道",
                names.join("、")
            ),
        }
    }
}

impl Written {
    /// What is to be sent or read, is not there, and may be made in front of the command; `here`: where we are. Nothing where
    /// something else is missing as well, which nothing makes.
    pub(super) fn later(&self, here: &Path) -> Later {
        let invocation = Invocation::parse(&self.words);
        let mut later = Later::default();
        let Some(folder) = &self.folder else {
            return later;
        };
        let folder = here.join(folder);
        let is_missing = |name: &str| matches!(folder.join(name).try_exists(), Ok(false));
        let is_made = |name: &str| self.made.has_any(&folder.join(name), &folder);
        for option in &invocation.options {
            if let Some(file) = list(option).filter(|file| is_missing(file) && is_made(file)) {
                let (at, word) = match option.value_word {
                    Some(at) => (at, EMPTY.to_owned()),
                    None => (option.word, format!("--{}={EMPTY}", option.name)),
                };
                later.names.push(file.to_owned());
                later.changed.push((at, Some(word)));
            }
        }
        let Some((Target::Daemon(_) | Target::Shell(_), sources)) = invocation.targets.split_last() else {
            return later;
        };
        let sources: Vec<_> = sources
            .iter()
            .zip(&invocation.target_words)
            .filter_map(|(source, &at)| match source {
                Target::Local(name) => Some((name.as_str(), at)),
                _ => None,
            })
            .collect();
        let (missing, there): (Vec<_>, Vec<_>) = sources.into_iter().partition(|(name, _)| is_missing(name));
        if missing.is_empty() || !missing.iter().all(|(name, _)| is_made(name)) {
            return later;
        }
        later
            .names
            .extend(missing.iter().map(|(name, _)| (*name).to_owned()));
        let mut missing = missing.into_iter();
        if there.is_empty() {
            // One has to be named; above it all is there.
            let (name, at) = missing.next().expect("one is missing");
            later
                .changed
                .push((at, Some(first_missing(&folder, name).display().to_string())));
            later.has_no_source = true;
        }
        later.changed.extend(missing.map(|(_, at)| (at, None)));
        later
    }
}

/// The file of an option that names a list.
fn list(option: &Given) -> Option<&str> {
    let file = option.value.as_deref()?;
    let is_local = file != "-" && !file.contains(':') && !file.is_empty();
    (LISTS.contains(&&*option.name) && is_local).then_some(file)
}

/// The part of a path up to the first name that is not there.
fn first_missing(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let ways = path
        .ancestors()
        .take_while(|way| matches!(way.try_exists(), Ok(false)));
    ways.last().unwrap_or(&path).components().collect()
}
