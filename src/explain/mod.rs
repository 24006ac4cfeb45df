//! From a text that somebody pastes to ranked causes: the lines of rsync are found in the noise, put together into
//! failures, and the pages whose symptoms they are compete.

mod arguments;
mod cause;
mod command;
mod facts;
mod foretold;
mod incident;
mod judge;
mod line;
mod messages;
mod missing;
mod modes;
mod pattern;
mod place;
mod quoted;
mod rank;
mod secret;
mod speaks;
mod typed;
mod watched;
mod wording;

use std::{collections::BTreeSet, io};

pub use cause::{Cause, Reason};
pub use command::Command;
pub use incident::{Incident, Seen};
pub use judge::{Server, Unread};
pub use line::Stop;
pub(crate) use missing::nearest;
pub use secret::Secrets;

use crate::{
    catalog::{self, Confidence, FileKind, Need, Page, Stage, Symptom},
    explain::{incident::Collector, messages::MESSAGES},
    model::{Parameter, Scope},
    syntax::{Invocation, Lookalike},
};

/// What a text says about failures.
#[derive(Debug)]
pub struct Explanation {
    /// The failures in the order of the text; each kind once.
    pub incidents: Vec<Incident>,
    /// Kinds of failures that are left out because there are too many.
    pub omitted: usize,
    /// Where the reading stopped before the end of the text.
    pub stop: Option<Stop>,
}

/// Something that is known besides the text.
#[derive(Debug, Default)]
pub struct Known {
    /// What is found in the server's configuration.
    pub findings: Vec<Predicted>,
    /// The rules of which something could not be checked there.
    pub unchecked: BTreeSet<&'static str>,
    /// The server's configuration.
    pub server: Option<Server>,
    /// Names that no text has, by the placeholders that they stand for: the script of a command line.
    pub names: Vec<(&'static str, String)>,
    /// Whether the daemon's files were tried with the rights of its process.
    pub is_tried: bool,
    /// Whether the daemon runs and belongs to no unit, and sees what everybody sees.
    pub is_of_no_unit: bool,
}

impl Known {
    /// The port at which clients find the daemon, if they name no other.
    fn port(&self) -> u16 {
        let seen = self.names.iter().find(|(kind, _)| *kind == "port");
        let seen = seen.and_then(|(_, port)| port.parse().ok());
        let written = || {
            let configuration = &self.server.as_ref()?.configuration;
            let port = configuration.integer(Scope::Global, Parameter::Port).value;
            u16::try_from(port).ok().filter(|port| *port > 0)
        };
        seen.or_else(written).unwrap_or(Invocation::PORT)
    }
}

/// Pages of files that the daemon may miss although they are there, because its account may not read them.
const OF_THE_ACCOUNT: [&str; 2] = ["RSY312", "RSY418"];

/// The page of a hook that the client's own name or address spoils.
const OF_THE_CLIENT: &str = "RSY416";

/// The page of a line of a secrets file that is nobody's.
const NOBODYS_LINE: &str = "RSY321";

/// The page of a module's folder that is not there.
const PATH_MISSING: &str = "RSY402";

impl Known {
    /// Whether the server's configuration was looked through for a page's mistake, and does not have it. What depends on
    /// the account of the daemon is not known from files.
    fn denies(&self, page: &Page, incident: &Incident) -> bool {
        let is_of_server = |file: &FileKind| matches!(file, FileKind::RsyncdConf | FileKind::Secrets);
        // Nothing of a unit binds a daemon that is of none.
        let is_of_unit = page.files.iter().all(|file| *file == FileKind::Systemd) && !page.files.is_empty();
        let is_found = self.findings.iter().any(|found| found.rule == page.id);
        if self.is_of_no_unit && is_of_unit && !is_found {
            return true;
        }
        let has_open_path = |server: &Server| server.has_open_path(incident);
        let is_open = page.id == PATH_MISSING && self.server.as_ref().is_some_and(has_open_path);
        self.server.is_some()
            && !page.files.is_empty()
            && page.files.first().is_some_and(is_of_server)
            && (self.is_tried || !page.needs.contains(&Need::Identities))
            && (self.is_tried || !OF_THE_ACCOUNT.contains(&page.id))
            && page.id != OF_THE_CLIENT
            && !is_open
            && !self.unchecked.contains(page.id)
            && !self
                .findings
                .iter()
                .any(|found| found.rule == page.id && self.concerns(found, incident))
    }

    /// Whether a mistake is one of the module that a failure is of. Where there is no such module, any may be it.
    fn concerns(&self, found: &Predicted, incident: &Incident) -> bool {
        let is_there = |module: &&str| self.server.as_ref().is_some_and(|server| server.has(module));
        let asked = incident.module().filter(is_there);
        let is_of_module = found.modules.is_empty()
            || asked.is_none_or(|asked| found.modules.iter().any(|own| own == asked));
        let server = self.server.as_ref();
        let is_passed = found.rule == NOBODYS_LINE
            && server.is_some_and(|server| secret::is_looked_up(server, found, incident));
        is_of_module && !is_passed && !found.is_of_another_user(incident)
    }
}

/// A mistake of the server's configuration.
#[derive(Clone, Debug)]
pub struct Predicted {
    /// Its rule.
    pub rule: &'static str,
    /// Where it is: `rsyncd.conf:7`.
    pub place: String,
    /// Where else it is.
    pub others: Vec<String>,
    /// How sure it is that it is one.
    pub confidence: Confidence,
    /// What its clients see.
    pub symptoms: Vec<&'static Symptom>,
    /// The modules that have it; none where it is about none.
    pub modules: Vec<String>,
    /// Which kind of case of its page it is.
    pub variant: Option<&'static str>,
    /// The values of its page's placeholders.
    pub arguments: Vec<(&'static str, String)>,
}

impl Predicted {
    /// How sure a cause can be at most: what stands in a list of passwords may be one, as strange as it looks.
    fn most(&self) -> Confidence {
        let page = catalog::page(self.rule).expect("findings are of pages");
        let is_list = |kind: &FileKind| matches!(kind, FileKind::Password | FileKind::Secrets);
        match self.confidence {
            Confidence::Certain => Confidence::Certain,
            _ if page.files.iter().all(is_list) => Confidence::Possible,
            _ => Confidence::Certain,
        }
    }

    /// Whether it keeps somebody from a login who is not the one that the failure is of.
    fn is_of_another_user(&self, incident: &Incident) -> bool {
        let is_of_login = |symptom: &&Symptom| symptom.stage == Stage::Authentication;
        let own = self.arguments.iter().find(|(kind, _)| *kind == "user");
        let asked = incident.user();
        // There the user who is told is the daemon's.
        let is_of_account = OF_THE_ACCOUNT.contains(&self.rule);
        self.symptoms.iter().any(is_of_login)
            && !is_of_account
            && own.is_some_and(|(_, own)| asked.is_some_and(|asked| asked != own))
    }
}

/// Reads a text (any bytes, any length) and ranks the causes of each failure in it. Memory does not grow with the text, and
/// a text without end is read up to a limit.
///
/// # Errors
/// What reading gives.
pub fn explain(text: impl io::BufRead, known: &Known) -> io::Result<Explanation> {
    explain_session(text, known, Watched::default())
}

/// What is known of a session that was watched, and is not in its text.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    /// Names that it showed, by the placeholders that they stand for: the user whom the daemon was told.
    pub names: Vec<(&'static str, String)>,
    /// The module of its list whose name is nearly the one that was asked for.
    pub nearly: Option<String>,
    /// The host has addresses of another family than the command line wants.
    pub is_of_other_family: bool,
    /// The address that the connection was to be made from is none of this machine's.
    pub is_own_address: bool,
    /// The daemon had greeted.
    pub is_greeted: bool,
    /// A connection before was served, and this one had no greeting.
    pub is_served_before: bool,
    /// It lists no modules either.
    pub is_unlisted: bool,
    /// It refused before it had asked for a password.
    pub is_unasked: bool,
    /// A word of the command line has a quote or a blank that is none for a shell.
    pub lookalike: Option<Lookalike>,
    /// Lines of text came in front of its answer: the message of the day.
    pub is_preceded: bool,
    /// It ended the session as it ends a list of modules.
    pub is_dismissed: bool,
    /// It went on with words of its own behind its yes.
    pub is_started_twice: bool,
}

/// The same for a session that was watched.
///
/// # Errors
/// What reading gives.
pub fn explain_session(text: impl io::BufRead, known: &Known, watched: Watched) -> io::Result<Explanation> {
    let mut collector = Collector::default();
    let (mut typed, mut is_curved) = (None, false);
    let stop = line::for_each(text, |number, bytes| {
        typed = typed.or_else(|| line::of_command(bytes));
        is_curved |= line::is_curved(bytes);
        let text = line::clean(bytes);
        for text in line::unescaped(text).lines() {
            collector.session(text);
            if collector.has_begun(number) || MESSAGES.may_tell(text.as_bytes()) {
                collector.line(number, text);
            }
        }
    })?;
    let watched = Watched {
        // Whoever pasted the text may have curved all of its quotes.
        lookalike: watched.lookalike.or_else(|| typed.filter(|_| !is_curved)),
        ..watched
    };
    let (mut incidents, omitted) = collector.finish();
    for incident in &mut incidents {
        incident.causes = rank::causes(incident, known, &watched);
    }
    incidents.retain(|incident| !incident.causes.is_empty());
    Ok(Explanation {
        incidents,
        omitted,
        stop,
    })
}
