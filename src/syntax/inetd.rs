//! inetd.conf: one service a line, words with blanks between them.

use std::ops::Range;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which bytes of the file, the newline included.
    pub range: Range<usize>,
    /// Its words: service, socket type, protocol, `nowait`, user, program, then the program's name and arguments. None
    /// for a comment.
    pub words: Vec<Range<usize>>,
}

/// Reads a file. Any bytes give lines; one behind the other they are the file.
pub fn parse(file: &[u8]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        let range = at..at + line.len();
        at = range.end;
        let words = match line.first() {
            Some(b'#') => Vec::new(),
            _ => words(file, range.clone()),
        };
        lines.push(Line { range, words });
    }
    lines
}

/// The words of a stretch of a file.
pub(crate) fn words(file: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for at in range.clone() {
        match (file[at].is_ascii_whitespace(), start) {
            (false, None) => start = Some(at),
            (true, Some(begin)) => {
                found.push(begin..at);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|begin| begin..range.end));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_told_apart() {
        let file = b"# inetd\nrsync\tstream tcp nowait root /usr/bin/rsync rsync --daemon\n";
        let lines = parse(file);
        assert!(lines[0].words.is_empty());
        let words: Vec<_> = lines[1].words.iter().map(|word| &file[word.clone()]).collect();
        assert_eq!(words.len(), 8);
        assert_eq!(words[0], b"rsync");
        assert_eq!(words[7], b"--daemon");
    }

    proptest! {
        #[test]
        fn lines_cover_the_file(file in proptest::collection::vec(any::<u8>(), 0..400)) {
            let printed: Vec<u8> = parse(&file).iter().flat_map(|line| file[line.range.clone()].to_vec()).collect();
            prop_assert_eq!(printed, file);
        }
    }
}
