//! Symlinks that lead to no folder where one is meant.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::{Stage, stage::assert_none};
use crate::support::daemon::has_rsync;

/// Links that lead to themselves, in a circle, nowhere or to a file, as folders and on the way to names.
#[test]
fn links_that_lead_to_no_folder_are_told_as_rsync_tells_them() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let links = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        fs::write(root.join("src/file"), "text").expect("a file");
        for (link, target) in [
            ("itself", "itself"),
            ("round", "about"),
            ("about", "round"),
            ("nowhere", "gone"),
            ("to-file", "file"),
        ] {
            symlink(target, root.join("src").join(link)).expect("a link");
        }
    };
    let mut differences = Vec::new();
    for name in ["itself", "round", "nowhere", "to-file"] {
        for named in [name.to_owned(), format!("{name}/"), format!("{name}/more")] {
            let listed = |root: &Path| {
                links(root);
                fs::write(root.join("list"), format!("{named}\n")).expect("a list");
            };
            let words = ["-a", "--files-from=list", "src/", "{url}/drop/"];
            differences.extend(stage.compare_push(&words, listed, |_| {}).err());
            let source = format!("src/./{named}");
            let words = ["-aR", &source, "{url}/drop/"];
            differences.extend(stage.compare_push(&words, listed, |_| {}).err());
        }
    }
    assert_none(&differences);
}
