//! `rsyncctl explain` as a user runs it.

use rsyncctl::catalog;

use crate::support::program::{folder, rsyncctl, stderr, stdout};

#[test]
fn pages_and_parameters_are_explained() {
    let folder = folder(&[]);
    for name in ["RSY101", "unknown-parameter"] {
        let output = rsyncctl(&folder, &["explain", name]);
        assert!(
            stdout(&output).starts_with("RSY101 unknown-parameter\n"),
            "{}",
            stdout(&output)
        );
    }
    let output = rsyncctl(&folder, &["explain", "hosts", "allow", "--lang", "zh"]);
    assert!(stdout(&output).starts_with("hosts allow\n"));
    assert_eq!(
        rsyncctl(&folder, &["explain", "no such thing"]).status.code(),
        Some(1)
    );
}

#[test]
fn several_names_are_explained_one_after_the_other() {
    let folder = folder(&[]);
    let output = rsyncctl(
        &folder,
        &["explain", "RSY101", "hosts", "allow", "line-without-equals"],
    );
    let text = stdout(&output);
    for start in [
        "RSY101 unknown-parameter\n",
        "\n\nhosts allow\n",
        "\n\nRSY102 line-without-equals\n",
    ] {
        assert!(text.contains(start), "{text}");
    }
    assert_eq!(output.status.code(), Some(0));
    let output = rsyncctl(&folder, &["explain", "RSY101", "RSY102", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("one object");
    assert_eq!(answer["topics"][0]["rule"], "RSY101");
    assert_eq!(answer["topics"][1]["rule"], "RSY102");
    assert_eq!(answer["summary"]["unknown"], serde_json::json!([]));

    let output = rsyncctl(&folder, &["explain", "RSY101", "unknown-paramter", "RSY9999"]);
    assert!(stdout(&output).starts_with("RSY101 "));
    assert_eq!(output.status.code(), Some(1));
    let error = stderr(&output);
    assert!(
        error.starts_with(
            "rsyncctl: no rule and no parameter is called `unknown-paramter`; \
             did you mean RSY101 (unknown-parameter)?\n\
             rsyncctl: no rule and no parameter is called `RSY9999`; "
        ),
        "{error}"
    );
    let output = rsyncctl(&folder, &["explain", "host", "allow"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).ends_with("rsyncctl: did you mean `hosts allow`?\n"),
        "{}",
        stderr(&output)
    );
}

/// Keys, which are no words for readers of Chinese.
const ENGLISH: [&str; 9] = [
    "error", "warning", "info", "certain", "likely", "possible", "start", "transfer", "module",
];

#[test]
fn explanations_in_chinese_are_chinese() {
    let folder = folder(&[]);
    for page in catalog::pages() {
        let output = rsyncctl(&folder, &["explain", page.id, "--lang", "zh"]);
        let text = stdout(&output);
        let facts = text.lines().nth(3).expect("a line of facts");
        assert!(facts.starts_with("严重程度："), "{text}");
        let stages = text.lines().filter_map(|line| line.split_once("（退出码 "));
        let words = stages.map(|(_, stage)| stage).chain([facts]);
        for word in words.flat_map(|text| text.split(['：', '，', ' ', '）'])) {
            assert!(!ENGLISH.contains(&word), "{}: {word}", page.id);
        }
    }
    let output = rsyncctl(&folder, &["explain", "use", "chroot", "--lang", "zh"]);
    assert!(
        stdout(&output).contains("类型：布尔值，也可以不设   范围：模块"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_device_without_end_is_not_explained_for_ever() {
    let folder = folder(&[]);
    let output = rsyncctl(&folder, &["explain", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("it has a line of more than 64 MiB"));
}

#[test]
fn explain_ends_with_1_where_nothing_is_recognised_and_with_2_where_there_is_no_file() {
    let folder = folder(&[]);
    for (word, code) in [
        ("hello world", 1),
        ("/nosuch/file.log", 2),
        (".", 2),
        ("@ERROR: auth failed on module data", 0),
        ("::data/x: Connection refused", 1),
    ] {
        let output = rsyncctl(folder.path(), &["explain", word]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{word}: {error}");
        assert_eq!(error.is_empty(), code == 0, "{word}: {error}");
    }
}
