use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
    os::{fd::AsFd, unix::ffi::OsStringExt as _},
};

use clap::Args;
use nix::unistd::{getpgrp, tcgetpgrp};
use serde_json::{Value, json};
use terminal_size::{Width, terminal_size_of};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::{environment, surroundings},
        exit,
        interrupt::Interrupt,
        output::{is_ascii_locale, tell, unless_closed},
        popt::aliases,
    },
    explain::{Explanation, Known, explain},
    host::zone,
    render::diagnoses,
    rsync::{
        net::Connections,
        transfer::{Error, Outcome, describe},
        tree::append_trusted,
    },
    sync::{
        Command, Environment, Plan, Printer, Streams, UsageError, conclude, converse, last_line, prepare,
        reach, report_refusal, version, version_for_programs,
    },
    terms::{Exit, refusal},
};

/// Pull files from an rsync daemon, push them to it, or list them, with rsync's own command line
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(super) struct Arguments {
    /// rsync's options, sources and destination
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "RSYNC ARGUMENTS"
    )]
    words: Vec<OsString>,
}

const HELP: &str = include_str!("sync.help");

/// Carries out rsync's command line.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    carry_out(&arguments.words, Name::Own)
}

/// The same for the words behind the program's name.
pub(super) fn as_rsync(words: impl Iterator<Item = OsString>) -> Result<u8, Failure> {
    carry_out(&words.collect::<Vec<_>>(), Name::Rsync)
}

/// By what name the user calls this program.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Name {
    Own,
    /// Whoever calls it expects rsync, and not more of it.
    Rsync,
}

fn carry_out(words: &[OsString], name: Name) -> Result<u8, Failure> {
    if let Some(error) = aliased(words) {
        return refuse(words, &error);
    }
    let environment = environment();
    let mut plan = match Command::parse(words, surroundings()) {
        Ok(Command::Help) => {
            io::stdout().write_all(HELP.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Ok(Command::Version { is_for_programs }) => {
            let text = match is_for_programs {
                true => version_for_programs(name == Name::Rsync),
                false => version(name == Name::Rsync),
            };
            io::stdout().write_all(text.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Ok(Command::Transfer(mut plan)) => {
            environment.offer(&mut plan);
            plan
        }
        Err(UsageError::Help(text)) => {
            io::stdout().write_all(text.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Err(error) => return refuse(words, &error),
    };
    let (log, unlogged) = match plan.output.log_file.as_deref().map(append_trusted) {
        Some(Err(error)) => (None, Some(error)),
        opened => (opened.and_then(Result::ok), None),
    };
    let dropped = plan.options.filters.take_dropped();
    let output: Box<dyn io::Write + Send> = match plan.output.all_to_errors && !plan.output.is_json {
        true => Box::new(io::stderr()),
        false => Box::new(io::BufWriter::new(io::stdout())),
    };
    let has_bar = name == Name::Own && io::stderr().is_terminal();
    let streams = Streams {
        output,
        bar: has_bar.then(|| Box::new(bar_columns) as Box<dyn Fn() -> Option<usize> + Send>),
        errors: Box::new(io::stderr()),
        log: log.map(|file| Box::new(file) as Box<dyn io::Write + Send>),
        is_in_foreground: Box::new(|| is_in_foreground(io::stdout())),
        is_ascii: is_ascii_locale(),
    };
    let printer = Printer::new(&plan, zone(), streams);
    if let (Some(error), Some(path)) = (unlogged, &plan.output.log_file) {
        // rsync goes on without it too.
        let (path, reason) = (path.display(), describe(&error));
        printer.complain(&format!(
            "{}rsync: [client] failed to open log-file {path}: {reason}",
            refusal(&error)
        ));
        printer.inform("Ignoring \"log file\" setting.");
    }
    for text in dropped {
        printer.complain(&text);
    }
    if !plan.output.unsaid.is_empty() {
        let words = plan.output.unsaid.join(", ");
        printer.advise(&format!(
            "rsyncctl: {words}: rsync says more by that than rsyncctl"
        ));
    }
    let interrupt = Interrupt::watch()?;
    let ended = interrupt.run(
        || {
            let connections = interrupt.connections();
            transfer(&plan, &environment, &printer, connections).map_err(|error| {
                match connections.are_ended() {
                    true => Error::Interrupted(interrupt.exit()),
                    false => error,
                }
            })
        },
        || end(&plan, &printer, &Err(Error::Interrupted(interrupt.exit()))),
    );
    Ok(end(&plan, &printer, &ended))
}

/// An option of a command line that a file of popt's makes something else of.
fn aliased(words: &[OsString]) -> Option<UsageError> {
    let words = words.iter().map(|word| word.to_string_lossy().into_owned());
    let words: Vec<_> = words.collect();
    let home = env::var_os("HOME").map(OsString::into_vec);
    let mut aliases = aliases(home.as_deref()).into_iter();
    let alias = aliases.find(|alias| alias.defines_one_of(&words))?;
    Some(UsageError::Alias(alias.refusal()))
}

/// Says what is wrong with a command line; the status to end with.
fn refuse(words: &[OsString], error: &UsageError) -> Result<u8, Failure> {
    let code = error.exit().code();
    let text = format!("{}{error}\n{}", error.prefix(), last_line(code, error.role()));
    tell(&format!(
        "{text}\nrsyncctl: `rsyncctl sync --help` says what can be typed"
    ))?;
    // A program that reads does so whatever is wrong.
    if words.iter().any(|word| word == "--json") {
        let explanation = explain(text.as_bytes(), &Known::default()).ok();
        let diagnoses = explained(explanation.as_ref());
        report_refusal(&text, &diagnoses, code, &mut io::stdout())?;
    }
    Ok(code)
}

/// The causes, as programs read them.
fn explained(explanation: Option<&Explanation>) -> Value {
    explanation.map_or_else(
        || json!([]),
        |explanation| diagnoses(explanation, "stderr", Language::English),
    )
}

/// Says how the session ended, and what to do next; the status to end with.
fn end(plan: &Plan, printer: &Printer<'_>, ended: &Result<Option<Outcome>, Error>) -> u8 {
    let outcome = ended.as_ref().ok().and_then(Option::as_ref).copied();
    let code = conclude(printer, ended);
    let mut code = unless_lost(printer, printer.finish(outcome.as_ref()), code);
    let explanation = match code {
        0 => None,
        _ => explain(&*printer.complaints(), &Known::default()).ok(),
    };
    if let Some(advice) = explanation.as_ref().and_then(advice) {
        printer.advise(&advice);
    }
    if plan.output.is_json {
        let concluded = printer.conclude(&explained(explanation.as_ref()), code, outcome.as_ref());
        code = unless_lost(printer, concluded, code);
    }
    code
}

/// The status to end with: rsync's own where what is printed cannot be written (`rwrite` in log.c), though the transfer goes on
/// here. Whoever reads may go away early.
fn unless_lost(printer: &Printer<'_>, written: io::Result<()>, code: u8) -> u8 {
    match unless_closed(written) {
        Err(error) if code == exit::CLEAN => {
            let reason = describe(&error);
            printer.complain(&format!(
                "rsyncctl: what is printed could not be written: {reason}"
            ));
            let code = Exit::MessageIo.code();
            printer.complain(&last_line(code, printer.role()));
            code
        }
        _ => code,
    }
}

fn transfer(
    plan: &Plan,
    environment: &Environment<'_>,
    printer: &Printer<'_>,
    connections: &Connections,
) -> Result<Option<Outcome>, Error> {
    let stream = reach(plan, environment, printer, None)?;
    prepare(plan, &stream, printer)?;
    let _joined = connections.join(stream.clone());
    converse(plan, environment, printer, stream)
}

/// Whether the terminal, if a stream is one, shows this program now.
fn is_in_foreground(stream: impl AsFd) -> bool {
    tcgetpgrp(stream).map_or(true, |shown| shown == getpgrp())
}

/// How wide the terminal is that errors go to, while it shows this program.
fn bar_columns() -> Option<usize> {
    let size = terminal_size_of(io::stderr());
    let columns = size.map_or(80, |(Width(columns), _)| columns.into());
    is_in_foreground(io::stderr()).then_some(columns)
}

/// What to do next: the likeliest cause of what was printed.
fn advice(explanation: &Explanation) -> Option<String> {
    let cause = explanation.incidents.first()?.causes.first()?;
    Some(format!(
        "rsyncctl: {}; `rsyncctl explain {}` says what to do",
        cause.page.id, cause.page.id
    ))
}
