use jiff::civil::date;
use rsyncctl::{
    catalog::{FileKind, Language, page},
    host::NoHost,
    lint::{Circumstances, Input, Options, Report, lint},
    render::{self, Format, Style},
    terms::Release,
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
