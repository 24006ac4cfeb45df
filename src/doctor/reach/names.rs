//! What the name service of this machine tells the daemon: it is asked as the daemon asks it, by `getent`, which goes by
//! `/etc/nsswitch.conf` too.

use std::time::{Duration, Instant};

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

/// Asks within the limit; `timeout` ends the program that asks.
fn asked(host: &dyn Host, table: &str, word: &str) -> Answer {
    let start = Instant::now();
    let limit = LIMIT.to_string();
    match host.output("timeout", &[&limit, "getent", table, "--", word]) {
        Err(_) if start.elapsed() >= Duration::from_secs(LIMIT) => Answer::Late,
        Err(Unknown::Failed(said)) if said.starts_with(NOTHING) => Answer::Unknown,
        // Who cannot ask knows nothing against it.
        Ok(_) | Err(_) => Answer::Known,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, asked};
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
}
