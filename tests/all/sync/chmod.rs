//! What `--chmod` makes of modes.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::{Stage, assert_none};
use crate::support::{daemon::has_rsync, mishap::Need, skip};

/// Modes with each of the special bits, and without rights for some.
const MODES: [u32; 12] = [
    0o644, 0o755, 0o600, 0o711, 0o4755, 0o2755, 0o1777, 0o7777, 0o6711, 0o4640, 0o2770, 0o1700,
];
/// Changes that copy classes, name special bits, follow each other, and hold for folders or files alone.
const CHANGES: [&str; 30] = [
    "=u",
    "go=u",
    "=g",
    "=o",
    "o=g",
    "o=u",
    "u=o",
    "u=g",
    "g=u",
    "a=u",
    "ug=o",
    "D=g",
    "Fa=g",
    "+u",
    "-o",
    "g+u",
    "o-g",
    "=",
    "a=",
    "u=rwx",
    "g=s",
    "u=s,o=t",
    "a=rs",
    "=rt",
    "+s",
    "a-s",
    "-t",
    "D2775,F4644",
    "u=rwX,go=rX",
    "go-rwx,u+X",
];

fn nothing(_: &Path) {}

/// Files and folders of each mode, with each change, pulled by both clients.
#[test]
fn modes_are_changed_as_rsync_changes_them() {
    if let Some(reason) = Need::Root.unmet() {
        return skip(&format!("special bits: {reason}"));
    }
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for mode in MODES {
        let (file, folder) = (format!("f{mode:o}"), format!("d{mode:o}"));
        fs::write(stage.source().join(&file), "text").expect("a file");
        fs::create_dir(stage.source().join(&folder)).expect("a folder");
        for name in [file, folder] {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(stage.source().join(name), mode).expect("a mode");
        }
    }
    let mut differences = Vec::new();
    for change in CHANGES {
        let change = format!("--chmod={change}");
        for words in [
            ["-rpt", &change, "{url}/data/src/", "dst"],
            ["-rt", &change, "{url}/data/src/", "dst"],
        ] {
            differences.extend(stage.compare_in(&[], &words, nothing).err());
        }
    }
    assert_none(&differences);
}
