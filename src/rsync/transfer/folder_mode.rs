//! What changes of modes that are meant for files make of folders.

use crate::rsync::transfer::ModeChange;

/// What a folder mostly is before: a mode that takes the `x` from it is wrong for any folder.
const FOLDER: u32 = 0o755;
/// The user's mask of services, which holds where a change names nobody.
const MASK: u32 = 0o022;

/// Who is kept out of folders by a change of modes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeptOut {
    /// The folder's owner, and so everybody but root.
    Owner,
    /// Everybody but the owner: a receiver that keeps no permissions leaves those of a new folder to itself
    /// (`recv_generator` in generator.c; seen with 3.5.0).
    Others,
}

impl KeptOut {
    /// The bits of those who may read.
    const fn readers(self) -> u32 {
        match self {
            Self::Owner => 0o400,
            Self::Others => 0o044,
        }
    }
}

/// Whom the changes of a transfer keep out of folders that they may read, and what is meant by them. A receiver that keeps no
/// permissions always leaves itself the way in.
pub fn kept_out(text: &str, keeps_permissions: bool) -> Option<(KeptOut, String)> {
    let all: &[KeptOut] = match keeps_permissions {
        true => &[KeptOut::Owner, KeptOut::Others],
        false => &[KeptOut::Others],
    };
    all.iter()
        .find_map(|&who| Some((who, open_for_folders(text, who)?)))
}

/// What is meant by changes that leave folders readable to them, and keep them from entering; none of others.
pub fn open_for_folders(text: &str, kept_out: KeptOut) -> Option<String> {
    let is_octal = |part: &str| part.len() >= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !closes_folders(text, kept_out) {
        return None;
    }
    let parts = text.split(',').map(|part| {
        let (is_of_folders, octal) = match part.strip_prefix('D') {
            Some(octal) => (true, octal),
            None => (false, part),
        };
        if is_octal(octal) {
            let mode = u32::from_str_radix(octal, 8).unwrap_or_default();
            // Whoever may read a folder should enter it.
            let folders = mode | (mode & 0o444) >> 2;
            return match is_of_folders {
                true => format!("D{folders:o}"),
                false => format!("D{folders:o},F{mode:o}"),
            };
        }
        let (who, how) = part.split_at(part.find(['+', '-', '=']).unwrap_or(part.len()));
        let enters = how.contains(['x', 'X']);
        match (who.contains(['D', 'F']), how.as_bytes().first()) {
            (false, Some(b'=')) if how.contains('r') && !enters => format!("{part}X"),
            (true, Some(b'=')) if !who.contains('F') && how.contains('r') && !enters => format!("{part}x"),
            (false, Some(b'-')) if enters => format!("F{part}"),
            _ => part.to_owned(),
        }
    });
    let meant = parts.collect::<Vec<_>>().join(",");
    (!closes_folders(&meant, kept_out)).then_some(meant)
}

fn closes_folders(text: &str, kept_out: KeptOut) -> bool {
    let Ok(changes) = ModeChange::parse(text, MASK) else {
        return false;
    };
    let mode = ModeChange::apply_all(&changes, FOLDER, true);
    // The `x` of each class stands two bits below its `r`.
    mode & kept_out.readers() & !(mode << 2) != 0
}

#[cfg(test)]
mod tests {
    use super::{KeptOut, open_for_folders};

    #[test]
    fn folders_keep_their_x() {
        for (text, expected) in [
            ("0644", Some("D755,F644")),
            ("640", Some("D750,F640")),
            ("a=r,u+w", Some("a=rX,u+w")),
            ("u=rw,go=r", Some("u=rwX,go=rX")),
            ("a-x", Some("Fa-x")),
            ("D644", Some("D755")),
            ("F640,D640", Some("F640,D750")),
            ("Du=rw,Dgo=r", Some("Du=rwx,Dgo=rx")),
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
            let meant = open_for_folders(text, KeptOut::Owner);
            assert_eq!(meant.as_deref(), expected, "{text}");
        }
    }
    #[test]
    fn a_folder_may_be_closed_to_others_alone() {
        for (text, expected) in [
            ("644", Some("D755,F644")),
            ("744", Some("D755,F744")),
            ("600", None),
            ("go-x", Some("Fgo-x")),
        ] {
            let meant = open_for_folders(text, KeptOut::Others);
            assert_eq!(meant.as_deref(), expected, "{text}");
        }
    }
}
