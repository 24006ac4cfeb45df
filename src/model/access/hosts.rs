use std::net::IpAddr;

use crate::{
    model::{
        Configuration, Parameter, Scope, Setting, access::address::AddressPattern, resolve::has_variable,
        wildmatch::wildmatch,
    },
    syntax::Token,
    terms::Release,
};

/// Who connects.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address; a v4-mapped one counts as IPv4, as in rsync's `client_addr`.
    pub address: IpAddr,
    /// The name that a reverse lookup gives, if it is known.
    pub name: Option<String>,
}

impl Peer {
    /// A peer of that address, unmapped.
    pub fn new(address: IpAddr, name: Option<String>) -> Self {
        Self {
            address: address.to_canonical(),
            name,
        }
    }
}

/// Whether one word matches a peer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Answer {
    /// It does not, for the reason given.
    No(Reason),
    /// It depends on a lookup in the name service, or on a variable of the daemon's environment.
    Unknown,
    /// It does, for the reason given.
    Yes(Reason),
}

/// Why a word matches a peer, or not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Compared as an address or network.
    Address,
    /// An address of the other family than the peer's.
    Family,
    /// Not an address: logged, never matches.
    Malformed,
    /// Compared with the peer's name.
    Name,
    /// A name, but the module looks nothing up.
    NoLookup,
    /// A name in `hosts deny` that cannot be resolved denies everybody, since 3.5.0.
    Unresolvable,
}

/// Which of the two lists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Which {
    /// `hosts allow`.
    Allow,
    /// `hosts deny`.
    Deny,
}

/// One word as the daemon compares it.
#[derive(Debug)]
pub struct TokenStep<'a> {
    /// The list that it stands in.
    pub list: Which,
    /// The line.
    pub setting: &'a Setting,
    /// The word.
    pub token: Token<'a>,
    /// What the comparison gives.
    pub answer: Answer,
}

/// What `allow_access` in access.c answers, and on what grounds.
#[derive(Debug)]
pub struct HostsVerdict<'a> {
    /// Whether the peer gets in; `None` if that depends on the name service or on the
    /// daemon's environment.
    pub allowed: Option<bool>,
    /// The word that decides; none if it is the end of the lists that does.
    pub deciding: Option<usize>,
    /// Every word that is compared, in order.
    pub steps: Vec<TokenStep<'a>>,
}

/// `strtok` in `access_match`: words are separated by blanks, commas and tabs, and by nothing else.
pub fn is_host_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b',' | b'\t')
}

/// Decides by `hosts allow` and `hosts deny` whether a peer may use a module; the name service is not asked.
pub fn hosts<'a>(configuration: &'a Configuration, scope: Scope, peer: &Peer) -> HostsVerdict<'a> {
    hosts_resolved(configuration, scope, peer, &mut |_| None)
}

/// Tells the addresses of a name, which has none where there is no such name; none if that is not known.
type AddressesOf<'r> = dyn FnMut(&str) -> Option<Vec<IpAddr>> + 'r;

/// The same with the name service's answers.
pub fn hosts_resolved<'a>(
    configuration: &'a Configuration,
    scope: Scope,
    peer: &Peer,
    addresses_of: &mut AddressesOf<'_>,
) -> HostsVerdict<'a> {
    let lookups = Lookups::of(configuration, scope);
    let allow = list(configuration, scope, Which::Allow);
    let deny = list(configuration, scope, Which::Deny);
    let mut verdict = HostsVerdict {
        allowed: None,
        deciding: None,
        steps: Vec::new(),
    };
    let in_allow = allow.map(|setting| verdict.compare(Which::Allow, setting, peer, lookups, addresses_of));
    let in_deny = deny
        .filter(|_| in_allow != Some(Some(true)))
        .map(|setting| verdict.compare(Which::Deny, setting, peer, lookups, addresses_of));
    verdict.decided(decide(in_allow, in_deny))
}

/// `allow_access` in access.c, by what each list answers; none where there is no such list.
pub(super) fn decide(in_allow: Option<Option<bool>>, in_deny: Option<Option<bool>>) -> Option<bool> {
    match (in_allow, in_deny) {
        (Some(Some(true)), _) | (None, None) | (_, Some(Some(false))) => Some(true),
        (Some(in_allow), None) => in_allow,
        (None | Some(Some(false)), Some(Some(true))) => Some(false),
        _ => None,
    }
}

/// Whether one word matches: `match_hostname`, then `match_address` in access.c.
pub fn token_answer(word: &[u8], which: Which, peer: &Peer, lookups: Lookups) -> Answer {
    let word = word.to_ascii_lowercase();
    let by_name = name_answer(&word, which, peer.name.as_deref(), lookups);
    if !matches!(by_name, Answer::No(_)) {
        return by_name;
    }
    match AddressPattern::parse(&word) {
        None => by_name,
        Some(pattern) if pattern.matches(peer.address) => Answer::Yes(Reason::Address),
        Some(AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }) => Answer::No(Reason::Malformed),
        Some(
            AddressPattern::Network { address, .. }
            | AddressPattern::Everything { address }
            | AddressPattern::Masked { address, .. },
        ) if address.is_ipv4() != peer.address.is_ipv4() => Answer::No(Reason::Family),
        Some(_) => Answer::No(Reason::Address),
    }
}

/// What the daemon may ask the name service for a module.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Lookups {
    /// The peer's name; also on if the global value says so.
    pub reverse: bool,
    /// The addresses of names in the lists.
    pub forward: bool,
    /// Whether a name in `hosts deny` that cannot be resolved denies (3.5.0).
    pub unresolvable_denies: bool,
}

impl Lookups {
    /// What holds for a module.
    pub fn of(configuration: &Configuration, scope: Scope) -> Self {
        let reverse = |scope| configuration.is(scope, Parameter::ReverseLookup);
        Self {
            reverse: reverse(scope) || reverse(Scope::Global),
            forward: configuration.is(scope, Parameter::ForwardLookup),
            unresolvable_denies: configuration.release >= Release::new(3, 5, 0),
        }
    }
}

/// `match_hostname` in access.c. A peer without a known name is called `UNDETERMINED` or `UNKNOWN` there, and
/// wildcards are compared with that word. The word is in lower case.
pub(super) fn name_answer(word: &[u8], which: Which, name: Option<&str>, lookups: Lookups) -> Answer {
    if word.len() > 1 && word[0] == b'@' {
        return Answer::Unknown;
    }
    let fits = |name: &str| wildmatch(word, name.to_ascii_lowercase().as_bytes());
    let is_address = AddressPattern::parse(word).is_some();
    match (name, lookups.reverse) {
        (Some(name), true) if fits(name) => return Answer::Yes(Reason::Name),
        (Some(_), true) => {}
        (_, false) if fits("UNDETERMINED") => return Answer::Yes(Reason::Name),
        (_, false) => {}
        // Fits whatever the lookup gives.
        (None, true) if word.iter().all(|&byte| byte == b'*') => return Answer::Yes(Reason::Name),
        (None, true) if !is_address && may_be_name(word) => return Answer::Unknown,
        (None, true) => {}
    }
    let all_digits = word.iter().all(|byte| matches!(byte, b'.' | b'0'..=b'9'));
    let is_plain = !word.iter().any(|byte| b":/*?[".contains(byte));
    if all_digits || !is_plain {
        return Answer::No(Reason::Name);
    }
    if !lookups.forward {
        return Answer::No(Reason::NoLookup);
    }
    if never_resolves(word) {
        return match which {
            Which::Deny if lookups.unresolvable_denies => Answer::Yes(Reason::Unresolvable),
            _ => Answer::No(Reason::Name),
        };
    }
    Answer::Unknown
}

/// What a name in a list gives once its addresses are known: `match_hostname` in access.c compares each with the peer's. What it
/// asks of the peer's own name first has to be known too.
fn forward_answer(
    word: &[u8],
    which: Which,
    peer: &Peer,
    lookups: Lookups,
    addresses_of: &mut AddressesOf<'_>,
) -> Answer {
    let is_left = lookups.forward && (peer.name.is_some() || !lookups.reverse);
    let name = str::from_utf8(word)
        .ok()
        .filter(|_| is_left && !never_resolves(word));
    match name.and_then(addresses_of) {
        None => Answer::Unknown,
        Some(addresses) if addresses.iter().any(|one| one.to_canonical() == peer.address) => {
            Answer::Yes(Reason::Name)
        }
        Some(addresses) if addresses.is_empty() && which == Which::Deny && lookups.unresolvable_denies => {
            Answer::Yes(Reason::Unresolvable)
        }
        Some(_) => Answer::No(Reason::Name),
    }
}

/// Names that no resolver can know, because they are no host names at all.
fn never_resolves(word: &[u8]) -> bool {
    !word.iter().all(|&byte| is_of_names(byte))
}

/// Whether a host may have a name that a word matches, which is no address: not where a quote or a semicolon is a part
/// of it, or a `\*` that stands for itself.
pub fn may_be_name(word: &[u8]) -> bool {
    let is_pattern = |byte| matches!(byte, b'*' | b'?' | b'\\');
    let is_group = word.len() > 1 && word[0] == b'@';
    let is_literal = |pair: &[u8]| pair[0] == b'\\' && !is_of_names(pair[1]);
    // What stands in brackets is a choice.
    is_group
        || word.contains(&b'[')
        || (word.iter().all(|&byte| is_of_names(byte) || is_pattern(byte))
            && !word.windows(2).any(is_literal))
}

/// Whether host names are made of it.
fn is_of_names(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
}

/// The line with a list that holds, if it names anybody.
pub(super) fn list(configuration: &Configuration, scope: Scope, which: Which) -> Option<&Setting> {
    let parameter = match which {
        Which::Allow => Parameter::HostsAllow,
        Which::Deny => Parameter::HostsDeny,
    };
    let list = configuration.text(scope, parameter);
    list.origin.setting().filter(|_| !list.value.is_empty())
}

impl<'a> HostsVerdict<'a> {
    /// `access_match` in access.c: compares until a word matches.
    fn compare(
        &mut self,
        list: Which,
        setting: &'a Setting,
        peer: &Peer,
        lookups: Lookups,
        addresses_of: &mut AddressesOf<'_>,
    ) -> Option<bool> {
        let mut matched = Some(false);
        let is_made_of_variables = has_variable(setting.text.bytes());
        for token in setting.text.tokens(is_host_separator) {
            let answer = if is_made_of_variables && token.bytes.contains(&b'%') {
                Answer::Unknown
            } else {
                match token_answer(token.bytes, list, peer, lookups) {
                    Answer::Unknown => forward_answer(token.bytes, list, peer, lookups, addresses_of),
                    answer => answer,
                }
            };
            self.steps.push(TokenStep {
                list,
                setting,
                token,
                answer,
            });
            match answer {
                Answer::Yes(_) => {
                    // A word before it that may match decides the same way.
                    self.deciding = Some(self.steps.len() - 1);
                    return Some(true);
                }
                Answer::Unknown => matched = None,
                Answer::No(_) => {}
            }
        }
        matched
    }

    fn decided(mut self, allowed: Option<bool>) -> Self {
        self.allowed = allowed;
        if allowed.is_none() {
            self.deciding = self.steps.iter().position(|step| step.answer == Answer::Unknown);
        }
        self
    }
}
