//! What probes showed, as OpenMetrics text: Prometheus reads it, also from the files of its node exporter.

use std::{collections::HashSet, fmt::Display, io};

use crate::{
    catalog::Severity,
    probe::{Report, Stage},
};

/// A value of one series, and its labels.
type Sample = (Vec<(&'static str, String)>, String);

/// Writes what probes showed, the series of all targets below each name (openmetrics.io, "Text format"). Of targets that
/// are written alike the first one counts: a series has one value.
///
/// # Errors
/// What writing to `out` gives.
pub fn metrics(reports: &[Report], out: &mut dyn io::Write) -> io::Result<()> {
    let mut seen = HashSet::new();
    let reports: Vec<_> = reports
        .iter()
        .filter(|report| seen.insert(&report.subject))
        .collect();
    let each = |value: fn(&Report) -> Vec<Sample>| reports.iter().flat_map(move |report| value(report));
    family(out, "success", "Whether all went well.", each(success))?;
    family(out, "exit_code", "What rsync ends with there.", each(exit_code))?;
    family(out, "duration_seconds", "How long it took.", each(duration))?;
    family(
        out,
        "stage_duration_seconds",
        "How long a stage took.",
        each(stages),
    )?;
    family(
        out,
        "failure",
        "The stage that fails, and the likeliest cause.",
        each(failure),
    )?;
    family(
        out,
        "findings",
        "What else is to be known about the server.",
        each(findings),
    )?;
    writeln!(out, "# EOF")
}

fn family(
    out: &mut dyn io::Write,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = Sample>,
) -> io::Result<()> {
    let name = format!("rsyncctl_probe_{name}");
    writeln!(out, "# TYPE {name} gauge")?;
    if name.ends_with("_seconds") {
        writeln!(out, "# UNIT {name} seconds")?;
    }
    writeln!(out, "# HELP {name} {help}")?;
    for (labels, value) in samples {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{}\"", escaped(value)))
            .collect();
        writeln!(out, "{name}{{{}}} {value}", labels.join(","))?;
    }
    Ok(())
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

fn sample(report: &Report, more: &[(&'static str, &str)], value: impl Display) -> Sample {
    let target = ("target", report.subject.clone());
    let more = more.iter().map(|(key, value)| (*key, (*value).to_owned()));
    (std::iter::once(target).chain(more).collect(), value.to_string())
}

fn success(report: &Report) -> Vec<Sample> {
    vec![sample(report, &[], u8::from(report.failed().is_none()))]
}

fn exit_code(report: &Report) -> Vec<Sample> {
    vec![sample(report, &[], report.exit)]
}

fn duration(report: &Report) -> Vec<Sample> {
    vec![sample(report, &[], report.time.as_secs_f64())]
}

fn stages(report: &Report) -> Vec<Sample> {
    let timed = |stage: &Stage| Some((stage.step.key(), stage.time?.as_secs_f64()));
    let stages = report.stages.iter().filter_map(timed);
    stages
        .map(|(stage, seconds)| sample(report, &[("stage", stage)], seconds))
        .collect()
}

fn failure(report: &Report) -> Vec<Sample> {
    let Some(stage) = report.failed() else {
        return Vec::new();
    };
    let incidents = report.explanation.iter().flat_map(|found| &found.incidents);
    let cause = incidents.flat_map(|incident| &incident.causes).next();
    let cause = cause.map_or("", |cause| cause.page.id);
    vec![sample(
        report,
        &[("stage", stage.step.key()), ("cause", cause)],
        1,
    )]
}

fn findings(report: &Report) -> Vec<Sample> {
    let severities = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Info, "info"),
    ];
    let count = |severity| {
        report
            .remarks
            .iter()
            .filter(|remark| remark.page.severity == severity)
            .count()
    };
    let samples = severities.map(|(severity, name)| sample(report, &[("severity", name)], count(severity)));
    samples.into()
}
