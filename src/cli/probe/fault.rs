//! Why a shell, cron or systemd does not start rsync, or starts it otherwise than it is meant.

mod chinese;
mod english;
mod of_unit;

pub(super) use of_unit::OfUnit;

use crate::{catalog::Language, cli::probe::run_parts::Omitted, probe::Effect};

/// A place of a script, a table of cron's or a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum Fault {
    /// The folder that it goes to first is not there, or closed: it ends there.
    NoFolder(String),
    /// The same, and the shell goes on where it was.
    Stays(String),
    /// The same, and what rsync is told to take lies in this one.
    RunsIn(String, String),
    /// What the first line names is not there.
    NoInterpreter(String),
    /// What the first line names reads no commands of a shell's.
    OtherInterpreter(String),
    /// The program of the first line gets these words as one.
    OneArgument(String, String),
    /// On this line dash is told of `pipefail`.
    Pipefail(usize),
    /// The program is not there.
    NoProgram(String),
    /// The script that is to start it may not be executed by anybody.
    NotExecutable(String),
    /// The script that systemd is to start names no shell.
    NoFirstLine(String),
    /// The program that is to start it is not there.
    NoStarter(String),
    /// The folder of the file that is locked first is not there.
    NoLockFolder(String),
    /// The folder of a file that output goes to is not there.
    NoLogFolder(String),
    /// The output goes to what is a folder, or has no name.
    NoLog(String),
    /// On this line stands what only bash knows; whether the script ends there.
    OfBash(usize, &'static str, bool),
    /// On this line dash comes to an expansion of bash's, and ends there.
    BadSubstitution(usize, String),
    /// On this line dash is told an option that its own command has not, and ends there.
    IllegalOption(usize, String),
    /// The times of this line are none.
    Times(usize),
    /// The last line of a table, this one, has no end.
    NoEnd(usize),
    /// A table's `SHELL=` names what is not there, or may not be executed.
    NoShell(String),
    /// A table's `SHELL=` names what runs nothing.
    IdleShell(String),
    /// The script of this name lies where `run-parts` is to start it, and passes it over.
    Omitted(String, Omitted),
    /// On this line a variable is set, and not handed on.
    NotExported(usize, &'static str),
    /// On this line blanks stand around the `=` of a variable.
    Apart(usize, &'static str),
    /// The first line ends with a carriage return, behind this program.
    Return(String),
    /// On this line a shell, called so, takes offence, and runs nothing of it.
    Refused(usize, String),
    /// On this line the command fails for sure, and the shell is told to end there.
    Failing(usize, String),
    /// The same of a program that is not there.
    NotFound(usize, String),
    /// The same of a file that is taken in, which ends some shells by itself.
    NotTaken(usize, String),
    /// On this line a file is opened in a folder that is not there, so that what it is for is not run.
    NotOpened(usize, String),
    /// The same of a file that is to be read, and is not there.
    NotRead(usize, String),
    /// On this line the script ends, or another program takes its place.
    Ended(usize, &'static str),
    /// What stands behind this sign is never run, for what stands in front of it on this line.
    PassedOver(usize, &'static str),
    /// On this line a function is called that is defined further down.
    NotYetDefined(usize, String),
    /// On this line `PATH` is taken away, and the program is named by no path.
    NoPath(usize),
    /// On this line a file is to be written anew that is there, which `set -C` forbids.
    NotOverwritten(usize, String),
    /// What the first line names is looked for from the folder on that the script is started in, and is not there.
    RelativeInterpreter(String),
    /// The condition on this line leads elsewhere.
    NeverHolds(usize),
    /// It stands in this function, which nothing calls.
    Uncalled(String),
    /// On this line a frozen variable is set; the shell ends there.
    Frozen(usize, String),
    /// The same, and it keeps its value.
    Kept(usize, String),
    /// On this line somebody asks for this file, and without it rsync is not run.
    Guarded(usize, String),
    /// A unit's own program is not there.
    NotThere(String),
    /// On this line a variable is used that nothing sets; whether it asks for it itself.
    Unset(usize, String, bool),
    /// This command of a unit's runs first, and fails.
    Before(&'static str, String),
    /// systemd refuses a unit, or reads it otherwise than it is meant.
    OfUnit(OfUnit),
}

impl Fault {
    /// What becomes of rsync.
    pub(super) const fn effect(&self) -> Effect {
        match self {
            Self::Stays(_)
            | Self::RunsIn(..)
            | Self::OfBash(_, _, false)
            | Self::NotExported(..)
            | Self::Apart(..)
            | Self::Kept(..)
            | Self::OfUnit(OfUnit::RelativeVariables(_)) => Effect::Other,
            _ => Effect::Never,
        }
    }

    /// The file or the program that is not there.
    pub(super) fn missing(&self) -> Option<&str> {
        match self {
            Self::NoProgram(path)
            | Self::NoStarter(path)
            | Self::NoLockFolder(path)
            | Self::NotThere(path)
            | Self::NoLogFolder(path)
            | Self::NotFound(_, path)
            | Self::NotTaken(_, path)
            | Self::NotOpened(_, path)
            | Self::NotRead(_, path)
            | Self::Guarded(_, path) => Some(path),
            _ => None,
        }
    }

    /// What it is, and what to do. `file`: as a shell takes its name.
    pub(super) fn told(&self, file: &str, language: Language) -> (String, String) {
        match language {
            Language::English => self.in_english(file),
            Language::Chinese => self.in_chinese(file),
        }
    }

    /// What dash says of what it does not know (0.5.12, seen).
    const fn of_dash(&self) -> &'static str {
        match self {
            Self::OfBash(_, _, true) => "Syntax error",
            _ => "not found",
        }
    }
}

fn quoted(path: &str) -> String {
    shell_words::quote(path).into_owned()
}

/// Where that is, in a file; what is typed has no lines.
fn at(line: usize, file: &str) -> String {
    match file {
        "''" => String::new(),
        _ => format!(": vi +{line} {file}"),
    }
}
