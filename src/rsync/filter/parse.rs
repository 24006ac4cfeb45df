use thiserror::Error;

use crate::rsync::filter::{glob::is_space, rule::Prefix};

/// A filter rule or a merge file that cannot be used. The texts are rsync's.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum FilterError {
    /// No such kind of rule.
    #[error("Unknown filter rule: {0}")]
    Unknown(String),
    /// A letter that does not belong there.
    #[error("invalid modifier{letter} in filter rule: {rule}")]
    Modifier {
        /// Which letter, and where it stands.
        letter: String,
        /// The rule.
        rule: String,
    },
    /// Both the merge file and its rule name a side.
    #[error("specified-side merge file contains specified-side filter: {0}")]
    TwoSides(String),
    /// Something behind `!`.
    #[error("'!' rule has trailing characters: {0}")]
    Trailing(String),
    /// A rule without a pattern.
    #[error("unexpected end of filter rule: {0}")]
    NoPattern(String),
    /// A file with rules that cannot be read.
    #[error("failed to open {kind} file {name}{colon}{reason}", colon = if reason.is_empty() { "" } else { ": " })]
    Unreadable {
        /// `include` or `exclude`.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What the system says.
        reason: String,
        /// Whether the way there leads through a symlink of somebody else's.
        is_untrusted: bool,
    },
    /// Merge files that name each other.
    #[error("merge-file include depth limit ({limit}) exceeded at {name}")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
        /// The file that was not read.
        name: String,
    },
    /// The server's protocol has no such rules.
    #[error("filter rules are too modern for remote rsync.")]
    TooModern,
}

impl FilterError {
    /// What rsync ends with then.
    pub const fn exit(&self) -> crate::terms::Exit {
        match self {
            Self::Unreadable { .. } | Self::TooDeep { .. } => crate::terms::Exit::FileIo,
            Self::TooModern => crate::terms::Exit::Protocol,
            _ => crate::terms::Exit::Syntax,
        }
    }
}

/// Which prefixes rules have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Style {
    /// All of them, as in `--filter`.
    Full,
    /// Only `+ `, `- ` and `!`, each optional, as in `--exclude`.
    Old,
}

/// What a text with rules stands in.
#[derive(Clone, Debug)]
pub(super) struct Container {
    /// The prefix of the rule that names the file.
    pub(super) prefix: Prefix,
    pub(super) style: Style,
    /// Rules of files are not repeated in messages, but where they stand is (the file, and the number of the line).
    pub(super) place: Option<String>,
    /// `--delete-excluded` was given: rules without a side are the sender's.
    pub(super) deletes_excluded: bool,
}

/// A rule as it was written.
#[derive(Debug)]
pub(super) struct Written<'t> {
    pub(super) prefix: Prefix,
    pub(super) pattern: &'t [u8],
    /// `!`: forget all rules before.
    pub(super) is_clear: bool,
}

/// Takes the next rule from a text; `None` at its end (`parse_rule_tok` in exclude.c).
pub(super) fn next_rule<'t>(
    text: &mut &'t [u8],
    container: &Container,
) -> Result<Option<Written<'t>>, FilterError> {
    let template = &container.prefix;
    if template.splits_words {
        let spaces = text.iter().take_while(|&&byte| is_space(byte)).count();
        *text = &text[spaces..];
    }
    if text.is_empty() {
        return Ok(None);
    }
    let whole = *text;
    let shown = || match &container.place {
        Some(place) => format!("<rule from {place}>"),
        None => String::from_utf8_lossy(whole).into_owned(),
    };
    let mut prefix = template.of_content();
    let mut is_clear = false;
    let mut rest = whole;
    if template.has_no_prefixes {
        is_clear = whole[0] == b'!' && template.is_cvs;
    } else if container.style == Style::Old {
        match whole {
            [b'-', b' ', behind @ ..] => (prefix.is_include, rest) = (false, behind),
            [b'+', b' ', behind @ ..] => (prefix.is_include, rest) = (true, behind),
            [b'!', ..] => is_clear = true,
            _ => {}
        }
    } else {
        let (kind, length) = kind(whole).ok_or_else(|| FilterError::Unknown(shown()))?;
        rest = &whole[length..];
        let mut side_is_set = false;
        match kind {
            b':' => (prefix.is_merge, prefix.is_per_directory) = (true, true),
            b'.' => prefix.is_merge = true,
            b'+' => prefix.is_include = true,
            b'-' => {}
            b'S' | b'H' => {
                prefix.is_include |= kind == b'S';
                (prefix.is_sender, side_is_set) = (true, true);
            }
            b'R' | b'P' => {
                prefix.is_include |= kind == b'R';
                (prefix.is_receiver, side_is_set) = (true, true);
            }
            b'!' => is_clear = true,
            _ => return Err(FilterError::Unknown(shown())),
        }
        if !is_clear {
            rest = modifiers(whole, rest, template.splits_words, side_is_set, &mut prefix).map_err(
                |(letter, at)| FilterError::Modifier {
                    letter: match container.place {
                        Some(_) => String::new(),
                        None => format!(" '{}' at position {at}", char::from(letter)),
                    },
                    rule: shown(),
                },
            )?;
        }
    }
    if template.has_side() {
        if prefix.has_side() {
            return Err(FilterError::TwoSides(shown()));
        }
        prefix.is_sender = template.is_sender;
        prefix.is_receiver = template.is_receiver;
    }
    let length = match template.splits_words {
        true => rest.iter().take_while(|&&byte| !is_space(byte)).count(),
        false => rest.len(),
    };
    let (pattern, behind) = rest.split_at(length);
    if is_clear {
        if !template.has_no_prefixes && container.style == Style::Full && length > 0 {
            return Err(FilterError::Trailing(shown()));
        }
        is_clear = length <= 1;
    } else if pattern.is_empty() && !prefix.is_cvs {
        return Err(FilterError::NoPattern(shown()));
    }
    if container.deletes_excluded && !prefix.has_side() && !prefix.is_merge {
        prefix.is_sender = true;
    }
    *text = behind;
    Ok(Some(Written {
        prefix,
        pattern,
        is_clear,
    }))
}

/// The letter of a rule's kind, and how long its name is, a comma behind it included.
fn kind(text: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&[u8], u8); 10] = [
        (b"clear", b'!'),
        (b"dir-merge", b':'),
        (b"exclude", b'-'),
        (b"hide", b'H'),
        (b"include", b'+'),
        (b"merge", b'.'),
        (b"protect", b'P'),
        (b"risk", b'R'),
        (b"show", b'S'),
        // What begins with such a letter is never a kind of one letter.
        (b"", b' '),
    ];
    let first = *text.first()?;
    let (name, letter) = NAMES
        .into_iter()
        .find(|(name, _)| name.first().is_none_or(|&begin| begin == first))?;
    if name.is_empty() {
        return Some((first, 1 + usize::from(text.get(1) == Some(&b','))));
    }
    match text.strip_prefix(name)? {
        [b',', ..] => Some((letter, name.len() + 1)),
        [] | [b'_', ..] => Some((letter, name.len())),
        [byte, ..] => is_space(*byte).then_some((letter, name.len())),
    }
}

/// Reads the letters in front of a pattern; what stands behind them, or the letter that is wrong and its place.
fn modifiers<'t>(
    whole: &'t [u8],
    text: &'t [u8],
    splits_words: bool,
    side_is_set: bool,
    prefix: &mut Prefix,
) -> Result<&'t [u8], (u8, usize)> {
    let mut rest = text;
    while let [letter, behind @ ..] = rest {
        match letter {
            b' ' | b'_' => return Ok(behind),
            &space if splits_words && is_space(space) => return Ok(rest),
            b'-' | b'+' if prefix.is_merge && !prefix.has_no_prefixes => {
                prefix.has_no_prefixes = true;
                prefix.is_include |= *letter == b'+';
            }
            b'/' => prefix.is_absolute = true,
            b'!' if !prefix.is_merge => prefix.is_negated = true,
            b'C' if !prefix.has_no_prefixes && !side_is_set => {
                prefix.has_no_prefixes = true;
                prefix.splits_words = true;
                prefix.is_not_inherited = true;
                prefix.is_cvs = true;
            }
            b'e' if prefix.is_merge => prefix.excludes_itself = true,
            b'n' if prefix.is_merge => prefix.is_not_inherited = true,
            b'p' => prefix.is_perishable = true,
            b'r' if !side_is_set => prefix.is_receiver = true,
            b's' if !side_is_set => prefix.is_sender = true,
            b'w' if prefix.is_merge => prefix.splits_words = true,
            b'x' => prefix.is_for_xattrs = true,
            _ => return Err((*letter, whole.len() - rest.len())),
        }
        rest = behind;
    }
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::{Container, FilterError, Style, next_rule};
    use crate::rsync::filter::rule::Prefix;

    #[test]
    fn bad_rules_are_named_as_rsync_names_them() {
        let container = Container {
            prefix: Prefix::default(),
            style: Style::Full,
            place: None,
            deletes_excluded: false,
        };
        for (text, expected) in [
            ("bogus", "Unknown filter rule: bogus"),
            ("excluded x", "Unknown filter rule: excluded x"),
            ("-z x", "invalid modifier 'z' at position 1 in filter rule: -z x"),
            (
                "exclude,wx",
                "invalid modifier 'w' at position 8 in filter rule: exclude,wx",
            ),
            ("!x", "'!' rule has trailing characters: !x"),
            ("- ", "unexpected end of filter rule: - "),
            ("Hs x", "invalid modifier 's' at position 1 in filter rule: Hs x"),
        ] {
            let error = next_rule(&mut text.as_bytes(), &container).expect_err(text);
            assert_eq!(error.to_string(), expected);
        }
        let place = Some("f line 2".to_owned());
        let secret = Container { place, ..container };
        let error = next_rule(&mut &b"root:x:0"[..], &secret).expect_err("no rule");
        assert_eq!(error, FilterError::Unknown("<rule from f line 2>".to_owned()));
    }
}
