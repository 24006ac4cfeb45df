use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    os::unix::ffi::{OsStrExt as _, OsStringExt},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use clap::Args;
use jiff::tz::TimeZone;
use nix::unistd::{getpgrp, tcgetpgrp};
use serde_json::json;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::{environment, mask},
        exit,
        output::complain,
    },
    explain::{Explanation, Known, explain},
    render::diagnoses,
    rsync::{
        delta::Checksum,
        filter::{CvsIgnores, FilterError},
        proto::{Compression, named},
        transfer::{Error, Outcome, describe},
        tree::append_trusted,
    },
    sync::{
        Command, Plan, Printer, Streams, Surroundings, UsageError, conclude, converse, last_line, prepare,
        reach, version, version_for_programs,
    },
    terms::Exit,
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
    carry_out(&arguments.words)
}

/// The same for the words behind the program's name.
pub(super) fn as_rsync(words: impl Iterator<Item = OsString>) -> Result<u8, Failure> {
    carry_out(&words.collect::<Vec<_>>())
}

fn carry_out(words: &[OsString]) -> Result<u8, Failure> {
    let plan = match Command::parse(words, surroundings()) {
        Ok(Command::Help) => {
            io::stdout().write_all(HELP.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Ok(Command::Version { is_for_programs }) => {
            let text = match is_for_programs {
                true => version_for_programs(),
                false => version(),
            };
            io::stdout().write_all(text.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Ok(Command::Transfer(mut plan)) => {
            let algorithms = &mut plan.options.algorithms;
            algorithms.checksums = offered("RSYNC_CHECKSUM_LIST", Checksum::of_name);
            algorithms.compressions = offered("RSYNC_COMPRESS_LIST", Compression::of_name);
            plan
        }
        Err(UsageError::Filter(error)) => {
            let code = error.exit().code();
            // rsync puts its name in front of what the system says.
            let is_of_system = matches!(error, FilterError::Unreadable { .. });
            let prefix = if is_of_system { "rsync: [client] " } else { "" };
            complain(&format!("{prefix}{error}\n{}", last_line(code, "client")))?;
            return Ok(code);
        }
        Err(UsageError::Help(text)) => {
            io::stdout().write_all(text.as_bytes())?;
            return Ok(exit::CLEAN);
        }
        Err(error) if error.exit() == Exit::Syntax && !error.is_of_rsync() => {
            complain(&format!("{error}\nsee `rsyncctl sync --help`"))?;
            return Ok(Exit::Syntax.code());
        }
        Err(error) => {
            let code = error.exit().code();
            let prefix = if error.is_of_rsync() { error.prefix() } else { "" };
            writeln!(io::stderr(), "{prefix}{error}\n{}", last_line(code, "client"))?;
            return Ok(code);
        }
    };
    let (log, unlogged) = match plan.output.log_file.as_deref().map(append_trusted) {
        Some(Err(error)) => (None, Some(error)),
        opened => (opened.and_then(Result::ok), None),
    };
    let output: Box<dyn io::Write + Send> = match plan.output.all_to_errors && !plan.output.is_json {
        true => Box::new(io::stderr()),
        false => Box::new(io::BufWriter::new(io::stdout())),
    };
    let streams = Streams {
        output,
        errors: Box::new(io::stderr()),
        log: log.map(|file| Box::new(file) as Box<dyn io::Write + Send>),
        is_in_foreground: Box::new(is_in_foreground),
    };
    let printer = Printer::new(&plan, TimeZone::system(), streams);
    if let (Some(error), Some(path)) = (unlogged, &plan.output.log_file) {
        // rsync goes on without it too.
        let (path, reason) = (path.display(), describe(&error));
        printer.complain(&format!(
            "rsync: [client] failed to open log-file {path}: {reason}"
        ));
        printer.inform("Ignoring \"log file\" setting.");
    }
    let ended = transfer(&plan, &printer);
    let outcome = ended.as_ref().ok().and_then(Option::as_ref).copied();
    let code = conclude(&plan, &printer, &ended);
    printer.finish(outcome.as_ref())?;
    let explanation = match code {
        0 => None,
        _ => explain(&*printer.complaints(), &Known::default()).ok(),
    };
    // What to do next.
    if let Some(advice) = explanation.as_ref().and_then(advice) {
        printer.advise(&advice);
    }
    if plan.output.is_json {
        let diagnoses = explanation.map_or_else(
            || json!([]),
            |explanation| diagnoses(&explanation, "stderr", Language::English),
        );
        printer.conclude(&diagnoses, code, outcome.as_ref())?;
    }
    Ok(code)
}

fn surroundings() -> Surroundings<'static> {
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cvsignore"));
    Surroundings {
        read: Box::new(|name| {
            let mut content = Vec::new();
            if name == b"-" {
                io::stdin().read_to_end(&mut content)?;
            } else {
                fs::File::open(Path::new(OsStr::from_bytes(name)))?
                    .take(MAX_RULES)
                    .read_to_end(&mut content)?;
            }
            Ok(content)
        }),
        ignores: CvsIgnores {
            home: home.and_then(|path| fs::read(path).ok()).unwrap_or_default(),
            variable: env::var_os("CVSIGNORE").map_or_else(Vec::new, OsStringExt::into_vec),
        },
        umask: mask(),
        now: jiff::Zoned::now(),
    }
}

/// As much is read of a file with rules, in bytes.
const MAX_RULES: u64 = 16 << 20;

/// The algorithms that a variable of the environment lists.
fn offered<T: PartialEq>(variable: &str, of_name: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    env::var(variable).ok().and_then(|list| named(&list, of_name))
}

fn transfer(plan: &Plan, printer: &Printer<'_>) -> Result<Option<Outcome>, Error> {
    let environment = environment();
    let stream = reach(plan, &environment, printer)?;
    prepare(plan, &stream, printer)?;
    let interrupt = Interrupt::watch(&stream).map_err(|source| Error::Socket {
        action: "sigaction",
        source,
    })?;
    converse(plan, &environment, printer, stream).map_err(|error| match interrupt.has_come() {
        true => Error::Interrupted,
        false => error,
    })
}

/// Closes the connection when the user wants the program to end, so that every wait ends and nothing is left.
struct Interrupt {
    came: Arc<AtomicBool>,
    handle: signal_hook::iterator::Handle,
}

impl Interrupt {
    fn watch(stream: &TcpStream) -> io::Result<Self> {
        let stream = stream.try_clone()?;
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let came = Arc::new(AtomicBool::new(false));
        let watch = Self {
            came: came.clone(),
            handle: signals.handle(),
        };
        thread::spawn(move || {
            for _ in signals.forever() {
                came.store(true, Ordering::SeqCst);
                let _ = stream.shutdown(Shutdown::Both);
            }
        });
        Ok(watch)
    }

    fn has_come(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Whether the terminal, if standard output is one, shows this program now.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stdout()).map_or(true, |shown| shown == getpgrp())
}

/// What to do next: the likeliest cause of what was printed.
fn advice(explanation: &Explanation) -> Option<String> {
    let cause = explanation.incidents.first()?.causes.first()?;
    Some(format!(
        "rsyncctl: {}; `rsyncctl explain {}` says what to do",
        cause.page.id, cause.page.id
    ))
}
