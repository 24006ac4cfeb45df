use std::sync::Arc;

use crate::rsync::filter::{
    FilterError, FilterList, Side,
    list::ReadRules,
    parse::Style,
    rule::{Prefix, Rule},
};

/// The longest prefix, in bytes.
const MAX_PREFIX: usize = 15;

impl FilterList {
    /// What a client tells the server of its rules, each as its text, in order; from here on those that are only the
    /// server's do not count here (`send_filter_list` in exclude.c). With `cvs` the rules of `-C` are added.
    ///
    /// A client that sends tells nothing unless the server deletes or prunes; it calls this all the same.
    ///
    /// # Errors
    ///
    /// Rules that the protocol cannot express.
    pub fn announce(&mut self, role: Side, protocol: u8, cvs: bool) -> Result<Vec<Vec<u8>>, FilterError> {
        self.role = Some(role);
        let nothing = &mut |_: &[u8]| Err(std::io::ErrorKind::NotFound.into());
        if cvs && role == Side::Sender {
            self.add_cvs(nothing)?;
        }
        let mut texts = Vec::new();
        let mut rules = std::mem::take(&mut self.rules);
        let mut ignores = self.cvs.take().unwrap_or_default();
        let has_ignores = !ignores.is_empty();
        if protocol < 30 {
            keep_from_deletion(&mut ignores);
        }
        for rule in rules.iter_mut().chain(&mut ignores) {
            let only = self.only(rule);
            Arc::make_mut(rule).only = only;
        }
        for rule in rules.iter().filter(|rule| rule.only != Some(role)) {
            // A server that sends knows what CVS ignores.
            if rule.prefix.is_cvs && !rule.prefix.is_merge && role == Side::Sender {
                for rule in ignores.iter().filter(|rule| rule.only != Some(role)) {
                    texts.push(text(rule, role, protocol)?);
                }
                continue;
            }
            texts.push(text(rule, role, protocol)?);
        }
        self.rules = rules;
        self.cvs = has_ignores.then_some(ignores);
        if cvs && role == Side::Receiver {
            self.add_cvs(nothing)?;
            if let Some(ignores) = self.cvs.as_mut().filter(|_| protocol < 30) {
                keep_from_deletion(ignores);
            }
        }
        Ok(texts)
    }

    fn add_cvs(&mut self, read: &mut ReadRules<'_>) -> Result<(), FilterError> {
        self.add(b":C", Prefix::default(), Style::Full, read)?;
        self.add(b"-C", Prefix::default(), Style::Full, read)
    }

    /// The only side that a rule concerns, given `--delete-excluded`.
    fn only(&self, rule: &Rule) -> Option<Side> {
        let prefix = &rule.prefix;
        let is_plain = !prefix.is_per_directory || prefix.has_no_prefixes;
        match prefix.only() {
            None if self.deletes_excluded && !prefix.has_side() && is_plain => Some(Side::Sender),
            only => only,
        }
    }
}

/// What CVS ignores yields to the deletion of its folder only from protocol 30 on (`get_cvs_excludes` in exclude.c).
fn keep_from_deletion(ignores: &mut [Arc<Rule>]) {
    for rule in ignores {
        Arc::make_mut(rule).prefix.is_perishable = false;
    }
}

/// A rule as it travels (`get_rule_prefix` in exclude.c).
fn text(rule: &Rule, role: Side, protocol: u8) -> Result<Vec<u8>, FilterError> {
    let prefix = &rule.prefix;
    if prefix.is_perishable && protocol < 30 && role == Side::Sender {
        return Err(FilterError::TooModern);
    }
    let is_plain_merge = !prefix.is_cvs;
    let letters = [
        (true, kind(prefix)),
        (prefix.is_absolute, b'/'),
        (prefix.is_negated, b'!'),
        (prefix.is_cvs, b'C'),
        (is_plain_merge && prefix.is_not_inherited, b'n'),
        (is_plain_merge && prefix.splits_words, b'w'),
        (
            is_plain_merge && prefix.has_no_prefixes,
            if prefix.is_include { b'+' } else { b'-' },
        ),
        (prefix.excludes_itself, b'e'),
        (prefix.is_for_xattrs, b'x'),
        (prefix.is_sender, b's'),
        (prefix.is_receiver, b'r'),
        (prefix.is_perishable && protocol >= 30, b'p'),
    ];
    let mut text: Vec<u8> = letters
        .iter()
        .filter(|(is_set, _)| *is_set)
        .map(|&(_, letter)| letter)
        .collect();
    if text.len() > MAX_PREFIX {
        return Err(FilterError::TooModern);
    }
    text.push(b' ');
    text.extend_from_slice(&rule.pattern);
    if prefix.is_for_directories {
        text.push(b'/');
    }
    Ok(text)
}

const fn kind(prefix: &Prefix) -> u8 {
    match prefix {
        Prefix {
            is_per_directory: true,
            ..
        } => b':',
        Prefix { is_include: true, .. } => b'+',
        _ => b'-',
    }
}
