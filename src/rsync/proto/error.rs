use thiserror::Error;

use crate::{rsync::proto::OLDEST_PROTOCOL, terms::Exit};

/// What a peer did against the protocol. The texts are those of rsync, which scripts look for; [`Violation::line`] adds the
/// role where rsync names it.
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
    /// The same of a list of algorithms: rsync goes on with none of them.
    #[error("over-long vstring received ({length} > {limit})")]
    LongNames {
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
    /// An index above all numbers.
    #[error("Invalid file index: {0}")]
    HighIndex(u32),
    /// Something in the place of a file's index.
    #[error("Invalid file index: {index} (-1 - {last})")]
    Index {
        /// What came.
        index: i32,
        /// The last file's.
        last: i64,
    },
    /// The index of no file.
    #[error("File-list index {index} not in {first} - {last} (read_ndx_and_attrs)")]
    UnknownIndex {
        /// What came.
        index: u32,
        /// The first that can be; the folder whose list comes first has the number in front of its files.
        first: i64,
        /// The last file's.
        last: i64,
    },
    /// The index of no file that was asked for: rsync takes what comes for it.
    #[error("File-list index {0} is not one that was asked for")]
    UnaskedIndex(u32),
    /// Data for something that has none.
    #[error("received request to transfer non-regular file: {0}")]
    NotRegular(u32),
    /// Something about a file that takes no part, since another one has its name.
    #[error("rsync: refusing transfer of cleared file index {0}")]
    RemovedIndex(u32),
    /// A request behind the last one.
    #[error("got transfer request in phase 2")]
    LateRequest,
    /// The end of a list whose files were asked for and have not come.
    #[error("the end of a file list came before the files that were asked for")]
    EarlyEnd,
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
    #[error("recv_acl_index: ACL_TYPE_{kind} ACL index {index} > {known}")]
    AclIndex {
        /// Of which kind it is: `ACCESS`, `DEFAULT`.
        kind: &'static str,
        /// The number.
        index: i32,
        /// How many have come.
        known: usize,
    },
    /// Permissions that an ACL cannot have.
    #[error("recv_acl_access: value out of range: {0:x}")]
    AclAccess(i32),
    /// The number of an extended attribute, or of a set of them, that has not come.
    #[error("receive_xattr: xa index {index} out of range for {name}")]
    XattrIndex {
        /// The number.
        index: i32,
        /// The file.
        name: String,
    },
    /// The name of an extended attribute that cannot be one.
    #[error("Invalid xattr name received (missing trailing \\0).")]
    XattrName,
    /// A name that is too long, or shares more with the last one than that has.
    #[error("overflow: xflags=0x{flags:x} l1={shared} l2={length} lastname={last}")]
    LongName {
        /// The entry's flags.
        flags: u32,
        /// How many bytes it shares with the last name.
        shared: usize,
        /// How many more it has.
        length: i64,
        /// The last name.
        last: String,
    },
    /// The text of a symlink that is too long.
    #[error("overflow: linkname_len={0}")]
    LongLink(i64),
    /// A number out of its range.
    #[error("wire value {what} out of range: {value} not in [0,{most}]")]
    Range {
        /// What is counted.
        what: &'static str,
        /// What came.
        value: i64,
        /// The most that it can be.
        most: i64,
    },
    /// A length out of its range.
    #[error("wire size {what} out of range: {value} > {most}")]
    Size {
        /// What is long.
        what: &'static str,
        /// What came, in bytes.
        value: i64,
        /// The longest that is taken.
        most: i64,
    },
    /// A list with more files than there are numbers.
    #[error("the file list has more than {0} entries")]
    LongList(i64),
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
    #[error("invalid file mode 0{mode:o} for {name}")]
    Mode {
        /// The whole mode.
        mode: u32,
        /// Whose it is.
        name: String,
    },
    /// A hard link to a file that is not in the list.
    #[error("hard-link reference out of range: {leader} ({here})")]
    HardLink {
        /// The number that its group has.
        leader: i32,
        /// Its own, which is above.
        here: u64,
    },
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
    #[error("internal abbrev error on {name} ({attribute}, len={length})!")]
    XattrTwice {
        /// The file.
        name: String,
        /// The attribute.
        attribute: String,
        /// The length of its value, in bytes.
        length: usize,
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
    #[error("Invalid dir index: {index} (-101 - {})", -100 - *known as i64)]
    FolderIndex {
        /// What came: 101 below zero and the number of the folder.
        index: i32,
        /// How many have come.
        known: usize,
        /// Whether it came right behind the first list.
        is_second: bool,
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
    /// Blocks without a length.
    #[error("Invalid zero block length")]
    ZeroBlock,
    /// A head of block sums that is not the one that was sent: rsync goes by it.
    #[error("Invalid checksum count {0}: the block sums are not those of the request")]
    OtherSums(u32),
    /// A basis of a similar name that was not named to the sender.
    #[error("rsync: refusing malicious fuzzy operation for {0}")]
    SimilarBasis(String),
    /// A basis in another folder that was not named to the sender.
    #[error("invalid basis_dir index: {0}.")]
    BasisFolder(u8),
    /// A block of a basis that can no longer be read.
    #[error("got a block match with no basis file for {0}")]
    NoBasis(String),
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
    #[error("Invalid packet at end of run ({index})")]
    Goodbye {
        /// What came.
        index: i32,
        /// Whether in a pull: rsync's generator hears no more than the receiver's end then, and decides about the code.
        is_pull: bool,
    },
}

impl Violation {
    /// A name that stays the same when the text changes.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Version(_) | Self::OldVersion(_) => "greeting",
            Self::LongVarint | Self::LongVarlong => "long-number",
            Self::LongText { .. } | Self::LongNames { .. } => "long-text",
            Self::FrameTag(_) => "frame-tag",
            Self::FrameLength { .. } => "frame-length",
            Self::LongMessage { .. } => "long-message",
            Self::HighIndex(_) | Self::Index { .. } | Self::UnknownIndex { .. } | Self::RemovedIndex(_) => {
                "index"
            }
            Self::UnaskedIndex(_) | Self::NotRegular(_) | Self::LateRequest => "unasked-index",
            Self::EarlyEnd => "early-end",
            Self::UnofferedRecursion => "unoffered-recursion",
            Self::NothingCommon { .. } => "nothing-common",
            Self::AclIndex { .. } | Self::AclAccess(_) => "acl",
            Self::XattrIndex { .. }
            | Self::XattrName
            | Self::XattrNumber { .. }
            | Self::XattrTwice { .. }
            | Self::XattrOverflow
            | Self::XattrValueLimit
            | Self::XattrListLimit => "xattr",
            Self::LongName { .. } | Self::LongLink(_) => "long-name",
            Self::Range { .. } | Self::Size { .. } => "range",
            Self::LongList(_) => "long-list",
            Self::NegativeLength => "negative-length",
            Self::UnsafeName(_) => "unsafe-name",
            Self::RootNotDirectory(_) => "root-not-directory",
            Self::UnrequestedName(_) => "unrequested-name",
            Self::ExcludedName(_) => "excluded-name",
            Self::Mode { .. } => "mode",
            Self::HardLink { .. } | Self::EarlyHardLink { .. } => "hard-link",
            Self::FolderIndex { .. } | Self::ListTwice(_) | Self::ListOfRemoved(_) | Self::ListBehindLast => {
                "list-number"
            }
            Self::ListPath(_) => "list-path",
            Self::SumHead { .. } | Self::ZeroBlock | Self::OtherSums(_) => "sum-head",
            Self::SimilarBasis(_) | Self::BasisFolder(_) => "basis",
            Self::Block { .. } | Self::NoBasis(_) => "block",
            Self::CompressedToken => "compressed-token",
            Self::Decompression(_) => "decompression",
            Self::Goodbye { .. } => "goodbye",
        }
    }

    /// The line that rsync prints, as `role`; `is_incremental` is whether the session has lists of folders, which rsync
    /// says where frames are damaged.
    pub fn line(&self, role: &str, is_incremental: bool) -> String {
        match self {
            Self::FrameTag(_) | Self::FrameLength { .. } | Self::LongMessage { .. } if is_incremental => {
                format!("{self} [{role}/inc]")
            }
            Self::FolderIndex { is_second: true, .. }
            | Self::XattrNumber { .. }
            | Self::XattrTwice { .. } => {
                format!("[{role}] {self}")
            }
            Self::Block { .. }
            | Self::FolderIndex { .. }
            | Self::FrameLength { .. }
            | Self::FrameTag(_)
            | Self::Goodbye { .. }
            | Self::HighIndex(_)
            | Self::Index { .. }
            | Self::LateRequest
            | Self::LongMessage { .. }
            | Self::LongName { .. }
            | Self::Mode { .. }
            | Self::NoBasis(_)
            | Self::NotRegular(_)
            | Self::OtherSums(_)
            | Self::Range { .. }
            | Self::Size { .. }
            | Self::SumHead { .. }
            | Self::UnaskedIndex(_)
            | Self::UnknownIndex { .. }
            | Self::XattrListLimit
            | Self::XattrOverflow
            | Self::XattrValueLimit
            | Self::ZeroBlock => format!("{self} [{role}]"),
            // rsync would go on.
            Self::OldVersion(_) => format!("rsyncctl: {self}"),
            _ => self.to_string(),
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
            | Self::XattrIndex { .. }
            | Self::Goodbye { is_pull: true, .. }
            | Self::Decompression(_) => Exit::Stream,
            Self::XattrName => Exit::FileIo,
            Self::UnofferedRecursion => Exit::Syntax,
            Self::NothingCommon { .. }
            | Self::LongNames { .. }
            | Self::NegativeLength
            | Self::UnsafeName(_)
            | Self::UnrequestedName(_)
            | Self::ExcludedName(_)
            | Self::ListPath(_) => Exit::Unsupported,
            Self::LongName { .. } | Self::LongLink(_) => Exit::Malloc,
            _ => Exit::Protocol,
        }
    }
}
