use jiff::civil::Date;

use crate::{
    catalog::{Page, Severity},
    lint::subject::Circumstances,
    terms::Release,
};

/// What the user wants to hear.
#[derive(Debug)]
pub struct Options {
    /// The circumstances that the files are judged for.
    pub circumstances: Circumstances,
    /// The only rules to check; empty: all.
    pub select: Vec<&'static Page>,
    /// Rules not to check.
    pub ignore: Vec<&'static Page>,
    /// Severities that replace those of the pages.
    pub severities: Vec<(&'static Page, Severity)>,
}

impl Options {
    /// Every rule, as its page says, for a daemon of that release that is run by root.
    pub fn of_release(release: Release, today: Date) -> Self {
        Self {
            circumstances: Circumstances {
                release,
                from_release: None,
                daemon_uid: 0,
                today,
            },
            select: Vec::new(),
            ignore: Vec::new(),
            severities: Vec::new(),
        }
    }

    /// Whether the user wants to hear of a rule.
    pub(super) fn wants(&self, rule: &str) -> bool {
        let named = |pages: &[&Page]| pages.iter().any(|page| page.id == rule);
        (self.select.is_empty() || named(&self.select)) && !named(&self.ignore)
    }

    /// Puts the severity that the user chose for a page in the place of another one.
    pub(super) fn choose(&self, page: &Page, severity: &mut Severity) {
        let mut chosen = self.severities.iter().rev();
        if let Some((_, chosen)) = chosen.find(|(one, _)| one.id == page.id) {
            *severity = *chosen;
        }
    }
}
