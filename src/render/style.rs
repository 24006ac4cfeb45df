//! Colours and widths of text for people.

use crate::{catalog::Language, render::wrap::columns};

/// How a report looks.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// The language of its sentences.
    pub language: Language,
    /// Whether escape sequences colour it.
    pub color: bool,
    /// Whether lines are drawn with more than ASCII.
    pub unicode: bool,
    /// Columns of the terminal.
    pub width: usize,
    /// The most findings of one rule that the human format shows; 0: all.
    pub limit: usize,
}

/// Breaks a text into lines of the width, those behind the first indented.
pub(super) fn wrapped(text: &str, indent: &str, style: Style) -> String {
    textwrap::fill(text, columns(style.width).subsequent_indent(indent))
}

/// A text in bold, where colours are wanted.
pub(super) fn bold(text: &str, style: Style) -> String {
    colored(text, "1", style)
}

/// A text that stands back.
pub(super) fn dim(text: &str, style: Style) -> String {
    colored(text, "2", style)
}

/// A text in green.
pub(super) fn green(text: &str, style: Style) -> String {
    colored(text, "32", style)
}

/// A text in red.
pub(super) fn red(text: &str, style: Style) -> String {
    colored(text, "31", style)
}

fn colored(text: &str, code: &str, style: Style) -> String {
    if style.color {
        format!("\x1b[{code}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
