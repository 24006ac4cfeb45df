//! The page for browsers.

use std::{fs, path::Path, process::Command};

use super::{
    can_serve,
    daemons::{Place, healthy},
};
use crate::support::program::program;

#[test]
fn a_page_shows_all_and_needs_nothing_else() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[
        healthy("data"),
        healthy("x<y&z"),
        format!(
            "{}auth users = joe\nsecrets file = FOLDER/secrets\n",
            healthy("gone")
        ),
    ]);
    fs::write(place.path().join("secrets"), "joe:not-a-secret-of-anybody\n").expect("a file");
    fs::remove_dir_all(place.path().join("gone")).expect("it goes");
    let _daemon = place.start();
    for (language, tag, head) in [("en", "en", "Type next"), ("zh", "zh-CN", "下一步")] {
        let words = [
            "doctor",
            "--config",
            "rsyncd.conf",
            "--html",
            "page.html",
            "--lang",
            language,
        ];
        let output = program(place.path(), &words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let page = fs::read_to_string(place.path().join("page.html")).expect("a page");
        assert!(
            page.starts_with(&format!("<!DOCTYPE html><html lang=\"{tag}\">")),
            "{page}"
        );
        for part in [
            head,
            "x&lt;y&amp;z",
            "RSY402",
            "<mark>",
            "viewport",
            "path = ",
            "data",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for part in ["x<y", "not-a-secret-of-anybody", "://", "<script", "url("] {
            assert!(!page.contains(part), "{part}: {page}");
        }
    }
    let words = ["doctor", "--config", "rsyncd.conf", "--html", "none/page.html"];
    let output = program(place.path(), &words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("none/page.html"),
        "{said}"
    );
}

/// Passwords that stand in the lines around what is wrong, on a client's command line, or in what somebody pasted.
#[test]
fn no_report_shows_passwords() {
    if !can_serve() {
        return;
    }
    let bad = format!(
        "{}post-xfer exec = curl https://joe:HUSH-1@h/ --passwrod=HUSH-2 PW=HUSH-3 KEY=HUSH-4\n; pw: HUSH-5\n\
         # RSYNC_PASSWORD=HUSH-6\nred only = yes\n",
        healthy("data")
    );
    let place = Place::new(&[bad]);
    let root = place.path();
    let daemon = place.start();
    let symptom = "rsync: --password=HUSH-7: unknown option\n@ERROR: Unknown module 'x' PW=HUSH-8 https://joe:HUSH-9@h/";
    let script = "#!/bin/sh\nRSYNC_PASSWORD=HUSH-1\nexport RSYNC_PASSWORD PW=HUSH-2\nrsync -a --delet h::m x\n\
                  rsync -a -e 'plink -pw HUSH-3' a b:c\nrsync -a --password HUSH-4 h::m x\n";
    fs::write(root.join("backup.sh"), script).expect("a script");
    let port = format!("--port={}", daemon.port);
    let lines = [
        "rsync -a -e 'plink -pw HUSH-1' a b:c".to_owned(),
        format!("rsync -a {port} --password HUSH-2 127.0.0.1::data x"),
        format!("rsync -a {port} '--passwrod=HUSH-3' 127.0.0.1::data x"),
        "rsync --dparam=pw=HUSH-4 127.0.0.1::data x".to_owned(),
        "backup.sh:4".to_owned(),
    ];
    let mut all: Vec<Vec<&str>> = vec![
        vec!["doctor", "--config", "rsyncd.conf", "--symptom", symptom],
        vec!["lint", "--host", "none", "rsyncd.conf", "backup.sh"],
        vec!["lint", "--format", "sarif", "rsyncd.conf", "backup.sh"],
        vec!["explain", symptom],
    ];
    all.extend(lines.iter().map(|line| vec!["doctor", "--client", line]));
    for words in all {
        keeps(root, &words);
    }
}

/// What a hook gets, whatever it is called, is shown to nobody; nor are passwords in notes behind values.
#[test]
fn no_report_shows_what_a_hook_gets() {
    if !can_serve() {
        return;
    }
    let text = format!(
        "{}pre-xfer exec = /bin/false -p HUSH-1 HUSH-2 -u joe:HUSH-3 -H 'X-Key: HUSH-4'\n\
         [gone]\npath = /no/such # password of joe: HUSH-5\nlist = yes ; passwd HUSH-6\n",
        healthy("data")
    );
    let place = Place::new(&[text]);
    let _daemon = place.start();
    let symptom = "@ERROR: Unknown module 'joe:HUSH-7@x', and my password is HUSH-8";
    for words in [
        &["doctor", "--config", "rsyncd.conf"][..],
        &["doctor", "--config", "rsyncd.conf", "--symptom", symptom],
    ] {
        keeps(place.path(), words);
    }
}

/// No form of a report shows what is kept back.
fn keeps(root: &Path, words: &[&str]) {
    let told = |words: &[&str]| {
        let output = program(root, words).output().expect("it runs");
        [output.stdout, output.stderr].concat()
    };
    let mut texts = vec![told(words)];
    if words[0] == "doctor" {
        texts.push(told(&[words, &["--json"]].concat()));
        told(&[words, &["--html", "page.html", "--bundle", "bundle.tar.gz"]].concat());
        texts.push(fs::read(root.join("page.html")).expect("a page"));
        let bundle = Command::new("tar")
            .args(["-xzOf", "bundle.tar.gz"])
            .current_dir(root)
            .output();
        texts.push(bundle.expect("tar runs").stdout);
        fs::remove_file(root.join("bundle.tar.gz")).expect("a bundle");
    }
    for text in texts {
        let text = String::from_utf8_lossy(&text).into_owned();
        let at = text.find("HUSH");
        let around = at.map(|at| String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(200)..]));
        assert!(!text.is_empty() && at.is_none(), "{words:?}: {around:?}");
    }
}

/// Whoever reads the first line alone is told by the exit status how it ended, and a pipe without a reader is not waited for.
#[test]
fn nobody_need_read_it() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let root = place.path();
    fs::remove_dir_all(root.join("data")).expect("it goes");
    let _daemon = place.start();
    let own = env!("CARGO_BIN_EXE_rsyncctl");
    let line = format!("{own} doctor --config rsyncd.conf | head -n 1 >&2; exit ${{PIPESTATUS[0]}}");
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(root)
        .output();
    let output = output.expect("bash runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    nix::unistd::mkfifo(&root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
    let words = ["doctor", "--config", "rsyncd.conf", "--html", "pipe"];
    let output = program(root, &words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("nobody reads from that pipe"),
        "{said}"
    );
    let line = format!("cat pipe > got & {own} doctor --config rsyncd.conf --html pipe; wait $!");
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(root)
        .output();
    let page = fs::read_to_string(root.join("got")).expect("a page");
    assert!(page.ends_with("</html>"), "{output:?} {page}");
}
