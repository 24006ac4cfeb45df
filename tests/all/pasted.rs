//! Texts as somebody on call pastes them, and the whole answer in both languages: read the snapshots as a tired person.

use std::{fs, path::Path};

use crate::support::program::{rsyncctl, stdout};

#[test]
fn answers_to_pasted_texts_read_well() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/errors/pasted");
    let mut names: Vec<_> = fs::read_dir(&folder)
        .expect("fixtures/errors/pasted")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        for language in ["en", "zh"] {
            let output = rsyncctl(&folder, &["explain", &name, "--lang", language]);
            assert_eq!(output.status.code(), Some(0), "{name}");
            let answer = stdout(&output);
            let stem = name.trim_end_matches(".txt");
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("pasted-{stem}-{language}"), answer);
            });
        }
    }
}
