use std::{fs::File, io, os::unix::fs::FileExt as _};

use crate::rsync::{
    delta::{Hasher, Pieces},
    proto::TokenWriter,
    transfer::{Error, Event, Observer, receiver::Counts, sender::Found, wire::Outgoing},
};

/// As much of a file is read at once, in bytes.
const READ: usize = 256 * 1024;

/// Why a file was not sent as a whole.
pub(super) enum Failure {
    File(io::Error),
    Session(Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// Writes a file's tokens, and hashes what it consists of.
pub(super) struct Emitter<'s> {
    pub(super) tokens: &'s mut TokenWriter,
    pub(super) hasher: Hasher,
    pub(super) outgoing: &'s mut Outgoing,
    pub(super) counts: &'s mut Counts,
    pub(super) found: &'s mut Found,
    pub(super) way: Way<'s>,
}

/// How far a file is, told where rsync tells it (`matched` in match.c).
pub(super) struct Way<'s> {
    pub(super) observer: &'s dyn Observer,
    pub(super) length: u64,
    pub(super) hold: u64,
    pub(super) done: u64,
    pub(super) told: u64,
}

/// So many literal bytes go at once (`CHUNK_SIZE` in rsync.h).
const CHUNK: u64 = 32 * 1024;

impl Way<'_> {
    fn literal(&mut self, count: usize) {
        self.done += count as u64;
        while self.done - self.told > CHUNK + self.hold {
            self.told += CHUNK;
            self.observer.observe(Event::Progress(self.told, self.length));
        }
    }

    fn block(&mut self, count: usize) {
        self.done += count as u64;
        self.told = self.done;
        self.observer.observe(Event::Progress(self.told, self.length));
    }

    pub(super) fn end(&mut self) {
        if self.length > 0 {
            self.observer.observe(Event::Progress(self.done, self.length));
        }
    }
}

impl Emitter<'_> {
    /// A file without a basis, from an offset on.
    pub(super) fn whole(&mut self, file: &File, start: u64, length: u64) -> Result<(), Failure> {
        pieces(file, start, length, |piece| self.literal(piece))
    }

    /// A file whose first part is there already.
    pub(super) fn appended(
        &mut self,
        file: &File,
        start: u64,
        length: u64,
        is_hashed: bool,
    ) -> Result<(), Failure> {
        if is_hashed {
            pieces(file, 0, start, |piece| {
                self.hasher.update(piece);
                Ok(())
            })?;
        }
        self.whole(file, start, length)
    }
}

/// Reads a part of a file, piece by piece.
fn pieces(
    file: &File,
    start: u64,
    end: u64,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let size = usize::try_from(end - start).map_or(READ, |length| length.min(READ));
    let mut buffer = vec![0; size];
    let mut offset = start;
    while offset < end {
        let most = usize::try_from(end - offset).map_or(size, |left| left.min(size));
        match file.read_at(&mut buffer[..most], offset) {
            Ok(0) => return Err(Failure::File(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                take(&buffer[..count])?;
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::File(error)),
        }
    }
    Ok(())
}

impl Pieces for Emitter<'_> {
    type Error = Failure;

    fn literal(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.hasher.update(bytes);
        self.counts.literal += bytes.len() as u64;
        self.way.literal(bytes.len());
        self.tokens.literal(bytes, self.outgoing.buffer());
        self.outgoing.send_if_full().map_err(Failure::Session)
    }

    fn is_unlike(&mut self) {
        self.found.false_alarms += 1;
    }

    fn block(&mut self, index: u32, bytes: &[u8]) -> Result<(), Failure> {
        self.hasher.update(bytes);
        self.counts.matched += bytes.len() as u64;
        self.found.matches += 1;
        self.way.block(bytes.len());
        self.tokens.block(index, bytes, self.outgoing.buffer());
        self.outgoing.send_if_full().map_err(Failure::Session)
    }
}
