//! Whether a session shows a symptom.

use std::{os::unix::process::ExitStatusExt as _, process::Output};

use rsyncctl::{
    catalog::{Stage, Symptom},
    diagnosis::Finding,
    terms::Release,
};

/// What a finding foretells, each with what may happen in its place.
pub(crate) fn foretold(finding: &Finding, release: Release) -> Vec<Vec<&'static Symptom>> {
    let mut foretold: Vec<Vec<_>> = Vec::new();
    for symptom in finding.predictions(release) {
        match foretold.last_mut().filter(|_| symptom.is_alternative) {
            Some(alternatives) => alternatives.push(symptom),
            None => foretold.push(vec![symptom]),
        }
    }
    foretold
}

/// Whether a session and the log show what a finding foretells; if not, what is missing.
pub(crate) fn shows(symptom: &Symptom, finding: &Finding, output: &Output, log: &str) -> Result<(), String> {
    let seen = describe(output);
    if !is_end(output, symptom.exit) {
        return Err(format!("should end with {}:\n{seen}\nlog:\n{log}", symptom.exit));
    }
    let client = symptom.client.map(|text| finding.filled(text));
    // The same end, without the last words.
    let client = client.filter(|_| !(was_reset(output) && symptom.stage == Stage::Greeting));
    if let Some(client) = client.filter(|client| !contains(&seen, client)) {
        return Err(format!("the client does not see `{client}`:\n{seen}"));
    }
    let line = symptom.log.map(|text| finding.filled(text));
    if let Some(line) = line.filter(|line| !contains(log, line)) {
        return Err(format!("the log has no `{line}`:\n{log}"));
    }
    Ok(())
}

/// Whether a session ended with a code; a signal counts as it does in a shell. A daemon's last words can be overtaken by a reset; then the text counts.
pub(crate) fn is_end(output: &Output, code: u8) -> bool {
    let signal = output.status.signal().map(|signal| 128 + signal);
    let ended = output.status.code().or(signal);
    ended == Some(i32::from(code)) || (code != 0 && was_reset(output) && matches!(ended, Some(10 | 12)))
}

fn was_reset(output: &Output) -> bool {
    let text = String::from_utf8_lossy(&output.stderr);
    text.contains("Connection reset by peer") || text.contains("Broken pipe")
}

/// Whether the pieces of a pattern, between what is left of its `{placeholders}`, occur in order.
pub(crate) fn contains(text: &str, pattern: &str) -> bool {
    let mut rest = text;
    pattern
        .split('{')
        .enumerate()
        .map(|(index, piece)| match piece.split_once('}') {
            Some((_, behind)) if index > 0 => behind,
            _ => piece,
        })
        .all(|piece| match rest.split_once(piece) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
}

/// A session for whoever reads a failure.
pub(crate) fn describe(output: &Output) -> String {
    format!(
        "exit {:?}\n{}{}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
