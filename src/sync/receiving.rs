use crate::{
    rsync::transfer::{Options, Receiving},
    sync::UsageError,
};

/// Options of the receiving side that a pull does not carry out yet; a push passes them on.
#[derive(Debug, Default)]
pub(super) struct ReceivingChoices {
    /// The first of them, as it was given.
    given: Option<String>,
    /// Whether the maps of users and groups are those of `--chown`.
    user_is_chowned: bool,
    group_is_chowned: bool,
}

impl ReceivingChoices {
    /// Takes an option, without its `no-`; `false` if it is none of these.
    pub(super) fn option(
        &mut self,
        receiving: &mut Receiving,
        name: &str,
        is_on: bool,
        value: Option<&str>,
    ) -> Result<bool, UsageError> {
        let text = || value.map(str::to_owned);
        match name {
            "keep-dirlinks" | "K" if is_on => receiving.keep_directory_links = true,
            "fuzzy" | "y" if is_on => receiving.fuzzy = receiving.fuzzy.saturating_add(1),
            "fuzzy" | "y" => receiving.fuzzy = 0,
            "backup-dir" if is_on => receiving.backup_directory = text(),
            "partial" => receiving.partial = is_on,
            "partial-dir" if is_on => receiving.partial_directory = text(),
            "delay-updates" => receiving.delay_updates = is_on,
            "temp-dir" | "T" if is_on => receiving.temporary_directory = text(),
            "inplace" => receiving.in_place = is_on,
            "append" if is_on => receiving.append = 1,
            "append-verify" if is_on => receiving.append = 2,
            "append" => receiving.append = 0,
            "compare-dest" if is_on => self.basis(receiving, "--compare-dest", value)?,
            "copy-dest" if is_on => self.basis(receiving, "--copy-dest", value)?,
            "link-dest" if is_on => self.basis(receiving, "--link-dest", value)?,
            "super" => receiving.super_user = Some(is_on),
            "fsync" if is_on => receiving.sync = true,
            "preallocate" if is_on => receiving.preallocate = true,
            "write-devices" => receiving.write_devices = is_on,
            _ => return Ok(false),
        }
        let is_for_pushes = matches!(name, "write-devices");
        if is_on && is_for_pushes {
            self.given.get_or_insert_with(|| name.to_owned());
        }
        Ok(true)
    }

    fn basis(
        &self,
        receiving: &mut Receiving,
        kind: &'static str,
        value: Option<&str>,
    ) -> Result<(), UsageError> {
        if let Some((other, _)) = receiving.bases.first().filter(|(other, _)| *other != kind) {
            return Err(UsageError::BasisKinds(kind, other));
        }
        if receiving.bases.len() == MOST_BASES {
            return Err(UsageError::ManyBases { kind });
        }
        receiving.bases.push((kind, value.unwrap_or_default().to_owned()));
        Ok(())
    }

    /// What only all options together say; `is_pull` if files are received here, `usual` is the folder for parts that are
    /// kept where none is named.
    pub(super) fn finish(
        self,
        receiving: &mut Receiving,
        whole_file: bool,
        is_pull: bool,
        usual: Option<String>,
    ) -> Result<(), UsageError> {
        if receiving.append > 0 && whole_file {
            return Err(UsageError::Together("--append", "--whole-file"));
        }
        let in_place = if receiving.append > 0 {
            "--append"
        } else {
            "--inplace"
        };
        receiving.in_place |= receiving.append > 0 || receiving.write_devices;
        if receiving.in_place && receiving.delay_updates {
            return Err(UsageError::Together(in_place, "--delay-updates"));
        }
        if receiving.in_place && receiving.partial_directory.is_some() {
            return Err(UsageError::Together(in_place, "--partial-dir"));
        }
        if receiving.partial && !receiving.in_place && !receiving.delay_updates {
            receiving.partial_directory = receiving.partial_directory.take().or(usual);
        }
        // So the folder is compared with what is there, and sent.
        if let Some(path) = receiving.partial_directory.take() {
            receiving.partial = true;
            match clean(&path) {
                path if path.is_empty() => receiving.delay_updates = false,
                path => receiving.partial_directory = Some(path),
            }
        }
        // There are no parts then.
        receiving.partial &= !receiving.in_place;
        match self.given {
            Some(name) if is_pull => Err(UsageError::PushOnly(name)),
            _ => Ok(()),
        }
    }
}

/// A path without what leads nowhere (`clean_fname` in util1.c).
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match parts.last() {
            Some(&last) if part == ".." && last != ".." => drop(parts.pop()),
            None if part == ".." && path.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// So many of `--link-dest` and the like may be given (`MAX_BASIS_DIRS` in rsync.h).
const MOST_BASES: usize = 20;

impl ReceivingChoices {
    /// `--usermap`, `--groupmap`, and `--chown=USER:GROUP`, which is short for both; they keep owner and group.
    pub(super) fn owners(
        &mut self,
        options: &mut Options,
        name: &str,
        value: &str,
    ) -> Result<(), UsageError> {
        let by_chown = name == "chown";
        let of_chown = |name: &str| (!name.is_empty()).then(|| format!("*:{name}"));
        let (user, group) = match name {
            "usermap" => (Some(value.to_owned()), None),
            "groupmap" => (None, Some(value.to_owned())),
            _ => {
                let (user, group) = value.split_once(':').unwrap_or((value, ""));
                (of_chown(user), of_chown(group))
            }
        };
        if let Some(user) = user {
            let map = &mut options.receiving.user_map;
            set("user", "usermap", map, &mut self.user_is_chowned, user, by_chown)?;
            options.owner = true;
        }
        if let Some(group) = group {
            let map = &mut options.receiving.group_map;
            set(
                "group",
                "groupmap",
                map,
                &mut self.group_is_chowned,
                group,
                by_chown,
            )?;
            options.group = true;
        }
        Ok(())
    }
}

/// Sets a map, which only one option may do.
fn set(
    kind: &'static str,
    option: &'static str,
    map: &mut Option<String>,
    is_chowned: &mut bool,
    value: String,
    by_chown: bool,
) -> Result<(), UsageError> {
    if map.is_some() {
        return Err(match (by_chown, *is_chowned) {
            (true, true) => UsageError::ChownTwice(kind),
            (true, false) => UsageError::MapConflict("chown", option),
            (false, true) => UsageError::MapConflict(option, "chown"),
            (false, false) => UsageError::MapTwice(option),
        });
    }
    (*map, *is_chowned) = (Some(value), by_chown);
    Ok(())
}
