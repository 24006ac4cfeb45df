//! Where the daemon writes what it does, and in which words.

use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    host::EntryKind,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Origin, Parameter, Scope, Setting, has_variable},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY603", log_folder_missing),
    Check::configuration("RSY611", module_log_without_failures),
    Check::configuration("RSY615", unknown_escape_in_log_format),
];

/// The letters of `log_formatted` in log.c.
const ESCAPES: &[u8] = b"halUGpMBofnLmtPubcCi%";

/// RSY603: the daemon falls back to syslog, and the file that is watched stays empty.
fn log_folder_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    for setting in in_force(subject, Parameter::LogFile) {
        let path = Path::new(OsStr::from_bytes(setting.bytes()));
        // Behind `daemon chroot` the file is opened a second time, elsewhere.
        if !path.is_absolute() || has_variable(setting.bytes()) || !chroot.is_empty() {
            continue;
        }
        let name = path.display().to_string();
        if setting.bytes().ends_with(b"/") {
            let case = Case::at(setting.value_span()).variant("folder");
            out.report(case.with("file", name.trim_end_matches('/')));
            continue;
        }
        let Some(file) = out.fact(&name, subject.host.metadata(path, true)) else {
            continue;
        };
        let case = Case::at(setting.value_span()).with("file", &name);
        if file.is_some_and(|file| file.kind == EntryKind::Directory) {
            out.report(case.variant("folder"));
            continue;
        }
        let folder = path.parent().unwrap_or(path);
        let folder_name = folder.display().to_string();
        if let Some(None) = out.fact(&folder_name, subject.host.metadata(folder, true)) {
            out.report(case.variant("missing").with("folder", folder_name));
        }
    }
}

/// RSY611: whoever fails to log in is still in the global log.
fn module_log_without_failures(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject
        .modules()
        .filter(|module| module.has(Parameter::AuthUsers))
    {
        let log = module.text(Parameter::LogFile);
        let global = subject
            .configuration
            .text(Scope::Global, Parameter::LogFile)
            .value;
        if let Origin::Own(setting) = log.origin
            && !log.value.is_empty()
            && log.value != global
        {
            let case = Case::at(setting.value_span())
                .with("module", module.name())
                .with("file", setting.text.display());
            out.report(if global.is_empty() {
                case.variant("syslog")
            } else {
                case.variant("file")
                    .with("global", String::from_utf8_lossy(global))
            });
        }
    }
}

/// RSY615: an escape that rsync does not know stands in the log as it is.
fn unknown_escape_in_log_format(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let is_used = |module: &ModuleSubject<'_>| module.is(Parameter::TransferLogging);
    let mut seen = BTreeSet::new();
    for module in subject.modules().filter(is_used) {
        let Some(setting) = module.text(Parameter::LogFormat).origin.setting() else {
            continue;
        };
        if !seen.insert((setting.source, setting.span().start)) || has_variable(setting.text.bytes()) {
            continue;
        }
        for escape in unknown_escapes(setting.text.bytes()) {
            let word = String::from_utf8_lossy(&setting.text.bytes()[escape.clone()]).into_owned();
            out.report(Case::at(setting.part(escape)).with("escape", word));
        }
    }
}

fn unknown_escapes(format: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(percent) = format[at..].iter().position(|&byte| byte == b'%') {
        let start = at + percent;
        let skip = |from: usize, is: fn(u8) -> bool| {
            let length = format[from..].iter().take_while(|byte| is(**byte)).count();
            from + length
        };
        let mut end = skip(start + 1, |byte| byte == b'\'');
        end += usize::from(format.get(end) == Some(&b'-'));
        end = skip(end, |byte| byte.is_ascii_digit());
        end = skip(end, |byte| byte == b'\'');
        let Some(letter) = format.get(end) else {
            return found;
        };
        at = end + 1;
        if !ESCAPES.contains(letter) {
            // rsync goes on behind the percent sign, so the letter may be the next one.
            at = end.max(start + 1);
            if letter.is_ascii_alphabetic() {
                found.push(start..end + 1);
            }
        }
    }
    found
}

/// The lines of a parameter that count somewhere, once each.
fn in_force<'a>(subject: &ConfigurationSubject<'a>, parameter: Parameter) -> Vec<&'a Setting> {
    let global = subject.configuration.text(Scope::Global, parameter).origin;
    let modules = subject.modules().map(|module| module.text(parameter).origin);
    let mut seen = BTreeSet::new();
    std::iter::once(global)
        .chain(modules)
        .filter_map(Origin::setting)
        .filter(|setting| !setting.text.is_empty() && seen.insert((setting.source, setting.span().start)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed with rsync 3.5.0: what it does not know stays in the log.
    #[test]
    fn escapes_may_have_a_width() {
        let words = |format: &'static str| {
            let found = unknown_escapes(format.as_bytes());
            found.into_iter().map(|part| &format[part]).collect::<Vec<_>>()
        };
        assert_eq!(words("%o %h [%a] %m (%u) %f %l"), Vec::<&str>::new());
        assert_eq!(words("%-10l %'b %08l %5''b 100%% %"), Vec::<&str>::new());
        assert_eq!(words("%o %Q %08z %f"), ["%Q", "%08z"]);
    }
}
