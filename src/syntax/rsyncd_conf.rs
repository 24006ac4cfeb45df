//! The grammar of rsyncd.conf, as `params.c` of rsync 3.5.0 reads it.

use std::ops::Range;

use nom::{
    IResult, Parser,
    bytes::complete::{take_till, take_while},
    character::complete::char,
    combinator::opt,
    error::Error,
};

use crate::{syntax::Text, terms::Bytes};

/// A line, or several that a backslash joins, with its newline and the blanks before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Which bytes of the file.
    pub range: Range<usize>,
    /// What rsync takes them for.
    pub kind: Kind,
}

/// What rsync takes an item for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A line without text.
    Blank,
    /// `#` or `;` to the end of the line; the range is the text behind that character.
    Comment(Range<usize>),
    /// A backslash where a line should begin, which rsync skips (`Parse` in params.c).
    StrayBackslash,
    /// `[name]`.
    Section(Section),
    /// `name = value`.
    Parameter(Parameter),
    /// `&include path` or another line that begins with `&`.
    Directive(Parameter),
    /// A line without `=`: rsync logs `Ignoring badly formed line` and goes on.
    WithoutEquals(Text),
    /// What makes rsync give up the whole file.
    Fatal(Fatal),
    /// Everything behind a NUL that stands where a line begins or in a comment: rsync stops reading there
    /// without a word.
    Unread,
}

/// The header of a module, or of a `[global]` block.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The name with its runs of white space made one blank.
    pub name: Text,
    /// From `[` to `]`.
    pub header: Range<usize>,
    /// What stands behind `]` and is thrown away.
    pub trailing: Range<usize>,
}

/// A line with a name and a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// The name with its runs of white space made one blank; a directive's begins with `&`.
    pub name: Text,
    /// The value, without the white space around it.
    pub value: Text,
}

/// Why rsync gives up a file (`Section` and `Parameter` in params.c return False).
#[derive(Clone, Debug, PartialEq)]
pub enum Fatal {
    /// A line that begins with `=`.
    NoParameterName(Range<usize>),
    /// `[]`.
    EmptySectionName(Range<usize>),
    /// `[name` with the line's or the file's end before `]`.
    UnterminatedSection(Range<usize>),
}

/// Reads a file item by item. Any bytes give items; they stand one behind the other without a gap, so that their bytes
/// are the file's bytes.
///
/// Nothing is kept of an item that was handed out, and its texts share the file's bytes: whatever the file, reading
/// takes no memory but what one item needs whose lines are joined, at most 16 bytes for each of its bytes.
pub fn parse(file: &Bytes) -> Items<'_> {
    Items { file, at: 0 }
}

/// The items of a file, read as they are asked for.
#[derive(Clone, Debug)]
pub struct Items<'a> {
    file: &'a Bytes,
    at: usize,
}

impl Iterator for Items<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        let start = self.at;
        (start < self.file.len()).then(|| {
            let kind = self.item();
            Item {
                range: start..self.at,
                kind,
            }
        })
    }
}

/// C's `isspace` in the locale in which rsync runs.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\x0b' | b'\x0c' | b'\r')
}

fn is_blank(byte: u8) -> bool {
    is_space(byte) && byte != b'\n'
}

/// `EatWhitespace` in params.c: everything that `isspace` accepts, up to the newline.
fn blanks(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(is_blank).parse(input)
}

/// `EatComment` in params.c: to the newline, a NUL or the end.
fn comment(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till(|byte| byte == b'\n' || byte == 0).parse(input)
}

impl<'a> Items<'a> {
    fn item(&mut self) -> Kind {
        self.take(blanks);
        let Some(first) = self.peek() else {
            return Kind::Blank;
        };
        let start = self.at;
        match first {
            b'\n' => {
                self.at += 1;
                Kind::Blank
            }
            0 => {
                self.at = self.file.len();
                Kind::Unread
            }
            b'#' | b';' => {
                self.at += 1;
                let text = self.take(comment);
                if self.peek() != Some(0) {
                    self.take(opt(char('\n')));
                }
                Kind::Comment(text)
            }
            b'\\' => {
                self.at += 1;
                Kind::StrayBackslash
            }
            b'[' => self.section(start),
            b'&' => self.parameter(start).map_or_else(|kind| kind, Kind::Directive),
            _ => self.parameter(start).map_or_else(|kind| kind, Kind::Parameter),
        }
    }

    /// `Section` in params.c, from the bracket.
    fn section(&mut self, start: usize) -> Kind {
        self.at += 1;
        self.take(blanks);
        let mut name = Name::at(self.file, self.at);
        loop {
            let word = self.take(take_till(|byte| matches!(byte, b']' | 0) || is_space(byte)));
            name.word(word);
            match self.peek() {
                Some(b']') => {
                    self.at += 1;
                    let header = start..self.at;
                    let trailing = self.take(comment);
                    // A NUL ends the discarded part of this line; what follows is read as a line of its own.
                    if self.peek().is_some() {
                        self.at += 1;
                    }
                    let name = name.finish();
                    if name.is_empty() {
                        return Kind::Fatal(Fatal::EmptySectionName(header));
                    }
                    return Kind::Section(Section {
                        name,
                        header,
                        trailing,
                    });
                }
                Some(b'\n') if name.continues() => self.at += 1,
                Some(0 | b'\n') | None => {
                    let end = name.finish().range().end;
                    self.at = self.file.len().min(self.at + 1);
                    return Kind::Fatal(Fatal::UnterminatedSection(start..end));
                }
                Some(_) => {
                    name.blank(self.at);
                    self.take(blanks);
                }
            }
        }
    }

    /// `Parameter` in params.c; `Err` is a line that turned out to be something else.
    fn parameter(&mut self, start: usize) -> Result<Parameter, Kind> {
        let is_directive = self.peek() == Some(b'&');
        let mut name = Name::at(self.file, start);
        loop {
            let word = self.take(take_till(|byte| matches!(byte, b'=' | 0) || is_space(byte)));
            name.word(word);
            match self.peek() {
                Some(b'=') => {
                    self.at += 1;
                    if name.length == 0 {
                        // rsync stops reading here; we skip the rest of the line and go on.
                        self.take(comment);
                        self.take(opt(char('\n')));
                        return Err(Kind::Fatal(Fatal::NoParameterName(start..start + 1)));
                    }
                    self.take(blanks);
                    break;
                }
                Some(b'\n') if name.continues() => self.at += 1,
                Some(0 | b'\n') => {
                    self.at += 1;
                    return Err(Kind::WithoutEquals(name.finish()));
                }
                None => return Err(Kind::WithoutEquals(name.finish())),
                Some(b' ' | b'\t') if is_directive => {
                    self.take(blanks);
                    if self.take(opt(char('='))).len() == 1 {
                        self.take(blanks);
                    }
                    break;
                }
                Some(_) => {
                    name.blank(self.at);
                    self.take(blanks);
                }
            }
        }
        let name = name.finish();
        let value = self.value();
        Ok(Parameter { name, value })
    }

    /// The second half of `Parameter` in params.c: a value up to a newline that no backslash hides.
    fn value(&mut self) -> Text {
        let mut value = Text::begin(self.file, self.at);
        let mut end = 0;
        loop {
            let run = self.take(take_till(|byte| matches!(byte, 0 | b'\r' | b'\n')));
            if let Some(last) = self.file[run.clone()].iter().rposition(|&byte| !is_space(byte)) {
                end = value.bytes().len() + last + 1;
            }
            value.extend(self.file, run);
            let Some(byte) = self.peek() else {
                break;
            };
            self.at += 1;
            match byte {
                b'\r' => {}
                b'\n' => match continuation(value.bytes()) {
                    // The blanks before the backslash stay, even if nothing follows.
                    Some(backslash) => {
                        value.truncate(backslash);
                        end = backslash;
                    }
                    None => break,
                },
                _ => break,
            }
        }
        value.truncate(end);
        value
    }

    fn peek(&self) -> Option<u8> {
        self.file.get(self.at).copied()
    }

    /// Applies a parser and returns the range that it consumed; one that does not match consumes nothing.
    fn take<O>(
        &mut self,
        parser: impl Parser<&'a [u8], Output = O, Error = Error<&'a [u8]>>,
    ) -> Range<usize> {
        let start = self.at;
        let input = &self.file[start..];
        let rest = complete(parser, input);
        self.at = self.file.len() - rest.len();
        start..self.at
    }
}

fn complete<'a, O>(
    mut parser: impl Parser<&'a [u8], Output = O, Error = Error<&'a [u8]>>,
    input: &'a [u8],
) -> &'a [u8] {
    parser.parse(input).map_or(input, |(rest, _)| rest)
}

/// The buffer in which `params.c` collects a name: what was written, and how much of it counts so far.
struct Name<'a> {
    file: &'a Bytes,
    text: Text,
    length: usize,
}

impl<'a> Name<'a> {
    fn at(file: &'a Bytes, offset: usize) -> Self {
        Self {
            file,
            text: Text::begin(file, offset),
            length: 0,
        }
    }

    /// White space, however much, becomes one blank that counts only if something follows.
    fn blank(&mut self, offset: usize) {
        self.text.truncate(self.length);
        self.text.push(b' ', offset);
    }

    fn word(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.text.extend(self.file, range);
            self.length = self.text.bytes().len();
        }
    }

    /// At a newline: whether a backslash joins the next line. Drops the backslash.
    fn continues(&mut self) -> bool {
        let Some(backslash) = continuation(self.text.bytes()) else {
            return false;
        };
        self.text.truncate(backslash);
        self.length = backslash - usize::from(self.text.bytes().last() == Some(&b' '));
        true
    }

    fn finish(mut self) -> Text {
        self.text.truncate(self.length);
        self.text
    }
}

/// `Continuation` in params.c: where the backslash is, if it is the last byte that is not white space.
fn continuation(line: &[u8]) -> Option<usize> {
    let last = line.iter().rposition(|&byte| !is_space(byte))?;
    (line[last] == b'\\').then_some(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(file: &str) -> Vec<String> {
        parse(&Bytes::from(file))
            .filter_map(|item| match &item.kind {
                Kind::Blank => None,
                Kind::Comment(text) => Some(format!("comment {}", &file[text.clone()])),
                Kind::StrayBackslash => Some("stray backslash".to_owned()),
                Kind::Section(section) => Some(format!("[{}]", section.name.display())),
                Kind::Parameter(p) => Some(format!("{}={}", p.name.display(), p.value.display())),
                Kind::Directive(p) => Some(format!("{} {}", p.name.display(), p.value.display())),
                Kind::WithoutEquals(text) => Some(format!("without equals: {}", text.display())),
                Kind::Fatal(fatal) => Some(format!("fatal: {fatal:?}")),
                Kind::Unread => Some("unread".to_owned()),
            })
            .collect()
    }

    #[test]
    fn comments_stand_alone_and_values_keep_their_hash() {
        assert_eq!(
            lines("# one \\\n; two\nread only = no # three\n"),
            ["comment  one \\", "comment  two", "read only=no # three"]
        );
    }

    #[test]
    fn names_lose_their_white_space_and_values_their_ends() {
        assert_eq!(lines("  read\t  only=  a  b \t\r\n"), ["read only=a  b"]);
        assert_eq!(lines("path =/x=y\n[ a  b ] # c\n"), ["path=/x=y", "[a b]"]);
    }

    #[test]
    fn a_backslash_joins_lines() {
        assert_eq!(lines("path = a \\  \n   b\n"), ["path=a    b"]);
        assert_eq!(lines("re\\\nad only = no"), ["read only=no"]);
        assert_eq!(lines("[a\\\nb]"), ["[ab]"]);
        assert_eq!(lines("path = a \\"), ["path=a \\"]);
        assert_eq!(lines("path = a \\\n\nlist = no"), ["path=a ", "list=no"]);
        assert_eq!(lines("\\list = no"), ["stray backslash", "list=no"]);
    }

    #[test]
    fn directives_divide_at_a_blank_or_an_equals_sign() {
        assert_eq!(lines("&include /etc/r.d\n"), ["&include /etc/r.d"]);
        assert_eq!(lines("&merge  =  /etc/r.inc # x\n"), ["&merge /etc/r.inc # x"]);
        assert_eq!(lines("&include=/a"), ["&include /a"]);
        assert_eq!(lines("&include\n"), ["without equals: &include"]);
    }

    #[test]
    fn what_rsync_gives_up_on_is_a_node() {
        let fatal = |file: &str| lines(file).concat();
        assert!(fatal("= x\n").starts_with("fatal: NoParameterName"));
        assert!(fatal("[]\n").starts_with("fatal: EmptySectionName"));
        assert!(fatal("[abc\n").starts_with("fatal: UnterminatedSection"));
        assert!(fatal("[abc").starts_with("fatal: UnterminatedSection"));
    }

    #[test]
    fn a_nul_ends_a_value_or_the_file() {
        assert_eq!(lines("path = a\0list = no\n"), ["path=a", "list=no"]);
        assert_eq!(lines("# a\0\nlist = no\n"), ["comment  a", "unread"]);
        assert_eq!(lines("[a] x\0list = no\n"), ["[a]", "list=no"]);
        assert_eq!(lines("na\0me = x\n"), ["without equals: na", "me=x"]);
    }

    proptest! {
        #[test]
        fn printing_gives_the_same_bytes(file in proptest::collection::vec(interesting_byte(), 0..200)) {
            let bytes = Bytes::from(&file[..]);
            let mut at = 0;
            for item in parse(&bytes) {
                prop_assert_eq!(item.range.start, at);
                at = item.range.end;
                if let Kind::Parameter(p) | Kind::Directive(p) = &item.kind {
                    prop_assert!(item.range.start <= p.name.range().start);
                    prop_assert!(p.value.range().end <= item.range.end);
                }
            }
            prop_assert_eq!(at, file.len());
        }
    }

    fn interesting_byte() -> impl Strategy<Value = u8> {
        prop_oneof![
            any::<u8>(),
            proptest::sample::select(b"\n\n =\\[]#;&\r\t\0abc/".to_vec())
        ]
    }
}
