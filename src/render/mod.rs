//! Reports as text: one file a format. Decides nothing.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod case;
mod checkstyle;
mod concise;
mod doctor;
mod each;
mod explanation;
mod facts;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod metrics;
mod names;
mod next;
mod paragraphs;
mod probe;
mod reasons;
mod sarif;
mod style;
mod trial;
mod visible;
mod window;
mod words;
mod wrap;
mod xml;

pub(crate) use concise::unchecked;
pub use doctor::{About, Cure, Reachable, cure, examination, examined, manifest, page};
pub(crate) use explanation::diagnoses;
pub use explanation::explanation;
pub(crate) use json::envelope;
pub use metrics::metrics;
pub use probe::{probe, step_name};
pub use style::Style;
pub use trial::{stayed, trial};
pub(crate) use visible::visible;
pub(crate) use words::{confidence, kind, pick, scope, severity, side, stage, unknown};

use std::io;

use crate::lint::Report;

/// How a report is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One line a finding.
    Concise,
    /// Source lines, labels and help, for people.
    Human,
    /// The envelope `rsyncctl/1`.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub's workflows.
    Github,
    /// A code quality report of GitLab.
    Gitlab,
    /// JUnit's XML.
    Junit,
    /// Checkstyle's XML.
    Checkstyle,
}

/// Writes a report.
///
/// # Errors
/// What writing to `out` gives.
pub fn report(format: Format, report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Concise => concise::write(report, style, out),
        Format::Human => human::write(report, style, out),
        Format::Json => json::write(report, style, out),
        Format::Sarif => sarif::write(report, style, out),
        Format::Github => github::write(report, style, out),
        Format::Gitlab => gitlab::write(report, style, out),
        Format::Junit => junit::write(report, style, out),
        Format::Checkstyle => checkstyle::write(report, style, out),
    }
}
