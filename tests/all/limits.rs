//! What is read of a file has an end; where it is reached, the report says so.

use serde_json::Value;

use crate::support::program::{folder, rsyncctl, stdout};

/// What a report says of a file that it has not looked at as a whole, without and with one part too many.
fn reasons(name: &str, text: impl Fn(usize) -> String, most: usize) -> [Vec<String>; 2] {
    [most, most + 1].map(|count| {
        let folder = folder(&[(name, &text(count))]);
        let arguments = ["lint", name, "--host", "none", "--json", "--fail-on", "never"];
        let output = rsyncctl(&folder, &arguments);
        let expected = if count > most { 3 } else { 0 };
        assert_eq!(output.status.code(), Some(expected), "{name}");
        let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        let unchecked = report["unchecked"].as_array().expect("an array").iter();
        let mut reasons: Vec<_> = unchecked
            .filter_map(|one| one["reason"].as_str())
            .filter(|reason| reason.contains("and it has more"))
            .map(str::to_owned)
            .collect();
        reasons.dedup();
        reasons
    })
}

#[test]
fn files_that_a_script_writes() {
    let script = |count| {
        let one = |number| {
            format!("cat > /etc/rsync.d/{number}/rsyncd.conf <<END\n[data]\npath = /srv/{number}\nEND\n")
        };
        format!(
            "#!/bin/sh\nrsync --daemon\n{}",
            (0..count).map(one).collect::<String>()
        )
    };
    let [whole, cut] = reasons("setup.sh", script, 16);
    assert!(whole.is_empty(), "{whole:?}");
    assert_eq!(
        cut,
        ["only the first 16 files that it writes are looked at, and it has more"]
    );
}

#[test]
fn watches_of_a_script() {
    let script = |count| {
        let one = |number| {
            format!(
                "inotifywait -mrq -e close_write /srv/{number} | while read -r file; do rsync -a /srv/{number} \
                 h::m; done\n"
            )
        };
        format!("#!/bin/sh\n{}", (0..count).map(one).collect::<String>())
    };
    let [whole, cut] = reasons("push.sh", script, 64);
    assert!(whole.is_empty(), "{whole:?}");
    assert_eq!(
        cut,
        ["only the first 64 watches of inotifywait are looked at, and it has more"]
    );
}

#[test]
fn password_files_of_a_script() {
    let script = |count| {
        let one = |number| format!("rsync -a --password-file=/etc/pass{number} /srv/ h::m\n");
        format!("#!/bin/sh\n{}", (0..count).map(one).collect::<String>())
    };
    let [whole, cut] = reasons("push.sh", script, 32);
    assert!(whole.is_empty(), "{whole:?}");
    assert_eq!(
        cut,
        ["only the first 32 password files are looked at, and it has more"]
    );
}

#[test]
fn commands_of_a_dockerfile() {
    let text = |count| {
        let one = |number| format!("RUN rsync -a /srv/{number}/ /copy/\n");
        format!("FROM debian\n{}", (0..count).map(one).collect::<String>())
    };
    let [whole, cut] = reasons("Dockerfile", text, 127);
    assert!(whole.is_empty(), "{whole:?}");
    assert_eq!(
        cut,
        ["only the first 127 commands that call rsync or a watcher are looked at, and it has more"]
    );
}
