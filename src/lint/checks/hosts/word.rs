//! What rsync takes a word of a host list for.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    model::{
        Setting,
        access::{AddressPattern, is_host_separator},
    },
    syntax::Token,
};

/// A word of `hosts allow` or `hosts deny`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// An address, a network, or something that looks like one.
    Address(AddressPattern),
    /// `192.0.2.1-20`: a range of addresses in other programs, a host's name here.
    AddressRange,
    /// `192.0.2.x`, `x.x.x.x`: where an address was to be filled in, a host's name here.
    Blank,
    /// `192.0.2.*`, `192.0.2.[1-9]`: compared with names, and no host's name is made of numbers.
    AddressWildcard,
    /// `*.*.*.*`: compared with names too, of which few have three dots.
    Stars,
    /// `*.*`: names that have a dot.
    Dotted,
    /// Several words that are joined by something that separates elsewhere.
    Joined,
    /// `.example.org`: a domain in the files of TCP wrappers, a whole name here.
    Suffix,
    /// A word with a meaning in the files of TCP wrappers, and none here.
    Wrapper,
    /// `!word`: an exception in other programs.
    Negated,
    /// `@netgroup`.
    Netgroup,
    /// A name with `*`, `?` or `[`.
    Wildcard,
    /// A host's name.
    Name,
}

/// The words of a list, up to a `#`: what stands behind it was meant for a comment and has a page of its own.
pub(super) fn words(setting: &Setting) -> impl Iterator<Item = (Token<'_>, Word)> {
    let tokens = setting.text.tokens(is_host_separator);
    tokens
        .take_while(|token| !token.bytes.starts_with(b"#"))
        .map(|token| {
            let word = classify(token.bytes);
            (token, word)
        })
}

fn classify(word: &[u8]) -> Word {
    if joint(word).is_some() {
        return Word::Joined;
    }
    if let Some(pattern) = AddressPattern::parse(word) {
        return Word::Address(pattern);
    }
    if is_wrapper(word) {
        return Word::Wrapper;
    }
    if word.len() > 1 && word[0] == b'!' {
        return Word::Negated;
    }
    if word.len() > 1 && word[0] == b'.' && !word.iter().any(|byte| b"*?[".contains(byte)) {
        return Word::Suffix;
    }
    if is_numeric(word, b"-") {
        return Word::AddressRange;
    }
    if is_blank(word) {
        return Word::Blank;
    }
    if word == b"*.*.*.*" {
        return Word::Stars;
    }
    if matches!(word, b"*.*" | b"*.*.*") {
        return Word::Dotted;
    }
    if is_numeric(word, b"*?[]!^-") {
        return Word::AddressWildcard;
    }
    if word.len() > 1 && word[0] == b'@' {
        return Word::Netgroup;
    }
    if word.iter().any(|byte| b"*?[".contains(byte)) {
        return Word::Wildcard;
    }
    Word::Name
}

/// What joins the words of a token: separators of other programs. Those of Chinese text have a rule of their own.
pub(super) fn joint(word: &[u8]) -> Option<&'static str> {
    let joints = [";", "|"];
    joints
        .into_iter()
        .find(|joint| word.windows(joint.len()).any(|part| part == joint.as_bytes()))
}

/// Numbers and dots, with some of the marks that stand for several numbers.
fn is_numeric(word: &[u8], marks: &[u8]) -> bool {
    let has = |marks: &[u8]| word.iter().any(|byte| marks.contains(byte));
    word.iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'.' || marks.contains(byte))
        && has(marks)
        && has(b".")
        && has(b"0123456789")
}

/// Four parts as an address has, of which some are only held open by an `x`.
fn is_blank(word: &[u8]) -> bool {
    let parts: Vec<_> = word.split(|byte| *byte == b'.').collect();
    let is_open =
        |part: &[u8]| matches!(part.len(), 1..=3) && part.iter().all(|byte| matches!(byte, b'x' | b'X'));
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.len() == 4
        && parts.iter().any(|part| is_open(part))
        && parts.iter().all(|part| is_open(part) || is_number(part))
}

/// The network that an address with `*` at its end was meant for: `192.0.2.*` is 192.0.2.0/24.
pub(super) fn meant_network(word: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(word).ok()?;
    let numbers: Vec<u8> = text
        .split('.')
        .take_while(|part| *part != "*")
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let stars = text.split('.').skip(numbers.len());
    if numbers.len() > 3
        || numbers.len() + stars.clone().count() > 4
        || !stars.into_iter().all(|part| part == "*")
    {
        return None;
    }
    let mut bytes = [0; 4];
    bytes[..numbers.len()].copy_from_slice(&numbers);
    Some(format!("{}/{}", Ipv4Addr::from(bytes), 8 * numbers.len()))
}

/// `LOCAL`, `KNOWN` and `PARANOID` may be names of hosts where they are not in capitals. `UNKNOWN` has a meaning for
/// rsync too: a peer without a name is called so.
fn is_wrapper(word: &[u8]) -> bool {
    const WORDS: [&str; 6] = ["ALL", "ANY", "EVERYBODY", "EVERYONE", "EXCEPT", "ANYONE"];
    matches!(word, b"LOCAL" | b"KNOWN" | b"PARANOID")
        || is_nobody(word)
        || WORDS.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()))
}

/// Words that people write for an empty list.
pub(super) fn is_nobody(word: &[u8]) -> bool {
    ["NONE", "NOBODY", "NO"]
        .iter()
        .any(|one| word.eq_ignore_ascii_case(one.as_bytes()))
}

/// Whether a word of a list stands for every IPv4 address, at least.
pub(super) fn is_everybody(word: &[u8]) -> bool {
    match AddressPattern::parse(word) {
        Some(AddressPattern::Everything { address }) => address.is_ipv4(),
        Some(AddressPattern::Masked {
            mask: IpAddr::V4(mask),
            ..
        }) => mask.is_unspecified(),
        Some(_) => false,
        None => !word.is_empty() && word.iter().all(|byte| b"*?".contains(byte)),
    }
}
