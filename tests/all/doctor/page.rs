//! The page for browsers.

use std::fs;

use super::{
    can_serve,
    daemons::{Place, healthy},
};
use crate::support::program::program;

#[test]
fn a_page_shows_all_and_needs_nothing_else() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[
        healthy("data"),
        healthy("x<y&z"),
        format!(
            "{}auth users = joe\nsecrets file = FOLDER/secrets\n",
            healthy("gone")
        ),
    ]);
    fs::write(place.path().join("secrets"), "joe:not-a-secret-of-anybody\n").expect("a file");
    fs::remove_dir_all(place.path().join("gone")).expect("it goes");
    let _daemon = place.start();
    for (language, tag, head) in [("en", "en", "Type next"), ("zh", "zh-CN", "下一步")] {
        let words = [
            "doctor",
            "--config",
            "rsyncd.conf",
            "--html",
            "page.html",
            "--lang",
            language,
        ];
        let output = program(place.path(), &words).output().expect("it runs");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let page = fs::read_to_string(place.path().join("page.html")).expect("a page");
        assert!(
            page.starts_with(&format!("<!DOCTYPE html><html lang=\"{tag}\">")),
            "{page}"
        );
        for part in [
            head,
            "x&lt;y&amp;z",
            "RSY402",
            "<mark>",
            "viewport",
            "path = ",
            "data",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        for part in ["x<y", "not-a-secret-of-anybody", "://", "<script", "url("] {
            assert!(!page.contains(part), "{part}: {page}");
        }
    }
    let words = ["doctor", "--config", "rsyncd.conf", "--html", "none/page.html"];
    let output = program(place.path(), &words).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code() == Some(2) && said.contains("none/page.html"),
        "{said}"
    );
}
