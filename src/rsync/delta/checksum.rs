use md4::Md4;
use md5::{Digest as _, Md5};
use sha1::Sha1;
use xxhash_rust::{
    xxh3::{self, Xxh3},
    xxh64::{self, Xxh64},
};

/// A digest of blocks and files (`checksum.c`).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Checksum {
    /// XXH3 with 128 bits, since 3.2.0.
    Xxh128,
    /// XXH3 with 64 bits, since 3.2.0.
    Xxh3,
    /// XXH64, since 3.2.0.
    Xxh64,
    /// Since protocol 30.
    Md5,
    /// Since 3.2.0 negotiable.
    Sha1,
    /// Since protocol 30 only where both sides are told to: builds of rsync disagree where its seed stands, so that one
    /// may not find the other's blocks.
    Md4,
    /// Before protocol 30: the seed stands in front of a file.
    OldMd4,
    /// None at all: files are sent whole.
    None,
}

/// The longest digest, in bytes.
pub(super) const LONGEST: usize = 20;

impl Checksum {
    /// Those that are offered, in upstream's order. MD4 is not.
    pub const OFFERED: [Self; 5] = [Self::Xxh128, Self::Xxh3, Self::Xxh64, Self::Md5, Self::Sha1];

    /// Another name of XXH64.
    pub const OTHER_XXH64: &str = "xxhash";

    /// The algorithm of a name, in capitals or not.
    pub fn of_name(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case(Self::OTHER_XXH64) {
            return Some(Self::Xxh64);
        }
        let mut known = Self::OFFERED.into_iter().chain([Self::Md4, Self::None]);
        known.find(|known| known.name().eq_ignore_ascii_case(name))
    }

    /// How a list of algorithms names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Xxh128 => "xxh128",
            Self::Xxh3 => "xxh3",
            Self::Xxh64 => "xxh64",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Md4 | Self::OldMd4 => "md4",
            Self::None => "none",
        }
    }

    /// The length of a whole digest, in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Xxh128 | Self::Md5 | Self::Md4 | Self::OldMd4 => 16,
            Self::Xxh3 | Self::Xxh64 => 8,
            Self::Sha1 => LONGEST,
            // A byte in its place.
            Self::None => 1,
        }
    }

    /// The digest of a block (`get_checksum2`), of [`Self::length`] bytes.
    pub fn block(self, seed: i32, is_seed_first: bool, block: &[u8]) -> [u8; LONGEST] {
        // Sign-extended, as upstream hands an int to XXH.
        let wide = i64::from(seed).cast_unsigned();
        let seed = seed.to_le_bytes();
        let seed: &[u8] = if seed == [0; 4] { &[] } else { &seed };
        let mut digest = [0; LONGEST];
        let mut put = |bytes: &[u8]| digest[..bytes.len()].copy_from_slice(bytes);
        match self {
            Self::Xxh128 => put(&xxh3::xxh3_128_with_seed(block, wide).to_le_bytes()),
            Self::Xxh3 => put(&xxh3::xxh3_64_with_seed(block, wide).to_le_bytes()),
            Self::Xxh64 => put(&xxh64::xxh64(block, wide).to_le_bytes()),
            Self::Md5 if is_seed_first => put(&Md5::new().chain_update(seed).chain_update(block).finalize()),
            Self::Md5 => put(&Md5::new().chain_update(block).chain_update(seed).finalize()),
            Self::Sha1 => put(&Sha1::new().chain_update(seed).chain_update(block).finalize()),
            Self::Md4 | Self::OldMd4 => {
                put(&Md4::new().chain_update(block).chain_update(seed).finalize());
            }
            Self::None => {}
        }
        digest
    }

    /// The digest of a whole file, to be fed (`sum_init`).
    pub fn file(self, seed: i32) -> Hasher {
        match self {
            Self::Xxh128 => Hasher::Xxh128(Box::new(Xxh3::new())),
            Self::Xxh3 => Hasher::Xxh3(Box::new(Xxh3::new())),
            Self::Xxh64 => Hasher::Xxh64(Xxh64::new(0)),
            Self::Md5 => Hasher::Md5(Md5::new()),
            Self::Sha1 => Hasher::Sha1(Sha1::new()),
            Self::Md4 => Hasher::Md4(Md4::new()),
            Self::OldMd4 => Hasher::Md4(Md4::new().chain_update(seed.to_le_bytes())),
            Self::None => Hasher::None,
        }
    }

    /// The digest that a list carries for `--checksum`: without a seed.
    pub fn listed(self) -> Hasher {
        match self {
            Self::OldMd4 => Hasher::Md4(Md4::new()),
            other => other.file(0),
        }
    }
}

/// A digest that is being made.
#[derive(Clone)]
#[expect(missing_docs, reason = "the algorithms are described at `Checksum`")]
pub enum Hasher {
    Xxh128(Box<Xxh3>),
    Xxh3(Box<Xxh3>),
    Xxh64(Xxh64),
    Md5(Md5),
    Sha1(Sha1),
    Md4(Md4),
    None,
}

impl Hasher {
    /// Takes more of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Xxh128(state) | Self::Xxh3(state) => state.update(bytes),
            Self::Xxh64(state) => state.update(bytes),
            Self::Md5(state) => state.update(bytes),
            Self::Sha1(state) => state.update(bytes),
            Self::Md4(state) => state.update(bytes),
            Self::None => {}
        }
    }

    /// The digest of all that was taken.
    pub fn finish(self) -> Vec<u8> {
        match self {
            Self::Xxh128(state) => state.digest128().to_le_bytes().to_vec(),
            Self::Xxh3(state) => state.digest().to_le_bytes().to_vec(),
            Self::Xxh64(state) => state.digest().to_le_bytes().to_vec(),
            Self::Md5(state) => state.finalize().to_vec(),
            Self::Sha1(state) => state.finalize().to_vec(),
            Self::Md4(state) => state.finalize().to_vec(),
            Self::None => vec![0],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Checksum;

    #[test]
    fn digests_are_those_of_rsync() {
        // Observed with rsync 3.5.0, seed 1.
        assert_eq!(Checksum::Md5.block(1, true, b"hellO\n")[..2], [0x55, 0x81]);
        let digest = |checksum: Checksum| {
            let mut hasher = checksum.file(1);
            hasher.update(b"hello");
            hasher.update(b"\n");
            let digest = hasher.finish();
            assert_eq!(digest.len(), checksum.length());
            digest
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(digest(Checksum::Md5), "b1946ac92492d2347c6235b4d2611184");
        assert_eq!(digest(Checksum::OldMd4), "a80ae97540596a493610f81807b4144c");
    }
}
