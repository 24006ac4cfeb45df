use std::{
    io::{self, BufRead as _, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use crate::{
    rsync::{
        transfer::{Credentials, Error, describe},
        tree::open_trusted,
    },
    sync::{Environment, Plan},
    terms::refusal,
};

/// Where user and password come from (`auth_client` in authenticate.c).
pub(super) struct Login<'p> {
    pub(super) plan: &'p Plan,
    pub(super) environment: &'p Environment<'p>,
}

impl Credentials for Login<'_> {
    fn user(&self) -> String {
        let named = self.plan.daemon.user.as_ref();
        named.unwrap_or(&self.environment.login).clone()
    }

    fn password(&self) -> Result<Vec<u8>, Error> {
        match &self.plan.password_file {
            Some(path) => password_file(path, self.plan.place.role(), self.environment.identity.is_root),
            None => (self.environment.password)(),
        }
    }
}

/// As much of a password file is read, in bytes.
const LONGEST_PASSWORD: u64 = 4096;

/// The first line of a password file that nobody else may read (`getpassf` in authenticate.c).
fn password_file(path: &Path, role: &str, is_root: bool) -> Result<Vec<u8>, Error> {
    let named = |text: &[u8]| {
        let found = first_text(text).map(<[u8]>::to_vec);
        let path = path.display();
        found.ok_or_else(|| Error::PasswordFile(format!("ERROR: failed to read a password from {path}")))
    };
    if path.as_os_str() == "-" {
        return named(&typed_line());
    }
    let unreadable = |error: io::Error| {
        let reason = describe(&error);
        let path = path.display();
        Error::PasswordFile(format!(
            "{}rsync: [{role}] could not open password file {path}: {reason}",
            refusal(&error)
        ))
    };
    let refused = |why: &str| Err(Error::PasswordFile(format!("ERROR: password file must {why}")));
    let file = open_trusted(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if found.mode() & 0o006 != 0 {
        return refused("not be other-accessible");
    }
    if is_root && found.uid() != 0 {
        return refused("be owned by root when running as root");
    }
    let mut text = Vec::new();
    file.take(LONGEST_PASSWORD)
        .read_to_end(&mut text)
        .map_err(unreadable)?;
    named(&text)
}

/// The first line of standard input, as a password that is typed.
pub fn typed_password() -> Vec<u8> {
    let line = typed_line();
    let end = line.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
    line[..end.unwrap_or(line.len())].to_vec()
}

fn typed_line() -> Vec<u8> {
    let mut line = Vec::new();
    let _ = io::stdin()
        .lock()
        .take(LONGEST_PASSWORD)
        .read_until(b'\n', &mut line);
    line
}

/// The first line that is not empty, as `strtok` finds it; a zero byte ends the text.
fn first_text(text: &[u8]) -> Option<&[u8]> {
    let text = text.split(|&byte| byte == 0).next()?;
    let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.find(|line| !line.is_empty())
}

/// As much is handed to a daemon before the session, in bytes.
const MAX_EARLY_INPUT: u64 = 5120;

/// The content of the file that `--early-input` names (`start_inband_exchange` in clientserver.c).
pub(super) fn early_input(path: &Path, role: &str) -> Result<Vec<u8>, Error> {
    let mut content = Vec::new();
    let read = open_trusted(path).and_then(|file| file.take(MAX_EARLY_INPUT + 1).read_to_end(&mut content));
    let path = path.display();
    match read {
        Err(error) => {
            let reason = describe(&error);
            Err(Error::EarlyInput(format!(
                "{}rsync: [{role}] failed to open {path}: {reason}",
                refusal(&error)
            )))
        }
        Ok(count) if count as u64 > MAX_EARLY_INPUT => {
            Err(Error::EarlyInput(format!("{path} is > {MAX_EARLY_INPUT} bytes.")))
        }
        Ok(_) => Ok(content),
    }
}
