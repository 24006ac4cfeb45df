//! What `--format sarif` writes is SARIF 2.1.0.

use std::{fs, path::Path};

use rsyncctl::catalog;
use serde_json::{Value, json};

use crate::support::program::{folder, keeps_to, rsyncctl, schema, stdout};

#[test]
fn reports_keep_to_the_schema() {
    let schema = schema("tests/all/sarif.schema.json");
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    for language in ["en", "zh"] {
        let log = sarif(&fixtures, &["."], language);
        keeps_to(&schema, &log);
        for result in results(&log) {
            let rule = &log["runs"][0]["tool"]["driver"]["rules"][index(result)];
            assert_eq!(rule["id"], result["ruleId"]);
        }
    }
}

#[test]
fn every_rule_is_described() {
    let folder = folder(&[(
        "rsyncd.conf",
        "[data]\npath = /srv/data\nhosts allow = ::1\nlist = no\n",
    )]);
    let log = sarif(folder.path(), &["rsyncd.conf"], "en");
    assert_eq!(results(&log), &[] as &[Value]);
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    assert_eq!(rules.len(), catalog::pages().len());
    let page = catalog::page("RSY302").expect("a page");
    let rule = rules.iter().find(|rule| rule["id"] == page.id).expect("its rule");
    assert_eq!(rule["name"], page.name);
    assert_eq!(rule["help"]["markdown"], page.body[0]);
    assert_eq!(rule["defaultConfiguration"]["level"], "error");
    assert_eq!(
        rule["properties"],
        json!({ "tags": ["rsync", "rsyncd.conf", "secrets", "script", "dockerfile"], "precision": "very-high" })
    );
    // A path that nobody could look at is no silence.
    let notifications = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"];
    assert_eq!(notifications[0]["associatedRule"]["id"], "RSY402");
    let text = notifications[0]["message"]["text"].as_str().expect("a text");
    assert!(text.starts_with("not checked: /srv/data: "), "{text}");
}

#[test]
fn a_result_has_its_place_and_its_fix() {
    let folder = folder(&[(
        "a b.rsyncd.conf",
        "[data]\npath = /srv/\u{4e2d}\nhost allow = ::1\n",
    )]);
    let log = sarif(folder.path(), &["./a b.rsyncd.conf", "--select", "RSY101"], "en");
    let [result] = results(&log) else {
        panic!("{log:#}");
    };
    let region = json!({ "startLine": 3, "startColumn": 1, "endLine": 3, "endColumn": 11 });
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["region"], region);
    assert_eq!(
        place["artifactLocation"],
        json!({ "uri": "a%20b.rsyncd.conf", "uriBaseId": "%SRCROOT%" })
    );
    assert_eq!(
        result["fixes"][0]["artifactChanges"][0]["replacements"],
        json!([{ "deletedRegion": region, "insertedContent": { "text": "hosts allow" } }])
    );
    let absolute = folder.path().join("a b.rsyncd.conf");
    let log = sarif(
        folder.path(),
        &[absolute.to_str().expect("text"), "--select", "RSY101"],
        "en",
    );
    let place = &results(&log)[0]["locations"][0]["physicalLocation"]["artifactLocation"];
    let uri = place["uri"].as_str().expect("a text");
    assert!(
        uri.starts_with("file:///") && uri.ends_with("/a%20b.rsyncd.conf"),
        "{uri}"
    );
    assert_eq!(place["uriBaseId"], Value::Null);
}

#[test]
fn fixes_count_bytes_where_characters_cannot_be_counted() {
    let folder = folder(&[]);
    fs::write(
        folder.path().join("rsyncd.conf"),
        b"# \xd6\xd0\n[data]\npath = /srv\nhost allow = ::1\nhosts deny = *\n",
    )
    .expect("a file");
    let log = sarif(folder.path(), &["rsyncd.conf", "--select", "RSY101"], "en");
    assert_eq!(
        results(&log)[0]["fixes"][0]["artifactChanges"][0]["replacements"],
        json!([{
            "deletedRegion": { "byteOffset": 24, "byteLength": 10 },
            "insertedContent": { "binary": "aG9zdHMgYWxsb3c=" },
        }])
    );
}

#[test]
fn fingerprints_survive_moves_and_tell_findings_apart() {
    let folder = folder(&[
        (
            "before.conf",
            "hosts deny = *\n[a]\npath = /srv\nignore errors\n[b]\npath = /srv\nignore errors\nignore errors\n",
        ),
        (
            "after.conf",
            "# moved\nhosts deny = *\n\n[b]\npath = /srv\n\n  ignore errors \nignore errors\n[a]\n# x\npath = /srv\nignore errors\n",
        ),
    ]);
    let fingerprints = |file: &str| -> Vec<String> {
        let log = sarif(
            folder.path(),
            &[file, "--kind", "rsyncd.conf", "--select", "RSY102"],
            "en",
        );
        let of = |result: &Value| result["partialFingerprints"]["rsyncctlSectionLine/v1"].clone();
        let texts = results(&log).iter().map(of);
        texts
            .map(|value| value.as_str().expect("a text").to_owned())
            .collect()
    };
    let [a, first, second] = &fingerprints("before.conf")[..] else {
        panic!("three findings");
    };
    assert!(a != first && first != second && a != second);
    assert_eq!(
        fingerprints("after.conf"),
        [first.clone(), second.clone(), a.clone()]
    );
}

#[test]
fn a_fingerprint_says_nothing_about_a_password() {
    let fingerprint = |password: &str| {
        let folder = folder(&[("rsyncd.secrets", password)]);
        let log = sarif(folder.path(), &["rsyncd.secrets"], "en");
        assert!(!log.to_string().contains(password.trim()));
        results(&log)[0]["partialFingerprints"].clone()
    };
    assert_eq!(fingerprint("not-a-password\n"), fingerprint("another-fake\n"));
}

fn sarif(folder: &Path, arguments: &[&str], language: &str) -> Value {
    let mut all = vec![
        "lint", "--format", "sarif", "--lang", language, "--ignore", "RSY6",
    ];
    all.extend(arguments);
    serde_json::from_str(&stdout(&rsyncctl(folder, &all))).expect("JSON")
}

fn results(log: &Value) -> &[Value] {
    log["runs"][0]["results"].as_array().expect("results")
}

fn index(result: &Value) -> usize {
    let index = result["ruleIndex"].as_u64().expect("a number");
    usize::try_from(index).expect("a small number")
}
