//! The unit that the daemon runs as: what its lines hide or forbid, as lint finds it, beside what the process really has.

use std::{path::Path, rc::Rc};

use jiff::civil::Date;

use crate::{
    catalog::{Confidence, FileKind, page},
    doctor::{
        Cause, Check, Urgency,
        confinement::{Confined, Difference, Found, Subjects, views::Views},
        services::{input, inputs_of},
        starter::{self, SERVICES, TEMPLATES},
    },
    host::Host,
    lint::{Installed, Options, Report, lint},
    terms::Release,
};

/// What such lines do, by rule.
const HIDING: [&str; 4] = ["RSY702", "RSY704", "RSY705", "RSY732"];
const READ_ONLY: [&str; 2] = ["RSY702", "RSY703"];
const FORBIDDING: [&str; 2] = ["RSY719", "RSY731"];
pub(super) fn look(subjects: &Subjects<'_>, release: Release, today: Date, views: &Views, found: &mut Found) {
    let options = || options(release, today);
    let own = subjects.unit.and_then(|unit| {
        // A container may have a manager of its own.
        let host = if subjects.is_contained {
            subjects.view
        } else {
            subjects.host
        };
        let report = report(host, (subjects.view, subjects.file), unit, options());
        let files = report.as_ref().map_or(0, |report| report.files.len() - 1);
        found.facts.push(Confined::Unit(unit.to_owned(), files));
        report
    });
    let mut told = Vec::new();
    if let Some(report) = own.map(Rc::new) {
        for (cause, hidden) in causes(&report, views) {
            told.extend(hidden);
            found.causes.push(cause);
        }
    }
    if let Some(unit) = likely(subjects, views) {
        let report = report(subjects.host, (subjects.view, subjects.file), &unit, options());
        for (mut cause, hidden) in report
            .map(Rc::new)
            .iter()
            .flat_map(|report| causes(report, views))
        {
            // Its lines alone show that it is its unit.
            if let Some(hidden) = hidden {
                cause.confidence = Confidence::Likely;
                told.push(hidden);
                found.causes.push(cause);
            }
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

/// What a unit's lines do, each with the module that is another one for the daemon for it.
fn causes(report: &Rc<Report>, views: &Views) -> Vec<(Cause, Option<String>)> {
    let causes = (0..report.findings.len()).map(|index| {
        let rule = report.findings[index].page.id;
        let mut cause = Cause::of_finding(report, index);
        cause.seen = [Check::Confinement].into();
        let module = cause.argument("module").cloned();
        let is_about_view = HIDING.contains(&rule) || READ_ONLY.contains(&rule);
        let (true, Some(views), Some(module)) = (is_about_view, views, module) else {
            return (cause, None);
        };
        let fits = views.get(&module).is_some_and(|difference| match difference {
            Difference::ReadOnly => READ_ONLY.contains(&rule),
            _ => HIDING.contains(&rule),
        });
        // A line that came later counts from the next start on.
        cause.urgency = if fits { Urgency::Now } else { Urgency::Later };
        (cause, fits.then_some(module))
    });
    causes.collect()
}

/// The unit that a daemon with mounts of its own is of by all that is seen, though no control group tells it: the one that
/// starts it with this configuration.
fn likely(subjects: &Subjects<'_>, views: &Views) -> Option<String> {
    let differs = views.as_ref().is_some_and(|views| !views.is_empty());
    if subjects.unit.is_some() || subjects.is_contained || !differs {
        return None;
    }
    let starts = |unit: &Installed| {
        let named = unit.configuration(subjects.host);
        named.is_some_and(|named| named == subjects.file)
    };
    let service = starter::service(subjects.host).filter(starts);
    let unit = service.or_else(|| starter::own(subjects.host, subjects.file))?;
    Some(unit.unit.name)
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
