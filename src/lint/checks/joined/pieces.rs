use crate::{
    lint::checks::notes::{note_in, words_of},
    model::{Parameter, parameter::Kind},
};

/// A parameter or a header that stands in the middle of a line.
#[derive(Debug)]
pub(super) enum Piece<'a> {
    Parameter {
        start: usize,
        parameter: Parameter,
        value: &'a [u8],
    },
    Header {
        start: usize,
        name: &'a [u8],
        /// What stands behind the bracket.
        note: &'a [u8],
    },
}

impl Piece<'_> {
    pub(super) fn start(&self) -> usize {
        match self {
            Self::Parameter { start, .. } | Self::Header { start, .. } => *start,
        }
    }

    pub(super) fn name(&self) -> String {
        match self {
            Self::Parameter { parameter, .. } => parameter.name().to_owned(),
            Self::Header { name, .. } => format!("[{}]", String::from_utf8_lossy(name)),
        }
    }

    pub(super) fn is_header(&self) -> bool {
        matches!(self, Self::Header { .. })
    }

    pub(super) fn is_path(&self) -> bool {
        matches!(
            self,
            Self::Parameter {
                parameter: Parameter::Path,
                ..
            }
        )
    }

    /// What it was to set, if it is a parameter.
    pub(super) fn setting(&self) -> Option<(Parameter, &[u8])> {
        match self {
            Self::Parameter { parameter, value, .. } => Some((*parameter, value.trim_ascii())),
            Self::Header { .. } => None,
        }
    }

    /// The lines that were meant.
    pub(super) fn lines(&self) -> Vec<u8> {
        match self {
            Self::Parameter { parameter, value, .. } => lines(*parameter, value),
            Self::Header { name, note, .. } => [&comment(note)[..], b"[", name, b"]\n"].concat(),
        }
    }
}

/// A note on a line of its own.
pub(super) fn comment(note: &[u8]) -> Vec<u8> {
    match words_of(note.trim_ascii()) {
        [] => Vec::new(),
        note => [b"# ", note, b"\n"].concat(),
    }
}

/// A parameter on a line of its own, and the note behind its value on the line above.
pub(super) fn lines(parameter: Parameter, value: &[u8]) -> Vec<u8> {
    let value = value.trim_ascii();
    let (head, note) = match note_in(parameter, value) {
        Some(note) => (&value[..note.head], comment(&value[note.start..])),
        None => (value, Vec::new()),
    };
    [&note[..], parameter.name().as_bytes(), b" = ", head, b"\n"].concat()
}

/// What runs into the value of a parameter, and where the value itself ends.
pub(super) fn pieces(parameter: Parameter, value: &[u8]) -> (usize, Vec<Piece<'_>>) {
    if is_command_or_format(parameter) {
        return (value.len(), Vec::new());
    }
    let mut names = names(value);
    if parameter == Parameter::Comment {
        // People may write of `uid = 0`, hardly of `use chroot = no`.
        names.retain(|name| name.parameter.name().contains([' ', '-']));
    }
    let holds_word = is_word(parameter);
    if !names.iter().any(|name| name.is_plain || holds_word) {
        let found = header(parameter, value, 0).filter(|_| holds_word || is_file(parameter));
        return match found {
            Some(header) => (header.start(), vec![header]),
            None => (value.len(), Vec::new()),
        };
    }
    let mut found = Vec::new();
    let first = names[0].start;
    found.extend(header(parameter, &value[..first], 0));
    found.extend(parameters(value, &names));
    let end = found.first().map_or(value.len(), Piece::start);
    (end, found)
}

/// The parameters that stand in a text that rsync throws away.
pub(super) fn pieces_of_text(text: &[u8]) -> Vec<Piece<'_>> {
    let names = names(text);
    // A text of nothing but a parameter is no note either.
    let begins = |name: &Name| text[..name.start].trim_ascii().is_empty();
    if names.first().is_some_and(begins) || names.iter().any(|name| name.is_plain) {
        parameters(text, &names)
    } else {
        Vec::new()
    }
}

fn parameters<'a>(value: &'a [u8], names: &[Name]) -> Vec<Piece<'a>> {
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let end = names.get(index + 1).map_or(value.len(), |next| next.start);
        let header = header(name.parameter, &value[name.end..end], name.end);
        let end = header.as_ref().map_or(end, Piece::start);
        found.push(Piece::Parameter {
            start: name.start,
            parameter: name.parameter,
            value: &value[name.end..end],
        });
        found.extend(header);
    }
    found
}

/// `name =` inside a text.
struct Name {
    start: usize,
    /// Behind the `=`.
    end: usize,
    parameter: Parameter,
    /// Whether it can hardly be anything else: a name of several words, or blanks around the `=`.
    is_plain: bool,
}

fn names(value: &[u8]) -> Vec<Name> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in value.iter().enumerate().filter(|(_, byte)| **byte == b'=') {
        if let Some((parameter, length)) = Parameter::at_end(&value[from..at]) {
            let has_blanks = at > 0 && value[at - 1] == b' ' && value.get(at + 1) == Some(&b' ');
            found.push(Name {
                start: at - length,
                end: at + 1,
                parameter,
                is_plain: parameter.name().contains([' ', '-']) || has_blanks,
            });
        }
        from = at + 1;
    }
    found
}

/// `[name]` behind a value, at its end or in front of a note.
fn header(parameter: Parameter, value: &[u8], offset: usize) -> Option<Piece<'_>> {
    use Parameter as P;
    let may_hold_brackets = matches!(
        parameter,
        P::Exclude | P::Include | P::Filter | P::HostsAllow | P::HostsDeny | P::AuthUsers | P::Comment
    ) || is_command_or_format(parameter);
    let close = value.iter().position(|byte| *byte == b']')?;
    let open = value[..close].iter().rposition(|byte| *byte == b'[')?;
    let name = &value[open + 1..close];
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let is_last = value.get(close + 1).is_none_or(u8::is_ascii_whitespace);
    let behind_value = !value[..open].trim_ascii().is_empty() && value[open - 1] != b'/';
    if may_hold_brackets || name.is_empty() || !name.iter().all(is_name) || !is_last || !behind_value {
        return None;
    }
    Some(Piece::Header {
        start: offset + open,
        name,
        note: &value[close + 1..],
    })
}

fn is_word(parameter: Parameter) -> bool {
    !matches!(parameter.facts().kind, Kind::String | Kind::Path)
        || matches!(parameter, Parameter::Uid | Parameter::Gid)
}

fn is_file(parameter: Parameter) -> bool {
    use Parameter as P;
    matches!(
        parameter,
        P::LogFile | P::PidFile | P::LockFile | P::MotdFile | P::SecretsFile
    )
}

fn is_command_or_format(parameter: Parameter) -> bool {
    use Parameter as P;
    matches!(
        parameter,
        P::EarlyExec | P::PreXferExec | P::PostXferExec | P::NameConverter | P::LogFormat
    )
}
