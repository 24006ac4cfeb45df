use crate::rsync::delta::BlockSums;

/// So many blocks of one weak sum are tried at one place (`hash_search` in match.c).
const MOST_CANDIDATES: usize = 1024;

/// Blocks by their weak sum.
pub(super) struct Table<'s> {
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
    /// How many blocks were looked at so far.
    pub(super) steps: u64,
}

const NONE: u32 = u32::MAX;

/// Spreads the bits of a weak sum, whose lower half is small in small blocks.
fn mix(sum: u32) -> u32 {
    sum.wrapping_mul(0x9e37_79b1)
}

impl<'s> Table<'s> {
    /// Of neighbours that are alike only the first is kept, unless it may go (`keeps_all`).
    pub(super) fn new(sums: &'s BlockSums, keeps_all: bool) -> Self {
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
            steps: 0,
        };
        // The first of equal blocks stands first.
        for block in (0..whole).rev() {
            let mixed = mix(weak[block]);
            let tag = mixed >> table.tag_shift;
            table.tags[(tag >> 6) as usize] |= 1 << (tag & 63);
            let head = &mut table.heads[(mixed >> table.bucket_shift) as usize];
            let is_same = *head != NONE
                && weak[*head as usize] == weak[block]
                && sums.strong(*head) == sums.strong(block as u32);
            table.next[block] = match is_same && !keeps_all {
                true => table.next[*head as usize],
                false => *head,
            };
            *head = block as u32;
        }
        table
    }

    /// The block that is like the window, of those that still count; the `wanted` ones before all others.
    #[inline]
    pub(super) fn find(
        &mut self,
        sum: u32,
        wanted: [Option<u32>; 2],
        counts: impl Fn(u32) -> bool,
        matches: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let mixed = mix(sum);
        let tag = mixed >> self.tag_shift;
        if self.tags[(tag >> 6) as usize] & 1 << (tag & 63) == 0 {
            return None;
        }
        self.look(sum, mixed, wanted, counts, matches)
    }

    #[inline(never)]
    fn look(
        &mut self,
        sum: u32,
        mixed: u32,
        wanted: [Option<u32>; 2],
        counts: impl Fn(u32) -> bool,
        mut matches: impl FnMut(u32) -> bool,
    ) -> Option<u32> {
        let weak = self.weak;
        let is_alike = |block: u32| weak[block as usize] == sum;
        for block in wanted.into_iter().flatten() {
            if block < self.whole && is_alike(block) && counts(block) && matches(block) {
                return Some(block);
            }
        }
        let bucket = (mixed >> self.bucket_shift) as usize;
        let (mut before, mut block) = (NONE, self.heads[bucket]);
        let mut tried = 0;
        while block != NONE && tried < MOST_CANDIDATES {
            let next = self.next[block as usize];
            self.steps += 1;
            if counts(block) {
                if is_alike(block) && matches(block) {
                    return Some(block);
                }
                tried += 1;
                before = block;
            } else if before == NONE {
                // It will not come back.
                self.heads[bucket] = next;
            } else {
                self.next[before as usize] = next;
            }
            block = next;
        }
        None
    }
}
