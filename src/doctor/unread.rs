//! Configuration files that lie where daemons look for one, and that none reads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    doctor::{
        Cause, Check, Report, Setup, Subject,
        absent::DEFAULT,
        daemon::{is_same, option, port_of, written},
        unincluded,
    },
    explain::{Server, Unread},
    host::{Host, daemons, running_configurations},
    lint::HostFiles,
    model::resolve,
    terms::{Release, Source, Sources},
};

/// Where packages, ports and tutorials put a configuration: rsync itself looks at the first one, builds with a prefix of
/// their own at one of the others.
const PLACES: [&str; 6] = [
    DEFAULT,
    "/etc/rsync.conf",
    "/etc/rsync/rsyncd.conf",
    "/etc/rsyncd/rsyncd.conf",
    "/usr/local/etc/rsyncd.conf",
    "/usr/local/rsync/rsyncd.conf",
];

/// The kind of case of a module that another daemon serves.
const OTHER: &str = "other-daemon";

/// The modules that stand in none of the files that a daemon of this machine reads, but in another one.
pub fn unread(host: &dyn Host, server: &Server) -> BTreeMap<String, Unread> {
    let mut read = running_configurations();
    read.push(PathBuf::from(server.name()));
    read.extend(
        server
            .configuration
            .includes
            .iter()
            .map(|include| include.path.clone()),
    );
    let whole = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let read: Vec<_> = read.iter().map(|path| whole(path)).collect();
    let mut found = unincluded::passed_over(host, server);
    for place in PLACES.map(Path::new) {
        if read.contains(&whole(place)) {
            continue;
        }
        let Ok(Some(bytes)) = host.read(place) else {
            continue;
        };
        let mut sources = Sources::default();
        let source = sources.add(Source::new(place.display().to_string(), bytes));
        let configuration = resolve(&mut sources, source, Release::CURRENT, &HostFiles(host));
        for (_, module) in configuration.module_scopes() {
            let span = module.header();
            let text = sources
                .get(span.source)
                .shown(span.start as usize..span.end as usize);
            found
                .entry(module.name.display().into_owned())
                .or_insert_with(|| Unread {
                    file: place.display().to_string(),
                    place: format!("{}: `{}`", sources.place(span), text.trim()),
                    variant: "unread",
                    port: None,
                });
        }
    }
    for (name, other) in of_others(host, server) {
        found.entry(name).or_insert(other);
    }
    found
}

/// The modules of the other daemons of this machine.
fn of_others(host: &dyn Host, server: &Server) -> BTreeMap<String, Unread> {
    let mut found = BTreeMap::new();
    let others = daemons()
        .into_iter()
        .filter(|daemon| !daemon.is_contained && !daemon.has_own_network && !daemon.is_serving);
    for daemon in others {
        let Some(file) = daemon
            .configuration
            .ok()
            .filter(|file| !is_same(file, Path::new(server.name())))
        else {
            continue;
        };
        let Some(configuration) = written(host, &file) else {
            continue;
        };
        let named = option(&daemon.words, "--port").and_then(|port| port.parse().ok());
        let port = named.unwrap_or_else(|| port_of(&configuration));
        for module in &configuration.modules {
            let name = module.name.display().into_owned();
            found.entry(name).or_insert_with(|| Unread {
                file: file.display().to_string(),
                place: format!("process {} has it, on port {port}", daemon.process),
                variant: OTHER,
                port: Some(port),
            });
        }
    }
    found
}

/// The modules that the user asks for and that only such a file has.
pub(super) fn look(subject: &Subject, server: &Server, setup: &Setup<'_>, report: &mut Report) -> bool {
    let asked = setup.modules.iter().filter(|module| !server.has(module));
    let mut is_found = false;
    let missed = asked.filter_map(|module| Some((module, server.unread.get(module)?)));
    // That of another daemon is there, and is examined.
    for (module, other) in missed.filter(|(_, other)| other.variant != OTHER) {
        let arguments = vec![
            ("module", module.clone()),
            ("file", other.file.clone()),
            ("configuration-file", server.name().to_owned()),
        ];
        let place = other.place.split(": `").next().unwrap_or_default();
        let facts = vec![format!("[{module}] is in {place}")];
        let cause = Cause::of_rule("RSY819", Check::Configuration, &subject.file, arguments, facts);
        let line = place.rsplit_once(':').map_or("1", |(_, line)| line);
        let file = shell_words::quote(&other.file);
        let command = match other.variant {
            "passed-over" => format!("mv {file} {file}.conf"),
            _ => format!("vi +{line} {file}"),
        };
        report
            .causes
            .push(cause.of_kind(other.variant).typing(vec![command]));
        report.modules.insert(module.clone());
        is_found = true;
    }
    is_found
}
