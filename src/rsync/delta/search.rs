use std::io::{self, Read};

use crate::rsync::delta::{
    BlockSums, Checksum, checksum::LONGEST, rolling_sum, table::Table, window::Window,
};

/// What a file consists of, in its order.
pub trait Pieces {
    /// Why it ends early.
    type Error: From<io::Error>;

    /// Bytes that the basis does not have.
    ///
    /// # Errors
    ///
    /// What ends the search.
    fn literal(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// A block of the basis, whose bytes are these.
    ///
    /// # Errors
    ///
    /// What ends the search.
    fn block(&mut self, index: u32, bytes: &[u8]) -> Result<(), Self::Error>;

    /// A block of the basis had the weak sum of some bytes, but not their digest.
    fn is_unlike(&mut self) {}
}

/// How blocks are hashed in a session.
#[derive(Clone, Copy, Debug)]
pub struct BlockHash {
    /// The digest.
    pub checksum: Checksum,
    /// The session's seed.
    pub seed: i32,
    /// Whether the seed stands in front of the bytes in MD5.
    pub is_seed_first: bool,
    /// The basis is written over from its beginning on: a block counts only as long as it is still there.
    pub is_in_place: bool,
}

impl BlockHash {
    fn digest(self, bytes: &[u8]) -> [u8; LONGEST] {
        self.checksum.block(self.seed, self.is_seed_first, bytes)
    }
}

/// So much is spent on blocks that turn out to be others, and so much more for each byte of the file; where more would be,
/// places are passed over until the file has caught up. A step along blocks of one bucket costs one, a digest as much as this
/// part of the bytes that it is made of. Only a basis that was made for it, or one of very few patterns, comes so far; rsync
/// passes places over as well there.
const ALLOWANCE: u64 = 16 << 20;
const DIGEST_PART: u64 = 16;

/// Finds the blocks of the basis in a file of `length` bytes, and gives all of the file away in its order
/// (`match_sums` in match.c). Whoever calls makes sure that there are sums.
///
/// # Errors
///
/// What reading fails with, an early end of the file too, and what the taker fails with.
pub fn search<P: Pieces>(
    sums: &BlockSums,
    hash: BlockHash,
    file: impl Read,
    length: u64,
    pieces: &mut P,
) -> Result<(), P::Error> {
    let block_length = sums.head.block_length as usize;
    let mut window = Window::new(file, length, block_length);
    let mut table = Table::new(sums, hash.is_in_place);
    let digest_cost = 1 + block_length as u64 / DIGEST_PART;
    let mut digests = 0;
    let mut blocks = Blocks::new(sums, hash);
    // The block that stands behind the last match: files change in few places.
    let mut expected = 0_u32;
    window.fill(block_length)?;
    while window.ahead().len() >= block_length {
        let mut sum = Rolling::new(&window.ahead()[..block_length]);
        loop {
            let position = window.position();
            let wanted = [blocks.own(position), Some(expected)];
            let at = &window.ahead()[..block_length];
            let mut digest = None;
            let spent = digests;
            let is_there = |block: u32| {
                let digest = digest.get_or_insert_with(|| {
                    digests += digest_cost;
                    hash.digest(at)
                });
                let is_like = blocks.is_like(block, digest);
                if !is_like {
                    pieces.is_unlike();
                }
                is_like
            };
            let found = match table.steps + spent > ALLOWANCE + position {
                true => None,
                false => table.find(
                    sum.value(),
                    wanted,
                    |block| blocks.counts(block, position),
                    is_there,
                ),
            };
            if let Some(mut block) = found {
                if let Some((own, gap)) = blocks.next_of_zeros(sum.value(), &mut window)? {
                    block = own;
                    window.skip_over(gap);
                }
                blocks.taken(block, window.position());
                window.give_literal(pieces)?;
                pieces.block(block, &window.ahead()[..block_length])?;
                window.skip(block_length);
                expected = block + 1;
                break;
            }
            if window.ahead().len() == block_length && !window.read_more(block_length, pieces)? {
                // The last whole window: what is behind its first byte may be the short block.
                window.step();
                break;
            }
            let ahead = window.ahead();
            sum.roll(ahead[0], ahead[block_length]);
            window.step();
        }
        window.fill(block_length)?;
    }
    tail(&blocks, &mut window, pieces)
}

/// The end of a file, shorter than a block: only the basis's short last block can be there.
fn tail<P: Pieces, R: Read>(
    blocks: &Blocks<'_>,
    window: &mut Window<R>,
    pieces: &mut P,
) -> Result<(), P::Error> {
    let sums = blocks.sums;
    let (rest, short) = (window.ahead().len(), sums.head.remainder as usize);
    if short > 0 && rest >= short {
        let last = sums.head.count - 1;
        let at = &window.ahead()[rest - short..];
        let is_found = blocks.counts(last, window.position() + (rest - short) as u64)
            && sums.weak()[last as usize] == rolling_sum(at)
            && blocks.is_like(last, &blocks.hash.digest(at));
        if is_found {
            window.skip_over(rest - short);
            window.give_literal(pieces)?;
            pieces.block(last, window.ahead())?;
            window.skip(short);
        }
    }
    window.skip_over(window.ahead().len());
    window.give_literal(pieces)
}

/// The blocks of the basis, and which of them are still there where it is written over in place.
struct Blocks<'s> {
    sums: &'s BlockSums,
    hash: BlockHash,
    /// In place: whether a block stands in the file where it stood in the basis, and so stays.
    stays: Vec<bool>,
}

impl<'s> Blocks<'s> {
    fn new(sums: &'s BlockSums, hash: BlockHash) -> Self {
        let count = if hash.is_in_place { sums.weak().len() } else { 0 };
        Self {
            sums,
            hash,
            stays: vec![false; count],
        }
    }

    fn length(&self) -> u64 {
        u64::from(self.sums.head.block_length)
    }

    /// Whether a block is still there when a place of the file is written.
    fn counts(&self, block: u32, position: u64) -> bool {
        !self.hash.is_in_place || u64::from(block) * self.length() >= position || self.stays[block as usize]
    }

    fn is_like(&self, block: u32, digest: &[u8]) -> bool {
        let sent = self.sums.strong(block);
        digest[..sent.len()] == *sent
    }

    /// In place, the block that stood where the file is now: it needs not be written.
    fn own(&self, position: u64) -> Option<u32> {
        let is_own = self.hash.is_in_place && position.is_multiple_of(self.length());
        let block = u32::try_from(position / self.length()).ok();
        block.filter(|_| is_own)
    }

    /// Notes that a block was taken for a place.
    fn taken(&mut self, block: u32, position: u64) {
        if self.own(position) == Some(block) {
            self.stays[block as usize] = true;
        }
    }

    /// In place, within zeros: the next block that stands where it stood, if it is of zeros as well, and how many bytes there
    /// are in front of it. To write these is less than to write all zeros that follow a block at another place.
    fn next_of_zeros<R: Read>(&self, sum: u32, window: &mut Window<R>) -> io::Result<Option<(u32, usize)>> {
        let position = window.position();
        let gap = position.next_multiple_of(self.length()) - position;
        let (true, true, 1..) = (self.hash.is_in_place, sum == 0, gap) else {
            return Ok(None);
        };
        let (gap, length) = (gap as usize, self.length() as usize);
        window.fill(gap + length)?;
        let own = self.own(position + gap as u64);
        let own = own.filter(|own| self.sums.weak().get(*own as usize) == Some(&sum));
        let at = window.ahead().get(gap..gap + length);
        let (Some(own), Some(at)) = (own, at) else {
            return Ok(None);
        };
        let is_own = rolling_sum(at) == sum && self.is_like(own, &self.hash.digest(at));
        Ok(is_own.then_some((own, gap)))
    }
}

/// The weak sum of a window that moves by a byte.
struct Rolling {
    first: u32,
    second: u32,
    length: u32,
}

impl Rolling {
    fn new(bytes: &[u8]) -> Self {
        let sum = rolling_sum(bytes);
        Self {
            first: sum & 0xffff,
            second: sum >> 16,
            length: bytes.len() as u32,
        }
    }

    fn value(&self) -> u32 {
        self.first & 0xffff | self.second << 16
    }

    fn roll(&mut self, old: u8, new: u8) {
        let (old, new) = (i32::from(old.cast_signed()), i32::from(new.cast_signed()));
        let (old, new) = (old.cast_unsigned(), new.cast_unsigned());
        self.first = self.first.wrapping_sub(old).wrapping_add(new);
        self.second = self
            .second
            .wrapping_sub(self.length.wrapping_mul(old))
            .wrapping_add(self.first);
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::{BlockHash, Pieces, search};
    use crate::rsync::{
        delta::{BlockSums, Checksum, head, write_sums},
        proto::Input,
    };

    #[derive(Default)]
    struct Rebuilt {
        content: Vec<u8>,
        literal: usize,
    }

    struct Against<'b> {
        basis: &'b [u8],
        sums: &'b BlockSums,
        rebuilt: Rebuilt,
        /// The basis as it is written over in place.
        place: Option<Vec<u8>>,
    }

    impl Against<'_> {
        fn put(&mut self, bytes: &[u8]) {
            let start = self.rebuilt.content.len();
            self.rebuilt.content.extend_from_slice(bytes);
            if let Some(place) = &mut self.place {
                place.resize(place.len().max(start + bytes.len()), 0);
                place[start..start + bytes.len()].copy_from_slice(bytes);
            }
        }
    }

    impl Pieces for Against<'_> {
        type Error = io::Error;

        fn literal(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.put(bytes);
            self.rebuilt.literal += bytes.len();
            Ok(())
        }

        fn block(&mut self, index: u32, bytes: &[u8]) -> io::Result<()> {
            let (offset, length) = self.sums.head.block(index).expect("a block of the basis");
            let basis = self.place.as_deref().unwrap_or(self.basis);
            assert_eq!(basis[offset as usize..][..length], *bytes, "a block that is gone");
            self.put(bytes);
            Ok(())
        }
    }

    fn rebuild(basis: &[u8], content: &[u8], block_length: u32) -> Rebuilt {
        rebuild_at(basis, content, block_length, false)
    }

    fn rebuild_at(basis: &[u8], content: &[u8], block_length: u32, is_in_place: bool) -> Rebuilt {
        let checksum = Checksum::Xxh128;
        let head = head(basis.len() as u64, 32, checksum, Some(block_length), false);
        let hash = BlockHash {
            checksum,
            seed: 7,
            is_seed_first: true,
            is_in_place,
        };
        let mut bytes = Vec::new();
        let read = |to: &mut [u8], offset| {
            to.copy_from_slice(&basis[offset as usize..][..to.len()]);
            Ok(())
        };
        write_sums(head, hash, read, &mut bytes).expect("the basis is there");
        let mut sums = BlockSums::new(head);
        assert!(sums.read(&mut Input::new(&bytes)).expect("all sums"));
        let mut against = Against {
            basis,
            sums: &sums,
            rebuilt: Rebuilt::default(),
            place: is_in_place.then(|| basis.to_vec()),
        };
        search(&sums, hash, content, content.len() as u64, &mut against).expect("it is found");
        against.rebuilt
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(length)
        .collect()
    }

    #[test]
    fn little_is_literal_where_little_changed() {
        let basis = noise(1_000_003);
        let mut scattered = basis.clone();
        scattered[300_000] ^= 1;
        scattered[999_999] ^= 1;
        let cases: [(&str, Vec<u8>, usize); 6] = [
            ("same", basis.clone(), 0),
            ("appended", [&basis[..], b"more"].concat(), 503 + 4),
            ("prepended", [b"more", &basis[..]].concat(), 4),
            ("moved", [&basis[500_000..], &basis[..500_000]].concat(), 1503),
            ("scattered", scattered, 2000),
            ("shorter", basis[..700_000].to_vec(), 0),
        ];
        for (name, content, most) in cases {
            let rebuilt = rebuild(&basis, &content, 1000);
            assert!(rebuilt.content == content, "{name} is rebuilt wrongly");
            assert!(
                rebuilt.literal <= most,
                "{name}: {} literal bytes",
                rebuilt.literal
            );
        }
    }

    #[test]
    fn a_file_of_many_equal_blocks_ends() {
        let basis = vec![0; 300_000];
        let content = [&vec![0; 100_001][..], &noise(10)[..], &vec![0; 100_000][..]].concat();
        let rebuilt = rebuild(&basis, &content, 512);
        assert!(rebuilt.content == content);
        assert!(rebuilt.literal < 2000, "{} literal bytes", rebuilt.literal);
    }

    /// Blocks whose bytes differ and whose weak sums do not.
    #[test]
    fn blocks_of_one_weak_sum_are_passed_over_in_time() {
        let patched = |number: usize| {
            let mut block = [100_u8; 700];
            for (at, change) in [(0, 1), (1, -2), (2, 1)] {
                let at = at + number * 3 % 690;
                block[at] = block[at].wrapping_add_signed(change);
            }
            block
        };
        let basis: Vec<u8> = (0..6000).flat_map(patched).collect();
        let content: Vec<u8> = (0..6000).flat_map(|_| [100_u8; 700]).collect();
        for is_in_place in [false, true] {
            assert!(rebuild_at(&basis, &content, 700, is_in_place).content == content);
        }
    }

    #[test]
    fn in_place_little_is_literal_among_zeros() {
        let zeros = vec![0; 1 << 20];
        let mut changed = zeros.clone();
        changed[(1 << 19) + 5] = 1;
        let grown = [&noise(1 << 19)[..], &zeros].concat();
        let more = [&grown[..], &zeros].concat();
        for (name, basis, content, most) in [
            ("changed", &zeros, &changed, 2048),
            ("back", &changed, &zeros, 2048),
            ("grown", &grown, &more, 2048),
            ("shrunk", &more, &grown, 0),
        ] {
            let rebuilt = rebuild_at(basis, content, 1024, true);
            assert!(rebuilt.content == *content, "{name}");
            let literal = rebuilt.literal;
            assert!(literal <= most, "{name}: {literal} literal bytes");
        }
    }

    proptest! {
        #[test]
        fn every_file_is_rebuilt(
            basis in prop::collection::vec(0_u8..3, 1..400),
            content in prop::collection::vec(0_u8..3, 0..400),
            block_length in 1_u32..40,
            copies in prop::collection::vec((0_usize..400, 0_usize..100), 0..4),
        ) {
            let mut content = content;
            for (from, length) in copies {
                let from = from.min(basis.len());
                let to = (from + length).min(basis.len());
                content.extend_from_slice(&basis[from..to]);
            }
            prop_assert_eq!(&rebuild(&basis, &content, block_length).content, &content);
            prop_assert_eq!(rebuild_at(&basis, &content, block_length, true).content, content);
        }
    }
}
