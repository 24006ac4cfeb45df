//! A session that something happens to, and what must be there afterwards.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{Client, Session};
use crate::{
    differential::generator::Random,
    support::program::program,
    sync::{
        Stage, described,
        faults::proxy::{Fault, Proxy},
        touch,
    },
};

/// The files as the sender has them, and the one that the receiver has, as it is there.
pub(super) struct Contents {
    pub(super) new: BTreeMap<&'static str, Vec<u8>>,
    pub(super) basis: Vec<u8>,
}

pub(super) const BASIS: &str = "basis";

impl Contents {
    pub(super) fn new() -> Self {
        let mut random = Random::new(3);
        let mut bytes = |count: usize| -> Vec<u8> { (0..count).map(|_| random.below(256) as u8).collect() };
        let basis = bytes(2100);
        let changed = [&basis[..800], b"changed", &basis[900..]].concat();
        let new = BTreeMap::from([(BASIS, changed), ("other", bytes(150)), ("sub/small", bytes(3))]);
        Self { new, basis }
    }

    pub(super) fn plant(&self, root: &Path) {
        for (name, content) in &self.new {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, content).expect("a file");
        }
        for name in [BASIS, "other", "sub/small", "sub", "."] {
            touch(&root.join(name), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
    }

    pub(super) fn plant_basis(&self, root: &Path) {
        fs::create_dir(root).expect("a folder");
        fs::write(root.join(BASIS), &self.basis).expect("a file");
        touch(&root.join(BASIS), UNIX_EPOCH + Duration::from_secs(900_000_000));
    }
}

/// A daemon, and files at both sides.
pub(super) struct Scene {
    pub(super) session: Session,
    pub(super) contents: Contents,
    pub(super) stage: Stage,
    pub(super) folder: TempDir,
}

impl Scene {
    pub(super) fn new(session: Session) -> Self {
        let scene = Self {
            session,
            contents: Contents::new(),
            stage: Stage::new(),
            folder: tempfile::tempdir().expect("a folder"),
        };
        scene.contents.plant(&scene.source());
        scene
    }

    pub(super) fn source(&self) -> PathBuf {
        match self.session.is_pull {
            true => self.stage.source(),
            false => self.folder.path().join("src"),
        }
    }

    pub(super) fn destination(&self) -> PathBuf {
        match self.session.is_pull {
            true => self.folder.path().join("dst"),
            false => self.stage.target(),
        }
    }

    /// The client with its words.
    pub(super) fn client(&self, client: Client, url: &str, more: &[&str]) -> Command {
        let mut command = match client {
            Client::Ours => program(self.folder.path(), &["sync"]),
            Client::Theirs => {
                let mut command = Command::new("rsync");
                command.current_dir(self.folder.path()).env("LC_ALL", "C.UTF-8");
                command
            }
        };
        command
            .args(self.session.words)
            .arg(self.session.protocol)
            .args(more);
        match self.session.is_pull {
            true => command.arg(format!("{url}/data/src/")).arg("dst"),
            false => command.arg("src/").arg(format!("{url}/drop/")),
        };
        command.stdin(Stdio::null());
        command
    }

    pub(super) fn prepare(&self) {
        let destination = self.destination();
        let _ = fs::remove_dir_all(&destination);
        self.contents.plant_basis(&destination);
    }

    /// Runs a client through a faulty connection, from the start; what it did, and how many bytes went.
    pub(super) fn run(&self, client: Client, fault: Option<Fault>, more: &[&str]) -> (Output, [usize; 2]) {
        self.prepare();
        let (reached, _) = mpsc::channel();
        let proxy = Proxy::start(self.stage.daemon.port(), fault, reached);
        let output = limited(&self.client(client, &proxy.url(), more));
        (output, proxy.end())
    }

    /// What is wrong with the destination after an accident.
    pub(super) fn check(&self, has_true_names: bool, may_leave: bool) -> Result<(), String> {
        let destination = self.destination();
        let mut found = BTreeMap::new();
        collect(&destination, Path::new(""), &mut found);
        for (name, content) in &found {
            let known = self.contents.new.get(name.as_str());
            let is_old = name == BASIS && *content == self.contents.basis;
            let is_new = match has_true_names {
                true => known == Some(content),
                false => self.contents.new.values().any(|new| new == content),
            };
            let is_left = may_leave && name.rsplit('/').next().is_some_and(|base| base.starts_with('.'));
            if !is_old && !is_new && !is_left {
                return Err(format!("`{name}` with {} bytes is there", content.len()));
            }
        }
        match found.contains_key(BASIS) {
            true => Ok(()),
            false => Err("the basis is gone".to_owned()),
        }
    }

    /// Runs the client once more, and undisturbed.
    pub(super) fn complete(&self, more: &[&str]) -> Result<(), String> {
        let url = format!("rsync://127.0.0.1:{}", self.stage.daemon.port());
        let output = limited(&self.client(Client::Ours, &url, more));
        let error = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() || !error.is_empty() {
            return Err(format!("the second run ends with {}: {error}", output.status));
        }
        self.is_complete()
    }

    pub(super) fn is_complete(&self) -> Result<(), String> {
        let (source, destination) = (described(&self.source()), described(&self.destination()));
        match source == destination {
            true => Ok(()),
            false => Err(format!("the client makes\n{destination}of\n{source}")),
        }
    }
}

pub(in crate::sync) fn collect(root: &Path, below: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(root.join(below)).expect("a folder") {
        let name = below.join(entry.expect("an entry").file_name());
        let path = root.join(&name);
        let kind = path.symlink_metadata().expect("it is there").file_type();
        if kind.is_dir() {
            collect(root, &name, found);
        } else if kind.is_file() {
            let content = fs::read(&path).expect("a file");
            found.insert(name.to_string_lossy().into_owned(), content);
        }
    }
}

/// Is killed after half a minute, with all that it has started.
pub(super) fn limited(command: &Command) -> Output {
    let mut limited = Command::new("timeout");
    limited
        .args(["--signal=KILL", "30"])
        .arg(command.get_program())
        .args(command.get_args());
    limited.current_dir(command.get_current_dir().expect("it was set"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.stdin(Stdio::null()).output().expect("the client runs")
}
