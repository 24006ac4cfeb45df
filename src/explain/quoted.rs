//! Lines of a configuration in reasons.

use super::Server;
use crate::model::{Parameter, Setting};

/// Parameters whose values are commands: any word behind the program may be a password.
const HOOKS: [Parameter; 4] = [
    Parameter::EarlyExec,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
    Parameter::NameConverter,
];

impl Server {
    /// Where a line is, and what it says, as far as everybody may see that.
    pub(super) fn quoted(&self, setting: &Setting) -> String {
        let span = setting.span();
        let source = self.sources.get(span.source);
        let text = source.shown(span.start as usize..span.end as usize);
        let text = match HOOKS.contains(&setting.parameter) {
            true => program_of(text.trim()),
            false => text.trim().to_owned(),
        };
        format!("{}: `{text}`", self.sources.place(span))
    }
}

/// A line up to the program that it names.
fn program_of(line: &str) -> String {
    let value = line.find('=').map_or(0, |at| at + 1);
    let program = line[value..].trim_start();
    let rest = program.find(char::is_whitespace).map(|end| &program[end..]);
    match rest {
        Some(rest) => format!("{} …", &line[..line.len() - rest.len()]),
        None => line.to_owned(),
    }
}
