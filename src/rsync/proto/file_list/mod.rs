//! The list of files: what travels, in which order it is numbered, and how it is held.

mod acl;
mod entry;
mod extended;
mod flag;
mod groups;
mod names;
mod order;
mod path;
mod read;
mod write;
mod xattr;

pub use acl::{Acl, AclWriter, Grant};
pub use entry::{Entry, Extra, FileKind, FileList};
pub use extended::CallName;
pub use names::{Id, NameReader, Named, OwnedName, write_names};
pub use order::{compare, duplicates, numbered, sorted, taking_part};
pub use read::{Fields, Item, ListReader};
pub use write::ListWriter;
pub use xattr::{
    Xattr, XattrValue, XattrWriter, end_values, read_all_wanted, read_value, read_wanted, write_value,
    write_wanted,
};

/// The longest name and the longest text of a link, in bytes.
pub const MAX_PATH: usize = 4095;

/// As much of a name can be shared with the one before, in bytes.
const MAX_SHARED: usize = 255;
