/// What a character is that web pages, word processors and Chinese keyboards put in the place of one that rsync knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookalike {
    /// Looks like a blank: a no-break space, an ideographic space.
    Blank,
    /// Cannot be seen at all: a zero-width space, a byte order mark.
    Nothing,
    /// A curved quote.
    Quote,
    /// The wide form of an ASCII character, or the brackets that Chinese keyboards give for `[` and `]`.
    Wide(u8),
}

impl Lookalike {
    /// The lookalike with which some bytes begin, and its length.
    pub fn at(bytes: &[u8]) -> Option<(Self, usize)> {
        let (first, rest) = bytes.split_first()?;
        match (first, rest) {
            (0xc2, [0xa0, ..]) => Some((Self::Blank, 2)),
            (0xe2, [0x80, 0x80..=0x8a | 0xaf, ..]) | (0xe2, [0x81, 0x9f, ..]) | (0xe3, [0x80, 0x80, ..]) => {
                Some((Self::Blank, 3))
            }
            (0xe2, [0x80, 0x8b..=0x8f, ..]) | (0xe2, [0x81, 0xa0, ..]) | (0xef, [0xbb, 0xbf, ..]) => {
                Some((Self::Nothing, 3))
            }
            (0xe2, [0x80, 0x98 | 0x99 | 0x9c | 0x9d, ..]) => Some((Self::Quote, 3)),
            (0xe3, [0x80, 0x90, ..]) => Some((Self::Wide(b'['), 3)),
            (0xe3, [0x80, 0x91, ..]) => Some((Self::Wide(b']'), 3)),
            // U+FF01 to U+FF5E are `!` to `~`, wide.
            (0xef, [0xbc, low @ 0x81..=0xbf, ..]) => Some((Self::Wide(low - 0x60), 3)),
            (0xef, [0xbd, low @ 0x80..=0x9e, ..]) => Some((Self::Wide(low - 0x20), 3)),
            _ => None,
        }
    }
}

impl Lookalike {
    /// What stands in a word in the place of what would have parted it: a curved quote at one of its ends, or a blank that
    /// is none for a shell.
    pub fn in_word(word: &str) -> Option<Self> {
        let kind = |letter: char| {
            let found = Self::at(letter.encode_utf8(&mut [0; 4]).as_bytes());
            found.map(|(what, _)| what)
        };
        let ends = [word.chars().next(), word.chars().next_back()];
        let is_quoted = ends
            .into_iter()
            .flatten()
            .any(|end| kind(end) == Some(Self::Quote));
        let is_blank = |letter| kind(letter) == Some(Self::Blank);
        match is_quoted {
            true => Some(Self::Quote),
            false => word.chars().any(is_blank).then_some(Self::Blank),
        }
    }
}

/// The length of the blank with which some bytes begin: one that rsync knows, or one that only looks like it.
pub fn blank_length(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b' ' | b'\t' => Some(1),
        _ => Lookalike::at(bytes)
            .filter(|(what, _)| *what == Lookalike::Blank)
            .map(|(_, length)| length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_known_by_their_plain_form() {
        for (wide, plain) in [
            ("＝", b'='),
            ("＃", b'#'),
            ("：", b':'),
            ("［", b'['),
            ("【", b'['),
            ("】", b']'),
            ("ａ", b'a'),
            ("～", b'~'),
        ] {
            assert_eq!(
                Lookalike::at(wide.as_bytes()),
                Some((Lookalike::Wide(plain), 3)),
                "{wide}"
            );
        }
    }

    #[test]
    fn blanks_that_rsync_does_not_know_are_blanks_for_people() {
        for blank in [" ", "\t", "\u{a0}", "\u{3000}", "\u{2003}", "\u{202f}"] {
            assert_eq!(
                blank_length(format!("{blank}x").as_bytes()),
                Some(blank.len()),
                "{blank:?}"
            );
        }
        for other in ["", "x", "\u{200b}", "“", "中"] {
            assert_eq!(blank_length(other.as_bytes()), None, "{other:?}");
        }
        assert_eq!(
            Lookalike::at("\u{200b}".as_bytes()),
            Some((Lookalike::Nothing, 3))
        );
        assert_eq!(Lookalike::at("”".as_bytes()), Some((Lookalike::Quote, 3)));
    }
}
