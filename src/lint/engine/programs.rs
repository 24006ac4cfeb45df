//! Files that start programs: those of service managers, scripts, cron tables.

use std::path::Path;

use crate::{
    catalog::FileKind,
    host::Part,
    lint::{
        clients::{Client, ClientsSubject, UnitScript, unit_scripts},
        crontabs::{Crontab, CrontabSubject},
        engine::{OtherFile, Run},
        scripts::{self, ScriptSubject},
        services::{Given, Services, ServicesSubject},
        subject::Subject,
    },
    model::{
        Configuration,
        script::{Script, UNKNOWN},
    },
};

impl<'a> Run<'a> {
    /// Checks each of them, then the rsyncs that they start against the daemons.
    pub(super) fn programs(&mut self, files: &[OtherFile<'a>], daemons: &[Configuration]) {
        let mut clients = self.services(files, daemons);
        for file in files {
            let scripts = match file.kind {
                FileKind::Crontab => self.crontab(file, daemons),
                FileKind::Script | FileKind::Dockerfile => self.scripts_of(file),
                _ => continue,
            };
            for script in scripts {
                self.script(file, &script, daemons);
                clients.extend(Client::of_script(file.source, file.kind, script));
            }
        }
        self.users_of_clients(&clients);
        let subject = Subject::Clients(ClientsSubject {
            clients: &clients,
            sources: &self.sources,
            daemons,
            credentials: &self.credentials,
        });
        self.outcome.check(&subject);
    }

    /// Gives the rsyncs that units start as clients.
    fn services(&mut self, files: &[OtherFile<'_>], daemons: &[Configuration]) -> Vec<Client> {
        let given = files.iter().map(|file| Given {
            source: file.source,
            kind: file.kind,
            host: file.host,
        });
        let services = Services::read(given, &mut self.sources);
        let subject = Subject::Services(ServicesSubject {
            services: &services,
            sources: &self.sources,
            daemons,
            circumstances: self.options.circumstances,
        });
        self.outcome.check(&subject);
        let scripts = unit_scripts(&services, &self.sources);
        for UnitScript { unit, source, script } in &scripts {
            let subject = Subject::Script(ScriptSubject {
                source: *source,
                path: None,
                sources: &self.sources,
                script,
                kind: FileKind::Systemd,
                credentials: &self.credentials,
                daemons,
                host: unit.host,
            });
            self.outcome.check(&subject);
        }
        Client::of_services(scripts)
    }

    /// Gives what the jobs of a cron table do.
    fn crontab(&mut self, file: &OtherFile<'_>, daemons: &[Configuration]) -> Vec<Script> {
        let source = self.sources.get(file.source);
        let table = Crontab::read(Path::new(source.name()), source.bytes());
        let subject = Subject::Crontab(CrontabSubject {
            source: file.source,
            path: file.path.as_deref(),
            sources: &self.sources,
            table: &table,
            daemons,
            host: file.host,
        });
        self.outcome.check(&subject);
        let bytes = self.sources.get(file.source).bytes();
        let variables = table.passwords(bytes);
        let scripts: Vec<Script> = table.jobs.into_iter().map(|job| job.script).collect();
        let hidden = scripts::passwords(&scripts, bytes, variables);
        self.sources.hide(file.source, hidden);
        scripts
    }

    fn scripts_of(&mut self, file: &OtherFile<'_>) -> Vec<Script> {
        let bytes = self.sources.get(file.source).bytes();
        let (scripts, is_cut) = match file.kind {
            FileKind::Dockerfile => scripts::of_dockerfile(bytes),
            _ => (scripts::of_file(bytes), false),
        };
        let of_documents = self.documents.iter().filter(|(_, script)| *script == file.source);
        let hidden = of_documents.flat_map(|(document, _)| self.sources.get(*document).hidden().to_vec());
        let passwords = scripts::passwords(&scripts, bytes, hidden.collect());
        self.sources.hide(file.source, passwords);
        if is_cut {
            let name = self.sources.get(file.source).name().to_owned();
            self.cut(&name, scripts::MOST_INSTRUCTIONS, Part::Command);
        }
        scripts
    }

    fn script(&mut self, file: &OtherFile<'a>, script: &Script, daemons: &[Configuration]) {
        for call in script.calls_of("rsync") {
            let invocation = call.invocation();
            let given = invocation
                .option("password-file")
                .and_then(|given| given.value.as_deref());
            if let Some(path) = given.filter(|path| !path.contains(UNKNOWN)) {
                self.named_password(Path::new(path), file.host);
            }
        }
        let subject = Subject::Script(ScriptSubject {
            source: file.source,
            path: file.path.as_deref(),
            sources: &self.sources,
            script,
            kind: file.kind,
            credentials: &self.credentials,
            daemons,
            host: file.host,
        });
        self.outcome.check(&subject);
    }
}
