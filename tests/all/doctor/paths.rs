//! What the modules' users may do, by what the doctor says of daemons whose folders are set up so.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Place, healthy},
    examined, outcome,
};
use crate::support::{
    program::{folder, unprivileged},
    skip,
};

const GUEST: u32 = 60_123;

/// What was tried of a module, and did not come off.
fn tried<'r>(report: &'r Value, module: &str) -> Vec<&'r str> {
    let stages = report["stages"].as_array().expect("stages");
    let paths = stages.iter().filter(|stage| stage["stage"] == "paths");
    let facts = paths.flat_map(|stage| stage["facts"].as_array().expect("facts"));
    facts
        .filter(|fact| fact["tried"]["module"] == module)
        .map(|fact| fact["tried"]["result"].as_str().expect("a result"))
        .collect()
}

/// The first command of the first cause.
fn command(report: &Value) -> &str {
    let command = &report["diagnoses"][0]["remedy"]["commands"][0];
    command.as_str().expect("a command")
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn writable(name: &str) -> String {
    format!("{}read only = no\n", healthy(name))
}

fn give(path: &Path, owner: u32) {
    chown(path, Some(owner), Some(owner)).expect("root changes owners");
}

fn run(program: &str, words: &[&str]) -> bool {
    let status = Command::new(program).args(words).status();
    status.is_ok_and(|status| status.success())
}

/// Does what a cause says, and sees whether it cured.
fn cured(place: &Place, report: &Value) {
    let words = shell_words::split(command(report)).expect("words");
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert!(run(words[0], &words[1..]), "{words:?}");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
}

#[test]
fn a_line_of_an_access_list_lets_in_or_keeps_out() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("let-in"), healthy("kept-out")]);
    let [let_in, kept_out] = ["let-in", "kept-out"].map(|name| place.path().join(name));
    mode(&let_in, 0o700);
    let nobody = |rights: &str, path: &Path| {
        run(
            "setfacl",
            &["-m", &format!("u:nobody:{rights}"), &path.display().to_string()],
        )
    };
    if !nobody("rx", &let_in) || !nobody("---", &kept_out) {
        skip("access lists cannot be set here");
        return;
    }
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    // The mode alone says the opposite of both.
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY405", "now")]),
        "{report:#}"
    );
    assert_eq!(
        (tried(&report, "let-in"), tried(&report, "kept-out")),
        (vec![], vec!["not-passed"])
    );
    assert_eq!(
        (outcome(&report, "let-in"), outcome(&report, "kept-out")),
        ("works", "fails")
    );
    assert_eq!(
        report["diagnoses"].as_array().map(Vec::len),
        Some(1),
        "{report:#}"
    );
}

#[test]
fn a_folder_that_its_user_may_not_write() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[writable("inbox"), writable("own")]);
    give(&place.path().join("own"), 65_534);
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY406", "now")]),
        "{report:#}"
    );
    assert_eq!(
        (tried(&report, "inbox"), tried(&report, "own")),
        (vec!["not-written"], vec![])
    );
    cured(&place, &report);
}

#[test]
fn a_file_that_its_user_may_not_read() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[
        healthy("data"),
        format!("{}exclude = secret\n", healthy("hidden")),
    ]);
    for module in ["data", "hidden"] {
        let secret = place.path().join(module).join("secret");
        fs::write(&secret, "x").expect("a file");
        mode(&secret, 0o600);
    }
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        causes(&report).iter().map(|(rule, _)| *rule).collect::<Vec<_>>(),
        ["RSY840"],
        "{report:#}"
    );
    assert_eq!(
        (tried(&report, "data"), tried(&report, "hidden")),
        (vec!["partly-closed"], vec![])
    );
    cured(&place, &report);
}

#[test]
fn a_daemon_of_another_user_meets_a_closed_folder_above() {
    if !can_serve() {
        return;
    }
    let place =
        Place::new(&["[deep]\npath = FOLDER/deep/er/est\ncomment = deep\nuse chroot = no\n".to_owned()]);
    let deep = place.path().join("deep/er/est");
    fs::create_dir_all(&deep).expect("folders");
    mode(&place.path().join("deep/er"), 0o700);
    for name in ["rsyncd.log", "lock"] {
        fs::write(place.path().join(name), "").expect("a file");
        give(&place.path().join(name), GUEST);
    }
    let daemon = place.start_as(GUEST);
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY405", "now")]),
        "{report:#}"
    );
    assert_eq!(tried(&report, "deep"), ["not-entered"]);
    let text = report.to_string();
    let closed = place.path().join("deep/er").display().to_string();
    assert!(text.contains(&format!("{closed} has mode 700")), "{report:#}");
    assert_eq!(outcome(&report, "deep"), "fails");
    drop(daemon);
}

#[test]
fn the_groups_of_the_user_count() {
    if !can_serve() {
        return;
    }
    let module = healthy("shared").replace("gid = GROUP", &format!("gid = GROUP {GUEST}"));
    let place = Place::new(&[module]);
    let shared = place.path().join("shared");
    chown(&shared, None, Some(GUEST)).expect("root changes groups");
    mode(&shared, 0o750);
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(outcome(&report, "shared"), "works");
}

/// Something mounted, until this ends.
struct Mounted(PathBuf);

impl Mounted {
    fn new(path: &Path, words: &[&str]) -> Option<Self> {
        let shown = path.display().to_string();
        let is_mounted = run("mount", &[words, &[&shown]].concat());
        if !is_mounted {
            skip("nothing can be mounted here");
        }
        is_mounted.then(|| Self(path.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        run("umount", &["-l", &self.0.display().to_string()]);
    }
}

#[test]
fn a_mount_that_takes_nothing() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[writable("inbox"), healthy("data")]);
    for module in ["inbox", "data"] {
        give(&place.path().join(module), 65_534);
    }
    let inbox = place.path().join("inbox");
    let shown = inbox.display().to_string();
    let Some(_mounted) = Mounted::new(&inbox, &["-t", "tmpfs", "-o", "uid=65534,size=1m", "none"]) else {
        return;
    };
    assert!(run("mount", &["-o", "remount,ro", &shown]));
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY848", "now")]),
        "{report:#}"
    );
    assert_eq!(
        (tried(&report, "inbox"), tried(&report, "data")),
        (vec!["not-written"], vec![])
    );
    assert_eq!(command(&report), format!("mount -o remount,rw '{shown}'"));
    cured(&place, &report);
}

#[test]
fn a_disk_without_room() {
    if !can_serve() {
        return;
    }
    for (options, variant) in [("size=64m", "blocks"), ("size=64m,nr_inodes=8", "inodes")] {
        let place = Place::new(&[writable("inbox")]);
        let inbox = place.path().join("inbox");
        let options = format!("uid=65534,{options}");
        let Some(_mounted) = Mounted::new(&inbox, &["-t", "tmpfs", "-o", &options, "none"]) else {
            return;
        };
        let _daemon = place.start();
        let (report, code) = examined(place.path(), &[]);
        assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
        match variant {
            "blocks" => {
                let status = fs::write(inbox.join("file"), vec![1; 65 << 20]);
                assert!(status.is_err(), "it is full");
            }
            _ => {
                let made = (0..10).take_while(|name| fs::write(inbox.join(name.to_string()), "").is_ok());
                assert!(made.count() < 10);
            }
        }
        let (report, code) = examined(place.path(), &[]);
        assert_eq!(
            (code, causes(&report)),
            (Some(1), vec![("RSY846", "now")]),
            "{report:#}"
        );
        assert_eq!(tried(&report, "inbox"), ["full"]);
        let title = report["diagnoses"][0]["title"].as_str().expect("a title");
        let word = if variant == "blocks" { "is full" } else { "inode" };
        assert!(title.contains(word), "{title}");
    }
}

#[test]
fn a_folder_that_nobody_may_change() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[writable("inbox")]);
    let inbox = place.path().join("inbox");
    give(&inbox, 65_534);
    if !run("chattr", &["+i", &inbox.display().to_string()]) {
        skip("the file system knows no immutable folders");
        return;
    }
    let daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    drop(daemon);
    assert!(run("chattr", &["-i", &inbox.display().to_string()]));
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY844", "now")]),
        "{report:#}"
    );
}

#[test]
fn a_file_system_of_a_program_that_serves_one_user() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("mounted")]);
    let (data, mounted) = (place.path().join("data"), place.path().join("mounted"));
    fs::remove_file(mounted.join("file")).expect("it is empty");
    let words = [
        "--no-allow-other".to_owned(),
        data.display().to_string(),
        mounted.display().to_string(),
    ];
    if !run("bindfs", &words.each_ref().map(String::as_str)) {
        skip("bindfs cannot mount here");
        return;
    }
    let _mounted = Mounted(mounted);
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY799", "now")]),
        "{report:#}"
    );
    assert_eq!(
        (tried(&report, "data"), tried(&report, "mounted")),
        (vec![], vec!["not-passed"])
    );
}

#[test]
fn the_modules_own_user_needs_no_root() {
    if !can_serve() {
        return;
    }
    let other = healthy("other").replace("uid = nobody", &format!("uid = {GUEST}"));
    let place = Place::new(&[writable("inbox"), other]);
    let daemon = place.start();
    place.name_port(daemon.port);
    let folder = folder(&[]);
    let file = place.path().join("rsyncd.conf").display().to_string();
    let output = unprivileged(&folder, &["doctor", "--json", "--config", &file]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(causes(&report), [("RSY406", "now")], "{report:#}");
    assert_eq!(
        report["diagnoses"][0]["found_by"],
        serde_json::json!(["configuration", "paths"])
    );
    assert_eq!(
        (tried(&report, "inbox"), tried(&report, "other")),
        (vec!["not-written"], vec!["not-tried"])
    );
    let unseen = report["unchecked"].to_string();
    assert!(
        unseen.contains(&format!("what `{GUEST}` may do in [other]")),
        "{report:#}"
    );
    assert!(!unseen.contains("[inbox]"), "{report:#}");
}

#[test]
fn a_daemon_of_ones_own_needs_no_root() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&["[data]\npath = FOLDER/data\ncomment = data\nuse chroot = no\n".to_owned()]);
    for name in ["rsyncd.log", "lock"] {
        fs::write(place.path().join(name), "").expect("a file");
        give(&place.path().join(name), 65_534);
    }
    let _daemon = place.start_as(65_534);
    let folder = folder(&[]);
    let file = place.path().join("rsyncd.conf").display().to_string();
    let output = unprivileged(&folder, &["doctor", "--json", "--config", &file]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        (output.status.code(), causes(&report)),
        (Some(0), vec![]),
        "{report:#}"
    );
    assert!(
        report["stages"].to_string().contains("1 module can be read"),
        "{report:#}"
    );
}

#[test]
fn what_cannot_be_tried_is_never_shown_as_passed() {
    if !can_serve() {
        return;
    }
    let unknown = healthy("unknown").replace("uid = nobody", "uid = no-such-user-anywhere");
    let variable = healthy("variable").replace("FOLDER/variable", "FOLDER/%RSYNC_USER_NAME%");
    let place = Place::new(&[unknown, variable]);
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)[0]),
        (Some(1), ("RSY407", "now")),
        "{report:#}"
    );
    for module in ["unknown", "variable"] {
        assert_eq!(tried(&report, module), ["not-tried"], "{report:#}");
    }
    // The one has a line that is told, the other was not seen.
    let unseen = report["unchecked"].to_string();
    assert!(
        unseen.contains("[variable]") && !unseen.contains("[unknown]"),
        "{report:#}"
    );
}

#[test]
fn files_that_the_daemon_itself_cannot_use() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&["[data]\npath = FOLDER/data\ncomment = data\nuse chroot = no\n\
        auth users = joe\nsecrets file = FOLDER/secrets\nstrict modes = no\n"
        .to_owned()]);
    for (name, access) in [("rsyncd.log", 0o600), ("lock", 0o600), ("secrets", 0o600)] {
        fs::write(place.path().join(name), "joe:a-password-of-some-length\n").expect("a file");
        mode(&place.path().join(name), access);
    }
    let _daemon = place.start_as(GUEST);
    let (report, code) = examined(place.path(), &[]);
    let found: Vec<_> = causes(&report)
        .into_iter()
        .filter(|(rule, _)| *rule != "RSY333")
        .collect();
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable();
    assert_eq!(
        (code, found),
        (
            Some(1),
            vec![("RSY312", "now"), ("RSY608", "now"), ("RSY894", "later")]
        ),
        "{report:#}"
    );
    assert!(!report.to_string().contains("a-password-of-some-length"));
}
