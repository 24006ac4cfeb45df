use std::fmt::Write as _;

pub use crate::terms::describe;

/// A name or a peer's text as rsync prints it: control characters, and what is not UTF-8, as `\#012` (`filtered_fwrite`
/// in log.c). Unlike there, so are the control characters behind ASCII, which some terminals obey.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(text, "\\#{byte:03o}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        let valid = chunk.valid();
        for (place, letter) in valid.char_indices() {
            // What looks like an escape is one, so that each can be told from the other.
            if is_escape(&valid.as_bytes()[place..]) || letter.is_control() && !is_harmless(letter) {
                escape(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(letter);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

/// Whether a control character does nothing to a terminal that rsync prints as it is.
fn is_harmless(letter: char) -> bool {
    matches!(letter, '\t' | '\x7f')
}

/// Whether a text begins with `\#` and three digits.
fn is_escape(text: &[u8]) -> bool {
    text.starts_with(b"\\#")
        && text
            .get(2..5)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
}

/// The bytes that were shown so.
pub fn unshown(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let [first, behind @ ..] = rest {
        if is_escape(rest) {
            let value = rest[2..5]
                .iter()
                .fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
            bytes.push(value as u8);
            rest = &rest[5..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{shown, unshown};

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(shown("café 文\t\x7f".as_bytes()), "café 文\t\x7f");
        assert_eq!(shown(b"\\#123 \\#12"), "\\#134#123 \\#12");
        let odd = b"caf\xe9 \\#012 \n \\#8";
        assert_eq!(unshown(&shown(odd)), odd);
        assert_eq!(shown(b"a\n\x1b[31mb\xe9"), "a\\#012\\#033[31mb\\#351");
    }
}
