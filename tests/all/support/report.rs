use std::{fs, path::Path};

use jiff::civil::date;
use rsyncctl::{
    catalog::{FileKind, Language, page},
    host::{Live, NoHost},
    lint::{Circumstances, Input, Options, Report, discover, lint, recognise},
    render::{self, Format, Style},
    terms::{Bytes, Release},
};

/// Checks one file without a machine.
pub(crate) fn check(bytes: &[u8], kind: FileKind) -> Report {
    check_for(bytes, kind, &[])
}

/// Checks one file without a machine for some rules only.
pub(crate) fn check_for(bytes: &[u8], kind: FileKind, rules: &[&str]) -> Report {
    let input = Input {
        name: kind.to_string(),
        path: None,
        bytes: bytes.into(),
        kind,
        is_guess: false,
        host: &NoHost,
    };
    let mut options = options();
    options.select = rules.iter().filter_map(|rule| page(rule)).collect();
    lint(vec![input], &options)
}

/// Checks the files of a folder below `fixtures` without a machine, as if they were all of a repository.
pub(crate) fn check_fixtures(folder: &str) -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(folder);
    let files = discover(&folder, &folder, &Live).expect("a folder").files;
    let inputs = files.iter().map(|path| {
        let bytes = Bytes::from(fs::read(path).expect("a fixture"));
        let kind = recognise(path, &bytes).expect("a kind");
        Input {
            name: path.strip_prefix(&folder).expect("inside").display().to_string(),
            path: None,
            bytes,
            kind,
            is_guess: true,
            host: &NoHost,
        }
    });
    lint(inputs.collect(), &options())
}

/// `file:line:column: severity RULE title`, then the line that it is about.
pub(crate) fn listed(report: &Report) -> String {
    let lines = report.findings.iter().map(|finding| {
        let span = finding.labels[0].span;
        let source = report.sources.get(span.source);
        let position = source.position(span.start as usize);
        format!(
            "{}:{}:{}: {} {} {}\n    | {}\n",
            source.name(),
            position.line,
            position.column,
            finding.severity,
            finding.page.id,
            finding.title(Language::English),
            String::from_utf8_lossy(&source.bytes()[source.line_range(position.line - 1)]).trim()
        )
    });
    lines.collect()
}

/// The options of every test that runs no program.
pub(crate) fn options() -> Options {
    Options {
        circumstances: Circumstances {
            release: Release::CURRENT,
            from_release: None,
            daemon_uid: 0,
            today: date(2026, 11, 21),
        },
        select: Vec::new(),
        ignore: Vec::new(),
        severities: Vec::new(),
    }
}

/// Writes a report as a pipe gets it.
pub(crate) fn write(report: &Report, format: Format, language: Language, limit: usize) -> String {
    let style = Style {
        language,
        color: false,
        unicode: true,
        width: 100,
        limit,
    };
    let mut out = Vec::new();
    render::report(format, report, style, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("output is UTF-8")
}
