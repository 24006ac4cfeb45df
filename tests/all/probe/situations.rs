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

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use self::engine::{Met, Situation};
use crate::support::{daemon::has_rsync, skip, stage::is_root};

/// Situations that the probe is known not to tell: four of five causes of one hang-up cannot be among three, one is in
/// the daemon's environment, a mode in the configuration foretells no line, and a reset is told as a hang-up.
const KNOWN: [&str; 5] = [
    "a hook's variable holds a semicolon",
    "the connection ends before the module's answer",
    "the server may not use the checksum that is asked for",
    "folders come in without the right to enter them",
    "the connection is reset in place of the greeting",
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
    let met = meet_all(&all);
    let mut wrong = Vec::new();
    let (mut judged, mut ordinary) = (0, 0);
    for (situation, met) in all.iter().zip(&met) {
        let Some(met) = met else { continue };
        judged += 1;
        ordinary += usize::from(!situation.needs_space());
        let faults = met.faults(situation);
        let is_known = KNOWN.contains(&situation.name);
        println!("{}", row(situation, met, faults.is_empty()));
        if faults.is_empty() == is_known {
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

/// Meets the situations, some at a time; none for one that this machine cannot have.
fn meet_all(all: &[&'static Situation]) -> Vec<Option<Met>> {
    let next = AtomicUsize::new(0);
    let met = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(situation) = all.get(number) else { break };
                    let one = match situation.unmet() {
                        None => Some(situation.meet()),
                        Some(reason) => {
                            skip(&format!("{}: {reason}", situation.name));
                            None
                        }
                    };
                    met.lock().expect("no panic").push((number, one));
                }
            });
        }
    });
    let mut met = met.into_inner().expect("no panic");
    met.sort_by_key(|(number, _)| *number);
    met.into_iter().map(|(_, one)| one).collect()
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
