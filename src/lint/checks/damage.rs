//! What web pages, word processors and Chinese keyboards put in the place of the characters that rsync knows.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::{
    catalog::{Harm, Safety},
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, notes, values},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Parameter, Problem, ProblemKind, Setting, Value, parameter::Kind},
    syntax::{Lookalike, Text},
    terms::{SourceId, Span},
};

mod guards;
mod plain;

use guards::{Guard, Hurt, are_of_users};
use plain::{lookalikes, plain, plain_form, shown, skip, trim, wide};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY111", web_page_damage)];

/// U+3001, which Chinese text writes between the items of a list.
const ENUMERATION_COMMA: &str = "、";

/// How many places a report points at.
const PLACES: usize = 4;

/// How many lines a report numbers.
const NUMBERS: usize = 10;

/// RSY111: one finding for a file, however many lines are hurt, and one more for those whose cure lets strangers do more.
fn web_page_damage(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    let included = configuration.includes.iter().map(|include| include.source);
    let files: Vec<SourceId> = std::iter::once(configuration.root)
        .chain(included)
        .filter(|file| !subject.sources.get(*file).bytes().is_ascii())
        .collect();
    if files.is_empty() {
        return;
    }
    let headers = configuration.blocks.iter().filter_map(|block| block.header);
    let mut headers: Vec<Span> = headers.collect();
    headers.sort_unstable();
    let mut files: BTreeMap<SourceId, Damage<'_>> = files
        .into_iter()
        .map(|file| (file, Damage::new(subject, file, &headers)))
        .collect();
    for setting in &configuration.settings {
        if let Some(damage) = files.get_mut(&setting.source) {
            damage.setting(setting);
        }
    }
    for problem in &configuration.problems {
        if let Some(damage) = files.get_mut(&problem.span.source) {
            damage.problem(problem);
        }
    }
    for header in configuration.modules.iter().flat_map(|module| &module.headers) {
        if let Some(damage) = files.get_mut(&header.source) {
            damage.header(*header);
        }
    }
    for case in files.into_values().flat_map(Damage::cases) {
        out.report(case);
    }
}

struct Damage<'a> {
    subject: &'a ConfigurationSubject<'a>,
    file: SourceId,
    /// The headers of all files, in order.
    headers: &'a [Span],
    edits: Vec<Edit>,
    /// Where other rules see only consequences: values, and lines that rsync does not understand.
    lines: Vec<Span>,
    /// Headers of modules whose `path` is not read.
    pathless: Vec<Span>,
    /// From a header that is none to the next one.
    headless: Vec<Span>,
    /// Which of the edits let clients do more, and in which block.
    loosening: Vec<(usize, Range<usize>)>,
    /// Which of the edits let strangers in, whoever guards the module.
    opening: Vec<Range<usize>>,
    /// What clients meet because of lines that the edits cure.
    harms: Vec<(BTreeSet<Harm>, Range<usize>)>,
    /// What hurt lines say of users and hosts once they are cured.
    guards: Vec<Guard>,
}

impl<'a> Damage<'a> {
    fn new(subject: &'a ConfigurationSubject<'a>, file: SourceId, headers: &'a [Span]) -> Self {
        Self {
            subject,
            file,
            headers,
            edits: Vec::new(),
            lines: Vec::new(),
            pathless: Vec::new(),
            headless: Vec::new(),
            loosening: Vec::new(),
            opening: Vec::new(),
            harms: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// A line that sets something: what stands at the ends of its value, in its words, between its entries.
    fn setting(&mut self, setting: &Setting) {
        let text = &setting.text;
        let end = notes::note(setting).map_or_else(|| text.bytes().len(), |note| note.head);
        let before = self.edits.len();
        self.value(setting.parameter, text, 0, end);
        if self.edits.len() > before {
            self.lines.push(setting.part(0..end));
            let line = Hurt {
                parameter: setting.parameter,
                value: self.cured(setting.part(0..end), before),
                block: setting.block,
                read: Some(setting.value_span()),
            };
            self.judge(line, before);
            let first = self.edits[before..].iter().map(|edit| edit.span.start).min();
            let from = first.map_or(0, |at| at.saturating_sub(setting.value_span().start) as usize);
            let meant = plain(&text.bytes()[..end]);
            let harms = harm::of_value(self.subject, setting, from.min(end), meant.trim_ascii());
            self.harms.push((harms, before..self.edits.len()));
        }
    }

    fn problem(&mut self, problem: &Problem) {
        let before = self.edits.len();
        let headless = self.headless.len();
        let mut parameter = None;
        match &problem.kind {
            ProblemKind::UnknownParameter(name, value) => {
                parameter = self.line(name);
                if let (Some(known), true) = (parameter, self.edits.len() > before)
                    && wide(name.bytes(), b'=').is_none()
                {
                    self.value(known, value, 0, value.bytes().len());
                }
            }
            ProblemKind::WithoutEquals(text) => parameter = self.line(text),
            ProblemKind::Fatal(FatalError::UnknownDirective) => {
                let text = Text::verbatim(self.subject.sources.get(self.file).bytes(), problem.span.range());
                parameter = self.line(&text);
            }
            ProblemKind::Fatal(FatalError::UnterminatedSection) => {
                let text = Text::verbatim(self.subject.sources.get(self.file).bytes(), problem.span.range());
                parameter = self.line(&text);
            }
            _ => {}
        }
        if self.edits.len() == before {
            return;
        }
        let source = self.subject.sources.get(self.file);
        let line = source.line_range(source.line_of(problem.span.start as usize));
        self.lines.push(Span::new(self.file, line));
        if let Some(parameter) = parameter {
            let line = source.line_range(source.line_of(problem.span.start as usize));
            let line = self.cured(Span::new(self.file, line), before);
            let value = line
                .iter()
                .position(|byte| b"=:".contains(byte))
                .map_or(&b""[..], |at| &line[at + 1..]);
            let line = Hurt {
                parameter,
                value: value.trim_ascii().to_vec(),
                block: problem.block,
                read: None,
            };
            self.judge(line, before);
            let harms = harm::of_loss(self.subject, problem.block, parameter, value.trim_ascii());
            self.harms.push((harms, before..self.edits.len()));
        } else if self.headless.len() > headless {
            self.loosening.push((problem.block, before..self.edits.len()));
            let harm = match problem.kind {
                ProblemKind::Fatal(_) => Harm::Greeting,
                _ => Harm::OtherName,
            };
            self.harms
                .push((BTreeSet::from([harm]), before..self.edits.len()));
        }
        let header = self.subject.configuration.blocks[problem.block].header;
        if let (Some(Parameter::Path), Some(header)) = (parameter, header) {
            self.pathless.push(header);
        }
    }

    /// A line that rsync does not understand: what it would be without its lookalikes, if that is anything.
    fn line(&mut self, text: &Text) -> Option<Parameter> {
        let bytes = text.bytes();
        let start = skip(bytes);
        let rest = &bytes[start..];
        let first = match Lookalike::at(rest) {
            Some((Lookalike::Wide(plain), _)) => plain,
            _ => rest.first().copied().unwrap_or(b'#'),
        };
        match first {
            b'#' | b';' => {
                let mark = Lookalike::at(rest).map_or(0, |(_, length)| length);
                self.replace(text, 0, start + mark);
                None
            }
            b'[' => {
                let end = wide(rest, b']').or_else(|| rest.iter().position(|byte| *byte == b']'))?;
                let end = start + end + Lookalike::at(&rest[end..]).map_or(1, |(_, length)| length);
                self.replace(text, 0, end);
                self.headless(text);
                None
            }
            b'&' => {
                let plain = plain(rest);
                if [&b"&include "[..], b"&merge "]
                    .iter()
                    .any(|start| plain.starts_with(start))
                {
                    self.replace(text, 0, bytes.len());
                }
                None
            }
            _ => {
                let separator = wide(bytes, b'=').or_else(|| wide(bytes, b':'));
                let name = separator.unwrap_or(bytes.len());
                let parameter = Parameter::from_name(&plain(&bytes[..name]))?;
                self.replace(text, 0, name);
                if let Some(at) = separator {
                    let behind = at + Lookalike::at(&bytes[at..]).map_or(1, |(_, length)| length);
                    self.edits.push(Edit::replace(self.span(text, at, behind), "="));
                    self.value(parameter, text, behind, bytes.len());
                }
                Some(parameter)
            }
        }
    }

    /// The lookalikes of a value that are surely none of it.
    fn value(&mut self, parameter: Parameter, text: &Text, start: usize, end: usize) {
        use Parameter as P;
        let bytes = &text.bytes()[start..end];
        if bytes.is_ascii() {
            return;
        }
        let inner = start + skip(bytes)..start + trim(bytes);
        if inner.is_empty() {
            return;
        }
        self.replace(text, start, inner.start);
        self.delete(text, inner.end, end);
        match (parameter.facts().kind, parameter) {
            (Kind::Boolean | Kind::BooleanOrUnset | Kind::Integer | Kind::Enum, _) => {
                let before = self.edits.len();
                self.quotes(text, inner.start, inner.end);
                let quote = if self.edits.len() > before { 3 } else { 0 };
                let word = inner.start + quote..inner.end - quote;
                let meant = plain(&text.bytes()[word.clone()]);
                let is_value = match parameter.facts().kind {
                    // rsync makes a number of everything.
                    Kind::Integer => values::is_number(&meant),
                    kind => Value::read(kind, &meant).is_some(),
                };
                if is_value {
                    self.replace(text, word.start, word.end);
                } else {
                    self.edits.truncate(before);
                }
            }
            (_, P::Comment | P::LogFormat | P::EarlyExec | P::PreXferExec | P::PostXferExec) => {}
            (_, P::HostsAllow | P::HostsDeny | P::AuthUsers | P::RefuseOptions | P::Gid) => {
                self.words(parameter, text, inner.start, inner.end);
            }
            _ => {
                self.quotes(text, inner.start, inner.end);
                self.slashes(text, inner.start, inner.end);
            }
        }
    }

    /// The slashes of a path that begins with a wide one: no folder of this system begins so.
    fn slashes(&mut self, text: &Text, start: usize, end: usize) {
        let found = lookalikes(&text.bytes()[start..end]);
        let slashes = found.iter().filter(|(_, what, _)| *what == Lookalike::Wide(b'/'));
        if slashes.clone().any(|(at, ..)| *at == 0) {
            for (at, what, length) in slashes {
                self.edit(text, start + at, *what, *length);
            }
        }
    }

    /// A list: curved quotes belong to none of its words, and what Chinese text writes between items parts them.
    fn words(&mut self, parameter: Parameter, text: &Text, start: usize, end: usize) {
        // Between options rsync knows blanks alone.
        let blank = parameter == Parameter::RefuseOptions;
        let joint = |behind: usize| match behind == end {
            true => "",
            false if blank => " ",
            false => ",",
        };
        let bytes = &text.bytes()[start..end];
        for (at, what, length) in lookalikes(bytes) {
            let at = start + at;
            match what {
                Lookalike::Quote => self.edits.push(Edit::delete(self.span(text, at, at + length))),
                Lookalike::Wide(b',' | b';' | b'|') => {
                    self.edits.push(Edit::replace(
                        self.span(text, at, at + length),
                        joint(at + length),
                    ));
                }
                _ => self.edit(text, at, what, length),
            }
        }
        let comma = ENUMERATION_COMMA.as_bytes();
        for at in (0..bytes.len()).filter(|&at| bytes[at..].starts_with(comma)) {
            let at = start + at;
            self.edits.push(Edit::replace(
                self.span(text, at, at + comma.len()),
                joint(at + comma.len()),
            ));
        }
    }

    /// A pair of curved quotes around a whole value.
    fn quotes(&mut self, text: &Text, start: usize, end: usize) {
        let is_quote =
            |at: usize| matches!(Lookalike::at(&text.bytes()[at..end]), Some((Lookalike::Quote, _)));
        if end - start > 6 && is_quote(start) && is_quote(end - 3) {
            self.edits.push(Edit::delete(self.span(text, start, start + 3)));
            self.edits.push(Edit::delete(self.span(text, end - 3, end)));
        }
    }

    /// A header that rsync reads, with lookalikes in the name that a client must then send too.
    fn header(&mut self, header: Span) {
        let text = Text::verbatim(self.subject.sources.get(self.file).bytes(), header.range());
        let bytes = text.bytes();
        if bytes.is_ascii() {
            return;
        }
        let before = self.edits.len();
        let inner = 1..bytes.len() - 1;
        let name = &bytes[inner.clone()];
        let start = inner.start + skip(name);
        let end = (inner.start + trim(name)).max(start);
        self.delete(&text, inner.start, start);
        self.delete(&text, end, inner.end);
        for (at, what, length) in lookalikes(&bytes[start..end]) {
            if matches!(what, Lookalike::Blank | Lookalike::Nothing) {
                self.edit(&text, start + at, what, length);
            }
        }
        // Nobody types the name that the module has now.
        let blocks = &self.subject.configuration.blocks;
        if let Some(block) = blocks.iter().position(|block| block.header == Some(header)) {
            self.loosening.push((block, before..self.edits.len()));
        }
        self.harms
            .push((BTreeSet::from([Harm::OtherName]), before..self.edits.len()));
    }

    /// Until the next header, everything is set in a block where it does not belong.
    fn headless(&mut self, text: &Text) {
        let start = text.range().start;
        let next = self
            .headers
            .partition_point(|header| (header.source, header.start as usize) <= (self.file, start));
        let end = match self.headers.get(next) {
            Some(header) if header.source == self.file => header.start as usize,
            _ => self.subject.sources.get(self.file).bytes().len(),
        };
        self.headless.push(Span::new(self.file, start..end));
    }

    fn replace(&mut self, text: &Text, start: usize, end: usize) {
        for (at, what, length) in lookalikes(&text.bytes()[start..end]) {
            self.edit(text, start + at, what, length);
        }
    }

    fn delete(&mut self, text: &Text, start: usize, end: usize) {
        for (at, _, length) in lookalikes(&text.bytes()[start..end]) {
            self.edit(text, start + at, Lookalike::Nothing, length);
        }
    }

    fn edit(&mut self, text: &Text, at: usize, what: Lookalike, length: usize) {
        if let Some(replacement) = plain_form(what) {
            self.edits
                .push(Edit::replace(self.span(text, at, at + length), replacement));
        }
    }

    fn span(&self, text: &Text, start: usize, end: usize) -> Span {
        Span::new(self.file, text.range_of(start..end))
    }

    /// What only puts plain characters in their places, and what opens something too.
    fn cases(mut self) -> impl Iterator<Item = Case> {
        let opening: BTreeSet<usize> = self
            .loosening
            .iter()
            .filter(|(block, _)| !self.is_guarded(*block))
            .map(|(_, edits)| edits)
            .chain(&self.opening)
            .cloned()
            .flatten()
            .collect();
        let edits = std::mem::take(&mut self.edits).into_iter().enumerate();
        let (opening, plain): (Vec<_>, Vec<_>) = edits.partition(|(index, _)| opening.contains(index));
        let cases = [(plain, Safety::Safe), (opening, Safety::Unsafe)].map(|(part, safety)| {
            let harms = self.harms_of(&part);
            let edits = part.into_iter().map(|(_, edit)| edit).collect();
            Some(self.case(edits, safety)?.harms(harms))
        });
        cases.into_iter().flatten()
    }

    /// What clients meet because of the lines that some of the edits cure.
    fn harms_of(&self, edits: &[(usize, Edit)]) -> BTreeSet<Harm> {
        let indices: BTreeSet<usize> = edits.iter().map(|(index, _)| *index).collect();
        let cured = |range: &Range<usize>| indices.range(range.clone()).next().is_some();
        let harms = self.harms.iter().filter(|(_, range)| cured(range));
        harms.flat_map(|(harms, _)| harms).copied().collect()
    }

    fn case(&self, mut edits: Vec<Edit>, safety: Safety) -> Option<Case> {
        edits.sort_by_key(|edit| edit.span);
        edits.dedup_by_key(|edit| edit.span);
        let source = self.subject.sources.get(self.file);
        let line = |edit: &Edit| source.line_of(edit.span.start as usize);
        let lines: BTreeSet<usize> = edits.iter().map(line).collect();
        let mut places: Vec<Span> = edits.iter().map(|edit| edit.span).collect();
        places.dedup_by_key(|span| source.line_of(span.start as usize));
        let mut places = places.into_iter();
        let mut case = Case::at(places.next()?);
        for place in places.take(PLACES - 1) {
            case = case.also(place, "also");
        }
        for explained in &self.lines {
            if lines.contains(&source.line_of(explained.start as usize)) {
                case = case.explains_value(*explained, *explained);
            }
        }
        for header in &self.pathless {
            case = case.explains_rules(*header, &["RSY401"]);
        }
        for lines in &self.headless {
            case = case.explains_rules(*lines, &["RSY207", "RSY209"]);
        }
        let found: BTreeSet<String> = edits
            .iter()
            .filter_map(|edit| {
                String::from_utf8_lossy(self.subject.sources.slice(edit.span))
                    .chars()
                    .next()
            })
            .map(shown)
            .collect();
        let found: Vec<String> = found.into_iter().collect();
        let numbers: Vec<String> = lines
            .iter()
            .take(NUMBERS)
            .map(|line| (line + 1).to_string())
            .collect();
        let more = if lines.len() > NUMBERS { ", …" } else { "" };
        Some(
            case.variant(match (safety, lines.len()) {
                (Safety::Unsafe, _) => "opens",
                (Safety::Safe, 1) if are_of_users(self.subject, &edits) => "users",
                (Safety::Safe, 1) => "one",
                (Safety::Safe, _) => "many",
            })
            .with("call", harm::call(self.subject, 0))
            .with("found", found.join(", "))
            .with("lines", lines.len().to_string())
            .with("numbers", format!("{}{more}", numbers.join(", ")))
            .fix(safety, edits),
        )
    }
}
