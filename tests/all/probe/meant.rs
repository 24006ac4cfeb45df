//! Command lines of users that our client cannot carry out as they are meant.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::Value;

use super::peer;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, keeps_to, program, rsyncctl, schema, stderr, stdout},
};

/// What was not carried out is told where the run fails without it, and no cause is put in its place.
#[test]
fn a_failure_is_not_blamed_on_what_was_left_out() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let call = format!("rsync -r rsync://joe@127.0.0.1:{port}/data/ here/");
    let folder = folder(&[(
        "a.sh",
        &format!("export RSYNC_PASSWORD=$(cat none)\n{call}\ncd here; {call}\n"),
    )]);
    let elsewhere = "RSYNC_CONNECT_PROG='cat /dev/null' rsync -r rsync://name.invalid/data/ here/";
    let password = (
        "RSYNC_PASSWORD=",
        "authentication fails, code 5, without `RSYNC_PASSWORD=`",
    );
    for (line, given, code, (name, first), rule, last) in [
        (
            "a.sh:2",
            None,
            5,
            password,
            "",
            "do next: set RSYNC_PASSWORD here to what the script sets",
        ),
        // Somebody has typed another one.
        (
            "a.sh:2",
            Some("other"),
            5,
            ("", "authentication fails, code 5: "),
            "RSY810",
            "type next",
        ),
        (
            elsewhere,
            None,
            10,
            (
                "RSYNC_CONNECT_PROG=",
                "resolve fails, code 10, without `RSYNC_CONNECT_PROG=`",
            ),
            "",
            "do next: add --really",
        ),
    ] {
        let run = |more: &[&str]| {
            let words = [&["probe", "--reproduce", line], more].concat();
            let mut ours = program(folder.path(), &words);
            ours.env_remove("RSYNC_PASSWORD");
            ours.envs(given.map(|given| ("RSYNC_PASSWORD", given)));
            ours.output().expect("it runs")
        };
        let told = run(&[]);
        assert_eq!(told.status.code(), Some(code), "{told:?}");
        let text = stdout(&told);
        assert!(
            text.lines().next().is_some_and(|line| line.contains(first)),
            "{text}"
        );
        assert!(
            text.lines().last().is_some_and(|line| line.starts_with(last)),
            "{text}"
        );
        let report: Value = serde_json::from_slice(&run(&["--json"]).stdout).expect("JSON");
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
        assert_eq!(
            report["unchecked"][0]["what"].as_str().unwrap_or_default(),
            name,
            "{report:#}"
        );
        let told = report["diagnoses"][0]["rule"].as_str().unwrap_or_default();
        assert_eq!(told, rule, "{report:#}");
    }
    // What may be the reason, and need not be.
    let text = stdout(&rsyncctl(
        folder.path(),
        &["probe", "--reproduce", "umask 077; rsync -r none/ 127.0.0.1::m"],
    ));
    assert!(text.contains("not carried out: `umask`"), "{text}");
}

/// What our client cannot carry out is told as that, with what a slip may have meant; what rsync refuses is refused.
#[test]
fn a_command_line_that_cannot_be_carried_out_is_told() {
    let folder = folder(&[]);
    for (line, expected) in [
        (
            "rsync -a --port=1 127.0.0.1:m/ d/",
            "write `127.0.0.1::m/` if a daemon's module is meant",
        ),
        (
            "rsync -a --rsync-path=x 127.0.0.1::m/ d/",
            "--rsync-path: this option of rsync is not supported yet",
        ),
        ("rsync -a a/ b/", "a copy on this machine is not supported yet"),
        (
            "rsync -a --exclude rsync://127.0.0.1:1/m/ d/",
            "write `--exclude=VALUE rsync://127.0.0.1:1/m/` (nothing was tried: a copy on this machine",
        ),
        ("rsync -a -e 127.0.0.1::m d/", "write `--rsh=VALUE 127.0.0.1::m`"),
        (
            "rsync -a /srvrsync://127.0.0.1:1/m/ d/",
            "put a blank in front of `rsync://127.0.0.1:1/m/`",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let told = stderr(&output);
        assert!(
            told.contains(expected) && told.contains("the status 2 is rsyncctl's own"),
            "{told}"
        );
    }
    for (line, code, first) in [
        (
            "rsync -a rsync:/127.0.0.1/m/ d/",
            255,
            "write `rsync://127.0.0.1/m/`",
        ),
        (
            "rsync -a 'rsync://127.0.0.1:8 73/m/' d/",
            255,
            "write `rsync://127.0.0.1/m/`",
        ),
        (
            "rsync -a rsync://127.0.0.1:+873/m/ d/",
            255,
            "write `rsync://127.0.0.1/m/`",
        ),
        (
            "rsync -a C:/data rsync://127.0.0.1:1/m/",
            1,
            "The source and destination cannot both be remote.",
        ),
        (
            "rsync -a --password-file=p 127.0.0.1:m/ d/",
            1,
            "with one colon rsync runs `ssh`",
        ),
        ("rsync -h", 0, "rsync prints its help and copies nothing"),
        (
            "rsync -r --help 127.0.0.1::m/ d/",
            0,
            "rsync prints its help and copies nothing",
        ),
        (
            "rsync -r --version 127.0.0.1::m/ d/",
            0,
            "rsync prints its version and copies nothing",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", line]);
        assert_eq!(output.status.code(), Some(code), "{line} {output:?}");
        assert!(stdout(&output).contains(first), "{line} {}", stdout(&output));
    }
}

/// Where lines of a file end a command before it is meant to end, that is told first, and what to type.
#[test]
fn a_slip_of_a_file_is_told() {
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: Unknown module 'm'\n");
    let target = format!("rsync://127.0.0.1:{port}/m/");
    let folder = folder(&[
        ("blank.sh", &format!("rsync -r {target} \\ \n  here/\n")),
        ("gap.sh", "rsync -a \\\n\n  h::m here/\n"),
        (
            "a.cron",
            &format!("0 3 * * * rsync -r {target} here/ \\\n  --delete\n"),
        ),
        (
            "b.cron",
            &format!("RSYNC_PASSWORD=`cat file`\n0 3 * * * rsync -r {target} here/\n"),
        ),
        ("comment.sh", "# rsync -a h::m here/\n"),
        ("home.sh", &format!("rsync -r {target} ~/here/\n")),
    ]);
    for (place, code, first, last) in [
        (
            "blank.sh:1",
            5,
            "code 5: line 1 of `blank.sh` has a blank behind its backslash",
            "do next: sed -i '1s/[[:space:]]*$//' blank.sh",
        ),
        (
            "gap.sh:1",
            1,
            "code 1: line 2 of `gap.sh` is empty or a comment, and stands within the command",
            "do next: sed -i '2d' gap.sh",
        ),
        (
            "a.cron:1",
            1,
            "code 1: line 1 of `a.cron` ends with a backslash: cron knows no lines that go on",
            "do next: write the command on one line",
        ),
        (
            "b.cron:2",
            5,
            "code 5: cron reads `RSYNC_PASSWORD=` without a shell",
            "do next: set RSYNC_PASSWORD within the job's command",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", place]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let text = stdout(&output);
        assert!(
            text.lines().next().is_some_and(|line| line.contains(first)),
            "{text}"
        );
        assert!(
            text.lines().last().is_some_and(|line| line.starts_with(last)),
            "{text}"
        );
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", place]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
        assert!(report["notices"][0]["text"].is_string(), "{report:#}");
    }
    let output = rsyncctl(folder.path(), &["probe", "--reproduce", "comment.sh:1"]);
    assert!(
        stderr(&output).contains("line 1 of `comment.sh` is a comment"),
        "{output:?}"
    );
    let text = stdout(&rsyncctl(folder.path(), &["probe", "--reproduce", "home.sh:1"]));
    let first = text.lines().next().unwrap_or_default();
    assert!(first.contains("/here/: ") && !first.contains('~'), "{text}");
}

/// A module that is not named, a file that is taken for a folder: the source or the target is named, as it is.
#[test]
fn slips_of_addresses_are_told() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/a.txt", "text\n"), ("src/one", "one\n")]);
    let root = folder.path();
    for place in [root.to_owned(), root.join("served")] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).expect("a mode");
    }
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[m]\npath = {}/served\nread only = no\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let server = format!("rsync://127.0.0.1:{}/", daemon.port());
    let lists = format!("`{server}` names no module, so rsync lists the modules and copies nothing");
    let name = format!("do next: name one of the modules: `{server}MODULE/`");
    for (line, first, inside, last) in [
        (format!("rsync -r {server} here/"), &*lists, "[m]", &*name),
        (format!("rsync -r src/ {server}"), &lists, "[m]", &name),
        // What lists copies nothing in a real run either.
        (
            format!("rsync {server}m/"),
            "m/: all is well",
            "1 file of 5 bytes",
            "all is well: nothing to do",
        ),
        (
            format!("rsync -r {server}m/a.txt/ here/"),
            "code 23: the source `a.txt` is a file, and the `/` behind it asks for what is in a folder (RSY853)",
            "",
            "type next",
        ),
    ] {
        let mut real = Command::new("bash");
        let real = real
            .args(["-c", &line])
            .current_dir(root)
            .output()
            .expect("bash runs");
        let output = rsyncctl(root, &["probe", "--reproduce", &line]);
        assert_eq!(output.status.code(), real.status.code(), "{output:?}");
        let text = stdout(&output);
        assert!(
            text.lines().next().is_some_and(|line| line.contains(first)),
            "{text}"
        );
        assert!(text.contains(inside), "{text}");
        assert!(
            text.lines().last().is_some_and(|line| line.starts_with(last)),
            "{text}"
        );
    }
    let output = rsyncctl(root, &["probe", "--push", &format!("{server}m/a.txt")]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = stdout(&output);
    let first = "push fails, code 3: something of another kind stands in the way at the target (RSY853)";
    assert!(
        text.contains(first) && !text.contains("is still in the module"),
        "{text}"
    );
}

/// An address of this side that is none is named as that, with what rsync prints.
#[test]
fn an_address_that_nobody_can_call_from_is_named() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    // The last one is another family's.
    let long = "x".repeat(300);
    for address in [&*long, "192.0.2.1", "::1"] {
        let words = [
            "-r",
            &format!("--address={address}"),
            "rsync://127.0.0.1:1/m/",
            "here/",
        ];
        let real = Command::new("rsync").args(words).output().expect("rsync runs");
        let line = format!("rsync {}", words.join(" "));
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", &line]);
        assert_eq!(output.status.code(), real.status.code(), "{output:?}");
        let text = stdout(&output);
        let first = format!("code 10: `{address}` is no address that this machine can call from (RSY625)");
        assert!(text.contains(&first), "{text}");
        assert!(
            text.ends_with("type next, on the client: ip -br address\n"),
            "{text}"
        );
        let said = stderr(&real);
        let said = said.lines().next().expect("a line");
        assert!(
            said.starts_with("rsync error") || text.contains(said),
            "{said} {text}"
        );
    }
}

/// What a word of the command line does is told as that, and what rsync only warns of is shown.
#[test]
fn words_with_an_effect_of_their_own_are_named() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/sub/one", "text\n"),
        ("served/two", "text\n"),
        ("src/one", "one\n"),
    ]);
    let root = folder.path();
    for place in ["", "served", "served/sub"] {
        fs::set_permissions(root.join(place), fs::Permissions::from_mode(0o777)).expect("a mode");
    }
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[m]\npath = {}/served\nread only = no\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let server = format!("rsync://127.0.0.1:{}/m", daemon.port());
    for (line, expected) in [
        (
            format!("rsync -r -T /none src/ {server}/"),
            "code 1: the module has no folder `/none`, which `-T`",
        ),
        (
            format!("rsync -r {server}/sub/.. here/"),
            "code 4: the `..` in `rsync://",
        ),
        (
            format!("rsync -r --min-size=-1 {server}/ here/"),
            "cannot read the value of an option: `--min-size=-1`",
        ),
        (
            format!("rsync -r --stderr=zz {server}/ here/"),
            "cannot read the value of an option: `zz`",
        ),
        (
            format!("rsync -r --link-dest=/none {server}/ here/"),
            "--link-dest arg does not exist: /none",
        ),
    ] {
        let mut real = Command::new("bash");
        let real = real
            .args(["-c", &line])
            .current_dir(root)
            .output()
            .expect("bash runs");
        let output = rsyncctl(root, &["probe", "--reproduce", &line]);
        assert_eq!(output.status.code(), real.status.code(), "{line} {output:?}");
        let text = stdout(&output);
        assert!(text.contains(expected), "{text}");
    }
    let delate = format!("rsync -r --delate {server}/ here/");
    let text = stdout(&rsyncctl(root, &["probe", "--reproduce", &delate]));
    assert!(text.contains("code 1: rsync has no option `--delate`"), "{text}");
    assert!(
        text.ends_with("do next: write `--delete`, if that is meant\n"),
        "{text}"
    );
    // Only a run that makes folders meets that one is missing.
    let deep = format!("rsync -r {server}/ deep/x/y/");
    let output = rsyncctl(root, &["probe", "--reproduce", &deep]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let first = "the dry run works, and the run itself fails: there is no folder `deep/x`";
    assert!(stdout(&output).contains(first), "{output:?}");
    let output = rsyncctl(root, &["probe", "--really", "--reproduce", &deep]);
    assert_eq!(output.status.code(), Some(11), "{output:?}");
    let output = rsyncctl(root, &["probe", "--trace", "-", &server]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!root.join("-").exists());
}

/// Options that somebody has defined for rsync's reader of options are rsync's own to it, and none to us.
#[test]
fn aliases_of_options_are_named() {
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let folder = folder(&[
        ("home/.popt", "# mine\nrsync alias --mirror -a --delete\n"),
        ("other/.popt", "rpm alias --mirror -a\n"),
    ]);
    let root = folder.path();
    let home = |name: &str| root.join(name).display().to_string();
    let call = format!("rsync -r rsync://127.0.0.1:{port}/m/ {}/", home("here"));
    let table = format!("HOME={}\n0 3 * * * {call}\n", home("home"));
    fs::write(root.join("a.cron"), table).expect("a file");
    let own = call.replace("-r", "--mirror");
    let line_of_alias = format!("line 2 of `{}/.popt`", home("home"));
    let remark = line_of_alias.replace('`', "");
    for (home_now, line, is_real, code, said) in [
        ("home", &*call, true, 2, &*line_of_alias),
        ("other", "a.cron:2", true, 2, &line_of_alias),
        ("home", &own, false, 2, &line_of_alias),
        ("home", &call, false, 5, &remark),
        ("other", "a.cron:2", false, 5, &remark),
        ("other", &call, true, 5, ""),
    ] {
        let mut words = vec!["probe", "--reproduce", line];
        words.extend(is_real.then_some("--really"));
        let output = program(root, &words)
            .env("HOME", home(home_now))
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        let told = stderr(&output);
        assert!(told.contains(said), "{line}: {output:?}");
        assert_eq!(told.contains(".popt"), !said.is_empty(), "{line}: {output:?}");
    }
}
