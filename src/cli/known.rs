//! What files say about a failure: the server's configuration, and the client's password file.

use std::path::Path;

use crate::{
    catalog::FileKind,
    cli::{
        Failure,
        input::{Hosts, read, unreadable},
    },
    diagnosis::Finding,
    explain::{Known, Predicted, Server},
    host::{Host, Live},
    lint::{Circumstances, HostFiles, Input, Options, Report, lint},
    model::resolve,
    terms::{Release, Source, Sources},
};

/// What the server's configuration says against itself.
pub(super) fn of_server(file: &Path, hosts: &Hosts, release: Release) -> Result<Known, Failure> {
    let bytes = read(hosts, file).map_err(|reason| unreadable(file, &reason, ""))?;
    let host = hosts.of(file);
    let report = check(file, bytes.clone(), FileKind::RsyncdConf, host, release);
    let mut sources = Sources::default();
    let source = sources.add(Source::new(file.display().to_string(), bytes));
    let configuration = resolve(&mut sources, source, release, &HostFiles(host));
    Ok(Known {
        findings: predicted(&report, release),
        unchecked: report
            .unchecked
            .iter()
            .filter_map(|unchecked| unchecked.rule)
            .collect(),
        server: Some(Server {
            sources,
            configuration,
        }),
    })
}

/// What is wrong with a client's password file on this machine; nothing if it cannot be read, which its client says.
pub(super) fn of_password_file(file: &Path) -> Vec<Predicted> {
    let Ok(Some(bytes)) = Live.read(file) else {
        return Vec::new();
    };
    let report = check(file, bytes, FileKind::Password, &Live, Release::CURRENT);
    let mut predicted = predicted(&report, Release::CURRENT);
    for (predicted, finding) in predicted.iter_mut().zip(&report.findings) {
        // What may be meant so before a login is likely a mistake once it failed.
        predicted.symptoms = finding.page.symptoms.iter().collect();
    }
    predicted
}

fn check(file: &Path, bytes: Vec<u8>, kind: FileKind, host: &dyn Host, release: Release) -> Report {
    let input = Input {
        name: file.display().to_string(),
        path: Some(file.to_owned()),
        bytes: bytes.into(),
        kind,
        is_guess: false,
        host,
    };
    let options = Options {
        circumstances: Circumstances {
            release,
            from_release: None,
            daemon_uid: 0,
            today: jiff::Zoned::now().date(),
        },
        select: Vec::new(),
        ignore: Vec::new(),
        severities: Vec::new(),
    };
    lint(vec![input], &options)
}

fn predicted(report: &Report, release: Release) -> Vec<Predicted> {
    let findings = report.findings.iter().map(|finding| Predicted {
        rule: finding.page.id,
        place: finding
            .labels
            .first()
            .map_or_else(String::new, |label| report.sources.place(label.span)),
        symptoms: finding.predictions(release).collect(),
        modules: modules(finding),
        arguments: finding.arguments.clone(),
    });
    findings.collect()
}

/// The modules that a finding is about.
fn modules(finding: &Finding) -> Vec<String> {
    let members = finding.members.iter().map(|member| member.module.clone());
    let named = finding.arguments.iter().filter(|(kind, _)| *kind == "module");
    let named = named.map(|(_, module)| module.clone());
    if finding.members.is_empty() {
        named.collect()
    } else {
        members.collect()
    }
}
