//! What no file of a bundle may hold, and how it is taken out.

use std::{collections::BTreeSet, fmt, sync::OnceLock};

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::Value;

use crate::{
    syntax::secrets::{Content, parse, password},
    terms::{BLOT, credentials},
};

/// What tells more of a length than a blot.
const LONGER: &str = "*****";
/// A shorter password is taken out only where it stands as a word: it is a part of too many others.
const SHORTEST: usize = 4;
/// A shorter text of a comment, which may be prose, is no password.
const SHORTEST_GUESS: usize = 6;
/// So many passwords are looked for in what others wrote.
const MOST: usize = 100_000;

/// The passwords that are known here. They are never shown.
#[derive(Default)]
pub struct Secrets {
    known: BTreeSet<String>,
    /// What finds them, once somebody asks, but for those that are too short to be looked for everywhere; none if they are too
    /// many for it.
    finder: OnceLock<Option<AhoCorasick>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} passwords", self.known.len())
    }
}

impl Secrets {
    /// Takes note of a password.
    pub fn add(&mut self, text: &str) {
        let text = text.trim();
        let is_word = text.chars().any(|c| c.is_alphanumeric());
        if is_word && self.known.len() < MOST {
            self.known.insert(text.to_owned());
            self.finder = OnceLock::new();
        }
    }

    /// Those of a daemon's secrets file.
    pub(super) fn of_secrets(&mut self, file: &[u8]) {
        for line in parse(file) {
            let (range, least) = match line.content {
                Content::Secret { password, .. } => (password, 1),
                Content::WithoutColon => (line.text, SHORTEST_GUESS),
                Content::Comment => {
                    let colon = file[line.text.clone()].iter().position(|&byte| byte == b':');
                    let Some(colon) = colon else { continue };
                    (line.text.start + colon + 1..line.text.end, SHORTEST_GUESS)
                }
                Content::Blank => continue,
            };
            let text = String::from_utf8_lossy(&file[range]);
            if text.trim().len() >= least {
                self.add(&text);
            }
            // Whoever writes a note behind a password means what stands in front of it.
            let meant = text.split(" #").next().unwrap_or_default();
            if meant.trim().len() >= SHORTEST {
                self.add(meant);
            }
        }
    }

    /// That of a client's password file, and what else is in it.
    pub(super) fn of_password_file(&mut self, file: &[u8]) {
        if let Some(range) = password(file) {
            self.add(&String::from_utf8_lossy(&file[range]));
        }
        let text = String::from_utf8_lossy(file);
        for line in text.lines().filter(|line| line.trim().len() >= SHORTEST) {
            self.add(line);
        }
    }

    /// Those that a text shows by what stands around them.
    pub(super) fn of_text(&mut self, text: &str) {
        for one in credentials(text).into_iter().filter(|one| one.is_sure) {
            let found = text[one.range].trim();
            // What comes from elsewhere is none.
            if found.len() >= SHORTEST && !found.starts_with(['$', '/', '*', '<']) {
                self.add(found);
            }
        }
    }

    /// A text without them, and without what looks like one.
    pub fn blotted(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut at = 0;
        for one in credentials(text) {
            shown += &text[at..one.range.start];
            shown += BLOT;
            at = one.range.end;
        }
        shown += &text[at..];
        // Reports show a star for each letter of what they keep back.
        let shown = match shown.contains(LONGER) {
            true => shorter(&shown),
            false => shown,
        };
        self.without(shown)
    }

    /// A JSON value, whose keys and form are kept.
    ///
    /// # Errors
    /// That it is none.
    pub fn blotted_json(&self, text: &str) -> serde_json::Result<String> {
        let mut value: Value = serde_json::from_str(text)?;
        self.blot_value(&mut value);
        let mut text = serde_json::to_string_pretty(&value)?;
        text.push('\n');
        Ok(text)
    }

    /// A page for browsers: what is shown, and not what it is made of.
    pub fn blotted_page(&self, page: &str) -> String {
        let (head, body) = match page.find("<body") {
            Some(at) => page.split_at(at),
            None => ("", page),
        };
        let mut shown = head.to_owned();
        for part in body.split_inclusive('>') {
            let (text, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
            shown += &self.blotted(text);
            shown += tag;
        }
        shown
    }

    fn blot_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.blotted(text),
            Value::Array(values) => values.iter_mut().for_each(|one| self.blot_value(one)),
            Value::Object(fields) => fields.values_mut().for_each(|one| self.blot_value(one)),
            _ => {}
        }
    }

    /// A text without the passwords that are known, written in any way in which reports write what they quote.
    fn without(&self, mut text: String) -> String {
        let Some(finder) = self.finder.get_or_init(|| self.finder()) else {
            return BLOT.to_owned();
        };
        let mut shown = String::with_capacity(text.len());
        finder.replace_all_with(&text, &mut shown, |_, _, shown| {
            shown.push_str(BLOT);
            true
        });
        text = shown;
        for short in self.known.iter().filter(|secret| secret.len() < SHORTEST) {
            if text.contains(short.as_str()) {
                text = without_word(&text, short);
            }
        }
        text
    }

    fn finder(&self) -> Option<AhoCorasick> {
        let long = self.known.iter().filter(|secret| secret.len() >= SHORTEST);
        let forms: BTreeSet<String> = long
            .flat_map(|secret| [secret.clone(), in_page(secret), in_shell(secret), escaped(secret)])
            .collect();
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::LeftmostLongest);
        builder.build(&forms).ok()
    }
}

/// Rows of stars as long as a blot.
fn shorter(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut stars = 0;
    for c in text.chars() {
        stars = if c == '*' { stars + 1 } else { 0 };
        if stars <= BLOT.len() {
            shown.push(c);
        }
    }
    shown
}

/// Puts blots in the place of a short password where it is a word.
fn without_word(text: &str, secret: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut at = 0;
    for (start, _) in text.match_indices(secret) {
        let end = start + secret.len();
        let is_apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        if is_apart(text[..start].chars().next_back()) && is_apart(text[end..].chars().next()) {
            shown += &text[at..start];
            shown += BLOT;
            at = end;
        }
    }
    shown += &text[at..];
    shown
}

fn in_page(secret: &str) -> String {
    secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// Between quotes of a shell.
fn in_shell(secret: &str) -> String {
    secret.replace('\'', "'\\''")
}

/// Between quotes of JSON, and of most languages.
fn escaped(secret: &str) -> String {
    secret.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::Secrets;

    fn secrets() -> Secrets {
        let mut secrets = Secrets::default();
        secrets.of_secrets(b"# old: hush-old-1\njoe:hush\"&1\nann:ab\nlonely-word\nbob:hush\"&12\n");
        secrets.of_password_file(b"  \nclients-own\n");
        secrets
    }

    #[test]
    fn known_passwords_are_taken_out_however_they_are_written() {
        let secrets = secrets();
        for text in [
            "hush-old-1",
            "a hush\"&1 b",
            "x=hush&quot;&amp;1;",
            "\"hush\\\"&1\"",
            "is ab.",
            "lonely-word",
            "clients-own",
        ] {
            let told = secrets.blotted(text);
            assert!(told.contains("****"), "{text}: {told}");
            assert!(!told.contains("hush") && !told.contains("12"), "{told}");
        }
        assert_eq!(secrets.blotted("hush\"&12"), "****");
        assert_eq!(secrets.blotted("absent cab"), "absent cab");
        assert_eq!(format!("{secrets:?}"), "6 passwords");
    }

    #[test]
    fn reports_keep_their_form() {
        let mut secrets = Secrets::default();
        for word in ["title", "body", "stage"] {
            secrets.add(word);
        }
        let json = secrets
            .blotted_json("{\"stage\":[\"the stage\",1],\"title\":null}")
            .expect("JSON");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&json).expect("JSON"),
            serde_json::json!({"stage": ["the ****", 1], "title": null})
        );
        assert_eq!(
            secrets.blotted_page("<html><body class=\"stage\"><p title=\"x\">a body</p></body></html>"),
            "<html><body class=\"stage\"><p title=\"x\">a ****</p></body></html>"
        );
    }
}
