//! `filter`: regular expressions, matched against strings of their own.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::{
        Filter, Setting,
        expression::{Expression, Fault, Moment},
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY917", filter_blocks_full_push),
    Check::sersync("RSY918", filter_is_a_glob),
    Check::sersync("RSY919", filter_never_matches),
];

/// Names that are folders wherever they are met.
const FOLDERS: [&str; 7] = [
    ".svn",
    ".git",
    ".hg",
    ".bzr",
    "CVS",
    "node_modules",
    "__pycache__",
];

/// RSY917: with a filter `-r` does nothing, nor does crontab without a filter of its own.
fn filter_blocks_full_push(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(filter) = &subject.configuration.filter else {
        return;
    };
    let Some(start) = filter.start.as_ref().filter(|start| start.is_on()) else {
        return;
    };
    if filter.expressions.is_empty() {
        return;
    }
    let case = Case::at(subject.value(start));
    let crontab = subject.configuration.active_crontab();
    let excludes = |filter: &Filter| {
        let is_on = filter.start.as_ref().is_some_and(Setting::is_on);
        is_on && !filter.expressions.is_empty()
    };
    match crontab.and_then(|crontab| Some((crontab.start.as_ref()?, &crontab.filter))) {
        Some((switch, filter)) if !filter.as_ref().is_some_and(excludes) => {
            out.report(case.variant("crontab").also(subject.value(switch), "crontab"));
        }
        _ => out.report(case),
    }
}

/// RSY918: an expression that is none is ignored, so nothing is excluded by it. A plugin's stops sersync.
fn filter_is_a_glob(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for expression in expressions(subject) {
        if let Some(case) = broken(subject, expression) {
            let glob = regex_of_glob(expression.value.bytes());
            out.report(match glob {
                Some(regex) => case
                    .variant("glob")
                    .with("instead", &regex)
                    .fix(Safety::Unsafe, [Edit::replace(subject.value(expression), regex)]),
                None => case,
            });
        }
    }
    let block = subject.configuration.plugin_block();
    let plugin = block.and_then(|block| block.filter.as_ref());
    for expression in plugin
        .filter(|filter| filter.is_meant_on())
        .into_iter()
        .flat_map(Filter::values)
    {
        if let Some(case) = broken(subject, expression) {
            out.report(case.variant("plugin"));
        }
    }
}

fn broken(subject: &SersyncSubject<'_>, expression: &Setting) -> Option<Case> {
    let fault = Expression::parse(expression.value.bytes()).err()?;
    let case = Case::at(subject.value(expression)).with("expression", expression.value.display());
    (fault != Fault::NotFollowed).then_some(case)
}

/// RSY919: an expression that matches nothing that sersync asks about, or not what it was plainly written for.
fn filter_never_matches(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for setting in expressions(subject) {
        let text = setting.value.display();
        let Ok(expression) = Expression::parse(setting.value.bytes()) else {
            continue;
        };
        let case = Case::at(subject.value(setting)).with("expression", &*text);
        let moments = (
            expression.can_match(Moment::Event),
            expression.can_match(Moment::Start),
        );
        let folder = FOLDERS
            .iter()
            .find(|name| is_folder_at_events_only(&expression, name));
        match (moments, folder) {
            ((false, false), _) => out.report(case.variant("never").with("instead", instead(&text))),
            ((false, true), _) => out.report(case.variant("start-only").with("instead", instead(&text))),
            (_, Some(name)) => {
                let case = case.variant("folder").with("folder", *name);
                out.report(case.with("instead", anywhere(name)));
            }
            _ if text.ends_with("/*") && !text.ends_with(".*/*") => {
                out.report(case.variant("slashes").with("instead", instead(&text)));
            }
            _ => {
                if let Some(extension) = bare_extension(&text) {
                    let instead = format!("(.*)\\.{extension}");
                    out.report(case.variant("extension").with("instead", instead));
                }
            }
        }
    }
}

/// Whether a new folder of that name is excluded, and one that is there at start is not.
fn is_folder_at_events_only(expression: &Expression, name: &str) -> bool {
    let is_excluded = |texts: [String; 2]| texts.iter().any(|text| expression.matches(text.as_bytes()));
    is_excluded([name.to_owned(), format!("/a/{name}")])
        && !is_excluded([format!("{name}/"), format!("a/{name}/")])
}

/// `php` of `.php`.
fn bare_extension(expression: &str) -> Option<&str> {
    let extension = expression.strip_prefix('.')?;
    let is_word = (2..=5).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    is_word.then_some(extension)
}

/// An expression for the same folder that matches at any level and at any time; the dots say where to put its name.
fn instead(expression: &str) -> String {
    let name = expression
        .trim_start_matches(['^', '/'])
        .trim_end_matches('$')
        .trim_end_matches("/*")
        .trim_end_matches("/.*")
        .trim_end_matches('/');
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/".contains(&byte);
    match !name.is_empty() && name.bytes().all(is_name) {
        true => anywhere(name),
        false => anywhere("…"),
    }
}

/// The expression for a folder, with all that is in it, at any level.
fn anywhere(name: &str) -> String {
    format!("(^|.*/){}(/.*)?", name.replace('.', "\\."))
}

/// A pattern of names as a regular expression; `None` if it is none.
fn regex_of_glob(glob: &[u8]) -> Option<String> {
    let mut regex = String::new();
    for &byte in glob {
        match byte {
            b'*' => regex += "(.*)",
            b'.' => regex += "\\.",
            b'_' | b'-' | b'/' => regex.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => regex.push(char::from(byte)),
            _ => return None,
        }
    }
    glob.starts_with(b"*").then_some(regex)
}

/// The expressions of the filter, if it is on or was plainly to be on.
fn expressions<'a>(subject: &SersyncSubject<'a>) -> impl Iterator<Item = &'a Setting> {
    let filter = subject.configuration.filter.as_ref();
    filter
        .filter(|filter| filter.is_meant_on())
        .into_iter()
        .flat_map(Filter::values)
}
