use crate::rsync::{
    delta::Checksum,
    proto::{Compression, Encode as _, Violation},
};

/// What the user says of checksums and compression; all else is negotiated.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Algorithms {
    /// `--checksum-choice`.
    pub checksum: Option<ChecksumChoice>,
    /// `--compress`.
    pub compress: bool,
    /// `--compress-choice`.
    pub compression: Option<CompressionChoice>,
    /// `--compress-level`, which asks for compression too.
    pub level: Option<i32>,
    /// The checksums that are offered in place of all, if the user has a list of them.
    pub checksums: Option<Vec<Checksum>>,
    /// The compressions that are offered in place of all.
    pub compressions: Option<Vec<Compression>>,
}

/// A choice of checksums; none for what follows from the protocol.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ChecksumChoice {
    /// As the user wrote it, and as it travels.
    pub text: String,
    /// The digest of blocks and files.
    pub transfer: Option<Checksum>,
    /// The digest of the list with `--checksum`.
    pub list: Option<Checksum>,
}

/// A choice of a compression.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompressionChoice {
    /// As the user wrote it, and as it travels.
    pub text: String,
    /// What it means.
    pub compression: Compression,
}

impl ChecksumChoice {
    /// Reads one name, or two with a comma between; nothing for `auto` (`parse_checksum_choice` in checksum.c).
    ///
    /// # Errors
    ///
    /// A name that no checksum has.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        let one = |name: &str| match name.eq_ignore_ascii_case("auto") {
            true => Ok(None),
            false => Checksum::of_name(name).map(Some).ok_or_else(|| name.to_owned()),
        };
        let (transfer, list) = text.split_once(',').unwrap_or((text, text));
        let (transfer, list) = (one(transfer)?, one(list)?);
        Ok((transfer.is_some() || list.is_some()).then(|| Self {
            text: text.to_owned(),
            transfer,
            list,
        }))
    }
}

impl CompressionChoice {
    /// Reads a name; nothing for `auto` (`parse_compress_choice` in compat.c).
    ///
    /// # Errors
    ///
    /// A name that no compression has.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        if text.eq_ignore_ascii_case("auto") {
            return Ok(None);
        }
        let compression = Compression::of_name(text).ok_or_else(|| text.to_owned())?;
        Ok(Some(Self {
            text: text.to_owned(),
            compression,
        }))
    }
}

/// The algorithms that a list of the user's names, for the client in front of a `&`; none for an empty one
/// (`parse_nni_str` in compat.c).
pub fn named<T: PartialEq>(list: &str, of_name: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let mut names = list
        .split('&')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .peekable();
    names.peek()?;
    let mut known = Vec::new();
    for algorithm in names.filter_map(of_name) {
        if !known.contains(&algorithm) {
            known.push(algorithm);
        }
    }
    Some(known)
}

impl Algorithms {
    fn checksums(&self) -> &[Checksum] {
        self.checksums.as_deref().unwrap_or(&Checksum::OFFERED)
    }

    fn compressions(&self) -> &[Compression] {
        self.compressions.as_deref().unwrap_or(&Compression::OFFERED)
    }

    /// Whether a compression is negotiated.
    pub(super) fn negotiates_compression(&self) -> bool {
        (self.compress || self.level.is_some()) && self.compression.is_none()
    }

    /// What the client writes unasked once it knows that the server negotiates.
    pub(super) fn names(&self) -> Vec<u8> {
        let mut names = Vec::new();
        if self.checksum.is_none() {
            names.vstring(list(self.checksums().iter().map(|known| known.name())).as_bytes());
        }
        if self.negotiates_compression() {
            names.vstring(list(self.compressions().iter().map(|known| known.name())).as_bytes());
        }
        names
    }

    /// The checksum that both sides take.
    pub(super) fn common_checksum(&self, theirs: &[u8]) -> Result<Checksum, Violation> {
        common("checksum", self.checksums(), Checksum::name, theirs)
    }

    /// Whether the user's lists allow what an old server has, which does not negotiate.
    pub(super) fn allows(&self, checksum: Checksum) -> Result<(), Violation> {
        match &self.checksums {
            Some(_) => self.common_checksum(checksum.name().as_bytes()).map(drop),
            None => Ok(()),
        }
    }

    /// The compression that both sides take.
    pub(super) fn common_compression(&self, theirs: &[u8]) -> Result<Compression, Violation> {
        common("compress", self.compressions(), Compression::name, theirs)
    }
}

/// The names in a list; one that is empty says so, as upstream's does.
fn list(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    match names.is_empty() {
        true => "INVALID".to_owned(),
        false => names.join(" "),
    }
}

/// What both sides take: the first of ours that the server has. A server up to 3.4 decides the same; one of 3.5 takes the
/// first of its own that we named, so ours stand in its order (`parse_negotiate_str` in compat.c).
fn common<T: Copy>(
    what: &'static str,
    ours: &[T],
    name: fn(T) -> &'static str,
    theirs: &[u8],
) -> Result<T, Violation> {
    let has = |name: &str| {
        theirs.split(|&byte| byte == b' ').any(|their| {
            their.eq_ignore_ascii_case(name.as_bytes())
                || name == Checksum::Xxh64.name()
                    && their.eq_ignore_ascii_case(Checksum::OTHER_XXH64.as_bytes())
        })
    };
    ours.iter()
        .copied()
        .find(|&ours| has(name(ours)))
        .ok_or_else(|| Violation::NothingCommon {
            what,
            theirs: String::from_utf8_lossy(theirs).into_owned(),
            ours: list(ours.iter().map(|&ours| name(ours))),
        })
}

#[cfg(test)]
mod tests {
    use super::{Algorithms, ChecksumChoice, named};
    use crate::rsync::{
        delta::Checksum,
        proto::{Compression, Violation},
    };

    #[test]
    fn the_first_of_ours_that_they_have_is_taken() {
        let all = Algorithms::default();
        assert_eq!(all.common_checksum(b"md5 xxhash"), Ok(Checksum::Xxh64));
        assert_eq!(all.common_compression(b"zlib lz4 ZSTD"), Ok(Compression::Zstd));
        let mine = Algorithms {
            checksums: named("sha1 bogus md4 sha1 & md5", Checksum::of_name),
            compressions: named("bogus", Compression::of_name),
            ..Algorithms::default()
        };
        assert_eq!(mine.checksums, Some(vec![Checksum::Sha1, Checksum::Md4]));
        assert_eq!(mine.common_checksum(b"md5 md4"), Ok(Checksum::Md4));
        assert_eq!(
            mine.common_compression(b"zlib")
                .map_err(|violation| violation.to_string()),
            Err("Failed to negotiate a compress choice.\n\
                 Server list: zlib\nClient list: INVALID"
                .to_owned())
        );
        assert!(matches!(
            mine.common_checksum(b"xxh3"),
            Err(Violation::NothingCommon { .. })
        ));
        assert_eq!(named(" & md5", Checksum::of_name), None);
    }

    #[test]
    fn a_choice_has_one_name_or_two() {
        let both = |text| {
            let choice = ChecksumChoice::parse(text);
            choice.map(|choice| choice.map(|choice| (choice.transfer, choice.list)))
        };
        let (md5, none) = (Some(Checksum::Md5), Some(Checksum::None));
        assert_eq!(both("MD5"), Ok(Some((md5, md5))));
        assert_eq!(both("none,auto"), Ok(Some((none, None))));
        assert_eq!(both("auto,auto"), Ok(None));
        assert_eq!(both("auto"), Ok(None));
        assert_eq!(both("md5,bogus"), Err("bogus".to_owned()));
    }
}
