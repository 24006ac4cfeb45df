//! The commands of a shell's text whose words are nothing but text and variables. Our reader of scripts (`syntax::shell`)
//! forgives what a shell refuses, and takes what shells read differently for the same; here either is a reason to refuse,
//! and the sign that was met is named.

use std::ops::Range;

use crate::cli::probe::{plain::assigned, value::Names};

/// What is more than text and variables, and where it stands.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Met {
    pub(super) at: usize,
    pub(super) sign: String,
}

impl Met {
    pub(super) fn new(at: usize, sign: impl Into<String>) -> Self {
        let sign = sign.into();
        Self { at, sign }
    }
}

/// A part of a command. That one stream goes where another goes is left out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'t> {
    /// A word as it is written.
    Word(&'t [u8]),
    /// The file that output goes to, as it is written.
    Output(&'t [u8]),
    /// The file that is read, as it is written.
    Input(&'t [u8]),
}

/// What ends a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    Line,
    Semicolon,
    And,
    Or,
    Pipe,
}

impl End {
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Line => "",
            Self::Semicolon => ";",
            Self::And => "&&",
            Self::Or => "||",
            Self::Pipe => "|",
        }
    }
}

/// A command, from its first word on.
#[derive(Debug)]
pub(super) struct Command<'t> {
    pub(super) tokens: Vec<Token<'t>>,
    pub(super) range: Range<usize>,
    pub(super) end: End,
}

impl<'t> Command<'t> {
    pub(super) fn words(&self) -> Vec<&'t [u8]> {
        let words = self.tokens.iter().filter_map(|token| match token {
            Token::Word(word) => Some(*word),
            Token::Output(_) | Token::Input(_) => None,
        });
        words.collect()
    }

    /// What was met: a sign of this command's.
    pub(super) fn met(&self, sign: impl Into<String>) -> Met {
        Met::new(self.range.start, sign)
    }
}

/// Reads one command after the other.
pub(super) struct Reader<'t> {
    pub(super) text: &'t [u8],
    pub(super) at: usize,
    /// Whether a shell that somebody types into reads it.
    pub(super) is_typed: bool,
    /// Whether that is bash for sure, or one that reads the same.
    pub(super) is_bash: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// Goes behind the line.
    pub(super) fn skip_line(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.iter().position(|&byte| byte == b'\n');
        self.at += length.map_or(rest.len(), |length| length + 1);
    }

    /// The next command. No variables but those with these names may be in it; without names, whatever runs once rsync has
    /// ended, any.
    pub(super) fn command(&mut self, names: Option<&Names>) -> Result<Command<'t>, Met> {
        let text = self.text;
        self.at += blanks(&text[self.at..]);
        let start = self.at;
        let mut tokens = Vec::new();
        let end = loop {
            self.at += blanks(&text[self.at..]);
            let (ending, length) = match &text[self.at..] {
                [] => (End::Line, 0),
                [b'\n', ..] => (End::Line, 1),
                [b'#', rest @ ..] => {
                    // A backslash at its end joins nothing.
                    self.at += 1 + rest.iter().take_while(|&&byte| byte != b'\n').count();
                    continue;
                }
                [b'&', b'&', ..] => (End::And, 2),
                [b'|', b'|', ..] => (End::Or, 2),
                [b'|', b'&', ..] => return Err(Met::new(self.at, "|&")),
                [b'|', ..] => (End::Pipe, 1),
                [b';', b';', ..] => return Err(Met::new(self.at, ";;")),
                [b';', ..] => (End::Semicolon, 1),
                [b'&', b'>', ..] if !self.is_bash => return Err(Met::new(self.at, "&>")),
                [b'&', b'>', ..] => {
                    self.at += 1;
                    tokens.extend(self.redirection(names)?);
                    continue;
                }
                [b'&', ..] => return Err(Met::new(self.at, "&")),
                [b'>' | b'<', ..] => {
                    tokens.extend(self.redirection(names)?);
                    continue;
                }
                _ => {
                    let word = self.word(names)?;
                    let is_number = word.iter().all(u8::is_ascii_digit);
                    match text.get(self.at) {
                        // The number of what is redirected.
                        Some(b'>') if is_number && matches!(word, b"1" | b"2") => {}
                        Some(sign @ (b'>' | b'<')) if is_number => {
                            let digits = String::from_utf8_lossy(word);
                            return Err(Met::new(self.at, format!("{digits}{}", char::from(*sign))));
                        }
                        _ => tokens.push(Token::Word(word)),
                    }
                    continue;
                }
            };
            self.at += length;
            break ending;
        };
        Ok(Command {
            tokens,
            range: start..self.at,
            end,
        })
    }

    /// `>&1`, `> FILE`, `>> FILE`, `< FILE`; nothing where one stream goes where another goes.
    fn redirection(&mut self, names: Option<&Names>) -> Result<Option<Token<'t>>, Met> {
        let rest = &self.text[self.at..];
        let signs = rest.iter().take_while(|byte| b"<>&|(".contains(byte)).count();
        let sign = &rest[..signs];
        let met = Met::new(self.at, String::from_utf8_lossy(sign));
        self.at += signs;
        if sign == b">&" {
            let digits = self.text[self.at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit());
            let length = digits.count();
            let number = &self.text[self.at..self.at + length];
            self.at += length;
            return match number {
                b"1" | b"2" => Ok(None),
                _ => Err(met),
            };
        }
        self.at += blanks(&self.text[self.at..]);
        match sign {
            b">" | b">>" => self.word(names).map(|word| Some(Token::Output(word))),
            b"<" => self.word(names).map(|word| Some(Token::Input(word))),
            _ => Err(met),
        }
    }

    /// A word; fails if it is more than text and variables.
    fn word(&mut self, names: Option<&Names>) -> Result<&'t [u8], Met> {
        let start = self.at;
        while let Some(&byte) = self.text.get(self.at) {
            let rest = &self.text[self.at..];
            self.at += match byte {
                b' ' | b'\t' | b'\n' | b';' | b'|' | b'>' | b'<' | b'&' => break,
                b'\\' => match rest.get(1) {
                    // The line goes on with the next word.
                    Some(b'\n') if matches!(rest.get(2), None | Some(b' ' | b'\t' | b'\n')) => break,
                    None | Some(b'\n') => return Err(Met::new(self.at, "\\")),
                    Some(_) => 2,
                },
                b'\'' => self.in_single_quotes()?,
                b'"' => self.in_double_quotes(names)?,
                b'$' | b'`' => self.variable(self.at, names)?,
                b'[' | b'*' | b'?' | b'~' if names.is_none() => 1,
                // A guard's.
                b'[' if self.at == start && matches!(rest.get(1), Some(b' ' | b'\t')) => 1,
                b'~' if is_home(&self.text[start..self.at], rest, names) => 1,
                b'[' => address(rest).ok_or_else(|| Met::new(self.at, "["))?,
                b'*' | b'?' | b'{' | b'}' | b'~' | b'!' | b'(' | b')' => {
                    return Err(Met::new(self.at, char::from(byte)));
                }
                byte if byte.is_ascii_control() => return Err(control(self.at, byte)),
                _ => 1,
            };
        }
        match self.at > start {
            true => Ok(&self.text[start..self.at]),
            false => Err(Met::new(start, ">")),
        }
    }

    fn in_single_quotes(&self) -> Result<usize, Met> {
        let inner = &self.text[self.at + 1..];
        let length = inner.iter().position(|&byte| byte == b'\'');
        let length = length.ok_or_else(|| Met::new(self.at, "'"))?;
        match inner[..length].iter().position(|&byte| is_odd(byte)) {
            Some(place) => Err(control(self.at + 1 + place, inner[place])),
            None => Ok(length + 2),
        }
    }

    fn in_double_quotes(&self, names: Option<&Names>) -> Result<usize, Met> {
        let mut at = self.at + 1;
        loop {
            at += match self.text.get(at) {
                Some(b'"') => return Ok(at + 1 - self.at),
                Some(b'\\') => 2,
                Some(b'$' | b'`') => self.variable(at, names)?,
                // History is for who types.
                Some(b'!') if self.is_typed => return Err(Met::new(at, "!")),
                Some(&byte) if is_odd(byte) => return Err(control(at, byte)),
                Some(_) => 1,
                None => return Err(Met::new(self.at, "\"")),
            };
        }
    }

    /// How long `$NAME` or `${NAME}` is, if the name is one of these, or a question for the date.
    fn variable(&self, at: usize, names: Option<&Names>) -> Result<usize, Met> {
        let text = &self.text[at..];
        if let Some(length) = date(text) {
            return Ok(length);
        }
        let is_braced = text.get(1) == Some(&b'{');
        let start = 1 + usize::from(is_braced);
        let rest = text.get(start..).unwrap_or_default();
        let mut length = rest.iter().take_while(|&&byte| is_letter(byte)).count();
        let is_parameter = length == 0 && rest.first().is_some_and(|byte| b"?#@*!$".contains(byte));
        length += usize::from(is_parameter && names.is_none());
        let name = &rest[..length];
        let is_closed = !is_braced || rest.get(length) == Some(&b'}');
        let is_known = names.is_none_or(|names| names.has_value(name));
        if is_known && is_closed && length > 0 && text[0] == b'$' {
            return Ok(start + length + usize::from(is_braced));
        }
        let sign = match (text[0], rest.first()) {
            (b'`', _) => "`".to_owned(),
            (_, Some(b'(')) if !is_braced => "$(".to_owned(),
            _ => format!("${}", String::from_utf8_lossy(name)),
        };
        Err(Met::new(at, sign))
    }
}

/// Whether a byte within quotes is one that shells, or our reader of scripts, may take for something else.
const fn is_odd(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t' && byte != b'\n'
}

fn control(at: usize, byte: u8) -> Met {
    Met::new(
        at,
        match byte {
            // What stands for it (`text::as_a_shell_reads`).
            1 | b'\r' => "\\r".to_owned(),
            byte => format!("\\x{byte:02x}"),
        },
    )
}

/// How many bytes separate words.
fn blanks(text: &[u8]) -> usize {
    let mut at = 0;
    while let [b' ' | b'\t', ..] | [b'\\', b'\n', ..] = &text[at..] {
        at += 1 + usize::from(text[at] == b'\\');
    }
    at
}

/// Whether a `~` stands for the home folder that is known: in front of a slash, at the beginning of a word or of a value.
fn is_home(before: &[u8], rest: &[u8], names: Option<&Names>) -> bool {
    let is_first = before.is_empty() || matches!(assigned(before), Some((_, b"")));
    is_first && rest.get(1) == Some(&b'/') && names.is_some_and(|names| names.has_value(b"HOME"))
}

/// How long an address of IPv6 in its brackets is; to a shell it is a pattern, which it leaves alone where no file fits.
fn address(text: &[u8]) -> Option<usize> {
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'%');
    let length = text[1..].iter().take_while(|byte| is_of_address(byte)).count();
    let is_address = text[1..=length].contains(&b':') && text.get(1 + length) == Some(&b']');
    is_address.then_some(length + 2)
}

/// How long a question for the date is: `$(date)`, `$(date +FORMAT)`, the same in backquotes. It does nothing else.
fn date(text: &[u8]) -> Option<usize> {
    let (open, close) = match text {
        [b'$', b'(', ..] => (2, b')'),
        [b'`', ..] => (1, b'`'),
        _ => return None,
    };
    let length = text[open..].iter().position(|&byte| byte == close)?;
    let inner = text[open..open + length].trim_ascii();
    let format = inner.strip_prefix(b"date")?;
    let is_word = format.is_empty() || format[0].is_ascii_whitespace();
    let format = format.trim_ascii();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"%_:.+-/".contains(byte);
    let is_format = match format {
        [] => true,
        [b'\'', b'+', format @ .., b'\''] | [b'"', b'+', format @ .., b'"'] if close == b')' => {
            format.iter().all(|byte| is_plain(byte) || *byte == b' ')
        }
        [b'+', format @ ..] => {
            let mut parts = format.split(|&byte| byte == b'\\');
            let first = parts.next().unwrap_or_default();
            // cron's `%` has a backslash in front.
            first.iter().all(is_plain)
                && parts.all(|part| part.starts_with(b"%") && part.iter().all(is_plain))
        }
        _ => false,
    };
    (is_word && is_format).then_some(open + length + 1)
}

pub(super) const fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
