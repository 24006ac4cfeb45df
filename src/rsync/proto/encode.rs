/// The other direction of [`Input`](crate::rsync::proto::Input).
pub trait Encode {
    /// Bytes as they are.
    fn bytes(&mut self, bytes: &[u8]);

    /// One byte.
    fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    /// Two bytes.
    fn short(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Four bytes.
    fn int(&mut self, value: i32) {
        self.bytes(&value.to_le_bytes());
    }

    /// 32 bits in one to five bytes.
    fn varint(&mut self, value: i32) {
        let mut wide = [0; 8];
        wide[..4].copy_from_slice(&value.to_le_bytes());
        variable(self, &wide, 4, 1);
    }

    /// 64 bits in `least` to nine bytes.
    fn varlong(&mut self, value: i64, least: usize) {
        variable(self, &value.to_le_bytes(), 8, least);
    }

    /// Four bytes, or twelve for what does not fit.
    fn long_int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(small) if small >= 0 => self.int(small),
            _ => {
                self.int(-1);
                self.bytes(&value.to_le_bytes());
            }
        }
    }

    /// [`Self::varint`] from protocol 30, else [`Self::int`].
    fn varint30(&mut self, value: i32, protocol: u8) {
        if protocol >= 30 {
            self.varint(value);
        } else {
            self.int(value);
        }
    }

    /// [`Self::varlong`] from protocol 30, else [`Self::long_int`].
    fn varlong30(&mut self, value: i64, least: usize, protocol: u8) {
        if protocol >= 30 {
            self.varlong(value, least);
        } else {
            self.long_int(value);
        }
    }

    /// A text of at most 32,767 bytes, with its length in front.
    fn vstring(&mut self, text: &[u8]) {
        let length = u16::try_from(text.len()).expect("callers keep to the limit");
        assert!(length < 0x8000, "callers keep to the limit");
        if length >= 0x80 {
            self.byte(0x80 | (length >> 8) as u8);
        }
        self.byte(length as u8);
        self.bytes(text);
    }
}

impl Encode for Vec<u8> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// The lowest `width` bytes of a number, without the zeros at its top, but `least` of them: the highest goes first and
/// carries the count in its leading ones; if they do not fit beside it, a byte of their own goes in front.
fn variable(to: &mut (impl Encode + ?Sized), bytes: &[u8; 8], width: usize, least: usize) {
    let zeros = bytes[..width].iter().rev().take_while(|&&byte| byte == 0).count();
    let count = (width - zeros).max(least);
    let extra = count - least;
    let top = bytes[count - 1];
    let room = 1_u16 << (7 - extra);
    if u16::from(top) >= room {
        to.byte(!(room - 1) as u8);
        to.bytes(&bytes[..count]);
    } else {
        to.byte(top | !(2 * room - 1) as u8);
        to.bytes(&bytes[..count - 1]);
    }
}
