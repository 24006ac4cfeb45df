mod text;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

pub use text::BaselineError;

use crate::{
    diagnosis::Finding,
    lint::{
        engine::Report,
        fingerprint::Fingerprints,
        options::Options,
        outcome,
        report::{Case, Findings, Reporter},
    },
    terms::{Bytes, Source, Span},
};

/// Findings that are known and not shown again: how often which rule finds something in which line of which file. The
/// lines are named by fingerprints, so that they may move, and no password can be read from them.
#[derive(Debug, Default)]
pub struct Baseline {
    entries: Vec<Entry>,
}

/// A line of the text.
#[derive(Debug)]
struct Entry {
    key: Key,
    count: usize,
    /// Where it stands in the text.
    range: Range<usize>,
}

/// What is known, in the order of the text.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Key {
    file: String,
    rule: String,
    fingerprint: u64,
}

/// Where a baseline lies among the files.
pub struct Place<'a> {
    /// How reports call the baseline.
    pub name: &'a str,
    /// How the baseline calls a file that a report calls so.
    pub name_of: &'a dyn Fn(&str) -> String,
    /// Whether a file that the baseline calls so may be there.
    pub may_exist: &'a dyn Fn(&str) -> bool,
}

/// A baseline beside what is found today.
#[derive(Debug)]
pub struct Compared {
    /// The baseline without what is found no more.
    pub shrunk: Baseline,
    /// The baseline with all that is found.
    pub whole: Baseline,
    /// How many findings are in `whole` and not in the baseline.
    pub new: usize,
    stale: Vec<Stale>,
}

/// An entry that allows more than is found.
#[derive(Debug)]
struct Stale {
    entry: usize,
    found: usize,
    is_file_gone: bool,
}

impl Baseline {
    /// How many findings it keeps back.
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.count).sum()
    }

    /// Takes what the baseline knows out of a report, and says what has become of the baseline. What was not checked
    /// this time stays in it.
    pub fn compare(&self, report: &mut Report, options: &Options, place: &Place<'_>) -> Compared {
        let found = found(report, place);
        let judged = Judged::new(report, options, place);
        let mut left = found.clone();
        let mut known = BTreeMap::new();
        let mut whole = found;
        let mut shrunk = BTreeMap::new();
        let mut stale = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let left = left.get_mut(&entry.key);
            let matched = left.as_ref().map_or(0, |left| entry.count.min(**left));
            if let Some(left) = left {
                *left -= matched;
            }
            *known.entry(entry.key.clone()).or_insert(0) += matched;
            let kept = match judged.verdict(&entry.key, place) {
                Verdict::NotChecked => {
                    *whole.entry(entry.key.clone()).or_default() += entry.count - matched;
                    entry.count
                }
                verdict => {
                    if matched < entry.count {
                        stale.push(Stale {
                            entry: index,
                            found: matched,
                            is_file_gone: verdict == Verdict::FileGone,
                        });
                    }
                    matched
                }
            };
            *shrunk.entry(entry.key.clone()).or_default() += kept;
        }
        let new = left.values().sum();
        keep_back(report, known, place);
        Compared {
            shrunk: shrunk.into(),
            whole: whole.into(),
            new,
            stale,
        }
    }

    /// Reports the entries that allow more than is found, at their places in the text that was read.
    pub fn report_stale(
        &self,
        compared: &Compared,
        text: impl Into<Bytes>,
        report: &mut Report,
        options: &Options,
        place: &Place<'_>,
    ) {
        const RULE: &str = "RSY005";
        if compared.stale.is_empty() || !options.wants(RULE) {
            return;
        }
        let source = report.sources.add(Source::new(place.name, text));
        let mut findings = Findings::default();
        let mut reporter = Reporter::new(RULE, &mut findings, &mut report.unchecked);
        for stale in &compared.stale {
            let entry = &self.entries[stale.entry];
            let mut case = Case::at(Span::new(source, entry.range.clone()))
                .with("rule", &entry.key.rule)
                .with("file", &entry.key.file)
                .with("count", entry.count.to_string())
                .with("found", stale.found.to_string());
            if stale.is_file_gone {
                case = case.variant("file");
            } else if stale.found > 0 {
                case = case.variant("fewer");
            }
            reporter.report(case);
        }
        for finding in &mut findings.kept {
            options.choose(finding.page, &mut finding.severity);
        }
        report.findings.extend(findings.kept);
    }
}

impl From<BTreeMap<Key, usize>> for Baseline {
    fn from(counts: BTreeMap<Key, usize>) -> Self {
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let entries = counts.map(|(key, count)| Entry {
            key,
            count,
            range: 0..0,
        });
        Self {
            entries: entries.collect(),
        }
    }
}

/// What a run can say of an entry.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Checked,
    FileGone,
    NotChecked,
}

/// What was checked.
struct Judged<'a> {
    options: &'a Options,
    files: BTreeSet<String>,
    /// The rules that were not checked somewhere.
    unchecked: BTreeSet<&'static str>,
}

impl<'a> Judged<'a> {
    fn new(report: &Report, options: &'a Options, place: &Place<'_>) -> Self {
        let sources = report.sources.iter();
        Self {
            options,
            files: sources
                .map(|(_, source)| (place.name_of)(source.name()))
                .collect(),
            unchecked: report.unchecked.iter().filter_map(|one| one.rule).collect(),
        }
    }

    fn verdict(&self, key: &Key, place: &Place<'_>) -> Verdict {
        let is_checked = self.options.wants(&key.rule) && !self.unchecked.contains(key.rule.as_str());
        match self.files.contains(&key.file) {
            true if is_checked => Verdict::Checked,
            false if !(place.may_exist)(&key.file) => Verdict::FileGone,
            _ => Verdict::NotChecked,
        }
    }
}

/// How often what is found.
fn found(report: &Report, place: &Place<'_>) -> BTreeMap<Key, usize> {
    let mut keys = Keys::new(report, place);
    let mut found = BTreeMap::new();
    for finding in &report.findings {
        for span in finding.spans() {
            *found.entry(keys.next(finding, span)).or_default() += 1;
        }
    }
    found
}

/// Takes the first findings of each key out of a report.
fn keep_back(report: &mut Report, mut known: BTreeMap<Key, usize>, place: &Place<'_>) {
    let mut keys = Keys::new(report, place);
    let mut is_known = |finding: &Finding, span| {
        let left = known.get_mut(&keys.next(finding, span)).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    };
    let mut known = Vec::new();
    for finding in &report.findings {
        known.extend(finding.spans().map(|span| is_known(finding, span)));
    }
    report.baselined = known.iter().filter(|known| **known).count();
    let mut known = known.into_iter();
    report
        .findings
        .retain_mut(|finding| finding.retain(|_| !known.next().unwrap_or_default()) > 0);
    report.findings.sort_by_key(outcome::place);
}

/// Names one finding after the other, in the order of the report.
struct Keys<'a> {
    report: &'a Report,
    place: &'a Place<'a>,
    fingerprints: Fingerprints,
}

impl<'a> Keys<'a> {
    fn new(report: &'a Report, place: &'a Place<'a>) -> Self {
        Self {
            report,
            place,
            fingerprints: Fingerprints::default(),
        }
    }

    fn next(&mut self, finding: &Finding, span: Span) -> Key {
        let sources = &self.report.sources;
        let source = sources.get(span.source);
        Key {
            file: (self.place.name_of)(source.name()),
            rule: finding.page.id.to_owned(),
            fingerprint: self.fingerprints.next(sources, finding.page.id, span).hash,
        }
    }
}
