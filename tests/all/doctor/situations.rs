//! What breaks on servers, set up for real on a machine of its own each (`machine.sh`), and what the doctor says there.
//!
//! A situation is a file of `fixtures/doctor/`. Its shell script has the functions of `machine.sh`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::Value;

use super::{causes, on_machine};
use crate::support::{
    daemon::has_rsync,
    program::{keeps_to, schema},
    skip,
    threads::at_once,
};

/// A broken server, or a sound one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Situation {
    #[serde(skip)]
    name: String,
    /// What is broken, in words.
    title: String,
    /// The pages of the true cause, each of which is right; none if nothing is broken.
    rules: Vec<String>,
    /// The script that makes the machine and starts what runs on it.
    machine: String,
    /// What a client types.
    client: String,
    /// How that ends.
    exit: i32,
    /// How else, where it depends on who of rsync's processes comes first.
    or_exit: Option<i32>,
    /// The command line of the doctor.
    #[serde(default = "plain")]
    doctor: String,
    /// What stands in the first cause that it tells, or in what to type next.
    #[serde(default)]
    says: Vec<String>,
    /// How the doctor ends, where that matters.
    ends: Option<i32>,
    /// What the doctor says it could not see, so that it ends with 3.
    unseen: Option<String>,
    /// A program that not every machine has, by its path.
    needs: Option<PathBuf>,
    /// Why the doctor does not name it first yet.
    unknown: Option<String>,
}

fn plain() -> String {
    "rsyncctl doctor".to_owned()
}

/// What happened.
struct Met {
    /// How the client ended.
    code: Option<i32>,
    /// What the doctor said; nothing if that was no report.
    report: Value,
    /// What else was said on the machine.
    said: String,
}

impl Situation {
    fn meet(&self) -> Met {
        let output = on_machine(&format!(
            "{}\nclient {}\ndoctor {}",
            self.machine,
            shell_words::quote(&self.client),
            shell_words::quote(&format!("{} --json", self.doctor))
        ));
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let (first, rest) = shown.split_once('\n').unwrap_or_default();
        Met {
            code: first.strip_prefix("client ").and_then(|code| code.parse().ok()),
            report: serde_json::from_str(rest).unwrap_or_default(),
            said: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// What is wrong with that.
    fn faults(&self, met: &Met) -> Vec<String> {
        let mut faults = Vec::new();
        if met.code != Some(self.exit) && (met.code.is_none() || met.code != self.or_exit) {
            faults.push(format!("the client ended with {:?}, not {}", met.code, self.exit));
        }
        if met.report.is_null() {
            faults.push("the doctor gave no report".to_owned());
            return faults;
        }
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &met.report);
        let told = told(&met.report);
        let is_right = match told.first() {
            Some(first) => self.rules.iter().any(|rule| rule == first),
            None => self.rules.is_empty(),
        };
        if self.rules.is_empty() && met.said.contains("doctor ended with 1") {
            faults.push("the doctor ended as if something failed".to_owned());
        }
        if let Some(ends) = self.ends
            && !met.said.contains(&format!("doctor ended with {ends}\n"))
        {
            faults.push(format!("the doctor did not end with {ends}"));
        }
        if let Some(subject) = &self.unseen {
            let open = met.report["unchecked"].as_array().into_iter().flatten();
            if !open.clone().any(|one| one["subject"] == **subject)
                || !met.said.contains("doctor ended with 3")
            {
                faults.push(format!("it does not say that `{subject}` was not seen"));
            }
        }
        if !is_right {
            faults.push(format!("it tells {told:?}, not {:?}", self.rules));
        }
        let first = words(&met.report["diagnoses"][0]);
        let next = words(&met.report["summary"]["next"]);
        for said in &self.says {
            if !first.contains(said) && !next.contains(said) {
                faults.push(format!(
                    "the first cause and what to type next do not say `{said}`"
                ));
            }
        }
        faults
    }
}

/// All texts of a part of a report.
fn words(part: &Value) -> String {
    match part {
        Value::String(text) => format!("{text}\n"),
        Value::Array(parts) => parts.iter().map(words).collect(),
        Value::Object(parts) => parts.values().map(words).collect(),
        _ => String::new(),
    }
}

/// The rules of a report, in order.
fn told(report: &Value) -> Vec<&str> {
    match report.is_null() {
        true => Vec::new(),
        false => causes(report).into_iter().map(|(rule, _)| rule).collect(),
    }
}

/// Every situation, in order.
fn situations() -> Vec<Situation> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/doctor");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("fixtures/doctor/")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let chosen = std::env::var("RSYNCCTL_SITUATION").unwrap_or_default();
    let situations = files.iter().map(|file| {
        let text = fs::read_to_string(file).expect("a text");
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let situation = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        Situation { name, ..situation }
    });
    situations
        .filter(|situation| situation.name.contains(&chosen))
        .collect()
}

/// The rule that tells a situation; none if there is no such one, or the doctor does not tell it.
pub(crate) fn rule_of(name: &str) -> Option<String> {
    let mut all = situations().into_iter();
    let situation = all.find(|situation| situation.name == name && situation.unknown.is_none())?;
    situation.rules.into_iter().next()
}

#[test]
fn broken_servers_are_told() {
    if !has_rsync() {
        return;
    }
    let mut probe = Command::new("unshare");
    probe.args(["-mnp", "--fork", "--mount-proc", "ip", "link", "set", "lo", "up"]);
    let can = probe.stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        skip("the situations need machines of their own: root, namespaces, iproute2");
        return;
    }
    let (all, missing): (Vec<_>, Vec<_>) = situations()
        .into_iter()
        .partition(|situation| situation.needs.as_ref().is_none_or(|program| program.exists()));
    for Situation { name, needs, .. } in missing {
        let program = needs.unwrap_or_default();
        skip(&format!("{name}: {} is not installed", program.display()));
    }
    let met = at_once(4, &all, Situation::meet);
    let (mut wrong, mut sound, mut known) = (Vec::new(), 0, 0);
    for (situation, met) in all.iter().zip(&met) {
        let faults = situation.faults(met);
        let first = told(&met.report).first().map_or("-", |rule| *rule).to_owned();
        let verdict = match (faults.is_empty(), &situation.unknown) {
            (true, _) => "right",
            (false, Some(_)) => "known",
            (false, None) => "wrong",
        };
        println!("{:50} {:4} {first:7} {verdict}", situation.name, situation.exit);
        sound += usize::from(situation.rules.is_empty());
        known += usize::from(verdict == "known");
        if verdict == "wrong" {
            wrong.push(format!(
                "{} ({}): {}\n{}\n{:#}",
                situation.name,
                situation.title,
                faults.join("; "),
                met.said,
                met.report["diagnoses"]
            ));
        }
    }
    println!(
        "{} situations, {sound} of them sound; {} wrong, {known} known to be",
        all.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let told = all.len() - known;
    assert!(
        told * 100 >= all.len() * 97,
        "{known} of {} are not told",
        all.len()
    );
}
