use crate::rsync::{
    delta::Checksum,
    proto::{Algorithms, Compression, Input, Stop, Violation},
};

/// What a server says that it can do, each for a letter that the client sent (`set_allow_inc_recurse` and
/// `setup_protocol` in compat.c).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Compatibility(u32);

impl Compatibility {
    /// The lists of folders come one by one.
    pub const fn has_incremental_lists(self) -> bool {
        self.0 & 1 != 0
    }

    /// The server sets the times of symlinks.
    pub const fn has_symlink_times(self) -> bool {
        self.0 & 1 << 1 != 0
    }

    /// The end of a list may carry an error.
    pub const fn has_safe_lists(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// No extended attributes with a record of a local change.
    pub const fn avoids_attribute_shortcut(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    /// The seed stands in front of a block's bytes in MD5.
    pub const fn has_seed_first(self) -> bool {
        self.0 & 1 << 5 != 0
    }

    /// A file of a partial directory may be written over in place.
    pub const fn has_partial_in_place(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    /// Flags of files are varints, and algorithms are negotiated.
    pub const fn has_varint_flags(self) -> bool {
        self.0 & 1 << 7 != 0
    }

    /// The name of id 0 is sent too.
    pub const fn has_names_of_root(self) -> bool {
        self.0 & 1 << 8 != 0
    }
}

/// What a client offers before the session is set up.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The protocol that the greetings agreed on.
    pub protocol: u8,
    /// Whether the client sent the letter for incremental lists.
    pub incremental: bool,
    /// What the user says of checksums and compression.
    pub algorithms: &'a Algorithms,
}

/// What both sides know when the multiplexed stream begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Session {
    /// The protocol of the session.
    pub protocol: u8,
    /// What the server granted.
    pub compatibility: Compatibility,
    /// The digest of blocks and files.
    pub checksum: Checksum,
    /// The digest of the list with `--checksum`.
    pub list_checksum: Checksum,
    /// How literal bytes travel.
    pub compression: Compression,
    /// What stands in front of or behind what is hashed.
    pub seed: i32,
}

impl Session {
    /// The seed stands in front of a block's bytes in MD5. Below protocol 30 MD5 is only used where it is named, and then it does,
    /// though no flag says so (`get_checksum2` in checksum.c; seen with rsync 3.5.0 on both sides).
    pub const fn has_seed_first(self) -> bool {
        self.compatibility.has_seed_first() || self.protocol < 30
    }
}

/// The longest list of names that is read, in bytes.
const MAX_NAMES: usize = 255;

/// Reads a list of names of algorithms (`recv_negotiate_str` in compat.c).
fn names<'a>(input: &mut Input<'a>) -> Result<&'a [u8], Stop> {
    input.vstring(MAX_NAMES).map_err(|stop| match stop {
        Stop::Broken(Violation::LongText { length, limit }) => Violation::LongNames { length, limit }.into(),
        stop => stop,
    })
}

impl Offer<'_> {
    /// What the client writes unasked once it knows that the server negotiates: the algorithms that it offers.
    pub fn names(self) -> Vec<u8> {
        self.algorithms.names()
    }

    /// Reads the compatibility flags, which a server sends from protocol 30 on.
    ///
    /// # Errors
    ///
    /// A flag that was not offered.
    pub fn compatibility(self, input: &mut Input<'_>) -> Result<Compatibility, Stop> {
        if self.protocol < 30 {
            return Ok(Compatibility::default());
        }
        let flags = Compatibility(input.varint()?.cast_unsigned());
        if flags.has_incremental_lists() && !self.incremental {
            return Err(Violation::UnofferedRecursion.into());
        }
        Ok(flags)
    }

    /// Reads what follows the flags: the server's algorithms, if they are negotiated, and the seed.
    ///
    /// # Errors
    ///
    /// No algorithm in common.
    pub fn session(self, compatibility: Compatibility, input: &mut Input<'_>) -> Result<Session, Stop> {
        let (checksum, list_checksum) = self.checksums(compatibility, input)?;
        let compression = self.compression(compatibility, input)?;
        Ok(Session {
            protocol: self.protocol,
            compatibility,
            checksum,
            list_checksum,
            compression: compression.at_level(self.algorithms.level),
            seed: input.int()?,
        })
    }

    fn checksums(
        self,
        compatibility: Compatibility,
        input: &mut Input<'_>,
    ) -> Result<(Checksum, Checksum), Stop> {
        let usual = match self.protocol {
            30.. => Checksum::Md5,
            _ => Checksum::OldMd4,
        };
        if let Some(choice) = &self.algorithms.checksum {
            return Ok((choice.transfer.unwrap_or(usual), choice.list.unwrap_or(usual)));
        }
        if compatibility.has_varint_flags() {
            let common = self.algorithms.common_checksum(names(input)?)?;
            return Ok((common, common));
        }
        self.algorithms.allows(usual)?;
        Ok((usual, usual))
    }

    fn compression(self, compatibility: Compatibility, input: &mut Input<'_>) -> Result<Compression, Stop> {
        let compression = if let Some(choice) = &self.algorithms.compression {
            choice.compression
        } else if !self.algorithms.negotiates_compression() {
            Compression::None
        } else if compatibility.has_varint_flags() {
            self.algorithms.common_compression(names(input)?)?
        } else {
            self.algorithms
                .common_compression(Compression::Zlib.name().as_bytes())?
        };
        Ok(match compression {
            Compression::Zlib if self.protocol < 31 => Compression::OldZlib,
            other => other,
        })
    }
}
