use std::fmt::Write as _;

pub use crate::terms::describe;

/// A name or a peer's text as rsync prints it: control characters, and what is not UTF-8, as `\#012` (`filtered_fwrite`
/// in log.c).
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let escape = |text: &mut String, bytes: &[u8]| {
        for byte in bytes {
            let _ = write!(text, "\\#{byte:03o}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() && letter != '\t' {
                escape(&mut text, letter.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(letter);
            }
        }
        escape(&mut text, chunk.invalid());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn names_cannot_steer_a_terminal() {
        assert_eq!(shown("café 文\t".as_bytes()), "café 文\t");
        assert_eq!(shown(b"a\n\x1b[31mb\xe9"), "a\\#012\\#033[31mb\\#351");
    }
}
