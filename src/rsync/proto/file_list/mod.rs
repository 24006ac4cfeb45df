//! The list of files: what travels, in which order it is numbered, and how it is held.

mod entry;
mod names;
mod order;
mod read;

pub use entry::{Entry, Extra, FileKind, FileList};
pub use names::{NameReader, Named};
pub use order::{compare, numbered};
pub use read::{Fields, Item, ListReader};
