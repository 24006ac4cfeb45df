//! A baseline as text: a line that names the format, then a line an entry.

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use crate::lint::baseline::{Baseline, Entry, Key};

/// What the text begins with; the version follows.
const HEADING: &str = "rsyncctl baseline ";
/// The version of the text.
const VERSION: &str = "1";
/// What a stranger who finds the file should know.
const NOTE: &str =
    "# findings that were there before; `rsyncctl lint --update-baseline` takes out what is gone";

/// Why a text is no baseline; the line is 1-based.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct BaselineError {
    line: usize,
    message: String,
}

impl Baseline {
    /// Reads a baseline. Entries may stand in any order and more than once, as after a merge.
    ///
    /// # Errors
    /// The first line that is none of a baseline.
    pub fn parse(text: &[u8]) -> Result<Self, BaselineError> {
        let mut baseline = Self::default();
        let mut start = 0;
        for (index, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let content = line.strip_suffix(b"\n").unwrap_or(line);
            let content = content.strip_suffix(b"\r").unwrap_or(content);
            let range = start..start + content.len();
            start += line.len();
            let read = if index == 0 {
                heading(content).map(|()| None)
            } else {
                entry(content, range)
            };
            let read = read.map_err(|message| BaselineError {
                line: index + 1,
                message,
            })?;
            baseline.entries.extend(read);
        }
        if start == 0 {
            return Err(BaselineError {
                line: 1,
                message: format!("the file is empty; a baseline begins with `{HEADING}{VERSION}`"),
            });
        }
        Ok(baseline)
    }
}

/// The text of a baseline: sorted, so that two of them differ where the findings do.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADING}{VERSION}\n{NOTE}")?;
        for Entry { key, count, .. } in &self.entries {
            let (rule, fingerprint, file) = (&key.rule, key.fingerprint, encoded(&key.file));
            writeln!(f, "{rule} {fingerprint:016x} {count} {file}")?;
        }
        Ok(())
    }
}

fn heading(line: &[u8]) -> Result<(), String> {
    match line.strip_prefix(HEADING.as_bytes()) {
        Some(version) if version == VERSION.as_bytes() => Ok(()),
        Some(version) => Err(format!(
            "the baseline has version `{}`, and this rsyncctl reads version {VERSION}; use the release that wrote it, or \
             delete it and write it anew with --write-baseline",
            version.escape_ascii()
        )),
        None => Err(format!(
            "this is no baseline: the first line is not `{HEADING}{VERSION}`"
        )),
    }
}

fn entry(line: &[u8], range: Range<usize>) -> Result<Option<Entry>, String> {
    if line.is_empty() || line.starts_with(b"#") {
        return Ok(None);
    }
    if [b"<<<<<<<", b"=======", b">>>>>>>"]
        .iter()
        .any(|mark| line.starts_with(*mark))
    {
        return Err(
            "this is left over from a merge; delete the lines of marks, and keep the entries of both sides"
                .to_owned(),
        );
    }
    let read = || {
        let mut words = std::str::from_utf8(line).ok()?.splitn(4, ' ');
        let rule = words.next().filter(|rule| is_rule(rule))?;
        let fingerprint = words.next().filter(|word| word.len() == 16)?;
        let fingerprint = u64::from_str_radix(fingerprint, 16).ok()?;
        // So small that no sum of counts overflows.
        let count: u32 = words.next()?.parse().ok()?;
        let file = words.next().filter(|file| !file.is_empty()).and_then(decoded)?;
        let rule = rule.to_owned();
        Some(Entry {
            key: Key {
                file,
                rule,
                fingerprint,
            },
            count: count as usize,
            range,
        })
    };
    read().map(Some).ok_or_else(|| {
        "expected `RULE FINGERPRINT COUNT FILE`; delete the line, and what it kept back is shown again"
            .to_owned()
    })
}

fn is_rule(word: &str) -> bool {
    let digits = word.strip_prefix("RSY").unwrap_or_default();
    digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A file's name on one line.
fn encoded(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_control() || c == '%' {
            for byte in c.to_string().bytes() {
                let _ = write!(text, "%{byte:02X}");
            }
        } else {
            text.push(c);
        }
    }
    text
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.bytes());
        let digits = after.get(..2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    bytes.extend(rest.bytes());
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Baseline::parse(&bytes);
            let _ = Baseline::parse(&[b"rsyncctl baseline 1\n", &bytes[..]].concat());
        }

        #[test]
        fn what_is_written_is_read_again(
            entries in proptest::collection::btree_map(
                ("\\PC{1,20}|[\\x00-\\x20%]{1,9}", 1..999_u32, any::<u64>()),
                1..99_usize,
                0..9,
            ),
        ) {
            let entries = entries.into_iter().map(|((file, rule, fingerprint), count)| {
                (Key { file, rule: format!("RSY{rule:03}"), fingerprint }, count)
            });
            let text = Baseline::from(entries.collect::<BTreeMap<_, _>>()).to_string();
            let again = Baseline::parse(text.as_bytes()).expect("a baseline");
            prop_assert_eq!(again.to_string(), text);
        }
    }
}
