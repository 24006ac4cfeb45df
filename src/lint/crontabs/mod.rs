//! cron's tables: which files are some, and what their checks look at.

mod place;

use std::{collections::BTreeMap, ops::Range, path::Path};

pub use place::owner;
pub(super) use place::{by_content, by_name, has_user, is_meant};

use crate::{
    host::Host,
    lint::scripts::is_password,
    model::{
        Configuration,
        script::{Call, Script},
    },
    syntax::{
        crontab::{self, Job, Kind, Line},
        shell,
    },
    terms::{Bytes, SourceId, Sources, Span},
};

/// Where cron looks for programs, unless the table says otherwise (Debian's cron 3.0pl1, seen).
const DEFAULT_PATH: &[u8] = b"/usr/bin:/bin";

/// A table that was read.
pub struct Crontab {
    /// Its lines.
    pub lines: Vec<Line>,
    /// Its jobs, in order.
    pub jobs: Vec<CronJob>,
    /// Whether each job names a user: the system's tables.
    pub has_user: bool,
}

/// A job, with what its command does.
pub struct CronJob {
    /// Its line.
    pub job: Job,
    /// Its command.
    pub script: Script,
    /// The variables that hold for it: where their values stand.
    pub variables: BTreeMap<Vec<u8>, Range<usize>>,
}

/// What a check of a cron table looks at.
#[derive(Clone, Copy)]
pub struct CrontabSubject<'a> {
    /// The file.
    pub source: SourceId,
    /// Where it is, if it is a file of the machine that was asked for itself.
    pub path: Option<&'a Path>,
    /// Every file that was read.
    pub sources: &'a Sources,
    /// What it says.
    pub table: &'a Crontab,
    /// The daemons' configurations that were given with it.
    pub daemons: &'a [Configuration],
    /// The machine that it is for.
    pub host: &'a dyn Host,
}

impl Crontab {
    /// Reads a table. `name` is the file's, which may tell whether jobs name users.
    pub fn read(name: &Path, file: &Bytes) -> Self {
        let has_user = has_user(name, file);
        let lines = crontab::parse(file, has_user);
        let mut variables = BTreeMap::new();
        let mut jobs = Vec::new();
        for line in &lines {
            match &line.kind {
                Kind::Assignment { name, value } => {
                    variables.insert(file[name.clone()].to_vec(), value.clone());
                }
                Kind::Job(job) => jobs.push(CronJob {
                    script: Script::read(&shell::parse_part(file, job.command.clone()), file),
                    job: job.clone(),
                    variables: variables.clone(),
                }),
                Kind::Blank | Kind::Comment => {}
            }
        }
        Self {
            lines,
            jobs,
            has_user,
        }
    }

    /// Where its variables hold passwords, in order.
    pub(super) fn passwords(&self, file: &[u8]) -> Vec<Range<usize>> {
        let values = self.lines.iter().filter_map(|line| match &line.kind {
            Kind::Assignment { name, value } if is_password(&file[name.clone()]) => Some(value.clone()),
            _ => None,
        });
        values.filter(|value| !value.is_empty()).collect()
    }
}

impl<'a> CrontabSubject<'a> {
    /// A part of the file.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    /// The bytes of a part of the file.
    pub fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        &self.sources.get(self.source).bytes()[range]
    }

    /// A part of the file, decoded.
    pub fn text(&self, range: Range<usize>) -> String {
        self.sources.text(self.span(range))
    }

    /// Where a job's shell looks for programs.
    pub fn search_path(&self, job: &CronJob) -> &'a [u8] {
        let set = job.variables.get(&b"PATH"[..]);
        set.map_or(DEFAULT_PATH, |value| self.bytes(value.clone()))
    }
}

impl CronJob {
    /// The file that a call runs, if it is named by its whole path: the program itself, or what a shell is given. Also
    /// where it is named, and whether the file must be executable.
    pub fn file_of<'c>(&self, call: &'c Call) -> Option<(Vec<u8>, &'c Range<usize>, bool)> {
        let program = call.words.first()?;
        let is_shell = matches!(
            &*call.program(),
            "sh" | "bash" | "dash" | "ksh" | "zsh" | "." | "source"
        );
        let word = if is_shell {
            call.arguments()
                .iter()
                .find(|word| !word.text().starts_with('-'))?
        } else {
            program
        };
        // `sh -c 'command'`
        let has_command = is_shell && call.arguments().iter().any(|word| word.is("-c"));
        let path = word
            .known()
            .filter(|path| path.starts_with(b"/") && !has_command)?;
        Some((path, &word.range, !is_shell))
    }
}
