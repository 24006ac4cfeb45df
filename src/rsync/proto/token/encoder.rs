use flate2::{Compress, FlushCompress};
use zstd::stream::raw::{Encoder as ZstdEncoder, InBuffer, Operation as _, OutBuffer};

use crate::rsync::proto::{
    Encode as _,
    token::{Compression, FLUSH_MARK, MAX_DATA, flag, window_pieces},
};

/// Turns bytes into pieces of compressed data.
pub(super) enum Encoder {
    Deflate {
        state: Box<Compress>,
        /// Whether matched blocks enter the window.
        is_windowed: bool,
        is_old: bool,
        output: Vec<u8>,
    },
    Zstd(Box<ZstdEncoder<'static>>),
    Lz4 {
        /// What waits until it is worth a piece.
        input: Vec<u8>,
        output: Vec<u8>,
    },
}

/// The level of zlib where none is asked for.
const DEFLATE_LEVEL: i32 = 6;

/// That of zstd.
const ZSTD_LEVEL: i32 = zstd::DEFAULT_COMPRESSION_LEVEL;

/// What a piece becomes at the most by LZ4, in bytes (`LZ4_COMPRESSBOUND` in lz4.h).
const LZ4_ROOM: usize = MAX_DATA + MAX_DATA / 255 + 16;

impl Encoder {
    /// What makes a compression's data; none for plain bytes.
    pub(super) fn new(compression: Compression, level: Option<i32>) -> Option<Self> {
        Some(match compression {
            Compression::None => return None,
            Compression::Zlib | Compression::OldZlib | Compression::Zlibx => {
                // -1 stands for the usual one.
                let level = level.filter(|&level| level != -1).unwrap_or(DEFLATE_LEVEL);
                let level = flate2::Compression::new(level.clamp(1, 9).unsigned_abs());
                Self::Deflate {
                    state: Box::new(Compress::new(level, false)),
                    is_windowed: compression != Compression::Zlibx,
                    is_old: compression == Compression::OldZlib,
                    output: Vec::new(),
                }
            }
            Compression::Zstd => {
                let levels = zstd::compression_level_range();
                let level = level.filter(|&level| level != 0).unwrap_or(ZSTD_LEVEL);
                let level = level.clamp(*levels.start(), *levels.end());
                Self::Zstd(Box::new(ZstdEncoder::new(level).expect("memory for a context")))
            }
            Compression::Lz4 => Self::Lz4 {
                input: Vec::with_capacity(MAX_DATA),
                output: vec![0; LZ4_ROOM],
            },
        })
    }

    /// Compresses bytes; not all that comes of them need be written before a flush.
    pub(super) fn take(&mut self, bytes: &[u8], to: &mut Vec<u8>) {
        match self {
            Self::Deflate { state, output, .. } => {
                output.clear();
                deflate(state, bytes, FlushCompress::None, output);
                data(output, to);
            }
            Self::Zstd(state) => {
                let mut input = InBuffer::around(bytes);
                while input.pos() < bytes.len() {
                    data_of(to, |output| {
                        state.run(&mut input, output).expect("zstd compresses any bytes");
                    });
                }
            }
            Self::Lz4 { input, output } => {
                let mut rest = bytes;
                while !rest.is_empty() {
                    let count = rest.len().min(MAX_DATA - input.len());
                    input.extend_from_slice(&rest[..count]);
                    rest = &rest[count..];
                    if input.len() == MAX_DATA {
                        lz4(input, output, to);
                    }
                }
            }
        }
    }

    /// Writes all that waits.
    pub(super) fn flush(&mut self, to: &mut Vec<u8>) {
        match self {
            Self::Deflate { state, output, .. } => {
                output.clear();
                deflate(state, &[], FlushCompress::Sync, output);
                assert!(output.ends_with(&FLUSH_MARK), "every flush ends so");
                output.truncate(output.len() - FLUSH_MARK.len());
                data(output, to);
            }
            Self::Zstd(state) => {
                let mut left = 1;
                while left > 0 {
                    data_of(to, |output| {
                        left = state.flush(output).expect("zstd compresses any bytes");
                    });
                }
            }
            Self::Lz4 { input, output } => lz4(input, output, to),
        }
    }

    /// A matched block enters the window. What the compressor makes of it is dropped: the receiver makes a stored block of
    /// the content.
    pub(super) fn see(&mut self, block: &[u8]) {
        let Self::Deflate {
            state,
            is_windowed: true,
            is_old,
            output,
        } = self
        else {
            return;
        };
        for piece in window_pieces(block, *is_old) {
            output.clear();
            deflate(state, piece, FlushCompress::Sync, output);
        }
    }

    /// The file is complete.
    pub(super) fn end(&mut self) {
        if let Self::Deflate { state, .. } = self {
            state.reset();
        }
    }
}

fn deflate(state: &mut Compress, mut from: &[u8], flush: FlushCompress, to: &mut Vec<u8>) {
    loop {
        // With little room a flush would be marked twice.
        to.reserve(MAX_DATA);
        let before = state.total_in();
        state
            .compress_vec(from, to, flush)
            .expect("deflate compresses any bytes");
        from = &from[(state.total_in() - before) as usize..];
        if from.is_empty() && to.len() < to.capacity() {
            return;
        }
    }
}

/// Compresses what waits; bytes that become too many by it go in halves.
fn lz4(input: &mut Vec<u8>, output: &mut [u8], to: &mut Vec<u8>) {
    let mut rest = &input[..];
    let mut count = rest.len();
    while !rest.is_empty() {
        let made = lz4::block::compress_to_buffer(&rest[..count], None, false, output)
            .expect("there is room for it");
        if made > MAX_DATA {
            count /= 2;
            continue;
        }
        data(&output[..made], to);
        rest = &rest[count..];
        count = rest.len();
    }
    input.clear();
}

/// Writes compressed data in pieces.
fn data(bytes: &[u8], to: &mut Vec<u8>) {
    for piece in bytes.chunks(MAX_DATA) {
        to.byte(flag::DATA | (piece.len() >> 8) as u8);
        to.byte(piece.len() as u8);
        to.bytes(piece);
    }
}

/// Writes what `make` makes, at most one piece.
fn data_of(to: &mut Vec<u8>, make: impl FnOnce(&mut OutBuffer<'_, [u8]>)) {
    let head = to.len();
    to.resize(head + 2 + MAX_DATA, 0);
    let mut output = OutBuffer::around(&mut to[head + 2..]);
    make(&mut output);
    let made = output.pos();
    to[head] = flag::DATA | (made >> 8) as u8;
    to[head + 1] = made as u8;
    to.truncate(if made == 0 { head } else { head + 2 + made });
}
