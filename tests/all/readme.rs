//! The outputs that the README shows are real.

use std::{env, fs, path::Path};

use rsyncctl::terms::Release;

use crate::support::{daemon::installed, program::rsyncctl};

const UPDATE: &str = "RSYNCCTL_UPDATE";

#[test]
fn shown_outputs_are_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = root.join("README.md");
    let readme = fs::read_to_string(&file).expect("the README");
    let current = with_real_outputs(&readme);
    if env::var_os(UPDATE).is_some() {
        fs::write(&file, current).expect("the README is written");
        return;
    }
    assert!(
        readme == current,
        "the README shows an old output; {UPDATE}=1 cargo test --test all readme writes the new one"
    );
}

/// Whether a command shows here what it shows to everybody: a trial shows the rsync that is installed.
fn is_the_same_here(command: &str) -> bool {
    !command.starts_with("try ") || installed() == Ok(Release::CURRENT)
}

/// The text with the output of each `$ rsyncctl …` in a `console` block put in place. The commands run in
/// `fixtures/readme`.
fn with_real_outputs(readme: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/readme");
    let mut text = String::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        text += line;
        text.push('\n');
        // An output that holds fences stands between longer ones.
        let fence = line
            .strip_suffix("console")
            .filter(|fence| fence.len() >= 3 && fence.bytes().all(|byte| byte == b'`'));
        let Some(fence) = fence else {
            continue;
        };
        let mut is_kept = false;
        for line in lines.by_ref().take_while(|line| *line != fence) {
            let Some(command) = line.strip_prefix("$ rsyncctl ") else {
                if is_kept {
                    text += line;
                    text.push('\n');
                }
                continue;
            };
            is_kept = !is_the_same_here(command);
            if is_kept {
                println!(
                    "skipped: the README shows a trial with rsync {}",
                    Release::CURRENT
                );
                text += line;
                text.push('\n');
                continue;
            }
            let arguments: Vec<&str> = command.split_whitespace().collect();
            let output = rsyncctl(&folder, &arguments);
            text += line;
            text.push('\n');
            for line in [output.stdout, output.stderr]
                .concat()
                .split(|&byte| byte == b'\n')
            {
                text += String::from_utf8_lossy(line).trim_end();
                text.push('\n');
            }
            text.truncate(text.trim_end().len() + 1);
        }
        text += fence;
        text.push('\n');
    }
    text
}
