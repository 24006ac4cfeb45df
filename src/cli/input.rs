//! What the commands that read one configuration share: which file, which machine, which release.

use std::{
    cell::OnceCell,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::{
    cli::Failure,
    host::{Host, Image, Live, NoHost, running_configurations},
    lint::HostFiles,
    model::{Configuration, resolve},
    terms::{Release, Source, Sources},
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

    /// Our path of a path of the machine.
    pub(super) fn place(&self, path: &str) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
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
            running: OnceCell::new(),
        })
    }
}

/// The machines that files may be judged with.
pub(super) struct Hosts {
    choice: HostName,
    image: Option<Image>,
    /// The configuration files of running daemons, once somebody asks.
    running: OnceCell<Vec<PathBuf>>,
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
        match self.choice {
            HostName::Live => &Live,
            HostName::None => &NoHost,
            HostName::Auto if self.is_live_place(path) => &Live,
            HostName::Auto => &NoHost,
        }
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

/// One daemon's configuration.
#[derive(Args, Debug)]
pub(super) struct OneFile {
    /// The daemon's configuration file
    #[arg(value_name = "FILE", default_value = "/etc/rsyncd.conf")]
    pub(super) file: PathBuf,
    /// The release of rsync that reads the file
    #[arg(long, value_name = "VERSION", default_value_t = Release::CURRENT)]
    target_version: Release,
    #[command(flatten)]
    machine: Machine,
}

impl OneFile {
    /// Reads and resolves the file.
    pub(super) fn resolve(&self) -> Result<(Sources, Configuration), Failure> {
        self.resolve_other(&self.file)
    }

    /// Reads and resolves another file in the same circumstances.
    pub(super) fn resolve_other(&self, path: &Path) -> Result<(Sources, Configuration), Failure> {
        let bytes = read(path)?;
        let mut sources = Sources::default();
        let source = sources.add(Source::new(path.display().to_string(), bytes));
        let hosts = self.machine.hosts()?;
        let files = HostFiles(hosts.of(path));
        let configuration = resolve(&mut sources, source, self.target_version, &files);
        Ok((sources, configuration))
    }
}

/// Reads a file that the user named.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = Live
        .read(path)
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    bytes.ok_or_else(|| format!("cannot read `{}`: there is no such file", path.display()).into())
}
