//! The local file system below a root: whatever a peer names is found from a held descriptor, through no symlink and no
//! `..`, so that nothing is read or written elsewhere, also while somebody changes the tree.

mod attributes;
mod folder;
mod temporary;
mod walk;

pub use attributes::{Attributes, Identity};
pub use folder::Found;
pub use temporary::Temporary;
pub use walk::{Status, Tree};
