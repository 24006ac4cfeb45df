//! `crontab`: the repeated full push.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::Filter,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY909", delete_with_full_push),
    Check::sersync("RSY920", crontab_filter_is_a_regex),
    Check::sersync("RSY936", schedule_unit),
];

/// RSY909: a full push with `--delete` makes the module an exact mirror.
fn delete_with_full_push(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    let crontab = configuration
        .active_crontab()
        .and_then(|crontab| crontab.start.as_ref());
    let delete = configuration
        .inotify()
        .and_then(|inotify| inotify.delete.as_ref()?.setting.as_ref());
    if let (Some(crontab), Some(delete)) = (crontab, delete.filter(|delete| delete.is_on())) {
        out.report(Case::at(subject.value(crontab)).also(subject.value(delete), "delete"));
    }
}

/// RSY920: these patterns are rsync's own, not regular expressions.
fn crontab_filter_is_a_regex(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let crontab = subject.configuration.active_crontab();
    let filter = crontab.and_then(|crontab| crontab.filter.as_ref());
    for pattern in filter
        .filter(|filter| filter.is_meant_on())
        .into_iter()
        .flat_map(Filter::values)
    {
        let text = pattern.value.display();
        let is_regex = text.contains("(.*)")
            || text.contains("(^|")
            || text.contains("(/.*)")
            || text.contains("\\.")
            || text.starts_with('^')
            || (text.ends_with('$') && text.len() > 1);
        if is_regex {
            out.report(Case::at(subject.value(pattern)).with("pattern", &*text));
        }
    }
}

/// RSY936: minutes; what is none or less becomes 600.
fn schedule_unit(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let crontab = subject.configuration.active_crontab();
    let Some(schedule) = crontab.and_then(|crontab| crontab.schedule.as_ref()) else {
        return;
    };
    let minutes = std::str::from_utf8(schedule.value.bytes())
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok());
    let case = Case::at(subject.value(schedule)).with("value", schedule.value.display());
    match minutes {
        // Whole hours in seconds; as minutes they are days.
        Some(minutes) if minutes > 0 && minutes % 3600 == 0 => {
            let hours = (minutes / 60).to_string();
            let meant = (minutes / 60).to_string();
            out.report(case.with("hours", hours).with("instead", meant));
        }
        Some(1..) => {}
        Some(_) => out.report(case.variant("zero")),
        None => out.report(case.variant("number")),
    }
}
