//! What a file says must neither command a terminal nor hide in it.

/// A text on one line, each of its characters as it is shown.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(shown_as).collect()
}

/// A character itself, or a dot for one that would command the terminal, change the direction of the text, or look
/// like nothing or like a blank.
pub(super) fn shown_as(c: char) -> char {
    match c {
        '\u{a0}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{feff}' => '·',
        c if c.is_control() => '·',
        c => c,
    }
}
