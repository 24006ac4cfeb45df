//! Secrets files and passwords.

use std::{
    ffi::OsString,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use rsyncctl::{
    catalog::{FileKind, Language, Severity},
    host::{EntryKind, Fact, Host, Metadata, Unknown, User},
    lint::{Input, lint},
    render::Format,
};

use crate::support::{
    program::{folder, rsyncctl, stdout},
    report::{check, check_for, options, write},
};

#[test]
fn a_password_in_a_configuration_is_shown_nowhere() {
    let text = "[m]\npath = /srv\nauth users = joe:hunter2 # bob\nauth user = ann:hunter3\nben:hunter4\n\
                secrets file = bob:hunter5\n[n]\npath = /srv/n\nauth users = bob\nsecrets file = bob:hu7\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    for format in ["human", "concise", "json", "sarif", "github"] {
        let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", format]);
        assert!(
            !stdout(&output).contains("hunter") && !stdout(&output).contains("hu7"),
            "{format}: {}",
            stdout(&output)
        );
    }
    for arguments in [
        &["lint", "rsyncd.conf", "--diff", "--fix=unsafe"][..],
        &["config", "rsyncd.conf"],
        &["config", "rsyncd.conf", "--json"],
        &["access", "rsyncd.conf"],
        &["access", "rsyncd.conf", "--from", "::1", "--user", "joe"],
    ] {
        let output = rsyncctl(&folder, arguments);
        assert!(
            !stdout(&output).contains("hunter") && !stdout(&output).contains("hu7"),
            "{arguments:?}: {}",
            stdout(&output)
        );
    }
}

#[test]
fn the_rights_of_a_lone_secrets_file_count() {
    let folder = folder(&[("s", "joe:not-a-real-password\n")]);
    let arguments = [
        "lint", "--host", "live", "--kind", "secrets", "s", "--select", "RSY302",
    ];
    let path = folder.path().join("s");
    for (mode, code) in [(0o666, 1), (0o602, 1), (0o600, 0), (0o640, 0)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("a mode");
        let output = rsyncctl(&folder, &arguments);
        assert_eq!(output.status.code(), Some(code), "{mode:o}: {}", stdout(&output));
        let is_told = stdout(&output).contains("unless the configuration says `strict modes = no`");
        assert_eq!(is_told, code == 1, "{mode:o}: {}", stdout(&output));
    }
}

/// A machine that shows its secrets file to root alone.
struct Locked {
    owner: u32,
}

impl Host for Locked {
    fn metadata(&self, _: &Path, _: bool) -> Fact<Option<Metadata>> {
        Ok(Some(Metadata {
            kind: EntryKind::File,
            mode: 0o600,
            uid: self.owner,
            gid: 0,
            size: 10,
            device: 0,
            inode: 0,
        }))
    }

    fn read(&self, _: &Path) -> Fact<Option<Vec<u8>>> {
        Err(Unknown::Denied)
    }

    fn list(&self, _: &Path) -> Fact<Option<Vec<OsString>>> {
        Err(Unknown::Denied)
    }

    fn read_link(&self, _: &Path) -> Fact<PathBuf> {
        Err(Unknown::Denied)
    }

    fn user(&self, _: &str) -> Fact<Option<User>> {
        Ok(None)
    }

    fn group(&self, _: &str) -> Fact<Option<u32>> {
        Ok(None)
    }

    fn groups(&self, _: &str) -> Fact<Vec<String>> {
        Ok(Vec::new())
    }

    fn attribute(&self, _: &Path, _: &str) -> Fact<Option<Vec<u8>>> {
        Ok(None)
    }
}

#[test]
fn a_secrets_file_that_nobody_shows_us_is_not_checked() {
    let text = "[m]\npath = /srv\nauth users = b\nsecrets file = /etc/rsyncd.secrets\n";
    let input = Input {
        name: "rsyncd.conf".to_owned(),
        path: None,
        bytes: text.as_bytes().into(),
        kind: FileKind::RsyncdConf,
        is_guess: false,
        host: &Locked { owner: 0 },
    };
    let report = lint(vec![input], &options());
    let is_said = report
        .unchecked
        .iter()
        .any(|unchecked| unchecked.subject == "/etc/rsyncd.secrets" && unchecked.reason == Unknown::Denied);
    assert!(is_said, "{:?}", report.unchecked);
}

#[test]
fn the_owner_of_a_lone_secrets_file_counts() {
    for owner in [0, 1000] {
        let host = Locked { owner };
        let input = Input {
            name: "s".to_owned(),
            path: Some("/tmp/s".into()),
            bytes: b"joe:not-a-real-password\n".into(),
            kind: FileKind::Secrets,
            is_guess: false,
            host: &host,
        };
        let report = lint(vec![input], &options());
        let is_told = report.findings.iter().any(|finding| finding.page.id == "RSY313");
        assert_eq!(is_told, owner != 0, "{:?}", report.findings);
    }
}

#[test]
fn a_password_in_a_comment_of_sersync_is_not_shown() {
    let xml = "<head version=\"2.5\">\n<sersync>\n<localpath watch=\"/srv/data\">\n\
               <remote ip=\"192.0.2.7\" name=\"data\"/>\n</localpath>\n<rsync>\n\
               <!-- <auth start=\"true\" users=\"joe:not-a-real-password\" passwordfile=\"not-a-real-one\"/> -->\n\
               <auth start=\"true\" users=\"joe:not-a-real-password\" passwordfile=\"/etc/rsync.pas\"/>\n\
               </rsync>\n</sersync>\n</head>\n";
    let report = check(xml.as_bytes(), FileKind::Sersync);
    let text = write(&report, Format::Human, Language::English, 0);
    assert!(text.contains("<!-- <auth"), "{text}");
    assert!(!text.contains("not-a-real"), "{text}");
}

#[test]
fn a_short_password_in_a_quoted_secrets_file_is_not_shown() {
    for value in ["'bob:q9'", "\"bob:q9\"", "'bob:q9"] {
        let file = format!("[data]\npath = /srv/data\nauth users = bob\nsecrets file = {value}\n");
        let report = check(file.as_bytes(), FileKind::RsyncdConf);
        for format in [Format::Human, Format::Json, Format::Sarif, Format::Junit] {
            let text = write(&report, format, Language::English, 0);
            let text = text.split("\"rules\":[").last().unwrap_or_default();
            assert!(!text.contains("q9"), "{value}: {text}");
        }
    }
}

#[test]
fn a_password_file_that_cannot_be_read_is_not_checked() {
    let folder = folder(&[
        (
            "etc/confxml.xml",
            "<head><sersync><rsync><auth start=\"true\" users=\"joe\" passwordfile=\"/etc/rsync.pas\"/></rsync>\
             </sersync></head>\n",
        ),
        ("etc/rsync.pas/file", ""),
    ]);
    let output = rsyncctl(
        &folder,
        &[
            "lint",
            "etc/confxml.xml",
            "--root",
            ".",
            "--json",
            "--ignore",
            "RSY9",
        ],
    );
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    let unchecked = report["unchecked"].as_array().expect("unchecked");
    let is_said = unchecked
        .iter()
        .any(|one| one["subject"] == "./etc/rsync.pas" && one["rule"].is_null());
    assert!(is_said, "{report:#}");
}

#[test]
fn a_password_that_may_hold_a_number_sign_is_no_error() {
    for (line, severity) in [
        ("joe:not-a-real-password #1", Severity::Warning),
        ("joe:not-a-real-password  # hush", Severity::Error),
        ("joe:not-a-real-password #密码", Severity::Error),
    ] {
        let report = check_for(format!("{line}\n").as_bytes(), FileKind::Secrets, &["RSY323"]);
        assert_eq!(report.findings.len(), 1, "{line}");
        assert_eq!(report.findings[0].severity, severity, "{line}");
    }
}

#[test]
fn a_path_is_sensitive_for_what_it_leads_to() {
    let folder = folder(&[("etc/shadow", "")]);
    fs::create_dir(folder.path().join("srv")).expect("a folder");
    std::os::unix::fs::symlink("/etc", folder.path().join("srv/link")).expect("a link");
    let is_root = nix::unistd::geteuid().is_root();
    for (path, root, code) in [
        ("/srv/../etc", &["--host", "none"][..], 1),
        ("/etc/.", &["--host", "none"], 1),
        ("/srv/etc", &["--host", "none"], 0),
        // The daemon follows the links of root alone.
        ("/srv/link", &["--root", "."], u8::from(is_root).into()),
        // No mount point is an error.
        ("/proc", &["--host", "live"], 0),
    ] {
        let text = format!("[m]\npath = {path}\n");
        fs::write(folder.path().join("x.conf"), text).expect("a file");
        let arguments = [
            &["lint", "--select", "RSY504", "--kind", "rsyncd.conf", "x.conf"],
            root,
        ]
        .concat();
        let output = rsyncctl(&folder, &arguments);
        assert_eq!(output.status.code(), Some(code), "{path}: {}", stdout(&output));
        let is_disk = stdout(&output).contains("exports a whole file system");
        assert_eq!(is_disk, path == "/proc", "{}", stdout(&output));
    }
}
