use crate::rsync::proto::{Input, Stop};

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
