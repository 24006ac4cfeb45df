//! Whether the daemon can run the programs of its hooks that are there: modes are not all that matters.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    doctor::{Cause, Urgency, paths::Judge},
    explain::Server,
    host::{EntryKind, Host, Metadata, Mount, PROGRAM_FOLDERS},
    model::Parameter,
};

/// What runs programs, which kind of case of its page it is, and the page.
const PROGRAMS: [(Parameter, &str, &str); 4] = [
    (Parameter::EarlyExec, "early", "RSY414"),
    (Parameter::PreXferExec, "before", "RSY414"),
    (Parameter::PostXferExec, "after", "RSY414"),
    (Parameter::NameConverter, "converter", "RSY417"),
];
/// Letters that mean something to the shell that rsync hands the command to: with them the first word may be none.
const OF_SHELL: &[u8] = b"\"'`$\\;&|<>()*?[]#!={}%~";
/// The right to run a file.
const EXECUTE: u32 = 1;
/// No script is larger.
const LARGEST_SCRIPT: u64 = 1 << 20;

/// Why a program cannot be run, in English, and what to type.
struct Fault {
    fact: String,
    command: String,
}

/// The hooks that fail though their files are there and somebody may execute them.
pub(super) fn look(server: &Server, asked: &[String], judge: &Judge<'_>) -> Vec<Cause> {
    let configuration = &server.configuration;
    let mut causes = Vec::new();
    for (scope, module) in configuration.module_scopes() {
        let name = module.name.display().into_owned();
        if !asked.is_empty() && !asked.contains(&name) {
            continue;
        }
        for (parameter, variant, rule) in PROGRAMS {
            let command = configuration.text(scope, parameter).value;
            let Some(program) = program(command) else {
                continue;
            };
            let Some(fault) = fault(&program, judge) else {
                continue;
            };
            let arguments = vec![
                ("module", name.clone()),
                ("parameter", parameter.name().to_owned()),
                ("program", program.display().to_string()),
            ];
            let cause = judge.cause_of(rule, arguments, vec![fault.fact]);
            let cause = cause.of_kind(variant).typing(vec![fault.command]);
            causes.push(match parameter {
                // Transfers succeed.
                Parameter::PostXferExec => cause.at(Urgency::Later),
                _ => cause,
            });
        }
    }
    causes
}

/// The program of a command, if it is plain and has its folder.
fn program(command: &[u8]) -> Option<PathBuf> {
    let word = command.split(u8::is_ascii_whitespace).next()?;
    let is_plain = !word.iter().any(|byte| OF_SHELL.contains(byte));
    let path = PathBuf::from(OsStr::from_bytes(word));
    (is_plain && path.is_absolute()).then_some(path)
}

fn fault(program: &Path, judge: &Judge<'_>) -> Option<Fault> {
    let found = judge.host.metadata(program, true).ok()??;
    // What lint tells is not told again.
    if found.kind != EntryKind::File || found.mode & 0o111 == 0 {
        return None;
    }
    let shown = program.display().to_string();
    let quoted = shell_words::quote(&shown).into_owned();
    let (_, real) = crate::host::follow(judge.host, program).ok()?;
    if let Some(mount) = judge.mounts.of(&real).filter(|mount| is_noexec(mount)) {
        let point = mount.point.display().to_string();
        return Some(Fault {
            fact: format!("{point} is mounted noexec"),
            command: format!("mount -o remount,exec {}", shell_words::quote(&point)),
        });
    }
    let daemon = &judge.daemon.identity;
    if daemon.uid != 0 && judge.is_denied(daemon, program, &found, EXECUTE) {
        let user = super::user_name(daemon.uid);
        return Some(Fault {
            fact: format!("{shown}: the daemon runs as {user}, who may not execute it"),
            command: format!("setfacl -m u:{}:rx {quoted}", shell_words::quote(&user)),
        });
    }
    let wanted = interpreter(program, &found, judge.host)?;
    Some(Fault {
        fact: format!("{shown} is for `{}`, which is not there", wanted.escape_debug()),
        command: match wanted.ends_with('\r') {
            true => format!("sed -i 's/\\r$//' {quoted}"),
            false => format!("head -n 1 {quoted}"),
        },
    })
}

fn is_noexec(mount: &Mount) -> bool {
    let mut options = mount.options.split(',').chain(mount.shared_options.split(','));
    options.any(|option| option == "noexec")
}

/// The interpreter that a script names and the machine does not have.
fn interpreter(program: &Path, found: &Metadata, host: &dyn Host) -> Option<String> {
    if found.size > LARGEST_SCRIPT {
        return None;
    }
    let bytes = host.read(program).ok()??;
    let line = bytes.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    // The kernel takes a carriage return for a letter of the name.
    let line = String::from_utf8_lossy(line).into_owned();
    let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
    let first = words.next()?;
    let is_missing = |path: &Path| matches!(host.metadata(path, true), Ok(None));
    if !first.starts_with('/') {
        return None;
    }
    if is_missing(Path::new(first)) {
        return Some(first.to_owned());
    }
    let name = words.next().filter(|_| first.ends_with("/env"))?;
    let is_name = !name.starts_with('-') && !name.contains(['=', '/']);
    let mut places = PROGRAM_FOLDERS.iter().map(|folder| Path::new(folder).join(name));
    (is_name && places.all(|place| is_missing(&place))).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{interpreter, program};
    use crate::host::{Host as _, Image};

    #[test]
    fn a_program_is_the_first_word_if_that_is_plain() {
        let of = |command: &str| program(command.as_bytes()).map(|path| path.display().to_string());
        assert_eq!(of("/opt/check --quota").as_deref(), Some("/opt/check"));
        for none in [
            "",
            "check",
            "test -e /x",
            "\"/opt/a b\"",
            "/opt/%RSYNC_USER_NAME%",
            "$HOME/x",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn a_missing_interpreter_is_found() {
        let root = tempfile::tempdir().expect("a folder");
        let image = Image::new(root.path());
        for name in ["bin/sh", "usr/bin/env", "usr/bin/perl"] {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, "").expect("a file");
        }
        let missing = |text: &str| {
            let path = Path::new("/hook");
            fs::write(root.path().join("hook"), text).expect("a file");
            let found = image.metadata(path, true).expect("it is there").expect("a file");
            interpreter(path, &found, &image)
        };
        assert_eq!(missing("#!/bin/sh\r\nexit\r\n").as_deref(), Some("/bin/sh\r"));
        assert_eq!(
            missing("#! /usr/bin/python2 -u\n").as_deref(),
            Some("/usr/bin/python2")
        );
        assert_eq!(missing("#!/usr/bin/env python2\n").as_deref(), Some("python2"));
        for sound in [
            "#!/bin/sh\n",
            "#!/bin/sh -e",
            "#!/usr/bin/env perl\n",
            "#!/usr/bin/env -S perl -w\n",
            "exit 0\n",
            "",
            "#!\n",
        ] {
            assert_eq!(missing(sound), None, "{sound}");
        }
    }
}
