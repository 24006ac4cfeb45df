//! `path`, and what it leads to.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    host::{EntryKind, walk},
    lint::{
        checks::{Check, harm, notes, paths::near::nearest},
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Scope, Setting, has_variable},
    terms::Release,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY401", module_without_path),
    Check::configuration("RSY402", path_missing),
    Check::configuration("RSY403", relative_path),
    Check::configuration("RSY404", untrusted_link_in_path),
    Check::configuration("RSY423", path_with_dot),
    Check::configuration("RSY424", several_folders),
    Check::configuration("RSY432", daemon_chroot_missing),
];

/// RSY401: a module without a path can be listed and never used.
fn module_without_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        if !module.has(Parameter::Path) {
            out.report(Case::at(module.header()).with("module", module.name()));
        }
    }
}

/// RSY402: clients of the module are told `chdir failed` or `chroot failed`, which names no path.
fn path_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let Some(setting) = path.origin.setting() else {
            continue;
        };
        // What is relative or holds a variable has pages of its own.
        let Some(place) = module.folder(subject) else {
            continue;
        };
        let found = subject.host.metadata(&place, true);
        let target = target(subject, &place);
        let case = Case::at(setting.value_span())
            .with("module", module.name())
            .with("path", place.display().to_string())
            .with("call", call(subject, &module));
        if let (Err(_), Some(target)) = (&found, &target) {
            // The system follows so many links and no more.
            let target = target.display().to_string();
            out.report(case.variant("loop").with("target", target));
            continue;
        }
        let Some(found) = out.fact(place.display().to_string(), found) else {
            continue;
        };
        out.report(match (found, target) {
            (None, Some(target)) => case.variant("link").with("target", target.display().to_string()),
            (None, None) => match in_the_way(subject, &place) {
                Some(file) => case.variant("through").with("file", file.display().to_string()),
                None => no_folder(subject, &module, (setting, &place), case),
            },
            (Some(metadata), _) if metadata.kind != EntryKind::Directory => case.variant("file"),
            (Some(_), _) => continue,
        });
    }
}

/// An empty folder in the place of one that is only read would empty the copies of clients that delete.
fn no_folder(
    subject: &ConfigurationSubject<'_>,
    module: &ModuleSubject<'_>,
    (setting, place): (&Setting, &Path),
    case: Case,
) -> Case {
    let Some(near) = nearest(subject.host, place) else {
        return case.variant(if module.is_writable() {
            "missing"
        } else {
            "missing-source"
        });
    };
    let case = case.variant("near").with("near", near.display().to_string());
    match setting.bytes() == place.as_os_str().as_bytes() {
        true => case.fix(
            Safety::Unsafe,
            [Edit::replace(setting.value_span(), near.as_os_str().as_bytes())],
        ),
        false => case,
    }
}

/// What a path leads through that is no folder.
fn in_the_way(subject: &ConfigurationSubject<'_>, place: &Path) -> Option<PathBuf> {
    let above = place.ancestors().skip(1);
    let mut there = above.filter_map(|above| Some((above, subject.host.metadata(above, true).ok()??)));
    let (nearest, found) = there.next()?;
    (found.kind != EntryKind::Directory).then(|| nearest.to_owned())
}

/// Where a path leads that is a symbolic link itself.
fn target(subject: &ConfigurationSubject<'_>, place: &Path) -> Option<PathBuf> {
    let found = subject.host.metadata(place, false).ok()??;
    let target = subject.host.read_link(place).ok()?;
    (found.kind == EntryKind::Link).then(|| place.parent().unwrap_or(place).join(target))
}

/// RSY403: a path that does not begin with a slash is looked up from wherever the daemon was started.
fn relative_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let (Some(setting), Some(&first)) = (path.origin.setting(), path.value.first()) else {
            continue;
        };
        // With quotes, and with a variable in front, it is another case; behind `daemon chroot` the daemon stands in
        // the root folder.
        if b"/\"'%".contains(&first) || !chroot.is_empty() {
            continue;
        }
        let behind_equals = path.value.strip_prefix(b"=").map(<[u8]>::trim_ascii_start);
        let variant = match first {
            b'~' => "home",
            b'\\' if !path.value.starts_with(br"\\") => "backslashes",
            b'=' if behind_equals.is_some_and(|rest| rest.starts_with(b"/")) => "equals",
            _ => "relative",
        };
        let span = setting.value_span();
        if seen.insert((span.source, span.start)) {
            let with_slashes: Vec<u8> = path.value.iter().map(|byte| slash(*byte)).collect();
            let case = Case::at(span)
                .variant(variant)
                .with("module", module.name())
                .with("path", module.display(Parameter::Path))
                .with("meant", String::from_utf8_lossy(&with_slashes))
                .with("call", call(subject, &module));
            let backslashes = setting.text.bytes().iter().enumerate();
            let backslashes = backslashes.filter(|(_, byte)| **byte == b'\\');
            let edits = backslashes.map(|(at, _)| Edit::replace(setting.part(at..at + 1), "/"));
            out.report(match variant {
                "backslashes" => case.fix(Safety::Unsafe, edits),
                _ => case,
            });
        }
    }
}

/// The slash of this system for that of another one.
fn slash(byte: u8) -> u8 {
    if byte == b'\\' { b'/' } else { byte }
}

/// RSY424: a path is one folder, byte for byte: no list, and nothing that a shell would expand.
fn several_folders(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Path]) {
        let path = setting.bytes();
        let is_list = path
            .windows(2)
            .any(|pair| pair[1] == b'/' && b",;:".contains(&pair[0]))
            || path
                .windows(3)
                .any(|part| matches!(part, [b',' | b' ', b' ', b'/']))
            || path
                .split(|&byte| byte == b' ')
                .filter(|word| word.starts_with(b"/"))
                .count()
                > 1;
        let has_wildcard = path
            .rsplit(|&byte| byte == b'/')
            .any(|name| name == b"*" || name.starts_with(b"*."));
        let variant = match (is_list, has_wildcard) {
            (true, _) => "list",
            (_, true) => "wildcard",
            _ => continue,
        };
        // Notes, quotes and lines that run together have pages of their own; so has what is no path of this system.
        let is_other = path.first() != Some(&b'/') || notes::note(setting).is_some() || has_variable(path);
        let place = subject.place(path);
        let exists = place.is_some_and(|place| matches!(subject.host.metadata(&place, true), Ok(Some(_))));
        if !is_other && !exists {
            let span = setting.value_span();
            out.report(
                Case::at(span)
                    .variant(variant)
                    .with("path", setting.text.display())
                    .with("call", harm::call(subject, setting.block))
                    .explains_rules(span, &["RSY402"]),
            );
        }
    }
}

/// RSY404: a module that is not confined is not entered through a link of a third party.
fn untrusted_link_in_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.configuration.release < Release::new(3, 5, 0) {
        return;
    }
    let daemon = subject.circumstances.daemon_uid;
    for module in subject.modules() {
        if module.tries_chroot(subject) || module.is(Parameter::InsecureLinks) {
            continue;
        }
        let Some((setting, folder)) = module
            .text(Parameter::Path)
            .origin
            .setting()
            .zip(module.folder(subject))
        else {
            continue;
        };
        let Some(passed) = out.fact(folder.display().to_string(), walk(subject.host, &folder)) else {
            continue;
        };
        let foreign = passed.into_iter().find_map(|component| {
            let metadata = component.metadata?;
            let is_foreign = metadata.uid != 0 && metadata.uid != daemon;
            (metadata.kind == EntryKind::Link && is_foreign).then_some((component.path, metadata.uid))
        });
        if let Some((link, uid)) = foreign {
            let link = link.display().to_string();
            out.report(
                Case::at(setting.value_span())
                    .with("module", module.name())
                    .with("link", &link)
                    .with("uid", uid.to_string())
                    .fact(format!("{link} is a symbolic link that belongs to uid {uid}")),
            );
        }
    }
}

/// RSY423: `/./` moves the jail, and makes it one that must succeed.
fn path_with_dot(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let Some(setting) = path.origin.setting() else {
            continue;
        };
        let Some(dot) = path.value.windows(3).position(|part| part == b"/./") else {
            continue;
        };
        let variant = match module.boolean(Parameter::UseChroot).value {
            Some(false) => "without-chroot",
            Some(true) => continue,
            None => "jail",
        };
        let span = setting.part(dot..dot + 3);
        if seen.insert((span.source, span.start)) {
            let outer = String::from_utf8_lossy(&path.value[..dot]);
            let outer = if outer.is_empty() { "/".into() } else { outer };
            out.report(
                Case::at(span)
                    .variant(variant)
                    .with("module", module.name())
                    .with("outer", outer),
            );
        }
    }
}

/// RSY432: a daemon that cannot go into its own root hangs up on each client before it greets.
fn daemon_chroot_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject.configuration.text(Scope::Global, Parameter::DaemonChroot);
    let Some(setting) = chroot.origin.setting() else {
        return;
    };
    let place = Path::new(OsStr::from_bytes(chroot.value));
    if !place.is_absolute() || has_variable(chroot.value) {
        return;
    }
    let name = place.display().to_string();
    let found = match out.fact(&name, subject.host.metadata(place, true)) {
        Some(None) => "missing",
        Some(Some(metadata)) if metadata.kind != EntryKind::Directory => "file",
        _ => return,
    };
    let case = Case::at(setting.value_span()).variant(found).with("path", name);
    let paths = subject.modules().filter_map(|module| {
        let setting = module.text(Parameter::Path).origin.setting()?;
        Some(setting.value_span())
    });
    out.report(paths.fold(case, |case, path| case.explains_rules(path, &["RSY402"])));
}

/// The system call that the client is told about.
fn call(subject: &ConfigurationSubject<'_>, module: &ModuleSubject<'_>) -> &'static str {
    if module.tries_chroot(subject) {
        "chroot"
    } else {
        "chdir"
    }
}
