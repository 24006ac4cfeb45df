use crate::catalog::{Confidence, Page, Side, Symptom};

/// What can be behind a failure.
#[derive(Debug)]
pub struct Cause {
    /// Its page.
    pub page: &'static Page,
    /// Which of the page's symptoms the text shows.
    pub symptom: &'static Symptom,
    /// How sure it is.
    pub confidence: Confidence,
    /// Why it ranks where it does.
    pub reasons: Vec<Reason>,
    /// The names of the text, for the page's placeholders.
    pub arguments: Vec<(&'static str, String)>,
    /// Where it is cured, if the text tells that.
    pub side: Option<Side>,
    /// Which kind of case of the page the server's configuration has; none if it is not found there.
    pub variant: Option<&'static str>,
    /// Whether a daemon works there, by its rsyncd.conf.
    pub is_of_daemon: bool,
    pub(super) score: u32,
    /// How sure it can be.
    pub(super) most: Confidence,
}

/// Why a cause ranks where it does. Lines are 1-based numbers of the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The line is printed for this cause alone.
    Alone(usize),
    /// The line is printed for so many causes, this one among them.
    Shared(usize, usize),
    /// The daemon's log names it.
    Logged(usize),
    /// The line is cut, and what is left of it fits so many causes.
    Cut(usize, usize),
    /// The command line has that word.
    Typed(String),
    /// The line only sums up.
    SumsUp(usize),
    /// Only the exit code speaks for it.
    ExitOnly(u8),
    /// It is one of the more frequent ones of those with the same line.
    Frequent,
    /// The server's configuration has it, there.
    Found(String),
    /// The secrets file has a line for that user, there.
    HasSecret(String, String),
    /// The server's configuration does not set that parameter, and its default makes it happen.
    Default(&'static str),
    /// The server's configuration has no such module: its header, the file, the headers that there are.
    NoModule(String, String, String),
    /// The server's configuration has the module of which the daemon says that there is none: its header, and the file.
    OtherFile(String, String),
    /// The daemon refused before it asked for a password.
    Unasked,
    /// The command line names no user, so the login of the machine is sent.
    NoUser,
    /// Nothing of it is found in the server's configuration.
    NotFound,
    /// The server's configuration does not make it happen.
    Refuted,
    /// The client ended with another code than this cause's.
    OtherExit(u8, u8),
    /// The client's release does not behave so.
    OtherRelease,
    /// The daemon's log names another reason.
    NotLogged,
    /// The cause shows before the daemon greets, and it had greeted.
    Greeted,
    /// The list of modules has that name, which is spelt nearly so.
    Listed(String),
    /// The server's configuration sets that parameter.
    Sets(&'static str),
    /// A connection was served right before.
    ServedBefore,
    /// The daemon did not take the client's greeting for one, and that is sound.
    Misheard,
    /// The list of modules ended behind the greeting as well.
    Behind,
    /// The list of modules is refused in the same place.
    AlsoListed,
    /// No daemon of rsync's answers so to who asks for a module.
    Dismissed,
    /// A word of the command line begins or ends with a curved quote, or has a blank that is none for a shell.
    Typographic,
    /// A message of the day stands in front of it.
    Preceded,
    /// The daemon's words went on behind its yes.
    StartedTwice,
    /// The cause is of one module, and the list of modules does not come either.
    Unlisted,
}

impl Cause {
    /// Whether nothing but lines that only sum up speaks for it.
    pub(super) fn only_sums_up(&self) -> bool {
        let speaks_for_it = |reason: &Reason| {
            let speaks_against_it = matches!(
                reason,
                Reason::Greeted
                    | Reason::Unlisted
                    | Reason::Unasked
                    | Reason::OtherExit(..)
                    | Reason::OtherRelease
                    | Reason::NotLogged
                    | Reason::NotFound
                    | Reason::Refuted
            );
            !(speaks_against_it || matches!(reason, Reason::SumsUp(_)))
        };
        !self.reasons.iter().any(speaks_for_it)
    }

    /// Whether it was looked for and is not so: the server's files do not have it, or the session had come further.
    pub(super) fn is_denied(&self) -> bool {
        let denies = |reason: &Reason| matches!(reason, Reason::NotFound | Reason::Refuted | Reason::Greeted);
        self.reasons.iter().any(denies)
    }
}

impl Reason {
    /// The line that it is taken from.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Alone(line)
            | Self::Shared(line, _)
            | Self::Logged(line)
            | Self::Cut(line, _)
            | Self::SumsUp(line) => Some(*line),
            _ => None,
        }
    }
}

/// How sure each cause is, from what the others have.
pub(super) fn state_confidence(causes: &mut [Cause]) {
    let second = causes.get(1).map_or(0, |cause| cause.score);
    let Some(first) = causes.first_mut() else { return };
    let is_alone = |reason: &Reason| {
        matches!(
            reason,
            Reason::Alone(_)
                | Reason::Logged(_)
                | Reason::Found(_)
                | Reason::Default(_)
                | Reason::NoModule(..)
        )
    };
    let confidence = if first.reasons.iter().any(is_alone) && first.score >= 2 * second {
        Confidence::Certain
    } else if first.score * 2 >= second * 3 {
        Confidence::Likely
    } else {
        Confidence::Possible
    };
    first.confidence = confidence.min(first.most);
}
