//! Loops that push what inotifywait reports.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    lint::{
        checks::{
            Check,
            scripts::{
                events::{Watcher, the_first, watchers},
                targets::shown,
            },
        },
        report::{Case, Reporter},
        scripts::{ScriptSubject, Transfer},
    },
    model::script::{Argument, Block, Call, PipeTo, Stream, UNKNOWN},
    terms::Target,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY984", loop_gets_nothing),
    Check::script("RSY985", watch_without_folders_below),
    Check::script("RSY986", names_broken_by_shell),
    Check::script("RSY986", names_taken_apart),
    Check::script("RSY988", own_file_inside_watch),
    Check::script("RSY989", whole_tree_for_each_event),
    Check::script("RSY959", push_without_end),
];

/// RSY984: what goes into a file, or from another process, does not go into the pipe.
fn loop_gets_nothing(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for watcher in watchers(subject, out) {
        if watcher.call.pipe_to != Some(PipeTo::Loop) {
            continue;
        }
        let is_streaming = watcher.has("-m", "--monitor");
        let outfile = watcher.value("-o", "--outfile");
        let place = |word: &Argument| subject.span(word.range.clone());
        if let Some((word, path)) = outfile {
            let case = Case::at(place(word)).with("path", shown(path));
            out.report(case);
        } else if let Some((range, path)) = redirected(watcher.call) {
            let case = Case::at(subject.span(range)).variant("redirected");
            out.report(case.with("path", path));
        } else if !is_streaming
            && watcher.call.is_complete()
            && !watcher.has("-d", "--daemon")
            && !is_in_endless(watcher.call)
        {
            out.report(Case::at(place(&watcher.call.words[0])).variant("once"));
        }
    }
}

/// Where a call's own redirection sends its output, which a pipe behind it then does not get.
fn redirected(call: &Call) -> Option<(Range<usize>, String)> {
    let (range, path) = match &call.output {
        Stream::File(file) => (file.range.clone(), shown(&file.text())),
        Stream::Discarded(range) => (range.clone(), "/dev/null".to_owned()),
        Stream::Inherited => return None,
    };
    // A redirection of the whole script comes before the pipe, and the pipe wins.
    let is_own = call.range.start <= range.start && range.end <= call.range.end;
    is_own.then_some((range, path))
}

fn is_in_endless(call: &Call) -> bool {
    let is_loop = |block: &Block| {
        matches!(
            block,
            Block::While { .. } | Block::For { .. } | Block::Function(_)
        )
    };
    call.blocks.iter().any(is_loop)
}

/// RSY985: without `-r` the folders below are not watched.
fn watch_without_folders_below(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let recursive = subject
        .transfers()
        .filter(|transfer| transfer.has("archive") || transfer.has("recursive"));
    let trees: BTreeSet<String> = recursive.flat_map(|transfer| local_sources(&transfer)).collect();
    for watcher in watchers(subject, out) {
        if watcher.has("-r", "--recursive") || !watcher.call.is_complete() {
            continue;
        }
        let pushes_tree = |root: &str| trees.iter().any(|tree| is_same_folder(tree, root));
        if let Some(root) = watcher.roots.iter().find(|root| pushes_tree(&root.text())) {
            let case = Case::at(subject.span(watcher.call.words[0].range.clone()));
            out.report(case.with("path", shown(&root.text())));
        }
    }
}

fn local_sources(transfer: &Transfer<'_>) -> Vec<String> {
    let mut targets: Vec<_> = transfer.targets().collect();
    targets.pop();
    let local = targets.into_iter().filter_map(|(_, target)| match target {
        Target::Local(path) => Some(path.clone()),
        _ => None,
    });
    local.collect()
}

fn is_same_folder(one: &str, other: &str) -> bool {
    let plain = |path: &str| path.trim_end_matches('/').to_owned();
    !one.contains(UNKNOWN) && one.starts_with('/') && plain(one) == plain(other)
}

/// A transfer in a loop that reads what an inotifywait reports.
struct Fed<'a> {
    transfer: Transfer<'a>,
    watcher: Watcher<'a>,
    /// The whole loop.
    range: Range<usize>,
    /// The `read` of the loop.
    read: Option<&'a Call>,
}

fn fed<'a>(subject: &ScriptSubject<'a>, out: &mut Reporter<'_>) -> Vec<Fed<'a>> {
    let calls = &subject.script.calls;
    let reads: Vec<&Call> = subject.script.calls_of("read").collect();
    let transfers = subject.transfers().filter_map(|transfer| {
        let (range, feeder) = transfer.call.blocks.iter().rev().find_map(|block| match block {
            Block::While {
                range,
                fed_by: Some(feeder),
                ..
            } => Some((range.clone(), *feeder)),
            _ => None,
        })?;
        let feeder = calls.get(feeder).filter(|call| call.program() == "inotifywait")?;
        let is_inside = |call: &&&Call| range.start <= call.range.start && call.range.end <= range.end;
        let reads = reads.iter().filter(is_inside).copied();
        Some(Fed {
            read: reads.min_by_key(|call| call.range.start),
            watcher: Watcher::read(feeder),
            transfer,
            range,
        })
    });
    the_first(transfers, subject, out)
}

impl Fed<'_> {
    /// The places at which a transfer uses what the loop has read.
    fn uses(&self, subject: &ScriptSubject<'_>) -> Vec<(Range<usize>, bool)> {
        let names: Vec<String> = self.read.map(names).unwrap_or_default();
        let pieces = self
            .transfer
            .call
            .arguments()
            .iter()
            .flat_map(|word| &word.pieces);
        let used = pieces.filter_map(|piece| {
            let name = String::from_utf8_lossy(subject.bytes(piece.variable.clone()?)).into_owned();
            names
                .contains(&name)
                .then(|| (piece.range.clone(), piece.is_quoted))
        });
        used.collect()
    }

    /// The calls of the loop.
    fn calls<'b>(&'b self, subject: &'b ScriptSubject<'_>) -> impl Iterator<Item = &'b Call> {
        let range = &self.range;
        let calls = subject.script.calls.iter();
        calls.filter(move |call| range.start <= call.range.start && call.range.end <= range.end)
    }
}

/// The variables that a `read` sets.
fn names(read: &Call) -> Vec<String> {
    let words = read.arguments().iter().map(Argument::text);
    words.filter(|word| !word.starts_with('-')).collect()
}

/// RSY986: names with blanks or backslashes do not come through.
fn names_broken_by_shell(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for fed in fed(subject, out) {
        let uses = fed.uses(subject);
        if let Some((range, _)) = uses.iter().find(|(_, is_quoted)| !is_quoted) {
            let case = Case::at(subject.span(range.clone()));
            out.report(case.with("text", subject.sources.text(subject.span(range.clone()))));
            continue;
        }
        let Some(read) = fed.read.filter(|_| !uses.is_empty()) else {
            continue;
        };
        let is_raw = read.arguments().iter().any(|word| {
            let text = word.text();
            text.starts_with('-') && text.contains('r')
        });
        let keeps_blanks = read.environment.iter().any(|assigned| assigned.name == b"IFS");
        let count = names(read).len();
        if !is_raw || !keeps_blanks && count == 1 {
            out.report(Case::at(subject.span(read.range.clone())).variant("read"));
        }
    }
}

/// RSY986: what a command prints is taken apart at each blank.
fn names_taken_apart(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = Vec::new();
    for transfer in subject.transfers() {
        for block in transfer.call.blocks.iter() {
            let Block::For { range } = block else { continue };
            let Some((name, list)) = listed_names(subject.bytes(range.clone())) else {
                continue;
            };
            let mut pieces = transfer.call.arguments().iter().flat_map(|word| &word.pieces);
            let is_used = pieces.any(|piece| {
                let variable = piece.variable.clone();
                variable.is_some_and(|variable| subject.bytes(variable) == name)
            });
            let place = range.start + list.start..range.start + list.end;
            if is_used && !seen.contains(&place) {
                let text = subject.sources.text(subject.span(place.clone()));
                let program = text.trim_start_matches(['$', '(', '`', ' ']);
                let program = program.split_whitespace().next().unwrap_or_default().to_owned();
                let case = Case::at(subject.span(place.clone())).variant("list");
                out.report(case.with("text", text).with("program", program));
                seen.push(place);
            }
        }
    }
}

/// The variable of `for NAME in $(find …)`, and where the list stands.
fn listed_names(text: &[u8]) -> Option<(&[u8], Range<usize>)> {
    let line = &text[..text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())];
    let skip_blanks = |at: usize| {
        at + line[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    };
    let start = skip_blanks(line.starts_with(b"for").then_some(3)?);
    let length = line[start..].iter().position(u8::is_ascii_whitespace)?;
    let name = &line[start..start + length];
    let at = skip_blanks(start + length);
    let at = skip_blanks(line[at..].starts_with(b"in").then_some(at + 2)?);
    let end = match line.get(at..at + 2)? {
        b"$(" => at + 1 + line[at..].iter().rposition(|&byte| byte == b')')?,
        [b'`', _] => at + 1 + line[at..].iter().rposition(|&byte| byte == b'`')?,
        _ => return None,
    };
    let command = line[at..end].trim_ascii_start();
    let command = command
        .strip_prefix(b"$(")
        .or_else(|| command.strip_prefix(b"`"))?
        .trim_ascii_start();
    [&b"find "[..], b"ls "]
        .iter()
        .any(|program| command.starts_with(program))
        .then_some((name, at..end))
}

/// RSY988: each push writes into what is watched, which is the next event.
fn own_file_inside_watch(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = Vec::new();
    for fed in fed(subject, out) {
        let excludes = ["--exclude", "--excludei", "--include", "--includei"];
        let has_exception = excludes
            .iter()
            .any(|name| fed.watcher.value(name, name).is_some())
            || fed.watcher.roots.iter().any(|root| root.text().starts_with('@'));
        if has_exception {
            continue;
        }
        let roots: Vec<String> = fed.watcher.roots.iter().map(|root| root.text()).collect();
        let option = |name| {
            let given = fed.transfer.invocation.option(name)?;
            let word = given.value_word.unwrap_or(given.word);
            Some((given.value.clone()?, fed.transfer.word(word).range.clone()))
        };
        let log = option("log-file").map(|(path, range)| ("file", path, range));
        let password = option("password-file").map(|(path, range)| ("password", path, range));
        let script = subject.path.map(|path| {
            let watch = fed.watcher.call.words[0].range.clone();
            ("script", path.display().to_string(), watch)
        });
        let files = fed.calls(subject).filter_map(|call| {
            let file = call.output_file()?;
            Some(("file", file.text(), file.range.clone()))
        });
        for (variant, path, range) in files.chain(log).chain(password).chain(script) {
            let root = roots.iter().find(|root| is_below(&path, root));
            let Some(root) = root.filter(|_| !seen.contains(&range)) else {
                continue;
            };
            let case = Case::at(subject.span(range.clone())).variant(variant);
            out.report(case.with("path", shown(&path)).with("root", shown(root)));
            seen.push(range);
        }
    }
}

fn is_below(path: &str, root: &str) -> bool {
    let root = root.trim_end_matches('/');
    !root.is_empty()
        && root.starts_with('/')
        && !root.contains(UNKNOWN)
        && path.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

/// RSY989: a thousand events are a thousand comparisons of everything.
fn whole_tree_for_each_event(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = Vec::new();
    for fed in fed(subject, out) {
        let is_streaming = fed.watcher.has("-m", "--monitor");
        let collects = fed
            .calls(subject)
            .any(|call| matches!(&*call.program(), "sleep" | "timeout"))
            || fed.calls(subject).any(|call| {
                call.program() == "read" && call.arguments().iter().any(|word| word.text().starts_with("-t"))
            });
        let root = fed.watcher.roots.iter().map(|root| root.text()).find(|root| {
            let sources = local_sources(&fed.transfer);
            sources
                .iter()
                .any(|source| is_same_folder(source, root) || is_below(root, source))
        });
        let Some(root) = root.filter(|_| is_streaming && !collects) else {
            continue;
        };
        // A list of names is not the whole tree.
        if fed.transfer.has("files-from") {
            continue;
        }
        // Several targets in one loop are one mistake.
        if !fed.uses(subject).is_empty() || seen.contains(&fed.range) {
            continue;
        }
        let case = Case::at(subject.span(fed.transfer.call.words[0].range.clone()));
        out.report(case.with("path", shown(&root)));
        seen.push(fed.range);
    }
}

/// RSY959: one connection that hangs stops a loop for good; one that is put into the background piles up.
fn push_without_end(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let fed: Vec<_> = fed(subject, out)
        .into_iter()
        .map(|fed| fed.transfer.call.range.clone())
        .collect();
    for transfer in subject.transfers() {
        let call = transfer.call;
        let is_fed = fed.contains(&call.range);
        let is_endless = call
            .blocks
            .iter()
            .any(|block| matches!(block, Block::While { is_endless: true, .. }));
        let program = || Case::at(subject.span(call.words[0].range.clone()));
        if is_fed && call.is_background && !call.holds_lock {
            out.report(program().variant("background"));
            continue;
        }
        let is_limited = transfer.has("timeout") || call.wrappers.iter().any(|name| name == "timeout");
        let peer = transfer
            .targets()
            .find(|(_, target)| matches!(target, Target::Daemon(_)));
        if (is_fed || is_endless) && !is_limited && !transfer.may_have_more_options() && peer.is_some() {
            out.report(program());
        }
    }
}
