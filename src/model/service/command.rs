use std::{collections::BTreeMap, ops::Range};

use crate::syntax::Text;

/// A word of a command line, with its place in the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// What the program gets.
    pub bytes: Vec<u8>,
    /// Where it stands, quotes included.
    pub range: Range<usize>,
}

impl Word {
    /// A word that is written as the program gets it.
    pub fn verbatim(file: &[u8], range: Range<usize>) -> Self {
        Self {
            bytes: file[range.clone()].to_vec(),
            range,
        }
    }
}

/// The commands of an `ExecStart=` value, split as systemd does: at blanks, without quotes and backslashes, at `;`
/// that stands alone; what stands in front of a program (`-`, `@`, `+`, `!`, `:`) is cut off, and with `@` the word
/// behind the program is dropped, which is only its name.
pub fn commands(value: &Text) -> Vec<Vec<Word>> {
    let mut found = as_written(value);
    for command in &mut found {
        let program = &mut command[0];
        let length = signs(&program.bytes).len();
        let names_itself = program.bytes[..length].contains(&b'@');
        if program.range.len() == program.bytes.len() {
            program.range.start += length;
        }
        program.bytes.drain(..length);
        if names_itself && command.len() > 1 {
            command.remove(1);
        }
    }
    found
}

/// Whether `User=` does not count for a command, of each one: with `+` or one `!` in front systemd changes no user
/// (systemd.service(5)).
pub fn keeps_root(value: &Text) -> Vec<bool> {
    let of = |command: &Vec<Word>| {
        let signs = signs(&command[0].bytes);
        signs.contains(&b'+') || signs.iter().filter(|sign| **sign == b'!').count() == 1
    };
    as_written(value).iter().map(of).collect()
}

/// The words of each command, the first one with the signs in front of it.
pub(super) fn as_written(value: &Text) -> Vec<Vec<Word>> {
    let words = words(value);
    let is_end = |word: &Word| word.bytes == b";" && word.range.len() == 1;
    let commands = words.split(is_end).map(<[Word]>::to_vec);
    commands.filter(|words| !words.is_empty()).collect()
}

/// What stands in front of a program.
pub(super) fn signs(program: &[u8]) -> &[u8] {
    let is_sign = |byte: &u8| matches!(byte, b'-' | b'@' | b'+' | b'!' | b':' | b'|');
    let end = program.iter().position(|byte| !is_sign(byte));
    &program[..end.unwrap_or(program.len())]
}

/// Splits at blanks; quotes are taken away, and escapes are read as in C, with `\s` for a blank (`extract_first_word` in
/// extract-word.c of systemd).
pub fn words(value: &Text) -> Vec<Word> {
    split(value, escaped).0
}

/// Whether a quote of a value is left open at its end.
pub(super) fn has_open_quote(value: &Text) -> bool {
    split(value, escaped).1
}

/// The same of a variable's value, where a backslash takes the next character as it is.
fn words_of_variable(value: &Text) -> Vec<Word> {
    split(value, |text| (text[..1].to_vec(), 1)).0
}

/// What an escape stands for, given what follows its backslash, and how long it is; what is none stands for itself
/// (`cunescape_one` in escape.c of systemd).
fn escaped(text: &[u8]) -> (Vec<u8>, usize) {
    let plain = |byte: u8| (vec![byte], 1);
    let number = |start: usize, digits: usize, radix: u32| {
        let digits = str::from_utf8(text.get(start..start + digits)?).ok()?;
        let is_number = digits.bytes().all(|digit| char::from(digit).is_digit(radix));
        u32::from_str_radix(digits, radix)
            .ok()
            .filter(|&number| is_number && number > 0)
    };
    let character = |digits: usize| {
        let character = number(1, digits, 16).and_then(char::from_u32)?;
        Some((character.to_string().into_bytes(), 1 + digits))
    };
    let byte = |found: Option<u32>, length: usize| Some((vec![u8::try_from(found?).ok()?], length));
    match text[0] {
        b'a' => plain(0x07),
        b'b' => plain(0x08),
        b'f' => plain(0x0c),
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b's' => plain(b' '),
        b't' => plain(b'\t'),
        b'v' => plain(0x0b),
        b'x' => byte(number(1, 2, 16), 3).unwrap_or_else(|| plain(b'x')),
        b'u' => character(4).unwrap_or_else(|| plain(b'u')),
        b'U' => character(8).unwrap_or_else(|| plain(b'U')),
        digit @ b'0'..=b'7' => byte(number(0, 3, 8), 3).unwrap_or_else(|| plain(digit)),
        other => plain(other),
    }
}

/// The words of a value, and whether a quote is left open.
fn split(value: &Text, unescape: impl Fn(&[u8]) -> (Vec<u8>, usize)) -> (Vec<Word>, bool) {
    let mut found = Vec::new();
    let mut word: Option<(Vec<u8>, usize)> = None;
    let mut quote = None;
    let bytes = value.bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if quote.is_none() && byte.is_ascii_whitespace() {
            if let Some((bytes, start)) = word.take() {
                found.push(Word {
                    bytes,
                    range: value.range_of(start..at),
                });
            }
            at += 1;
            continue;
        }
        let (text, _) = word.get_or_insert_with(|| (Vec::new(), at));
        match byte {
            _ if quote == Some(byte) => quote = None,
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            b'\\' if at + 1 < bytes.len() => {
                let (meant, length) = unescape(&bytes[at + 1..]);
                text.extend(meant);
                at += length;
            }
            _ => text.push(byte),
        }
        at += 1;
    }
    found.extend(word.map(|(text, start)| Word {
        bytes: text,
        range: value.range_of(start..bytes.len()),
    }));
    (found, quote.is_some())
}

/// Puts variables in: a word `$NAME` becomes as many words as its value has, none if it is empty, with quotes around
/// it or without; `${NAME}` is replaced inside its word (`replace_env_argv` in env-util.c of systemd).
pub fn expand(words: &[Word], variables: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Word> {
    let mut found = Vec::new();
    for word in words {
        match word.bytes.split_first() {
            Some((b'$', name)) if !matches!(name.first(), Some(b'{' | b'$') | None) => {
                let value = variables.get(name).map_or(&[][..], Vec::as_slice);
                let text = Text::verbatim(value, 0..value.len());
                found.extend(words_of_variable(&text).into_iter().map(|part| Word {
                    bytes: part.bytes,
                    range: word.range.clone(),
                }));
            }
            _ => found.push(Word {
                bytes: replaced(&word.bytes, variables),
                range: word.range.clone(),
            }),
        }
    }
    found
}

fn replaced(word: &[u8], variables: &BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<u8> {
    let mut text = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some(dollar) = rest.iter().position(|&byte| byte == b'$') {
        text.extend(&rest[..dollar]);
        rest = &rest[dollar..];
        let end = rest.iter().position(|&byte| byte == b'}');
        match (rest.get(1), end) {
            (Some(b'$'), _) => {
                text.push(b'$');
                rest = &rest[2..];
            }
            (Some(b'{'), Some(end)) => {
                let value = variables.get(&rest[2..end]);
                text.extend(value.into_iter().flatten());
                rest = &rest[end + 1..];
            }
            _ => {
                text.push(b'$');
                rest = &rest[1..];
            }
        }
    }
    text.extend(rest);
    text
}

/// What an rsync is told that is to be a daemon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DaemonOptions {
    /// The word `--daemon`.
    pub daemon: Option<Word>,
    /// `--config`: the value, at the option's place.
    pub config: Option<Word>,
    /// `--port`: the value, at the option's place.
    pub port: Option<Word>,
    /// `--address`: the value, at the option's place.
    pub address: Option<Word>,
    /// `--no-detach`.
    pub no_detach: Option<Word>,
    /// The first word that is no option.
    pub operand: Option<Word>,
}

impl DaemonOptions {
    /// The configuration file; `None` where a variable or a specifier decides.
    pub fn configuration_file(&self) -> Option<&[u8]> {
        let Some(word) = &self.config else {
            return Some(b"/etc/rsyncd.conf");
        };
        let is_plain = !word.bytes.iter().any(|byte| matches!(byte, b'$' | b'%'));
        is_plain.then_some(&word.bytes)
    }
}

/// Options of a daemon that take a value, and those that take none (`long_daemon_options` in options.c).
const WITH_VALUE: [&[u8]; 10] = [
    b"--address",
    b"--bwlimit",
    b"--config",
    b"--dparam",
    b"--log-file",
    b"--log-file-format",
    b"--port",
    b"--protocol",
    b"--sockopts",
    b"--temp-dir",
];
const WITHOUT_VALUE: [&[u8]; 10] = [
    b"--daemon",
    b"--detach",
    b"--help",
    b"--ipv4",
    b"--ipv6",
    b"--no-detach",
    b"--no-v",
    b"--no-verbose",
    b"--server",
    b"--verbose",
];

/// The words behind the program that are options, and none that an rsync knows which is to be a daemon.
pub fn unknown_daemon_options(arguments: &[Word]) -> impl Iterator<Item = &Word> {
    let mut is_value = false;
    let mut is_over = false;
    arguments.iter().filter(move |word| {
        let text = &word.bytes[..];
        if is_over || std::mem::take(&mut is_value) {
            return false;
        }
        is_over = text == b"--";
        let has_equals = text.contains(&b'=');
        let name = text.split(|&byte| byte == b'=').next().unwrap_or_default();
        match text {
            [b'-', b'-', _, ..] => {
                let takes_value = WITH_VALUE.contains(&name);
                is_value = takes_value && !has_equals;
                !takes_value && !WITHOUT_VALUE.contains(&name)
            }
            [b'-', letters @ ..] if !letters.starts_with(b"-") && !letters.is_empty() => {
                // What stands behind one with a value is the value.
                let end = letters.iter().position(|letter| b"MT".contains(letter));
                is_value = end.is_some_and(|end| end + 1 == letters.len());
                let flags = &letters[..end.unwrap_or(letters.len())];
                flags.iter().any(|letter| !b"vh46".contains(letter))
            }
            _ => false,
        }
    })
}

/// Reads what stands behind the program.
pub fn daemon_options(arguments: &[Word]) -> DaemonOptions {
    let mut options = DaemonOptions::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let (name, value) = match word.bytes.iter().position(|&byte| byte == b'=') {
            Some(equals) => (&word.bytes[..equals], Some(word.bytes[equals + 1..].to_vec())),
            None => (&word.bytes[..], None),
        };
        let slot = match name {
            b"--daemon" => {
                options.daemon = Some(word.clone());
                continue;
            }
            b"--no-detach" => {
                options.no_detach = Some(word.clone());
                continue;
            }
            b"--config" => &mut options.config,
            b"--port" => &mut options.port,
            b"--address" => &mut options.address,
            b"--log-file" | b"--bwlimit" | b"--dparam" | b"-M" | b"--sockopts" | b"--log-file-format" => {
                if value.is_none() {
                    words.next();
                }
                continue;
            }
            _ => {
                let is_operand = !name.starts_with(b"-") && !name.is_empty();
                if is_operand && options.operand.is_none() {
                    options.operand = Some(word.clone());
                }
                continue;
            }
        };
        let (bytes, end) = match value {
            Some(value) => (value, word.range.end),
            None => match words.next() {
                Some(next) => (next.bytes.clone(), next.range.end),
                None => continue,
            },
        };
        *slot = Some(Word {
            bytes,
            range: word.range.start..end.max(word.range.end),
        });
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Text {
        Text::verbatim(value.as_bytes(), 0..value.len())
    }

    #[test]
    fn options_that_a_daemon_does_not_know_are_found() {
        for (line, expected) in [
            (
                "--daemon --no-detach --config=/x -v4 -M a=b -Ma=b --port 8730",
                "",
            ),
            ("--daemon --conf=/x --config --conf -- --conf", "--conf=/x"),
            ("--daemon -avz --delete -", "-avz --delete"),
        ] {
            let words = words(&text(line));
            let unknown: Vec<_> = unknown_daemon_options(&words).cloned().collect();
            assert_eq!(shown(&unknown).join(" "), expected, "{line}");
        }
    }

    fn shown(words: &[Word]) -> Vec<String> {
        let shown = words
            .iter()
            .map(|word| String::from_utf8_lossy(&word.bytes).into_owned());
        shown.collect()
    }

    /// As systemd 252 reads these words.
    #[test]
    fn escapes_are_those_of_c() {
        for (line, expected) in [
            (r"--exclude=keep\x20me", "--exclude=keep me"),
            (r"--exclude=keep\040me", "--exclude=keep me"),
            (r"--exclude=keep\sme", "--exclude=keep me"),
            (r"'a\tb' \u00e9", "a\tb|é"),
            (r#"a\"b "c\\d" \;"#, "a\"b|c\\d|;"),
            (r"a\xzz", "axzz"),
            ("end\\", "end\\"),
        ] {
            assert_eq!(shown(&words(&text(line))).join("|"), expected, "{line}");
        }
    }

    /// What systemd 252 was seen to do with these very words.
    #[test]
    fn variables_are_put_in_as_systemd_does() {
        let value =
            text(r#"/bin/x "$OPTIONS" $OPTIONS ${OPTIONS} "$EMPTY" "${EMPTY}" '$OPTIONS' a"$OPTIONS""#);
        let variables = BTreeMap::from([
            (b"OPTIONS".to_vec(), b"--config=/a.conf --port=8730".to_vec()),
            (b"EMPTY".to_vec(), Vec::new()),
        ]);
        assert_eq!(
            shown(&expand(&words(&value), &variables)),
            [
                "/bin/x",
                "--config=/a.conf",
                "--port=8730",
                "--config=/a.conf",
                "--port=8730",
                "--config=/a.conf --port=8730",
                "",
                "--config=/a.conf",
                "--port=8730",
                "a$OPTIONS",
            ]
        );
    }

    #[test]
    fn prefixes_and_further_commands_are_told_apart() {
        let found = commands(&text("-@/usr/bin/rsync rsyncd --daemon ; /bin/true"));
        assert_eq!(shown(&found[0]), ["/usr/bin/rsync", "--daemon"]);
        assert_eq!(shown(&found[1]), ["/bin/true"]);
        assert!(commands(&text("")).is_empty());
        assert_eq!(shown(&commands(&text("-"))[0]), [""]);
    }

    #[test]
    fn options_of_a_daemon_are_read() {
        let value = text("--daemon --config /a.conf --port=8730 -v x");
        let options = daemon_options(&words(&value));
        assert!(options.daemon.is_some() && options.no_detach.is_none());
        assert_eq!(options.configuration_file(), Some(&b"/a.conf"[..]));
        assert_eq!(options.port.expect("a port").bytes, b"8730");
        assert_eq!(options.operand.expect("a word").bytes, b"x");
    }
}
