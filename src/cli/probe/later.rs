//! What a command is to send, or to read, that is not there yet: something in front of it makes it.

use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Language,
    cli::probe::{folder::merge_file, written::Written},
    syntax::{Given, Invocation},
    terms::Target,
};

/// Options whose value is a file that rsync reads, and may be empty.
const LISTS: [&str; 4] = ["early-input", "exclude-from", "files-from", "include-from"];

/// A list in which nothing stands.
const EMPTY: &str = "/dev/null";

/// What the file of a password is left out as, whose content decides about the login.
const PASSWORD_FILE: &str = "--password-file=";

/// What is not there yet, and the words with which the rest can be tried without it.
#[derive(Debug, Default)]
pub(super) struct Later {
    pub(super) names: Vec<String>,
    /// In the place of the words of those numbers, counted from 0; nothing where one is left away.
    changed: Vec<(usize, Option<String>)>,
    /// Whether nothing is left that could be sent.
    has_no_source: bool,
    /// The file that the password is to come from.
    password: Option<String>,
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

    /// Puts it among what is not carried out; `has_password`: whether a password is known otherwise.
    pub(super) fn leave_out(&self, around: &mut Vec<String>, has_password: bool) {
        for name in &self.names {
            let written = format!("> {name}");
            if self.password.as_ref() == Some(name) {
                // The password itself is what is missed.
                around.retain(|other| *other != written);
                around.extend((!has_password).then(|| format!("{PASSWORD_FILE}{name}")));
            } else if !around.contains(&written) {
                around.push(written);
            }
        }
    }

    /// What is said of a password in it: it decides about the login and all behind it.
    pub(super) fn told_of_password(&self, language: Language) -> Option<String> {
        let file = self.password.as_ref()?;
        Some(match language {
            Language::English => format!(
                "the password is to come from `{file}`: where the module asks for one, the login and all that follows can only be tried with it; set RSYNC_PASSWORD here to that password"
            ),
            Language::Chinese => format!(
                "密码要从 `{file}` 读取：如果模块要求密码，没有它就无法试登录及其后的各步；请在这里把 RSYNC_PASSWORD 设成该密码"
            ),
        })
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
    /// The word that an option's value stands in, with this one.
    fn with_value(&self, option: &Given, value: &str) -> (usize, Option<String>) {
        let word = &self.words[option.word];
        let own = option.value.as_deref().unwrap_or_default();
        match option.value_word {
            Some(at) => (at, Some(value.to_owned())),
            None => {
                let front = word.strip_suffix(own).unwrap_or(word);
                (option.word, Some(format!("{front}{value}")))
            }
        }
    }

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
            let Some(read) = Read::of(option).filter(|read| is_missing(read.file) && is_made(read.file))
            else {
                continue;
            };
            later.names.push(read.file.to_owned());
            match read.instead {
                Some(instead) => later.changed.push(self.with_value(option, &instead)),
                None => {
                    later.password = Some(read.file.to_owned());
                    later.changed.push((option.word, None));
                    later.changed.extend(option.value_word.map(|at| (at, None)));
                }
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

/// What an option makes rsync read, or work in.
struct Read<'a> {
    file: &'a str,
    /// The value with which the rest can be tried; none where the option is to be left away.
    instead: Option<String>,
}

impl<'a> Read<'a> {
    fn of(option: &'a Given) -> Option<Self> {
        let value = option.value.as_deref()?;
        let (file, instead) = match &*option.name {
            "filter" => {
                let file = merge_file(value)?;
                let rule = value.strip_suffix(file)?;
                (file, Some(format!("{rule}{EMPTY}")))
            }
            // What is no whole path lies in the destination.
            "temp-dir" => {
                let folder = env::temp_dir().display().to_string();
                (value, Some(folder).filter(|_| value.starts_with('/')))
            }
            "password-file" => (value, None),
            name => (value, LISTS.contains(&name).then(|| EMPTY.to_owned())),
        };
        let is_local = file != "-" && !file.contains(':') && !file.is_empty();
        let is_known = instead.is_some() || option.name == "password-file";
        (is_local && is_known).then_some(Self { file, instead })
    }
}

/// The part of a path up to the first name that is not there.
fn first_missing(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(name);
    let ways = path
        .ancestors()
        .take_while(|way| matches!(way.try_exists(), Ok(false)));
    ways.last().unwrap_or(&path).components().collect()
}
