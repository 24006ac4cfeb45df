use crate::rsync::proto::Violation;

/// Why a decoder stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Stop {
    /// More bytes are needed.
    Short,
    /// The bytes are wrong.
    Broken(Violation),
}

impl From<Violation> for Stop {
    fn from(violation: Violation) -> Self {
        Self::Broken(violation)
    }
}

/// Bytes of the peer's that wait to be decoded.
///
/// All numbers are little-endian (`io.c`: `read_int`, `read_varint`, `read_varlong`, `read_vstring`).
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Input<'a> {
    /// All of these bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes have been taken.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// What has not been taken.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Stop> {
        let taken = self.rest().get(..count).ok_or(Stop::Short)?;
        self.position += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        Ok(self.take(N)?.try_into().expect("as many as were asked for"))
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Stop> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes, unsigned.
    pub fn short(&mut self) -> Result<u16, Stop> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes, signed.
    pub fn int(&mut self) -> Result<i32, Stop> {
        Ok(i32::from_le_bytes(self.array()?))
    }

    /// Four bytes, or `ff ff ff ff` and eight more: how protocols below 30 write 64 bits.
    pub fn long_int(&mut self) -> Result<i64, Stop> {
        match self.int()? {
            -1 => Ok(i64::from_le_bytes(self.array()?)),
            small => Ok(i64::from(small)),
        }
    }

    /// 32 bits in one to five bytes: the leading ones of the first say how many follow.
    ///
    /// # Errors
    ///
    /// A first byte that promises more than four.
    pub fn varint(&mut self) -> Result<i32, Stop> {
        let first = self.byte()?;
        let extra = first.leading_ones().min(6) as usize;
        if extra > 4 {
            return Err(Violation::LongVarint.into());
        }
        let mut bytes = [0; 8];
        bytes[..extra].copy_from_slice(self.take(extra)?);
        bytes[extra] = first & (0xff >> (extra + 1)) as u8;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// 64 bits in `least` to nine bytes.
    ///
    /// # Errors
    ///
    /// A first byte that promises more than nine in all.
    pub fn varlong(&mut self, least: usize) -> Result<i64, Stop> {
        let first = self.byte()?;
        let extra = first.leading_ones().min(6) as usize;
        let low = least - 1 + extra;
        if low > 8 {
            return Err(Violation::LongVarlong.into());
        }
        let mut bytes = [0; 9];
        bytes[..low].copy_from_slice(self.take(low)?);
        bytes[low] = first & (0xffu16 >> (extra + 1)) as u8;
        Ok(i64::from_le_bytes(
            bytes[..8].try_into().expect("eight of nine bytes"),
        ))
    }

    /// [`Self::varint`] from protocol 30, else [`Self::int`].
    pub fn varint30(&mut self, protocol: u8) -> Result<i32, Stop> {
        if protocol >= 30 { self.varint() } else { self.int() }
    }

    /// [`Self::varlong`] from protocol 30, else [`Self::long_int`].
    pub fn varlong30(&mut self, protocol: u8, least: usize) -> Result<i64, Stop> {
        if protocol >= 30 {
            self.varlong(least)
        } else {
            self.long_int()
        }
    }

    /// A text with its length in front, at most `limit` bytes long.
    ///
    /// # Errors
    ///
    /// A longer one.
    pub fn vstring(&mut self, limit: usize) -> Result<&'a [u8], Stop> {
        let first = usize::from(self.byte()?);
        let length = match first {
            0..0x80 => first,
            _ => (first & 0x7f) << 8 | usize::from(self.byte()?),
        };
        if length > limit {
            return Err(Violation::LongText { length, limit }.into());
        }
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::{Input, Stop};
    use crate::rsync::proto::{Encode as _, Violation};

    #[test]
    fn numbers_are_read_as_captured() {
        let varints: [(i32, &[u8]); 10] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0x80, 0x80]),
            (152, &[0x80, 0x98]),
            (255, &[0x80, 0xff]),
            (0x1fe, &[0x81, 0xfe]),
            (16384, &[0xc0, 0x00, 0x40]),
            (0x20_0000, &[0xe0, 0, 0, 0x20]),
            (0x1000_0000, &[0xf0, 0, 0, 0, 0x10]),
            (-1, &[0xf0, 0xff, 0xff, 0xff, 0xff]),
        ];
        for (value, bytes) in varints {
            assert_eq!(Input::new(bytes).varint(), Ok(value));
            let mut written = Vec::new();
            written.varint(value);
            assert_eq!(written, bytes);
        }
        let varlongs: [(i64, usize, &[u8]); 8] = [
            (0, 3, &[0, 0, 0]),
            (6, 3, &[0, 6, 0]),
            (8_388_607, 3, &[0x7f, 0xff, 0xff]),
            (8_388_608, 3, &[0x80, 0, 0, 0x80]),
            (1_000_000_000, 4, &[0x3b, 0x00, 0xca, 0x9a]),
            (2_147_483_648, 4, &[0x80, 0, 0, 0, 0x80]),
            (4_294_967_296, 3, &[0xc1, 0, 0, 0, 0]),
            (-1, 4, &[0xf8, 255, 255, 255, 255, 255, 255, 255, 255]),
        ];
        for (value, least, bytes) in varlongs {
            assert_eq!(Input::new(bytes).varlong(least), Ok(value));
            let mut written = Vec::new();
            written.varlong(value, least);
            assert_eq!(written, bytes);
        }
    }

    #[test]
    fn every_number_comes_back_from_every_cut() {
        let values = (0..63).flat_map(|bit| [1_i64 << bit, (1 << bit) - 1, -(1 << bit)]);
        for value in values {
            for least in [3, 4] {
                let mut written = Vec::new();
                written.varlong(value, least);
                assert_eq!(Input::new(&written).varlong(least), Ok(value));
                for cut in 0..written.len() {
                    assert_eq!(Input::new(&written[..cut]).varlong(least), Err(Stop::Short));
                }
            }
            let small = value as i32;
            let mut written = Vec::new();
            written.varint(small);
            assert_eq!(Input::new(&written).varint(), Ok(small));
        }
    }

    #[test]
    fn overlong_numbers_are_refused() {
        assert_eq!(
            Input::new(&[0xf8; 9]).varint(),
            Err(Stop::Broken(Violation::LongVarint))
        );
        assert_eq!(
            Input::new(&[0xff; 12]).varlong(4),
            Err(Stop::Broken(Violation::LongVarlong))
        );
        let long = Input::new(&[0x81, 0x00, 0]).vstring(255);
        assert_eq!(
            long,
            Err(Stop::Broken(Violation::LongText {
                length: 256,
                limit: 255
            }))
        );
    }
}
