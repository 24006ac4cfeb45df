use std::io::{self, Read};

use crate::rsync::delta::{BlockSums, Checksum, rolling_sum};

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
    fn matches(self, sums: &BlockSums, block: u32, bytes: &[u8]) -> bool {
        let digest = self.checksum.block(self.seed, self.is_seed_first, bytes);
        let sent = sums.strong(block);
        digest[..sent.len()] == *sent
    }
}

/// As much is read at once, in bytes.
const READ: usize = 256 * 1024;

/// So many blocks of one weak sum are tried at one place (`hash_search` in match.c).
const MOST_CANDIDATES: usize = 1024;

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
    let table = Table::new(sums);
    // The block that stands behind the last match: files change in few places.
    let mut expected = 0_u32;
    window.fill(block_length)?;
    while window.ahead().len() >= block_length {
        let bytes = &window.ahead()[..block_length];
        let mut sum = Rolling::new(bytes);
        loop {
            let at = &window.ahead()[..block_length];
            let position = window.position();
            let is_there = |block: u32| {
                let offset = u64::from(block) * u64::from(sums.head.block_length);
                if hash.is_in_place && offset < position {
                    return false;
                }
                let is_like = hash.matches(sums, block, at);
                if !is_like {
                    pieces.is_unlike();
                }
                is_like
            };
            if let Some(block) = table.find(sum.value(), expected, is_there) {
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
    tail(sums, hash, &mut window, pieces)
}

/// The end of a file, shorter than a block: only the basis's short last block can be there.
fn tail<P: Pieces, R: Read>(
    sums: &BlockSums,
    hash: BlockHash,
    window: &mut Window<R>,
    pieces: &mut P,
) -> Result<(), P::Error> {
    let (rest, short) = (window.ahead().len(), sums.head.remainder as usize);
    if short > 0 && rest >= short {
        let last = sums.head.count - 1;
        let at = &window.ahead()[rest - short..];
        let offset = u64::from(last) * u64::from(sums.head.block_length);
        let is_there = !hash.is_in_place || offset >= window.position() + (rest - short) as u64;
        let is_found =
            is_there && sums.weak()[last as usize] == rolling_sum(at) && hash.matches(sums, last, at);
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

/// Blocks by their weak sum.
struct Table<'s> {
    weak: &'s [u32],
    /// The last block, if it is shorter than the others: no whole window is like it.
    whole: u32,
    /// A bit for each mixed sum that is there; most windows end here.
    tags: Vec<u64>,
    tag_shift: u32,
    /// The first block of each bucket, and the next one of each block; `NONE` at the end.
    heads: Vec<u32>,
    next: Vec<u32>,
    bucket_shift: u32,
}

const NONE: u32 = u32::MAX;

/// Spreads the bits of a weak sum, whose lower half is small in small blocks.
fn mix(sum: u32) -> u32 {
    sum.wrapping_mul(0x9e37_79b1)
}

impl<'s> Table<'s> {
    fn new(sums: &'s BlockSums) -> Self {
        let weak = sums.weak();
        let whole = weak.len() - usize::from(sums.head.remainder > 0);
        // Sixteen bits a block, within the cache: the filter lets one window of sixteen through.
        let tag_bits = (whole.max(1).ilog2() + 5).clamp(16, 22);
        let bucket_bits = (whole.max(1).ilog2() + 1).clamp(8, 24);
        let mut table = Self {
            weak,
            whole: whole as u32,
            tags: vec![0; 1 << (tag_bits - 6)],
            tag_shift: 32 - tag_bits,
            heads: vec![NONE; 1 << bucket_bits],
            next: vec![NONE; whole],
            bucket_shift: 32 - bucket_bits,
        };
        // The first of equal blocks stands first.
        for block in (0..whole).rev() {
            let mixed = mix(weak[block]);
            let tag = mixed >> table.tag_shift;
            table.tags[(tag >> 6) as usize] |= 1 << (tag & 63);
            let head = &mut table.heads[(mixed >> table.bucket_shift) as usize];
            table.next[block] = *head;
            *head = block as u32;
        }
        table
    }

    /// The block that is like the window; the expected one before all others.
    #[inline]
    fn find(&self, sum: u32, expected: u32, matches: impl FnMut(u32) -> bool) -> Option<u32> {
        let mixed = mix(sum);
        let tag = mixed >> self.tag_shift;
        if self.tags[(tag >> 6) as usize] & 1 << (tag & 63) == 0 {
            return None;
        }
        self.look(sum, mixed, expected, matches)
    }

    #[inline(never)]
    fn look(&self, sum: u32, mixed: u32, expected: u32, mut matches: impl FnMut(u32) -> bool) -> Option<u32> {
        let is_alike = |block: u32| self.weak[block as usize] == sum;
        if expected < self.whole && is_alike(expected) && matches(expected) {
            return Some(expected);
        }
        let mut block = self.heads[(mixed >> self.bucket_shift) as usize];
        for _ in 0..MOST_CANDIDATES {
            if block == NONE {
                return None;
            }
            if is_alike(block) && matches(block) {
                return Some(block);
            }
            block = self.next[block as usize];
        }
        None
    }
}

/// A file as it is read: what was passed over and not yet given away, and what is ahead.
struct Window<R> {
    file: R,
    /// What was not read yet.
    left: u64,
    /// What was read.
    read: u64,
    bytes: Vec<u8>,
    /// What is in front of it has been given away.
    start: usize,
    /// What is behind it is ahead.
    here: usize,
    end: usize,
}

impl<R: Read> Window<R> {
    fn new(file: R, length: u64, block_length: usize) -> Self {
        Self {
            file,
            left: length,
            read: 0,
            bytes: vec![0; 2 * READ + 2 * block_length],
            start: 0,
            here: 0,
            end: 0,
        }
    }

    fn ahead(&self) -> &[u8] {
        &self.bytes[self.here..self.end]
    }

    /// Where in the file it stands, in bytes.
    fn position(&self) -> u64 {
        self.read - self.ahead().len() as u64
    }

    fn step(&mut self) {
        self.here += 1;
    }

    fn skip_over(&mut self, count: usize) {
        self.here += count;
    }

    /// Goes on behind something that was given away.
    fn skip(&mut self, count: usize) {
        self.here += count;
        self.start = self.here;
    }

    fn give_literal<P: Pieces>(&mut self, pieces: &mut P) -> Result<(), P::Error> {
        if self.start < self.here {
            pieces.literal(&self.bytes[self.start..self.here])?;
            self.start = self.here;
        }
        Ok(())
    }

    /// Reads until so many bytes are ahead, as far as the file goes.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while self.ahead().len() < wanted && self.left > 0 {
            self.read()?;
        }
        Ok(())
    }

    /// Reads at least a byte more, and gives literal bytes away if there are many; `false` at the end.
    fn read_more<P: Pieces>(&mut self, block_length: usize, pieces: &mut P) -> Result<bool, P::Error> {
        if self.left == 0 {
            return Ok(false);
        }
        if self.here - self.start >= READ {
            self.give_literal(pieces)?;
        }
        self.fill(block_length + 1)?;
        Ok(true)
    }

    fn read(&mut self) -> io::Result<()> {
        if self.bytes.len() - self.end < READ {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.here, self.end) = (self.here - self.start, self.end - self.start);
            self.start = 0;
            if self.bytes.len() - self.end < READ {
                self.bytes.resize(self.end + READ, 0);
            }
        }
        let most = self.left.min((self.bytes.len() - self.end) as u64) as usize;
        let count = loop {
            match self.file.read(&mut self.bytes[self.end..][..most]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.end += count;
        self.left -= count as u64;
        self.read += count as u64;
        Ok(())
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
        /// A block was taken that is written over in place.
        is_behind: bool,
    }

    impl Pieces for Against<'_> {
        type Error = io::Error;

        fn literal(&mut self, bytes: &[u8]) -> io::Result<()> {
            self.rebuilt.content.extend_from_slice(bytes);
            self.rebuilt.literal += bytes.len();
            Ok(())
        }

        fn block(&mut self, index: u32, bytes: &[u8]) -> io::Result<()> {
            let (offset, length) = self.sums.head.block(index).expect("a block of the basis");
            assert_eq!(self.basis[offset as usize..][..length], *bytes);
            self.is_behind |= offset < self.rebuilt.content.len() as u64;
            self.rebuilt.content.extend_from_slice(bytes);
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
            is_behind: false,
        };
        search(&sums, hash, content, content.len() as u64, &mut against).expect("it is found");
        assert!(!is_in_place || !against.is_behind, "a block is used that is gone");
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
