//! `--fix` and `--diff`: applies cures round by round, and leaves out those that would do harm.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use similar::TextDiff;

use crate::{
    catalog::{FileKind, Language, Safety},
    cli::{
        input::Hosts,
        lint::{File, inputs, uncovered::brings, unwritten::Unwritten},
        output::complain,
        replace::replace,
    },
    diagnosis::Finding,
    host::plain,
    lint::{self, Folders, HostFiles, Options, Report, fixed, is_curable},
    model::{access::strangers_gain, resolve},
    terms::{Bytes, Source, Sources},
};

/// Enough for cures that uncover each other; a file that still changes then is left as it is after the last round.
const MOST_ROUNDS: usize = 200;
/// How often the files are checked to find out which cures of a round do harm.
const MOST_TRIALS: usize = 300;
/// How many cures that were left out are told one by one.
const MOST_TOLD: usize = 10;

/// What is left when every cure that does no harm is applied.
pub(in crate::cli) struct Cured {
    pub(in crate::cli) report: Report,
    withheld: Vec<Withheld>,
}

/// A cure that was left out.
struct Withheld {
    rule: &'static str,
    file: String,
    /// 1-based, in the file with the cures.
    line: usize,
    why: Why,
}

/// Why a cure was left out.
enum Why {
    /// These rules would find more than before.
    Brings(BTreeSet<&'static str>),
    /// Strangers could do more than before.
    Opens,
    /// Others that do harm have used up the trials.
    Untried,
}

/// Applies the cures to the files' contents in memory until there is none left.
///
/// Causes that hide others come last, and what they hid may then be found, see [`brings`]. Any other cure that lets a rule
/// find more than before is left out, and so is every safe one by which strangers may do more.
pub(super) fn apply(
    files: &mut [File<'_>],
    folders: &Folders<'_>,
    options: &Options,
    safety: Safety,
) -> Cured {
    apply_of(files, folders, options, safety, &|_| true)
}

/// The same for the findings that are wanted alone.
pub(in crate::cli) fn apply_of(
    files: &mut [File<'_>],
    folders: &Folders<'_>,
    options: &Options,
    safety: Safety,
    is_wanted: &dyn Fn(&Finding) -> bool,
) -> Cured {
    let mut report = lint::lint_found(inputs(files), folders, options);
    let mut withheld = Vec::new();
    let mut trials = MOST_TRIALS;
    for _ in 0..MOST_ROUNDS {
        let curable = report
            .findings
            .iter()
            .filter(|finding| is_wanted(finding) && is_curable(finding, safety));
        let (hiding, plain): (Vec<&Finding>, Vec<&Finding>) =
            curable.partition(|finding| !finding.explains.is_empty());
        let mut round = Round {
            files,
            folders,
            options,
            safety,
            report: &report,
            trials,
            accepted: Vec::new(),
            best: None,
            withheld: Vec::new(),
        };
        round.grow(&plain);
        if round.best.is_none() {
            round.grow(&hiding);
        }
        let best = round.best.take();
        trials = round.trials;
        withheld = round.withheld;
        let Some(best) = best else {
            break;
        };
        for (index, bytes) in best.contents {
            files[index].bytes = bytes.into();
        }
        report = best.report;
    }
    Cured { report, withheld }
}

/// One round of cures, all for the same content of the files.
struct Round<'r, 'f> {
    files: &'r [File<'f>],
    folders: &'r Folders<'f>,
    options: &'r Options,
    safety: Safety,
    report: &'r Report,
    /// How often the files may still be checked.
    trials: usize,
    accepted: Vec<&'r Finding>,
    /// The files with what is accepted.
    best: Option<Attempt>,
    withheld: Vec<Withheld>,
}

/// What becomes of the files with some cures.
struct Attempt {
    /// The new contents, with the files' indexes.
    contents: Vec<(usize, Vec<u8>)>,
    report: Report,
}

impl<'r> Round<'r, '_> {
    /// Accepts those of the cures that do no harm together with what is accepted already: all at once, or else one
    /// half after the other.
    fn grow(&mut self, cures: &[&'r Finding]) {
        if cures.is_empty() {
            return;
        }
        if self.trials == 0 {
            let untried = cures.iter().map(|cure| self.withhold(cure, Why::Untried));
            let untried: Vec<_> = untried.collect();
            self.withheld.extend(untried);
            return;
        }
        self.trials -= 1;
        let together = [&self.accepted[..], cures].concat();
        let Some(attempt) = self.attempt(&together) else {
            return;
        };
        let brings = brings(self.report, &attempt.report, &together, self.safety);
        let why = if self.safety == Safety::Safe && self.opens(&attempt) {
            Some(Why::Opens)
        } else {
            (!brings.is_empty()).then_some(Why::Brings(brings))
        };
        match (cures, why) {
            (_, None) => {
                self.accepted = together;
                self.best = Some(attempt);
            }
            ([one], Some(why)) => self.withheld.push(self.withhold(one, why)),
            (_, Some(_)) => {
                let (first, second) = cures.split_at(cures.len() / 2);
                self.grow(first);
                self.grow(second);
            }
        }
    }

    /// Applies some cures; `None` if nothing changes.
    fn attempt(&self, cures: &[&Finding]) -> Option<Attempt> {
        let changed = fixed(&self.report.sources, cures, self.safety);
        // Sources that were included or read from the machine are not among the files that we were given.
        let given = |source| self.report.files.iter().any(|(file, _)| *file == source);
        let contents: Vec<_> = changed
            .into_iter()
            .filter(|(source, _)| given(*source))
            .filter_map(|(source, bytes)| {
                let name = self.report.sources.get(source).name();
                let index = self.files.iter().position(|file| file.name == name)?;
                Some((index, bytes))
            })
            .collect();
        if contents.is_empty() {
            return None;
        }
        let mut inputs = inputs(self.files);
        for (index, bytes) in &contents {
            inputs[*index].bytes = bytes.clone().into();
        }
        let report = lint::lint_found(inputs, self.folders, self.options);
        Some(Attempt { contents, report })
    }

    /// Whether strangers could do more with a daemon of one of the files.
    fn opens(&self, attempt: &Attempt) -> bool {
        let configurations = attempt
            .contents
            .iter()
            .map(|(index, bytes)| (&self.files[*index], bytes))
            .filter(|(file, _)| file.kind == FileKind::RsyncdConf);
        configurations.into_iter().any(|(file, bytes)| {
            let resolve = |bytes: Bytes| {
                let mut sources = Sources::default();
                let source = sources.add(Source::new(&*file.name, bytes));
                let release = self.options.circumstances.release;
                resolve(&mut sources, source, release, &HostFiles(file.host))
            };
            strangers_gain(&resolve(file.bytes.clone()), &resolve(bytes.clone().into()))
        })
    }

    fn withhold(&self, cure: &Finding, why: Why) -> Withheld {
        let span = cure.labels[0].span;
        let source = self.report.sources.get(span.source);
        Withheld {
            rule: cure.page.id,
            file: source.name().to_owned(),
            line: source.position(span.start as usize).line,
            why,
        }
    }
}

/// Says which cures were left out, and why. In files that were not written, people look for the lines where they were.
pub(super) fn tell_withheld(
    cured: &Cured,
    unwritten: &Unwritten,
    safety: Safety,
    language: Language,
) -> io::Result<()> {
    let curable = |finding: &&Finding| is_curable(finding, Safety::Unsafe) && !is_curable(finding, safety);
    let risky = cured.report.findings.iter().filter(curable).count();
    if risky > 0 {
        complain(&match language {
            Language::English => {
                let need = if risky == 1 { "cure needs" } else { "cures need" };
                let them = if risky == 1 { "it" } else { "them" };
                format!("{risky} {need} a look first; --fix=unsafe applies {them} too")
            }
            Language::Chinese => format!("{risky} 个修复需要先看一眼；--fix=unsafe 会一并应用"),
        })?;
    }
    tell_included(&cured.report, safety, language)?;
    for one in cured.withheld.iter().take(MOST_TOLD) {
        let place = format!("{}:{}", one.file, unwritten.line(&one.file, one.line));
        let rule = one.rule;
        complain(&match (language, &one.why) {
            (Language::English, Why::Brings(rules)) => {
                let rules = in_words(rules);
                format!("{place}: the cure of {rule} is left out, because it would bring {rules}")
            }
            (Language::English, Why::Opens) => {
                format!(
                    "{place}: the cure of {rule} is left out, because it would let strangers do more; --fix=unsafe applies it"
                )
            }
            (Language::English, Why::Untried) => {
                format!("{place}: the cure of {rule} is left out, because too many others do harm")
            }
            (Language::Chinese, Why::Brings(rules)) => {
                let rules = in_words(rules);
                format!("{place}：没有应用 {rule} 的修复，因为它会带来 {rules}")
            }
            (Language::Chinese, Why::Opens) => {
                format!(
                    "{place}：没有应用 {rule} 的修复，因为它会让陌生人得到更多权限；--fix=unsafe 会应用它"
                )
            }
            (Language::Chinese, Why::Untried) => {
                format!("{place}：没有应用 {rule} 的修复，因为有害的修复太多")
            }
        })?;
    }
    let more = cured.withheld.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        complain(&match language {
            Language::English => format!("{more} more cures are left out"),
            Language::Chinese => format!("另有 {more} 个修复没有应用"),
        })?;
    }
    Ok(())
}

fn in_words(rules: &BTreeSet<&'static str>) -> String {
    let rules: Vec<_> = rules.iter().copied().collect();
    rules.join(", ")
}

/// Says which cures are in files that nobody named: an included file may be another configuration's too.
fn tell_included(report: &Report, safety: Safety, language: Language) -> io::Result<()> {
    let given: BTreeSet<_> = report.files.iter().map(|(source, _)| *source).collect();
    let mut elsewhere: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in report.findings.iter().filter(|one| is_curable(one, safety)) {
        let mut edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if let Some(edit) = edits.find(|edit| !given.contains(&edit.span.source)) {
            let name = report.sources.get(edit.span.source).name();
            *elsewhere.entry(name).or_default() += 1;
        }
    }
    for (name, count) in elsewhere.iter().take(MOST_TOLD) {
        complain(&match language {
            Language::English => {
                let cures = if *count == 1 { "cure" } else { "cures" };
                format!(
                    "{count} {cures} in `{name}` not applied: only files that are named are changed; name it too"
                )
            }
            Language::Chinese => {
                format!("`{name}` 中有 {count} 个修复没有应用：只修改指定的文件；请一并指定它")
            }
        })?;
    }
    let more = elsewhere.len().saturating_sub(MOST_TOLD);
    if more > 0 {
        complain(&match language {
            Language::English => format!("{more} more files with cures are not named"),
            Language::Chinese => format!("另有 {more} 个有修复的文件没有指定"),
        })?;
    }
    Ok(())
}

/// Shows what would change. Files with passwords are only named.
pub(in crate::cli) fn diff(
    files: &[File<'_>],
    report: &Report,
    language: Language,
    out: &mut dyn Write,
) -> io::Result<()> {
    let holds_passwords = |file: &File<'_>| {
        let mut sources = report
            .sources
            .iter()
            .filter(|(_, source)| source.name() == file.name);
        matches!(file.kind, FileKind::Secrets | FileKind::Password)
            || sources.any(|(_, source)| source.hides_any(0..source.bytes().len()))
    };
    for file in files.iter().filter(|file| file.bytes != file.original) {
        if holds_passwords(file) {
            let line = match language {
                Language::English => "would change; not shown, because it holds passwords",
                Language::Chinese => "将被修改；内容含有密码，不予显示",
            };
            writeln!(out, "{}: {line}", file.name)?;
            continue;
        }
        let diff = TextDiff::from_lines(&file.original[..], &file.bytes[..]);
        diff.unified_diff()
            .header(&file.name, &file.name)
            .to_writer(&mut *out)?;
    }
    Ok(())
}

/// Writes the files that changed, and returns how many those are. Each is the old or the new one at every instant, and
/// keeps its owner, mode and attributes. One that cannot be written is told, and keeps its content here too.
pub(super) fn write(files: &mut [File<'_>], hosts: &Hosts, language: Language) -> io::Result<Written> {
    let mut written = Written {
        files: 0,
        failed: Unwritten::default(),
    };
    for file in files.iter_mut().filter(|file| file.bytes != file.original) {
        let Some(path) = &file.path else {
            continue;
        };
        let result = hosts
            .real_path(path)
            .and_then(|path| replace(&path, &file.original, &file.bytes));
        match result {
            Ok(()) => written.files += 1,
            Err(error) => {
                let (path, error) = (path.display(), plain(&error));
                complain(&match language {
                    Language::English => format!("`{path}` is not changed: {error}"),
                    Language::Chinese => format!("没有修改 `{path}`：{error}"),
                })?;
                written.failed.note(file);
                file.bytes.clone_from(&file.original);
            }
        }
    }
    Ok(written)
}

/// How many files were written, and which could not be.
pub(super) struct Written {
    pub(super) files: usize,
    pub(super) failed: Unwritten,
}
