//! Cron tables as tutorials show them, and what is said of them.

use rsyncctl::{
    catalog::{FileKind, Language},
    render::Format,
};

use crate::support::report::{check, check_fixtures, listed, write};

#[test]
fn what_the_tutorials_teach_is_found() {
    for name in ["000", "001", "003"] {
        insta::assert_snapshot!(
            format!("bad-{name}"),
            listed(&check_fixtures(&format!("crontabs/bad/{name}")))
        );
    }
}

#[test]
fn what_is_mended_is_clean() {
    for name in ["000", "001", "003"] {
        let report = check_fixtures(&format!("crontabs/mended/{name}"));
        assert!(report.findings.is_empty(), "{name}: {}", listed(&report));
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
        assert!(report.findings.is_empty(), "{text}: {}", listed(&report));
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
