use std::io::{self, Read};

use crate::rsync::{
    delta::{Checksum, rolling_sum},
    proto::{Encode, SumHead},
};

const SHORTEST_BLOCK: u64 = 700;
const SHORTEST_DIGEST: u64 = 2;
const LONGEST_DIGEST: usize = 16;
/// The bits by which a digest is longer than it would have to be.
const SPARE_BITS: u64 = 10;

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

/// Writes the sums of all blocks behind the head.
///
/// # Errors
///
/// What reading the basis fails with; one that ends early too.
pub fn write_sums(
    head: SumHead,
    checksum: Checksum,
    seed: i32,
    is_seed_first: bool,
    mut basis: impl Read,
    to: &mut impl Encode,
) -> io::Result<()> {
    let mut buffer = vec![0; head.block_length as usize];
    for index in 0..head.count {
        let (_, length) = head.block(index).expect("a block of its own head");
        let block = &mut buffer[..length];
        basis.read_exact(block)?;
        to.int(rolling_sum(block).cast_signed());
        let digest = checksum.block(seed, is_seed_first, block);
        to.bytes(&digest[..head.digest_length as usize]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::head;
    use crate::rsync::delta::Checksum;

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
