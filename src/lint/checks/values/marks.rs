//! Commas and semicolons that part or end nothing.

use crate::{
    diagnosis::Edit,
    lint::{
        checks::{harm, loosens, notes},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter as P, has_variable},
};

/// Whose value is the name of one file or folder.
const PATHS: [P; 10] = [
    P::Path,
    P::SecretsFile,
    P::ExcludeFrom,
    P::IncludeFrom,
    P::TempDir,
    P::LockFile,
    P::LogFile,
    P::PidFile,
    P::MotdFile,
    P::DaemonChroot,
];

/// The marks that end a line or a list elsewhere.
const MARKS: [&str; 5] = [";", ",", "；", "，", "、"];

/// RSY230: a path ends where the line ends, with whatever mark stands there.
pub(super) fn mark_behind_value(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&PATHS) {
        let value = setting.text.bytes();
        let Some((at, mark)) = mark_at_end(value).or_else(|| wide_mark_inside(value)) else {
            continue;
        };
        // Notes and quotes have pages of their own; so has what is no path of this system.
        let is_other = value.first() != Some(&b'/') || notes::note(setting).is_some() || has_variable(value);
        let place = subject.place(value);
        let exists = place.is_some_and(|place| matches!(subject.host.metadata(&place, true), Ok(Some(_))));
        if is_other || exists {
            continue;
        }
        let (inner, is_inside) = (&value[..at], at + mark.len() < value.len());
        let harms = harm::of_value(subject, setting, at, inner);
        let variant = match (is_inside, harms.is_empty()) {
            (true, false) => "inside",
            (false, false) => "closes",
            (true, true) => continue,
            (false, true) => "other",
        };
        let rest = setting.part(at..value.len());
        let case = Case::at(rest)
            .variant(variant)
            .harms(harms)
            .with("call", harm::call(subject, setting.block))
            .with("parameter", setting.parameter.name())
            .with("mark", mark)
            .with("value", setting.text.display())
            .with("inner", String::from_utf8_lossy(inner))
            .explains_value(setting.value_span(), setting.value_span());
        out.report(match is_inside {
            // What stands behind the mark may be a second path, or a part of the name.
            true => case,
            false => case.fix(loosens::safety(setting.parameter, inner), [Edit::delete(rest)]),
        });
    }
}

fn mark_at_end(value: &[u8]) -> Option<(usize, &'static str)> {
    let mark = MARKS.into_iter().find(|mark| value.ends_with(mark.as_bytes()))?;
    let at = value.len() - mark.len();
    (at > 1).then_some((at, mark))
}

/// A wide mark behind plain letters: a name in Chinese may well hold one.
fn wide_mark_inside(value: &[u8]) -> Option<(usize, &'static str)> {
    let marks = MARKS.into_iter().filter(|mark| !mark.is_ascii());
    let found = marks.filter_map(|mark| {
        let at = value
            .windows(mark.len())
            .position(|part| part == mark.as_bytes())?;
        Some((at, mark))
    });
    let (at, mark) = found.min()?;
    let is_plain = at > 0 && value[..at].is_ascii();
    is_plain.then_some((at, mark))
}
