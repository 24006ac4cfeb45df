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
}
