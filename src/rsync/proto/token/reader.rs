use crate::rsync::proto::{
    Input, Stop, Violation,
    token::{Compression, MAX_BLOCK, Token, decoder::Decoder, flag},
};

/// How many bytes are decompressed at once. A piece of LZ4 comes out whole: upstream's are of 16,383 bytes, and no reader
/// has taken more than this.
const OUTPUT: usize = 32 * 1024 + 256;

/// The stream of tokens of a whole session (`recv_token` in token.c).
pub struct TokenReader {
    /// None where the bytes are plain.
    decoder: Option<Decoder>,
    /// What is left of a plain literal piece, in bytes.
    left: usize,
    /// Compressed data, as far as it is not yet decompressed.
    data: Vec<u8>,
    used: usize,
    /// More may come out than the room sufficed for.
    is_full: bool,
    output: Box<[u8]>,
    /// The number of the last block of this file.
    last: u32,
    /// How many blocks of a run still follow.
    run: u32,
}

impl TokenReader {
    /// The beginning of a session.
    pub fn new(compression: Compression) -> Self {
        let decoder = Decoder::new(compression);
        let room = if decoder.is_some() { OUTPUT } else { 0 };
        Self {
            decoder,
            left: 0,
            data: Vec::new(),
            used: 0,
            is_full: false,
            output: vec![0; room].into(),
            last: 0,
            run: 0,
        }
    }

    /// The next piece; a literal may come in several, also empty ones.
    ///
    /// # Errors
    ///
    /// An end of the bytes, data that cannot be decompressed, and numbers that no block has.
    pub fn next<'a>(&'a mut self, input: &mut Input<'a>) -> Result<Token<'a>, Stop> {
        let Some(decoder) = &mut self.decoder else {
            return plain(&mut self.left, input);
        };
        while self.used < self.data.len() || self.is_full {
            let step = decoder.step(&self.data[self.used..], &mut self.output)?;
            self.used += step.used;
            self.is_full = step.made == self.output.len() && !matches!(decoder, Decoder::Lz4);
            if step.made > 0 {
                return Ok(Token::Literal(&self.output[..step.made]));
            }
            if step.used == 0 && self.used < self.data.len() {
                return Err(Violation::Decompression("the data do not go on".to_owned()).into());
            }
        }
        if self.run > 0 {
            self.run -= 1;
            self.last += 1;
            return Ok(Token::Block(self.last));
        }
        let flag = input.byte()?;
        if flag & flag::KIND == flag::DATA {
            let length = usize::from(flag & !flag::KIND) << 8 | usize::from(input.byte()?);
            let data = input.take(length)?;
            self.data.clear();
            self.data.extend_from_slice(data);
            self.used = 0;
            // It is taken, whatever comes out of it.
            return Ok(Token::Literal(&[]));
        }
        if flag == flag::END {
            decoder.close(&mut self.output)?;
            decoder.end();
            self.last = 0;
            return Ok(Token::End);
        }
        let (first, more) = blocks(flag, self.last, input)?;
        decoder.close(&mut self.output)?;
        (self.last, self.run) = (first, more);
        Ok(Token::Block(first))
    }

    /// Takes the content of the block that came last, which the decompressor may have to know.
    ///
    /// # Errors
    ///
    /// A stream that did not end where the block came.
    pub fn see(&mut self, block: &[u8]) -> Result<(), Violation> {
        match &mut self.decoder {
            Some(decoder) => decoder.see(block, &mut self.output),
            None => Ok(()),
        }
    }
}

/// `simple_recv_token` in token.c.
fn plain<'a>(left: &mut usize, input: &mut Input<'a>) -> Result<Token<'a>, Stop> {
    if *left > 0 && input.rest().is_empty() {
        return Err(Stop::Short);
    }
    if *left == 0 {
        let token = input.int()?;
        match token {
            0 => return Ok(Token::End),
            ..0 => return Ok(Token::Block(token.unsigned_abs() - 1)),
            _ => *left = token as usize,
        }
    }
    let count = (*left).min(input.rest().len());
    *left -= count;
    Ok(Token::Literal(input.take(count)?))
}

/// The number of a block, and how many follow it (`recv_compressed_token_num` in token.c).
fn blocks(kind: u8, last: u32, input: &mut Input<'_>) -> Result<(u32, u32), Stop> {
    let is_known = |&number: &u32| number <= MAX_BLOCK;
    let distance = u32::from(kind & !flag::KIND);
    let (first, has_run) = match (kind & flag::KIND, kind) {
        (flag::NEAR_BLOCK, _) => (last.checked_add(distance), false),
        (flag::NEAR_RUN, _) => (last.checked_add(distance), true),
        (_, flag::BLOCK) => (u32::try_from(input.int()?).ok(), false),
        (_, flag::RUN) => (u32::try_from(input.int()?).ok(), true),
        _ => (None, false),
    };
    let first = first.filter(is_known).ok_or(Violation::CompressedToken)?;
    if !has_run {
        return Ok((first, 0));
    }
    let more = u32::from(input.short()?);
    let end = first.checked_add(more).filter(is_known);
    if more == 0 || end.is_none() {
        return Err(Violation::CompressedToken.into());
    }
    Ok((first, more))
}
