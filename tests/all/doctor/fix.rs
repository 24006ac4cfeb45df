//! The cures that the doctor offers: what is applied, what is asked, what is left alone.

use std::{
    fs::{self},
    io::{Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
    process::Stdio,
};

use super::{
    can_serve, causes,
    daemons::{Place, healthy},
    examined,
    reach::can_separate,
};
use crate::support::{
    program::{folder, program, rsyncctl, stderr, stdout},
    terminal::Terminal,
};

/// A daemon whose secrets file others may read, with a quoted value, and a module whose folder is missing.
fn broken() -> Place {
    let place = Place::new(&[
        format!(
            "{}auth users = joe\nsecrets file = FOLDER/secrets\nread only = \"yes\"\n",
            healthy("data")
        ),
        healthy("gone"),
    ]);
    let secrets = place.path().join("secrets");
    fs::write(&secrets, "joe:a-password-of-some-length\n").expect("a file");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::remove_dir_all(place.path().join("gone")).expect("it goes");
    place
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").mode() & 0o7777
}

fn fixed(place: &Place, more: &[&str]) -> String {
    let words = [&["doctor", "--config", "rsyncd.conf", "--fix"], more].concat();
    let output = rsyncctl(place.path(), &words);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    stdout(&output)
}

#[test]
fn without_a_terminal_nothing_is_changed() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let _daemon = place.start();
    let file = place.path().join("rsyncd.conf");
    let before = fs::read(&file).expect("the file");
    let told = fixed(&place, &[]);
    assert_eq!(fs::read(&file).expect("the file"), before);
    assert_eq!(mode(&place.path().join("secrets")), 0o644);
    for part in [
        "cures that are safe to apply here: 2",
        "chmod 600 ",
        "-read only = \"yes\"\n+read only = yes\n",
        "nothing was changed: there is no terminal to ask at; --yes ",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        !told.contains("apply it?") && !told.contains("a-password-of"),
        "{told}"
    );
}

#[test]
fn what_is_safe_is_applied_and_looked_at_again() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let _daemon = place.start();
    let file = place.path().join("rsyncd.conf");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    chown(&file, Some(0), Some(65_534)).expect("an owner");
    let told = fixed(&place, &["--yes"]);
    assert_eq!(mode(&place.path().join("secrets")), 0o600);
    let text = fs::read_to_string(&file).expect("the file");
    assert!(text.contains("\nread only = yes\n"), "{text}");
    let found = fs::metadata(&file).expect("the file");
    assert_eq!(
        (found.mode() & 0o7777, found.uid(), found.gid()),
        (0o640, 0, 65_534)
    );
    assert_eq!(
        told.matches("  done; read again: the cause is gone\n").count(),
        2,
        "{told}"
    );
    assert!(told.contains("it counts from the next connection on"), "{told}");
    // What more than that is needed for is left to the user.
    assert!(!place.path().join("gone").exists());
    let by_hand = told.split("to be done by hand").nth(1).expect("it is named");
    let folder = place.path().join("gone").display().to_string();
    assert!(by_hand.contains("RSY402") && by_hand.contains(&folder), "{told}");
    assert!(
        told.ends_with("cures applied: 2; `rsyncctl doctor` tells what is left\n"),
        "{told}"
    );
    let (report, _) = examined(place.path(), &[]);
    // The log still has what the daemon said of the line before.
    assert_eq!(
        causes(&report),
        [("RSY402", "now"), ("RSY202", "lately")],
        "{report:#}"
    );
}

#[test]
fn each_is_asked_for() {
    if !can_serve() {
        return;
    }
    for (answers, secrets, is_edited) in [
        (&["y", "y"][..], 0o600, true),
        (&["n", "what?", "yes"], 0o644, true),
        (&["y", "no"], 0o600, false),
        (&["q"], 0o644, false),
        (&["\x04"], 0o644, false),
    ] {
        let place = broken();
        let _daemon = place.start();
        let told = answered(&place, answers);
        let text = fs::read_to_string(place.path().join("rsyncd.conf")).expect("the file");
        assert_eq!(
            mode(&place.path().join("secrets")),
            secrets,
            "{answers:?}: {told}"
        );
        assert_eq!(text.contains("read only = yes"), is_edited, "{answers:?}: {told}");
        if secrets == 0o644 && !is_edited {
            assert!(told.contains("nothing was changed"), "{told}");
        }
    }
}

/// What is shown at a terminal at which somebody answers.
fn answered(place: &Place, answers: &[&str]) -> String {
    let terminal = Terminal::new();
    let mut command = program(place.path(), &["doctor", "--config", "rsyncd.conf", "--fix"]);
    let slave = terminal.program.try_clone().expect("a descriptor");
    command
        .stdin(Stdio::from(slave))
        .stdout(Stdio::from(terminal.program))
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    drop(command);
    let mut screen = terminal.screen;
    let mut shown = Vec::new();
    let mut piece = [0; 4096];
    let mut asked = 0;
    // The end of a terminal that nobody writes to any more is an error.
    while let Ok(count @ 1..) = screen.read(&mut piece) {
        shown.extend_from_slice(&piece[..count]);
        let now = String::from_utf8_lossy(&shown).matches("q(uit): ").count();
        while asked < now {
            let answer = answers.get(asked).copied().unwrap_or("q");
            let end = if answer == "\x04" { "" } else { "\n" };
            screen
                .write_all(format!("{answer}{end}").as_bytes())
                .expect("it reads");
            asked += 1;
        }
    }
    assert_eq!(child.wait().expect("it ends").code(), Some(1));
    String::from_utf8_lossy(&shown).replace('\r', "")
}

#[test]
fn files_that_may_be_others_are_left_alone() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let (secrets, other) = (place.path().join("secrets"), place.path().join("other"));
    fs::rename(&secrets, &other).expect("it moves");
    symlink(&other, &secrets).expect("a link");
    let _daemon = place.start();
    let told = fixed(&place, &["--yes"]);
    assert_eq!(mode(&other), 0o644, "{told}");
    assert!(
        told.contains("not done: the way to it leads through a link"),
        "{told}"
    );
    fs::remove_file(&secrets).expect("it goes");
    fs::hard_link(&other, &secrets).expect("a name");
    let told = fixed(&place, &["--yes", "--lang", "zh"]);
    assert_eq!(mode(&other), 0o644, "{told}");
    assert!(told.contains("没有修改"), "{told}");
}

#[test]
fn a_daemon_with_mounts_of_its_own_may_mean_other_files() {
    if !can_serve() || !can_separate() {
        return;
    }
    let place = broken();
    let daemon = place.start_in(&["unshare", "-m"]);
    let secrets = place.path().join("secrets");
    let told = fixed(&place, &["--yes"]);
    assert_eq!(mode(&secrets), 0o600, "{told}");
    drop(daemon);
    let place = broken();
    let secrets = place.path().join("secrets").display().to_string();
    fs::copy(&secrets, format!("{secrets}.own")).expect("a file");
    let script = format!("mount --bind {secrets}.own {secrets} && exec \"$@\"");
    let _daemon = place.start_in(&["unshare", "-m", "sh", "-c", &script, "sh"]);
    let told = fixed(&place, &["--yes"]);
    for name in [&secrets, &format!("{secrets}.own")] {
        assert_eq!(mode(Path::new(name)), 0o644, "{told}");
    }
    let by_hand = told.split("to be done by hand").nth(1);
    assert!(by_hand.is_some_and(|rest| rest.contains("RSY302")), "{told}");
}

#[test]
fn the_owner_of_a_secrets_file_is_a_cure_too() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let secrets = place.path().join("secrets");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).expect("a mode");
    chown(&secrets, Some(65_534), Some(65_534)).expect("an owner");
    let _daemon = place.start();
    let told = fixed(&place, &["--yes"]);
    let found = fs::metadata(&secrets).expect("the file");
    assert_eq!((found.uid(), found.gid()), (0, 65_534), "{told}");
    assert!(told.contains("chown root "), "{told}");
}

#[test]
fn a_clients_password_file_is_cured() {
    let folder = folder(&[("pass", "a-password-of-some-length\n")]);
    let file = folder.path().join("pass");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    let line = "rsync -a --password-file=pass joe@127.0.0.1::data/ target/";
    let output = rsyncctl(&folder, &["doctor", "--fix", "--yes", "--client", line]);
    let told = stdout(&output);
    assert_eq!(mode(&file), 0o600, "{told}");
    assert!(told.contains("the cause is gone"), "{told}");
}

#[test]
fn a_page_or_a_bundle_alone_changes_nothing() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let _daemon = place.start();
    let before = fs::read(place.path().join("rsyncd.conf")).expect("the file");
    let words = [
        "doctor",
        "--config",
        "rsyncd.conf",
        "--from",
        "127.0.0.1",
        "--html",
        "page",
        "--bundle",
        "bundle",
    ];
    assert_eq!(rsyncctl(place.path(), &words).status.code(), Some(1));
    assert_eq!(mode(&place.path().join("secrets")), 0o644);
    assert_eq!(
        fs::read(place.path().join("rsyncd.conf")).expect("the file"),
        before
    );
}

#[test]
fn offers_are_for_people() {
    let folder = folder(&[("rsyncd.conf", "")]);
    for words in [
        &["doctor", "--fix", "--json"][..],
        &["doctor", "--fix", "--format", "concise"],
        &["doctor", "--yes"],
    ] {
        let output = rsyncctl(&folder, words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("--fix"), "{output:?}");
    }
}

#[test]
fn what_starts_the_daemon_anew_is_named_and_not_done() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, format!("socket options = \"TCP_NODELAY\"\n{text}")).expect("the file");
    let daemon = place.start();
    let told = fixed(&place, &["--yes"]);
    let part = format!(
        "it counts from the next start on; type: kill {0}; while kill -0 {0} 2>/dev/null; do sleep 1; done; rsync --daemon",
        daemon.process()
    );
    assert!(told.contains(&part), "{told}");
    // It still runs.
    let (report, _) = examined(place.path(), &[]);
    assert_eq!(
        report["stages"][0]["facts"][0]["process"],
        daemon.process(),
        "{report:#}"
    );
}

/// Anybody may start a daemon: what its configuration names may be any file of the machine, and what stands in its place too.
#[test]
fn what_others_decide_is_left_alone() {
    if !can_serve() || !nix::unistd::geteuid().is_root() {
        return;
    }
    let secrets = |place: &Place| place.path().join("secrets");
    let strangers = |place: &Place| {
        chown(place.path().join("rsyncd.conf"), Some(65_534), Some(65_534)).expect("an owner");
    };
    let behind_a_link = |place: &Place| {
        let folder = place.path().join("real");
        fs::create_dir(&folder).expect("a folder");
        fs::rename(secrets(place), folder.join("secrets")).expect("it moves");
        symlink("real/secrets", secrets(place)).expect("a link");
        std::os::unix::fs::lchown(secrets(place), Some(65_534), None).expect("an owner");
    };
    let in_their_folder = |place: &Place| chown(place.path(), Some(65_534), None).expect("an owner");
    for prepare in [&strangers as &dyn Fn(&Place), &behind_a_link, &in_their_folder] {
        let place = broken();
        let _daemon = place.start();
        prepare(&place);
        let told = rsyncctl(
            place.path(),
            &["doctor", "--config", "rsyncd.conf", "--fix", "--yes"],
        );
        let told = stdout(&told);
        assert_eq!(mode(&secrets(&place)), 0o644, "{told}");
        assert!(!told.contains("chmod 600 ") || told.contains("by hand"), "{told}");
    }
}

/// A configuration that holds passwords is shown without them before it is changed.
#[test]
fn what_changes_beside_passwords_is_shown() {
    if !can_serve() {
        return;
    }
    let place = broken();
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    let text = text.replace(
        "auth users = joe\n",
        "auth users = joe, ann:HUSH-1\n# password: HUSH-2\n",
    );
    fs::write(&file, text).expect("the file");
    let _daemon = place.start();
    let told = fixed(&place, &["--yes"]);
    for part in ["-read only = \"yes\"", "+read only = yes", "ann:******"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("HUSH"), "{told}");
    let text = fs::read_to_string(&file).expect("the file");
    assert!(
        text.contains("read only = yes\n") && text.contains("ann:HUSH-1\n# password: HUSH-2\n"),
        "{text}"
    );
}
