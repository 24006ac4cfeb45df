use std::{fs::File, io, os::unix::fs::FileExt as _};

use crate::rsync::proto::Record;

/// What of the receiver's a file is made from (`FNAMECMP_` in rsync.h).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum Basis {
    /// The file itself.
    #[default]
    Own,
    /// What an earlier session left of it.
    Partial,
    /// Its backup: it is written over in place itself.
    Backup,
    /// The file of that name in another folder, by its number.
    Elsewhere(u8),
    /// One of a similar name: in the file's folder at the destination, or there in another folder, whose number is one less.
    Similar(u8, Vec<u8>),
}

impl Basis {
    /// How the sender is told; it needs not be told of the file itself.
    pub(crate) fn kind(&self) -> Option<u8> {
        match self {
            Self::Own => None,
            Self::Partial => Some(Record::PARTIAL_FILE),
            Self::Backup => Some(Record::BACKUP),
            Self::Elsewhere(number) => Some(*number),
            Self::Similar(number, _) => Some(Record::SIMILAR + number),
        }
    }

    /// The name of one that has another name than the file.
    pub(crate) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Similar(_, name) => Some(name),
            _ => None,
        }
    }
}

/// As much is read at once where one block follows the other, in bytes (`MAX_MAP_SIZE` in rsync.h).
const PIECE: usize = 256 * 1024;

/// A basis that blocks are taken from. Zeros stand for what cannot be read, or is no longer there: then the digest is wrong,
/// and the file is asked for once more (`map_ptr` in fileio.c).
#[derive(Debug)]
pub(crate) struct BasisFile {
    file: File,
    /// How long it was when it was opened: no more is read ahead.
    length: u64,
    /// What was read last, and where it stands.
    piece: Vec<u8>,
    start: u64,
    /// Where the last block ends.
    end: u64,
}

impl BasisFile {
    pub(crate) const fn new(file: File, length: u64) -> Self {
        Self {
            file,
            length,
            piece: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// Whether these bytes need not be read any more.
    pub(crate) fn holds(&self, offset: u64, length: usize) -> bool {
        offset >= self.start && offset + length as u64 <= self.start + self.piece.len() as u64
    }

    /// So many bytes at an offset. Those behind are read with them if they follow the ones before: then they are mostly
    /// wanted next.
    pub(crate) fn block(&mut self, offset: u64, length: usize) -> &[u8] {
        let end = offset + length as u64;
        if !self.holds(offset, length) {
            let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(PIECE);
            let ahead = if offset == self.end { left.min(PIECE) } else { 0 };
            let wanted = ahead.max(length);
            self.piece.resize(wanted, 0);
            self.start = offset;
            let there = self.fill(offset);
            self.piece.truncate(there.max(length));
        }
        self.end = end;
        &self.piece[(offset - self.start) as usize..][..length]
    }

    /// Takes its beginning piece by piece.
    pub(crate) fn each_piece(&mut self, length: u64, mut take: impl FnMut(&[u8])) {
        let mut offset = 0;
        while offset < length {
            let count = usize::try_from(length - offset).map_or(PIECE, |left| left.min(PIECE));
            take(self.block(offset, count));
            offset += count as u64;
        }
    }

    /// Reads into the piece; how many bytes there were.
    fn fill(&mut self, offset: u64) -> usize {
        let mut done = 0;
        while done < self.piece.len() {
            match self.file.read_at(&mut self.piece[done..], offset + done as u64) {
                Ok(count @ 1..) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
            }
        }
        self.piece[done..].fill(0);
        done
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, fs::File};

    use super::{BasisFile, PIECE};

    #[test]
    fn blocks_are_those_of_the_file_in_any_order() {
        let bytes: Vec<u8> = (0..PIECE * 2 + 5).map(|place| (place % 251) as u8).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("basis");
        fs::write(&path, &bytes).expect("a file");
        let open = || {
            let file = File::open(&path).expect("a file");
            let length = file.metadata().expect("a file").len();
            BasisFile::new(file, length)
        };
        let mut basis = open();
        for (offset, length) in [
            (0, 700),
            (700, 700),
            (1400, PIECE),
            (5, 10),
            (PIECE, PIECE + 5),
            (PIECE - 1, 2),
            (1, PIECE * 2),
        ] {
            assert_eq!(*basis.block(offset as u64, length), bytes[offset..][..length]);
        }
        let mut all = Vec::new();
        basis.each_piece(bytes.len() as u64, |piece| all.extend_from_slice(piece));
        assert!(all == bytes);
        // It becomes shorter meanwhile, and longer again.
        let mut basis = open();
        fs::write(&path, "short").expect("a file");
        assert_eq!(*basis.block(0, 7), *b"short\0\0");
        assert_eq!(*basis.block(7, 2), [0, 0]);
        fs::write(&path, "short and long").expect("a file");
        assert_eq!(*basis.block(9, 5), *b" long");
    }
}
