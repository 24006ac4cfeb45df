use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use crate::{
    catalog::{self, FileKind, Page, Severity},
    diagnosis::{Finding, Unchecked},
    host::Unknown,
    lint::{
        checks::{self, Check, Run},
        consequences,
        fix::end_lines_alike,
        markdown::Excerpt,
        options::Options,
        report::{Case, Findings, Reporter},
        subject::{ConfigurationSubject, Subject},
        suppress::{Mistake, Suppression, Suppressions},
    },
    terms::{SourceId, Sources, Span, without_passwords},
};

/// A shorter secret is part of too many words, and of too little worth, to be looked for in them.
const SHORTEST_SECRET: usize = 4;
/// How many secrets are looked for in the words of findings.
const MOST_SECRETS: usize = 1_000;
/// From how many lines on the checks of a configuration, which take some microseconds a line, are worth more than one
/// thread.
const MANY_SETTINGS: usize = 2_000;
/// The most threads that check one configuration: a few checks take most of the time.
const MOST_THREADS: usize = 8;

/// What the checks find, until it is what the user wants to hear.
pub(super) struct Outcome<'a> {
    options: &'a Options,
    /// What was found; once it is finished, in the order of the files and the places in them.
    pub(super) findings: Findings,
    /// How many findings were only counted, by severity.
    pub(super) not_kept: BTreeMap<Severity, usize>,
    /// What could not be checked.
    pub(super) unchecked: BTreeSet<Unchecked>,
    /// How many findings a comment kept back.
    pub(super) suppressed: usize,
    /// The sources that are parts of Markdown files, with those.
    pub(super) excerpts: BTreeMap<SourceId, (SourceId, Excerpt)>,
    /// The Markdown files, whose headings look like comments.
    pub(super) documents: BTreeSet<SourceId>,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            findings: Findings::default(),
            not_kept: BTreeMap::new(),
            unchecked: BTreeSet::new(),
            suppressed: 0,
            excerpts: BTreeMap::new(),
            documents: BTreeSet::new(),
        }
    }

    /// Runs every wanted check that looks at such a subject.
    pub(super) fn check(&mut self, subject: &Subject<'_>) {
        let wanted = checks::all().filter(|check| self.options.wants(check.rule));
        if let Subject::Configuration(subject) = subject {
            return self.check_side_by_side(&wanted.collect::<Vec<_>>(), subject);
        }
        for check in wanted.filter(|check| is_about(check.rule, subject)) {
            let mut reporter = Reporter::new(check.rule, &mut self.findings, &mut self.unchecked);
            check.run.on(subject, &mut reporter);
        }
    }

    /// Runs the checks of a configuration, those of a large one each on whichever core is free. What they find is put
    /// together in the order of the checks, so that it does not depend on who was first.
    fn check_side_by_side(&mut self, checks: &[&Check], subject: &ConfigurationSubject<'_>) {
        let next = AtomicUsize::new(0);
        let found: Vec<Mutex<(Findings, BTreeSet<Unchecked>)>> =
            checks.iter().map(|_| Mutex::default()).collect();
        let work = || {
            while let Some(number) = Some(next.fetch_add(1, Relaxed)).filter(|number| *number < checks.len())
            {
                let Run::Configuration(run) = checks[number].run else {
                    continue;
                };
                let (mut findings, mut unchecked) = <(Findings, BTreeSet<Unchecked>)>::default();
                run(
                    subject,
                    &mut Reporter::new(checks[number].rule, &mut findings, &mut unchecked),
                );
                *found[number].lock().unwrap_or_else(PoisonError::into_inner) = (findings, unchecked);
            }
        };
        let threads = if subject.configuration.settings.len() < MANY_SETTINGS {
            1
        } else {
            thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS))
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // A machine that has no thread to spare checks with those that it has.
                drop(thread::Builder::new().spawn_scoped(scope, work));
            }
            work();
        });
        for one in found {
            let (findings, unchecked) = one.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.findings.append(findings);
            self.unchecked.extend(unchecked);
        }
    }

    /// Drops what follows from something else, what comments allow and what is secret; then the user's severities and
    /// the order of the report.
    pub(super) fn finish(&mut self, sources: &Sources) {
        consequences::drop_explained(&mut self.findings);
        drop_repeated(&mut self.findings.kept);
        self.suppress(sources);
        for finding in &mut self.findings.kept {
            end_lines_alike(finding, sources);
        }
        self.place_excerpts();
        for finding in &mut self.findings.kept {
            self.options.choose(finding.page, &mut finding.severity);
        }
        for finding in &mut self.findings.surplus {
            self.options.choose(finding.page, &mut finding.severity);
        }
        self.mask_arguments(sources);
        self.count_surplus(sources);
        self.findings.kept.sort_by_key(place);
    }

    /// Moves what was found in code blocks to where the Markdown files have it.
    fn place_excerpts(&mut self) {
        let excerpts = &self.excerpts;
        if excerpts.is_empty() {
            return;
        }
        self.findings.kept.retain_mut(|finding| {
            let source = finding.labels[0].span.source;
            let Some((document, excerpt)) = excerpts.get(&source) else {
                return true;
            };
            excerpt.place(finding, source, *document);
            excerpt.shows(finding.page.id)
        });
        self.findings.surplus.retain_mut(|surplus| {
            let source = surplus.span.source;
            let Some((document, excerpt)) = excerpts.get(&source) else {
                return true;
            };
            surplus.span = excerpt.span(surplus.span, source, *document);
            excerpt.shows(surplus.page.id)
        });
    }

    /// Keeps back what comments allow, and reports comments that allow nothing, or no longer.
    fn suppress(&mut self, sources: &Sources) {
        let count = |findings: &Findings| {
            let kept = findings.kept.iter().map(Finding::count);
            kept.sum::<usize>() + findings.surplus.len()
        };
        let before = count(&self.findings);
        let today = self.options.circumstances.today;
        let mut comments: BTreeMap<SourceId, Suppressions> = sources
            .iter()
            .filter(|(id, _)| !self.documents.contains(id))
            .map(|(id, source)| (id, Suppressions::of(id, source, today)))
            .collect();
        for (id, (document, excerpt)) in &self.excerpts {
            if let (Some(range), Some(comments)) = (&excerpt.comment, comments.get_mut(id)) {
                comments.take_for_file(*document, sources.get(*document), range.clone(), today);
            }
        }
        let mut is_allowed = |rule, first: Span| {
            let of_source = comments.get_mut(&first.source);
            let of_source = of_source.filter(|comments| !comments.allowed.is_empty());
            of_source.is_some_and(|comments| {
                let line = sources.get(first.source).line_of(first.start as usize);
                comments.allow(rule, line)
            })
        };
        let Findings { kept, surplus, .. } = &mut self.findings;
        kept.retain_mut(|finding| {
            let rule = finding.page.id;
            finding.retain(|span| !is_allowed(rule, span)) > 0
        });
        surplus.retain(|finding| !is_allowed(finding.page.id, finding.span));
        self.suppressed = before - count(&self.findings);
        for comments in comments.into_values() {
            for one in &comments.allowed {
                self.judge(one);
            }
            for comment in comments.misunderstood {
                let variant = match comment.what {
                    Mistake::Verb => "verb",
                    Mistake::Rule => "rule",
                    Mistake::Date => "date",
                };
                let case = Case::at(comment.span).variant(variant).with("word", comment.word);
                self.own("RSY001", case);
            }
        }
    }

    fn judge(&mut self, one: &Suppression) {
        let case = |span| Case::at(span).with("rule", one.page.id);
        match one.until {
            Some((until, span)) if until < self.options.circumstances.today => {
                self.own("RSY003", case(span).with("date", until.to_string()));
            }
            // A rule that was not run had no chance to be kept back.
            _ if !one.used && self.options.wants(one.page.id) => self.own("RSY002", case(one.span)),
            _ => {}
        }
        if !one.has_reason {
            self.own("RSY004", case(one.span));
        }
    }

    /// Says how many findings of which rule are not kept.
    fn count_surplus(&mut self, sources: &Sources) {
        let mut counts: BTreeMap<(SourceId, &'static str), usize> = BTreeMap::new();
        for finding in std::mem::take(&mut self.findings.surplus) {
            *self.not_kept.entry(finding.severity).or_default() += 1;
            let key = (finding.span.source, finding.page.id);
            *counts.entry(key).or_default() += 1;
        }
        for ((source, rule), count) in counts {
            self.unchecked.insert(Unchecked {
                rule: Some(rule),
                subject: sources.get(source).name().to_owned(),
                reason: Unknown::NotKept(count),
            });
        }
    }

    /// Takes what no report may show out of the findings' own words too: passwords everywhere, and what else is hidden
    /// in a file out of the words about that file.
    fn mask_arguments(&mut self, sources: &Sources) {
        let passwords = secrets(sources.iter().flat_map(|(_, source)| source.passwords()));
        let mut hidden: BTreeMap<SourceId, BTreeSet<String>> = BTreeMap::new();
        for finding in &mut self.findings.kept {
            let file = finding.labels[0].span.source;
            let own = hidden
                .entry(file)
                .or_insert_with(|| secrets(sources.get(file).hidden_texts()));
            let names = finding.members.iter_mut().map(|member| &mut member.module);
            let values = finding.arguments.iter_mut().map(|(_, value)| value);
            for value in values.chain(names) {
                if let Cow::Owned(shown) = without_passwords(value) {
                    *value = shown;
                }
                for secret in passwords.iter().chain(&*own) {
                    if value.contains(secret.as_str()) {
                        *value = value.replace(secret.as_str(), &"*".repeat(secret.chars().count()));
                    }
                }
            }
        }
    }

    fn own(&mut self, rule: &'static str, case: Case) {
        if self.options.wants(rule) {
            Reporter::new(rule, &mut self.findings, &mut self.unchecked).report(case);
        }
    }
}

/// The texts that are looked for in words.
fn secrets(texts: impl Iterator<Item = String>) -> BTreeSet<String> {
    let long = texts.filter(|text| text.len() >= SHORTEST_SECRET);
    long.take(MOST_SECRETS).collect()
}

/// Keeps the first of findings that say the same of the same place, as of a file that is included more than once.
fn drop_repeated(findings: &mut Vec<Finding>) {
    findings.sort_by_key(place);
    let is_first: Vec<bool> = findings
        .chunk_by(|one, next| place(one) == place(next))
        .flat_map(|same_place| {
            let mut seen = HashSet::new();
            same_place.iter().map(move |finding| {
                let labels = finding.labels.iter();
                let places = labels.map(|label| (label.span, label.key));
                same_place.len() == 1
                    || seen.insert((
                        finding.variant,
                        places.collect::<Vec<_>>(),
                        &finding.arguments,
                        &finding.members,
                    ))
            })
        })
        .collect();
    let mut is_first = is_first.into_iter();
    findings.retain(|_| is_first.next().unwrap_or(true));
}

/// The order of a report.
pub(super) fn place(finding: &Finding) -> (SourceId, u32, &'static str) {
    let first = finding.labels[0].span;
    (first.source, first.start, finding.page.id)
}

/// Whether a rule's page is about such a file. A unit's command is read as a script is, but no shell runs it.
fn is_about(rule: &str, subject: &Subject<'_>) -> bool {
    let Subject::Script(script) = subject else {
        return true;
    };
    let speaks_of_units = |page: &Page| page.files.contains(&FileKind::Systemd);
    script.kind != FileKind::Systemd || catalog::page(rule).is_some_and(speaks_of_units)
}
