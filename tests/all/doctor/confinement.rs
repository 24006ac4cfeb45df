//! Daemons that the system confines: with mounts and capabilities of their own, as units give them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    process::Command,
};

use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Daemon, Place, healthy},
    examined, outcome, states,
};
use crate::support::skip;

/// Starts the daemon with mounts of its own, made by commands of a shell.
fn apart(place: &Place, script: &str) -> Option<Daemon> {
    let can_mount = Command::new("unshare").args(["-m", "true"]).status();
    if !can_mount.is_ok_and(|status| status.success()) {
        skip("no process can have mounts of its own here");
        return None;
    }
    let script = script.replace("FOLDER", &place.path().display().to_string());
    let script = format!("{script} && exec \"$@\"");
    Some(place.start_in(&["unshare", "-m", "sh", "-c", &script, "sh"]))
}

/// The texts of the stage about confinement.
fn facts(report: &Value) -> String {
    let stages = report["stages"].as_array().expect("stages");
    let stage = stages.iter().find(|stage| stage["stage"] == "confinement");
    stage.expect("the stage")["facts"].to_string()
}

fn writable(name: &str) -> String {
    format!("{}read only = no\n", healthy(name))
}

#[test]
fn mounts_that_touch_no_module_harm_nothing() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    fs::create_dir(place.path().join("elsewhere")).expect("a folder");
    let Some(_daemon) = apart(&place, "mount -t tmpfs none FOLDER/elsewhere") else {
        return;
    };
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert_eq!(outcome(&report, "data"), "works");
    assert!(
        facts(&report).contains("\"confinement\":\"own-mounts\""),
        "{report:#}"
    );
    assert!(states(&report).contains(&("confinement", "passed")));
}

#[test]
fn a_folder_that_the_daemon_alone_does_not_see() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("home")]);
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text.replace("/home\n", "/home/joe\n")).expect("the file");
    fs::create_dir(place.path().join("home/joe")).expect("a folder");
    let Some(_daemon) = apart(&place, "mount -t tmpfs none FOLDER/home") else {
        return;
    };
    let (report, code) = examined(place.path(), &[]);
    // It is there, so to create it would be no cure.
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY798", "now")]),
        "{report:#}"
    );
    assert_eq!(
        (outcome(&report, "data"), outcome(&report, "home")),
        ("works", "fails")
    );
    let found_by = &report["diagnoses"][0]["found_by"];
    assert_eq!(
        found_by,
        &serde_json::json!(["confinement", "loopback"]),
        "{report:#}"
    );
}

#[test]
fn a_folder_that_is_empty_for_the_daemon_alone() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let Some(_daemon) = apart(&place, "mount -t tmpfs -o mode=755 none FOLDER/data") else {
        return;
    };
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY798", "now")]),
        "{report:#}"
    );
    let title = report["diagnoses"][0]["title"].as_str().expect("a title");
    assert!(title.contains("is empty"), "{title}");
}

#[test]
fn another_folder_in_its_place_may_be_meant() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    fs::create_dir(place.path().join("disk")).expect("a folder");
    fs::write(place.path().join("disk/other"), "x").expect("a file");
    let Some(_daemon) = apart(&place, "mount --bind FOLDER/disk FOLDER/data") else {
        return;
    };
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert!(facts(&report).contains("is another folder"), "{report:#}");
}

#[test]
fn a_folder_that_is_read_only_for_the_daemon_alone() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[writable("inbox"), healthy("data")]);
    for module in ["inbox", "data"] {
        chown(place.path().join(module), Some(65_534), Some(65_534)).expect("root changes owners");
    }
    let read_only = |module| {
        format!("mount --bind FOLDER/{module} FOLDER/{module} && mount -o remount,bind,ro FOLDER/{module}")
    };
    let script = [read_only("inbox"), read_only("data")].join(" && ");
    let Some(_daemon) = apart(&place, &script) else {
        return;
    };
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY798", "now")]),
        "{report:#}"
    );
    let title = report["diagnoses"][0]["title"].as_str().expect("a title");
    assert!(
        title.contains("is read-only") && title.contains("inbox"),
        "{title}"
    );
}

#[test]
fn a_capability_that_was_taken_away() {
    if !can_serve() {
        return;
    }
    let insists = format!("{}use chroot = yes\n", healthy("data"));
    for (name, module, call) in [
        ("setuid", healthy("data"), "setuid"),
        ("setgid", healthy("data"), "setgid"),
        ("sys_chroot", insists, "chroot"),
    ] {
        let place = Place::new(&[module]);
        let bounding = format!("--bounding-set=-{name}");
        let _daemon = place.start_in(&["setpriv", &bounding]);
        let (report, code) = examined(place.path(), &[]);
        assert_eq!(
            (code, causes(&report)),
            (Some(1), vec![("RSY719", "now")]),
            "{name}: {report:#}"
        );
        let found_by = &report["diagnoses"][0]["found_by"];
        assert_eq!(
            found_by,
            &serde_json::json!(["confinement", "loopback"]),
            "{report:#}"
        );
        assert!(
            report.to_string().contains(&format!("@ERROR: {call} failed")),
            "{report:#}"
        );
    }
    // Without `use chroot` a module is served all the same.
    let place = Place::new(&[healthy("data")]);
    let _daemon = place.start_in(&["setpriv", "--bounding-set=-sys_chroot"]);
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    assert!(facts(&report).contains("CAP_SYS_CHROOT"), "{report:#}");
}

#[test]
fn root_that_may_not_pass_what_the_modes_close() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data"), healthy("deep")]);
    let deep = place.path().join("deep");
    let file = place.path().join("rsyncd.conf");
    let text = fs::read_to_string(&file).expect("the file");
    fs::write(&file, text.replace("/deep\n", "/deep/er\n")).expect("the file");
    fs::create_dir(deep.join("er")).expect("a folder");
    chown(&deep, Some(60_123), Some(60_123)).expect("root changes owners");
    fs::set_permissions(&deep, fs::Permissions::from_mode(0o700)).expect("a mode");
    let daemon = place.start();
    let (report, code) = examined(place.path(), &[]);
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    drop(daemon);
    let _daemon = place.start_in(&["setpriv", "--bounding-set=-dac_override,-dac_read_search"]);
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY719", "now")]),
        "{report:#}"
    );
    let title = report["diagnoses"][0]["title"].as_str().expect("a title");
    assert!(title.contains(&deep.display().to_string()), "{title}");
}

#[test]
fn a_daemon_in_a_container_is_examined_from_outside() {
    if !can_serve() {
        return;
    }
    let own = "[own]\npath = /only-there\ncomment = own\nuid = inside\ngid = inside\n";
    let host = "[host]\npath = FOLDER/only-here\ncomment = host\nuid = inside\ngid = inside\n";
    let closed = "[closed]\npath = /closed\ncomment = closed\nuid = inside\ngid = inside\n";
    let place = Place::new(&[own, host, closed].map(str::to_owned));
    let folder = place.path();
    let root = folder.join("root");
    for (name, mode) in [
        ("only-there", 0o755),
        ("closed", 0o700),
        ("usr", 0o755),
        ("etc", 0o755),
    ] {
        fs::create_dir_all(root.join(name)).expect("a folder");
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    fs::write(root.join("only-there/file"), "x").expect("a file");
    for (name, target) in [("bin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")] {
        std::os::unix::fs::symlink(target, root.join(name)).expect("a link");
    }
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0::/:/bin/sh\ninside:x:60321:60321::/:/bin/sh\n",
    )
    .expect("a file");
    fs::write(root.join("etc/group"), "root:x:0:\ninside:x:60321:\n").expect("a file");
    let below = root.join(folder.strip_prefix("/").expect("from the root on"));
    fs::create_dir_all(&below).expect("a folder");
    // What the daemon itself writes, and its configuration, are of the machine.
    let files = ["rsyncd.conf", "rsyncd.log", "lock"].map(|name| {
        let (ours, theirs) = (folder.join(name), below.join(name));
        for path in [&ours, &theirs] {
            fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .expect("a file");
        }
        format!("mount --bind {} {}", ours.display(), theirs.display())
    });
    fs::create_dir(folder.join("only-here")).expect("a folder");
    let Some(_daemon) = apart(
        &place,
        &format!(
            "mount --bind FOLDER/root FOLDER/root && mount --bind /usr FOLDER/root/usr && {} && set -- chroot FOLDER/root \"$@\"",
            files.join(" && ")
        ),
    ) else {
        return;
    };
    let (report, code) = examined(folder, &[]);
    let told: Vec<_> = causes(&report);
    assert_eq!(
        (code, told),
        (Some(1), vec![("RSY402", "now"), ("RSY405", "now")]),
        "{report:#}"
    );
    let outcomes = ["own", "host", "closed"].map(|module| outcome(&report, module));
    assert_eq!(outcomes, ["works", "fails", "fails"]);
    assert!(facts(&report).contains("in a container"), "{report:#}");
    assert!(
        report["unchecked"].as_array().is_some_and(Vec::is_empty),
        "{report:#}"
    );
}

#[test]
fn a_daemon_with_a_network_of_its_own_is_not_visited() {
    if !can_serve() {
        return;
    }
    let can_part = Command::new("unshare")
        .args(["-n", "ip", "link", "set", "lo", "up"])
        .status();
    if !can_part.is_ok_and(|status| status.success()) {
        skip("no process can have a network of its own here");
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let script = "ip link set lo up && exec \"$@\"";
    let daemon = place.start_in(&["unshare", "-n", "sh", "-c", script, "sh"]);
    let (report, code) = examined(place.path(), &[]);
    // It has loopback alone there, and nobody hands its port on.
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY238", "now")]),
        "{report:#}"
    );
    assert_eq!(states(&report).last(), Some(&("loopback", "skipped")));
    let running = &report["stages"][0]["facts"][0];
    assert_eq!(running["ports"], serde_json::json!([daemon.port]));
}
