use std::fs;

use super::{DEFAULT, Handle, of_kernel, to_kernel};
use crate::rsync::{
    proto::{
        Input,
        file_list::{Acl, AclWriter, Fields, FileList, Grant, ListReader, Xattr, XattrValue, XattrWriter},
    },
    tree::{Attributes, Chosen, Extended, Tree},
};

fn acl() -> Acl {
    let grant = |is_user, id, permissions| Grant {
        is_user,
        id,
        permissions,
    };
    Acl {
        user: Some(6),
        group: Some(4),
        mask: Some(5),
        other: Some(0),
        named: vec![grant(true, 4242, 7), grant(false, 77, 5)],
    }
}

#[test]
fn an_acl_keeps_the_form_of_the_kernel() {
    assert_eq!(of_kernel(&to_kernel(&acl())), Some(acl()));
    assert_eq!(of_kernel(&[1, 0, 0, 0]), None);
    assert_eq!(of_kernel(&[]), None);
}

#[test]
fn what_cannot_be_set_keeps_nothing_else_from_being_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    fs::write(&path, "x").expect("a file");
    if xattr::set(&path, "user.old", b"x").is_err() {
        return;
    }
    let mut tree = Tree::open(folder.path()).expect("a tree");
    // No file system takes the first one.
    let xattrs = vec![
        (b"user.a"[..].into(), Some(vec![7; 70_000])),
        (b"user.b"[..].into(), Some(b"short".to_vec())),
    ];
    let attributes = Attributes {
        permissions: Some(0o640),
        mtime: Some((1_000_000_000, 0)),
        extended: Extended {
            xattrs: Some(xattrs),
            ..Extended::default()
        },
        ..Attributes::default()
    };
    let now = tree.status(b"f").expect("it is there").expect("a file");
    let open = fs::File::open(&path).expect("a file");
    for applied in [
        tree.apply(b"f", &attributes, &now),
        attributes.apply_to(&open, &now),
    ] {
        let texts: Vec<_> = applied
            .iter()
            .map(|unset| unset.text("generator", "f", "f"))
            .collect();
        assert_eq!(texts.len(), 1, "{texts:?}");
        let start = "rsync: [receiver] rsync_xal_set: fsetxattr(f,\"user.a\") failed: ";
        assert!(texts[0].starts_with(start), "{texts:?}");
        let names: Vec<_> = xattr::list(&path).expect("names").collect();
        assert_eq!(names, ["user.b"]);
        let set = tree.status(b"f").expect("it is there").expect("a file");
        assert_eq!((set.mode & 0o7777, set.mtime), (0o640, 1_000_000_000));
    }
}

#[test]
fn what_is_read_of_a_file_comes_back_from_a_list() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("f"), "x").expect("a file");
    fs::create_dir(folder.path().join("d")).expect("a folder");
    let mut tree = Tree::open(folder.path()).expect("a tree");
    let long = vec![7; 300];
    let xattrs = || {
        let short = (b"user.a"[..].into(), Some(b"short".to_vec()));
        Some(vec![short, (b"user.b"[..].into(), Some(long.clone()))])
    };
    let (access, default) = (acl(), acl());
    for name in [&b"f"[..], b"d"] {
        let wanted = Extended {
            xattrs: xattrs(),
            acl: Some(&access),
            default_acl: (name == b"d").then_some(&default),
            chosen: Chosen::OfUsers,
        };
        let there = tree.handle(name).expect("a handle");
        if let Some(unset) = there.apply(&wanted, 0o650, 0).first() {
            // A file system without them says so.
            let text = unset.text("", "", "");
            assert!(text.ends_with("Operation not supported (95)"), "{text}");
            return;
        }
    }
    // Once more, as a sender does.
    let file = fs::File::open(folder.path().join("f")).expect("a file");
    let folder = fs::File::open(folder.path().join("d")).expect("a folder");
    let (mut acls, mut defaults, mut sets) =
        (AclWriter::default(), AclWriter::default(), XattrWriter::default());
    let mut written = Vec::new();
    for (name, mode, handle) in [
        (b'd', 0o40_650_u32, Handle::of_file(&folder)),
        (b'f', 0o100_650, Handle::of_file(&file)),
    ] {
        // A name of a byte, no length, no time, and the mode.
        written.extend([4, 1, name, 0, 0, 0, 0, 0, 0, 0]);
        written.extend(mode.to_le_bytes());
        acls.write(
            handle.acl(mode).expect("an ACL").condensed(mode),
            &mut |_| None,
            &mut written,
        );
        if name == b'd' {
            defaults.write(handle.default_acl().expect("an ACL"), &mut |_| None, &mut written);
        }
        let attributes = handle.xattrs(|name| Chosen::All.takes(name)).expect("attributes");
        let of_users = attributes
            .into_iter()
            .filter(|(name, _)| name.starts_with(b"user."))
            .map(|(name, value)| (name, XattrValue::listed(&value)));
        sets.write(&Xattr::listed(of_users.collect()), &mut written);
    }
    let fields = Fields {
        protocol: 32,
        varint_flags: true,
        acls: true,
        xattrs: true,
        ..Fields::default()
    };
    let (mut reader, mut list, mut input) =
        (ListReader::new(fields), FileList::default(), Input::new(&written));
    for _ in 0..2 {
        reader.read(0, &mut input, &mut list).expect("an entry");
    }
    assert!(input.rest().is_empty());
    for entry in list.entries() {
        let read = list.acl(entry).expect("an ACL");
        assert_eq!(read.whole(entry.mode), acl());
        assert_eq!(list.default_acl(entry), entry.is_directory().then_some(&default));
        let names: Vec<_> = list
            .xattrs(entry)
            .iter()
            .map(|attribute| &*attribute.name)
            .collect();
        assert_eq!(names, [b"user.a", b"user.b"]);
    }
    // Nothing of it is to be there any more.
    let nothing = Acl::NONE;
    let wanted = Extended {
        xattrs: Some(Vec::new()),
        acl: Some(&nothing),
        default_acl: Some(&nothing),
        chosen: Chosen::OfUsers,
    };
    let there = tree.handle(b"d").expect("a handle");
    assert!(there.apply(&wanted, 0o650, 0).is_empty());
    assert_eq!(there.get(DEFAULT).expect("an answer"), None);
    assert_eq!(there.acl(0o650).expect("an ACL"), nothing.whole(0o650));
    assert_eq!(
        there.names(|name| Chosen::OfUsers.takes(name)).expect("names"),
        Vec::<Vec<u8>>::new()
    );
}
