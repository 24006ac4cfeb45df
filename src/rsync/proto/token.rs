use crate::rsync::proto::{Encode as _, Input, Stop};

/// A piece of a file's new content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Token<'a> {
    /// Bytes that the basis does not have.
    Literal(&'a [u8]),
    /// A block of the basis, by its number.
    Block(u32),
    /// The file is complete.
    End,
}

/// The stream of tokens without compression (`simple_recv_token` in token.c).
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainTokens {
    /// What is left of a literal piece, in bytes.
    left: usize,
}

impl PlainTokens {
    /// The next piece; a literal may come in several.
    ///
    /// # Errors
    ///
    /// Only an end of the bytes.
    pub fn next<'a>(&mut self, input: &mut Input<'a>) -> Result<Token<'a>, Stop> {
        if self.left > 0 && input.rest().is_empty() {
            return Err(Stop::Short);
        }
        if self.left == 0 {
            let token = input.int()?;
            match token {
                0 => return Ok(Token::End),
                ..0 => return Ok(Token::Block(token.unsigned_abs() - 1)),
                _ => self.left = token as usize,
            }
        }
        let count = self.left.min(input.rest().len());
        self.left -= count;
        Ok(Token::Literal(input.take(count)?))
    }
}

/// The longest literal piece that is sent, in bytes.
const LONGEST_LITERAL: usize = 32 * 1024;

/// The same stream, as a sender writes it (`simple_send_token` in token.c).
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenWriter;

impl TokenWriter {
    /// Bytes that the basis does not have.
    pub fn literal(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        for piece in bytes.chunks(LONGEST_LITERAL) {
            to.int(piece.len() as i32);
            to.bytes(piece);
        }
    }

    /// A block of the basis, and what it holds.
    pub fn block(&mut self, index: u32, _content: &[u8], to: &mut Vec<u8>) {
        to.int(-1 - index.cast_signed());
    }

    /// The end of the file.
    pub fn end(&mut self, to: &mut Vec<u8>) {
        to.int(0);
    }
}
