//! Which shell reads a script.

use std::{env, fs, io::Read as _, os::unix::ffi::OsStrExt as _, path::Path, process};

use nix::unistd::{AccessFlags, access};

use crate::cli::probe::{fault::Fault, text::RETURN as RETURN_BYTE};

/// What stands for a carriage return.
const RETURN: char = RETURN_BYTE as char;

/// Shells that take plain words for the same.
const SHELLS: [&str; 3] = ["sh", "bash", "dash"];

/// Programs that read no commands of a shell's, without the numbers of their releases.
const OTHERS: [&str; 15] = [
    "awk", "cat", "echo", "false", "gawk", "lua", "mawk", "node", "nodejs", "perl", "php", "python", "ruby",
    "tclsh", "true",
];

/// What stands in their texts where they hand something to a shell.
const STARTING: [&[u8]; 10] = [
    b"system",
    b"popen",
    b"subprocess",
    b"exec",
    b"spawn",
    b"`",
    b"qx",
    b"sh(",
    b"run(",
    b"getline",
];

/// What a script names in its first line, as the kernel reads it: all behind the program is one argument (execve(2)).
pub(super) struct Interpreter {
    program: String,
    argument: String,
}

impl Interpreter {
    pub(super) fn of(script: &[u8]) -> Option<Self> {
        let line = script.strip_prefix(b"#!")?.split(|&byte| byte == b'\n').next()?;
        let text = str::from_utf8(line).ok()?.trim_matches([' ', '\t']);
        let (program, argument) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        (!program.is_empty()).then(|| Self {
            program: program.to_owned(),
            argument: argument.trim_start_matches([' ', '\t']).to_owned(),
        })
    }

    /// The shell; behind `env` the one that is looked for.
    pub(super) fn shell(&self) -> &str {
        match self.is_env() {
            true => {
                let words = self.argument.strip_prefix("-S").unwrap_or(&self.argument);
                words.split_ascii_whitespace().next().unwrap_or_default()
            }
            false => &self.program,
        }
    }

    /// The options that the script is started with.
    pub(super) fn options(&self) -> &str {
        if self.is_env() { "" } else { &self.argument }
    }

    fn is_env(&self) -> bool {
        self.program.ends_with("/env")
    }

    /// Why the kernel, `env` or the shell does not start the script.
    pub(super) fn fault(&self) -> Option<Fault> {
        let has_return = |text: &str| text.ends_with(['\r', RETURN]);
        if has_return(&self.program) || has_return(&self.argument) {
            let program = self.program.trim_end_matches(['\r', RETURN]);
            return Some(Fault::Return(program.to_owned()));
        }
        // Those are told as what they are.
        let has_control = |text: &str| text.contains(|letter: char| letter.is_ascii_control());
        if has_control(&self.program) || has_control(&self.argument) {
            return None;
        }
        if self.is_env() && self.argument.starts_with('-') {
            return None;
        }
        let is_missing = match self.is_env() {
            true => !self.argument.contains(' ') && in_path(&self.argument).is_none(),
            false => self.program.starts_with('/') && !Path::new(&self.program).exists(),
        };
        if is_missing {
            return Some(Fault::NoInterpreter(self.shell().to_owned()));
        }
        if !self.program.starts_with('/') && !Path::new(&self.program).exists() {
            return Some(Fault::RelativeInterpreter(self.program.clone()));
        }
        let is_one_word = !self.argument.contains([' ', '\t']);
        let is_read_as_one = self.is_env() || is_plain(self.shell());
        (is_read_as_one && !is_one_word)
            .then(|| Fault::OneArgument(self.program.clone(), self.argument.clone()))
    }

    /// The same where what is named is no shell; `script`: its text, in which that may start one.
    pub(super) fn fault_of_other(&self, script: &[u8]) -> Option<Fault> {
        let program = Path::new(self.shell());
        let name = program.file_name()?.to_str()?;
        let name = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let rest = script.split(|&byte| byte == b'\n').skip(1);
        let starts = |line: &[u8]| {
            STARTING
                .iter()
                .any(|word| line.windows(word.len()).any(|part| part == *word))
        };
        let is_other = OTHERS.contains(&name) && !rest.into_iter().any(starts);
        is_other.then(|| Fault::OtherInterpreter(self.shell().to_owned()))
    }

    /// Whether that is a shell whose plain words are followed, with nothing but what ends the script at failures.
    pub(super) fn is_plain(&self) -> bool {
        let is_strict = match self.options().strip_prefix('-') {
            Some(letters) => !letters.is_empty() && letters.bytes().all(|letter| b"eux".contains(&letter)),
            None => self.options().is_empty(),
        };
        let is_split = self.is_env() && self.argument.starts_with('-');
        is_strict && !is_split && is_plain(self.shell()) && self.fault().is_none() && self.is_real()
    }

    /// Whether what is started is the shell that it is called.
    fn is_real(&self) -> bool {
        let path = || env::var_os("PATH").unwrap_or_default();
        match self.is_env() {
            true => {
                let shell = system_program(path().as_bytes(), self.shell());
                is_elf(Path::new(&self.program)) && shell.is_some_and(|shell| is_shell(&shell))
            }
            false => is_shell(Path::new(&self.program)),
        }
    }
}

/// Whether a shell takes plain words for what they are here.
pub(super) fn is_plain(shell: &str) -> bool {
    let name = Path::new(shell).file_name();
    name.is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
}

/// The program of that name which our own search path leads to.
fn in_path(name: &str) -> Option<std::path::PathBuf> {
    let path = env::var_os("PATH")?;
    program_in(path.as_bytes(), name)
}

/// The program of that name which a search path leads to.
pub(super) fn program_in(path: &[u8], name: &str) -> Option<std::path::PathBuf> {
    let folders = path
        .split(|&byte| byte == b':')
        .filter(|folder| folder.starts_with(b"/"));
    let mut files = folders.map(|folder| Path::new(std::ffi::OsStr::from_bytes(folder)).join(name));
    files.find(|file| is_program(file))
}

/// The same, where it is no script and no folder of another kind stands in front of its own.
pub(super) fn system_program(path: &[u8], name: &str) -> Option<std::path::PathBuf> {
    let folders = path.split(|&byte| byte == b':');
    let whole = folders.take_while(|folder| folder.starts_with(b"/"));
    let mut files = whole.map(|folder| Path::new(std::ffi::OsStr::from_bytes(folder)).join(name));
    files.find(|file| is_program(file)).filter(|file| is_elf(file))
}

/// Whether a file is a program of the system's own format (elf(5)): what somebody has written in its place may do anything.
pub(super) fn is_elf(file: &Path) -> bool {
    let mut start = [0; 4];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut start));
    read.is_ok() && start == *b"\x7fELF"
}

/// Whether a file is a shell, by whatever link it is named.
pub(super) fn is_shell(file: &Path) -> bool {
    let real = fs::canonicalize(file).ok();
    let name = real.as_deref().and_then(Path::file_name);
    let is_named = name.is_some_and(|name| name == "busybox" || SHELLS.iter().any(|shell| name == *shell));
    is_named && is_program(file) && is_elf(file)
}

/// Whether a file can be started.
pub(super) fn is_program(file: &Path) -> bool {
    file.is_file() && access(file, AccessFlags::X_OK).is_ok()
}

/// Whether a shell takes braces apart; `sh` is what its link leads to on this machine.
pub(super) fn takes_braces(shell: &str) -> Option<bool> {
    match Path::new(shell).file_name()?.to_str()? {
        "bash" | "ksh" | "zsh" => Some(true),
        "dash" => Some(false),
        "sh" => {
            let real = fs::canonicalize("/bin/sh").ok()?;
            let name = real.file_name()?.to_str()?;
            takes_braces(name).filter(|_| name != "sh")
        }
        _ => None,
    }
}

/// Whether a script names dash in its first line, or what leads to it.
pub(super) fn is_of_dash(script: &[u8]) -> bool {
    Interpreter::of(script).and_then(|found| takes_braces(found.shell())) == Some(false)
}

/// Whether the `dash` of this machine knows `set -o pipefail`, which its later releases do.
pub(super) fn dash_knows_pipefail() -> bool {
    let mut dash = process::Command::new("dash");
    let dash = dash.args(["-c", "set -o pipefail"]).stdin(process::Stdio::null());
    let silent = dash.stdout(process::Stdio::null()).stderr(process::Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::Interpreter;
    use crate::cli::probe::fault::Fault;

    #[test]
    fn a_first_line_is_read_as_the_kernel_reads_it() {
        let one = |program: &str, argument: &str| Some(Fault::OneArgument(program.into(), argument.into()));
        for (line, fault, is_plain) in [
            ("#!/bin/sh", None, true),
            ("#! /bin/bash -e ", None, true),
            (
                "#!/bin/bash -eu -o pipefail",
                one("/bin/bash", "-eu -o pipefail"),
                false,
            ),
            ("#!/bin/sh -n", None, false),
            ("#!/usr/bin/env bash", None, true),
            ("#!/usr/bin/env bash -e", one("/usr/bin/env", "bash -e"), false),
            ("#!/usr/bin/env -S bash -e", None, false),
            (
                "#!/usr/bin/env no-such-shell",
                Some(Fault::NoInterpreter("no-such-shell".into())),
                false,
            ),
            (
                "#!/no/such/bash",
                Some(Fault::NoInterpreter("/no/such/bash".into())),
                false,
            ),
            ("#!/usr/bin/perl -w -T", None, false),
            (
                "#!bin/bash",
                Some(Fault::RelativeInterpreter("bin/bash".into())),
                false,
            ),
        ] {
            let read = Interpreter::of(line.as_bytes()).expect(line);
            assert_eq!((read.fault(), read.is_plain()), (fault, is_plain), "{line}");
        }
    }
}
