//! Causes about files that only a daemon with mounts of its own has by those paths.

use std::path::Path;

use crate::{
    doctor::{Cause, Subject, Told, daemon::is_same},
    host::View,
};

/// Where commands are to be typed: among the mounts of a process.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Within {
    /// The process.
    pub process: u32,
    /// The paths that lead elsewhere for others.
    pub paths: Vec<String>,
}

impl Within {
    /// A command as it is typed outside; one that names none of the paths is the same everywhere.
    pub fn typed(&self, command: String) -> String {
        // What enters them by itself is typed outside.
        let is_outside = command.contains("/proc/") || command.starts_with("nsenter ");
        let is_inside = !is_outside && self.paths.iter().any(|path| command.contains(path));
        if !is_inside {
            return command;
        }
        let is_plain = |letter: char| letter.is_alphanumeric() || " -_./+:=,@%'".contains(letter);
        let enter = format!("nsenter -t {} -m --", self.process);
        match command.chars().all(is_plain) {
            true => format!("{enter} {command}"),
            false => format!("{enter} sh -c {}", shell_words::quote(&command)),
        }
    }
}

/// Notes of causes of a daemon which of their paths are other files outside of its mounts. Of a container's all are, which is
/// told once.
pub(super) fn note(subject: &Subject, causes: &mut [Cause]) {
    let (Some(view), Some(daemon)) = (&subject.view, &subject.daemon) else {
        return;
    };
    if daemon.is_contained {
        return;
    }
    for cause in causes {
        let mut paths = named(cause);
        paths.push(subject.file.display().to_string());
        paths.retain(|path| path.starts_with('/') && path != "/" && differs(view, Path::new(path)));
        paths.sort();
        paths.dedup();
        cause.within = (!paths.is_empty()).then_some(Within {
            process: daemon.process,
            paths,
        });
    }
}

/// What a cause names.
fn named(cause: &Cause) -> Vec<String> {
    let arguments = match &cause.told {
        Told::Finding(report, index) => Some(&report.findings[*index].arguments),
        Told::Page(_, arguments, _) => Some(arguments),
        Told::Text(found, index) => {
            let first = found.incidents[*index].causes.first();
            first.map(|first| &first.arguments)
        }
    };
    let arguments = arguments.into_iter().flatten();
    let mut named: Vec<_> = arguments.map(|(_, value)| value.clone()).collect();
    if let Told::Finding(report, index) = &cause.told {
        let source = report.findings[*index].labels[0].span.source;
        named.push(report.sources.get(source).name().to_owned());
    }
    named
}

/// Whether a path leads elsewhere inside: by the first of it and the folders above that is there inside.
fn differs(view: &View, path: &Path) -> bool {
    let mut above = path.ancestors();
    let there = above.find(|path| view.outside(path).symlink_metadata().is_ok());
    there.is_some_and(|path| !is_same(path, &view.outside(path)))
}

#[cfg(test)]
mod tests {
    use super::Within;

    #[test]
    fn commands_enter_the_mounts_where_they_name_a_path_of_them() {
        let within = Within {
            process: 7,
            paths: vec!["/run/secrets/rsync".to_owned()],
        };
        for (command, typed) in [
            (
                "chown root '/run/secrets/rsync'",
                "nsenter -t 7 -m -- chown root '/run/secrets/rsync'",
            ),
            (
                "ls -l /run/secrets/rsync | head",
                "nsenter -t 7 -m -- sh -c 'ls -l /run/secrets/rsync | head'",
            ),
            ("systemctl restart rsync", "systemctl restart rsync"),
            (
                "nsenter -t 7 -m findmnt -T '/run/secrets/rsync'",
                "nsenter -t 7 -m findmnt -T '/run/secrets/rsync'",
            ),
            (
                "rmdir /proc/7/root/run/secrets/rsync",
                "rmdir /proc/7/root/run/secrets/rsync",
            ),
        ] {
            assert_eq!(within.typed(command.to_owned()), typed);
        }
    }
}
