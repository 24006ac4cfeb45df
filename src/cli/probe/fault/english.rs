//! What each is, and what to do, in English.

use crate::cli::probe::{
    fault::{Fault, at, quoted},
    run_parts::Omitted,
};

impl Fault {
    pub(super) fn in_english(&self, file: &str) -> (String, String) {
        match self {
            Self::NoFolder(folder) => (
                format!("the folder `{folder}`, which it goes to first, cannot be entered: it ends there"),
                format!("make it, or name the right one: mkdir -p {}", quoted(folder)),
            ),
            Self::Stays(folder) => (
                format!("the folder `{folder}` cannot be entered: the shell stays where it is, and goes on"),
                format!(
                    "make it, or name the right one, and write `cd {} || exit 1`",
                    quoted(folder)
                ),
            ),
            Self::RunsIn(folder, place) => (
                format!(
                    "the folder `{folder}` cannot be entered: the shell stays where it is and goes on there, so rsync runs with the files of `{place}`"
                ),
                format!(
                    "make it, or name the right one, and write `cd {} || exit 1`",
                    quoted(folder)
                ),
            ),
            Self::NoInterpreter(program) => (
                format!(
                    "there is no `{program}`, which the first line of `{file}` names: nothing of it runs"
                ),
                format!("write `#!/bin/sh`, or `#!/bin/bash`, into the first line: vi +1 {file}"),
            ),
            Self::OtherInterpreter(program) => (
                format!(
                    "the first line of `{file}` hands all of it to `{program}`, which is no shell and runs none of these commands"
                ),
                format!("write `#!/bin/sh`, or `#!/bin/bash`, into the first line: vi +1 {file}"),
            ),
            Self::OneArgument(program, argument) => (
                format!(
                    "`{program}` in the first line of `{file}` gets `{argument}` as one word, and refuses it"
                ),
                format!(
                    "leave `#!/bin/bash` there, and write the options on the next line, as `set -e`: vi +1 {file}"
                ),
            ),
            Self::Pipefail(line) => (
                format!("dash does not know the `pipefail` of line {line}: the script ends there"),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::NoProgram(program) => (
                format!("there is no program `{program}` on this machine (code 127 of the shell)"),
                "write `rsync`, or the path that this prints: command -v rsync".to_owned(),
            ),
            Self::NotExecutable(script) => (
                format!(
                    "nobody may execute `{script}`: it is not started (code 126 of a shell, 203/EXEC of systemd)"
                ),
                format!("chmod +x {}", quoted(script)),
            ),
            Self::NoFirstLine(script) => (
                format!(
                    "`{script}` has no first line such as `#!/bin/sh`: systemd does not start it (203/EXEC)"
                ),
                format!("write `#!/bin/sh` into its first line: vi +1 {}", quoted(script)),
            ),
            Self::NoStarter(program) => (
                format!("there is no program `{program}` on this machine, which is to start the command"),
                format!(
                    "install it, or take it away; what is there, this tells: command -v {}",
                    quoted(program)
                ),
            ),
            Self::NoLockFolder(folder) => (
                format!("there is no folder `{folder}` for the lock, so `flock` does not start the command"),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NoLogFolder(folder) => (
                format!(
                    "there is no folder `{folder}` for the output, so the shell does not start the command"
                ),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NoLog(name) if name.is_empty() => (
                "the name of the file for the output is empty, so the shell does not start the command"
                    .to_owned(),
                "set the variable behind `>` to the name of a file".to_owned(),
            ),
            Self::NoLog(name) => (
                format!(
                    "`{name}`, which the output goes to, is a folder, so the shell does not start the command"
                ),
                format!(
                    "write the name of a file behind `>`, as {}",
                    quoted(&format!("{}/rsync.log", name.trim_end_matches('/')))
                ),
            ),
            Self::OfBash(line, sign, _) => (
                format!(
                    "the `{sign}` of line {line} is bash's, and dash runs the script: {}",
                    self.of_dash()
                ),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::BadSubstitution(line, text) => (
                format!(
                    "dash knows no `{text}` (line {line}): with `Bad substitution` the script ends there"
                ),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::IllegalOption(line, words) => (
                format!("dash knows no `{words}` (line {line}): with `Illegal option` the script ends there"),
                format!("let bash run it, `#!/bin/bash`: vi +1 {file}"),
            ),
            Self::Times(line) => (
                format!("cron does not understand the times of line {line} of `{file}`, and starts nothing"),
                format!(
                    "write five fields, as `0 3 * * *` (minute, hour, day, month, weekday): vi +{line} {file}"
                ),
            ),
            Self::NoEnd(line) => (
                format!("the last line of `{file}` ({line}) has no end: cron takes no such table"),
                format!("echo >> {file}"),
            ),
            Self::NoShell(shell) => (
                match shell.starts_with('/') {
                    true => format!(
                        "there is no program `{shell}`, which the table's `SHELL=` names: cron starts nothing"
                    ),
                    false => format!(
                        "the table's `SHELL={shell}` is no whole path, and cron looks for it in the home folder alone: it starts nothing"
                    ),
                },
                format!("write `SHELL=/bin/sh`, or `SHELL=/bin/bash`: vi {file}"),
            ),
            Self::IdleShell(shell) => (
                format!("the table's `SHELL={shell}` is no shell, and runs none of the commands"),
                format!("write `SHELL=/bin/sh`, or `SHELL=/bin/bash`: vi {file}"),
            ),
            Self::Omitted(name, Omitted::Letter(letter)) => (
                format!(
                    "`run-parts`, which cron starts the scripts of this folder with, passes `{name}` over, for there is a `{letter}` in its name: it takes letters, digits, `-` and `_` alone"
                ),
                format!("mv {file} {}", plain_name(file)),
            ),
            Self::Omitted(name, Omitted::Closed) => (
                format!(
                    "nobody may execute `{name}`, so `run-parts`, which cron starts the scripts of this folder with, passes it over"
                ),
                format!("chmod +x {file}"),
            ),
            Self::Omitted(name, Omitted::NoFirstLine) => (
                format!(
                    "`{name}` has no first line such as `#!/bin/sh`: `run-parts`, which cron starts the scripts of this folder with, cannot start it"
                ),
                format!("write `#!/bin/sh` into its first line: vi +1 {file}"),
            ),
            Self::NotExported(line, name) => (
                format!(
                    "line {line} sets `{name}` for the shell alone: without `export` rsync does not get it"
                ),
                format!("sed -i '{line}s/{name}=/export {name}=/' {file}"),
            ),
            Self::Apart(line, name) => (
                format!(
                    "a blank stands in front of the `=` on line {line}: the shell takes `{name}` for a program"
                ),
                format!("sed -i '{line}s/{name}[[:space:]]*=[[:space:]]*/export {name}=/' {file}"),
            ),
            Self::Return(program) => (
                format!(
                    "the first line of `{file}` ends with a carriage return, so the kernel looks for `{program}\\r`: nothing of it runs"
                ),
                format!("sed -i 's/\\r$//' {file}"),
            ),
            Self::Refused(line, shell) => (
                format!(
                    "`{shell}` does not take what stands up to line {line} (syntax error), and runs nothing of it"
                ),
                match file {
                    "''" => "close what is open, and take away what is too much".to_owned(),
                    _ => format!("mend what this tells: {shell} -n {file}"),
                },
            ),
            Self::Failing(line, program) => (
                format!("`{program}` on line {line} fails, and with `set -e` the script ends there"),
                format!("take it away, or write `{program} || true`: vi +{line} {file}"),
            ),
            Self::NotFound(line, program) => (
                format!(
                    "there is no program `{program}` on this machine (line {line}), and with `set -e` the script ends there"
                ),
                format!("install it, or write its right name: vi +{line} {file}"),
            ),
            Self::NotTaken(line, taken) => (
                format!("there is no file `{taken}`, which line {line} takes in: the script ends there"),
                format!("make it, or name the right one: vi +{line} {file}"),
            ),
            Self::Ended(line, word) => (
                match *word {
                    "break" => {
                        format!("the loop ends with the `break` of line {line}, in front of the command")
                    }
                    "continue" => format!(
                        "the round of the loop ends with the `continue` of line {line}, in front of the command"
                    ),
                    word => {
                        format!("the script ends with the `{word}` of line {line}, in front of the command")
                    }
                },
                format!("put the command in front of it: vi +{line} {file}"),
            ),
            Self::PassedOver(line, sign) => {
                let ends = if *sign == "&&" { "fails" } else { "does not fail" };
                (
                    format!(
                        "what stands in front of `{sign}` on line {line} {ends} on this machine, so what follows is not run"
                    ),
                    format!("mend what stands in front of `{sign}`{}", at(*line, file)),
                )
            }
            Self::NotYetDefined(line, name) => (
                format!(
                    "line {line} calls `{name}`, which is defined further down: the shell finds no such command there (127)"
                ),
                format!("put the call behind the definition: vi +{line} {file}"),
            ),
            Self::NoPath(line) => (
                format!(
                    "with the `unset PATH` of line {line} the shell finds no program that is named without its path"
                ),
                format!("take it away, or write /usr/bin/rsync: vi +{line} {file}"),
            ),
            Self::NotOverwritten(line, written) => (
                format!(
                    "`{written}`, which line {line} opens with `>`, is there, and with `set -C` the shell does not overwrite it: without it rsync is not run"
                ),
                format!("write `>|`, or `>>`{}", at(*line, file)),
            ),
            Self::RelativeInterpreter(program) => (
                format!(
                    "the first line of `{file}` names `{program}` without the `/` in front of it, so the kernel looks for it in the folder that the script is started in, where it is not: nothing of it runs"
                ),
                format!("write `#!/bin/sh`, or `#!/bin/bash`, into the first line: vi +1 {file}"),
            ),
            Self::NeverHolds(line) => (
                format!("the condition on line {line} leads past the command"),
                format!("mend the condition{}", at(*line, file)),
            ),
            Self::Uncalled(name) => (
                format!("the command stands in the function `{name}`, which nothing in `{file}` calls"),
                format!("call it where it is meant to run: echo {name} >> {file}"),
            ),
            Self::Frozen(line, name) => (
                format!("line {line} sets `{name}`, which is readonly: the shell gives up there"),
                format!("take the `readonly` away, or the second value: vi +{line} {file}"),
            ),
            Self::Kept(line, name) => (
                format!(
                    "line {line} sets `{name}`, which is readonly: it keeps its value, and the script goes on"
                ),
                format!("take the `readonly` away, or the second value: vi +{line} {file}"),
            ),
            Self::NotOpened(line, folder) => (
                format!(
                    "there is no folder `{folder}` for the file that line {line} opens: without it rsync is not run"
                ),
                format!("mkdir -p {}", quoted(folder)),
            ),
            Self::NotRead(line, read) => (
                format!("line {line} reads `{read}`, which is not there: without it rsync is not run"),
                format!("make it, or name the right one{}", at(*line, file)),
            ),
            Self::Guarded(line, asked) => (
                format!("line {line} asks for `{asked}`, which is not there now"),
                format!("mount or make it, or name the right one{}", at(*line, file)),
            ),
            Self::NotThere(program) => (
                format!("there is no program `{program}` on this machine (203/EXEC of systemd)"),
                "write the path that this prints: command -v rsync".to_owned(),
            ),
            Self::Unset(line, name, true) => (
                format!(
                    "line {line} asks for `{name}`, which neither the script nor this environment sets: the script ends there"
                ),
                format!("export {name}=..., as whoever starts the script does"),
            ),
            Self::Unset(line, name, false) => (
                format!(
                    "line {line} uses `{name}`, which neither the script nor this environment sets: with `set -u` the script ends there"
                ),
                format!("set it, or write `${{{name}:-}}`: vi +{line} {file}"),
            ),
            Self::OfUnit(fault) => fault.in_english(file),
            Self::Before(setting, program) => (
                format!("`{setting}={program}` fails on this machine, so systemd does not start the command"),
                format!(
                    "mend what it does, or write `{setting}=-{program}` where its failure does not matter: vi {file}"
                ),
            ),
        }
    }
}

/// The name of a file that `run-parts` takes: without its ending, with `-` for what else it does not know.
pub(super) fn plain_name(file: &str) -> String {
    let (folder, name) = match file.trim_matches('\'').rsplit_once('/') {
        Some((folder, name)) => (format!("{folder}/"), name),
        None => (String::new(), file.trim_matches('\'')),
    };
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or(name);
    let is_taken = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let stem = stem
        .chars()
        .map(|letter| if is_taken(letter) { letter } else { '-' });
    quoted(&format!("{folder}{}", stem.collect::<String>()))
}
