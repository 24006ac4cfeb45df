//! What a plain user's trial cannot show of a daemon that root starts.

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
