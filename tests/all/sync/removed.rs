//! What is removed at the sender once it has arrived, and what is not.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::Stage;
use crate::support::daemon::has_rsync;

/// Through whatever symlinks a file was read, nothing is removed beside the source.
#[test]
fn nothing_is_removed_where_a_symlink_leads_out() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        for name in ["out/kept", "src/d/file", "src/sub/x/one", "src/a"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(path, name).expect("a file");
        }
        for (to, link) in [
            ("../out", "src/leaves"),
            ("d", "src/stays"),
            ("x", "src/sub/below"),
            ("../d", "src/sub/above"),
            ("sub/../d", "src/round"),
            ("a", "src/z"),
            ("../out/kept", "src/outer"),
        ] {
            symlink(to, root.join(link)).expect("a link");
        }
    };
    for options in [
        "-rk",
        "-rL",
        "-rR -k",
        "-rR -L",
        "-rk --protocol=29",
        "-r --copy-unsafe-links",
    ] {
        let mut words: Vec<_> = options.split(' ').collect();
        words.extend(["-t", "-l", "--remove-source-files", "src/", "{url}/drop/"]);
        if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
            panic!("{difference}");
        }
    }
    // A list is the user's, and so are the links.
    let listed = |root: &Path| {
        source(root);
        fs::write(root.join("list"), "outer\n../out/kept\nz\nround\n").expect("a list");
    };
    for options in ["-rlt", "-rtL", "-rtk --protocol=29"] {
        let mut words: Vec<_> = options.split(' ').collect();
        words.extend([
            "--files-from=list",
            "--remove-source-files",
            "src/",
            "{url}/drop/",
        ]);
        if let Err(difference) = stage.compare_push(&words, listed, |_| {}) {
            panic!("{difference}");
        }
    }
}
