//! The time zone of this process.

use std::{env, fs, path::Path};

use jiff::tz::TimeZone;

/// Where the zones' files are unless the environment says otherwise.
const ZONES: &str = "/usr/share/zoneinfo";
/// When daylight saving time holds where a zone has a name for it and says no more: the second Sunday of March to the first one
/// of November.
const RULE: &str = ",M3.2.0,M11.1.0";
/// No file of a zone is larger, in bytes.
const MOST: u64 = 1 << 20;

/// The zone that the variable `TZ` names as the system's library reads it (tzset(3)): the path of a file, from the folder of
/// the zones on, or a rule; UTC where it is neither. Without the variable it is the system's own.
pub fn zone() -> TimeZone {
    match env::var("TZ") {
        Ok(named) => of_name(&named),
        Err(_) => TimeZone::system(),
    }
}

fn of_name(named: &str) -> TimeZone {
    let name = named.strip_prefix(':').unwrap_or(named);
    let folder = env::var("TZDIR").unwrap_or_else(|_| ZONES.to_owned());
    let file = Path::new(&folder).join(name);
    let is_zone = |file: &Path| fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= MOST);
    let of_file = || {
        let bytes = is_zone(&file).then(|| fs::read(&file).ok()).flatten()?;
        TimeZone::tzif(name, &bytes).ok()
    };
    let of_rule = || {
        let with_rule = || TimeZone::posix(&format!("{name}{RULE}"));
        TimeZone::posix(name).or_else(|_| with_rule()).ok()
    };
    match name {
        "" => TimeZone::UTC,
        _ => of_file().or_else(of_rule).unwrap_or(TimeZone::UTC),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::of_name;

    #[test]
    fn a_rule_is_what_the_name_says() {
        let winter = date(2024, 1, 15).at(12, 0, 0, 0);
        let summer = date(2024, 7, 15).at(12, 0, 0, 0);
        for (name, in_winter, in_summer) in [
            ("JST-9", 9, 9),
            ("CET-1CEST", 1, 2),
            ("EST5EDT4", -5, -4),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 1, 2),
            ("", 0, 0),
            ("No/Where", 0, 0),
            ("..", 0, 0),
        ] {
            let zone = of_name(name);
            for (time, hours) in [(winter, in_winter), (summer, in_summer)] {
                let found = time.to_zoned(zone.clone()).expect("a time").offset().seconds();
                assert_eq!(found, hours * 3600, "{name} {time}");
            }
        }
    }
}
