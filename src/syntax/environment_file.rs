//! Files of `NAME=value` lines: what systemd's `EnvironmentFile=` reads (`parse_env_file` in env-file.c), and the
//! shell reads in `/etc/default/rsync`.

use std::ops::Range;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which bytes of the file, the newline included.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing, or a comment.
    Blank,
    /// `NAME=value`.
    Assignment {
        /// The word `export` in front of it, which only a shell knows.
        export: Option<Range<usize>>,
        /// The name.
        name: Range<usize>,
        /// The value without the quotes around it.
        value: Range<usize>,
        /// The character that quotes the whole value.
        quote: Option<u8>,
    },
    /// Something else: a command of a shell, or text that was pasted.
    Other(Range<usize>),
}

/// Reads a file. Any bytes give lines; one behind the other they are the file.
pub fn parse(file: &[u8]) -> Vec<Line> {
    let mut at = 0;
    let lines = file.split_inclusive(|&byte| byte == b'\n');
    lines
        .map(|line| {
            let range = at..at + line.len();
            at = range.end;
            let kind = kind(file, trimmed(file, range.clone()));
            Line { range, kind }
        })
        .collect()
}

fn kind(file: &[u8], text: Range<usize>) -> Kind {
    let bytes = &file[text.clone()];
    if matches!(bytes.first(), None | Some(b'#' | b';')) {
        return Kind::Blank;
    }
    let export = bytes
        .starts_with(b"export ")
        .then(|| text.start..text.start + "export".len());
    let start = match &export {
        Some(export) => trimmed(file, export.end..text.end).start,
        None => text.start,
    };
    let Some(equals) = file[start..text.end].iter().position(|&byte| byte == b'=') else {
        return Kind::Other(text);
    };
    let name = trimmed(file, start..start + equals);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if name.is_empty() || !file[name.clone()].iter().all(is_name) {
        return Kind::Other(text);
    }
    let value = trimmed(file, start + equals + 1..text.end);
    let quote = match &file[value.clone()] {
        [first @ (b'"' | b'\''), .., last] if first == last => Some(*first),
        _ => None,
    };
    let inside = usize::from(quote.is_some());
    Kind::Assignment {
        export,
        name,
        value: value.start + inside..value.end - inside,
        quote,
    }
}

fn trimmed(file: &[u8], range: Range<usize>) -> Range<usize> {
    let end = range.start + file[range.clone()].trim_ascii_end().len();
    end - file[range.start..end].trim_ascii_start().len()..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn assignments_are_taken_apart() {
        let file = b"# note\nRSYNC_ENABLE=true\nexport OPTIONS=\"--a b\"\nulimit -n 4096\nNAME=''\n";
        let found: Vec<_> = parse(file)
            .into_iter()
            .map(|line| match line.kind {
                Kind::Blank => "blank".to_owned(),
                Kind::Assignment {
                    export, name, value, ..
                } => {
                    let text = |range| String::from_utf8_lossy(&file[range]).into_owned();
                    format!("{} {} {}", export.is_some(), text(name), text(value))
                }
                Kind::Other(_) => "other".to_owned(),
            })
            .collect();
        assert_eq!(
            found,
            [
                "blank",
                "false RSYNC_ENABLE true",
                "true OPTIONS --a b",
                "other",
                "false NAME "
            ]
        );
    }

    proptest! {
        #[test]
        fn lines_cover_the_file(file in proptest::collection::vec(any::<u8>(), 0..400)) {
            let printed: Vec<u8> = parse(&file).iter().flat_map(|line| file[line.range.clone()].to_vec()).collect();
            prop_assert_eq!(printed, file);
        }

        #[test]
        fn ranges_are_in_their_line(file in "[a=\"' \n#]{0,60}") {
            let file = file.into_bytes();
            for line in parse(&file) {
                if let Kind::Assignment { name, value, .. } = line.kind {
                    prop_assert!(line.range.start <= name.start && name.end <= value.start && value.end <= line.range.end);
                }
            }
        }
    }
}
