//! What has been put right since a log told of it, by the configuration and the files as they are now.

use std::{
    ffi::OsStr,
    fs, io,
    net::IpAddr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use jiff::civil::DateTime;

use super::{failure::Failure, options, quoted::Quoted, standing::Proof};
use crate::{
    doctor::{
        Setup, Subject,
        daemon::{at, port_of},
        linked, loopback,
        reach::held,
    },
    explain::Server,
    host::changed,
    model::{Configuration, Parameter, Scope},
    rsync::filter::{CvsIgnores, FilterList, Purpose},
};

/// How it is now.
pub(super) struct Now<'n> {
    pub(super) server: &'n Server,
    pub(super) subject: &'n Subject,
    pub(super) setup: &'n Setup<'n>,
}

impl Now<'_> {
    /// What shows that a failure of a module at a time is over; none if it may be as it was, or nobody can tell.
    pub(super) fn proof(&self, failure: &Failure, module: Option<&str>, time: DateTime) -> Option<Proof> {
        let configuration = &self.server.configuration;
        if let Some(proof) = self.of_daemon(failure, time) {
            return proof;
        }
        let scope = Scope::Module(configuration.module(module?.as_bytes())?);
        let text = |parameter| configuration.text(scope, parameter).value;
        match failure {
            Failure::Option(option) => options::takes(configuration, scope, option).then_some(Proof::Written),
            Failure::Excluded(name) => {
                (!self.is_hidden(configuration, scope, name)?).then_some(Proof::Written)
            }
            Failure::Absent(path) => {
                // What a rule of the module hides is missing to clients still.
                let name = path.trim_start_matches('/');
                let is_shown = !self.is_hidden(configuration, scope, name)?;
                let host = self.subject.host(self.setup);
                let is_there = is_shown && linked::is_there(self.server, host, module?, path);
                is_there.then_some(Proof::Found)
            }
            Failure::Hook(parameter) => match text(*parameter) {
                b"" => Some(Proof::Unwritten),
                command => self.is_changed(command, time).then_some(Proof::Changed),
            },
            Failure::List(path) => {
                let lists = [Parameter::ExcludeFrom, Parameter::IncludeFrom, Parameter::Filter];
                let mut lists = lists.map(text).into_iter();
                if !lists.any(|list| contains(list, path.as_bytes())) {
                    return Some(Proof::Unwritten);
                }
                let place = self.subject.outside(Path::new(path));
                let is_there = Path::new(path).is_absolute() && place.is_file();
                is_there.then_some(Proof::Found)
            }
            Failure::TempDir(path) => {
                if self.temp_dir(configuration, scope, path)?.is_dir() {
                    return Some(Proof::Found);
                }
                // A client may name a folder too, which no line of the configuration shows.
                let named = text(Parameter::TempDir);
                let is_named = !named.is_empty() && Path::new(path).ends_with(relative(named));
                (!is_named && self.is_rewritten(time)).then_some(Proof::Unwritten)
            }
            _ => None,
        }
    }

    /// The same for what ends a daemon; none if the failure is a module's.
    fn of_daemon(&self, failure: &Failure, time: DateTime) -> Option<Option<Proof>> {
        let configuration = &self.server.configuration;
        Some(match failure {
            Failure::PidFolder(folder) => {
                let named = configuration.text(Scope::Global, Parameter::PidFile).value;
                let is_named = Path::new(OsStr::from_bytes(named)).parent() == Some(Path::new(folder));
                let is_there = self.subject.outside(Path::new(folder)).is_dir();
                match (is_named, is_there) {
                    (_, true) => Some(Proof::Found),
                    // The command line of the daemon may name it, too.
                    (false, false) if self.is_rewritten(time) => Some(Proof::Unwritten),
                    _ => None,
                }
            }
            Failure::Missing(path) => {
                let path = Path::new(path);
                let is_there = path.is_absolute() && self.subject.outside(path).exists();
                is_there.then_some(Proof::Found)
            }
            Failure::Configuration => {
                let is_read = configuration.serves() == Some(true) && self.is_rewritten(time);
                is_read.then_some(Proof::Read)
            }
            Failure::Slip(quoted) => {
                let written = quoted.as_ref().and_then(|quoted| self.is_written(quoted));
                (written == Some(false)).then_some(Proof::Unwritten)
            }
            Failure::Address => {
                let named = configuration.text(Scope::Global, Parameter::Address).value;
                let named = String::from_utf8_lossy(named);
                match named.trim().parse::<IpAddr>() {
                    Ok(address) => loopback::is_ours(address).then_some(Proof::Found),
                    // The command line of the daemon may name it, too.
                    Err(_) if named.is_empty() && self.subject.daemon.is_some() => Some(Proof::Unwritten),
                    Err(_) => None,
                }
            }
            // Who runs now had the port when it started; others may want it since.
            Failure::Taken => {
                let is_free = self.subject.daemon.is_none() && held::is_free(port_of(configuration));
                is_free.then_some(Proof::Free)
            }
            _ => return None,
        })
    }

    /// Where the folder for files that are not whole is, by its path as the daemon sees it behind its jail.
    fn temp_dir(&self, configuration: &Configuration, scope: Scope, path: &str) -> Option<PathBuf> {
        let module = Path::new(OsStr::from_bytes(
            configuration.text(scope, Parameter::Path).value,
        ));
        let is_plain = self.server.plain_user.is_some();
        let jail = configuration.boolean(scope, Parameter::UseChroot).value;
        let place = match jail != Some(false) && !is_plain {
            true => module.join(relative(path.as_bytes())),
            false => PathBuf::from(path),
        };
        let is_clear = module.is_absolute() && !contains(module.as_os_str().as_bytes(), b"/./");
        (is_clear && place.is_absolute()).then(|| self.subject.outside(&place))
    }

    /// Whether a file that a command names was changed behind that time.
    fn is_changed(&self, command: &[u8], time: DateTime) -> bool {
        let words = command.split(u8::is_ascii_whitespace);
        let mut files = words.map(|word| Path::new(OsStr::from_bytes(word)));
        files.any(|file| file.is_absolute() && self.is_later(file, time))
    }

    /// Whether a line of the configuration has that still, as its files are now; none if they cannot be read.
    fn is_written(&self, quoted: &Quoted) -> Option<bool> {
        let includes = &self.server.configuration.includes;
        let includes = includes.iter().map(|include| &*include.path);
        for file in [&*self.subject.file].into_iter().chain(includes) {
            let text = fs::read(self.subject.outside(file)).ok()?;
            let text = String::from_utf8_lossy(&text);
            let mut is_of_module = false;
            for line in text
                .lines()
                .map(str::trim)
                .filter(|line| !line.starts_with(['#', ';']))
            {
                is_of_module |= line.starts_with('[');
                if quoted.is_in(line, is_of_module) {
                    return Some(true);
                }
            }
        }
        Some(false)
    }

    /// Whether the configuration was changed behind that time.
    fn is_rewritten(&self, time: DateTime) -> bool {
        let configuration = &self.server.configuration;
        let includes = configuration.includes.iter().map(|include| &*include.path);
        let mut files = [&*self.subject.file].into_iter().chain(includes);
        files.any(|file| self.is_later(file, time))
    }

    fn is_later(&self, file: &Path, time: DateTime) -> bool {
        let changed = changed(&self.subject.outside(file)).ok().flatten();
        let changed = changed.and_then(|second| at(self.setup, second));
        changed.is_some_and(|changed| changed.datetime() > time)
    }

    /// Whether the rules of a module may keep a name from clients, or a folder above it; none if they cannot be told
    /// (`rsync_module` in clientserver.c reads them in this order).
    fn is_hidden(&self, configuration: &Configuration, scope: Scope, name: &str) -> Option<bool> {
        let text = |parameter| configuration.text(scope, parameter).value;
        if !text(Parameter::Filter).is_empty() || name.is_empty() {
            return None;
        }
        let mut rules = FilterList::new(CvsIgnores::default());
        let mut read = |file: &[u8]| -> io::Result<Vec<u8>> {
            fs::read(self.subject.outside(Path::new(OsStr::from_bytes(file))))
        };
        for (from, direct, is_include) in [
            (Parameter::IncludeFrom, Parameter::Include, true),
            (Parameter::ExcludeFrom, Parameter::Exclude, false),
        ] {
            rules.patterns_of(text(from), is_include, &mut read).ok()?;
            let words = text(direct).split(u8::is_ascii_whitespace);
            for word in words.filter(|word| !word.is_empty()) {
                rules.pattern(word, is_include, &mut read).ok()?;
            }
        }
        // What names folders alone covers what is in them.
        let mut above = Path::new(name).ancestors();
        Some(above.any(|place| {
            let place = place.as_os_str().as_bytes();
            let covers = |is_directory| rules.excludes(place, is_directory, Purpose::Sending);
            !place.is_empty() && (covers(true) || covers(false))
        }))
    }
}

/// A path without the slashes in front.
fn relative(path: &[u8]) -> &Path {
    let start = path.iter().take_while(|&&byte| byte == b'/').count();
    Path::new(OsStr::from_bytes(&path[start..]))
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}
