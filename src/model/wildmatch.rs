//! rsync's own wildcards (`wildmatch.c`): `*` stops at a slash, `**` does not, `?`, `[…]` and backslash.

/// Whether `text` as a whole fits `pattern`. Takes time in the product of the two lengths at worst.
pub fn wildmatch(pattern: &[u8], text: &[u8]) -> bool {
    let pattern = pieces(pattern);
    // Which positions of the pattern can stand before the current byte of the text.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    skip_stars(&pattern, &mut reached);
    for &byte in text {
        let mut next = vec![false; pattern.len() + 1];
        for (at, piece) in pattern.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match piece {
                Piece::Stars => next[at] = true,
                Piece::Star => next[at] |= byte != b'/',
                Piece::Any => next[at + 1] |= byte != b'/',
                Piece::Byte(wanted) => next[at + 1] |= byte == *wanted,
                Piece::Set(set) => next[at + 1] |= byte != b'/' && set.holds(byte),
                Piece::Never => {}
            }
        }
        skip_stars(&pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

enum Piece {
    Any,
    Byte(u8),
    /// A bracket without its end: matches nothing.
    Never,
    Set(Set),
    Star,
    Stars,
}

struct Set {
    negated: bool,
    ranges: Vec<(u8, u8)>,
    classes: Vec<fn(&u8) -> bool>,
}

impl Set {
    fn holds(&self, byte: u8) -> bool {
        let inside = self
            .ranges
            .iter()
            .any(|&(first, last)| (first..=last).contains(&byte))
            || self.classes.iter().any(|class| class(&byte));
        inside != self.negated
    }
}

fn skip_stars(pattern: &[Piece], reached: &mut [bool]) {
    for (at, piece) in pattern.iter().enumerate() {
        if matches!(piece, Piece::Star | Piece::Stars) && reached[at] {
            reached[at + 1] = true;
        }
    }
}

fn pieces(pattern: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut at = 0;
    while let Some(&byte) = pattern.get(at) {
        at += 1;
        pieces.push(match byte {
            b'?' => Piece::Any,
            b'*' => {
                let run = pattern[at..].iter().take_while(|&&byte| byte == b'*').count();
                at += run;
                if run == 0 { Piece::Star } else { Piece::Stars }
            }
            b'\\' => match pattern.get(at) {
                Some(&escaped) => {
                    at += 1;
                    Piece::Byte(escaped)
                }
                None => Piece::Never,
            },
            b'[' => match set(&pattern[at..]) {
                Some((set, length)) => {
                    at += length;
                    Piece::Set(set)
                }
                None => {
                    at = pattern.len();
                    Piece::Never
                }
            },
            _ => Piece::Byte(byte),
        });
    }
    pieces
}

/// The set behind a `[`, and how many bytes it takes with its `]`.
fn set(pattern: &[u8]) -> Option<(Set, usize)> {
    let mut set = Set {
        negated: false,
        ranges: Vec::new(),
        classes: Vec::new(),
    };
    let mut at = 0;
    if matches!(pattern.first(), Some(b'!' | b'^')) {
        set.negated = true;
        at = 1;
    }
    let first = at;
    loop {
        let mut byte = *pattern.get(at)?;
        at += 1;
        match byte {
            b']' if at - 1 > first => return Some((set, at)),
            b'[' if pattern.get(at) == Some(&b':') => {
                let rest = &pattern[at + 1..];
                if let Some(length) = rest.windows(2).position(|pair| pair == b":]") {
                    set.classes.push(class(&rest[..length])?);
                    at += length + 3;
                    continue;
                }
            }
            b'\\' => {
                byte = *pattern.get(at)?;
                at += 1;
            }
            _ => {}
        }
        if pattern.get(at) == Some(&b'-') && pattern.get(at + 1).is_some_and(|&next| next != b']') {
            let mut last = pattern[at + 1];
            at += 2;
            if last == b'\\' {
                last = *pattern.get(at)?;
                at += 1;
            }
            set.ranges.push((byte, last));
        }
        // The first byte of a range counts also where the last one is smaller.
        set.ranges.push((byte, byte));
    }
}

fn class(name: &[u8]) -> Option<fn(&u8) -> bool> {
    Some(match name {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| (b' '..=b'~').contains(byte),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| crate::syntax::rsyncd_conf::is_space(*byte),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_rsync() {
        for (pattern, text) in [
            ("*", "example.org"),
            ("*.example.org", "a.b.example.org"),
            ("**", "a/b"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("[]]", "]"),
            ("[[:digit:]]*", "7up"),
            ("[z-a]", "z"),
            ("[^\\z-a]", "m"),
            ("\\*", "*"),
            ("", ""),
        ] {
            assert!(wildmatch(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("*", "a/b"),
            ("a?c", "a/c"),
            ("[a-c]x", "dx"),
            ("[abc", "a"),
            ("[z-a]", "a"),
            ("[^z-a]", "z"),
            ("a", "A"),
            ("", "a"),
            ("a\\", "a"),
        ] {
            assert!(
                !wildmatch(pattern.as_bytes(), text.as_bytes()),
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn many_stars_stay_cheap() {
        let pattern = "a*".repeat(200);
        assert!(!wildmatch(
            format!("{pattern}b").as_bytes(),
            "a".repeat(2000).as_bytes()
        ));
    }
}
