//! A command line as it should be: the user's own words, with one thing changed.

use std::{net::IpAddr, path::Path};

use crate::{
    explain::Server,
    probe::command,
    syntax::Invocation,
    terms::{RsyncOption, Target},
};

/// Without an option, however often it is given.
pub(super) fn without(words: &[String], option: &str) -> String {
    command(&words_without(words, option))
}

/// The same, as words.
pub(super) fn words_without(words: &[String], option: &str) -> Vec<String> {
    let mut words = words.to_vec();
    while let Some(given) = Invocation::parse(&words).option(option).cloned() {
        if let Some(value) = given.value_word {
            words.remove(value);
        }
        match before_letter(&words[given.word], option) {
            Some(letters) if letters.len() > 1 => words[given.word] = letters,
            _ => drop(words.remove(given.word)),
        }
    }
    words
}

/// With an option in front of all others.
pub(super) fn with(words: &[String], option: &str) -> String {
    let mut words = words.to_vec();
    words.insert(0, option.to_owned());
    command(&words)
}

/// What stands in front of an option's letter, in a word of letters: the rest of the word is its value.
fn before_letter(word: &str, option: &str) -> Option<String> {
    if word.starts_with("--") {
        return None;
    }
    let is_option = |letter: char| {
        let found = u8::try_from(letter).ok().and_then(RsyncOption::of_letter);
        found.is_some_and(|found| found.long == Some(option))
    };
    let at = word.find(is_option)?;
    Some(word[..at].to_owned())
}

/// With another port of the daemon: in its address where that has one, where `--port` does not count.
pub(super) fn with_port(words: &[String], port: u16) -> String {
    let mut words = words.to_vec();
    let invocation = Invocation::parse(&words);
    let targets = invocation.targets.iter().zip(&invocation.target_words);
    let mut has_all = true;
    for (target, &index) in targets {
        if let Target::Daemon(remote) = target {
            match remote.port {
                Some(old) => words[index] = readdressed(&words[index], old, port),
                None => has_all = false,
            }
        }
    }
    if has_all {
        return command(&words);
    }
    match invocation.option("port") {
        Some(given) => match given.value_word {
            Some(value) => words[value] = port.to_string(),
            None => words[given.word] = format!("--port={port}"),
        },
        None => words.insert(0, format!("--port={port}")),
    }
    command(&words)
}

/// With another address of the daemon, in all that is asked of it.
pub(super) fn with_address(words: &[String], address: IpAddr) -> String {
    let mut words = words.to_vec();
    let invocation = Invocation::parse(&words);
    let shown = match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    for (target, &index) in invocation.targets.iter().zip(&invocation.target_words) {
        if let Target::Daemon(remote) = target {
            words[index] = moved(&words[index], &remote.host, &shown);
        }
    }
    command(&words)
}

/// With a user in front of the machines that are named without one.
pub(super) fn with_user(words: &[String], user: &str) -> String {
    let mut words = words.to_vec();
    let invocation = Invocation::parse(&words);
    for (target, &index) in invocation.targets.iter().zip(&invocation.target_words) {
        if let Target::Daemon(remote) = target
            && remote.user.is_none()
            && !remote.host.is_empty()
        {
            let start = words[index].find("://").map_or(0, |at| at + 3);
            words[index].insert_str(start, &format!("{user}@"));
        }
    }
    command(&words)
}

/// What names a module of a machine, with another machine.
fn moved(word: &str, host: &str, other: &str) -> String {
    let scheme = word.find("://").map_or(0, |at| at + 3);
    let start = word[scheme..].find('@').map_or(scheme, |at| scheme + at + 1);
    let bracketed = format!("[{host}]");
    let old = match word[start..].starts_with('[') {
        true => &*bracketed,
        false => host,
    };
    match word[start..].strip_prefix(old) {
        Some(behind) => format!("{}{other}{behind}", &word[..start]),
        // A host that is left out, or goes on from the one in front.
        None => word.to_owned(),
    }
}

/// An address with another port.
fn readdressed(address: &str, old: u16, port: u16) -> String {
    let scheme = address.find("://").map_or(0, |at| at + 3);
    let end = address[scheme..]
        .find('/')
        .map_or(address.len(), |at| scheme + at);
    let (machine, path) = address.split_at(end);
    match machine.strip_suffix(&format!(":{old}")) {
        Some(machine) => format!("{machine}:{port}{path}"),
        None => address.to_owned(),
    }
}

/// With the module in whose folder the paths are that stand behind colons for two; none if one is in no module's.
pub(super) fn with_module(words: &[String], server: &Server) -> Option<String> {
    let mut words = words.to_vec();
    let invocation = Invocation::parse(&words);
    for (target, &index) in invocation.targets.iter().zip(&invocation.target_words) {
        let Target::Daemon(remote) = target else { continue };
        if !remote.path.starts_with('/') {
            continue;
        }
        let address = words[index].strip_suffix(&remote.path)?.to_owned();
        words[index] = format!("{address}{}", below_module(&remote.path, server)?);
    }
    Some(command(&words))
}

/// A path of the server as a client names it, by the module whose folder is nearest above it.
fn below_module(path: &str, server: &Server) -> Option<String> {
    let modules = server.configuration.modules.iter();
    let names = modules.map(|module| module.name.display().into_owned());
    let held = names.filter_map(|name| {
        let folder = server.place_of(&name)?;
        let below = Path::new(path).strip_prefix(&folder).ok()?;
        let count = Path::new(&folder).components().count();
        let below = below.to_str()?;
        let slash = match path.ends_with('/') || below.is_empty() {
            true => "/",
            false => "",
        };
        let below = match below {
            "" => format!("{name}{slash}"),
            below => format!("{name}/{below}{slash}"),
        };
        // Of two with one folder the first counts.
        Some((count, below))
    });
    let mut best: Option<(usize, String)> = None;
    for (count, below) in held {
        if best.as_ref().is_none_or(|(most, _)| count > *most) {
            best = Some((count, below));
        }
    }
    best.map(|(_, below)| below)
}

/// With two colons in a word that has one.
pub(super) fn with_two_colons(words: &[String], index: usize) -> String {
    let mut words = words.to_vec();
    let word = &words[index];
    // The address of IPv6 has colons of its own.
    let user = word.find(['@', ':']).filter(|&at| word[at..].starts_with('@'));
    let start = user.map_or(0, |at| at + 1);
    let host = match word[start..].starts_with('[') {
        true => word.find(']').unwrap_or(0),
        false => start,
    };
    if let Some(at) = word[host..].find(':') {
        words[index].insert(host + at, ':');
    }
    command(&words)
}

#[cfg(test)]
mod tests {
    use super::{with_port, with_two_colons, without};

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn an_option_goes_with_its_value() {
        for (line, expected) in [
            (
                "-avz -e ssh --del rsync://u@h:1/m d",
                "-avz --del rsync://u@h:1/m d",
            ),
            ("-avze ssh s h::m", "-avz s h::m"),
            ("-avzessh s h::m", "-avz s h::m"),
            ("-essh -a s h::m", "-a s h::m"),
            ("--rsh=ssh -a -e ssh s h::m", "-a s h::m"),
            ("-a --rsh ssh s h::m", "-a s h::m"),
            ("-a s h::m", "-a s h::m"),
        ] {
            assert_eq!(
                without(&words(line), "rsh"),
                format!("rsync {expected}"),
                "{line}"
            );
        }
    }

    #[test]
    fn the_port_stands_where_it_counts() {
        for (line, expected) in [
            ("-a s rsync://u@h:21619/m", "-a s rsync://u@h:8730/m"),
            ("-a --port=1 rsync://h:21619 d", "-a '--port=1' rsync://h:8730 d"),
            ("-a rsync://[::1]:21619/m d", "-a 'rsync://[::1]:8730/m' d"),
            ("-a s rsync://h/m", "'--port=8730' -a s rsync://h/m"),
            ("-a --port 1 h::m d", "-a --port 8730 h::m d"),
            ("-a --port=1 h::m d", "-a '--port=8730' h::m d"),
        ] {
            assert_eq!(
                with_port(&words(line), 8730),
                format!("rsync {expected}"),
                "{line}"
            );
        }
        assert_eq!(
            with_two_colons(&words("-a s u@h:m/a:b"), 2),
            "rsync -a s u@h::m/a:b"
        );
        assert_eq!(
            with_two_colons(&words("-a u@[fe80::1]:m/ d"), 1),
            "rsync -a 'u@[fe80::1]::m/' d"
        );
    }
}
