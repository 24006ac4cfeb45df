//! Which file of a folder is most like one that is missing (`find_fuzzy` in generator.c).

use crate::rsync::{
    proto::file_list::{FileKind, compare},
    transfer::{beside::split, generator::Generator},
    tree::Status,
};

/// The files of one folder at the destination, and in the folders beside it.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// With the slash behind it; none before the first.
    folder: Option<Vec<u8>>,
    lists: Vec<Vec<Neighbour>>,
}

#[derive(Debug)]
struct Neighbour {
    name: Vec<u8>,
    status: Status,
    /// It is being written itself.
    is_changing: bool,
}

/// A change of one letter into another is at least so much.
const UNIT: u32 = 1 << 16;

/// What is less alike is no basis.
const FARTHEST: u32 = 25 * UNIT;

impl Neighbours {
    /// The best basis for a file: the number of the list, and its name.
    fn best(&self, base: &[u8], size: i64, is_same_time: impl Fn(&Status) -> bool) -> Option<(u8, Vec<u8>)> {
        let all = || {
            let lists = self.lists.iter().enumerate();
            let files = lists.flat_map(|(number, list)| list.iter().map(move |file| (number, file)));
            files.filter(|(_, file)| !file.is_changing)
        };
        let number = |number: usize| u8::try_from(number).expect("at most twenty-one");
        if let Some((list, file)) =
            all().find(|(_, file)| file.status.size == size && is_same_time(&file.status))
        {
            return Some((number(list), file.name.clone()));
        }
        let mut farthest = FARTHEST;
        let mut best = None;
        for (list, file) in all() {
            let mut distance = distance(&file.name, base, farthest);
            if distance < 0xffff * UNIT {
                let suffixes = self::distance(suffix(&file.name), suffix(base), 0xffff * UNIT);
                distance = distance.wrapping_add(suffixes.wrapping_mul(10));
            }
            if distance <= farthest {
                farthest = distance;
                best = Some((number(list), file.name.clone()));
            }
        }
        best
    }
}

impl Generator<'_> {
    /// Looks for a file that is like one that is missing.
    pub(super) fn similar(
        &mut self,
        name: &[u8],
        size: i64,
        is_same_time: impl Fn(&Status) -> bool,
    ) -> Option<(u8, Vec<u8>)> {
        let (folder, base) = split(name);
        self.visit(folder);
        self.neighbours.best(base, size, is_same_time)
    }

    /// A file is about to change, and no basis for others.
    pub(super) fn note_change(&mut self, name: &[u8]) {
        let (folder, base) = split(name);
        if self.neighbours.folder.as_deref() == Some(folder)
            && let Some(list) = self.neighbours.lists.first_mut()
            && let Some(file) = list.iter_mut().find(|file| file.name == base)
        {
            file.is_changing = true;
        }
    }

    fn visit(&mut self, folder: &[u8]) {
        if self.neighbours.folder.as_deref() == Some(folder) {
            return;
        }
        let place = folder.strip_suffix(b"/").unwrap_or(b".");
        let others = match self.options.receiving.fuzzy {
            ..2 => &mut [][..],
            _ => &mut self.beside.bases[..],
        };
        let trees = std::iter::once(&mut self.tree).chain(others);
        let lists = trees.map(|tree| {
            let files = tree.as_mut().and_then(|tree| tree.contents(place).ok());
            let is_file = |status: &Status| status.kind() == FileKind::Regular && status.size > 0;
            let mut files: Vec<_> = files
                .into_iter()
                .flatten()
                .filter_map(Result::ok)
                .filter(|(_, status)| is_file(status))
                .map(|(name, status)| Neighbour {
                    name,
                    status,
                    is_changing: false,
                })
                .collect();
            files.sort_by(|left, right| compare((&left.name, false), (&right.name, false)));
            files
        });
        self.neighbours.lists = lists.collect();
        self.neighbours.folder = Some(folder.to_vec());
    }
}

/// The last part of a name that tells of its content, with the dot (`find_filename_suffix` in util1.c).
fn suffix(name: &[u8]) -> &[u8] {
    let start = name.iter().take_while(|&&byte| byte == b'.').count();
    let mut rest = &name[start..];
    let has_tilde = rest.len() > 1 && rest.ends_with(b"~");
    if has_tilde {
        rest = &rest[..rest.len() - 1];
    }
    let mut found: &[u8] = b"";
    while rest.len() > 1 {
        let Some(dot) = rest.iter().rposition(|&byte| byte == b'.').filter(|&dot| dot > 0) else {
            break;
        };
        let part = &rest[dot..];
        rest = &rest[..dot];
        let is_old = matches!(part, b".bak" | b".old" | b".orig");
        let is_numbered = has_tilde && part.len() > 2 && part[1] == b'~' && part[2].is_ascii_digit();
        if is_old || is_numbered {
            continue;
        }
        found = part;
        // One of digits alone may not matter so much.
        if part.len() == 1 || !part[1..].iter().all(u8::is_ascii_digit) {
            break;
        }
    }
    found
}

/// How many letters must change, each with how far it is from the other (`fuzzy_distance` in util1.c).
fn distance(left: &[u8], right: &[u8], limit: u32) -> u32 {
    let length = |name: &[u8]| u32::try_from(name.len()).expect("a name is short");
    if u64::from(length(left).abs_diff(length(right))) * u64::from(UNIT) > u64::from(limit) {
        return 0xffff * UNIT + 1;
    }
    if left.is_empty() || right.is_empty() {
        let other = if left.is_empty() { right } else { left };
        // There letters have a sign.
        let sum: i32 = other.iter().map(|&byte| i32::from(byte.cast_signed())).sum();
        return (length(other) * UNIT).wrapping_add_signed(sum);
    }
    let mut row: Vec<u32> = (1..=length(right)).map(|count| count * UNIT).collect();
    for (count, &letter) in (0_u32..).zip(left) {
        let (mut diagonal, mut above) = (count * UNIT, (count + 1) * UNIT);
        for (cell, &other) in row.iter_mut().zip(right) {
            let before = *cell;
            let cost = match letter.abs_diff(other) {
                0 => 0,
                difference => UNIT + u32::from(difference),
            };
            let through = diagonal + cost;
            let aside = match before < above {
                true => before + UNIT + u32::from(letter),
                false => above + UNIT + u32::from(other),
            };
            above = aside.min(through);
            *cell = above;
            diagonal = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{UNIT, distance, suffix};

    #[test]
    fn suffixes_tell_of_content() {
        for (name, expected) in [
            ("a.tar.gz", ".gz"),
            ("a.c.orig", ".c"),
            ("a.c.bak~", ".c"),
            ("..hidden", ""),
            ("lib.so.1.2", ".so"),
            ("x.1.2", ".1"),
            ("plain", ""),
            ("end.", "."),
        ] {
            assert_eq!(suffix(name.as_bytes()), expected.as_bytes(), "{name}");
        }
    }

    #[test]
    fn names_are_so_far_from_each_other() {
        let far = |left: &str, right: &str| distance(left.as_bytes(), right.as_bytes(), u32::MAX);
        assert_eq!(far("same", "same"), 0);
        assert_eq!(far("a", "c"), UNIT + 2);
        assert_eq!(far("", "ab"), 2 * UNIT + 97 + 98);
        assert_eq!(far("ab", "abc"), UNIT + 99);
        assert!(distance(b"a", b"abcdef", 2 * UNIT) > 0xffff * UNIT);
    }
}
