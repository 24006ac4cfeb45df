use crate::rsync::{transfer::text::describe, tree::Unset};

/// What happens where a backup is made, with the place as the user names it.
#[derive(Clone)]
pub(crate) enum Aside {
    /// It was in a folder that had the name of a backup.
    Removed { name: Vec<u8>, mode: u32 },
    /// A backup, or a folder of it, is there, but not with all that it is to have.
    Unset {
        name: Vec<u8>,
        /// With the place in `{}`, and what the system says.
        says: String,
    },
}

impl Aside {
    pub(super) fn of(name: Vec<u8>, unset: &Unset) -> Self {
        let says = format!("{}: {}", unset.says, describe(&unset.error));
        Self::Unset { name, says }
    }
}
