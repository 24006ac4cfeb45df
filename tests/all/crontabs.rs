//! Cron tables as tutorials show them, and what is said of them.

use std::{fs, path::Path};

use rsyncctl::{
    catalog::{FileKind, Language},
    host::{Live, NoHost},
    lint::{Input, Report, discover, lint, recognise},
    render::Format,
    terms::Bytes,
};

use crate::support::report::{check, options, write};

#[test]
fn what_the_tutorials_teach_is_found() {
    for name in ["000", "001", "003"] {
        insta::assert_snapshot!(format!("bad-{name}"), shown(&folder(&format!("bad/{name}"))));
    }
}

#[test]
fn what_is_mended_is_clean() {
    for name in ["000", "001", "003"] {
        let report = folder(&format!("mended/{name}"));
        assert!(report.findings.is_empty(), "{name}: {}", shown(&report));
    }
}

#[test]
fn tables_that_are_right_have_no_findings() {
    for text in [
        "",
        "MAILTO=\"\"\nPATH=/usr/bin:/bin\n\n@hourly rsync -a /a/ /b/\n",
        "*/15 8-18 * * 1-5 rsync -a --exclude='*.tmp' /a/ joe@192.0.2.7:/b/ > /dev/null\n",
        "5 4 * * sun rsync -a /a/ /b/ || echo failed\n",
        "RSYNC_PASSWORD=x\n0 3 * * * rsync -a joe@192.0.2.7::data /b/\n",
        "* * * * * cd /srv && flock -n lock rsync -a . 192.0.2.7::data\n",
        "0 3 * * * mail -s 'back up' joe%Done.%\n",
        "0 3 * * * root_backup.sh\n",
        "SRC=/srv/data\n0 3 * * * rsync -a --delete $SRC/ /mnt/backup/\n",
        "0 3 * * * rsync -a --log-file=/var/log/copy.log /a/ /b/ > /dev/null 2>&1\n",
        "0 22 * * 1-5 test -x /usr/bin/rsync && rsync -a /a/ /b/\n",
    ] {
        let report = check(text.as_bytes(), FileKind::Crontab);
        assert!(report.findings.is_empty(), "{text}: {}", shown(&report));
    }
}

#[test]
fn passwords_are_not_shown() {
    let text = "RSYNC_PASSWORD=swordfish-of-nobody\n60 * * * * RSYNC_PASSWORD=other-false-word rsync -a joe@192.0.2.7::data /b/\n";
    let report = check(text.as_bytes(), FileKind::Crontab);
    assert!(!report.findings.is_empty());
    for format in [Format::Human, Format::Json, Format::Sarif] {
        let shown = write(&report, format, Language::English, 10);
        assert!(
            !shown.contains("swordfish") && !shown.contains("other-false"),
            "{shown}"
        );
    }
}

fn folder(name: &str) -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/crontabs")
        .join(name);
    let files = discover(&folder, &folder, &Live)
        .expect("a folder")
        .files
        .into_iter();
    let inputs = files.map(|path| {
        let bytes = Bytes::from(fs::read(&path).expect("a fixture"));
        let kind = recognise(&path, &bytes).expect("a kind");
        let name = path.strip_prefix(&folder).expect("inside").display().to_string();
        Input {
            name,
            path: None,
            bytes,
            kind,
            is_guess: true,
            host: &NoHost,
        }
    });
    lint(inputs.collect(), &options())
}

/// `file:line:column: severity RULE title`, then what is marked.
fn shown(report: &Report) -> String {
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
            report.sources.text(span)
        )
    });
    lines.collect()
}
