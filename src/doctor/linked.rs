//! Names that clients miss in a module of this machine because a link leads nowhere within the module's jail.

use std::{
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use crate::{
    doctor::{Cause, Check, Told},
    explain::Server,
    host::{Component as Passed, EntryKind, Host, walk},
    model::{Parameter, Scope},
};

/// That a name is not there.
const MISSING: &str = "RSY851";
/// So many links are followed, as the kernel does (path_resolution(7)).
const MOST_LINKS: usize = 40;
/// Lines of a failure that are shown.
const LINES: usize = 1;

/// A link that leads to nothing.
#[derive(Debug, Eq, PartialEq)]
struct Dangling {
    /// Where it is, from the jail on.
    link: PathBuf,
    target: PathBuf,
}

/// Tells of a missing name which link it is, or goes through, that leads nowhere.
pub(super) fn note(server: &Server, host: &dyn Host, file: &Path, causes: &mut [Cause]) {
    for cause in causes
        .iter_mut()
        .filter(|cause| cause.page.id == MISSING && !cause.is_over())
    {
        if let Some(found) = behind(cause, server, host, file) {
            *cause = found;
        }
    }
}

fn behind(cause: &Cause, server: &Server, host: &dyn Host, file: &Path) -> Option<Cause> {
    let Told::Text(explanation, index) = &cause.told else {
        return None;
    };
    let incident = &explanation.incidents[*index];
    let name = |wanted: &str| {
        let mut names = incident.names.iter();
        names.find(|(kind, _)| *kind == wanted).map(|(_, name)| name)
    };
    let (module, path) = (name("module")?, name("path")?);
    let (jail, inner) = jail(server, module)?;
    let asked = inner.join(path.trim_start_matches('/'));
    let Dangling { link, target } = dangling(host, &jail, &asked)?;
    let shown = link.strip_prefix(&inner).unwrap_or(&link).display().to_string();
    let real = jail.join(&link).display().to_string();
    let arguments = vec![
        ("path", shown),
        ("target", target.display().to_string()),
        (
            "jail",
            jail.display().to_string().trim_end_matches('/').to_owned(),
        ),
        ("module", module.clone()),
        ("target-path", real.clone()),
    ];
    let lines = incident.lines.iter().take(LINES);
    let mut facts: Vec<_> = lines.map(|line| format!("`{}`", line.text)).collect();
    facts.push(format!("{real} -> {}", target.display()));
    let mut told = Cause::of_rule("RSY431", Check::Log, file, arguments, facts).of_kind("asked");
    told.urgency = cause.urgency;
    told.seen.clone_from(&cause.seen);
    Some(told)
}

/// The folder that is the root of a module's clients, and the module's own folder from there on; none if the daemon uses no
/// jail for it, where links that lead out are another matter.
fn jail(server: &Server, module: &str) -> Option<(PathBuf, PathBuf)> {
    let scope = Scope::Module(server.configuration.module(module.as_bytes())?);
    let is_jailed = server.configuration.boolean(scope, Parameter::UseChroot).value;
    if is_jailed == Some(false) || server.plain_user.is_some() {
        return None;
    }
    let place = server.place_of(module)?;
    let (jail, inner) = place.split_once("/./").unwrap_or((&place, ""));
    Some((PathBuf::from(format!("{jail}/")), PathBuf::from(inner)))
}

/// The link on the way to a path of a jail that leads to nothing in there; none if there is none, or nobody knows.
fn dangling(host: &dyn Host, jail: &Path, asked: &Path) -> Option<Dangling> {
    reached(host, jail, asked)?.err()?
}

/// Goes to a path of a jail through every link. Where it is not there: the last link that was followed, if one was. None if
/// nobody knows.
fn reached(host: &dyn Host, jail: &Path, asked: &Path) -> Option<Result<(), Option<Dangling>>> {
    let mut last = None;
    let mut reached = PathBuf::new();
    let mut names: Vec<OsString> = parts(asked);
    let mut links = 0;
    while let Some(name) = names.pop() {
        if name == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&name);
        let Some(found) = host.metadata(&jail.join(&next), false).ok()? else {
            return Some(Err(last));
        };
        if found.kind != EntryKind::Link {
            reached = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return None;
        }
        let target = host.read_link(&jail.join(&next)).ok()?;
        if target.is_absolute() {
            reached = PathBuf::new();
        }
        names.extend(parts(&target));
        last = Some(Dangling { link: next, target });
    }
    Some(Ok(()))
}

/// Whether a path of a module is there for its clients now; not where links lead to it outside of a jail, of which this tells
/// nothing.
pub(super) fn is_there(server: &Server, host: &dyn Host, module: &str, path: &str) -> bool {
    let path = Path::new(path.trim_start_matches('/'));
    if let Some((jail, inner)) = jail(server, module) {
        return matches!(reached(host, &jail, &inner.join(path)), Some(Ok(())));
    }
    let Some(folder) = server.place_of(module) else {
        return false;
    };
    let place = Path::new(&*folder).join(path);
    let passed = walk(host, &place).unwrap_or_default();
    let is_plain = |component: &Passed| {
        component
            .metadata
            .is_some_and(|found| found.kind != EntryKind::Link)
    };
    place.is_absolute() && !passed.is_empty() && passed.iter().all(is_plain)
}

/// The names of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::{Dangling, dangling};
    use crate::host::Live;

    #[test]
    fn links_start_at_the_jail() {
        let folder = tempfile::tempdir().expect("a folder");
        let jail = folder.path();
        fs::create_dir_all(jail.join("data/v5")).expect("a folder");
        symlink("/data/v5", jail.join("inside")).expect("a link");
        symlink("/srv/v5", jail.join("outside")).expect("a link");
        symlink("../../data/v5", jail.join("data/above")).expect("a link");
        symlink("round", jail.join("round")).expect("a link");
        let found = |asked: &str| dangling(&Live, jail, Path::new(asked));
        assert_eq!(found("inside"), None);
        assert_eq!(found("data/above"), None);
        assert_eq!(found("missing"), None);
        assert_eq!(found("round"), None);
        let outside = Some(Dangling {
            link: "outside".into(),
            target: "/srv/v5".into(),
        });
        assert_eq!(found("outside"), outside);
        assert_eq!(found("outside/below"), outside);
        // The link itself is sound, and what is asked for in it is not there.
        assert_eq!(found("data/v5/missing"), None);
    }
}
