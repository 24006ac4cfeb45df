//! What is tried of one module.

use std::collections::BTreeSet;

use super::{Bench, TrialError};
use crate::{
    explain::Predicted,
    model::{Parameter, Scope, access::Peer},
    probe::{
        stage::{State, Step},
        tryout::{
            attempt::{Attempt, Blamed, Compared, End},
            expected::Expected,
            logins::{Login, logins, secrets_file},
            overlay::can_be_reopened,
            report::{ModuleTrial, NotTried, Why, lists_nothing},
        },
    },
};

/// The page of a folder that the module's user may not write in.
const UNWRITABLE: &str = "RSY406";
/// The page of a lock file that cannot be opened; in a trial there is another.
const NO_LOCK: &str = "RSY608";
/// The page of a command that cannot be run; a trial may run none.
const NO_HOOK: &str = "RSY414";
/// The page of a name converter that is not there. Whether a transfer meets it is a matter of microseconds.
const NO_CONVERTER: &str = "RSY417";
/// The commands that a transfer waits for.
const GATES: [Parameter; 2] = [Parameter::EarlyExec, Parameter::PreXferExec];

impl Bench<'_> {
    /// Everything that is tried of a module.
    pub(super) async fn module(
        &self,
        scope: Scope,
        listed: Option<&BTreeSet<&str>>,
    ) -> Result<Option<ModuleTrial>, TrialError> {
        let Scope::Module(index) = scope else {
            return Ok(None);
        };
        let bytes = self.configuration.modules[index].name.bytes();
        let name = String::from_utf8_lossy(bytes).into_owned();
        let is_settled = self.configuration.is_settled(scope);
        let peer = self.peers.of(scope);
        let mut module = ModuleTrial {
            from: peer.address,
            is_to_be_listed: is_settled.then(|| self.configuration.is(scope, Parameter::List)),
            is_listed: listed.map(|listed| listed.contains(&*name)),
            name,
            attempts: Vec::new(),
            not_tried: Vec::new(),
        };
        let is_text = str::from_utf8(bytes).is_ok() && !module.name.contains(char::is_control);
        if !is_text || !can_be_reopened(bytes) {
            module.is_listed = None;
            module.not_tried.push(NotTried {
                user: None,
                why: Why::Name,
            });
            return Ok(Some(module));
        }
        let place = secrets_file(self.configuration, scope, &self.setup.directory);
        let (logins, not_tried) = logins(self.configuration, scope, place, self.setup.host, self.owner);
        module.not_tried.extend(not_tried);
        for login in &logins {
            let attempt = self.attempt(scope, &module.name, login, &peer).await?;
            let is_shut_out = matches!(attempt.read.end, End::NoEntry | End::Shut);
            module.attempts.push(attempt);
            if is_shut_out {
                break;
            }
        }
        // One is enough to see that nobody gets in from here; what else is in the module nobody has seen.
        if module
            .attempts
            .iter()
            .any(|attempt| attempt.read.end == End::NoEntry)
        {
            module.not_tried.push(NotTried {
                user: None,
                why: Why::NotAdmitted,
            });
        }
        Ok(Some(module))
    }

    /// Both ways, as far as the first one gets.
    async fn attempt(
        &self,
        scope: Scope,
        module: &str,
        login: &Login,
        peer: &Peer,
    ) -> Result<Attempt, TrialError> {
        let groups = login
            .user
            .as_deref()
            .and_then(|user| self.setup.host.groups(user).ok());
        let expected = Expected::of(self.configuration, scope, peer, login, groups.as_deref());
        self.go_on()?;
        let report = self.probe(Some(module), login, Some(peer.address)).await?;
        self.go_on()?;
        let mut read = Compared::new(expected.read, expected.is_fault, report);
        let no_hook = || self.unseen(NO_HOOK, module).filter(|_| !self.setup.with_hooks);
        if read.end == End::Works
            && let Some(why) = self
                .unseen(NO_LOCK, module)
                .or_else(|| self.unseen(NO_CONVERTER, module))
                .or_else(no_hook)
        {
            read.fails_for_real(why);
        }
        if let Some(command) = self.gate(scope) {
            read.blame_command(command);
        }
        if let Some(line) = self.blamed(Scope::Global, Parameter::DaemonUid)
            && login.is_closed
            && read.end == End::NoLogin
        {
            read.blame(line);
        }
        // What is not admitted, or finds no folder, need not ask again.
        let goes_on = read.end == End::NoReading || read.report.stage(Step::Setup).state == State::Passed;
        let write = match goes_on {
            true => {
                let report = self.push(module, login, Some(peer.address)).await?;
                self.go_on()?;
                let mut write = Compared::new(expected.write, expected.is_fault, report);
                if let (End::Works, Some(why)) = (write.end, self.unseen(UNWRITABLE, module)) {
                    write.fails_for_real(why);
                }
                Some(write)
            }
            false => None,
        };
        // One way that works is enough.
        let is_written = write.as_ref().is_some_and(|write| write.end == End::Works);
        if let (End::Works, false) = (read.end, is_written)
            && let Some(line) = self.blamed(scope, Parameter::RefuseOptions)
            && lists_nothing(&read.report)
        {
            read.blame(line);
        }
        Ok(Attempt {
            user: login.user.clone(),
            group: login.group.clone(),
            read,
            write,
        })
    }

    /// The command that a transfer with a module waits for.
    fn gate(&self, scope: Scope) -> Option<Blamed> {
        let mut gates = GATES.into_iter().filter(|_| self.setup.with_hooks);
        gates.find_map(|parameter| self.blamed(scope, parameter))
    }

    /// The line that sets a parameter.
    fn blamed(&self, scope: Scope, parameter: Parameter) -> Option<Blamed> {
        let server = self.setup.known.server.as_ref()?;
        let setting = self.configuration.origin(scope, parameter).setting()?;
        let place = server.sources.place(setting.span());
        Some(Blamed { parameter, place })
    }

    /// The mistake of a page, if the configuration has it in a module: what a trial does not show.
    fn unseen(&self, rule: &str, module: &str) -> Option<Predicted> {
        let is_it = |found: &&Predicted| {
            let does_harm = found.symptoms.iter().any(|symptom| symptom.exit > 0);
            found.rule == rule && does_harm && found.modules.iter().any(|own| own == module)
        };
        self.setup.known.findings.iter().find(is_it).cloned()
    }
}
