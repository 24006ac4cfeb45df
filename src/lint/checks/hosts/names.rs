//! Words in host lists that are names to rsync, whatever they were meant to be.

use std::{cell::LazyCell, net::Ipv4Addr};

use super::word::{Word, is_nobody, joint, words};
use crate::{
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens, notes::note},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter, Scope, Setting,
        access::{
            AddressPattern, Answer, Lookups, Peer, Which, is_host_separator, may_be_name, token_answer,
        },
        wildmatch::wildmatch,
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY304", wrapper_word),
    Check::configuration("RSY307", wrong_separator),
    Check::configuration("RSY308", name_never_matches),
    Check::configuration("RSY309", name_in_deny),
    Check::configuration("RSY310", never_a_name),
];

/// A host list that holds in a module, with what the module may look up.
struct List<'a> {
    setting: &'a Setting,
    is_deny: bool,
    lookups: Lookups,
}

/// Every list that holds somewhere, once for each way to look names up.
fn lists<'a>(subject: &ConfigurationSubject<'a>) -> impl Iterator<Item = List<'a>> + use<'a> {
    let configuration = subject.configuration;
    let lists = subject.host_lists().into_iter();
    lists.filter_map(move |(module, parameter, lookups)| {
        let list = configuration.text(Scope::Module(module), parameter);
        Some(List {
            setting: list.origin.setting()?,
            is_deny: parameter == Parameter::HostsDeny,
            lookups,
        })
    })
}

/// RSY304: a word of TCP wrappers is a host's name to rsync, and no host is called so.
fn wrapper_word(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for list in lists(subject) {
        let harm = LazyCell::new(|| harm::of_word(subject, list.setting));
        for (token, word) in words(list.setting) {
            let span = list.setting.part(token.part.clone());
            if matches!(word, Word::Suffix | Word::Negated) {
                let case = Case::at(span)
                    .harms(*harm)
                    .with("word", token.display())
                    .with("parameter", list.setting.parameter.name());
                out.report(if word == Word::Negated {
                    case.variant(if list.is_deny { "negated-deny" } else { "negated" })
                } else {
                    case.variant(if list.is_deny { "domain-deny" } else { "domain" })
                        .fix(
                            loosens::safety(list.setting.parameter, token.bytes),
                            [Edit::replace(span, [b"*", token.bytes].concat())],
                        )
                });
                continue;
            }
            if word != Word::Wrapper {
                continue;
            }
            let is_except = token.bytes.eq_ignore_ascii_case(b"EXCEPT");
            let is_nobody = is_nobody(token.bytes);
            if is_nobody && !(list.is_deny && list.lookups.forward && list.lookups.unresolvable_denies) {
                // Nobody is called so: as it was meant.
                continue;
            }
            let variant = match (list.is_deny, is_except) {
                _ if is_nobody => "nobody",
                (false, true) => "except",
                (false, false) => "allow",
                (true, _) if list.lookups.forward && list.lookups.unresolvable_denies => "deny",
                (true, _) => "deny-nobody",
            };
            out.report(
                Case::at(span)
                    .variant(variant)
                    .harms(*harm)
                    .with("word", token.display())
                    .with("parameter", list.setting.parameter.name()),
            );
        }
    }
}

/// RSY307: words are parted by blanks, commas and tabs alone (`access_match` in access.c).
fn wrong_separator(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::HostsAllow, Parameter::HostsDeny]) {
        let harm = LazyCell::new(|| harm::of_word(subject, setting));
        for (token, _) in words(setting) {
            let Some(joint) = joint(token.bytes) else {
                continue;
            };
            let span = setting.part(token.part.clone());
            let text = token.display();
            let parts: Vec<&str> = text.split(joint).filter(|part| !part.is_empty()).collect();
            let case = Case::at(span)
                .variant(if setting.parameter == Parameter::HostsDeny {
                    "deny"
                } else {
                    "allow"
                })
                .harms(*harm)
                .with("word", text.clone())
                .with("joint", joint);
            let are_addresses = parts.iter().all(|part| {
                let pattern = AddressPattern::parse(part.as_bytes());
                pattern.is_some_and(|pattern| {
                    !matches!(
                        pattern,
                        AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }
                    )
                })
            });
            out.report(if are_addresses && !parts.is_empty() {
                case.fix(
                    loosens::safety(setting.parameter, token.bytes),
                    [Edit::replace(span, parts.join(", "))],
                )
            } else {
                case
            });
        }
    }
}

/// RSY308: a name that is compared with nothing, because the module looks nothing up.
fn name_never_matches(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for list in lists(subject) {
        if list.lookups.reverse {
            continue;
        }
        let harm = LazyCell::new(|| harm::of_word(subject, list.setting));
        for (token, word) in words(list.setting) {
            // The peer is called so where nobody asks for its name.
            if wildmatch(&token.bytes.to_ascii_lowercase(), b"undetermined") {
                continue;
            }
            let variant = match (word, list.is_deny) {
                _ if !may_be_name(token.bytes) => continue,
                (Word::Wildcard | Word::Dotted, false) => "wildcard",
                (Word::Wildcard, true) => "wildcard-deny",
                (Word::Name, false) if !list.lookups.forward => "name",
                (Word::Name, true) if !list.lookups.forward => "name-deny",
                _ => continue,
            };
            out.report(
                Case::at(list.setting.part(token.part.clone()))
                    .variant(variant)
                    .harms(*harm)
                    .with("word", token.display()),
            );
        }
    }
}

/// RSY309: since 3.5.0 a name that cannot be resolved denies everybody; before, it denied nobody.
fn name_in_deny(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for list in lists(subject) {
        if !list.is_deny || !list.lookups.forward {
            continue;
        }
        for (token, word) in words(list.setting) {
            if word != Word::Name || !may_be_name(token.bytes) {
                continue;
            }
            let variant = if list.lookups.unresolvable_denies {
                "now"
            } else {
                "old"
            };
            out.report(
                Case::at(list.setting.part(token.part.clone()))
                    .variant(variant)
                    .with("word", token.display()),
            );
        }
    }
}

/// RSY310: what is no address is compared with names, and no host has such a name.
fn never_a_name(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let stranger = Peer::new(Ipv4Addr::UNSPECIFIED.into(), Some("stranger.invalid".to_owned()));
    for list in lists(subject) {
        let harm = LazyCell::new(|| harm::of_word(subject, list.setting));
        let which = if list.is_deny { Which::Deny } else { Which::Allow };
        let plain = words(list.setting).filter(|(_, word)| matches!(word, Word::Name | Word::Wildcard));
        // What was meant for a note has a page of its own.
        let marked = list.setting.text.tokens(is_host_separator);
        let marked = marked.filter(|token| token.bytes.starts_with(b"#"));
        let marked = marked.take_while(|_| note(list.setting).is_none());
        for token in plain.map(|(token, _)| token).chain(marked) {
            if may_be_name(token.bytes) {
                continue;
            }
            let answer = token_answer(token.bytes, which, &stranger, list.lookups);
            let variant = match (list.is_deny, answer) {
                (true, Answer::Yes(_)) => "deny-everybody",
                (true, _) => "deny",
                (false, _) if token.bytes.starts_with(b"#") => "mark",
                (false, _) => "allow",
            };
            out.report(
                Case::at(list.setting.part(token.part.clone()))
                    .variant(variant)
                    .harms(*harm)
                    .with("word", token.display()),
            );
        }
    }
}
