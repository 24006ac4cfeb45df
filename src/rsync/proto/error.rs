use thiserror::Error;

use crate::{rsync::proto::OLDEST_PROTOCOL, terms::Exit};

/// What a peer did against the protocol. The texts are those of rsync, which scripts look for.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// A version out of every range.
    #[error("protocol version mismatch -- is your shell clean?")]
    Version(u32),
    /// One that rsync speaks and this client does not: the limit is ours, and so is the text.
    #[error(
        "the server speaks protocol {0}, and the oldest that this client speaks is {OLDEST_PROTOCOL} (rsync 2.6.4); rsync itself speaks it"
    )]
    OldVersion(u8),
    /// A number whose first byte promises too many more.
    #[error("Overflow in read_varint()")]
    LongVarint,
    /// The same of a longer number.
    #[error("Overflow in read_varlong()")]
    LongVarlong,
    /// A text that is longer than such a text can be.
    #[error("over-long vstring received ({length} > {limit})")]
    LongText {
        /// The length that was announced.
        length: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// A frame of a kind that nobody sends.
    #[error("unexpected tag {0}")]
    FrameTag(i32),
    /// A frame whose length does not suit its kind.
    #[error("invalid multi-message {tag}:{length}")]
    FrameLength {
        /// The kind.
        tag: i32,
        /// Its length in bytes.
        length: usize,
    },
    /// A message that is longer than a message can be.
    #[error("multiplexing overflow {tag}:{length}")]
    LongMessage {
        /// The kind.
        tag: i32,
        /// Its length in bytes.
        length: usize,
    },
    /// Something in the place of a file's index.
    #[error("Invalid file index: {0}")]
    Index(i32),
    /// The index of no file that was asked for.
    #[error("File-list index {0} is not one that was asked for")]
    UnaskedIndex(u32),
    /// A compatibility flag that the client did not offer.
    #[error("Incompatible options specified for inc-recursive connection.")]
    UnofferedRecursion,
    /// No algorithm that both sides know.
    #[error("Failed to negotiate a {what} choice.\nServer list: {theirs}\nClient list: {ours}")]
    NothingCommon {
        /// What they are for.
        what: &'static str,
        /// Those of the server.
        theirs: String,
        /// Those of ours.
        ours: String,
    },
    /// The number of an ACL that has not come.
    #[error("recv_acl_index: ACL index {index} > {known}")]
    AclIndex {
        /// The number.
        index: i32,
        /// How many have come.
        known: usize,
    },
    /// Permissions that an ACL cannot have.
    #[error("recv_acl_access: value out of range: {0:x}")]
    AclAccess(i32),
    /// The number of an extended attribute, or of a set of them, that has not come.
    #[error("receive_xattr: xa index {0} out of range")]
    XattrIndex(i32),
    /// The name of an extended attribute that cannot be one.
    #[error("Invalid xattr name received (missing trailing \\0).")]
    XattrName,
    /// A name or a link's text that is too long.
    #[error("overflow: {what}={length}")]
    LongName {
        /// Whose length it is.
        what: &'static str,
        /// The length in bytes.
        length: i64,
    },
    /// A number out of its range.
    #[error("wire value {what} out of range: {value}")]
    Range {
        /// What is counted.
        what: &'static str,
        /// What came.
        value: i64,
    },
    /// A file smaller than nothing.
    #[error("Offset underflow: file-length is negative")]
    NegativeLength,
    /// A name that leads out of the destination.
    #[error("ABORTING due to unsafe pathname from sender: {0}")]
    UnsafeName(String),
    /// The root of a transfer that is no folder.
    #[error("ERROR: rejecting non-directory transfer-root entry: {0}")]
    RootNotDirectory(String),
    /// A name that was not asked for.
    #[error("ERROR: rejecting unrequested file-list name: {0}")]
    UnrequestedName(String),
    /// A name that our own rules exclude.
    #[error("ERROR: rejecting excluded file-list name: {0}")]
    ExcludedName(String),
    /// A kind of file that does not exist.
    #[error("invalid file mode 0{mode:o} for {name} [receiver]")]
    Mode {
        /// The whole mode.
        mode: u32,
        /// Whose it is.
        name: String,
    },
    /// A hard link to a file that is not in the list.
    #[error("hard-link reference out of range: {0}")]
    HardLink(i64),
    /// A hard link to a file of an earlier list that was not there.
    #[error("hard-link gnum {leader} precedes flist start {start}")]
    EarlyHardLink {
        /// The number that its group has.
        leader: u32,
        /// That of the list's first file.
        start: u32,
    },
    /// A long value of an extended attribute that the file does not have.
    #[error("could not find xattr #{number} for {name}")]
    XattrNumber {
        /// The number of the attribute.
        number: i32,
        /// The file.
        name: String,
    },
    /// A long value of an extended attribute that was asked for already.
    #[error("internal abbrev error on {name} ({attribute})!")]
    XattrTwice {
        /// The file.
        name: String,
        /// The attribute.
        attribute: String,
    },
    /// Distances between numbers of attributes that lead out of all numbers.
    #[error("xattr rel_pos accumulation overflow")]
    XattrOverflow,
    /// A value longer than any system has.
    #[error("xattr datum_len exceeds per-value limit")]
    XattrValueLimit,
    /// Values that are too long together.
    #[error("xattr list exceeds per-file limit")]
    XattrListLimit,
    /// A list for a folder that is unknown.
    #[error("Invalid dir index: {} (-101 - {})", -101 - i64::from(*number), -100 - *known as i64)]
    FolderNumber {
        /// The number of the folder.
        number: u32,
        /// How many have come.
        known: usize,
    },
    /// A list for a folder that had one.
    #[error("rsync: refusing malicious duplicate flist for dir {0}")]
    ListTwice(u32),
    /// A list for a folder that was sent twice.
    #[error("rsync: refusing flist for cleared dir_ndx {0}")]
    ListOfRemoved(u32),
    /// A list behind the last one.
    #[error("rsync: refusing sub-flist after final flist was freed")]
    ListBehindLast,
    /// A file in the list of another folder.
    #[error("ABORTING due to invalid path from sender: {0}")]
    ListPath(String),
    /// A wrong head of block sums.
    #[error("Invalid {what} {value}")]
    SumHead {
        /// Which of its numbers.
        what: &'static str,
        /// What came.
        value: i32,
    },
    /// A block that the basis does not have.
    #[error("Invalid block index {index} (count={count})")]
    Block {
        /// The number of the block.
        index: i64,
        /// How many there are.
        count: u32,
    },
    /// A number out of its range in a compressed stream.
    #[error("invalid token number in compressed stream")]
    CompressedToken,
    /// Data that cannot be decompressed.
    #[error("{0}")]
    Decompression(String),
    /// Something else than the end of the session.
    #[error("Invalid packet at end of run")]
    Goodbye,
}

impl Violation {
    /// A name that stays the same when the text changes.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Version(_) | Self::OldVersion(_) => "greeting",
            Self::LongVarint | Self::LongVarlong => "long-number",
            Self::LongText { .. } => "long-text",
            Self::FrameTag(_) => "frame-tag",
            Self::FrameLength { .. } => "frame-length",
            Self::LongMessage { .. } => "long-message",
            Self::Index(_) => "index",
            Self::UnaskedIndex(_) => "unasked-index",
            Self::UnofferedRecursion => "unoffered-recursion",
            Self::NothingCommon { .. } => "nothing-common",
            Self::AclIndex { .. } | Self::AclAccess(_) => "acl",
            Self::XattrIndex(_)
            | Self::XattrName
            | Self::XattrNumber { .. }
            | Self::XattrTwice { .. }
            | Self::XattrOverflow
            | Self::XattrValueLimit
            | Self::XattrListLimit => "xattr",
            Self::LongName { .. } => "long-name",
            Self::Range { .. } => "range",
            Self::NegativeLength => "negative-length",
            Self::UnsafeName(_) => "unsafe-name",
            Self::RootNotDirectory(_) => "root-not-directory",
            Self::UnrequestedName(_) => "unrequested-name",
            Self::ExcludedName(_) => "excluded-name",
            Self::Mode { .. } => "mode",
            Self::HardLink(_) | Self::EarlyHardLink { .. } => "hard-link",
            Self::FolderNumber { .. }
            | Self::ListTwice(_)
            | Self::ListOfRemoved(_)
            | Self::ListBehindLast => "list-number",
            Self::ListPath(_) => "list-path",
            Self::SumHead { .. } => "sum-head",
            Self::Block { .. } => "block",
            Self::CompressedToken => "compressed-token",
            Self::Decompression(_) => "decompression",
            Self::Goodbye => "goodbye",
        }
    }

    /// What rsync ends with then.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::LongVarint
            | Self::LongVarlong
            | Self::FrameTag(_)
            | Self::FrameLength { .. }
            | Self::LongMessage { .. }
            | Self::AclIndex { .. }
            | Self::AclAccess(_)
            | Self::XattrIndex(_)
            | Self::Decompression(_) => Exit::Stream,
            Self::XattrName => Exit::FileIo,
            Self::UnofferedRecursion => Exit::Syntax,
            Self::NothingCommon { .. }
            | Self::NegativeLength
            | Self::UnsafeName(_)
            | Self::UnrequestedName(_)
            | Self::ExcludedName(_)
            | Self::ListPath(_) => Exit::Unsupported,
            Self::LongName { .. } => Exit::Malloc,
            _ => Exit::Protocol,
        }
    }
}
