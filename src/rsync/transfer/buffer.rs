use std::io::{self, ErrorKind, Read};

/// Bytes that were read and not yet used. The room behind them is kept, and not cleared for each read.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The first of the bytes have been used.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        assert!(self.start <= self.end, "only what is there is used");
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    pub(crate) fn extend(&mut self, more: &[u8]) {
        self.make_room(more.len());
        self.bytes[self.end..][..more.len()].copy_from_slice(more);
        self.end += more.len();
    }

    /// Reads once, at most `most` bytes; 0 at the end.
    pub(crate) fn read_from(&mut self, from: &mut impl Read, most: usize) -> io::Result<usize> {
        self.make_room(most);
        loop {
            match from.read(&mut self.bytes[self.end..][..most]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn make_room(&mut self, count: usize) {
        if self.bytes.len() - self.end >= count {
            return;
        }
        self.bytes.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.bytes.len() - self.end < count {
            self.bytes.resize(self.end + count, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Buffer;

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let mut buffer = Buffer::default();
        let mut expected = Vec::new();
        for round in 0..50_u8 {
            let more = vec![round; usize::from(round) * 7 % 23];
            buffer.extend(&more);
            expected.extend(more);
            let count = buffer.read_from(&mut &[round; 3][..], 5).expect("bytes");
            assert_eq!(count, 3);
            expected.extend([round; 3]);
            let used = expected.len() * usize::from(round % 4) / 3;
            assert_eq!(buffer.filled(), expected);
            buffer.consume(used.min(expected.len()));
            expected.drain(..used.min(expected.len()));
        }
    }
}
