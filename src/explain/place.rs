//! On which machine a path of a failure is: the daemon's own lines name the module, the others do not.

use crate::{
    catalog::{Page, Side},
    explain::{Incident, Known, Seen, facts},
    terms::Target,
};

/// Where the path of a cause is.
#[derive(Debug)]
pub(super) struct Place {
    /// The machine, where the text tells it.
    pub(super) side: Option<Side>,
    /// Whether a daemon works there, by its rsyncd.conf and as the module's user.
    pub(super) is_of_daemon: bool,
    /// The names of the path and of its folder, for commands.
    pub(super) names: Vec<(&'static str, String)>,
}

/// The placeholders that a page about such a path has in its commands.
const OF_PLACE: &str = "{target-";

/// Where the path is of which a page tells, in the first of its lines; `None` where the page is about no such path.
pub(super) fn of(incident: &Incident, known: &Known, page: &Page, lines: &[usize]) -> Option<Place> {
    let checks = page.check.map_or(&[][..], |check| check.commands);
    let mut commands = checks.iter().chain(page.commands);
    if !commands.any(|command| command.contains(OF_PLACE)) {
        return None;
    }
    let seen = incident.lines.iter().find(|seen| lines.contains(&seen.number));
    let path = seen.and_then(|seen| seen.names.iter().find(|(_, kind, _)| *kind == "path"));
    let path = path.map_or("", |(.., path)| path.as_str());
    let target = seen.and_then(|seen| seen.names.iter().find(|(_, kind, _)| *kind == "target"));
    let arrived = target.and_then(|(.., target)| arrived(path, target));
    let path = arrived.as_deref().unwrap_or(path);
    let (side, is_of_daemon) = machine(incident, seen, path);
    let folder = if is_of_daemon {
        let module = module_path(incident, known).unwrap_or_else(|| "MODULE_PATH".to_owned());
        Some(module)
    } else if path.starts_with('/') {
        let (folder, _) = path.rsplit_once('/').unwrap_or_default();
        Some(if folder.is_empty() { "/" } else { folder }.to_owned())
    } else {
        destination(incident, side)
    };
    let whole = match &folder {
        Some(_) if !is_of_daemon && path.starts_with('/') => Some(path.to_owned()),
        Some(folder) => Some(format!(
            "{}/{}",
            folder.trim_end_matches('/'),
            path.trim_start_matches('/')
        )),
        None => None,
    };
    let parent = whole.as_deref().and_then(|path| {
        let (parent, _) = path.trim_end_matches('/').rsplit_once('/')?;
        Some(if parent.is_empty() { "/" } else { parent }.to_owned())
    });
    let names = [
        ("target-folder", folder),
        ("target-parent", parent),
        ("target-path", whole),
    ];
    let names = names.into_iter().filter_map(|(kind, name)| Some((kind, name?)));
    Some(Place {
        side,
        is_of_daemon,
        names: names.collect(),
    })
}

/// What a file was to be called that had come whole, where it could not be: `.a.rL7ovJ` beside `a` (`get_tmpname` in
/// receiver.c). The name that it came by is gone by then.
pub(super) fn arrived(path: &str, target: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let target = target.rsplit('/').next().unwrap_or(target);
    let letters = name.strip_prefix('.')?.strip_prefix(target)?.strip_prefix('.')?;
    let folder = match (folder, path.starts_with('/')) {
        ("", false) => String::new(),
        (folder, _) => format!("{folder}/"),
    };
    (!target.is_empty() && letters.len() == 6).then(|| format!("{folder}{target}"))
}

/// Whether a daemon works where the path of a line is, if the text tells it.
pub(super) fn is_of_daemon(incident: &Incident, line: usize) -> Option<bool> {
    let seen = incident.lines.iter().find(|seen| seen.number == line)?;
    let path = seen.names.iter().find(|(_, kind, _)| *kind == "path");
    let path = path.map_or("", |(.., path)| path.as_str());
    let (side, is_of_daemon) = machine(incident, Some(seen), path);
    side.map(|_| is_of_daemon)
}

/// The machine of a line's path, and whether a daemon works there.
fn machine(incident: &Incident, seen: Option<&Seen>, path: &str) -> (Option<Side>, bool) {
    let is_logged = seen.is_some_and(|seen| facts::daemon_process(&seen.text).is_some());
    if is_logged || seen.is_none_or(|seen| seen.text.contains("(in ")) {
        return (Some(Side::Server), true);
    }
    let Some(command) = &incident.command else {
        // `delete_file: unlink(x)` names no module, whoever says it.
        let is_whole = path.starts_with('/');
        return (None, !is_whole);
    };
    let invocation = &command.invocation;
    let Some(peer) = invocation.peer() else {
        return (Some(Side::Client), false);
    };
    let is_sender = seen.is_some_and(|seen| seen.text.contains("[sender]"));
    let is_push = invocation.is_push();
    let is_here = is_push.is_none_or(|is_push| is_push == is_sender);
    let is_daemon = matches!(peer, Target::Daemon(_));
    match is_here {
        true => (Some(Side::Client), false),
        false => (Some(Side::Server), is_daemon),
    }
}

/// The path of the module that the text or its command names, as the configuration has it.
fn module_path(incident: &Incident, known: &Known) -> Option<String> {
    let server = known.server.as_ref()?;
    server.path_of(incident.module()?)
}

/// The destination of the command line, if it is on that machine.
fn destination(incident: &Incident, side: Option<Side>) -> Option<String> {
    let command = incident.command.as_ref()?;
    match (command.invocation.targets.last()?, side?) {
        (Target::Local(path), Side::Client) => Some(path.clone()),
        (Target::Shell(remote), Side::Server) => Some(remote.path.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::arrived;

    #[test]
    fn a_file_has_the_name_that_it_was_to_have() {
        let shown = |path, target| arrived(path, target);
        assert_eq!(shown("/a/.b.rL7ovJ", "a/b").as_deref(), Some("/a/b"));
        assert_eq!(shown("/.b.rL7ovJ", "b").as_deref(), Some("/b"));
        assert_eq!(shown(".b.rL7ovJ", "b").as_deref(), Some("b"));
        assert_eq!(shown("/a/b", "b"), None);
        assert_eq!(shown("/a/.c.rL7ovJ", "b"), None);
    }
}
