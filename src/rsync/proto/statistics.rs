use crate::rsync::proto::{Input, Stop};

/// What a sending server counts (`handle_stats` in main.c).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Statistics {
    /// Bytes that the server read.
    pub read: i64,
    /// Bytes that it wrote.
    pub written: i64,
    /// The sum of all files' lengths.
    pub total_size: i64,
    /// How long it made the list, in milliseconds.
    pub list_build: i64,
    /// How long it sent the list, in milliseconds.
    pub list_transfer: i64,
}

impl Statistics {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// A number of more than 64 bits.
    pub fn read(protocol: u8, input: &mut Input<'_>) -> Result<Self, Stop> {
        let mut next = || input.varlong30(protocol, 3);
        Ok(Self {
            read: next()?,
            written: next()?,
            total_size: next()?,
            list_build: next()?,
            list_transfer: next()?,
        })
    }
}
