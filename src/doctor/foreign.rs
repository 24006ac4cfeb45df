//! Causes of a daemon whose configuration is decided by somebody else than root, or who we are: it may name any file of the
//! machine, so no cure opens one.

use std::path::Path;

use crate::{
    doctor::{Cause, Subject, Told},
    host::{Host, is_own},
};

/// Notes them, but for those about files of the daemon's own user.
pub(super) fn note(subject: &Subject, host: &dyn Host, causes: &mut [Cause]) {
    let server = subject.known.as_ref().and_then(|known| known.server.as_ref());
    let sources = server.into_iter().flat_map(|server| server.sources.iter());
    let files = sources.map(|(_, source)| Path::new(source.name()));
    let mut files = files.chain([&*subject.file]).map(|file| subject.outside(file));
    // One that is not there says nothing.
    if files.all(|file| is_own(&file) || matches!(host.metadata(&file, true), Ok(None))) {
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
        cause.is_foreign = named.peek().is_none() || !named.all(is_users);
    }
}
