use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use crate::{
    rsync::{
        transfer::{
            Error, Event, Observer, Options,
            part::Listed,
            text::{describe, shown},
        },
        tree::Tree,
    },
    terms::{Exit, refusal},
};

/// Where the files go.
#[derive(Default)]
pub(crate) struct Place {
    /// None in a dry run whose destination does not exist.
    pub(crate) tree: Option<Tree>,
    pub(crate) single: Option<Vec<u8>>,
    /// The destination was made just now, or would be.
    pub(crate) is_new: bool,
    /// The folder in which all is, as an absolute path.
    pub(crate) root: PathBuf,
}

/// Finds or makes the destination (`get_local_name` in main.c) for what was listed so far: that many files, also such that
/// take no part after all, and the first that does.
pub(crate) fn prepare(
    path: &Path,
    count: u64,
    first: Option<&Listed>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Place, Error> {
    let bytes = path.as_os_str().as_bytes();
    let fail = |text: String, exit| Error::Destination { text, exit };
    let failed = |action: &str, bytes: &[u8], error: &io::Error, exit| {
        let (whole, refusal, reason) = (whole(bytes), refusal(error), describe(error));
        let text = format!("{refusal}rsync: [Receiver] {action} \"{whole}\" failed: {reason}");
        fail(text, exit)
    };
    if options.make_path && (count > 1 || bytes.contains(&b'/')) {
        make_path(path, count > 1, options, observer)
            .map_err(|error| failed("mkdir", bytes, &error, Exit::FileIo))?;
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            let tree =
                Tree::enter(path).map_err(|error| failed("change_dir#1", bytes, &error, Exit::FileSelect))?;
            return Ok(Place {
                tree: Some(tree),
                root: absolute(path),
                ..Place::default()
            });
        }
        Ok(_) if count > 1 => {
            return Err(fail(
                "ERROR: destination must be a directory when copying more than 1 file".to_owned(),
                Exit::FileSelect,
            ));
        }
        Ok(_) if first.is_some_and(|first| first.entry.is_directory()) => {
            return Err(fail(
                "ERROR: cannot overwrite non-directory with a directory".to_owned(),
                Exit::FileSelect,
            ));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let (whole, reason) = (whole(bytes), describe(&error));
            let text = format!("rsync: [Receiver] ERROR: cannot stat destination \"{whole}\": {reason}");
            return Err(fail(text, Exit::FileSelect));
        }
        Err(_) if count > 1 || bytes.ends_with(b"/") => {
            let mut bytes = bytes.strip_suffix(b"/").unwrap_or(bytes);
            // Where it is made, all slashes go (`do_mkdir` in syscall.c).
            while let (false, [rest @ .., b'/']) = (options.dry_run, bytes) {
                bytes = rest;
            }
            let path = Path::new(OsStr::from_bytes(bytes));
            let name = String::from_utf8_lossy(bytes);
            let created = Event::Created(&name);
            if options.dry_run {
                observer.observe(created);
                return Ok(Place {
                    is_new: true,
                    root: absolute(path),
                    ..Place::default()
                });
            }
            Tree::make(path).map_err(|error| failed("mkdir", bytes, &error, Exit::FileIo))?;
            observer.observe(created);
            let tree = Tree::enter(path);
            let tree = tree.map_err(|error| failed("change_dir#2", bytes, &error, Exit::FileSelect))?;
            return Ok(Place {
                tree: Some(tree),
                single: None,
                is_new: true,
                root: absolute(path),
            });
        }
        _ => {}
    }
    // As it is written, and not as Path parts it: the folder of "D/." is "D", which has to be there.
    let (folder, name) = match bytes.iter().rposition(|&byte| byte == b'/') {
        None => (&b"."[..], bytes),
        Some(0) => (&b"/"[..], &bytes[1..]),
        Some(slash) => (&bytes[..slash], &bytes[slash + 1..]),
    };
    let path = Path::new(OsStr::from_bytes(folder));
    let tree = match Tree::enter(path) {
        Ok(tree) => Some(tree),
        // It would be there.
        Err(_) if options.make_path && options.dry_run => None,
        Err(error) => return Err(failed("change_dir#3", folder, &error, Exit::FileSelect)),
    };
    Ok(Place {
        tree,
        single: Some(name.to_vec()),
        is_new: false,
        root: absolute(path),
    })
}

/// Makes the folders in which the destination is, and itself if it is one, unless it is there (`--mkpath`).
fn make_path(path: &Path, is_folder: bool, options: &Options, observer: &dyn Observer) -> io::Result<()> {
    if std::fs::metadata(path).is_ok() {
        return Ok(());
    }
    let bytes = path.as_os_str().as_bytes();
    let slash = bytes.iter().rposition(|&byte| byte == b'/');
    let has_slash_behind = bytes.ends_with(b"/");
    let end = match slash {
        Some(slash) if !is_folder || has_slash_behind => slash,
        _ => bytes.len(),
    };
    if end == 0 {
        return Ok(());
    }
    match std::fs::metadata(OsStr::from_bytes(&bytes[..end])) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) if options.dry_run => return Err(Errno::ENOTDIR.into()),
        Ok(_) => return Err(Errno::EEXIST.into()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    // Each folder once, which "D//E" and "D/./E" would not give (rsync fails at the second).
    let slashes = (1..end).filter(|&at| bytes[at] == b'/');
    let parts = slashes.chain([end]).map(|end| &bytes[..end]);
    let is_named = |part: &&[u8]| {
        ["/", "/.", "/.."]
            .iter()
            .all(|end| !part.ends_with(end.as_bytes()))
    };
    let mut missing = 0;
    for part in parts.filter(is_named) {
        let folder = Path::new(OsStr::from_bytes(part));
        // "E" of "D/../E" may be there once "D" is.
        if std::fs::metadata(folder).is_err() {
            missing += 1;
            if !options.dry_run {
                Tree::make(folder)?;
            }
        }
    }
    let shown = &bytes[..slash
        .filter(|_| !is_folder || has_slash_behind)
        .unwrap_or(bytes.len())];
    if missing > 0 {
        observer.observe(Event::CreatedPath(missing, &String::from_utf8_lossy(shown)));
    }
    Ok(())
}

/// As a message names it (`full_fname` in util1.c): what is written is kept, behind the folder of the process.
fn whole(bytes: &[u8]) -> String {
    if bytes.starts_with(b"/") {
        return shown(bytes);
    }
    let folder = absolute(Path::new("."));
    let folder = folder.as_os_str().as_bytes();
    let folder = folder.strip_suffix(b"/").unwrap_or(folder);
    shown(&[folder, b"/", bytes].concat())
}

/// As the user would write it from the root on.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// A path as the destination has it. One that is not made in a dry run has no parent to be found through it.
pub(super) fn beside_destination(root: &Path, path: &str) -> PathBuf {
    match (path.strip_prefix("../"), root.parent()) {
        (Some(rest), Some(parent)) if std::fs::metadata(root).is_err() => parent.join(rest),
        _ => root.join(path),
    }
}
