//! What clients meet where a line does not do what it was to do. The pages of such lines foretell by it.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use crate::{
    catalog::Harm,
    lint::subject::{ConfigurationSubject, ModuleSubject},
    model::{
        Effect, Origin, Parameter, Scope, Setting, Value,
        access::{self, Peer},
        charset,
        parameter::{self, Kind},
    },
};

/// An address of documentation, which stands for whoever no list names.
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 254));

/// The name of whoever is tried.
const NAME: &str = "stranger.invalid";

/// How many addresses of a list are tried.
const MOST_TRIED: usize = 16;

/// What clients meet because a line sets a value that is not the one that was meant, from the byte `from` on: that folder,
/// that account, that file is not there. A boolean that rsync cannot read leaves what held, and was to be `meant`.
pub(super) fn of_value(
    subject: &ConfigurationSubject<'_>,
    setting: &Setting,
    from: usize,
    meant: &[u8],
) -> BTreeSet<Harm> {
    match (setting.effect, setting.parameter.facts().scope) {
        (Effect::Malformed, _) => of_loss(subject, setting.block, setting.parameter, meant),
        (Effect::Set(_), parameter::Scope::Global) => of_daemon(setting.parameter).into_iter().collect(),
        (Effect::Set(_), parameter::Scope::Module) => {
            let decides = |module: &ModuleSubject<'_>| {
                let origin = module.configuration.origin(module.scope(), setting.parameter);
                origin.setting().is_some_and(|own| std::ptr::eq(own, setting))
            };
            let modules = subject.reached(setting.block).filter(decides);
            first(modules, |module| in_module(subject, module, setting, from))
        }
        (Effect::OutOfPlace | Effect::Environment, _) => BTreeSet::new(),
    }
}

/// What clients meet because a line is not read that was to set a parameter.
pub(super) fn of_loss(
    subject: &ConfigurationSubject<'_>,
    block: usize,
    parameter: Parameter,
    meant: &[u8],
) -> BTreeSet<Harm> {
    let block_of_line = &subject.configuration.blocks[block];
    let is_boolean = matches!(parameter.facts().kind, Kind::Boolean | Kind::BooleanOrUnset);
    // A boolean behind the modules would reach none of them.
    let is_above = block_of_line.scope == Scope::Global;
    if is_boolean && is_above && block_of_line.after_modules {
        return BTreeSet::new();
    }
    let is_own = |module: &ModuleSubject<'_>| {
        let origin = module.configuration.origin(module.scope(), parameter);
        matches!(origin, Origin::Own(_))
    };
    let modules = subject
        .reached(block)
        .filter(|module| !(is_above && is_own(module)));
    first(modules, |module| without(module, parameter, meant))
}

/// What clients meet that only a word of a list would have let in, or kept out: whether strangers are refused where the
/// list holds, unless the name service helps them.
pub(super) fn of_word(subject: &ConfigurationSubject<'_>, setting: &Setting) -> Option<Harm> {
    let holds = |module: &ModuleSubject<'_>| {
        let origin = module.text(setting.parameter).origin;
        origin.setting().is_some_and(|own| std::ptr::eq(own, setting))
    };
    let mut modules = subject.reached(setting.block).filter(holds);
    let refuses = modules.any(|module| allowed(&module, STRANGER) != Some(true));
    refuses.then_some(Harm::Hosts)
}

/// The system call that fails where a folder is not there, by the first module that a block reaches.
pub(super) fn call(subject: &ConfigurationSubject<'_>, block: usize) -> &'static str {
    match subject.reached(block).next() {
        Some(module) if !module.tries_chroot(subject) => "chdir",
        _ => "chroot",
    }
}

/// One module that shows it is enough.
fn first<'a>(
    mut modules: impl Iterator<Item = ModuleSubject<'a>>,
    harm: impl Fn(&ModuleSubject<'a>) -> Option<Harm>,
) -> BTreeSet<Harm> {
    modules.find_map(|module| harm(&module)).into_iter().collect()
}

/// What every client of the daemon meets.
fn of_daemon(parameter: Parameter) -> Option<Harm> {
    use Parameter as P;
    match parameter {
        P::DaemonUid | P::DaemonGid | P::DaemonChroot => Some(Harm::Greeting),
        _ => None,
    }
}

/// What clients of a module meet because of the value of a line that holds there.
fn in_module(
    subject: &ConfigurationSubject<'_>,
    module: &ModuleSubject<'_>,
    setting: &Setting,
    from: usize,
) -> Option<Harm> {
    use Parameter as P;
    let asks_for_users = || access::has_rules(subject.configuration, module.scope());
    let bytes = setting.text.bytes();
    let harm = match setting.parameter {
        P::Path => Harm::Folder,
        P::Uid | P::Gid => Harm::Account,
        P::SecretsFile | P::AuthDigest if asks_for_users() => Harm::Login,
        P::AuthUsers if asks_for_users() && from < end_of_first_name(setting) => Harm::Login,
        P::HostsAllow if turns_away(module, bytes) => Harm::Hosts,
        P::HostsDeny if refuses(module, &addresses(&bytes[from..])) || refuses(module, &[STRANGER]) => {
            Harm::Hosts
        }
        P::ExcludeFrom | P::IncludeFrom => Harm::HangUp,
        P::Charset if charset(setting.bytes()).is_some_and(|charset| !charset.is_known()) => Harm::HangUp,
        P::Filter if from == 0 || has_stray_words(bytes, from) => Harm::HangUp,
        P::EarlyExec if spoils_program(bytes, from) => Harm::EarlyHook,
        P::PreXferExec if spoils_program(bytes, from) => Harm::Hook,
        P::Name => Harm::OtherName,
        P::TempDir if module.is_writable() => Harm::TempDir,
        // A file of another name in the same folder does as well.
        P::LockFile if from == 0 && module.integer(P::MaxConnections).value > 0 => Harm::Slot,
        _ => return None,
    };
    Some(harm)
}

/// What clients of a module meet because it lacks what a line was to set.
fn without(module: &ModuleSubject<'_>, parameter: Parameter, meant: &[u8]) -> Option<Harm> {
    use Parameter as P;
    let is_meant = |wanted: bool| {
        let read = Value::read(Kind::Boolean, meant);
        read.is_none_or(|read| read == Value::Boolean(wanted))
    };
    let has_rules = || access::has_rules(module.configuration, module.scope());
    let harm = match parameter {
        P::ReadOnly if is_meant(false) && !module.is_writable() => Harm::ReadOnly,
        P::WriteOnly if is_meant(false) && module.is(P::WriteOnly) => Harm::WriteOnly,
        P::Path if !module.has(P::Path) => Harm::NoPath,
        P::SecretsFile if has_rules() && !module.has(P::SecretsFile) => Harm::Login,
        P::HostsAllow if turns_away(module, meant) => Harm::Hosts,
        _ => return None,
    };
    Some(harm)
}

/// Where the first user's name ends: a list of which that is spoilt has one user less.
fn end_of_first_name(setting: &Setting) -> usize {
    let Some(first) = setting.text.tokens(access::is_host_separator).next() else {
        return 0;
    };
    let name = first.bytes.iter().position(|byte| *byte == b':');
    first.part.start + name.unwrap_or(first.bytes.len())
}

/// Whether the name of a command's program holds a character at `from` that no shell takes out.
fn spoils_program(command: &[u8], from: usize) -> bool {
    let end = command.iter().position(u8::is_ascii_whitespace);
    from < end.unwrap_or(command.len()) && !command[from].is_ascii()
}

/// Whether words follow that begin like no filter rule.
fn has_stray_words(rules: &[u8], from: usize) -> bool {
    let is_inside = rules[..from]
        .last()
        .is_some_and(|byte| !byte.is_ascii_whitespace());
    let words = rules[from..].split(u8::is_ascii_whitespace);
    let mut words = words.skip(usize::from(is_inside));
    words.any(|word| word.first().is_some_and(|first| !b"+-!.:,".contains(first)))
}

/// Whether none of the hosts is let in that a list was to let in.
fn turns_away(module: &ModuleSubject<'_>, list: &[u8]) -> bool {
    match addresses(list).as_slice() {
        [] => allowed(module, STRANGER) == Some(false),
        named => named.iter().all(|peer| allowed(module, *peer) != Some(true)),
    }
}

/// Whether one of the peers is surely refused; a stranger, if none is given.
fn refuses(module: &ModuleSubject<'_>, peers: &[IpAddr]) -> bool {
    match peers {
        [] => allowed(module, STRANGER) == Some(false),
        peers => peers.iter().any(|peer| allowed(module, *peer) == Some(false)),
    }
}

fn allowed(module: &ModuleSubject<'_>, peer: IpAddr) -> Option<bool> {
    let peer = Peer::new(peer, Some(NAME.to_owned()));
    access::hosts(module.configuration, module.scope(), &peer).allowed
}

/// The addresses that can be read in a text, whatever stands around them.
fn addresses(text: &[u8]) -> Vec<IpAddr> {
    text.split(|byte| !byte.is_ascii_hexdigit() && !b".:".contains(byte))
        .filter_map(|word| std::str::from_utf8(word).ok()?.parse().ok())
        .take(MOST_TRIED)
        .collect()
}
