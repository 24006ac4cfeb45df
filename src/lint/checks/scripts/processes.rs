//! Starting, watching and ending the daemons, and letting them through the firewall.

use std::collections::BTreeMap;

use crate::{
    catalog::{FileKind, Safety},
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::ScriptSubject,
    },
    model::script::{Argument, Block, Call},
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY998", watchdog_sees_itself),
    Check::script("RSY987", pid_file_left_behind),
    Check::script("RSY949", firewall_not_opened),
    Check::script("RSY958", started_again),
    Check::script("RSY735", container_ends),
];

/// The daemons that watchdogs look for.
const DAEMONS: [&str; 4] = ["rsync", "sersync", "inotify", "lsyncd"];

/// RSY998: `ps | grep X` finds the grep itself.
fn watchdog_sees_itself(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let calls = &subject.script.calls;
    let next: BTreeMap<usize, usize> = calls
        .iter()
        .enumerate()
        .filter_map(|(index, call)| Some((call.pipe_from?, index)))
        .collect();
    for (index, call) in calls.iter().enumerate() {
        let is_ps = call
            .pipe_from
            .is_some_and(|from| calls.get(from).is_some_and(|call| call.program() == "ps"));
        let Some(pattern) = grep_pattern(call).filter(|_| is_ps && !is_inverted(call)) else {
            continue;
        };
        let text = pattern.text();
        if !DAEMONS.iter().any(|name| text.contains(name)) || text.contains('[') {
            continue;
        }
        let mut at = index;
        let mut chain = Vec::new();
        while let Some(&following) = next
            .get(&at)
            .filter(|&&following| following > at && chain.len() < 8)
        {
            chain.push(&calls[following]);
            at = following;
        }
        let inverted: Vec<_> = chain
            .iter()
            .filter(|call| is_inverted(call))
            .filter_map(|call| grep_pattern(call))
            .collect();
        let removes_itself = inverted
            .iter()
            .any(|word| word.text().contains("grep") || word.text().contains("$$"));
        if removes_itself {
            continue;
        }
        let misspelt = inverted.iter().find(|word| {
            let distance = strsim::damerau_levenshtein(&word.text(), "grep");
            (1..=2).contains(&distance) && word.text().len() >= 3
        });
        let counts = chain
            .iter()
            .any(|call| call.program() == "wc" || call.arguments().iter().any(|word| word.is("-c")));
        if let Some(word) = misspelt {
            let place = subject.span(word.range.clone());
            let case = Case::at(place).with("word", word.text());
            out.report(case.fix(Safety::Safe, [Edit::replace(place, "grep")]));
        } else if counts && inverted.is_empty() {
            let case = Case::at(subject.span(call.range.clone())).variant("self");
            out.report(case.with("word", text));
        }
    }
}

/// What a grep looks for.
fn grep_pattern(call: &Call) -> Option<&Argument> {
    let is_grep = matches!(&*call.program(), "grep" | "egrep" | "fgrep");
    let mut words = call.arguments().iter().filter(|_| is_grep);
    words.find(|word| !word.text().starts_with('-'))
}

fn is_inverted(call: &Call) -> bool {
    let is_inversion = |text: String| text.starts_with('-') && !text.starts_with("--") && text.contains('v');
    call.arguments().iter().any(|word| is_inversion(word.text()))
}

/// RSY987: a killed daemon does not remove its pid file.
fn pid_file_left_behind(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let script = subject.script;
    let removes = script.calls_of("rm").any(|call| {
        let text = String::from_utf8_lossy(subject.bytes(call.range.clone())).into_owned();
        text.contains("pid") || call.arguments().iter().any(|word| word.text().contains("pid"))
    });
    let starts_daemon = script
        .calls_of("rsync")
        .any(|call| call.arguments().iter().any(|word| word.is("--daemon")));
    for call in script.calls.iter().filter(|_| !removes) {
        let words = call.words.iter().map(Argument::text).collect::<Vec<_>>();
        if let Some(signal) = kill_by_name(call).filter(|_| starts_daemon) {
            let place = subject.span(signal.range.clone());
            out.report(Case::at(place).fix(Safety::Unsafe, [Edit::replace(place, "-TERM")]));
        }
        let Some(kill) = words
            .iter()
            .position(|word| word.rsplit('/').next() == Some("kill"))
        else {
            continue;
        };
        if kill > 0 && call.program() != "xargs" {
            continue;
        }
        let signal = call.words[kill + 1..]
            .iter()
            .find(|word| matches!(&*word.text(), "-9" | "-KILL" | "-SIGKILL" | "-kill"));
        let from = call.pipe_from.and_then(|from| script.calls.get(from));
        let ranges = [Some(call.range.clone()), from.map(|call| call.range.clone())];
        let names_pid_file = ranges.into_iter().flatten().any(|range| {
            let text = String::from_utf8_lossy(subject.bytes(range)).into_owned();
            text.contains("rsync") && text.contains("pid")
        });
        if let Some(signal) = signal.filter(|_| names_pid_file) {
            let place = subject.span(signal.range.clone());
            out.report(Case::at(place).fix(Safety::Unsafe, [Edit::replace(place, "-TERM")]));
        }
    }
}

/// RSY735: a container lives as long as its first process, and a daemon that detaches ends that.
fn container_ends(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let Some(call) = subject
        .script
        .calls
        .last()
        .filter(|call| call.program() == "rsync")
    else {
        return;
    };
    let source = subject.sources.get(subject.source);
    let is_first_process = match subject.kind {
        FileKind::Dockerfile => {
            let line = source.line_range(source.line_of(call.range.start));
            let line = source.bytes()[line].trim_ascii_start().to_ascii_uppercase();
            line.starts_with(b"CMD") || line.starts_with(b"ENTRYPOINT")
        }
        // A script of another name may well hand over to a daemon that goes its own way.
        FileKind::Script => {
            let name = source.name().rsplit('/').next().unwrap_or_default().to_owned();
            name.contains("entrypoint")
                && call.blocks.is_empty()
                && call.wrappers.iter().any(|name| name == "exec")
        }
        _ => false,
    };
    let invocation = call.invocation();
    let detaches = invocation.option("daemon").is_some() && invocation.option("no-detach").is_none();
    if let Some(word) = call.arguments().iter().find(|word| word.is("--daemon"))
        && is_first_process
        && detaches
        && call.is_complete()
    {
        out.report(Case::at(subject.span(word.range.clone())));
    }
}

/// The `-9` of a `killall` or `pkill` of every rsync.
fn kill_by_name(call: &Call) -> Option<&Argument> {
    let kills = matches!(&*call.program(), "killall" | "pkill");
    let is_rsync = |word: &Argument| matches!(&*word.text(), "rsync" | "^rsync$" | "rsync --daemon");
    let names_rsync = call.arguments().iter().any(is_rsync);
    let is_signal = |word: &&Argument| matches!(&*word.text(), "-9" | "-KILL" | "-SIGKILL" | "-kill");
    call.arguments()
        .iter()
        .find(is_signal)
        .filter(|_| kills && names_rsync)
}

/// RSY949: a rule that is none, or that comes too late.
fn firewall_not_opened(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut closed: Option<&Call> = None;
    for call in &subject.script.calls {
        if !matches!(&*call.program(), "iptables" | "ip6tables") {
            continue;
        }
        let words: Vec<String> = call.arguments().iter().map(Argument::text).collect();
        let value = |names: &[&str]| {
            let at = words.iter().position(|word| names.contains(&word.as_str()))?;
            words.get(at + 1).map(String::as_str)
        };
        let is_for_rsync = value(&["--dport", "--dports", "--destination-port"]) == Some("873");
        let commands = [
            "-A",
            "-I",
            "-D",
            "-R",
            "-C",
            "--append",
            "--insert",
            "--delete",
            "--replace",
            "--check",
        ];
        let has_command = words.iter().any(|word| commands.contains(&word.as_str()));
        if is_for_rsync && !has_command && value(&["-i", "--in-interface"]) == Some("INPUT") {
            let word = &call.arguments()[words.iter().position(|word| word == "-i").unwrap_or(0)];
            let place = subject.span(word.range.clone());
            let case = unreachable(Case::at(place));
            out.report(case.fix(Safety::Unsafe, [Edit::replace(place, "-I")]));
            continue;
        }
        if value(&["-A", "--append"]) != Some("INPUT") {
            continue;
        }
        let verdict = value(&["-j", "--jump"]);
        let conditions = [
            "-p",
            "-s",
            "-d",
            "-i",
            "-m",
            "-o",
            "--protocol",
            "--source",
            "--in-interface",
            "--match",
        ];
        let is_for_all = !words.iter().any(|word| conditions.contains(&word.as_str()));
        match (closed, verdict) {
            (Some(closed), Some("ACCEPT")) if is_for_rsync => {
                let case = unreachable(Case::at(subject.span(call.range.clone()))).variant("late");
                out.report(case.also(subject.span(closed.range.clone()), "closed"));
            }
            (None, Some("DROP" | "REJECT")) if is_for_all && call.blocks.is_empty() => closed = Some(call),
            _ => {}
        }
    }
}

/// The server's name is not in its own script.
fn unreachable(case: Case) -> Case {
    case.with("host", "…").with("address", "…")
}

/// RSY958: a second daemon on the same port, or one more each time.
fn started_again(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut started: BTreeMap<String, &Call> = BTreeMap::new();
    for call in subject
        .script
        .calls
        .iter()
        .filter(|call| call.program() == "rsync")
    {
        let invocation = call.invocation();
        let is_sure = call.blocks.is_empty() && call.is_complete();
        if invocation.option("daemon").is_none() || !is_sure {
            continue;
        }
        let part = |name| {
            invocation
                .option(name)
                .and_then(|given| given.value.clone())
                .unwrap_or_default()
        };
        let what = format!("{}\n{}\n{}", part("config"), part("port"), part("address"));
        if let Some(first) = started.get(&what) {
            let case = Case::at(subject.span(call.range.clone()));
            out.report(case.also(subject.span(first.range.clone()), "first"));
        } else {
            started.insert(what, call);
        }
    }
    for call in subject
        .script
        .calls
        .iter()
        .filter(|call| matches!(&*call.program(), "sersync2" | "sersync"))
    {
        let innermost = call.blocks.last();
        let is_each_time = matches!(innermost, Some(Block::While { is_endless: true, .. }));
        let is_daemon = call
            .arguments()
            .iter()
            .any(|word| word.text().starts_with('-') && word.text().contains('d'));
        if is_each_time && (is_daemon || call.is_background) {
            out.report(Case::at(subject.span(call.words[0].range.clone())).variant("loop"));
        }
    }
}
