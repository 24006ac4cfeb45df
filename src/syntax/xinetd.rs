//! xinetd's configuration: entries of `attribute = value` lines between braces that stand alone.
//!
//! What a line is taken for rests on xinetd 2.3.15.3 and its log.

use std::ops::Range;

use crate::syntax::inetd::words;

/// A whole file: lines that stand one behind the other without a gap, and the entries that they make.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Which bytes of the file each line is, the newline included.
    pub lines: Vec<Range<usize>>,
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// What stands outside of entries and is no keyword.
    pub stray: Vec<Range<usize>>,
}

/// `service NAME` or `defaults`, with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The word `service` or `defaults`.
    pub keyword: Range<usize>,
    /// The service's name; none for `defaults`.
    pub name: Option<Range<usize>>,
    /// The brace that opens it.
    pub opening: Opening,
    /// In the order of the file.
    pub attributes: Vec<Attribute>,
    /// Whether a brace closes it.
    pub is_closed: bool,
}

/// The brace that opens an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// Alone on the next line, as xinetd wants it.
    Alone,
    /// Behind the name, where xinetd does not see it.
    SameLine(Range<usize>),
    /// There is none.
    Missing,
}

/// A line between the braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: Range<usize>,
    /// How it is set; none if the line has no operator.
    pub operator: Option<Operator>,
    /// The operator's place, where it is glued to the name, which xinetd refuses.
    pub glued: Option<Range<usize>>,
    /// The words behind the operator.
    pub values: Vec<Range<usize>>,
}

/// How an attribute is set.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    /// `+=`
    Add,
    /// `-=`
    Remove,
    /// `=`
    Set,
}

impl Attribute {
    /// From the name to the last value.
    pub fn range(&self) -> Range<usize> {
        let end = self.glued.as_ref().map_or(self.name.end, |operator| operator.end);
        self.name.start..self.values.last().map_or(end, |value| value.end)
    }
}

/// Reads a file. Any bytes give a document.
pub fn parse(file: &[u8]) -> Document {
    let mut document = Document::default();
    let mut at = 0;
    let mut state = State::Outside;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        let range = at..at + line.len();
        at = range.end;
        let found = words(file, range.clone());
        document.lines.push(range);
        let is_comment = |word: &Range<usize>| file[word.start] == b'#';
        if found.first().is_none_or(is_comment) {
            continue;
        }
        state = document.line(file, found, state);
    }
    document
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Outside,
    Named,
    Inside,
}

impl Document {
    /// The bytes that were parsed, put together from the lines again.
    pub fn print(&self, file: &[u8]) -> Vec<u8> {
        let lines = self.lines.iter().map(|line| &file[line.clone()]);
        lines.flatten().copied().collect()
    }

    fn line(&mut self, file: &[u8], found: Vec<Range<usize>>, state: State) -> State {
        let first = &file[found[0].clone()];
        if state == State::Named && first == b"{" {
            let entry = self.entries.last_mut().expect("its name was read");
            entry.opening = Opening::Alone;
            return State::Inside;
        }
        if matches!(first, b"service" | b"defaults") && (state != State::Inside || found.len() < 3) {
            return self.begin(file, found);
        }
        match state {
            State::Inside | State::Named if first == b"}" => {
                self.entries.last_mut().expect("its name was read").is_closed = true;
                State::Outside
            }
            State::Inside | State::Named => {
                let entry = self.entries.last_mut().expect("its name was read");
                entry.attributes.push(attribute(file, &found));
                State::Inside
            }
            State::Outside => {
                if !matches!(first, b"include" | b"includedir") {
                    self.stray.push(found[0].start..found[found.len() - 1].end);
                }
                State::Outside
            }
        }
    }

    fn begin(&mut self, file: &[u8], found: Vec<Range<usize>>) -> State {
        let mut rest = found[1..].iter();
        let is_service = &file[found[0].clone()] == b"service";
        let name = is_service
            .then(|| rest.clone().next().cloned())
            .flatten()
            .filter(|name| &file[name.clone()] != b"{");
        let brace = rest.find(|word| &file[(*word).clone()] == b"{").cloned();
        let state = match brace {
            Some(_) => State::Inside,
            None => State::Named,
        };
        self.entries.push(Entry {
            keyword: found[0].clone(),
            name,
            opening: brace.map_or(Opening::Missing, Opening::SameLine),
            attributes: Vec::new(),
            is_closed: false,
        });
        state
    }
}

fn attribute(file: &[u8], found: &[Range<usize>]) -> Attribute {
    let first = found[0].clone();
    let word = &file[first.clone()];
    if let Some(equals) = word.iter().position(|&byte| byte == b'=') {
        let sign = equals.checked_sub(1).map(|before| word[before]);
        let begin = equals - usize::from(matches!(sign, Some(b'+' | b'-')));
        let behind = first.start + equals + 1..first.end;
        let glued_value = (!behind.is_empty()).then_some(behind);
        return Attribute {
            name: first.start..first.start + begin,
            operator: Some(operator(&word[begin..=equals])),
            glued: Some(first.start + begin..first.start + equals + 1),
            values: glued_value
                .into_iter()
                .chain(found[1..].iter().cloned())
                .collect(),
        };
    }
    let sign = found.get(1).map(|word| &file[word.clone()]);
    let length = match sign {
        Some([b'+' | b'-', b'=', ..]) => 2,
        Some([b'=', ..]) => 1,
        _ => {
            return Attribute {
                name: first,
                operator: None,
                glued: None,
                values: found[1..].to_vec(),
            };
        }
    };
    let second = found[1].clone();
    let behind = second.start + length..second.end;
    let glued_value = (!behind.is_empty()).then_some(behind);
    Attribute {
        name: first,
        operator: Some(operator(&file[second.start..second.start + length])),
        glued: None,
        values: glued_value
            .into_iter()
            .chain(found[2..].iter().cloned())
            .collect(),
    }
}

fn operator(sign: &[u8]) -> Operator {
    match sign.first() {
        Some(b'+') => Operator::Add,
        Some(b'-') => Operator::Remove,
        _ => Operator::Set,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(file: &[u8], range: Range<usize>) -> String {
        String::from_utf8_lossy(&file[range]).into_owned()
    }

    #[test]
    fn an_entry_is_taken_apart() {
        let file = b"defaults\n{\n}\nincludedir /etc/xinetd.d\nservice rsync\n{\n\t# note\n\twait = no\n\tlog_on_failure += USERID HOST\n}\n";
        let document = parse(file);
        let [defaults, rsync] = &document.entries[..] else {
            panic!("{document:?}");
        };
        assert!(defaults.name.is_none() && defaults.is_closed);
        assert_eq!(text(file, rsync.name.clone().expect("a name")), "rsync");
        assert_eq!(rsync.opening, Opening::Alone);
        assert_eq!(rsync.attributes[1].operator, Some(Operator::Add));
        assert_eq!(
            text(file, rsync.attributes[1].range()),
            "log_on_failure += USERID HOST"
        );
        assert!(document.stray.is_empty() && rsync.is_closed);
    }

    #[test]
    fn what_xinetd_refuses_is_seen() {
        let file = b"service rsync {\n disable=no\n wait= no\n user\n";
        let document = parse(file);
        let entry = &document.entries[0];
        assert!(matches!(&entry.opening, Opening::SameLine(brace) if text(file, brace.clone()) == "{"));
        assert!(!entry.is_closed);
        let [disable, wait, user] = &entry.attributes[..] else {
            panic!("{entry:?}");
        };
        assert_eq!(text(file, disable.values[0].clone()), "no");
        assert_eq!(text(file, disable.glued.clone().expect("glued")), "=");
        assert_eq!(text(file, wait.range()), "wait= no");
        assert_eq!(user.operator, None);
    }

    proptest! {
        #[test]
        fn printing_gives_the_same_bytes(file in "(service|defaults|\\{|\\}|=|\\+|-|#| |\n|a|include){0,60}") {
            let file = file.into_bytes();
            prop_assert_eq!(parse(&file).print(&file), file);
        }

        #[test]
        fn any_bytes_are_read(file in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(parse(&file).print(&file), file);
        }
    }
}
