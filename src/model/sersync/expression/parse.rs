use super::Fault;

/// Deeper than any honest expression.
const DEEPEST: usize = 50;

/// A part of an expression.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// One byte of a set.
    Set(Set),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// One after the other.
    Sequence(Vec<Self>),
    /// One of them.
    Either(Vec<Self>),
    /// So many times, without an upper limit if there is none.
    Repeat(Box<Self>, u32, Option<u32>),
}

/// Which bytes are in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Set([u64; 4]);

impl Set {
    /// All bytes but NUL, which no path has.
    const ANY: Self = Self([!1, !0, !0, !0]);

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    /// Whether it has a byte that a file's name can have.
    pub(super) fn has_name_byte(&self) -> bool {
        (1..=u8::MAX).any(|byte| byte != b'/' && self.has(byte))
    }

    fn of(is_in: impl Fn(u8) -> bool) -> Self {
        let mut bits = [0; 4];
        for byte in (0..=u8::MAX).filter(|&byte| is_in(byte)) {
            bits[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
        Self(bits)
    }
}

/// Reads a whole expression.
pub(super) fn parse(expression: &[u8]) -> Result<Node, Fault> {
    let mut parser = Parser {
        bytes: expression,
        at: 0,
        depth: 0,
    };
    let node = parser.either()?;
    match parser.peek() {
        Some(_) => Err(Fault::Unbalanced(parser.at)),
        None => Ok(node),
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    /// Alternatives, to the end or to a closing parenthesis.
    fn either(&mut self) -> Result<Node, Fault> {
        let mut alternatives = vec![self.sequence()?];
        while self.take(b'|') {
            alternatives.push(self.sequence()?);
        }
        Ok(match alternatives.len() {
            1 => alternatives.remove(0),
            _ => Node::Either(alternatives),
        })
    }

    fn sequence(&mut self) -> Result<Node, Fault> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| !b"|)".contains(byte)) {
            if b"*+?".contains(&byte) {
                return Err(Fault::NothingToRepeat(self.at));
            }
            let atom = self.atom(byte)?;
            nodes.push(self.repeated(atom)?);
        }
        if nodes.is_empty() && self.depth == 0 {
            // Whether Boost takes an empty alternative was not tried.
            return Err(Fault::NotFollowed);
        }
        Ok(Node::Sequence(nodes))
    }

    fn atom(&mut self, byte: u8) -> Result<Node, Fault> {
        let start = self.at;
        self.at += 1;
        match byte {
            b'^' => Ok(Node::Start),
            b'$' => Ok(Node::End),
            b'.' => Ok(Node::Set(Set::ANY)),
            b'(' => self.group(start),
            b'[' => self.set(start),
            b'\\' => self.escape(start).map(Node::Set),
            b'{' => Err(Fault::NotFollowed),
            _ => Ok(Node::Set(Set::of(|other| other == byte))),
        }
    }

    fn group(&mut self, start: usize) -> Result<Node, Fault> {
        if self.take(b'?') && !self.take(b':') {
            return Err(Fault::NotFollowed);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::NotFollowed);
        }
        let node = self.either()?;
        self.depth -= 1;
        match self.take(b')') {
            true => Ok(node),
            false => Err(Fault::Unbalanced(start)),
        }
    }

    fn set(&mut self, start: usize) -> Result<Node, Fault> {
        let is_negated = self.take(b'^');
        let mut bytes = [false; 256];
        let mut is_first = true;
        loop {
            let low = self.peek().ok_or(Fault::Unbalanced(start))?;
            if low == b']' && !is_first {
                self.at += 1;
                break;
            }
            is_first = false;
            let at = self.at;
            self.at += 1;
            if low == b'[' && matches!(self.peek(), Some(b':' | b'.' | b'=')) {
                return Err(Fault::NotFollowed);
            }
            if low == b'\\' {
                let escaped = self.escape(at)?;
                for byte in (0..=u8::MAX).filter(|&byte| escaped.has(byte)) {
                    bytes[usize::from(byte)] = true;
                }
                continue;
            }
            let mut high = low;
            if self.peek() == Some(b'-')
                && let Some(&end) = self.bytes.get(self.at + 1)
                && end != b']'
            {
                if end == b'\\' || end == b'[' || end < low {
                    return Err(Fault::NotFollowed);
                }
                self.at += 2;
                high = end;
            }
            bytes[usize::from(low)..=usize::from(high)].fill(true);
        }
        Ok(Node::Set(Set::of(|byte| {
            byte != 0 && bytes[usize::from(byte)] != is_negated
        })))
    }

    fn escape(&mut self, start: usize) -> Result<Set, Fault> {
        let byte = self.peek().ok_or(Fault::Unbalanced(start))?;
        self.at += 1;
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        Ok(match byte {
            b'd' => Set::of(|byte| byte.is_ascii_digit()),
            b'D' => Set::of(|byte| byte != 0 && !byte.is_ascii_digit()),
            b'w' => Set::of(is_word),
            b'W' => Set::of(|byte| byte != 0 && !is_word(byte)),
            b's' => Set::of(|byte| byte.is_ascii_whitespace()),
            b'S' => Set::of(|byte| byte != 0 && !byte.is_ascii_whitespace()),
            _ if byte.is_ascii_alphanumeric() || !byte.is_ascii() => return Err(Fault::NotFollowed),
            _ => Set::of(|other| other == byte),
        })
    }

    /// What stands behind an atom: how often it is repeated.
    fn repeated(&mut self, atom: Node) -> Result<Node, Fault> {
        let is_place = matches!(atom, Node::Start | Node::End);
        let (least, most) = match self.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => return self.counted(atom),
            _ => return Ok(atom),
        };
        if is_place {
            return Err(Fault::NotFollowed);
        }
        self.at += 1;
        self.end_repeat(atom, least, most)
    }

    /// `{n}`, `{n,}` or `{n,m}`.
    fn counted(&mut self, atom: Node) -> Result<Node, Fault> {
        let inner = &self.bytes[self.at + 1..];
        let end = inner
            .iter()
            .position(|&byte| byte == b'}')
            .ok_or(Fault::NotFollowed)?;
        let text = std::str::from_utf8(&inner[..end]).map_err(|_| Fault::NotFollowed)?;
        let number = |text: &str| text.parse::<u32>().map_err(|_| Fault::NotFollowed);
        let (least, most) = match text.split_once(',') {
            None => (number(text)?, Some(number(text)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        if most.is_some_and(|most| most < least) {
            return Err(Fault::NotFollowed);
        }
        self.at += end + 2;
        self.end_repeat(atom, least, most)
    }

    fn end_repeat(&mut self, atom: Node, least: u32, most: Option<u32>) -> Result<Node, Fault> {
        // Whether it takes as few as it can makes no difference where the whole must match.
        let is_lazy = self.take(b'?');
        match self.peek() {
            Some(b'+') if !is_lazy => Err(Fault::NotFollowed),
            Some(b'*' | b'+' | b'?') => Err(Fault::NothingToRepeat(self.at)),
            Some(b'{') => Err(Fault::NotFollowed),
            _ => Ok(Node::Repeat(Box::new(atom), least, most)),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }
}
