//! No prediction is shown that a real daemon does not fulfil, and no client fails unforetold: every damage to every
//! parameter, judged by a real daemon.
//!
//! Every other one is tried, to save a minute; all are with `RSYNCCTL_PREDICTIONS=all`.

use std::{
    collections::BTreeMap,
    env, fs,
    process::Output,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rsyncctl::{
    catalog::{FileKind, Stage},
    diagnosis::Finding,
    host::Image,
    lint::{Input, Report, lint},
    terms::Release,
};

use crate::support::{
    daemon::{Daemon, Run, installed, rsync},
    report::options,
    skip,
    stage::{Machine, is_root},
    symptom::{describe, foretold, shows},
};

mod cases;

use cases::{Case, cases};

/// What every machine of a case has.
const TREE: [&str; 8] = [
    "dir /srv/data 0777",
    "dir /srv/data/staging 0777",
    "file /srv/data/one",
    "file /etc/rsyncd.rules = *.tmp",
    "file /etc/rsyncd.motd = welcome",
    "file /etc/rsyncd.secrets 0600 = joe:not-a-real-password",
    "file /client/new = pushed",
    "dir /client/pulled",
];

#[test]
fn what_is_foretold_happens_and_nothing_else() {
    if !is_root() {
        skip("the predictions stage owners and modes, which needs root");
        return;
    }
    match installed() {
        Ok(release) if release >= Release::CURRENT => {}
        Ok(release) => return println!("left out: rsync is {release}, the predictions are for a newer one"),
        Err(reason) => return skip(&format!("the predictions need a real rsync; {reason}")),
    }
    let is_whole = env::var_os("RSYNCCTL_PREDICTIONS").is_some_and(|which| which == "all");
    let cases = cases().into_iter().enumerate();
    let chosen = cases.filter(|(number, _)| is_whole || number % 2 == 0);
    let cases: Vec<_> = chosen.map(|(_, case)| case).collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let proven = Mutex::new(BTreeMap::<(&str, u8), usize>::new());
    // The damages of one line have the same sound file.
    let sound = Mutex::new(BTreeMap::<&[u8], Arc<Sessions>>::new());
    let sound_of = |case: &'_ Case| sound.lock().expect("no panic").get(&*case.sound).cloned();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let before = sound_of(case).unwrap_or_else(|| {
                        let before = Arc::new(Sessions::with(&case.sound));
                        let mut sound = sound.lock().expect("no panic");
                        sound.insert(&case.sound, before.clone());
                        before
                    });
                    let judged = Judged {
                        report: report(&case.damaged),
                        sessions: Sessions::with(&case.damaged),
                        sound: before,
                        is_word: case.is_word,
                    };
                    for finding in &judged.report.findings {
                        for symptom in finding.predictions(Release::CURRENT) {
                            let mut proven = proven.lock().expect("no panic");
                            *proven.entry((finding.page.id, symptom.exit)).or_default() += 1;
                        }
                    }
                    let found = judged.wrong();
                    if !found.is_empty() {
                        let text = String::from_utf8_lossy(&case.damaged);
                        let place = case.what.clone();
                        wrong
                            .lock()
                            .expect("no panic")
                            .push(format!("{place}\n{}\n{text}", found.join("\n")));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("no panic");
    wrong.sort();
    let proven = proven.into_inner().expect("no panic");
    let rules: std::collections::BTreeSet<_> = proven.keys().map(|(rule, _)| rule).collect();
    let count: usize = proven.values().sum();
    println!(
        "{} cases; {count} predictions of {} rules hold",
        cases.len(),
        rules.len()
    );
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// A case, with what we say of it and what a real daemon does.
struct Judged {
    report: Report,
    /// What clients of the damaged file meet.
    sessions: Sessions,
    /// The same for the sound one.
    sound: Arc<Sessions>,
    is_word: bool,
}

/// The sessions of one daemon, and what it logged.
struct Sessions {
    outputs: Vec<(&'static str, Output)>,
    log: String,
}

impl Judged {
    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (verb, output) in &self.sound.outputs {
            if ["pull", "push"].contains(verb)
                && !output.status.success()
                && !self.is_foretold_to_fail_anyway(verb)
            {
                wrong.push(format!("  {verb} of the sound file: {}", describe(output)));
            }
        }
        for finding in &self.report.findings {
            for alternatives in foretold(finding, Release::CURRENT) {
                let symptom = alternatives[0];
                // What only a daemon that starts shows, these do not; nor what takes more than a plain transfer.
                if symptom.stage == Stage::Start && symptom.exit != 0 || symptom.stage == Stage::Transfer {
                    continue;
                }
                let results: Vec<_> = self
                    .sessions
                    .outputs
                    .iter()
                    .flat_map(|(_, output)| alternatives.iter().map(move |symptom| (symptom, output)))
                    .map(|(symptom, output)| shows(symptom, finding, output, &self.sessions.log))
                    .collect();
                let stage = if symptom.exit == 0 {
                    Stage::Transfer
                } else {
                    symptom.stage
                };
                if results.iter().all(Result::is_err) && !self.is_hidden(stage) {
                    wrong.push(format!(
                        "  {} {} foretells {} {}, and nobody sees it: {}",
                        finding.page.id,
                        finding.variant.unwrap_or_default(),
                        symptom.exit,
                        symptom.client.or(symptom.log).unwrap_or(symptom.effect[0]),
                        self.sessions.brief()
                    ));
                }
            }
        }
        for ((verb, output), (_, before)) in self.sessions.outputs.iter().zip(&self.sound.outputs) {
            // A word may turn clients away because it says so.
            let is_checked = ["pull", "push"].contains(verb) && !self.is_word;
            if output.status.success() || !before.status.success() || !is_checked {
                continue;
            }
            let is_foretold = |finding: &Finding| {
                finding.predictions(Release::CURRENT).any(|symptom| {
                    symptom.exit != 0 && shows(symptom, finding, output, &self.sessions.log).is_ok()
                })
            };
            if !self.report.findings.iter().any(is_foretold) {
                let named: Vec<_> = self
                    .report
                    .findings
                    .iter()
                    .map(|finding| format!("{} {}", finding.page.id, finding.variant.unwrap_or_default()))
                    .collect();
                wrong.push(format!(
                    "  nothing foretells of {verb}: {} ({})",
                    describe(output).replace('\n', " | "),
                    named.join(", ")
                ));
            }
        }
        wrong
    }

    /// Whether all clients fail before they get that far, as another finding foretells: of two causes the first hides
    /// the second, until it is cured.
    fn is_hidden(&self, stage: Stage) -> bool {
        let findings = self.report.findings.iter();
        let mut before = findings
            .flat_map(|finding| {
                let symptoms = finding.predictions(Release::CURRENT);
                symptoms.map(move |symptom| (finding, symptom))
            })
            .filter(|(_, symptom)| symptom.exit != 0 && symptom.stage < stage);
        before.any(|(finding, symptom)| {
            let sees =
                |(_, output): &(&str, Output)| shows(symptom, finding, output, &self.sessions.log).is_ok();
            self.sessions.outputs[..2].iter().all(sees)
        })
    }

    /// A read-only module refuses pushes, and is sound.
    fn is_foretold_to_fail_anyway(&self, verb: &str) -> bool {
        let read_only = |(name, output): &(&str, Output)| {
            *name == verb && String::from_utf8_lossy(&output.stderr).contains("module is read only")
        };
        self.sound.outputs.iter().any(read_only)
    }
}

impl Sessions {
    fn with(text: &[u8]) -> Self {
        let machine = Machine::new();
        for line in TREE {
            machine.line(line);
        }
        let configuration = machine.path("rsyncd.conf");
        fs::write(&configuration, machine.text(text)).expect("a configuration");
        let daemon = Daemon::start(&configuration, &Run::default());
        let url = format!("rsync://joe@127.0.0.1:{}/data/", daemon.port());
        let local = |path: &str| format!("{}/", machine.path(path).display());
        let run = |from: String, to: String| {
            let arguments = ["-r".to_owned(), "--exclude=/pulled".to_owned(), from, to];
            rsync(&arguments, Some("not-a-real-password"))
        };
        let mut outputs = vec![
            ("pull", run(url.clone(), local("client/pulled"))),
            ("push", run(local("client"), url.clone())),
        ];
        if text.windows(7).any(|part| part == b"[other]") {
            let other = url.replace("/data/", "/other/");
            outputs.push(("pull of the other module", run(other, local("client/pulled"))));
        }
        if text.windows(6).any(|part| part == b"hosts ") {
            let arguments = [
                "--address=127.0.0.2".to_owned(),
                "-r".to_owned(),
                url,
                local("client/pulled"),
            ];
            outputs.push((
                "pull from 127.0.0.2",
                rsync(&arguments, Some("not-a-real-password")),
            ));
        }
        let mut log = daemon.log();
        drop(daemon);
        let own = fs::read(machine.path("var/log/rsyncd.log")).unwrap_or_default();
        log.push_str(&String::from_utf8_lossy(&own));
        Self { outputs, log }
    }

    fn brief(&self) -> String {
        let ends: Vec<_> = self
            .outputs
            .iter()
            .map(|(verb, output)| {
                let text = String::from_utf8_lossy(&output.stderr).replace('\n', " | ");
                format!("{verb} {:?} {text}", output.status.code())
            })
            .collect();
        format!("{}; log: {}", ends.join("; "), self.log.replace('\n', " | "))
    }
}

/// What we say of a file on the machine of the cases.
fn report(text: &[u8]) -> Report {
    let machine = Machine::new();
    for line in TREE {
        machine.line(line);
    }
    let image = Image::new(machine.root());
    let input = Input {
        name: "rsyncd.conf".to_owned(),
        path: None,
        bytes: text.to_vec().into(),
        kind: FileKind::RsyncdConf,
        is_guess: false,
        host: &image,
    };
    lint(vec![input], &options())
}
