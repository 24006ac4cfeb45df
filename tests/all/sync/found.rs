//! What a pull finds at its destination: folders that are there.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use super::Stage;
use crate::support::daemon::has_rsync;

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// What ours opens for its owner as long as it works there, it closes again; what was there keeps its permissions.
#[test]
fn folders_that_are_there_keep_their_permissions() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for (name, permissions) in [
        ("there", 0o555),
        ("there/in", 0o500),
        ("new", 0o555),
        ("new/in", 0o111),
    ] {
        let folder = stage.source().join(name);
        fs::create_dir_all(&folder).expect("folders");
        fs::write(folder.join("f"), name).expect("a file");
        mode(&folder, permissions);
    }
    let prepare = |root: &Path| {
        fs::create_dir_all(root.join("dst/there/in")).expect("folders");
        mode(&root.join("dst"), 0o2755);
        mode(&root.join("dst/there/in"), 0o1700);
        mode(&root.join("dst/there"), 0o755);
    };
    for options in [
        "-rt",
        "-r",
        "-rO",
        "-rtE",
        "-rt --no-inc-recursive",
        "-a",
        "-rtn",
        "-rt --chmod=Du-w",
    ] {
        let words = [options, "{url}/data/src/", "dst"].join(" ");
        let words: Vec<_> = words.split(' ').collect();
        if let Err(difference) = stage.compare(&words, prepare) {
            panic!("{difference}");
        }
    }
}

