/// What `--munge-links` puts in front of where a symlink leads, so that it leads nowhere.
pub(crate) const MUNGED: &[u8] = b"/rsyncd-munged/";

/// Whether a symlink may lead out of the transfer: it is absolute, climbs above the root, or turns back on its way
/// (`unsafe_symlink` in util1.c).
pub(crate) fn is_unsafe(target: &[u8], name: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") {
        return true;
    }
    let parts: Vec<&[u8]> = target
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty())
        .collect();
    let climbs = parts.iter().take_while(|part| **part == b"..").count();
    // A name that only climbs may do so to its end, but `./..` not.
    if parts[climbs..].contains(&&b".."[..]) {
        return true;
    }
    let folders = name.split(|&byte| byte == b'/').filter(|part| *part != b".");
    climbs > folders.count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::is_unsafe;

    #[test]
    fn links_stay_within_or_are_unsafe() {
        for (target, name, expected) in [
            ("x", "a", false),
            ("../x", "a", true),
            ("../x", "d/a", false),
            ("..", "d/a", false),
            ("../..", "d/a", true),
            ("x/../y", "d/a", true),
            ("x/..", "d/a", true),
            ("/etc", "a", true),
            ("", "a", true),
        ] {
            assert_eq!(
                is_unsafe(target.as_bytes(), name.as_bytes()),
                expected,
                "{target}"
            );
        }
    }
}
