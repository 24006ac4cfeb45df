//! What is told of a module, and why: first what is wrong, last what to type.

use std::fs;

use super::{has_rsync, is_root, report, skip, stage, stdout, tried, write};

/// In a trial connections are counted in a file of the trial's own; the file shows that there is none for real.
#[test]
fn a_lock_file_that_cannot_be_opened_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\n[in]\npath = $ROOT/files\nmax connections = 2\nlock file = $ROOT/nowhere/lock\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let read = &report["modules"][0]["attempts"][0]["read"];
    assert_eq!(read["rule"], "RSY608", "{report:#}");
    assert_eq!(read["end"], "works", "{report:#}");
    assert_eq!(report["summary"]["differs"], false, "{report:#}");
}

/// The trial has a pid file and an address of its own; the file shows that the daemon does not start for real.
#[test]
fn a_daemon_that_does_not_start_for_real_is_told() {
    if !has_rsync() {
        return;
    }
    let modules = "[m]\npath = $ROOT/files\n";
    let not_started = "the daemon does not start";
    for (line, rule, what) in [
        ("pid file = $ROOT/nowhere/pid", "RSY604", not_started),
        ("address = 127.0.0.1:8730", "RSY614", not_started),
        ("address = 192.0.2.1", "RSY614", not_started),
        ("port = -1", "RSY614", not_started),
        ("port = 99999", "RSY614", "the daemon listens on port 34463"),
    ] {
        let folder = stage("");
        write(folder.path(), "rsyncd.conf", &format!("{line}\n{modules}"));
        let (report, code) = report(&folder, &[]);
        assert_eq!(code, 1, "{report:#}");
        assert_eq!(report["unstarted"], rule, "{report:#}");
        assert_eq!(
            report["modules"][0]["attempts"][0]["read"]["end"], "works",
            "{report:#}"
        );
        let told = stdout(&tried(&folder, &[]));
        let first = told.lines().next().unwrap_or_default();
        assert!(first.contains(what) && first.contains(rule), "{told}");
        assert!(!told.contains("all is well"), "{told}");
    }
    let (report, _) = report(&stage(modules), &[]);
    assert_eq!(report["unstarted"], serde_json::Value::Null, "{report:#}");
}

/// Commands are not run, and the file shows that one cannot be.
#[test]
fn a_command_that_cannot_be_run_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/files\npre-xfer exec = $ROOT/nowhere.sh\n");
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let read = &report["modules"][0]["attempts"][0]["read"];
    assert_eq!(read["rule"], "RSY414", "{report:#}");
    assert_eq!(read["end"], "works", "{report:#}");
}

#[test]
fn what_the_file_refuses_is_seen_in_it() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/files\nrefuse options = *\n");
    let (report, code) = report(&folder, &[]);
    // A client that asks for a file by its name works, and nobody sees the names.
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(
        report["modules"][0]["attempts"][0]["read"]["end"], "works",
        "{report:#}"
    );
    let told = stdout(&tried(&folder, &[]));
    let expected = "`refuse options` (rsyncd.conf:LINE) refuses `--recursive` and `--dirs` too";
    let line = fs::read_to_string(folder.path().join("rsyncd.conf"))
        .expect("a file")
        .lines()
        .count();
    assert!(
        told.contains(&expected.replace("LINE", &line.to_string())),
        "{told}"
    );
    let folder = stage("[m]\npath = $ROOT/files\nrefuse options = links owner\n");
    let told = stdout(&tried(&folder, &[]));
    assert!(
        told.contains("without --links, --owner, refused by the daemon"),
        "{told}"
    );
}

/// A dry run does not show that the folder cannot be written; the file does.
#[test]
fn a_folder_that_cannot_be_written_is_told() {
    if !has_rsync() {
        return;
    }
    if !is_root() {
        skip("a folder of somebody else needs root");
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\n[in]\npath = $ROOT/files\nread only = no\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let write = &report["modules"][0]["attempts"][0]["write"];
    assert_eq!(write["rule"], "RSY406", "{report:#}");
    assert_eq!(write["end"], "works", "{report:#}");
    let told = stdout(&tried(&folder, &[]));
    assert!(
        told.contains("fails for real: module `in` is writable, but without `uid` it writes as nobody"),
        "{told}"
    );
}

/// Whether a transfer meets that the converter is not there is a matter of microseconds; the file shows it.
#[test]
fn a_name_converter_that_is_missing_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/files\nname converter = $ROOT/nowhere\n");
    for arguments in [&[][..], &["--hooks"]] {
        let (report, code) = report(&folder, arguments);
        assert_eq!(code, 1, "{report:#}");
        let read = &report["modules"][0]["attempts"][0]["read"];
        assert_eq!(read["rule"], "RSY417", "{report:#}");
    }
}

/// Nobody gets into a module whose connections are none: that is meant, and works for nobody.
#[test]
fn a_module_that_is_shut_is_not_counted_as_one_that_works() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/files\nmax connections = -1\n[n]\npath = $ROOT/files\n");
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["summary"]["works"], 1, "{report:#}");
    assert_eq!(report["summary"]["shut"], 1, "{report:#}");
    let told = stdout(&tried(&folder, &[]));
    assert!(
        told.contains("of 2 modules, 1 is shut by `max connections`, 1 works"),
        "{told}"
    );
}

/// The daemon becomes another user before it reads the secrets; its log and its lock files are that user's.
#[test]
fn a_daemon_that_becomes_another_user_may_not_read_the_secrets() {
    if !has_rsync() {
        return;
    }
    if !is_root() {
        skip("`daemon uid` needs root");
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\ndaemon uid = nobody\nuse chroot = no\nmax connections = 1\n\
         [closed]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/secrets\n\
         [open]\npath = $ROOT/files\n[shut]\npath = $ROOT/files\nmax connections = -1\n",
    );
    let (told, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{told:#}");
    assert_eq!(told["summary"]["differs"], false, "{told:#}");
    let read = |index: usize| &told["modules"][index]["attempts"][0]["read"];
    assert_eq!(read(0)["foreseen"], true, "{told:#}");
    assert_eq!(read(1)["end"], "works", "{told:#}");
    assert_eq!(read(2)["end"], "shut", "{told:#}");
    let told = stdout(&tried(&folder, &[]));
    assert!(
        told.contains(
            "`daemon uid` (rsyncd.conf:2) makes the daemon a user who may not read the secrets file"
        ),
        "{told}"
    );
    assert!(told.ends_with("type next: vi +2 rsyncd.conf\n"), "{told}");
}

#[test]
fn a_module_that_can_do_nothing_fails() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[drop]\npath = $ROOT/files\nwrite only = yes\n");
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let write = &report["modules"][0]["attempts"][0]["write"];
    assert_eq!(write["rule"], "RSY216", "{report:#}");
    assert_eq!(write["foretold"], "no-writing", "{report:#}");
    assert_eq!(write["verdict"], "fails", "{report:#}");
}

#[test]
fn a_host_list_that_lets_in_nobody_by_mistake_fails() {
    if !has_rsync() {
        return;
    }
    let folder = stage(
        "[lan]\npath = $ROOT/files\nhosts allow = 10.0.0.0/33\n\
         [nobody]\npath = $ROOT/files\nhosts deny = 0.0.0.0/0 ::/0\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    let read = |index: usize| &report["modules"][index]["attempts"][0]["read"];
    assert_eq!(read(0)["rule"], "RSY303", "{report:#}");
    assert_eq!(read(0)["verdict"], "fails", "{report:#}");
    assert_eq!(read(1)["verdict"], "refused", "{report:#}");
}

/// A line that the daemon only complains of is not why it serves nobody.
#[test]
fn a_harmless_line_is_not_blamed() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\nfoo = 3\n[m]\npath = $ROOT/nowhere\nbar = 4\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["diagnoses"][0]["rule"], "RSY402", "{report:#}");
}

#[test]
fn the_first_line_says_what_is_wrong_and_the_last_what_to_type() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[gone]\npath = $ROOT/nowhere\n[#note]\npath = $ROOT/files\n");
    let root = folder.path().display().to_string();
    let told = stdout(&tried(&folder, &["--module", "gone"]));
    let first = format!(
        "rsyncd.conf: [gone] fails, code 5: the path `{root}/nowhere` of module `gone` does not exist (RSY402)\nof 1 module, 1 fails"
    );
    assert!(told.starts_with(&first), "{told}");
    // Where there is no command to type, the line is shown.
    let line = if is_root() { 12 } else { 10 };
    let last = format!("type next: vi +{} rsyncd.conf\n", line - 1);
    assert!(told.ends_with(&last), "{told}");
    let told = stdout(&tried(&folder, &["--module", "#note"]));
    assert!(
        told.ends_with(&format!("type next: vi +{line} rsyncd.conf\n")),
        "{told}"
    );
    let told = stdout(&tried(&folder, &["--module", "#note", "--lang", "zh"]));
    assert!(
        told.ends_with(&format!("下一步：vi +{line} rsyncd.conf\n")),
        "{told}"
    );
}
