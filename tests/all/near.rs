//! The folder that the path of a module was meant to name.

use std::fs;

use crate::support::program::{rsyncctl, stdout};

#[test]
fn folders_that_were_meant_are_named() {
    let root = tempfile::tempdir().expect("a folder");
    for folder in ["sb_mirror/a", "www", "data-2", "data-3", "Backup"] {
        fs::create_dir_all(root.path().join(folder)).expect("folders");
    }
    fs::write(root.path().join("mirrors"), "").expect("a file");
    for (missing, expected) in [
        ("sb-mirror", Some("sb_mirror")),
        ("sb-mirror/a", Some("sb_mirror/a")),
        ("sb-mirror/b", None),
        ("ww", None),
        ("data-1", Some("data-2")),
        ("backup", Some("Backup")),
        ("mirror", None),
        ("other", None),
    ] {
        let path = root.path().join(missing).display().to_string();
        fs::write(root.path().join("r.conf"), format!("[m]\npath = {path}\n")).expect("a file");
        let told = stdout(&rsyncctl(
            root.path(),
            &["lint", "--json", "--host", "live", "r.conf"],
        ));
        let report: serde_json::Value = serde_json::from_str(&told).expect("JSON");
        let mut found = report["diagnoses"].as_array().expect("findings").iter();
        let title = found
            .find(|found| found["rule"] == "RSY402")
            .expect("it is missing")["title"]
            .to_string();
        let end = expected.map_or_else(
            || "does not exist\"".to_owned(),
            |near| {
                format!(
                    "does not exist, and `{}` does\"",
                    root.path().join(near).display()
                )
            },
        );
        assert!(title.ends_with(&end), "{missing}: {title}");
    }
}
