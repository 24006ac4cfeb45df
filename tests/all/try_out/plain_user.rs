//! What a plain user's trial cannot show of a daemon that root starts.

use nix::unistd::{User, geteuid};

use super::{has_rsync, is_root, skip, stage, stderr, stdout, unprivileged, write};

#[test]
fn a_secrets_file_of_root_is_not_held_against_the_configuration() {
    if !has_rsync() {
        return;
    }
    if !is_root() {
        skip("a file of root needs root");
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\nuse chroot = no\n[closed]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/secrets\n",
    );
    let output = unprivileged(&folder, &["try", "rsyncd.conf"]);
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(3), "{told}{}", stderr(&output));
    assert!(
        told.starts_with("rsyncd.conf: of 1 module, 1 is not tried"),
        "{told}"
    );
    assert!(told.contains("`nobody` may not read the secrets file"), "{told}");
    assert!(!told.contains("RSY815"), "{told}");
    assert!(
        told.ends_with("type next: sudo rsyncctl try rsyncd.conf\n"),
        "{told}"
    );
}

#[test]
fn a_plain_user_is_told_what_differs() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    let root = folder.path();
    write(
        root,
        "rsyncd.conf",
        "reverse lookup = no\nuse chroot = no\n[open]\npath = $ROOT/files\n[root]\npath = $ROOT/files\nuid = root\ngid = root\n",
    );
    let output = unprivileged(&folder, &["try", "rsyncd.conf"]);
    let told = stdout(&output);
    let account = if is_root() { "nobody".to_owned() } else { name() };
    assert_eq!(output.status.code(), Some(1), "{told}{}", stderr(&output));
    assert!(
        told.contains(&format!("the daemon ran as `{account}`, not as root")),
        "{told}"
    );
    assert!(told.contains("✓ open   may pull (2 files came)"), "{told}");
    assert!(told.contains("✗ root   fails, code 5"), "{told}");
}

fn name() -> String {
    let user = User::from_uid(geteuid()).expect("users").expect("a user");
    user.name
}

#[test]
fn what_only_root_can_do_is_to_be_tried_as_root() {
    if !has_rsync() {
        return;
    }
    let folder = stage("");
    write(
        folder.path(),
        "rsyncd.conf",
        "reverse lookup = no\n[jail]\npath = $ROOT/files\nuse chroot = yes\n",
    );
    let told = stdout(&unprivileged(&folder, &["try", "rsyncd.conf"]));
    let first = "rsyncd.conf: [jail] fails, code 5: module `jail` demands chroot, which only a daemon that runs as root can do (RSY409)\n";
    assert!(told.starts_with(first), "{told}");
    assert!(
        told.ends_with("type next: sudo rsyncctl try rsyncd.conf\n"),
        "{told}"
    );
}
