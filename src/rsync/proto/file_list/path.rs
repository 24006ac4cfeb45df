use crate::rsync::proto::Violation;

/// A name without empty components and without `.` (`clean_fname` in util1.c); it must stay below the root. With `--relative`
/// it may begin with a slash, which is taken away once the list is sorted.
pub(super) fn clean(name: &[u8], relative: bool) -> Result<Vec<u8>, Violation> {
    let unsafe_name = || Violation::UnsafeName(show(name));
    if name.first() == Some(&b'/') && !relative || name.contains(&0) {
        return Err(unsafe_name());
    }
    let mut clean = Vec::with_capacity(name.len());
    let has_root = name.first() == Some(&b'/');
    for component in name.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => continue,
            b".." => return Err(unsafe_name()),
            _ => {}
        }
        if has_root || !clean.is_empty() {
            clean.push(b'/');
        }
        clean.extend_from_slice(component);
    }
    if clean.is_empty() {
        clean.extend_from_slice(if has_root { b"/." } else { b"." });
    }
    Ok(clean)
}

pub(super) fn show(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::clean;
    use crate::rsync::proto::{
        Violation,
        file_list::{Entry, Extra, FileList},
    };

    #[test]
    fn names_stay_below_the_root() {
        for (name, expected) in [
            (&b"a//b/."[..], &b"a/b"[..]),
            (b"./", b"."),
            (b"", b"."),
            (b"/", b"/."),
            (b"//a/./b/", b"/a/b"),
        ] {
            let cleaned = clean(name, true).expect("a name");
            assert_eq!(cleaned, expected, "{name:?}");
        }
        for (name, is_relative) in [
            (&b"../x"[..], true),
            (b"/a/..", true),
            (b"/a", false),
            (b"a\0", true),
        ] {
            let refused = clean(name, is_relative);
            assert!(matches!(refused, Err(Violation::UnsafeName(_))), "{name:?}");
        }
    }

    #[test]
    fn names_from_the_root_on_lose_their_slash() {
        let mut list = FileList::default();
        for name in ["/.", "/a/b", "c"] {
            let entry = Entry {
                mode: 0o040_755,
                ..Entry::default()
            };
            assert!(list.push(name.as_bytes(), entry, Extra::default()));
        }
        list.strip_root();
        let names: Vec<_> = list.entries().iter().map(|entry| list.name(entry)).collect();
        assert_eq!(names, [&b"."[..], b"a/b", b"c"]);
    }
}
