//! A mistake in a page of `rules/` or in `rules/parameters.toml` stops the build with its file and line.

use std::{fs, path::Path};

use crate::support::{
    check::Place,
    page::{Page, ParameterTable, Parts, split},
};

const PAGE: &str = "RSY301-strangers-admitted";

#[test]
fn every_mistake_of_a_page_has_its_line() {
    let sound = read(&format!("rules/{PAGE}.md"));
    assert_eq!(check(&sound), Ok(()));
    let mistakes: &[(&str, &str, &str)] = &[
        ("+++\n", "+++ \n", "a page begins with a line `+++`"),
        (
            "severity = \"warning\"",
            "severty = \"warning\"",
            "unknown field `severty`",
        ),
        (
            "severity = \"warning\"",
            "severity = \"wrong\"",
            "unknown variant `wrong`",
        ),
        (
            "severity = \"warning\"",
            "severity = ",
            "string values must be quoted",
        ),
        (
            "name = \"strangers-admitted\"",
            "name = \"strangers\"",
            "the file must be named RSY301-strangers.md",
        ),
        (
            "fix = \"unsafe\"",
            "fix = \"unsafe\"\nrelated = [\"RSY999\"]",
            "`RSY999` is no page",
        ),
        (
            "fix = \"unsafe\"",
            "fix = \"unsafe\"\nsince = \"3.5\"",
            "`3.5` is not a release such as 3.5.0",
        ),
        ("[en]\nsummary", "[en]\nlabel2", "unknown field `label2`"),
        (
            "variants = [\"list\", \"zero\"]",
            "variants = [\"list\", \"nil\"]",
            "the page has no variant `nil`",
        ),
        (
            "zh.label = \"只有 IPv4\"",
            "zh.label = \"{deny}\"",
            "the Chinese `label` has {\"deny\"}, the English {}",
        ),
        ("zh.label = \"只有 IPv4\"\n", "", "`label` is in English alone"),
        ("[proof]\ntree", "[prof]\ntree", "unknown field `prof`"),
    ];
    for (from, to, message) in mistakes {
        assert!(sound.contains(from), "{from}");
        let broken = sound.replacen(from, to, 1);
        let error = check(&broken).expect_err(message);
        let line = error
            .strip_prefix(&format!("rules/{PAGE}.md:"))
            .and_then(|rest| rest.split_once(": "))
            .filter(|(_, text)| text.starts_with(message))
            .and_then(|(line, _)| line.parse::<usize>().ok());
        let line = line.unwrap_or_else(|| panic!("{message}: {error}"));
        assert!(line.abs_diff(line_of(&sound, from)) <= 1, "{message}: {error}");
    }
}

#[test]
fn what_is_missing_is_told_at_its_table() {
    let sound = read(&format!("rules/{PAGE}.md"));
    let summary = sound.find("summary = ").expect("a summary");
    let end = summary + sound[summary..].find('\n').expect("a line") + 1;
    let broken = format!("{}{}", &sound[..summary], &sound[end..]);
    let line = line_of(&sound, "[en]");
    assert_eq!(
        check(&broken),
        Err(format!("rules/{PAGE}.md:{line}: [en] has no `summary`"))
    );
    let open = sound.replacen("\n+++\n", "\n", 1);
    assert_eq!(
        check(&open),
        Err(format!(
            "rules/{PAGE}.md:1: the front matter has no closing line `+++`"
        ))
    );
    let (front, proof) = sound.split_once("[proof]").expect("a proof");
    let (_, body) = proof.split_once("+++\n").expect("a body");
    let broken = format!("{front}+++\n{body}");
    let line = line_of(&sound, "[[symptom]]");
    assert_eq!(
        check(&broken),
        Err(format!(
            "rules/{PAGE}.md:{line}: a page with a symptom needs `[proof]` or `unproven`"
        ))
    );
}

#[test]
fn every_mistake_of_the_parameters_has_its_line() {
    let sound = read("rules/parameters.toml");
    assert_eq!(check_parameters(&sound), Ok(()));
    let mistakes = [
        (
            "name = \"auth users\"",
            "name = \"auth  users\"",
            "`auth  users` is not made of small letters",
        ),
        (
            "name = \"auth users\"",
            "name = \"\"",
            "`` is not made of small letters",
        ),
        (
            "name = \"auth users\"",
            "name = \"auth digest\"",
            "`auth digest` stands here twice",
        ),
        ("name = \"auth users\"", "name = 5", "invalid type: integer"),
        (
            "means = \"hosts allow\"",
            "means = \"host allow\"",
            "`host allow` is no parameter",
        ),
        (
            "since = \"3.5.0\"",
            "since = \"3.5.x\"",
            "`3.5.x` is not a release such as 3.5.0",
        ),
    ];
    for (from, to, message) in mistakes {
        assert!(sound.contains(from), "{from}");
        let error = check_parameters(&sound.replacen(from, to, 1)).expect_err(message);
        let expected = format!("rules/parameters.toml:{}: {message}", line_of(&sound, from));
        assert!(error.starts_with(&expected), "{expected}, not {error}");
    }
}

#[test]
fn an_id_is_of_one_page() {
    let sound = read(&format!("rules/{PAGE}.md"));
    let error = check_among(&sound, &["RSY301", "RSY302", "RSY301"]).expect_err("an id twice");
    let expected = format!("rules/{PAGE}.md:2: `RSY301` is the id of another page too");
    assert!(error.starts_with(&expected), "{error}");
}

fn check(text: &str) -> Result<(), String> {
    check_among(text, &["RSY301"])
}

fn check_among(text: &str, identifiers: &[&str]) -> Result<(), String> {
    let file = format!("rules/{PAGE}.md");
    let parts = split(text).map_err(|(line, error)| format!("{file}:{line}: {error}"))?;
    let place = Place::new(&file, &parts);
    let page: Page = place.front_matter()?;
    let identifiers: Vec<_> = identifiers.iter().map(ToString::to_string).collect();
    place.check_page(&page, &identifiers)
}

fn check_parameters(text: &str) -> Result<(), String> {
    let place = Place::new("rules/parameters.toml", &Parts::toml(text));
    let table: ParameterTable = place.front_matter()?;
    place.check_parameters(&table)
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of ours")
}

/// The line on which a text first begins.
fn line_of(text: &str, part: &str) -> usize {
    let at = text.find(part).expect("it is there");
    text[..at].matches('\n').count() + 1
}
