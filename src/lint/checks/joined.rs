//! Lines that are one to rsync and were several to whoever wrote them.

use std::collections::BTreeSet;

use crate::{
    catalog::{Harm, Safety},
    diagnosis::Edit,
    lint::{
        checks::{Check, harm},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Block, Effect, Parameter, Setting},
    terms::Span,
};

mod pieces;

use pieces::{Piece, pieces, pieces_of_text};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY112", lines_run_together),
    Check::configuration("RSY113", backslash_joins_lines),
];

/// RSY112: a page that lost its line breaks leaves one parameter whose value is the rest of the file.
fn lines_run_together(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    for setting in &configuration.settings {
        let value = setting.value_span();
        if value.range().len() != setting.text.bytes().len() {
            continue;
        }
        let (end, pieces) = pieces(setting.parameter, setting.text.bytes());
        let Some(first) = pieces.first() else {
            continue;
        };
        let mut lines = pieces::lines(setting.parameter, &setting.text.bytes()[..end]);
        for piece in &pieces {
            lines.extend(piece.lines());
        }
        let mut case = Case::at(setting.part(first.start()..setting.text.bytes().len()))
            .variant(swallowed(&pieces))
            .harms(harm::of_value(
                subject,
                setting,
                end,
                setting.text.bytes()[..end].trim_ascii(),
            ))
            .harms(lost(subject, setting.block, &pieces))
            .with("call", harm::call(subject, setting.block))
            .with("parameter", setting.parameter.name())
            .with("next", first.name())
            .explains_value(value, value)
            .fix(
                Safety::Unsafe,
                [Edit::replace(setting.span(), lines.trim_ascii_end())],
            );
        let header = configuration.blocks[setting.block].header;
        if let (Some(header), true) = (header, pieces.iter().any(Piece::is_path)) {
            case = case.explains_rules(header, &["RSY401"]);
        }
        if pieces.iter().any(Piece::is_header) {
            case = case.explains_rules(until_next_header(subject, value), &["RSY207", "RSY209"]);
        }
        out.report(case);
    }
    for header in configuration.modules.iter().flat_map(|module| &module.headers) {
        behind_header(subject, *header, out);
    }
}

/// What runs into the value, as the page's variants call it.
fn swallowed(pieces: &[Piece<'_>]) -> &'static str {
    match pieces.first() {
        Some(first) if first.is_header() => "header",
        _ if pieces.iter().any(Piece::is_header) => "headers",
        _ => "parameter",
    }
}

/// What clients meet because the lines of a block that ran into another one are not read.
fn lost(subject: &ConfigurationSubject<'_>, block: usize, pieces: &[Piece<'_>]) -> BTreeSet<Harm> {
    let of_block = pieces.iter().map_while(Piece::setting);
    of_block
        .flat_map(|(parameter, value)| harm::of_loss(subject, block, parameter, value))
        .collect()
}

/// What stands behind `]` is thrown away, parameters and all.
fn behind_header(subject: &ConfigurationSubject<'_>, header: Span, out: &mut Reporter<'_>) {
    let source = subject.sources.get(header.source);
    let start = header.end as usize;
    let line = source.line_range(source.line_of(start));
    let trailing = source.bytes()[start..line.end.max(start)].trim_ascii_end();
    let pieces = pieces_of_text(trailing);
    let Some(first) = pieces.first() else {
        return;
    };
    let place = |from: usize, to: usize| Span::new(header.source, start + from..start + to);
    let mut lines = b"\n".to_vec();
    lines.extend(pieces::comment(&trailing[..first.start()]));
    lines.extend(pieces.iter().flat_map(Piece::lines));
    let of_module = |block: &Block| block.header == Some(header);
    let block = subject.configuration.blocks.iter().position(of_module);
    let harms = block.map(|block| lost(subject, block, &pieces));
    let mut case = Case::at(place(first.start(), trailing.len()))
        .variant("behind")
        .harms(harms.unwrap_or_default())
        .with("call", "chroot")
        .with("parameter", subject.sources.text(header))
        .with("next", first.name())
        .fix(
            Safety::Unsafe,
            [Edit::replace(place(0, trailing.len()), lines.trim_ascii_end())],
        );
    if pieces.iter().any(Piece::is_path) {
        case = case.explains_rules(header, &["RSY401"]);
    }
    out.report(case);
}

/// The lines that belong to a module whose header rsync does not see.
pub(super) fn until_next_header(subject: &ConfigurationSubject<'_>, from: Span) -> Span {
    let headers = subject
        .configuration
        .blocks
        .iter()
        .filter_map(|block| block.header);
    let end = headers
        .filter(|header| header.source == from.source && header.start >= from.end)
        .map(|header| header.start as usize)
        .min();
    let end = end.unwrap_or_else(|| subject.sources.get(from.source).bytes().len());
    Span::new(from.source, from.end as usize..end)
}

/// RSY113: a backslash at the end of a line makes the next one a part of the value, whatever it looks like.
fn backslash_joins_lines(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let Some(joint) = joint(subject, setting) else {
            continue;
        };
        let bytes = setting.text.bytes();
        let from = joint.backslash.start.saturating_sub(setting.value_span().start) as usize;
        let from = from.min(bytes.len());
        let mut harms = harm::of_value(subject, setting, from, bytes[..from].trim_ascii());
        if let Some((parameter, value)) = joint.setting() {
            harms.extend(harm::of_loss(subject, setting.block, parameter, value));
        }
        out.report(
            Case::at(joint.backslash)
                .variant(joint.variant)
                .harms(harms)
                .with("call", harm::call(subject, setting.block))
                .with("parameter", setting.parameter.name())
                .with("value", setting.text.display())
                .with("line", joint.line)
                .explains_value(setting.value_span(), setting.value_span())
                .fix(Safety::Unsafe, [Edit::delete(joint.backslash)]),
        );
    }
}

/// A backslash that joins what is no continuation.
struct Joint {
    backslash: Span,
    variant: &'static str,
    line: String,
}

impl Joint {
    /// The line that became a part of the value, if it was to set a parameter.
    fn setting(&self) -> Option<(Parameter, &[u8])> {
        let (name, value) = self.line.split_once('=')?;
        Some((Parameter::from_name(name.as_bytes())?, value.trim().as_bytes()))
    }
}

/// Whether a blank at the end of a value makes another one of it.
fn blank_counts(setting: &Setting) -> bool {
    use Parameter as P;
    let is_name = matches!(
        setting.parameter,
        P::AuthDigest
            | P::Charset
            | P::DaemonChroot
            | P::DaemonGid
            | P::DaemonUid
            | P::ExcludeFrom
            | P::IncludeFrom
            | P::LockFile
            | P::LogFile
            | P::MotdFile
            | P::Name
            | P::Path
            | P::PidFile
            | P::SecretsFile
            | P::TempDir
            | P::Uid
    );
    is_name || setting.effect == Effect::Malformed
}

fn joint(subject: &ConfigurationSubject<'_>, setting: &Setting) -> Option<Joint> {
    let source = subject.sources.get(setting.source);
    let bytes = source.bytes();
    let value = setting.value_span().range();
    let is_joined = value.len() != setting.text.bytes().len() || setting.text.bytes().ends_with(b" ");
    let first = source.line_of(setting.name.start as usize);
    if !is_joined {
        return None;
    }
    let mut line = first;
    loop {
        let range = source.line_range(line);
        let text = bytes[range.clone()].trim_ascii_end();
        let next = source.line_range(line + 1);
        if !text.ends_with(b"\\") || next.is_empty() {
            return None;
        }
        let swallowed = bytes[next].trim_ascii();
        let variant = match swallowed {
            [] => blank_counts(setting).then_some("blank"),
            [b'[', ..] if swallowed.contains(&b']') => Some("header"),
            // `#*#`, what an editor leaves behind, is a pattern.
            [b'#', ..] if first_word(swallowed).ends_with(b"#") && first_word(swallowed).len() > 2 => None,
            [b'#' | b';', ..] => Some("comment"),
            _ => {
                let name = swallowed.split(|byte| *byte == b'=').next().unwrap_or_default();
                let is_parameter = name.len() < swallowed.len() && Parameter::from_name(name).is_some();
                is_parameter.then_some("parameter")
            }
        };
        if let Some(variant) = variant {
            let backslash = range.start + text.len() - 1;
            return Some(Joint {
                backslash: Span::new(setting.source, backslash..backslash + 1),
                variant,
                line: String::from_utf8_lossy(swallowed).into_owned(),
            });
        }
        line += 1;
    }
}

fn first_word(line: &[u8]) -> &[u8] {
    line.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}
