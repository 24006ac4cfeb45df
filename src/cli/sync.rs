use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{self, BufRead as _, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt},
        fs::MetadataExt as _,
    },
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
    cli::{Failure, exit, output::complain},
    explain::{Explanation, Known, explain},
    render::diagnoses,
    rsync::{
        delta::Checksum,
        filter::{CvsIgnores, FilterError},
        net::{Proxy, connect, run_program, set_socket_options},
        proto::{Compression, named},
        transfer::{Credentials, Dialogue, Error, Options, Outcome, describe, open, pull, push},
        tree::{Identity, append_trusted, open_trusted},
    },
    sync::{Command, Place, Plan, Printer, Streams, Surroundings, UsageError, version, version_for_programs},
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
    let code = conclude(&plan, &printer, ended);
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

/// Says how the session ended; the status to end with.
fn conclude(plan: &Plan, printer: &Printer<'_>, ended: Result<Option<Outcome>, Error>) -> u8 {
    let code = match ended {
        Ok(outcome) => outcome.map_or(exit::CLEAN, |outcome| outcome.exit),
        // It said why.
        Err(Error::PeerExit(said @ 1..)) => return u8::try_from(said).unwrap_or(u8::MAX),
        Err(error) => {
            let text = error.to_string();
            let is_whole = [
                "@",
                "ERROR",
                "rsync:",
                "Failed to ",
                "The ",
                "No colon",
                "No name",
                "Invalid number",
                "--",
            ]
            .iter()
            .any(|start| text.starts_with(start));
            let is_whole = is_whole || matches!(error, Error::Filter(_));
            let prefix = if is_whole { "" } else { "rsync: " };
            printer.complain(&format!("{prefix}{text}"));
            error.exit()
        }
    };
    if code != 0 {
        let role = match plan.place {
            Place::Push { .. } => "sender",
            _ => "Receiver",
        };
        printer.complain(&last_line(code, role));
    }
    code
}

/// How rsync's complaints end.
fn last_line(code: u8, role: &str) -> String {
    let text = Exit::of_code(code).map_or("unexplained error", Exit::text);
    let version = env!("CARGO_PKG_VERSION");
    format!("rsync error: {text} (code {code}) [{role}=rsyncctl {version}]")
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
    }
}

/// As much is read of a file with rules, in bytes.
const MAX_RULES: u64 = 16 << 20;

fn mask() -> u32 {
    use nix::sys::stat::{Mode, umask};
    let mask = umask(Mode::empty());
    umask(mask);
    mask.bits()
}

/// The algorithms that a variable of the environment lists.
fn offered<T: PartialEq>(variable: &str, of_name: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    env::var(variable).ok().and_then(|list| named(&list, of_name))
}

fn transfer(plan: &Plan, printer: &Printer<'_>) -> Result<Option<Outcome>, Error> {
    let stream = reach(plan, printer)?;
    stream
        .set_read_timeout(plan.options.timeout)
        .map_err(|source| Error::Socket {
            action: "setsockopt",
            source,
        })?;
    if let Some(list) = &plan.socket_options {
        match set_socket_options(&stream, list) {
            Ok(unknown) => {
                for word in unknown {
                    printer.complain(&format!("Unknown socket option {word}"));
                }
            }
            // rsync goes on without it too.
            Err((name, error)) => printer.complain(&format!("failed to set socket option {name}: {error}")),
        }
    }
    let interrupt = Interrupt::watch(&stream).map_err(|source| Error::Socket {
        action: "sigaction",
        source,
    })?;
    converse(plan, printer, stream).map_err(|error| match interrupt.has_come() {
        true => Error::Interrupted,
        false => error,
    })
}

/// Connects as the environment says.
fn reach(plan: &Plan, printer: &Printer<'_>) -> Result<TcpStream, Error> {
    let address = &plan.daemon.address;
    let limit = plan.connect_limit.or(plan.options.timeout);
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    Ok(match (variable("RSYNC_CONNECT_PROG"), variable("RSYNC_PROXY")) {
        (Some(command), _) => run_program(&command, &address.host)?,
        (None, Some(proxy)) => {
            let proxy = Proxy::parse(&proxy)?;
            let to = &proxy.address;
            printer.connecting(&to.host, to.port, true);
            proxy.connect(address, limit)?
        }
        (None, None) => {
            printer.connecting(&address.host, address.port, false);
            connect(address, limit)?
        }
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

fn converse(plan: &Plan, printer: &Printer<'_>, stream: TcpStream) -> Result<Option<Outcome>, Error> {
    let early_input = plan.early_input.as_deref().map(early_input).transpose()?;
    let dialogue = match &plan.place {
        Place::Modules => Dialogue::List,
        Place::Files { module, .. } | Place::Push { module, .. } => Dialogue::Module {
            name: module.as_bytes(),
            early_input: early_input.as_deref().unwrap_or_default(),
        },
    };
    let opened = open(stream, plan.protocol, dialogue, &Login(plan), printer)?;
    let Some(opened) = opened else {
        return Ok(None);
    };
    let outcome = match &plan.place {
        Place::Modules => return Ok(None),
        Place::Files {
            paths, destination, ..
        } => pull(
            opened,
            paths,
            destination.as_deref(),
            &plan.options,
            identity(&plan.options),
            printer,
        )?,
        Place::Push { target, sources, .. } => push(opened, sources, target, &plan.options, printer)?,
    };
    Ok(Some(outcome))
}

/// Whether the terminal, if standard output is one, shows this program now.
fn is_in_foreground() -> bool {
    tcgetpgrp(io::stdout()).map_or(true, |shown| shown == getpgrp())
}

fn identity(_options: &Options) -> Identity {
    use nix::unistd::{getegid, geteuid, getgroups};
    let mut groups: Vec<u32> = getgroups()
        .unwrap_or_default()
        .into_iter()
        .map(nix::unistd::Gid::as_raw)
        .collect();
    groups.push(getegid().as_raw());
    Identity {
        is_root: geteuid().is_root(),
        groups,
        umask: mask(),
    }
}

/// Where user and password come from (`auth_client` in authenticate.c).
struct Login<'p>(&'p Plan);

impl Credentials for Login<'_> {
    fn user(&self) -> String {
        let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
        self.0
            .daemon
            .user
            .clone()
            .or_else(|| variable("USER"))
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| "nobody".to_owned())
    }

    fn password(&self) -> Result<Vec<u8>, Error> {
        if let Some(path) = &self.0.password_file {
            return password_file(path);
        }
        let given = env::var_os("RSYNC_PASSWORD").map(OsString::into_vec);
        Ok(given.unwrap_or_else(ask))
    }
}

/// The first line of a password file that nobody else may read (`getpassf` in authenticate.c).
fn password_file(path: &Path) -> Result<Vec<u8>, Error> {
    let unreadable = |error: io::Error| {
        let reason = describe(&error);
        let path = path.display();
        Error::PasswordFile(format!(
            "rsync: [Receiver] could not open password file {path}: {reason}"
        ))
    };
    let refused = |why: &str| Err(Error::PasswordFile(format!("ERROR: password file must {why}")));
    if path.as_os_str() == "-" {
        let mut line = Vec::new();
        let _ = io::stdin()
            .lock()
            .take(LONGEST_PASSWORD)
            .read_until(b'\n', &mut line);
        return Ok(first_line(&line));
    }
    let file = open_trusted(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if found.mode() & 0o006 != 0 {
        return refused("not be other-accessible");
    }
    if nix::unistd::geteuid().is_root() && found.uid() != 0 {
        return refused("be owned by root when running as root");
    }
    let mut text = Vec::new();
    file.take(LONGEST_PASSWORD)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    Ok(first_line(&text))
}

/// The content of the file that `--early-input` names (`start_inband_exchange` in clientserver.c).
fn early_input(path: &Path) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    let read = open_trusted(path).and_then(|file| file.take(MAX_EARLY_INPUT + 1).read_to_end(&mut content));
    let path = path.display();
    match read {
        Err(error) => {
            let reason = describe(&error);
            Err(Error::EarlyInput(format!(
                "rsync: failed to open {path}: {reason}"
            )))
        }
        Ok(count) if count as u64 > MAX_EARLY_INPUT => {
            Err(Error::EarlyInput(format!("{path} is > {MAX_EARLY_INPUT} bytes.")))
        }
        Ok(_) => Ok(content),
    }
}

/// As much is handed to a daemon before the session, in bytes.
const MAX_EARLY_INPUT: u64 = 5120;

/// As much of a password file is read, in bytes.
const LONGEST_PASSWORD: u64 = 4096;

/// Asks at the terminal; without one standard input is read, as `getpass` does.
fn ask() -> Vec<u8> {
    if let Ok(typed) = rpassword::prompt_password("Password: ") {
        return typed.into_bytes();
    }
    let mut line = Vec::new();
    let _ = write!(io::stderr(), "Password: ");
    let _ = io::stdin().lock().read_until(b'\n', &mut line);
    first_line(&line)
}

fn first_line(text: &[u8]) -> Vec<u8> {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    line.unwrap_or_default().to_vec()
}

/// What to do next: the likeliest cause of what was printed.
fn advice(explanation: &Explanation) -> Option<String> {
    let cause = explanation.incidents.first()?.causes.first()?;
    Some(format!(
        "rsyncctl: {}; `rsyncctl explain {}` says what to do",
        cause.page.id, cause.page.id
    ))
}
