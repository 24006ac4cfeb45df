//! What a daemon's log tells of one client.

use std::net::IpAddr;

use jiff::civil::DateTime;

use super::{failure::Failure, recent::Clients};

/// What is written of one client.
#[derive(Clone, Default)]
pub(super) struct Session {
    /// When it came.
    pub(super) came: Option<DateTime>,
    /// Where it comes from.
    pub(super) peer: Option<IpAddr>,
    /// What it asks for, as the log has it: the direction and the path, and who has logged in.
    pub(super) asks: Option<(String, Option<String>)>,
    /// When the daemon let it have that: the folder was entered, and its user become.
    pub(super) asked: Option<DateTime>,
    /// The module of which the daemon said something before that.
    pub(super) refused: Option<String>,
    /// When the daemon let it have its module by its address.
    pub(super) admitted: Option<DateTime>,
    /// When files began to be listed: the module may be read or written as it wanted.
    pub(super) listed: Option<DateTime>,
    /// Something has failed in it.
    pub(super) has_failed: bool,
    /// It ended for what comes and goes: that another one was served says nothing of it.
    pub(super) is_passing: bool,
    /// When it came to its end, and sums were written.
    pub(super) ended: Option<DateTime>,
    /// So much data travelled that it was no dry run.
    pub(super) has_copied: bool,
    /// It is one of this machine.
    pub(super) is_local: bool,
    /// It does what the doctor never does.
    pub(super) is_of_others: bool,
}

impl Session {
    /// Takes what the daemon says of it (`rsync_module`, `auth_server` and `log_exit` write these lines).
    pub(super) fn take(&mut self, said: &str, time: DateTime) {
        if let Some((asked, client)) = said.split_once(" from ")
            && asked.starts_with("rsync ")
            && ["rsync to ", "rsync on "]
                .iter()
                .any(|start| asked.starts_with(start))
        {
            let user = client.split_once('@').map(|(user, _)| user.to_owned());
            self.asks = Some((asked.to_owned(), user));
            self.asked = Some(time);
        } else if let Some((_, behind)) = said.split_once(" on module ") {
            self.refused = behind.split(' ').next().map(str::to_owned);
            if said.starts_with("rsync allowed access ") {
                self.admitted = Some(time);
            }
        } else if let Some(behind) = said.strip_prefix(UNKNOWN) {
            self.refused = behind.split('\'').nth(1).map(str::to_owned);
        } else if LISTS.contains(&said) {
            self.listed = Some(time);
        }
        let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        self.has_failed |= has(&FAILURES);
        self.is_passing |= has(&PASSING);
        if let Some([sent, received, total]) = sums(said) {
            self.ended = Some(time);
            let is_push = self
                .asks
                .as_ref()
                .is_some_and(|(asked, _)| asked.starts_with("rsync to "));
            let came = if is_push { received } else { sent };
            self.has_copied = total >= LEAST_COPIED && came >= total;
        }
    }

    /// Whether it is no visit of the doctor's for sure.
    pub(super) fn is_real(&self) -> bool {
        !self.is_local || self.is_of_others
    }

    /// Whether something has failed in it, or was refused it, that does not come and go.
    pub(super) fn has_ended_badly(&self) -> bool {
        (self.has_failed || self.refused.is_some()) && !self.is_passing
    }

    /// The module that it is about, once the daemon has said so.
    pub(super) fn module(&self) -> Option<&str> {
        match &self.asks {
            Some((place, _)) => place.get(DIRECTION..)?.split('/').next(),
            None => self.refused.as_deref(),
        }
    }

    /// The path in the module of a name in the folder that it is about.
    pub(super) fn below(&self, name: &str) -> String {
        let asked = self.asks.as_ref().and_then(|(place, _)| place.get(DIRECTION..));
        let folder = asked
            .and_then(|place| place.split_once('/'))
            .map_or("", |(_, folder)| folder);
        let folder = folder.trim_matches('/');
        match folder.is_empty() {
            true => name.to_owned(),
            false => format!("{folder}/{name}"),
        }
    }

    /// When that failure of another one, before it, is shown by this one to be over.
    pub(super) fn disproves(
        &self,
        failure: &Failure,
        before: &Self,
        clients: &Clients<'_>,
    ) -> Option<DateTime> {
        if matches!(failure, Failure::Configuration) {
            return self.came;
        }
        let module = before.module().filter(|&module| self.module() == Some(module))?;
        let user = |session: &Self| session.asks.as_ref().and_then(|(_, user)| user.clone());
        let is_same_client = self.peer == before.peer;
        match failure {
            Failure::Login {
                user: who,
                is_of_client,
            } => {
                let has_logged_in = user(self).is_some_and(|own| who.as_ref().is_none_or(|who| own == *who));
                let is_proof = has_logged_in && (is_same_client || !is_of_client);
                self.asked.filter(|_| is_proof)
            }
            Failure::Denied => self.admitted.or(self.asked).filter(|_| is_same_client),
            Failure::Unknown => self.admitted.or(self.asked),
            Failure::Entry => {
                let is_proof = is_same_client || !(clients.is_by_client)(module);
                self.asked.filter(|_| is_proof)
            }
            Failure::Slots(limit) => {
                let is_raised = (clients.limit)(module).is_some_and(|now| now <= 0 || now > *limit);
                let is_real = is_same_client && self.is_real();
                let asked = self.asked.filter(|_| is_raised || is_real);
                asked.filter(|time| is_raised || *time < clients.began)
            }
            Failure::Direction => {
                let direction = |session: &Self| {
                    let (place, _) = session.asks.as_ref()?;
                    place.get(..DIRECTION).map(str::to_owned)
                };
                let is_proof = direction(self) == direction(before) && user(self) == user(before);
                self.listed.filter(|_| is_proof)
            }
            Failure::List(_) => self.asked,
            // What a script lets one client do it may refuse another.
            Failure::Hook(_) => self.listed.filter(|_| is_same_client),
            Failure::Excluded(_) => {
                let is_same = is_same_client && self.asks == before.asks;
                self.ended.filter(|_| is_same && !self.has_failed)
            }
            _ => None,
        }
    }

    /// When it was served all that it asked for, if that shows that what kept another one of its client before is over.
    pub(super) fn shows_over(&self, before: &Self) -> Option<DateTime> {
        let ended = self.ended.filter(|_| !self.has_failed)?;
        self.asks.as_ref()?;
        let module = self.module();
        let is_same = match (&before.asks, &before.refused) {
            // What failed behind the access a dry run may not meet.
            (Some(asked), _) => self.asks.as_ref() == Some(asked) && self.has_copied,
            (None, Some(refused)) => module == Some(refused.as_str()),
            (None, None) => true,
        };
        is_same.then_some(ended)
    }
}

/// What stands in front of a module's name where a session is told: `rsync to ` or `rsync on `.
const DIRECTION: usize = "rsync to ".len();

/// What the daemon says once it lists the files of a session, or takes the list (`send_file_list` and `recv_file_list` in
/// flist.c).
const LISTS: [&str; 2] = ["building file list", "receiving file list"];

/// Less than that may as well be the list of a dry run, in bytes.
const LEAST_COPIED: u64 = 4096;

/// What was sent, received, and in all, in bytes, of the line at the end of a session (`log_exit` in log.c).
fn sums(said: &str) -> Option<[u64; 3]> {
    let (sent, rest) = said.strip_prefix("sent ")?.split_once(" bytes  received ")?;
    let (received, total) = rest.split_once(" bytes  total size ")?;
    let number = |text: &str| text.replace(',', "").trim().parse().ok();
    Some([number(sent)?, number(received)?, number(total)?])
}

/// What lines of a session have in them where something has failed.
pub(super) const FAILURES: [&str; 4] = ["rsync: ", "rsync error: ", "ERROR", " failed"];

/// What such lines say of what comes and goes: networks, clients that are stopped, places that others take.
const PASSING: [&str; 6] = [
    "Broken pipe",
    "Connection reset",
    "connection unexpectedly closed",
    "max connections",
    "received SIG",
    "timeout",
];

/// What a line begins with of a module that is not there.
pub(super) const UNKNOWN: &str = "unknown module ";

/// The address of a client: `connect from UNKNOWN (192.0.2.7)`.
pub(super) fn address(said: &str) -> Option<IpAddr> {
    let (_, address) = said.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    address.parse().ok()
}

/// The process of a line with a time, and what stands behind it: `2026/11/21 07:43:24 [2864] connect from …`.
pub(super) fn said(line: &str) -> (&str, &str) {
    let behind = line.get(19..).unwrap_or_default().trim_start();
    let bracketed = behind.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    bracketed.unwrap_or(("", behind))
}

/// When a line was written: `2026/11/21 07:43:24 ` stands in front (`timestring` and `logit` in log.c).
pub(super) fn time(line: &[u8]) -> Option<DateTime> {
    let text = str::from_utf8(line.get(..19)?).ok()?;
    DateTime::strptime("%Y/%m/%d %H:%M:%S", text).ok()
}
