//! What a session that was watched, and the server's configuration, tell of a failure besides its lines.

use crate::{
    explain::{Incident, Known, Reason, Seen, Watched, facts, speaks::is_known},
    syntax::Lookalike,
};

/// The page of a module that is not there.
const NO_MODULE: &str = "RSY819";

/// The page of a name without an address.
const UNRESOLVED: &str = "RSY804";

/// The page of a client's own address that its machine does not have.
const OWN_ADDRESS: &str = "RSY625";

/// The page of accounts that are looked up in the root of the whole daemon.
const NAMES_IN_ROOT: &str = "RSY797";

/// The page of a hang-up before any module counts.
const BEHIND_GREETING: &str = "RSY796";

/// The page of a limit of connections.
const LIMITED: &str = "RSY519";

/// The page of a message of the day that the client takes for the daemon's own words.
const MESSAGE_OF_THE_DAY: &str = "RSY622";

/// The page of a greeting that comes to the daemon as another one.
const CHANGED: &str = "RSY522";

/// The page of quotes and blanks that are none for a shell.
const TYPOGRAPHIC: &str = "RSY875";

/// What rsync and ssh say of a word that is no name, host or option.
const TAKEN_FOR_LETTERS: [&str; 7] = [
    ": unknown option",
    "Could not resolve hostname",
    "failed: No such file or directory (2)",
    "Unexpected local arg: ",
    "Unexpected remote arg: ",
    "getaddrinfo: ",
    "Unknown module '",
];

/// The kind of case of a page of which several lines tell: a cure for the file of the first line is none for the others.
pub(super) fn several(arguments: &[(&'static str, String)]) -> Option<&'static str> {
    let mut kinds = arguments.iter().map(|(kind, _)| *kind);
    kinds.any(|kind| kind == OTHERS).then_some("several")
}

/// The kind of a count of lines that tell the same of other names.
pub(super) const OTHERS: &str = "others";

/// A cause that no message names.
pub(super) struct Hint {
    /// Its page, and the page's kind of case.
    pub(super) page: &'static str,
    pub(super) variant: &'static str,
    /// How much it speaks for the cause, where a line that is printed for it alone is 100.
    pub(super) percent: u32,
    /// Why.
    pub(super) reason: Reason,
}

/// The module that was most likely meant, by the daemon's list or by its configuration.
pub(super) fn nearly(incident: &Incident, known: &Known, watched: &Watched) -> Option<String> {
    let by_file = || known.server.as_ref()?.nearly(incident.module()?);
    watched.nearly.clone().or_else(by_file)
}

/// What is known beside the text.
pub(super) fn hints(incident: &Incident, known: &Known, watched: &Watched) -> Vec<Hint> {
    let shows = |texts: &[&str]| {
        let is_one = |seen: &Seen| texts.iter().any(|text| seen.text.contains(text));
        incident.lines.iter().any(is_one)
    };
    let mut hints = Vec::new();
    if shows(&["Unknown module '"])
        && let Some(listed) = nearly(incident, known, watched)
    {
        hints.push(Hint {
            page: NO_MODULE,
            variant: "spelling",
            percent: 25,
            reason: Reason::Listed(listed),
        });
    }
    if watched.is_of_other_family || watched.is_own_address {
        let flag = watched.names.iter().find(|(kind, _)| *kind == "flag");
        let (page, variant) = match watched.is_own_address {
            true => (OWN_ADDRESS, "own"),
            false => (UNRESOLVED, "family"),
        };
        hints.push(Hint {
            page,
            variant,
            percent: 200,
            reason: Reason::Typed(flag.map_or_else(String::new, |(_, flag)| flag.clone())),
        });
    }
    let has_root = || {
        known
            .server
            .as_ref()
            .is_some_and(|server| server.daemon_root().is_some())
    };
    if shows(&["@ERROR: invalid uid ", "@ERROR: invalid gid "]) && has_root() {
        hints.push(Hint {
            page: NAMES_IN_ROOT,
            variant: "inside",
            percent: 200,
            reason: Reason::Sets("daemon chroot"),
        });
    }
    let variant = watched.lookalike.and_then(|lookalike| match lookalike {
        Lookalike::Blank => Some("blank"),
        Lookalike::Quote => Some("quote"),
        _ => None,
    });
    if let Some(variant) = variant
        && shows(&TAKEN_FOR_LETTERS)
    {
        hints.push(Hint {
            page: TYPOGRAPHIC,
            variant,
            percent: 300,
            reason: Reason::Typographic,
        });
    }
    let is_refusal = |seen: &&Seen| seen.text.contains("@ERROR") && !is_known(seen);
    if let Some(refusal) = incident.lines.iter().find(is_refusal)
        && (watched.is_preceded || watched.is_unlisted)
    {
        // A daemon's own refusals have a colon, and none comes in place of its list behind a message of the day.
        let is_line_of_text = !refusal.text.contains("@ERROR: ") || watched.is_preceded;
        hints.push(Hint {
            page: MESSAGE_OF_THE_DAY,
            variant: "refusal",
            percent: if is_line_of_text { 200 } else { 50 },
            reason: if watched.is_preceded {
                Reason::Preceded
            } else {
                Reason::AlsoListed
            },
        });
    }
    if watched.is_dismissed {
        hints.push(Hint {
            page: MESSAGE_OF_THE_DAY,
            variant: "exit",
            percent: 300,
            reason: Reason::Dismissed,
        });
    }
    if watched.is_started_twice {
        hints.push(Hint {
            page: MESSAGE_OF_THE_DAY,
            variant: "start",
            percent: 300,
            reason: Reason::StartedTwice,
        });
    }
    if watched.is_served_before {
        hints.push(Hint {
            page: LIMITED,
            variant: "watched",
            percent: 150,
            reason: Reason::ServedBefore,
        });
    }
    if watched.is_greeted && shows(&["@ERROR: protocol startup error"]) {
        hints.push(Hint {
            page: CHANGED,
            variant: "watched",
            percent: 200,
            reason: Reason::Misheard,
        });
    }
    let is_hung_up = |seen: &Seen| facts::is_of_dialogue(&seen.text);
    if watched.is_unlisted && watched.is_greeted && incident.lines.iter().any(is_hung_up) {
        hints.push(Hint {
            page: BEHIND_GREETING,
            variant: "watched",
            percent: 100,
            reason: Reason::Behind,
        });
    }
    hints
}
