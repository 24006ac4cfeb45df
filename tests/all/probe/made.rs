//! What a script makes itself is neither missing nor to be there for a dry run.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use super::{peer, staging::Stage};
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, stderr, stdout},
};

/// What a script makes before it asks for it is not missing, however it is made.
#[test]
fn what_a_script_makes_is_not_missing() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let stage = Stage::new(&[("in/new/x", "x\n")]);
    let (root, here) = (stage.root(), stage.here());
    let packed = Command::new("tar")
        .args(["-C", &format!("{here}/in"), "-cf", &format!("{here}/a.tar"), "."])
        .status();
    assert!(packed.expect("tar runs").success());
    let call = format!("rsync rsync://127.0.0.1:{port}/");
    let (helper, made) = ("printf '#!/bin/sh\\n' > O/help; chmod +x O/help", "O/new");
    for text in [
        "check(){ [ -d O/new ] || exit 1; }\nprep(){ mkdir -p O/new; }\nprep; check\nRSYNC\n".to_owned(),
        format!("set -e\n{helper}\nO/help\nRSYNC\n"),
        format!("set -e\nput(){{ {helper}; }}\nput\nO/help\nRSYNC\n"),
        format!("set -e\n{helper}\ncp O/help O/other\nO/other\nRSYNC\n"),
        format!(
            "set -e\nD=O\n{}\n$D/help\nRSYNC\n",
            helper.replace("> O/", "> $D/")
        ),
        "tar -C O -xf O/../a.tar\n[ -d O/new ] || exit 1\nRSYNC\n".to_owned(),
        "cp -r O/../in/new O/\n[ -d O/new ] || exit 1\nRSYNC\n".to_owned(),
        "cd O; mkdir new\n[ -d O/new ] || exit 1\nRSYNC\n".to_owned(),
        "ln -s ../in/new O/new\n[ -d O/new ] || exit 1\nRSYNC\n".to_owned(),
        "touch O/new\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "echo | tee O/new >/dev/null\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "{ echo; } > O/new\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "exec 3> O/new\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "X=$(mkdir O/new)\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "sh -c 'mkdir O/new'\n[ -e O/new ] || exit 1\nRSYNC\n".to_owned(),
        "mkdir O/new\n. O/new/none 2>/dev/null || true\n[ -e O/ne[w] ] || exit 1\nRSYNC\n".to_owned(),
        "touch O/x1.gz\n[ -e O/*.gz ] || exit 1\nRSYNC\n".to_owned(),
        "exec {log}> O/new\nRSYNC\n".to_owned(),
        "X=$(set -e; set -u; readonly Y=1; echo)\nY=2\nfalse\n: $NO_SUCH\nRSYNC\n".to_owned(),
        "f(){ declare -r Y=1; typeset -r Z=1; }\nf\nY=2; Z=2\nRSYNC\n".to_owned(),
        "do_it(){\nRSYNC\n}\nfor s in at it; do do_$s 2>/dev/null; done\n".to_owned(),
        "do_it(){\nRSYNC\n}\na=it; do_$a\n".to_owned(),
        "do_it(){\nRSYNC\n}\ndo_\"it\"\n".to_owned(),
        "do_it(){\nRSYNC\n}\na=it\ntrap \"do_$a\" EXIT\n".to_owned(),
        "cp O/../bin/rsync O/rsync\nO/RSYNC\n".to_owned(),
    ] {
        let _ = fs::remove_dir_all(root.join("out"));
        fs::create_dir(root.join("out")).expect("a folder");
        let own = text
            .replace("O/", &format!("{here}/out/"))
            .replace("D=O\n", &format!("D={here}/out\n"))
            .replace("tar -C O ", &format!("tar -C {here}/out "))
            .replace("cd O;", &format!("cd {here}/out;"))
            .replace("RSYNC", &call);
        let own = format!("#!/bin/bash\n{own}");
        stage.program("job.sh", &own);
        let line = 1 + own[..own.find("rsync rsync:").expect("a call")]
            .matches('\n')
            .count();
        let place = format!("job.sh:{line}");
        let output = stage.reproduced(&place);
        let told = stdout(&output);
        assert!(
            !told.is_empty() && !told.contains("rsync is never started"),
            "{own}: {told}{}",
            stderr(&output)
        );
        assert!(stage.words_of_script(&own).is_some(), "the shell: {own}");
    }
    // What is made elsewhere is no other file.
    for text in [
        format!("mkdir -p {here}/o\n[ -d {here}/{made} ] || exit 1\n{call}\n"),
        format!("echo x > {here}/log\n[ -d {here}/{made} ] || exit 1\n{call}\n"),
        format!("[ -d {here}/{made} ] || exit 1\n{call}\ntar xf a.tar\n"),
    ] {
        fs::write(root.join("job.sh"), format!("#!/bin/bash\n{text}")).expect("a file");
        let output = program(root, &["probe", "--reproduce", "job.sh"])
            .output()
            .expect("it runs");
        let told = stdout(&output);
        assert!(
            told.contains("rsync is never started"),
            "{text}: {told}{}",
            stderr(&output)
        );
    }
}

/// What a script makes before it sends it need not be there for a dry run of the rest.
#[test]
fn what_a_script_is_to_send_may_come_later() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/one", "one\n"), ("a/b", "b\n")]);
    let root = folder.path();
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\nread only = no\n[in]\npath = {}/served\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = root.display().to_string();
    let peer = format!("rsync://127.0.0.1:{}", daemon.port());
    for (text, code) in [
        ("tar czf O/f.tgz a; rsync O/f.tgz U/in/\n", 0),
        ("cp -r a O/f\nrsync -r O/f U/in/\n", 0),
        ("touch O/f\nrsync O/f U/in/\n", 0),
        ("echo | tee O/f\nrsync O/f U/in/\n", 0),
        ("date > O/f\nrsync O/f U/in/\n", 0),
        ("date > O/f\nrsync O/f O/rsyncd.conf U/in/\n", 0),
        ("mkdir -p O/o; cp a/b O/o/; rsync -r --delete O/o/ U/in/\n", 0),
        ("mkdir -p O/o/p; cp a/b O/o/p/; rsync -r O/o/p/ U/in/\n", 0),
        (
            "send() { rsync -r O/o/ U/in/; }\ndump() { mkdir -p O/o; }\ndump && send\n",
            0,
        ),
        ("ls a > O/l\nrsync -r --files-from=O/l a U/in/\n", 0),
        ("ls a > O/l\nrsync -r --files-from O/l U/in/ O/d/\n", 0),
        (
            "fetch() { rsync -r U/in/ O/d/e/; }\nprep() { mkdir -p O/d; }\nprep; fetch\n",
            0,
        ),
        ("cat a/b > O/f; rsync O/f U/none/\n", 5),
        ("rsync O/f U/in/\n", 23),
        ("mkdir O/other\nrsync O/f U/in/\n", 23),
    ] {
        // The folder's own name may end as they begin.
        let own = text
            .replace("U/", &format!("{peer}/"))
            .replace("O/", &format!("{here}/"));
        let own = format!("#!/bin/sh\n{own}");
        fs::write(root.join("job.sh"), &own).expect("a file");
        let output = program(root, &["probe", "--reproduce", "job.sh"])
            .output()
            .expect("it runs");
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{own}: {told}");
        assert_eq!(
            told.contains("the real run can tell"),
            code != 23 && !own.contains("fetch"),
            "{own}: {told}"
        );
        assert!(code != 0 || told.contains("works"), "{own}: {told}");
    }
}

/// Nor need what it makes for an option's sake: rules, a folder for what is half there. Without a password that it writes
/// first the login cannot be tried, and no cause is named. The script itself ends with nothing wrong.
#[test]
fn what_an_option_names_may_come_later() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/one", "one\n"), ("a/b", "b\n"), ("secrets", "joe:pw\n")]);
    let root = folder.path();
    for (name, mode) in [("secrets", 0o600), ("served", 0o777), (".", 0o755)] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let configuration = root.join("rsyncd.conf");
    let here = root.display().to_string();
    let text = format!(
        "use chroot = no\nread only = no\n[in]\npath = {here}/served\n[own]\npath = {here}/served\nauth users = joe\nsecrets file = {here}/secrets\n"
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let peer = format!("rsync://127.0.0.1:{}", daemon.port());
    let own = format!("rsync://joe@127.0.0.1:{}/own", daemon.port());
    let is_unknown = "which was not carried out: how the whole line ends is not known";
    for (text, expected) in [
        (
            "echo '- b' > O/f; rsync -r --filter='merge O/f' a U/in/\n",
            "works",
        ),
        ("echo '- b' > O/f; rsync -r -f '. O/f' a U/in/\n", "works"),
        ("echo '- b' > O/f; rsync -rf'. O/f' a U/in/\n", "works"),
        ("echo x > O/f; rsync -r --early-input=O/f a U/in/\n", "works"),
        ("mkdir -p O/t; rsync -r -T O/t U/in/ O/d/\n", "works"),
        ("mkdir -p O/t; rsync -r --temp-dir=O/t U/in/ O/d/\n", "works"),
        (
            "echo pw > O/f; chmod 600 O/f; rsync -r --password-file=O/f U/in/ O/d/\n",
            "works",
        ),
        (
            "printf pw > O/f; chmod 600 O/f; rsync -r --password-file=O/f OWN/ O/d/\n",
            is_unknown,
        ),
        (
            "cat > O/f <<E\npw\nE\nchmod 600 O/f; rsync -r --password-file O/f OWN/ O/d/\n",
            is_unknown,
        ),
        (
            "0 4 * * * echo pw > O/f; chmod 600 O/f; rsync -r --password-file=O/f OWN/ O/d/\n",
            is_unknown,
        ),
        // What is read in may set the password.
        (
            "echo 'export RSYNC_PASSWORD=pw' > f; . ./f; rsync -r OWN/ O/d/\n",
            "without `. ./f`, which was not carried out: how the whole line ends is not known",
        ),
        ("rsync -r --password-file=O/f OWN/ O/d/\n", "O/f"),
        ("echo > O/g; rsync -r --filter='. O/f' a U/in/\n", "O/f"),
    ] {
        for made in ["f", "g"] {
            let _ = fs::remove_file(root.join(made));
        }
        let _ = fs::remove_dir(root.join("t"));
        let text = text
            .replace("OWN", &own)
            .replace("U/", &format!("{peer}/"))
            .replace("O/", &format!("{here}/"));
        let expected = expected.replace("O/", &format!("{here}/"));
        let (name, script) = match text.strip_prefix("0 4 * * * ") {
            Some(command) => ("job.cron", command.to_owned()),
            None => ("job.sh", text.clone()),
        };
        let own = if name == "job.sh" {
            format!("#!/bin/sh\n{text}")
        } else {
            text.clone()
        };
        fs::write(root.join(name), &own).expect("a file");
        let line = 1 + own[..own.find("rsync -r").expect("a call")].matches('\n').count();
        let probe = |password: Option<&str>| {
            let mut probe = program(root, &["probe", "--reproduce", &format!("{name}:{line}")]);
            let output = probe
                .envs(password.map(|password| ("RSYNC_PASSWORD", password)))
                .output();
            let output = output.expect("it runs");
            format!("{}{}", stdout(&output), stderr(&output))
        };
        let told = probe(None);
        assert!(told.contains(&expected), "{own}: {told}");
        if expected == is_unknown {
            assert!(
                told.contains(&format!("the password is to come from `{here}/f`")),
                "{told}"
            );
            let told = probe(Some("pw"));
            assert!(
                told.contains("works") && !told.contains("is to come from"),
                "{own}: {told}"
            );
        }
        let mut shell = Command::new("/bin/sh");
        let ran = shell.args(["-c", &script]).current_dir(root).output();
        let ran = ran.expect("a shell runs");
        let is_well = expected == "works" || expected.ends_with(is_unknown);
        assert_eq!(
            ran.status.success(),
            is_well,
            "the shell: {own}: {}",
            stderr(&ran)
        );
    }
}
