//! Where passwords stand in text of any kind: command lines, settings, units, lines of a log.

mod comments;
mod options;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, ops::Range};

use strsim::damerau_levenshtein;

/// A password, as far as its surroundings tell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credential {
    /// Where it stands.
    pub range: Range<usize>,
    /// Whether it is surely one, and no word of a sentence: it is none to be met elsewhere either.
    pub is_sure: bool,
    /// Whether the name in front of it is rather that of a file with a password.
    pub is_of_file: bool,
}

/// Parts of names of settings and variables that hold a password.
const PARTS: [&str; 16] = [
    "password",
    "kennwort",
    "wachtwoord",
    "пароль",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api_key",
    "api-key",
    "credential",
    "private_key",
    "authorization",
    "密码",
    // The other word for it, which we do not write.
    "\u{53e3}\u{4ee4}",
];
/// Ends of such names.
const ENDS: [&str; 6] = ["pass", "pwd", "_pw", "-pw", "psk", "cookie"];
/// What somebody may have meant who typed a name nearly so.
const MEANT: [&str; 2] = ["password", "passwd"];
/// So many slips of the fingers are looked through.
const MOST_SLIPS: usize = 2;
/// Parts of names that are about a file with a password rather.
const OF_FILES: [&str; 4] = ["file", "path", "dir", "users"];

/// The passwords of a text, in order and without overlaps. What is no password is sometimes taken for one: this is for
/// texts that strangers are to read.
pub fn credentials(text: &str) -> Vec<Credential> {
    let mut found = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n').flat_map(pieces) {
        let first = found.len();
        of_line(line.trim_end_matches(['\n', '\r']), &mut found);
        for one in &mut found[first..] {
            one.range = start + one.range.start..start + one.range.end;
        }
        start += line.len();
    }
    found.retain(|one: &Credential| !one.range.is_empty());
    found.sort_by_key(|one| (one.range.start, one.range.end));
    found.dedup_by(|next, last| {
        let overlaps = next.range.start < last.range.end;
        if overlaps {
            last.range.end = last.range.end.max(next.range.end);
            last.is_sure |= next.is_sure;
            last.is_of_file &= next.is_of_file;
        }
        overlaps
    });
    found
}

/// So much of a line is looked at as one, in bytes: to look for the end of each word in a line without ends takes long.
const LONGEST: usize = 4 << 10;

/// A line in pieces that are not too long, which end between words where they can.
fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let piece = match rest.len() {
            0 => return None,
            1..=LONGEST => rest,
            _ => {
                let most = (0..=LONGEST).rev().find(|&at| rest.is_char_boundary(at));
                let most = most.unwrap_or(rest.len());
                let blank = rest[..most].rfind([' ', '\t']).filter(|at| *at > 0);
                &rest[..blank.unwrap_or(most)]
            }
        };
        rest = &rest[piece.len()..];
        Some(piece)
    })
}

/// Where passwords stand that no report shows: what is only a file's name, or comes from elsewhere, may be seen.
pub(super) fn kept_back(text: &str) -> Vec<Range<usize>> {
    let found = credentials(text).into_iter();
    let is_meant = |one: &Credential| !one.is_of_file && !comes_from_elsewhere(&text[one.range.clone()]);
    found.filter(is_meant).map(|one| one.range).collect()
}

/// A text as reports show it: `****` in the place of each password in it.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    let found = kept_back(text);
    if found.is_empty() {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        shown += &text[at..range.start];
        shown += BLOT;
        at = range.end;
    }
    shown += &text[at..];
    shown.into()
}

/// A part of a text as reports show it: `****` in the place of each password that the text around it gives away.
pub fn part_without_passwords(part: &str, text: &str) -> String {
    let found = kept_back(text).into_iter().map(|range| &text[range]);
    found.fold(without_passwords(part).into_owned(), |part, password| {
        part.replace(password, BLOT)
    })
}

/// What stands in the place of a password. It does not tell how long that is.
pub const BLOT: &str = "****";

/// `$NAME`, `$(cat FILE)`: what it is stands elsewhere. What `echo` prints stands here.
fn comes_from_elsewhere(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('$') else {
        return value.chars().all(|c| c == '*');
    };
    let is_name = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_command = rest.starts_with('(') && !["echo", "printf", ":"].iter().any(|said| rest.contains(said));
    // `${NAME:-password}`
    is_name || is_command || rest.starts_with('{') && !rest.contains([':', '-', '='])
}

fn of_line(line: &str, found: &mut Vec<Credential>) {
    comments::in_comment(line, found);
    comments::in_prose(line, found);
    in_login(line, found);
    in_addresses(line, found);
    behind_names(line, found);
    options::behind_options(line, found);
}

fn sure(range: Range<usize>) -> Credential {
    Credential {
        range,
        is_sure: true,
        is_of_file: false,
    }
}

/// `scheme://user:password@host`, `user:password@host::module`.
fn in_addresses(line: &str, found: &mut Vec<Credential>) {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '|' | '`');
    for (at, sign) in line.match_indices("://") {
        let start = at + sign.len();
        let rest = &line[start..];
        let rest = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let Some(end) = rest.rfind('@') else { continue };
        let login = &rest[..end];
        let is_port = |behind: &str| {
            let port = behind.split('/').next().unwrap_or_default();
            behind.contains('/') && port.bytes().all(|byte| byte.is_ascii_digit())
        };
        match login.split_once(':') {
            Some((user, behind)) if !user.contains(['/', '[']) && !is_port(behind) => {
                found.push(sure(start + user.len() + 1..start + end));
            }
            // A token stands in the place of the user there.
            None if is_web(&line[..at]) && !login.contains('/') => {
                found.push(sure(start..start + end));
            }
            _ => {}
        }
    }
    for word in line.split(is_end).filter(|word| !word.contains("://")) {
        let start = word.as_ptr() as usize - line.as_ptr() as usize;
        // `--source=joe:password@host::module`
        let own = word.rfind('=').map_or(0, |at| at + 1);
        let Some((user, behind)) = word[own..].split_once(':') else {
            continue;
        };
        let Some(at) = behind.rfind('@') else { continue };
        // A note may name no host behind the sign.
        let is_module = line[..start].ends_with("nknown module '");
        let is_host = behind[at..].contains(':') || at > 0 && (at + 1 == behind.len() || is_module);
        let is_address = !behind[..at].contains('/') && is_host && !behind.starts_with(':');
        if is_address && !user.is_empty() && !user.contains(['@', '/', '[']) {
            let start = start + own + user.len() + 1;
            found.push(sure(start..start + at));
        }
    }
}

/// `auth failed on module m from h (192.0.2.7) for joe:password: no matching rule`, where somebody typed both as the name
/// (`auth_server` in authenticate.c).
fn in_login(line: &str, found: &mut Vec<Credential>) {
    let told = line.split_once("auth failed on module ");
    let Some((_, login)) = told.and_then(|(_, told)| told.split_once(") for ")) else {
        return;
    };
    let login = login.rsplit_once(": ").map_or(login, |(login, _)| login);
    if let Some((_, password)) = login.split_once(':') {
        let start = password.as_ptr() as usize - line.as_ptr() as usize;
        found.push(sure(start..start + password.len()));
    }
}

fn is_web(before: &str) -> bool {
    before.ends_with("http") || before.ends_with("https")
}

/// `NAME=password`, `"name": "password"`, `--name password`.
fn behind_names(line: &str, found: &mut Vec<Credential>) {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut at = 0;
    while let Some(start) = line[at..].find(is_name).map(|found| at + found) {
        let end = line[start..]
            .find(|c| !is_name(c))
            .map_or(line.len(), |length| start + length);
        at = end;
        let sign = line[end..].trim_start_matches(['"', '\'', '\\']).trim_start();
        if !sign.starts_with(['=', ':', '：', '>']) && !line[start..].starts_with('-') {
            continue;
        }
        let name = line[start..end].to_lowercase();
        let is_key = is_key(&name);
        let Some(is_file) = named(&name).or_else(|| is_key.then_some(false)) else {
            continue;
        };
        let behind = line[end..].trim_start_matches(['"', '\'', '\\']);
        let blanks = behind.trim_start();
        let before = line[..start].chars().next_back();
        let is_prose = name.contains('.') || before == Some('/');
        let value = match blanks.chars().next() {
            Some('=') => &blanks[1..],
            _ if is_key && !name.starts_with('-') => continue,
            Some(':') if !blanks.starts_with("://") && !is_prose => &blanks[1..],
            Some('：') => &blanks['：'.len_utf8()..],
            // `<password>…</password>`
            Some('>') if before == Some('<') => &blanks[1..],
            _ if name.starts_with('-') && blanks.len() < behind.len() && !blanks.starts_with('-') => blanks,
            _ => continue,
        };
        let is_sure = !matches!(blanks.chars().next(), Some(':' | '：'));
        let value = value.trim_start_matches([' ', '\t', '=']);
        let from = value.as_ptr() as usize - line.as_ptr() as usize;
        let range = value_range(line, from, before, name.contains("authorization"));
        let text = &line[range.clone()];
        if is_file && (text == "-" || looks_like_file(text)) || is_key && text.starts_with(['/', '~', '.']) {
            continue;
        }
        at = range.end.max(end);
        found.push(Credential {
            range,
            is_sure,
            is_of_file: is_file,
        });
    }
}

/// Whether an option or a setting of that name would have a password as its value.
pub fn names_password(name: &str) -> bool {
    named(&name.to_lowercase()).is_some()
}

/// Whether a name is that of a password, and whether rather that of its file.
fn named(name: &str) -> Option<bool> {
    let is_meant = PARTS.iter().any(|part| name.contains(part))
        || ENDS.iter().any(|part| name.ends_with(part))
        || name == "pw"
        || is_misspelt(name);
    is_meant.then(|| OF_FILES.iter().any(|part| name.contains(part)))
}

/// `--passwrod`, `PASWORD`, `--passwrod-file`
fn is_misspelt(name: &str) -> bool {
    let name = name.trim_start_matches('-').split(['-', '_', '.']);
    let mut words = name.filter(|word| word.starts_with("pas") && word.contains('w'));
    words.any(|word| {
        let slips = MEANT.iter().map(|meant| damerau_levenshtein(meant, word));
        slips.min().is_some_and(|slips| slips <= MOST_SLIPS)
    })
}

/// `KEY=`, `--access-key=`
fn is_key(name: &str) -> bool {
    let name = name.trim_start_matches('-');
    name == "key" || name.ends_with("_key") || name.ends_with("-key")
}

fn looks_like_file(value: &str) -> bool {
    let ending = value.rsplit_once('.').map(|(_, ending)| ending);
    let known = [
        "pass", "pas", "passwd", "password", "pwd", "secret", "secrets", "txt", "conf",
    ];
    value.is_empty()
        || value.contains('/') && !value.contains(char::is_whitespace)
        || ending.is_some_and(|ending| known.contains(&ending))
}

/// Where a value ends that begins there: at the quote that it begins with, at the one in front of its name, at a blank.
fn value_range(line: &str, from: usize, before: Option<char>, is_whole: bool) -> Range<usize> {
    let value = &line[from..];
    let is_quote = |c: &char| matches!(c, '"' | '\'' | '`');
    if value.starts_with("<(") || value.starts_with("$(") {
        let end = value.find(')').map_or(value.len(), |at| at + 1);
        return from..from + end;
    }
    if let Some(quote) = value.trim_start_matches('\\').chars().next().filter(is_quote) {
        let skipped = value.find(quote).unwrap_or(0) + quote.len_utf8();
        let end = closing(&value[skipped..], quote);
        return from + skipped..from + skipped + end;
    }
    if let Some(quote) = before.filter(is_quote) {
        return from..from + closing(value, quote);
    }
    let end = match is_whole {
        true => value.find(['"', '\'']),
        false => value.find(char::is_whitespace),
    };
    // An element of XML, or what stands behind the last one of an object.
    let text = &value[..end.unwrap_or(value.len())];
    let text = text.split("</").next().unwrap_or_default();
    from..from + text.trim_end_matches(['"', '\'', ',']).len()
}

/// Where the next quote is that no backslash stands in front of.
fn closing(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if c == quote && !is_escaped {
            return at;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}
