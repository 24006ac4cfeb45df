//! Commands and settings whose words may be passwords in any form: only those are kept that plainly are none.

use crate::{model::Parameter, terms::BLOT};

/// Words of notes that speak of passwords; the last one is the Chinese word that our own texts do not use.
const SPEAKING: [&str; 6] = ["pass", "pwd", "secret", "credential", "密码", "\u{53e3}\u{4ee4}"];

/// A command whose program and paths are kept, the names of its options, variables and numbers; nothing else.
pub(super) fn command(text: &str) -> String {
    words(text, true)
}

/// The words of a command, or only those behind its program.
fn words(text: &str, has_program: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut is_first = has_program;
    for part in text.split_inclusive([' ', '\t']) {
        let word = part.trim_end_matches([' ', '\t']);
        let is_program = is_first && !word.is_empty();
        let is_kept = word.is_empty() || is_program && is_name(word) || is_plain(word);
        is_first &= word.is_empty();
        shown += if is_kept { word } else { BLOT };
        shown += &part[word.len()..];
    }
    shown
}

fn is_name(word: &str) -> bool {
    word.chars()
        .all(|c| c.is_ascii_alphanumeric() || "._/+-@:!".contains(c))
}

fn is_plain(word: &str) -> bool {
    const SIGNS: [&str; 14] = [
        ";", "&&", "||", "|", ">", ">>", "<", "&", "2>&1", "!", "[", "]", "\\", "=",
    ];
    let bare = word.trim_matches(['"', '\'']);
    if SIGNS.contains(&word) || bare.is_empty() || is_value(bare) {
        return true;
    }
    let is_of_name = |c: char| c.is_ascii_lowercase() || c == '-';
    match (bare.strip_prefix("--"), bare.strip_prefix('-')) {
        (Some(option), _) => match option.split_once('=') {
            Some((name, value)) => name.chars().all(is_of_name) && is_value(value),
            None => option.chars().all(is_of_name),
        },
        // What is glued to an option may be a password: `-pPASSWORD`.
        (None, Some(option)) => option.chars().count() <= 1,
        _ => false,
    }
}

/// A path, a number, a variable, an address, yes or no.
fn is_value(word: &str) -> bool {
    let is_path = word.starts_with('/')
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._/+-%$".contains(c));
    let name = word
        .trim_start_matches(['$', '{', '%'])
        .trim_end_matches(['}', '%']);
    let is_variable =
        word.starts_with(['$', '%']) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_number = word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    let is_switch = matches!(word, "yes" | "no" | "true" | "false" | "on" | "off");
    is_path || is_variable || is_number || is_switch || word.parse::<std::net::IpAddr>().is_ok()
}

/// A daemon's configuration: what it runs for connections, what rsync does not know, and notes about passwords.
pub(super) fn configuration(text: &str) -> String {
    lines(text, |line| {
        let (body, is_note) = match line.trim_start().strip_prefix(['#', ';']) {
            Some(body) => (body, true),
            None => (line, false),
        };
        let Some((name, _)) = body.split_once('=') else {
            return Kept::unless_noted(line, is_note);
        };
        let folded: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let folded = folded.to_lowercase();
        let is_known = Parameter::from_name(name.trim().as_bytes()).is_some();
        let value = line.find('=').map_or(line.len(), |at| at + 1);
        match () {
            () if folded.ends_with("exec") || folded.ends_with("nameconverter") => Kept::Command(value),
            () if is_known => Kept::All,
            () if is_note => Kept::unless_noted(line, true),
            () => Kept::Words(value),
        }
    })
}

/// A unit of systemd, or a service of xinetd: what it runs that is no rsync, and its environment.
pub(super) fn unit(text: &str) -> String {
    lines(text, |line| {
        if line.trim_start().starts_with(['#', ';']) {
            return Kept::unless_noted(line, true);
        }
        let Some((key, value)) = line.split_once('=') else {
            return Kept::All;
        };
        let start = key.len() + 1;
        let key = key.trim_end_matches('+').trim();
        match key {
            "Environment" | "SetCredential" | "SetCredentialEncrypted" | "env" | "PassEnvironment" => {
                Kept::Values(start)
            }
            _ if key.starts_with("Exec") => {
                let program = value.trim_start_matches(['@', '-', ':', '+', '!', '|', ' ', '\t', '"']);
                let program = program.split([' ', '\t', '"']).next().unwrap_or_default();
                match program.rsplit('/').next() {
                    Some("rsync") => Kept::All,
                    _ => Kept::Command(start),
                }
            }
            _ => Kept::All,
        }
    })
}

/// Variables of a script that starts the daemon (`/etc/default/rsync`): their values, as far as they plainly are no passwords.
pub(super) fn defaults(text: &str) -> String {
    lines(text, |line| match line.trim_start().starts_with('#') {
        true => Kept::unless_noted(line, true),
        false => match line.find('=') {
            Some(at) => Kept::Words(at + 1),
            None => Kept::Command(0),
        },
    })
}

/// sersync's configuration: what its plugins run.
pub(super) fn sersync(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = ["prefix=", "suffix="]
        .iter()
        .filter_map(|name| rest.find(name))
        .min()
    {
        let is_prefix = rest[at..].starts_with("prefix");
        let start = at + "prefix=".len();
        shown += &rest[..start];
        rest = &rest[start..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let inner = &rest[quote.map_or(0, char::len_utf8)..];
        let end = match quote {
            Some(quote) => inner.find(quote),
            None => inner.find(|c: char| c.is_whitespace() || c == '>'),
        };
        let value = &inner[..end.unwrap_or(inner.len())];
        shown.extend(quote);
        // The program stands in front of the file's name, and nothing but words behind it.
        shown += &words(value, is_prefix);
        rest = &inner[value.len()..];
    }
    shown += rest;
    shown
}

/// What is kept of a line.
#[derive(Clone, Copy)]
enum Kept {
    /// All.
    All,
    /// What stands in front of that byte; behind it a command.
    Command(usize),
    /// What stands in front of that byte; behind it words, which may be anything.
    Words(usize),
    /// What stands in front of that byte; behind it names with values.
    Values(usize),
    /// What stands in front of that byte.
    Before(usize),
}

impl Kept {
    /// A note that speaks of passwords is kept up to that word.
    fn unless_noted(line: &str, is_note: bool) -> Self {
        let lower = line.to_lowercase();
        // Both are as long, or the note is left out.
        let at = SPEAKING
            .iter()
            .filter_map(|word| Some(lower.find(word)? + word.len()))
            .min();
        match at {
            Some(at) if is_note && lower.len() == line.len() && line.is_char_boundary(at) => Self::Before(at),
            Some(_) if is_note => Self::Before(0),
            _ => Self::All,
        }
    }
}

/// Goes through a text line by line; a line that a backslash joins to the one before is treated as that was.
fn lines(text: &str, judge: impl Fn(&str) -> Kept) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut before: Option<Kept> = None;
    for whole in text.split_inclusive('\n') {
        let line = whole.trim_end_matches(['\n', '\r']);
        let kept = match before {
            Some(Kept::Command(_) | Kept::Words(_)) => Kept::Words(0),
            Some(Kept::Values(_)) => Kept::Values(0),
            Some(Kept::Before(_)) => Kept::Before(0),
            Some(Kept::All) | None => judge(line),
        };
        match kept {
            Kept::All => shown += line,
            Kept::Command(at) => {
                shown += &line[..at];
                shown += &command(&line[at..]);
            }
            Kept::Words(at) => {
                shown += &line[..at];
                shown += &words(&line[at..], false);
            }
            Kept::Values(at) => {
                shown += &line[..at];
                shown += &values(&line[at..]);
            }
            Kept::Before(at) => {
                shown += &line[..at];
                if !line[at..].trim().is_empty() {
                    shown += " ";
                    shown += BLOT;
                }
            }
        }
        shown += &whole[line.len()..];
        before = line.ends_with('\\').then_some(kept);
    }
    shown
}

/// `NAME=value "OTHER=value with blanks"`: the names, and what plainly is no password.
fn values(text: &str) -> String {
    let mut shown = String::new();
    let mut quote = None;
    let mut is_blotted = false;
    for part in text.split_inclusive([' ', '\t']) {
        let word = part.trim_end_matches([' ', '\t']);
        let opens = word
            .trim_start()
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''));
        if quote.is_none() {
            is_blotted = false;
            let bare = word.trim_matches(['"', '\'']);
            match bare.split_once('=') {
                Some((name, value)) if !is_value(value) || named_secret(name) => {
                    shown += opens.map_or("", |_| "\"");
                    shown += name;
                    shown += "=";
                    shown += BLOT;
                    is_blotted = true;
                }
                None if !is_plain(word) && !bare.chars().all(|c| c.is_ascii_uppercase() || c == '_') => {
                    shown += BLOT;
                    is_blotted = true;
                }
                _ => shown += word,
            }
            let is_open = opens.is_some_and(|sign| word.matches(sign).count() % 2 == 1);
            quote = opens.filter(|_| is_open);
        } else if !is_blotted {
            // It belongs to a value that was kept so far.
            shown += BLOT;
        }
        if quote.is_some_and(|sign| opens != Some(sign) && word.ends_with(sign)) {
            quote = None;
            shown.push('"');
        }
        if quote.is_none() || !is_blotted {
            shown += &part[word.len()..];
        }
    }
    shown
}

fn named_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SPEAKING.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{command, configuration, sersync, unit};

    #[test]
    fn commands_keep_their_programs_and_paths() {
        for (text, expected) in [
            (
                "/usr/bin/note --to root -pHUSH hush /var/log/x $RSYNC_PID 2>&1",
                "/usr/bin/note --to **** **** **** /var/log/x $RSYNC_PID 2>&1",
            ),
            ("curl -u joe:hush https://h/", "curl -u **** ****"),
            ("sh -c 'echo hush > /tmp/x'", "sh -c **** **** > /tmp/x'"),
        ] {
            assert_eq!(command(text), expected);
        }
    }

    #[test]
    fn configurations_keep_what_rsync_knows() {
        let text = "[data]\npath = /srv/data # ours\nsecrets file = /etc/s\npre-xfer exec = /bin/x hush \\\n  more\n\
            #pre_xfer_exec=/bin/y hush\n# the password is hush\nhook = hush\n#secrets file = /etc/t\r\n";
        let expected = "[data]\npath = /srv/data # ours\nsecrets file = /etc/s\npre-xfer exec = /bin/x **** \\\n  ****\n\
            #pre_xfer_exec=/bin/y ****\n# the pass ****\nhook = ****\n#secrets file = /etc/t\r\n";
        assert_eq!(configuration(text), expected);
    }

    #[test]
    fn units_keep_how_they_start_rsync() {
        let text = "[Service]\nEnvironment=A=/b RSYNC_PASSWORD=hush \"C=hush and hush\" D=1\nExecStart=/usr/bin/rsync --daemon\n\
            ExecStartPre=-/bin/login hush\nUser=root\n";
        let told = unit(text);
        assert!(!told.contains("hush"), "{told}");
        for kept in [
            "A=/b RSYNC_PASSWORD=****",
            "D=1",
            "rsync --daemon",
            "/bin/login",
            "User=root",
        ] {
            assert!(told.contains(kept), "{kept}: {told}");
        }
    }

    #[test]
    fn plugins_of_sersync_keep_their_programs() {
        let text = "<param prefix=\"/bin/tell hush\" suffix='' ignoreError=\"true\"/> <param prefix=/bin/x suffix=hush>";
        let expected = "<param prefix=\"/bin/tell ****\" suffix='' ignoreError=\"true\"/> <param prefix=/bin/x suffix=****>";
        assert_eq!(sersync(text), expected);
    }

    proptest! {
        #[test]
        fn any_text_goes_through(text in "(\\PC|[ =\"'#\\\\\n]|Environment=|exec ?=|pass){0,60}") {
            let lines = text.lines().count();
            prop_assert_eq!(configuration(&text).lines().count(), lines);
            sersync(&text);
            prop_assert_eq!(unit(&text).lines().count(), lines);
        }
    }
}
