//! The option table against the installed rsync: which options there are, and which take a value.

use std::process::Command;

use rsyncctl::terms::{OPTIONS, Release, RsyncOption};

use crate::support::daemon::installed;

#[test]
fn options_take_values_as_rsync_says() {
    let installed = installed().expect("an rsync");
    if installed != Release::CURRENT {
        println!(
            "skipped: the table is that of rsync {}, and {installed} is installed",
            Release::CURRENT
        );
        return;
    }
    let mut wrong = Vec::new();
    // A daemon would be started by its option.
    for option in OPTIONS.iter().filter(|option| option.long != Some("daemon")) {
        for word in words(option) {
            let output = Command::new("rsync").arg(&word).output().expect("rsync runs");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if said.contains("missing argument") != option.takes_value || said.contains("unknown option") {
                wrong.push(format!("{word}: {}", said.lines().next().unwrap_or_default()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn words(option: &RsyncOption) -> Vec<String> {
    let long = option.long.map(|name| format!("--{name}"));
    let short = option.short.map(|letter| format!("-{}", char::from(letter)));
    long.into_iter().chain(short).collect()
}
