//! A command line that is carried out to the letter, and copies nothing, or to another place than its names look like.

use crate::{
    catalog::Severity,
    doctor::{
        Cause, Check, Report, Stage, Urgency,
        client::{Client, TYPED, corrected, server::would_do},
    },
    probe::{self, Step, command},
    terms::{Target, without_password},
};

/// A command line that is not made to copy, or hides all of its source; its kinds of cases.
const COPIES_NOTHING: &str = "RSY626";

/// Options whose rules hide names of the source.
const RULES: [&str; 6] = [
    "exclude",
    "exclude-from",
    "include",
    "include-from",
    "filter",
    "cvs-exclude",
];

/// Looks at a command line that ends well; whether the list of its files `is_empty`.
pub(super) fn look(client: &Client<'_>, is_empty: bool, stage: &mut Stage, report: &mut Report) {
    let found = [
        tries_only(client),
        lists_only(client),
        is_empty.then(|| hides_all(client)).flatten(),
        one_deeper(client),
    ];
    for cause in found.into_iter().flatten() {
        if cause.severity >= Severity::Warning {
            stage.warn();
        }
        report.causes.push(cause);
    }
}

/// `-n` is left in.
fn tries_only(client: &Client<'_>) -> Option<Cause> {
    if !client.has("dry-run") {
        return None;
    }
    let fact = "--dry-run".to_owned();
    let cause = client.cause(COPIES_NOTHING, Check::CommandLine, TYPED.as_ref(), vec![], fact);
    let line = corrected::without(&client.setup.words, "dry-run");
    Some(cause.of_kind("dry-run").at(Urgency::Later).typing(vec![line]))
}

/// A source alone, which is listed (`list_only` in main.c).
fn lists_only(client: &Client<'_>) -> Option<Cause> {
    let [Target::Daemon(source)] = &client.invocation.targets[..] else {
        return None;
    };
    if source.path.is_empty() || client.has("list-only") {
        return None;
    }
    let fact = "the command line names one place".to_owned();
    let cause = client.cause(COPIES_NOTHING, Check::CommandLine, TYPED.as_ref(), vec![], fact);
    Some(cause.of_kind("list").at(Urgency::Later))
}

/// Rules of its own that leave nothing of the source, where files come without them.
fn hides_all(client: &Client<'_>) -> Option<Cause> {
    let given: Vec<_> = RULES.into_iter().filter(|rule| client.has(rule)).collect();
    let first = given.first()?;
    let without = |words: Vec<String>| {
        let fold = |words: Vec<String>, rule: &&str| corrected::words_without(&words, rule);
        given.iter().fold(words, fold)
    };
    let probed = would_do(client, without(client.words_for_us()))?;
    let mut facts = probed.stage(Step::List).facts.iter();
    let count = facts.find_map(|fact| match fact {
        probe::Fact::Files(count @ 1.., _) => Some(*count),
        _ => None,
    })?;
    let arguments = vec![("option", format!("--{first}")), ("count", count.to_string())];
    let fact = format!("files in the list without the rules of the command line: {count}");
    let cause = client.cause(COPIES_NOTHING, Check::Server, TYPED.as_ref(), arguments, fact);
    Some(cause.of_kind("rules"))
}

/// A folder without a slash that goes to a folder of its name: it goes below that (`send_file_list` in flist.c keeps the last
/// part of such a path).
fn one_deeper(client: &Client<'_>) -> Option<Cause> {
    let [source, destination] = &client.invocation.targets[..] else {
        return None;
    };
    let is_recursive = client.has("archive") || client.has("recursive");
    if !is_recursive || client.has("relative") || client.has("files-from") {
        return None;
    }
    // A module alone is its folder's content, as if a slash stood behind it.
    let path = match source {
        Target::Daemon(remote) => remote.path.split_once('/')?.1,
        Target::Local(path) => path,
        Target::Shell(_) => return None,
    };
    let above = match destination {
        Target::Daemon(remote) => &remote.path,
        Target::Local(path) => path,
        Target::Shell(_) => return None,
    };
    let folder = path.rsplit('/').next()?;
    let name = above.trim_end_matches('/').rsplit('/').next()?;
    if folder != name || ["", ".", ".."].contains(&folder) {
        return None;
    }
    let slashed = |mut words: Vec<String>| {
        words[client.invocation.target_words[0]].push('/');
        words
    };
    // A file has no slash behind it: rsync fails then.
    if would_do(client, slashed(client.words_for_us()))?.exit != 0 {
        return None;
    }
    let word = |target: usize| without_password(&client.setup.words[client.invocation.target_words[target]]);
    let arguments = vec![
        ("word", word(0)),
        ("destination", word(1).trim_end_matches('/').to_owned()),
        ("folder", folder.to_owned()),
    ];
    let fact = format!("both end in `{folder}`");
    let mut cause = client.cause("RSY627", Check::CommandLine, TYPED.as_ref(), arguments, fact);
    cause.urgency = Urgency::Later;
    let mut words = slashed(client.setup.words.clone());
    if client
        .invocation
        .options
        .iter()
        .any(|given| given.name.starts_with("del"))
    {
        // What stands in the destination itself would go: that is to be seen first.
        words.insert(0, "-ni".to_owned());
    }
    Some(cause.typing(vec![command(&words)]))
}
