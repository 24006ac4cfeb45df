//! The configuration that the daemon of this machine runs with.

use std::{collections::BTreeSet, env, io, net::IpAddr, path::PathBuf};

use tokio::runtime;

use crate::{
    catalog::{Language, page},
    cli::{
        doctor::here,
        probe::{task::Task, variables::CONNECT_PROGRAM},
    },
    explain::{Known, Predicted},
    host::{Listener, Live, listening_on, running_configurations},
    lint::{Started, started},
    model::{Parameter, Scope},
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
    /// Looks for the daemon on a port; `asked`: the addresses that clients call, if they are known.
    pub(in crate::cli) fn find(port: u16, asked: &[IpAddr]) -> Self {
        let (listener, running) = (Listener::at(port, asked), running_configurations());
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

    /// What keeps clients of those addresses out, if somebody listens on the port: that it is on none of them, or else, where
    /// they are refused all the same, a firewall.
    pub(super) fn out_of_reach(&self, called: &[Called], known: &Known) -> Option<Predicted> {
        let listening = listening_on(self.port);
        let is_reached = |address: &IpAddr| {
            listening
                .iter()
                .any(|own| own == address || own.is_unspecified() && own.is_ipv4() == address.is_ipv4())
        };
        let mut addresses = called.iter().flat_map(|called| &called.addresses).peekable();
        let first = **addresses.peek()?;
        if listening.is_empty() {
            return None;
        }
        let variant = match addresses.any(is_reached) {
            true => "rejected",
            false => "other-address",
        };
        let listening: Vec<_> = listening.iter().map(|own| format!("`{own}`")).collect();
        let page = page(REFUSED).expect("the pages that code names are there");
        Some(Predicted {
            rule: page.id,
            place: self.place_of_address(known)?,
            others: Vec::new(),
            confidence: page.confidence,
            symptoms: page.symptoms.iter().collect(),
            modules: Vec::new(),
            variant: Some(variant),
            arguments: vec![
                ("addresses", listening.join(", ")),
                ("port", self.port.to_string()),
                ("asked", first.to_string()),
            ],
        })
    }

    /// Where the address stands that the daemon listens on.
    fn place_of_address(&self, known: &Known) -> Option<String> {
        let (Listener::Daemon { process, .. } | Listener::Other { process, .. }) = &self.listener else {
            return None;
        };
        let server = known.server.as_ref();
        let written = server.and_then(|server| {
            let origin = server.configuration.origin(Scope::Global, Parameter::Address);
            Some(server.sources.place(origin.setting()?.span()))
        });
        Some(written.unwrap_or_else(|| format!("the command line of process {process}")))
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

/// The page of a port that nobody listens on.
const REFUSED: &str = "RSY801";

/// A machine that is called.
pub(super) struct Called {
    host: String,
    pub(super) addresses: Vec<IpAddr>,
}

/// The machines that are called, with the addresses of their names.
pub(super) fn addresses(tasks: &[Task]) -> io::Result<Vec<Called>> {
    let hosts: BTreeSet<_> = tasks.iter().filter_map(Task::host).collect();
    // A proxy and a program look names up themselves, and call whom they like.
    if hosts.is_empty()
        || ["RSYNC_PROXY", CONNECT_PROGRAM]
            .iter()
            .any(|name| env::var_os(name).is_some())
    {
        return Ok(Vec::new());
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let called = hosts.into_iter().map(|host| Called {
        addresses: here::addresses(&host, &runtime),
        host,
    });
    let called = called.collect();
    // A resolver that does not answer holds nobody up.
    runtime.shutdown_background();
    Ok(called)
}

/// A machine among them that is not this one.
pub(super) fn foreign(called: &[Called]) -> Option<&str> {
    let is_foreign = |called: &&Called| {
        let mut addresses = called.addresses.iter();
        !called.addresses.is_empty() && !addresses.any(|address| here::is_own(*address))
    };
    called.iter().find(is_foreign).map(|called| &*called.host)
}

/// That another machine's daemon is not explained with this one's files.
pub(super) fn of_other_machine(host: &str, language: Language) -> String {
    match language {
        Language::English => {
            format!(
                "--local is left out: `{host}` is not this machine, whose files say nothing of it; run it there"
            )
        }
        Language::Chinese => {
            format!("--local 不起作用：`{host}` 不是本机，本机的文件说明不了它；请在那台机器上运行")
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

    use super::{Called, Local, file, foreign};
    use crate::{catalog::Language, host::Listener, lint::Started};

    #[test]
    fn other_machines_are_told_from_this_one() {
        let called = |address: &str| Called {
            host: "backup".to_owned(),
            addresses: vec![address.parse().expect("an address")],
        };
        // An address of the documentation is nobody's.
        let [ours, other] = ["127.0.0.1", "192.0.2.77"].map(called);
        let unknown = Called {
            host: "gone".to_owned(),
            addresses: Vec::new(),
        };
        assert_eq!(foreign(&[ours, unknown]), None);
        assert_eq!(foreign(&[other]), Some("backup"));
    }

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
