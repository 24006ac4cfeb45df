//! The local file system below a root: whatever a peer names is found from a held descriptor, through no symlink and no
//! `..`, so that nothing is read or written elsewhere, also while somebody changes the tree.

mod aliases;
mod attributes;
mod backup;
mod change;
mod extended;
mod folder;
mod output;
mod outside;
mod temporary;
mod trusted;
mod walk;

pub use attributes::{Attributes, Identity, Unset};
pub use backup::{Kept, Removed, Why};
pub use extended::{Chosen, Extended, Handle, Wanted, is_private};
pub use folder::{Entries, Found};
pub use output::Output;
pub use outside::Outside;
pub use temporary::{Unmade, remove_unfinished};
pub use trusted::{append_trusted, open_trusted, read_small_trusted};
pub use walk::{Status, Tree};
