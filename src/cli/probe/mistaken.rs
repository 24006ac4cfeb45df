//! Lines that are meant to call rsync, and do not.

use std::{ops::Range, path::Path};

use nix::unistd::User;

use crate::{
    catalog::FileKind,
    cli::probe::text::is_rsync,
    lint::{Crontab, recognise},
    syntax::crontab::{Job, Kind},
    terms::Bytes,
};

/// Why a line with `rsync` in it does not call it, and what to write, as the end of a sentence that the line begins.
pub(super) fn mistaken(path: &Path, file: &Bytes, line: &Range<usize>) -> Option<String> {
    if recognise(path, file) == Some(FileKind::Crontab) {
        let table = Crontab::read(path, file);
        let own = table
            .lines
            .into_iter()
            .find(|own| own.range.start == line.start)?;
        let Kind::Job(job) = own.kind else { return None };
        if let Some(why) = of_job(&job, file) {
            return Some(why);
        }
    }
    let text = String::from_utf8_lossy(&file[line.clone()]);
    if text.trim_start().starts_with('#') {
        return None;
    }
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let of_wrapper = words.windows(3).find_map(|words| match words {
        [wrapper, number, program] if is_number(number) && is_rsync(program.as_bytes()) => {
            let option = match wrapper.rsplit('/').next()? {
                "nice" => "-n ",
                "ionice" => "-c",
                _ => return None,
            };
            Some(format!(
                "starts a program `{number}`: `{wrapper}` takes a number behind an option; write `{wrapper} {option}{number} {program}`"
            ))
        }
        _ => None,
    });
    let is_evaluated = || {
        let mut words = words.iter().skip_while(|word| **word != "eval").skip(1);
        words.any(|word| is_rsync(word.trim_matches(['"', '\'']).as_bytes()))
    };
    let is_for_each = words.windows(2).any(|words| {
        let starts = ["-exec", "-execdir", "-ok", "-okdir"].contains(&words[0]);
        starts && is_rsync(words[1].as_bytes())
    });
    let of_each = is_for_each.then(|| {
        "lets `find` start it for what that finds, which only a run can tell; paste the command with one of the names, as 'rsync ...'"
            .to_owned()
    });
    of_wrapper.or(of_each).or_else(|| {
        is_evaluated().then(|| {
            "hands it to `eval`, which makes a command line of its own of it; paste that, as 'rsync ...'"
                .to_owned()
        })
    })
}

/// Why a job of cron's does not call it.
fn of_job(job: &Job, file: &[u8]) -> Option<String> {
    let text = |range: &Range<usize>| String::from_utf8_lossy(&file[range.clone()]).into_owned();
    if let Some(fields) = job.times.iter().position(|field| is_rsync(&file[field.clone()])) {
        return Some(format!(
            "has {fields} fields of time in front of `rsync`, and cron reads five (minute, hour, day, month, weekday); write the one that is missing, `*` for each"
        ));
    }
    if let Some(user) = job.user.as_ref().filter(|user| is_rsync(&file[(*user).clone()])) {
        return Some(format!(
            "has `{}` where this table names the user that a job runs as; write `root` in front of it, or who it is",
            text(user)
        ));
    }
    let command = text(&job.command);
    let mut words = command.split_ascii_whitespace();
    let first = words.next()?;
    let is_user = User::from_name(first).is_ok_and(|user| user.is_some());
    let is_next = words.next().is_some_and(|word| is_rsync(word.as_bytes()));
    (job.user.is_none() && is_user && is_next).then(|| {
        format!(
            "starts a program `{first}`: a user's own table names no user, as /etc/crontab and /etc/cron.d do; leave `{first}` out"
        )
    })
}
