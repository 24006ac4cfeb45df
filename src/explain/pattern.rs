use std::ops::Range;

/// A message with `{placeholders}`, as the pages of `rules/` write it.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The literal parts, each with the name of the placeholder behind it; none behind the last.
    parts: Vec<(&'static str, Option<&'static str>)>,
}

/// A place in a line where a pattern fits.
#[derive(Debug, PartialEq)]
pub(super) struct Match {
    /// Bytes of the line.
    pub(super) range: Range<usize>,
    /// What stands for the placeholders.
    pub(super) values: Vec<(&'static str, String)>,
}

/// The most bytes that stand for one placeholder: a path may be 4096 bytes long.
const LONGEST_VALUE: usize = 4096;

impl Pattern {
    /// `None` where too little of the text is literal to know a line by it.
    pub(super) fn new(text: &'static str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text.trim();
        // What stands in front of the first literal part says nothing: lines have all kinds of beginnings.
        if let Some((_, behind)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            rest = behind.trim_start();
        }
        loop {
            let opened = rest.split_once('{');
            let Some((literal, (name, behind))) =
                opened.and_then(|(literal, inner)| Some((literal, inner.split_once('}')?)))
            else {
                parts.push((rest, None));
                break;
            };
            parts.push((literal, Some(name)));
            rest = behind;
        }
        let pattern = Self { parts };
        (pattern.anchor().len() >= SHORTEST_ANCHOR).then_some(pattern)
    }

    /// The longest literal part, by which lines are looked through for all patterns at once.
    pub(super) fn anchor(&self) -> &'static str {
        let literals = self.parts.iter().map(|(literal, _)| literal.trim());
        literals.max_by_key(|literal| literal.len()).unwrap_or_default()
    }

    /// What two patterns have in common that fit the same lines.
    pub(super) fn key(&self) -> String {
        let literals: Vec<_> = self.parts.iter().map(|(literal, _)| *literal).collect();
        literals
            .join("{}")
            .trim_end_matches(['{', '}', ' ', '.'])
            .to_lowercase()
    }

    /// How many bytes are literal: what fits more of a line says more about it.
    pub(super) fn weight(&self) -> usize {
        self.parts.iter().map(|(literal, _)| literal.len()).sum()
    }

    /// What the message begins with, by which lines are looked through that end within one; none where it begins with
    /// too little.
    pub(super) fn beginning(&self) -> Option<&'static str> {
        let (first, _) = self.parts.first()?;
        let mut ends = (SHORTEST_ANCHOR..=LONGEST_BEGINNING.min(first.len())).rev();
        ends.find_map(|end| first.get(..end))
    }

    /// How many literal bytes of the message are there, if `line` ends within it.
    pub(super) fn fit_of_cut(&self, line: &str) -> Option<usize> {
        let mut at = find(line, self.beginning()?, 0)?;
        let mut fit = 0;
        for (number, (literal, _)) in self.parts.iter().enumerate() {
            let whole = find(line, literal, at).filter(|&start| number > 0 || start == at);
            let Some(start) = whole else {
                let rest = &line.as_bytes()[at..];
                let begun = (0..literal.len().min(rest.len() + 1)).rev().find(|&length| {
                    let is_possible = number > 0 || length == rest.len();
                    is_possible
                        && rest[rest.len() - length..].eq_ignore_ascii_case(&literal.as_bytes()[..length])
                });
                return begun.map(|begun| fit + begun).filter(|fit| *fit >= SHORTEST_CUT);
            };
            fit += literal.len();
            at = start + literal.len();
        }
        None
    }

    /// Where its first value begins in a line in which it begins at `start`.
    pub(super) fn first_value(&self, start: usize) -> Option<usize> {
        let (literal, name) = self.parts.first()?;
        name.map(|_| start + literal.len())
    }

    /// How many values a match tells.
    pub(super) fn placeholders(&self) -> usize {
        self.parts.iter().filter(|(_, name)| name.is_some()).count()
    }

    /// The first place in `line` where the pattern fits, whatever the case of its letters.
    pub(super) fn find(&self, line: &str) -> Option<Match> {
        let (first, _) = self.parts.first()?;
        let mut from = 0;
        while let Some(start) = find(line, first, from) {
            if let Some(found) = self.fit(line, start) {
                return Some(found);
            }
            from = start + 1;
        }
        None
    }

    fn fit(&self, line: &str, start: usize) -> Option<Match> {
        let mut values = Vec::new();
        let mut at = start;
        let mut parts = self.parts.iter().peekable();
        while let Some((literal, name)) = parts.next() {
            at += literal.len();
            let Some(name) = name else { break };
            let end = match parts.peek() {
                Some((next, _)) if !next.is_empty() => find(line, next, at)?,
                // What somebody says in words of their own goes on to the end.
                _ if *name == "line" => line.len(),
                _ => at + last_value(&line[at..]),
            };
            if end - at > LONGEST_VALUE {
                return None;
            }
            values.push((*name, line[at..end].trim().to_owned()));
            at = end;
        }
        Some(Match {
            range: start..at,
            values,
        })
    }
}

/// Fewer literal bytes than this fit lines that have nothing to do with rsync.
const SHORTEST_ANCHOR: usize = 7;
/// So many bytes of a message's beginning are looked for at most.
const LONGEST_BEGINNING: usize = 12;
/// Fewer literal bytes than this are no part of a message, but words of anybody's.
const SHORTEST_CUT: usize = 10;

/// The length of a value at the end of a pattern: one word, without the full stop of the sentence around it.
fn last_value(rest: &str) -> usize {
    let word = rest.trim_start();
    let blanks = rest.len() - word.len();
    let end = word.find(char::is_whitespace).unwrap_or(word.len());
    let word = word[..end].trim_end_matches(['.', ',', ';', ':', ')', '"', '\'', '`']);
    if word.is_empty() { 0 } else { blanks + word.len() }
}

/// Where `part` stands in `line` at or behind `from`, whatever the case of ASCII letters; always between characters.
fn find(line: &str, part: &str, from: usize) -> Option<usize> {
    let (line, part) = (line.as_bytes(), part.as_bytes());
    let Some((first, _)) = part.split_first() else {
        return (from <= line.len()).then_some(from);
    };
    let last = line.len().checked_sub(part.len())?;
    (from..=last).find(|&at| {
        line[at].eq_ignore_ascii_case(first) && line[at..at + part.len()].eq_ignore_ascii_case(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pattern: &'static str, line: &str) -> Option<Vec<(&'static str, String)>> {
        let found = Pattern::new(pattern).expect("a pattern").find(line)?;
        Some(found.values)
    }

    #[test]
    fn placeholders_take_what_stands_there() {
        let line = "@ERROR: access denied to www from unknown (192.168.1.123)";
        let found = values("@ERROR: access denied to {module} from {host} ({address})", line);
        let expected = [
            ("module", "www"),
            ("host", "unknown"),
            ("address", "192.168.1.123"),
        ];
        assert_eq!(
            found,
            Some(expected.map(|(name, value)| (name, value.to_owned())).to_vec())
        );
        let found = values(
            "auth failed on module {module}",
            "2) @ERROR: Auth failed on module tee.",
        );
        assert_eq!(found, Some(vec![("module", "tee".to_owned())]));
        assert_eq!(
            values(
                "{value}: invalid numeric value",
                "--port=x: invalid numeric value"
            ),
            Some(vec![])
        );
        assert_eq!(values("auth failed on module {module}", "auth failed"), None);
        assert_eq!(
            values("failed: No such {x} here (2)", "failed: No such thing here (3)"),
            None
        );
    }

    #[test]
    fn patterns_for_the_same_lines_share_a_key() {
        let key = |text| Pattern::new(text).expect("a pattern").key();
        assert_eq!(
            key("auth failed on module {module}"),
            key("auth failed on module")
        );
        assert_ne!(
            key("auth failed on module {module} from"),
            key("auth failed on module")
        );
        assert!(Pattern::new("%Q").is_none() && Pattern::new("{a} {b}").is_none());
    }

    #[test]
    fn a_message_is_known_by_what_a_cut_leaves_of_it() {
        let pattern =
            Pattern::new("link_stat \"{path}\" failed: No such file or directory (2)").expect("a pattern");
        let line = "rsync: [sender] link_stat \"/a\" failed: No such file or directory (2)";
        for (length, fit) in [
            (27, Some(11)),
            (30, Some(12)),
            (31, Some(13)),
            (44, Some(26)),
            (68, None),
            (20, None),
        ] {
            assert_eq!(pattern.fit_of_cut(&line[..length]), fit, "{}", &line[..length]);
        }
        assert_eq!(pattern.fit_of_cut("rsync: [sender] link_status of /a"), None);
    }

    #[test]
    fn any_characters_stand_around_a_match() {
        let found = Pattern::new("Unknown module '{module}'")
            .expect("a pattern")
            .find("错误：Unknown module '数据' 。");
        assert_eq!(
            found.map(|found| found.values),
            Some(vec![("module", "数据".to_owned())])
        );
    }
}
