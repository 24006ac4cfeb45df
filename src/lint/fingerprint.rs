use std::{collections::BTreeMap, fmt};

use crate::terms::{Source, SourceId, Sources, Span};

/// Names findings so that they keep their names while lines move: by the rule, the section and the text of the line.
/// Findings are taken in the order of the report, and each line is read once.
#[derive(Default)]
pub(crate) struct Fingerprints {
    place: Option<Place>,
    taken: BTreeMap<(SourceId, u64), usize>,
}

/// The name of a finding in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fingerprint {
    /// The rule, the section and the text of the line, or without the text where it holds a password.
    pub(crate) hash: u64,
    /// 1 for the first finding of its file that has this hash.
    pub(crate) count: usize,
}

impl Fingerprint {
    /// The name of the finding among those of all files.
    pub(crate) fn in_file(self, name: &str) -> u64 {
        part(hash(name), self.to_string().as_bytes())
    }
}

/// 16 hexadecimal digits, a colon, and the count.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}:{}", self.hash, self.count)
    }
}

/// The line that was read last.
#[derive(Clone, Copy)]
struct Place {
    source: SourceId,
    line: usize,
    /// The hash of the section's header.
    section: u64,
    /// The hash of the section's header and of the line.
    whole: u64,
}

impl Fingerprints {
    /// The fingerprint of the next finding, of which the rule and the first place are given.
    pub(crate) fn next(&mut self, sources: &Sources, rule: &str, span: Span) -> Fingerprint {
        let source = sources.get(span.source);
        let line = source.line_of(span.start as usize);
        let place = self.read(span.source, source, line);
        // A hash of a short password is as good as the password.
        let text = if source.hides_any(source.line_range(line)) {
            place.section
        } else {
            place.whole
        };
        let hash = part(text, rule.as_bytes());
        let count = self.taken.entry((span.source, hash)).or_default();
        *count += 1;
        Fingerprint { hash, count: *count }
    }

    fn read(&mut self, id: SourceId, source: &Source, line: usize) -> Place {
        let text = |line| source.bytes()[source.line_range(line)].trim_ascii();
        let (mut section, first) = match self.place {
            Some(place) if place.source == id && place.line == line => return place,
            Some(place) if place.source == id && place.line < line => (place.section, place.line + 1),
            _ => (OFFSET_BASIS, 0),
        };
        for line in first..=line {
            if text(line).starts_with(b"[") {
                section = part(OFFSET_BASIS, text(line));
            }
        }
        let whole = part(section, text(line));
        *self.place.insert(Place {
            source: id,
            line,
            section,
            whole,
        })
    }
}

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The name of a text.
pub(crate) fn hash(text: &str) -> u64 {
    part(OFFSET_BASIS, text.as_bytes())
}

/// Takes one more text into a hash. A NUL behind each keeps texts apart.
fn part(hash: u64, text: &[u8]) -> u64 {
    fnv1a(fnv1a(hash, text), b"\0")
}

/// FNV-1a (Fowler, Noll, Vo) with 64 bits: small, and the same in every release of ours and on every machine.
fn fnv1a(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_gives_the_published_values() {
        assert_eq!(fnv1a(OFFSET_BASIS, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(OFFSET_BASIS, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
