mod bundle;
mod client;
mod fix;
pub(super) mod here;
mod input;

use std::{
    env,
    io::{self, Write as _},
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
        environment::{environment_of, surroundings},
        exit,
        interrupt::Interrupt,
        known::judge,
        output::{LineFormat, Output, stdout, unless_closed},
        replace::put,
    },
    doctor::{self, AT_ONCE, DEPTH, LOGIN, Setup, bundle::Client},
    explain::Known,
    host::{Live, plain},
    probe::{Choice, Setting, Wire, tryout::Program},
    render::{self, About, Format, Style},
    rsync::net::Connections,
    terms::{Exit, Release},
};

/// On the failing server: find the cause, and name the cure
///
/// Looks for the rsync daemons that run, reads their configurations with this machine's facts and the end of their logs, and
/// takes some small files out of each module as a client of this machine, without a password. Without --fix nothing is
/// changed. Ends with 0 if nothing is wrong, 1 if something is (also if --fix has cured it since), 2 for wrong usage, 3 if
/// something could not be seen.
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
    /// On the client: what is wrong with this command line of rsync's, or that of a script or crontab, named as FILE:LINE
    /// or, where one line calls rsync, as FILE; it is tried as a dry run, in which the server opens what would come, and
    /// once more where it does not delete
    #[arg(
        long,
        value_name = "COMMAND LINE|FILE:LINE",
        conflicts_with_all = ["modules", "config", "from", "symptom"]
    )]
    client: Option<String>,
    /// Write all of it as a page for browsers, too
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Put all of it into one archive for a ticket (.tar.gz), too: the reports, the configuration, units and log, passwords
    /// taken out
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Offer the cures that are safe, one by one: edits as those of `lint --fix`, modes and owners of password files; each
    /// is shown first, and asked for
    #[arg(long)]
    fix: bool,
    /// Apply them without asking
    #[arg(long, requires = "fix")]
    yes: bool,
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
        return client::run(line, arguments);
    }
    check(arguments)?;
    let file = arguments.config.as_ref().map(path::absolute).transpose()?;
    let own = env::current_exe()?;
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(AT_ONCE)
        .enable_all()
        .build()?;
    let setting = settings(interrupt.connections().clone());
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
        let told = doctor::run(&setup, &mut |stage| tell(format, stage, style));
        let report = told?;
        conclude(format, &report, style)?;
        let files = files(&report, &now, style, arguments, Client::default(), Vec::new())?;
        unless_closed(fix::offer(&report, arguments, &now))?;
        Ok::<_, io::Error>((code(&report), report.modules, files))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    let (code, modules, files) = done?;
    files.write(arguments)?;
    let mut named = arguments.modules.iter();
    match named.find(|name| !modules.is_empty() && !modules.contains(*name)) {
        Some(name) => Err(format!("there is no module `{name}`").into()),
        None => Ok(code),
    }
}

/// Tells a stage. Whoever reads may go away early; how it all ends is told by the exit status.
fn tell(format: Format, stage: &doctor::Stage, style: Style) -> io::Result<()> {
    let mut out = stdout();
    let written = render::examined(format, stage, style, &mut out);
    unless_closed(written.and_then(|()| out.flush()))
}

/// Tells what all of it shows.
fn conclude(format: Format, report: &doctor::Report, style: Style) -> io::Result<()> {
    let mut text = Vec::new();
    render::examination(format, report, style, &mut text)?;
    let mut out = stdout();
    unless_closed(out.write_all(&text).and_then(|()| out.flush()))
}

/// What is wrong with the wishes, before anybody waits for the report.
fn check(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.fix && arguments.output.format() != Format::Human {
        return Err("--fix asks and shows what it does, so it goes with --format human alone".into());
    }
    match &arguments.bundle {
        Some(file) => bundle::check(file),
        None => Ok(()),
    }
}

/// What is written beside the report.
#[derive(Default)]
struct Files {
    page: Option<String>,
    archive: Option<Vec<u8>>,
}

/// Makes what is to be written beside the report. `known` are passwords that the user typed.
fn files(
    report: &doctor::Report,
    now: &jiff::Zoned,
    style: Style,
    arguments: &Arguments,
    client: Client<'_>,
    mut known: Vec<String>,
) -> io::Result<Files> {
    let host = gethostname().map_or_else(|_| "rsync".to_owned(), |name| name.to_string_lossy().into_owned());
    let language = style.language;
    let shown = |shows_lines| page(report, &host, now, shows_lines, language);
    let archive = arguments.bundle.as_ref().map(|_| {
        known.extend(env::var("RSYNC_PASSWORD"));
        let ask = bundle::Ask {
            client,
            known,
            host: &host,
            now,
            language,
        };
        // The lines are in the bundle's own files.
        bundle::archive(report, &shown(false), &ask)
    });
    Ok(Files {
        page: arguments.html.as_ref().map(|_| shown(true)),
        archive: archive.transpose()?,
    })
}

impl Files {
    fn write(&self, arguments: &Arguments) -> Result<(), Failure> {
        if let (Some(file), Some(page)) = (&arguments.html, &self.page) {
            put(file, page.as_bytes())
                .map_err(|error| format!("cannot write `{}`: {}", file.display(), plain(&error)))?;
        }
        if let (Some(file), Some(archive)) = (&arguments.bundle, &self.archive) {
            bundle::write(file, archive, arguments.output.language())?;
        }
        Ok(())
    }
}

/// The report as a page.
fn page(
    report: &doctor::Report,
    host: &str,
    now: &jiff::Zoned,
    shows_lines: bool,
    language: Language,
) -> String {
    let servers = report.servers.iter().filter_map(|known| known.server.as_ref());
    let reach: Vec<_> = servers
        .map(|server| (server.name().to_owned(), reached(server, language)))
        .collect();
    let about = About {
        host,
        time: now,
        reach: &reach,
        shows_lines,
    };
    render::page(report, &about, language)
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

/// What is known of the daemon that is a process of this machine; nothing if that has ended.
pub(super) fn known_of(
    process: u32,
    release: Release,
    modules: Vec<String>,
) -> Result<Option<Known>, Failure> {
    let connections = Arc::new(Connections::default());
    let setting = settings(connections.clone());
    let runtime = runtime::Builder::new_current_thread().build()?;
    let setup = Setup {
        file: None,
        modules,
        from: None,
        symptom: None,
        host: &Live,
        judge,
        release: Some(release),
        now: jiff::Zoned::now(),
        setting: &setting,
        connections,
        runtime: &runtime,
        own: env::current_exe()?,
    };
    Ok(doctor::known_of(&setup, process)?)
}

/// How modules of this machine are probed, with what is known of the server, and from which address if that matters.
fn settings(connections: Arc<Connections>) -> impl Fn(Arc<Known>, Option<IpAddr>) -> Arc<Setting> {
    move |known, from| {
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
        depth: DEPTH,
        announce: Vec::new(),
        pushes: false,
        left_out: Vec::new(),
        folder: None,
        slips: Vec::new(),
        until: None,
        is_one_of_many: false,
    }
}
