//! What `incoming chmod` and `outgoing chmod` make of folders.

use crate::rsync::transfer::ModeChange;

/// What a folder mostly is before: a mode that takes the `x` from it is wrong for any folder.
const FOLDER: u32 = 0o755;
/// The user's mask of services, which holds where a change names nobody.
const MASK: u32 = 0o022;
const READ: u32 = 0o400;
const ENTER: u32 = 0o100;

/// What is meant by changes that leave folders readable, and keep everybody from entering them; none of others.
pub(super) fn meant(text: &str) -> Option<String> {
    let is_octal = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !closes_folders(text) {
        return None;
    }
    let parts = text.split(',').map(|part| {
        if is_octal(part) {
            let mode = u32::from_str_radix(part, 8).unwrap_or_default();
            // Whoever may read a folder should enter it.
            let folders = mode | (mode & 0o444) >> 2;
            return format!("D{folders:o},F{mode:o}");
        }
        let (who, how) = part.split_at(part.find(['+', '-', '=']).unwrap_or(part.len()));
        let enters = how.contains(['x', 'X']);
        match (who.contains(['D', 'F']), how.as_bytes().first()) {
            (false, Some(b'=')) if how.contains('r') && !enters => format!("{part}X"),
            (false, Some(b'-')) if enters => format!("F{part}"),
            _ => part.to_owned(),
        }
    });
    let meant = parts.collect::<Vec<_>>().join(",");
    (!closes_folders(&meant)).then_some(meant)
}

fn closes_folders(text: &str) -> bool {
    let Ok(changes) = ModeChange::parse(text, MASK) else {
        return false;
    };
    let mode = ModeChange::apply_all(&changes, FOLDER, true);
    mode & READ != 0 && mode & ENTER == 0
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn folders_keep_their_x() {
        for (text, expected) in [
            ("0644", Some("D755,F644")),
            ("640", Some("D750,F640")),
            ("a=r,u+w", Some("a=rX,u+w")),
            ("u=rw,go=r", Some("u=rwX,go=rX")),
            ("a-x", Some("Fa-x")),
            ("D755,F644", None),
            ("755", None),
            ("Fa=r", None),
            ("a=rX,u+w", None),
            ("go-w", None),
            ("a=", None),
            ("200", None),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(meant(text).as_deref(), expected, "{text}");
        }
    }
}
