//! Passwords in notes for people, where no sign stands between the word for one and itself.

use super::Credential;

/// The word for a password, as people write it in notes; `# joe: password` and `password: …` are found by their signs.
const NAMES: [&str; 9] = [
    "password",
    "passwd",
    "passwort",
    "passphrase",
    "passe",
    "pass",
    "pwd",
    "pw",
    "密码",
];
/// What stands between that word and the password.
const BETWEEN: [&str; 8] = ["is", "was", "ist", "est", "es", "=", ":", "："];
/// What begins a line that an editor or a reader looks for, and no login.
const MARKS: [&str; 8] = ["vim", "vi", "ex", "todo", "fixme", "note", "http", "https"];

/// The text of a note: a comment, or the `comment` that a daemon shows in its listing.
fn note(line: &str) -> Option<&str> {
    let text = line.trim_start();
    if text.starts_with(['#', ';']) {
        return Some(text.trim_start_matches(['#', ';', '!', ' ', '\t']));
    }
    let rest = text.strip_prefix("comment")?;
    rest.trim_start().strip_prefix('=')
}

/// `# pwd PASSWORD`, `# the pass is PASSWORD`, `# joe:PASSWORD`.
pub(super) fn in_comment(line: &str, found: &mut Vec<Credential>) {
    let Some(note) = note(line) else {
        return;
    };
    let mut words = note.split_whitespace().peekable();
    let mut is_named = false;
    let is_alone = note.split_whitespace().nth(1).is_none();
    while let Some(word) = words.next() {
        let bare = word.trim_matches(['"', '\'', '`', ',', ';', '(', ')']);
        let is_last = words.peek().is_none();
        let password = match bare.split_once(':') {
            // An account and its password, as a secrets file has them.
            Some((user, password)) if is_alone && is_login(user, password) => password,
            _ if is_named && BETWEEN.contains(&bare) => continue,
            _ if is_named && looks_like_password(bare, is_last) => bare,
            _ => "",
        };
        if !password.is_empty() {
            let start = password.as_ptr() as usize - line.as_ptr() as usize;
            found.push(Credential {
                range: start..start + password.len(),
                is_sure: false,
                is_of_file: false,
            });
        }
        is_named = NAMES.contains(&bare.trim_end_matches([':', '：', '=']).to_lowercase().as_str());
    }
}

fn is_login(user: &str, password: &str) -> bool {
    let is_account = !user.is_empty()
        && user
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_account
        && !MARKS.contains(&user.to_lowercase().as_str())
        && !password.starts_with(['/', ':', '*'])
        && !password.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word behind that for a password is one: the last of a note, or none of a language.
fn looks_like_password(word: &str, is_last: bool) -> bool {
    let is_word = word.chars().all(char::is_alphabetic);
    (is_last || !is_word) && !word.starts_with(['/', '-', '$', '*', '<', '~']) && !word.is_empty()
}
