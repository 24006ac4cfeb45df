//! What the pages foretell, met by the probe.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::causes;
use crate::support::threads::at_once;
use crate::{
    pages::check,
    proofs::{run_of, session},
    support::{
        daemon::installed,
        examples::{ExampleCase, PageFile, pages_of_files},
        stage::release_for_root,
        symptom::{foretold, is_end},
    },
};

/// The probe carries a command line of rsync's out, and knows the daemon's configuration.
fn by_probe(words: &[String], password: Option<&str>, configuration: &Path) -> Output {
    let line = shell_words::join(std::iter::once(&"rsync".to_owned()).chain(words));
    let mut command = Command::new("timeout");
    command
        .args([
            "--signal=KILL",
            "60",
            env!("CARGO_BIN_EXE_rsyncctl"),
            "probe",
            "--json",
            "--really",
            "--timeout=20",
        ])
        .args(["--reproduce", &line, "--host", "live", "--config"])
        .arg(configuration)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null());
    match password {
        Some(password) => command.env("RSYNC_PASSWORD", password),
        None => command.env_remove("RSYNC_PASSWORD"),
    };
    command.output().expect("timeout and the probe run")
}

/// What came of an example.
struct Met {
    name: String,
    codes: Vec<u8>,
    ours: Option<i32>,
    is_same: bool,
    /// The place of the page among the causes; none where nothing fails.
    place: Option<Option<usize>>,
}

#[test]
fn the_probe_meets_what_the_pages_foretell() {
    let Some(release) = release_for_root() else { return };
    let pages = pages_of_files();
    let cases: Vec<_> = pages
        .iter()
        .flat_map(|page| page.cases.iter().map(move |case| (page, case)))
        .filter(|(_, case)| case.is_bad() && case.is_for(release))
        .collect();
    let all = at_once(4, &cases, |(page, case)| meet(page, case));
    let mut all: Vec<_> = all.into_iter().flatten().collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for met in &all {
        let place = match met.place {
            None => "nothing fails".to_owned(),
            Some(None) => "not named".to_owned(),
            Some(Some(place)) => format!("cause {}", place + 1),
        };
        println!("{:40} {:?} {:?} {place}", met.name, met.codes, met.ours);
    }
    let failing: Vec<_> = all.iter().filter_map(|met| met.place).collect();
    let within = |most| {
        failing
            .iter()
            .filter(|place| place.is_some_and(|place| place < most))
            .count()
    };
    let same = all.iter().filter(|met| met.is_same).count();
    println!(
        "probe: {same} of {} examples end as foretold; of {} that fail the page is the first cause in {}, among three in {}",
        all.len(),
        failing.len(),
        within(1),
        within(3)
    );
    assert_eq!(same, all.len());
    assert!(within(1) * 10 >= failing.len() * 8 && within(3) * 10 >= failing.len() * 9);
}

fn meet(page: &PageFile, case: &ExampleCase) -> Option<Met> {
    let proof = page.page.proof.as_ref()?;
    let verb = run_of(proof, case).split(' ').next()?;
    if page.page.unproven.is_some() || !matches!(verb, "list" | "pull" | "push") {
        return None;
    }
    let release = installed().ok()?;
    let report = check(page, case)?;
    let own = report
        .findings
        .iter()
        .filter(|finding| finding.page.id == page.page.id);
    let codes: Vec<u8> = own
        .flat_map(|finding| foretold(finding, release))
        .flat_map(|alternatives| alternatives.into_iter().map(|symptom| symptom.exit))
        .collect();
    if codes.is_empty() {
        return None;
    }
    let (output, _) = session(proof, case, by_probe);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let place = output.status.code().filter(|code| *code != 0).map(|_| {
        let causes = causes(&report);
        causes.iter().position(|cause| *cause == page.page.id)
    });
    Some(Met {
        name: format!("{} {}", page.page.id, case.role),
        // The server's last word races a reset.
        is_same: codes
            .iter()
            .any(|code| is_end(&output, *code) || (*code == 4 && is_end(&output, 10))),
        codes,
        ours: output.status.code(),
        place,
    })
}
