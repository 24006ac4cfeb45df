//! No report shows a password, or a part of one.

use rsyncctl::{
    catalog::Language,
    lint::Report,
    render::{self, Format, Style},
};

use crate::{pages::check, support::examples::pages_of_files};

/// Every password of the examples holds one of these.
const PARTS: [&str; 2] = ["not-a-real", "hush"];

#[test]
fn no_format_shows_a_password() {
    let mut masked = 0;
    for page in pages_of_files() {
        for case in &page.cases {
            let Some(report) = check(&page, case) else {
                continue;
            };
            for text in every_format(&report) {
                for part in PARTS {
                    assert!(!text.contains(part), "{} {}:\n{text}", page.page.id, case.role);
                }
                masked += usize::from(text.contains("****"));
            }
        }
    }
    assert!(masked > 0, "no report shows a line of a secrets file at all");
}

fn every_format(report: &Report) -> Vec<String> {
    let mut texts = Vec::new();
    for format in [Format::Concise, Format::Human, Format::Json] {
        for language in [Language::English, Language::Chinese] {
            let style = Style {
                language,
                color: false,
                unicode: true,
                width: 100,
                limit: 0,
            };
            let mut bytes = Vec::new();
            render::report(format, report, style, &mut bytes).expect("written to memory");
            texts.push(String::from_utf8(bytes).expect("text"));
        }
    }
    texts
}
