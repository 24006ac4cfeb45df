use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::Page,
    diagnosis::{Finding, Unchecked},
    lint::{
        checks, consequences,
        engine::Options,
        report::{Case, Reporter},
        subject::Subject,
        suppress::{Mistake, Suppression, Suppressions},
    },
    terms::{SourceId, Sources},
};

/// A shorter secret is part of too many words, and of too little worth, to be looked for in them.
const SHORTEST_SECRET: usize = 4;
/// How many secrets are looked for in the words of findings.
const MOST_SECRETS: usize = 1_000;

/// What the checks find, until it is what the user wants to hear.
pub(super) struct Outcome<'a> {
    options: &'a Options,
    /// What was found; once it is finished, in the order of the files and the places in them.
    pub(super) findings: Vec<Finding>,
    /// What could not be checked.
    pub(super) unchecked: BTreeSet<Unchecked>,
    /// How many findings a comment kept back.
    pub(super) suppressed: usize,
}

impl<'a> Outcome<'a> {
    pub(super) fn new(options: &'a Options) -> Self {
        Self {
            options,
            findings: Vec::new(),
            unchecked: BTreeSet::new(),
            suppressed: 0,
        }
    }

    /// Runs every wanted check that looks at such a subject.
    pub(super) fn check(&mut self, subject: &Subject<'_>) {
        for check in checks::all().filter(|check| is_wanted(self.options, check.rule)) {
            let mut reporter = Reporter::new(check.rule, &mut self.findings, &mut self.unchecked);
            check.run.on(subject, &mut reporter);
        }
    }

    /// Drops what follows from something else, what comments allow and what is secret; then the user's severities and
    /// the order of the report.
    pub(super) fn finish(&mut self, sources: &Sources) {
        consequences::drop_explained(&mut self.findings);
        self.suppress(sources);
        for finding in &mut self.findings {
            let mut chosen = self.options.severities.iter().rev();
            if let Some((_, severity)) = chosen.find(|(page, _)| page.id == finding.page.id) {
                finding.severity = *severity;
            }
        }
        self.mask_arguments(sources);
        self.findings.sort_by_key(|finding| {
            let first = finding.labels[0].span;
            (first.source, first.start, finding.page.id)
        });
    }

    /// Keeps back what comments allow, and reports comments that allow nothing, or no longer.
    fn suppress(&mut self, sources: &Sources) {
        let before = self.findings.len();
        let today = self.options.circumstances.today;
        let mut comments: BTreeMap<SourceId, Suppressions> = sources
            .iter()
            .map(|(id, source)| (id, Suppressions::of(id, source, today)))
            .collect();
        self.findings.retain(|finding| {
            let first = finding.labels[0].span;
            let line = sources.get(first.source).line_of(first.start as usize);
            let of_source = comments.get_mut(&first.source);
            !of_source.is_some_and(|comments| comments.allow(finding.page.id, line))
        });
        self.suppressed = before - self.findings.len();
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
            _ if !one.used && is_wanted(self.options, one.page.id) => self.own("RSY002", case(one.span)),
            _ => {}
        }
        if !one.has_reason {
            self.own("RSY004", case(one.span));
        }
    }

    /// Takes what no report may show out of the findings' own words too.
    fn mask_arguments(&mut self, sources: &Sources) {
        let secrets: BTreeSet<String> = sources
            .iter()
            .flat_map(|(_, source)| source.hidden_texts())
            .filter(|text| text.len() >= SHORTEST_SECRET)
            .take(MOST_SECRETS)
            .collect();
        if secrets.is_empty() {
            return;
        }
        for (_, value) in self
            .findings
            .iter_mut()
            .flat_map(|finding| &mut finding.arguments)
        {
            for secret in &secrets {
                if value.contains(secret.as_str()) {
                    *value = value.replace(secret.as_str(), &"*".repeat(secret.chars().count()));
                }
            }
        }
    }

    fn own(&mut self, rule: &'static str, case: Case) {
        if is_wanted(self.options, rule) {
            Reporter::new(rule, &mut self.findings, &mut self.unchecked).report(case);
        }
    }
}

fn is_wanted(options: &Options, rule: &str) -> bool {
    let named = |pages: &[&Page]| pages.iter().any(|page| page.id == rule);
    (options.select.is_empty() || named(&options.select)) && !named(&options.ignore)
}
