//! Who holds which file by a lock (proc_locks(5)).

use std::path::Path;

use crate::host::{Fact, Host};

/// A lock that keeps others from writing, or from counting, in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lock {
    /// The process that holds it; none for a lock of an open file, which may be several processes'.
    pub process: Option<u32>,
    /// The number of the file on its file system.
    pub inode: u64,
    /// Whether it keeps everybody else out.
    pub is_exclusive: bool,
    /// The first byte.
    pub first: u64,
    /// The last byte; none to the end of the file.
    pub last: Option<u64>,
}

/// The locks of fcntl(2) that processes of a machine hold; what waits for one is left out.
///
/// # Errors
/// The reason why nobody knows.
pub fn locks(host: &dyn Host) -> Fact<Vec<Lock>> {
    let table = host.read(Path::new("/proc/locks"))?.unwrap_or_default();
    let table = String::from_utf8_lossy(&table).into_owned();
    Ok(table.lines().filter_map(Lock::read).collect())
}

impl Lock {
    /// `1: POSIX  ADVISORY  WRITE 1234 00:2f:5 0 EOF`
    fn read(line: &str) -> Option<Self> {
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, "POSIX" | "OFDLCK", _, kind, process, file, first, last] = words[..] else {
            return None;
        };
        Some(Self {
            process: process.parse().ok(),
            inode: file.rsplit(':').next()?.parse().ok()?,
            is_exclusive: kind == "WRITE",
            first: first.parse().ok()?,
            last: last.parse().ok(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;

    #[test]
    fn lines_of_the_kernel_are_read() {
        let lock = Lock::read("1: POSIX  ADVISORY  WRITE 1234 00:2f:5 0 EOF").expect("a lock");
        assert_eq!(
            (lock.process, lock.inode, lock.first, lock.last),
            (Some(1234), 5, 0, None)
        );
        let lock = Lock::read("2: OFDLCK ADVISORY  READ -1 fd:01:77 4 7").expect("a lock");
        assert_eq!(
            (lock.process, lock.is_exclusive, lock.last),
            (None, false, Some(7))
        );
        for line in [
            "",
            "3: FLOCK  ADVISORY  WRITE 1 00:1:2 0 EOF",
            "2: -> POSIX  ADVISORY  WRITE 1 00:1:2 0 EOF",
        ] {
            assert_eq!(Lock::read(line), None, "{line}");
        }
    }
}
