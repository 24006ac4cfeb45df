//! Files that are shown in other files.

use std::collections::BTreeSet;

use crate::{
    diagnosis::Unchecked,
    host::{NoHost, Unknown},
    lint::{
        engine::{Input, Run},
        markdown,
    },
    terms::Source,
};

impl<'a> Run<'a> {
    /// Checks what the code blocks of a Markdown file show, each for itself: which of them are meant to go together, or
    /// to stand for one another, the text says to people only.
    pub(super) fn document(&mut self, input: Input<'a>) {
        if self.is_too_large(&input) {
            return;
        }
        let (excerpts, is_cut) = markdown::excerpts(&input.bytes);
        if is_cut {
            self.is_cut = true;
            self.outcome.unchecked.insert(Unchecked {
                rule: None,
                subject: input.name.clone(),
                reason: Unknown::TooManyBlocks(markdown::MOST_BLOCKS),
            });
        }
        let document = self
            .sources
            .add(Source::new(input.name.clone(), input.bytes.clone()));
        self.outcome.documents.insert(document);
        let before = std::mem::take(&mut self.outcome.unchecked);
        let mut hidden = Vec::new();
        for excerpt in excerpts {
            let (files, source) = (self.files.len(), self.sources.next());
            self.project(vec![Input {
                name: excerpt.name.display().to_string(),
                path: None,
                bytes: excerpt.text(&input.bytes).into(),
                kind: excerpt.kind,
                is_guess: false,
                host: &NoHost,
            }]);
            self.files.truncate(files);
            hidden.extend(excerpt.ranges(self.sources.get(source).hidden().iter().cloned()));
            self.outcome.excerpts.insert(source, (document, excerpt));
        }
        self.sources.hide(document, hidden);
        self.files.push((document, input.kind));
        self.without_machine(&input.name, before);
    }

    /// Says once that the files of a document were judged without a machine.
    fn without_machine(&mut self, name: &str, before: BTreeSet<Unchecked>) {
        let found = std::mem::replace(&mut self.outcome.unchecked, before);
        for mut one in found {
            if one.reason == Unknown::NoHost {
                one = Unchecked {
                    rule: None,
                    subject: name.to_owned(),
                    reason: Unknown::NoHost,
                };
            }
            self.outcome.unchecked.insert(one);
        }
    }
}
