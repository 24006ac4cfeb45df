/// A pattern with wildcards, as upstream's `wildmatch.c` understands it: `?` and `*` stop at a slash, `**` does not.
///
/// A name is matched in one pass over its bytes with the set of places in the pattern that are still possible, so that
/// no pattern takes longer than its length times the name's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Glob(Vec<Token>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Byte(u8),
    /// `?`.
    Any,
    /// `*`.
    Star,
    /// `**`.
    DoubleStar,
    /// `[…]`, never a slash.
    Class(Box<[bool; 256]>),
    /// What is broken matches nothing.
    Never,
}

impl Glob {
    pub(super) fn new(pattern: &[u8]) -> Self {
        let mut tokens = Vec::new();
        let mut rest = pattern;
        while let [first, behind @ ..] = rest {
            rest = behind;
            tokens.push(match first {
                b'\\' => {
                    let escaped = rest.first().map_or(Token::Never, |&byte| Token::Byte(byte));
                    rest = rest.get(1..).unwrap_or_default();
                    escaped
                }
                b'?' => Token::Any,
                b'*' => {
                    let more = rest.iter().take_while(|&&byte| byte == b'*').count();
                    rest = &rest[more..];
                    if more > 0 { Token::DoubleStar } else { Token::Star }
                }
                b'[' => match class(rest) {
                    Some((class, length)) => {
                        rest = &rest[length..];
                        Token::Class(class)
                    }
                    None => Token::Never,
                },
                &byte => Token::Byte(byte),
            });
        }
        Self(tokens)
    }

    /// Whether the whole text matches; if it is floating, from its start or from behind any slash.
    pub(super) fn matches(&self, text: &[u8], is_floating: bool) -> bool {
        let mut now = Vec::new();
        let mut next = Vec::new();
        self.reach(0, &mut now);
        for &byte in text {
            next.clear();
            if is_floating && byte == b'/' {
                self.reach(0, &mut next);
            }
            for &place in &now {
                match self.0.get(place) {
                    Some(Token::Star) if byte != b'/' => self.reach(place, &mut next),
                    Some(Token::DoubleStar) => self.reach(place, &mut next),
                    Some(Token::Any) if byte != b'/' => self.reach(place + 1, &mut next),
                    Some(Token::Byte(wanted)) if *wanted == byte => self.reach(place + 1, &mut next),
                    Some(Token::Class(class)) if class[usize::from(byte)] => {
                        self.reach(place + 1, &mut next);
                    }
                    _ => {}
                }
            }
            std::mem::swap(&mut now, &mut next);
            if now.is_empty() && !is_floating {
                return false;
            }
        }
        now.last() == Some(&self.0.len())
    }

    /// Adds a place, and what stands behind it if it may stand for nothing. Places come in ascending order.
    fn reach(&self, place: usize, places: &mut Vec<usize>) {
        if places.last().is_none_or(|&last| last < place) {
            places.push(place);
        }
        if matches!(self.0.get(place), Some(Token::Star | Token::DoubleStar)) {
            self.reach(place + 1, places);
        }
    }
}

/// The bytes that a class takes, and its length behind the opening bracket; `None` if it is broken.
fn class(text: &[u8]) -> Option<(Box<[bool; 256]>, usize)> {
    let mut class = Box::new([false; 256]);
    let is_inverted = matches!(text.first(), Some(b'!' | b'^'));
    let mut at = usize::from(is_inverted);
    // Where a range may begin.
    let mut previous = None;
    loop {
        let byte = *text.get(at)?;
        let mut here = Some(byte);
        if byte == b'\\' {
            at += 1;
            let escaped = *text.get(at)?;
            class[usize::from(escaped)] = true;
            here = Some(escaped);
        } else if let (b'-', Some(from), Some(&to)) = (byte, previous, text.get(at + 1))
            && to != b']'
        {
            at += 1;
            let to = if to == b'\\' {
                at += 1;
                *text.get(at)?
            } else {
                to
            };
            (from..=to).for_each(|byte| class[usize::from(byte)] = true);
            here = None;
        } else if byte == b'[' && text.get(at + 1) == Some(&b':') {
            let name = &text[at + 2..];
            let end = name.iter().position(|&byte| byte == b']')?;
            match name[..end].strip_suffix(b":") {
                Some(name) => {
                    let member = named(name)?;
                    (0..128_u8)
                        .filter(member)
                        .for_each(|byte| class[usize::from(byte)] = true);
                    at += 2 + end;
                    here = None;
                }
                None => class[usize::from(b'[')] = true,
            }
        } else {
            class[usize::from(byte)] = true;
        }
        previous = here;
        at += 1;
        // A bracket that stands first is one of the bytes.
        if text.get(at)? == &b']' {
            break;
        }
    }
    if is_inverted {
        class.iter_mut().for_each(|member| *member = !*member);
    }
    class[usize::from(b'/')] = false;
    Some((class, at + 1))
}

/// Which ASCII bytes a named class has.
fn named(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |&byte| is_space(byte),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

/// What C's `isspace` takes.
/// Whether a pattern with wildcards describes a name without slashes.
pub(crate) fn matches_name(pattern: &[u8], name: &[u8]) -> bool {
    Glob::new(pattern).matches(name, false)
}

pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn stars_and_classes_match_as_they_should() {
        for (pattern, text, expected) in [
            ("*.o", "a.o", true),
            ("*.o", "a/b.o", false),
            ("**.o", "a/b.o", true),
            ("a?c", "a/c", false),
            ("a**", "a", true),
            ("a*/b*", "ax/b", true),
            ("*/*/c", "a/b/c", true),
            ("[a-c]", "b", true),
            ("[!a-c]", "b", false),
            ("[^a]", "/", false),
            ("[]a]", "]", true),
            ("[[:digit:]x]", "7", true),
            ("[[:nonsense:]]", "n", false),
            ("[a", "a", false),
            ("[a-]", "-", true),
            ("\\*", "*", true),
            ("a\\", "a", false),
            ("", "", true),
            ("*", "", true),
        ] {
            let found = Glob::new(pattern.as_bytes()).matches(text.as_bytes(), false);
            assert_eq!(found, expected, "{pattern} {text}");
        }
        assert!(Glob::new(b"b/**/d").matches(b"a/b/c/d", true));
        assert!(!Glob::new(b"b/**/d").matches(b"ab/c/d", true));
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_time() {
        let pattern = "a*".repeat(1000);
        assert!(!Glob::new(format!("{pattern}b").as_bytes()).matches(&[b'a'; 4000], false));
    }
}
