use std::{
    fs, io,
    path::{Path, PathBuf},
    str,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::{probe::delta::Pulled, rsync::proto::file_list::FileKind};

/// What the folder is called that a probe makes in a module, before letters and digits at random.
const PREFIX: &str = "rsyncctl-probe-";

/// How many of those there are.
const RANDOM: usize = 16;

/// The file in it.
const FILE: &str = "probe";

/// Bytes of that file: many blocks of any length that an rsync chooses.
const SIZE: usize = 128 << 10;

/// From what age on a folder of a probe is left over: no probe takes so long.
const OLD: Duration = Duration::from_secs(3600);

/// A folder with a file, for the write test.
pub(super) struct Sample {
    place: TempDir,
    /// What it is called, which nothing else is.
    pub(super) name: String,
}

impl Sample {
    /// Makes it below a folder; it is called as nothing else is, or as it is to be.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn new(below: &Path, name: Option<&str>) -> io::Result<Self> {
        let place = tempfile::Builder::new()
            .prefix(PREFIX)
            .rand_bytes(RANDOM)
            .tempdir_in(below)?;
        let own = place.path().file_name().unwrap_or_default();
        let name = name.map_or_else(|| own.to_string_lossy().into_owned(), str::to_owned);
        let sample = Self { place, name };
        fs::create_dir(sample.source())?;
        fs::create_dir(sample.nothing())?;
        fs::write(sample.source().join(FILE), bytes(&sample.name))?;
        Ok(sample)
    }

    /// The folder that is sent.
    pub(super) fn source(&self) -> PathBuf {
        self.place.path().join(&self.name)
    }

    /// A folder in which nothing is.
    pub(super) fn nothing(&self) -> PathBuf {
        self.place.path().join("nothing")
    }

    /// A folder of that name in which nothing is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn emptied(&self) -> io::Result<PathBuf> {
        let folder = self.nothing().join("emptied").join(&self.name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Where it is read back to.
    pub(super) fn back(&self) -> PathBuf {
        self.place.path().join("back")
    }

    /// Changes the file, so that it has to be sent again.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn change(&self) -> io::Result<()> {
        Pulled::read(&self.source(), &[FILE])?.change()
    }

    /// Whether what was read back is what was sent.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn is_back(&self) -> io::Result<bool> {
        Ok(fs::read(self.source().join(FILE))? == fs::read(self.back().join(FILE))?)
    }
}

/// Bytes in which no block is like another, made of a name by xorshift.
fn bytes(name: &str) -> Vec<u8> {
    let seed = name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |seed, byte| {
        seed.rotate_left(8) ^ u64::from(byte)
    });
    let next = |number: &u64| {
        let number = number ^ (number << 13);
        let number = number ^ (number >> 7);
        Some(number ^ (number << 17))
    };
    let numbers = std::iter::successors(Some(seed), next);
    numbers.flat_map(u64::to_le_bytes).take(SIZE).collect()
}

/// Whether the folder of a probe is called so.
pub(super) fn is_name(name: &str) -> bool {
    let random = name.strip_prefix(PREFIX);
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Whether names, kinds and sizes are those of such a folder's own list, in which nothing is but what a probe leaves.
pub(super) fn is_own(entries: &[(Vec<u8>, FileKind, i64)]) -> bool {
    entries.iter().all(|(name, kind, size)| match kind {
        FileKind::Directory => name == b".",
        FileKind::Regular => name == FILE.as_bytes() && *size == SIZE as i64,
        _ => false,
    })
}

/// The folder of a probe of long ago, if an entry of a list is one.
pub(super) fn left_over(name: &[u8], modified: i64, now: SystemTime) -> Option<&str> {
    let name = str::from_utf8(name).ok()?;
    let is_ours = is_name(name.rsplit('/').next()?);
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(modified).ok()?);
    let is_old = now.duration_since(modified).is_ok_and(|age| age >= OLD);
    (is_ours && is_old).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::{is_own, left_over};
    use crate::rsync::proto::file_list::FileKind;

    #[test]
    fn what_others_put_into_a_folder_makes_it_theirs() {
        let folder = || (b".".to_vec(), FileKind::Directory, 4096);
        let file = |name: &str, kind, size| (name.as_bytes().to_vec(), kind, size);
        let sample = || file("probe", FileKind::Regular, 128 << 10);
        assert!(is_own(&[folder()]) && is_own(&[folder(), sample()]));
        for other in [
            file("precious", FileKind::Regular, 128 << 10),
            file("probe/x", FileKind::Regular, 128 << 10),
            file("probe", FileKind::Regular, 20),
            file("probe", FileKind::Symlink, 128 << 10),
            file("sub", FileKind::Directory, 4096),
        ] {
            assert!(!is_own(&[folder(), sample(), other.clone()]), "{other:?}");
        }
    }

    #[test]
    fn only_old_folders_of_probes_are_left_over() {
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        let old = |name: &str, modified| left_over(name.as_bytes(), modified, now).is_some();
        assert!(old("rsyncctl-probe-abcdefghijkl0123", 1_000));
        assert!(old("sub/rsyncctl-probe-abcdefghijkl0123", 1_000));
        assert!(!old("rsyncctl-probe-abcdefghijkl0123", 9_000));
        assert!(!old("rsyncctl-probe-abcdefghijkl0123", 11_000));
        assert!(!old("rsyncctl-probe-abcdefghijkl0123", -1));
        assert!(!old("rsyncctl-probe-results", 1_000));
        assert!(!old("rsyncctl-probe-abcdefghijkl012*", 1_000));
        assert!(!old("rsyncctl-probe-abcdefghijkl0123/probe", 1_000));
    }
}
