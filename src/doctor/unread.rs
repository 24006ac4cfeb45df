//! Configuration files that lie where daemons look for one, and that none reads.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    doctor::{Cause, Check, Report, Setup, Subject, absent::DEFAULT, unincluded},
    explain::{Server, Unread},
    host::{Host, running_configurations},
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
                });
        }
    }
    found
}

/// The modules that the user asks for and that only such a file has.
pub(super) fn look(subject: &Subject, server: &Server, setup: &Setup<'_>, report: &mut Report) -> bool {
    let asked = setup.modules.iter().filter(|module| !server.has(module));
    let mut is_found = false;
    for (module, other) in asked.filter_map(|module| Some((module, server.unread.get(module)?))) {
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
