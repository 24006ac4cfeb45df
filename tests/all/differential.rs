//! Generated configurations mean the same to our model and to a real daemon.
//!
//! `RSYNCCTL_DIFFERENTIAL` is the number of configurations, `RSYNCCTL_SEED` the seed of the first one; each further
//! one has the next seed.

pub(crate) mod generator;
mod peers;
mod prediction;
mod referee;
mod words;

use std::{
    env, fs,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use rsyncctl::{
    model::{
        Scope,
        access::{AddressPattern, Admission, Answer, Peer, Reach, Reason, Region, hosts},
    },
    terms::Release,
};

use crate::{
    differential::{
        generator::{Case, Random},
        prediction::{Prediction, complaints},
        referee::{CONFIGURATION, Referee, Request, Session, position},
        words::{BASE, FOLDERS, PREFIX},
    },
    support::{daemon::installed, skip},
};

/// As many differences as are worth reading at once.
const MOST_DIFFERENCES: usize = 8;

const WORKERS_PER_CORE: usize = 4;

/// As many lines of a log as are worth reading in one.
const MOST_LINES: usize = 12;

#[test]
fn generated_configurations_mean_the_same() {
    compare("configurations", 1800, |referee, seed, release| {
        let mut random = Random::new(seed);
        let case = Case::generate(&mut random);
        let difference = configuration_difference(referee, &case, seed, release)?;
        let (case, difference) = minimise(case, difference, |case| {
            configuration_difference(referee, case, seed, release)
        });
        Some(format!("{case}{difference}"))
    });
}

#[test]
fn modules_mean_the_same_beside_includes_that_are_not_seen() {
    let compared = AtomicU64::new(0);
    compare("unseen includes", 1200, |referee, seed, release| {
        let mut random = Random::new(seed);
        let case = Case::generate(&mut random).with_include(&mut random);
        let is_compared = unseen_difference(referee, &case, seed, release);
        if is_compared.is_some() {
            compared.fetch_add(1, Ordering::Relaxed);
        }
        let difference = is_compared??;
        let (case, difference) = minimise(case, difference, |case| {
            unseen_difference(referee, case, seed, release)?
        });
        Some(format!("{case}{difference}"))
    });
    println!("{} of them have a module that can be told", compared.into_inner());
}

#[test]
fn hosts_lists_decide_the_same() {
    compare("hosts lists", 2500, |referee, seed, release| {
        let (peer, lines) = peers::lists(&mut Random::new(seed));
        let main = format!(
            "{PREFIX}proxy protocol = yes\nproxy protocol hosts = 127.0.0.0/8\n[m]\npath = d1\n{lines}"
        );
        let prediction = staged(referee, main.as_bytes(), release);
        let words = hosts(
            &prediction.configuration,
            Scope::Module(0),
            &Peer::new(peer, None),
        );
        if let Some(difference) = region_difference(&prediction, peer, words.allowed) {
            return Some(format!("{lines}{difference}"));
        }
        words.allowed?;
        let proxy = peers::introduction(peer);
        let session = referee.session(Ipv4Addr::LOCALHOST.into(), &proxy, &Request::Pull(b"m".to_vec()));
        let malformed = words.steps.iter().filter(|step| {
            let is_other_family = match AddressPattern::parse(step.token.bytes) {
                // Of the other family, rsync does not come to the mask.
                Some(AddressPattern::BadMask { address, .. }) => address.is_ipv4() != peer.is_ipv4(),
                _ => false,
            };
            step.answer == Answer::No(Reason::Malformed) && !is_other_family
        });
        let is_error =
            |line: &&Vec<u8>| line.starts_with(b"error matching") || line.starts_with(b"malformed");
        let (ours, theirs) = (malformed.count(), session.log.iter().filter(is_error).count());
        let found = (ours != theirs).then(|| format!("{ours} malformed words here, {theirs} in the log\n"));
        found
            .or_else(|| answer_difference(&prediction, peer, &Request::Pull(b"m".to_vec()), &session))
            .map(|difference| format!("{lines}{difference}"))
    });
}

/// What is said of all addresses at once must be what is said of this one, which the daemon confirms.
fn region_difference(prediction: &Prediction<'_>, peer: IpAddr, allowed: Option<bool>) -> Option<String> {
    let reached = Reach::new(&prediction.configuration).of(Scope::Module(0));
    let holds_peer = |region: &Region| (region.first..=region.last).contains(&peer);
    let found = reached.world.iter().find(|(region, _)| holds_peer(region));
    let admission = found.expect("every address is in a region").1.admission();
    let holds = match admission {
        Admission::Admitted => allowed == Some(true),
        Admission::Refused => allowed == Some(false),
        // Not more than a part of the region is like that.
        Admission::Partly | Admission::Unknown => true,
    };
    (!holds).then(|| format!("{peer}: {admission:?} among all addresses, alone {allowed:?}\n"))
}

#[test]
fn user_rules_match_the_same() {
    compare("user rules", 2000, |referee, seed, release| {
        let (user, rules) = peers::users(&mut Random::new(seed));
        let main = format!("{PREFIX}[m]\npath = d1\nauth users = {rules}\n");
        let prediction = staged(referee, main.as_bytes(), release);
        let request = Request::User(b"m".to_vec(), user.into_bytes());
        let peer = Ipv4Addr::LOCALHOST.into();
        let session = referee.session(peer, "", &request);
        answer_difference(&prediction, peer, &request, &session)
            .map(|difference| format!("{main}{difference}"))
    });
}

/// A configuration that includes nothing, in place.
fn staged<'a>(referee: &'a Referee, main: &[u8], release: Release) -> Prediction<'a> {
    stage(referee, &Case::of(main));
    Prediction::new(main.to_vec(), referee, release)
}

/// Runs `check` with one seed after the other, several at once.
fn compare(what: &str, usual: u64, check: impl Fn(&Referee, u64, Release) -> Option<String> + Sync) {
    let release = match installed() {
        Ok(release) => release,
        Err(reason) => {
            skip(&format!("the comparison needs a real rsync; {reason}"));
            return;
        }
    };
    let count = number("RSYNCCTL_DIFFERENTIAL").unwrap_or(usual);
    let first = number("RSYNCCTL_SEED").unwrap_or(1);
    let next = AtomicU64::new(0);
    let differences = Mutex::new(Vec::new());
    // A daemon sleeps for a tenth of a second when a client leaves it early.
    let workers = WORKERS_PER_CORE * thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let referee = Referee::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count || differences.lock().expect("no panic").len() >= MOST_DIFFERENCES {
                        return;
                    }
                    let seed = first + index;
                    if let Some(difference) = check(&referee, seed, release) {
                        differences.lock().expect("no panic").push((seed, difference));
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    let tried = next.into_inner().min(count);
    println!("{tried} {what} compared with rsync {release}, from seed {first}");
    let texts: Vec<_> = differences
        .iter()
        .map(|(seed, text)| format!("RSYNCCTL_SEED={seed} RSYNCCTL_DIFFERENTIAL=1\n{text}"))
        .collect();
    assert!(
        texts.is_empty(),
        "{} differences:\n{}",
        texts.len(),
        texts.join("\n")
    );
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number, not `{text}`")),
    )
}

/// Drops lines as long as a difference stays.
fn minimise(
    mut case: Case,
    mut difference: String,
    differs: impl Fn(&Case) -> Option<String>,
) -> (Case, String) {
    loop {
        let before = case.len();
        for index in (0..case.len()).rev() {
            let Some(smaller) = case.without(index) else {
                continue;
            };
            if let Some(found) = differs(&smaller) {
                (case, difference) = (smaller, found);
            }
        }
        if case.len() == before {
            return (case, difference);
        }
    }
}

/// The first thing about which the model and the daemon disagree.
fn configuration_difference(referee: &Referee, case: &Case, seed: u64, release: Release) -> Option<String> {
    let mut random = Random::new(seed);
    stage(referee, case);
    let main = case.main.concat();
    let prediction = Prediction::new(main, referee, release);
    if !prediction.is_harmless() {
        return None;
    }
    let expected = prediction.configuration.starts();
    if expected == Some(false) || random.chance(25) {
        let starts = referee.starts().unwrap_or(false);
        if expected != Some(starts) {
            return Some(format!("starts: we say {expected:?}, rsync says {starts}"));
        }
    }
    let peer = random.pick(&referee.peers());
    let session = referee.session(peer, "", &Request::List);
    if let Some(difference) = listing_difference(&prediction, &session) {
        return Some(difference);
    }
    session.answer?;
    let names = prediction.names();
    let name = names.get(random.below(names.len().max(1)))?;
    if name.is_empty() {
        return None;
    }
    // A name counts only as it is spelled.
    let name = if random.chance(5) {
        name.to_ascii_uppercase()
    } else {
        name.clone()
    };
    let request = if random.chance(50) {
        Request::Pull(name)
    } else {
        Request::Push(name)
    };
    let session = referee.session(peer, "", &request);
    answer_difference(&prediction, peer, &request, &session)
}

/// What we say of a module without a look at what is included, against a daemon that reads it. None where nothing is
/// said: of a module in doubt, and where what is included has headers or is not accepted.
fn unseen_difference(referee: &Referee, case: &Case, seed: u64, release: Release) -> Option<Option<String>> {
    stage(referee, case);
    let main = case.main.concat();
    let seen = Prediction::new(main.clone(), referee, release);
    let unseen = Prediction::unseen(main, referee, release);
    let headers = |prediction: &Prediction<'_>| -> usize {
        let blocks = prediction.configuration.blocks.iter();
        blocks.filter(|block| block.header.is_some()).count()
    };
    if !seen.is_harmless()
        || seen.configuration.serves() != Some(true)
        || unseen.configuration.serves().is_some()
        || headers(&seen) != headers(&unseen)
    {
        return None;
    }
    let mut random = Random::new(seed);
    let peer = random.pick(&referee.peers());
    let names = unseen.names();
    let name = names.get(random.below(names.len().max(1)))?.clone();
    let index = names.iter().rposition(|other| *other == name)?;
    if name.is_empty() || !unseen.configuration.is_settled(Scope::Module(index)) {
        return None;
    }
    let request = if random.chance(30) {
        Request::Pull(name)
    } else {
        Request::Push(name)
    };
    let session = referee.session(peer, "", &request);
    Some(answer_difference(&unseen, peer, &request, &session))
}

fn stage(referee: &Referee, case: &Case) {
    if !referee.root().join("plain").exists() {
        referee.write("plain", b"");
        for (number, folder) in FOLDERS.iter().enumerate() {
            referee.write(&format!("{folder}/marker-{number}"), b"");
        }
        for (name, text) in BASE {
            referee.write(name, text.as_bytes());
        }
    }
    let included = referee.root().join("inc");
    if included.exists() {
        fs::remove_dir_all(&included).expect("our own folder");
    }
    let _ = fs::remove_file(referee.root().join("one.inc"));
    for (name, lines) in &case.files {
        referee.write(name, &lines.concat());
    }
    referee.write(CONFIGURATION, &case.main.concat());
}

fn listing_difference(prediction: &Prediction<'_>, session: &Session) -> Option<String> {
    let expected = prediction.listing();
    let lines = || session.log.iter().take(MOST_LINES).map(|line| show(line));
    let log = || lines().collect::<Vec<_>>().join("\n  ");
    let same = match (&expected, &session.answer) {
        (Some(_), Some(_)) if !prediction.knows_listing() => true,
        (expected, answer) => expected == answer,
    };
    if !same {
        let show = |answer: &Option<Vec<u8>>| answer.as_deref().map_or_else(|| "dropped".to_owned(), show);
        return Some(format!(
            "listing:\n  ours  {}\n  rsync {}\nlog:\n  {}",
            show(&expected),
            show(&session.answer),
            log()
        ));
    }
    let (ours, theirs) = (prediction.complaints(), complaints(&session.log));
    // A daemon that gives up has not read all of it, or reads a file that includes itself over and over.
    let differs = |line: &&Vec<u8>| match expected {
        Some(_) => count(&ours, line) != count(&theirs, line),
        // What includes itself is read again inside its own last section, where the same lines mean something else.
        None => !prediction.ends_in_a_cycle() && count(&ours, line) == 0,
    };
    let unlogged = ours.iter().filter(|_| expected.is_some());
    if let Some(line) = theirs.iter().chain(unlogged).find(differs) {
        return Some(format!(
            "complaint {} times here, {} times in the log: {}\nlog:\n  {}",
            count(&ours, line),
            count(&theirs, line),
            show(line),
            log()
        ));
    }
    let words = prediction.last_words()?;
    let is_logged = session
        .log
        .iter()
        .any(|line| position(line, words.as_bytes()).is_some());
    (!is_logged).then(|| format!("no `{words}` in the log:\n  {}", log()))
}

fn answer_difference(
    prediction: &Prediction<'_>,
    peer: IpAddr,
    request: &Request,
    session: &Session,
) -> Option<String> {
    let expected = prediction.answer(request, peer)?;
    let answer = session.answer.clone().unwrap_or_default();
    let log = session.log.join(&b"\n  "[..]);
    let was_served = position(&answer, b"@RSYNCD: OK\n") == Some(0);
    let was_refused = position(&answer, b"ERROR: ").is_some();
    let holds = if expected.starts_with(b"marker-") || expected.is_empty() {
        was_served && !was_refused && (expected.is_empty() || position(&answer, &expected).is_some())
    } else {
        position(&answer, &expected).is_some() || position(&log, &expected).is_some()
    };
    (!holds).then(|| {
        format!(
            "{request} from {peer}:\n  ours  {}\n  rsync {}\nlog:\n  {}",
            show(&expected),
            show(&answer),
            String::from_utf8_lossy(&log)
        )
    })
}

fn count(lines: &[Vec<u8>], wanted: &[u8]) -> usize {
    lines.iter().filter(|line| *line == wanted).count()
}

fn show(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
