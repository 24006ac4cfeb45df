use std::ops::Range;

/// Stands in texts for what only a run can tell.
pub const UNKNOWN: char = '\u{fffc}';

/// A word as a program gets it, as far as the text tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Argument {
    /// What it is put together of.
    pub pieces: Vec<Piece>,
    /// The word that it comes from.
    pub range: Range<usize>,
    /// Whether it may vanish, or become several: an unknown value without quotes.
    pub is_open: bool,
}

/// A piece of an argument.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What it says; `None` where only a run can tell.
    pub text: Option<Vec<u8>>,
    /// The variable that it comes from.
    pub variable: Option<Range<usize>>,
    /// Whether the script has it in quotes.
    pub is_quoted: bool,
    /// Where it stands.
    pub range: Range<usize>,
}

impl Argument {
    /// The whole text, if it is known.
    pub fn known(&self) -> Option<Vec<u8>> {
        let pieces = self.pieces.iter().map(|piece| piece.text.as_deref());
        let pieces: Option<Vec<_>> = pieces.collect();
        pieces.filter(|_| !self.is_open).map(|pieces| pieces.concat())
    }

    /// The text, with [`UNKNOWN`] for each part that is not known.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match &piece.text {
                Some(bytes) => text += &String::from_utf8_lossy(bytes),
                None => text.push(UNKNOWN),
            }
        }
        text
    }

    /// Whether it is known, and this text.
    pub fn is(&self, text: &str) -> bool {
        self.known().is_some_and(|known| known == text.as_bytes())
    }

    /// Whether a shell puts file names in: it has a `*`, `?` or `[` that is not quoted.
    pub fn has_pattern(&self) -> bool {
        let mut unquoted = self.pieces.iter().filter(|piece| !piece.is_quoted);
        unquoted.any(|piece| {
            let text = piece.text.as_deref().unwrap_or_default();
            text.iter().any(|byte| matches!(byte, b'*' | b'?' | b'['))
        })
    }

    /// The same without the first bytes, which must be known.
    pub(super) fn behind(mut self, mut count: usize) -> Self {
        for piece in &mut self.pieces {
            let Some(text) = &mut piece.text else { break };
            let cut = count.min(text.len());
            text.drain(..cut);
            count -= cut;
        }
        self.pieces.retain(|piece| {
            piece.variable.is_some() || piece.text.as_ref().is_none_or(|text| !text.is_empty())
        });
        self
    }
}
