//! The rules of a `filter` of rsyncd.conf, in one line (`parse_rule_tok` in exclude.c, with the words of a line split).

use std::ops::Range;

use crate::syntax::rsyncd_conf::is_space;

/// A rule, and where it stands in the text.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Rule {
    /// The letter of its kind, `.` for a rule that reads others from a file.
    pub(super) kind: u8,
    /// All of it.
    pub(super) whole: Range<usize>,
    /// Its pattern or its file; CVS's own rules need none.
    pub(super) pattern: Range<usize>,
}

/// A rule that rsync cannot read: why, and where.
pub(super) type Mistake = (&'static str, Range<usize>);

/// The rules of a text, up to the first that rsync cannot read.
pub(super) struct Rules<'a> {
    text: &'a [u8],
    at: usize,
}

/// Reads the rules of a text.
pub(super) fn rules(text: &[u8]) -> Rules<'_> {
    Rules { text, at: 0 }
}

impl Iterator for Rules<'_> {
    type Item = Result<Rule, Mistake>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.iter().position(|&byte| !is_space(byte))?;
        let rule = read(self.text, start);
        self.at = match &rule {
            Ok(rule) => rule.whole.end,
            Err(_) => self.text.len(),
        };
        Some(rule)
    }
}

/// Reads the rule that begins there.
fn read(text: &[u8], at: usize) -> Result<Rule, Mistake> {
    let rule = &text[at..];
    let word_end = |from: usize| {
        let blank = text[from..].iter().position(|&byte| is_space(byte));
        blank.map_or(text.len(), |length| from + length)
    };
    let Some((kind, mut prefix)) = kind(rule) else {
        return Err(("unknown", at..word_end(at)));
    };
    let mut flags = Flags::of(kind);
    let mut is_cvs = false;
    if kind != b'!' {
        while let Some(&byte) = rule.get(prefix).filter(|&&byte| byte != b'_' && !is_space(byte)) {
            if !flags.take(byte) {
                return Err(("modifier", at..word_end(at)));
            }
            is_cvs |= byte == b'C';
            prefix += 1;
        }
    }
    // One blank or underscore parts the rule from its pattern; behind a tab rsync finds none.
    let is_parted = kind != b'!' && matches!(rule.get(prefix), Some(b' ' | b'_'));
    let start = (at + prefix + usize::from(is_parted)).min(text.len());
    let end = word_end(start);
    match (kind, start < end) {
        (b'!', true) => Err(("trailing", at..end)),
        (b'!', false) => Ok(()),
        (_, false) if !is_cvs => Err(("end", at..word_end(at))),
        _ => Ok(()),
    }?;
    Ok(Rule {
        kind,
        whole: at..end,
        pattern: start..end,
    })
}

/// The letter that a rule begins with or whose long name it begins with, and how many bytes that takes.
fn kind(rule: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&str, u8); 9] = [
        ("clear", b'!'),
        ("dir-merge", b':'),
        ("exclude", b'-'),
        ("hide", b'H'),
        ("include", b'+'),
        ("merge", b'.'),
        ("protect", b'P'),
        ("risk", b'R'),
        ("show", b'S'),
    ];
    let comma = |length: usize| length + usize::from(rule.get(length) == Some(&b','));
    for (name, letter) in NAMES {
        if let Some(behind) = rule.strip_prefix(name.as_bytes()) {
            let is_end = behind
                .first()
                .is_none_or(|&next| is_space(next) || next == b'_' || next == b',');
            return is_end.then(|| (letter, comma(name.len())));
        }
    }
    let letter = *rule.first()?;
    b":.+-SHRP!".contains(&letter).then(|| (letter, comma(1)))
}

/// Which modifiers a rule may still take.
struct Flags {
    is_merge: bool,
    names_side: bool,
    has_no_prefixes: bool,
}

impl Flags {
    fn of(kind: u8) -> Self {
        Self {
            is_merge: matches!(kind, b':' | b'.'),
            names_side: matches!(kind, b'S' | b'H' | b'R' | b'P'),
            has_no_prefixes: false,
        }
    }

    fn take(&mut self, modifier: u8) -> bool {
        match modifier {
            b'-' | b'+' if self.is_merge && !self.has_no_prefixes => {
                self.has_no_prefixes = true;
                true
            }
            b'C' if !self.has_no_prefixes && !self.names_side => {
                self.has_no_prefixes = true;
                true
            }
            b'/' | b'p' | b'x' => true,
            b'!' => !self.is_merge,
            b'e' | b'n' | b'w' => self.is_merge,
            b'r' | b's' => !self.names_side,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_mistake(text: &[u8]) -> Option<Mistake> {
        rules(text).find_map(Result::err)
    }

    /// Observed with rsync 3.5.0, one daemon a line.
    #[test]
    fn rules_are_read_as_rsync_reads_them() {
        for good in [
            "- *.o",
            "+ /a - /b",
            "exclude *.o",
            "hide,! x",
            "! ",
            ": .rsync-filter",
            "dir-merge x",
            "P keep",
            "H *.o S *.c",
            "- /a, - /b",
            "-/ /a",
            "-p x",
            "-! x",
            "dir-merge,- x",
            "clear",
            "-C",
            "-_ab",
            "include,s x",
            "-sr x",
            "merge,e /etc/hostname",
            "-,r x",
            "",
        ] {
            assert_eq!(first_mistake(good.as_bytes()), None, "{good}");
        }
        for (bad, why) in [
            ("bad rule", "unknown"),
            ("*.o", "unknown"),
            ("c", "unknown"),
            ("exclude=*.o", "unknown"),
            ("- a b", "unknown"),
            ("- 'a b'", "unknown"),
            ("-*.o", "modifier"),
            ("--exclude=x", "modifier"),
            ("-", "end"),
            ("-x", "end"),
            (".x", "end"),
            ("hide", "end"),
            ("-\t*.o", "end"),
            ("!x", "trailing"),
        ] {
            assert_eq!(
                first_mistake(bad.as_bytes()).map(|(why, _)| why),
                Some(why),
                "{bad}"
            );
        }
    }
}
