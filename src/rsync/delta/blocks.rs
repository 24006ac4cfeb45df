use std::{
    io,
    num::NonZero,
    sync::{Mutex, PoisonError},
    thread,
};

use crate::rsync::{
    delta::{BlockHash, Checksum, rolling_sum},
    proto::SumHead,
};

const SHORTEST_BLOCK: u64 = 700;
const SHORTEST_DIGEST: u64 = 2;
const LONGEST_DIGEST: usize = 16;
/// The bits by which a digest is longer than it would have to be.
const SPARE_BITS: u64 = 10;
/// As much of a basis is read at once, in bytes.
const PIECE: u32 = 256 * 1024;
/// For fewer pieces it does not pay to begin a thread.
const PIECES_OF_WORKER: usize = 16;

/// How a basis of `length` bytes is cut: about as many blocks as a block has bytes, and as much of each digest as makes a
/// false match unlikely (`sum_sizes_sqroot` in generator.c). `whole_digest` is for a second attempt.
pub fn head(
    length: u64,
    protocol: u8,
    checksum: Checksum,
    block_length: Option<u32>,
    whole_digest: bool,
) -> SumHead {
    let longest = if protocol >= 30 { 1 << 17 } else { 1 << 29 };
    let block_length = match block_length {
        Some(given) => u64::from(given),
        None if length <= SHORTEST_BLOCK * SHORTEST_BLOCK => SHORTEST_BLOCK,
        None => square_root(length).clamp(SHORTEST_BLOCK, longest),
    };
    let most = LONGEST_DIGEST.min(checksum.length()) as u64;
    let digest_length = if whole_digest {
        most
    } else {
        let bits = SPARE_BITS + 2 * u64::from(length.max(1).ilog2());
        let bits = bits.saturating_sub(u64::from(block_length.ilog2()));
        // The weak sum has 32 of them.
        ((bits + 1).saturating_sub(32) + 7)
            .div_euclid(8)
            .clamp(SHORTEST_DIGEST, most)
    };
    let count = length.div_ceil(block_length);
    SumHead {
        count: u32::try_from(count).unwrap_or(0),
        block_length: block_length as u32,
        digest_length: digest_length as u32,
        remainder: (length % block_length) as u32,
    }
}

/// The largest multiple of 8 whose square is not above `length`.
fn square_root(length: u64) -> u64 {
    let mut bit = 1_u64 << (length.ilog2() / 2);
    let mut root = 0;
    while bit >= 8 {
        if (root | bit) * (root | bit) <= length {
            root |= bit;
        }
        bit >>= 1;
    }
    root
}

/// Writes the sums of all blocks behind the head, made on all processors where there are many. `read` fills what it is given
/// with what the basis has at an offset.
///
/// # Errors
///
/// What `read` fails with.
pub fn write_sums(
    head: SumHead,
    hash: BlockHash,
    read: impl Fn(&mut [u8], u64) -> io::Result<()> + Sync,
    to: &mut Vec<u8>,
) -> io::Result<()> {
    let (start, size) = (to.len(), size_of::<u32>() + head.digest_length as usize);
    to.resize(start + head.count as usize * size, 0);
    let blocks_of_piece = (PIECE / head.block_length.max(1)).max(1);
    let pieces = to[start..].chunks_mut(blocks_of_piece as usize * size);
    let workers = match head.block_length > PIECE {
        true => 1,
        false => processors().min(pieces.len() / PIECES_OF_WORKER),
    };
    // Who is ready takes the next one, so that what is read stays close together.
    let pieces = Mutex::new((0..).step_by(blocks_of_piece as usize).zip(pieces));
    let work = || -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((first, sums)) = next else {
                return Ok(());
            };
            write_piece(head, hash, first, &read, &mut buffer, sums)?;
        }
    };
    thread::scope(|scope| {
        let spawn = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
        let others: Vec<_> = (1..workers).filter_map(spawn).collect();
        let mine = work();
        let others = others.into_iter().map(|other| {
            let ended = other.join();
            ended.unwrap_or_else(|_| Err(io::Error::other("a thread ended before its time")))
        });
        // All are waited for, whatever one fails with.
        others.fold(mine, Result::and)
    })
}

/// The sums of the blocks from one on, as many as there is room for.
fn write_piece(
    head: SumHead,
    hash: BlockHash,
    first: u32,
    read: impl Fn(&mut [u8], u64) -> io::Result<()>,
    buffer: &mut Vec<u8>,
    to: &mut [u8],
) -> io::Result<()> {
    let sums = to.chunks_exact_mut(size_of::<u32>() + head.digest_length as usize);
    let block = |index: u32| head.block(index).expect("a block of its own head");
    let (start, _) = block(first);
    let (last, length) = block(first + sums.len() as u32 - 1);
    buffer.resize((last - start) as usize + length, 0);
    read(buffer, start)?;
    for (bytes, sum) in buffer.chunks(head.block_length as usize).zip(sums) {
        let (weak, strong) = sum.split_at_mut(size_of::<u32>());
        weak.copy_from_slice(&rolling_sum(bytes).to_le_bytes());
        let digest = hash.checksum.block(hash.seed, hash.is_seed_first, bytes);
        strong.copy_from_slice(&digest[..strong.len()]);
    }
    Ok(())
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{BlockHash, PIECE, PIECES_OF_WORKER, head, write_sums};
    use crate::rsync::delta::{Checksum, rolling_sum};

    const HASH: BlockHash = BlockHash {
        checksum: Checksum::Xxh128,
        seed: 7,
        is_seed_first: true,
        is_in_place: false,
    };

    #[test]
    fn sums_stand_in_the_order_of_the_blocks_whoever_made_them() {
        // Enough for several threads, and a short block at the end.
        let length = PIECE as usize * PIECES_OF_WORKER * 3 + 5;
        let basis: Vec<u8> = (0..length).map(|place| ((place * place) >> 9) as u8).collect();
        let read = |to: &mut [u8], offset| {
            to.copy_from_slice(&basis[offset as usize..][..to.len()]);
            Ok(())
        };
        for block_length in [None, Some(131_072), Some(PIECE * 2), Some(1000)] {
            let head = head(length as u64, 32, HASH.checksum, block_length, false);
            let mut expected = b"in front".to_vec();
            for block in basis.chunks(head.block_length as usize) {
                let digest = HASH.checksum.block(HASH.seed, HASH.is_seed_first, block);
                expected.extend_from_slice(&rolling_sum(block).to_le_bytes());
                expected.extend_from_slice(&digest[..head.digest_length as usize]);
            }
            let mut sums = b"in front".to_vec();
            write_sums(head, HASH, read, &mut sums).expect("it is read");
            assert!(sums == expected, "{block_length:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_has_no_sums() {
        let length = u64::from(PIECE) * PIECES_OF_WORKER as u64 * 2;
        let head = head(length, 32, HASH.checksum, None, false);
        let ends_at = |end: u64| {
            move |to: &mut [u8], offset: u64| match offset + to.len() as u64 > end {
                true => Err(io::ErrorKind::UnexpectedEof.into()),
                false => Ok(()),
            }
        };
        for end in [0, length / 2, length - 1] {
            let error = write_sums(head, HASH, ends_at(end), &mut Vec::new()).expect_err("it is shorter");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
        assert!(write_sums(head, HASH, ends_at(length), &mut Vec::new()).is_ok());
    }

    #[test]
    fn sizes_are_those_of_rsync() {
        // Observed with rsync 3.5.0, `--debug=deltasum2`: length, then count, block length, digest length, remainder.
        let cases: [(u64, [u32; 4]); 7] = [
            (6, [1, 700, 2, 6]),
            (490_000, [700, 700, 2, 0]),
            (490_001, [701, 700, 2, 1]),
            (1 << 20, [1024, 1024, 2, 0]),
            (10_000_000, [3165, 3160, 2, 1760]),
            (1 << 30, [32768, 32768, 3, 0]),
            (5_000_000_000, [70718, 70704, 4, 25232]),
        ];
        for (length, expected) in cases {
            let head = head(length, 32, Checksum::Xxh128, None, false);
            let found = [head.count, head.block_length, head.digest_length, head.remainder];
            assert_eq!(found, expected, "{length}");
        }
    }
}
