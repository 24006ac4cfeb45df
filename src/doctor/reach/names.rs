//! What the name service of this machine tells the daemon: it is asked as the daemon asks it, by `getent`, which goes by
//! `/etc/nsswitch.conf` too.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{
    doctor::{Cause, Check, Report, Stage, Subject, loopback::MARK},
    explain::Server,
    host::{Host, Unknown},
    model::{Parameter, Scope},
};

/// How long an answer is waited for, in seconds. Resolvers take five for one try (resolv.conf(5)).
const LIMIT: u64 = 3;
/// So many names are asked for.
const MOST_NAMES: usize = 8;
/// The page of names in `hosts deny`, and its kind of case with a release that then denies everybody.
const NAMES: (&str, &str) = ("RSY309", "now");

/// What is said of a program that ends with another code than 0 and complains of nothing, as `getent` does where it finds nothing.
const NOTHING: &str = "timeout failed (exit status: 2)";

/// What was answered.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Answer {
    Known,
    Unknown,
    Late,
}

pub(super) fn look(subject: &Subject, host: &dyn Host, stage: &mut Stage, report: &mut Report) {
    // A container has a resolver of its own.
    if subject.daemon.as_ref().is_some_and(|daemon| daemon.is_contained) {
        return;
    }
    let known = subject.known.as_ref();
    let Some((known, server)) = known.and_then(|known| Some((known, known.server.as_ref()?))) else {
        return;
    };
    let cause = |rule, arguments: Vec<(&'static str, String)>, fact: String| {
        Cause::of_rule(rule, Check::Reach, &subject.file, arguments, vec![fact])
    };
    if looks_up_clients(server) {
        // That nobody has a name for it is an answer.
        let address = MARK.to_string();
        if asked(host, "hosts", &address) == Answer::Late {
            let fact = format!("getent hosts {address}: no answer within {LIMIT} seconds");
            let arguments = vec![("seconds", LIMIT.to_string()), ("address", address)];
            report.causes.push(cause("RSY236", arguments, fact));
            stage.fail();
            // It answers nothing else either.
            return;
        }
    }
    let denied = known
        .findings
        .iter()
        .filter(|found| found.rule == NAMES.0 && found.variant == Some(NAMES.1));
    let words = denied.flat_map(|found| &found.arguments);
    let words = words.filter(|(kind, _)| *kind == "word").map(|(_, word)| word);
    for word in words.take(MOST_NAMES) {
        match asked(host, "ahosts", word) {
            Answer::Known => {}
            Answer::Unknown => {
                let fact = format!("getent ahosts {word}: no such name");
                let cause = cause(NAMES.0, vec![("word", word.clone())], fact);
                report.causes.push(cause.of_kind("unresolved"));
                stage.fail();
            }
            Answer::Late => {
                let reason = format!("the name service does not answer within {LIMIT} seconds");
                report.not_seen(format!("the name `{word}`"), Unknown::Failed(reason));
                stage.warn();
                return;
            }
        }
    }
}

/// Whether some module's clients are looked up before they are served.
fn looks_up_clients(server: &Server) -> bool {
    let configuration = &server.configuration;
    let mut scopes = configuration.module_scopes().map(|(scope, _)| scope);
    configuration.is(Scope::Global, Parameter::ReverseLookup)
        || scopes.any(|scope| configuration.is(scope, Parameter::ReverseLookup))
}

/// Whether there is an answer within the limit.
fn asked(host: &dyn Host, table: &str, word: &str) -> Answer {
    match answered(host, table, word) {
        Err(answer) => answer,
        // Who cannot ask knows nothing against it.
        Ok(_) => Answer::Known,
    }
}

/// Asks within the limit, in which `timeout` ends the program that asks; none if it cannot be asked.
fn answered(host: &dyn Host, table: &str, word: &str) -> Result<Option<Vec<u8>>, Answer> {
    let start = Instant::now();
    let limit = LIMIT.to_string();
    match host.output("timeout", &[&limit, "getent", table, "--", word]) {
        Err(_) if start.elapsed() >= Duration::from_secs(LIMIT) => Err(Answer::Late),
        Err(Unknown::Failed(said)) if said.starts_with(NOTHING) => Err(Answer::Unknown),
        found => Ok(found.ok().flatten()),
    }
}

/// What rsync calls a client whose address has no name (`client_name` in clientname.c).
const NAMELESS: &str = "UNKNOWN";

/// The name service as the daemon asks it about one client.
pub(super) struct Resolver<'h> {
    host: &'h dyn Host,
    /// So many questions are left; none once one was not answered in time.
    left: usize,
    known: BTreeMap<(String, String), Option<String>>,
}

impl<'h> Resolver<'h> {
    /// Of a daemon of that machine; one in a container has another name service.
    pub(super) fn new(subject: &Subject, host: &'h dyn Host) -> Self {
        let is_contained = subject.daemon.as_ref().is_some_and(|daemon| daemon.is_contained);
        let left = if is_contained { 0 } else { MOST_NAMES };
        Self {
            host,
            left,
            known: BTreeMap::new(),
        }
    }

    /// The name of a client, which leads back to its address; none if that is not known.
    pub(super) fn name_of(&mut self, client: IpAddr) -> Option<String> {
        let lines = self.ask("hosts", &client.to_string())?;
        let name = lines.split_ascii_whitespace().nth(1).map(str::to_owned);
        let Some(name) = name else {
            return Some(NAMELESS.to_owned());
        };
        let is_its = self.addresses_of(&name)?.contains(&client);
        Some(if is_its { name } else { NAMELESS.to_owned() })
    }

    /// The addresses of a name; none if that is not known.
    pub(super) fn addresses_of(&mut self, name: &str) -> Option<Vec<IpAddr>> {
        let lines = self.ask("ahosts", name)?;
        let words = lines
            .lines()
            .filter_map(|line| line.split_ascii_whitespace().next());
        let addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
        Some(addresses.map(|address| address.to_canonical()).collect())
    }

    /// An answer, which is empty where there is nothing of that name.
    fn ask(&mut self, table: &str, word: &str) -> Option<String> {
        let question = (table.to_owned(), word.to_owned());
        if let Some(known) = self.known.get(&question) {
            return known.clone();
        }
        let answer = self.ask_now(table, word);
        self.known.insert(question, answer.clone());
        answer
    }

    fn ask_now(&mut self, table: &str, word: &str) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        match answered(self.host, table, word) {
            Ok(Some(found)) => Some(String::from_utf8_lossy(&found).into_owned()),
            Ok(None) => None,
            Err(Answer::Late) => {
                self.left = 0;
                None
            }
            Err(_) => Some(String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Answer, Resolver, asked};
    use crate::host::{Image, Live, Unknown};

    #[test]
    fn what_the_name_service_says_is_understood() {
        let command = "timeout 3 getent ahosts -- web.example.com";
        let asked = |answer| {
            let image = Image::new("/nowhere").with_output(command, answer);
            asked(&image, "ahosts", "web.example.com")
        };
        let failed = |text: &str| Err(Unknown::Failed(text.to_owned()));
        assert!(asked(Ok(b"192.0.2.7 STREAM web".to_vec())) == Answer::Known);
        assert!(asked(failed("timeout failed (exit status: 2)")) == Answer::Unknown);
        assert!(asked(failed("timeout: failed to run command 'getent'")) == Answer::Known);
        assert!(asked(Err(Unknown::Denied)) == Answer::Known);
        // A name that no resolver need be asked for (RFC 6761).
        assert!(super::asked(&Live, "ahosts", "localhost") == Answer::Known);
    }

    #[test]
    fn a_client_has_the_name_that_leads_back_to_it() {
        let of = |table: &str, word: &str| format!("timeout 3 getent {table} -- {word}");
        let nothing = || Err(Unknown::Failed("timeout failed (exit status: 2)".to_owned()));
        let image = Image::new("/nowhere")
            .with_output(
                &of("hosts", "192.0.2.7"),
                Ok(b"192.0.2.7 web.example.com".to_vec()),
            )
            .with_output(
                &of("ahosts", "web.example.com"),
                Ok(b"192.0.2.7 STREAM\n".to_vec()),
            )
            .with_output(
                &of("hosts", "192.0.2.8"),
                Ok(b"192.0.2.8 web.example.com".to_vec()),
            )
            .with_output(&of("hosts", "192.0.2.9"), nothing())
            .with_output(&of("ahosts", "gone.example.com"), nothing());
        let mut resolver = Resolver {
            host: &image,
            left: 5,
            known: BTreeMap::new(),
        };
        let mut name = |address: &str| resolver.name_of(address.parse().expect("an address"));
        assert_eq!(name("192.0.2.7").as_deref(), Some("web.example.com"));
        assert_eq!(name("192.0.2.8").as_deref(), Some("UNKNOWN"));
        assert_eq!(name("192.0.2.9").as_deref(), Some("UNKNOWN"));
        assert_eq!(resolver.addresses_of("gone.example.com"), Some(Vec::new()));
        // No more questions are left.
        assert_eq!(resolver.addresses_of("other.example.com"), None);
        assert_eq!(
            resolver.name_of([192, 0, 2, 7].into()).as_deref(),
            Some("web.example.com")
        );
    }
}
