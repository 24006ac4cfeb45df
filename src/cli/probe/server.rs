//! What is known of the server and of the password file before a probe.

use std::{collections::BTreeSet, path::PathBuf};

use crate::{
    cli::{
        Failure,
        known::of_password_file,
        output::tell,
        probe::{
            Arguments,
            local::{self, Local},
            task::Task,
        },
    },
    explain::Known,
};

/// The port that daemons listen on.
const PORT: u16 = 873;

impl Arguments {
    /// What the configuration of this machine's daemon says against itself.
    fn known_locally(&self, tasks: &[Task]) -> Result<Known, Failure> {
        let ports: BTreeSet<_> = tasks.iter().map(|task| self.port_of(task)).collect();
        let (Some(port), true) = (ports.first(), ports.len() == 1) else {
            return Err(
                "`--local` looks at one daemon, and the targets have several ports; probe one port at a time"
                    .into(),
            );
        };
        let addresses = local::addresses(tasks)?;
        if let Some(host) = local::foreign(&addresses) {
            tell(&local::of_other_machine(host, self.output.language()))?;
            return Ok(Known::default());
        }
        let asked: Vec<_> = addresses
            .iter()
            .flat_map(|called| called.addresses.clone())
            .collect();
        let local = Local::find(*port, &asked);
        tell(&local.told(self.output.language()))?;
        let mut known = match (&local.file, local.process()) {
            (Some(file), Some(process)) => {
                let modules = tasks.iter().map(Task::module).collect::<Option<_>>();
                self.server.known_of(process, file, modules.unwrap_or_default())
            }
            (Some(file), None) => self.server.known_here(file),
            (None, _) => Ok(Known::default()),
        }?;
        known.findings.extend(local.out_of_reach(&addresses, &known));
        Ok(known)
    }

    /// What the file that the user names says against itself. Where it is that of the daemon which is asked, it is judged with
    /// the rights of that daemon: what root may read its account may not.
    fn known_by_file(&self, tasks: &[Task]) -> Result<Known, Failure> {
        let ports: BTreeSet<_> = tasks.iter().map(|task| self.port_of(task)).collect();
        let (Some(file), Some(port), true) =
            (self.server.of_this_machine()?, ports.first(), ports.len() == 1)
        else {
            return self.server.known();
        };
        let addresses = local::addresses(tasks)?;
        let asked: Vec<_> = addresses
            .iter()
            .flat_map(|called| called.addresses.clone())
            .collect();
        if asked.is_empty() || local::foreign(&addresses).is_some() {
            return self.server.known();
        }
        let local = Local::find(*port, &asked);
        let is_same = |own: &&PathBuf| match (own.canonicalize(), file.canonicalize()) {
            (Ok(own), Ok(file)) => own == file,
            _ => false,
        };
        match (local.file.as_ref().filter(is_same), local.process()) {
            (Some(file), Some(process)) => {
                let modules = tasks.iter().map(Task::module).collect::<Option<_>>();
                self.server.known_of(process, file, modules.unwrap_or_default())
            }
            _ => self.server.known(),
        }
    }

    fn port_of(&self, task: &Task) -> u16 {
        task.port().or(self.options.port).unwrap_or(PORT)
    }

    /// What the server's files tell; `folder`: where the command line is carried out, if not here.
    pub(super) fn known(
        &self,
        tasks: &[Task],
        script: Option<PathBuf>,
        folder: &Option<PathBuf>,
    ) -> Result<Known, Failure> {
        let mut known = match self.local {
            true => self.known_locally(tasks)?,
            false => self.known_by_file(tasks)?,
        };
        let script = script.map(|file| ("script", file.display().to_string()));
        let password_file = self.password_file.as_ref();
        let password_file = password_file.map(|file| ("password-file", file.display().to_string()));
        known.names.extend(script.into_iter().chain(password_file));
        let of_line = || {
            let file = tasks.iter().find_map(Task::password_file)?;
            Some(
                folder
                    .iter()
                    .map(|folder| folder.join(&file))
                    .next()
                    .unwrap_or(file),
            )
        };
        if let Some(file) = self.password_file.clone().or_else(of_line) {
            known.findings.extend(of_password_file(&file));
        }
        Ok(known)
    }
}
