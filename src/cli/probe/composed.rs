//! Variables that a script sets under names which only a run puts together.

/// Commands that set the variables which stand behind them.
const SETTERS: [&[u8]; 9] = [
    b"export",
    b"declare",
    b"typeset",
    b"local",
    b"readonly",
    b"read",
    b"mapfile",
    b"readarray",
    b"unset",
];

/// Whether a script may set variables whose names only a run puts together: `export $(cat FILE)`, `declare "$NAME=$VALUE"`.
pub(super) fn composes(script: &[u8]) -> bool {
    let is_end = |byte: &u8| b";&|(".contains(byte);
    let is_composed = |line: &[u8]| {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let first = words.find_map(|word| {
            let word = word.rsplit(is_end).next().unwrap_or_default();
            SETTERS.contains(&word).then_some(word)
        });
        let is_of_reference = |word: &[u8]| {
            matches!(first, Some(b"declare" | b"typeset" | b"local"))
                && word.starts_with(b"-")
                && word.contains(&b'n')
        };
        let starts: [&[u8]; 4] = [b"$", b"\"$", b"`", b"{"];
        first.is_some()
            && words
                .take_while(|word| !word.starts_with(b"#") && !is_end(&word[0]))
                .any(|word| is_of_reference(word) || starts.iter().any(|start| word.starts_with(start)))
    };
    let names_by_value = script.windows(11).any(|text| text == b"printf -v \"");
    names_by_value || script.split(|&byte| byte == b'\n').any(is_composed)
}
