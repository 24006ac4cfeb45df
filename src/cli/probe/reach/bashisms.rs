//! What of bash's dash takes offence at once it runs it, and ends with (dash 0.5.12, seen): it reads over the same where it does
//! not come to it.

use crate::{
    cli::probe::{
        fault::Fault,
        reach::run::{Flow, Run},
    },
    model::script::Call,
    syntax::shell::{PartKind, Word},
};

impl Run<'_> {
    /// The first expansion of a word that dash has not.
    pub(super) fn bad_substitution(&self, word: &Word) -> Option<(usize, Fault)> {
        let found = word.parts.iter().find(|part| match &part.kind {
            PartKind::Variable { operator, .. } => is_bad(&self.bytes[operator.clone()]),
            _ => false,
        })?;
        if self.part.takes_braces_at(&found.range, self.bytes) != Some(false) {
            return None;
        }
        let text = String::from_utf8_lossy(&self.bytes[found.range.clone()]).into_owned();
        let place = found.range.start;
        Some((place, Fault::BadSubstitution(self.line(place), text)))
    }

    /// What `export -f` and its like end: the options of the shell's own special commands are few.
    pub(super) fn illegal_option(&self, call: &Call, program: &str, place: usize) -> Option<Flow> {
        let known = match program {
            "export" | "readonly" => "p",
            "unset" => "fv",
            _ => return None,
        };
        if self.part.takes_braces_at(&call.range, self.bytes) != Some(false) {
            return None;
        }
        let words = call.arguments().iter();
        let words = words.map(|word| word.known().and_then(|text| String::from_utf8(text).ok()));
        let options = words
            .map_while(|word| word.filter(|word| word.starts_with('-') && word.len() > 1 && word != "--"))
            .collect::<Vec<_>>();
        let is_known = |word: &&String| word[1..].chars().all(|letter| known.contains(letter));
        let bad = options.iter().find(|word| !is_known(word))?;
        let fault = Fault::IllegalOption(self.line(place), format!("{program} {bad}"));
        Some(Flow::Ends(place, fault))
    }
}

/// Whether dash has no expansion with this behind the name: `^^`, `/a/b`, `:0:3`, `[0]`, and `!NAME` in its place.
fn is_bad(operator: &[u8]) -> bool {
    match operator {
        [b'^' | b',' | b'@' | b'/' | b'[', ..] => true,
        [b':', sign, ..] => !b"-=?+".contains(sign),
        [b'!', first, ..] => first.is_ascii_alphanumeric() || *first == b'_',
        [b'#', name @ ..] => {
            let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = name.iter().take_while(|byte| is_letter(byte)).count();
            length > 0 && name.get(length) == Some(&b'[')
        }
        _ => false,
    }
}
