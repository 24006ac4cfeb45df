//! Causes that follow from another one, and would only say the same again beside it.

use crate::doctor::{
    Cause, Check, Told, Urgency,
    heard::{explains, is_of_open_port},
    lost::{is_shown, shows},
};

/// A cause, and what is seen of it too.
const FOLLOWING: &[(&str, &[&str])] = &[
    // A list that does not say what was meant, and whom it keeps out.
    ("RSY206", &["RSY822"]),
    // A module that neither gives nor takes.
    ("RSY216", &["RSY885", "RSY886"]),
    ("RSY242", &["RSY820", "RSY822"]),
    ("RSY303", &["RSY822"]),
    ("RSY304", &["RSY822"]),
    ("RSY306", &["RSY822"]),
    ("RSY307", &["RSY822"]),
    ("RSY308", &["RSY822"]),
    ("RSY309", &["RSY822"]),
    ("RSY310", &["RSY822"]),
    // No secrets file has nobody's password, and none that is a folder has a mode that matters.
    ("RSY312", &["RSY315", "RSY302", "RSY313"]),
    ("RSY435", &["RSY816"]),
    ("RSY328", &["RSY777"]),
    ("RSY879", &["RSY777"]),
    ("RSY881", &["RSY777", "RSY851"]),
    // Rights and names that something else took away.
    ("RSY227", &["RSY405", "RSY840", "RSY841"]),
    ("RSY237", &["RSY868"]),
    ("RSY240", &["RSY859"]),
    ("RSY235", &["RSY840", "RSY841"]),
    ("RSY797", &["RSY407", "RSY408"]),
    ("RSY798", &["RSY851"]),
    ("RSY857", &["RSY402"]),
    // Names of modules that the file does not have, and whole files that are not read.
    ("RSY106", &["RSY812", "RSY893"]),
    ("RSY228", &["RSY819"]),
    ("RSY229", &["RSY819"]),
    ("RSY714", &["RSY893"]),
    ("RSY893", &["RSY812"]),
    // What keeps a daemon from listening, or from answering.
    ("RSY713", &["RSY808"]),
    ("RSY789", &["RSY808", "RSY893", "RSY898", "RSY979"]),
    ("RSY726", &["RSY725", "RSY782", "RSY811", "RSY890"]),
    ("RSY737", &["RSY801"]),
    ("RSY770", &["RSY801"]),
    ("RSY778", &["RSY794"]),
    ("RSY782", &["RSY801"]),
    ("RSY790", &["RSY803", "RSY836"]),
    ("RSY792", &["RSY801"]),
    ("RSY791", &["RSY801", "RSY802"]),
    ("RSY783", &["RSY770", "RSY801"]),
    ("RSY890", &["RSY792", "RSY801", "RSY807", "RSY819"]),
    // The log of the start tells what the file shows too.
    ("RSY891", &["RSY614"]),
    // xinetd listens again by itself; a daemon beside it would take its port.
    ("RSY899", &["RSY782"]),
    // The line ends of a script, and the words that they spoil; blanks of a name that the shell parts.
    ("RSY806", &["RSY804", "RSY851"]),
    ("RSY986", &["RSY851"]),
    ("RSY969", &["RSY852", "RSY879"]),
];

/// A cause, and what comes behind it though it is told too: it may have another reason elsewhere.
const BEHIND: &[(&str, &[&str])] = &[
    // A folder that a disk has which is not mounted.
    ("RSY723", &["RSY402"]),
    // Modules in files that are not included.
    ("RSY102", &["RSY819"]),
    ("RSY229", &["RSY819"]),
    ("RSY232", &["RSY819"]),
    // What the daemon sees in place of a folder has other rights than the folder.
    ("RSY798", &["RSY405", "RSY406", "RSY840", "RSY841"]),
    // What starts no daemon, and that nobody listens then.
    ("RSY754", &["RSY782", "RSY801"]),
];

/// Pages of lines that only say that something has ended: why, others tell.
const ENDED: [&str; 2] = ["RSY898", "RSY963"];

/// Whether a cause only says that something has ended.
pub(super) fn only_says_that(cause: &Cause) -> bool {
    ENDED.contains(&cause.page.id)
}

/// Leaves out what follows from a cause that makes clients fail now, and is about the same module or about none. What the user's
/// symptom shows is left: it was asked for, unless it is not true here.
pub(super) fn left_out(causes: Vec<Cause>) -> Vec<Cause> {
    let mut kept: Vec<Cause> = Vec::new();
    let mut following = Vec::new();
    for cause in &causes {
        let reason = causes.iter().position(|reason| follows(cause, reason));
        following.push(reason.map(|reason| causes[reason].page.id));
    }
    let mut seen = Vec::new();
    for (cause, reason) in causes.into_iter().zip(following) {
        match reason {
            Some(reason) => seen.push((reason, cause.seen)),
            None => kept.push(cause),
        }
    }
    for (reason, checks) in seen {
        if let Some(reason) = kept.iter_mut().find(|cause| cause.page.id == reason) {
            reason.seen.extend(checks);
        }
    }
    kept
}

fn follows(cause: &Cause, reason: &Cause) -> bool {
    let is_asked = cause.seen.contains(&Check::Symptom) && !is_of_open_port(cause);
    !is_asked && is_consequence(cause, reason)
}

/// Whether a cause follows from one that makes clients fail now.
pub(super) fn is_consequence(cause: &Cause, reason: &Cause) -> bool {
    let is_known =
        |(id, consequences): &(&str, &[&str])| *id == reason.page.id && consequences.contains(&cause.page.id);
    reason.urgency == Urgency::Now
        && (is_shown(cause, reason) || FOLLOWING.iter().any(is_known) && are_together(cause, reason))
}

/// Whether a cause that makes clients fail now is told before another one.
pub(super) fn comes_before(reason: &Cause, cause: &Cause) -> bool {
    let is_known = |(id, behind): &(&str, &[&str])| *id == reason.page.id && behind.contains(&cause.page.id);
    let is_now = reason.urgency == Urgency::Now;
    shows(cause, reason)
        || explains(reason, cause)
        || is_now && BEHIND.iter().any(is_known) && are_together(cause, reason)
}

/// Whether both are about one module; what names none may be about any.
pub(super) fn are_together(cause: &Cause, reason: &Cause) -> bool {
    match (cause.module(), reason.module()) {
        (Some(own), Some(other)) => own == other,
        _ => true,
    }
}

impl Cause {
    /// The module that it is about, if it names one.
    pub(super) fn module(&self) -> Option<&String> {
        match &self.told {
            Told::Text(explanation, index) => {
                let mut names = explanation.incidents[*index].names.iter();
                names.find(|(kind, _)| *kind == "module").map(|(_, name)| name)
            }
            _ => self.argument("module").filter(|module| !module.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FOLLOWING, left_out};
    use crate::{
        catalog::page,
        doctor::{Cause, Check, Urgency},
    };

    fn cause(rule: &str, module: &str, check: Check, urgency: Urgency) -> Cause {
        let arguments = vec![("module", module.to_owned())];
        Cause::of_rule(rule, check, Path::new("/etc/rsyncd.conf"), arguments, Vec::new()).at(urgency)
    }

    #[test]
    fn what_follows_is_left_out_and_what_stands_alone_is_not() {
        let told = |found| -> Vec<_> {
            let kept = left_out(found);
            kept.into_iter().map(|cause| cause.page.id).collect()
        };
        let missing = || cause("RSY312", "data", Check::Configuration, Urgency::Now);
        let lately = |rule, module| cause(rule, module, Check::Log, Urgency::Lately);
        assert_eq!(told(vec![missing(), lately("RSY315", "data")]), ["RSY312"]);
        assert_eq!(told(vec![lately("RSY315", ""), missing()]), ["RSY312"]);
        assert_eq!(
            told(vec![missing(), lately("RSY315", "other")]),
            ["RSY312", "RSY315"]
        );
        assert_eq!(
            told(vec![missing(), lately("RSY402", "data")]),
            ["RSY312", "RSY402"]
        );
        let asked = cause("RSY315", "data", Check::Symptom, Urgency::Now);
        assert_eq!(told(vec![asked, missing()]), ["RSY315", "RSY312"]);
        let later = cause("RSY312", "data", Check::Configuration, Urgency::Later);
        assert_eq!(told(vec![later, lately("RSY315", "data")]), ["RSY312", "RSY315"]);
        let kept = left_out(vec![missing(), lately("RSY315", "data")]);
        assert_eq!(kept[0].seen, [Check::Configuration, Check::Log].into());
    }

    #[test]
    fn each_of_them_is_a_page_and_none_follows_from_what_follows_from_it() {
        for (reason, consequences) in FOLLOWING {
            for rule in consequences.iter().chain([reason]) {
                assert!(page(rule).is_some(), "{rule}");
            }
            for consequence in *consequences {
                let back = FOLLOWING
                    .iter()
                    .any(|(id, more)| id == consequence && more.contains(reason));
                assert!(!back, "{reason} and {consequence}");
            }
        }
    }
}
