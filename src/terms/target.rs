//! What stands in rsync's command line as a source or a destination.

use thiserror::Error;

use crate::terms::without_passwords;

/// A source or a destination, as `check_for_hostspec` of options.c tells them apart.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// A path of this machine.
    Local(String),
    /// `[user@]host:path`: through a remote shell.
    Shell(Remote),
    /// `[user@]host::module[/path]` or `rsync://[user@]host[:port]/module[/path]`: a daemon. The path begins with the module.
    Daemon(Remote),
}

/// A place on another machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Remote {
    /// The name in front of the `@`.
    pub user: Option<String>,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    /// Only in an `rsync://` address.
    pub port: Option<u16>,
    /// What stands behind the host.
    pub path: String,
}

impl Target {
    /// Reads one argument. A `/` in front of the first colon makes it a local path.
    pub fn parse(argument: &str) -> Self {
        let local = || Self::Local(argument.to_owned());
        // What is no address is a path on a host that is named as the scheme.
        if let Some(remote) = strip_scheme(argument).and_then(address) {
            return Self::Daemon(remote);
        }
        let (user, place) = match argument.split_once('@') {
            Some((user, _)) if !user.contains([':', '/']) => user_and_place(argument),
            _ => (None, argument),
        };
        let Some((host, rest)) = host_and_rest(place) else {
            return local();
        };
        let remote = |path: &str| Remote {
            user,
            host,
            port: None,
            path: path.to_owned(),
        };
        match (rest.strip_prefix("::"), rest.strip_prefix(':')) {
            (Some(path), _) => Self::Daemon(remote(path)),
            (None, Some(path)) => Self::Shell(remote(path)),
            (None, None) => local(),
        }
    }

    /// The place on another machine, if it is one.
    pub fn remote(&self) -> Option<&Remote> {
        match self {
            Self::Local(_) => None,
            Self::Shell(remote) | Self::Daemon(remote) => Some(remote),
        }
    }

    /// The module that a daemon is asked for.
    pub fn module(&self) -> Option<&str> {
        match self {
            Self::Daemon(remote) => remote.path.split('/').next().filter(|module| !module.is_empty()),
            Self::Local(_) | Self::Shell(_) => None,
        }
    }
}

/// What many write into an address, and rsync does not take there.
#[derive(Clone, Debug, Error, Eq, PartialEq)]
pub enum Misread {
    /// A password. To rsync the address is a path on a host that is named as its scheme, or as its user, behind a remote
    /// shell (`check_for_hostspec` in options.c).
    #[error(
        "`{shown}`: an address has no place for a password, and a host `{host}` would be looked for over ssh; write `{right}`, and give the password with --password-file=FILE or in RSYNC_PASSWORD"
    )]
    Password {
        /// The address, the password taken out.
        shown: String,
        /// The host that rsync looks for.
        host: String,
        /// The address without it.
        right: String,
    },
    /// A port that there is not. The C library of most systems keeps its lower 16 bits (seen with rsync 3.5.0 and glibc: 70000
    /// is 4464).
    #[error(
        "`{shown}`: ports end at 65535, and {taken} would be called in the place of {port}; write the port that the daemon listens on, 873 if nothing else is known: `{right}`"
    )]
    Port {
        /// The address.
        shown: String,
        /// The port that stands there.
        port: u64,
        /// The port that is called.
        taken: u16,
        /// The address without it.
        right: String,
    },
    /// A port where rsync takes none, or a word in the place of one: what follows the first colon is a path behind a
    /// remote shell (`check_for_hostspec` in options.c).
    #[error(
        "`{shown}`: the first colon ends the host's name, so this is a path on a host `{host}`, over ssh; write `{right}`"
    )]
    Path {
        /// The address.
        shown: String,
        /// The host that rsync looks for.
        host: String,
        /// What is meant.
        right: String,
    },
    /// No host in front of the colons: a blank has cut it off, or it was forgotten. The name service is asked for an empty name
    /// (observed with rsync 3.5.0).
    #[error("`{shown}` names no host; write `{right}`, without a blank in front of the colons")]
    Host {
        /// The address.
        shown: String,
        /// What is meant.
        right: String,
    },
}

/// Words that stand for a port and for no module.
const PORTS: [&str; 6] = ["port", "rsync", "ssh", "http", "https", "ftp"];

impl Misread {
    /// What rsync misreads in an address; `None` if it is read as it is meant, or is none.
    pub fn of(argument: &str) -> Option<Self> {
        let shown = without_password(argument);
        if let Some((before, behind)) = shown.split_once(":****@") {
            let host = before.split(':').next().unwrap_or_default().to_owned();
            let right = format!("{before}@{behind}");
            return Some(Self::Password { shown, host, right });
        }
        let right = match (argument.strip_prefix("::"), strip_scheme(argument)) {
            (Some(path), _) => Some(format!("HOST::{path}")),
            (None, rest) => rest
                .and_then(|rest| rest.strip_prefix('/'))
                .map(|path| format!("rsync://HOST/{path}")),
        };
        if let Some(right) = right {
            return Some(Self::Host { shown, right });
        }
        let Some(rest) = strip_scheme(argument) else {
            return Self::of_scheme(&shown).or_else(|| Self::of_shell(shown));
        };
        // Half of an IPv6 address is no name of a host.
        let is_host = |text: &str| {
            !text.contains(['/', ':', '[']) && text.bytes().any(|byte| !byte.is_ascii_hexdigit())
        };
        if let Some((host, path)) = rest.split_once("::").filter(|(host, _)| is_host(host)) {
            return Some(Self::Path {
                host: argument[.."rsync".len()].to_owned(),
                right: format!("rsync://{host}/{path}"),
                shown,
            });
        }
        let (authority, path) = rest.split_once('/').unwrap_or_default();
        let (before, port) = authority.rsplit_once(':')?;
        if !before.contains(':') && !port.bytes().all(|byte| byte.is_ascii_digit()) {
            // A word is the module, as behind ssh's colon, unless it is the name of a service or stands for a number.
            let is_word = port.starts_with(|first: char| first.is_alphabetic());
            let is_port = PORTS.contains(&&*port.to_ascii_lowercase());
            let module = match is_word && !is_port {
                true => format!("{port}/"),
                false => String::new(),
            };
            return Some(Self::Path {
                host: argument[.."rsync".len()].to_owned(),
                right: format!("rsync://{before}/{module}{path}"),
                shown,
            });
        }
        let port: u64 = port.parse().ok().filter(|&port| port > u64::from(u16::MAX))?;
        let low = port & u64::from(u16::MAX);
        Some(Self::Port {
            shown,
            port,
            taken: u16::try_from(low).expect("16 bits"),
            right: format!("rsync://{before}/{path}"),
        })
    }

    /// `rsync:/host/module`, `rsync:host/module`: a slash is missing, and the scheme is taken for a host.
    fn of_scheme(shown: &str) -> Option<Self> {
        let (scheme, rest) = shown.split_at_checked("rsync:".len())?;
        let address = rest.strip_prefix('/').unwrap_or(rest);
        let (authority, path) = address.split_once('/')?;
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = host.split(':').next().unwrap_or(host);
        // A host may be called `rsync`; its paths do not begin with the name of another host.
        let is_host = host == "localhost" || host.contains('.') && !host.starts_with('.');
        (scheme.eq_ignore_ascii_case("rsync:") && is_host && !path.is_empty()).then(|| Self::Path {
            shown: shown.to_owned(),
            host: scheme[..scheme.len() - 1].to_owned(),
            right: format!("rsync://{authority}/{path}"),
        })
    }

    /// `host:8730::module`
    fn of_shell(shown: String) -> Option<Self> {
        let (before, rest) = shown.split_once(':')?;
        let (port, path) = rest.split_once("::")?;
        let host = before.rsplit('@').next().unwrap_or(before);
        let is_meant = !host.is_empty() && !before.contains('/') && port.parse::<u16>().is_ok();
        is_meant.then(|| Self::Path {
            host: host.to_owned(),
            right: format!("rsync://{before}:{port}/{path}"),
            shown: shown.clone(),
        })
    }
}

/// A word of a command line as reports show it: the password that many write into an address, `rsync://joe:****@host/`,
/// and the one that `sshpass -p` is given, taken out. rsync knows no passwords there, and takes such an address for a
/// path on the host that is named as the user.
pub fn without_password(word: &str) -> String {
    without_passwords(&without_login(word)).into_owned()
}

fn without_login(word: &str) -> String {
    // There is no such option, and many type it.
    let mistyped = ["--password=", "--passwd=", "--pass="];
    if let Some(option) = mistyped.into_iter().find(|option| word.starts_with(option)) {
        return format!("{option}****");
    }
    let word = without_option(word);
    let authority = word.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = word.split_at(authority);
    let Some((user, behind)) = rest.split_once(':') else {
        return word;
    };
    let is_port = behind
        .split('/')
        .next()
        .is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(at) = behind.rfind('@') else { return word };
    // Without a scheme it is one if nothing else can be meant: a path may have any signs in it.
    let is_address = match scheme {
        "" => !behind[..at].contains('/') && behind[at..].contains(':'),
        _ => !is_port,
    };
    if is_address && !behind.starts_with(':') && !user.contains(['@', '/', '[']) {
        format!("{scheme}{user}:****{}", &behind[at..])
    } else {
        word
    }
}

/// `-e 'sshpass -p PASSWORD ssh'`
fn without_option(word: &str) -> String {
    let Some((before, behind)) = word.split_once("sshpass -p") else {
        return word.to_owned();
    };
    let password = behind.trim_start();
    let blanks = &behind[..behind.len() - password.len()];
    // A password with blanks in it stands in quotes.
    let end = match password.chars().next() {
        Some(quote @ ('"' | '\'')) => password[1..].find(quote).map(|at| at + 2),
        _ => password.find(char::is_whitespace),
    };
    let rest = &password[end.unwrap_or(password.len())..];
    format!("{before}sshpass -p{blanks}****{rest}")
}

fn strip_scheme(argument: &str) -> Option<&str> {
    let (scheme, rest) = argument.split_at_checked("rsync://".len())?;
    scheme.eq_ignore_ascii_case("rsync://").then_some(rest)
}

/// What stands behind `rsync://`; `None` if that is no address.
fn address(text: &str) -> Option<Remote> {
    let (authority, path) = text.split_once('/').unwrap_or((text, ""));
    let (user, place) = user_and_place(authority);
    let (host, rest) = host_and_rest(place)?;
    let port = match rest.strip_prefix(':').unwrap_or_default() {
        // None is that of all daemons, and so is 0.
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        _ => return None,
    };
    Some(Remote {
        user,
        host,
        port: port.filter(|&port| port > 0),
        path: path.to_owned(),
    })
}

/// The last `@` ends the user's name.
fn user_and_place(text: &str) -> (Option<String>, &str) {
    let end = text.find([':', '/']).unwrap_or(text.len());
    match text[..end].rfind('@') {
        Some(at) => (Some(text[..at].to_owned()), &text[at + 1..]),
        None => (None, text),
    }
}

/// A host, and what follows it: nothing or something that begins with a colon.
fn host_and_rest(place: &str) -> Option<(String, &str)> {
    if let Some(inner) = place.strip_prefix('[') {
        let (address, rest) = inner.split_once(']')?;
        return (rest.is_empty() || rest.starts_with(':')).then(|| (address.to_owned(), rest));
    }
    let end = place.find([':', '/']).unwrap_or(place.len());
    let (host, rest) = place.split_at(end);
    (!rest.starts_with('/')).then(|| (host.to_owned(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(argument: &str) -> String {
        let target = Target::parse(argument);
        let kind = match &target {
            Target::Local(path) => return format!("local {path}"),
            Target::Shell(_) => "shell",
            Target::Daemon(_) => "daemon",
        };
        let remote = target.remote().expect("a remote place");
        let port = remote.port.map_or(String::new(), |port| format!(" {port}"));
        format!(
            "{kind} {:?} {} {}{port}",
            remote.user.as_deref().unwrap_or(""),
            remote.host,
            remote.path
        )
    }

    #[test]
    fn targets_are_told_apart() {
        for (argument, expected) in [
            ("/srv/data", "local /srv/data"),
            ("./a:b", "local ./a:b"),
            ("data", "local data"),
            ("", "local "),
            ("host:", "shell \"\" host "),
            ("joe@host:/srv", "shell \"joe\" host /srv"),
            ("host::data/x", "daemon \"\" host data/x"),
            ("joe@host::data", "daemon \"joe\" host data"),
            ("[2001:db8::1]::data", "daemon \"\" 2001:db8::1 data"),
            ("rsync://joe@host:8730/data/x", "daemon \"joe\" host data/x 8730"),
            ("RSYNC://[::1]/data", "daemon \"\" ::1 data"),
            ("::data", "daemon \"\"  data"),
            ("rsync://host:/data", "daemon \"\" host data"),
            ("rsync://host:8x/data", "shell \"\" rsync //host:8x/data"),
            ("rsync://host:99999/data", "shell \"\" rsync //host:99999/data"),
            ("rsync://[::1:1/data", "shell \"\" rsync //[::1:1/data"),
            ("[::1::data", "local [::1::data"),
        ] {
            assert_eq!(told(argument), expected, "{argument}");
        }
    }

    #[test]
    fn passwords_are_taken_out() {
        for (word, expected) in [
            ("rsync://joe:hush@host/data/", "rsync://joe:****@host/data/"),
            ("rsync://joe:123@host:873/data", "rsync://joe:****@host:873/data"),
            ("rsync://joe:h/u@s h@host/data", "rsync://joe:****@host/data"),
            ("joe:hush@host::data", "joe:****@host::data"),
            ("sshpass -p hush ssh", "sshpass -p **** ssh"),
            ("--rsh=sshpass -phush ssh -l x", "--rsh=sshpass -p**** ssh -l x"),
            ("sshpass -p 'h u' ssh", "sshpass -p **** ssh"),
        ] {
            assert_eq!(without_password(word), expected);
        }
        for word in [
            "rsync://joe@host:873/a@b",
            "rsync://host:873/a@b",
            "joe@host::data/a:b@c",
            "host::data/a@b",
            "rsync://[2001:db8::1]/a@b",
            "/srv/a:b@c",
            "host:photos/a@b",
            "",
        ] {
            assert_eq!(without_password(word), word);
        }
    }

    #[test]
    fn what_rsync_misreads_is_told_with_what_to_write() {
        for (argument, expected) in [
            (
                "rsync://joe:hush@host:8730/data/",
                "host `rsync` would be looked for over ssh; write `rsync://joe@host:8730/data/`",
            ),
            (
                "joe:hush@host::data",
                "host `joe` would be looked for over ssh; write `joe@host::data`",
            ),
            (
                "rsync://[::1]:70000/data/",
                "4464 would be called in the place of 70000",
            ),
            (
                "rsync://joe@host:65536/data",
                "873 if nothing else is known: `rsync://joe@host/data`",
            ),
            (
                "rsync:/192.0.2.7/data",
                "a host `rsync`, over ssh; write `rsync://192.0.2.7/data`",
            ),
            ("rsync:a.example:873/data", "write `rsync://a.example:873/data`"),
            ("rsync://joe@host::data/x", "write `rsync://joe@host/data/x`"),
            ("rsync://host:www/", "write `rsync://host/www/`"),
            ("rsync://joe@host:www/site/", "write `rsync://joe@host/www/site/`"),
            ("rsync://host:873x/data/", "write `rsync://host/data/`"),
            ("rsync://host:+873/data/", "write `rsync://host/data/`"),
            ("rsync://host:PORT/data/", "write `rsync://host/data/`"),
            ("::data", "names no host; write `HOST::data`"),
            ("rsync:///data", "write `rsync://HOST/data`"),
        ] {
            let told = Misread::of(argument).expect(argument).to_string();
            assert!(told.contains(expected) && !told.contains("hush"), "{told}");
        }
        for argument in [
            "rsync://joe@host:8730/data",
            "host::data",
            "host:70000/x",
            "rsync://[::1]/a:70000",
            "rsync://fe80::1/data",
            "rsync:/srv/data",
            "rsync:data/x",
            "",
            "/a:b@c",
        ] {
            assert_eq!(Misread::of(argument), None, "{argument}");
        }
    }

    #[test]
    fn a_module_is_the_first_part_of_a_daemons_path() {
        assert_eq!(Target::parse("h::data/sub").module(), Some("data"));
        assert_eq!(Target::parse("rsync://h/").module(), None);
        assert_eq!(Target::parse("h:data").module(), None);
    }
}
