use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
};

use crate::{
    catalog::{Side, Stage},
    explain::{
        Cause, Command, command, facts,
        messages::{Claim, Found, MESSAGES, Message, Voice},
        wording,
    },
    terms::{Release, Target, part_without_passwords, without_passwords},
};

/// One failure: the lines that belong together.
#[derive(Debug, Default)]
pub struct Incident {
    /// The command line above, if the text has it.
    pub command: Option<Command>,
    /// The lines that say something, in order, each message once.
    pub lines: Vec<Seen>,
    /// The client's exit code, if the text tells it.
    pub exit: Option<u8>,
    /// Who printed the last line: `sender`, `Receiver`, ….
    pub role: Option<String>,
    /// The client's release, if the text tells it.
    pub release: Option<Release>,
    /// Names that the text tells: modules, hosts, paths.
    pub names: Vec<(&'static str, String)>,
    /// Paths of which the text says that they are not there.
    pub(super) missing: Vec<String>,
    /// How often the same failure stands in the text.
    pub count: usize,
    /// What can be behind it, likeliest first.
    pub causes: Vec<Cause>,
    /// The daemon's process, if a line of its log tells it.
    process: Option<u32>,
}

/// A line that says something about a failure.
#[derive(Debug)]
pub struct Seen {
    /// Its 1-based number in the text.
    pub number: usize,
    /// Without colours and prompts' escape sequences.
    pub text: String,
    /// The messages in it and what they claim, those that fit more of the line first.
    pub(super) messages: Vec<usize>,
    /// Names that the line tells, and the message by which it does, if it is one.
    pub(super) names: Vec<(Option<usize>, &'static str, String)>,
    /// Whether the line ends within its messages.
    pub(super) is_cut: bool,
    /// So many more lines tell the same of other names.
    pub(super) others: usize,
}

impl Seen {
    /// The line as reports show it.
    pub fn shown(&self) -> Cow<'_, str> {
        without_passwords(self.text.trim())
    }
}

/// Kinds of failures that are kept; a text with more has one disease, not hundreds.
const MOST_INCIDENTS: usize = 100;
/// Lines of one failure that are kept.
const MOST_LINES: usize = 40;
/// Missing paths of one failure that are kept.
const MOST_MISSING: usize = 8;
/// Sessions of a daemon's log that are kept: the latest ones.
const MOST_SESSIONS: usize = 64;
/// Bytes of a line that are kept.
const LONGEST_TEXT: usize = 600;

/// Puts lines together into failures.
#[derive(Default)]
pub(super) struct Collector {
    done: Vec<Incident>,
    by_signature: BTreeMap<Vec<usize>, usize>,
    omitted: usize,
    /// The failure before the open one, if it is new.
    last: Option<usize>,
    open: Incident,
    /// The number of the line with the exit code, once it has come.
    closed_at: Option<usize>,
    /// The line before, in which a message may begin that the terminal has wrapped.
    before: Option<(usize, String)>,
    /// What the daemon's log says of the sessions of its processes, the latest first.
    sessions: VecDeque<(u32, Vec<(&'static str, String)>)>,
}

impl Collector {
    /// Whether a message may have begun in the line before this one.
    pub(super) fn has_begun(&self, number: usize) -> bool {
        self.before
            .as_ref()
            .is_some_and(|(before, _)| before + 1 == number)
    }

    /// Takes what a line of a daemon's log says of a session, whatever comes of that.
    pub(super) fn session(&mut self, text: &str) {
        let Some(names) = facts::session(text) else {
            return;
        };
        if let Some(process) = facts::daemon_process(text) {
            self.sessions.truncate(MOST_SESSIONS - 1);
            self.sessions.push_front((process, names));
        }
    }

    /// Takes the next line that may say something.
    pub(super) fn line(&mut self, number: usize, original: &str) {
        let text = &*wording::in_english(original);
        let mut found = MESSAGES.find(text);
        // A message may read like a command: `This rsync does not support --iconv`.
        if found.is_empty()
            && let Some(command) = command::command(text)
        {
            // sersync writes the code above the command.
            let is_below_its_code = self.closed_at == Some(number - 1) && self.open.is_of_fail_log();
            if is_below_its_code {
                self.open.command = Some(command);
                self.before = None;
                return;
            }
            self.close();
            self.open.command = Some(command);
            self.before = None;
            return;
        }
        let mut text = text.to_owned();
        let weight = weight(&found);
        let mut is_joined = false;
        if let Some((whole, messages)) = self.joined(number, &text, weight) {
            is_joined = true;
            text = whole;
            found = messages;
            self.open
                .lines
                .pop_if(|seen| seen.is_cut && seen.number + 1 == number);
        } else if found.is_empty() {
            self.before = Some((number, text.clone()));
            found = MESSAGES.find_cut(&text);
        }
        let ending = facts::final_line(&text);
        if found.is_empty() && ending.is_none() {
            return;
        }
        let is_final = found.iter().all(|found| MESSAGES.get(found.message).is_final);
        let process = facts::daemon_process(&text);
        if self.begins_another(number, &text, is_final, process, &found) {
            self.close();
        }
        self.open.process = self.open.process.or(process);
        if let Some(ending) = ending {
            self.open.exit = Some(self.open.exit.map_or(ending.exit, |exit| exit.max(ending.exit)));
            self.open.role = ending.role.or_else(|| self.open.role.take());
            self.open.release = ending.release.or(self.open.release);
            self.closed_at = Some(number);
        }
        let shown = if is_joined {
            text.clone()
        } else {
            original.to_owned()
        };
        self.open.see(number, &text, shown, found);
    }

    /// The line together with the one before, where a message stands across both that fits more than `least` bytes.
    fn joined(&mut self, number: usize, text: &str, least: usize) -> Option<(String, Vec<Found>)> {
        let (_, before) = self.before.take().filter(|(at, _)| at + 1 == number)?;
        ["", " "].into_iter().find_map(|glue| {
            let whole = format!("{before}{glue}{}", text.trim_start());
            let found = MESSAGES.find(&whole);
            (weight(&found) > least).then_some((whole, found))
        })
    }

    /// Whether a line belongs to another failure than the lines before it.
    fn begins_another(
        &self,
        number: usize,
        text: &str,
        is_final: bool,
        process: Option<u32>,
        found: &[Found],
    ) -> bool {
        if self.open.lines.is_empty() {
            return self.closed_at.is_some() && !is_final && !facts::is_echo(text);
        }
        if let (Some(before), Some(now)) = (self.open.process, process)
            && before != now
        {
            return true;
        }
        if let Some(closed_at) = self.closed_at {
            if facts::is_fail_log(text) {
                return true;
            }
            // A client of two processes may end with two such lines, and with the hang-up that they left behind.
            let is_told = |found: &Found| {
                let mut lines = self.open.lines.iter();
                lines.any(|seen| seen.messages.contains(&found.message))
            };
            let is_echo = facts::is_echo(text) && !found.iter().any(is_told);
            // Where nothing but an exit code has come, the other side's hang-up is the rest of the same failure.
            let is_rest = facts::is_hang_up(text) && self.open.messages().all(|message| message.is_final);
            return !(is_final || is_echo || is_rest) || number > closed_at + 2;
        }
        let is_refusal = |message: &Message| {
            message
                .claims
                .iter()
                .all(|claim| is_refusal(claim.voice, claim.symptom.client))
        };
        let first = found
            .first()
            .map(|found| MESSAGES.get(found.message))
            .filter(|message| !message.is_final);
        let messages = || self.open.messages().filter(|message| !message.is_final);
        if first.is_some_and(is_refusal) && messages().any(is_refusal) {
            return true;
        }
        let is_watcher = |message: &Message| message.claims.iter().all(is_of_watcher);
        if first.is_some_and(|first| !is_watcher(first))
            && messages().next().is_some()
            && messages().all(is_watcher)
        {
            return true;
        }
        let is_early = |message: &Message| {
            let mut stages = message.claims.iter().map(|claim| claim.symptom.stage);
            !message.is_final && stages.all(|stage| stage <= Stage::Connect)
        };
        first.is_some_and(is_early) && messages().any(|message| !is_early(message))
    }

    fn close(&mut self) {
        self.closed_at = None;
        let mut incident = std::mem::take(&mut self.open);
        let mut sessions = self.sessions.iter();
        if let Some((_, names)) = sessions.find(|(process, _)| incident.process == Some(*process)) {
            incident.name(names.iter().cloned());
        }
        if incident.lines.is_empty() && incident.exit.is_none() {
            return;
        }
        if let Some(last) = self.last.take().and_then(|last| self.done.get_mut(last))
            && last.is_ended_by(&incident)
        {
            last.lines.extend(incident.lines);
            return;
        }
        let mut signature: Vec<_> = incident
            .lines
            .iter()
            .flat_map(|seen| seen.messages.clone())
            .collect();
        signature.sort_unstable();
        signature.dedup();
        signature.push(incident.exit.map_or(usize::MAX, usize::from));
        if let Some(&index) = self.by_signature.get(&signature) {
            self.done[index].count += 1;
            return;
        }
        if self.done.len() == MOST_INCIDENTS {
            self.omitted += 1;
            return;
        }
        self.last = Some(self.done.len());
        self.by_signature.insert(signature, self.done.len());
        self.done.push(Incident { count: 1, ..incident });
    }

    /// The failures, and how many kinds were left out.
    pub(super) fn finish(mut self) -> (Vec<Incident>, usize) {
        self.close();
        let mut incidents: Vec<Incident> = Vec::new();
        for incident in self.done {
            // The daemon's log of a failure that its client has told too.
            let told = |other: &&mut Incident| other.is_told_by(&incident) || incident.is_told_by(other);
            match incidents.iter_mut().find(told) {
                Some(other) => other.absorb(incident),
                None => incidents.push(incident),
            }
        }
        (incidents, self.omitted)
    }
}

/// How much of its line the best of some messages fits.
fn weight(found: &[Found]) -> usize {
    let first = found.first();
    first.map_or(0, |found| MESSAGES.get(found.message).pattern.weight())
}

/// inotifywait, lsyncd and sersync tell of themselves; the rsync that they call fails for reasons of its own.
fn is_of_watcher(claim: &Claim) -> bool {
    claim.symptom.stage == Stage::Start && claim.page.side == Side::Client
}

/// A daemon says `@ERROR` once in a session.
fn is_refusal(voice: Voice, client: Option<&str>) -> bool {
    voice == Voice::Client && client.is_some_and(|text| text.starts_with("@ERROR"))
}

impl Incident {
    /// Takes a line that reads as `text`, and is `shown` to people as it was pasted.
    fn see(&mut self, number: usize, text: &str, mut shown: String, found: Vec<Found>) {
        if self.missing.len() < MOST_MISSING {
            self.missing.extend(facts::missing(text));
        }
        let is_new = found.iter().any(|found| {
            !self
                .lines
                .iter()
                .any(|seen| seen.messages.contains(&found.message))
        });
        if !(is_new || found.is_empty()) || self.lines.len() == MOST_LINES {
            let first = found.first().map(|found| found.message);
            let mut lines = self.lines.iter_mut();
            let same = lines.find(|seen| first.is_some_and(|first| seen.messages.contains(&first)));
            if let Some(seen) = same {
                seen.others += usize::from(seen.text != shown);
            }
            return;
        }
        let named = found.iter().flat_map(|found| {
            let values = found.place.values.iter().cloned();
            values.map(|(kind, name)| (Some(found.message), kind, name))
        });
        let is_cut = found.first().is_some_and(|found| found.is_cut);
        let names = if is_cut { Vec::new() } else { facts::names(text) };
        let names = names.into_iter().map(|(kind, name)| (None, kind, name));
        // What is told of a name is read by others, too.
        let told = named
            .chain(names)
            .map(|(message, kind, name)| (message, kind, part_without_passwords(&name, text)));
        let told: Vec<_> = told.filter(|(.., name)| !name.is_empty()).collect();
        self.name(told.iter().map(|(_, kind, name)| (*kind, name.clone())));
        if let Some(end) = (0..=LONGEST_TEXT).rev().find(|&at| shown.is_char_boundary(at))
            && shown.len() > LONGEST_TEXT
        {
            shown.truncate(end);
            shown.push('…');
        }
        self.lines.push(Seen {
            number,
            text: shown,
            names: told,
            is_cut,
            others: 0,
            messages: found.into_iter().map(|found| found.message).collect(),
        });
    }

    /// Takes names of kinds that it has not.
    fn name(&mut self, names: impl IntoIterator<Item = (&'static str, String)>) {
        for (kind, name) in names {
            if !self.names.iter().any(|(known, _)| *known == kind) {
                self.names.push((kind, name));
            }
        }
    }

    /// Whether a line of sersync's fail log tells it.
    pub fn is_of_fail_log(&self) -> bool {
        self.lines.iter().any(|seen| facts::is_fail_log(&seen.text))
    }

    /// The module that the text names, or else its command line.
    pub(super) fn module(&self) -> Option<&str> {
        let mut names = self.names.iter();
        let told = names
            .find(|(kind, _)| *kind == "module")
            .map(|(_, name)| name.as_str());
        told.or_else(|| self.command.as_ref()?.invocation.peer()?.module())
    }

    /// The user whom the text names, or else its command line.
    pub(super) fn user(&self) -> Option<&str> {
        let mut names = self.names.iter();
        let told = names
            .find(|(kind, _)| *kind == "user")
            .map(|(_, user)| user.as_str());
        let of_command = || {
            self.command
                .as_ref()?
                .invocation
                .peer()?
                .remote()?
                .user
                .as_deref()
        };
        told.or_else(of_command)
    }

    /// Whether something tells of a remote shell: its command line, or that what it ran has hung up.
    pub(super) fn is_over_shell(&self) -> bool {
        let command = self.command.as_ref();
        let peer = command.and_then(|command| command.invocation.peer());
        let tells = |seen: &Seen| facts::is_hang_up(&seen.text) || seen.text.contains("ssh");
        matches!(peer, Some(Target::Shell(_))) || self.exit.is_some() || self.lines.iter().any(tells)
    }

    /// Whether the command line calls a daemon, and not through a shell.
    pub(super) fn is_without_shell(&self) -> bool {
        let invocation = self.command.as_ref().map(|command| &command.invocation);
        invocation.is_some_and(|invocation| {
            matches!(invocation.peer(), Some(Target::Daemon(_))) && invocation.option("rsh").is_none()
        })
    }

    /// Whether `rest`, which ends without a code of its own, tells why this one has ended: ssh and shells write past
    /// rsync, so their line may come last.
    fn is_ended_by(&self, rest: &Self) -> bool {
        let says_nothing = self.messages().all(|message| message.is_final);
        let is_of_others = rest.exit.is_none() && rest.command.is_none() && rest.process.is_none();
        let (Some(last), Some(next)) = (self.lines.last(), rest.lines.first()) else {
            return false;
        };
        let is_of_rsync = ["rsync: ", "@ERROR"].iter().any(|own| next.text.contains(own));
        self.exit.is_some() && says_nothing && is_of_others && !is_of_rsync && next.number <= last.number + 2
    }

    /// Whether no file may be created in a folder for another reason than its mode.
    pub(super) fn is_closed_to_all(&self) -> bool {
        let is_refused = |seen: &Seen| {
            seen.text.contains("mkstemp \"") && seen.text.contains("Operation not permitted (1)")
        };
        self.lines.iter().any(is_refused)
    }

    /// Takes in what the other side tells of the same failure.
    fn absorb(&mut self, mut other: Self) {
        if self.exit.is_none() && self.process.is_some() {
            std::mem::swap(self, &mut other);
        }
        // One process serves a client: the next one's log tells of another failure.
        self.process = self.process.or(other.process);
        self.lines.extend(other.lines);
        self.name(other.names);
    }

    /// Its messages, in the order of the lines.
    pub(super) fn messages(&self) -> impl Iterator<Item = &'static Message> {
        let numbers = self.lines.iter().flat_map(|seen| &seen.messages);
        numbers.map(|&number| MESSAGES.get(number))
    }

    /// Whether `log`, lines of a daemon's log alone, can tell of the same failure as this one of a client.
    fn is_told_by(&self, log: &Self) -> bool {
        if self.process.is_some() || log.process.is_none() {
            return false;
        }
        // What a daemon hangs up over without a word stands in its log alone.
        let is_hang_up =
            |seen: &Seen| facts::is_hang_up(&seen.text) || facts::final_line(&seen.text).is_some();
        if self.lines.iter().all(is_hang_up) && self.lines.iter().any(|seen| facts::is_hang_up(&seen.text)) {
            return true;
        }
        let own: Vec<_> = self
            .messages()
            .flat_map(|message| &message.claims)
            .map(|claim| claim.page.id)
            .collect();
        let mut logged = log
            .messages()
            .filter(|message| !message.is_final)
            .flat_map(|message| &message.claims);
        logged.any(|claim| own.contains(&claim.page.id))
    }
}
