use std::{
    collections::VecDeque,
    env,
    error::Error,
    ffi::OsStr,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use tokio::{runtime, sync::Semaphore};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::{environment, surroundings},
        input::{is_standard_input, read, standard_input, unreadable},
        interrupt::Interrupt,
        known::{self, ServerFile},
        output::{LineFormat, Output, stdout, tell},
        replace::put,
    },
    explain::Known,
    host::plain,
    probe::{Choice, ProbeError, Report, Setting, Target, probe, reproduce},
    render,
    terms::Exit,
};

/// Run the full delta sync against a live daemon, stage by stage, and explain what fails
///
/// The daemon's files are listed, some small ones are pulled into a private folder, one of them is changed and pulled
/// again as a difference. Nothing is written on the server without --push. Four connections are made, one after the
/// other: the list of modules, a dry run, two pulls; with --push eight. Ends with the code that rsync ends with there; of several targets with the highest.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// `host`, `[user@]host::module/path` or `rsync://[user@]host[:port]/module/path`
    #[arg(value_name = "TARGET", required_unless_present_any = ["targets", "reproduce"])]
    words: Vec<String>,
    /// A file with one target a line, `-` for standard input; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Carry out this command line of rsync's with our client, as a dry run, and explain how it ends
    #[arg(long, value_name = "COMMAND LINE", conflicts_with_all = ["words", "targets"])]
    reproduce: Option<String>,
    /// Carry it out for real
    #[arg(long, requires = "reproduce")]
    really: bool,
    /// The file with the password; without it `RSYNC_PASSWORD` or the terminal is asked
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// The daemon's port, where a target names none
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Speak an older protocol: 29 to 32
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(29..=32))]
    protocol: Option<u8>,
    /// Use IPv4 addresses alone
    #[arg(short = '4', long, conflicts_with = "ipv6")]
    ipv4: bool,
    /// Use IPv6 addresses alone
    #[arg(short = '6', long)]
    ipv6: bool,
    /// Seconds that an address is given to take a connection
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    contimeout: u64,
    /// Seconds that the daemon may be silent
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Pull so many files at most
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    max_files: usize,
    /// Pull so many bytes at most
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    max_bytes: u64,
    /// List folders so far down
    #[arg(long, value_name = "LEVELS", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=64))]
    max_depth: u8,
    /// Try to write, too: a folder with a name of its own is sent into the module, changed, read back and deleted
    #[arg(long, conflicts_with = "reproduce")]
    push: bool,
    /// Write the results of all targets into this file too, as OpenMetrics text for Prometheus
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// So many targets at a time
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    #[command(flatten)]
    server: ServerFile,
    #[command(flatten)]
    output: Output<LineFormat>,
}

/// Probes each target, and writes the reports in the order of the targets.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let (tasks, password) = arguments.tasks()?;
    let mut environment = environment();
    if let Some(password) = password {
        environment.password = Box::new(move || Ok(password.clone()));
    }
    if io::stderr().is_terminal() {
        tell(&arguments.announcement(tasks.len()))?;
    }
    let interrupt = Interrupt::watch()?;
    let setting = Arc::new(Setting {
        choice: arguments.choice(),
        environment,
        surroundings,
        known: arguments.known()?.into(),
        log: None,
        folder: env::temp_dir().into(),
        connections: interrupt.connections().clone(),
    });
    let jobs = usize::from(arguments.jobs);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(jobs + 1)
        .enable_all()
        .build()?;
    let worst = interrupt.run(
        || runtime.block_on(arguments.carry_out(tasks, &setting, jobs)),
        || Exit::Signal.code(),
    );
    // A resolver that nobody waits for any more does not hold the end back.
    runtime.shutdown_background();
    worst.map_err(|failure| failure as Failure)
}

/// What one report is about.
enum Task {
    Probe(Target),
    /// A command line, and its words behind `rsync`.
    Reproduce(String, Vec<String>),
}

impl Task {
    async fn run(self, setting: Arc<Setting>) -> Result<Report, ProbeError> {
        match self {
            Self::Probe(target) => probe(target, setting).await,
            Self::Reproduce(line, words) => reproduce(line, words, setting).await,
        }
    }
}

impl Arguments {
    /// The highest of the codes that the tasks end with.
    async fn carry_out(
        &self,
        tasks: Vec<Task>,
        setting: &Arc<Setting>,
        jobs: usize,
    ) -> Result<u8, Box<dyn Error + Send + Sync>> {
        let (style, format) = (self.output.style(), self.output.format());
        let free = Arc::new(Semaphore::new(jobs));
        let mut running: VecDeque<_> = VecDeque::new();
        let (mut tasks, mut worst, mut count) = (tasks.into_iter(), 0, 0);
        let mut done = Vec::new();
        loop {
            // A slow target holds back the reports behind it, but no more than that.
            while running.len() < jobs * 4
                && let Some(task) = tasks.next()
            {
                let (free, setting) = (free.clone(), setting.clone());
                running.push_back(tokio::spawn(async move {
                    let _permit = free.acquire().await.expect("it is never closed");
                    task.run(setting).await
                }));
            }
            let Some(next) = running.pop_front() else {
                break;
            };
            let report = next.await.expect("a probe does not panic")?;
            worst = worst.max(report.exit);
            let mut text = Vec::new();
            if count > 0 && format == render::Format::Human {
                text.push(b'\n');
            }
            render::probe(format, &report, style, &mut text)?;
            stdout().write_all(&text)?;
            count += 1;
            if self.metrics.is_some() {
                done.push(report);
            }
        }
        if let Some(file) = &self.metrics {
            let mut text = Vec::new();
            render::metrics(&done, &mut text)?;
            put(file, &text)
                .map_err(|error| format!("cannot write `{}`: {}", file.display(), plain(&error)))?;
        }
        Ok(worst)
    }

    /// How many connections there will be.
    fn announcement(&self, count: usize) -> String {
        // The list of modules, a dry run, two pulls; two pushes, a look back, a removal.
        let most = match (&self.reproduce, self.push) {
            (Some(_), _) => 1,
            (None, false) => 4,
            (None, true) => 8,
        };
        match self.output.style().language {
            Language::English => {
                let targets = if count == 1 {
                    "1 target".to_owned()
                } else {
                    format!("{count} targets, {} at a time", self.jobs)
                };
                let connections = if most == 1 {
                    "one connection".to_owned()
                } else {
                    format!("up to {most} connections each, one after the other")
                };
                format!("probing {targets}: {connections}")
            }
            Language::Chinese => format!("正在探测 {count} 个目标：每个目标最多 {most} 个连接，逐个进行"),
        }
    }

    /// What is to be done, and a password that the command line gives.
    fn tasks(&self) -> Result<(Vec<Task>, Option<Vec<u8>>), Failure> {
        let Some(line) = &self.reproduce else {
            return Ok((self.targets()?.into_iter().map(Task::Probe).collect(), None));
        };
        let words = shell_words::split(line).map_err(|error| format!("`{line}`: {error}"))?;
        let is_rsync = |word: &String| Path::new(word).file_name() == Some(OsStr::new("rsync"));
        let start = words.iter().position(is_rsync).ok_or_else(|| {
            format!(
                "`{line}` has no `rsync`; write the whole command, such as 'rsync -av host::module/ dir/'"
            )
        })?;
        let given = words[..start]
            .iter()
            .find_map(|word| word.strip_prefix("RSYNC_PASSWORD="));
        // What the line says itself comes later, and counts.
        let mut own = vec![format!("--timeout={}", self.timeout)];
        own.extend((!self.really).then(|| "--dry-run".to_owned()));
        own.extend_from_slice(&words[start + 1..]);
        // Reports are pasted into tickets: what stands in front of the name may be a password.
        let shown = match given {
            Some(_) => shell_words::join(&words[start..]),
            None => line.clone(),
        };
        let task = Task::Reproduce(shown, own);
        Ok((vec![task], given.map(|password| password.as_bytes().to_vec())))
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        let listed = match &self.targets {
            Some(file) if is_standard_input(file) => standard_input()?,
            Some(file) => {
                read(&self.server.hosts()?, file).map_err(|reason| unreadable(file, &reason, ""))?
            }
            None => Vec::new(),
        };
        let listed = String::from_utf8_lossy(&listed);
        let lines = listed
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().trim());
        let words = self.words.iter().map(String::as_str);
        let all = words
            .chain(lines.filter(|line| !line.is_empty()))
            .map(Target::parse);
        Ok(all.collect::<Result<_, _>>()?)
    }

    fn choice(&self) -> Choice {
        let mut words = vec![
            format!("--contimeout={}", self.contimeout),
            format!("--timeout={}", self.timeout),
        ];
        words.extend(
            self.password_file
                .iter()
                .map(|file| format!("--password-file={}", file.display())),
        );
        words.extend(self.port.map(|port| format!("--port={port}")));
        words.extend(self.protocol.map(|protocol| format!("--protocol={protocol}")));
        words.extend(self.ipv4.then(|| "-4".to_owned()));
        words.extend(self.ipv6.then(|| "-6".to_owned()));
        Choice {
            words,
            connect_limit: Duration::from_secs(self.contimeout),
            most_files: self.max_files,
            most_bytes: self.max_bytes,
            depth: usize::from(self.max_depth),
            announce: Vec::new(),
            pushes: self.push,
        }
    }

    fn known(&self) -> Result<Known, Failure> {
        let mut known = self.server.known()?;
        let of_line = || Some(PathBuf::from(password_file_of(self.reproduce.as_deref()?)?));
        if let Some(file) = self.password_file.clone().or_else(of_line) {
            known.findings.extend(known::of_password_file(&file));
        }
        Ok(known)
    }
}

/// The password file that a command line of rsync's names.
fn password_file_of(line: &str) -> Option<String> {
    let mut words = shell_words::split(line).ok()?.into_iter();
    while let Some(word) = words.next() {
        match word.strip_prefix("--password-file") {
            Some("") => return words.next(),
            Some(rest) => return rest.strip_prefix('=').map(str::to_owned),
            None => {}
        }
    }
    None
}
