use std::sync::Arc;

use crate::rsync::tree::Unset;

/// What happens where a backup is made, with the place as the user names it.
#[derive(Clone)]
pub(crate) enum Aside {
    /// It was in a folder that had the name of a backup.
    Removed { name: Vec<u8>, mode: u32 },
    /// A backup, or a folder of it, is there, but not with all that it is to have.
    Unset { name: Vec<u8>, unset: Arc<[Unset]> },
}

impl Aside {
    /// If there is anything of it.
    pub(super) fn of(name: Vec<u8>, unset: Vec<Unset>) -> Option<Self> {
        let unset = Arc::from(unset);
        (!<[Unset]>::is_empty(&unset)).then_some(Self::Unset { name, unset })
    }
}
