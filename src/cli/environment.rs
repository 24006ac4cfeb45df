use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read as _, Write as _},
    os::unix::ffi::{OsStrExt as _, OsStringExt},
    path::Path,
    sync::{Mutex, PoisonError},
};

use nix::{
    errno::Errno,
    sys::stat::{Mode, umask},
    unistd::{Gid, getegid, geteuid, getgroups},
};

use crate::{
    rsync::{
        delta::Checksum,
        filter::CvsIgnores,
        proto::{Compression, named},
        transfer::Error,
        tree::{Identity, open_trusted},
    },
    sync::{Environment, Surroundings, typed_password},
};

/// What the environment says about a session.
pub(super) fn environment() -> Environment<'static> {
    let given = env::var_os("RSYNC_PASSWORD").map(OsString::into_vec);
    // Several sessions ask once.
    let typed: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    Environment {
        connect_program: variable("RSYNC_CONNECT_PROG"),
        proxy: variable("RSYNC_PROXY"),
        login: variable("USER")
            .or_else(|| variable("LOGNAME"))
            .unwrap_or_else(|| "nobody".to_owned()),
        password: Box::new(move || match &given {
            Some(given) => Ok(given.clone()),
            None => {
                let mut typed = typed.lock().unwrap_or_else(PoisonError::into_inner);
                match &*typed {
                    Some(typed) => Ok(typed.clone()),
                    None => ask().map(|answer| typed.insert(answer).clone()),
                }
            }
        }),
        identity: identity(),
        checksums: offered("RSYNC_CHECKSUM_LIST", Checksum::of_name),
        compressions: offered("RSYNC_COMPRESS_LIST", Compression::of_name),
    }
}

/// The same for a client of ours that logs in with that name and password, and connects by itself.
pub(super) fn environment_of(login: &str, password: Vec<u8>) -> Environment<'static> {
    Environment {
        connect_program: None,
        proxy: None,
        login: login.to_owned(),
        password: Box::new(move || Ok(password.clone())),
        ..environment()
    }
}

/// A variable of the environment that is not empty.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The algorithms that a variable of the environment lists.
fn offered<T: PartialEq>(variable: &str, of_name: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    env::var(variable).ok().and_then(|list| named(&list, of_name))
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
fn mask() -> u32 {
    let mask = umask(Mode::empty());
    umask(mask);
    mask.bits()
}

/// What command lines need of the machine.
pub(super) fn surroundings() -> Surroundings<'static> {
    let home = env::var_os("HOME").map(|home| Path::new(&home).join(".cvsignore"));
    Surroundings {
        read: Box::new(|name| {
            let mut content = Vec::new();
            if name == b"-" {
                io::stdin().read_to_end(&mut content)?;
            } else {
                open_trusted(Path::new(OsStr::from_bytes(name)))?
                    .take(MAX_RULES)
                    .read_to_end(&mut content)?;
            }
            Ok(content)
        }),
        read_list: names,
        ignores: CvsIgnores {
            home: home.and_then(|path| fs::read(path).ok()).unwrap_or_default(),
            variable: env::var_os("CVSIGNORE").map_or_else(Vec::new, OsStringExt::into_vec),
        },
        umask: mask(),
        now: jiff::Zoned::now(),
        max_alloc: variable("RSYNC_MAX_ALLOC"),
        iconv: variable("RSYNC_ICONV"),
    }
}

/// As much is read of a file with rules, in bytes.
const MAX_RULES: u64 = 16 << 20;

/// The content of the file that `--files-from` names.
fn names(path: &Path) -> io::Result<Vec<u8>> {
    let mut names = Vec::new();
    match path.as_os_str() == "-" {
        true => io::stdin().take(MAX_NAMES + 1).read_to_end(&mut names)?,
        false => open_trusted(path)?.take(MAX_NAMES + 1).read_to_end(&mut names)?,
    };
    match names.len() as u64 > MAX_NAMES {
        true => Err(Errno::EFBIG.into()),
        false => Ok(names),
    }
}

/// As much is read of a list of files, in bytes.
const MAX_NAMES: u64 = 1 << 30;
