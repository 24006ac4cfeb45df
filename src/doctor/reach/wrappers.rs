//! Who may come in by xinetd's own lists, and by `/etc/hosts.allow` and `/etc/hosts.deny`, which xinetd asks and rsync itself
//! does not.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use ipnet::{IpNet, Ipv4Net};

use crate::{
    host::Host,
    model::service::{client_network, services},
    syntax::xinetd::{self, Entry, Operator},
};

/// What a list says of a client: whether it gets in if that can be told, and the line that decides.
pub(super) type Said = (Option<bool>, String);

/// Where xinetd looks.
const FOLDER: &str = "/etc/xinetd.d";
/// The name by which TCP wrappers know rsync: that of the program that xinetd starts.
const PROGRAM: &str = "rsync";
/// Lines that are read of one file.
const MOST_LINES: usize = 10_000;

/// A list of xinetd's, with the file in which it stands.
struct List {
    name: &'static str,
    file: PathBuf,
    words: Vec<String>,
}

impl List {
    fn shown(&self) -> String {
        format!(
            "{}: {} = {}",
            self.file.display(),
            self.name,
            self.words.join(" ")
        )
    }

    /// What an entry makes of a list. In a service `=` makes a new one of the first line, in `defaults` it adds; `+=` and `-=`
    /// change what there is (seen with xinetd 2.3.15.3).
    fn taken_in(
        list: Option<Self>,
        name: &'static str,
        entry: &Entry,
        file: &Path,
        bytes: &[u8],
    ) -> Option<Self> {
        let is_service = entry.name.is_some();
        let mut own = entry
            .attributes
            .iter()
            .filter(|one| bytes[one.name.clone()].eq_ignore_ascii_case(name.as_bytes()))
            .peekable();
        if own.peek().is_none() {
            return list;
        }
        let mut words = list.map_or_else(Vec::new, |list| list.words);
        let mut is_set = false;
        for attribute in own {
            let values = attribute.values.iter();
            let values = values.map(|word| String::from_utf8_lossy(&bytes[word.clone()]).into_owned());
            match attribute.operator {
                Some(Operator::Set) if is_service && is_set => {}
                Some(Operator::Set) if is_service => {
                    words = values.collect();
                    is_set = true;
                }
                Some(Operator::Set | Operator::Add) => words.extend(values),
                Some(Operator::Remove) => {
                    let values: Vec<_> = values.collect();
                    words.retain(|word| !values.contains(word));
                }
                None => {}
            }
        }
        Some(Self {
            name,
            file: file.to_owned(),
            words,
        })
    }
}

/// What xinetd's `only_from` and `no_access` say, those of `defaults` too; nothing if there is neither for the service.
pub(super) fn by_xinetd(host: &dyn Host, client: IpAddr) -> Option<Said> {
    let folder = Path::new(FOLDER);
    let mut names = host.list(folder).ok().flatten().unwrap_or_default();
    names.sort();
    let files = names.into_iter().map(|name| folder.join(name));
    let files = [PathBuf::from("/etc/xinetd.conf")].into_iter().chain(files);
    let mut lists = [None, None];
    for file in files {
        let Some(bytes) = host.read(&file).ok().flatten() else {
            continue;
        };
        let document = xinetd::parse(&bytes);
        let found = services(&document, &bytes).find(|service| !service.is_disabled());
        let defaults = document.entries.iter().find(|entry| entry.name.is_none());
        for entry in defaults
            .into_iter()
            .chain(found.as_ref().map(|service| service.entry))
        {
            let [only, not] = lists;
            lists = [
                List::taken_in(only, "only_from", entry, &file, &bytes),
                List::taken_in(not, "no_access", entry, &file, &bytes),
            ];
        }
        if found.is_some() {
            let [only, not] = &lists;
            return decided(only.as_ref(), not.as_ref(), client);
        }
    }
    None
}

/// Of two lists the closer network counts (`ac_list_match` in xinetd's access.c asks for the better match).
fn decided(only: Option<&List>, not: Option<&List>, client: IpAddr) -> Option<Said> {
    let admitted = only.map(|list| (list, nearest(&list.words, client)));
    let refused = not.map(|list| (list, nearest(&list.words, client)));
    match (admitted, refused) {
        (Some((list, Ok(None))), _) => Some((Some(false), list.shown())),
        (Some((list, Err(()))), _) | (_, Some((list, Err(())))) => Some((None, list.shown())),
        (admitted, Some((list, Ok(Some(bits)))))
            if admitted
                .and_then(|(_, found)| found.ok())
                .flatten()
                .is_none_or(|own| own <= bits) =>
        {
            Some((Some(false), list.shown()))
        }
        (Some((list, _)), _) => Some((Some(true), list.shown())),
        (None, _) => None,
    }
}

/// How many bits the closest network has that a client is in; nobody can tell if names are among them.
fn nearest(words: &[String], client: IpAddr) -> Result<Option<u8>, ()> {
    let mut found = None;
    for word in words {
        match (network(word), client) {
            (Some(network), client) if network.contains(&client) => {
                found = found.max(Some(network.prefix_len()));
            }
            (Some(_), _) => {}
            (None, _) => return Err(()),
        }
    }
    Ok(found)
}

fn network(word: &str) -> Option<IpNet> {
    let is_of_v6 = word.contains(':');
    if is_of_v6 {
        return word
            .parse()
            .ok()
            .or_else(|| Some(word.parse::<IpAddr>().ok()?.into()));
    }
    client_network(word).map(IpNet::V4)
}

/// What `/etc/hosts.allow` and `/etc/hosts.deny` say of the clients of rsync in a network, or of one (hosts_access(5)); nothing
/// if no line is about them.
pub(super) fn by_tcp_wrappers(host: &dyn Host, clients: IpNet) -> Option<Said> {
    for (file, admits) in [("/etc/hosts.allow", true), ("/etc/hosts.deny", false)] {
        let Some(bytes) = host.read(Path::new(file)).ok().flatten() else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes).replace("\\\n", " ");
        for line in text.lines().take(MOST_LINES) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let parts = parts(line);
            let [daemons, list, options @ ..] = &parts[..] else {
                continue;
            };
            let is_meant = and(is_program(daemons), are_clients(list, clients));
            let option = |name: &str| {
                options
                    .iter()
                    .any(|option| option.trim().eq_ignore_ascii_case(name))
            };
            let says = match admits {
                _ if option("deny") => false,
                _ if option("allow") => true,
                admits => admits,
            };
            let told = || format!("{file}: {line}");
            match is_meant {
                Some(true) => return Some((Some(says), told())),
                None => return Some((None, told())),
                Some(false) => {}
            }
        }
    }
    None
}

/// The parts of a line, which `:` separates; an address of IPv6 stands in brackets.
fn parts(line: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_inside = false;
    for letter in line.chars() {
        match letter {
            '[' => is_inside = true,
            ']' => is_inside = false,
            _ => {}
        }
        match (letter, parts.last_mut()) {
            (':', _) if !is_inside => parts.push(String::new()),
            (letter, Some(last)) => last.push(letter),
            (_, None) => {}
        }
    }
    parts
}

fn and(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), other) => other,
        (None, _) => None,
    }
}

/// A list with exceptions: `ALL EXCEPT 192.0.2.0/24 EXCEPT 192.0.2.7`.
fn is_in(list: &str, matches: &dyn Fn(&str) -> Option<bool>) -> Option<bool> {
    let words: Vec<_> = list
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty())
        .collect();
    let mut lists = words.split(|word| word.eq_ignore_ascii_case("EXCEPT")).rev();
    let any = |words: &[&str]| {
        let mut answer = Some(false);
        for word in words {
            match matches(word) {
                Some(true) => return Some(true),
                None => answer = None,
                Some(false) => {}
            }
        }
        answer
    };
    let last = any(lists.next()?);
    lists.fold(last, |except, words| {
        and(any(words), except.map(|except| !except))
    })
}

fn is_program(list: &str) -> Option<bool> {
    is_in(list, &|word| match word {
        "ALL" => Some(true),
        word if word.contains('@') => None,
        word => Some(word == PROGRAM),
    })
}

fn are_clients(list: &str, clients: IpNet) -> Option<bool> {
    is_in(list, &|word| {
        if word == "ALL" {
            return Some(true);
        }
        let Some(named) = network_of(word) else {
            // Names, files, net groups and odd masks: nobody looks them up here.
            return match clients.addr().is_loopback() {
                true => names_loopback(word),
                // No client of elsewhere has that name.
                false => (word == NAMES[0]).then_some(false),
            };
        };
        if named.contains(&clients) {
            return Some(true);
        }
        // Who asks about a network does not mean this machine.
        let are_some = clients.contains(&named) && !named.addr().is_loopback();
        (!are_some).then_some(false)
    })
}

/// The names of this machine at its loopback addresses.
const NAMES: [&str; 3] = ["localhost", "localhost.localdomain", "ip6-localhost"];

/// Whether a word of names is about this machine's own loopback addresses.
fn names_loopback(word: &str) -> Option<bool> {
    match word {
        "LOCAL" | "KNOWN" => Some(true),
        "UNKNOWN" | "PARANOID" => Some(false),
        word if word.contains(['@', '/', '*', '?', ':']) => None,
        word if word.starts_with('.') => Some(NAMES.iter().any(|name| name.ends_with(word))),
        word if word.bytes().any(|byte| byte.is_ascii_alphabetic()) => Some(NAMES.contains(&word)),
        _ => None,
    }
}

/// `192.0.2.7`, `192.0.2.`, `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `[2001:db8::]/32`
fn network_of(word: &str) -> Option<IpNet> {
    let plain = word.replace(['[', ']'], "");
    if let Some(network) = plain
        .parse()
        .ok()
        .or_else(|| Some(plain.parse::<IpAddr>().ok()?.into()))
    {
        return Some(network);
    }
    if let Some((net, mask)) = plain.split_once('/') {
        return Some(
            Ipv4Net::with_netmask(net.parse().ok()?, mask.parse().ok()?)
                .ok()?
                .into(),
        );
    }
    let numbers: Option<Vec<u8>> = word
        .strip_suffix('.')?
        .split('.')
        .map(|number| number.parse().ok())
        .collect();
    let numbers = numbers.filter(|numbers| numbers.len() < 4)?;
    let mut octets = [0; 4];
    octets[..numbers.len()].copy_from_slice(&numbers);
    let bits = u8::try_from(numbers.len() * 8).ok()?;
    Some(Ipv4Net::new(Ipv4Addr::from(octets), bits).ok()?.into())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use ipnet::IpNet;

    use super::{by_tcp_wrappers, by_xinetd};
    use crate::host::Image;

    fn image(files: &[(&str, &str)]) -> (tempfile::TempDir, Image) {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let image = Image::new(root.path());
        (root, image)
    }

    fn wrapped(allow: &str, deny: &str, client: &str) -> Option<Option<bool>> {
        let (_root, image) = image(&[("etc/hosts.allow", allow), ("etc/hosts.deny", deny)]);
        let client = client
            .parse()
            .or_else(|_| client.parse::<IpAddr>().map(IpNet::from));
        by_tcp_wrappers(&image, client.expect("an address")).map(|(says, _)| says)
    }

    #[test]
    fn the_first_line_that_is_about_the_client_decides() {
        let allow =
            "# who\nsshd: ALL\nrsync, sshd: 192.0.2. 198.51.100.0/255.255.255.0 \\\n [2001:db8::]/32\n";
        for (client, says) in [
            ("192.0.2.7", Some(Some(true))),
            ("198.51.100.9", Some(Some(true))),
            ("2001:db8::1", Some(Some(true))),
            ("203.0.113.1", Some(Some(false))),
        ] {
            assert_eq!(wrapped(allow, "ALL: ALL\n", client), says, "{client}");
        }
        assert_eq!(wrapped("", "", "192.0.2.7"), None);
        assert_eq!(wrapped("", "sshd: ALL", "192.0.2.7"), None);
        assert_eq!(wrapped("", "rsync: .example.com", "192.0.2.7"), Some(None));
        assert_eq!(wrapped("rsync: ALL: deny", "", "192.0.2.7"), Some(Some(false)));
        let except = "ALL: ALL EXCEPT 192.0.2.0/24 EXCEPT 192.0.2.7";
        assert_eq!(wrapped("", except, "192.0.2.8"), None);
        assert_eq!(wrapped("", except, "192.0.2.7"), Some(Some(false)));
        assert_eq!(wrapped("", "ALL EXCEPT rsync: ALL", "192.0.2.7"), None);
    }

    #[test]
    fn networks_are_let_in_kept_out_or_parted() {
        let everybody = "0.0.0.0/0";
        for (allow, client, says) in [
            ("", everybody, Some(false)),
            ("sshd: ALL", everybody, Some(false)),
            ("rsyncd: 192.0.2.0/24", everybody, Some(false)),
            ("rsync: 127.0.0.1 localhost", everybody, Some(false)),
            ("rsync: 192.0.2.", everybody, None),
            ("rsync: .example.com", everybody, None),
            ("rsync: .example.com", "127.0.0.1", Some(false)),
            ("rsync: web, .localdomain", "127.0.0.1", Some(true)),
            ("rsync: localhost", "::1", Some(true)),
            ("rsync: @trusted", "127.0.0.1", None),
            ("rsync: LOCAL", "192.0.2.7", None),
            ("ALL: ALL", everybody, Some(true)),
            ("rsync: 192.0.2.", "192.0.2.0/24", Some(true)),
            ("rsync: 192.0.2.7", "192.0.2.0/24", None),
            ("rsync: 198.51.100.", "192.0.2.0/24", Some(false)),
            ("rsync: 192.0.0.0/255.255.0.0", "192.0.2.0/24", Some(true)),
        ] {
            assert_eq!(wrapped(allow, "ALL: ALL", client), Some(says), "{allow}");
        }
    }

    #[test]
    fn the_longer_network_of_xinetd_counts() {
        let says = |lines: &str, client: &str| {
            let text = format!("service rsync\n{{\n disable = no\n server = /usr/bin/rsync\n{lines}}}\n");
            let (_root, image) = image(&[("etc/xinetd.d/rsync", &text)]);
            by_xinetd(&image, client.parse().expect("an address")).map(|(says, _)| says)
        };
        assert_eq!(says("", "192.0.2.7"), None);
        assert_eq!(says(" only_from = 192.0.2.0\n", "192.0.2.7"), Some(Some(true)));
        assert_eq!(says(" only_from = 192.0.2.0\n", "192.0.3.7"), Some(Some(false)));
        assert_eq!(says(" only_from =\n", "192.0.3.7"), Some(Some(false)));
        let both = " only_from = 192.0.0.0/16\n no_access = 192.0.2.7\n";
        assert_eq!(says(both, "192.0.2.7"), Some(Some(false)));
        assert_eq!(says(both, "192.0.2.8"), Some(Some(true)));
        assert_eq!(
            says(" no_access = 192.0.2.0/24\n", "192.0.2.7"),
            Some(Some(false))
        );
        assert_eq!(says(" no_access = 192.0.2.0/24\n", "192.0.9.7"), None);
        assert_eq!(says(" only_from = web.example.com\n", "192.0.2.7"), Some(None));
    }

    #[test]
    fn defaults_of_xinetd_hold_where_the_service_says_nothing_else() {
        let says = |defaults: &str, own: &str, client: &str| {
            let service = format!("service rsync\n{{\n disable = no\n server = /usr/bin/rsync\n{own}}}\n");
            let defaults = format!("defaults\n{{\n{defaults}}}\nincludedir /etc/xinetd.d\n");
            let (_root, image) = image(&[("etc/xinetd.conf", &defaults), ("etc/xinetd.d/rsync", &service)]);
            let (says, line) = by_xinetd(&image, client.parse().expect("an address"))?;
            Some((says, line.contains("xinetd.conf")))
        };
        let near = " only_from = 127.0.0.1\n";
        let (here, there) = ("127.0.0.1", "192.0.2.7");
        assert_eq!(says(near, "", there), Some((Some(false), true)));
        assert_eq!(says(near, "", here), Some((Some(true), true)));
        let instead = " only_from = 192.0.2.0/24\n";
        assert_eq!(says(near, instead, here), Some((Some(false), false)));
        assert_eq!(says(near, instead, there), Some((Some(true), false)));
        let added = " only_from += 192.0.2.0/24\n";
        assert_eq!(says(near, added, here), Some((Some(true), false)));
        assert_eq!(says(near, added, there), Some((Some(true), false)));
        assert_eq!(
            says(near, " only_from -= 127.0.0.1\n", here),
            Some((Some(false), false))
        );
        let both = format!("{near}{instead}");
        assert_eq!(says(&both, "", here), Some((Some(true), true)));
        assert_eq!(says(&both, "", there), Some((Some(true), true)));
        let not = says(" no_access = 192.0.2.7\n", " no_access = 127.0.0.1\n", there);
        assert_eq!(not, None);
    }
}
