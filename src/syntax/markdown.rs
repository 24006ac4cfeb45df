//! The code blocks of a Markdown file, and where each of their bytes stands in it.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A code block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// What stands behind the opening fence; empty where nothing does, or where the block is only indented.
    pub info: String,
    /// Which bytes of the file it holds, in order: without the fences, without what a quote or a list puts in front of
    /// each line, and without carriage returns.
    pub pieces: Vec<Range<usize>>,
    /// What stands between the code block before it and this one.
    pub before: Range<usize>,
}

/// Finds the code blocks of a file. Any bytes give blocks.
pub fn blocks(file: &[u8]) -> Vec<Block> {
    let text = same_length_text(file);
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    let mut end = 0;
    for (event, range) in Parser::new_ext(&text, Options::empty()).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let info = match kind {
                    CodeBlockKind::Fenced(info) => info.trim().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                open = Some(Block {
                    info,
                    pieces: Vec::new(),
                    before: end..range.start.max(end),
                });
            }
            Event::Text(_) => {
                if let Some(block) = &mut open {
                    match block.pieces.last_mut() {
                        Some(last) if last.end == range.start => last.end = range.end,
                        Some(last) if last.end > range.start => {}
                        _ if range.is_empty() => {}
                        _ => block.pieces.push(range),
                    }
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                end = end.max(range.end);
                blocks.extend(open.take());
            }
            _ => {}
        }
    }
    blocks
}

/// The file with a `?` for every byte that is not UTF-8, so that offsets stay what they are.
fn same_length_text(file: &[u8]) -> String {
    let mut text = String::with_capacity(file.len());
    for chunk in file.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(file: &[u8]) -> Vec<(String, String)> {
        let told = blocks(file).into_iter().map(|block| {
            let pieces: Vec<&[u8]> = block.pieces.into_iter().map(|piece| &file[piece]).collect();
            (block.info, String::from_utf8_lossy(&pieces.concat()).into_owned())
        });
        told.collect()
    }

    #[test]
    fn fences_are_read_wherever_they_stand() {
        let file = b"# A\n\n```ini title=x\na = b\n\n c\n```\n\n1. one\n\n   ~~~ conf\n   [m]\n     path = /x\n   ~~~\n\n> ````\n> a\n>  b\n> ````\n\n    in = dented\n    too\n";
        let expected = [
            ("ini title=x", "a = b\n\n c\n"),
            ("conf", "[m]\n  path = /x\n"),
            ("", "a\n b\n"),
            ("", "in = dented\ntoo\n"),
        ];
        let expected = expected.map(|(info, text)| (info.to_owned(), text.to_owned()));
        assert_eq!(told(file), expected);
    }

    #[test]
    fn line_ends_of_windows_and_broken_text_keep_their_places() {
        let file = b"\xe9\xe8\r\n```\r\npath = /\xe9\r\nx = y\r\n```\r\n";
        assert_eq!(
            told(file),
            [(String::new(), "path = /\u{fffd}\nx = y\n".to_owned())]
        );
        assert_eq!(blocks(b"\xff\n```\nabc")[0].pieces.first(), Some(&(6..9)));
    }

    #[test]
    fn what_stands_before_a_block_is_told() {
        let file = b"Edit `a`:\n\n```\nx\n```\nthen\n```\ny\n```\n";
        let before: Vec<_> = blocks(file)
            .into_iter()
            .map(|block| &file[block.before])
            .collect();
        assert_eq!(before, [&b"Edit `a`:\n\n"[..], b"\nthen\n"]);
    }

    proptest! {
        #[test]
        fn pieces_are_in_order(file in proptest::collection::vec(
            prop_oneof![
                Just(b"```\n".to_vec()), Just(b"> ".to_vec()), Just(b"\t".to_vec()), Just(b"    ".to_vec()),
                Just(b"- ".to_vec()), Just(b"\r\n".to_vec()), Just(b"~~~ini\n".to_vec()),
                proptest::collection::vec(any::<u8>(), 0..6),
            ],
            0..60,
        )) {
            let file = file.concat();
            let mut at = 0;
            for block in blocks(&file) {
                prop_assert!(block.before.end <= file.len());
                for piece in block.pieces {
                    prop_assert!(at <= piece.start && piece.start < piece.end && piece.end <= file.len());
                    at = piece.end;
                }
            }
        }
    }
}
