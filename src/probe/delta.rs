use std::{
    fs::{File, FileTimes, OpenOptions},
    io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use md5::{Digest as _, Md5};

const DAY: Duration = Duration::from_secs(86_400);

/// Files that were pulled, and what they hold.
pub(super) struct Pulled {
    files: Vec<(PathBuf, Held)>,
}

/// What a file holds, and the time that the server has of it.
struct Held {
    digest: [u8; 16],
    size: u64,
    modified: SystemTime,
}

/// How a file differs from what came first.
pub(super) enum Differs<'p> {
    /// The server has it with another time or size by now: somebody writes into it.
    There(&'p Path),
    /// The server says that it is the same.
    Here(&'p Path),
}

impl Pulled {
    /// Reads them below a folder.
    ///
    /// # Errors
    ///
    /// A file that was said to have come and is not there, or cannot be read.
    pub(super) fn read(folder: &Path, names: &[&str]) -> io::Result<Self> {
        let files = names.iter().map(|name| {
            let path = folder.join(name);
            let held = held(&path)?;
            Ok((path, held))
        });
        Ok(Self {
            files: files.collect::<io::Result<_>>()?,
        })
    }

    /// Changes one byte in the middle of the largest, and its time, so that it has to come again.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn change(&self) -> io::Result<()> {
        // The smallest came first.
        let Some((path, _)) = self.files.last() else {
            return Ok(());
        };
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let middle = SeekFrom::Start(file.metadata()?.len() / 2);
        let mut byte = [0];
        file.seek(middle)?;
        file.read_exact(&mut byte)?;
        file.seek(middle)?;
        file.write_all(&[!byte[0]])?;
        // The time that it has here is the one that it has there.
        let modified = file.metadata()?.modified()?.checked_add(DAY);
        file.set_times(FileTimes::new().set_modified(modified.unwrap_or(UNIX_EPOCH)))
    }

    /// The first that does not hold what it held: one that came wrong before one that has changed.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn differing(&self) -> io::Result<Option<Differs<'_>>> {
        let mut changed = None;
        for (path, before) in &self.files {
            let now = held(path)?;
            if now.digest == before.digest {
                continue;
            }
            if (now.size, now.modified) == (before.size, before.modified) {
                return Ok(Some(Differs::Here(path)));
            }
            changed = changed.or(Some(Differs::There(path)));
        }
        Ok(changed)
    }
}

fn held(path: &Path) -> io::Result<Held> {
    let about = path.metadata()?;
    Ok(Held {
        digest: digest(path)?,
        size: about.len(),
        modified: about.modified()?,
    })
}

fn digest(path: &Path) -> io::Result<[u8; 16]> {
    let mut file = BufReader::new(File::open(path)?);
    let mut digest = Md5::new();
    loop {
        let piece = file.fill_buf()?;
        if piece.is_empty() {
            return Ok(digest.finalize().into());
        }
        digest.update(piece);
        let count = piece.len();
        file.consume(count);
    }
}
