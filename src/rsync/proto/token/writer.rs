use crate::rsync::proto::{
    Encode as _,
    token::{Compression, encoder::Encoder, flag},
};

/// The longest plain literal piece, in bytes, that upstream writes.
const MAX_LITERAL: usize = 32 * 1024;

/// How many blocks a run covers at most.
const MAX_RUN: u32 = 1 << 16;

/// Writes the tokens of a whole session (`send_token` in token.c).
pub struct TokenWriter {
    /// None where the bytes are plain.
    encoder: Option<Encoder>,
    /// The first and the last of consecutive blocks that are not yet written.
    run: Option<(u32, u32)>,
    /// The last block that is written of this file.
    last: u32,
    /// Whether literal bytes wait for a flush.
    is_open: bool,
}

impl TokenWriter {
    /// The beginning of a session. Levels are those of the compression, brought into its range; without one its usual.
    pub fn new(compression: Compression, level: Option<i32>) -> Self {
        Self {
            encoder: Encoder::new(compression, level),
            run: None,
            last: 0,
            is_open: false,
        }
    }

    /// Bytes that the basis does not have.
    pub fn literal(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        self.write_run(to);
        let Some(encoder) = &mut self.encoder else {
            for piece in bytes.chunks(MAX_LITERAL) {
                to.int(i32::try_from(piece.len()).expect("a short piece"));
                to.bytes(piece);
            }
            return;
        };
        encoder.take(bytes, to);
        self.is_open = true;
    }

    /// A block of the basis, by its number, and its content.
    pub fn block(&mut self, index: u32, content: &[u8], to: &mut Vec<u8>) {
        let Some(encoder) = &mut self.encoder else {
            to.int(-index.cast_signed() - 1);
            return;
        };
        if std::mem::take(&mut self.is_open) {
            encoder.flush(to);
        }
        encoder.see(content);
        match &mut self.run {
            Some((first, last)) if index == *last + 1 && index < *first + MAX_RUN => *last = index,
            _ => {
                self.write_run(to);
                self.run = Some((index, index));
            }
        }
    }

    /// The file is complete.
    pub fn end(&mut self, to: &mut Vec<u8>) {
        self.write_run(to);
        let Some(encoder) = &mut self.encoder else {
            to.int(0);
            return;
        };
        if std::mem::take(&mut self.is_open) {
            encoder.flush(to);
        }
        encoder.end();
        to.byte(flag::END);
        self.last = 0;
    }

    fn write_run(&mut self, to: &mut Vec<u8>) {
        let Some((first, last)) = self.run.take() else {
            return;
        };
        let more = last - first;
        match first.checked_sub(self.last) {
            Some(near @ ..64) => {
                let kind = if more == 0 {
                    flag::NEAR_BLOCK
                } else {
                    flag::NEAR_RUN
                };
                to.byte(kind | near as u8);
            }
            _ => {
                to.byte(if more == 0 { flag::BLOCK } else { flag::RUN });
                to.int(first.cast_signed());
            }
        }
        if more > 0 {
            to.short(u16::try_from(more).expect("a run has at most 65,536 blocks"));
        }
        self.last = last;
    }
}
