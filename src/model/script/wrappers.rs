//! Programs that start another one: `sudo`, `nice`, `timeout`, `flock`, …

use crate::model::script::{Argument, Assigned, Runner, runner, sshpass};

/// A program that starts the one behind it.
struct Wrapper {
    name: &'static str,
    /// Its options that take the next word.
    with_value: &'static [&'static str],
    /// How many words stand between its options and the program.
    operands: usize,
}

const WRAPPERS: &[Wrapper] = &[
    wrapper("builtin", &[], 0),
    wrapper(
        "chpst",
        &[
            "-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c", "-r",
            "-t",
        ],
        0,
    ),
    wrapper("chronic", &[], 0),
    wrapper("chroot", &[], 1),
    wrapper("chrt", &["-T", "-P", "-D"], 1),
    wrapper("command", &[], 0),
    wrapper("doas", &["-u", "-C"], 0),
    wrapper("env", &["-u", "-C"], 0),
    wrapper("exec", &["-a"], 0),
    wrapper(
        "flock",
        &["-w", "--timeout", "--wait", "-E", "--conflict-exit-code"],
        1,
    ),
    wrapper("gosu", &[], 1),
    wrapper("ionice", &["-c", "-n", "-t", "--class", "--classdata"], 0),
    wrapper("nice", &["-n", "--adjustment"], 0),
    wrapper("nohup", &[], 0),
    wrapper(
        "runuser",
        &["-u", "-g", "-G", "--user", "--group", "--supp-group"],
        0,
    ),
    wrapper("s6-setuidgid", &[], 1),
    wrapper(
        "setpriv",
        &[
            "--reuid",
            "--regid",
            "--groups",
            "--ruid",
            "--euid",
            "--rgid",
            "--egid",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
            "--pdeathsig",
            "--selinux-label",
            "--apparmor-profile",
        ],
        0,
    ),
    wrapper("setsid", &[], 0),
    wrapper("setuidgid", &[], 1),
    wrapper(sshpass::SSHPASS, &sshpass::WITH_VALUE, 0),
    wrapper("stdbuf", &["-i", "-o", "-e"], 0),
    wrapper("su-exec", &[], 1),
    wrapper(
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T", "--user", "--group",
        ],
        0,
    ),
    wrapper("systemd-cat", &["-t", "-p"], 0),
    wrapper(
        "systemd-run",
        &[
            "-p",
            "-u",
            "-M",
            "-E",
            "-H",
            "--property",
            "--unit",
            "--uid",
            "--gid",
            "--setenv",
            "--slice",
            "--description",
            "--nice",
            "--service-type",
            "--working-directory",
            "--host",
            "--machine",
        ],
        0,
    ),
    wrapper("taskset", &[], 1),
    wrapper("time", &["-f", "-o"], 0),
    wrapper("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    wrapper("trickle", &["-u", "-d", "-w"], 0),
];

const fn wrapper(name: &'static str, with_value: &'static [&'static str], operands: usize) -> Wrapper {
    Wrapper {
        name,
        with_value,
        operands,
    }
}

/// What stands behind the programs that only start another one.
pub(super) struct Peeled {
    /// Their names.
    pub(super) wrappers: Vec<String>,
    /// Where the program stands; the number of words if there is none: `flock -n 9`.
    pub(super) start: usize,
    /// The variables that they set: `env NAME=value`.
    pub(super) variables: Vec<Assigned>,
    /// Whom they make the program run as.
    pub(super) runner: Runner,
}

pub(super) fn peel(words: &[Argument]) -> Peeled {
    let mut wrappers = Vec::new();
    let mut variables = Vec::new();
    let mut as_whom = Runner::Same;
    let mut start = 0;
    while let Some(word) = words.get(start) {
        let text = word.text();
        let name = text.rsplit('/').next().unwrap_or_default();
        let Some(wrapper) = WRAPPERS.iter().find(|wrapper| wrapper.name == name) else {
            break;
        };
        let Some(next) = behind(wrapper, words, start + 1) else {
            break;
        };
        let own = runner::behind(wrapper.name, &words[start + 1..next]);
        if wrapper.name == "runuser" && own == Runner::Same {
            // Without `-u` it is `su` by another name, and hands a text to a shell (runuser(1)).
            break;
        }
        wrappers.push(wrapper.name.to_owned());
        as_whom = own.or(as_whom);
        if sets_variables(wrapper) {
            variables.extend(words[start + 1..next].iter().filter_map(variable));
        }
        start = next;
    }
    Peeled {
        wrappers,
        start,
        variables,
        runner: as_whom,
    }
}

fn sets_variables(wrapper: &Wrapper) -> bool {
    matches!(wrapper.name, "env" | "sudo" | "doas")
}

/// `NAME=value`
fn variable(word: &Argument) -> Option<Assigned> {
    let text = word.text();
    let (name, _) = text.split_once('=')?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (!name.is_empty() && name.bytes().all(is_name)).then(|| Assigned {
        name: name.as_bytes().to_vec(),
        value: word.clone().behind(name.len() + 1),
        range: word.range.clone(),
        is_for_command: true,
    })
}

/// Where the program stands that a wrapper starts.
fn behind(wrapper: &Wrapper, words: &[Argument], mut at: usize) -> Option<usize> {
    let mut operands = wrapper.operands;
    while let Some(word) = words.get(at) {
        let text = word.text();
        if text == "--" {
            at += 1 + operands;
            break;
        } else if text == "-c" && wrapper.name == "flock" {
            // A command of its own in one word, which is not followed here.
            return None;
        } else if text.starts_with('-') && text.len() > 1 {
            at += 1 + usize::from(takes_next(wrapper, &text));
        } else if sets_variables(wrapper) && text.contains('=') && !text.starts_with('/') {
            at += 1;
        } else if operands > 0 {
            operands -= 1;
            at += 1;
        } else {
            break;
        }
    }
    Some(at.min(words.len()))
}

/// Whether an option's value is the next word: `--user`, `-u`, and also `-Hu`, but not `-ujoe`.
fn takes_next(wrapper: &Wrapper, text: &str) -> bool {
    let takes = |option: &str| wrapper.with_value.contains(&option);
    if text.starts_with("--") {
        return takes(text);
    }
    let letters = &text[1..];
    let first = letters
        .char_indices()
        .find(|(_, letter)| takes(&format!("-{letter}")));
    first.is_some_and(|(at, letter)| at + letter.len_utf8() == letters.len())
}
