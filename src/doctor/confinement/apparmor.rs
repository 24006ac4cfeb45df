//! AppArmor: the daemon's profile, and what it denied.

use std::path::{Path, PathBuf};

use crate::doctor::{
    Urgency,
    confinement::{
        Confined, Found, Subjects,
        denials::{By, Denials, Denied},
        profile::{Grant, Profile},
    },
};

/// Whether the daemon has a profile.
pub(super) fn confines(subjects: &Subjects<'_>) -> bool {
    current(subjects).as_deref().and_then(profile).is_some()
}

/// What the kernel says of the daemon's profile.
fn current(subjects: &Subjects<'_>) -> Option<String> {
    let current = subjects.text("attr/apparmor/current");
    // SELinux writes a context with colons in the same place.
    current.or_else(|| subjects.text("attr/current").filter(|text| text.ends_with(')')))
}

pub(super) fn look(subjects: &Subjects<'_>, denials: &Denials, found: &mut Found) {
    let current = current(subjects);
    let Some((profile, mode)) = current.as_deref().and_then(profile) else {
        return;
    };
    let is_enforced = matches!(mode, "enforce" | "kill" | "prompt");
    found
        .facts
        .push(Confined::Profile(profile.to_owned(), is_enforced));
    if !is_enforced {
        return;
    }
    if let Some((log, reason)) = denials.unseen.as_ref().filter(|_| denials.denied.is_empty()) {
        found.unseen.push((log.display().to_string(), reason.clone()));
    }
    let is_of_it = |denied: &&Denied| matches!(&denied.by, By::Apparmor(own) if own == profile);
    let ours: Vec<&Denied> = denials.denied.iter().filter(is_of_it).collect();
    if let Some(log) = denials.log.as_ref().filter(|_| !ours.is_empty()) {
        found.facts.push(Confined::Denied(ours.len(), log.clone()));
    }
    let text = Profile::read(subjects.host, profile);
    for module in subjects.modules {
        let is_below = |denied: &&&Denied| {
            let path = denied
                .path
                .as_deref()
                .map(|path| Path::new(path.trim_end_matches('/')));
            path.is_some_and(|path| path.starts_with(&module.path))
        };
        let denied = ours.iter().find(is_below);
        let writes = module.is_writable || denied.is_some_and(|denied| denied.is_write());
        let grant = text.as_ref().map(|text| text.grants(&module.path, writes));
        let is_lacking = grant == Some(Grant::Lacking);
        if denied.is_none() && !is_lacking {
            continue;
        }
        let folder = module.path.display().to_string();
        let mut facts = Vec::new();
        if let Some(denied) = denied {
            facts.push(shown(denied, denied.path.as_deref().unwrap_or_default(), profile));
        }
        if let Some(text) = text.as_ref().filter(|_| is_lacking) {
            facts.push(format!("{} has no rule for {folder}/", text.file.display()));
        }
        let rights = if writes { "rwk" } else { "r" };
        let lines = [format!("\"{folder}/\" r,"), format!("\"{folder}/**\" {rights},")];
        let cause = subjects.cause("RSY779", module, Vec::new(), facts);
        let cause = cause.typing(commands(&lines, profile, text.as_ref()));
        // What was denied and is still not granted fails now. The file alone may be another than what the kernel was given.
        found.causes.push(cause.at(match (denied, is_lacking) {
            (Some(_), true) => Urgency::Now,
            (Some(_), false) => Urgency::Lately,
            (None, _) => Urgency::Later,
        }));
    }
    for denied in ours {
        let Some(file) = denied.path.as_deref().and_then(|path| subjects.file_of(path)) else {
            continue;
        };
        let path = file.path.display().to_string();
        let rights = if denied.is_write() { "rwk" } else { "r" };
        let commands = commands(&[format!("\"{path}\" {rights},")], profile, text.as_ref());
        let facts = vec![shown(denied, &path, profile)];
        let cause = subjects.cause_at("RSY779", vec![("path", path)], facts);
        found.causes.push(cause.typing(commands).at(Urgency::Lately));
    }
}

/// In English.
fn shown(denied: &Denied, path: &str, profile: &str) -> String {
    format!(
        "denied in the last day: {} of {path}, profile {profile}",
        denied.access
    )
}

/// The profile of a process and how it is applied: `rsync (enforce)`; none if it has none.
fn profile(current: &str) -> Option<(&str, &str)> {
    let (name, mode) = current.rsplit_once(" (")?;
    Some((name, mode.strip_suffix(')')?))
}

/// Adds lines to what is the machine's own part of the profile, where the profile has one; the file has the program's path as
/// its name, with dots.
fn commands(lines: &[String], profile: &str, text: Option<&Profile>) -> Vec<String> {
    let name = profile.trim_start_matches('/').replace('/', ".");
    let whole = text.map_or_else(
        || PathBuf::from(format!("/etc/apparmor.d/{name}")),
        |text| text.file.clone(),
    );
    let whole = whole.display().to_string();
    let whole = shell_words::quote(&whole);
    let local = match text {
        Some(text) => text.local.clone(),
        None => Some(PathBuf::from(format!("/etc/apparmor.d/local/{name}"))),
    };
    let add = match local {
        Some(local) => {
            let lines: Vec<_> = lines.iter().map(|line| shell_words::quote(line)).collect();
            let local = local.display().to_string();
            format!(
                "printf '%s\\n' {} >> {}",
                lines.join(" "),
                shell_words::quote(&local)
            )
        }
        // Where a line belongs in it, nobody but its author knows.
        None => format!("vi {whole}"),
    };
    vec![add, format!("apparmor_parser -r {whole}")]
}

#[cfg(test)]
mod tests {
    use super::profile;

    #[test]
    fn a_profile_has_a_name_and_a_mode() {
        assert_eq!(
            profile("/usr/bin/rsync (enforce)"),
            Some(("/usr/bin/rsync", "enforce"))
        );
        assert_eq!(
            profile("my (old) one (complain)"),
            Some(("my (old) one", "complain"))
        );
        assert_eq!(profile("unconfined"), None);
        assert_eq!(profile("system_u:system_r:rsync_t:s0"), None);
    }
}
