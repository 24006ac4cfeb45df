//! The symptoms that the pages predict happen on a real daemon, at a real client.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use rsyncctl::{catalog::Symptom, diagnosis::Finding, terms::Release};

use crate::support::threads::at_once;
use crate::{
    pages::check,
    support::{
        daemon::{Daemon, Run, rsync},
        examples::{ExampleCase, PageFile, pages_of_files},
        page::Proof,
        sersync, service,
        stage::{Machine, release_for_root},
        symptom::{contains, describe, foretold, is_end, shows},
    },
};

/// The password of every example.
const PASSWORD: &str = "not-a-real-password";

#[test]
fn predicted_symptoms_happen() {
    let Some(release) = release_for_root() else { return };
    let pages = pages_of_files();
    let mut outcomes = at_once(4, &pages, |page| (page.page.id.clone(), prove(page, release)));
    outcomes.sort();
    let count = |wanted: fn(&Outcome) -> bool| outcomes.iter().filter(|(_, outcome)| wanted(outcome)).count();
    let proven = count(|outcome| *outcome == Outcome::Proven);
    let with_symptom = count(|outcome| *outcome != Outcome::NoSymptom);
    // What only systemd, cron or a container shows, no daemon of a test can.
    let beyond_rsync = count(|outcome| {
        let needs = ["needs systemd", "needs cron", "needs a container"];
        matches!(outcome, Outcome::Unproven(reason) if needs.contains(&&**reason))
    });
    let provable = with_symptom - beyond_rsync;
    println!(
        "{proven} of the {provable} pages with a symptom that needs no systemd, cron or container are proven on rsync {release}, \
         {:.1} %; {beyond_rsync} more need it",
        proven as f64 * 100.0 / provable as f64
    );
    let mut failures = Vec::new();
    for (id, outcome) in &outcomes {
        match outcome {
            Outcome::Proven | Outcome::NoSymptom => {}
            Outcome::Unproven(reason) => println!("{id} not proven: {reason}"),
            Outcome::Failed(reason) => failures.push(format!("{id}: {reason}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if release >= Release::CURRENT {
        assert!(
            proven * 10 >= provable * 9,
            "fewer than nine of ten pages are proven"
        );
    }
}

#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Outcome {
    NoSymptom,
    Proven,
    Unproven(String),
    Failed(String),
}

fn prove(page: &PageFile, release: Release) -> Outcome {
    if page.page.symptom.is_empty() {
        return Outcome::NoSymptom;
    }
    let Some(proof) = &page.page.proof else {
        return Outcome::Unproven(page.page.unproven.clone().unwrap_or_default());
    };
    if let Some(unproven) = &page.page.unproven {
        return Outcome::Unproven(unproven.clone());
    }
    if proof.run == "xinetd" && !service::has_xinetd() {
        return Outcome::Unproven(
            "needs xinetd, ip and a network of its own; run `bash tests/run.sh`".to_owned(),
        );
    }
    let mut shown = 0;
    // What a case says of another release, only that release can show.
    for case in page.cases.iter().filter(|case| case.is_for(release)) {
        let result = if case.is_bad() {
            prove_bad(page, proof, case, release).map(|count| shown += count)
        } else {
            prove_good(page, proof, case)
        };
        if let Err(reason) = result {
            return Outcome::Failed(format!("{}: {reason}", case.role));
        }
    }
    match shown {
        0 => Outcome::Unproven(format!("rsync {release} does not show it")),
        _ => Outcome::Proven,
    }
}

fn prove_bad(page: &PageFile, proof: &Proof, case: &ExampleCase, release: Release) -> Result<usize, String> {
    let report = check(page, case).ok_or("needs root")?;
    let findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.page.id == page.page.id)
        .collect();
    if findings
        .iter()
        .all(|finding| finding.predictions(release).next().is_none())
    {
        return Ok(0);
    }
    let (output, log) = session(proof, case, by_rsync);
    let mut shown = 0;
    for finding in findings {
        for alternatives in foretold(finding, release) {
            let seen = |symptom: &&Symptom| shows(symptom, finding, &output, &log);
            if let Err(reason) = seen(&alternatives[0])
                && !alternatives.iter().any(|symptom| seen(symptom).is_ok())
            {
                return Err(reason);
            }
            shown += 1;
        }
    }
    Ok(shown)
}

fn prove_good(page: &PageFile, proof: &Proof, case: &ExampleCase) -> Result<(), String> {
    let (output, log) = session(proof, case, by_rsync);
    let texts = page
        .page
        .symptom
        .iter()
        .map(|symptom| (&symptom.client, &symptom.log));
    for (client, line) in texts.filter(|(client, line)| client.is_some() || line.is_some()) {
        let seen = client
            .as_ref()
            .is_none_or(|text| contains(&describe(&output), text));
        if seen && line.as_ref().is_none_or(|text| contains(&log, text)) {
            return Err(format!(
                "shows what only the bad example should, `{client:?}` and `{line:?}`:\n{}\nlog:\n{log}",
                describe(&output)
            ));
        }
    }
    if is_end(&output, proof.good) {
        return Ok(());
    }
    Err(format!(
        "should end with {}:\n{}\nlog:\n{log}",
        proof.good,
        describe(&output)
    ))
}

/// What carries a client's words out: with a password, at the daemon of a configuration.
pub(crate) type Client = fn(&[String], Option<&str>, &Path) -> Output;

fn by_rsync(words: &[String], password: Option<&str>, _: &Path) -> Output {
    rsync(words, password)
}

/// Stages the example, starts a daemon with it and lets a client meet it.
pub(crate) fn session(proof: &Proof, case: &ExampleCase, by: Client) -> (Output, String) {
    let machine = Machine::new();
    machine.example(&proof.tree, case);
    let verb = run_of(proof, case);
    let configuration = machine.path(match verb {
        "service" | "xinetd" => "etc/rsyncd.conf",
        _ => "rsyncd.conf",
    });
    let text = case.block("rsyncd.conf").map_or(&[][..], |block| &block.text);
    fs::write(&configuration, machine.text(text)).expect("a configuration");
    if verb == "xinetd" {
        return service::xinetd(case, &machine);
    }
    let mut run = Run {
        user: case.daemon(Some(proof)),
        environment: proof.environment.clone(),
        ..Run::default()
    };
    if verb == "service" {
        let arguments = service::arguments(case, &machine);
        if service::gets_connection(case) {
            run.arguments = Some(arguments);
        } else if case.is_bad() {
            return standalone(&configuration, &arguments);
        }
    }
    if verb == "start" && case.is_bad() {
        return standalone(&configuration, &["--daemon".to_owned(), "--no-detach".to_owned()]);
    }
    let daemon = Daemon::start(&configuration, &run);
    let by = |words: &[String], password: Option<&str>| by(words, password, &configuration);
    let output = client(proof, case, &machine, daemon.port(), by);
    let log = daemon.log();
    (output, log)
}

pub(crate) fn run_of<'a>(proof: &'a Proof, case: &ExampleCase) -> &'a str {
    proof.runs.get(&case.role).unwrap_or(&proof.run)
}

fn client(
    proof: &Proof,
    case: &ExampleCase,
    machine: &Machine,
    port: u16,
    by: impl Fn(&[String], Option<&str>) -> Output,
) -> Output {
    let run = run_of(proof, case);
    if run == "sersync" {
        let file = case.block("sersync").expect("a sersync example");
        return sersync::push(&file.text, machine, port);
    }
    let (verb, target) = match run {
        "service" => ("pull", "data"),
        _ => run.split_once(' ').unwrap_or((run, "")),
    };
    let (user, module) = match target.split_once('@') {
        Some((user, module)) => (format!("{user}@"), module),
        None => (String::new(), target),
    };
    let url = format!("rsync://{user}127.0.0.1:{port}/{module}");
    let mut arguments = proof.options.clone();
    match verb {
        "list" | "start" => arguments.push(format!("rsync://127.0.0.1:{port}/")),
        "pull" => {
            let local = machine.path("client/pulled");
            fs::create_dir_all(&local).expect("a folder");
            let slash = if module.contains('/') { "" } else { "/" };
            arguments.extend([
                "-r".to_owned(),
                format!("{url}{slash}"),
                format!("{}/", local.display()),
            ]);
        }
        "push" => {
            machine.line("file /client/pushed/new = pushed by the proof");
            let local = machine.path("client/pushed");
            arguments.extend([
                "-r".to_owned(),
                format!("{}/", local.display()),
                format!("{url}/"),
            ]);
        }
        other => panic!("unknown verb `{other}` of a proof"),
    }
    if proof.password_file {
        let file = case.block("password").and_then(|block| block.path.as_deref());
        let file = machine.path(file.expect("a password file with a path"));
        arguments.push(format!("--password-file={}", file.display()));
        return by(&arguments, None);
    }
    let password = (!user.is_empty()).then(|| proof.password.as_deref().unwrap_or(PASSWORD));
    by(&arguments, password)
}

/// A daemon of its own, for what it says when it starts; it fails before it listens.
fn standalone(configuration: &Path, arguments: &[String]) -> (Output, String) {
    let log = configuration.with_extension("log");
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "10", "rsync"]).args(arguments);
    if !arguments.iter().any(|argument| argument.starts_with("--config=")) {
        command.arg(format!("--config={}", configuration.display()));
    }
    let output = command
        .arg(format!("--log-file={}", log.display()))
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .expect("timeout and rsync run");
    (output, fs::read_to_string(log).unwrap_or_default())
}
