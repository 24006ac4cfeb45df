//! What systemd hides from the daemon, or lets it only read, against the paths that the daemon is to serve.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    host::{PlannedMount, planned_mounts},
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{ServiceUnit, ServicesSubject},
        subject::ModuleSubject,
    },
    model::{
        Parameter,
        service::{Setting, path_list},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY702", hidden_by_protect_home),
    Check::services("RSY703", read_only_for_daemon),
    Check::services("RSY704", private_tmp),
    Check::services("RSY705", path_made_inaccessible),
    Check::services("RSY723", mount_not_awaited),
];

const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];
/// What a daemon writes on its own account.
const FILES: [Parameter; 3] = [Parameter::LogFile, Parameter::PidFile, Parameter::LockFile];

/// A folder that the daemon of a unit is to serve.
struct Served<'a> {
    unit: &'a ServiceUnit<'a>,
    module: ModuleSubject<'a>,
    folder: PathBuf,
    /// The line of its path.
    path: Span,
}

fn served<'a>(subject: &ServicesSubject<'a>) -> Vec<Served<'a>> {
    let mut found = Vec::new();
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        for module in configuration.modules() {
            if let Some(folder) = module.folder(&configuration) {
                let path = module.place(module.text(Parameter::Path).origin);
                found.push(Served {
                    unit,
                    module,
                    folder,
                    path,
                });
            }
        }
    }
    found
}

impl Served<'_> {
    fn case(&self, at: Span) -> Case {
        Case::at(at)
            .also(self.path, "path")
            .with("module", self.module.name())
            .with("path", self.folder.display().to_string())
            .with("unit", self.unit.unit.name.clone())
    }
}

/// RSY702: the folder is there for everybody but the daemon.
fn hidden_by_protect_home(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for one in served(subject) {
        let Some(setting) = one.unit.unit.last("Service", "ProtectHome") else {
            continue;
        };
        if !is_below(&one.folder, &HOMES) || is_bound(one.unit, &one.folder) {
            continue;
        }
        let case = one.case(setting.span()).with("value", setting.display());
        let is_tmpfs = setting.value.bytes() == b"tmpfs";
        if is_tmpfs || one.unit.unit.switched_on("Service", "ProtectHome").is_some() {
            out.report(case.variant("hidden"));
        } else if setting.value.bytes() == b"read-only"
            && one.module.is_writable()
            && !is_writable_again(one.unit, &one.folder)
        {
            out.report(case.variant("read-only"));
        }
    }
}

/// RSY703: `read only = no` does not help where the file system is read-only for the daemon.
fn read_only_for_daemon(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for one in served(subject) {
        if !one.module.is_writable() {
            continue;
        }
        if let Some((span, setting)) = read_only(one.unit, &one.folder) {
            out.report(one.case(span).with("setting", setting));
        }
    }
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        for file in configuration.settings(&FILES) {
            let Some(path) = configuration.place(file.bytes()) else {
                continue;
            };
            if let Some((span, setting)) = read_only(unit, &path) {
                out.report(
                    Case::at(span)
                        .variant("file")
                        .also(file.span(), "path")
                        .with("parameter", file.parameter.name())
                        .with("path", path.display().to_string())
                        .with("folder", path.parent().unwrap_or(&path).display().to_string())
                        .with("unit", unit.unit.name.clone())
                        .with("setting", setting),
                );
            }
        }
    }
}

/// The line that makes a path read-only: of all that hold it, the one that names the deepest folder counts.
fn read_only(unit: &ServiceUnit<'_>, path: &Path) -> Option<(Span, String)> {
    let mut rules: Vec<(PathBuf, Option<(Span, String)>)> = Vec::new();
    if let Some(setting) = unit.unit.last("Service", "ProtectSystem") {
        let folders: &[&str] = match setting.value.bytes() {
            b"strict" => &["/"],
            b"full" => &["/usr", "/boot", "/efi", "/etc"],
            _ if unit.unit.switched_on("Service", "ProtectSystem").is_some() => &["/usr", "/boot", "/efi"],
            _ => &[],
        };
        let why = (setting.span(), format!("ProtectSystem={}", setting.display()));
        rules.extend(
            folders
                .iter()
                .map(|folder| (PathBuf::from(folder), Some(why.clone()))),
        );
    }
    for setting in unit.unit.list("Service", "ReadOnlyPaths") {
        for (path, span) in path_list(setting) {
            let shown = format!("ReadOnlyPaths={}", String::from_utf8_lossy(&path));
            rules.push((as_path(&path), Some((span, shown))));
        }
    }
    rules.extend(["/dev", "/proc", "/sys"].map(|folder| (PathBuf::from(folder), None)));
    rules.extend(writable_again(unit).into_iter().map(|folder| (folder, None)));
    let holding = rules.into_iter().filter(|(folder, _)| path.starts_with(folder));
    let deepest = holding.max_by_key(|(folder, why)| (folder.components().count(), why.is_none()));
    deepest.and_then(|(_, why)| why)
}

/// What a unit leaves or makes writable.
fn writable_again(unit: &ServiceUnit<'_>) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for setting in unit.unit.list("Service", "ReadWritePaths") {
        folders.extend(path_list(setting).into_iter().map(|(path, _)| as_path(&path)));
    }
    let own = [
        ("StateDirectory", "/var/lib"),
        ("CacheDirectory", "/var/cache"),
        ("LogsDirectory", "/var/log"),
        ("RuntimeDirectory", "/run"),
    ];
    for (name, above) in own {
        for setting in unit.unit.list("Service", name) {
            let names = path_list(setting).into_iter();
            folders.extend(names.map(|(path, _)| Path::new(above).join(as_path(&path))));
        }
    }
    folders.extend(bound(unit, "BindPaths"));
    if unit.unit.switched_on("Service", "PrivateTmp").is_some() {
        folders.extend(TEMPORARY.map(PathBuf::from));
    }
    // /var/run is a link to /run.
    let linked: Vec<_> = folders
        .iter()
        .filter_map(|folder| Some(Path::new("/var/run").join(folder.strip_prefix("/run").ok()?)))
        .collect();
    folders.extend(linked);
    folders
}

fn is_writable_again(unit: &ServiceUnit<'_>, path: &Path) -> bool {
    writable_again(unit).iter().any(|folder| path.starts_with(folder))
}

/// RSY704: with a /tmp of its own the daemon does not see what everybody else sees there.
fn private_tmp(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for one in served(subject) {
        if let Some(setting) = one.unit.unit.switched_on("Service", "PrivateTmp")
            && is_below(&one.folder, &TEMPORARY)
            && !is_bound(one.unit, &one.folder)
        {
            out.report(one.case(setting.span()));
        }
    }
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        let Some(setting) = unit.unit.switched_on("Service", "PrivateTmp") else {
            continue;
        };
        for file in configuration.settings(&FILES) {
            if let Some(path) = configuration
                .place(file.bytes())
                .filter(|path| is_below(path, &TEMPORARY))
            {
                out.report(
                    Case::at(setting.span())
                        .variant("file")
                        .also(file.span(), "path")
                        .with("parameter", file.parameter.name())
                        .with("path", path.display().to_string())
                        .with("unit", unit.unit.name.clone()),
                );
            }
        }
    }
}

/// RSY705: what a unit shuts or covers is empty for the daemon.
fn path_made_inaccessible(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for one in served(subject) {
        for name in ["InaccessiblePaths", "TemporaryFileSystem"] {
            for setting in one.unit.unit.list("Service", name) {
                for (path, span) in path_list(setting) {
                    if one.folder.starts_with(as_path(&path)) && !is_bound(one.unit, &one.folder) {
                        let case = one.case(span).with("setting", name);
                        out.report(case.with("above", String::from_utf8_lossy(&path)));
                    }
                }
            }
        }
    }
}

/// RSY723: while the disk is not mounted, the module is an empty folder.
fn mount_not_awaited(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for one in served(subject) {
        if !one.unit.has_fragment {
            continue;
        }
        let Some(planned) = out.fact("/etc/fstab", planned_mounts(one.unit.host)) else {
            continue;
        };
        let Some((point, option)) = late_mount(&planned, &one.folder) else {
            continue;
        };
        let names = [
            "RequiresMountsFor",
            "ConditionPathIsMountPoint",
            "AssertPathIsMountPoint",
        ];
        let lines = names.iter().flat_map(|name| one.unit.unit.list("Unit", name));
        let is_awaited = lines
            .flat_map(path_list)
            .any(|(path, _)| as_path(&path).starts_with(&point));
        if !is_awaited {
            out.report(
                one.case(one.path)
                    .variant("option")
                    .with("mount", point)
                    .with("option", option)
                    .fact("/etc/fstab lets the boot go on without the mount"),
            );
        }
    }
}

/// The deepest mount that holds a path, if the boot does not wait for it, and the word of fstab that says so.
fn late_mount(planned: &[PlannedMount], path: &Path) -> Option<(String, String)> {
    let mount = PlannedMount::of(planned, path).filter(|mount| mount.point != Path::new("/"))?;
    let mut options = mount.options.iter();
    let late = options.find(|option| matches!(&***option, "nofail" | "noauto"))?;
    Some((mount.point.display().to_string(), late.clone()))
}

fn is_below(path: &Path, folders: &[&str]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Whether a unit puts a folder in sight again.
pub(super) fn is_bound(unit: &ServiceUnit<'_>, path: &Path) -> bool {
    let mut folders = bound(unit, "BindPaths");
    folders.extend(bound(unit, "BindReadOnlyPaths"));
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Where a unit binds folders to: `SOURCE[:DESTINATION[:OPTIONS]]`.
fn bound(unit: &ServiceUnit<'_>, name: &str) -> Vec<PathBuf> {
    let settings: Vec<&Setting> = unit.unit.list("Service", name);
    let words = settings
        .into_iter()
        .flat_map(|setting| crate::model::service::words(&setting.value));
    words
        .map(|word| {
            let text = String::from_utf8_lossy(&word.bytes).into_owned();
            let mut parts = text.trim_start_matches('-').split(':');
            let source = parts.next().unwrap_or_default();
            PathBuf::from(parts.next().filter(|part| !part.is_empty()).unwrap_or(source))
        })
        .collect()
}

fn as_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(bytes))
}
