//! Each error that the tutorials print, and which instrument finds it by which rule.

use std::path::Path;

use rsyncctl::explain::{Known, explain};
use serde::Deserialize;

use crate::{doctor, probe};

#[derive(Deserialize)]
struct Table {
    error: Vec<Error>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Error {
    text: String,
    /// The rule that `explain` must put first.
    explain: String,
    /// The rules by which `lint` finds the cause in a file.
    #[serde(default)]
    lint: Vec<String>,
    /// Why no file shows it.
    not: Option<String>,
    /// The situation in which the doctor finds it.
    doctor: Option<String>,
    /// The situation in which the probe finds it.
    probe: Option<String>,
    /// Why one of them does not.
    neither: Option<String>,
}

#[test]
fn every_error_of_the_tutorials_is_found() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/errors/tutorials.toml");
    let table: Table = toml::from_str(&std::fs::read_to_string(file).expect("the table")).expect("a table");
    let mut missing = Vec::new();
    println!("{:60} {:8} {:8} {:8} lint", "error", "explain", "doctor", "probe");
    for error in &table.error {
        let text = error.text.trim();
        let line = text
            .lines()
            .find(|line| line.contains("rsync:") || line.contains("ERROR"))
            .or_else(|| text.lines().next())
            .unwrap_or_default();
        let explanation = explain(text.as_bytes(), &Known::default()).expect("a text in memory");
        let first = explanation
            .incidents
            .first()
            .and_then(|incident| incident.causes.first());
        let found = first.map_or("missing", |cause| cause.page.id);
        let lint = match (&error.lint[..], &error.not) {
            ([], Some(why)) => format!("not applicable: {why}"),
            (rules, None) if !rules.is_empty() => rules.join(", "),
            _ => "missing".to_owned(),
        };
        let of_doctor = error
            .doctor
            .as_deref()
            .map(|name| (name, doctor::situations::rule_of(name)));
        let of_probe = error
            .probe
            .as_deref()
            .map(|name| (name, probe::situations::page_of(name)));
        let [doctor, probe] = [of_doctor, of_probe].map(|proof| match proof {
            Some((_, Some(rule))) => rule,
            Some((name, None)) => {
                missing.push(format!(
                    "{line}: there is no situation `{name}` in which it is told"
                ));
                "missing".to_owned()
            }
            None if error.neither.is_some() => "-".to_owned(),
            None => {
                missing.push(format!("{line}: neither a situation nor why there is none"));
                "missing".to_owned()
            }
        });
        println!("{:60.60} {found:8} {doctor:8} {probe:8} {lint}", line.trim());
        if let Some(why) = &error.neither {
            println!("{:60} -: {why}", "");
        }
        if found != error.explain || lint == "missing" {
            missing.push(format!(
                "{line}: {found} comes first, {} is expected; lint: {lint}",
                error.explain
            ));
        }
        // Both instruments must speak of the same causes.
        let candidates = explanation.incidents.iter().flat_map(|incident| &incident.causes);
        let candidates: Vec<_> = candidates.map(|cause| cause.page.id).collect();
        let others = error
            .lint
            .iter()
            .filter(|rule| !candidates.contains(&rule.as_str()));
        missing.extend(others.map(|rule| format!("{line}: {rule} is no candidate of explain")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
