//! The client's password file.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::PasswordSubject,
    },
    syntax::secrets::password,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[Check::password("RSY327", user_in_password_file)];

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
    // A colon may well be part of a password; a word in front of it is hardly ever. As it may be one, no text names it.
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte);
    if !name.is_empty() && name.len() <= 32 && name.iter().all(is_name) {
        let user = Span::new(subject.source, line.start..line.start + colon + 1);
        out.report(Case::at(user).fix(Safety::Unsafe, [Edit::delete(user)]));
    }
}
