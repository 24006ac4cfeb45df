//! What the secrets file of a module says of the user whose login failed.

use crate::{
    catalog::{Page, Stage, Symptom, page},
    explain::{Incident, Known, Predicted, Reason, Server},
    model::{
        Scope,
        access::{Right, UsersVerdict},
    },
};

/// The lines of a module's secrets file: who has a password there.
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The file, as reports call it.
    pub file: String,
    /// The names in front of the colons, with the 1-based numbers of their lines; nothing of the passwords.
    pub names: Vec<(String, usize)>,
    /// The lines of these whose passwords are empty.
    pub empty: Vec<usize>,
    /// Whether groups have passwords there.
    pub has_groups: bool,
}

/// The page of a user without a password.
const NO_SECRET: &str = "RSY315";
/// The page of a secrets file that is not there.
const NO_FILE: &str = "RSY312";
/// The page of a password that is another one.
const OTHER_PASSWORD: &str = "RSY810";

/// What a page's cause is, by the secrets file.
pub(super) enum Told {
    /// It is the cause: what the file has, or lacks.
    Found(Box<Predicted>),
    /// It can be, for that reason.
    Likely(Reason),
    /// It is not.
    Refuted,
}

/// What the secrets file tells of a page's cause of a failed login; nothing where the user or the file is not known, a group's
/// password may count, or the page is about something else.
pub(super) fn told(server: &Server, page: &Page, known: &Known, incident: &Incident) -> Option<Told> {
    let is_of_login = |symptom: &&'static Symptom| symptom.stage == Stage::Authentication;
    // A file that the daemon does not use, or reads otherwise, is told by that.
    let is_other = |found: &Predicted| {
        found.rule != NO_SECRET && found.symptoms.iter().any(is_of_login) && known.concerns(found, incident)
    };
    if known.findings.iter().any(is_other) || ![NO_FILE, NO_SECRET, OTHER_PASSWORD].contains(&page.id) {
        return None;
    }
    let (user, module) = (incident.user()?, incident.module()?);
    let secrets = server.secrets.get(module)?;
    if page.id == NO_FILE {
        // That we may read it does not mean that the daemon's account may.
        return known.is_tried.then_some(Told::Refuted);
    }
    let index = server.configuration.module(module.as_bytes())?;
    let is_admitted = match server.verdict(incident, Scope::Module(index))? {
        UsersVerdict::Rule(rule) => !rule.is_group && rule.right != Right::Deny,
        _ => false,
    };
    if !is_admitted || secrets.has_groups {
        return None;
    }
    // The first line of a user counts (`check_secret` in authenticate.c).
    let own = secrets.names.iter().find(|(name, _)| name == user);
    Some(match (own, page.id == NO_SECRET) {
        (Some((_, line)), false) => Told::Likely(Reason::HasSecret(
            user.to_owned(),
            format!("{}:{line}", secrets.file),
        )),
        (None, true) => Told::Found(Box::new(without_secret(secrets, user, module))),
        _ => Told::Refuted,
    })
}

/// Whether the daemon comes to a password of the user whose login failed, so that a line of nobody's is not why: it passes such
/// lines over (`check_secret` in authenticate.c).
pub(super) fn is_looked_up(server: &Server, found: &Predicted, incident: &Incident) -> bool {
    let secrets = incident.module().and_then(|module| server.secrets.get(module));
    let Some((secrets, user)) = secrets.zip(incident.user()) else {
        return false;
    };
    let is_there = |place: &String| place.starts_with(&format!("{}:", secrets.file));
    let mut own = secrets.names.iter().filter(|(name, _)| name == user);
    is_there(&found.place) && own.next().is_some_and(|(_, line)| !secrets.empty.contains(line))
}

/// That a user has no password, or that somebody has it whose name is written nearly so.
fn without_secret(secrets: &Secrets, user: &str, module: &str) -> Predicted {
    let page = page(NO_SECRET).expect("the pages that code names are there");
    let is_meant = |(name, _): &&(String, usize)| {
        let letters = |name: &str| {
            name.trim_matches(|letter: char| !letter.is_alphanumeric())
                .to_lowercase()
        };
        letters(name) == letters(user)
    };
    let meant = secrets.names.iter().find(is_meant);
    let last = secrets.names.last().map_or(1, |(_, line)| *line);
    let line = meant.map_or(last, |(_, line)| *line);
    let mut arguments = vec![
        ("user", user.to_owned()),
        ("module", module.to_owned()),
        ("path", secrets.file.clone()),
    ];
    arguments.extend(meant.map(|(name, _)| ("written", name.clone())));
    Predicted {
        rule: page.id,
        place: format!("{}:{line}", secrets.file),
        others: Vec::new(),
        confidence: page.confidence,
        symptoms: page.symptoms.iter().collect(),
        modules: vec![module.to_owned()],
        variant: meant.map(|_| "spelling"),
        arguments,
    }
}
