//! A file's new content as it travels: pieces of it, and numbers of blocks that the receiver has; plain or compressed
//! (`token.c`).

mod decoder;
mod encoder;
mod reader;
mod writer;

pub use reader::TokenReader;
pub use writer::TokenWriter;

/// A piece of a file's new content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Token<'a> {
    /// Bytes that the basis does not have.
    Literal(&'a [u8]),
    /// A block of the basis, by its number.
    Block(u32),
    /// The file is complete.
    End,
}

/// How literal bytes travel.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// Deflate; matched blocks enter the window too.
    Zlib,
    /// The same below protocol 31: of a block of more than 65,535 bytes the first ones enter again and again.
    OldZlib,
    /// Deflate; matched blocks stay out of it.
    Zlibx,
    /// Each piece by itself, since 3.2.0.
    Lz4,
    /// One stream for the whole session, since 3.2.0.
    Zstd,
}

impl Compression {
    /// Those that are offered, in upstream's order.
    pub const OFFERED: [Self; 4] = [Self::Zstd, Self::Lz4, Self::Zlibx, Self::Zlib];

    /// How a list of algorithms names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Zlib | Self::OldZlib => "zlib",
            Self::Zlibx => "zlibx",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The algorithm of a name, in capitals or not.
    pub fn of_name(name: &str) -> Option<Self> {
        let mut known = Self::OFFERED.into_iter().chain([Self::None]);
        known.find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// What becomes of it at a level, which both sides know: at level 0 nothing is deflated (`init_compression_level`).
    #[must_use]
    pub fn at_level(self, level: Option<i32>) -> Self {
        match self {
            Self::Zlib | Self::OldZlib | Self::Zlibx if level == Some(0) => Self::None,
            other => other,
        }
    }
}

/// The bytes in front of what follows in a compressed stream.
mod flag {
    pub(super) const END: u8 = 0;
    pub(super) const BLOCK: u8 = 0x20;
    pub(super) const RUN: u8 = 0x21;
    pub(super) const DATA: u8 = 0x40;
    pub(super) const NEAR_BLOCK: u8 = 0x80;
    pub(super) const NEAR_RUN: u8 = 0xc0;
    /// The bits that say which it is, if one of the upper two is set.
    pub(super) const KIND: u8 = 0xc0;
}

/// The longest piece of compressed data, in bytes: 14 bits hold its length.
const MAX_DATA: usize = 0x3fff;

/// The largest number of a block.
const MAX_BLOCK: u32 = 0x7fff_fffe;

/// A block that enters the window does so in pieces of this length in bytes, the longest of a stored block.
const MAX_STORED: usize = 0xffff;

/// What every flush of a deflated stream ends with; it does not travel.
const FLUSH_MARK: [u8; 4] = [0, 0, 0xff, 0xff];

/// The pieces in which a block enters the window.
fn window_pieces(block: &[u8], is_old: bool) -> impl Iterator<Item = &[u8]> {
    block
        .chunks(MAX_STORED)
        .map(move |piece| if is_old { &block[..piece.len()] } else { piece })
}

#[cfg(test)]
mod tests;
