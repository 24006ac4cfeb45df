//! What rsync takes a word of a host list for.

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
    /// Several words that are joined by something that separates elsewhere.
    Joined,
    /// A word with a meaning in the files of TCP wrappers, and none here.
    Wrapper,
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

/// `LOCAL`, `KNOWN` and `PARANOID` may be names of hosts where they are not in capitals. `UNKNOWN` has a meaning for
/// rsync too: a peer without a name is called so.
fn is_wrapper(word: &[u8]) -> bool {
    matches!(word, b"LOCAL" | b"KNOWN" | b"PARANOID")
        || word.eq_ignore_ascii_case(b"ALL")
        || word.eq_ignore_ascii_case(b"EXCEPT")
}
