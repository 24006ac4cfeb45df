use thiserror::Error;

/// One change of a mode, as `--chmod` names them (`parse_chmod` in chmod.c).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ModeChange {
    only: Option<Only>,
    operator: u8,
    /// The lowest bit of each class that is changed.
    places: u32,
    /// What the user's mask leaves of the bits, where no class is named.
    mask: u32,
    clears: u32,
    sets: u32,
    /// `X`: nobody may execute afterwards what nobody could before.
    keeps_unexecutable: bool,
    /// The lowest bit of the class whose bits are copied.
    copied: Option<u32>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Only {
    Directories,
    Files,
}

/// A text that says no change.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("it is not a change of modes")]
pub struct NoModeChange;

const ALL: u32 = 0o7777;

impl ModeChange {
    /// Reads changes, separated by commas; the mask holds where nobody is named.
    ///
    /// # Errors
    ///
    /// What is no change.
    pub fn parse(text: &str, umask: u32) -> Result<Vec<Self>, NoModeChange> {
        text.split(',').map(|part| Self::one(part, umask)).collect()
    }

    fn one(text: &str, umask: u32) -> Result<Self, NoModeChange> {
        let mut change = Self {
            only: None,
            operator: b'=',
            places: 0,
            mask: ALL,
            clears: ALL,
            sets: 0,
            keeps_unexecutable: false,
            copied: None,
        };
        // Which of `s` belongs to the classes.
        let mut special_of_classes = 0;
        let (who, how) = text.split_at(text.find(['+', '-', '=']).unwrap_or(text.len()));
        for (place, letter) in who.char_indices() {
            let (class, special) = match letter {
                'D' if change.only != Some(Only::Files) => {
                    change.only = Some(Only::Directories);
                    (0, 0)
                }
                'F' if change.only != Some(Only::Directories) => {
                    change.only = Some(Only::Files);
                    (0, 0)
                }
                'u' => (0o100, 0o4000),
                'g' => (0o010, 0o2000),
                'o' => (0o001, 0),
                'a' => (0o111, 0o6000),
                '0'..='7' if change.places == 0 && how.is_empty() => {
                    change.sets = octal(&who[place..])?;
                    return Ok(change);
                }
                _ => return Err(NoModeChange),
            };
            change.places |= class;
            special_of_classes |= special;
        }
        change.operator = *how.as_bytes().first().ok_or(NoModeChange)?;
        if change.places == 0 {
            (change.places, change.mask) = (0o111, ALL & !umask);
        }
        let (mut bits, mut special) = (0, 0);
        for letter in how[1..].chars() {
            if change.copied.is_some() {
                return Err(NoModeChange);
            }
            match letter {
                'r' => bits |= 4,
                'w' => bits |= 2,
                'x' => bits |= 1,
                'X' => (bits, change.keeps_unexecutable) = (bits | 1, true),
                's' if special_of_classes == 0 => special = 0o4000,
                's' => special |= special_of_classes,
                't' => special |= 0o1000,
                'u' | 'g' | 'o' if bits == 0 && special == 0 => {
                    change.copied = Some(match letter {
                        'u' => 6,
                        'g' => 3,
                        _ => 0,
                    });
                }
                _ => return Err(NoModeChange),
            }
        }
        let bits = ((change.places * bits) & change.mask) | special;
        let replaced = match (special, change.copied) {
            (_, Some(_)) => special_of_places(change.places),
            (0, None) => 0,
            (_, None) => special_of_classes,
        };
        (change.clears, change.sets) = match change.operator {
            b'+' => (0, bits),
            b'-' => (bits, 0),
            _ => ((change.places * 7) | replaced, bits),
        };
        Ok(change)
    }

    /// The permissions after the changes.
    pub fn apply_all(changes: &[Self], permissions: u32, is_directory: bool) -> u32 {
        let is_executable = is_directory || permissions & 0o111 != 0;
        changes.iter().fold(permissions, |permissions, change| {
            let is_meant = change
                .only
                .is_none_or(|only| (only == Only::Directories) == is_directory);
            if !is_meant {
                return permissions;
            }
            let sets = match change.keeps_unexecutable && !is_executable {
                true => change.sets & !0o111,
                false => change.sets,
            };
            let copied = change.copied.map_or(0, |shift| {
                ((permissions >> shift & 7) * change.places) & change.mask
            });
            let changed = permissions & !change.clears | sets;
            match change.operator {
                b'-' => changed & !copied,
                _ => changed | copied,
            }
        })
    }
}

/// The special bits that go where a class is copied onto others (`mode_dest_special_bits` in chmod.c).
fn special_of_places(places: u32) -> u32 {
    let bits = [(0o100, 0o4000), (0o010, 0o2000), (0o001, 0o1000)];
    let own = bits.into_iter().filter(|(place, _)| places & place != 0);
    own.map(|(_, special)| special).sum()
}

fn octal(digits: &str) -> Result<u32, NoModeChange> {
    u32::from_str_radix(digits, 8)
        .ok()
        .filter(|&mode| mode <= ALL)
        .ok_or(NoModeChange)
}

#[cfg(test)]
mod tests {
    use super::ModeChange;

    #[test]
    fn changes_are_made_in_their_order() {
        for (text, mode, is_directory, expected) in [
            ("D755,F644", 0o700, true, 0o755),
            ("D755,F644", 0o700, false, 0o644),
            ("u+x,go-rwx", 0o644, false, 0o700),
            ("+X", 0o644, false, 0o644),
            ("+X", 0o744, false, 0o755),
            ("+w", 0o444, false, 0o644),
            ("o=", 0o4755, false, 0o4750),
            ("g=u", 0o740, false, 0o770),
            ("a+s", 0o755, false, 0o6755),
        ] {
            let changes = ModeChange::parse(text, 0o022).expect(text);
            let found = ModeChange::apply_all(&changes, mode, is_directory);
            assert_eq!(found, expected, "{text}: {found:o}");
        }
        for text in ["", "u", "99", "DFu+x", "u+q", "u=gr"] {
            assert!(ModeChange::parse(text, 0).is_err(), "{text}");
        }
    }
}
