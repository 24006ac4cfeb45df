//! What systemd makes of a service as a whole, before it starts a command of it: it may refuse to load it, or to start any of
//! it.

use std::{fs, path::Path, rc::Rc};

use nix::unistd::{Group, User};

use crate::{
    cli::probe::{
        before::Started,
        fault::{Fault, OfUnit},
        made::Made,
        text::position,
        unit::pieces::Pieces,
    },
    model::service::{Offence, Refusal, Setting, Unit, home_of, is_directive, nearest_directive, offence},
    syntax::unit::{Kind, parse},
    terms::{Source, SourceId, Sources},
};

/// Conditions that do not hold of what is not there (systemd.unit(5)).
const ASKED: [&str; 8] = [
    "DirectoryNotEmpty",
    "FileIsExecutable",
    "FileNotEmpty",
    "PathExists",
    "PathIsDirectory",
    "PathIsMountPoint",
    "PathIsReadWrite",
    "PathIsSymbolicLink",
];

/// Settings that have other units started first, which may make what a condition asks for.
const STARTING: [&str; 5] = [
    "BindsTo",
    "Requires",
    "RequiresMountsFor",
    "Wants",
    "WantsMountsFor",
];

/// The settings of a command's streams, with systemd's codes (systemd.exec(5)).
const STREAMS: [(&str, &str); 3] = [
    ("StandardInput", "208/STDIN"),
    ("StandardOutput", "209/STDOUT"),
    ("StandardError", "222/STDERR"),
];

/// A service with its drop-ins.
#[derive(Clone, Default)]
pub(super) struct Service {
    unit: Rc<Unit>,
    /// The file that is asked about.
    own: Option<SourceId>,
    /// Whether it is more than a drop-in.
    is_whole: bool,
}

impl Service {
    /// A file that is a service's; none of another unit's.
    pub(super) fn of(path: &Path, file: &[u8]) -> Option<Self> {
        let pieces = Pieces::of(path, file)?;
        let mut sources = Sources::default();
        let mut unit = Unit {
            name: pieces.name.clone(),
            ..Unit::default()
        };
        let mut own = None;
        for (at, file) in pieces.files.iter().enumerate() {
            let source = sources.add(Source::new(&*pieces.name, file.clone()));
            unit.read(source, &parse(file));
            own = own.or_else(|| Some(source).filter(|_| at == pieces.own));
        }
        Some(Self {
            unit: unit.into(),
            own,
            is_whole: pieces.is_whole,
        })
    }

    /// Whether systemd reads a setting there.
    pub(super) fn reads(section: &[u8], name: &[u8]) -> bool {
        let is_known = |name: &str| is_directive("Service", name);
        section == b"Service" && str::from_utf8(name).is_ok_and(is_known)
    }

    /// Why systemd does not run a command of it; `made`: the folders that it makes itself, `is_of_user`: whether a user's own
    /// manager starts it, `keeps_root`: whether `User=` does not count.
    pub(super) fn faults(
        &self,
        own: &Started,
        file: &[u8],
        made: &Made,
        (is_of_user, keeps_root): (bool, bool),
    ) -> Vec<Fault> {
        let account = || (!is_of_user && !keeps_root).then(|| self.no_account()).flatten();
        let all = [
            self.not_read(own, file),
            self.refused(),
            self.unmet(),
            account(),
            self.no_stream(made),
            self.no_credential(),
        ];
        all.into_iter().flatten().map(Fault::OfUnit).collect()
    }

    /// Why systemd passes the setting over that a command stands in.
    fn not_read(&self, own: &Started, file: &[u8]) -> Option<OfUnit> {
        let line = position(file, own.range.start);
        if !own.is_read {
            return Some(match home_of(&own.name) {
                Some(home) => OfUnit::Misplaced(line, own.name.clone(), home),
                None => OfUnit::Unknown(line, own.name.clone(), nearest_directive("Service", &own.name)),
            });
        }
        if let Some((offence, true)) = offence(&own.value) {
            return Some(told(&own.name, &own.value.display(), offence, true));
        }
        let items = parse(file).items.into_iter();
        let mut section = Vec::new();
        let mut later = items.filter_map(|item| match item.kind {
            Kind::Section(name) => {
                section = name.bytes().to_vec();
                None
            }
            Kind::Setting { name, value } => {
                let is_it = section == b"Service" && name.bytes() == own.name.as_bytes();
                (is_it && value.is_empty() && item.range.start > own.range.start).then_some(item.range.start)
            }
            _ => None,
        });
        if let Some(empty) = later.next() {
            return Some(OfUnit::TakenBack(own.name.clone(), position(file, empty)));
        }
        let holding = self.unit.list("Service", &own.name);
        let mut holding = holding.iter().filter(|setting| Some(setting.source) == self.own);
        let holds = holding.any(|setting| setting.value.range() == own.value.range());
        (!holds).then(|| OfUnit::Replaced(own.name.clone(), self.unit.name.clone()))
    }

    fn refused(&self) -> Option<OfUnit> {
        let refusal = self.unit.refusal()?;
        Some(match refusal {
            Refusal::Command(setting, offence) => {
                told(&setting.name.display(), &setting.display(), offence, false)
            }
            Refusal::RelativeFolder(setting) => OfUnit::RelativeFolder(setting.display()),
            _ if !self.is_whole => return None,
            Refusal::NoCommand => OfUnit::NoCommand,
            Refusal::SecondCommand => {
                let r#type = self.unit.last("Service", "Type").map(Setting::display);
                OfUnit::SecondCommand(r#type.filter(|name| is_nearly_oneshot(name)))
            }
            Refusal::Restart(setting) => OfUnit::Restart(setting.display()),
        })
    }

    /// A condition on what is not there.
    fn unmet(&self) -> Option<OfUnit> {
        let starts_others = self.unit.settings.iter().any(|setting| {
            let value = setting.value.bytes();
            let mut names = value
                .split(u8::is_ascii_whitespace)
                .filter(|name| !name.is_empty());
            STARTING.contains(&&*setting.name.display()) && names.any(|name| !name.ends_with(b".target"))
        });
        if starts_others {
            return None;
        }
        ["Condition", "Assert"].iter().find_map(|kind| {
            let all = self.unit.settings.iter();
            let all: Vec<_> = all
                .filter(|setting| {
                    setting.section == b"Unit" && setting.name.bytes().starts_with(kind.as_bytes())
                })
                .collect();
            // An empty one takes all in front of it back.
            let reset = all.iter().rposition(|setting| setting.value.is_empty());
            let mut holding = all[reset.map_or(0, |at| at + 1)..].iter();
            holding.find_map(|setting| {
                let name = setting.name.display();
                let path = setting.display();
                // Of several with `|` one is enough; a `!` turns it round.
                let is_asked = ASKED.contains(&name.strip_prefix(kind)?) && is_missing(&path);
                is_asked.then(|| OfUnit::NotMet(name.into_owned(), path))
            })
        })
    }

    /// An account that is not there, where this machine alone tells (nsswitch.conf(5)).
    fn no_account(&self) -> Option<OfUnit> {
        if self.unit.switched_on("Service", "DynamicUser").is_some() {
            return None;
        }
        let is_no_user = |name: &str| has_own_files("passwd") && matches!(User::from_name(name), Ok(None));
        let is_no_group = |name: &str| has_own_files("group") && matches!(Group::from_name(name), Ok(None));
        let of = |setting: &'static str, is_none: &dyn Fn(&str) -> bool, code| {
            let name = self.unit.last("Service", setting)?.display();
            let is_known = !name.contains('%') && !name.bytes().all(|byte| byte.is_ascii_digit());
            (is_known && is_none(&name)).then_some(OfUnit::NoAccount(setting, name, code))
        };
        of("User", &is_no_user, "217/USER").or_else(|| of("Group", &is_no_group, "216/GROUP"))
    }

    /// A file of a command's streams that cannot be opened: commands in front of it, which have the same, make no folder.
    fn no_stream(&self, made: &Made) -> Option<OfUnit> {
        STREAMS.into_iter().find_map(|(name, code)| {
            let setting = self.unit.last("Service", name)?;
            let value = setting.display();
            let (kind, path) = value.split_once(':')?;
            let needed = match (name, kind) {
                ("StandardInput", "file") => Path::new(path),
                ("StandardOutput" | "StandardError", "file" | "append" | "truncate") => {
                    Path::new(path).parent()?
                }
                _ => return None,
            };
            let needed_name = needed.display().to_string();
            let is_lacking = is_missing(&needed_name) && !made.has(needed, Path::new("/"));
            is_lacking.then(|| OfUnit::NoStream(format!("{name}={value}"), needed_name, code))
        })
    }

    /// A file of a credential's; a path that is not whole is looked for elsewhere, and may be nowhere (systemd.exec(5)).
    fn no_credential(&self) -> Option<OfUnit> {
        let is_set = |id: &str| {
            let mut set = self.unit.settings.iter().filter(|setting| {
                setting.name.bytes().starts_with(b"SetCredential") && setting.section == b"Service"
            });
            set.any(|setting| setting.display().split(':').next() == Some(id))
        };
        let names = ["LoadCredential", "LoadCredentialEncrypted"].into_iter();
        let mut all = names.flat_map(|name| self.unit.list("Service", name));
        all.find_map(|setting| {
            let value = setting.display();
            let (id, path) = value.split_once(':')?;
            (is_missing(path) && !is_set(id)).then(|| OfUnit::NoCredential(path.to_owned()))
        })
    }
}

fn told(name: &str, value: &str, offence: Offence, is_passed_over: bool) -> OfUnit {
    match offence {
        Offence::Relative => {
            let program = value.split_ascii_whitespace().next().unwrap_or_default();
            OfUnit::RelativeProgram(format!("{name}={program}"), is_passed_over)
        }
        Offence::OpenQuote => OfUnit::OpenQuote(name.to_owned(), is_passed_over),
    }
}

/// Whether a value of `Type=` is none, and is meant for the one that may have several commands.
fn is_nearly_oneshot(name: &str) -> bool {
    name != "oneshot" && strsim::damerau_levenshtein(&name.to_lowercase(), "oneshot") <= 2
}

/// Whether a whole path leads nowhere for sure; what a specifier stands for is not known.
fn is_missing(path: &str) -> bool {
    path.starts_with('/') && !path.contains('%') && matches!(Path::new(path).try_exists(), Ok(false))
}

/// Whether accounts come from the files of this machine alone.
fn has_own_files(database: &str) -> bool {
    let Ok(text) = fs::read_to_string("/etc/nsswitch.conf") else {
        return true;
    };
    let mut lines = text
        .lines()
        .filter_map(|line| line.split('#').next()?.split_once(':'));
    let services = lines.find(|(name, _)| name.trim() == database);
    let mut services = services
        .map_or("files", |(_, services)| services)
        .split_whitespace();
    services.all(|service| ["files", "compat", "systemd"].contains(&service))
}
