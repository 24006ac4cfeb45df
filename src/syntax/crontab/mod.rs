//! cron's tables: variables, and jobs of a schedule, perhaps a user, and a command.
//!
//! What a line is taken for rests on Debian's cron 3.0pl1 and its log.

mod schedule;

use std::ops::Range;

pub use schedule::{Mistake, Schedule};

use crate::syntax::inetd::words;

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Which bytes of the file, the newline included.
    pub range: Range<usize>,
    /// What cron takes it for.
    pub kind: Kind,
}

/// What cron takes a line for.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Blank,
    /// A line that begins with `#`.
    Comment,
    /// `NAME=value`.
    Assignment {
        /// The name.
        name: Range<usize>,
        /// The value, without the quotes around it. cron puts no variables in.
        value: Range<usize>,
    },
    /// A job.
    Job(Job),
}

/// A command with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// When it runs: five fields, or one nickname.
    pub times: Vec<Range<usize>>,
    /// What they say.
    pub schedule: Result<Schedule, Mistake>,
    /// Who runs it, in the system's tables.
    pub user: Option<Range<usize>>,
    /// What the shell gets: up to the first `%` that has no backslash in front. Empty where nothing is left.
    pub command: Range<usize>,
    /// That `%` and what follows it, which becomes the command's input.
    pub input: Option<Range<usize>>,
}

/// Reads a file; `has_user` says whether each job names a user. Any bytes give lines; one behind the other they are the
/// file.
pub fn parse(file: &[u8], has_user: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut at = 0;
    for line in file.split_inclusive(|&byte| byte == b'\n') {
        let range = at..at + line.len();
        at = range.end;
        let kind = kind(file, trimmed(file, range.clone()), has_user);
        lines.push(Line { range, kind });
    }
    lines
}

/// Without the blanks in front and the newline. A carriage return stays: cron hands it to the shell.
fn trimmed(file: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &file[range.clone()];
    let start = text
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let end = text.len() - usize::from(text.ends_with(b"\n"));
    range.start + start..range.start + end.max(start)
}

fn kind(file: &[u8], line: Range<usize>, has_user: bool) -> Kind {
    let text = &file[line.clone()];
    match text.first() {
        _ if text.trim_ascii().is_empty() => Kind::Blank,
        Some(b'#') => Kind::Comment,
        _ => assignment(file, line.clone()).unwrap_or_else(|| job(file, line, has_user)),
    }
}

fn assignment(file: &[u8], line: Range<usize>) -> Option<Kind> {
    let text = &file[line.clone()];
    let equals = text.iter().position(|&byte| byte == b'=')?;
    let name = part(file, line.start..line.start + equals);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let first = file.get(name.start)?;
    if name.is_empty() || first.is_ascii_digit() || !file[name.clone()].iter().all(is_name) {
        return None;
    }
    Some(Kind::Assignment {
        name,
        value: part(file, line.start + equals + 1..line.end),
    })
}

/// Without blanks around, and without quotes around what is left.
fn part(file: &[u8], range: Range<usize>) -> Range<usize> {
    let text = &file[range.clone()];
    let start = range.start + text.len() - text.trim_ascii_start().len();
    let end = range.start + text.trim_ascii_end().len();
    let end = end.max(start);
    match file[start..end] {
        [first @ (b'"' | b'\''), .., last] if first == last => start + 1..end - 1,
        _ => start..end,
    }
}

fn job(file: &[u8], line: Range<usize>, has_user: bool) -> Kind {
    let words = words(file, line.clone());
    let is_nickname = file[line.start] == b'@';
    let fields = words.len().min(if is_nickname { 1 } else { 5 });
    let times = words[..fields].to_vec();
    let user = words.get(fields).filter(|_| has_user).cloned();
    let behind = fields + usize::from(user.is_some());
    let start = words.get(behind).map_or(line.end, |word| word.start);
    let percent = percent(&file[start..line.end]).map(|at| start + at);
    let texts: Vec<&[u8]> = times.iter().map(|field| &file[field.clone()]).collect();
    Kind::Job(Job {
        schedule: schedule::read(&texts),
        times,
        user,
        command: start..percent.unwrap_or(line.end),
        input: percent.map(|at| at..line.end),
    })
}

/// The first `%` that has no backslash in front.
fn percent(text: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    text.iter().position(|&byte| {
        let is_end = byte == b'%' && !is_escaped;
        is_escaped = byte == b'\\';
        is_end
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn job(line: &str, has_user: bool) -> (Vec<String>, String, String, String) {
        let file = line.as_bytes();
        let text = |range: &Range<usize>| String::from_utf8_lossy(&file[range.clone()]).into_owned();
        match &parse(file, has_user)[0].kind {
            Kind::Job(job) => (
                job.times.iter().map(text).collect(),
                job.user.as_ref().map_or(String::new(), text),
                text(&job.command),
                job.input.as_ref().map_or(String::new(), text),
            ),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn jobs_are_taken_apart() {
        let (times, user, command, input) = job("  0 3 * * * root tar c /x > /b/$(date +%F) # note\n", true);
        assert_eq!(times.len(), 5);
        assert_eq!(
            (&*user, &*command, &*input),
            ("root", "tar c /x > /b/$(date +", "%F) # note")
        );
        let (times, user, command, input) = job("@daily date +\\%F", false);
        assert_eq!(times, ["@daily"]);
        assert_eq!((&*user, &*command, &*input), ("", "date +\\%F", ""));
        assert_eq!(job("* * * * *", true).2, "");
        assert_eq!(job("*/5 * *", false).0.len(), 3);
    }

    #[test]
    fn variables_are_told_from_jobs() {
        let file = b"PATH = \"/usr/bin:/bin\"\n# x\n\n* * * * * A=b rsync\n";
        let kinds = parse(file, false);
        let Kind::Assignment { name, value } = &kinds[0].kind else {
            panic!("{kinds:?}");
        };
        assert_eq!(&file[name.clone()], b"PATH");
        assert_eq!(&file[value.clone()], b"/usr/bin:/bin");
        assert_eq!(kinds[1].kind, Kind::Comment);
        assert_eq!(kinds[2].kind, Kind::Blank);
        assert!(matches!(kinds[3].kind, Kind::Job(_)));
    }

    proptest! {
        #[test]
        fn lines_cover_the_file(file in proptest::collection::vec(
            prop_oneof![any::<u8>(), Just(b' '), Just(b'*'), Just(b'\n'), Just(b'='), Just(b'%'), Just(b'"')],
            0..200,
        ), has_user in any::<bool>()) {
            let printed: Vec<u8> =
                parse(&file, has_user).iter().flat_map(|line| file[line.range.clone()].to_vec()).collect();
            prop_assert_eq!(printed, file);
        }
    }
}
