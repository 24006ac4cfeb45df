//! What systemd forbids the daemon, beside hiding folders.

use std::path::{Path, PathBuf};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{ServiceUnit, ServicesSubject},
    },
    model::{
        Parameter,
        service::{Setting, words},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY731", system_call_denied),
    Check::services("RSY732", outside_root_directory),
    Check::services("RSY733", limit_too_low),
];

/// What the daemon calls as root for a module, with the sets of systemd that hold the call (`systemd-analyze
/// syscall-filter`, systemd 252; `@known` holds every call).
const CALLS: [(&str, &[&str]); 4] = [
    ("chroot", &["@mount", "@privileged", "@known"]),
    ("setgroups", SET_IDS),
    ("setgid", SET_IDS),
    ("setuid", SET_IDS),
];
const SET_IDS: &[&str] = &["@setuid", "@privileged", "@system-service", "@known"];

/// RSY731: a call that the filter leaves out ends the process that serves the connection.
fn system_call_denied(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        for module in configuration.modules() {
            let keeps_root = module.serves_as_root(&configuration);
            let is_needed = |call| match call {
                "chroot" => module.tries_chroot(&configuration),
                _ => !keeps_root,
            };
            let mut needed = CALLS.iter().filter(|(call, _)| is_needed(*call));
            let denied = needed.find_map(|(call, sets)| Some((*call, denies(unit, call, sets)?)));
            let Some((call, setting)) = denied else {
                continue;
            };
            let fails = setting.display().contains(':')
                || unit.unit.last("Service", "SystemCallErrorNumber").is_some();
            let insists = module.boolean(Parameter::UseChroot).value.is_some();
            let variant = match fails {
                true if call == "chroot" && !insists => "unconfined",
                true => "error",
                false => "killed",
            };
            out.report(
                Case::at(setting.span())
                    .variant(variant)
                    .also(module.header(), "module")
                    .with("module", module.name())
                    .with("call", call),
            );
        }
    }
}

/// The line that keeps a call from the unit: the first one says whether the list allows or denies, the next ones add to
/// it or take from it (systemd.exec(5)).
fn denies<'a>(unit: &'a ServiceUnit<'_>, call: &str, sets: &[&str]) -> Option<&'a Setting> {
    let lines = unit.unit.list("Service", "SystemCallFilter");
    let is_denial = |setting: &Setting| setting.value.bytes().starts_with(b"~");
    let mut decides = lines.first().copied().filter(|first| !is_denial(first));
    for line in lines {
        let text = line.display();
        let names = text.trim_start_matches('~').split_whitespace();
        let mut names = names.map(|word| word.split(':').next().unwrap_or(word));
        if names.any(|name| name == call || sets.contains(&name)) {
            decides = is_denial(line).then_some(line);
        }
    }
    decides
}

/// RSY732: every path of the daemon counts from the unit's root.
fn outside_root_directory(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        let Some(setting) = unit.unit.last("Service", "RootDirectory") else {
            continue;
        };
        let root = PathBuf::from(setting.display());
        if !root.is_absolute() || root == Path::new("/") {
            continue;
        }
        let mut is_missing = |path: &Path| {
            let inside = root.join(path.strip_prefix("/").unwrap_or(path));
            let found = out.fact(inside.display().to_string(), unit.host.metadata(&inside, true));
            matches!(found, Some(None)).then(|| inside.display().to_string())
        };
        let modules = configuration.modules().filter_map(|module| {
            let folder = module.folder(&configuration)?;
            let is_bound = super::sandbox::is_bound(unit, &folder);
            let inside = (!is_bound).then(|| is_missing(&folder)).flatten()?;
            let path = module.place(module.text(Parameter::Path).origin);
            Some((module, folder, inside, path))
        });
        let missing: Vec<_> = modules.collect();
        for (module, folder, inside, path) in missing {
            out.report(
                Case::at(setting.span())
                    .also(path, "path")
                    .with("module", module.name())
                    .with("path", folder.display().to_string())
                    .with("inside", inside.clone())
                    .fact(format!("{inside} does not exist")),
            );
        }
    }
}

/// The least memory that a process of the daemon takes, in bytes: seen with rsync 3.5.0, which took 9 MiB for a list of
/// 50,000 files and 5 MiB for a short one.
const PROCESS: u64 = 5 << 20;

/// RSY733: each connection is a process of its own, or two.
fn limit_too_low(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject
        .servers()
        .iter()
        .filter(|server| !server.gets_connection())
    {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        let limits = configuration.modules().map(|module| {
            let most = module.integer(Parameter::MaxConnections);
            (u64::try_from(most.value).unwrap_or(0), most.origin)
        });
        let Some((most, origin)) = limits.max_by_key(|(most, _)| *most) else {
            continue;
        };
        let daemon = |case: Case| match origin.setting() {
            Some(setting) => case.also(setting.span(), "connections"),
            None => case,
        };
        if let Some((setting, tasks)) = limit(unit, "TasksMax")
            && tasks <= most
        {
            let case = Case::at(setting).variant("tasks");
            out.report(
                daemon(case)
                    .with("limit", tasks.to_string())
                    .with("most", most.to_string()),
            );
        }
        for name in ["MemoryMax", "MemoryLimit", "MemoryHigh"] {
            if let Some((setting, bytes)) = limit(unit, name)
                && bytes < PROCESS.saturating_mul(most.max(1) + 1)
            {
                let case = Case::at(setting).variant("memory").with("name", name);
                out.report(daemon(case).with("most", most.max(1).to_string()));
            }
        }
    }
}

/// A limit as a number: `512M` is in bytes; a share of the machine is none.
fn limit(unit: &ServiceUnit<'_>, name: &str) -> Option<(Span, u64)> {
    let setting = unit.unit.last("Service", name)?;
    let word = words(&setting.value).into_iter().next()?;
    let text = String::from_utf8(word.bytes).ok()?;
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "B" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    let number: u64 = digits.parse().ok()?;
    Some((setting.span(), number.checked_mul(factor)?))
}
