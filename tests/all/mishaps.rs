//! The corpus of real failures is what it says: each scenario fails in the way that its file names.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, panic,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::support::{
    daemon::installed,
    examples::pages,
    mishap::{Mishap, Need, Transcript, mishaps, run},
};

/// Most of a scenario's time is waiting, so there are more at a time than processors.
const AT_A_TIME: usize = 6;

#[test]
fn each_scenario_fails_as_its_file_says() {
    if let Err(reason) = installed() {
        println!("SKIPPED: {reason}");
        return;
    }
    let (mishaps, skipped) = possible(chosen());
    for (need, names) in &skipped {
        let reason = need.unmet().unwrap_or_default();
        println!("SKIPPED {} scenarios, {reason}: {}", names.len(), names.join(" "));
    }
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while let Some(mishap) = mishaps.get(next.fetch_add(1, Ordering::SeqCst)) {
                    if let Err(report) = proven(mishap) {
                        wrong.lock().expect("no panic").insert(report);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    let skipped: usize = skipped.values().map(Vec::len).sum();
    println!(
        "mishaps: {} real failures shown, {skipped} skipped, {} not as their files say",
        mishaps.len() - wrong.len(),
        wrong.len()
    );
    let reports: Vec<_> = wrong.into_iter().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}

#[test]
fn each_scenario_names_its_cause() {
    let rules: BTreeSet<_> = pages().into_iter().map(|file| file.page.id).collect();
    let mut titles = BTreeSet::new();
    for mishap in mishaps() {
        let Mishap {
            name, title, cause, ..
        } = &mishap;
        assert!(titles.insert(title.clone()), "`{title}` is told twice");
        let is_key = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(cause.split('-').all(is_key), "{name}: `{cause}` is no key");
        let known = mishap.rule.as_ref().is_none_or(|rule| rules.contains(rule));
        assert!(known, "{name}: `{:?}` is no rule", mishap.rule);
        let expects = mishap.client.is_some() || mishap.log.is_some();
        assert!(expects, "{name} expects nothing");
    }
}

/// All, or those with a word of `RSYNCCTL_MISHAP` in their names; their transcripts are printed.
fn chosen() -> Vec<Mishap> {
    let mut all = mishaps();
    if let Ok(words) = env::var("RSYNCCTL_MISHAP") {
        all.retain(|mishap| words.split_whitespace().any(|word| mishap.name.contains(word)));
    }
    all
}

/// Sets aside, by the first thing that is missing, what this machine cannot show.
fn possible(mishaps: Vec<Mishap>) -> (Vec<Mishap>, BTreeMap<Need, Vec<String>>) {
    let needed: BTreeSet<Need> = mishaps.iter().flat_map(|mishap| mishap.needs.clone()).collect();
    let unmet: BTreeSet<Need> = needed.into_iter().filter(|need| need.unmet().is_some()).collect();
    let mut skipped: BTreeMap<Need, Vec<String>> = BTreeMap::new();
    let mut possible = Vec::new();
    for mishap in mishaps {
        match mishap.needs.iter().find(|need| unmet.contains(need)) {
            Some(need) => skipped.entry(*need).or_default().push(mishap.name),
            None => possible.push(mishap),
        }
    }
    (possible, skipped)
}

fn proven(mishap: &Mishap) -> Result<(), String> {
    let Ok(transcript) = panic::catch_unwind(|| run(mishap)) else {
        return Err(format!("{}: could not be run", mishap.name));
    };
    let told = format!(
        "exit {}\n{}--- log\n{}",
        transcript.exit(),
        transcript.pasted(),
        transcript.log()
    );
    if env::var_os("RSYNCCTL_MISHAP").is_some() {
        println!("=== {}: {}\n{told}", mishap.name, mishap.title);
    }
    let wanted = [&mishap.client, &mishap.log];
    let seen = [&transcript.pasted(), transcript.log()];
    let lacks = wanted.into_iter().zip(seen).find_map(|(wanted, seen)| {
        let wanted = wanted.as_ref()?;
        (!seen.contains(wanted.as_str())).then_some(wanted)
    });
    if !is_end(mishap, &transcript) {
        return Err(format!("{} should end with {}: {told}", mishap.name, mishap.exit));
    }
    match lacks {
        Some(text) => Err(format!("{} should show `{text}`: {told}", mishap.name)),
        None => Ok(()),
    }
}

/// Whether the last command ended as it should. A daemon's last words can be overtaken by a reset, and a remote shell's
/// exit status by the end of its output.
fn is_end(mishap: &Mishap, transcript: &Transcript) -> bool {
    let text = transcript.pasted();
    let was_reset = text.contains("Connection reset by peer") || text.contains("Broken pipe");
    let has_hung_up = mishap.exit > 12 && text.contains("connection unexpectedly closed");
    match transcript.exit() {
        10 if was_reset => true,
        12 if was_reset || has_hung_up => true,
        exit => exit == mishap.exit,
    }
}
