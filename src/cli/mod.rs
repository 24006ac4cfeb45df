//! The command line: one file a subcommand. The only room that knows clap and the environment.

mod access;
mod config;
mod doctor;
mod environment;
mod explain;
mod input;
mod interrupt;
mod known;
mod lint;
mod output;
mod popt;
mod probe;
mod replace;
mod resolved;
mod rules;
mod settings;
mod sync;
mod try_as;
mod try_out;

use std::{
    ffi::{OsStr, OsString},
    io,
    path::Path,
    process::ExitCode,
};

use clap::{CommandFactory as _, Parser, Subcommand};

/// Ends of every instrument that judges something, as the README states them.
mod exit {
    /// Nothing at or above `--fail-on`; answered.
    pub(super) const CLEAN: u8 = 0;
    /// Findings; nothing recognised.
    pub(super) const FINDINGS: u8 = 1;
    /// Wrong usage, or wrong settings of our own.
    pub(super) const USAGE: u8 = 2;
    /// Something that was asked for could not be checked.
    pub(super) const UNCHECKED: u8 = 3;
}

/// A configuration linter and troubleshooting doctor for rsync daemons.
#[derive(Debug, Parser)]
#[command(name = "rsyncctl", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(lint::Arguments),
    Config(config::Arguments),
    Access(access::Arguments),
    Rules(rules::Arguments),
    Explain(explain::Arguments),
    Doctor(doctor::Arguments),
    Probe(probe::Arguments),
    Try(try_out::Arguments),
    #[command(hide = true)]
    DaemonOfTrial(try_out::Serving),
    #[command(hide = true)]
    TryAs,
    Sync(sync::Arguments),
}

/// Why a command could not do its work; the text is for the user.
type Failure = Box<dyn std::error::Error>;

/// Runs the program with its arguments, the program's name first, and returns its exit code.
///
/// Called by the name `rsync`, through a link, it takes rsync's command line at once.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter().peekable();
    let is_rsync = arguments
        .peek()
        .is_some_and(|name| Path::new(name).file_name() == Some(OsStr::new("rsync")));
    if is_rsync {
        return end(sync::as_rsync(arguments.skip(1)));
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A reader that went away is none of our business.
            let text = error.render().to_string();
            let _ = match text.contains(|c: char| c.is_control() && c != '\n') {
                true => output::complain(text.trim_end()),
                false => error.print(),
            };
            return ExitCode::from(if error.use_stderr() {
                exit::USAGE
            } else {
                exit::CLEAN
            });
        }
    };
    let result = match cli.command {
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Config(arguments) => config::run(&arguments),
        Command::Access(arguments) => access::run(&arguments),
        Command::Rules(arguments) => rules::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Probe(arguments) => probe::run(&arguments),
        Command::Try(arguments) => try_out::run(&arguments),
        Command::DaemonOfTrial(serving) => try_out::serve(&serving),
        Command::TryAs => try_as::run(),
        Command::Sync(arguments) => sync::run(&arguments),
    };
    end(result)
}

fn end(result: Result<u8, Failure>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) if is_broken_pipe(failure.as_ref()) => ExitCode::from(exit::CLEAN),
        Err(failure) => {
            let _ = output::complain(&failure.to_string());
            ExitCode::from(match failure.is::<input::Denied>() {
                true => exit::UNCHECKED,
                false => exit::USAGE,
            })
        }
    }
}

/// Whether the reader of our output went away (`| head`), which is a quiet success.
fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    let io = failure.downcast_ref::<io::Error>().map(io::Error::kind);
    let json = failure
        .downcast_ref::<serde_json::Error>()
        .and_then(serde_json::Error::io_error_kind);
    io.or(json) == Some(io::ErrorKind::BrokenPipe)
}

/// The command line's own description, for completions and tests.
pub fn command() -> clap::Command {
    Cli::command()
}
