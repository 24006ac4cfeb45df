use crate::sync::number::Readable;

/// A line for each file: text with escapes such as `%n` (`log format` in rsyncd.conf(5)).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Format(Vec<Piece>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Text(String),
    Escape(Escape),
}

/// `%-10'n`: a letter, and how its value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Escape {
    letter: char,
    /// How often `'` stands in it.
    readable: Readable,
    is_left: bool,
    has_zeros: bool,
    /// It has a width, be it 0.
    is_padded: bool,
    width: usize,
}

/// The widest that a value is made.
const WIDEST: usize = 4095;

/// So many letters of a width are read, the minus included.
const LONGEST_WIDTH: usize = 23;

/// Values for the escapes; `None` leaves the escape as it stands.
pub(super) trait Values {
    /// The value of a letter.
    fn value(&self, letter: char) -> Option<Value>;
}

/// What an escape stands for.
pub(super) enum Value {
    Text(Vec<u8>),
    /// A name behind a mark: only the name is padded.
    Marked(&'static str, Vec<u8>),
    Number(i64),
    /// Bytes, written as the escape wants.
    Length(u64),
}

impl Format {
    /// Reads a format; what is no escape is text.
    pub(super) fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('%') {
            let (before, escape) = rest.split_at(start);
            let Some((read, length)) = Escape::read(escape) else {
                break;
            };
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            // An unknown escape is written as it stands.
            pieces.push(match read.is_known() {
                true => Piece::Escape(read),
                false => Piece::Text(escape[..length].to_owned()),
            });
            rest = &escape[length..];
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        Self(pieces)
    }

    /// Whether one of these letters is an escape of it.
    pub(super) fn has(&self, letters: &str) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Escape(escape) => letters.contains(escape.letter),
            Piece::Text(_) => false,
        })
    }

    /// The line of a file.
    pub(super) fn line(&self, values: &impl Values) -> Vec<u8> {
        let mut line = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => line.extend_from_slice(text.as_bytes()),
                Piece::Escape(escape) => match values.value(escape.letter) {
                    Some(value) => escape.write(value, &mut line),
                    None => line.extend_from_slice(escape.text().as_bytes()),
                },
            }
        }
        line
    }
}

impl Escape {
    /// The escape that a text begins with, and its length; `None` if the text ends first.
    fn read(text: &str) -> Option<(Self, usize)> {
        let mut letters = text.char_indices().skip(1).peekable();
        let mut quotes = 0;
        while letters.next_if(|&(_, letter)| letter == '\'').is_some() {
            quotes += 1;
        }
        let is_left = letters.next_if(|&(_, letter)| letter == '-').is_some();
        let mut digits = String::new();
        while digits.len() + usize::from(is_left) < LONGEST_WIDTH
            && let Some((_, digit)) = letters.next_if(|(_, letter)| letter.is_ascii_digit())
        {
            digits.push(digit);
        }
        while letters.next_if(|&(_, letter)| letter == '\'').is_some() {
            quotes += 1;
        }
        let (place, letter) = letters.next()?;
        let escape = Self {
            letter,
            readable: Readable(quotes),
            is_left,
            has_zeros: digits.starts_with('0'),
            is_padded: is_left || !digits.is_empty(),
            width: digits.parse().map_or(WIDEST, |width: usize| width.min(WIDEST)),
        };
        let escape = match digits.is_empty() {
            true => Self { width: 0, ..escape },
            false => escape,
        };
        Some((escape, place + letter.len_utf8()))
    }

    const fn is_known(&self) -> bool {
        matches!(
            self.letter,
            'a' | 'b'
                | 'c'
                | 'f'
                | 'h'
                | 'i'
                | 'l'
                | 'm'
                | 'n'
                | 'o'
                | 'p'
                | 't'
                | 'u'
                | 'B'
                | 'C'
                | 'G'
                | 'L'
                | 'M'
                | 'P'
                | 'U'
                | '%'
        )
    }

    /// As it stands in the format, but for needless zeros.
    fn text(&self) -> String {
        let quotes = "'".repeat(usize::from(self.readable.0));
        let minus = if self.is_left { "-" } else { "" };
        let width = if self.width > 0 {
            self.width.to_string()
        } else {
            String::new()
        };
        format!("%{quotes}{minus}{width}{}", self.letter)
    }

    fn write(&self, value: Value, line: &mut Vec<u8>) {
        match value {
            Value::Text(text) => self.pad(&text, false, line),
            Value::Number(number) => self.pad(number.to_string().as_bytes(), self.has_zeros, line),
            Value::Length(length) => self.pad(self.readable.length(length).as_bytes(), false, line),
            // Without a name there is nothing, or as much space as the mark and the name would take.
            Value::Marked(_, name) if name.is_empty() && !self.is_padded => {}
            Value::Marked(mark, name) => {
                let mark = if name.is_empty() { "    " } else { mark };
                line.extend_from_slice(mark.as_bytes());
                self.pad(&name, false, line);
            }
        }
    }

    fn pad(&self, text: &[u8], with_zeros: bool, line: &mut Vec<u8>) {
        let missing = self.width.saturating_sub(text.len());
        let filler = if with_zeros && !self.is_left { b'0' } else { b' ' };
        let space = std::iter::repeat_n(filler, missing);
        if self.is_left {
            line.extend_from_slice(text);
            line.extend(space);
        } else {
            line.extend(space);
            line.extend_from_slice(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Format, Value, Values};

    struct Some3;

    impl Values for Some3 {
        fn value(&self, letter: char) -> Option<Value> {
            Some(match letter {
                'n' => Value::Text(b"name".to_vec()),
                'l' => Value::Length(1_234_567),
                'U' => Value::Number(7),
                'L' => Value::Marked(" -> ", b"to".to_vec()),
                'i' => Value::Marked(" -> ", Vec::new()),
                '%' => Value::Text(b"%".to_vec()),
                _ => return None,
            })
        }
    }

    fn line(format: &str) -> String {
        String::from_utf8(Format::parse(format).line(&Some3)).expect("text")
    }

    #[test]
    fn escapes_are_padded_and_readable() {
        assert_eq!(line("%n|%6n|%-6n|%%"), "name|  name|name  |%");
        assert_eq!(
            line("%l %'l %''l %'''l %12''l|"),
            "1234567 1,234,567 1.23M 1.18M        1.23M|"
        );
        assert_eq!(line("%03U%L%-4L|%i%2i|"), "007 -> to -> to  |      |");
    }

    #[test]
    fn what_is_no_escape_is_text() {
        assert_eq!(line("%z %5z %h 100%"), "%z %5z %h 100%");
        assert_eq!(line("%-"), "%-");
        assert!(Format::parse("%10'i").has("i") && !Format::parse("%%i").has("i"));
        // More digits than rsync reads are no width.
        let long = format!("%{}n", "9".repeat(40));
        assert_eq!(line(&long), long);
        assert_eq!(line("%99999n").len(), 4095);
    }
}
