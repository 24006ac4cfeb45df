//! What cron makes of a table's lines.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        crontabs::{CronJob, CrontabSubject},
        files::file_name,
        report::{Case, Reporter},
    },
    syntax::crontab::{Kind, Mistake},
};

pub(super) const CHECKS: &[Check] = &[
    Check::crontab("RSY756", bad_times),
    Check::crontab("RSY757", user_out_of_place),
    Check::crontab("RSY758", percent_cuts_command),
    Check::crontab("RSY759", table_skipped),
    Check::crontab("RSY760", newline_missing),
    Check::crontab("RSY768", line_ends_of_windows),
    Check::crontab("RSY767", note_behind_command),
];

/// How cron's log calls the fields.
const FIELDS: [&str; 5] = ["minute", "hour", "day-of-month", "month", "day-of-week"];

/// RSY756: one line that cron does not understand costs the whole table.
fn bad_times(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for CronJob { job, .. } in &subject.table.jobs {
        let Err(mistake) = job.schedule else { continue };
        let all = job.times[0].start..job.times[job.times.len() - 1].end;
        let (variant, range, field) = match mistake {
            Mistake::Field(index) => ("field", job.times[index].clone(), FIELDS[index]),
            Mistake::Fields => ("fields", all, ""),
            Mistake::Nickname => ("nickname", all, ""),
        };
        out.report(
            Case::at(subject.span(range.clone()))
                .variant(variant)
                .with("text", subject.text(range))
                .with("field", field),
        );
    }
}

/// RSY757: the word where a system's table has the user, and a user's own has none.
fn user_out_of_place(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for CronJob { job, .. } in subject.table.jobs.iter().filter(|one| one.job.schedule.is_ok()) {
        if let Some(user) = &job.user {
            let name = subject.bytes(user.clone());
            let case = Case::at(subject.span(user.clone())).with("user", subject.text(user.clone()));
            let is_program = name.contains(&b'/') || PROGRAMS.contains(&name);
            if is_program {
                out.report(case.variant("missing"));
            } else if name != b"root"
                && let Ok(name) = std::str::from_utf8(name)
                && let Some(None) = out.fact(format!("user {name}"), subject.host.user(name))
            {
                out.report(case.variant("unknown"));
            }
        } else if !subject.table.has_user {
            let range = job.command.clone();
            let command = subject.bytes(range.clone());
            let length = command
                .iter()
                .take_while(|byte| !byte.is_ascii_whitespace())
                .count();
            if &command[..length] == b"root"
                && command[length..].iter().any(|byte| !byte.is_ascii_whitespace())
            {
                let user = subject.span(range.start..range.start + length);
                out.report(Case::at(user).variant("extra").with("user", "root"));
            }
        }
    }
}

/// Programs that stand first in a command, and that no account is called by.
const PROGRAMS: &[&[u8]] = &[
    b"rsync",
    b"sh",
    b"bash",
    b"flock",
    b"nice",
    b"ionice",
    b"timeout",
    b"sersync2",
    b"cd",
    b"test",
    b"[",
    b"tar",
    b"export",
    b"cp",
    b"find",
];

/// RSY758: cron ends the command at the first `%`.
fn percent_cuts_command(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for CronJob { job, .. } in &subject.table.jobs {
        let Some(input) = &job.input else { continue };
        let command = subject.bytes(job.command.clone());
        if !is_cut(command) {
            continue;
        }
        let rest = subject.bytes(input.clone());
        let edits = rest
            .iter()
            .enumerate()
            .filter(|(at, byte)| **byte == b'%' && (*at == 0 || rest[at - 1] != b'\\'))
            .map(|(at, _)| {
                let place = input.start + at;
                Edit::replace(subject.span(place..place), "\\")
            });
        out.report(
            Case::at(subject.span(input.start..input.start + 1))
                .with("command", subject.text(job.command.clone()))
                .fix(Safety::Safe, edits),
        );
    }
}

/// Whether a command ends in the middle of something.
fn is_cut(command: &[u8]) -> bool {
    let count = |wanted: u8| command.iter().filter(|byte| **byte == wanted).count();
    let is_open = |open: u8, close: u8| count(open) > count(close);
    is_open(b'(', b')')
        || is_open(b'{', b'}')
        || [b'"', b'\'', b'`'].iter().any(|quote| count(*quote) % 2 == 1)
        || command.ends_with(b"+")
}

/// RSY759: a table that cron passes over for its name or mode.
fn table_skipped(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    let Some(first) = subject.table.jobs.first() else {
        return;
    };
    let name = std::path::Path::new(subject.sources.get(subject.source).name());
    let is_in_folder = name.parent().is_some_and(|folder| file_name(folder) == "cron.d");
    let case = Case::at(subject.span(first.job.times[0].clone())).with("name", file_name(name));
    let is_sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if is_in_folder && !file_name(name).bytes().all(is_sound) {
        out.report(case.variant("name"));
    } else if let Some(path) = subject.path.filter(|_| is_in_folder)
        && let Some(Some(metadata)) = out.fact(path.display().to_string(), subject.host.metadata(path, true))
        && metadata.mode & 0o022 != 0
    {
        let mode = format!("{:o}", metadata.mode & 0o7777);
        out.report(
            case.variant("mode")
                .with("mode", &*mode)
                .with("path", path.display().to_string())
                .fact(format!("{} has mode {mode}", path.display())),
        );
    }
}

/// RSY760: without a newline at its end the table is not taken.
fn newline_missing(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    let Some(last) = subject.table.lines.last() else {
        return;
    };
    if last.kind == Kind::Blank || subject.bytes(last.range.clone()).ends_with(b"\n") {
        return;
    }
    let end = last.range.end;
    out.report(
        Case::at(subject.span(last.range.clone()))
            .fix(Safety::Safe, [Edit::replace(subject.span(end..end), "\n")]),
    );
}

/// RSY768: the shell gets the carriage return as a part of the last word.
fn line_ends_of_windows(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    let returns = subject.table.lines.iter().filter_map(|line| {
        let is_spoilt = matches!(line.kind, Kind::Job(_) | Kind::Assignment { .. });
        let text = subject.bytes(line.range.clone());
        let end = line.range.start + text.strip_suffix(b"\r\n").filter(|_| is_spoilt)?.len();
        Some(subject.span(end..end + 1))
    });
    let returns: Vec<_> = returns.collect();
    if let Some(first) = returns.first() {
        let edits = returns.iter().map(|place| Edit::delete(*place));
        out.report(
            Case::at(*first)
                .with("count", returns.len().to_string())
                .fix(Safety::Safe, edits),
        );
    }
}

/// RSY767: there are no notes behind a command: the words become its arguments.
fn note_behind_command(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for CronJob { job, script, .. } in &subject.table.jobs {
        let Some(call) = script.calls.last() else { continue };
        let words = call.arguments();
        let is_foreign = |range: &std::ops::Range<usize>| {
            let text = subject.bytes(range.clone());
            !text.is_ascii() && !text.contains(&b'/') && !text.starts_with(b"-") && !text.starts_with(b"\"")
        };
        let start = words.len()
            - words
                .iter()
                .rev()
                .take_while(|word| is_foreign(&word.range))
                .count();
        let (Some(first), Some(last)) = (words.get(start), words.last()) else {
            continue;
        };
        // A note stands apart from the command.
        let gap = subject.bytes(job.command.start..first.range.start);
        let blanks = gap
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        if blanks > 1 || gap.ends_with(b"\t") {
            let range = first.range.start..last.range.end;
            let variant = if call.program() == "rsync" {
                "rsync"
            } else {
                "other"
            };
            out.report(
                Case::at(subject.span(range.clone()))
                    .variant(variant)
                    .with("note", subject.text(range))
                    .with("program", call.program()),
            );
        }
    }
}
