//! The unit that the daemon runs as: what its lines hide or forbid, as lint finds it, beside what the process really has.

use std::{path::Path, rc::Rc};

use jiff::civil::Date;

use crate::{
    catalog::{FileKind, page},
    doctor::{
        Cause, Check, Urgency,
        confinement::{Confined, Difference, Found, Subjects, views::Views},
        services::{input, inputs_of},
        starter::{SERVICES, TEMPLATES},
    },
    host::Host,
    lint::{Options, Report, lint},
    terms::Release,
};

/// What such lines do, by rule.
const HIDING: [&str; 4] = ["RSY702", "RSY704", "RSY705", "RSY732"];
const READ_ONLY: [&str; 2] = ["RSY702", "RSY703"];
const FORBIDDING: [&str; 2] = ["RSY719", "RSY731"];
pub(super) fn look(subjects: &Subjects<'_>, release: Release, today: Date, views: &Views, found: &mut Found) {
    let report = subjects.unit.and_then(|unit| {
        // A container may have a manager of its own.
        let host = if subjects.is_contained {
            subjects.view
        } else {
            subjects.host
        };
        let report = report(
            host,
            (subjects.view, subjects.file),
            unit,
            options(release, today),
        );
        let files = report.as_ref().map_or(0, |report| report.files.len() - 1);
        found.facts.push(Confined::Unit(unit.to_owned(), files));
        report
    });
    let mut told = Vec::new();
    if let Some(report) = report.map(Rc::new) {
        for (index, finding) in report.findings.iter().enumerate() {
            let mut cause = Cause::of_finding(&report, index);
            cause.seen = [Check::Confinement].into();
            let module = cause.argument("module").cloned();
            let is_about_view = HIDING.contains(&finding.page.id) || READ_ONLY.contains(&finding.page.id);
            if let (true, Some(views), Some(module)) = (is_about_view, views, &module) {
                let difference = views.get(module);
                let fits = difference.is_some_and(|difference| match difference {
                    Difference::ReadOnly => READ_ONLY.contains(&finding.page.id),
                    _ => HIDING.contains(&finding.page.id),
                });
                // A line that came later counts from the next start on.
                cause.urgency = if fits { Urgency::Now } else { Urgency::Later };
                if fits {
                    told.push(module.clone());
                }
            }
            found.causes.push(cause);
        }
    }
    for module in subjects.modules {
        let Some(difference) = views.as_ref().and_then(|views| views.get(&module.name)) else {
            continue;
        };
        // Another folder may be meant for it.
        if told.contains(&module.name) || *difference == Difference::Other {
            continue;
        }
        let facts = vec![format!(
            "for process {} {} is {}",
            subjects.process,
            module.path.display(),
            difference.shown()
        )];
        let arguments = vec![
            ("process", subjects.process.to_string()),
            ("restart", subjects.restart.clone()),
        ];
        let cause = subjects.cause("RSY798", module, arguments, facts);
        let cause = cause.of_kind(difference.variant());
        found.causes.push(cause);
    }
}

impl Difference {
    /// In English.
    const fn shown(self) -> &'static str {
        match self {
            Self::Missing => "not there",
            Self::Empty => "empty",
            Self::Other => "another folder than for others",
            Self::ReadOnly => "read-only",
        }
    }
}

/// What lint says of a unit and its drop-ins, beside the daemon's configuration; none if there is no such file.
fn report(host: &dyn Host, (view, file): (&dyn Host, &Path), unit: &str, options: Options) -> Option<Report> {
    let mut inputs = inputs_of(host, unit);
    if inputs.is_empty() {
        return None;
    }
    let bytes = view.read(file).ok()??;
    inputs.push(input(file.to_owned(), bytes, FileKind::RsyncdConf, view));
    Some(lint(inputs, &options))
}

/// The rules about units that concern the modules' folders and the daemon's rights.
fn options(release: Release, today: Date) -> Options {
    let mut options = Options::of_release(release, today);
    let rules = HIDING.iter().chain(&READ_ONLY).chain(&FORBIDDING);
    options.select = rules.filter_map(|rule| page(rule)).collect();
    options
}

/// The same where no process tells which unit it is: those that packages bring along. What they hide is hidden from the
/// next daemon that they start.
pub(super) fn look_alone(host: &dyn Host, file: &Path, release: Release, today: Date, found: &mut Found) {
    // Those that start a daemon with the configuration that it has if nobody names another.
    for unit in SERVICES.into_iter().chain(TEMPLATES) {
        let Some(report) = report(host, (host, file), unit, options(release, today)).map(Rc::new) else {
            continue;
        };
        let files = report.files.len() - 1;
        found.facts.push(Confined::Unit(unit.to_owned(), files));
        for index in 0..report.findings.len() {
            let mut cause = Cause::of_finding(&report, index);
            cause.seen = [Check::Confinement].into();
            found.causes.push(cause);
        }
    }
}
