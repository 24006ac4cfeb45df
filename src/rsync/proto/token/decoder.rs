use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

use crate::rsync::proto::{
    Violation,
    token::{Compression, FLUSH_MARK, window_pieces},
};

/// Turns pieces of compressed data back into bytes.
pub(super) enum Decoder {
    Inflate {
        state: Box<Decompress>,
        /// Whether matched blocks enter the window.
        is_windowed: bool,
        is_old: bool,
        /// Whether data came since the last flush.
        is_open: bool,
    },
    Zstd(Box<ZstdDecoder<'static>>),
    Lz4,
}

/// What a step did, in bytes.
pub(super) struct Step {
    pub(super) used: usize,
    pub(super) made: usize,
}

impl Decoder {
    /// What reads a compression's data; none for plain bytes.
    pub(super) fn new(compression: Compression) -> Option<Self> {
        Some(match compression {
            Compression::None => return None,
            Compression::Zlib | Compression::OldZlib | Compression::Zlibx => Self::Inflate {
                state: Box::new(Decompress::new(false)),
                is_windowed: compression != Compression::Zlibx,
                is_old: compression == Compression::OldZlib,
                is_open: false,
            },
            Compression::Zstd => Self::Zstd(Box::new(ZstdDecoder::new().expect("memory for a context"))),
            Compression::Lz4 => Self::Lz4,
        })
    }

    /// Decompresses as much of a piece as `to` has room for.
    pub(super) fn step(&mut self, piece: &[u8], to: &mut [u8]) -> Result<Step, Violation> {
        match self {
            Self::Inflate { state, is_open, .. } => {
                *is_open = true;
                inflate(state, piece, to)
            }
            Self::Zstd(state) => {
                let (mut input, mut output) = (InBuffer::around(piece), OutBuffer::around(to));
                let result = state.run(&mut input, &mut output);
                let step = Step {
                    used: input.pos(),
                    made: output.pos(),
                };
                match result {
                    Ok(_) => Ok(step),
                    Err(error) => Err(Violation::Decompression(format!(
                        "ZSTD decomp returned \"{error}\" ({} bytes)",
                        step.made
                    ))),
                }
            }
            Self::Lz4 => {
                let room = i32::try_from(to.len()).expect("a small buffer");
                match lz4::block::decompress_to_buffer(piece, Some(room), to) {
                    Ok(made) => Ok(Step {
                        used: piece.len(),
                        made,
                    }),
                    Err(error) => Err(Violation::Decompression(format!("uncompress failed: {error}"))),
                }
            }
        }
    }

    /// A block or the end follows: what the sender left out of its flush is put back.
    pub(super) fn close(&mut self, scratch: &mut [u8]) -> Result<(), Violation> {
        let Self::Inflate { state, is_open, .. } = self else {
            return Ok(());
        };
        if !std::mem::take(is_open) {
            return Ok(());
        }
        let step = inflate(state, &FLUSH_MARK, scratch)?;
        if step.made != 0 || step.used != FLUSH_MARK.len() {
            return Err(Violation::Decompression("decompressor lost sync!".to_owned()));
        }
        Ok(())
    }

    /// A matched block enters the window, as a stored block of the stream.
    pub(super) fn see(&mut self, block: &[u8], scratch: &mut [u8]) -> Result<(), Violation> {
        let Self::Inflate {
            state,
            is_windowed: true,
            is_old,
            ..
        } = self
        else {
            return Ok(());
        };
        for piece in window_pieces(block, *is_old) {
            let length = u16::try_from(piece.len()).expect("a stored block's length");
            let [low, high] = length.to_le_bytes();
            for mut rest in [&[0, low, high, !low, !high][..], piece] {
                while !rest.is_empty() {
                    let step = inflate(state, rest, scratch)?;
                    rest = &rest[step.used..];
                }
            }
        }
        Ok(())
    }

    /// The file is complete.
    pub(super) fn end(&mut self) {
        if let Self::Inflate { state, .. } = self {
            state.reset(false);
        }
    }
}

fn inflate(state: &mut Decompress, from: &[u8], to: &mut [u8]) -> Result<Step, Violation> {
    let (used, made) = (state.total_in(), state.total_out());
    let status = state.decompress(from, to, FlushDecompress::Sync);
    let step = Step {
        used: (state.total_in() - used) as usize,
        made: (state.total_out() - made) as usize,
    };
    let fail = |code: i32| {
        Err(Violation::Decompression(format!(
            "inflate returned {code} ({} bytes)",
            step.made
        )))
    };
    match status {
        // Nothing is left to do: the caller asked whether there was.
        Ok(Status::BufError) if from.is_empty() => Ok(step),
        Ok(Status::Ok | Status::BufError) if step.used > 0 || step.made > 0 || from.is_empty() => Ok(step),
        Ok(Status::Ok | Status::BufError) => fail(-5),
        Ok(Status::StreamEnd) => fail(1),
        Err(_) => fail(-3),
    }
}
