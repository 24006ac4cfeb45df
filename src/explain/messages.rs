use std::{cmp::Reverse, collections::BTreeMap, sync::LazyLock};

use aho_corasick::AhoCorasick;

use crate::{
    catalog::{self, Page, Stage, Symptom},
    explain::{
        pattern::{Match, Pattern},
        wording::TYPED,
    },
};

/// Every message of the catalogue, ready to be looked for in a line.
pub(super) static MESSAGES: LazyLock<Messages> = LazyLock::new(Messages::of_the_catalogue);

/// Messages that are looked for together.
pub(super) struct Messages {
    messages: Vec<Message>,
    anchors: AhoCorasick,
    /// The messages of an anchor.
    of_anchor: Vec<Vec<usize>>,
    beginnings: AhoCorasick,
    /// The messages of a beginning.
    of_beginning: Vec<Vec<usize>>,
}

/// A message, and the causes that show it.
pub(super) struct Message {
    pub(super) pattern: Pattern,
    pub(super) claims: Vec<Claim>,
    /// Whether it only sums up what other lines have said: `… (code 23) at main.c(…)`, or a hang-up.
    pub(super) is_final: bool,
}

/// A cause that shows a message.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) page: &'static Page,
    pub(super) symptom: &'static Symptom,
    pub(super) voice: Voice,
}

/// Who says it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Voice {
    /// The client, or the program that ran it.
    Client,
    /// The daemon, in its log.
    Log,
}

/// A message that stands in a line.
pub(super) struct Found {
    /// Its number among the messages.
    pub(super) message: usize,
    pub(super) place: Match,
    /// Whether the line ends within it.
    pub(super) is_cut: bool,
}

impl Messages {
    fn of_the_catalogue() -> Self {
        let mut by_key: BTreeMap<String, Message> = BTreeMap::new();
        for page in catalog::pages() {
            for symptom in page.symptoms {
                for (voice, text) in texts(symptom) {
                    let Some(pattern) = Pattern::new(text) else {
                        continue;
                    };
                    let message = by_key.entry(pattern.key()).or_insert_with(|| Message {
                        is_final: SUMS_UP.iter().any(|part| text.contains(part)),
                        claims: Vec::new(),
                        pattern: Pattern::new(text).expect("it was one above"),
                    });
                    let says_more = |pattern: &Pattern| (pattern.placeholders(), Reverse(pattern.weight()));
                    if says_more(&pattern) > says_more(&message.pattern) {
                        message.pattern = pattern;
                    }
                    message.claims.push(Claim { page, symptom, voice });
                }
            }
        }
        let messages: Vec<_> = by_key.into_values().collect();
        let mut of_anchor: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, message) in messages.iter().enumerate() {
            of_anchor
                .entry(message.pattern.anchor())
                .or_default()
                .push(number);
        }
        // Lines that hold no message may still tell a command or an exit code.
        let typed = TYPED.iter().map(|(typed, _)| *typed);
        for hint in ["rsync", "#errno ", "@ERROR"].into_iter().chain(typed) {
            of_anchor.entry(hint).or_default();
        }
        let mut of_beginning: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, message) in messages.iter().enumerate() {
            if let Some(beginning) = message.pattern.beginning() {
                of_beginning.entry(beginning).or_default().push(number);
            }
        }
        Self {
            messages,
            anchors: words(of_anchor.keys()),
            of_anchor: of_anchor.into_values().collect(),
            beginnings: words(of_beginning.keys()),
            of_beginning: of_beginning.into_values().collect(),
        }
    }

    /// The message of a number that [`Messages::find`] gave.
    pub(super) fn get(&self, number: usize) -> &Message {
        &self.messages[number]
    }

    /// Who shows lines that only sum up how a client ended.
    pub(super) fn finals(&self) -> impl Iterator<Item = &Claim> {
        let finals = self.messages.iter().filter(|message| message.is_final);
        let claims = finals.flat_map(|message| &message.claims);
        claims.filter(|claim| claim.symptom.stage != Stage::Start)
    }

    /// Whether the line may hold a message, a command or an exit code.
    pub(super) fn may_tell(&self, line: &[u8]) -> bool {
        self.anchors.is_match(line)
    }

    /// The messages that stand in a line, those that fit more of it first.
    pub(super) fn find(&self, line: &str) -> Vec<Found> {
        let mut numbers: Vec<_> = self
            .anchors
            .find_overlapping_iter(line)
            .flat_map(|anchor| &self.of_anchor[anchor.pattern()])
            .copied()
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut found: Vec<_> = numbers
            .into_iter()
            .filter_map(|message| {
                let place = self.messages[message].pattern.find(line)?;
                Some(Found {
                    message,
                    place,
                    is_cut: false,
                })
            })
            .collect();
        found.sort_by_key(|found| Reverse(self.messages[found.message].pattern.weight()));
        // A shorter message may take words of a longer one for a name: `failed to open {file}: …`.
        let misreads = |shorter: &Found, longer: &Found| {
            let name = self.messages[shorter.message]
                .pattern
                .first_value(shorter.place.range.start);
            let words = self.messages[longer.message]
                .pattern
                .first_value(longer.place.range.start);
            name.is_some_and(|name| (longer.place.range.start..words.unwrap_or(0)).contains(&name))
        };
        let kept = (0..found.len()).map(|at| !found[..at].iter().any(|longer| misreads(&found[at], longer)));
        let mut kept: Vec<_> = kept.collect();
        kept.reverse();
        found.retain(|_| kept.pop().unwrap_or(true));
        found
    }

    /// The messages that a line may have held that is cut at its end, by a terminal or a viewer, those alone of which
    /// most is left.
    pub(super) fn find_cut(&self, line: &str) -> Vec<Found> {
        let kept = line.trim_end_matches(['…', '.', ' ', '>', '$']);
        let is_cut = line.trim_end().ends_with(['…', '>', '$']) || line.trim_end().ends_with("...");
        let is_wide = line.chars().count() >= NARROWEST;
        let is_of_rsync = ["rsync:", "ERROR:"].iter().any(|start| line.contains(start));
        if !is_of_rsync || !(is_cut || is_wide) || ends_with_number(kept) {
            return Vec::new();
        }
        let mut fits: Vec<(usize, usize)> = self
            .beginnings
            .find_overlapping_iter(kept)
            .flat_map(|beginning| &self.of_beginning[beginning.pattern()])
            .filter_map(|&message| Some((self.messages[message].pattern.fit_of_cut(kept)?, message)))
            .collect();
        fits.sort_unstable_by(|one, other| other.cmp(one));
        fits.dedup();
        let most = fits.first().map_or(0, |(fit, _)| *fit);
        fits.into_iter()
            .take_while(|(fit, _)| *fit == most)
            .map(|(_, message)| Found {
                message,
                place: Match {
                    range: 0..kept.len(),
                    values: Vec::new(),
                },
                is_cut: true,
            })
            .collect()
    }
}

/// Whether a line ends with the number of the system's reason: `… (2)`. Then nothing is missing.
fn ends_with_number(line: &str) -> bool {
    let inner = line
        .trim_end()
        .strip_suffix(')')
        .and_then(|line| line.rsplit_once(" ("));
    inner.is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The width of the narrowest terminal that cuts lines: a shorter line has not met its edge.
const NARROWEST: usize = 79;

/// Finds any of some words, whatever the case of their letters.
fn words<'a>(words: impl Iterator<Item = &'a &'a str>) -> AhoCorasick {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(words)
        .expect("some hundred short words")
}

/// Parts of lines that only say that a run has ended: they follow from whatever the other lines say.
const SUMS_UP: [&str; 4] = [
    "(code ",
    "connection unexpectedly closed",
    ".service: Failed with result",
    ".service failed because the control process",
];

/// What a symptom shows, and who says it.
fn texts(symptom: &'static Symptom) -> impl Iterator<Item = (Voice, &'static str)> {
    let client = symptom.client.into_iter().chain(symptom.wordings.iter().copied());
    let client = client.filter(|_| symptom.is_sign);
    let log = symptom
        .log
        .into_iter()
        .chain(symptom.log_wordings.iter().copied());
    let client = client.map(|text| (Voice::Client, text));
    client.chain(log.map(|text| (Voice::Log, text)))
}
