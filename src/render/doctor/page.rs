//! An examination as one page for a browser, which needs nothing beside it.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    catalog::Language,
    diagnosis::Label,
    doctor::{Cause, Report, Stage, State, Told, Urgency},
    render::{
        doctor::{cause::Words, rows, title, verdict, words},
        visible::visible,
        words::{pick, unknown},
    },
    terms::Sources,
};

/// How it looks, in light and dark, on wide and narrow screens.
const STYLE: &str = include_str!("page.css");
/// Lines around a place.
const AROUND: usize = 1;
/// Bytes of a line that are shown.
const LONGEST_LINE: usize = 400;

/// A module and who reaches it.
#[derive(Debug)]
pub struct Reachable {
    /// The module, as people may read it.
    pub module: String,
    /// What is said of it, each with what it is about, the same for each module but for what does not apply.
    pub lines: Vec<(&'static str, String)>,
}

/// What the page is about.
#[derive(Debug)]
pub struct About<'a> {
    /// The machine's name.
    pub host: &'a str,
    /// When it was examined.
    pub time: &'a jiff::Zoned,
    /// Who reaches the modules of each configuration, with the file.
    pub reach: &'a [(String, Vec<Reachable>)],
    /// Whether lines of the files are shown.
    pub shows_lines: bool,
}

/// The page of an examination.
pub fn page(report: &Report, about: &About<'_>, language: Language) -> String {
    let verdict = verdict(report, language);
    let causes = report.causes.first();
    let next = causes.and_then(|cause| Words::of(cause, language).next);
    let lang = pick(language, "en", "zh-CN");
    let class = if report.is_bad() { "bad" } else { "good" };
    let when = about.time.strftime("%Y-%m-%d %H:%M:%S %z");
    let markup = html! {
        (DOCTYPE)
        html lang=(lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "rsyncctl doctor: " (visible(about.host)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (visible(about.host)) }
                    p.verdict.(class) { (verdict) }
                    p.soft { "rsyncctl doctor, " (when) ", rsync " (report.release) }
                    @if let Some(next) = next {
                        section.next {
                            strong { (pick(language, "Type next", "下一步")) }
                            pre { code { (visible(&next)) } }
                        }
                    }
                }
                main {
                    @if !report.causes.is_empty() {
                        h2 { (pick(language, "Causes", "原因")) }
                        @for (index, cause) in report.causes.iter().enumerate() {
                            (card(index + 1, cause, about.shows_lines, language))
                        }
                    }
                    h2 { (pick(language, "What was looked at", "检查过程")) }
                    (timeline(report, language))
                    @for (file, modules) in about.reach {
                        (table(file, modules, language))
                    }
                    (unseen(report, language))
                }
                footer { "rsyncctl " (env!("CARGO_PKG_VERSION")) }
            }
        }
    };
    markup.into_string()
}

/// A cause with its lines.
fn card(number: usize, cause: &Cause, shows_lines: bool, language: Language) -> Markup {
    let words = Words::of(cause, language);
    let class = match cause.urgency {
        Urgency::Now => "now",
        Urgency::Lately => "lately",
        Urgency::Later => "later",
    };
    let title = title(number, cause, &words, language);
    let commands: Vec<_> = words.commands.iter().map(|command| visible(command)).collect();
    html! {
        article.(class) {
            h3 { (title) }
            dl {
                @for (label, text) in rows(cause, words, language) {
                    dt { (label) }
                    dd { (visible(&text)) }
                }
            }
            @if let Told::Finding(report, index) = &cause.told {
                @for label in report.findings[*index].labels.iter().take(usize::from(shows_lines)) {
                    (lines(&report.sources, label))
                }
            }
            @if !commands.is_empty() {
                pre { code { (commands.join("\n")) } }
            }
        }
    }
}

/// The lines around a place, which is marked; passwords are not shown.
fn lines(sources: &Sources, label: &Label) -> Markup {
    let source = sources.get(label.span.source);
    let range = label.span.range();
    let line = source.line_of(range.start);
    let first = line.saturating_sub(AROUND);
    let last = (line + AROUND).min(source.line_count().saturating_sub(1));
    let shown = |from: usize, to: usize| {
        let to = to.min(from + LONGEST_LINE);
        visible(source.shown(from..to.max(from)).trim_end_matches(['\n', '\r']))
    };
    html! {
        pre {
            @for number in first..=last {
                @let all = source.line_range(number);
                span.number { (format!("{:>4} | ", number + 1)) }
                @if number == line {
                    @let end = range.end.min(all.end);
                    (shown(all.start, range.start))
                    mark { (shown(range.start, end)) }
                    (shown(end, all.end))
                } @else {
                    (shown(all.start, all.end))
                }
                "\n"
            }
        }
    }
}

/// The stages in the order in which they were done, each with its share of the time; those of a daemon below its file.
fn timeline(report: &Report, language: Language) -> Markup {
    let seconds = |stages: &[Stage]| stages.iter().map(|stage| stage.time.as_secs_f64()).sum::<f64>();
    let whole = seconds(&report.stages).max(f64::MIN_POSITIVE);
    let share = |count: usize| seconds(&report.stages[..count]) / whole;
    let numbers: Vec<_> = (0..report.stages.len()).collect();
    let file = |number: usize| report.stages[number].file.as_ref();
    html! {
        @for numbers in numbers.chunk_by(|&left, &right| file(left) == file(right)) {
            @if let Some(file) = file(numbers[0]) {
                h3 { code { (visible(&file.display().to_string())) } }
            }
            ol.stages {
                @for &number in numbers {
                    (row(&report.stages[number], share(number), share(number + 1) - share(number), language))
                }
            }
        }
    }
}

fn row(stage: &Stage, start: f64, share: f64, language: Language) -> Markup {
    let sign = match stage.state {
        State::Passed => "✓",
        State::Failed | State::Crashed => "✗",
        State::Warned => "!",
        State::Skipped(_) => "–",
    };
    let mut lines: Vec<_> = stage
        .facts
        .iter()
        .map(|fact| words::fact(fact, language))
        .collect();
    if let State::Skipped(why) = stage.state {
        lines.push(words::skip(why, language).to_owned());
    }
    let bar = format!("margin-left:{:.2}%;width:{:.2}%", start * 100.0, share * 100.0);
    html! {
        li.(stage.state.key()) {
            span.sign { (sign) }
            strong { (words::check(stage.check, language)) }
            span.time { (format!("{:.1} ms", stage.time.as_secs_f64() * 1000.0)) }
            div.what {
                div.track { span style=(bar) {} }
                ul {
                    @for line in &lines { li { (visible(line)) } }
                }
            }
        }
    }
}

/// Who reaches which module.
fn table(file: &str, modules: &[Reachable], language: Language) -> Markup {
    let mut labels: Vec<&'static str> = Vec::new();
    for (label, _) in modules.iter().flat_map(|module| &module.lines) {
        if !labels.contains(label) {
            labels.push(label);
        }
    }
    html! {
        h2 { (pick(language, "Who reaches what, by ", "谁能访问什么，依据 ")) code { (visible(file)) } }
        div.scroll {
            table {
                thead {
                    tr {
                        th { (pick(language, "module", "模块")) }
                        @for label in &labels { th { (label) } }
                    }
                }
                tbody {
                    @for module in modules {
                        tr {
                            th scope="row" { (module.module) }
                            @for label in &labels {
                                @let value = module.lines.iter().find(|(known, _)| known == label);
                                td { (value.map_or("", |(_, value)| value.as_str())) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What could not be seen, and why.
fn unseen(report: &Report, language: Language) -> Markup {
    html! {
        @if !report.unseen.is_empty() {
            h2 { (pick(language, "Not seen", "没有看到")) }
            dl {
                @for one in &report.unseen {
                    dt { (visible(&one.subject)) }
                    dd { (visible(&unknown(&one.reason, language))) }
                }
            }
        }
    }
}
