//! The pages of `rules/`, compiled in: the only description of each cause. `build.rs` has checked them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod command;
mod history;
mod page;

use std::borrow::Cow;

pub use command::{fill_advice, fill_command};
pub use history::{Advisory, Attacker, Published, advisories, greeting_so};
pub use page::{
    Check, Confidence, FileKind, Frequency, Harm, Language, Need, Page, Safety, Severity, Side, Stage,
    Symptom, Text, Variant,
};

use crate::terms::Release;

static PAGES: &[Page] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// Every page, in the order of the identifiers.
pub fn pages() -> &'static [Page] {
    PAGES
}

/// The page of an identifier (`RSY302`) or a name (`secrets-file-world-readable`), whatever the case.
pub fn page(name: &str) -> Option<&'static Page> {
    let id = name.to_ascii_uppercase();
    // Every check asks for its page at every file, and there may be very many small ones in one.
    match PAGES.binary_search_by(|page| page.id.cmp(&id)) {
        Ok(index) => Some(&PAGES[index]),
        Err(_) => PAGES.iter().find(|page| page.name.eq_ignore_ascii_case(name)),
    }
}

/// The pages that a word selects: an identifier, a name, or the beginning of identifiers such as `RSY3`.
pub fn select(word: &str) -> Vec<&'static Page> {
    if let Some(page) = page(word) {
        return vec![page];
    }
    let word = word.to_ascii_uppercase();
    let is_beginning = word.starts_with("RSY");
    PAGES
        .iter()
        .filter(|page| is_beginning && page.id.starts_with(&word))
        .collect()
}

/// The page whose identifier or name is nearest to a text that is none.
pub fn nearest(name: &str) -> Option<&'static Page> {
    let distance = |candidate: &str| strsim::damerau_levenshtein(candidate, &name.to_lowercase());
    PAGES
        .iter()
        .map(|page| (distance(page.name).min(distance(&page.id.to_lowercase())), page))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + name.len() / 4)
        .map(|(_, page)| page)
}

/// Puts the values of a case into a text with `{placeholders}`. A placeholder without a value stays as it is.
pub fn fill<'t>(text: &'t str, arguments: &[(&'static str, String)]) -> Cow<'t, str> {
    if !text.contains('{') {
        return Cow::Borrowed(text);
    }
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled += before;
        let Some((name, behind)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            continue;
        };
        match arguments.iter().find(|(key, _)| *key == name) {
            Some((_, value)) => filled += value,
            None => {
                filled.push('{');
                filled += name;
                filled.push('}');
            }
        }
        rest = behind;
    }
    filled += rest;
    Cow::Owned(filled)
}

impl Symptom {
    /// Whether a release shows the symptom.
    pub fn applies_to(&self, release: Release) -> bool {
        self.since.is_none_or(|since| since <= release) && self.until.is_none_or(|until| release < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled() {
        let arguments = [("name", "hosts_allow".to_owned())];
        assert_eq!(fill("no `{name}` here", &arguments), "no `hosts_allow` here");
        assert_eq!(fill("{other} {", &arguments), "{other} {");
    }

    #[test]
    fn a_beginning_selects_a_band() {
        assert!(select("RSY1").iter().all(|page| page.id.starts_with("RSY1")));
        assert!(!select("rsy").is_empty());
        assert!(select("").is_empty() && select("RSY99999").is_empty() && select("中文").is_empty());
    }

    #[test]
    fn pages_are_found_by_id_and_name() {
        let page = page("rsy101").expect("a page");
        assert_eq!(
            super::page("unknown-parameter").map(|page| page.id),
            Some(page.id)
        );
        assert_eq!(nearest("unknwon-parameter").map(|page| page.id), Some(page.id));
        assert!(nearest("xyz").is_none());
    }
}
