use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

/// An argument: the folder that it counts from, and what it names there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named {
    /// Empty for the one in which all is.
    pub(crate) folder: PathBuf,
    /// The name that is sent; `.` if the content of the folder is meant.
    pub(crate) name: Vec<u8>,
    pub(crate) ending: Ending,
    /// The root of the transfer is to be sent with it.
    pub(crate) has_root: bool,
}

/// How a name ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ending {
    Plain,
    /// In a slash: what it names is a folder, perhaps through a symlink.
    Slash,
    /// What it names is the content of its folder.
    Content,
}

impl Named {
    /// An argument without `--relative`: its last part is what it names.
    pub(crate) fn base(path: &Path) -> Self {
        let bytes = path.as_os_str().as_bytes();
        let last = bytes.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if matches!(last, b"" | b"." | b"..") {
            return Self {
                folder: path.to_owned(),
                name: b".".to_vec(),
                ending: Ending::Content,
                has_root: false,
            };
        }
        Self {
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            name: last.to_vec(),
            ending: Ending::Plain,
            has_root: false,
        }
    }

    /// An argument with `--relative`: all of it is the name, or what stands behind the first `/./` (`send_file_list` in
    /// flist.c).
    ///
    /// # Errors
    ///
    /// The name, if it has `..` in it.
    pub(crate) fn relative(path: &[u8]) -> Result<Self, Vec<u8>> {
        let (folder, path) = match path.windows(3).position(|dot| dot == b"/./") {
            Some(0) => (b"/".to_vec(), strip_slashes(&path[3..])),
            Some(start) => (folder_of(&path[..start]), strip_slashes(&path[start + 3..])),
            None => (Vec::new(), path),
        };
        let has_root = path.starts_with(b"./") && path.len() > 2;
        let is_anchored = path.starts_with(b"/");
        let parts = path.split(|&byte| byte == b'/');
        let parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
        let root: &[u8] = if is_anchored { b"/" } else { b"" };
        let name = [root, &*parts.join(&b'/')].concat();
        if parts.contains(&&b".."[..]) {
            return Err(name);
        }
        let (name, ending) = match (&*name, path.rsplit(|&byte| byte == b'/').next()) {
            (b"", _) => (b".".to_vec(), Ending::Content),
            (b"/", _) => (b"/.".to_vec(), Ending::Content),
            (_, Some(b"" | b".")) => (name, Ending::Slash),
            _ => (name, Ending::Plain),
        };
        Ok(Self {
            folder: PathBuf::from(OsString::from_vec(folder)),
            name,
            ending,
            has_root,
        })
    }
}

fn strip_slashes(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|&byte| byte != b'/');
    &path[start.unwrap_or(path.len())..]
}

/// A folder's path without what leads nowhere.
fn folder_of(path: &[u8]) -> Vec<u8> {
    let parts = path.split(|&byte| byte == b'/');
    let parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
    let root: &[u8] = if path.starts_with(b"/") { b"/" } else { b"" };
    match [root, &*parts.join(&b'/')].concat() {
        path if path.is_empty() => b".".to_vec(),
        path => path,
    }
}

/// A name of a list, which stays below the folder that the list is for (`sanitize_path` in util1.c).
pub(crate) fn below(name: &[u8], keeps_dots: bool) -> Vec<u8> {
    let mut clean: Vec<&[u8]> = Vec::new();
    let parts: Vec<&[u8]> = name.split(|&byte| byte == b'/').collect();
    for part in &parts {
        match *part {
            b"" => {}
            b"." if !keeps_dots => {}
            b".." => drop(clean.pop()),
            part => clean.push(part),
        }
    }
    let is_folder = !keeps_dots && parts.last() == Some(&&b"."[..]) || parts.last() == Some(&&b".."[..]);
    let mut name = clean.join(&b'/');
    if name.is_empty() {
        return b".".to_vec();
    }
    if is_folder || parts.last() == Some(&&b""[..]) {
        name.push(b'/');
    }
    name
}

/// How much of the way to a name was sent as the way to the one before, if not all: the folders from there on are to be sent
/// (`send_implied_dirs` in flist.c).
pub(crate) fn new_folders<'w>(way: &'w [u8], before: &[u8]) -> Vec<&'w [u8]> {
    let common = way
        .iter()
        .zip(before)
        .take_while(|(left, right)| left == right)
        .count();
    let is_within = before.get(common).is_none_or(|&byte| byte == b'/');
    if common == way.len() && is_within {
        return Vec::new();
    }
    // A folder that stands at the end of the way before is sent once more.
    let start = way[..common].iter().rposition(|&byte| byte == b'/').unwrap_or(0);
    let slashes = (start + 1..way.len()).filter(|&place| way[place] == b'/');
    slashes.chain([way.len()]).map(|end| &way[..end]).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Ending, Named, below, new_folders};

    #[test]
    fn a_slash_at_the_end_means_what_is_inside() {
        for (path, folder, name) in [
            ("a/b", "a", "b"),
            ("b", "", "b"),
            ("/b", "/", "b"),
            ("a/b/", "a/b/", "."),
            ("a/.", "a/.", "."),
            ("..", "..", "."),
            (".", ".", "."),
            ("/", "/", "."),
        ] {
            let named = Named::base(Path::new(path));
            let found = (named.folder.to_str(), &*named.name);
            assert_eq!(found, (Some(folder), name.as_bytes()), "{path}");
        }
    }

    #[test]
    fn a_relative_name_is_the_whole_path() {
        use Ending::{Content, Plain, Slash};
        for (path, folder, name, ending, has_root) in [
            ("a/b", "", "a/b", Plain, false),
            ("a//./b/", "a", "b", Slash, false),
            ("a/./b/./c", "a", "b/c", Plain, false),
            ("a/.//b", "a", "b", Plain, false),
            ("a/./", "a", ".", Content, false),
            ("/./a", "/", "a", Plain, false),
            ("../x/./a", "../x", "a", Plain, false),
            ("./a", "", "a", Plain, true),
            ("a/././b", "a", "b", Plain, true),
            ("./", "", ".", Content, false),
            (".", "", ".", Content, false),
            ("", "", ".", Content, false),
            ("/", "", "/.", Content, false),
            ("/a//b/.", "", "/a/b", Slash, false),
            ("..a/b..", "", "..a/b..", Plain, false),
        ] {
            let named = Named::relative(path.as_bytes()).expect("a name");
            let found = (named.folder.to_str(), &*named.name, named.ending, named.has_root);
            assert_eq!(found, (Some(folder), name.as_bytes(), ending, has_root), "{path}");
        }
        for (path, name) in [("../a", "../a"), ("x/./a/../b", "a/../b"), ("a/..", "a/..")] {
            assert_eq!(Named::relative(path.as_bytes()), Err(name.into()), "{path}");
        }
    }

    #[test]
    fn names_of_a_list_stay_below() {
        for (name, relative, base) in [
            ("a/b", "a/b", "a/b"),
            ("/a//b/", "a/b/", "a/b/"),
            ("../../a", "a", "a"),
            ("a/../b", "b", "b"),
            ("./a/./b", "./a/./b", "a/b"),
            ("a/b/..", "a/", "a/"),
            ("..", ".", "."),
            ("a/.", "a/.", "a/"),
        ] {
            assert_eq!(below(name.as_bytes(), true), relative.as_bytes(), "{name}");
            assert_eq!(below(name.as_bytes(), false), base.as_bytes(), "{name}");
        }
    }

    #[test]
    fn folders_on_the_way_are_sent_once_in_a_row() {
        for (way, before, expected) in [
            ("a/b", "", &["a", "a/b"][..]),
            ("a/b", "a/b", &[]),
            ("a", "a/b", &[]),
            ("a/b/c", "a/x", &["a/b", "a/b/c"]),
            ("a/b", "a", &["a", "a/b"]),
            ("a", "ab", &["a"]),
            ("/a/b", "", &["/a", "/a/b"]),
            ("/b", "/a", &["/b"]),
        ] {
            let folders = new_folders(way.as_bytes(), before.as_bytes());
            let expected: Vec<_> = expected.iter().map(|folder| folder.as_bytes()).collect();
            assert_eq!(folders, expected, "{way} {before}");
        }
    }
}
