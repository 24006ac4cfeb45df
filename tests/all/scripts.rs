//! Whole scripts and what is said of them; and real shells, rsync and inotifywait that do what is said.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rsyncctl::{
    host::{Live, NoHost},
    lint::{Input, Report, discover, lint, recognise},
    model::script::{Argument, Script},
    syntax::shell,
    terms::Bytes,
};

use crate::{
    pages::check,
    support::{
        examples::{ExampleCase, pages_of_files},
        program::{folder, rsyncctl, stdout},
        report::{listed, options},
        skip,
    },
};

#[test]
fn what_the_tutorials_teach_is_found() {
    for path in found(&fixtures("bad")) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("bad-{name}"), listed(&checked(&path)));
    }
}

#[test]
fn what_is_mended_is_clean() {
    let bad = found(&fixtures("bad")).len();
    let mended = found(&fixtures("mended"));
    assert_eq!(mended.len(), bad);
    for path in mended {
        let report = checked(&path);
        assert!(
            report.findings.is_empty(),
            "{}: {}",
            path.display(),
            listed(&report)
        );
    }
}

/// A configuration or a secrets file that a script writes is judged as such, its passwords are hidden, and it is cured
/// in its place.
#[test]
fn files_that_stand_in_scripts_are_checked() {
    let text = "#!/bin/sh\ncat > /etc/rsyncd.conf <<'EOF'\n[a]\npath = /srv/a\nread only = no # x\nEOF\n\
                cat <<EOF >/etc/rsyncd.secrets\njoe:not-a-real-password  \nEOF\n\
                cat > /etc/rsyncd.conf <<EOF\n[b]\npath = $HOME\nignore errors\nEOF\n";
    let folder = folder(&[("setup.sh", text)]);
    let output = rsyncctl(&folder, &["lint", "--lang", "en", "--host", "none", "setup.sh"]);
    let report = stdout(&output);
    assert!(
        report.contains("[setup.sh:5:16]") && report.contains("RSY201"),
        "{report}"
    );
    assert!(
        report.contains("[setup.sh:8:") && report.contains("RSY322"),
        "{report}"
    );
    assert!(
        !report.contains("not-a-real") && report.contains("joe:****"),
        "{report}"
    );
    assert!(
        !report.contains("RSY102") && report.contains("\n1 file checked"),
        "{report}"
    );
    rsyncctl(&folder, &["lint", "--host", "none", "--fix=unsafe", "setup.sh"]);
    let cured = fs::read_to_string(folder.path().join("setup.sh")).expect("the script");
    assert!(
        cured.contains("\nread only = no\n") && cured.ends_with("ignore errors\nEOF\n"),
        "{cured}"
    );
}

/// A password file that a script writes for its own rsync is judged as a file of its own would be.
#[test]
fn a_password_file_that_a_script_writes_is_judged() {
    let push = "chmod 600 /etc/rsync.pass\nrsync -a --timeout=60 --password-file=/etc/rsync.pass /a/ joe@192.0.2.1::b\n";
    for (write, place) in [
        ("echo \"joe:not-a-real-one\" > /etc/rsync.pass\n", "1:7"),
        ("cat > /etc/rsync.pass <<'EOF'\njoe:not-a-real-one\nEOF\n", "2:1"),
        ("echo not-a-real-one > /etc/rsync.pass\n", ""),
        ("echo joe:not-a-real-one > /etc/other.pass\n", ""),
    ] {
        let folder = folder(&[("push.sh", &format!("{write}{push}"))]);
        let output = rsyncctl(
            &folder,
            &["lint", "--host", "none", "--format", "concise", "push.sh"],
        );
        let report = stdout(&output);
        let found = report.lines().find(|line| line.contains("RSY327"));
        let expected = (!place.is_empty()).then(|| format!("push.sh:{place}:"));
        assert_eq!(found.is_some(), expected.is_some(), "{write}: {report}");
        assert!(
            found.is_none_or(|line| line.starts_with(&expected.unwrap_or_default())),
            "{report}"
        );
        assert!(!report.contains("not-a-real-one"), "{report}");
    }
}

/// The last `chmod` of a file counts, and a file whose content is seen is judged by that and not by its name.
#[test]
fn files_of_passwords_are_left_alone_where_they_are_right() {
    let daemon = "exec rsync --daemon --no-detach\n";
    let push = "rsync -a --timeout=60 --password-file=/etc/client.secret /a/ joe@192.0.2.1::b\n";
    for (text, rule) in [
        (format!("chmod 644 /etc/rsyncd.secrets\n{daemon}"), "RSY302"),
        (
            format!("chmod 644 /etc/rsyncd.secrets\nchmod 600 /etc/rsyncd.secrets\n{daemon}"),
            "",
        ),
        (format!("chmod 640 /etc/rsyncd.secrets\n{daemon}"), ""),
        (format!("chmod 644 /etc/client.secret\n{push}"), "RSY328"),
        (format!("chmod 600 /etc/client.secret\n{push}"), "RSY954"),
        (
            format!("echo not-a-real-one > /etc/client.secret\nchmod 600 /etc/client.secret\n{push}"),
            "",
        ),
    ] {
        let folder = folder(&[("run.sh", &text)]);
        let output = rsyncctl(
            &folder,
            &["lint", "--host", "none", "--format", "concise", "run.sh"],
        );
        let report = stdout(&output);
        let found = ["RSY302", "RSY328", "RSY954"]
            .iter()
            .filter(|rule| report.contains(**rule));
        let found: Vec<_> = found.collect();
        assert_eq!(found.contains(&&rule), !rule.is_empty(), "{text}: {report}");
        assert!(!rule.is_empty() || found.is_empty(), "{text}: {report}");
    }
}

/// A folder is searched for scripts by name, and for programs whose first line names a shell; only those that call one
/// of our programs are taken.
#[test]
fn scripts_of_a_folder_are_found() {
    let folder = folder(&[
        ("bin/push", "#!/bin/sh\nrsync -aZ a b\n"),
        ("bin/notes", "#!/bin/sh\nrsync -aZ a b\n"),
        ("bin/tool", "\u{7f}ELF rsync\n"),
        ("bin/other.sh", "ls -l\n"),
        ("bin/third.sh", "/usr/bin/rsync -aZ a b\n"),
        ("bin/python", "#!/usr/bin/python3\n# rsync\n"),
        ("image/Dockerfile", "FROM x\nRUN rsync -aZ a b\n"),
    ]);
    for program in ["push", "tool", "python"] {
        let path = folder.path().join("bin").join(program);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let output = rsyncctl(&folder, &["lint", "--format", "concise", "."]);
    let text = stdout(&output);
    let places: Vec<_> = text.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        places,
        ["./bin/push", "./bin/third.sh", "./image/Dockerfile"],
        "{text}"
    );
    let forced = rsyncctl(
        &folder,
        &["lint", "--format", "concise", "--kind", "script", "bin/notes"],
    );
    assert!(stdout(&forced).contains("RSY992"));
}

/// What a page says that rsync will print, rsync prints.
#[test]
fn real_rsyncs_say_what_is_foretold() {
    let mut run = 0;
    for page in pages_of_files() {
        if !["RSY980", "RSY992", "RSY993", "RSY994"].contains(&page.page.id.as_str()) {
            continue;
        }
        let is_script = |case: &&ExampleCase| case.is_bad() && case.block("systemd").is_none();
        for case in page.cases.iter().filter(is_script) {
            let report = check(&page, case).expect("no machine is needed");
            let finding = report
                .findings
                .iter()
                .find(|finding| finding.page.id == page.page.id);
            let finding = finding.expect("what is marked is found");
            let predicted = finding
                .predictions(options().circumstances.release)
                .last()
                .expect("a symptom");
            let folder = tempfile::tempdir().expect("a folder");
            let text = String::from_utf8(case.blocks[0].text.clone()).expect("text");
            let text = text.replace("/mnt/copy", "copy").replace("/srv/data/", "data/");
            fs::create_dir(folder.path().join("data")).expect("a folder");
            let output = Command::new("bash")
                .args(["-c", &text])
                .current_dir(&folder)
                .env("LC_ALL", "C")
                .output()
                .expect("bash runs");
            let said = String::from_utf8_lossy(&output.stderr);
            let place = format!("{} {}: {said}", page.page.id, case.role);
            assert_eq!(output.status.code(), Some(i32::from(predicted.exit)), "{place}");
            assert!(said.contains(predicted.client.expect("a message")), "{place}");
            run += 1;
        }
    }
    assert!(run >= 8, "only {run} examples");
}

/// Links are lost without a failure, and a pattern leaves what should be deleted.
#[test]
fn a_real_rsync_loses_links_and_keeps_what_should_go() {
    let folder = folder(&[("src/file", ""), ("links/x", ""), ("kept/old", "")]);
    symlink("file", folder.path().join("src/link")).expect("a link");
    let run = |script: &str| {
        let mut bash = Command::new("bash");
        let output = bash
            .args(["-c", script])
            .current_dir(&folder)
            .output()
            .expect("bash runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run("rsync -vzrtopg src/ links/");
    assert!(said.contains("skipping non-regular file \"link\""), "{said}");
    assert!(folder.path().join("links/link").symlink_metadata().is_err());
    run("rsync -a --delete src/* kept/");
    assert!(folder.path().join("kept/old").exists());
    run("rsync -a --delete src/ kept/");
    assert!(!folder.path().join("kept/old").exists());
}

/// With `-o` nothing comes out of the pipe that a loop would read.
#[test]
fn a_real_inotifywait_with_an_outfile_feeds_no_loop() {
    let folder = folder(&[("watched/old", "")]);
    let mut inotifywait = Command::new("inotifywait");
    inotifywait
        .args(["-o", "events", "-e", "create", "watched"])
        .current_dir(&folder);
    let child = inotifywait.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let Ok(mut child) = child else {
        skip("inotifywait is not installed");
        return;
    };
    let errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let is_ready = |line: &std::io::Result<String>| {
        line.as_ref()
            .is_ok_and(|line| line.contains("Watches established"))
    };
    assert!(errors.lines().any(|line| is_ready(&line)));
    fs::write(folder.path().join("watched/new"), "").expect("a file");
    let output = child.wait_with_output().expect("it ends after one event");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let events = fs::read_to_string(folder.path().join("events")).expect("the outfile");
    assert!(events.contains("CREATE new"), "{events}");
}

/// The arguments that we read out of a script are those that a real shell hands over.
#[test]
fn arguments_are_those_of_a_real_shell() {
    let snippets = [
        "rsync -a src/ 'joe@h::data'",
        "rsync -a \\\n  --delete \"a b\" c\\ d",
        "src=/web/ user=joe host=h; rsync $src$user@$host::m",
        "opts='-a --delete'; rsync $opts \"$opts\" x",
        "opts=(-a \"--exclude=a b\"); opts+=(-z); rsync \"${opts[@]}\" x",
        "a=1; a+=2; rsync \"$a\" '' x\"y\"z",
        "S=/srv/; rsync ${S%/} \"${S:-no}\" ${S}x",
        "for i in one; do rsync $i; done; rsync two",
        "if true; then rsync a; else rsync b; fi | cat",
        "case x in (a) rsync no;; x|y) rsync yes;; esac",
        "f() { rsync \"$N\"; }; N=4; f",
        "rsync a 2>/dev/null >&2; rsync b || rsync no",
        "{ rsync a; } 2>&1; ( rsync b; )",
        "cat <<EOF >/dev/null\nrsync no\nEOF\nrsync yes",
        "cat <<-'X' >/dev/null; rsync one\n\trsync no\n\tX\nrsync two",
        "x=$(echo rsync no); rsync \"a\"`true`",
        "rsync a # rsync no\nrsync b#c",
        "env -i PATH=\"$PATH\" rsync a; command rsync b; nice -n 5 rsync c; timeout -k 1 60 rsync d",
        "sh -c 'rsync a \"b c\"'; ! rsync d; while rsync e; do break; done",
        "[[ -n x && 1 < 2 ]] && rsync a; (( 1 > 0 )) && rsync b",
        "rsync \"$((1 + 1))\" | cat; echo 'rsync no'",
        "A=1 B=2 rsync a; A=3; rsync $A \"\\$A\" \\$A '$A'",
        "export D=/x; readonly E=\"$D/y\"; rsync $D \"$E\"",
        "eval true; set -- p; D=/y; rsync $D",
    ];
    let stub = folder(&[("rsync", "#!/bin/sh\nprintf '[%s]' \"$@\" >&3\necho >&3\n")]);
    fs::set_permissions(stub.path().join("rsync"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let path = format!("{}:/usr/bin:/bin", stub.path().display());
    for snippet in snippets {
        let real = Command::new("bash")
            .args(["-c", &format!("exec 3>&1 >/dev/null\n{snippet}")])
            .env("PATH", &path)
            .output()
            .expect("bash runs");
        let mut real: Vec<_> = String::from_utf8_lossy(&real.stdout)
            .lines()
            .map(str::to_owned)
            .collect();
        let script = Script::read(&shell::parse(snippet.as_bytes()), snippet.as_bytes());
        let calls = script.calls.iter().filter(|call| call.program() == "rsync");
        let mut read: Vec<String> = calls
            .filter(|call| !call.arguments().iter().any(|word| word.is("no")))
            .filter(|call| !snippet.starts_with("if") || !call.arguments()[0].is("b"))
            .map(|call| {
                let words = call.arguments().iter().map(|word| match word.known() {
                    Some(_) => format!("[{}]", word.text()),
                    None => "?".to_owned(),
                });
                words.collect()
            })
            .collect();
        real.sort();
        read.sort();
        // What only a run can tell is told by none.
        let is_same = |(real, read): (&String, &String)| read.contains('?') || real == read;
        assert!(
            real.len() == read.len() && real.iter().zip(&read).all(is_same),
            "{snippet}: {read:?}, and the shell says {real:?}"
        );
    }
}

/// No place of a script lies outside of it, whatever it holds.
#[test]
fn places_lie_inside_the_file() {
    for path in found(&fixtures("bad")) {
        let bytes = fs::read(&path).expect("a fixture");
        for end in 0..bytes.len() {
            let part = &bytes[..end];
            let script = Script::read(&shell::parse(part), part);
            let words = script.calls.iter().flat_map(|call| &call.words);
            assert!(words.map(|word: &Argument| word.range.end).all(|at| at <= end));
        }
    }
}

fn fixtures(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/scripts")
        .join(name)
}

fn found(folder: &Path) -> Vec<PathBuf> {
    discover(folder, folder, &Live).expect("a folder").files
}

fn checked(path: &Path) -> Report {
    let bytes = Bytes::from(fs::read(path).expect("a fixture"));
    let kind = recognise(path, &bytes).expect("a kind");
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    let input = Input {
        name,
        path: None,
        bytes,
        kind,
        is_guess: true,
        host: &NoHost,
    };
    lint(vec![input], &options())
}
