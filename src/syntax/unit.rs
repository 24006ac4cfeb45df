//! systemd's unit files and drop-ins: sections of `Name=value` lines (`config_parse` in conf-parser.c of systemd).

use std::ops::Range;

use crate::syntax::Text;

/// A whole file: items that stand one behind the other without a gap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// In the order of the file.
    pub items: Vec<Item>,
}

/// A line, with the lines that a backslash joins to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Which bytes of the file, the newline included.
    pub range: Range<usize>,
    /// What systemd takes them for.
    pub kind: Kind,
}

/// What systemd takes a line for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Blank,
    /// A line that begins with `#` or `;`.
    Comment,
    /// `[Name]`; the text is the name.
    Section(Text),
    /// `Name=value`, without the blanks around either.
    Setting {
        /// The name as written; systemd compares it letter by letter.
        name: Text,
        /// The value; empty resets a list.
        value: Text,
    },
    /// A line that is none of these, which systemd logs and ignores.
    Malformed(Text),
}

/// Reads a file. Any bytes give a document.
pub fn parse(file: &[u8]) -> Document {
    let mut items = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let start = at;
        let mut text = Text::at(start);
        loop {
            let line = line(file, at);
            at = line.end;
            let content = line.start..line.end - usize::from(file[..line.end].ends_with(b"\n"));
            let is_first = line.start == start;
            if is_comment(&file[content.clone()]) {
                if is_first {
                    items.push(item(start..at, Kind::Comment));
                    break;
                }
                // A comment between joined lines is no part of them.
                if at < file.len() {
                    continue;
                }
            } else {
                let goes_on = ends_in_backslash(&file[content.clone()]);
                let kept = content.start..content.end - usize::from(goes_on);
                for (byte, offset) in file[kept.clone()].iter().zip(kept) {
                    text.push(*byte, offset);
                }
                if goes_on {
                    text.push(b' ', content.end - 1);
                    if at < file.len() {
                        continue;
                    }
                }
            }
            items.push(item(start..at, kind(&text)));
            break;
        }
    }
    Document { items }
}

impl Document {
    /// The bytes that were parsed, put together from the items again.
    pub fn print(&self, file: &[u8]) -> Vec<u8> {
        let ranges = self.items.iter().map(|item| &file[item.range.clone()]);
        ranges.flatten().copied().collect()
    }
}

fn item(range: Range<usize>, kind: Kind) -> Item {
    Item { range, kind }
}

/// The line that begins at `at`, with its newline.
fn line(file: &[u8], at: usize) -> Range<usize> {
    let newline = file[at..].iter().position(|&byte| byte == b'\n');
    at..newline.map_or(file.len(), |length| at + length + 1)
}

fn is_comment(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'#' | b';'))
}

fn ends_in_backslash(line: &[u8]) -> bool {
    let backslashes = line.iter().rev().take_while(|&&byte| byte == b'\\').count();
    backslashes % 2 == 1
}

fn kind(text: &Text) -> Kind {
    let line = text.trimmed();
    let bytes = line.bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return Kind::Blank;
    };
    if *first == b'[' {
        return match *last == b']' && bytes.len() > 1 {
            true => Kind::Section(line.slice(1..bytes.len() - 1)),
            false => Kind::Malformed(line),
        };
    }
    match bytes.iter().position(|&byte| byte == b'=') {
        Some(equals) if equals > 0 => Kind::Setting {
            name: line.slice(0..equals).trimmed(),
            value: line.slice(equals + 1..bytes.len()).trimmed(),
        },
        _ => Kind::Malformed(line),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(file: &[u8]) -> Vec<(String, String, Range<usize>)> {
        let items = parse(file).items.into_iter();
        items
            .filter_map(|item| match item.kind {
                Kind::Setting { name, value } => Some((
                    name.display().into_owned(),
                    value.display().into_owned(),
                    value.range(),
                )),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn lines_are_joined_over_comments() {
        let file = b"[Service]\nExecStart = /usr/bin/rsync \\\n# a note\n  --daemon\nUser=\n";
        let found = settings(file);
        assert_eq!(found[0].0, "ExecStart");
        assert_eq!(found[0].1, "/usr/bin/rsync    --daemon");
        assert_eq!(&file[found[0].2.clone()][..14], b"/usr/bin/rsync");
        assert_eq!(found[0].2.end, file.len() - "\nUser=\n".len());
        assert_eq!(
            found[1],
            ("User".to_owned(), String::new(), file.len() - 1..file.len() - 1)
        );
    }

    #[test]
    fn what_is_no_setting_is_kept() {
        let kinds: Vec<_> = parse(b"; note\n[Unit\nwords\n=x\n\n[Socket]")
            .items
            .into_iter()
            .map(|item| item.kind)
            .collect();
        assert_eq!(kinds[0], Kind::Comment);
        assert!(kinds[1..4].iter().all(|kind| matches!(kind, Kind::Malformed(_))));
        assert_eq!(kinds[4], Kind::Blank);
        assert!(matches!(&kinds[5], Kind::Section(name) if name.bytes() == b"Socket"));
    }

    proptest! {
        #[test]
        fn printing_gives_the_same_bytes(file in "[a\\\\#;=\\[\\] \n\r\t\u{0}é]{0,80}") {
            let file = file.into_bytes();
            prop_assert_eq!(parse(&file).print(&file), file);
        }

        #[test]
        fn any_bytes_are_read(file in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert_eq!(parse(&file).print(&file), file);
        }
    }
}
