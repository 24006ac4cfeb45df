use std::{
    env,
    io::Write as _,
    path::{self, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::runtime;

use crate::{
    cli::{
        Failure,
        environment::{environment_of, surroundings},
        exit,
        interrupt::Interrupt,
        known::judge,
        output::{LineFormat, Output, stdout},
    },
    doctor::{self, LOGIN, Setup},
    explain::Known,
    host::Live,
    probe::{Choice, Setting, Wire, tryout::Program},
    render,
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
    /// Only the daemons with this configuration file
    ///
    /// [default: those of all daemons that run, else /etc/rsyncd.conf]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    output: Output<LineFormat>,
}

/// Seconds that an address is given to take a connection; it is one of this machine.
const CONNECT_LIMIT: u64 = 5;
/// Seconds that the daemon may be silent.
const SILENCE: u64 = 10;

/// Examines the daemons, and tells what was found.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let file = arguments.config.as_ref().map(path::absolute).transpose()?;
    let interrupt = Interrupt::watch()?;
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(2)
        .enable_all()
        .build()?;
    let connections = interrupt.connections().clone();
    let setting = move |known: Arc<Known>| {
        Arc::new(Setting {
            choice: choice(),
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
    let work = || {
        let setup = Setup {
            file,
            modules: arguments.modules.clone(),
            symptom: arguments.symptom.clone(),
            host: &Live,
            judge,
            release: Program::find("rsync".into()).ok().map(|program| program.release),
            now: jiff::Zoned::now(),
            setting: &setting,
            connections: interrupt.connections().clone(),
            runtime: &runtime,
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
        Ok::<_, std::io::Error>((code(&report), report.modules))
    };
    let done = interrupt.run(work, || Exit::Signal.code());
    runtime.shutdown_background();
    if interrupt.connections().are_ended() {
        return Ok(Exit::Signal.code());
    }
    let (code, modules) = done?;
    let mut named = arguments.modules.iter();
    match named.find(|name| !modules.is_empty() && !modules.contains(*name)) {
        Some(name) => Err(format!("there is no module `{name}`").into()),
        None => Ok(code),
    }
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
