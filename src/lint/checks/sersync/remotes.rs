//! `localpath` and its `remote`s: what is pushed where.

use std::collections::HashMap;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::{LocalPath, Remote, Setting},
    terms::{SourceId, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY904", several_localpaths),
    Check::sersync("RSY905", no_remote),
    Check::sersync("RSY910", same_module_twice),
];

/// Deeper than any folder of a module that is pushed to.
const DEEPEST: usize = 64;

/// RSY904: sersync reads the first `localpath` and no other.
fn several_localpaths(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let paths = subject.configuration.sersync.iter().flat_map(|s| &s.localpaths);
    let mut paths = paths.peekable();
    let Some(first) = paths.next() else {
        return;
    };
    for further in paths {
        let name = |path: &LocalPath| {
            path.watch
                .as_ref()
                .map(|watch| watch.value.display().into_owned())
        };
        let at = further.watch.as_ref().map_or_else(
            || subject.span(further.place.tag.clone()),
            |watch| subject.value(watch),
        );
        out.report(
            Case::at(at)
                .also(subject.span(first.place.tag.clone()), "first")
                .with("watch", name(further).unwrap_or_default())
                .with("first", name(first).unwrap_or_default()),
        );
    }
}

/// RSY905: without a host and a module to push to, sersync ends.
fn no_remote(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(path) = subject.configuration.localpath() else {
        return;
    };
    if path.remotes.is_empty() {
        let case = Case::at(subject.span(path.place.tag.clone()));
        out.report(match path.commented_out.first() {
            Some(remote) => case
                .variant("commented-out")
                .also(subject.span(remote.place.range.clone()), "comment"),
            None => case,
        });
    }
    for remote in &path.remotes {
        for (attribute, setting) in [("ip", &remote.ip), ("name", &remote.name)] {
            if let Some(setting) = setting.as_ref().filter(|setting| setting.value.is_empty()) {
                let case = Case::at(subject.value(setting)).variant("empty");
                out.report(case.with("attribute", attribute));
            }
        }
    }
}

/// RSY910: two trees that are pushed to one place delete each other's files. Another file's host of another name is
/// another host; in one file it may well be the same one.
fn same_module_twice(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let deletes = subject.configuration.deletes();
    let mut elsewhere = Taken::default();
    for file in subject.earlier {
        if deletes || file.configuration.deletes() {
            let path = file.configuration.localpath();
            for target in path.into_iter().flat_map(|path| targets(file.source, path)) {
                elsewhere.take(target.ip, target);
            }
        }
    }
    let mut here = Taken::default();
    let paths = subject.configuration.sersync.iter().flat_map(|s| &s.localpaths);
    for target in paths.flat_map(|path| targets(subject.source, path)) {
        let in_file = here.clash(b"", &target).filter(|_| deletes);
        if let Some(other) = in_file.or_else(|| elsewhere.clash(target.ip, &target)) {
            out.report(clash(&target, other));
        }
        here.take(b"", target);
    }
}

fn clash(target: &Target<'_>, other: &Target<'_>) -> Case {
    let case = Case::at(target.span)
        .also(other.span, "other")
        .with("module", String::from_utf8_lossy(target.module))
        .with("watch", String::from_utf8_lossy(target.watch))
        .with("other", String::from_utf8_lossy(other.watch));
    match other.ip == target.ip {
        true => case,
        false => case
            .variant("other-address")
            .with("ip", String::from_utf8_lossy(target.ip)),
    }
}

/// The places that are pushed to, by host and path. Of each place two trees are kept: one of them is always another
/// tree than the one that is asked about.
#[derive(Default)]
struct Taken<'a> {
    at: HashMap<Place<'a>, Vec<Target<'a>>>,
    below: HashMap<Place<'a>, Vec<Target<'a>>>,
}

/// A host, and a module with what stands behind it.
type Place<'a> = (&'a [u8], &'a [u8]);

impl<'a> Taken<'a> {
    fn take(&mut self, host: &'a [u8], target: Target<'a>) {
        for outer in target.enclosing() {
            keep(self.below.entry((host, outer)).or_default(), target);
        }
        keep(self.at.entry((host, target.module)).or_default(), target);
    }

    /// Another tree that is pushed to the same place, to one inside it, or to one that holds it.
    fn clash(&self, host: &'a [u8], target: &Target<'a>) -> Option<&Target<'a>> {
        let outer = target.enclosing().filter_map(|outer| self.at.get(&(host, outer)));
        let inner = self.below.get(&(host, target.module));
        let mut others = outer.chain(inner).flatten();
        others.find(|other| other.watch != target.watch)
    }
}

fn keep<'a>(targets: &mut Vec<Target<'a>>, target: Target<'a>) {
    if targets.len() < 2 && targets.iter().all(|other| other.watch != target.watch) {
        targets.push(target);
    }
}

/// A place that a tree is pushed to.
#[derive(Clone, Copy)]
struct Target<'a> {
    watch: &'a [u8],
    ip: &'a [u8],
    module: &'a [u8],
    span: Span,
}

impl<'a> Target<'a> {
    /// The places that hold this one, itself included.
    fn enclosing(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let module = self.module;
        let slashes = (0..module.len()).filter(move |&at| module[at] == b'/');
        let outer = slashes.take(DEEPEST).map(move |at| &module[..at]);
        outer.chain([module])
    }
}

fn targets(source: SourceId, path: &LocalPath) -> impl Iterator<Item = Target<'_>> {
    let trimmed = |setting: &'_ Setting| -> usize {
        let bytes = setting.value.bytes();
        bytes
            .iter()
            .rposition(|&byte| byte != b'/')
            .map_or(0, |last| last + 1)
    };
    path.remotes.iter().filter_map(move |remote: &Remote| {
        let (watch, ip, name) = (path.watch.as_ref()?, remote.ip.as_ref()?, remote.name.as_ref()?);
        (!name.value.is_empty()).then(|| Target {
            watch: &watch.value.bytes()[..trimmed(watch)],
            ip: ip.value.bytes(),
            module: &name.value.bytes()[..trimmed(name)],
            span: Span::new(source, name.range.clone()),
        })
    })
}
