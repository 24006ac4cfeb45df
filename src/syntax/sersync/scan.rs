use std::{collections::HashSet, ops::Range};

use nom::{
    Parser,
    bytes::complete::{take_till, take_until, take_while},
    character::complete::char,
    combinator::opt,
    error::Error,
};

use super::{
    Attribute, Kind, Problem, Quotes, Trouble, Value,
    entity::{decode, raw_ampersands},
};
use crate::syntax::Text;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A node before it is known what stands in what.
pub(super) enum Token {
    /// A node that says all itself.
    Node(Kind),
    /// An opening tag.
    Open(Tag),
    /// A closing tag, and where its name stands.
    Close(Range<usize>),
}

pub(super) struct Tag {
    pub(super) name: Text,
    pub(super) attributes: Vec<Attribute>,
    pub(super) end: TagEnd,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum TagEnd {
    /// `>`.
    Open,
    /// `/>`.
    Empty,
    /// Another tag or the end of the file.
    Missing,
}

pub(super) struct Scanner<'a> {
    /// The file up to where reading ends.
    file: &'a [u8],
    start: usize,
    at: usize,
    /// Where the last `?>` is.
    last_instruction_end: Option<usize>,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(file: &'a [u8], part: Range<usize>) -> Self {
        let file = &file[..part.end];
        let instruction_end = file[part.start..].windows(2).rposition(|pair| pair == b"?>");
        Self {
            file,
            start: part.start,
            at: part.start,
            last_instruction_end: instruction_end.map(|at| part.start + at),
            problems: Vec::new(),
        }
    }

    /// The next token with its bytes; `None` at the end.
    pub(super) fn token(&mut self) -> Option<(Range<usize>, Token)> {
        let start = self.at;
        if start == self.file.len() {
            return None;
        }
        let token = if start == self.start && self.rest().starts_with(BYTE_ORDER_MARK) {
            self.at += BYTE_ORDER_MARK.len();
            Token::Node(Kind::ByteOrderMark)
        } else if self.rest().starts_with(b"<!--") {
            let text = self.enclosed("<!--", "-->");
            if self.at > text.end {
                self.check_dashes(&text);
            }
            Token::Node(Kind::Comment(text))
        } else if self.rest().starts_with(b"<![CDATA[") {
            Token::Node(Kind::CharacterData(self.enclosed("<![CDATA[", "]]>")))
        } else if self.rest().starts_with(b"<!") {
            Token::Node(Kind::Declaration(self.enclosed("<!", ">")))
        } else if self.rest().starts_with(b"<?") {
            Token::Node(Kind::Instruction(self.instruction()))
        } else if self.rest().starts_with(b"</") {
            self.closing_tag()
        } else if self.peek() == Some(b'<') {
            self.opening_tag()
        } else {
            let text = self.take(take_till(|byte| byte == b'<'));
            self.check_ampersands(text, Trouble::AmpersandInText);
            Token::Node(Kind::Text)
        };
        Some((start..self.at, token))
    }

    /// From `open` to `close`; the range is what stands between them. Without a `close` the node takes the whole
    /// rest, which also keeps many such nodes from being searched again and again.
    fn enclosed(&mut self, open: &str, close: &str) -> Range<usize> {
        let start = self.at;
        self.at += open.len();
        let length = take_until::<_, _, Error<&[u8]>>(close)
            .parse(self.rest())
            .map(|(_, text)| text.len())
            .ok();
        let text = self.at..length.map_or(self.file.len(), |length| self.at + length);
        self.at = text.end;
        if length.is_some() {
            self.at += close.len();
        } else {
            self.report(start..self.at, Trouble::UnclosedNode);
        }
        text
    }

    /// `<?xml version="1.0">` must not swallow the file: where no `?>` follows at all, `>` is the end.
    fn instruction(&mut self) -> Range<usize> {
        let start = self.at;
        if self.last_instruction_end >= Some(start + 2) {
            return self.enclosed("<?", "?>");
        }
        let text = self.enclosed("<?", ">");
        if self.at > text.end {
            self.report(start..self.at, Trouble::UnclosedNode);
        }
        text
    }

    fn closing_tag(&mut self) -> Token {
        let start = self.at;
        self.at += 2;
        let Some(name) = self.tag_name(start) else {
            return Token::Node(Kind::StrayBracket);
        };
        self.take(take_till(|byte| matches!(byte, b'<' | b'>')));
        if self.take(opt(char('>'))).is_empty() {
            self.report(start..self.at, Trouble::UnclosedTag);
        }
        Token::Close(name)
    }

    fn opening_tag(&mut self) -> Token {
        let start = self.at;
        self.at += 1;
        let Some(name) = self.tag_name(start) else {
            return Token::Node(Kind::StrayBracket);
        };
        let mut attributes = Vec::new();
        let mut names = HashSet::new();
        let end = loop {
            let space = self.take(take_while(is_space));
            match self.rest() {
                [b'/', b'>', ..] => {
                    self.at += 2;
                    break TagEnd::Empty;
                }
                [b'>', ..] => {
                    self.at += 1;
                    break TagEnd::Open;
                }
                [] | [b'<', ..] => {
                    self.report(start..self.at, Trouble::UnclosedTag);
                    break TagEnd::Missing;
                }
                _ => {
                    let attribute = self.attribute();
                    let name = &attribute.name;
                    if space.is_empty() {
                        self.report(name.range(), Trouble::NoSpaceBeforeAttribute);
                    }
                    if !names.insert(name.bytes().to_ascii_lowercase()) {
                        self.report(name.range(), Trouble::RepeatedAttribute);
                    }
                    attributes.push(attribute);
                }
            }
        };
        Token::Open(Tag {
            name: Text::verbatim(self.file, name),
            attributes,
            end,
        })
    }

    /// The name of the tag that begins at `start`; without one, the scanner stays behind the bracket.
    fn tag_name(&mut self, start: usize) -> Option<Range<usize>> {
        let bracket_end = self.at;
        let space = self.take(take_while(is_space));
        let name = self.word(b"=");
        if name.is_empty() {
            self.at = bracket_end;
            self.report(start..bracket_end, Trouble::BracketWithoutName);
            return None;
        }
        if !space.is_empty() {
            self.report(space, Trouble::SpaceBeforeName);
        }
        Some(name)
    }

    /// At anything but white space or the end of a tag.
    fn attribute(&mut self) -> Attribute {
        let name = self.word(b"=");
        if name.is_empty() {
            self.report(self.at..self.at + 1, Trouble::MissingAttributeName);
        }
        let mut range = name.clone();
        let name_end = self.at;
        self.take(take_while(is_space));
        let mut value = None;
        if self.take(opt(char('='))).is_empty() {
            self.at = name_end;
        } else {
            range.end = self.at;
            self.take(take_while(is_space));
            value = self.value();
        }
        match &value {
            Some(_) => range.end = self.at,
            None => self.report(range.clone(), Trouble::MissingValue),
        }
        Attribute {
            name: Text::verbatim(self.file, name),
            value,
            range,
        }
    }

    fn value(&mut self) -> Option<Value> {
        let (range, quotes) = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => {
                self.at += 1;
                if let Some(range) = self.quoted(quote) {
                    let quotes = match quote {
                        b'"' => Quotes::Double,
                        _ => Quotes::Single,
                    };
                    (range, quotes)
                } else {
                    self.report(self.at - 1..self.at, Trouble::UnclosedQuote);
                    (self.word(b""), Quotes::Unclosed)
                }
            }
            _ => {
                let range = self.word(b"");
                if range.is_empty() {
                    return None;
                }
                self.report(range.clone(), Trouble::UnquotedValue);
                (range, Quotes::Without)
            }
        };
        self.check_ampersands(range.clone(), Trouble::AmpersandInValue);
        Some(Value {
            text: decode(self.file, range.clone()),
            range,
            quotes,
        })
    }

    /// The text up to the next `quote`. A `<` before it makes it doubtful that they belong together: the next tag's
    /// first quote may have been found. Then they do only if the tag can go on behind them.
    fn quoted(&mut self, quote: u8) -> Option<Range<usize>> {
        let length = self.rest().iter().position(|&byte| byte == quote)?;
        let range = self.at..self.at + length;
        let bracket = self.file[range.clone()].iter().position(|&b| b == b'<');
        if let Some(bracket) = bracket {
            let goes_on = match &self.file[range.end + 1..] {
                [] | [b'>', ..] | [b'/', b'>', ..] => true,
                [byte, ..] => is_space(*byte),
            };
            if !goes_on {
                return None;
            }
            let bracket = range.start + bracket;
            self.report(bracket..bracket + 1, Trouble::BracketInValue);
        }
        self.at = range.end + 1;
        Some(range)
    }

    /// Everything up to white space, the end of the tag, another tag, or one of `stops`.
    fn word(&mut self, stops: &[u8]) -> Range<usize> {
        let start = self.at;
        while let [byte, rest @ ..] = self.rest() {
            let ends = is_space(*byte)
                || matches!(byte, b'<' | b'>')
                || (*byte == b'/' && rest.starts_with(b">"))
                || stops.contains(byte);
            if ends {
                break;
            }
            self.at += 1;
        }
        start..self.at
    }

    fn check_dashes(&mut self, comment: &Range<usize>) {
        let text = &self.file[comment.clone()];
        let dashes = text.windows(2).position(|pair| pair == b"--");
        let dashes = dashes.or_else(|| text.ends_with(b"-").then(|| text.len() - 1));
        if let Some(dashes) = dashes {
            let start = comment.start + dashes;
            self.report(start..start + 2, Trouble::DashesInComment);
        }
    }

    fn check_ampersands(&mut self, range: Range<usize>, trouble: Trouble) {
        for at in raw_ampersands(self.file, range) {
            self.report(at..at + 1, trouble);
        }
    }

    fn report(&mut self, range: Range<usize>, trouble: Trouble) {
        self.problems.push(Problem { range, trouble });
    }

    fn rest(&self) -> &'a [u8] {
        &self.file[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.file.get(self.at).copied()
    }

    /// Applies a parser and returns the range that it consumed; one that does not match consumes nothing.
    fn take<O>(
        &mut self,
        mut parser: impl Parser<&'a [u8], Output = O, Error = Error<&'a [u8]>>,
    ) -> Range<usize> {
        let start = self.at;
        if let Ok((rest, _)) = parser.parse(self.rest()) {
            self.at = self.file.len() - rest.len();
        }
        start..self.at
    }
}

/// White space as XML has it.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
