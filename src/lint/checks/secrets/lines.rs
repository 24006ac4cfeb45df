//! What stands in the lines of a secrets file. No text of a finding holds anything from behind a colon.

use std::{collections::HashMap, ops::Range};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SecretsSubject,
    },
    syntax::{
        Lookalike,
        secrets::{Content, parse},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::secrets("RSY321", line_without_name),
    Check::secrets("RSY322", blank_in_secret),
    Check::secrets("RSY323", comment_in_secret),
    Check::secrets("RSY324", repeated_name),
    Check::secrets("RSY325", line_too_long),
    Check::secrets("RSY326", invisible_bytes),
    Check::secrets("RSY338", guessable_password),
    Check::secrets("RSY340", not_a_plain_password),
];

pub(in crate::lint::checks) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Blank, tab, no-break space and the wide space of Chinese text: what looks like nothing.
const BLANKS: [&[u8]; 4] = [b" ", b"\t", b"\xc2\xa0", b"\xe3\x80\x80"];

/// Passwords that tutorials use as examples, and that whoever guesses tries first.
const KNOWN: [&[u8]; 20] = [
    b"000000",
    b"111111",
    b"1234",
    b"12345",
    b"123456",
    b"1234567",
    b"12345678",
    b"123456789",
    b"1234567890",
    b"888888",
    b"abc123",
    b"admin",
    b"changeme",
    b"passwd",
    b"password",
    b"qwerty",
    b"root",
    b"rsync",
    b"secret",
    b"test",
];

/// A line `name:password`.
struct Secret {
    name: Range<usize>,
    is_group: bool,
    password: Range<usize>,
}

fn secrets(file: &[u8]) -> impl Iterator<Item = Secret> + use<> {
    parse(file).into_iter().filter_map(|line| match line.content {
        Content::Secret {
            name,
            is_group,
            password,
        } if !line.is_rest => Some(Secret {
            name,
            is_group,
            password,
        }),
        _ => None,
    })
}

/// RSY321: a line that holds only a password belongs to nobody.
fn line_without_name(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for line in parse(file) {
        let is_marked_comment = file[line.text.clone()]
            .strip_prefix(BYTE_ORDER_MARK)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"#"));
        let is_wide = file[line.range.clone()].contains(&0);
        if line.content == Content::WithoutColon && !line.is_rest && !is_marked_comment && !is_wide {
            let colon = wide_colon(&file[line.text.clone()])
                .map(|colon| line.text.start + colon.start..line.text.start + colon.end);
            out.report(match colon {
                Some(colon) => {
                    let colon = Span::new(subject.source, colon);
                    let case = Case::at(Span::new(subject.source, line.text)).variant("wide");
                    case.fix(Safety::Unsafe, [Edit::replace(colon, ":")])
                }
                None => Case::at(Span::new(subject.source, line.text)).variant("line"),
            });
        }
    }
    for secret in secrets(file) {
        let name = &file[secret.name.clone()];
        if let Some(quote) = quoted(name) {
            let ends = [
                secret.name.start..secret.name.start + quote,
                secret.name.end - quote..secret.name.end,
            ];
            let edits = ends.map(|end| Edit::delete(Span::new(subject.source, end)));
            let case = Case::at(Span::new(subject.source, secret.name.clone())).variant("quoted");
            let user = String::from_utf8_lossy(name);
            out.report(case.with("user", user).fix(Safety::Unsafe, edits));
            continue;
        }
        let variant = if name.is_empty() {
            "empty"
        } else if name.iter().all(|byte| b"*?".contains(byte)) {
            "wildcard"
        } else if name.contains(&b',') {
            "several"
        } else {
            continue;
        };
        let colon = usize::from(!name.is_empty());
        let span = Span::new(subject.source, secret.name.start..secret.name.end + colon);
        let user = String::from_utf8_lossy(name);
        out.report(Case::at(span).variant(variant).with("user", user));
    }
}

/// The colon of Chinese keyboards, in UTF-8 or in GBK, behind what can only be a user's name.
fn wide_colon(line: &[u8]) -> Option<Range<usize>> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-@".contains(byte);
    let name = line.iter().take_while(|byte| is_name(byte)).count();
    let in_gbk: &[u8] = if str::from_utf8(line).is_ok() {
        b""
    } else {
        b"\xa3\xba"
    };
    let colons = ["：".as_bytes(), in_gbk];
    let found = colons.into_iter().filter(|colon| !colon.is_empty());
    let colon = found.into_iter().find(|colon| line[name..].starts_with(colon))?;
    (name > 0).then(|| name..name + colon.len())
}

/// The length of the quotes around a name.
fn quoted(name: &[u8]) -> Option<usize> {
    let length = match Lookalike::at(name) {
        Some((Lookalike::Quote, length)) => length,
        _ => usize::from(matches!(name.first(), Some(b'"' | b'\''))),
    };
    let end = name
        .len()
        .checked_sub(length)
        .filter(|end| length > 0 && *end > length)?;
    let (first, last) = (&name[..length], &name[end..]);
    let is_pair = match length {
        1 => first == last,
        _ => matches!(Lookalike::at(last), Some((Lookalike::Quote, _))),
    };
    is_pair.then_some(length)
}

/// RSY340: the daemon compares what stands behind the colon byte by byte with what the user typed.
fn not_a_plain_password(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for secret in secrets(file) {
        if let Some(variant) = dressed(&file[secret.password.clone()]) {
            let span = Span::new(subject.source, secret.name.clone());
            let user = String::from_utf8_lossy(&file[secret.name]);
            out.report(Case::at(span).variant(variant).with("user", user));
        }
    }
}

/// How the end of a line is written in programs and in pages; of a file that one of them wrote it is a part of the password.
const WRITTEN_ENDS: [&[u8]; 5] = [b"\\n", b"\\r", b"<br>", b"<br/>", b"<br />"];

/// What a password looks like that is hardly meant as it stands: quotes round it, a hash of crypt(5), or a line end that was
/// written out.
pub(in crate::lint::checks) fn dressed(password: &[u8]) -> Option<&'static str> {
    let is_hash = || {
        const PREFIXES: [&[u8]; 7] = [b"$1$", b"$2a$", b"$2b$", b"$2y$", b"$5$", b"$6$", b"$y$"];
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"$./=,".contains(byte);
        let starts = PREFIXES.iter().any(|prefix| password.starts_with(prefix));
        starts && password.len() >= 20 && password.iter().all(is_letter)
    };
    match password {
        [first @ (b'"' | b'\''), _, .., last] if first == last => Some("quotes"),
        _ if is_hash() => Some("hash"),
        _ if WRITTEN_ENDS.iter().any(|end| password.ends_with(end)) => Some("end"),
        _ => None,
    }
}

/// RSY322: nothing is trimmed, so a blank beside the colon or at the end of the line belongs to the name or the
/// password.
fn blank_in_secret(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for secret in secrets(file) {
        let [before_name, after_name] = blanks_around(file, &secret.name);
        let [before, after] = blanks_around(file, &secret.password);
        // What looks like a comment has a page of its own.
        let after = if comment(file, &secret.password).is_some() {
            0..0
        } else {
            after
        };
        let variant = if before_name.is_empty() && after_name.is_empty() {
            "password"
        } else {
            "name"
        };
        let blanks = [before_name, after_name, before, after];
        let blanks: Vec<_> = blanks.into_iter().filter(|blank| !blank.is_empty()).collect();
        let Some(first) = blanks.first() else {
            continue;
        };
        let span = |range: &Range<usize>| Span::new(subject.source, range.clone());
        let edits: Vec<_> = blanks.iter().map(|blank| Edit::delete(span(blank))).collect();
        let name = String::from_utf8_lossy(file[secret.name.clone()].trim_ascii()).into_owned();
        let case = Case::at(span(first)).variant(variant).fix(Safety::Unsafe, edits);
        // Whom a line of a group is about, its members know.
        out.report(match secret.is_group {
            true => case,
            false => case.with("user", name),
        });
    }
}

/// The blanks at the start and at the end of a part of the file; of one that is all blank, only those at its start.
pub(in crate::lint::checks) fn blanks_around(file: &[u8], part: &Range<usize>) -> [Range<usize>; 2] {
    let (mut start, mut end) = (part.start, part.end);
    while let Some(blank) = BLANKS.iter().find(|blank| file[start..end].starts_with(blank)) {
        start += blank.len();
    }
    while let Some(blank) = BLANKS.iter().find(|blank| file[start..end].ends_with(blank)) {
        end -= blank.len();
    }
    [part.start..start, end..part.end]
}

/// RSY323: there are no comments behind a password.
fn comment_in_secret(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for secret in secrets(file) {
        if let Some(comment) = comment(file, &secret.password) {
            let variant = if may_be_password(file, &comment) {
                "perhaps"
            } else {
                "note"
            };
            let span = Span::new(subject.source, comment);
            let case = Case::at(span).variant(variant);
            out.report(case.fix(Safety::Unsafe, [Edit::delete(span)]));
        }
    }
}

/// Whether what [`comment`] finds may well be part of the password, as in `s3cr3t #1`.
pub(in crate::lint::checks) fn may_be_password(file: &[u8], comment: &Range<usize>) -> bool {
    matches!(&file[comment.clone()], [b' ', b'#', first, ..] if first.is_ascii_graphic())
}

/// Blanks and a `#`, or blanks and words that are not ASCII, to the end of the password: people write notes in their
/// own language, and hardly ever a password with a blank in it.
pub(in crate::lint::checks) fn comment(file: &[u8], password: &Range<usize>) -> Option<Range<usize>> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let bytes = &file[password.clone()];
    let is_note = |at: usize| {
        let rest = &bytes[at + 1..];
        let is_word = !rest[0].is_ascii() && !BLANKS.iter().any(|blank| rest.starts_with(blank));
        is_blank(&bytes[at]) && (rest[0] == b'#' || is_word)
    };
    let mark = (0..bytes.len().checked_sub(1)?).find(|&at| is_note(at))?;
    let text = bytes[..mark].iter().rposition(|byte| !is_blank(byte))? + 1;
    Some(password.start + text..password.end)
}

/// RSY324: only the first line of a name is tried.
fn repeated_name(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    let mut known: HashMap<(bool, &[u8]), Secret> = HashMap::new();
    for secret in secrets(file) {
        let key = (secret.is_group, &file[secret.name.clone()]);
        let Some(first) = known.get(&key) else {
            known.insert(key, secret);
            continue;
        };
        // The same line twice changes nothing.
        if file[first.password.clone()] != file[secret.password.clone()] {
            let name = String::from_utf8_lossy(key.1);
            out.report(
                Case::at(Span::new(subject.source, secret.name.clone()))
                    .variant(if secret.is_group { "group" } else { "user" })
                    .also(Span::new(subject.source, first.name.clone()), "first")
                    .with("user", name),
            );
        }
    }
}

/// RSY325: rsync reads 1023 bytes at a time, and takes the rest for a line of its own.
fn line_too_long(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let lines = parse(subject.sources.get(subject.source).bytes());
    for pair in lines.windows(2) {
        if let [line, rest] = pair
            && rest.is_rest
            && !line.is_rest
            && let Content::Secret { name, .. } = &line.content
        {
            out.report(Case::at(Span::new(subject.source, name.clone())));
        }
    }
}

/// RSY326: bytes that no editor shows, and that make a name or a password another one.
fn invisible_bytes(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    let lines = parse(file);
    let at = |range| Case::at(Span::new(subject.source, range));
    if let Some(line) = lines.first()
        && let Content::Secret { name, .. } = &line.content
        && let Some(rest) = file[name.clone()].strip_prefix(BYTE_ORDER_MARK)
        && !rest.starts_with(b"#")
    {
        let mark = Span::new(subject.source, 0..BYTE_ORDER_MARK.len());
        out.report(
            at(name.clone())
                .variant("mark")
                .fix(Safety::Safe, [Edit::delete(mark)]),
        );
    }
    // One of each kind tells enough: a file saved as UTF-16 is full of them.
    for (byte, variant) in [(0, "nul"), (b'\r', "return")] {
        let lost = lines.iter().find(|line| {
            let behind = &file[line.text.end..line.range.end];
            behind.first() == Some(&byte) && behind.iter().any(|byte| !matches!(byte, b'\r' | b'\n' | 0))
        });
        if let Some(line) = lost {
            out.report(at(line.text.end..line.text.end + 1).variant(variant));
        }
    }
}

/// RSY338: a password that is the user's name, or one of the first that anybody tries.
fn guessable_password(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for secret in secrets(file) {
        let password = &file[secret.password.clone()];
        let variant = if password.is_empty() {
            "empty"
        } else if *password == file[secret.name.clone()] {
            "name"
        } else if KNOWN.contains(&password) {
            "known"
        } else {
            continue;
        };
        out.report(
            Case::at(Span::new(subject.source, secret.name.clone()))
                .variant(variant)
                .with("user", String::from_utf8_lossy(&file[secret.name])),
        );
    }
}
