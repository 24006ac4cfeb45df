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

/// So many words may stand between that for a password and a colon in front of it: `password of joe: PASSWORD`.
const MOST_BETWEEN: usize = 3;
/// The same words, and what stands behind them where nothing parts them from what follows.
const GLUED: [&str; 4] = ["密码是", "密码为", "\u{53e3}\u{4ee4}是", "\u{53e3}\u{4ee4}为"];

/// The text of a note: a comment, one behind a value, or the `comment` that a daemon shows in its listing.
fn note(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let signs = ['#', ';', '!', ' ', '\t'];
    if text.starts_with(['#', ';']) {
        return Some(text.trim_start_matches(signs));
    }
    if let Some(rest) = text.strip_prefix("comment")
        && let Some(rest) = rest.trim_start().strip_prefix('=')
    {
        return Some(rest);
    }
    let behind = [" #", "\t#"].iter().find_map(|sign| text.split_once(sign));
    let behind = behind.or_else(|| {
        let (value, rest) = text.split_once(" ;")?;
        // `Badly formed boolean in configuration file: "yes ; …".` (`lp_bool_parse` in loadparm.c)
        let is_setting = value.contains('=') || value.contains("in configuration file: ");
        is_setting.then_some((value, rest))
    });
    behind.map(|(_, rest)| rest.trim_start_matches(signs))
}

/// `my password is PASSWORD`, where a word is none of a language.
pub(super) fn in_prose(line: &str, found: &mut Vec<Credential>) {
    let mut words = line.split_whitespace().map(bare);
    while let Some(word) = words.next() {
        if let Some(behind) = GLUED.iter().find_map(|name| Some(word.split_once(name)?.1))
            && looks_like_password(behind, true)
        {
            found.push(guessed(line, behind));
        }
        if NAMES.contains(&&*word.to_lowercase()) {
            let mut next = words.clone();
            if next.next().is_some_and(|verb| BETWEEN.contains(&verb))
                && let Some(password) = next.next().filter(|word| looks_like_password(word, false))
            {
                found.push(guessed(line, password));
            }
        }
    }
}

fn bare(word: &str) -> &str {
    word.trim_matches(['"', '\'', '`', ',', ';', '(', ')', '.'])
}

fn guessed(line: &str, password: &str) -> Credential {
    let start = password.as_ptr() as usize - line.as_ptr() as usize;
    Credential {
        range: start..start + password.len(),
        is_sure: false,
        is_of_file: false,
    }
}

/// `# pwd PASSWORD`, `# the pass is PASSWORD`, `# joe:PASSWORD`.
pub(super) fn in_comment(line: &str, found: &mut Vec<Credential>) {
    let Some(note) = note(line) else {
        return;
    };
    let mut words = note.split_whitespace().peekable();
    let mut is_named = false;
    // How many words ago that for a password was.
    let mut since = None;
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
            found.push(guessed(line, password));
        }
        is_named = NAMES.contains(&bare.trim_end_matches([':', '：', '=']).to_lowercase().as_str());
        since = match since {
            _ if is_named => Some(0),
            Some(count) if count < MOST_BETWEEN => Some(count + 1),
            _ => None,
        };
        is_named |= since.is_some() && bare.ends_with([':', '：', '=']);
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
