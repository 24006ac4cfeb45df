use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use crate::sync::Place;

/// With shorter round trips nothing is gained that anybody would notice.
const LEAST_ROUND_TRIP: Duration = Duration::from_millis(10);

/// With incremental lists a sender stops when it is so many files ahead (`MIN_FILECNT_LOOKAHEAD` in rsync.h).
const WINDOW: usize = 1_000;

/// Whole lists of so many files are held in memory without a thought, about 30 MiB on either side.
const MOST: usize = 200_000;

/// For so many round trips files are counted at most: that long a disk takes that has not been read lately, and lists
/// of unknown length stay incremental.
const COUNTING: u32 = 10;

/// Whether one list of all files is better than a list for each folder, where the user did not say. A sender of
/// incremental lists waits for an answer once in a thousand files: on a long way that takes longer than all else of a
/// transfer that finds little to do. How many files there are is known of this side alone.
pub(super) fn is_whole_better(place: &Place, round_trip: Duration) -> bool {
    if round_trip < LEAST_ROUND_TRIP {
        return false;
    }
    let roots = match place {
        Place::Modules => Vec::new(),
        Place::Files { destination, .. } => destination.iter().cloned().collect(),
        Place::Push { sources, .. } => sources.clone(),
    };
    let files = count(roots, Instant::now() + COUNTING * round_trip);
    files.is_some_and(|files| (WINDOW..=MOST).contains(&files))
}

/// How many files and folders are in some folders and below; none if they are more than matters, or cannot be counted in
/// time.
fn count(roots: Vec<PathBuf>, deadline: Instant) -> Option<usize> {
    let mut folders = roots;
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        // What cannot be read now is none of this matter.
        let _ = visit(&folder, |path, is_folder| {
            files += 1;
            folders.extend(is_folder.then_some(path));
            files <= MOST && Instant::now() < deadline
        });
        if files > MOST || Instant::now() >= deadline {
            return None;
        }
    }
    Some(files)
}

/// Goes through a folder until it is enough.
fn visit(folder: &Path, mut goes_on: impl FnMut(PathBuf, bool) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !goes_on(entry.path(), entry.file_type()?.is_dir()) {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::{count, is_whole_better};
    use crate::sync::Place;

    #[test]
    fn files_are_counted_until_it_takes_too_long() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..1_100 {
            let place = folder.path().join((number % 7).to_string());
            fs::create_dir_all(&place).expect("a folder");
            fs::write(place.join(number.to_string()), "").expect("a file");
        }
        std::os::unix::fs::symlink("..", folder.path().join("loop")).expect("a link");
        let roots = || vec![folder.path().to_owned(), folder.path().join("none")];
        let later = Instant::now() + Duration::from_secs(600);
        assert_eq!(count(roots(), later), Some(1_100 + 7 + 1));
        assert_eq!(count(roots(), Instant::now()), None);
        let place = Place::Push {
            module: String::new(),
            target: Vec::new(),
            sources: roots(),
        };
        assert!(is_whole_better(&place, Duration::from_secs(60)));
        assert!(!is_whole_better(&place, Duration::from_millis(1)));
        assert!(!is_whole_better(&Place::Modules, Duration::from_secs(60)));
    }
}
