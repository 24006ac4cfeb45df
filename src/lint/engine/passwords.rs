//! The password files of clients. They are checked last: by then it is known who the users are.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    catalog::FileKind,
    diagnosis::Unchecked,
    host::{Host, Unknown},
    lint::{
        clients::Client,
        engine::Run,
        subject::{PasswordSubject, SersyncFile, Subject},
    },
    model::{Configuration, Parameter, access},
    syntax::secrets::{Content, parse},
    terms::{Source, SourceId},
};

/// A client's password file.
pub(super) struct PasswordFile<'a> {
    pub(super) source: SourceId,
    /// Where it is, if it is a file of the machine.
    pub(super) path: Option<PathBuf>,
    pub(super) host: &'a dyn Host,
}

impl<'a> Run<'a> {
    /// A password file that is handed to rsync, if the machine shows it.
    pub(super) fn named_password(&mut self, path: &Path, host: &'a dyn Host) {
        let name = host.ours(path).display().to_string();
        let is_read = |known: &str| known == name || Path::new(known) == path;
        if !path.is_absolute() || self.sources.iter().any(|(_, source)| is_read(source.name())) {
            return;
        }
        match host.read(path) {
            Ok(Some(bytes)) => {
                let source = self.sources.add(Source::new(name, bytes));
                self.credential(source, FileKind::Password);
                self.passwords.push(PasswordFile {
                    source,
                    path: Some(path.to_owned()),
                    host,
                });
            }
            // What is missing, and that there is no machine to ask, the checks of what names it say.
            Ok(None) | Err(Unknown::NoHost) => {}
            Err(reason) => {
                self.outcome.unchecked.insert(Unchecked {
                    rule: None,
                    subject: name,
                    reason,
                });
            }
        }
    }

    /// Checks the password files.
    pub(super) fn passwords(&mut self, daemons: &[Configuration]) {
        let files = std::mem::take(&mut self.passwords);
        if files.is_empty() {
            return;
        }
        self.users_of_servers(daemons);
        for file in files {
            let subject = Subject::Password(PasswordSubject {
                source: file.source,
                credentials: &self.credentials,
                users: &self.users,
                path: file.path.as_deref(),
                sources: &self.sources,
                host: file.host,
            });
            self.outcome.check(&subject);
        }
    }

    /// Takes note of the user that a sersync configuration names.
    pub(super) fn user_of_sersync(&mut self, file: &SersyncFile) {
        let auth = file.configuration.active_auth();
        let user = auth.and_then(|auth| auth.users.as_ref());
        self.users.extend(user.map(|user| user.value.bytes().to_owned()));
    }

    /// Takes note of the users whom rsyncs name.
    pub(super) fn users_of_clients(&mut self, clients: &[Client]) {
        let users = clients.iter().filter_map(Client::user);
        self.users.extend(users.map(|user| user.as_bytes().to_owned()));
    }

    /// Takes note of the users whom daemons and secrets files name.
    fn users_of_servers(&mut self, daemons: &[Configuration]) {
        let mut users = BTreeSet::new();
        for daemon in daemons {
            let settings = daemon.settings.iter();
            for setting in settings.filter(|setting| setting.parameter == Parameter::AuthUsers) {
                let rules = access::user_rules(setting, daemon.release);
                let names = rules.iter().filter(|rule| !rule.is_group);
                users.extend(names.map(|rule| rule.pattern.to_owned()));
            }
        }
        for (source, kind) in &self.credentials {
            if *kind == FileKind::Secrets {
                let file = self.sources.get(*source).bytes();
                for line in parse(file) {
                    if let Content::Secret {
                        name,
                        is_group: false,
                        ..
                    } = line.content
                    {
                        users.insert(file[name].to_owned());
                    }
                }
            }
        }
        self.users.extend(users);
    }
}
