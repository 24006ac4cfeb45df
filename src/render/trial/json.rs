use serde_json::{Value, json};

use crate::{
    probe::tryout::{Attempt, Compared, End, ModuleTrial, Outcome, Verdict},
    render::{
        explanation::diagnoses,
        trial::{View, rules},
    },
};

impl View<'_> {
    pub(super) fn envelope(&self) -> Value {
        let trial = self.trial;
        let language = self.language();
        let failures = self.failures();
        let diagnoses: Vec<_> = failures
            .iter()
            .flat_map(|(_, found)| match diagnoses(found, "stderr", language) {
                Value::Array(diagnoses) => diagnoses,
                _ => Vec::new(),
            })
            .collect();
        let counts = self.counts();
        let (listens, exit) = match &trial.start.outcome {
            Outcome::Ended { exit, .. } => (false, *exit),
            Outcome::Listened(_) => (true, None),
        };
        json!({
            "schema": "rsyncctl/1",
            "command": "try",
            "file": trial.file,
            "rsync": trial.release,
            "account": trial.account,
            "without_effect": trial.without_effect.iter().map(|parameter| parameter.name()).collect::<Vec<_>>(),
            "start": {
                "verdict": trial.start.verdict().key(),
                "foretold": { "listens": trial.start.starts, "greets": trial.start.serves },
                "listens": listens,
                "greets": trial.start.greets(),
                "exit": exit,
            },
            "unstarted": trial.unstarted.as_ref().map(|found| found.rule),
            "ignored": trial.ignored,
            "modules": trial.modules.iter().map(module).collect::<Vec<_>>(),
            "stayed": trial.stayed.iter().map(|stayed| {
                json!({ "process": stayed.id, "name": stayed.name, "ended": stayed.is_ended })
            }).collect::<Vec<_>>(),
            "diagnoses": diagnoses,
            "unchecked": [],
            "summary": {
                "works": counts.works,
                "shut": counts.shut,
                "fails": counts.fails,
                "not_tried": counts.not_tried,
                "differs": trial.differs(),
                "seconds": trial.time.as_secs_f64(),
            },
        })
    }
}

fn module(module: &ModuleTrial) -> Value {
    json!({
        "module": module.name,
        "from": module.from,
        "listed": { "foretold": module.is_to_be_listed, "is": module.is_listed },
        "attempts": module.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "not_tried": module.not_tried.iter().map(|not_tried| {
            json!({ "user": not_tried.user, "reason": not_tried.why.key() })
        }).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "user": attempt.user,
        "group": attempt.group,
        "read": compared(&attempt.read),
        "write": attempt.write.as_ref().map(compared),
    })
}

fn compared(part: &Compared) -> Value {
    let rule = part
        .report
        .explanation
        .as_ref()
        .and_then(|found| rules(found).first().copied());
    json!({
        "verdict": part.verdict.key(),
        "foretold": part.expected.map(End::key),
        "end": part.end.key(),
        "foreseen": match part.verdict {
            Verdict::Fails { is_foreseen } => Some(is_foreseen),
            _ => None,
        },
        "exit": part.report.exit,
        "stage": part.report.failed().map(|stage| stage.step.key()),
        "rule": part.unseen.as_ref().map(|found| found.rule).or_else(|| rule.filter(|_| part.blamed.is_none())),
        "rsync": part.report.command,
    })
}
