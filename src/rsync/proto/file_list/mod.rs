//! The list of files: what travels, in which order it is numbered, and how it is held.

mod acl;
mod entry;
mod names;
mod order;
mod read;
mod xattr;

pub use acl::{Acl, AclWriter, Grant};
pub use entry::{Entry, Extra, FileKind, FileList};
pub use names::{NameReader, Named};
pub use order::{compare, numbered};
pub use read::{Fields, Item, ListReader};
pub use xattr::{Xattr, XattrValue, XattrWriter, read_value, read_wanted, write_wanted};
