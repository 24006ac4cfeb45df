use std::collections::BTreeSet;

use super::{Bundle, Kind, MOST, MOST_OF_FILE, Reason, Secrets, inside, password_files, shown};
use crate::catalog::FileKind;

#[test]
fn a_bundle_has_its_bounds() {
    let mut bundle = Bundle {
        pieces: Vec::new(),
        left_out: BTreeSet::new(),
        secrets: Secrets::default(),
    };
    let large = "a line\n".repeat(MOST_OF_FILE / 7 + 10);
    bundle.add(Kind::Log, "log", Some("/var/log/x"), &large);
    let [log] = &bundle.pieces[..] else {
        panic!("{bundle:?}")
    };
    assert!(log.text.len() <= MOST_OF_FILE && log.text.starts_with("a line\n"));
    assert_eq!(log.cut + log.text.len(), large.len());
    for _ in 0..MOST / MOST_OF_FILE {
        bundle.add(Kind::Configuration, "configuration", Some("/etc/x"), &large);
    }
    bundle.add(
        Kind::Json,
        "report.json",
        None,
        &format!("[{}1]", "1,".repeat(4 << 20)),
    );
    let size: usize = bundle.pieces.iter().map(|piece| piece.text.len()).sum();
    assert!(size <= MOST, "{size}");
    let names: BTreeSet<_> = bundle.pieces.iter().map(|piece| &piece.name).collect();
    assert_eq!(names.len(), bundle.pieces.len());
    let reasons: Vec<_> = bundle.left_out.iter().map(|(_, reason)| reason).collect();
    assert_eq!(reasons, [&Reason::Full, &Reason::TooLarge]);
}

#[test]
fn paths_stay_inside() {
    assert_eq!(inside("/etc/../x/./a\nb"), "etc/x/a_b");
    assert_eq!(inside("journalctl -t rsyncd"), "journalctl -t rsyncd");
}

#[test]
fn what_lint_hides_is_hidden() {
    let told = shown(
        "x",
        "[a]\npath = /a\nauth users = joe:hush\n",
        FileKind::RsyncdConf,
    );
    assert!(told.contains("joe:****") && !told.contains("hush"), "{told}");
}

#[test]
fn password_files_of_sersync_are_known() {
    let files =
        password_files("<auth users=\"a\" passwordfile=\"/etc/a.pas\"/> <auth passwordfile=/etc/b />");
    assert_eq!(files, ["/etc/a.pas", "/etc/b"].map(std::path::PathBuf::from));
}
