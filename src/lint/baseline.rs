use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
    ops::Range,
};

use crate::{
    diagnosis::Finding,
    lint::{
        engine::{Options, Report},
        fingerprint::Fingerprints,
        report::{Case, Findings, Reporter},
    },
    terms::{Bytes, Source, Span},
};

/// What the text begins with; the version follows.
const HEADING: &str = "rsyncctl baseline ";
/// The version of the text.
const VERSION: &str = "1";
/// What a stranger who finds the file should know.
const NOTE: &str =
    "# findings that were there before; `rsyncctl lint --update-baseline` takes out what is gone";

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

/// Why a text is no baseline; the line is 1-based.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BaselineError {
    line: usize,
    message: String,
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
    /// Reads a baseline. Entries may stand in any order and more than once, as after a merge.
    ///
    /// # Errors
    /// The first line that is none of a baseline.
    pub fn parse(text: &[u8]) -> Result<Self, BaselineError> {
        let mut baseline = Self::default();
        let mut start = 0;
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            let range = start..start + content.len();
            start += line.len();
            let read = if index == 0 {
                heading(content).map(|()| None)
            } else {
                entry(content, range)
            };
            let read = read.map_err(|message| BaselineError {
                line: index + 1,
                message,
            })?;
            baseline.entries.extend(read);
        }
        if start == 0 {
            return Err(BaselineError {
                line: 1,
                message: format!("the file is empty; a baseline begins with `{HEADING}{VERSION}`"),
            });
        }
        Ok(baseline)
    }

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

/// The text of a baseline: sorted, so that two of them differ where the findings do.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}{VERSION}\n{NOTE}")?;
        for Entry { key, count, .. } in &self.entries {
            let (rule, fingerprint, file) = (&key.rule, key.fingerprint, encoded(&key.file));
            writeln!(f, "{rule} {fingerprint:016x} {count} {file}")?;
        }
        Ok(())
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
        *found.entry(keys.next(finding)).or_default() += 1;
    }
    found
}

/// Takes the first findings of each key out of a report.
fn keep_back(report: &mut Report, mut known: BTreeMap<Key, usize>, place: &Place<'_>) {
    let mut keys = Keys::new(report, place);
    let is_known = |finding: &Finding| {
        let left = known.get_mut(&keys.next(finding)).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    };
    let is_known: Vec<bool> = report.findings.iter().map(is_known).collect();
    let mut kept_back = is_known.iter().copied();
    report.findings.retain(|_| !kept_back.next().unwrap_or_default());
    report.baselined = is_known.into_iter().filter(|known| *known).count();
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

    fn next(&mut self, finding: &Finding) -> Key {
        let sources = &self.report.sources;
        let source = sources.get(finding.labels[0].span.source);
        Key {
            file: (self.place.name_of)(source.name()),
            rule: finding.page.id.to_owned(),
            fingerprint: self.fingerprints.next(sources, finding).hash,
        }
    }
}

fn heading(line: &[u8]) -> Result<(), String> {
    match line.strip_prefix(HEADING.as_bytes()) {
        Some(version) if version == VERSION.as_bytes() => Ok(()),
        Some(version) => Err(format!(
            "the baseline has version `{}`, and this rsyncctl reads version {VERSION}; use the release that wrote it, or \
             delete it and write it anew with --write-baseline",
            version.escape_ascii()
        )),
        None => Err(format!(
            "this is no baseline: the first line is not `{HEADING}{VERSION}`"
        )),
    }
}

fn entry(line: &[u8], range: Range<usize>) -> Result<Option<Entry>, String> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    if [b"<<<<<<<", b"=======", b">>>>>>>"]
        .iter()
        .any(|mark| line.starts_with(*mark))
    {
        return Err(
            "this is left over from a merge; delete the lines of marks, and keep the entries of both sides"
                .to_owned(),
        );
    }
    let read = || {
        let mut words = std::str::from_utf8(line).ok()?.splitn(4, ' ');
        let rule = words.next().filter(|rule| is_rule(rule))?;
        let fingerprint = words.next().filter(|word| word.len() == 16)?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).ok()?;
        // So small that no sum of counts overflows.
        let count: u32 = words.next()?.parse().ok()?;
        let file = words.next().filter(|file| !file.is_empty()).and_then(decoded)?;
        let rule = rule.to_owned();
        Some(Entry {
            key: Key {
                file,
                rule,
                fingerprint,
            },
            count: count as usize,
            range,
        })
    };
    read().map(Some).ok_or_else(|| {
        "expected `RULE FINGERPRINT COUNT FILE`; delete the line, and what it kept back is shown again"
            .to_owned()
    })
}

fn is_rule(word: &str) -> bool {
    let digits = word.strip_prefix("RSY").unwrap_or_default();
    digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A file's name on one line.
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() || c == '%' {
            for byte in c.to_string().bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let digits = after.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Baseline::parse(&bytes);
            let _ = Baseline::parse(&[b"rsyncctl baseline 1\n", &bytes[..]].concat());
        }

        #[test]
        fn what_is_written_is_read_again(
            entries in proptest::collection::btree_map(
                ("\\PC{1,20}|[\\x00-\\x20%]{1,9}", 1..999_u32, any::<u64>()),
                1..99_usize,
                0..9,
            ),
        ) {
            let entries = entries.into_iter().map(|((file, rule, fingerprint), count)| {
                (Key { file, rule: format!("RSY{rule:03}"), fingerprint }, count)
            });
            let text = Baseline::from(entries.collect::<BTreeMap<_, _>>()).to_string();
            let again = Baseline::parse(text.as_bytes()).expect("a baseline");
            prop_assert_eq!(again.to_string(), text);
        }
    }
}
