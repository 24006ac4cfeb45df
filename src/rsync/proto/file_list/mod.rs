//! The list of files: what travels, in which order it is numbered, and how it is held.

mod entry;
mod flag;
mod names;
mod order;
mod read;
mod write;

pub use entry::{Entry, Extra, FileKind, FileList};
pub use names::{NameReader, Named};
pub use order::{compare, numbered};
pub use read::{Fields, Item, ListReader};
pub use write::{ListWriter, write_names};

/// The longest name and the longest text of a link, in bytes.
pub const MAX_PATH: usize = 4095;

/// As much of a name can be shared with the one before, in bytes.
const MAX_SHARED: usize = 255;
