//! Timeouts, connections, and a comment that is too long.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Effect, Parameter, Scope, Setting, Value, has_variable},
    terms::{Release, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY601", no_timeout),
    Check::configuration("RSY602", no_connection_limit),
    Check::configuration("RSY609", shared_lock_file),
    Check::configuration("RSY612", comment_too_long),
    Check::configuration("RSY613", short_timeout),
];

/// What fits into one line of a listing (`io_printf` in io.c): 5120 bytes with the closing NUL.
const LONGEST_LINE: usize = 5119;

/// The width to which a listing fills names up (`send_listing` in clientserver.c).
const NAME_WIDTH: usize = 15;

/// Nobody types a password, and few disks answer, faster than that many seconds.
const SHORT: i32 = 10;

/// RSY601: a client that stops answering keeps its process, and its slot, for ever.
fn no_timeout(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    unlimited(subject, out, Parameter::Timeout);
}

/// RSY602: every connection is a process or two.
fn no_connection_limit(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    unlimited(subject, out, Parameter::MaxConnections);
}

/// Reports the modules that have no limit, all at once.
fn unlimited(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>, parameter: Parameter) {
    let is_set = |module: &ModuleSubject<'_>| {
        let setting = module.integer(parameter).origin.setting();
        // A variable may hold any number.
        let value = module.integer(parameter).value;
        // Below zero there is no timeout either; a negative `max connections` has a page of its own.
        let is_limit = value > 0 || (value < 0 && parameter == Parameter::MaxConnections);
        is_limit || setting.is_some_and(|set| set.effect == Effect::Environment)
    };
    let without = subject.modules().filter(|module| !is_set(module));
    let members = without.map(|module| module.member(module.place(module.integer(parameter).origin)));
    if let Some(case) = Case::of_all(members) {
        out.report(case);
    }
}

/// RSY609: modules that share a lock file share its slots, and each counts them up to its own limit.
fn shared_lock_file(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut by_file: BTreeMap<&[u8], (i32, Span, String)> = BTreeMap::new();
    let mut reported = BTreeSet::new();
    for module in subject.modules() {
        let limit = module.integer(Parameter::MaxConnections);
        let Some(setting) = limit.origin.setting().filter(|_| limit.value > 0) else {
            continue;
        };
        let file = module.text(Parameter::LockFile).value;
        if has_variable(file) {
            continue;
        }
        let span = setting.span();
        match by_file.get(file) {
            None => {
                by_file.insert(file, (limit.value, span, module.name()));
            }
            Some((other, place, name))
                if *other != limit.value && reported.insert((span.source, span.start)) =>
            {
                out.report(
                    Case::at(span)
                        .with("module", module.name())
                        .with("limit", limit.value.to_string())
                        .with("other", name)
                        .with("other-limit", other.to_string())
                        .with("file", String::from_utf8_lossy(file))
                        .also(*place, "other"),
                );
            }
            Some(_) => {}
        }
    }
}

/// RSY612: a listing ends at the first line that does not fit, with the modules behind it unlisted.
fn comment_too_long(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let comment = module.text(Parameter::Comment);
        let Some(setting) = comment.origin.setting() else {
            continue;
        };
        let name = subject.configuration.modules[module.index()].name.bytes().len();
        // Name, tab, comment, line feed.
        let line = name.max(NAME_WIDTH) + 1 + comment.value.len() + 1;
        if line > LONGEST_LINE && module.is(Parameter::List) && !has_variable(comment.value) {
            out.report(
                Case::at(setting.name)
                    .with("module", module.name())
                    .with("length", comment.value.len().to_string())
                    .with("most", (LONGEST_LINE - 2 - name.max(NAME_WIDTH)).to_string()),
            );
        }
    }
}

/// RSY613: the same number is how long a client may be silent, and, since 3.5.0, how long it may take to log in.
fn short_timeout(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Timeout]) {
        let Effect::Set(Value::Integer(seconds @ 1..SHORT)) = setting.effect else {
            continue;
        };
        let case = Case::at(setting.value_span()).with("seconds", seconds.to_string());
        out.report(if shortens_login(subject, setting) {
            case.variant("login")
        } else {
            case.variant("transfer")
        });
    }
}

/// Whether a line also sets how long the login may take: a global one does before the module is known, a module's
/// own one while the client answers for its password.
fn shortens_login(subject: &ConfigurationSubject<'_>, setting: &Setting) -> bool {
    let has_deadline = subject.configuration.release >= Release::new(3, 5, 0);
    has_deadline
        && match subject.configuration.blocks[setting.block].scope {
            Scope::Global => true,
            scope => !subject
                .configuration
                .text(scope, Parameter::AuthUsers)
                .value
                .is_empty(),
        }
}
