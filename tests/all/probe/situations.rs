//! What breaks in the field, set up for real: the probe must end as rsync does, and tell the true cause.

mod access;
mod client;
mod cuts;
mod engine;
mod files;
mod network;
mod options;
mod services;
mod stage;
mod tamper;

use std::collections::BTreeSet;

use self::engine::{Met, Situation};
use crate::support::{daemon::has_rsync, skip, stage::is_root, threads::at_once};

/// Situations that the probe is known not to tell: of five causes of one hang-up three are named first, and a mode in the
/// configuration foretells no line.
const KNOWN: [&str; 3] = [
    "a hook's variable holds a semicolon",
    "the connection ends before the module's answer",
    "folders come in without the right to enter them",
];

#[test]
fn broken_situations_are_told() {
    if !is_root() {
        skip("the situations stage owners and modes, which needs root");
        return;
    }
    if !has_rsync() {
        return;
    }
    let all = situations();
    let names: BTreeSet<_> = all.iter().map(|situation| situation.name).collect();
    assert_eq!(names.len(), all.len(), "two situations have one name");
    assert!(KNOWN.iter().all(|known| names.contains(known)), "{KNOWN:?}");
    let met = at_once(6, &all, |situation| meet(situation));
    let mut wrong = Vec::new();
    let (mut judged, mut ordinary) = (0, 0);
    for (situation, met) in all.iter().zip(&met) {
        let Some(met) = met else { continue };
        judged += 1;
        ordinary += usize::from(!situation.needs_space());
        let faults = met.faults(situation);
        let is_known = KNOWN.contains(&situation.name);
        println!("{}", row(situation, met, faults.is_empty()));
        if !(faults.is_empty() || is_known) {
            wrong.push(format!(
                "{}: {:?}, and rsync ended with {:?}\n{}",
                situation.name, faults, met.codes, met.said
            ));
        }
    }
    println!(
        "{judged} of {} situations, {ordinary} of them without namespaces; wrong: {}",
        all.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(all.len() >= 80 && ordinary >= 40, "{}, {ordinary}", all.len());
}

/// The page that tells a situation; none if there is no such one, or the probe does not tell it.
pub(crate) fn page_of(name: &str) -> Option<String> {
    let found = situations().into_iter().find(|situation| situation.name == name);
    let page = found.filter(|_| !KNOWN.contains(&name))?.pages.first()?;
    Some((*page).to_owned())
}

fn situations() -> Vec<&'static Situation> {
    let kinds = [
        files::ALL,
        access::ALL,
        options::ALL,
        network::ALL,
        services::ALL,
        cuts::ALL,
        client::ALL,
    ];
    kinds.into_iter().flatten().collect()
}

/// Meets a situation; nothing comes of one that this machine cannot have.
fn meet(situation: &Situation) -> Option<Met> {
    if let Some(reason) = situation.unmet() {
        skip(&format!("{}: {reason}", situation.name));
        return None;
    }
    Some(situation.meet())
}

/// A line of the table: the situation, rsync's codes, ours, the first cause, the verdict.
fn row(situation: &Situation, met: &Met, is_right: bool) -> String {
    let codes =
        |codes: &mut dyn Iterator<Item = &i32>| codes.map(i32::to_string).collect::<Vec<_>>().join(",");
    let firsts = met
        .causes
        .iter()
        .map(|causes| causes.first().map_or("-", String::as_str));
    format!(
        "{:66} {:6} {:6} {:14} {}",
        situation.name,
        codes(&mut met.codes.iter()),
        codes(&mut met.ours.iter()),
        firsts.collect::<Vec<_>>().join(","),
        if is_right { "right" } else { "wrong" }
    )
}
