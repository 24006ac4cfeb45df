use std::{ops::RangeInclusive, time::Duration};

use crate::{
    rsync::proto::{OLDEST_PROTOCOL, PROTOCOL},
    sync::{
        number::Readable,
        usage::{FIRST_PROTOCOL, UsageError, dashed},
    },
};

/// The newest protocol that is wanted. A daemon is told of a newer one than ours, and speaks its own.
pub(super) fn protocol(value: Option<&str>) -> Result<u8, UsageError> {
    match integer("protocol", value)? {
        // What nobody speaks any more is refused with the role of the session, which is not known yet.
        wanted if wanted < i32::from(FIRST_PROTOCOL) => Ok(0),
        wanted if wanted < i32::from(OLDEST_PROTOCOL) => Err(UsageError::NotYet("a protocol older than 29")),
        newer => Ok(u8::try_from(newer).unwrap_or(PROTOCOL).min(PROTOCOL)),
    }
}

/// A number of 32 bits as C writes it, with a sign or not: a zero in front is for base 8, `0x` for base 16, and an empty
/// value, such as that of a variable that is not set, is 0 (`POPT_ARG_INT` of popt, which takes `strtoll` with base 0;
/// observed with rsync 3.5.0).
pub(super) fn integer(option: &str, value: Option<&str>) -> Result<i32, UsageError> {
    let text = value.unwrap_or_default();
    let option = || format!("{}={text}", dashed(option));
    let number = c_integer(text).ok_or_else(|| UsageError::Number(option()))?;
    number
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| UsageError::Overflow(option()))
}

/// The inner `None` is a number that is too large for all.
fn c_integer(text: &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(Some(0));
    }
    let is_blank = |letter: char| matches!(letter, ' ' | '\t'..='\r');
    let text = text.trim_start_matches(is_blank);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(rest) => (16, rest),
        None if digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    let are_digits = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(base));
    are_digits.then(|| i64::from_str_radix(&format!("{sign}{digits}"), base).ok())
}

/// A number of bytes: digits, perhaps with a fraction, a unit of 1024 (`K`, `KiB`) or of 1000 (`KB`), and `+1` or `-1`;
/// without a unit it is 1024 to that power. No digits at all are zero, which may stand for no limit (`parse_size_arg` in
/// options.c).
pub(super) fn size(
    option: &str,
    value: Option<&str>,
    power: u32,
    range: RangeInclusive<u64>,
    has_unlimited: bool,
) -> Result<u64, UsageError> {
    let text = value.unwrap_or_default();
    let wrong = |problem: String| UsageError::Size {
        option: format!("{}={text}", dashed(option)),
        problem,
    };
    let readable = |size| Readable::BINARY.length(size);
    let too_large = || match *range.end() {
        LARGEST => "too large".to_owned(),
        most => format!("too large (max: {})", readable(most)),
    };
    let size = parse_size(text, power).ok_or_else(|| wrong("invalid".to_owned()))?;
    let size = size.filter(|size| size <= range.end());
    let size = size.ok_or_else(|| wrong(too_large()))?;
    if size < *range.start() && !(has_unlimited && size == 0) {
        let or = if has_unlimited { " or 0 for unlimited" } else { "" };
        let least = readable(*range.start());
        return Err(wrong(format!("too small (min: {least}{or})")));
    }
    Ok(size)
}

/// The largest size.
pub(super) const LARGEST: u64 = i64::MAX as u64;

/// The inner `None` is a number that is negative, or too large for all.
fn parse_size(value: &str, power: u32) -> Option<Option<u64>> {
    let is_of_number = |letter: char| letter.is_ascii_digit() || letter == '.';
    let start = usize::from(value.starts_with('-'));
    let end = value[start..]
        .find(|letter| !is_of_number(letter))
        .map_or(value.len(), |end| start + end);
    let (number, mut rest) = value.split_at(end);
    let number: f64 = match number {
        "" if rest.starts_with('+') => return None,
        "" | "." => 0.0,
        digits => digits.parse().ok()?,
    };
    let mut more = 0_i64;
    for (sign, step) in [("+1", 1), ("-1", -1)] {
        if let Some(before) = rest.strip_suffix(sign) {
            (rest, more) = (before, step);
        }
    }
    let unit = rest.to_ascii_lowercase();
    let power = match unit.chars().next() {
        None => power,
        Some('b') => 0,
        Some('k') => 1,
        Some('m') => 2,
        Some('g') => 3,
        Some('t') => 4,
        Some('p') => 5,
        Some(_) => return None,
    };
    let base: u64 = match unit.get(1..).unwrap_or_default() {
        "" | "ib" => 1024,
        "b" => 1000,
        _ => return None,
    };
    let size = number * base.checked_pow(power)? as f64;
    let is_possible = (0.0..LARGEST as f64).contains(&size);
    Some(
        is_possible
            .then_some(size as u64)
            .and_then(|size| size.checked_add_signed(more)),
    )
}

/// Zero stands for no limit; less than that is over already.
pub(super) fn seconds(option: &str, value: Option<&str>) -> Result<Option<Duration>, UsageError> {
    let seconds = integer(option, value)?;
    Ok((seconds != 0).then(|| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::{LARGEST, c_integer, parse_size, size};

    #[test]
    fn numbers_are_those_of_c() {
        for (text, expected) in [
            ("", Some(Some(0))),
            ("10", Some(Some(10))),
            ("010", Some(Some(8))),
            ("-0x10", Some(Some(-16))),
            (" \t+5", Some(Some(5))),
            ("0", Some(Some(0))),
            ("99999999999999999999", Some(None)),
            ("08", None),
            ("0x", None),
            (" ", None),
            ("5 ", None),
            ("+-5", None),
            ("٥", None),
        ] {
            assert_eq!(c_integer(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in [
            ("100", Some(Some(100))),
            ("1k", Some(Some(1024))),
            ("1KB", Some(Some(1000))),
            ("1.5m", Some(Some(1_572_864))),
            ("2GiB-1", Some(Some(2_147_483_647))),
            ("1x", None),
            ("", Some(Some(0))),
            (".", Some(Some(0))),
            ("k", Some(Some(0))),
            ("+1", None),
            ("-", None),
            ("0-1", Some(None)),
            ("-1", Some(None)),
            ("9000p", Some(None)),
        ] {
            assert_eq!(parse_size(text, 0), expected, "{text}");
        }
    }

    #[test]
    fn sizes_have_limits() {
        let told = |value, range, has_unlimited| match size("x", Some(value), 0, range, has_unlimited) {
            Ok(size) => size.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(told("131072", 0..=131_072, false), "131072");
        assert_eq!(
            told("131073", 0..=131_072, false),
            "-x=131073 is too large (max: 128.00K)"
        );
        assert_eq!(told("-1", 0..=LARGEST, false), "-x=-1 is too large");
        assert_eq!(
            told("511", 512..=LARGEST, true),
            "-x=511 is too small (min: 512 or 0 for unlimited)"
        );
        assert_eq!(told("0", 512..=LARGEST, true), "0");
        assert_eq!(told("no", 512..=LARGEST, true), "-x=no is invalid");
    }
}
