use crate::rsync::proto::{Encode, Input, Stop, Violation};

/// What is said of a file beside its index (`ITEM_` in rsync.h).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct ItemFlags(pub u16);

impl ItemFlags {
    /// The access time is other.
    pub const ATIME: u16 = 1;
    /// The content is other.
    pub const CHANGE: u16 = 1 << 1;
    /// The length is other; of a symlink: its time cannot be set.
    pub const SIZE: u16 = 1 << 2;
    /// The modification time is other.
    pub const TIME: u16 = 1 << 3;
    /// The permissions are other.
    pub const PERMISSIONS: u16 = 1 << 4;
    /// The owner is other.
    pub const OWNER: u16 = 1 << 5;
    /// The group is other.
    pub const GROUP: u16 = 1 << 6;
    /// An ACL is other.
    pub const ACL: u16 = 1 << 7;
    /// The extended attributes are other.
    pub const XATTR: u16 = 1 << 8;
    /// The kind of the basis follows.
    pub const BASIS_TYPE: u16 = 1 << 11;
    /// A name follows.
    pub const NAME: u16 = 1 << 12;
    /// The file does not exist yet.
    pub const NEW: u16 = 1 << 13;
    /// It is made without the sender.
    pub const LOCAL_CHANGE: u16 = 1 << 14;
    /// Its data are wanted.
    pub const TRANSFER: u16 = 1 << 15;

    /// Reads what comes first behind an index.
    ///
    /// # Errors
    ///
    /// An end of the bytes.
    pub fn read(input: &mut Input<'_>) -> Result<Self, Stop> {
        Ok(Self(input.short()?))
    }

    /// Whether one of the bits is set.
    pub const fn has(self, bits: u16) -> bool {
        self.0 & bits != 0
    }
}

/// What comes with an index behind the list (`read_ndx_and_attrs` in rsync.c).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Record {
    /// What is said of the file.
    pub flags: ItemFlags,
    /// The kind of basis, if it is not the file itself.
    pub basis: Option<u8>,
    /// The name of another basis, or of what a hard link was made to.
    pub name: Option<Vec<u8>>,
}

/// The longest path that is read, in bytes.
const MAX_PATH: usize = 4095;

impl Record {
    /// The kind of a basis that is the file itself.
    pub const THE_FILE: u8 = 0x80;
    /// The kind of a basis that is in the partial directory.
    pub const PARTIAL_FILE: u8 = 0x81;
    /// The kind of a basis that is the backup of the file.
    pub const BACKUP: u8 = 0x82;
    /// The kind of a basis that is a file of a similar name; with one added for each other folder, there.
    pub const SIMILAR: u8 = 0x83;

    /// Reads what follows an index.
    ///
    /// # Errors
    ///
    /// A name that is too long.
    pub fn read(input: &mut Input<'_>) -> Result<Self, Stop> {
        let flags = ItemFlags::read(input)?;
        Self::read_behind(flags, input)
    }

    /// Reads what follows the flags.
    ///
    /// # Errors
    ///
    /// A name that is too long.
    pub fn read_behind(flags: ItemFlags, input: &mut Input<'_>) -> Result<Self, Stop> {
        let basis = flags
            .has(ItemFlags::BASIS_TYPE)
            .then(|| input.byte())
            .transpose()?;
        let name = flags
            .has(ItemFlags::NAME)
            .then(|| input.vstring(MAX_PATH))
            .transpose()?;
        Ok(Self {
            flags,
            basis,
            name: name.map(<[u8]>::to_vec),
        })
    }

    /// Writes what follows an index.
    pub fn write(&self, to: &mut impl Encode) {
        to.short(self.flags.0);
        if let Some(basis) = self.basis {
            to.byte(basis);
        }
        if let Some(name) = &self.name {
            to.vstring(name);
        }
    }
}

/// How the blocks of a basis are cut and hashed (`read_sum_head` in io.c); all zero without a basis.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SumHead {
    /// How many blocks there are.
    pub count: u32,
    /// The length of each but the last, in bytes.
    pub block_length: u32,
    /// How much of each digest is sent, in bytes.
    pub digest_length: u32,
    /// The length of the last block, if it is shorter.
    pub remainder: u32,
}

impl SumHead {
    /// How many bytes it takes on the wire, with the sums behind it unless it is bare.
    pub fn size(&self, is_bare: bool) -> u64 {
        let sums = if is_bare { 0 } else { self.count };
        16 + u64::from(sums) * u64::from(4 + self.digest_length)
    }

    /// Reads a head; `digest` is the length of the session's whole digest in bytes.
    ///
    /// # Errors
    ///
    /// Numbers that fit no basis.
    pub fn read(protocol: u8, digest: usize, input: &mut Input<'_>) -> Result<Self, Stop> {
        let (count, block_length) = (input.int()?, input.int()?);
        let (digest_length, remainder) = (input.int()?, input.int()?);
        let most = if protocol >= 30 { 1 << 17 } else { 1 << 29 };
        let wrong = |what, value| Err(Violation::SumHead { what, value }.into());
        if count < 0 {
            return wrong("checksum count", count);
        }
        if !(0..=most).contains(&block_length) {
            return wrong("block length", block_length);
        }
        if count > 0 && block_length == 0 {
            return Err(Violation::ZeroBlock.into());
        }
        if !usize::try_from(digest_length).is_ok_and(|length| length <= digest) {
            return wrong("checksum length", digest_length);
        }
        if !(0..=block_length).contains(&remainder) {
            return wrong("remainder length", remainder);
        }
        Ok(Self {
            count: count.unsigned_abs(),
            block_length: block_length.unsigned_abs(),
            digest_length: digest_length.unsigned_abs(),
            remainder: remainder.unsigned_abs(),
        })
    }

    /// Writes the head.
    pub fn write(self, to: &mut impl Encode) {
        for number in [self.count, self.block_length, self.digest_length, self.remainder] {
            to.int(number.cast_signed());
        }
    }

    /// The length of the basis, in bytes.
    pub fn length(self) -> u64 {
        let whole = u64::from(self.count) * u64::from(self.block_length);
        match self.remainder {
            0 => whole,
            remainder => whole - u64::from(self.block_length - remainder),
        }
    }

    /// Where a block begins, and its length, both in bytes.
    ///
    /// # Errors
    ///
    /// A block that is not there.
    pub fn block(self, index: u32) -> Result<(u64, usize), Violation> {
        if index >= self.count {
            return Err(Violation::Block {
                index: i64::from(index),
                count: self.count,
            });
        }
        let is_last = index + 1 == self.count && self.remainder != 0;
        let length = if is_last {
            self.remainder
        } else {
            self.block_length
        };
        Ok((u64::from(index) * u64::from(self.block_length), length as usize))
    }
}
