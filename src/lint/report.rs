use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::{self, Harm, Page, Safety, Severity},
    diagnosis::{Edit, Edits, Explained, Finding, Label, Member, Unchecked, told},
    host::{Fact, Unknown},
    terms::{SourceId, Span},
};

/// One case of a rule, as a check puts it together.
#[derive(Debug)]
pub struct Case {
    variant: Option<&'static str>,
    harm: Option<Harm>,
    arguments: Vec<(&'static str, String)>,
    labels: Vec<Label>,
    members: Vec<Member>,
    fix: Option<Edits>,
    facts: Vec<String>,
    explains: Vec<Explained>,
}

impl Case {
    /// A case at the smallest span that is wrong.
    pub fn at(span: Span) -> Self {
        Self {
            variant: None,
            harm: None,
            arguments: Vec::new(),
            labels: vec![Label { span, key: None }],
            members: Vec::new(),
            fix: None,
            facts: Vec::new(),
            explains: Vec::new(),
        }
    }

    /// A case that is told once for all modules that have it, in the page's variant `one` or `several`; none if no
    /// module has it. Comments and baselines keep each of them back for itself.
    pub fn of_all(members: impl Iterator<Item = Member>) -> Option<Self> {
        let members: Vec<_> = members.collect();
        let first = members.first()?.span;
        let (variant, arguments) = told(&members);
        Some(Self {
            arguments,
            members,
            ..Self::at(first).variant(variant)
        })
    }

    /// Fills the placeholder `key` of the page's texts.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.arguments.push((key, value.into()));
        self
    }

    /// Tells the case as the page's variant of that name.
    #[must_use]
    pub fn variant(mut self, name: &'static str) -> Self {
        self.variant = Some(name);
        self
    }

    /// Says what clients meet, for the symptoms of the page that depend on it. The first one hides those behind it.
    #[must_use]
    pub fn harms(mut self, harms: impl IntoIterator<Item = Harm>) -> Self {
        self.harm = self.harm.into_iter().chain(harms).min();
        self
    }

    /// Points at a second place, under which the page's label `key` stands.
    #[must_use]
    pub fn also(mut self, span: Span, key: &'static str) -> Self {
        self.labels.push(Label { span, key: Some(key) });
        self
    }

    /// Says which fact of the machine the case rests on, in a short English sentence.
    #[must_use]
    pub fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    /// Says that what other rules find in `span` is only a consequence of this case, so that one cause is reported
    /// once. Of two cases that explain each other, the one whose rule has the lower number counts.
    #[must_use]
    pub fn explains(self, span: Span) -> Self {
        self.explains_rules(span, &[])
    }

    /// The same for what certain rules find there.
    #[must_use]
    pub fn explains_rules(mut self, span: Span, rules: &'static [&'static str]) -> Self {
        self.explains.push(Explained { span, rules, from: 0 });
        self
    }

    /// The same for what is wrong with a value in `span`. What is wrong with its line, such as where it stands, is no
    /// consequence.
    #[must_use]
    pub fn explains_value(mut self, span: Span, value: Span) -> Self {
        let from = value.start;
        self.explains.push(Explained {
            span,
            rules: &[],
            from,
        });
        self
    }

    /// Offers a cure.
    #[must_use]
    pub fn fix(mut self, safety: Safety, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.fix = Some(Edits {
            safety,
            edits: edits.into_iter().collect(),
        });
        self
    }
}

impl Edit {
    /// Puts other bytes in a span's place.
    pub fn replace(span: Span, replacement: impl Into<Vec<u8>>) -> Self {
        Self {
            span,
            replacement: replacement.into(),
        }
    }

    /// Takes a span away.
    pub fn delete(span: Span) -> Self {
        Self::replace(span, [])
    }
}

/// The most findings of one rule and severity that are kept of one file: nobody reads more, and each costs some
/// hundred bytes of memory.
const MOST_KEPT: usize = 10_000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// What the report shows.
    pub(crate) kept: Vec<Finding>,
    /// What is only counted: where it is, and what it explains.
    pub(crate) surplus: Vec<Surplus>,
    counts: BTreeMap<(&'static str, SourceId, Severity), usize>,
}

/// What is left of a finding that is only counted.
#[derive(Debug)]
pub(crate) struct Surplus {
    pub(crate) page: &'static Page,
    pub(crate) severity: Severity,
    /// Its first place.
    pub(crate) span: Span,
    pub(crate) explains: Box<[Explained]>,
}

impl Findings {
    /// Moves what was found in one source to another one that has the same bytes in the same places.
    pub(crate) fn move_to(&mut self, sources: &[(SourceId, SourceId)]) {
        let place = |span: &mut Span| {
            if let Some((_, to)) = sources.iter().find(|(from, _)| *from == span.source) {
                span.source = *to;
            }
        };
        for finding in &mut self.kept {
            finding.labels.iter_mut().for_each(|label| place(&mut label.span));
            finding
                .members
                .iter_mut()
                .for_each(|member| place(&mut member.span));
            finding
                .explains
                .iter_mut()
                .for_each(|explained| place(&mut explained.span));
            let edits = finding.fix.iter_mut().flat_map(|fix| &mut fix.edits);
            edits.for_each(|edit| place(&mut edit.span));
        }
        for finding in &mut self.surplus {
            place(&mut finding.span);
            finding
                .explains
                .iter_mut()
                .for_each(|explained| place(&mut explained.span));
        }
    }

    /// Takes what else was found.
    pub(crate) fn append(&mut self, others: Self) {
        for finding in others.kept {
            self.push(finding);
        }
        for one in others.surplus {
            *self
                .counts
                .entry((one.page.id, one.span.source, one.severity))
                .or_default() += 1;
            self.surplus.push(one);
        }
    }

    fn push(&mut self, finding: Finding) {
        let key = (finding.page.id, finding.labels[0].span.source, finding.severity);
        let count = self.counts.entry(key).or_default();
        *count += 1;
        if *count <= MOST_KEPT {
            self.kept.push(finding);
            return;
        }
        self.surplus.push(Surplus {
            page: finding.page,
            severity: finding.severity,
            span: finding.labels[0].span,
            explains: finding.explains.into(),
        });
    }
}

/// Takes the cases of one rule.
pub struct Reporter<'a> {
    rule: &'static str,
    findings: &'a mut Findings,
    unchecked: &'a mut BTreeSet<Unchecked>,
}

impl<'a> Reporter<'a> {
    /// A reporter for the rule of that identifier, which must be in the catalogue.
    pub(crate) fn new(
        rule: &'static str,
        findings: &'a mut Findings,
        unchecked: &'a mut BTreeSet<Unchecked>,
    ) -> Self {
        Self {
            rule,
            findings,
            unchecked,
        }
    }

    /// Takes a case.
    pub fn report(&mut self, case: Case) {
        // Only now: most checks find nothing in most files.
        let page = catalog::page(self.rule).expect("every check has a page; a test compares the two lists");
        let variant = case.variant.map(|name| {
            let variant = page.variant(name);
            variant.expect("every variant that a check names is on its page; the pages' examples show it")
        });
        self.findings.push(Finding {
            page,
            variant: case.variant,
            severity: variant.and_then(|v| v.severity).unwrap_or(page.severity),
            confidence: variant.and_then(|v| v.confidence).unwrap_or(page.confidence),
            harm: case.harm,
            arguments: case.arguments,
            labels: case.labels,
            members: case.members,
            fix: case.fix,
            facts: case.facts,
            explains: case.explains,
        });
    }

    /// Takes a fact of the machine. If there is none, the rule is not checked for `subject`, and the report says so.
    pub fn fact<T>(&mut self, subject: impl Into<String>, fact: Fact<T>) -> Option<T> {
        match fact {
            Ok(value) => Some(value),
            Err(unknown) => {
                self.unchecked(subject, unknown);
                None
            }
        }
    }

    /// Says that the rule could not be checked for `subject`.
    pub fn unchecked(&mut self, subject: impl Into<String>, reason: Unknown) {
        self.unchecked.insert(Unchecked {
            rule: Some(self.rule),
            subject: subject.into(),
            reason,
        });
    }
}
