//! What a configuration of a folder includes is read, wherever a copy of the server's files begins.

use crate::support::program::{folder, rsyncctl, stderr, stdout};

const BROKEN: &str = "[a]\npath = /srv/a\nread only = perhaps\n";
const SOUND: &str = "timeout = 60\n[main]\npath = /srv/main\n";

fn found(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let folder = folder(files);
    let common = ["--format", "concise", "--select", "RSY202,RSY601,RSY002"];
    let output = rsyncctl(&folder, &[&["lint"], arguments, &common].concat());
    assert!(output.status.code() < Some(2), "{}", stderr(&output));
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn includes_are_followed_in_the_folder() {
    for (include, main, part) in [
        ("rsyncd.d", "rsyncd.conf", "rsyncd.d/a.conf"),
        ("/etc/rsyncd.d", "rsyncd.conf", "rsyncd.d/a.conf"),
        ("/etc/rsyncd.d", "etc/rsyncd.conf", "etc/rsyncd.d/a.conf"),
        (
            "/etc/parts/modules",
            "host/rsyncd.conf",
            "host/parts/modules/a.conf",
        ),
        ("/srv/conf/a.conf", "host/etc/rsyncd.conf", "host/srv/conf/a.conf"),
        ("a.conf", "rsyncd.conf", "a.conf"),
    ] {
        let text = format!("{SOUND}&include {include}\n");
        let lines = found(&[(main, &text), (part, BROKEN)], &["."]);
        assert_eq!(lines.len(), 1, "{include}: {lines:?}");
        let expected = format!("./{part}:3:13: error RSY202");
        assert!(lines[0].starts_with(&expected), "{include}: {lines:?}");
    }
}

/// A part counts where it is included, and not for itself: `timeout` stands in the other file.
#[test]
fn what_is_included_is_judged_once() {
    let main = ("etc/rsyncd.conf", "timeout = 60\n&include /etc/rsyncd.d\n");
    let part = ("etc/rsyncd.d/a.conf", "[a]\npath = /srv/a\n");
    assert_eq!(found(&[main, part], &["."]), [""; 0]);
    assert_eq!(found(&[main, part], &["etc", "--root", "."]), [""; 0]);
    assert_eq!(found(&[main, part], &["etc", "--root", ".", "--fix"]), [""; 0]);
    // Without the file that includes it, it is read for itself.
    let lines = found(&[part], &["etc/rsyncd.d"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("etc/rsyncd.d/a.conf:1:1: info RSY601"),
        "{lines:?}"
    );
    // A comment in it counts.
    let allowed = "# rsyncctl: allow RSY202 -- a test\nread only = perhaps\n";
    let part = ("etc/rsyncd.d/a.conf", &*format!("[a]\npath = /srv/a\n{allowed}"));
    assert_eq!(found(&[main, part], &["."]), [""; 0]);
}

#[test]
fn files_that_include_each_other_are_still_read() {
    let one = (
        "one/rsyncd.conf",
        "&include rsyncd-two.conf\n[a]\npath = /srv\nread only = perhaps\n",
    );
    let two = ("one/rsyncd-two.conf", "&include rsyncd.conf\n");
    let lines = found(&[one, two], &["."]);
    assert!(
        lines
            .iter()
            .any(|line| line.contains("one/rsyncd.conf:4:13: error RSY202")),
        "{lines:?}"
    );
}

#[test]
fn what_is_not_there_is_not_checked() {
    let folder = folder(&[("rsyncd.conf", "[a]\npath = /srv/a\n&include /etc/rsyncd.d\n")]);
    let output = rsyncctl(&folder, &["lint", ".", "--format", "concise"]);
    assert!(
        stderr(&output).contains("not checked: /etc/rsyncd.d"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn reports_for_programs_show_the_chain() {
    let folder = folder(&[
        ("rsyncd.conf", "&include rsyncd.d\n"),
        ("rsyncd.d/a.conf", "&include rsyncd.d/more\n"),
        ("rsyncd.d/more", BROKEN),
    ]);
    let json = |format: &str| {
        let output = rsyncctl(&folder, &["lint", ".", "--select", "RSY202", "--format", format]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let chain = &json("json")["diagnoses"][0]["included_by"];
    let places: Vec<_> = chain
        .as_array()
        .expect("a chain")
        .iter()
        .map(|place| (place["file"].as_str(), place["line"].as_u64()))
        .collect();
    assert_eq!(
        places,
        [
            (Some("./rsyncd.d/a.conf"), Some(1)),
            (Some("./rsyncd.conf"), Some(1))
        ]
    );
    let sarif = json("sarif");
    let related = sarif.pointer("/runs/0/results/0/relatedLocations");
    assert_eq!(
        related.and_then(|places| places.as_array()).map(Vec::len),
        Some(2)
    );
}
