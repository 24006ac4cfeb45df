//! Lines in other words than rsync's own: the system's reasons in another language, and words that somebody has typed.

use std::borrow::Cow;

/// What Linux calls the reasons of which the pages tell (`strerror` of the C library).
const REASONS: [(u32, &str); 26] = [
    (1, "Operation not permitted"),
    (2, "No such file or directory"),
    (5, "Input/output error"),
    (11, "Resource temporarily unavailable"),
    (12, "Cannot allocate memory"),
    (13, "Permission denied"),
    (16, "Device or resource busy"),
    (17, "File exists"),
    (20, "Not a directory"),
    (21, "Is a directory"),
    (22, "Invalid argument"),
    (26, "Text file busy"),
    (27, "File too large"),
    (28, "No space left on device"),
    (30, "Read-only file system"),
    (32, "Broken pipe"),
    (36, "File name too long"),
    (39, "Directory not empty"),
    (95, "Operation not supported"),
    (98, "Address already in use"),
    (99, "Cannot assign requested address"),
    (101, "Network is unreachable"),
    (104, "Connection reset by peer"),
    (110, "Connection timed out"),
    (111, "Connection refused"),
    (113, "No route to host"),
];

/// What people type from memory, and what rsync writes.
pub(super) const TYPED: [(&str, &str); 6] = [
    ("@ERROR ", "@ERROR: "),
    ("Unkown module", "Unknown module"),
    ("faild to", "failed to"),
    ("failed to conect", "failed to connect"),
    ("Connection refuesd", "Connection refused"),
    ("Permision denied", "Permission denied"),
];

/// The line as a rsync of an English system writes it. A reason is known by its number, where the words in front of it are
/// of no alphabet that English has.
pub(super) fn in_english(line: &str) -> Cow<'_, str> {
    let mut line = Cow::Borrowed(line);
    for (typed, written) in TYPED {
        if line.contains(typed) {
            line = Cow::Owned(line.replace(typed, written));
        }
    }
    if line.is_ascii() {
        return line;
    }
    for (number, reason) in REASONS {
        let number = format!(" ({number})");
        let Some(end) = line.find(&number) else { continue };
        let Some(colon) = line[..end].rfind(':') else {
            continue;
        };
        let words = line[colon + 1..end].trim();
        if !words.is_empty() && words.chars().all(|letter| !letter.is_ascii() || letter == ' ') {
            line = Cow::Owned(format!("{}: {reason}{}", &line[..colon], &line[end..]));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_known_by_their_numbers() {
        for (line, expected) in [
            (
                "rsync: failed to connect to h: 拒绝连接 (111)",
                "rsync: failed to connect to h: Connection refused (111)",
            ),
            (
                "rsync: mkstemp \"a\" failed:权限不够 (13)",
                "rsync: mkstemp \"a\" failed: Permission denied (13)",
            ),
            (
                "rsync: failed to connect to h: Connection refused (61)",
                "rsync: failed to connect to h: Connection refused (61)",
            ),
            ("备份：错误 (9)", "备份：错误 (9)"),
            ("(2)", "(2)"),
            ("é (2)", "é (2)"),
            ("@ERROR chdir failed", "@ERROR: chdir failed"),
            ("rsync: faild to conect to h", "rsync: failed to connect to h"),
        ] {
            assert_eq!(in_english(line), expected);
        }
    }
}
