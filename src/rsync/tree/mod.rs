//! The local file system below a root: whatever a peer names is found from a held descriptor, through no symlink and no
//! `..`, so that nothing is read or written elsewhere, also while somebody changes the tree.

mod attributes;
mod backup;
mod extended;
mod folder;
mod temporary;
mod trusted;
mod walk;

pub use attributes::{Attributes, Identity};
pub use extended::{Extended, Handle, Wanted, is_kept};
pub use folder::Found;
pub use temporary::Temporary;
pub use trusted::{append_trusted, open_trusted};
pub use walk::{Status, Tree};
