use serde_json::{Value, json};

use crate::{
    catalog::Language,
    doctor::{Cause, Check, ClientFact, Fact, PathFact, ReachFact, Report, Stage, State, Told},
    render::{
        doctor::{
            cause::{Words, line_of},
            words,
        },
        explanation::first_diagnosis,
        facts,
        json::{finding, not_checked},
    },
};

/// The envelope `rsyncctl/1`.
pub(super) fn envelope(report: &Report, language: Language) -> Value {
    let causes = &report.causes;
    let of_urgency = |key: &str| causes.iter().filter(|cause| cause.urgency.key() == key).count();
    json!({
        "schema": "rsyncctl/1",
        "command": "doctor",
        "stages": report.stages.iter().map(|one| stage(one, language)).collect::<Vec<_>>(),
        "diagnoses": causes.iter().map(|cause| diagnosis(cause, language)).collect::<Vec<_>>(),
        "unchecked": report.unseen.iter().map(|one| not_checked(one, language)).collect::<Vec<_>>(),
        "summary": {
            "release": report.release,
            "causes": { "now": of_urgency("now"), "lately": of_urgency("lately"), "later": of_urgency("later") },
            "next": causes.first().and_then(|cause| Words::of(cause, language).next),
            "unchecked": report.unseen.len(),
            "seconds": report.time.as_secs_f64(),
        },
    })
}

fn stage(stage: &Stage, language: Language) -> Value {
    let reason = match stage.state {
        State::Skipped(why) => Some(why.key()),
        _ => None,
    };
    json!({
        "stage": stage.check.key(),
        "file": stage.file.as_ref().map(|file| file.display().to_string()),
        "state": stage.state.key(),
        "reason": reason,
        "seconds": stage.time.as_secs_f64(),
        "facts": stage.facts.iter().map(|one| fact(one, language)).collect::<Vec<_>>(),
    })
}

fn fact(fact: &Fact, language: Language) -> Value {
    let mut value = json!({ "text": words::fact(fact, language) });
    match fact {
        Fact::Module(name, outcome) => {
            value["module"] = json!(name);
            value["outcome"] = json!(outcome.key());
        }
        Fact::Path(PathFact::Module { module, tried, .. }) => {
            value["tried"] = json!({ "module": module, "result": tried.key() });
        }
        Fact::Confined(confined) => value["confinement"] = json!(confined.key()),
        Fact::Runs {
            process, file, ports, ..
        } => {
            value["process"] = json!(process);
            value["configuration"] = json!(file.display().to_string());
            value["ports"] = json!(ports);
        }
        Fact::Reach(ReachFact::Listens(port, addresses)) => {
            value["ports"] = json!([port]);
            value["addresses"] = json!(addresses);
        }
        Fact::Reach(ReachFact::Firewall(family, verdict)) => {
            value["family"] = json!(family.name());
            value["verdict"] = json!(verdict.key());
        }
        Fact::Client(ClientFact::Leftover(count)) => value["leftover"] = json!(count),
        Fact::Client(ClientFact::Room(room)) => {
            value["free_bytes"] = json!(room.free);
            value["free_entries"] = json!(room.entries);
        }
        Fact::Client(ClientFact::Watches(watcher)) => {
            value["process"] = json!(watcher.process);
            value["program"] = json!(watcher.program);
        }
        Fact::Client(ClientFact::Limit(limit)) => {
            value["limit"] = json!(limit.name);
            value["used"] = json!(limit.used);
            value["most"] = json!(limit.most);
        }
        Fact::Client(ClientFact::Probed(one)) => value["step"] = json!(one.step.key()),
        Fact::Reach(ReachFact::Meets(module, admission, _)) => {
            value["module"] = json!(module);
            value["admission"] = json!(admission.key());
        }
        _ => {}
    }
    value
}

/// A cause, in the shape of the instrument that found it.
fn diagnosis(cause: &Cause, language: Language) -> Value {
    let mut value = match &cause.told {
        Told::Finding(report, index) => {
            let mut diagnosis = finding(report, &report.findings[*index], language);
            if let Some(because) = diagnosis["because"].as_array_mut() {
                because.extend(cause.also.iter().map(|fact| json!(facts::told(fact, language))));
            }
            let words = Words::of(cause, language);
            diagnosis["remedy"]["commands"] = json!(words.commands);
            if cause.is_foreign {
                diagnosis["remedy"]["help"] = json!(words.help);
            }
            diagnosis
        }
        Told::Text(explanation, index) => {
            let name = text_name(cause);
            let incident = &explanation.incidents[*index];
            let diagnosis = first_diagnosis(incident, name, language);
            let mut diagnosis = diagnosis.expect("a failure is told by its first cause");
            if let Some(fields) = diagnosis.as_object_mut() {
                fields.remove("failure");
            }
            if let Some(because) = diagnosis["because"].as_array_mut() {
                because.extend(cause.also.iter().map(|fact| json!(facts::told(fact, language))));
            }
            if cause.is_foreign {
                let words = Words::of(cause, language);
                diagnosis["remedy"]["commands"] = json!(words.commands);
                diagnosis["remedy"]["help"] = json!(words.help);
            } else if let (Some(within), Some(commands)) =
                (&cause.within, diagnosis["remedy"]["commands"].as_array_mut())
            {
                for command in commands {
                    *command = json!(command.as_str().map(|text| within.typed(text.to_owned())));
                }
            }
            diagnosis
        }
        Told::Page(file, _, facts) => {
            let line = line_of(file, facts).unwrap_or(1);
            let words = Words::of(cause, language);
            let page = cause.page;
            json!({
                "rule": page.id,
                "name": page.name,
                "severity": page.severity,
                "confidence": page.confidence,
                "title": words.title,
                "message": words.message,
                "because": words.facts,
                "evidence": [{ "file": file.display().to_string(), "line": line, "column": 1, "end_line": line, "end_column": 1 }],
                "predicts": [],
                "remedy": { "side": page.side, "help": words.help, "commands": words.commands, "edits": [] },
                "related": page.related,
            })
        }
    };
    value["severity"] = json!(cause.severity);
    value["confidence"] = json!(cause.confidence);
    value["urgency"] = json!(cause.urgency.key());
    value["found_by"] = json!(cause.seen.iter().map(|check| check.key()).collect::<Vec<_>>());
    value
}

/// What the text is called that shows a cause.
fn text_name(cause: &Cause) -> &'static str {
    if cause.seen.contains(&Check::Loopback) || cause.seen.contains(&Check::Server) {
        "stderr"
    } else if cause.seen.contains(&Check::Log) {
        "log"
    } else {
        "text"
    }
}
