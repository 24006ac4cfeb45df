use std::{collections::BTreeMap, fmt, io};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity as Level, SourceCode,
    ThemeCharacters, ThemeStyles,
};

use crate::{
    catalog::{Language, Severity},
    diagnosis::Finding,
    lint::Report,
    render::{
        Style,
        paragraphs::paragraphs,
        visible::visible,
        window::Window,
        words::{self, counts, pick, severity, unknown},
        wrap::columns,
    },
};

/// For people: source lines, labels, why it matters, what clients will see, what to do.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let handler = handler(style);
    let mut shown = BTreeMap::new();
    for finding in &report.findings {
        let count: &mut usize = shown.entry(finding.page.id).or_default();
        *count += 1;
        if style.limit > 0 && *count > style.limit {
            continue;
        }
        let mut text = String::new();
        let view = View::new(report, finding, style.language);
        handler
            .render_report(&mut text, &view)
            .map_err(io::Error::other)?;
        writeln!(out, "{}", text.trim_start_matches('\n').trim_end())?;
        includes(report, finding, style, out)?;
        writeln!(out, "{}", footer(report, finding, style))?;
    }
    for (rule, count) in shown
        .iter()
        .filter(|(_, count)| style.limit > 0 && **count > style.limit)
    {
        let more = count - style.limit;
        let line = match style.language {
            Language::English => format!("{rule}: {more} more like it (--limit 0 shows all)"),
            Language::Chinese => format!("{rule}：还有 {more} 处同样的问题（--limit 0 显示全部）"),
        };
        writeln!(out, "{line}")?;
    }
    unchecked(report, style, out)?;
    summary(report, style, out)
}

fn handler(style: Style) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if style.unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if style.color {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    GraphicalReportHandler::new_themed(theme)
        .with_links(false)
        .with_width(style.width)
        .tab_width(4)
}

fn unchecked(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for (reason, subjects) in words::unchecked(report) {
        let word = pick(style.language, "not checked: ", "未检查：");
        writeln!(out, "{word}{}", visible(&unknown(reason, style.language)))?;
        let shown = if style.limit > 0 { style.limit } else { usize::MAX };
        for (subject, rules) in subjects.iter().take(shown) {
            let subject = visible(subject);
            match &rules[..] {
                [] => writeln!(out, "  - {subject}")?,
                rules => writeln!(out, "  - {subject} ({})", rules.join(", "))?,
            }
        }
        let more = subjects.len().saturating_sub(shown);
        if more > 0 {
            let line = match style.language {
                Language::English => format!("  and {more} more (--limit 0 shows all)"),
                Language::Chinese => format!("  还有 {more} 项（--limit 0 显示全部）"),
            };
            writeln!(out, "{line}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn summary(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let count = |wanted| {
        report
            .findings
            .iter()
            .filter(|finding| finding.severity == wanted)
            .count()
    };
    let found = counts(
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Info),
        style.language,
    );
    let files = report.files.len();
    let release = report.circumstances.release;
    let language = style.language;
    let settings = report.settings.as_deref().map(visible);
    let line = match language {
        Language::English => {
            let noun = if files == 1 { "file" } else { "files" };
            let with = settings.map_or_else(String::new, |settings| format!(" with {settings}"));
            format!("{files} {noun} checked for rsync {release}{with}: {found}")
        }
        Language::Chinese => {
            let with = settings.map_or_else(String::new, |settings| format!("和 {settings} "));
            format!("按 rsync {release} {with}检查了 {files} 个文件：{found}")
        }
    };
    write!(out, "{line}")?;
    let comma = pick(language, ", ", "，");
    if report.suppressed > 0 {
        let words = pick(language, "kept back by comments", "个被注释放行");
        write!(out, "{comma}{} {words}", report.suppressed)?;
    }
    if report.baselined > 0 {
        let words = pick(language, "kept back by the baseline", "个在基线里");
        write!(out, "{comma}{} {words}", report.baselined)?;
    }
    if !report.unchecked.is_empty() {
        let words = pick(language, "not checked", "项未检查");
        write!(out, "{comma}{} {words}", report.unchecked.len())?;
    }
    writeln!(out)
}

/// A finding as miette wants to see it.
#[derive(Debug)]
struct View<'a> {
    finding: &'a Finding,
    language: Language,
    window: Window,
    labels: Vec<LabeledSpan>,
}

impl<'a> View<'a> {
    fn new(report: &Report, finding: &'a Finding, language: Language) -> Self {
        let window = Window::new(report, finding);
        let labels = finding
            .labels
            .iter()
            .enumerate()
            .map(|(index, label)| {
                let text = finding.label(label, language).map(|text| visible(&text));
                let span = window.span(label, &report.sources);
                if index == 0 {
                    LabeledSpan::new_primary_with_span(text, span)
                } else {
                    LabeledSpan::new_with_span(text, span)
                }
            })
            .collect();
        Self {
            finding,
            language,
            window,
            labels,
        }
    }
}

/// The chain of includes that leads to the file of a finding.
fn includes(report: &Report, finding: &Finding, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for directive in report.includes_of(finding.labels[0].span.source) {
        let including = report.sources.get(directive.source);
        let line = including.position(directive.start as usize).line;
        let words = pick(style.language, "included by", "引用自");
        writeln!(out, "  {words} {}:{line}", visible(including.name()))?;
    }
    Ok(())
}

/// Why it matters, what will be seen, what to do, what to type.
fn footer(report: &Report, finding: &Finding, style: Style) -> String {
    let mut text = String::new();
    for (word, paragraph) in paragraphs(finding, report.circumstances.release, style.language) {
        let first = format!("  {word}{}", pick(style.language, ": ", "："));
        let options = columns(style.width)
            .initial_indent(&first)
            .subsequent_indent("      ");
        text.push_str(&textwrap::fill(&visible(&paragraph), options));
        text.push('\n');
    }
    for command in finding.commands() {
        text.push_str("      ");
        text.push_str(&visible(&command));
        text.push('\n');
    }
    text
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&visible(&self.finding.title(self.language)))
    }
}

impl std::error::Error for View<'_> {}

impl Diagnostic for View<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let page = self.finding.page;
        let severity = severity(self.finding.severity, self.language);
        Some(Box::new(format!("{severity} {} {}", page.id, page.name)))
    }

    fn severity(&self) -> Option<Level> {
        Some(match self.finding.severity {
            Severity::Error => Level::Error,
            Severity::Warning => Level::Warning,
            Severity::Info => Level::Advice,
        })
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.window)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}
