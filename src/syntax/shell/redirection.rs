use crate::syntax::shell::{
    parser::Parser,
    tree::{HereDocument, Operator, Redirection, Word},
};

impl Parser<'_> {
    pub(super) fn redirection(&mut self) -> Option<Redirection> {
        let start = self.at;
        let digits = self.file[start..self.end.min(start + 4)].iter();
        let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
        let (operator, length) = match (self.peek(digits), self.peek(digits + 1), self.peek(digits + 2)) {
            (b'<' | b'>', b'(', _) => return None,
            (b'<', b'<', b'<') => (Operator::HereString, 3),
            (b'<', b'<', b'-') => (Operator::HereDocument, 3),
            (b'<', b'<', _) => (Operator::HereDocument, 2),
            (b'<', b'>', _) => (Operator::ReadWrite, 2),
            (b'<' | b'>', b'&', _) => (Operator::Duplicate, 2),
            (b'<', ..) => (Operator::Read, 1),
            (b'>', b'>', _) => (Operator::Append, 2),
            (b'>', b'|', _) => (Operator::Write, 2),
            (b'>', ..) => (Operator::Write, 1),
            (b'&', b'>', b'>') if digits == 0 => (Operator::WriteBoth, 3),
            (b'&', b'>', _) if digits == 0 => (Operator::WriteBoth, 2),
            _ => return None,
        };
        let strips_tabs = operator == Operator::HereDocument && length == 3;
        let descriptor = std::str::from_utf8(&self.file[start..start + digits]).ok();
        let descriptor = descriptor.and_then(|digits| digits.parse().ok());
        self.at = (start + digits + length).min(self.end);
        self.blanks_without_comment();
        let target = self.word().unwrap_or(Word {
            parts: Vec::new(),
            range: self.at..self.at,
        });
        let range = start..self.at;
        let here_document =
            (operator == Operator::HereDocument).then(|| self.here_document(&target, strips_tabs));
        Some(Redirection {
            descriptor,
            operator,
            target,
            here_document,
            range,
        })
    }

    fn blanks_without_comment(&mut self) {
        while matches!(self.peek(0), b' ' | b'\t') && !self.is_at_end() {
            self.at += 1;
        }
    }

    /// The lines below this one up to the delimiter.
    fn here_document(&mut self, delimiter: &Word, strips_tabs: bool) -> HereDocument {
        let text = &self.file[delimiter.range.clone()];
        let unquoted: Vec<u8> = text
            .iter()
            .copied()
            .filter(|byte| !b"'\"\\".contains(byte))
            .collect();
        let line_end = self.line_end();
        // A second one on the line stands below the first.
        let start = match self.here {
            Some((line, end)) if line == line_end || end > line_end => end,
            _ => (line_end + 1).min(self.end),
        };
        let (mut at, mut body_end) = (start.min(self.end), self.end);
        while at < self.end {
            let length = self.file[at..self.end].iter().position(|&byte| byte == b'\n');
            let line = &self.file[at..length.map_or(self.end, |length| at + length)];
            let next = length.map_or(self.end, |length| at + length + 1);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let tabs = line
                .iter()
                .take_while(|&&byte| strips_tabs && byte == b'\t')
                .count();
            if line[tabs..] == unquoted {
                body_end = at;
                at = next;
                break;
            }
            at = next;
        }
        self.here = Some((line_end, at));
        HereDocument {
            body: start.min(body_end)..body_end,
            is_literal: unquoted.len() < text.len(),
            strips_tabs,
        }
    }
}
