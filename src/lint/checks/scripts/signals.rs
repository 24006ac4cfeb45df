//! What scripts do to running daemons, and what daemons undo.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::ScriptSubject,
    },
    model::script::{Argument, Call},
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY773", hang_up_for_reload),
    Check::script("RSY774", limit_overwritten),
];

/// RSY773: rsync has no handler that reads anything anew; it ends.
fn hang_up_for_reload(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let calls = &subject.script.calls;
    for (index, call) in calls.iter().enumerate() {
        let Some(signal) = hang_up(call) else {
            continue;
        };
        let from = call.pipe_from.and_then(|from| calls.get(from));
        let ranges = [Some(call), from].into_iter().flatten();
        let mut texts = ranges.map(|call| subject.bytes(call.range.clone()));
        if !texts.any(names_rsync) {
            continue;
        }
        // Whoever starts it again wanted to end it.
        let is_started = calls[index + 1..].iter().any(|call| {
            let starts = |word: &Argument| matches!(&*word.text(), "--daemon" | "start" | "restart");
            call.arguments().iter().any(starts) && names_rsync(subject.bytes(call.range.clone()))
        });
        if !is_started {
            out.report(Case::at(subject.span(signal.range.clone())).variant("script"));
        }
    }
}

/// The word by which a call sends SIGHUP.
fn hang_up(call: &Call) -> Option<&Argument> {
    let words = &call.words;
    let is_kill = |word: &Argument| {
        let text = word.text();
        let name = text.rsplit('/').next().unwrap_or_default();
        matches!(name, "kill" | "pkill" | "killall")
    };
    let kill = words.iter().position(is_kill)?;
    if kill > 0 && call.program() != "xargs" {
        return None;
    }
    let is_signal = |text: &str| {
        let name = text.to_ascii_uppercase();
        matches!(name.strip_prefix("SIG").unwrap_or(&name), "HUP" | "1")
    };
    words.iter().enumerate().skip(kill + 1).find_map(|(index, word)| {
        let text = word.text();
        let is_named = text.strip_prefix("--signal=").is_some_and(is_signal);
        let is_option = text.strip_prefix('-').is_some_and(is_signal);
        let before = words[index - 1].text();
        let is_value = matches!(&*before, "-s" | "-n" | "--signal") && is_signal(&text);
        (is_named || is_option || is_value).then_some(word)
    })
}

/// Whether a text names rsync, and not a program whose name ends so.
fn names_rsync(text: &[u8]) -> bool {
    const NAME: &[u8] = b"rsync";
    let mut places = text
        .windows(NAME.len())
        .enumerate()
        .filter(|(_, part)| *part == NAME);
    places.any(|(at, _)| at == 0 || !text[at - 1].is_ascii_alphanumeric())
}

/// RSY774: sersync writes two limits of inotify at each of its starts, whatever they were.
fn limit_overwritten(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    const LIMITS: [(&str, &str); 2] = [("max_user_watches", "50000000"), ("max_queued_events", "327679")];
    let calls = &subject.script.calls;
    let mut starts = calls.iter();
    let Some(start) = starts.find(|call| matches!(&*call.program(), "sersync2" | "sersync")) else {
        return;
    };
    for call in calls {
        let text = subject.bytes(call.range.clone());
        // Who only reads it sets nothing.
        let sets = matches!(&*call.program(), "sysctl" | "echo" | "printf" | "tee" | "sed")
            && text.contains(&b'=')
            || text.contains(&b'>');
        for (limit, value) in LIMITS {
            let place = text
                .windows(limit.len())
                .position(|part| part == limit.as_bytes());
            if let Some(at) = place.filter(|_| sets) {
                let at = call.range.start + at;
                out.report(
                    Case::at(subject.span(at..at + limit.len()))
                        .also(subject.span(start.words[0].range.clone()), "start")
                        .with("limit", limit)
                        .with("value", value),
                );
            }
        }
    }
}
