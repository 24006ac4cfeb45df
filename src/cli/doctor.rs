use std::{
    env, fs,
    io::Write as _,
    net::IpAddr,
    path::{self, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use nix::unistd::gethostname;
use tokio::runtime;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::reached,
        environment::{Variables, environment_of, environment_with, surroundings, surroundings_with},
        exit,
        interrupt::Interrupt,
        known::{judge, of_password_file},
        output::{LineFormat, Output, stdout},
        probe::{
            variables::CONNECT_PROGRAM,
            written::{self, Written},
        },
        replace::put,
    },
    doctor::{self, ClientSetup, LOGIN, Setup},
    explain::Known,
    host::{Live, plain},
    probe::{Choice, Setting, Wire, command, tryout::Program},
    render::{self, About},
    syntax::Invocation,
    terms::Exit,
};

/// On the failing server: find the cause, and name the cure
///
/// Looks for the rsync daemons that run, reads their configurations with this machine's facts and the end of their logs, and
/// takes some small files out of each module as a client of this machine, without a password. Nothing is changed. Ends
/// with 0 if nothing is wrong, 1 if something is, 2 for wrong usage, 3 if something could not be seen.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Only these modules are tried
    #[arg(value_name = "MODULE")]
    modules: Vec<String>,
    /// What a client said; it is explained with what is known here
    #[arg(long, value_name = "TEXT")]
    symptom: Option<String>,
    /// What a client of this address meets: the listener, the firewall, xinetd's lists, each module
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
    /// Only the daemons with this configuration file
    ///
    /// [default: those of all daemons that run, else /etc/rsyncd.conf]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// On the client: what is wrong with this command line of rsync's, or that of a script or crontab, named as FILE:LINE;
    /// it is tried as a dry run, twice where it does not delete
    #[arg(
        long,
        value_name = "COMMAND LINE|FILE:LINE",
        conflicts_with_all = ["modules", "config", "from", "symptom"]
    )]
    client: Option<String>,
    /// Write all of it as a page for browsers, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    output: Output<LineFormat>,
}

/// Seconds that an address is given to take a connection; it is one of this machine.
const CONNECT_LIMIT: u64 = 5;
/// Seconds that the daemon may be silent.
const SILENCE: u64 = 10;

/// Examines the daemons, and tells what was found.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if let Some(line) = &arguments.client {
        return client(line, arguments);
    }
    let file = arguments.config.as_ref().map(path::absolute).transpose()?;
    let own = env::current_exe()?;
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()?;
    let connections = interrupt.connections().clone();
    let setting = move |known: Arc<Known>, from: Option<IpAddr>| {
        let mut choice = choice();
        choice.words.extend(from.map(|from| format!("--address={from}")));
        Arc::new(Setting {
            choice,
            environment: environment_of(LOGIN, Vec::new()),
            surroundings: Box::new(surroundings),
            known,
            wire: Wire::Live,
            log: None,
            folder: env::temp_dir().into(),
            connections: connections.clone(),
            watch: None,
        })
    };
    let (format, style) = (arguments.output.format(), arguments.output.style());
    let now = jiff::Zoned::now();
    let work = || {
        let setup = Setup {
            file,
            modules: arguments.modules.clone(),
            from: arguments.from,
            symptom: arguments.symptom.clone(),
            host: &Live,
            judge,
            release: Program::find("rsync".into()).ok().map(|program| program.release),
            now: now.clone(),
            setting: &setting,
            connections: interrupt.connections().clone(),
            runtime: &runtime,
            own: own.clone(),
        };
        let told = doctor::run(&setup, &mut |stage| {
            let mut out = stdout();
            render::examined(format, stage, style, &mut out)?;
            out.flush()
        });
        let report = told?;
        let mut text = Vec::new();
        render::examination(format, &report, style, &mut text)?;
        stdout().write_all(&text)?;
        let page = arguments
            .html
            .as_ref()
            .map(|_| page(&report, &now, style.language));
        Ok::<_, std::io::Error>((code(&report), report.modules, page))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    let (code, modules, page) = done?;
    if let (Some(file), Some(page)) = (&arguments.html, page) {
        put(file, page.as_bytes())
            .map_err(|error| format!("cannot write `{}`: {}", file.display(), plain(&error)))?;
    }
    let mut named = arguments.modules.iter();
    match named.find(|name| !modules.is_empty() && !modules.contains(*name)) {
        Some(name) => Err(format!("there is no module `{name}`").into()),
        None => Ok(code),
    }
}

/// The report as a page.
fn page(report: &doctor::Report, now: &jiff::Zoned, language: Language) -> String {
    let host = gethostname().map_or_else(|_| "rsync".to_owned(), |name| name.to_string_lossy().into_owned());
    let servers = report.servers.iter().filter_map(|known| known.server.as_ref());
    let reach: Vec<_> = servers
        .map(|server| (server.name().to_owned(), reached(server, language)))
        .collect();
    let about = About {
        host: &host,
        time: now,
        reach: &reach,
    };
    render::page(report, &about, language)
}

/// Examines a command line on the client, and tells what was found.
fn client(line: &str, arguments: &Arguments) -> Result<u8, Failure> {
    let Written {
        words, mut variables, ..
    } = match written::place(line)? {
        Some((file, line)) => {
            let bytes =
                fs::read(&file).map_err(|error| format!("`{}`: {}", file.display(), plain(&error)))?;
            written::command_line(&file, bytes, line)?
        }
        None => written::typed(line)?,
    };
    let folder = env::current_dir()?;
    // An examination starts no program of the user's.
    variables.remove(CONNECT_PROGRAM);
    let variables = Variables(variables);
    let named = Invocation::parse(&words);
    let named = named
        .option("password-file")
        .and_then(|given| given.value.clone());
    let findings = named.map(|file| of_password_file(&folder.join(file)));
    let known = Known {
        findings: findings.unwrap_or_default(),
        ..Known::default()
    };
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()?;
    let (format, style) = (arguments.output.format(), arguments.output.style());
    let setup = ClientSetup {
        line: command(&words),
        words,
        folder,
        host: &Live,
        release: Program::find("rsync".into()).ok().map(|program| program.release),
        now: jiff::Zoned::now(),
        setting: Arc::new(Setting {
            // With `--contimeout` rsync would not say whether there was no answer or none in time.
            choice: Choice {
                words: Vec::new(),
                ..choice()
            },
            environment: environment_with(&variables),
            surroundings: Box::new(move || surroundings_with(&variables)),
            known: known.into(),
            wire: Wire::Live,
            log: None,
            folder: env::temp_dir().into(),
            connections: interrupt.connections().clone(),
            watch: None,
        }),
        runtime: &runtime,
    };
    let work = || {
        let report = doctor::run_client(&setup, &mut |stage| {
            let mut out = stdout();
            render::examined(format, stage, style, &mut out)?;
            out.flush()
        })?;
        let mut text = Vec::new();
        render::examination(format, &report, style, &mut text)?;
        stdout().write_all(&text)?;
        Ok::<_, std::io::Error>(code(&report))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    Ok(done?)
}

fn code(report: &doctor::Report) -> u8 {
    if report.is_bad() {
        exit::FINDINGS
    } else if report.unseen.is_empty() {
        exit::CLEAN
    } else {
        exit::UNCHECKED
    }
}

/// A probe that takes little.
fn choice() -> Choice {
    Choice {
        words: vec![format!("--contimeout={CONNECT_LIMIT}")],
        connect_limit: Duration::from_secs(CONNECT_LIMIT),
        silence: Duration::from_secs(SILENCE),
        most_files: 3,
        most_bytes: 64 << 10,
        depth: 2,
        announce: Vec::new(),
        pushes: false,
        left_out: Vec::new(),
    }
}
