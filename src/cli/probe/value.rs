//! What a shell makes of words that are nothing but text and variables.

use std::collections::BTreeMap;

use crate::cli::probe::token::is_letter;

/// The variables that a text sets, with their values where these are known.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

/// A part of a word.
struct Part {
    text: Vec<u8>,
    /// Whether a shell splits it, and looks for files whose names fit.
    is_open: bool,
}

impl Names {
    pub(super) fn set(&mut self, name: &[u8], value: Option<Vec<u8>>) {
        self.0.insert(name.to_vec(), value);
    }

    pub(super) fn has_value(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// Whether it is set, to whatever.
    pub(super) fn has(&self, name: &[u8]) -> bool {
        self.0.contains_key(name)
    }

    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.0.get(name)?.as_deref()
    }

    /// The value of a word that a variable is set to; none if a run decides.
    pub(super) fn value(&self, word: &[u8]) -> Option<Vec<u8>> {
        let parts = self.parts(word)?;
        Some(parts.into_iter().flat_map(|part| part.text).collect())
    }

    /// The words that a shell makes of one; none if a run decides.
    pub(super) fn words(&self, word: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut words = Vec::new();
        let mut current: Option<Vec<u8>> = None;
        for Part { text, is_open } in self.parts(word)? {
            if !is_open {
                current.get_or_insert_default().extend(text);
                continue;
            }
            if text.iter().any(|byte| b"*?[\\".contains(byte)) {
                return None;
            }
            for byte in text {
                match byte {
                    b' ' | b'\t' | b'\n' => words.extend(current.take()),
                    byte => current.get_or_insert_default().push(byte),
                }
            }
        }
        words.extend(current);
        Some(words)
    }

    /// The one word that a shell makes of one.
    pub(super) fn word(&self, word: &[u8]) -> Option<Vec<u8>> {
        let mut words = self.words(word)?.into_iter();
        words.next().filter(|_| words.next().is_none())
    }

    fn parts(&self, word: &[u8]) -> Option<Vec<Part>> {
        let mut parts = Vec::new();
        let mut add = |text: &[u8], is_open| {
            parts.push(Part {
                text: text.to_vec(),
                is_open,
            });
        };
        let (mut at, mut is_quoted) = (0, false);
        while let Some(&byte) = word.get(at) {
            let rest = &word[at + 1..];
            at += match byte {
                b'"' => {
                    is_quoted = !is_quoted;
                    // Empty quotes are a word.
                    add(b"", false);
                    1
                }
                b'\'' if !is_quoted => {
                    let length = rest.iter().position(|&byte| byte == b'\'')?;
                    add(&rest[..length], false);
                    length + 2
                }
                b'\\' if is_quoted => match rest.first()? {
                    b'\n' => 2,
                    escaped @ (b'$' | b'`' | b'"' | b'\\') => {
                        add(&[*escaped], false);
                        2
                    }
                    _ => {
                        add(b"\\", false);
                        1
                    }
                },
                b'\\' => {
                    add(&rest[..1.min(rest.len())], false);
                    2
                }
                b'$' => {
                    let braces = usize::from(rest.first() == Some(&b'{'));
                    let name = rest[braces..].iter().take_while(|&&byte| is_letter(byte)).count();
                    let value = self.get(&rest[braces..braces + name])?;
                    add(value, !is_quoted);
                    1 + name + 2 * braces
                }
                b'`' => return None,
                b'~' if at == 0 && rest.first() == Some(&b'/') => {
                    let home = self.get(b"HOME")?;
                    // It is not split.
                    add(home, false);
                    1
                }
                byte => {
                    add(&[byte], false);
                    1
                }
            };
        }
        Some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn words_are_made_as_a_shell_makes_them() {
        let mut names = Names::default();
        for (name, value) in [("A", "a  b"), ("E", ""), ("B", " b "), ("S", "*")] {
            names.set(name.as_bytes(), Some(value.into()));
        }
        names.set(b"U", None);
        for (word, expected) in [
            ("x", Some(&["x"][..])),
            ("$A", Some(&["a", "b"])),
            ("\"$A\"", Some(&["a  b"])),
            ("x${A}y", Some(&["xa", "by"])),
            ("$E", Some(&[])),
            ("\"$E\"", Some(&[""])),
            ("''", Some(&[""])),
            ("x$B\"y\"", Some(&["x", "b", "y"])),
            ("a\\ b'c \"d'\"\\$e\\f\"", Some(&["a bc \"d$e\\f"])),
            ("'$S'\"$S\"", Some(&["$S*"])),
            ("$S", None),
            ("$U", None),
            ("$(date)", None),
        ] {
            let found = names.words(word.as_bytes());
            let expected = expected.map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect());
            assert_eq!(found, expected, "{word}");
        }
    }
}
