use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
};

use clap::{Args, ValueEnum};

use crate::{
    catalog::Language,
    render::{Format, Style, visible},
};

/// Columns where no terminal says how many there are.
const WIDTH: usize = 100;

/// How results are written; `F` names the formats that a command has.
#[derive(Args, Debug)]
pub(super) struct Output<F: FormatName> {
    /// How the report is written
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "human",
        global = true
    )]
    format: F,
    /// Short for --format json
    #[arg(long, global = true)]
    json: bool,
    /// Language of the report; by default that of the environment
    #[arg(long, value_name = "LANGUAGE", global = true)]
    lang: Option<LanguageName>,
    /// Colours and line drawings
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true)]
    color: When,
    /// Show at most this many findings of one rule, and as many that were not checked; 0 shows all (human format)
    #[arg(long, value_name = "COUNT", default_value_t = 10, global = true, value_parser = count)]
    limit: usize,
}

fn count(written: &str) -> Result<usize, String> {
    let count = written.parse();
    count.map_err(|_| "write a number such as 20, or 0 for all".to_owned())
}

/// The names of a command's formats.
pub(super) trait FormatName: ValueEnum + Copy + Into<Format> + Send + Sync + 'static {}

/// The formats of commands that report findings.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ReportFormat {
    /// Source lines, labels and help
    Human,
    /// One line a finding
    Concise,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations in GitHub's workflows
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// JUnit's XML, for the test reports of most CI systems
    Junit,
    /// Checkstyle's XML, for review tools
    Checkstyle,
}

/// The formats of commands that report no findings.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum PageFormat {
    /// For people
    Human,
    /// One JSON object
    Json,
}

/// The formats of commands that report about many things, one after the other.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum LineFormat {
    /// For people
    Human,
    /// One line each
    Concise,
    /// One JSON object each, on a line
    Json,
}

impl FormatName for ReportFormat {}

impl From<ReportFormat> for Format {
    fn from(name: ReportFormat) -> Self {
        match name {
            ReportFormat::Human => Self::Human,
            ReportFormat::Concise => Self::Concise,
            ReportFormat::Json => Self::Json,
            ReportFormat::Sarif => Self::Sarif,
            ReportFormat::Github => Self::Github,
            ReportFormat::Gitlab => Self::Gitlab,
            ReportFormat::Junit => Self::Junit,
            ReportFormat::Checkstyle => Self::Checkstyle,
        }
    }
}

impl FormatName for LineFormat {}

impl From<LineFormat> for Format {
    fn from(name: LineFormat) -> Self {
        match name {
            LineFormat::Human => Self::Human,
            LineFormat::Concise => Self::Concise,
            LineFormat::Json => Self::Json,
        }
    }
}

impl FormatName for PageFormat {}

impl From<PageFormat> for Format {
    fn from(name: PageFormat) -> Self {
        match name {
            PageFormat::Human => Self::Human,
            PageFormat::Json => Self::Json,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LanguageName {
    /// English
    En,
    /// 简体中文
    Zh,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl<F: FormatName> Output<F> {
    /// The format that was asked for.
    pub(super) fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else {
            self.format.into()
        }
    }

    /// The look that was asked for and that the terminal can show.
    pub(super) fn style(&self) -> Style {
        let is_terminal = io::stdout().is_terminal();
        Style {
            language: self.language(),
            color: match self.color {
                When::Always => true,
                When::Never => false,
                When::Auto => is_terminal && !is_set("NO_COLOR") && variable("TERM") != "dumb",
            },
            unicode: !is_terminal || locale("LC_MESSAGES").to_lowercase().contains("utf"),
            width: width(is_terminal),
            limit: self.limit,
        }
    }

    /// The look of a report in a file.
    pub(super) fn style_of_file(&self) -> Style {
        Style {
            color: self.color == When::Always,
            unicode: true,
            width: WIDTH,
            ..self.style()
        }
    }

    /// The language that was asked for, or else the environment's.
    pub(super) fn language(&self) -> Language {
        match self.lang {
            Some(LanguageName::En) => Language::English,
            Some(LanguageName::Zh) => Language::Chinese,
            None if locale("LC_MESSAGES").starts_with("zh") => Language::Chinese,
            None => Language::English,
        }
    }
}

/// Standard output, buffered: one system call a page, not one a line.
pub(super) fn stdout() -> io::BufWriter<io::StdoutLock<'static>> {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Whoever reads may go away early (`| head`); what was found is found all the same.
pub(super) fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    })
}

/// Tells the user on standard error why nothing was done. The text may name files, and so hold any character.
pub(super) fn complain(text: &str) -> io::Result<()> {
    tell(&format!("rsyncctl: {text}"))
}

/// The same without our name in front.
pub(super) fn tell(text: &str) -> io::Result<()> {
    let lines: Vec<_> = text.split('\n').map(visible).collect();
    writeln!(io::stderr(), "{}", lines.join("\n"))
}

/// The locale for some purpose, in the order that setlocale(3) gives.
fn locale(category: &str) -> String {
    ["LC_ALL", category, "LANG"]
        .into_iter()
        .map(variable)
        .find(|value| !value.is_empty())
        .unwrap_or_default()
}

/// Whether the locale is the one without a language, whose characters are those of ASCII. One that is named and not
/// installed is believed, though setlocale(3) takes this one in its place.
pub(super) fn is_ascii_locale() -> bool {
    ["", "C", "POSIX"].contains(&&*locale("LC_CTYPE"))
}

fn width(is_terminal: bool) -> usize {
    let columns = variable("COLUMNS").parse().ok();
    let terminal = || is_terminal.then(terminal_width).flatten();
    columns.or_else(terminal).unwrap_or(WIDTH).clamp(40, 120)
}

fn terminal_width() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}
