//! The two files that hold passwords: the daemon's, with names, and the client's, with one password.

use std::ops::Range;

/// How many bytes of a line `fgets` in `check_secret` of authenticate.c takes at once.
const LONGEST_LINE: usize = 1023;
/// How many bytes of a password file `getpassf` in authenticate.c reads.
const LONGEST_PASSWORD_FILE: usize = 511;

/// A line of a secrets file, or a part of one that is too long.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which bytes of the file, the newline included.
    pub range: Range<usize>,
    /// The bytes that count: without newline and carriage return.
    pub text: Range<usize>,
    /// What rsync takes them for.
    pub content: Content,
    /// Whether it is the rest of a line of more than 1023 bytes, which rsync reads as a line of its own.
    pub is_rest: bool,
}

/// What rsync takes a line for.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing.
    Blank,
    /// A line that begins with `#`. It names no user, because user names that begin so are refused.
    Comment,
    /// A name and a password.
    Secret {
        /// The name, without the `@` of a group.
        name: Range<usize>,
        /// Whether it is a group's.
        is_group: bool,
        /// Everything behind the first colon.
        password: Range<usize>,
    },
    /// A line that matches no name.
    WithoutColon,
}

/// Reads a daemon's secrets file. Any bytes give lines; one behind the other they are the file.
pub fn parse(file: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    let mut is_rest = false;
    while start < file.len() {
        let chunk = &file[start..file.len().min(start + LONGEST_LINE)];
        let newline = chunk.iter().position(|&byte| byte == b'\n');
        let end = start + newline.map_or(chunk.len(), |at| at + 1);
        let text = token(file, start..end);
        lines.push(Line {
            range: start..end,
            content: content(file, &text),
            text,
            is_rest,
        });
        is_rest = newline.is_none();
        start = end;
    }
    lines
}

/// The password that a client reads from its password file; `None` if there is none.
pub fn password(file: &[u8]) -> Option<Range<usize>> {
    let read = &file[..file.len().min(LONGEST_PASSWORD_FILE)];
    let text = token(read, 0..read.len());
    (!text.is_empty()).then_some(text)
}

/// The bytes of a secrets file that no report may show: passwords, lines that may be nothing but a password, and what
/// is commented out. In order, without overlaps.
pub fn hidden_in_secrets(file: &[u8]) -> Vec<Range<usize>> {
    parse(file)
        .into_iter()
        .filter_map(|line| match line.content {
            _ if line.is_rest => Some(line.range),
            Content::Secret { password, .. } => Some(password.start..line.range.end),
            Content::WithoutColon => Some(line.range),
            Content::Comment
                if !file[line.text.clone()]
                    .windows(9)
                    .any(|word| word == b"rsyncctl:") =>
            {
                Some(line.text.start + 1..line.range.end)
            }
            Content::Comment => None,
            Content::Blank => Some(line.range),
        })
        .map(|range| range.start..range.end - usize::from(file[..range.end].ends_with(b"\n")))
        .collect()
}

/// The parts of a secrets file that are surely or very likely passwords, so that no report may show them in other places
/// either. A comment of prose is hidden where it stands, and its words may stand anywhere.
pub fn passwords_in_secrets(file: &[u8]) -> Vec<Range<usize>> {
    parse(file)
        .into_iter()
        .filter_map(|line| match line.content {
            _ if line.is_rest => Some(line.text),
            Content::Secret { password, .. } => Some(password),
            Content::WithoutColon => Some(line.text),
            Content::Comment => {
                let words = &file[line.text.clone()];
                let behind = words.iter().position(|&byte| byte == b':')? + 1;
                Some(line.text.start + behind..line.text.end)
            }
            Content::Blank => None,
        })
        .collect()
}

/// `strtok` with newline and carriage return; a NUL ends it too.
fn token(file: &[u8], range: Range<usize>) -> Range<usize> {
    let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let bytes = &file[range.clone()];
    let bytes = &bytes[..bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len())];
    let start = bytes.iter().position(|byte| !is_end(byte)).unwrap_or(bytes.len());
    let length = bytes[start..]
        .iter()
        .position(is_end)
        .unwrap_or(bytes.len() - start);
    range.start + start..range.start + start + length
}

fn content(file: &[u8], text: &Range<usize>) -> Content {
    let bytes = &file[text.clone()];
    let Some(&first) = bytes.first() else {
        return Content::Blank;
    };
    if first == b'#' {
        return Content::Comment;
    }
    let is_group = first == b'@';
    match bytes.iter().position(|&byte| byte == b':') {
        Some(colon) => Content::Secret {
            name: text.start + usize::from(is_group)..text.start + colon,
            is_group,
            password: text.start + colon + 1..text.end,
        },
        None => Content::WithoutColon,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_passwords_are_taken_apart() {
        let file = b"# users\njoe:a:b \r\n@staff:x\nnobody\n\n";
        let contents: Vec<_> = parse(file).into_iter().map(|line| line.content).collect();
        let [comment, joe, staff, nobody, blank] = &contents[..] else {
            panic!("{contents:?}");
        };
        assert_eq!(*comment, Content::Comment);
        assert_eq!(
            *joe,
            Content::Secret {
                name: 8..11,
                is_group: false,
                password: 12..16
            }
        );
        assert!(matches!(staff, Content::Secret { is_group: true, .. }));
        assert_eq!(*nobody, Content::WithoutColon);
        assert_eq!(*blank, Content::Blank);
    }

    #[test]
    fn long_lines_are_cut_where_rsync_cuts_them() {
        let file = format!("joe:{}\nann:x\n", "p".repeat(1100));
        let lines = parse(file.as_bytes());
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].range, 0..1023);
        assert!(lines[1].is_rest && !lines[2].is_rest);
    }

    #[test]
    fn only_names_and_our_own_comments_are_shown() {
        let file = b"joe:one\0two\n\n#ann:three\n# rsyncctl: allow-file RSY324\nfour\r\n";
        let mut shown = file.to_vec();
        for range in hidden_in_secrets(file) {
            shown[range].fill(b'*');
        }
        assert_eq!(
            String::from_utf8_lossy(&shown),
            "joe:*******\n\n#*********\n# rsyncctl: allow-file RSY324\n*****\n"
        );
    }

    #[test]
    fn prose_in_comments_is_no_password() {
        let file = b"# backup\njoe:one\n#ann:two\nthree\n# rsyncctl: allow-file RSY324\n";
        let found = passwords_in_secrets(file).into_iter().map(|range| &file[range]);
        let found: Vec<_> = found.map(String::from_utf8_lossy).collect();
        assert_eq!(found, ["one", "two", "three", " allow-file RSY324"]);
    }

    #[test]
    fn a_password_file_gives_its_first_line() {
        assert_eq!(password(b"not-a-real-one \r\nmore\n"), Some(0..15));
        assert_eq!(password(b"\n\nx"), Some(2..3));
        assert_eq!(password(b"\r\n"), None);
        assert_eq!(password(b""), None);
    }

    proptest! {
        #[test]
        fn lines_cover_the_file(file in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let lines = parse(&file);
            let mut at = 0;
            for line in &lines {
                prop_assert_eq!(line.range.start, at);
                prop_assert!(line.range.start <= line.text.start && line.text.end <= line.range.end);
                at = line.range.end;
            }
            prop_assert_eq!(at, file.len());
        }
    }
}
