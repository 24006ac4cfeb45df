use std::{ops::RangeInclusive, time::Duration};

use crate::{
    rsync::proto::{OLDEST_PROTOCOL, PROTOCOL},
    sync::usage::{UsageError, dashed},
};

/// The newest protocol that is wanted. A daemon is told of a newer one than ours, and speaks its own.
pub(super) fn protocol(value: Option<&str>) -> Result<u8, UsageError> {
    let wanted = number("protocol", value, 0..=255)?;
    match wanted {
        0..20 => Err(UsageError::OldProtocol),
        20..OLDEST_PROTOCOL => Err(UsageError::NotYet("a protocol older than 29")),
        newer => Ok(newer.min(PROTOCOL)),
    }
}

/// A number within a range.
pub(super) fn number<T: TryFrom<u64>>(
    option: &str,
    value: Option<&str>,
    range: RangeInclusive<u64>,
) -> Result<T, UsageError> {
    let fail = |problem: String| UsageError::Value {
        option: dashed(option),
        problem,
    };
    let value = value.ok_or_else(|| fail("a value is missing".to_owned()))?;
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| {
            fail(format!(
                "`{value}` is not a number from {} to {}",
                range.start(),
                range.end()
            ))
        })
}

/// A number of 32 bits, with a sign or not.
pub(super) fn integer(option: &str, value: Option<&str>) -> Result<i32, UsageError> {
    let text = value.unwrap_or_default();
    text.parse().map_err(|_| UsageError::Value {
        option: dashed(option),
        problem: format!("`{text}` is not a number"),
    })
}

/// Zero stands for no limit.
pub(super) fn seconds(option: &str, value: Option<&str>) -> Result<Option<Duration>, UsageError> {
    let seconds = number(option, value, 0..=86_400 * 365)?;
    Ok((seconds > 0).then(|| Duration::from_secs(seconds)))
}
