//! The words of a shell's line that are nothing but text and variables. Our reader of scripts (`syntax::shell`) forgives
//! what a shell refuses, and takes what shells read differently for the same; here either is a reason to refuse.

use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use nix::unistd::{AccessFlags, access};

/// The names of variables that a text sets by plain words.
pub(super) type Names = BTreeSet<Vec<u8>>;

/// A word as it is written, or what stands between commands. Redirections are left out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'t> {
    Word(&'t [u8]),
    Operator(&'t [u8]),
}

/// The words of a line; none if one of them is more than text and variables with these names, or goes to another file than
/// one that can be written.
pub(super) fn tokens<'t>(line: &'t [u8], names: &Names) -> Option<Vec<Token<'t>>> {
    let mut found = Vec::new();
    let mut at = 0;
    loop {
        at += blanks(&line[at..]);
        let rest = &line[at..];
        match rest {
            [] | [b'#', ..] => return Some(found),
            [b'&', b'&', ..] | [b'|', b'|', ..] => {
                found.push(Token::Operator(&rest[..2]));
                at += 2;
            }
            [b'|', b'&', ..] => return None,
            [b'|' | b';', ..] => {
                found.push(Token::Operator(&rest[..1]));
                at += 1;
            }
            [b'>', ..] => at += redirection(rest, names)?,
            _ => {
                let length = word(rest, names)?;
                let is_number = rest[..length].iter().all(u8::is_ascii_digit);
                at += length;
                // The number of what is redirected.
                if !(is_number && line.get(at) == Some(&b'>')) {
                    found.push(Token::Word(&rest[..length]));
                }
            }
        }
    }
}

/// How long a redirection of output is: `>&1`, `> FILE`, `>> FILE`.
fn redirection(text: &[u8], names: &Names) -> Option<usize> {
    if let Some(rest) = text.strip_prefix(b">&") {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        return (digits > 0).then_some(2 + digits);
    }
    let arrows = text.iter().take_while(|&&byte| byte == b'>').count();
    let start = arrows + blanks(&text[arrows..]);
    let length = word(&text[start..], names)?;
    let file = &text[start..start + length];
    let file = match file {
        [b'"', inner @ .., b'"'] | [b'\'', inner @ .., b'\''] => inner,
        file => file,
    };
    let is_plain = !file.iter().any(|byte| b"$\\\"'".contains(byte));
    (arrows <= 2 && is_plain && is_writable(Path::new(OsStr::from_bytes(file)))).then_some(start + length)
}

fn is_writable(file: &Path) -> bool {
    let place = match file.symlink_metadata() {
        Ok(_) => file,
        Err(_) => match file.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        },
    };
    access(place, AccessFlags::W_OK).is_ok() && !file.is_dir()
}

/// How many bytes separate words.
fn blanks(text: &[u8]) -> usize {
    let mut at = 0;
    while let [b' ' | b'\t' | b'\n', ..] | [b'\\', b'\n', ..] = &text[at..] {
        at += 1 + usize::from(text[at] == b'\\');
    }
    at
}

/// How long a word is; none if it is more than text and variables.
fn word(text: &[u8], names: &Names) -> Option<usize> {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += match byte {
            b' ' | b'\t' | b'\n' | b';' | b'|' | b'>' => break,
            b'\\' => text.get(at + 1).map(|_| 2)?,
            b'\'' => 2 + text[at + 1..].iter().position(|&byte| byte == b'\'')?,
            b'"' => quoted(&text[at..], names)?,
            b'$' => variable(&text[at..], names)?,
            b'[' => address(&text[at..])?,
            b'`' | b'*' | b'?' | b'{' | b'}' | b'~' | b'!' | b'&' | b'<' | b'(' | b')' => return None,
            byte if byte.is_ascii_control() => return None,
            _ => 1,
        };
    }
    (at > 0).then_some(at)
}

/// How long an address of IPv6 in its brackets is; to a shell it is a pattern, which it leaves alone where no file fits.
fn address(text: &[u8]) -> Option<usize> {
    let is_of_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.' | b'%');
    let length = text[1..].iter().take_while(|byte| is_of_address(byte)).count();
    let is_address = text[1..=length].contains(&b':') && text.get(1 + length) == Some(&b']');
    is_address.then_some(length + 2)
}

/// How long a text in double quotes is.
fn quoted(text: &[u8], names: &Names) -> Option<usize> {
    let mut at = 1;
    loop {
        at += match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => 2,
            b'$' => variable(&text[at..], names)?,
            b'`' => return None,
            _ => 1,
        };
    }
}

/// How long `$NAME` or `${NAME}` is, if the name is one of these.
fn variable(text: &[u8], names: &Names) -> Option<usize> {
    let is_braced = text.get(1) == Some(&b'{');
    let start = 1 + usize::from(is_braced);
    let rest = &text[start..];
    let length = rest.iter().take_while(|&&byte| is_letter(byte)).count();
    let is_closed = !is_braced || rest.get(length) == Some(&b'}');
    let is_known = names.contains(&rest[..length]);
    (is_known && is_closed).then_some(start + length + usize::from(is_braced))
}

pub(super) fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
