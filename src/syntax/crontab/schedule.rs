//! The times of a job.

/// When a job runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The shortest time between two runs, in minutes; `None` where they are at least an hour apart, or where only the
    /// start of the machine counts.
    pub every: Option<u32>,
}

/// Why cron does not understand the times.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mistake {
    /// There are fewer than five fields.
    Fields,
    /// The field of that number, counted from 0, is none.
    Field(usize),
    /// A word behind `@` that is no nickname.
    Nickname,
}

const NICKNAMES: [&[u8]; 8] = [
    b"@reboot",
    b"@yearly",
    b"@annually",
    b"@monthly",
    b"@weekly",
    b"@daily",
    b"@midnight",
    b"@hourly",
];
const MONTHS: [&[u8]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];
const DAYS: [&[u8]; 7] = [b"sun", b"mon", b"tue", b"wed", b"thu", b"fri", b"sat"];

/// The least and the greatest number of each field, and the names that stand for numbers from the least on.
const FIELDS: [(u32, u32, &[&[u8]]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &MONTHS),
    (0, 7, &DAYS),
];

/// Reads the fields, or the nickname.
pub(super) fn read(fields: &[&[u8]]) -> Result<Schedule, Mistake> {
    if let Some(nickname) = fields.first().filter(|field| field.starts_with(b"@")) {
        let is_known = NICKNAMES.iter().any(|known| known == nickname);
        return is_known.then(Schedule::default).ok_or(Mistake::Nickname);
    }
    let mut minutes = 0;
    for (index, field) in fields.iter().enumerate() {
        let set = set(field, FIELDS[index]).ok_or(Mistake::Field(index))?;
        if index == 0 {
            minutes = set;
        }
    }
    if fields.len() < FIELDS.len() {
        return Err(Mistake::Fields);
    }
    let runs: Vec<u32> = (0..60).filter(|minute| minutes >> minute & 1 == 1).collect();
    let gaps = runs.windows(2).map(|pair| pair[1] - pair[0]);
    Ok(Schedule { every: gaps.min() })
}

/// The numbers that a field means, one bit each.
fn set(field: &[u8], (least, greatest, names): (u32, u32, &[&[u8]])) -> Option<u64> {
    let number = |text: &[u8]| -> Option<u32> {
        let named = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        if let Some(index) = named {
            return Some(least + index as u32);
        }
        let is_number = !text.is_empty() && text.len() < 10 && text.iter().all(u8::is_ascii_digit);
        let number = is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok())??;
        (least..=greatest).contains(&number).then_some(number)
    };
    let mut set = 0;
    for part in field.split(|&byte| byte == b',') {
        let mut halves = part.splitn(2, |&byte| byte == b'/');
        let range = halves.next()?;
        let step = match halves.next() {
            None => 1,
            Some(step) if step.iter().all(u8::is_ascii_digit) && !step.is_empty() && step.len() < 5 => {
                std::str::from_utf8(step).ok()?.parse::<usize>().ok()?
            }
            Some(_) => return None,
        };
        let (first, last) = match range {
            // What follows the star is not looked at.
            [b'*', ..] => (least, greatest),
            _ => {
                let mut ends = range.splitn(2, |&byte| byte == b'-');
                let first = number(ends.next()?)?;
                match ends.next() {
                    Some(last) => (first, number(last)?),
                    None if part.len() > range.len() => return None,
                    None => (first, first),
                }
            }
        };
        if step == 0 {
            return None;
        }
        // A range that runs backwards is none, and no mistake to cron.
        for one in (first..=last).step_by(step) {
            set |= 1 << one;
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(times: &str) -> Result<Option<u32>, Mistake> {
        let fields: Vec<&[u8]> = times.split(' ').map(str::as_bytes).collect();
        read(&fields).map(|schedule| schedule.every)
    }

    #[test]
    fn times_are_read_as_cron_reads_them() {
        assert_eq!(told("* * * * *"), Ok(Some(1)));
        assert_eq!(told("*/5 8-18 * * mon-FRI"), Ok(Some(5)));
        assert_eq!(told("0,30 * 1,15 jan *"), Ok(Some(30)));
        assert_eq!(told("07 3 * * 7"), Ok(None));
        assert_eq!(told("*/90 * * * *"), Ok(None));
        assert_eq!(told("@reboot"), Ok(None));
        assert_eq!(told("** 5-1 * * *,mon"), Ok(Some(1)));
        assert_eq!(told("@Reboot"), Err(Mistake::Nickname));
        assert_eq!(told("5/10 * * * *"), Err(Mistake::Field(0)));
        assert_eq!(told("1,,2 * * * *"), Err(Mistake::Field(0)));
        assert_eq!(told("60 * * * *"), Err(Mistake::Field(0)));
        assert_eq!(told("0 24 * * *"), Err(Mistake::Field(1)));
        assert_eq!(told("0 0 0 * *"), Err(Mistake::Field(2)));
        assert_eq!(told("0 0 * 13 *"), Err(Mistake::Field(3)));
        assert_eq!(told("* * * * root"), Err(Mistake::Field(4)));
        assert_eq!(told("*/x * * * *"), Err(Mistake::Field(0)));
        assert_eq!(told("*/0 * * * *"), Err(Mistake::Field(0)));
        assert_eq!(told("* * *"), Err(Mistake::Fields));
        assert_eq!(told("@daly"), Err(Mistake::Nickname));
    }
}
