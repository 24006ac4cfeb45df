use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::{
    model::service::{DaemonOptions, Word, daemon_options},
    syntax::xinetd::{Attribute, Document, Entry, Opening, Operator},
};

/// A service of xinetd, with what xinetd makes of its lines.
#[derive(Clone, Copy, Debug)]
pub struct XinetdService<'a> {
    /// Its lines.
    pub entry: &'a Entry,
    /// The defaults of the same file.
    pub defaults: Option<&'a Entry>,
    file: &'a [u8],
}

/// The services of a file that run rsync, or are called so.
pub fn services<'a>(document: &'a Document, file: &'a [u8]) -> impl Iterator<Item = XinetdService<'a>> {
    let mut entries = document.entries.iter();
    let defaults = entries.clone().find(|entry| entry.name.is_none());
    std::iter::from_fn(move || {
        entries
            .find(|entry| entry.name.is_some())
            .map(|entry| XinetdService {
                entry,
                defaults,
                file,
            })
    })
    .filter(|service| {
        let server = service.values("server");
        let runs_rsync = |word: &Word| word.bytes.ends_with(b"rsync");
        service.name().starts_with(b"rsync") || server.iter().any(runs_rsync)
    })
}

impl<'a> XinetdService<'a> {
    /// The name that is looked up in `/etc/services`.
    pub fn name(&self) -> &'a [u8] {
        let name = self.entry.name.clone().expect("only named entries are services");
        &self.file[name]
    }

    /// The line that sets an attribute: the first one, xinetd ignores further ones.
    pub fn attribute(&self, name: &str) -> Option<&'a Attribute> {
        self.entry.attributes.iter().find(|attribute| {
            self.file[attribute.name.clone()].eq_ignore_ascii_case(name.as_bytes())
                && attribute.operator == Some(Operator::Set)
        })
    }

    /// The words that an attribute is set to.
    pub fn values(&self, name: &str) -> Vec<Word> {
        let attribute = self.attribute(name);
        let values = attribute.into_iter().flat_map(|attribute| &attribute.values);
        values
            .map(|value| Word::verbatim(self.file, value.clone()))
            .collect()
    }

    /// The word that an attribute of one value is set to; with more words xinetd ignores the line.
    pub fn value(&self, name: &str) -> Option<Word> {
        match &self.values(name)[..] {
            [word] => Some(word.clone()),
            _ => None,
        }
    }

    /// Whether it is switched off.
    pub fn is_disabled(&self) -> bool {
        self.value("disable")
            .is_some_and(|word| word.bytes.eq_ignore_ascii_case(b"yes"))
    }

    /// Whether xinetd can read the entry at all.
    pub fn is_readable(&self) -> bool {
        self.entry.opening == Opening::Alone && self.entry.attributes.iter().all(|one| one.glued.is_none())
    }

    /// What rsync is told.
    pub fn options(&self) -> DaemonOptions {
        daemon_options(&self.values("server_args"))
    }

    /// Whether a flag is set.
    pub fn has_flag(&self, flag: &str) -> bool {
        self.values("flags")
            .iter()
            .any(|word| word.bytes.eq_ignore_ascii_case(flag.as_bytes()))
    }
}

/// What a word of numbers means in `only_from` and `no_access`: `192.0.2.0/24`, or an address whose last numbers may be
/// anything where they are 0 or left out (`numeric_addr` in addr.c; seen with xinetd 2.3.15.3). None if it is neither.
pub fn client_network(word: &str) -> Option<Ipv4Net> {
    if let Ok(network) = word.parse::<Ipv4Net>() {
        return Some(network);
    }
    let parts: Vec<u8> = word
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let mut bytes = [0; 4];
    bytes.get_mut(..parts.len())?.copy_from_slice(&parts);
    let fixed = bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    Ipv4Net::new(Ipv4Addr::from(bytes), 8 * fixed as u8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::xinetd::parse;

    #[test]
    fn the_first_of_two_lines_counts() {
        let file =
            b"service rsync\n{\n disable = no\n disable = yes\n server_args = --daemon --config=/a # b\n}\n";
        let document = parse(file);
        let service = services(&document, file).next().expect("a service");
        assert!(!service.is_disabled() && service.is_readable());
        assert_eq!(service.options().configuration_file(), Some(&b"/a"[..]));
        assert_eq!(service.options().operand.expect("a word").bytes, b"#");
    }

    #[test]
    fn numbers_that_are_left_out_may_be_anything() {
        for (word, network) in [
            ("127.0.0.0", "127.0.0.0/8"),
            ("127.0.0", "127.0.0.0/8"),
            ("192.0.2.0", "192.0.2.0/24"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("126.0.0.0/7", "126.0.0.0/7"),
            ("0.0.0.0", "0.0.0.0/0"),
        ] {
            let found = client_network(word).expect("a network");
            assert_eq!(found.to_string(), network);
        }
        for word in ["localhost", "192.0.2.{1,2}", "::1", "1.2.3.4.5", ""] {
            assert_eq!(client_network(word), None, "{word}");
        }
    }
}
