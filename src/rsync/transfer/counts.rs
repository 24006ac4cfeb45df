use crate::rsync::proto::{Encode, Input, Stop, file_list::FileKind};

/// How many files there are of each kind.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct FileCounts {
    /// Regular files.
    pub files: u64,
    /// Folders.
    pub directories: u64,
    /// Symlinks.
    pub symlinks: u64,
    /// Devices.
    pub devices: u64,
    /// Named pipes and sockets.
    pub specials: u64,
}

impl FileCounts {
    /// How many kinds are counted.
    pub(super) const KINDS: usize = 5;

    /// All together.
    pub const fn total(&self) -> u64 {
        self.files + self.directories + self.symlinks + self.devices + self.specials
    }

    /// Counts one more.
    pub fn count(&mut self, kind: FileKind) {
        *match kind {
            FileKind::Regular | FileKind::Missing => &mut self.files,
            FileKind::Directory => &mut self.directories,
            FileKind::Symlink => &mut self.symlinks,
            FileKind::Device => &mut self.devices,
            FileKind::Special => &mut self.specials,
        } += 1;
    }

    /// Reads the counts of a receiving server's deletions (`read_del_stats` in main.c).
    pub(super) fn read(input: &mut Input<'_>) -> Result<Self, Stop> {
        let mut next = || Ok::<_, Stop>(u64::from(input.varint()?.cast_unsigned()));
        Ok(Self {
            files: next()?,
            directories: next()?,
            symlinks: next()?,
            devices: next()?,
            specials: next()?,
        })
    }

    /// Writes the counts as the server wants them (`write_del_stats` in main.c).
    pub(super) fn write(&self, to: &mut impl Encode) {
        let counts = [
            self.files,
            self.directories,
            self.symlinks,
            self.devices,
            self.specials,
        ];
        for count in counts {
            to.varint(i32::try_from(count).unwrap_or(i32::MAX));
        }
    }
}
