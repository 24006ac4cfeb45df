//! Which machine files are judged with, and who reads what the user names.

use std::{
    fmt::Display,
    fs,
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use clap::{Args, ValueEnum};

use crate::{
    cli::Failure,
    host::{Fact, Host, Image, LARGEST_FILE, Live, NOT_REGULAR, NoHost, Unknown, running_configurations},
};

/// Which machine files are judged with.
#[derive(Args, Debug)]
pub(super) struct Machine {
    /// Which machine the files are judged with
    #[arg(long, value_name = "HOST", default_value = "auto", conflicts_with = "root")]
    host: HostName,
    /// Judge the files with the machine whose file system is below this folder
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum HostName {
    /// This machine for files below /etc or of a running daemon, none for all others
    Auto,
    /// This machine
    Live,
    /// No machine: judge the text alone
    None,
}

impl Machine {
    /// Whether the user named a machine, so that what it does not tell is missing.
    pub(super) fn is_named(&self) -> bool {
        self.root.is_some() || self.host == HostName::Live
    }

    /// Where the daemon's configuration is if nobody says otherwise.
    pub(super) fn default_file(&self) -> PathBuf {
        match &self.root {
            Some(root) => root.join("etc/rsyncd.conf"),
            None => PathBuf::from("/etc/rsyncd.conf"),
        }
    }

    /// Chooses for one file after the other.
    pub(super) fn hosts(&self) -> Result<Hosts, Failure> {
        if let Some(root) = self.root.as_ref().filter(|root| !root.is_dir()) {
            return Err(format!(
                "`{}` is not a folder, so it is no machine's file system",
                root.display()
            )
            .into());
        }
        Ok(Hosts {
            choice: self.host,
            image: self.root.as_ref().map(Image::new),
            running: OnceLock::new(),
        })
    }
}

/// The machines that files may be judged with.
pub(super) struct Hosts {
    choice: HostName,
    image: Option<Image>,
    /// The configuration files of running daemons, once somebody asks.
    running: OnceLock<Vec<PathBuf>>,
}

impl Hosts {
    /// The machine that users are looked up on.
    pub(super) fn named(&self) -> &dyn Host {
        self.image.as_ref().map_or(&Live as &dyn Host, |image| image)
    }

    /// The machine of a file.
    pub(super) fn of(&self, path: &Path) -> &dyn Host {
        if let Some(image) = &self.image {
            return image;
        }
        if self.is_live(path) { &Live } else { &NoHost }
    }

    /// Whether a file is judged with this machine as it is.
    pub(super) fn is_live(&self, path: &Path) -> bool {
        self.image.is_none()
            && match self.choice {
                HostName::Live => true,
                HostName::None => false,
                HostName::Auto => self.is_live_place(path),
            }
    }

    /// Who reads a file that the user names, and by which path. What lies below `--root` is the machine's there, links
    /// and all; everything else is ours.
    pub(super) fn place(&self, path: &Path) -> (&dyn Host, PathBuf) {
        let image = self.image.as_ref();
        match image.and_then(|image| Some((image, image.inside(path)?))) {
            Some((image, inside)) => (image, inside),
            None => (&Live, path.to_owned()),
        }
    }

    /// The path by which a file can be replaced: no link.
    pub(super) fn real_path(&self, path: &Path) -> io::Result<PathBuf> {
        let image = self.image.as_ref();
        let Some((image, inside)) = image.and_then(|image| Some((image, image.inside(path)?))) else {
            return fs::canonicalize(path);
        };
        let found = image.outside(&inside).map_err(io::Error::other)?;
        found.ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// Whether a file lies where a daemon of this machine would read it.
    fn is_live_place(&self, path: &Path) -> bool {
        let places = ["/etc", "/usr/local/etc", "/opt/etc"];
        let Ok(path) = fs::canonicalize(path) else {
            return false;
        };
        let running = || self.running.get_or_init(running_configurations).contains(&path);
        places.iter().any(|place| path.starts_with(place)) || running()
    }
}

/// Reads a file that the user named: also the output of another command that the shell puts in place of a file.
pub(super) fn read(hosts: &Hosts, path: &Path) -> Fact<Vec<u8>> {
    if path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd") {
        let pipe = fs::File::open(path).map_err(|error| Unknown::Failed(error.to_string()))?;
        return bounded(pipe, "it").map_err(|error| Unknown::Failed(error.to_string()));
    }
    let (host, place) = hosts.place(path);
    let bytes = host.read(&place).map_err(|reason| match reason {
        Unknown::Failed(error) if error == NOT_REGULAR => {
            Unknown::Failed(format!("{error}; a pipe can be given as `-`"))
        }
        reason => reason,
    })?;
    bytes.ok_or_else(|| Unknown::Failed("No such file or directory".to_owned()))
}

/// Whether a path stands for standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// What comes in on standard input.
pub(super) fn standard_input() -> io::Result<Vec<u8>> {
    bounded(io::stdin().lock(), "standard input")
}

fn bounded(input: impl io::Read, name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        let limit = LARGEST_FILE >> 20;
        return Err(io::Error::other(format!("{name} is larger than {limit} MiB")));
    }
    Ok(bytes)
}

/// A file that was asked for and that we may not read. That is no wrong usage: the file may be sound.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Denied(String);

/// Why a command has no answer about a file that the user named. What to do is told too.
pub(super) fn unreadable(path: &Path, reason: &Unknown, what_to_do: &str) -> Failure {
    let told = format!("{}{what_to_do}", cannot_read(path, reason));
    match reason {
        Unknown::Denied => Denied(told).into(),
        _ => told.into(),
    }
}

/// What is said of a path that was asked for and cannot be read.
pub(super) fn cannot_read(path: &Path, reason: impl Display) -> String {
    format!("cannot read `{}`: {reason}", path.display())
}
