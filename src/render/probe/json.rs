//! A probe for programs.

use serde_json::{Value, json};

use super::{login_source, words_of};
use crate::{
    catalog::Language,
    explain::Explanation,
    probe::{Fact, Remark, Report, Stage, State},
    render::explanation::diagnoses,
    terms::Exit,
};

pub(super) fn envelope(report: &Report, language: Language) -> Value {
    let stages: Vec<_> = report.stages.iter().map(stage).collect();
    let found: Option<&Explanation> = report.explanation.as_ref();
    json!({
        "schema": "rsyncctl/1",
        "command": "probe",
        "target": report.subject,
        "exit": report.exit,
        "implied_exit": report.implied_exit(),
        "stages": stages,
        "diagnoses": found.map_or_else(|| json!([]), |found| diagnoses(found, "stderr", language)),
        "findings": report.remarks.iter().map(|remark| finding(remark, language)).collect::<Vec<_>>(),
        "notices": report.slips.iter().map(|slip| json!({ "text": slip.text, "cure": slip.cure })).collect::<Vec<_>>(),
        "unchecked": report.left_out.iter().map(|name| left_out(name, report)).collect::<Vec<_>>(),
        "summary": {
            "failed": report.failed().map(|stage| stage.step.key()),
            "exit_text": Exit::of_code(report.exit).filter(|_| report.exit != 0).map(Exit::text),
            "rsync": report.command,
            "seconds": report.time.as_secs_f64(),
        },
    })
}

fn finding(remark: &Remark, language: Language) -> Value {
    let [title, message, help] = words_of(remark, language);
    let page = remark.page;
    json!({
        "rule": page.id,
        "name": page.name,
        "severity": remark.severity,
        "confidence": page.confidence,
        "title": title,
        "message": message,
        "help": help,
    })
}

fn left_out(name: &str, report: &Report) -> Value {
    json!({
        "what": name,
        "reason": "not-carried-out",
        "may_be_why": report.set_aside().contains(&name),
    })
}

fn stage(stage: &Stage) -> Value {
    let (state, reason) = match stage.state {
        State::Passed => ("passed", None),
        State::Failed => ("failed", None),
        State::Skipped(why) => ("skipped", Some(why.key())),
        State::NotReached => ("not-reached", None),
    };
    json!({
        "stage": stage.step.key(),
        "state": state,
        "reason": reason,
        "seconds": stage.time.map(|time| time.as_secs_f64()),
        "facts": stage.facts.iter().map(fact).collect::<Vec<_>>(),
    })
}

fn fact(fact: &Fact) -> Value {
    match fact {
        Fact::Address(address) => json!({ "address": address.to_string() }),
        Fact::Unreachable(address, why) => json!({ "address": address.to_string(), "error": why }),
        Fact::Service(service) => json!({ "service": service }),
        Fact::Line(line) => json!({ "line": line }),
        Fact::Protocol(number) => json!({ "protocol": number }),
        Fact::Newest(number) => json!({ "newest_protocol": number }),
        Fact::Releases(releases) => json!({ "oldest": releases.start(), "newest": releases.end() }),
        Fact::Digests(names) => json!({ "digests": names }),
        Fact::Module(name, comment) => json!({ "module": name, "comment": comment }),
        Fact::User(name, source) => json!({ "user": name, "user_from": login_source(*source) }),
        Fact::Digest(name) => json!({ "digest": name }),
        Fact::Refused(option) => json!({ "refused": format!("--{option}") }),
        Fact::Algorithms(checksum, compression) => {
            json!({ "checksum": checksum, "compression": compression })
        }
        Fact::Files(files, bytes) => json!({ "files": files, "bytes": bytes }),
        Fact::Saving(literal, matched) | Fact::Saved(literal, matched) => {
            json!({ "literal_bytes": literal, "matched_bytes": matched })
        }
        Fact::Opened(files) => json!({ "opened": files }),
        Fact::Writes(files, bytes) => json!({ "would_write": files, "bytes": bytes }),
        Fact::Deleted(count) => json!({ "deleted": count }),
        Fact::Left { name, .. } => json!({ "left": name }),
        Fact::Partial(failed, listed) => json!({ "failed": failed, "listed": listed }),
        Fact::Lacks {
            is_of_server,
            account,
            right,
            path,
        } => json!({
            "side": if *is_of_server { "server" } else { "client" },
            "account": account,
            "lacks": right.letters(),
            "on": right.key(),
            "path": path,
        }),
        Fact::Said(line) => json!({ "said": line }),
    }
}
