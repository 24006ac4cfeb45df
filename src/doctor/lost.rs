//! Lines that a configuration loses, and what shows in it that they were needed.

use crate::doctor::{Cause, Told, Urgency};

/// Mistakes by which a line has no effect, and the argument that names the parameter.
const WITHOUT_EFFECT: [(&str, &str); 3] = [
    ("RSY101", "nearest"),
    ("RSY102", "parameter"),
    ("RSY207", "parameter"),
];

/// What shows that a parameter is missing, or has not all that was meant.
const MISSING: [(&str, &[&str]); 3] = [
    ("path", &["RSY401"]),
    ("hosts allow", &["RSY242", "RSY820", "RSY822"]),
    ("hosts deny", &["RSY820", "RSY822"]),
];

/// What shows that a section of the same name changed a module, by what it sets anew.
const CHANGED: [(&str, &[&str]); 4] = [
    ("`path`", &["RSY402", "RSY403", "RSY404", "RSY405", "RSY406"]),
    ("`uid`", &["RSY405", "RSY406", "RSY407"]),
    ("`gid`", &["RSY408"]),
    ("`hosts allow`", &["RSY820", "RSY822"]),
];

/// Pages of headers that stand there twice.
const REPEATED: [&str; 2] = ["RSY208", "RSY210"];

/// Accounts that nobody has if a note stands behind their name.
const ACCOUNTS: [(&str, &str); 2] = [("uid", "RSY407"), ("gid", "RSY408")];

/// Pages of lists of which one line is lost and another one counts: whom the lost one meant, nobody knows.
const PARTLY: [&str; 2] = ["RSY207", "RSY338"];

/// What makes clients fail because a line is lost is as urgent for that line.
pub(super) fn raise(causes: &mut [Cause]) {
    for cause in causes.iter_mut().filter(|cause| header(cause).is_some()) {
        cause.urgency = Urgency::Now;
    }
    for index in 0..causes.len() {
        let shown = causes.iter().filter(|other| shows(other, &causes[index]));
        let Some((urgency, severity)) = shown
            .map(|other| (other.urgency, other.severity))
            .min_by_key(|(urgency, _)| *urgency)
        else {
            continue;
        };
        let cause = &mut causes[index];
        if urgency < cause.urgency {
            cause.urgency = urgency;
            cause.severity = cause.severity.max(severity);
        }
    }
}

/// Whether a cause is nothing but what follows from a lost line.
pub(super) fn is_shown(cause: &Cause, lost: &Cause) -> bool {
    !PARTLY.contains(&lost.page.id) && shows(cause, lost)
}

/// Whether a cause shows that a line was needed that is lost, or that a password is none.
pub(super) fn shows(cause: &Cause, lost: &Cause) -> bool {
    let Told::Finding(found, index) = &lost.told else {
        return false;
    };
    if (lost.page.id, found.findings[*index].variant) == ("RSY338", Some("empty")) {
        return cause.page.id == "RSY810";
    }
    if let Some(module) = header(lost) {
        return cause.page.id == "RSY819" && asked(cause) == Some(module);
    }
    if REPEATED.contains(&lost.page.id) {
        let settings = lost.argument("settings");
        let is_set = |name: &str| settings.is_some_and(|settings| settings.contains(name));
        let mut changed = CHANGED.iter();
        return changed.any(|(name, shown)| is_set(name) && shown.contains(&cause.page.id))
            && cause.module() == lost.argument("module");
    }
    if lost.page.id == "RSY201" {
        let parameter = lost.argument("parameter");
        let mut accounts = ACCOUNTS.iter();
        return accounts
            .any(|(name, rule)| parameter.is_some_and(|own| own == name) && cause.page.id == *rule)
            && is_of_one(lost, cause);
    }
    let mut known = WITHOUT_EFFECT.iter();
    let parameter = known
        .find(|(id, _)| *id == lost.page.id)
        .and_then(|(_, argument)| lost.argument(argument));
    let mut missing = MISSING.iter();
    let is_missing = |(name, shown): &(&str, &[&str])| {
        parameter.is_some_and(|own| own == name) && shown.contains(&cause.page.id)
    };
    missing.any(is_missing) && is_of_one(lost, cause)
}

/// The module that a client has asked for.
fn asked(cause: &Cause) -> Option<&String> {
    let Told::Text(explanation, index) = &cause.told else {
        return cause.module();
    };
    let mut arguments = explanation.incidents[*index].causes.first()?.arguments.iter();
    let named = arguments.find(|(name, _)| *name == "module");
    named.map(|(_, module)| module)
}

/// The module whose header is no header.
fn header(cause: &Cause) -> Option<&String> {
    match &cause.told {
        Told::Finding(found, index)
            if (cause.page.id, found.findings[*index].variant) == ("RSY102", Some("header")) =>
        {
            cause.argument("name")
        }
        _ => None,
    }
}

/// Whether a line stands in the section of the module that a cause is about, or above all sections.
fn is_of_one(lost: &Cause, cause: &Cause) -> bool {
    match (section(lost), cause.module()) {
        (Some(section), Some(module)) => section == *module,
        _ => true,
    }
}

/// The section in which the line of a finding stands; none above all of them.
fn section(cause: &Cause) -> Option<String> {
    let Told::Finding(found, index) = &cause.told else {
        return None;
    };
    let span = found.findings[*index].labels[0].span;
    let text =
        String::from_utf8_lossy(&found.sources.get(span.source).bytes()[..span.start as usize]).into_owned();
    let header = text
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix('['))?;
    let (name, _) = header.split_once(']')?;
    Some(name.trim().to_owned())
}
