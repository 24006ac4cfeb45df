//! What the shell's own commands and redirections change for what follows.

use std::sync::Arc;

use crate::{
    model::script::{Argument, Assigned, Stream, WrittenFile, survey::sets_variables, walk::Walk},
    syntax::shell::{Command, Operator, PartKind, Redirection, Simple, Word},
};

impl<'a> Walk<'a> {
    /// What a builtin changes for what follows.
    pub(super) fn builtin(&mut self, simple: &'a Simple, words: &[Argument]) {
        let name = words[0].known().unwrap_or_default();
        match &name[..] {
            b"set" => self.options(words),
            b"." | b"source" => {
                let path = words.get(1).map(Argument::text).unwrap_or_default();
                // Files of the system, which set no variables of ours.
                if !["profile", "functions", "bashrc", "os-release"]
                    .iter()
                    .any(|end| path.ends_with(end))
                {
                    self.found.takes_in_others = true;
                    self.variables.forget_all();
                }
            }
            b"eval" => {
                self.found.takes_in_others = true;
                self.variables.forget_all();
            }
            b"trap" if words.iter().any(|word| word.is("ERR")) => self.is_errexit = true,
            name if sets_variables(name) => {
                self.set_by_name(name, simple, words);
                self.freeze(name, words);
            }
            _ => {}
        }
    }

    fn options(&mut self, words: &[Argument]) {
        let mut words = words[1..].iter().map(Argument::text).peekable();
        while let Some(word) = words.next() {
            let is_on = word.starts_with('-');
            if !is_on && !word.starts_with('+') {
                return;
            }
            let name = if word.ends_with('o') {
                words.next().unwrap_or_default()
            } else {
                String::new()
            };
            if word.contains('e') || name == "errexit" {
                self.is_errexit = is_on;
            }
            if name == "pipefail" {
                self.is_pipefail = is_on;
            }
            if is_on && (word.contains('u') || name == "nounset") {
                self.found.is_nounset = true;
            }
        }
    }

    /// `export NAME=value`, `read NAME`, and their like.
    fn set_by_name(&mut self, program: &[u8], simple: &'a Simple, words: &[Argument]) {
        let is_export = program == b"export";
        let is_exported = is_export
            || simple.words.iter().skip(1).any(|word| {
                let text = &self.file[word.range.clone()];
                text.starts_with(b"-") && text.contains(&b'x')
            });
        if is_composed(simple, words, self.file) {
            self.opens(simple);
        }
        for word in &simple.words[1..] {
            let value = self.variables.whole(word);
            let Some((name, is_appended, begin)) = named(&value) else {
                continue;
            };
            if is_exported {
                self.found.exported.insert(name.clone());
            }
            match begin {
                Some(_) if program == b"let" => self.variables.forget(&name),
                Some(begin) => {
                    let mut value = self.expand_whole(word).behind(begin);
                    // dash takes no `+=`, bash what was there before.
                    if is_appended {
                        value.pieces.iter_mut().for_each(|piece| piece.text = None);
                    }
                    self.assign(&name, &value, false);
                    self.found.assignments.push(Assigned {
                        name,
                        value,
                        range: word.range.clone(),
                        is_for_command: false,
                    });
                }
                None if !is_export => self.variables.forget(&name),
                None => {}
            }
        }
    }

    /// From here on any variable may have another value.
    fn opens(&mut self, simple: &Simple) {
        let all = simple.words[0].range.start..simple.words.last().map_or(0, |word| word.range.end);
        self.found.takes_in_others = true;
        self.found.composed.push(all);
        self.variables.forget_all();
    }

    /// `readonly NAME`, `declare -r NAME`: it keeps its value, and bash goes on where another one is set.
    fn freeze(&mut self, program: &[u8], words: &[Argument]) {
        let words: Vec<_> = words[1..].iter().map(Argument::text).collect();
        let is_flag = |word: &&String| word.starts_with('-');
        let is_frozen = match program {
            b"readonly" => true,
            b"declare" | b"typeset" => words.iter().filter(is_flag).any(|word| word.contains('r')),
            _ => false,
        };
        for word in words.iter().filter(|word| is_frozen && !is_flag(word)) {
            let name = word.split('=').next().unwrap_or_default();
            self.variables.freeze(name.as_bytes());
        }
    }

    /// Notes a file whose content stands in the script: `cat > FILE <<EOF`, `tee FILE <<EOF`, `echo TEXT > FILE`.
    pub(super) fn written(&mut self, command: &Command, simple: &Simple) {
        let program = simple.words.first().and_then(Word::literal).unwrap_or_default();
        let into_file = || {
            let is_replaced = command
                .redirections
                .iter()
                .any(|one| one.operator == Operator::Write);
            match &self.output {
                Stream::File(path) if is_replaced => path.known(),
                _ => None,
            }
        };
        let here = command
            .redirections
            .iter()
            .find_map(|one| one.here_document.as_ref());
        let (path, content) = match (&program[..], &simple.words[..], here) {
            (b"cat", [_], Some(here)) => (into_file(), here.body.clone()),
            (b"tee", [_, path], Some(here)) => (path.literal(), here.body.clone()),
            (b"echo", [_, text], None) => match &text.parts[..] {
                [part] if matches!(part.kind, PartKind::Literal(_)) => (into_file(), part.range.clone()),
                _ => return,
            },
            _ => return,
        };
        // What a shell puts in, or takes away, is not the content.
        let changes = |byte: &u8| matches!(byte, b'$' | b'`' | b'\\');
        let is_literal =
            here.is_some_and(|here| here.is_literal) || !self.file[content.clone()].iter().any(changes);
        let strips_tabs = here.is_some_and(|here| here.strips_tabs);
        if let Some(path) = path.filter(|_| is_literal && !strips_tabs) {
            self.found.written.push(WrittenFile { path, content });
        }
    }

    pub(super) fn redirect(&mut self, redirection: &'a Redirection) {
        let target = self.expand_whole(&redirection.target);
        if redirection.operator.opens_file() {
            self.found.opened.push(target.clone());
        }
        let to = |walk: &Self| match () {
            () if target.is("/dev/null") => Stream::Discarded(redirection.range.clone()),
            () if target.is("1") => walk.output.clone(),
            () if target.is("2") => walk.errors.clone(),
            () => Stream::File(Arc::new(target.clone())),
        };
        match (redirection.operator, redirection.descriptor) {
            (Operator::Write | Operator::Append, None | Some(1)) => self.output = to(self),
            (Operator::Write | Operator::Append, Some(2)) => self.errors = to(self),
            (Operator::Duplicate, None | Some(1)) if is_write(self.file, redirection) => {
                self.output = to(self);
            }
            (Operator::Duplicate, Some(2)) => self.errors = to(self),
            (Operator::WriteBoth, _) => {
                self.output = to(self);
                self.errors = self.output.clone();
            }
            _ => {}
        }
        // `>& FILE` of csh and bash takes both.
        if redirection.operator == Operator::Duplicate
            && redirection.descriptor.is_none()
            && matches!(&self.output, Stream::File(_) | Stream::Discarded(_))
            && !target.is("1")
            && !target.is("2")
        {
            self.errors = self.output.clone();
        }
    }
}

/// Whether only a run can tell which variables a command sets: their names come from variables or files, or braces make
/// several words of one.
fn is_composed(simple: &Simple, words: &[Argument], file: &[u8]) -> bool {
    let program = words[0].known().unwrap_or_default();
    let is_reference = |word: &&Argument| word.text().starts_with('-') && word.text().contains('n');
    let mut names = words[1..].iter();
    match &program[..] {
        // Its names are parts of what it works out.
        b"let" => return false,
        // It sets what stands behind `-v`.
        b"printf" => {
            let behind = names.find_map(|word| match word.text().strip_prefix("-v") {
                Some("") => Some(None),
                Some(_) => Some(Some(word)),
                None => None,
            });
            let name = match behind {
                Some(None) => words.iter().skip_while(|word| !word.is("-v")).nth(1),
                Some(Some(word)) => return word.known().is_none(),
                None => None,
            };
            return name.is_some_and(|name| name.known().is_none());
        }
        // The first word says what options there are.
        b"getopts" => names = words.get(2..3).unwrap_or_default().iter(),
        b"local" | b"declare" | b"typeset" if words[1..].iter().any(|word| is_reference(&word)) => {
            return true;
        }
        _ => {}
    }
    let has_braces = |text: &[u8]| text.starts_with(b"{") && text.contains(&b',');
    // What is put into a value makes no more names of it.
    let is_assigned = |text: &[u8]| {
        let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
        let length = text.iter().take_while(is_of_name).count();
        length > 0 && (text[length..].starts_with(b"=") || text[length..].starts_with(b"+="))
    };
    let takes_values = matches!(&program[..], b"read" | b"mapfile" | b"readarray");
    let mut is_value = false;
    simple.words.len() > 1
        && names.any(|word| {
            let (text, written) = (word.text(), &file[word.range.clone()]);
            // `read -p "$QUESTION" NAME`
            if std::mem::replace(&mut is_value, false) {
                return false;
            }
            if text.starts_with(['-', '+']) {
                let last = text.chars().next_back().unwrap_or_default();
                is_value = takes_values && "dinNptuOscC".contains(last) && last != 's';
                return false;
            }
            has_braces(written) || !is_assigned(written) && named(word).is_none()
        })
}

/// The name that a word begins with, whether `+=` stands behind it, and where the value begins, if there is one.
fn named(word: &Argument) -> Option<(Vec<u8>, bool, Option<usize>)> {
    let first = word.pieces.iter().map_while(|piece| piece.text.as_deref());
    let text = first.collect::<Vec<_>>().concat();
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = text.iter().take_while(|byte| is_of_name(byte)).count();
    if length == 0 || text[0].is_ascii_digit() {
        return None;
    }
    let name = text[..length].to_vec();
    match &text[length..] {
        [b'=', ..] => Some((name, false, Some(length + 1))),
        [b'+', b'=', ..] => Some((name, true, Some(length + 2))),
        [b'[', ..] => Some((name, false, None)),
        [] if word.known().is_some() => Some((name, false, None)),
        _ => None,
    }
}

/// `>&` and not `<&`.
fn is_write(file: &[u8], redirection: &Redirection) -> bool {
    file[redirection.range.clone()].contains(&b'>')
}
