//! What a module's changes of modes make of folders that come in.

use crate::rsync::transfer::ModeChange;

/// The pages of a daemon that may not read and may not write, and the bits of a folder's owner that it needs.
const NEEDED: [(&str, u32); 2] = [("RSY840", 0o500), ("RSY841", 0o300)];
/// What the mode of a folder mostly is before it comes in.
const FOLDER: u32 = 0o755;
/// The mask of services, which holds where a change names nobody.
const MASK: u32 = 0o022;

/// Whether an `incoming chmod` closes folders to their own account, so that what a page tells of them fails.
pub(super) fn close_folders(text: &[u8], page: &str) -> bool {
    let Some((_, needed)) = NEEDED.iter().find(|(known, _)| *known == page) else {
        return false;
    };
    let Ok(changes) = ModeChange::parse(str::from_utf8(text).unwrap_or_default(), MASK) else {
        return false;
    };
    ModeChange::apply_all(&changes, FOLDER, true) & needed != *needed
}

#[cfg(test)]
mod tests {
    use super::close_folders;

    #[test]
    fn letters_and_numbers_close_folders() {
        for (text, closes_reading, closes_writing) in [
            ("a=rX", false, true),
            ("a-w", false, true),
            ("u=rX,go=", false, true),
            ("0440", true, true),
            ("Da-x", true, true),
            ("D0500,F0400", false, true),
            ("D0300", true, false),
            ("D755,F444", false, false),
            ("Fa-w", false, false),
            ("go-w", false, false),
            ("", false, false),
            ("nonsense", false, false),
        ] {
            let closes = ["RSY840", "RSY841"].map(|page| close_folders(text.as_bytes(), page));
            assert_eq!(closes, [closes_reading, closes_writing], "{text}");
        }
        assert!(!close_folders(b"0440", "RSY842"));
    }
}
