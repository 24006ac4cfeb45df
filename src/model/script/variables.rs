use std::{cell::Cell, collections::BTreeMap, ops::Range};

use crate::{
    model::script::{Argument, Piece},
    syntax::shell::{Part, PartKind, Word},
};

/// The longest value that is followed: a script that doubles a variable again and again ends somewhere.
const LONGEST: usize = 4096;

/// How many bytes of values are put in altogether; then the rest is unknown.
const MOST_PUT_IN: usize = 1 << 20;

/// The most words of an array that are followed.
const MOST_WORDS: usize = 256;

/// What is known of a script's variables at a place.
pub(super) struct Variables<'a> {
    file: &'a [u8],
    values: BTreeMap<Vec<u8>, Value>,
    /// What was there before each change, so that it can be taken back.
    changes: Vec<(Vec<u8>, Option<Value>)>,
    /// The variables that keep their values, and how many changes were made before.
    frozen: BTreeMap<Vec<u8>, usize>,
    /// How many bytes of values were put in.
    put_in: Cell<usize>,
}

#[derive(Clone)]
enum Value {
    /// Known and unknown stretches.
    Text(Vec<Option<Vec<u8>>>),
    Array(Vec<Argument>),
    Unknown,
}

/// A point in the history of variables.
#[derive(Clone, Copy)]
pub(super) struct Mark(usize);

impl<'a> Variables<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self {
            file,
            values: BTreeMap::new(),
            changes: Vec::new(),
            frozen: BTreeMap::new(),
            put_in: Cell::new(0),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark(self.changes.len())
    }

    /// Nothing gives a variable another value any more.
    pub(super) fn freeze(&mut self, name: &[u8]) {
        let count = self.changes.len();
        self.frozen.entry(name.to_vec()).or_insert(count);
    }

    /// Takes every change back.
    pub(super) fn restore(&mut self, mark: Mark) {
        self.thaw(mark);
        for (name, value) in self.changes.drain(mark.0..).rev() {
            match value {
                Some(value) => self.values.insert(name, value),
                None => self.values.remove(&name),
            };
        }
    }

    /// What was frozen since then may be so or not.
    fn thaw(&mut self, mark: Mark) {
        self.frozen.retain(|_, count| *count < mark.0);
    }

    /// What was changed may have been changed or not.
    pub(super) fn forget_since(&mut self, mark: Mark) {
        self.thaw(mark);
        let names: Vec<_> = self.changes[mark.0..]
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        for name in names {
            self.values.insert(name, Value::Unknown);
        }
    }

    /// Takes the values back, and remembers that there were changes.
    pub(super) fn set_aside(&mut self, mark: Mark) {
        self.thaw(mark);
        for (name, value) in self.changes[mark.0..].iter().rev() {
            match value {
                Some(value) => self.values.insert(name.clone(), value.clone()),
                None => self.values.remove(name),
            };
        }
    }

    pub(super) fn forget(&mut self, name: &[u8]) {
        // What was never set is not known either.
        if !matches!(self.values.get(name), None | Some(Value::Unknown)) {
            self.put(name, Value::Unknown);
        }
    }

    pub(super) fn forget_all(&mut self) {
        let names: Vec<_> = self.values.keys().cloned().collect();
        names.iter().for_each(|name| self.forget(name));
    }

    /// Keeps some, and forgets what is known of the others.
    pub(super) fn keep(&mut self, is_kept: impl Fn(&Vec<u8>) -> bool) {
        for (name, value) in &mut self.values {
            if !is_kept(name) {
                *value = Value::Unknown;
            }
        }
        self.changes.clear();
        self.frozen.clear();
    }

    /// Sets the variable that stands at `name`; `None` is an unknown value.
    pub(super) fn set(&mut self, name: Range<usize>, value: Option<&Argument>) {
        let name = self.file[name].to_vec();
        match value {
            Some(value) => self.assign(&name, value, false),
            None => self.forget(&name),
        }
    }

    pub(super) fn assign(&mut self, name: &[u8], value: &Argument, is_appended: bool) {
        if self.frozen.contains_key(name) {
            return;
        }
        let mut stretches: Vec<Option<Vec<u8>>> = Vec::new();
        match self.values.get(name) {
            Some(Value::Text(old)) if is_appended => stretches.extend(old.iter().cloned()),
            _ if is_appended => stretches.push(None),
            _ => {}
        }
        for piece in &value.pieces {
            match (stretches.last_mut(), &piece.text) {
                (Some(Some(last)), Some(text)) => last.extend(text),
                _ => stretches.push(piece.text.clone()),
            }
        }
        let length: usize = stretches.iter().flatten().map(Vec::len).sum();
        let is_short = length <= LONGEST && stretches.len() <= 64;
        self.put(
            name,
            if is_short {
                Value::Text(stretches)
            } else {
                Value::Unknown
            },
        );
    }

    pub(super) fn assign_array(&mut self, name: &[u8], mut words: Vec<Argument>, is_appended: bool) {
        if is_appended {
            match self.values.get(name) {
                Some(Value::Array(old)) => {
                    words.splice(0..0, old.iter().cloned());
                }
                _ => return self.forget(name),
            }
        }
        let length: usize = words.iter().map(|word| word.text().len()).sum();
        let is_small = words.len() <= MOST_WORDS && length <= LONGEST;
        self.put(
            name,
            if is_small {
                Value::Array(words)
            } else {
                Value::Unknown
            },
        );
    }

    fn put(&mut self, name: &[u8], value: Value) {
        let old = self.values.insert(name.to_vec(), value);
        self.changes.push((name.to_vec(), old));
    }

    /// A word as a value: not split, and no file names put in.
    pub(super) fn whole(&self, word: &Word) -> Argument {
        let mut argument = Argument {
            range: word.range.clone(),
            ..Argument::default()
        };
        for part in &word.parts {
            argument.pieces.extend(self.pieces(part));
        }
        argument
    }

    /// The arguments that a word becomes.
    pub(super) fn expand(&self, word: &Word) -> Vec<Argument> {
        if let [part] = &word.parts[..]
            && let PartKind::Variable { name, operator } = &part.kind
            && matches!(&self.file[operator.clone()], b"[@]" | b"[*]")
            && let Some(Value::Array(words)) = self.values.get(&self.file[name.clone()])
            && self.may_put_in(words.iter().map(|word| word.text().len() + 64).sum())
        {
            let at = |argument: &Argument| Argument {
                range: word.range.clone(),
                ..argument.clone()
            };
            return words.iter().map(at).collect();
        }
        let new = || Argument {
            range: word.range.clone(),
            ..Argument::default()
        };
        // Braces are read before variables are put in; what is quoted within them is a part of a word.
        let written = word.parts.iter().flat_map(|part| match &part.kind {
            PartKind::Literal(text) if !part.is_quoted => text,
            _ => &b"x"[..],
        });
        let has_braces = has_braces(&written.copied().collect::<Vec<_>>());
        let mut arguments = Vec::new();
        let mut current: Option<Argument> = None;
        for part in &word.parts {
            for piece in self.pieces(part) {
                let is_split = !part.is_quoted && !matches!(part.kind, PartKind::Literal(_));
                let Some(text) = piece.text.as_deref().filter(|_| is_split) else {
                    let argument = current.get_or_insert_with(new);
                    argument.is_open |= has_braces
                        || is_list(&part.kind, self.file)
                        || piece.text.is_none() && is_split && !matches!(part.kind, PartKind::Arithmetic);
                    argument.pieces.push(piece);
                    continue;
                };
                for (index, field) in text.split(u8::is_ascii_whitespace).enumerate() {
                    if index > 0 {
                        arguments.extend(current.take());
                    }
                    if !field.is_empty() {
                        let text = Some(field.to_vec());
                        current.get_or_insert_with(new).pieces.push(Piece {
                            text,
                            ..piece.clone()
                        });
                    }
                }
            }
        }
        if word.parts.is_empty() && word.range.len() > 1 {
            current = Some(new());
        }
        arguments.extend(current);
        arguments
    }

    fn pieces(&self, part: &Part) -> Vec<Piece> {
        let piece = |text: Option<Vec<u8>>, variable: Option<Range<usize>>| Piece {
            text,
            variable,
            is_quoted: part.is_quoted,
            range: part.range.clone(),
        };
        match &part.kind {
            PartKind::Literal(text) => vec![piece(Some(text.clone()), None)],
            PartKind::Variable { name, operator } => {
                let variable = || Some(name.clone());
                match self.value(&self.file[name.clone()], &self.file[operator.clone()]) {
                    Some(stretches) if stretches.is_empty() => vec![piece(Some(Vec::new()), variable())],
                    Some(stretches) => {
                        let pieces = stretches.into_iter();
                        pieces.map(|text| piece(text, variable())).collect()
                    }
                    None => vec![piece(None, variable())],
                }
            }
            PartKind::Command(_) | PartKind::Arithmetic => vec![piece(None, None)],
        }
    }

    fn may_put_in(&self, length: usize) -> bool {
        self.put_in.set(self.put_in.get() + length);
        self.put_in.get() <= MOST_PUT_IN
    }

    /// What `${NAME OPERATOR}` gives.
    fn value(&self, name: &[u8], operator: &[u8]) -> Option<Vec<Option<Vec<u8>>>> {
        let Some(Value::Text(stretches)) = self.values.get(name) else {
            return None;
        };
        let is_empty = stretches
            .iter()
            .all(|text| text.as_ref().is_some_and(Vec::is_empty));
        match operator {
            b"" => Some(stretches.clone()),
            // What stands in for an empty value does not matter.
            [b':', b'-' | b'=' | b'?', ..] | [b'-' | b'=' | b'?', ..] if !is_empty => Some(stretches.clone()),
            b"%/" => {
                let mut stretches = stretches.clone();
                if let Some(Some(last)) = stretches.last_mut()
                    && last.last() == Some(&b'/')
                {
                    last.pop();
                    return Some(stretches);
                }
                matches!(stretches.last(), Some(Some(_))).then_some(stretches)
            }
            _ => None,
        }
    }
}

/// `$@`, `$*` and arrays give any number of words, in quotes too.
fn is_list(kind: &PartKind, file: &[u8]) -> bool {
    match kind {
        PartKind::Variable { name, operator } => {
            matches!(&file[name.clone()], b"@" | b"*")
                || file[operator.clone()].starts_with(b"[@]")
                || file[operator.clone()].starts_with(b"[*]")
        }
        _ => false,
    }
}

/// `{a,b}` becomes several words.
fn has_braces(text: &[u8]) -> bool {
    let Some(open) = text.iter().position(|&byte| byte == b'{') else {
        return false;
    };
    let inner = &text[open..];
    inner.contains(&b'}') && (inner.contains(&b',') || inner.windows(2).any(|pair| pair == b".."))
}
