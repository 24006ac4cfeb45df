//! What `--json` writes keeps to `schemas/rsyncctl-1.schema.json`.

use std::{fs, path::Path};

use rsyncctl::{catalog, model::Parameter};
use serde_json::Value;

use crate::support::program::{folder, keeps_to, rsyncctl, schema, stdout};

#[test]
fn reports_keep_to_the_schema() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let folder = folder(&[
        (
            "clean.rsyncd.conf",
            "[data]\npath = /srv/data\nhosts allow = ::1\n",
        ),
        (
            "rsyncd.conf",
            "[data]\npath = /srv/nothing\nhost allow = ::1\nignore errors\nread only = on\n[x\n",
        ),
        ("rsync.pass", "backup:not-a-password\n"),
        ("rsyncd.secrets", "not-a-password\n"),
        (
            "confxml.xml",
            "<head><fileSystem xfs=\"TRUE\"/><sersync><localpath watch=\"/srv\"/></sersync></head>\n",
        ),
    ]);
    fs::write(
        folder.path().join("latin.rsyncd.conf"),
        b"[data]\npath = /srv/\xe9\xe9\nread only = \xff \xd6\xd0\nhost \xe9 allow = 10.0.0.1\n",
    )
    .expect("a file");
    for arguments in [
        &["lint", ".", "--json"][..],
        &["lint", ".", "--json", "--lang", "zh"],
        &["lint", ".", "--json", "--root", "."],
        &[
            "lint",
            "rsyncd.conf",
            "--format",
            "json",
            "--target-version",
            "3.2.7",
        ],
        &["lint", "clean.rsyncd.conf", "--json"],
    ] {
        keeps_to(&schema, &json(folder.path(), arguments));
    }
    let report = json(folder.path(), &["lint", ".", "--json"]);
    let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
    let has = |key: &str| {
        diagnoses.iter().any(|one| {
            one.pointer(key)
                .and_then(Value::as_array)
                .is_some_and(|array| !array.is_empty())
        })
    };
    for key in ["/remedy/edits", "/predicts", "/related", "/evidence"] {
        assert!(has(key), "no diagnosis has {key}");
    }
    assert!(!report["unchecked"].as_array().expect("unchecked").is_empty());
}

#[test]
fn the_most_severe_come_first_and_then_the_order_of_the_files() {
    let folder = folder(&[
        (
            "a.rsyncd.conf",
            "[data]\npath = /srv/data\nhost allow = ::1\nlist = on\nignore errors\nread only = no\n",
        ),
        ("b.rsyncd.conf", "[x\n"),
    ]);
    let report = json(folder.path(), &["lint", ".", "--json"]);
    let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
    let key = |one: &Value| {
        let severity = one["severity"].as_str().expect("a severity");
        let rank = ["error", "warning", "info"]
            .iter()
            .position(|known| *known == severity);
        let place = &one["evidence"][0];
        let file = place["file"].as_str().expect("a file").to_owned();
        (rank, file, place["line"].as_u64(), place["column"].as_u64())
    };
    let keys: Vec<_> = diagnoses.iter().map(key).collect();
    assert!(keys.is_sorted(), "{keys:?}");
    for rank in 0..3 {
        assert!(keys.iter().any(|key| key.0 == Some(rank)), "{keys:?}");
    }
    assert!(keys[..3].iter().any(|key| key.1 == "./b.rsyncd.conf"), "{keys:?}");
}

#[test]
fn the_tutorials_reports_keep_to_the_schema() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for language in ["en", "zh"] {
        let report = json(&fixtures, &["lint", ".", "--json", "--lang", language]);
        keeps_to(&schema, &report);
        assert!(report["summary"]["findings"]["error"].as_u64() > Some(0));
    }
}

#[test]
fn rules_and_explanations_keep_to_the_schema() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let folder = folder(&[]);
    for language in ["en", "zh"] {
        keeps_to(
            &schema,
            &json(folder.path(), &["rules", "--json", "--lang", language]),
        );
        let names = catalog::pages().iter().map(|page| page.id);
        for name in names.chain(Parameter::all().map(Parameter::name)) {
            let page = json(folder.path(), &["explain", name, "--json", "--lang", language]);
            keeps_to(&schema, &page);
        }
    }
}

#[test]
fn answers_keep_to_the_schema() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let folder = folder(&[
        (
            "sound.conf",
            "[a]\npath = /a\nhosts allow = ::1 *.lan\nauth users = joe:rw, @staff\n[b]\npath = /b\n",
        ),
        (
            "new.conf",
            "[a]\npath = /a\nhosts deny = 192.0.2.0/24\nread only = no\n",
        ),
        ("broken.conf", "[a]\npath = /a\n[b\n"),
        ("unseen.conf", "&include /etc/rsyncd.d\n[a]\npath = /a\n"),
        (
            "doubt.conf",
            "[a]\npath = /a\nhosts allow = 127.0.0.1/0.0.0.255\n[b]\npath = /b\nhosts allow = a.example.org\n",
        ),
    ]);
    for language in ["en", "zh"] {
        for file in [
            "sound.conf",
            "new.conf",
            "broken.conf",
            "unseen.conf",
            "doubt.conf",
        ] {
            for arguments in [
                &["config"][..],
                &["config", "--defaults"],
                &["access"],
                &["access", "--from", "192.0.2.7,a.lan", "--user", "joe"],
                &["access", "--compare", "sound.conf"],
                &["access", "--compare", "doubt.conf"],
            ] {
                let arguments = [arguments, &[file, "--json", "--lang", language]].concat();
                let answer = json(folder.path(), &arguments);
                keeps_to(&schema, &answer);
                if !arguments.contains(&"--from") && !arguments.contains(&"--compare") {
                    let code = rsyncctl(&folder, &arguments).status.code();
                    let expected = match file {
                        "broken.conf" => 1,
                        "unseen.conf" => 3,
                        _ => 0,
                    };
                    assert_eq!(code, Some(expected), "{arguments:?}");
                }
                let is_broken = !answer["diagnoses"].as_array().expect("diagnoses").is_empty();
                assert_eq!(is_broken, file == "broken.conf", "{answer:#}");
                let is_partly_seen = !answer["unchecked"].as_array().expect("unchecked").is_empty();
                assert_eq!(is_partly_seen, file == "unseen.conf", "{answer:#}");
            }
        }
    }
}

#[test]
fn columns_count_characters_and_ends_stand_behind() {
    let folder = folder(&[]);
    fs::write(
        folder.path().join("rsyncd.conf"),
        b"[\xd6\xd0]\npath = /srv/data\n\thost allow = ::1\nread only = \xe4\xb8\xad\xff\n",
    )
    .expect("a file");
    let report = json(
        folder.path(),
        &["lint", "rsyncd.conf", "--json", "--select", "RSY101,RSY202"],
    );
    let spans: Vec<_> = report["diagnoses"]
        .as_array()
        .expect("diagnoses")
        .iter()
        .map(|one| {
            let place = &one["evidence"][0];
            ["line", "column", "end_line", "end_column"].map(|key| place[key].as_u64().expect("a number"))
        })
        .collect();
    assert_eq!(spans, [[3, 2, 3, 12], [4, 13, 4, 15]]);
    let edit = &report["diagnoses"][0]["remedy"]["edits"][0];
    assert_eq!(
        (edit["column"].as_u64(), edit["replacement"].as_str()),
        (Some(2), Some("hosts allow"))
    );
}

#[test]
fn the_schema_refuses_what_it_does_not_describe() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let folder = folder(&[
        (
            "rsyncd.conf",
            "[data]\npath = /srv/data\nhost allow = ::1\nread only = on\nauth users = joe\nsecrets file = /s\nhosts allow = ::1\n",
        ),
        ("new.conf", ""),
        ("doubt.conf", "[data]\npath = /srv\nhosts allow = a.example.org\n"),
    ]);
    for (command, least) in [
        (&["lint"][..], 10),
        (&["config"], 5),
        (&["access"], 4),
        (&["access", "--from", "::1"], 5),
        (&["access", "--compare", "new.conf"], 5),
        (&["access", "--compare", "doubt.conf"], 5),
        (&["rules"], 3),
        (&["explain", "RSY101", "path"], 3),
    ] {
        let file = if matches!(command[0], "rules" | "explain") {
            &[][..]
        } else {
            &["rsyncd.conf"]
        };
        let mut report = json(folder.path(), &[command, file, &["--json"]].concat());
        // A few rules show what all of them have.
        if let Some(rules) = report.get_mut("rules").and_then(Value::as_array_mut) {
            rules.truncate(3);
        }
        let mut objects = Vec::new();
        pointers(&report, String::new(), &mut objects);
        assert!(objects.len() > least, "{command:?}: {objects:?}");
        for pointer in objects {
            let mut changed = report.clone();
            let object = changed.pointer_mut(&pointer).and_then(Value::as_object_mut);
            object
                .expect("an object")
                .insert("unheard-of".to_owned(), Value::Null);
            assert!(!schema.is_valid(&changed), "{command:?}: {pointer}");
        }
    }
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = rsyncctl(folder, arguments);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|not_json| panic!("{arguments:?}: {not_json}: {error}"))
}

/// Where the objects of a value are.
fn pointers(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                pointers(value, format!("{at}/{key}"), found);
            }
            found.push(at);
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn explained_texts_keep_to_the_schema() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let text = "$ rsync -a joe@192.0.2.7::data /dst\n@ERROR: auth failed on module data\n\
                rsync error: error starting client-server protocol (code 5) at main.c(1888) [Receiver=3.5.0]\n";
    let folder = folder(&[("error.txt", text), ("empty.txt", "")]);
    for language in ["en", "zh"] {
        let explanation = json(
            folder.path(),
            &["explain", "error.txt", "--json", "--lang", language],
        );
        keeps_to(&schema, &explanation);
        assert_eq!(explanation["diagnoses"][0]["rule"], "RSY810");
        assert_eq!(explanation["diagnoses"][0]["evidence"][0]["line"], 2);
        assert_eq!(explanation["summary"]["failures"][0]["exit"], 5);
        let nothing = json(
            folder.path(),
            &["explain", "empty.txt", "--json", "--lang", language],
        );
        keeps_to(&schema, &nothing);
        assert_eq!(nothing["diagnoses"].as_array().map(Vec::len), Some(0));
    }
}
