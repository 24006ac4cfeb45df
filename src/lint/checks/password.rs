//! The client's password file. No text of a finding holds anything of it.

use crate::{
    catalog::{FileKind, Safety},
    diagnosis::Edit,
    lint::{
        checks::{
            Check,
            secrets::{BYTE_ORDER_MARK, blanks_around, comment, dressed, may_be_password},
        },
        report::{Case, Reporter},
        subject::PasswordSubject,
    },
    syntax::secrets::{Content, parse, password},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::password("RSY327", user_in_password_file),
    Check::password("RSY328", readable_by_others),
    Check::password("RSY329", empty_file),
    Check::password("RSY330", more_than_a_password),
    Check::password("RSY340", not_a_plain_password),
];

/// A line of a secrets file that was read too, as far as it has to do with a client's password.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Known {
    /// It holds just this password.
    Password,
    /// It is the same line, name and all.
    Line,
}

/// What the secrets files tell of a client's line.
fn known(subject: &PasswordSubject<'_>, line: &[u8]) -> Option<Known> {
    let secrets = subject
        .credentials
        .iter()
        .filter(|(_, kind)| *kind == FileKind::Secrets);
    let mut known = None;
    for (source, _) in secrets {
        let file = subject.sources.get(*source).bytes();
        for one in parse(file) {
            let Content::Secret { password, .. } = one.content else {
                continue;
            };
            if file[password] == *line {
                return Some(Known::Password);
            }
            if file[one.text] == *line {
                known = Some(Known::Line);
            }
        }
    }
    known
}

/// RSY327: the client sends the whole first line as the password, the user's name included.
fn user_in_password_file(subject: &PasswordSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    let Some(line) = password(file) else {
        return;
    };
    let Some(colon) = file[line.clone()].iter().position(|&byte| byte == b':') else {
        return;
    };
    let name = &file[line.start..line.start + colon];
    // A colon may well be part of a password, and then so is the word in front of it: no text names it.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte);
    if !name.is_empty() && name.len() <= 32 && name.iter().all(is_name) {
        let user = Span::new(subject.source, line.start..line.start + colon + 1);
        let case = Case::at(user).fix(Safety::Unsafe, [Edit::delete(user)]);
        match known(subject, &file[line]) {
            Some(Known::Password) => {}
            Some(Known::Line) => out.report(case.variant("same-line")),
            None if subject.users.contains(name) => out.report(case.variant("user")),
            None => out.report(case.variant("perhaps")),
        }
    }
}

/// RSY340: the client sends the first line as it stands.
fn not_a_plain_password(subject: &PasswordSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    let Some(line) = password(file) else {
        return;
    };
    let text = &file[line.clone()];
    let names: [&[u8]; 5] = [
        b"rsync_password",
        b"password",
        b"passwd",
        b"pass",
        b"export rsync_password",
    ];
    let is_assignment = text.iter().position(|byte| *byte == b'=').is_some_and(|equals| {
        let name = text[..equals].trim_ascii();
        names.iter().any(|known| name.eq_ignore_ascii_case(known))
    });
    let variant = if is_assignment {
        Some("assignment")
    } else {
        dressed(text)
    };
    // Where the server has the very same, it is how both want it.
    if let Some(variant) = variant
        && known(subject, text) != Some(Known::Password)
    {
        out.report(Case::at(Span::new(subject.source, line)).variant(variant));
    }
}

/// RSY328: a client refuses a file that others may read or write (`getpassf` in authenticate.c).
fn readable_by_others(subject: &PasswordSubject<'_>, out: &mut Reporter<'_>) {
    let Some(path) = subject.path else {
        return;
    };
    let name = path.display().to_string();
    let Some(Some(metadata)) = out.fact(&name, subject.host.metadata(path, true)) else {
        return;
    };
    if metadata.mode & 0o006 != 0 {
        out.report(
            Case::at(Span::new(subject.source, 0..0))
                .with("path", name)
                .with("mode", format!("{:o}", metadata.mode)),
        );
    }
}

/// RSY329: a client that reads no password from the file gives up.
fn empty_file(subject: &PasswordSubject<'_>, out: &mut Reporter<'_>) {
    if password(subject.sources.get(subject.source).bytes()).is_none() {
        out.report(Case::at(Span::new(subject.source, 0..0)));
    }
}

/// RSY330: the first line is sent as it is, with every blank and every note in it.
fn more_than_a_password(subject: &PasswordSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    let Some(line) = password(file) else {
        return;
    };
    let span = |range| Span::new(subject.source, range);
    let text = &file[line.clone()];
    let has_more_lines = password(&file[line.end..]).is_some();
    if text.starts_with(b"#") && has_more_lines {
        out.report(Case::at(span(line)).variant("first-line"));
        return;
    }
    if let Some(comment) = comment(file, &line) {
        if known(subject, text) == Some(Known::Password) {
            return;
        }
        let variant = if may_be_password(file, &comment) {
            "perhaps"
        } else {
            "comment"
        };
        let comment = span(comment);
        out.report(
            Case::at(comment)
                .variant(variant)
                .fix(Safety::Unsafe, [Edit::delete(comment)]),
        );
        return;
    }
    if text.starts_with(BYTE_ORDER_MARK) {
        let mark = span(line.start..line.start + BYTE_ORDER_MARK.len());
        // The mark has no width of its own.
        out.report(
            Case::at(span(line.clone()))
                .variant("mark")
                .fix(Safety::Unsafe, [Edit::delete(mark)]),
        );
    }
    let [front, behind] = blanks_around(file, &line);
    for (variant, part) in [("blank", behind), ("front", front)] {
        if !part.is_empty() {
            let part = span(part);
            out.report(
                Case::at(part)
                    .variant(variant)
                    .fix(Safety::Unsafe, [Edit::delete(part)]),
            );
        }
    }
}
