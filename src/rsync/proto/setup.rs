use crate::rsync::{
    delta::Checksum,
    proto::{Encode, Input, Stop, Violation},
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
pub struct Offer {
    /// The protocol that the greetings agreed on.
    pub protocol: u8,
    /// Whether the client sent the letter for incremental lists.
    pub incremental: bool,
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
    /// What stands in front of or behind what is hashed.
    pub seed: i32,
}

/// The longest list of names that is read.
const MAX_NAMES: usize = 256;

impl Offer {
    /// What the client writes unasked once it knows that the server negotiates: its digests.
    pub fn names() -> Vec<u8> {
        let mut names = Vec::new();
        names.vstring(Checksum::OFFERED.map(Checksum::name).join(" ").as_bytes());
        names
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

    /// Reads what follows the flags: the server's digests, if they are negotiated, and the seed.
    ///
    /// # Errors
    ///
    /// No digest in common.
    pub fn session(self, compatibility: Compatibility, input: &mut Input<'_>) -> Result<Session, Stop> {
        let checksum = if compatibility.has_varint_flags() {
            let names = input.vstring(MAX_NAMES)?;
            choose(names).ok_or(Violation::Greeting)?
        } else if self.protocol >= 30 {
            Checksum::Md5
        } else {
            Checksum::OldMd4
        };
        Ok(Session {
            protocol: self.protocol,
            compatibility,
            checksum,
            seed: input.int()?,
        })
    }
}

/// The digest that both sides take: the first of ours that the server has. A server up to 3.4 decides the same; one of
/// 3.5 takes the first of its own that we named, so ours stand in its order (`parse_negotiate_str` in compat.c).
pub fn choose(theirs: &[u8]) -> Option<Checksum> {
    let has = |name: &str| {
        theirs
            .split(|&byte| byte == b' ')
            .any(|their| their == name.as_bytes())
    };
    Checksum::OFFERED
        .into_iter()
        .find(|checksum| has(checksum.name()) || *checksum == Checksum::Xxh64 && has("xxhash"))
}
