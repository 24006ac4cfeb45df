use std::ops::Range;

use crate::syntax::shell::{
    DEEPEST,
    escapes::unescape,
    parser::Parser,
    tree::{List, Part, PartKind, Word},
};

/// How far the end of `$(( … ))` and of `${ … }` is looked for.
const LONGEST_EXPANSION: usize = 4096;

impl Parser<'_> {
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at < self.end { self.file[at] } else { 0 }
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.end
    }

    pub(super) fn looks_at(&self, text: &[u8]) -> bool {
        self.file[self.at.min(self.end)..self.end].starts_with(text)
    }

    /// Skips blanks, continued lines and a comment.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' if !self.is_at_end() => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\\' if self.peek(1) == b'\r' && self.peek(2) == b'\n' => self.at += 3,
                b'#' => {
                    let start = self.at;
                    self.at = self.line_end();
                    self.comments.push(start..self.at);
                }
                _ => return,
            }
        }
    }

    pub(super) fn line_end(&self) -> usize {
        let rest = &self.file[self.at..self.end];
        let length = rest.iter().position(|&byte| byte == b'\n');
        length.map_or(self.end, |length| self.at + length)
    }

    /// The word at this place; `None` if none begins here. `also_ends` are bytes that end it besides those that end
    /// every word.
    pub(super) fn word(&mut self) -> Option<Word> {
        let start = self.at;
        let mut parts = Vec::new();
        while !self.is_at_end() {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'\r' if matches!(self.peek(1), b'\n' | 0) => break,
                b'<' | b'>' if self.peek(1) == b'(' && self.depth < DEEPEST => {
                    let start = self.at;
                    self.at += 2;
                    let list = self.inner(b')');
                    parts.push(part(PartKind::Command(list), false, start..self.at));
                }
                // `@(…)` and its like are patterns of bash.
                b'(' if self.at > start
                    && matches!(self.file[self.at - 1], b'@' | b'?' | b'*' | b'+' | b'!') =>
                {
                    self.literal(&mut parts, false);
                    while !self.is_at_end() && !matches!(self.peek(0), b')' | b'\n') {
                        self.literal(&mut parts, false);
                    }
                    if self.peek(0) == b')' {
                        self.literal(&mut parts, false);
                    }
                }
                b'<' | b'>' | b'(' => break,
                b'\'' => self.single_quoted(&mut parts),
                b'"' => self.double_quoted(&mut parts),
                b'$' if self.peek(1) == b'\'' => self.escaped(&mut parts),
                b'$' if self.peek(1) == b'"' => self.at += 1,
                b'$' | b'`' => self.expansion(&mut parts, false),
                b'\\' if self.peek(1) == b'\n' && !self.is_at_end() => self.at += 2,
                b'\\' if self.at + 1 < self.end => {
                    self.at += 1;
                    self.literal(&mut parts, true);
                }
                _ => self.literal(&mut parts, false),
            }
        }
        if parts.len() > 1 {
            parts.retain(|part| !matches!(&part.kind, PartKind::Literal(text) if text.is_empty()));
        }
        (self.at > start).then_some(Word {
            parts,
            range: start..self.at,
        })
    }

    /// Takes a byte as it is.
    fn literal(&mut self, parts: &mut Vec<Part>, is_quoted: bool) {
        let range = self.at..self.at + 1;
        self.at += 1;
        self.text(parts, range, is_quoted);
    }

    fn text(&self, parts: &mut Vec<Part>, range: Range<usize>, is_quoted: bool) {
        let bytes = &self.file[range.clone()];
        if let Some(last) = parts.last_mut()
            && last.is_quoted == is_quoted
            && let PartKind::Literal(text) = &mut last.kind
        {
            text.extend(bytes);
            last.range.end = range.end;
            return;
        }
        parts.push(part(PartKind::Literal(bytes.to_vec()), is_quoted, range));
    }

    /// A quote that is never closed reaches to the end, as for the shell.
    fn single_quoted(&mut self, parts: &mut Vec<Part>) {
        self.at += 1;
        let rest = &self.file[self.at..self.end];
        let length = rest.iter().position(|&byte| byte == b'\'');
        let end = length.map_or(self.end, |length| self.at + length);
        self.text(parts, self.at..end, true);
        self.at = (end + 1).min(self.end);
    }

    /// `$'…'`
    fn escaped(&mut self, parts: &mut Vec<Part>) {
        let start = self.at;
        let (bytes, length) = unescape(&self.file[start + 2..self.end]);
        self.at = start + 2 + length;
        parts.push(part(PartKind::Literal(bytes), true, start..self.at));
    }

    fn double_quoted(&mut self, parts: &mut Vec<Part>) {
        self.at += 1;
        // An empty part keeps `""` apart from nothing.
        self.text(parts, self.at..self.at, true);
        while !self.is_at_end() {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'$' | b'`' => self.expansion(parts, true),
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\\' if matches!(self.peek(1), b'"' | b'\\' | b'$' | b'`') => {
                    self.at += 1;
                    self.literal(parts, true);
                }
                _ => self.literal(parts, true),
            }
        }
    }

    /// What begins with `$` or a backtick.
    fn expansion(&mut self, parts: &mut Vec<Part>, is_quoted: bool) {
        let start = self.at;
        if self.peek(0) == b'`' {
            self.back_ticks(parts, is_quoted);
            return;
        }
        match self.peek(1) {
            b'(' if self.peek(2) == b'(' && self.skip_arithmetic(3) => {
                parts.push(part(PartKind::Arithmetic, is_quoted, start..self.at));
            }
            b'(' if self.depth < DEEPEST => {
                self.at += 2;
                let list = self.inner(b')');
                parts.push(part(PartKind::Command(list), is_quoted, start..self.at));
            }
            b'{' => self.braces(parts, is_quoted),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let name = start + 1..start + 1 + name_length(&self.file[start + 1..self.end]);
                self.at = name.end;
                let kind = PartKind::Variable {
                    operator: name.end..name.end,
                    name,
                };
                parts.push(part(kind, is_quoted, start..self.at));
            }
            byte if byte.is_ascii_digit()
                || matches!(byte, b'@' | b'*' | b'#' | b'?' | b'$' | b'!' | b'-') =>
            {
                self.at += 2;
                let kind = PartKind::Variable {
                    name: start + 1..start + 2,
                    operator: self.at..self.at,
                };
                parts.push(part(kind, is_quoted, start..self.at));
            }
            _ => self.literal(parts, is_quoted),
        }
    }

    /// `${…}`, with quotes and braces in it; one that is not closed is text.
    fn braces(&mut self, parts: &mut Vec<Part>, is_quoted: bool) {
        let start = self.at;
        let last = self.end.min(start + LONGEST_EXPANSION);
        let (mut depth, mut at, mut quote) = (1, start + 2, None);
        while at < last && depth > 0 {
            match self.file[at] {
                b'\\' => at += 1,
                byte if quote == Some(byte) => quote = None,
                _ if quote == Some(b'\'') => {}
                byte @ (b'\'' | b'"') if quote.is_none() && (byte == b'"' || !is_quoted) => {
                    quote = Some(byte);
                }
                b'{' if self.file[at - 1] == b'$' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
        }
        if depth > 0 || at > last {
            self.literal(parts, is_quoted);
            return;
        }
        let inner = start + 2..at - 1;
        let bytes = &self.file[inner.clone()];
        // `${#NAME}` and `${!NAME}` are no values of NAME.
        let sign = usize::from(bytes.len() > 1 && matches!(bytes[0], b'#' | b'!'));
        let length = match bytes.get(sign) {
            Some(byte) if byte.is_ascii_digit() => {
                let digits = bytes[sign..].iter().take_while(|byte| byte.is_ascii_digit());
                digits.count()
            }
            Some(b'@' | b'*' | b'?' | b'$' | b'!' | b'-' | b'#') => 1,
            _ => name_length(&bytes[sign..]),
        };
        self.at = at;
        let name = inner.start + sign..inner.start + sign + length;
        let operator = if sign == 1 { inner } else { name.end..inner.end };
        parts.push(part(PartKind::Variable { name, operator }, is_quoted, start..at));
    }

    fn back_ticks(&mut self, parts: &mut Vec<Part>, is_quoted: bool) {
        let start = self.at;
        let mut at = start + 1;
        while at < self.end && self.file[at] != b'`' {
            at += if self.file[at] == b'\\' { 2 } else { 1 };
        }
        if at >= self.end || self.depth >= DEEPEST {
            self.literal(parts, is_quoted);
            return;
        }
        let end = std::mem::replace(&mut self.end, at);
        self.at = start + 1;
        self.depth += 1;
        let list = self.list(&[]);
        self.depth -= 1;
        self.end = end;
        self.at = at + 1;
        parts.push(part(PartKind::Command(list), is_quoted, start..self.at));
    }

    /// The commands up to a closing byte, which is skipped.
    pub(super) fn inner(&mut self, close: u8) -> List {
        self.depth += 1;
        let mut list = self.list(&[]);
        // A stray `;;` or keyword does not end what is in brackets.
        while !self.is_at_end() && self.peek(0) != close {
            self.at += 1;
            list.items.extend(self.list(&[]).items);
        }
        self.depth -= 1;
        if self.peek(0) == close && !self.is_at_end() {
            self.at += 1;
        }
        list
    }

    /// Skips to behind the `))` that ends what began `ahead` bytes before; `false` if it is not near.
    pub(super) fn skip_arithmetic(&mut self, ahead: usize) -> bool {
        let start = (self.at + ahead).min(self.end);
        let last = self.end.min(start + LONGEST_EXPANSION);
        let mut depth = 0;
        for at in start..last {
            match self.file[at] {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => {
                    let is_end = at + 1 < self.end && self.file[at + 1] == b')';
                    if is_end {
                        self.at = at + 2;
                    }
                    return is_end;
                }
                _ => {}
            }
        }
        false
    }
}

/// How many bytes of a variable's name stand at the start.
pub(super) fn name_length(bytes: &[u8]) -> usize {
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
    match bytes.first() {
        Some(first) if first.is_ascii_digit() => 0,
        _ => bytes.iter().take_while(is_name).count(),
    }
}

fn part(kind: PartKind, is_quoted: bool, range: Range<usize>) -> Part {
    Part {
        kind,
        is_quoted,
        range,
    }
}
