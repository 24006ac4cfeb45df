//! Starts what a service file says, without the service manager; and xinetd itself, in a network of its own.

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Output, Stdio},
};

use rsyncctl::{
    model::service::{Word, commands, expand, services},
    syntax::{
        environment_file::{self, Kind as Line},
        inetd,
        unit::{self, Kind},
        xinetd,
    },
};

use crate::support::{examples::ExampleCase, stage::Machine};

/// The arguments that the example's service gives to rsync, with our paths.
pub(crate) fn arguments(case: &ExampleCase, machine: &Machine) -> Vec<String> {
    let words = case.blocks.iter().find_map(|block| match &*block.kind {
        "systemd" => unit_words(case, &block.text),
        "xinetd" => {
            let document = xinetd::parse(&block.text);
            let service = services(&document, &block.text).next()?;
            Some(service.values("server_args"))
        }
        "inetd" => {
            let line = inetd::parse(&block.text).into_iter().next()?;
            let words = line.words.into_iter().skip(7);
            Some(words.map(|word| Word::verbatim(&block.text, word)).collect())
        }
        _ => None,
    });
    let words = words.expect("a service");
    let text = |word: &Word| String::from_utf8(machine.text(&word.bytes)).expect("text");
    words.iter().map(text).collect()
}

/// Whether the service hands rsync a connection.
pub(crate) fn gets_connection(case: &ExampleCase) -> bool {
    case.blocks
        .iter()
        .any(|block| matches!(&*block.kind, "xinetd" | "inetd"))
}

fn unit_words(case: &ExampleCase, file: &[u8]) -> Option<Vec<Word>> {
    let mut variables = BTreeMap::new();
    for block in case.blocks.iter().filter(|block| block.kind == "environment") {
        for line in environment_file::parse(&block.text) {
            if let Line::Assignment { name, value, .. } = line.kind {
                variables.insert(block.text[name].to_vec(), block.text[value].to_vec());
            }
        }
    }
    let items = unit::parse(file).items.into_iter();
    let command = items.filter_map(|item| match item.kind {
        Kind::Setting { name, value } if name.bytes() == b"ExecStart" => commands(&value).into_iter().next(),
        _ => None,
    });
    let words = expand(&command.reduce(|_, added| added)?, &variables);
    Some(words[1..].to_vec())
}

/// Whether xinetd and a network of its own are to be had.
pub(crate) fn has_xinetd() -> bool {
    let script = "command -v xinetd && command -v ip && unshare -n true";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Lets a client list the modules of the example's service below a real xinetd; gives what the client shows, and
/// xinetd's log.
pub(crate) fn xinetd(case: &ExampleCase, machine: &Machine) -> (Output, String) {
    let block = case.block("xinetd").expect("a file of xinetd");
    let configuration = machine.path("xinetd.conf");
    let text = String::from_utf8(machine.text(&block.text)).expect("text");
    fs::write(&configuration, text).expect("a configuration");
    let log = machine.path("xinetd.log");
    let script = r#"ip link set lo up
        xinetd -dontfork -filelog "$1" -pidfile "$1.pid" -f "$0" > /dev/null 2>&1 &
        until grep -q 'Started working' "$1" 2> /dev/null || ! kill -0 $! 2> /dev/null; do :; done
        rsync --timeout=10 rsync://127.0.0.1/
        code=$?
        kill $! 2> /dev/null
        wait
        exit $code"#;
    let output = Command::new("timeout")
        .args(["--signal=KILL", "30", "unshare", "-n", "sh", "-c", script])
        .args([&configuration, &log])
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .expect("timeout and unshare run");
    let log = fs::read(&log).unwrap_or_default();
    (output, String::from_utf8_lossy(&log).into_owned())
}
