use crate::rsync::proto::{Input, Stop, SumHead};

/// The sums of a basis's blocks, as the receiving side sent them.
#[derive(Clone, Debug, Default)]
pub struct BlockSums {
    /// How the basis is cut.
    pub head: SumHead,
    weak: Vec<u32>,
    /// The digests one behind the other, each as long as the head says.
    strong: Vec<u8>,
}

impl BlockSums {
    /// The sums of a head, none of them read yet.
    pub fn new(head: SumHead) -> Self {
        Self {
            head,
            ..Self::default()
        }
    }

    /// Reads those sums that are there, and says whether all have come. What is held grows with what came, not with what
    /// the head promised.
    ///
    /// # Errors
    ///
    /// Only an end of the bytes, if not even one sum is there.
    pub fn read(&mut self, input: &mut Input<'_>) -> Result<bool, Stop> {
        let length = self.head.digest_length as usize;
        let missing = self.head.count as usize - self.weak.len();
        let there = (input.rest().len() / (4 + length)).min(missing);
        if there == 0 && missing > 0 {
            return Err(Stop::Short);
        }
        self.weak.reserve(there);
        self.strong.reserve(there * length);
        for _ in 0..there {
            self.weak.push(input.int()?.cast_unsigned());
            self.strong.extend_from_slice(input.take(length)?);
        }
        Ok(there == missing)
    }

    /// How much memory they take, in bytes.
    pub fn size(&self) -> usize {
        self.weak.len() * size_of::<u32>() + self.strong.len()
    }

    /// The weak sums, in the order of the blocks.
    pub fn weak(&self) -> &[u32] {
        &self.weak
    }

    /// The part of a block's digest that was sent.
    pub fn strong(&self, block: u32) -> &[u8] {
        let length = self.head.digest_length as usize;
        &self.strong[block as usize * length..][..length]
    }
}
