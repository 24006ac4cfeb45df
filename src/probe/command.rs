use std::fmt::Write as _;

use crate::terms::{without_password, without_passwords};

/// What the user would type, passwords taken out.
pub fn command(words: &[String]) -> String {
    let words = words.iter().map(|word| quoted(&without_password(word)));
    let words: Vec<_> = std::iter::once("rsync".to_owned()).chain(words).collect();
    // A password may be a word of its own.
    without_passwords(&words.join(" ")).into_owned()
}

/// A word for a shell. Control characters, which nobody would see, are told as bash does: `$'dst/\r'`.
fn quoted(word: &str) -> String {
    if !word.contains(char::is_control) {
        return shell_words::quote(word).into_owned();
    }
    let mut text = "$'".to_owned();
    for letter in word.chars() {
        match letter {
            '\r' => text += "\\r",
            '\n' => text += "\\n",
            '\t' => text += "\\t",
            '\'' | '\\' => text.extend(['\\', letter]),
            letter if letter.is_control() => {
                for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
                    let _ = write!(text, "\\{byte:03o}");
                }
            }
            letter => text.push(letter),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_command_is_shown_as_it_is_pasted() {
        let words = ["-r", "h::m/a b", "dst/\r", "it's\n\u{7f}"].map(str::to_owned);
        assert_eq!(
            command(&words),
            "rsync -r 'h::m/a b' $'dst/\\r' $'it\\'s\\n\\177'"
        );
    }
}
