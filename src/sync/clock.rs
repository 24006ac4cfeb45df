//! When a transfer is to stop: `--stop-after` and `--stop-at`.

use std::time::Duration;

use jiff::{
    Timestamp, ToSpan as _, Zoned,
    civil::{Date, Time, time},
};

/// What `--stop-after` says in minutes; what stands behind the digits does not count.
pub(super) fn after(text: &str) -> Option<Duration> {
    let text = text.trim_start();
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    let minutes: u64 = text[..end.unwrap_or(text.len())].parse().ok()?;
    // The time must fit into the system's.
    let seconds = minutes
        .checked_mul(60)
        .filter(|seconds| (1..1 << 40).contains(seconds))?;
    Some(Duration::from_secs(seconds))
}

/// The time that `--stop-at` names: `YEAR-MONTH-DAYThour:minute`, of which parts in front may be left out, the time too, or
/// of a time alone the hour; what is left out is such that the time is the next one (`parse_time` in options.c).
pub(super) fn at(text: &str, now: &Zoned) -> Option<Zoned> {
    let (days, clock) = match text.find(['T', 't']) {
        Some(mark) => (&text[..mark], &text[mark + 1..]),
        None if text.contains(':') => ("", text),
        None => (text, ""),
    };
    if days.is_empty() && clock.is_empty() || clock.starts_with(':') && clock.len() < text.len() {
        return None;
    }
    let days = numbers(days, &['-', '/'])?;
    let is_minute_alone = clock.starts_with(':');
    let clock = numbers(clock.strip_prefix(':').unwrap_or(clock), &[':'])?;
    let today = now.date();
    let this_hour = now.hour();
    let (time, step) = match (clock.as_slice(), days.len()) {
        ([], _) => (time(0, 0, 0, 0), Step::of(days.len())),
        ([minute], 0) if is_minute_alone => (clock_time(i64::from(this_hour), *minute)?, Step::Hour),
        ([hour, minute], given) if !is_minute_alone => (clock_time(*hour, *minute)?, Step::of(given)),
        _ => return None,
    };
    let (year, month, day) = match *days.as_slice() {
        [] => (today.year().into(), today.month().into(), today.day().into()),
        [day] => (today.year().into(), today.month().into(), day),
        [month, day] => (today.year().into(), month, day),
        // The next year that ends so.
        [year, month, day] if year < 100 => {
            let this = i64::from(today.year());
            (year + (this - year + 99) / 100 * 100, month, day)
        }
        [year, month, day] => (year, month, day),
        _ => return None,
    };
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if step == Step::None {
        return Some(day_of(year, month, day, time, now));
    }
    let is_later = |found: &Zoned| found > now;
    (0..100)
        .filter_map(|steps| step.take(steps, (year, month, day), time))
        .filter_map(|moment| moment.to_zoned(now.time_zone().clone()).ok())
        .find(is_later)
}

/// A time of a day; the days of a month that has fewer belong to the next one, and what is too far ahead is the end of time
/// (mktime(3)).
fn day_of(year: i64, month: i64, day: i64, time: Time, now: &Zoned) -> Zoned {
    let zone = now.time_zone();
    let first = i16::try_from(year).ok().zip(i8::try_from(month).ok());
    let first = first.and_then(|(year, month)| Date::new(year, month, 1).ok());
    let found = first.and_then(|first| first.checked_add((day - 1).days()).ok());
    found
        .and_then(|date| date.to_datetime(time).to_zoned(zone.clone()).ok())
        .unwrap_or_else(|| Timestamp::MAX.to_zoned(zone.clone()))
}

/// What is moved on until the time is ahead.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Hour,
    Day,
    Month,
    Year,
    None,
}

impl Step {
    /// Where so many parts of a date are given.
    const fn of(given: usize) -> Self {
        match given {
            0 => Self::Day,
            1 => Self::Month,
            2 => Self::Year,
            _ => Self::None,
        }
    }

    /// So many steps on from a date; none if there is no such day.
    fn take(
        self,
        steps: i64,
        (year, month, day): (i64, i64, i64),
        time: Time,
    ) -> Option<jiff::civil::DateTime> {
        let moment = |date: Date| date.to_datetime(time);
        let (years, months) = match self {
            Self::Month => ((month - 1 + steps) / 12, (month - 1 + steps) % 12 + 1),
            Self::Year => (steps, month),
            _ => (0, month),
        };
        let start = Date::new(
            i16::try_from(year + years).ok()?,
            i8::try_from(months).ok()?,
            i8::try_from(day).ok()?,
        );
        let start = start.ok()?;
        match self {
            Self::Hour => moment(start).checked_add(steps.hours()).ok(),
            Self::Day => Some(moment(start.checked_add(steps.days()).ok()?)),
            _ => Some(moment(start)),
        }
    }
}

fn clock_time(hour: i64, minute: i64) -> Option<Time> {
    Time::new(i8::try_from(hour).ok()?, i8::try_from(minute).ok()?, 0, 0).ok()
}

/// Up to three numbers between such marks.
fn numbers(text: &str, marks: &[char]) -> Option<Vec<i64>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let numbers = text.split(marks).map(|part| {
        let is_number = (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    });
    numbers
        .collect::<Option<Vec<_>>>()
        .filter(|numbers| numbers.len() <= 3)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::{civil::date, tz::TimeZone};

    use super::{after, at};

    #[test]
    fn minutes_are_counted() {
        assert_eq!(after("2"), Some(Duration::from_secs(120)));
        assert_eq!(after("5x"), Some(Duration::from_secs(300)));
        for text in ["", "0", "x", "-1", "99999999999999999999", "9999999999999999"] {
            assert_eq!(after(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_left_out_of_a_time_is_the_next() {
        let now = date(2026, 2, 27).at(13, 45, 10, 0);
        let now = now.to_zoned(TimeZone::UTC).expect("a time");
        for (text, expected) in [
            ("14:00", Some("2026-02-27T14:00")),
            ("T14:00", Some("2026-02-27T14:00")),
            ("13:45", Some("2026-02-28T13:45")),
            (":50", Some("2026-02-27T13:50")),
            (":5", Some("2026-02-27T14:05")),
            ("28", Some("2026-02-28T00:00")),
            ("27T14:00", Some("2026-02-27T14:00")),
            ("27t13:00", Some("2026-03-27T13:00")),
            ("30", Some("2026-03-30T00:00")),
            ("1-1", Some("2027-01-01T00:00")),
            ("2-29", Some("2028-02-29T00:00")),
            ("12/31T23:59", Some("2026-12-31T23:59")),
            ("2025-1-1", Some("2025-01-01T00:00")),
            ("26-12-24T", Some("2026-12-24T00:00")),
            ("25-12-24", Some("2125-12-24T00:00")),
            ("T12", None),
            ("T:30", None),
            ("T", None),
            ("", None),
            ("27T:30", None),
            ("24:00", None),
            ("12:60", None),
            ("13-1", None),
            ("0", None),
            ("x", None),
            ("1-2-3-4", None),
            ("2026-13-01", None),
            ("2027-2-31", Some("2027-03-03T00:00")),
            ("9999-12-31", Some("9999-12-30T22:00")),
            ("99999-1-1", Some("9999-12-30T22:00")),
        ] {
            let found = at(text, &now).map(|found| found.strftime("%Y-%m-%dT%H:%M").to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
