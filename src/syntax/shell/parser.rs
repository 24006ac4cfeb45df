use std::ops::Range;

use crate::syntax::shell::{
    DEEPEST,
    lexer::name_length,
    tree::{
        Arm, Assignment, AssignmentValue, Branch, Command, Item, Join, Kind, List, Pipeline, Redirection,
        Simple, Word,
    },
};

/// Where the reading is.
pub(super) struct Parser<'a> {
    pub(super) file: &'a [u8],
    pub(super) at: usize,
    pub(super) end: usize,
    pub(super) depth: usize,
    pub(super) comments: Vec<Range<usize>>,
    /// The end of a line below which here-documents stand, and where they end.
    pub(super) here: Option<(usize, usize)>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(file: &'a [u8], part: Range<usize>) -> Self {
        Self {
            file,
            at: part.start,
            end: part.end,
            depth: 0,
            comments: Vec::new(),
            here: None,
        }
    }

    /// Everything; what no command can begin with is skipped.
    pub(super) fn script(&mut self) -> List {
        let mut list = self.list(&[]);
        while !self.is_at_end() {
            self.at += 1;
            list.items.extend(self.list(&[]).items);
        }
        list
    }

    /// Commands up to one of the keywords, which is not read, a `)`, a `;;`, or the end.
    pub(super) fn list(&mut self, stops: &[&[u8]]) -> List {
        let mut list = List::default();
        loop {
            self.separators();
            if self.is_at_end() || self.peek(0) == b')' || self.is_case_end() || self.stop(stops) {
                return list;
            }
            let before = self.at;
            let pipeline = self.pipeline(stops);
            self.blanks();
            let join = self.join();
            if !pipeline.commands.is_empty() {
                list.items.push(Item { pipeline, join });
            } else if self.at == before {
                return list;
            }
        }
    }

    fn separators(&mut self) {
        loop {
            self.blanks();
            match self.peek(0) {
                b'\n' if !self.is_at_end() => self.newline(),
                b';' if !self.is_case_end() => self.at += 1,
                _ => return,
            }
        }
    }

    fn newline(&mut self) {
        self.at = match self.here {
            Some((line_end, end)) if line_end == self.at => end.min(self.end),
            _ => self.at + 1,
        };
    }

    fn is_case_end(&self) -> bool {
        self.looks_at(b";;") || self.looks_at(b";&")
    }

    /// Whether one of the keywords stands here.
    fn stop(&self, stops: &[&[u8]]) -> bool {
        stops.iter().any(|stop| self.is_keyword(stop))
    }

    fn is_keyword(&self, word: &[u8]) -> bool {
        self.looks_at(word) && {
            let behind = self.peek(word.len());
            self.at + word.len() >= self.end || is_metacharacter(behind)
        }
    }

    fn keyword(&mut self, word: &[u8]) -> bool {
        let is_here = self.is_keyword(word);
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    fn join(&mut self) -> Join {
        let (join, length) = match (self.peek(0), self.peek(1)) {
            (b'&', b'&') => (Join::And, 2),
            (b'|', b'|') => (Join::Or, 2),
            (b'&', _) => (Join::Background, 1),
            (b';', _) if !self.is_case_end() => (Join::Next, 1),
            _ => (Join::Next, 0),
        };
        self.at += length;
        join
    }

    fn pipeline(&mut self, stops: &[&[u8]]) -> Pipeline {
        let is_negated = self.keyword(b"!");
        let mut commands = Vec::new();
        loop {
            self.blanks();
            if !self.stop(stops) {
                commands.extend(self.command());
            }
            self.blanks();
            if self.peek(0) != b'|' || self.peek(1) == b'|' || self.is_at_end() {
                return Pipeline { is_negated, commands };
            }
            self.at += if self.peek(1) == b'&' { 2 } else { 1 };
            self.blanks();
            while self.peek(0) == b'\n' && !self.is_at_end() {
                self.newline();
                self.blanks();
            }
        }
    }

    fn command(&mut self) -> Option<Command> {
        let start = self.at;
        let compound = if self.depth < DEEPEST {
            self.compound()
        } else {
            None
        };
        let is_compound = compound.is_some();
        let mut redirections = Vec::new();
        let kind = match compound {
            Some(kind) => {
                loop {
                    self.blanks();
                    let Some(redirection) = self.redirection() else {
                        break;
                    };
                    redirections.push(redirection);
                }
                kind
            }
            None => self.simple(&mut redirections),
        };
        let is_empty = match &kind {
            Kind::Simple(simple) => simple.words.is_empty() && simple.assignments.is_empty(),
            _ => false,
        };
        if is_empty && redirections.is_empty() && !is_compound {
            return None;
        }
        let mut end = self.at;
        while end > start && matches!(self.file[end - 1], b' ' | b'\t' | b'\r') {
            end -= 1;
        }
        Some(Command {
            kind,
            redirections,
            range: start..end,
        })
    }

    /// Reads inside a compound command: one deeper.
    fn deeper(&mut self, stops: &[&[u8]]) -> List {
        self.depth += 1;
        let list = self.list(stops);
        self.depth -= 1;
        list
    }

    fn compound(&mut self) -> Option<Kind> {
        if self.peek(0) == b'(' {
            if self.peek(1) == b'(' && self.skip_arithmetic(2) {
                return Some(Kind::Arithmetic);
            }
            self.at += 1;
            return Some(Kind::Subshell(self.inner(b')')));
        }
        if self.keyword(b"{") {
            let list = self.deeper(&[b"}"]);
            self.keyword(b"}");
            return Some(Kind::Group(list));
        }
        let is_until = self.is_keyword(b"until");
        if self.keyword(b"while") || self.keyword(b"until") {
            let condition = self.deeper(&[b"do"]);
            return Some(Kind::While {
                is_until,
                condition,
                body: self.body(),
            });
        }
        if self.keyword(b"for") || self.keyword(b"select") {
            return Some(self.for_loop());
        }
        if self.keyword(b"if") {
            return Some(self.if_then());
        }
        if self.keyword(b"case") {
            return Some(self.case());
        }
        self.function()
    }

    fn body(&mut self) -> List {
        self.keyword(b"do");
        let body = self.deeper(&[b"done"]);
        self.keyword(b"done");
        body
    }

    fn for_loop(&mut self) -> Kind {
        self.blanks();
        let mut name = self.at..self.at;
        let mut words = None;
        if self.looks_at(b"((") && self.skip_arithmetic(2) {
        } else {
            name.end += name_length(&self.file[self.at..self.end]);
            self.at = name.end;
            self.separators();
            if self.keyword(b"in") {
                words = Some(self.words());
            }
        }
        self.separators();
        // bash takes braces in place of `do` and `done`.
        if self.keyword(b"{") {
            let body = self.deeper(&[b"}"]);
            self.keyword(b"}");
            return Kind::For { name, words, body };
        }
        Kind::For {
            name,
            words,
            body: self.body(),
        }
    }

    fn words(&mut self) -> Vec<Word> {
        let mut words = Vec::new();
        loop {
            self.blanks();
            let Some(word) = self.word() else {
                return words;
            };
            words.push(word);
        }
    }

    fn if_then(&mut self) -> Kind {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.deeper(&[b"then"]);
            self.keyword(b"then");
            let body = self.deeper(&[b"elif", b"else", b"fi"]);
            branches.push(Branch { condition, body });
            if !self.keyword(b"elif") {
                break;
            }
        }
        if self.keyword(b"else") {
            otherwise = Some(self.deeper(&[b"fi"]));
        }
        self.keyword(b"fi");
        Kind::If { branches, otherwise }
    }

    fn case(&mut self) -> Kind {
        self.blanks();
        let word = self.word();
        self.separators();
        self.keyword(b"in");
        let mut arms = Vec::new();
        loop {
            self.separators();
            while self.is_case_end() {
                self.at += 2;
                self.at += usize::from(self.peek(0) == b'&');
                self.separators();
            }
            if self.is_at_end() || self.keyword(b"esac") {
                break;
            }
            let before = self.at;
            if self.peek(0) == b'(' {
                self.at += 1;
            }
            let mut patterns = Vec::new();
            loop {
                self.blanks();
                patterns.extend(self.word());
                self.blanks();
                if self.peek(0) != b'|' {
                    break;
                }
                self.at += 1;
            }
            if self.peek(0) == b')' {
                self.at += 1;
            } else if patterns.iter().all(|word| word.literal().is_some()) {
                // Not of a `case`: it is read again, as what follows it. (What holds commands is not read twice, or
                // reading could take as long as two to the power of the depth.)
                self.at = before;
                break;
            }
            let body = self.deeper(&[b"esac"]);
            arms.push(Arm { patterns, body });
        }
        Kind::Case { word, arms }
    }

    /// `NAME()` or `function NAME`, and its body.
    fn function(&mut self) -> Option<Kind> {
        let start = self.at;
        let has_keyword = self.keyword(b"function");
        self.blanks();
        let is_name = |byte: &u8| !is_metacharacter(*byte) && !b"'\"$`\\=#{}".contains(byte);
        let rest = &self.file[self.at..self.end.min(self.at + 256)];
        let length = rest.iter().take_while(|byte| is_name(byte)).count();
        let name = self.at..self.at + length;
        self.at = name.end;
        self.blanks();
        let has_brackets = self.peek(0) == b'(' && {
            let mut behind = self.at + 1;
            while behind < self.end && matches!(self.file[behind], b' ' | b'\t') {
                behind += 1;
            }
            let is_closed = behind < self.end && self.file[behind] == b')';
            if is_closed {
                self.at = behind + 1;
            }
            is_closed
        };
        if length == 0 || !(has_brackets || has_keyword) {
            self.at = start;
            return None;
        }
        self.separators();
        self.depth += 1;
        let body = self.command();
        self.depth -= 1;
        let body = body.unwrap_or_else(|| Command {
            kind: Kind::Simple(Simple::default()),
            redirections: Vec::new(),
            range: self.at..self.at,
        });
        Some(Kind::Function {
            name,
            body: Box::new(body),
        })
    }

    fn simple(&mut self, redirections: &mut Vec<Redirection>) -> Kind {
        let mut simple = Simple::default();
        let is_test = self.is_keyword(b"[[");
        loop {
            self.blanks();
            if let Some(redirection) = self.redirection().filter(|_| !is_test) {
                redirections.push(redirection);
                continue;
            }
            if simple.words.is_empty()
                && let Some(assignment) = self.assignment()
            {
                simple.assignments.push(assignment);
                continue;
            }
            match self.word() {
                Some(word) => {
                    let is_end = is_test && &self.file[word.range.clone()] == b"]]";
                    simple.words.push(word);
                    if is_end {
                        break;
                    }
                }
                // Inside `[[ … ]]` operators are words.
                None if is_test && !self.is_at_end() && !matches!(self.peek(0), b'\n' | b';') => self.at += 1,
                None if self.peek(0) == b'(' && !simple.words.is_empty() => {
                    // `declare -a NAME=(…)` begins with an assignment; anything else is a mistake.
                    self.at += 1;
                }
                None => break,
            }
        }
        Kind::Simple(simple)
    }

    fn assignment(&mut self) -> Option<Assignment> {
        let start = self.at;
        let length = name_length(&self.file[start..self.end]);
        let name = start..start + length;
        let mut at = name.end;
        let is_element = length > 0 && self.peek(length) == b'[';
        if is_element {
            let inner = &self.file[at..self.end.min(at + 256)];
            let close = inner
                .iter()
                .position(|byte| matches!(byte, b']' | b'\n' | b' '))?;
            (inner[close] == b']').then_some(())?;
            at += close + 1;
        }
        let is_appended = self.file[at..self.end].starts_with(b"+=");
        at += usize::from(is_appended);
        if length == 0 || at >= self.end || self.file[at] != b'=' {
            return None;
        }
        self.at = at + 1;
        let value = if self.peek(0) == b'(' && !self.is_at_end() {
            AssignmentValue::Array(self.array())
        } else {
            let empty = Word {
                parts: Vec::new(),
                range: self.at..self.at,
            };
            let word = self.word().unwrap_or(empty);
            if is_element {
                AssignmentValue::Element(word)
            } else {
                AssignmentValue::Word(word)
            }
        };
        Some(Assignment {
            name,
            is_appended,
            value,
            range: start..self.at,
        })
    }

    fn array(&mut self) -> Vec<Word> {
        self.at += 1;
        let mut words = Vec::new();
        loop {
            self.blanks();
            if self.is_at_end() {
                return words;
            }
            match self.word() {
                Some(word) => words.push(word),
                None if self.peek(0) == b')' => {
                    self.at += 1;
                    return words;
                }
                None if self.peek(0) == b'\n' => self.newline(),
                None => self.at += 1,
            }
        }
    }
}

/// What ends a word that is not quoted.
fn is_metacharacter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b'(' | b')' | b'<' | b'>'
    )
}
