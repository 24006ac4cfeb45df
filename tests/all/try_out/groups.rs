//! Groups of the system, in `auth users` and in the secrets file. Each Debian has a user `daemon` in a group `daemon`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::json;

use super::{ends, has_rsync, report, stage, stdout, tried, write};

const GROUPS: &str = "\
[own]\npath = $ROOT/files\nread only = no\nauth users = @daemon:ro\nsecrets file = $ROOT/own\n\
[shared]\npath = $ROOT/files\nauth users = @daemon:rw\nsecrets file = $ROOT/shared\n\
[other]\npath = $ROOT/files\nauth users = @bin, @nowhere\nsecrets file = $ROOT/shared\n";

#[test]
fn members_of_groups_are_tried() {
    if !has_rsync() {
        return;
    }
    let folder = stage(GROUPS);
    let root = folder.path();
    for (name, text) in [
        ("own", "daemon:no-word\njoe:another\n"),
        ("shared", "@daemon:no-word\n"),
    ] {
        write(root, name, text);
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let (told, code) = report(&folder, &[]);
    assert_eq!(code, 0, "{told:#}");
    let end = |user: &str, read: &str, write: &str| (json!(user), json!(read), json!(write));
    assert_eq!(
        ends(&told, "own"),
        [
            end("daemon", "works", "no-writing"),
            (json!("joe"), json!("no-login"), json!(null)),
        ],
        "{told:#}"
    );
    assert_eq!(
        ends(&told, "shared"),
        [end("daemon", "works", "works")],
        "{told:#}"
    );
    assert_eq!(told["modules"][1]["attempts"][0]["group"], "daemon", "{told:#}");
    assert_eq!(ends(&told, "other"), [], "{told:#}");
    let not_tried = &told["modules"][2]["not_tried"];
    assert_eq!(
        not_tried,
        &json!([{ "user": "@daemon", "reason": "group" }]),
        "{told:#}"
    );
    let text = stdout(&tried(&folder, &[]));
    assert!(
        text.contains("daemon with the password of @daemon: may pull"),
        "{text}"
    );
}
