//! What programs read of a sync: `--json` and `-VV`.

use std::{fs, os::unix::fs::symlink, process::Command};

use serde_json::Value;

use crate::{
    support::{
        daemon::has_rsync,
        program::{keeps_to, program, schema},
        skip,
    },
    sync::{Stage, some_files},
};

/// What `--json` writes for these words in a folder, and the status.
fn told(stage: &Stage, folder: &std::path::Path, words: &str) -> (Value, Option<i32>) {
    let url = format!("rsync://127.0.0.1:{}", stage.daemon.port());
    let words = words.replace("{url}", &url);
    let mut command = program(folder, &["sync", "--json"]);
    let output = command.args(words.split(' ')).output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    // Each event has a line of its own, so that it can be read as it comes.
    let events = value["events"].as_array().expect("events").len();
    assert_eq!(
        text.lines().count(),
        if events > 0 { events + 2 } else { 1 },
        "{text}"
    );
    (value, output.status.code())
}

/// The members of the events of a kind.
fn members<'v>(value: &'v Value, kind: &str, member: &str) -> Vec<&'v Value> {
    let events = value["events"].as_array().expect("events").iter();
    events
        .filter(|event| event["event"] == kind)
        .map(|event| &event[member])
        .collect()
}

#[test]
fn programs_are_told_of_wrong_command_lines() {
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let folder = tempfile::tempdir().expect("a folder");
    for (words, code, said) in [
        (
            "-a --bogus rsync://host.example/m d",
            1,
            "--bogus: unknown option",
        ),
        (
            "-a --iconv=utf8 rsync://host.example/m d",
            1,
            "--iconv: this option of rsync",
        ),
        (
            "-a --exclude-from=none rsync://host.example/m d",
            11,
            "failed to open exclude file none",
        ),
        ("a rsync://host.example//m", 5, "must start with a module name"),
    ] {
        let mut command = program(folder.path(), &["sync"]);
        let output = command.args(words.split(' ')).arg("--json").output();
        let output = output.expect("the program runs");
        let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema, &value);
        assert_eq!(output.status.code(), Some(code), "{words}");
        assert_eq!(value["summary"]["exit"], code, "{words}");
        let texts = members(&value, "message", "text");
        let first = texts[0].as_str().expect("a text");
        assert!(first.contains(said), "{first}");
        assert_eq!(texts.len(), 2, "{words}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn programs_are_told_what_happens() {
    if !has_rsync() {
        return;
    }
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let stage = Stage::new();
    some_files(&stage.source());
    fs::write(stage.source().join("odd\n"), "odd").expect("a file");
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let run = |words: &str| {
        let (value, code) = told(&stage, folder.path(), words);
        keeps_to(&schema, &value);
        assert_eq!(value["summary"]["exit"].as_i64(), code.map(i64::from), "{words}");
        value
    };

    let value = run("-a {url}/data/src/ dst --progress");
    let paths = members(&value, "item", "path");
    assert_eq!(
        paths,
        [
            ".",
            "f1",
            "f2",
            "link",
            "odd\\#012",
            "a b",
            "a b/-x",
            "sub",
            "sub/deep",
            "sub/deep/y"
        ]
    );
    assert_eq!(members(&value, "item", "target")[3], "f1");
    assert_eq!(members(&value, "item", "itemize")[1], ">f+++++++++");
    assert_eq!(members(&value, "transferred", "size"), [3, 3, 3, 4, 1]);
    assert_eq!(members(&value, "progress", "path").len(), 5);
    let statistics = &value["summary"]["statistics"];
    assert_eq!(statistics["created"]["directories"], 4);
    assert_eq!(
        (
            &statistics["transferred"],
            &statistics["literal"],
            &statistics["total_size"]
        ),
        (&5.into(), &14.into(), &16.into())
    );

    fs::remove_file(stage.source().join("f2")).expect("it was there");
    let value = run("-a --delete -n {url}/data/src/ dst");
    assert_eq!(members(&value, "deleted", "path"), ["f2"]);
    assert_eq!(value["summary"]["dry_run"], true);
    assert!(members(&value, "transferred", "path").is_empty());

    let value = run("-a dst/ {url}/drop/");
    assert_eq!(members(&value, "transferred", "path").len(), 5);
    assert_eq!(members(&value, "item", "itemize")[1], "<f+++++++++");

    let value = run("-r {url}/data/src/");
    assert_eq!(members(&value, "listed", "mode")[1], "0644");
    assert!(members(&value, "item", "path").is_empty());
    let value = run("{url}/");
    assert_eq!(members(&value, "message", "text"), ["data           \tall of it"]);

    let value = run("-a {url}/data/src/none {url}/data/src/f1 dst");
    assert_eq!(members(&value, "message", "path")[0], "/src/none");
    assert_eq!(value["diagnoses"][0]["rule"], "RSY851");
    let value = run("-a {url}/bogus/ dst");
    assert_eq!(
        (&value["summary"]["exit"], &value["summary"]["statistics"]),
        (&5.into(), &Value::Null)
    );

    // The schema lets in nothing else.
    let mut value = run("-a --delete --progress {url}/data/src/ dst2");
    value["events"][0]["more"] = Value::Null;
    assert!(!schema.is_valid(&value));
}

#[test]
fn the_version_has_the_keys_of_rsync() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |words: &[&str]| {
        let output = program(folder.path(), words).output().expect("the program runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("text")
    };
    let ours: Value = serde_json::from_str(&said(&["sync", "-VV"])).expect("JSON");
    let first = said(&["sync", "--version"]);
    let start = format!(
        "rsyncctl  version {}  protocol version 32\n",
        env!("CARGO_PKG_VERSION")
    );
    assert!(first.starts_with(&start), "{first}");
    for name in ours["checksum_list"].as_array().expect("a list") {
        assert!(first.contains(name.as_str().expect("a name")), "{first}");
    }
    // Under the name that scripts call they find what they look for.
    let link = folder.path().join("rsync");
    symlink(env!("CARGO_BIN_EXE_rsyncctl"), &link).expect("a link");
    let said = |word| {
        let output = Command::new(&link).arg(word).output().expect("the program runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let named = said("--version");
    let (line, rest) = named.split_once('\n').expect("lines");
    assert_eq!(line, "rsync  version 3.5.0  protocol version 32");
    assert_eq!(rest, format!("This is {first}"));
    let named: Value = serde_json::from_str(&said("-VV")).expect("JSON");
    assert_eq!([&named["program"], &named["version"]], ["rsync", "3.5.0"]);
    assert_eq!(named["rsyncctl"], env!("CARGO_PKG_VERSION"));
    if !has_rsync() {
        return;
    }
    let output = Command::new("rsync").arg("-VV").output().expect("rsync runs");
    let Ok(theirs) = serde_json::from_slice::<Value>(&output.stdout) else {
        skip("this rsync has no -VV for programs");
        return;
    };
    for (key, value) in ours.as_object().expect("an object") {
        let other = theirs.get(key).unwrap_or_else(|| panic!("{key}"));
        match (value, other) {
            (Value::Object(ours), Value::Object(theirs)) => {
                for (key, value) in ours {
                    let other = theirs.get(key).unwrap_or_else(|| panic!("{key}"));
                    assert_eq!(
                        std::mem::discriminant(value),
                        std::mem::discriminant(other),
                        "{key}"
                    );
                }
            }
            (Value::Array(ours), Value::Array(theirs)) => {
                assert!(ours.iter().all(|name| theirs.contains(name)), "{key}");
            }
            _ => assert_eq!(
                std::mem::discriminant(value),
                std::mem::discriminant(other),
                "{key}"
            ),
        }
    }
}
