use crate::{
    syntax::{
        Text,
        unit::{Document, Kind},
    },
    terms::{SourceId, Span},
};

/// A unit: the lines of its file, then those of its drop-ins.
#[derive(Debug, Default)]
pub struct Unit {
    /// `rsync.service`.
    pub name: String,
    /// In the order in which systemd takes them in.
    pub settings: Vec<Setting>,
}

/// A line of a unit.
#[derive(Debug)]
pub struct Setting {
    /// The file.
    pub source: SourceId,
    /// The section, empty in front of the first.
    pub section: Vec<u8>,
    /// The name.
    pub name: Text,
    /// The value.
    pub value: Text,
}

impl Setting {
    /// From the name to the end of the value.
    pub fn span(&self) -> Span {
        Span::new(self.source, self.name.range()).join(Span::new(self.source, self.value.range()))
    }

    /// The value decoded for people.
    pub fn display(&self) -> String {
        self.value.display().into_owned()
    }
}

impl Unit {
    /// Takes in the lines of a file.
    pub fn read(&mut self, source: SourceId, document: &Document) {
        let mut section = Vec::new();
        for item in &document.items {
            match &item.kind {
                Kind::Section(name) => section = name.bytes().to_vec(),
                Kind::Setting { name, value } => self.settings.push(Setting {
                    source,
                    section: section.clone(),
                    name: name.clone(),
                    value: value.clone(),
                }),
                Kind::Blank | Kind::Comment | Kind::Malformed(_) => {}
            }
        }
    }

    /// Every line that sets a name of a section.
    pub fn all<'a>(
        &'a self,
        section: &'a str,
        name: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a Setting> {
        self.settings.iter().filter(move |setting| {
            setting.section == section.as_bytes() && setting.name.bytes() == name.as_bytes()
        })
    }

    /// The line that holds of a name that has one value; an empty one sets the default again.
    pub fn last<'a>(&'a self, section: &'a str, name: &'a str) -> Option<&'a Setting> {
        self.all(section, name)
            .next_back()
            .filter(|setting| !setting.value.is_empty())
    }

    /// The lines that hold of a name that takes a list: those behind the last empty one.
    pub fn list<'a>(&'a self, section: &'a str, name: &'a str) -> Vec<&'a Setting> {
        let all: Vec<_> = self.all(section, name).collect();
        let reset = all.iter().rposition(|setting| setting.value.is_empty());
        all[reset.map_or(0, |at| at + 1)..].to_vec()
    }

    /// The line that switches something on (`parse_boolean` in parse-util.c).
    pub fn switched_on<'a>(&'a self, section: &'a str, name: &'a str) -> Option<&'a Setting> {
        self.last(section, name)
            .filter(|setting| is_yes(setting.value.bytes()))
    }

    /// Whether it is a service's template, which a socket starts once for each connection.
    pub fn is_template(&self) -> bool {
        self.name.ends_with("@.service")
    }

    /// Whether it is a socket.
    pub fn is_socket(&self) -> bool {
        self.name.ends_with(".socket")
    }
}

/// The paths of a value, each with its place, without the `-` and `+` that may stand in front of them and the `:`
/// options behind.
pub fn path_list(setting: &Setting) -> Vec<(Vec<u8>, Span)> {
    let words = super::words(&setting.value).into_iter();
    words
        .map(|word| {
            let path = word.bytes.iter().skip_while(|byte| matches!(byte, b'-' | b'+'));
            let path = path.take_while(|&&byte| byte != b':').copied().collect();
            (path, Span::new(setting.source, word.range))
        })
        .collect()
}

fn is_yes(value: &[u8]) -> bool {
    let words: [&[u8]; 6] = [b"1", b"yes", b"y", b"true", b"t", b"on"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        syntax::unit::parse,
        terms::{Source, Sources},
    };

    #[test]
    fn drop_ins_reset_lists_and_replace_values() {
        let mut sources = Sources::default();
        let mut unit = Unit::default();
        for text in [
            "[Service]\nExecStart=/a\nProtectHome=yes\nReadWritePaths=/srv/a -/srv/b\n",
            "[Service]\nExecStart=\nExecStart=/b\nProtectHome=\n",
        ] {
            let source = sources.add(Source::new("x", text));
            unit.read(source, &parse(text.as_bytes()));
        }
        let shown: Vec<_> = unit
            .list("Service", "ExecStart")
            .iter()
            .map(|s| s.display())
            .collect();
        assert_eq!(shown, ["/b"]);
        assert!(unit.switched_on("Service", "ProtectHome").is_none());
        let paths = unit.list("Service", "ReadWritePaths");
        let paths: Vec<_> = path_list(paths[0]).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, [b"/srv/a".to_vec(), b"/srv/b".to_vec()]);
    }
}
