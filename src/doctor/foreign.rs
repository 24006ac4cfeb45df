//! Causes of a daemon whose configuration is decided by somebody else than root, or who we are: it may name any file of the
//! machine, so no cure opens one.

use std::path::Path;

use crate::{
    doctor::{Cause, Check, Subject, Told},
    host::{Host, is_own},
};

/// Kinds of case whose cure is to start the daemon as root, among others, and those without it.
const WITHOUT_ROOT: [(&str, &str, &str); 1] = [("RSY312", "unreadable", "unreadable-there")];

/// Whether somebody else decides what the configuration says.
fn is_of_others(subject: &Subject, host: &dyn Host) -> bool {
    let server = subject.known.as_ref().and_then(|known| known.server.as_ref());
    let sources = server.into_iter().flat_map(|server| server.sources.iter());
    let files = sources.map(|(_, source)| Path::new(source.name()));
    let mut files = files.chain([&*subject.file]).map(|file| subject.outside(file));
    // One that is not there says nothing.
    !files.all(|file| is_own(&file) || matches!(host.metadata(&file, true), Ok(None)))
}

/// Notes what was found about whether a daemon runs with it.
pub(super) fn note_daemon(subject: &Subject, host: &dyn Host, causes: &mut [Cause]) {
    let is_about = |cause: &&mut Cause| matches!(&cause.told, Told::Page(file, ..) if *file == subject.file);
    let of_daemon = causes
        .iter_mut()
        .filter(|cause| cause.seen.contains(&Check::Daemon));
    let mut about = of_daemon.filter(is_about).peekable();
    if about.peek().is_some() && is_of_others(subject, host) {
        about.for_each(|cause| cause.is_of_others = true);
    }
}

/// Notes them; those that are not about files of the daemon's own user open nothing.
pub(super) fn note(subject: &Subject, host: &dyn Host, causes: &mut [Cause]) {
    if !is_of_others(subject, host) {
        return;
    }
    let running = subject.daemon.as_ref().and_then(|daemon| daemon.uid);
    let user = running.or_else(|| subject.starter.as_ref().map(|starter| starter.uid));
    let is_users = |path: &Path| {
        let found = host.metadata(&subject.outside(path), true).ok().flatten();
        found.is_some_and(|found| found.uid != 0 && Some(found.uid) == user)
    };
    for cause in causes {
        let arguments = match &cause.told {
            Told::Finding(report, index) => &report.findings[*index].arguments[..],
            Told::Page(_, arguments, _) => arguments,
            Told::Text(..) => &[],
        };
        let paths = arguments.iter().map(|(_, value)| Path::new(value));
        let mut named = paths.filter(|path| path.is_absolute()).peekable();
        cause.is_of_others = true;
        let mut kinds = WITHOUT_ROOT.iter();
        let without = kinds.find(|kind| (cause.page.id, cause.variant) == (kind.0, Some(kind.1)));
        cause.variant = without.map_or(cause.variant, |kind| Some(kind.2));
        cause.is_foreign = named.peek().is_none() || !named.all(is_users);
    }
}
