//! Where lines may end: behind blanks, and beside letters of a script that is written without them. Never inside a path, an
//! address or an option, which are copied as they are.

use textwrap::{Options, WordSeparator, WordSplitter, core::Word};

/// How text is broken into lines of so many columns.
pub(super) fn columns<'o>(width: usize) -> Options<'o> {
    Options::new(width)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
}

/// The words of a line, each with the blanks behind it.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut parts = WordSeparator::UnicodeBreakProperties.find_words(line).peekable();
    let mut start = 0;
    Box::new(std::iter::from_fn(move || {
        let mut end = start + whole(&parts.next()?);
        while let Some(next) = parts.peek() {
            let before = line[start..end].chars().next_back();
            let behind = next.word.chars().next();
            let is_wide = |c: Option<char>| c.is_some_and(|c| !c.is_ascii());
            if before == Some(' ') || is_wide(before) || is_wide(behind) {
                break;
            }
            end += whole(next);
            parts.next();
        }
        let word = Word::from(&line[start..end]);
        start = end;
        Some(word)
    }))
}

/// The bytes of a word with its blanks.
fn whole(word: &Word<'_>) -> usize {
    word.word.len() + word.whitespace.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::columns;

    fn lines(text: &str, width: usize) -> Vec<String> {
        let lines = textwrap::wrap(text, columns(width));
        lines.into_iter().map(std::borrow::Cow::into_owned).collect()
    }

    #[test]
    fn english_breaks_at_blanks_alone() {
        for text in [
            "see it with `getfacl '/srv/team-a/b'`",
            "https://host/a?b=c-d",
            "--password-file=/etc/x-y",
        ] {
            let words: Vec<_> = text.split(' ').collect();
            assert_eq!(lines(text, 4), words);
        }
    }

    #[test]
    fn chinese_breaks_between_letters_and_not_in_paths() {
        let told = lines("把文件/srv/team/a-b的属主改成root，然后再试一次。", 12);
        assert!(told.iter().any(|line| line.contains("/srv/team/a-b")), "{told:?}");
        assert!(told.len() > 3, "{told:?}");
        // No line begins with a sign that ends something.
        assert!(
            !told.iter().any(|line| line.starts_with(['，', '。'])),
            "{told:?}"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(text in "(\\PC| |[a-z/-]){0,60}", width in 1_usize..30) {
            let bare = |text: &str| text.replace(' ', "");
            prop_assert_eq!(bare(&lines(&text, width).concat()), bare(&text));
        }
    }
}
