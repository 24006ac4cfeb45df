//! What new things may have where their folder says it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{Stage, some_files};
use crate::support::{daemon::has_rsync, skip};

/// What new things may have is said by the default ACL of their folder, not by the umask.
#[test]
fn a_default_acl_decides_what_new_things_may_have() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let deep = stage.source().join("deep/er");
    fs::create_dir_all(&deep).expect("folders");
    fs::write(deep.join("file"), "text").expect("a file");
    fs::set_permissions(&deep, fs::Permissions::from_mode(0o2775)).expect("a mode");
    // Owner, somebody, the group, the mask, others.
    let acl = |somebody: Option<u16>, group: u16, mask: Option<u16>, others: u16| {
        let entries = [
            (1_u16, u32::MAX, Some(7)),
            (2, 7, somebody),
            (4, u32::MAX, Some(group)),
            (16, u32::MAX, mask),
            (32, u32::MAX, Some(others)),
        ];
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for (tag, id, permissions) in entries {
            if let Some(permissions) = permissions {
                bytes.extend(tag.to_le_bytes());
                bytes.extend(permissions.to_le_bytes());
                bytes.extend(id.to_le_bytes());
            }
        }
        bytes
    };
    let acls = [
        acl(None, 0, None, 0),
        acl(None, 7, None, 7),
        acl(Some(7), 5, Some(7), 0),
    ];
    let probe = tempfile::tempdir().expect("a folder");
    if xattr::set(probe.path(), "system.posix_acl_default", &acls[0]).is_err() {
        skip("the file system has no ACLs");
        return;
    }
    let mut differences = Vec::new();
    for acl in &acls {
        for line in [
            "-r {url}/data/src/ dst/",
            "-rt {url}/data/src/ dst/new/",
            "-t {url}/data/src/f1 dst/f",
            "-rE {url}/data/src/ dst",
            "-r --inplace {url}/data/src/ dst/",
            "-rt --delay-updates {url}/data/src/ dst/",
            "-rt --copy-dest=../same {url}/data/src/ dst/",
            "-rR {url}/data/src/./deep/er/file dst/",
            "-rp {url}/data/src/ dst/",
        ] {
            let words: Vec<_> = line.split(' ').collect();
            let compared = stage.compare(&words, |folder| {
                some_files(&folder.join("same"));
                let target = folder.join("dst");
                fs::create_dir(&target).expect("a folder");
                xattr::set(&target, "system.posix_acl_default", acl).expect("an ACL");
            });
            differences.extend(compared.err());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
