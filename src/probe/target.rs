use thiserror::Error;

use crate::terms::{Misread, Remote, Target as Place, without_password};

/// A daemon, or a module of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target {
    /// As the user wrote it.
    pub text: String,
    remote: Remote,
}

/// A text that names no daemon.
#[derive(Debug, Error)]
pub enum NoTarget {
    /// An address with something that rsync does not take there.
    #[error(transparent)]
    Misread(#[from] Misread),
    /// A way through a remote shell.
    #[error(
        "`{0}` is a path behind a remote shell; a daemon's module is written `host::module` or `rsync://host/module`"
    )]
    Shell(String),
    /// A path of this machine.
    #[error(
        "`{0}` is a path of this machine; a daemon is written `host`, `host::module` or `rsync://host/module`"
    )]
    Local(String),
    /// A host's name with something in it that no name has.
    #[error(
        "`{0}` has a blank or an unprintable character in the host's name; a daemon is written `host`, `host::module` or `rsync://host/module`"
    )]
    Host(String),
}

impl Target {
    /// Reads `host`, `[user@]host::[module[/path]]` or `rsync://[user@]host[:port]/[module[/path]]`.
    ///
    /// # Errors
    ///
    /// Anything else.
    pub fn parse(text: &str) -> Result<Self, NoTarget> {
        let remote = match Place::parse(text) {
            Place::Daemon(remote) => remote,
            Place::Shell(_) => {
                return Err(match Misread::of(text) {
                    Some(misread) => misread.into(),
                    None => NoTarget::Shell(without_password(text)),
                });
            }
            Place::Local(_) => match Place::parse(&format!("{text}::")) {
                Place::Daemon(remote) if !text.contains('/') && !text.is_empty() => remote,
                _ => return Err(NoTarget::Local(without_password(text))),
            },
        };
        let is_of_no_name = |letter: char| {
            letter.is_whitespace() || letter.is_control() || letter == char::REPLACEMENT_CHARACTER
        };
        if remote.host.contains(is_of_no_name) {
            return Err(NoTarget::Host(text.escape_debug().to_string()));
        }
        Ok(Self {
            text: text.to_owned(),
            remote,
        })
    }

    /// The module and the path in it, if they are named.
    pub fn module_and_path(&self) -> Option<&str> {
        // What begins with a slash names no module, and is refused as rsync refuses it.
        let path = &*self.remote.path;
        (!path.is_empty()).then_some(path)
    }

    /// The port, if it is named.
    pub fn port(&self) -> Option<u16> {
        self.remote.port
    }

    /// The daemon alone, as rsync's command line has it.
    pub fn daemon(&self) -> String {
        let Remote { user, host, port, .. } = &self.remote;
        let user = user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("rsync://{user}{host}{port}/")
    }

    /// The module, as rsync's command line has it.
    pub(super) fn module(&self) -> Option<String> {
        let path = self.module_and_path()?;
        // Of a module its content is wanted.
        let slash = if path.contains('/') { "" } else { "/" };
        Some(format!("{}{path}{slash}", self.daemon()))
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn targets_are_daemons() {
        let read = |text| Target::parse(text).map(|target| (target.daemon(), target.module()));
        let module = |text: &str| Some(text.to_owned());
        for (text, daemon, wanted) in [
            ("backup.example", "rsync://backup.example/", None),
            ("backup.example::", "rsync://backup.example/", None),
            (
                "joe@backup.example::data",
                "rsync://joe@backup.example/",
                module("rsync://joe@backup.example/data/"),
            ),
            (
                "rsync://[2001:db8::1]:8873/data/sub",
                "rsync://[2001:db8::1]:8873/",
                module("rsync://[2001:db8::1]:8873/data/sub"),
            ),
            (
                "backup.example::/data",
                "rsync://backup.example/",
                module("rsync://backup.example//data"),
            ),
        ] {
            assert_eq!(read(text).expect(text), (daemon.to_owned(), wanted), "{text}");
        }
        for text in [
            "",
            "/srv/data",
            "host:/srv",
            "host:data",
            "hello world",
            "a\tb::m",
            "rsync://\0/m",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
