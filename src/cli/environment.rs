use std::{
    env,
    ffi::OsString,
    io::{self, Write as _},
    os::unix::ffi::OsStringExt,
};

use nix::{
    sys::stat::{Mode, umask},
    unistd::{Gid, getegid, geteuid, getgroups},
};

use crate::{
    rsync::{transfer::Error, tree::Identity},
    sync::{Environment, typed_password},
};

/// What the environment says about a session.
pub(super) fn environment() -> Environment<'static> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let given = env::var_os("RSYNC_PASSWORD").map(OsString::into_vec);
    Environment {
        connect_program: variable("RSYNC_CONNECT_PROG"),
        proxy: variable("RSYNC_PROXY"),
        login: variable("USER")
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| "nobody".to_owned()),
        password: Box::new(move || given.clone().map_or_else(ask, Ok)),
        identity: identity(),
    }
}

/// Asks at the terminal; without one standard input is read, as `getpass` does.
fn ask() -> Result<Vec<u8>, Error> {
    match rpassword::prompt_password("Password: ") {
        Ok(typed) => Ok(typed.into_bytes()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(Error::Interrupted),
        Err(_) => {
            let _ = write!(io::stderr(), "Password: ");
            Ok(typed_password())
        }
    }
}

fn identity() -> Identity {
    let groups = getgroups().unwrap_or_default();
    let groups = groups.into_iter().chain([getegid()]).map(Gid::as_raw);
    Identity {
        is_root: geteuid().is_root(),
        groups: groups.collect(),
        umask: mask(),
    }
}

/// The permissions that new files do not get.
pub(super) fn mask() -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    mask.bits()
}
