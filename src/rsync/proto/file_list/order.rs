use std::cmp::Ordering;

use crate::rsync::proto::file_list::FileList;

/// Compares two names as protocols from 29 on sort them: in a folder, everything that is no folder comes first; a folder
/// stands in front of its content; `.` comes first of all (`f_name_cmp` in flist.c).
pub fn compare(left: (&[u8], bool), right: (&[u8], bool)) -> Ordering {
    let (mut lefts, mut rights) = (Parts::new(left), Parts::new(right));
    loop {
        let (left, right) = (lefts.next(), rights.next());
        let (Some(left), Some(right)) = (left, right) else {
            // Beyond its end, a name has an empty item.
            return match (left, right) {
                (Some(part), None) => part.cmp(&Part::END),
                (None, Some(part)) => Part::END.cmp(&part),
                _ => Ordering::Equal,
            };
        };
        let order = left.cmp(&right);
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// The files of a list by number: position in the order, for each the place of arrival. Of several files of a name only
/// the first counts, and a folder more than a file; the others keep their numbers and are `None`.
pub fn numbered(list: &FileList) -> Vec<Option<u32>> {
    let sorted = sorted(list);
    let taking_part = taking_part(&sorted, &duplicates(list, &sorted));
    let numbers = sorted.into_iter().zip(taking_part);
    numbers
        .map(|(place, takes_part)| takes_part.then_some(place))
        .collect()
}

/// The places of all files of a list in the order of their names.
pub fn sorted(list: &FileList) -> Vec<u32> {
    let count = u32::try_from(list.len()).expect("a list holds fewer");
    let mut places: Vec<u32> = (0..count).collect();
    places.sort_by(|&left, &right| compare(key(list, left), key(list, right)));
    places
}

fn key(list: &FileList, place: u32) -> (&[u8], bool) {
    let entry = &list.entries()[place as usize];
    (list.name(entry), entry.is_directory())
}

/// Which of the sorted files take part: those that are no duplicates.
pub fn taking_part(sorted: &[u32], duplicates: &[(u32, u32)]) -> Vec<bool> {
    let mut removed: Vec<u32> = duplicates.iter().map(|(_, dropped)| *dropped).collect();
    removed.sort_unstable();
    let is_kept = |place: &u32| removed.is_empty() || removed.binary_search(place).is_err();
    sorted.iter().map(is_kept).collect()
}

/// The places of files whose name another one has too: of those that count, and of those that do not.
pub fn duplicates(list: &FileList, sorted: &[u32]) -> Vec<(u32, u32)> {
    let mut by_name = sorted.to_vec();
    // A file and a folder of a name do not stand beside each other in that order.
    by_name.sort_by(|&left, &right| {
        let ((left_name, left_is_directory), (right_name, right_is_directory)) =
            (key(list, left), key(list, right));
        let order = left_name.cmp(right_name);
        order
            .then(right_is_directory.cmp(&left_is_directory))
            .then(left.cmp(&right))
    });
    by_name
        .chunk_by(|&left, &right| key(list, left).0 == key(list, right).0)
        .flat_map(|group| group[1..].iter().map(|&dropped| (group[0], dropped)))
        .collect()
}

/// A component: an item, or a folder on the way, which stands behind all items.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Part<'a> {
    is_path: bool,
    text: &'a [u8],
}

impl Part<'_> {
    const END: Part<'static> = Part {
        is_path: false,
        text: b"",
    };
}

impl Ord for Part<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.is_path.cmp(&other.is_path).then_with(|| {
            let common = self.text.len().min(other.text.len());
            // A path component has a slash behind it.
            self.text[..common].cmp(&other.text[..common]).then_with(|| {
                let next = |part: &Self| {
                    part.text
                        .get(common)
                        .copied()
                        .or_else(|| part.is_path.then_some(b'/'))
                };
                next(self).cmp(&next(other))
            })
        })
    }
}

impl PartialOrd for Part<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Parts<'a> {
    rest: Option<&'a [u8]>,
    is_directory: bool,
}

impl<'a> Parts<'a> {
    fn new((name, is_directory): (&'a [u8], bool)) -> Self {
        Self {
            rest: Some(name),
            is_directory,
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let rest = self.rest?;
        if let Some(slash) = rest.iter().position(|&byte| byte == b'/') {
            self.rest = Some(&rest[slash + 1..]);
            return Some(Part {
                is_path: true,
                text: &rest[..slash],
            });
        }
        self.rest = None;
        Some(if self.is_directory && rest == b"." {
            Part::END
        } else {
            Part {
                is_path: self.is_directory,
                text: rest,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn files_stand_before_folders_and_folders_before_their_content() {
        // Observed with rsync 3.5.0: `rsync -r --list-only` of such a tree.
        let sorted: [(&str, bool); 10] = [
            (".", true),
            ("a.b", false),
            ("b", false),
            ("z", false),
            ("a", true),
            ("a/x", false),
            ("a/b", true),
            ("a/b/c", false),
            ("a-", true),
            ("a0", true),
        ];
        // `a/` stands behind `a-`, since the slash counts.
        let expected = [".", "a.b", "b", "z", "a-", "a", "a/x", "a/b", "a/b/c", "a0"];
        let mut names = sorted;
        names.sort_by(|left, right| compare((left.0.as_bytes(), left.1), (right.0.as_bytes(), right.1)));
        assert_eq!(names.map(|(name, _)| name), expected);
    }
}
