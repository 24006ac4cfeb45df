//! Real daemons on ports of loopback, healthy and broken, and what the doctor says of them.
//!
//! It looks at the daemons of the whole machine, so each test names the configuration that it means.

mod bundle;
mod client;
mod confinement;
mod daemons;
mod fix;
mod listeners;
mod machine;
mod page;
mod paths;
mod reach;
pub(crate) mod situations;
mod starters;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use nix::unistd::geteuid;
use serde_json::Value;

use self::daemons::{Place, healthy};
use crate::support::{
    daemon::{has_rsync, rsync},
    program::{keeps_to, program, rsyncctl, schema, stdout},
    skip,
};

/// What the doctor says of a configuration, with its exit status.
fn examined(folder: &Path, more: &[&str]) -> (Value, Option<i32>) {
    let words = [&["doctor", "--json", "--config", "rsyncd.conf"], more].concat();
    let output = rsyncctl(folder, &words);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    (report, output.status.code())
}

/// What comes of a script on a machine of its own, which has the functions of `machine.sh`.
fn on_machine(script: &str) -> Output {
    let script = format!("{}\n{script}\n", include_str!("doctor/machine.sh"));
    Command::new("timeout")
        .args([
            "--signal=KILL",
            "120",
            "unshare",
            "-mnp",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .args(["bash", "-c", &script])
        .env("PROGRAM", env!("CARGO_BIN_EXE_rsyncctl"))
        .env("LC_ALL", "C.UTF-8")
        .env_remove("RSYNC_PASSWORD")
        .stdin(Stdio::null())
        .output()
        .expect("unshare runs")
}

/// The rules of a report with their urgency, in order.
fn causes(report: &Value) -> Vec<(&str, &str)> {
    let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
    let text = |one: &Value, key: &str| -> Option<String> { Some(one[key].as_str()?.to_owned()) };
    assert!(diagnoses.iter().all(|one| text(one, "title").is_some()));
    diagnoses
        .iter()
        .map(|one| {
            (
                one["rule"].as_str().expect("a rule"),
                one["urgency"].as_str().expect("an urgency"),
            )
        })
        .collect()
}

/// The state of each stage.
fn states(report: &Value) -> Vec<(&str, &str)> {
    let stages = report["stages"].as_array().expect("stages");
    stages
        .iter()
        .map(|stage| {
            (
                stage["stage"].as_str().expect("a name"),
                stage["state"].as_str().expect("a state"),
            )
        })
        .collect()
}

/// What came of a module.
fn outcome<'r>(report: &'r Value, module: &str) -> &'r str {
    let stages = report["stages"].as_array().expect("stages");
    let mut facts = stages
        .iter()
        .flat_map(|stage| stage["facts"].as_array().expect("facts"));
    let fact = facts.find(|fact| fact["module"] == module);
    fact.and_then(|fact| fact["outcome"].as_str()).unwrap_or("none")
}

const ALL_PASSED: [(&str, &str); 8] = [
    ("daemon", "passed"),
    ("changed", "passed"),
    ("configuration", "passed"),
    ("paths", "passed"),
    ("confinement", "passed"),
    ("reach", "passed"),
    ("log", "passed"),
    ("loopback", "passed"),
];

/// Whether daemons can be started as the tests need them: as root, who may change to other users.
fn can_serve() -> bool {
    if !geteuid().is_root() {
        skip("the daemons of these tests change their user, which only root may");
        return false;
    }
    has_rsync()
}

#[test]
fn a_healthy_daemon_has_nothing_wrong() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("more")]);
    let daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(states(&report), ALL_PASSED);
    assert_eq!(causes(&report), []);
    assert_eq!(outcome(&report, "data"), "works");
    let running = &report["stages"][0]["facts"][0];
    assert_eq!(running["process"], daemon.process());
    assert_eq!(running["ports"], serde_json::json!([daemon.port]));
    let (report, code) = examined(place.path(), &["more"]);
    assert_eq!(
        (code, outcome(&report, "data"), outcome(&report, "more")),
        (Some(0), "none", "works")
    );
    // What its own visits leave in the log is no failure of clients.
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    let output = rsyncctl(place.path(), &["doctor", "--config", "rsyncd.conf", "none"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    for format in ["human", "concise"] {
        let words = ["doctor", "--config", "rsyncd.conf", "--format", format];
        let told = stdout(&rsyncctl(place.path(), &words));
        assert!(told.ends_with("nothing wrong was found\n"), "{told}");
    }
}

#[test]
fn many_modules_are_visited_in_their_order_and_within_max_connections() {
    if !can_serve() {
        return;
    }
    let names: Vec<_> = (0..24).map(|number| format!("m{number}")).collect();
    for most in ["1", "3", "20"] {
        let place = Place::new(&names.iter().map(|name| healthy(name)).collect::<Vec<_>>());
        let file = place.path().join("rsyncd.conf");
        let text = fs::read_to_string(&file).expect("the file");
        let text = text.replace("max connections = 20", &format!("max connections = {most}"));
        fs::write(&file, text).expect("the file");
        fs::remove_dir_all(place.path().join("m7")).expect("it goes");
        let _daemon = place.start();
        let (report, code) = examined(place.path(), &[]);
        assert_eq!(
            (code, causes(&report)),
            (Some(1), vec![("RSY402", "now")]),
            "{most}: {report:#}"
        );
        let stages = report["stages"].as_array().expect("stages");
        let facts = stages.last().expect("loopback")["facts"]
            .as_array()
            .expect("facts");
        let told: Vec<_> = facts.iter().map(|fact| fact["module"].as_str()).collect();
        assert_eq!(told, names.iter().map(|name| Some(&**name)).collect::<Vec<_>>());
        for name in &names {
            let expected = if name == "m7" { "fails" } else { "works" };
            assert_eq!(outcome(&report, name), expected, "{most}: {name}");
        }
        let log = fs::read_to_string(place.path().join("rsyncd.log")).expect("the log");
        assert!(!log.contains("max connections"), "{most}: {log}");
    }
}

#[test]
fn a_path_that_is_missing_is_found_and_met() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("gone")]);
    fs::remove_dir_all(place.path().join("gone")).expect("it goes");
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(causes(&report), [("RSY402", "now")]);
    assert_eq!(
        report["diagnoses"][0]["found_by"],
        serde_json::json!(["configuration", "loopback"])
    );
    assert_eq!(
        (outcome(&report, "data"), outcome(&report, "gone")),
        ("works", "fails")
    );
    // Nobody writes there: an empty folder would empty the copies of those who delete.
    let command = report["summary"]["next"].as_str().expect("a command");
    assert!(command.starts_with("vi +"), "{command}");
    fs::create_dir(place.path().join("gone")).expect("a folder");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
}

#[test]
fn a_folder_that_the_modules_user_may_not_enter() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("closed")]);
    let closed = place.path().join("closed");
    fs::set_permissions(closed, fs::Permissions::from_mode(0o700)).expect("a mode");
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, outcome(&report, "closed")),
        (Some(1), "fails"),
        "{report:#}"
    );
    assert_eq!(causes(&report), [("RSY405", "now")], "{report:#}");
    let words = ["doctor", "--config", "rsyncd.conf", "--lang", "zh"];
    let told = stdout(&rsyncctl(place.path(), &words));
    assert!(
        told.contains("的权限是 700") && !told.contains("has mode"),
        "{told}"
    );
    let (report, _) = examined(place.path(), &["--lang", "zh"]);
    let because = report["diagnoses"][0]["because"].to_string();
    assert!(
        because.contains("的权限是 700") && !because.contains("has mode"),
        "{because}"
    );
}

#[test]
fn a_secrets_file_that_others_may_read() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[format!(
        "{}auth users = joe\nsecrets file = FOLDER/secrets\n",
        healthy("data")
    )]);
    let secrets = place.path().join("secrets");
    fs::write(&secrets, "joe:not-a-secret-of-anybody\n").expect("a file");
    let mode = |mode| fs::set_permissions(&secrets, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(0o644);
    let daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, outcome(&report, "data")),
        (Some(1), "asks-password"),
        "{report:#}"
    );
    assert_eq!(causes(&report), [("RSY302", "now")], "{report:#}");
    assert!(!report.to_string().contains("not-a-secret-of-anybody"));
    mode(0o600);
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    // Somebody of this machine who is turned away is another matter.
    let url = format!("rsync://joe@127.0.0.1:{}/data/", daemon.port);
    assert!(!rsync(&[url], Some("wrong")).status.success());
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY810", "lately")]),
        "{report:#}"
    );
}

#[test]
fn failures_of_the_log_are_told_after_those_of_now() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[
        format!(
            "{}auth users = joe\nsecrets file = FOLDER/secrets\n",
            healthy("data")
        ),
        healthy("gone"),
    ]);
    let secrets = place.path().join("secrets");
    fs::write(&secrets, "joe:a-password-of-some-length\n").expect("a file");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).expect("a mode");
    let now = jiff::Zoned::now();
    let old = now.checked_sub(jiff::Span::new().hours(30)).expect("a time");
    let line = |time: &jiff::Zoned, process: u32, text: &str| {
        let time = time.strftime("%Y/%m/%d %H:%M:%S");
        format!("{time} [{process}] connect from client (192.0.2.7)\n{time} [{process}] {text}\n")
    };
    let chroot = "rsync: [Receiver] chroot(\"/srv/old\") failed: Permission denied (13)";
    let login = "auth failed on module data from client (192.0.2.7) for joe: password mismatch";
    let log = [line(&old, 70_001, chroot), line(&now, 70_002, login)].concat();
    fs::write(place.path().join("rsyncd.log"), log).expect("a log");
    fs::remove_dir_all(place.path().join("gone")).expect("it goes");
    let _daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        causes(&report),
        [("RSY402", "now"), ("RSY810", "lately")],
        "{report:#}"
    );
}

#[test]
fn a_symptom_is_explained_with_what_is_known() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let _daemon = place.start();
    let symptom = |text: &str| examined(place.path(), &["--symptom", text]);
    let (report, code) = symptom("@ERROR: Unknown module 'dta'");
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY819", "now")]),
        "{report:#}"
    );
    let (report, code) = symptom("all is well");
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(states(&report).last(), Some(&("symptom", "warned")));
}

#[test]
fn a_daemon_that_still_has_its_old_port() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let daemon = place.start_from_file();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    let other = if daemon.port == 9 { "port = 10" } else { "port = 9" };
    fs::write(&file, text.replace(&format!("port = {}", daemon.port), other)).expect("the file");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY783", "now")]),
        "{report:#}"
    );
    assert_eq!(outcome(&report, "data"), "works");
    let command = report["summary"]["next"].as_str().expect("a command");
    assert!(
        command.starts_with(&format!(
            "kill {0}; while kill -0 {0} 2>/dev/null; do sleep 1; done; rsync --daemon",
            daemon.process()
        )),
        "{command}"
    );
}

#[test]
fn what_is_said_is_said_in_both_languages() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[
        healthy("data"),
        format!("{}pre-xfer exec = /bin/true\n", healthy("hook")),
    ]);
    let _daemon = place.start();
    let words = ["doctor", "--config", "rsyncd.conf", "--lang"];
    let told = |language| {
        let output = program(place.path(), &[&words[..], &[language]].concat()).output();
        stdout(&output.expect("it runs"))
    };
    let (english, chinese) = (told("en"), told("zh"));
    assert!(
        english.contains("[hook] not tried: each connection runs commands"),
        "{english}"
    );
    assert!(chinese.contains("[hook] 没有尝试"), "{chinese}");
    assert_eq!(
        english.lines().filter(|line| line.contains(" ms  ")).count(),
        8,
        "{english}"
    );
    assert_eq!(
        chinese.lines().filter(|line| line.contains(" ms  ")).count(),
        8,
        "{chinese}"
    );
}
