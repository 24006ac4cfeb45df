//! What a module hides: `exclude from`, `include from`, `filter`.

mod hiding;
mod rule;

use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::PathBuf};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Scope, Setting, has_variable},
    terms::Span,
};

use hiding::hides_all;
use rule::rules;

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY418", filter_file_missing),
    Check::configuration("RSY419", unparsable_filter),
    Check::configuration("RSY428", pattern_with_path_of_module),
    Check::configuration("RSY523", hides_all),
];

/// RSY418: the daemon hangs up on everybody who asks for the module.
fn filter_file_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        for named in named_files(&module) {
            if has_variable(named.name) || !seen.insert((named.span.source, named.span.start)) {
                continue;
            }
            let case = Case::at(named.span)
                .with("parameter", named.parameter.name())
                .with("module", module.name())
                .with("file", String::from_utf8_lossy(named.name));
            let place = match named.is_below_module() {
                true => below_module(subject, &module, named.name),
                false => subject.place(named.name),
            };
            let Some(place) = place else {
                if chroot.is_empty() && !named.is_below_module() {
                    out.report(case.variant("relative"));
                }
                continue;
            };
            if let Some(None) = out.fact(place.display().to_string(), subject.host.metadata(&place, true)) {
                out.report(case.variant("missing"));
            }
        }
    }
}

/// A file of rules that a line of a module names.
struct NamedFile<'a> {
    parameter: Parameter,
    name: &'a [u8],
    span: Span,
}

/// The files from which a module takes its rules. `dir-merge` names one of each folder, which may be missing.
fn named_files<'a>(module: &ModuleSubject<'a>) -> Vec<NamedFile<'a>> {
    let set = |parameter| {
        let text = module.text(parameter);
        let setting: Option<&Setting> = text.origin.setting();
        Some((setting?, text.value)).filter(|(_, value)| !value.is_empty())
    };
    let mut files = Vec::new();
    for parameter in [Parameter::ExcludeFrom, Parameter::IncludeFrom] {
        if let Some((setting, name)) = set(parameter) {
            let span = setting.value_span();
            files.push(NamedFile {
                parameter,
                name,
                span,
            });
        }
    }
    if let Some((setting, text)) = set(Parameter::Filter) {
        let readable = rules(text).map_while(Result::ok);
        for rule in readable.filter(|rule| rule.kind == b'.') {
            let (name, part) = match rule.pattern.is_empty() {
                true => (CVS_IGNORE, rule.whole),
                false => (&text[rule.pattern.clone()], rule.pattern),
            };
            files.push(NamedFile {
                parameter: Parameter::Filter,
                name,
                span: setting.part(part),
            });
        }
    }
    files
}

/// The files that the merge rules of a `filter` name, as far as rsync can read the rules.
pub(crate) fn merged_files(filter: &[u8]) -> impl Iterator<Item = &[u8]> {
    let readable = rules(filter).map_while(Result::ok);
    readable
        .filter(|rule| rule.kind == b'.')
        .map(|rule| match rule.pattern.is_empty() {
            true => CVS_IGNORE,
            false => &filter[rule.pattern],
        })
}

/// The single rules of a `filter`; none in the place of the first that rsync cannot read.
pub(crate) fn rules_of_filter(filter: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    rules(filter).map(|rule| Some(&filter[rule.ok()?.whole]))
}

/// The file of a merge rule with the modifier `C` that names none (`parse_filter_str` in exclude.c).
const CVS_IGNORE: &[u8] = b".cvsignore";

impl NamedFile<'_> {
    /// Whether it is a relative name with a slash in a merge rule, which the daemon looks for below the module's folder.
    fn is_below_module(&self) -> bool {
        self.parameter == Parameter::Filter && self.name.first() != Some(&b'/') && self.name.contains(&b'/')
    }
}

/// Where such a name leads: below the module's folder, or below `/` of the server for a module that is a chroot (observed
/// with rsync 3.5.0). Without `use chroot` the daemon's user decides.
fn below_module(
    subject: &ConfigurationSubject<'_>,
    module: &ModuleSubject<'_>,
    name: &[u8],
) -> Option<PathBuf> {
    let path = module.text(Parameter::Path).value;
    let has_inner_root = path.windows(3).any(|part| part == b"/./");
    match module.boolean(Parameter::UseChroot).value {
        Some(false) => Some(subject.place(path)?.join(OsStr::from_bytes(name))),
        Some(true) if !has_inner_root => subject.place(&[b"/", name].concat()),
        _ => None,
    }
}

/// RSY428: a pattern that begins with a slash begins in the module, whose folder is `/` there.
fn pattern_with_path_of_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let path = module.text(Parameter::Path).value;
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if path.first() != Some(&b'/') || has_variable(path) || path.windows(3).any(|part| part == b"/./") {
            continue;
        }
        for parameter in [Parameter::Exclude, Parameter::Include, Parameter::Filter] {
            let Some(setting) = module.text(parameter).origin.setting() else {
                continue;
            };
            for token in setting.text.tokens(|byte| byte.is_ascii_whitespace()) {
                let inside = token.bytes.strip_prefix(path).filter(|rest| rest.len() > 1);
                let Some(inside) = inside.filter(|rest| rest.starts_with(b"/")) else {
                    continue;
                };
                let span = setting.part(token.part.clone());
                if seen.insert((span.source, span.start)) {
                    out.report(
                        Case::at(span)
                            .variant(if parameter == Parameter::Exclude {
                                "exclude"
                            } else {
                                "other"
                            })
                            .with("parameter", parameter.name())
                            .with("module", module.name())
                            .with("pattern", token.display())
                            .with("inside", String::from_utf8_lossy(inside))
                            .fix(Safety::Unsafe, [Edit::replace(span, inside)]),
                    );
                }
            }
        }
    }
}

/// RSY419: one bad rule closes the module.
fn unparsable_filter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Filter]) {
        let text = setting.text.bytes();
        if has_variable(text) {
            continue;
        }
        if let Some((variant, part)) = rules(text).find_map(Result::err) {
            let rule = String::from_utf8_lossy(&text[part.clone()]).into_owned();
            out.report(Case::at(setting.part(part)).variant(variant).with("rule", rule));
        }
    }
}
