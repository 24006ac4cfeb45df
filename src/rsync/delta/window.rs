use std::io::{self, Read};

use crate::rsync::delta::search::Pieces;

/// As much is read at once, in bytes.
const READ: usize = 256 * 1024;

/// A file as it is read: what was passed over and not yet given away, and what is ahead.
pub(super) struct Window<R> {
    file: R,
    /// What was not read yet.
    left: u64,
    /// What was read.
    read: u64,
    bytes: Vec<u8>,
    /// What is in front of it has been given away.
    start: usize,
    /// What is behind it is ahead.
    here: usize,
    end: usize,
}

impl<R: Read> Window<R> {
    pub(super) fn new(file: R, length: u64, block_length: usize) -> Self {
        Self {
            file,
            left: length,
            read: 0,
            bytes: vec![0; 2 * READ + 2 * block_length],
            start: 0,
            here: 0,
            end: 0,
        }
    }

    pub(super) fn ahead(&self) -> &[u8] {
        &self.bytes[self.here..self.end]
    }

    /// Where in the file it stands, in bytes.
    pub(super) fn position(&self) -> u64 {
        self.read - self.ahead().len() as u64
    }

    pub(super) fn step(&mut self) {
        self.here += 1;
    }

    pub(super) fn skip_over(&mut self, count: usize) {
        self.here += count;
    }

    /// Goes on behind something that was given away.
    pub(super) fn skip(&mut self, count: usize) {
        self.here += count;
        self.start = self.here;
    }

    pub(super) fn give_literal<P: Pieces>(&mut self, pieces: &mut P) -> Result<(), P::Error> {
        if self.start < self.here {
            pieces.literal(&self.bytes[self.start..self.here])?;
            self.start = self.here;
        }
        Ok(())
    }

    /// Reads until so many bytes are ahead, as far as the file goes.
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.ahead().len() < wanted && self.left > 0 {
            self.read()?;
        }
        Ok(())
    }

    /// Reads at least a byte more, and gives literal bytes away if there are many; `false` at the end.
    pub(super) fn read_more<P: Pieces>(
        &mut self,
        block_length: usize,
        pieces: &mut P,
    ) -> Result<bool, P::Error> {
        if self.left == 0 {
            return Ok(false);
        }
        if self.here - self.start >= READ {
            self.give_literal(pieces)?;
        }
        self.fill(block_length + 1)?;
        Ok(true)
    }

    fn read(&mut self) -> io::Result<()> {
        if self.bytes.len() - self.end < READ {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.here, self.end) = (self.here - self.start, self.end - self.start);
            self.start = 0;
            if self.bytes.len() - self.end < READ {
                self.bytes.resize(self.end + READ, 0);
            }
        }
        let most = self.left.min((self.bytes.len() - self.end) as u64) as usize;
        let count = loop {
            match self.file.read(&mut self.bytes[self.end..][..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        self.left -= count as u64;
        self.read += count as u64;
        Ok(())
    }
}
