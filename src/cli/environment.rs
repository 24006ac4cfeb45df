use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
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
    host::zone,
    rsync::{
        delta::Checksum,
        filter::CvsIgnores,
        proto::{Compression, named},
        transfer::Error,
        tree::{Identity, open_trusted, read_small_trusted},
    },
    sync::{Environment, LoginSource, Surroundings, typed_password},
    terms::Exit,
};

/// Variables that a script or a command line sets, or takes away; the others are those of our own environment.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables(pub(super) BTreeMap<String, Option<Vec<u8>>>);

impl Variables {
    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let own = || env::var_os(name).map(OsString::into_vec);
        self.0.get(name).cloned().unwrap_or_else(own)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.bytes(name).and_then(|value| String::from_utf8(value).ok())
    }

    /// A variable that is not empty.
    fn filled(&self, name: &str) -> Option<String> {
        self.text(name).filter(|value| !value.is_empty())
    }

    /// Who asks where the command line names nobody: an empty `USER` is nobody, and not `LOGNAME` (observed with rsync
    /// 3.5.0).
    fn login(&self) -> (String, LoginSource) {
        let sources = [("USER", LoginSource::User), ("LOGNAME", LoginSource::Logname)];
        let mut found = sources
            .into_iter()
            .filter_map(|(name, source)| Some((self.text(name)?, source)));
        match found.next() {
            Some((name, source)) if !name.is_empty() => (name, source),
            _ => ("nobody".to_owned(), LoginSource::Nobody),
        }
    }
}

/// What the environment says about a session.
pub(super) fn environment() -> Environment<'static> {
    asking(&Variables::default(), ask)
}

/// The same where somebody has set variables, for an examination: nobody is asked without a terminal.
pub(super) fn environment_with(variables: &Variables) -> Environment<'static> {
    asking(variables, || prompt().unwrap_or_else(|_| Ok(typed_password())))
}

/// The same for an examination that does not log in, for this reason.
pub(super) fn environment_without_login(variables: &Variables, reason: &'static str) -> Environment<'static> {
    Environment {
        password: Box::new(|| Err(Error::PasswordFile(reason.to_owned()))),
        ..environment_with(variables)
    }
}

fn asking(variables: &Variables, ask: fn() -> Result<Vec<u8>, Error>) -> Environment<'static> {
    let given = variables.bytes("RSYNC_PASSWORD");
    let (login, login_source) = variables.login();
    // Several sessions ask once.
    let typed: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    Environment {
        // An empty one is a program too, which ends at once.
        connect_program: variables.text("RSYNC_CONNECT_PROG"),
        proxy: variables.filled("RSYNC_PROXY"),
        login,
        login_source,
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
        checksums: offered(variables, "RSYNC_CHECKSUM_LIST", Checksum::of_name),
        compressions: offered(variables, "RSYNC_COMPRESS_LIST", Compression::of_name),
    }
}

/// The same for a client of ours that logs in with that name and password, and connects by itself.
pub(super) fn environment_of(login: &str, password: Vec<u8>) -> Environment<'static> {
    Environment {
        connect_program: None,
        proxy: None,
        login: login.to_owned(),
        login_source: LoginSource::Given,
        password: Box::new(move || Ok(password.clone())),
        ..environment()
    }
}

/// The algorithms that a variable lists.
fn offered<T: PartialEq>(
    variables: &Variables,
    variable: &str,
    of_name: impl Fn(&str) -> Option<T>,
) -> Option<Vec<T>> {
    named(&variables.text(variable)?, of_name)
}

/// Asks at the terminal; without one standard input is read, as `getpass` does.
fn ask() -> Result<Vec<u8>, Error> {
    prompt().unwrap_or_else(|_| {
        let _ = write!(io::stderr(), "Password: ");
        Ok(typed_password())
    })
}

/// Asks at the terminal; fails without one.
fn prompt() -> io::Result<Result<Vec<u8>, Error>> {
    match rpassword::prompt_password("Password: ") {
        Ok(typed) => Ok(Ok(typed.into_bytes())),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Err(Error::Interrupted(Exit::Signal))),
        // Ctrl-D is an empty password.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            let _ = writeln!(io::stderr());
            Ok(Ok(Vec::new()))
        }
        Err(error) => Err(error),
    }
}

fn identity() -> Identity {
    let groups = getgroups().unwrap_or_default();
    let groups = groups.into_iter().chain([getegid()]).map(Gid::as_raw);
    Identity {
        is_root: geteuid().is_root(),
        groups: groups.collect(),
        umask: mask(),
        attribute_rules: None,
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
    surroundings_with(&Variables::default())
}

/// The same where somebody has set variables.
pub(super) fn surroundings_with(variables: &Variables) -> Surroundings<'static> {
    let home = variables.bytes("HOME").map(OsString::from_vec);
    let home = home.map(|home| Path::new(&home).join(".cvsignore"));
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
            home: home
                .and_then(|path| read_small_trusted(&path).ok())
                .unwrap_or_default(),
            variable: variables.bytes("CVSIGNORE").unwrap_or_default(),
        },
        umask: mask(),
        now: jiff::Timestamp::now().to_zoned(zone()),
        max_alloc: variables.filled("RSYNC_MAX_ALLOC"),
        iconv: variables.filled("RSYNC_ICONV"),
        partial_directory: variables.filled("RSYNC_PARTIAL_DIR"),
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
