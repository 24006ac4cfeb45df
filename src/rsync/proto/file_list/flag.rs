//! The flags of an entry (`XMIT_` in rsync.h).

pub(super) const TOP_DIRECTORY: u32 = 1;
pub(super) const SAME_MODE: u32 = 1 << 1;
pub(super) const EXTENDED: u32 = 1 << 2;
pub(super) const SAME_UID: u32 = 1 << 3;
pub(super) const SAME_GID: u32 = 1 << 4;
pub(super) const SAME_NAME: u32 = 1 << 5;
pub(super) const LONG_NAME: u32 = 1 << 6;
pub(super) const SAME_TIME: u32 = 1 << 7;
pub(super) const SAME_MAJOR: u32 = 1 << 8;
pub(super) const NO_CONTENT: u32 = 1 << 8;
pub(super) const HARD_LINKED: u32 = 1 << 9;
pub(super) const USER_NAME: u32 = 1 << 10;
pub(super) const SAME_DEVICE: u32 = 1 << 10;
pub(super) const GROUP_NAME: u32 = 1 << 11;
pub(super) const MINOR_IS_BYTE: u32 = 1 << 11;
pub(super) const FIRST_OF_GROUP: u32 = 1 << 12;
pub(super) const ERRORS_AT_END: u32 = 1 << 12;
pub(super) const NANOSECONDS: u32 = 1 << 13;
pub(super) const SAME_ACCESS_TIME: u32 = 1 << 14;
pub(super) const CREATED_WHEN_MODIFIED: u32 = 1 << 17;
