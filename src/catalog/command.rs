//! Commands of the pages, with the names of a case in them.

use std::borrow::Cow;

use crate::catalog::fill;

/// Where a shell is in a command.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Quoting {
    /// Outside of quotes, or within `$(...)`.
    None,
    Single,
    Double,
}

/// Kinds of values that are options, and so may begin like one.
const OPTIONS: [&str; 2] = ["option", "word"];

/// Kinds of values that are words as a shell takes them already.
const WORDS: [&str; 2] = ["arguments", "restart"];

/// Puts the values of a case into a command of a page, which a shell then takes for what they are: a name that a peer sent
/// or a file has can hold anything. A placeholder without a value stays as it is, and so does one whose value would be
/// read as an option where a word begins.
pub fn fill_command<'t>(command: &'t str, arguments: &[(&'static str, String)]) -> Cow<'t, str> {
    if !command.contains('{') {
        return Cow::Borrowed(command);
    }
    let mut filled = String::with_capacity(command.len() + 32);
    let mut contexts = vec![Quoting::None];
    let mut rest = command;
    while let Some(letter) = rest.chars().next() {
        if let Some((name, behind)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'))
            && let Some((_, value)) = arguments.iter().find(|(key, _)| *key == name)
        {
            let begins_a_word = filled.trim_end_matches(['\'', '"']).ends_with([' ', '(']);
            let is_option = begins_a_word && value.starts_with('-') && !OPTIONS.contains(&name);
            let context = contexts.last().copied().unwrap_or(Quoting::None);
            match is_option {
                _ if WORDS.contains(&name) => filled += value,
                true => filled += &rest[..rest.len() - behind.len()],
                false => filled += &quoted(value, context),
            }
            rest = behind;
            continue;
        }
        follow(&mut contexts, &filled, letter);
        filled.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    Cow::Owned(filled)
}

/// Puts the values of a case into advice, in which commands stand between backticks; a line of a configuration there has a
/// `=` of its own.
pub fn fill_advice<'t>(advice: &'t str, arguments: &[(&'static str, String)]) -> Cow<'t, str> {
    if !advice.contains('{') {
        return Cow::Borrowed(advice);
    }
    let parts = advice.split('`').enumerate().map(|(number, part)| {
        let is_command = number % 2 == 1 && part.contains(' ') && !part.contains(" = ");
        match is_command {
            true => fill_command(part, arguments),
            false => fill(part, arguments),
        }
    });
    Cow::Owned(parts.collect::<Vec<_>>().join("`"))
}

/// Follows a command past one more of its own letters.
fn follow(contexts: &mut Vec<Quoting>, before: &str, letter: char) {
    let context = contexts.last().copied().unwrap_or(Quoting::None);
    match (context, letter) {
        (Quoting::Single, '\'') | (Quoting::Double, '"') => {
            contexts.pop();
        }
        (Quoting::Single, _) => {}
        (Quoting::None | Quoting::Double, '(') if before.ends_with('$') => contexts.push(Quoting::None),
        (Quoting::None, ')') if contexts.len() > 1 => {
            contexts.pop();
        }
        (Quoting::None, '\'') => contexts.push(Quoting::Single),
        (Quoting::None, '"') => contexts.push(Quoting::Double),
        _ => {}
    }
}

/// A value as it stands in such a place.
fn quoted(value: &str, context: Quoting) -> Cow<'_, str> {
    match context {
        Quoting::Single => value.replace('\'', r"'\''").into(),
        Quoting::Double => {
            let escaped = value.chars().flat_map(|letter| {
                let escape = r#""\$`"#.contains(letter).then_some('\\');
                escape.into_iter().chain([letter])
            });
            escaped.collect::<String>().into()
        }
        Quoting::None if value.chars().all(is_plain) => value.into(),
        Quoting::None => shell_words::quote(value),
    }
}

/// Whether a letter means nothing to a shell. A `~` is the home folder of whoever typed it.
fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || "_-./:@%+,=~".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values_wherever_they_stand() {
        for (command, value, expected) in [
            ("ls -l {path}", "/srv/data", "ls -l /srv/data"),
            ("ls -l {path}", "/srv/a b", "ls -l '/srv/a b'"),
            ("ls -l {path}", "~/pass", "ls -l ~/pass"),
            ("ls -l {path}", "a;touch x", "ls -l 'a;touch x'"),
            (
                "ls -l 'M/{path}'",
                "a';touch x;'b",
                r"ls -l 'M/a'\'';touch x;'\''b'",
            ),
            (
                "grep \"{path}\" LOG",
                "$(id)`x`\"",
                "grep \"\\$(id)\\`x\\`\\\"\" LOG",
            ),
            ("ps \"$(cat {path})\"", "a;b", "ps \"$(cat 'a;b')\""),
            ("getent hosts {path}", "-x", "getent hosts {path}"),
            ("ls -ld '{path}'", "--help", "ls -ld '{path}'"),
            ("touch M/{path}", "-x", "touch M/-x"),
            ("id {other}; ls {path}", "a\nb", "id {other}; ls 'a\nb'"),
        ] {
            let arguments = [("path", value.to_owned())];
            assert_eq!(fill_command(command, &arguments), expected, "{command} {value}");
        }
        let restart = [("restart", "kill 7 && rsync '--config=a b'".to_owned())];
        assert_eq!(
            fill_command("{restart}", &restart),
            "kill 7 && rsync '--config=a b'"
        );
        let path = [("path", "a;touch x".to_owned())];
        assert_eq!(
            fill_advice("run `rm {path}`, or set `path = {path}`, {path}", &path),
            "run `rm 'a;touch x'`, or set `path = a;touch x`, a;touch x"
        );
        let option = [("option", "--delate".to_owned())];
        assert_eq!(
            fill_command("rsync --help | grep -- {option}", &option),
            "rsync --help | grep -- --delate"
        );
    }
}
