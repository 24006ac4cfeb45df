//! The corpus of real failures is what it says: each scenario fails in the way that its file names.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs, panic,
    path::Path,
    sync::LazyLock,
};

use rsyncctl::{
    catalog::Confidence,
    explain::{Known, explain},
};

use crate::explain::{cuts, noises};
use crate::support::threads::at_once;
use crate::support::{
    daemon::installed,
    examples::pages,
    mishap::{Mishap, Need, Transcript, mishaps, run},
};

/// Most of a scenario's time is waiting, so there are more at a time than processors.
const AT_A_TIME: usize = 6;

/// What happened in every scenario that this machine can show.
static RUNS: LazyLock<Vec<(Mishap, Option<Transcript>)>> = LazyLock::new(|| played(run));

/// Plays every scenario that this machine can show.
pub(crate) fn played(run: impl Fn(&Mishap) -> Transcript + Sync) -> Vec<(Mishap, Option<Transcript>)> {
    let (mishaps, skipped) = possible(chosen());
    for (need, names) in &skipped {
        let reason = need.unmet().unwrap_or_default();
        println!("SKIPPED {} scenarios, {reason}: {}", names.len(), names.join(" "));
    }
    let transcripts = at_once(AT_A_TIME, &mishaps, |mishap| {
        panic::catch_unwind(panic::AssertUnwindSafe(|| run(mishap))).ok()
    });
    mishaps.into_iter().zip(transcripts).collect()
}

/// The runs, or nothing where there is no rsync.
fn runs() -> &'static [(Mishap, Option<Transcript>)] {
    if let Err(reason) = installed() {
        println!("SKIPPED: {reason}");
        return &[];
    }
    &RUNS
}

#[test]
fn each_scenario_fails_as_its_file_says() {
    let reports: Vec<_> = runs()
        .iter()
        .filter_map(|(mishap, transcript)| proven(mishap, transcript.as_ref()).err())
        .collect();
    println!(
        "mishaps: {} real failures shown, {} not as their files say",
        runs().len() - reports.len(),
        reports.len()
    );
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
}

/// The true cause comes first in nine of ten, and is among the first three of every failure.
#[test]
fn explain_finds_the_cause_of_each_scenario() {
    let mut not_first = Vec::new();
    let mut not_found = Vec::new();
    let mut judged = 0;
    for (mishap, transcript) in runs() {
        let Some(transcript) = transcript.as_ref().filter(|_| mishap.unexplained.is_none()) else {
            continue;
        };
        judged += 1;
        let text = transcript.whole();
        let causes = causes(&text);
        let place = causes
            .iter()
            .position(|cause| mishap.rules.iter().any(|rule| rule == cause));
        let told = || {
            let found: Vec<_> = causes.iter().take(4).copied().collect();
            format!(
                "{} ({:?}): {found:?}, {}",
                mishap.name, mishap.rules, mishap.title
            )
        };
        match place {
            Some(0) => {}
            Some(1 | 2) => not_first.push(told()),
            _ => not_found.push(told()),
        }
    }
    let first = judged - not_first.len() - not_found.len();
    println!(
        "explain: {first} of {judged} true causes come first, {} second or third, {} not found",
        not_first.len(),
        not_found.len()
    );
    assert!(not_found.is_empty(), "{}", not_found.join("\n"));
    assert!(first * 10 >= judged * 9, "{}", not_first.join("\n"));
}

/// Prompts, colours, time stamps and prose around a failure change no answer.
#[test]
fn noise_around_a_scenario_changes_no_answer() {
    let mut wrong = Vec::new();
    for (mishap, transcript) in runs() {
        let Some(transcript) = transcript else { continue };
        let text = transcript.whole();
        let expected = causes(&text);
        if expected.is_empty() {
            continue;
        }
        for (noise, noisy) in noises(text.trim_end()) {
            let found = causes(&noisy);
            if found.first() != expected.first() {
                wrong.push(format!(
                    "{} with {noise}: {:?}, not {:?}",
                    mishap.name,
                    found.first(),
                    expected.first()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
}

/// A terminal that cuts lines, and viewers that do, take words away. Then less is known: the same cause comes first, or no
/// cause is called certain that was not among the likely ones.
#[test]
fn cut_lines_lead_to_no_wrong_certainty() {
    let mut wrong = Vec::new();
    let (mut same, mut all) = (0, 0);
    for (mishap, transcript) in runs() {
        let Some(transcript) = transcript else { continue };
        let text = transcript.whole();
        let expected = causes(&text);
        for (noise, noisy) in cuts(&text) {
            let explanation = explain(noisy.as_bytes(), &Known::default()).expect("a text in memory");
            let first = explanation
                .incidents
                .first()
                .and_then(|incident| incident.causes.first());
            let is_same = first.map(|cause| cause.page.id) == expected.first().copied();
            same += usize::from(is_same);
            all += 1;
            // Whose lines are gone altogether is another question.
            if noise != "the last half"
                && let Some(cause) = first.filter(|_| !is_same)
                && cause.confidence == Confidence::Certain
                && !expected.iter().take(3).any(|likely| *likely == cause.page.id)
            {
                wrong.push(format!(
                    "{} with {noise}: {}\n{noisy}",
                    mishap.name, cause.page.id
                ));
            }
        }
    }
    println!("explain: the same cause first for {same} of {all} cut texts");
    assert!(wrong.is_empty(), "{} answers:\n{}", wrong.len(), wrong.join("\n"));
    assert!(same * 10 >= all * 7, "the same cause for {same} of {all} only");
}

/// The configuration of the daemon decides: with it no true cause comes later than without.
#[test]
fn the_configuration_moves_the_true_cause_up() {
    let mut later = Vec::new();
    let mut not_first = Vec::new();
    let (mut judged, mut first_without) = (0, 0);
    for (mishap, transcript) in runs() {
        let Some(transcript) = transcript.as_ref().filter(|_| mishap.unexplained.is_none()) else {
            continue;
        };
        let Some(with) = &transcript.configured else {
            continue;
        };
        let text = transcript.pasted();
        let place = |causes: &[String]| {
            causes
                .iter()
                .position(|cause| mishap.rules.iter().any(|rule| rule == cause))
        };
        let without: Vec<_> = causes(&text).into_iter().map(str::to_owned).collect();
        judged += 1;
        first_without += usize::from(place(&without) == Some(0));
        let told = format!(
            "{} ({:?}): {:?}",
            mishap.name,
            mishap.rules,
            &with[..with.len().min(4)]
        );
        let rank = |place: Option<usize>| place.unwrap_or(usize::MAX);
        if rank(place(with)) > rank(place(&without)) {
            later.push(told.clone());
        }
        if place(with) != Some(0) {
            not_first.push(told);
        }
    }
    println!(
        "explain --config: {} of {judged} true causes come first from the client's text, {first_without} without it; not first:\n{}",
        judged - not_first.len(),
        not_first.join("\n")
    );
    assert!(later.is_empty(), "{}", later.join("\n"));
    let first = judged - not_first.len();
    assert!(first * 4 >= judged * 3, "{first} of {judged}");
}

/// Old releases word some lines otherwise: what 3.2.7 printed, as client or as daemon, leads to the same causes.
#[test]
fn transcripts_of_another_release_are_explained() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mishaps/rsync-3.2.7.txt");
    let all = fs::read_to_string(file).expect("transcripts");
    let mut wrong = Vec::new();
    let mut count = 0;
    for part in all.split("=== ").filter(|part| !part.trim().is_empty()) {
        let (head, text) = part.split_once('\n').expect("a head and a text");
        let causes = causes(text);
        count += 1;
        if !causes.iter().take(3).any(|cause| head.contains(cause)) {
            wrong.push(format!("{head}: {causes:?}"));
        }
    }
    println!("explain: {count} transcripts of rsync 3.2.7");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 60, "{count} transcripts");
}

/// The causes of the first failure of a text, likeliest first.
fn causes(text: &str) -> Vec<&'static str> {
    let explanation = explain(text.as_bytes(), &Known::default()).expect("a text in memory");
    let causes = explanation.incidents.first().map(|incident| &incident.causes);
    causes.into_iter().flatten().map(|cause| cause.page.id).collect()
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
        let known = mishap.rules.iter().all(|rule| rules.contains(rule));
        assert!(known, "{name}: {:?} are no rules", mishap.rules);
        let is_told = mishap.rules.is_empty() == mishap.unexplained.is_some();
        assert!(is_told, "{name} needs `rules`, or `unexplained` with the reason");
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

fn proven(mishap: &Mishap, transcript: Option<&Transcript>) -> Result<(), String> {
    let Some(transcript) = transcript else {
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
    if !is_end(mishap, transcript) {
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
