use std::{
    io::{self, Read as _},
    time::UNIX_EPOCH,
};

use crate::rsync::{proto::file_list::FileKind, transfer::build::Builder, tree::Status};

/// What the list says of what is in a file.
impl Builder<'_> {
    /// A device that is sent as a file: it is as long as what is on it, and its time says nothing.
    pub(super) fn as_file(&mut self, name: &[u8], status: Status) -> Status {
        if !self.options.copy_devices || status.kind() != FileKind::Device {
            return status;
        }
        let read = self
            .here(name)
            .and_then(|(tree, name)| tree.read_with_length(name));
        let length = read.map(|(_, length)| length);
        let now = UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_secs());
        Status {
            mode: 0o100_000 | status.mode & 0o777,
            size: length.map_or(0, |length| i64::try_from(length).unwrap_or(i64::MAX)),
            mtime: i64::try_from(now).unwrap_or(i64::MAX),
            ..status
        }
    }

    /// The digest of a file, for the list.
    pub(super) fn digest(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        let (tree, name) = self.here(name)?;
        let mut file = tree.read(name)?;
        let mut hasher = self.session.list_checksum.listed();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
