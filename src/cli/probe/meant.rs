//! What single words of a command line are meant to be.

use std::path::{Path, PathBuf};

use strsim::damerau_levenshtein;

use crate::{
    cli::probe::slip::Slip,
    syntax::{Given, Invocation},
    terms::{OPTIONS, Target, without_password},
};

/// The folder above the destination of a pull that is carried out in a folder, if it is not there.
pub(super) fn missing_parent(words: &[String], folder: &Path) -> Option<PathBuf> {
    let invocation = Invocation::parse(words);
    let has = |name| invocation.option(name).is_some();
    let is_pull = invocation.is_push() == Some(false) && invocation.targets.len() > 1;
    let Some(Target::Local(path)) = invocation.targets.last() else {
        return None;
    };
    let parent = Path::new(path.trim_end_matches('/')).parent()?;
    let is_made = has("mkpath") || has("list-only") || parent.as_os_str().is_empty();
    let parent = folder.join(parent);
    (is_pull && !is_made && matches!(parent.try_exists(), Ok(false))).then_some(parent)
}

/// Options whose value is a file or a folder.
const FILES: [&str; 8] = [
    "backup-dir",
    "exclude-from",
    "files-from",
    "include-from",
    "log-file",
    "partial-dir",
    "password-file",
    "temp-dir",
];

/// Whether the value of an option, called by its long name, is a file or a folder.
pub(super) fn is_of_file(option: &str) -> bool {
    FILES.contains(&option)
}

/// What is wrong with the value of an option: an address, or a file's name with an address behind it.
pub(super) fn swallowed(option: &Given) -> Option<Slip> {
    let value = option.value.as_deref()?;
    let is_file = is_of_file(&option.name);
    let is_apart = is_file || option.value_word.is_some();
    match Target::parse(value) {
        Target::Daemon(_) if is_apart => Some(Slip::Swallowed(option.name.clone(), without_password(value))),
        _ if is_file => unparted(value),
        _ => None,
    }
}

/// What is wrong with a word that has an address behind something else.
pub(super) fn unparted(word: &str) -> Option<Slip> {
    let narrow = word.replace('：', ":");
    if narrow != word && matches!(Target::parse(&narrow), Target::Daemon(_)) {
        return Some(Slip::WideColon(without_password(word)));
    }
    let start = match word.find("rsync://") {
        Some(start) => start,
        None => word.split_once("::")?.0.rfind('/')? + 1,
    };
    let (front, address) = word.split_at(start);
    let is_address = matches!(Target::parse(address), Target::Daemon(_));
    // Who writes `./` means a file.
    let is_meant =
        front.is_empty() || word.starts_with("./") || front.contains("://") || address.starts_with(':');
    let is_file = Path::new(word).symlink_metadata().is_ok();
    (is_address && !is_meant && !is_file)
        .then(|| Slip::Unparted(without_password(word), without_password(address)))
}

/// What a word that holds an option that rsync does not know is meant to be.
pub(super) fn unknown_option(word: &str) -> Option<Slip> {
    if let Some(long) = word.strip_prefix("--") {
        let (name, _) = long.split_once('=').unwrap_or((long, ""));
        let all = OPTIONS.iter().filter_map(|option| option.long);
        let near = all.map(|own| (damerau_levenshtein(own, name), own)).min()?;
        let (distance, nearest) = near;
        let is_near = distance <= (name.chars().count() / 4).max(1);
        return (is_near && name.len() > 2).then(|| Slip::Unknown(format!("--{name}"), nearest));
    }
    let start = word.find("rsync://").filter(|&start| start > 1)?;
    let (options, address) = word.split_at(start);
    Some(Slip::Glued(options.to_owned(), without_password(address)))
}
