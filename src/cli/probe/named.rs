//! Variables of a script that stand for one text wherever they stand.

use std::collections::{HashMap, HashSet};

use crate::cli::probe::settled::{is_plain, unquoted};

/// Those that are set once, in a line of their own that is no part of anything, to what a shell reads as it stands.
pub(super) struct Named<'s>(HashMap<&'s [u8], &'s [u8]>);

impl<'s> Named<'s> {
    pub(super) fn of(script: &'s [u8]) -> Self {
        let mut named = HashMap::new();
        let mut several = HashSet::new();
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b";&|(){}".contains(byte);
        for word in script.split(is_end) {
            let name = word.split(|&byte| byte == b'=').next().unwrap_or_default();
            // `NAME` alone is one that `read` or `for` sets.
            if is_name(name) && (named.insert(name, word).is_some() || name.len() == word.len()) {
                several.insert(name);
            }
        }
        named.clear();
        for line in script.split(|&byte| byte == b'\n') {
            let text = line.strip_prefix(b"readonly ").unwrap_or(line).trim_ascii_end();
            let Some(at) = text.iter().position(|&byte| byte == b'=') else {
                continue;
            };
            let (name, value) = (&text[..at], unquoted(&text[at + 1..]));
            if is_name(name) && is_plain(value) && !several.contains(name) {
                named.insert(name, value);
            }
        }
        Self(named)
    }

    /// A word with what they stand for in their place; none if another one is left in it.
    pub(super) fn filled(&self, word: &[u8]) -> Option<Vec<u8>> {
        let mut filled = Vec::new();
        let mut rest = word;
        while let Some(at) = rest.iter().position(|&byte| byte == b'$') {
            filled.extend(&rest[..at]);
            rest = &rest[at + 1..];
            let (name, behind) = match rest.strip_prefix(b"{") {
                Some(inner) => {
                    let end = inner.iter().position(|&byte| byte == b'}')?;
                    (&inner[..end], &inner[end + 1..])
                }
                None => {
                    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                    let end = rest.iter().take_while(|byte| is_letter(byte)).count();
                    rest.split_at(end)
                }
            };
            filled.extend(*self.0.get(name)?);
            rest = behind;
        }
        filled.extend(rest);
        Some(filled)
    }
}

/// Whether a variable may be called so.
fn is_name(name: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    name.first().is_some_and(|first| !first.is_ascii_digit()) && name.iter().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::Named;

    #[test]
    fn what_is_set_once_is_known() {
        let script = b"BASE=/root/bin\nreadonly CONF=\"$BASE/x\"\nHOST='h'\nif a; then\n  BASES=/b\nfi\nN=1\nread N\nM=/a\nM=/b\n";
        let named = Named::of(script);
        for (word, expected) in [
            ("$BASE/a.conf", Some("/root/bin/a.conf")),
            ("${BASE}/$HOST.conf", Some("/root/bin/h.conf")),
            ("/etc/a.conf", Some("/etc/a.conf")),
            ("$CONF", None),
            ("$BASES/x", None),
            ("$N", None),
            ("$M", None),
            ("$1", None),
        ] {
            let filled = named.filled(word.as_bytes());
            assert_eq!(filled.as_deref(), expected.map(str::as_bytes), "{word}");
        }
    }
}
