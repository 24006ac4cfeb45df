//! `$'…'`: quotes in which a backslash begins a byte that is written otherwise.

/// Reads what stands behind `$'`: the bytes that it means, and how many it is long, with the quote that ends it, if one
/// does (bash(1), QUOTING).
pub(super) fn unescape(text: &[u8]) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\'' => break,
            b'\\' => at += escape(&text[at..], &mut bytes),
            _ => bytes.push(byte),
        }
    }
    (bytes, at)
}

/// Reads what stands behind a backslash; how long it is.
fn escape(text: &[u8], to: &mut Vec<u8>) -> usize {
    let Some(&kind) = text.first() else {
        to.push(b'\\');
        return 0;
    };
    let simple = match kind {
        b'a' => 7,
        b'b' => 8,
        b'e' | b'E' => 27,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        b'\\' | b'\'' | b'"' | b'?' => kind,
        b'0'..=b'7' => {
            let (number, length) = number(text, 8, 3);
            to.push(number as u8);
            return length;
        }
        b'x' | b'u' | b'U' => {
            let most = match kind {
                b'x' => 2,
                b'u' => 4,
                _ => 8,
            };
            let (number, length) = number(&text[1..], 16, most);
            match (length, kind, char::from_u32(number)) {
                (0, ..) => to.extend([b'\\', kind]),
                (_, b'x', _) => to.push(number as u8),
                (_, _, character) => {
                    let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                    to.extend(character.encode_utf8(&mut [0; 4]).bytes());
                }
            }
            return 1 + length;
        }
        b'c' => {
            let Some(letter) = text.get(1) else {
                to.extend(b"\\c");
                return 1;
            };
            to.push(letter & 0x1f);
            return 2;
        }
        _ => {
            to.extend([b'\\', kind]);
            return 1;
        }
    };
    to.push(simple);
    1
}

/// The number that digits make, and how many of at most `most` they are.
fn number(text: &[u8], base: u32, most: usize) -> (u32, usize) {
    let digits = text
        .iter()
        .take(most)
        .map_while(|&byte| char::from(byte).to_digit(base));
    digits.fold((0, 0), |(number, length), digit| {
        (number * base + digit, length + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn bytes_are_read_as_bash_reads_them() {
        // Each as `printf %s` of bash shows it.
        for (text, expected, length) in [
            (&br"a\r' x"[..], &b"a\r"[..], 4),
            (
                br"\\\'\n\t\x41\101\u00e9\cA'",
                "\\'\n\tAA\u{e9}\u{1}".as_bytes(),
                26,
            ),
            (br"\q\x'", br"\q\x", 5),
            (br"\xffffff'", b"\xffffff", 9),
            (br"\UFFFFFFFF'", "\u{fffd}".as_bytes(), 11),
            (br"open", b"open", 4),
            (br"open\", br"open\", 5),
            (br"\c", br"\c", 2),
            (b"", b"", 0),
        ] {
            assert_eq!(
                unescape(text),
                (expected.to_vec(), length),
                "{}",
                text.escape_ascii()
            );
        }
    }
}
