//! The configuration that the daemon of this machine runs with.

use std::path::PathBuf;

use crate::{
    catalog::Language,
    host::{Listener, Live, running_configurations},
    lint::{Started, started},
};

/// Where a daemon looks if nobody says otherwise.
const DEFAULT: &str = "/etc/rsyncd.conf";

/// The configuration file, and how it was found.
#[derive(Debug)]
pub(in crate::cli) struct Local {
    /// The file; `None` if it is not to be told.
    pub(in crate::cli) file: Option<PathBuf>,
    port: u16,
    listener: Listener,
    /// The files of all daemons that run.
    running: Vec<PathBuf>,
    /// What a program that listens in place of rsync starts.
    started: Vec<Started>,
}

impl Local {
    /// Looks for the daemon on a port.
    pub(in crate::cli) fn find(port: u16) -> Self {
        let (listener, running) = (Listener::on(port), running_configurations());
        let started = match &listener {
            Listener::Other { program, .. } => started(&Live, program, port),
            _ => Vec::new(),
        };
        Self {
            file: file(&listener, &running, &started),
            port,
            listener,
            running,
            started,
        }
    }

    /// The process of the daemon, if it listens itself.
    pub(super) fn process(&self) -> Option<u32> {
        match self.listener {
            Listener::Daemon { process, .. } => Some(process),
            _ => None,
        }
    }

    /// What was taken, and why.
    pub(super) fn told(&self, language: Language) -> String {
        let port = self.port;
        let zh = language == Language::Chinese;
        let who = match &self.listener {
            Listener::Daemon { process, .. } if zh => format!("rsync（进程 {process}）监听端口 {port}"),
            Listener::Daemon { process, .. } => format!("rsync (process {process}) listens on port {port}"),
            Listener::Contained(process) if zh => {
                format!("rsync（进程 {process}）在容器中监听端口 {port}，请在容器里运行 rsyncctl")
            }
            Listener::Contained(process) => format!(
                "rsync (process {process}) listens on port {port} in a container; run rsyncctl in there"
            ),
            Listener::Other { process, program } if zh => {
                format!("{program}（进程 {process}）监听端口 {port}，可能由它启动 rsync")
            }
            Listener::Other { process, program } => {
                format!("{program} (process {process}) listens on port {port}, and may start rsync")
            }
            Listener::Unseen if zh => format!("监听端口 {port} 的进程只有 root 能看到"),
            Listener::Unseen => format!("only root may see which process listens on port {port}"),
            Listener::Nobody if zh => format!("本机没有进程监听端口 {port}"),
            Listener::Nobody => format!("no process of this machine listens on port {port}"),
        };
        if let [started] = &self.started[..] {
            let (file, place) = (started.configuration.display(), started.place.display());
            return match zh {
                true => format!("--local：使用 {file}，因为 {place} 里写的是它；{who}"),
                false => format!("--local takes {file}, which {place} names: {who}"),
            };
        }
        let found = match &self.started[..] {
            [] => self.running.clone(),
            started => started.iter().map(|one| one.configuration.clone()).collect(),
        };
        match (&self.file, found.len()) {
            (Some(file), _) if zh => format!("--local：使用 {}；{who}", file.display()),
            (Some(file), _) => format!("--local takes {}: {who}", file.display()),
            (None, 2..) if zh => format!("--local：无法判断用哪个文件；{who}，请用 --config 指定"),
            (None, 2..) => {
                let all: Vec<_> = found.iter().map(|file| file.display().to_string()).collect();
                format!(
                    "--local cannot tell which file is meant: {who}, and daemons run with {}; name one with --config",
                    all.join(", ")
                )
            }
            (None, _) if zh => format!("--local：没有找到配置文件；{who}"),
            (None, _) => format!("--local finds no configuration: {who}"),
        }
    }
}

/// The file that decides what clients of that port meet.
fn file(listener: &Listener, running: &[PathBuf], started: &[Started]) -> Option<PathBuf> {
    let default = || Some(PathBuf::from(DEFAULT)).filter(|file| file.is_file());
    match listener {
        Listener::Daemon { configuration, .. } => Some(configuration.clone()),
        Listener::Contained(_) => None,
        Listener::Other { .. } | Listener::Nobody => match started {
            // What it starts is not known; the default is what is mostly meant.
            [] => default(),
            [one] => Some(one.configuration.clone()),
            _ => None,
        },
        Listener::Unseen => match running {
            [] => default(),
            [one] => Some(one.clone()),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Local, file};
    use crate::{catalog::Language, host::Listener, lint::Started};

    #[test]
    fn the_file_is_that_of_who_listens() {
        let [one, other] = ["/srv/one.conf", "/srv/other.conf"].map(PathBuf::from);
        let daemon = Listener::Daemon {
            process: 7,
            configuration: one.clone(),
        };
        let both = [one.clone(), other.clone()];
        assert_eq!(
            file(&daemon, std::slice::from_ref(&other), &[]),
            Some(one.clone())
        );
        assert_eq!(
            file(&Listener::Unseen, std::slice::from_ref(&one), &[]),
            Some(one.clone())
        );
        assert_eq!(file(&Listener::Unseen, &both, &[]), None);
        assert_eq!(file(&Listener::Contained(7), &both, &[]), None);
        let listener = Listener::Other {
            process: 1,
            program: "systemd".to_owned(),
        };
        let started = [&one, &other].map(|configuration| Started {
            configuration: configuration.clone(),
            place: "/etc/systemd/system/rsync@.service".into(),
        });
        assert_eq!(file(&listener, &[], &started[..1]), Some(one.clone()));
        assert_eq!(file(&listener, &[], &started), None);
        let unknown = Local {
            file: None,
            port: 873,
            listener: Listener::Unseen,
            running: both.into(),
            started: Vec::new(),
        };
        let told = unknown.told(Language::English);
        assert!(
            told.contains("/srv/one.conf, /srv/other.conf; name one with --config"),
            "{told}"
        );
        let [of_socket, _] = started;
        let known = Local {
            file: Some(one),
            port: 873,
            listener,
            running: Vec::new(),
            started: vec![of_socket],
        };
        let told = known.told(Language::English);
        let expected = "--local takes /srv/one.conf, which /etc/systemd/system/rsync@.service names: systemd (process 1)";
        assert!(told.starts_with(expected), "{told}");
    }
}
