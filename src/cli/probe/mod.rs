mod around;
mod before;
mod composed;
mod fault;
mod faults;
pub(super) mod folder;
mod front;
mod home;
mod interpreter;
mod later;
mod lexical;
mod listed;
mod live;
pub(super) mod local;
mod made;
mod makers;
mod meant;
mod mistaken;
mod named;
mod notices;
mod options;
mod own_folder;
mod part;
pub(super) mod place;
mod plain;
mod reach;
mod redirected;
mod refused;
mod reproduction;
mod run_parts;
mod server;
mod settled;
mod slip;
mod special;
mod started;
mod table;
mod tail;
mod task;
mod text;
mod token;
mod told;

mod transcript;
mod unit;
pub(super) mod unread;
mod value;
pub(super) mod variables;
mod word;
pub(super) mod written;

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    error::Error,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{self, Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use tokio::{runtime, sync::Semaphore, time::timeout};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        environment::{Variables, environment_with, surroundings_with},
        input::{is_standard_input, read, standard_input, unreadable},
        interrupt::Interrupt,
        known::ServerFile,
        output::{LineFormat, Output, stdout, tell, unless_closed},
        probe::{
            live::{Live, PERIOD},
            options::Options,
            reproduction::Surrounding,
            task::{Task, task},
            transcript::{Transcript, environment_of, head},
        },
        replace::put,
    },
    host::plain,
    probe::{Choice, Setting, Subject, Target, Watch, Wire},
    render,
    sync::Environment,
    terms::Exit,
};

/// Run the full delta sync against a live daemon, stage by stage, and explain what fails
///
/// The daemon's files are listed, some small ones are pulled into a private folder, one of them is changed and pulled
/// again as a difference. Nothing is written on the server without --push. Four connections are made, one after the
/// other: the list of modules, a dry run, two pulls; with --push eight, and one for each folder that an earlier probe left
/// there; and one for each option of `rsync -az` that the daemon refuses, which is then left out. One that `max connections` refuses because an earlier one still counts is tried again, for six seconds. Ends with the
/// code that rsync ends with there; of several targets with the highest.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// `host`, `[user@]host::module/path` or `rsync://[user@]host[:port]/module/path`
    #[arg(value_name = "TARGET", required_unless_present_any = ["targets", "reproduce", "replay"])]
    words: Vec<String>,
    /// A file with one target a line, `-` for standard input; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    targets: Option<PathBuf>,
    /// Carry out this command line of rsync's with our client, as a dry run, in which the server opens what a pull would
    /// bring and sends none of it, and explain how it ends; or that of a script or crontab, named as FILE:LINE or, where
    /// one line calls rsync, as FILE
    #[arg(long, value_name = "COMMAND LINE|FILE:LINE", conflicts_with_all = ["words", "targets", "push"])]
    reproduce: Option<String>,
    /// Carry it out for real
    #[arg(long, requires = "reproduce")]
    really: bool,
    /// The file with the password; without it `RSYNC_PASSWORD` or the terminal is asked
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
    /// Write the results of all targets into this file too, `-` for standard output, as OpenMetrics text for Prometheus
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// So many targets at a time
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    jobs: u16,
    #[command(flatten)]
    transcript: Transcript,
    /// On the server itself: the configuration of the daemon that listens there decides between causes, with this machine's facts
    #[arg(long, conflicts_with_all = ["config", "replay", "host", "root"])]
    local: bool,
    #[command(flatten)]
    server: ServerFile,
    #[command(flatten)]
    output: Output<LineFormat>,
}

/// Probes each target, and writes the reports in the order of the targets.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if arguments.really && arguments.reproduce.is_none() {
        return Err("`--really` carries out a command line of rsync's: name it with --reproduce".into());
    }
    let mut work = arguments.work()?;
    let count = work.tasks.len();
    let live = io::stderr()
        .is_terminal()
        .then(|| Arc::new(Live::new(count, arguments.output.language())));
    if live.is_some() && !matches!(work.wire, Wire::Replayed(_)) {
        tell(&arguments.announcement(count))?;
    }
    if let Some(live) = live.clone() {
        let ask = work.environment.password;
        work.environment.password = Box::new(move || live.hidden(&ask));
    }
    let interrupt = Interrupt::watch()?;
    let Surrounding {
        variables,
        script,
        left_out,
        slips,
        folder,
        has_nobody_to_ask: _,
    } = work.around;
    // What is named to us is named from here.
    let whole = |file: &Option<PathBuf>| file.as_ref().map(|file| whole(file, &folder)).transpose();
    let metrics = whole(&arguments.metrics)?;
    let password_file = whole(&arguments.password_file)?.map(|file| file.display().to_string());
    let is_of_user = matches!(work.tasks[..], [Task::Reproduce(..)]);
    let setting = Arc::new(Setting {
        choice: Choice {
            left_out,
            folder: folder.clone(),
            slips,
            is_one_of_many: count > 1,
            ..work.options.choice(password_file, is_of_user)
        },
        environment: work.environment,
        surroundings: Box::new(move || surroundings_with(&variables)),
        known: arguments.known(&work.tasks, script, &folder)?.into(),
        wire: work.wire,
        log: None,
        folder: env::temp_dir().into(),
        connections: interrupt.connections().clone(),
        watch: live.clone().map(|live| live as Arc<dyn Watch>),
    });
    if let Some(folder) = folder {
        env::set_current_dir(folder)?;
    }
    let jobs = usize::from(arguments.jobs);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(jobs + 1)
        .enable_all()
        .build()?;
    let worst = interrupt.run(
        || {
            runtime.block_on(arguments.carry_out(
                work.tasks,
                &setting,
                jobs,
                live.as_deref(),
                metrics.as_deref(),
            ))
        },
        || {
            live.iter().for_each(|live| live.clear());
            Exit::Signal.code()
        },
    );
    live.iter().for_each(|live| live.clear());
    // A resolver that nobody waits for any more does not hold the end back.
    runtime.shutdown_background();
    worst.map_err(|failure| failure as Failure)
}

/// So many targets of one daemon are probed at a time: rsync keeps five connections waiting (`listen backlog`), and the
/// system lets who finds no place there wait for a second, then for three, then for seven.
const MOST_OF_DAEMON: usize = 8;

/// How a transcript says that files were changed.
const REALLY: &str = "--really";

/// What is to be done, and with what.
struct Work {
    tasks: Vec<Task>,
    options: Options,
    environment: Environment<'static>,
    around: Surrounding,
    wire: Wire,
}

impl Arguments {
    /// The highest of the codes that the tasks end with.
    async fn carry_out(
        &self,
        tasks: Vec<Task>,
        setting: &Arc<Setting>,
        jobs: usize,
        live: Option<&Live>,
        metrics: Option<&Path>,
    ) -> Result<u8, Box<dyn Error + Send + Sync>> {
        let (style, format) = (self.output.style(), self.output.format());
        let free = Arc::new(Semaphore::new(jobs));
        let mut running: VecDeque<_> = VecDeque::new();
        let (mut tasks, mut worst, mut count) = (tasks.into_iter(), 0, 0);
        let mut done = Vec::new();
        let mut daemons: BTreeMap<String, Arc<Semaphore>> = BTreeMap::new();
        loop {
            // A slow target holds back the reports behind it, but no more than that.
            while running.len() < jobs * 4
                && let Some(task) = tasks.next()
            {
                let (free, setting) = (free.clone(), setting.clone());
                let own = || Arc::new(Semaphore::new(MOST_OF_DAEMON));
                let of_daemon = daemons.entry(task.daemon()).or_insert_with(own).clone();
                running.push_back(tokio::spawn(async move {
                    let _turn = of_daemon.acquire().await.expect("it is never closed");
                    let _permit = free.acquire().await.expect("it is never closed");
                    task.run(setting).await
                }));
            }
            let Some(mut next) = running.pop_front() else {
                break;
            };
            let report = loop {
                match timeout(PERIOD, &mut next).await {
                    Ok(ended) => break ended.expect("a probe does not panic")?,
                    Err(_) => live.iter().for_each(|live| live.draw()),
                }
            };
            worst = worst.max(report.status());
            let mut text = Vec::new();
            if count > 0 && format == render::Format::Human {
                text.push(b'\n');
            }
            render::probe(format, &report, style, &mut text)?;
            live.iter().for_each(|live| live.clear());
            let mut out = stdout();
            unless_closed(out.write_all(&text).and_then(|()| out.flush()))?;
            count += 1;
            if metrics.is_some() {
                done.push(report);
            }
        }
        if let Some(file) = metrics {
            let mut text = Vec::new();
            render::metrics(&done, &mut text)?;
            write_metrics(file, &text)
                .map_err(|error| format!("cannot write `{}`: {}", file.display(), plain(&error)))?;
        }
        Ok(worst)
    }

    /// How many connections there will be.
    fn announcement(&self, count: usize) -> String {
        // A dry run, and one in which the server opens what would come; or the list of modules, a dry run, two pulls; two
        // pushes, a look back, a removal.
        let most = match (&self.reproduce, self.options.push) {
            (Some(_), _) if self.really => 1,
            (Some(_), _) => 2,
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
                let more = match (most, self.options.push) {
                    (1 | 2, _) => "",
                    (_, true) => {
                        ", and one for each option that is refused or folder that an earlier probe left"
                    }
                    (_, false) => ", and one for each option that is refused",
                };
                format!("probing {targets}: {connections}{more}")
            }
            Language::Chinese => {
                let more = match (most, self.options.push) {
                    (1 | 2, _) => "",
                    (_, true) => "；每有一个选项被拒绝，或者以前的探测每留下一个目录，再多一个连接",
                    (_, false) => "；每有一个选项被拒绝，再多一个连接",
                };
                format!("正在探测 {count} 个目标：每个目标最多 {most} 个连接，逐个进行{more}")
            }
        }
    }

    /// What is to be done.
    fn work(&self) -> Result<Work, Failure> {
        if let Some(replay) = self.transcript.replay(&self.server.hosts()?)? {
            let (real, words): (Vec<_>, Vec<_>) =
                replay.head.options.iter().partition(|word| *word == REALLY);
            let options = Options::parse(words).map_err(|error| {
                let why = error.render().to_string();
                format!("an option of the transcript: {}", why.trim_end())
            })?;
            let task = match &replay.head.subject {
                Subject::Probe(target) => Task::Probe(Target::parse(target)?),
                Subject::Reproduce(line) => task(&written::typed(line)?.words, !real.is_empty()),
            };
            return Ok(Work {
                tasks: vec![task],
                options,
                environment: environment_of(&replay, environment_with(&Variables::default())),
                around: Surrounding::default(),
                wire: Wire::Replayed(replay.into()),
            });
        }
        let options = self.options.clone();
        let reproduction = match &self.reproduce {
            Some(line) => Some(self.reproduction(line)?),
            None => None,
        };
        let (tasks, around) = match reproduction {
            Some((task, around)) => (vec![task], around),
            None => (
                self.targets()?.into_iter().map(Task::Probe).collect(),
                Surrounding::default(),
            ),
        };
        let mut environment = environment_with(&around.variables);
        if around.has_nobody_to_ask {
            environment.password = Box::new(|| Ok(Vec::new()));
        }
        let wire = match &tasks[..] {
            [task] => {
                let mut words = options.words();
                words.extend(self.really.then(|| REALLY.to_owned()));
                let head = || head(task.subject(), words, &environment);
                self.transcript.wire(head)?
            }
            _ if self.transcript.is_written() => {
                return Err("`--trace` writes about one target; name one".into());
            }
            _ => Wire::Live,
        };
        Ok(Work {
            tasks,
            options,
            environment,
            around,
            wire,
        })
    }

    fn targets(&self) -> Result<Vec<Target>, Failure> {
        let listed = match &self.targets {
            Some(file) if is_standard_input(file) => standard_input()?,
            Some(file) => {
                read(&self.server.hosts()?, file).map_err(|reason| unreadable(file, &reason, ""))?
            }
            None => Vec::new(),
        };
        let mut targets = Vec::new();
        for word in &self.words {
            targets.push(Target::parse(word)?);
        }
        let file = self.targets.as_deref().unwrap_or_else(|| Path::new("-"));
        targets.extend(listed::targets(&listed, file)?);
        if targets.is_empty() {
            // Neither words nor lines: the file is all that could have named one.
            return Err(format!(
                "`{}` names no target; write one a line, such as `rsync://host/module`",
                file.display()
            )
            .into());
        }
        Ok(targets)
    }
}

/// A file of ours, whole where the work is done in another folder.
fn whole(file: &Path, folder: &Option<PathBuf>) -> io::Result<PathBuf> {
    match folder {
        Some(_) if !is_standard_input(file) => path::absolute(file),
        _ => Ok(file.to_owned()),
    }
}

/// Writes into a file, which is the old or the new one at every instant; or into a pipe or a device, `-` for standard
/// output.
fn write_metrics(file: &Path, text: &[u8]) -> io::Result<()> {
    if is_standard_input(file) {
        return unless_closed(stdout().write_all(text));
    }
    match fs::metadata(file) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            fs::OpenOptions::new().write(true).open(file)?.write_all(text)
        }
        _ => put(file, text),
    }
}
