//! ACLs and extended attributes of what is sent: what stands in the list, and the long values that the server asks for.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
    io,
    sync::Arc,
};

use crate::rsync::{
    filter::{FilterList, Side, Verdict},
    proto::{
        ItemFlags, Record, Session, Violation,
        file_list::{Acl, Entry, Extra, FileKind, FileList, Xattr, XattrValue, end_values, write_value},
    },
    transfer::{
        Options,
        extended::{ValueKey, long_value, read_attributes},
        text::{describe, shown},
    },
    tree::{Chosen, Handle, Status, Tree, is_private},
};

/// Things that many files have in common, each kept once, and numbered.
#[derive(Debug)]
struct Shared<T>(HashMap<Arc<T>, u32>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Eq + Hash> Shared<T> {
    fn share(&mut self, new: T) -> (u32, Arc<T>) {
        if let Some((kept, &number)) = self.0.get_key_value(&new) {
            return (number, kept.clone());
        }
        let number = u32::try_from(self.0.len()).expect("a list holds fewer");
        let kept = Arc::new(new);
        self.0.insert(kept.clone(), number);
        (number, kept)
    }
}

/// Reads what files have (`get_acl` in acls.c and `get_xattr` in xattrs.c).
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    acls: Shared<Acl>,
    xattrs: Shared<Vec<Xattr>>,
}

impl Gatherer {
    /// Reads what the options ask for, of a name in a tree that is shown as a place.
    ///
    /// # Errors
    ///
    /// What failed, as rsync says it.
    pub(super) fn gather(
        &mut self,
        options: &Options,
        (tree, name): (&mut Tree, &[u8]),
        place: &str,
        status: &Status,
        rules: &FilterList,
        extra: &mut Extra,
    ) -> Result<(), String> {
        let kind = status.kind();
        let is_kept = match kind {
            FileKind::Regular | FileKind::Directory => true,
            FileKind::Symlink => options.links,
            FileKind::Device => options.devices,
            FileKind::Special => options.specials,
            FileKind::Missing => false,
        };
        if options.acls && is_kept && kind != FileKind::Symlink {
            let fail = |of: &str, error: &io::Error| {
                let (name, why) = (shown(name), describe(error));
                format!("get_acl: sys_acl_get_file({name}, ACL_TYPE_{of}): {why}")
            };
            let there = tree.followed_handle(name);
            let there = there.map_err(|error| fail("ACCESS", &error))?;
            let acl = there.acl(status.mode).map_err(|error| fail("ACCESS", &error))?;
            extra.acl = (!acl.is_trivial()).then(|| self.acls.share(acl).1);
            if kind == FileKind::Directory {
                let acl = there.default_acl().map_err(|error| fail("DEFAULT", &error))?;
                extra.default_acl = (acl != Acl::NONE).then(|| self.acls.share(acl).1);
            }
        }
        if options.xattrs && is_kept {
            // rsync follows no symlink here, whatever it sends in the place of one.
            let there = tree.handle(name);
            let attributes = there
                .map_err(|error| ("get_xattr_names: llistxattr({},1024)".to_owned(), error))
                .and_then(|there| attributes(&there, options.private_xattrs, rules))
                .map_err(|(call, error)| {
                    let place = format!("\"{place}\"");
                    format!("{} failed: {}", call.replace("{}", &place), describe(&error))
                })?;
            extra.xattrs = (!attributes.is_empty()).then(|| self.xattrs.share(attributes));
        }
        Ok(())
    }
}

/// What stands in the list of the attributes of a file: a sender leaves only those of the system and rsync's own out,
/// whoever it is; where rules speak of attributes, what they hide in the place of those of the system. Or the call that
/// failed, with the place in `{}`.
fn attributes(
    there: &Handle<'_>,
    sends_private: bool,
    rules: &FilterList,
) -> Result<Vec<Xattr>, (String, io::Error)> {
    let is_chosen = |name: &[u8]| match rules.has_xattr_rules() {
        true => rules.check_xattr(name, Side::Sender) != Verdict::Excluded,
        false => Chosen::All.takes(name),
    };
    let attributes = read_attributes(there, |name| {
        is_chosen(name) && (sends_private || !is_private(name))
    })?;
    let listed = attributes.into_iter();
    Ok(Xattr::listed(
        listed
            .map(|(name, value)| (name, XattrValue::listed(&value)))
            .collect(),
    ))
}

/// The long values of extended attributes that a receiving server asked for (`recv_xattr_request` and
/// `send_xattr_request` in xattrs.c).
#[derive(Debug, Default)]
pub(crate) struct AskedValues {
    /// All of them: each is asked for once, also where several files have it.
    known: HashSet<ValueKey>,
    /// Those that were not sent.
    due: BTreeSet<ValueKey>,
}

impl AskedValues {
    /// Whether the numbers of values stand behind a record, and they themselves behind the answer.
    pub(crate) const fn follow(session: &Session, options: &Options, record: &Record) -> bool {
        let is_of_link = record.flags.has(ItemFlags::NAME) && record.flags.has(ItemFlags::LOCAL_CHANGE);
        let is_short = session.protocol >= 31 && !session.compatibility.avoids_attribute_shortcut();
        options.xattrs && !options.dry_run && record.flags.has(ItemFlags::XATTR) && !(is_short && is_of_link)
    }

    /// The server wants those of a file.
    ///
    /// # Errors
    ///
    /// A number of no long value, or of one that was asked for.
    pub(crate) fn ask(&mut self, list: &FileList, entry: &Entry, numbers: &[i32]) -> Result<(), Violation> {
        for &number in numbers {
            let key = long_value(list, entry, number)?;
            if !self.known.insert(key) {
                let attribute = list.xattrs(entry).iter().find(|one| one.number == number);
                return Err(Violation::XattrTwice {
                    name: shown(list.name(entry)),
                    attribute: attribute.map_or_else(String::new, |attribute| shown(&attribute.name)),
                    length: attribute.map_or(0, |attribute| attribute.value.length()),
                });
            }
            self.due.insert(key);
        }
        Ok(())
    }

    /// Writes those that are due of the attributes of a file, read anew; the names of those that cannot be read, which are
    /// sent without anything in them.
    pub(crate) fn write(
        &mut self,
        list: &FileList,
        entry: &Entry,
        tree: io::Result<(&mut Tree, &[u8])>,
        to: &mut Vec<u8>,
    ) -> Vec<String> {
        let (mut last, mut unread) = (0, Vec::new());
        let mut tree = tree.ok();
        let set = list.xattr_set(entry);
        for attribute in list.xattrs(entry) {
            let number = attribute.number;
            if !set.is_some_and(|set| self.due.remove(&(set, number))) {
                continue;
            }
            let there = tree.as_mut().and_then(|(tree, name)| tree.handle(name).ok());
            let value = there.and_then(|there| there.get(&attribute.name).ok().flatten());
            if value.is_none() {
                unread.push(shown(&attribute.name));
            }
            write_value(number - last, value.as_deref().unwrap_or_default(), to);
            last = number;
        }
        end_values(to);
        unread
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc};

    use super::{AskedValues, Shared};
    use crate::rsync::{
        proto::{
            Violation,
            file_list::{Entry, Extra, FileList, Xattr, XattrValue},
        },
        tree::Tree,
    };

    /// Two files that share a set of a short and a long value, and one without.
    fn list() -> FileList {
        let attributes = Xattr::listed(vec![
            (b"user.a".to_vec(), XattrValue::listed(b"short")),
            (b"user.b".to_vec(), XattrValue::listed(&[7; 40])),
        ]);
        let set = Arc::new(attributes);
        let mut list = FileList::default();
        for (name, xattrs) in [("f", Some((0, set.clone()))), ("g", Some((0, set))), ("h", None)] {
            let mut entry = Entry::default();
            entry.mode = 0o100_644;
            let extra = Extra {
                xattrs,
                ..Extra::default()
            };
            assert!(list.push(name.as_bytes(), entry, extra));
        }
        list
    }

    #[test]
    fn only_long_values_may_be_asked_for_and_each_once() {
        let list = list();
        let [f, g, h] = [0, 1, 2].map(|place| list.entries()[place]);
        let mut asked = AskedValues::default();
        for (entry, number) in [(&f, 1), (&f, 3), (&f, 0), (&f, -2), (&h, 2)] {
            let refused = asked.ask(&list, entry, &[number]);
            assert!(
                matches!(refused, Err(Violation::XattrNumber { .. })),
                "{number}: {refused:?}"
            );
        }
        assert_eq!(asked.ask(&list, &f, &[2]), Ok(()));
        assert!(matches!(
            asked.ask(&list, &g, &[2]),
            Err(Violation::XattrTwice { .. })
        ));
        // What cannot be read is sent without anything in it, with the first file that has it.
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("g"), "x").expect("a file");
        let mut tree = Tree::open(folder.path()).expect("a tree");
        let mut sent = Vec::new();
        let unread = asked.write(&list, &g, Ok((&mut tree, b"g")), &mut sent);
        assert_eq!(unread, ["user.b"]);
        assert_eq!(sent, [2, 0, 0]);
        sent.clear();
        let unread = asked.write(&list, &f, Ok((&mut tree, b"f")), &mut sent);
        assert!(unread.is_empty());
        assert_eq!(sent, [0]);
    }

    #[test]
    fn what_is_equal_is_kept_once() {
        let mut shared = Shared::default();
        let (first, other) = (shared.share("a"), shared.share("b"));
        let again = shared.share("a");
        assert_eq!((first.0, other.0, again.0), (0, 1, 0));
        assert!(Arc::ptr_eq(&first.1, &again.1));
    }
}
