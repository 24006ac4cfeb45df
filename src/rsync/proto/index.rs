use crate::rsync::proto::{Encode, Input, Stop, Violation};

/// What stands in the stream of file indices.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Index {
    /// A file of the list.
    File(u32),
    /// The end of a phase, or of a list.
    Done,
    /// No further list comes.
    ListsEnd,
    /// The counts of deletions come.
    Deletions,
    /// The list of a directory comes, by its number.
    List(u32),
    /// None of those.
    Other(i32),
}

const LIST_OFFSET: i32 = -101;

/// The number so far beyond the last one.
fn beyond(last: i32, distance: u32) -> Result<i32, Violation> {
    let sum = last.cast_unsigned().wrapping_add(distance);
    i32::try_from(sum).map_err(|_| Violation::HighIndex(sum))
}

impl Index {
    const fn of(value: i32) -> Self {
        match value {
            0.. => Self::File(value.unsigned_abs()),
            -1 => Self::Done,
            -2 => Self::ListsEnd,
            -3 => Self::Deletions,
            ..=LIST_OFFSET => Self::List((LIST_OFFSET - value).unsigned_abs()),
            _ => Self::Other(value),
        }
    }

    /// What stands in the stream for it (`NDX_` in rsync.h).
    pub const fn value(self) -> i32 {
        match self {
            Self::File(index) => index.cast_signed(),
            Self::Done => -1,
            Self::ListsEnd => -2,
            Self::Deletions => -3,
            Self::List(number) => LIST_OFFSET - number.cast_signed(),
            Self::Other(value) => value,
        }
    }
}

/// One direction of the stream: from protocol 30, each index is written as its distance to the last (`read_ndx` and
/// `write_ndx` in io.c).
#[derive(Clone, Copy, Debug)]
pub struct Indices {
    protocol: u8,
    last_positive: i32,
    last_negative: i32,
}

impl Indices {
    /// The start of a session.
    pub const fn new(protocol: u8) -> Self {
        Self {
            protocol,
            last_positive: -1,
            last_negative: 1,
        }
    }

    /// Reads an index.
    ///
    /// # Errors
    ///
    /// A number that no index can be.
    pub fn read(&mut self, input: &mut Input<'_>) -> Result<Index, Stop> {
        if self.protocol < 30 {
            return Ok(Index::of(input.int()?));
        }
        let first = input.byte()?;
        if first == 0 {
            return Ok(Index::Done);
        }
        let is_negative = first == 0xff;
        let lead = if is_negative { input.byte()? } else { first };
        let last = if is_negative {
            self.last_negative
        } else {
            self.last_positive
        };
        let value = if lead == 0xfe {
            let (high, low) = (input.byte()?, input.byte()?);
            if high & 0x80 != 0 {
                let rest = input.take(2)?;
                i32::from_le_bytes([low, rest[0], rest[1], high & 0x7f])
            } else {
                beyond(last, u32::from(high) << 8 | u32::from(low))?
            }
        } else {
            beyond(last, u32::from(lead))?
        };
        if is_negative {
            self.last_negative = value;
            Ok(Index::of(-value))
        } else {
            self.last_positive = value;
            Ok(Index::of(value))
        }
    }

    /// Writes an index.
    pub fn write(&mut self, index: Index, to: &mut impl Encode) {
        let value = index.value();
        if self.protocol < 30 {
            to.int(value);
            return;
        }
        if index == Index::Done {
            to.byte(0);
            return;
        }
        let last = if value < 0 {
            to.byte(0xff);
            &mut self.last_negative
        } else {
            &mut self.last_positive
        };
        let value = value.abs();
        let distance = value.wrapping_sub(*last);
        *last = value;
        match distance {
            1..0xfe => to.byte(distance as u8),
            0 | 0xfe..0x8000 => to.bytes(&[0xfe, (distance >> 8) as u8, distance as u8]),
            _ => {
                let bytes = value.to_le_bytes();
                to.bytes(&[0xfe, bytes[3] | 0x80, bytes[0], bytes[1], bytes[2]]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Index, Indices};
    use crate::rsync::proto::{Input, Stop};

    #[test]
    fn captured_bytes_are_written_and_read() {
        // Observed with rsync 3.5.0.
        let cases: [(&[Index], &[u8]); 5] = [
            (&[Index::ListsEnd], &[0xff, 1]),
            (
                &[Index::List(1), Index::ListsEnd],
                &[0xff, 0x65, 0xff, 0xfe, 0x80, 2, 0, 0],
            ),
            (&[Index::File(0), Index::File(2), Index::Done], &[1, 2, 0]),
            (&[Index::File(2), Index::File(0)], &[3, 0xfe, 0x80, 0, 0, 0]),
            (&[Index::Deletions], &[0xff, 2]),
        ];
        for (indices, bytes) in cases {
            let mut written = Vec::new();
            let mut writer = Indices::new(32);
            for &index in indices {
                writer.write(index, &mut written);
            }
            assert_eq!(written, bytes, "{indices:?}");
            let (mut reader, mut input) = (Indices::new(32), Input::new(bytes));
            for &index in indices {
                assert_eq!(reader.read(&mut input), Ok(index));
            }
        }
    }

    #[test]
    fn a_cut_changes_nothing() {
        for protocol in [29, 30] {
            let (mut writer, mut reader) = (Indices::new(protocol), Indices::new(protocol));
            for index in [0, 1, 300, 70_000, 5, i32::MAX as u32, 7] {
                let mut bytes = Vec::new();
                writer.write(Index::File(index), &mut bytes);
                for cut in 0..bytes.len() {
                    assert_eq!(reader.read(&mut Input::new(&bytes[..cut])), Err(Stop::Short));
                }
                assert_eq!(reader.read(&mut Input::new(&bytes)), Ok(Index::File(index)));
            }
        }
    }
}
