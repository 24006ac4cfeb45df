//! Passwords as the values of options that do not say so by their names.

use super::{Credential, sure, value_range};

/// Programs that take a password right behind `-p`.
const GLUED: [&str; 7] = [
    "mysql",
    "mysqldump",
    "mysqladmin",
    "mariadb",
    "mariadb-dump",
    "sshpass",
    "7z",
];

/// `plink -pw password`, `sshpass -p password`, `mysql -ppassword`, `curl -u user:password`, `echo password | rsync --password-file=-`.
pub(super) fn behind_options(line: &str, found: &mut Vec<Credential>) {
    let has = |part: &str| line.contains(part);
    let takes_glued = GLUED.iter().any(|program| has(program));
    let takes_login = has("curl") || has("wget");
    if takes_glued || takes_login {
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let start = word.as_ptr() as usize - line.as_ptr() as usize;
            let next = words
                .peek()
                .map(|next| next.as_ptr() as usize - line.as_ptr() as usize);
            let is_apart = word == "-p" && has("sshpass");
            let is_login = takes_login && matches!(word, "-u" | "--user" | "-U" | "--proxy-user");
            if is_apart && let Some(next) = next {
                found.push(sure(value_range(line, next, None, false)));
            } else if is_login && let Some(next) = next {
                let range = value_range(line, next, None, false);
                let colon = line[range.clone()].find(':').map_or(0, |at| at + 1);
                found.push(sure(range.start + colon..range.end));
            } else if takes_glued && word.len() > 2 && word.starts_with("-p") {
                found.push(sure(value_range(line, start + 2, None, false)));
            }
        }
    }
    if HOOKS.iter().any(|name| has(name)) || has("unknown option") {
        glued_to_letter(line, found);
    }
    for (at, option) in ["--user ", "--user="]
        .iter()
        .flat_map(|option| line.match_indices(option))
    {
        let value = line[at + option.len()..].trim_start_matches(' ');
        let from = value.as_ptr() as usize - line.as_ptr() as usize;
        let range = value_range(line, from, None, false);
        if let Some((user, password)) = line[range.clone()].split_once(':')
            && !is_group(user, password)
        {
            found.push(sure(range.start + user.len() + 1..range.end));
        }
    }
    for (at, option) in line.match_indices(" -pw ") {
        let value = line[at + option.len()..].trim_start_matches(' ');
        let from = value.as_ptr() as usize - line.as_ptr() as usize;
        found.push(sure(value_range(line, from, None, false)));
    }
    if has("password-file") || has("chpasswd") || has("--stdin") {
        for (at, program) in ["echo ", "printf "]
            .iter()
            .flat_map(|name| line.match_indices(name))
        {
            let start = at + program.len();
            let end = line[start..]
                .find(['|', ')', '>'])
                .map_or(line.len(), |end| start + end);
            let text = line[start..end].trim();
            let text = text.trim_start_matches("-n ").trim().trim_matches(['"', '\'']);
            let start = text.as_ptr() as usize - line.as_ptr() as usize;
            found.push(sure(start..start + text.len()));
        }
    }
}

/// What names the programs that a daemon runs.
const HOOKS: [&str; 4] = ["pre-xfer exec", "post-xfer exec", "early exec", "name converter"];
/// Options of programs that take words with one hyphen in front, and begin as `-p` with a password does.
const WORDS: [&str; 11] = [
    "path", "perm", "print", "print0", "printf", "prune", "port", "pidfile", "proto", "pix_fmt", "preset",
];
/// A shorter word behind `-p` is rather made of letters that are options of their own: `-pv`.
const SHORTEST: usize = 4;

/// `hook -ppassword`: of a program that nobody knows, or that does not know the option.
fn glued_to_letter(line: &str, found: &mut Vec<Credential>) {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`');
    for word in line.split(is_end) {
        let Some(rest) = word.strip_prefix("-p") else {
            continue;
        };
        let rest = rest.trim_end_matches([':', ',', ';']);
        let is_plain = rest.starts_with(|c: char| c.is_ascii_alphanumeric());
        let is_number = rest.bytes().all(|byte| byte.is_ascii_digit());
        if is_plain && !is_number && rest.len() >= SHORTEST && !WORDS.contains(&&word[1..]) {
            let start = rest.as_ptr() as usize - line.as_ptr() as usize;
            found.push(Credential {
                is_sure: false,
                ..sure(start..start + rest.len())
            });
        }
    }
}

/// `--user 1000:1000`, `--user nobody:nogroup`: programs that take the user of a process take its group there.
fn is_group(user: &str, word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    is_number || word == user || ["nogroup", "nobody", "root", "users"].contains(&word)
}
