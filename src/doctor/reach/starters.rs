//! Who listens in place of rsync, by the files of systemd and xinetd: on another port than rsyncd.conf names, or not at all.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::{FileKind, Severity},
    diagnosis::Finding,
    doctor::{
        daemon::PORT,
        services::{input, inputs_of},
        starter::SOCKETS,
    },
    host::{Host, Listener, is_running, is_super_server, starts_rsync},
    lint::{self, Input, Installed, Options, lint, sockets},
    model::service::services,
    syntax::xinetd::{self, Entry},
};

/// What xinetd is called.
pub(in crate::doctor) const XINETD: &str = "xinetd";
/// Its own file, with what holds for all services.
pub(in crate::doctor) const MAIN: &str = "/etc/xinetd.conf";
/// Where its services are.
const FOLDER: &str = "/etc/xinetd.d";

/// A program that listens for rsync on another port than its configuration names, and that port.
pub(in crate::doctor) fn elsewhere(host: &dyn Host, written: u16) -> Option<(u16, Listener)> {
    let ports = [PORT].into_iter().chain(of_sockets(host)).chain(of_xinetd(host));
    let mut found = ports
        .filter(|port| *port != written)
        .map(|port| (port, Listener::on(port)));
    found.find(|(_, listener)| match listener {
        Listener::Other { process, program } => is_super_server(program) || starts_rsync(*process).is_some(),
        _ => false,
    })
}

/// Why xinetd serves no rsync, though it has a file for it.
pub(in crate::doctor) enum Idle {
    /// It runs, and the file switches the service off, as any other one does.
    SwitchedOff(PathBuf),
    /// It does not run.
    NotRunning(PathBuf),
}

/// Whether xinetd is to serve rsync, and does not.
pub(in crate::doctor) fn idle_xinetd(host: &dyn Host) -> Option<Idle> {
    let mut off = None;
    for (file, bytes) in files_of_xinetd(host) {
        let document = xinetd::parse(&bytes);
        for service in services(&document, &bytes) {
            if !service.is_disabled() {
                return (!is_running(XINETD)).then_some(Idle::NotRunning(file));
            }
            off.get_or_insert_with(|| file.clone());
        }
    }
    off.filter(|_| is_running(XINETD)).map(Idle::SwitchedOff)
}

/// A service of rsync that xinetd is to serve.
pub(in crate::doctor) struct Switched {
    /// What xinetd calls it in its log.
    pub(in crate::doctor) name: String,
    /// The line that limits how fast connections may come, and for how long it is shut then.
    pub(in crate::doctor) limit: Option<String>,
}

/// The service of rsync in a file of xinetd's that switches it on.
pub(in crate::doctor) fn switched(host: &dyn Host, place: &Path) -> Switched {
    let bytes = host.read(place).ok().flatten().unwrap_or_default();
    let document = xinetd::parse(&bytes);
    let service = services(&document, &bytes).find(|service| !service.is_disabled());
    // An `id` does not count there (seen with xinetd 2.3.15.3).
    let named = service.map_or(&[][..], |service| service.name());
    let own = service.and_then(|service| limit(service.entry, place, &bytes));
    Switched {
        name: String::from_utf8_lossy(named).into_owned(),
        limit: own.or_else(|| {
            let main = Path::new(MAIN);
            let bytes = host.read(main).ok()??;
            let document = xinetd::parse(&bytes);
            let defaults = document.entries.iter().find(|entry| entry.name.is_none())?;
            limit(defaults, main, &bytes)
        }),
    }
}

/// The line of an entry for `cps`, with its file.
fn limit(entry: &Entry, place: &Path, file: &[u8]) -> Option<String> {
    let mut lines = entry.attributes.iter();
    let line = lines.find(|line| file[line.name.clone()].eq_ignore_ascii_case(b"cps"))?;
    let text = String::from_utf8_lossy(&file[line.range()]).into_owned();
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    Some(format!("{}: {}", place.display(), words.join(" ")))
}

/// What lint says of files that start rsync, and which of its findings are theirs.
pub(super) struct Linted {
    pub(super) found: Rc<lint::Report>,
    pub(super) own: Vec<usize>,
}

impl Linted {
    /// Lints them beside the configuration that they serve; findings below `least` are left out.
    fn of(
        host: &dyn Host,
        configuration: &Path,
        inputs: Vec<Input<'_>>,
        least: Severity,
        options: &Options,
    ) -> Self {
        let read = host.read(configuration).ok().flatten();
        let served = read.map(|bytes| (configuration.to_owned(), bytes, FileKind::RsyncdConf));
        let served = served.map(|(file, bytes, kind)| input(file, bytes, kind, host));
        let found = lint(served.into_iter().chain(inputs).collect(), options);
        let is_own = |finding: &Finding| {
            let place = found.sources.get(finding.labels[0].span.source).name();
            Path::new(place) != configuration && finding.severity >= least
        };
        let own = found.findings.iter().enumerate();
        let own = own
            .filter(|(_, finding)| is_own(finding))
            .map(|(index, _)| index)
            .collect();
        Self {
            found: Rc::new(found),
            own,
        }
    }

    /// The files of xinetd.
    pub(super) fn of_xinetd(host: &dyn Host, configuration: &Path, options: &Options) -> Self {
        Self::of(
            host,
            configuration,
            inputs_of_xinetd(host),
            Severity::Warning,
            options,
        )
    }

    /// The units by which systemd hands on connections to a port. What would only be safer otherwise, the stage about the
    /// unit tells.
    pub(super) fn of_systemd(host: &dyn Host, port: u16, configuration: &Path, options: &Options) -> Self {
        let units = sockets(host, port).into_iter();
        let units = units.flat_map(|(socket, service)| [socket, service]);
        let inputs = units.flat_map(|unit| inputs_of(host, &unit)).collect();
        Self::of(host, configuration, inputs, Severity::Error, options)
    }
}

/// The files of xinetd that start rsync, to be linted.
pub(in crate::doctor) fn inputs_of_xinetd(host: &dyn Host) -> Vec<Input<'_>> {
    let files = files_of_xinetd(host).into_iter();
    let own = files.filter(|(_, bytes)| services(&xinetd::parse(bytes), bytes).next().is_some());
    own.map(|(file, bytes)| input(file, bytes, FileKind::Xinetd, host))
        .collect()
}

/// Whether xinetd listens on a port.
pub(in crate::doctor) fn is_of_xinetd(port: u16) -> bool {
    matches!(Listener::on(port), Listener::Other { program, .. } if program == XINETD)
}

/// Whether systemd listens on a port, or what stands in for it where it does not run.
pub(super) fn is_of_systemd(port: u16) -> bool {
    matches!(
        Listener::on(port),
        Listener::Other { program, .. } if program == "systemd" || program == STAND_IN
    )
}

/// systemd's own program that listens as its manager does for a socket unit (systemd-socket-activate(1)).
const STAND_IN: &str = "systemd-socket-activate";

/// The ports that socket units listen on (systemd.socket(5)).
fn of_sockets(host: &dyn Host) -> Vec<u16> {
    let mut ports = Vec::new();
    for unit in SOCKETS.iter().filter_map(|name| Installed::of(host, name)) {
        let values = unit.unit.list("Socket", "ListenStream").into_iter();
        ports.extend(values.filter_map(|setting| {
            let value = setting.display();
            // `873`, `192.0.2.1:873`, `[::]:873`
            let port = value.rsplit(':').next().unwrap_or_default();
            port.trim().parse::<u16>().ok()
        }));
    }
    ports
}

/// The ports that services of xinetd name.
fn of_xinetd(host: &dyn Host) -> Vec<u16> {
    let mut ports = Vec::new();
    for (_, bytes) in files_of_xinetd(host) {
        let document = xinetd::parse(&bytes);
        let named = services(&document, &bytes).filter_map(|service| {
            let word = service.value("port")?;
            str::from_utf8(&word.bytes).ok()?.parse::<u16>().ok()
        });
        ports.extend(named);
    }
    ports
}

fn files_of_xinetd(host: &dyn Host) -> Vec<(PathBuf, Vec<u8>)> {
    let mut names = host.list(Path::new(FOLDER)).ok().flatten().unwrap_or_default();
    names.sort();
    let files = names.into_iter().map(|name| Path::new(FOLDER).join(name));
    let files = [PathBuf::from(MAIN)].into_iter().chain(files);
    files
        .filter_map(|file| Some((file.clone(), host.read(&file).ok()??)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{of_sockets, of_xinetd};
    use crate::host::Image;

    #[test]
    fn ports_are_read_of_sockets_and_services() {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in [
            (
                "usr/lib/systemd/system/rsyncd.socket",
                "[Socket]\nListenStream=873\nListenStream=[::1]:8731\nListenStream=/run/x\n",
            ),
            (
                "usr/lib/systemd/system/rsync.socket",
                "[Socket]\nListenStream=1\n",
            ),
            (
                "etc/systemd/system/rsync.socket",
                "[Socket]\nListenStream=192.0.2.1:8732\n",
            ),
            (
                "etc/xinetd.d/rsync",
                "service rsync\n{\n disable = no\n port = 8733\n server = /usr/bin/rsync\n}\n",
            ),
            ("etc/xinetd.d/other", "service echo\n{\n port = 7\n}\n"),
        ] {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let image = Image::new(root.path());
        assert_eq!(of_sockets(&image), [8732, 873, 8731]);
        assert_eq!(of_xinetd(&image), [8733]);
        assert!(of_sockets(&Image::new("/nowhere")).is_empty());
    }
}
