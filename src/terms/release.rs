use std::{fmt, num::ParseIntError, str::FromStr};

use serde::{Deserialize, Serialize};

/// A release of rsync, as `rsync --version` prints it: `3.2.7`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Release {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Release {
    /// The release whose behaviour is assumed when nobody names another one.
    pub const CURRENT: Self = Self::new(3, 5, 0);

    /// A release from its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

/// Why a text is not a release.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{0}` is not an rsync release; write it like 3.2.7")]
pub struct InvalidRelease(String);

impl FromStr for Release {
    type Err = InvalidRelease;

    /// Reads `3.2.7` or `3.2`; a suffix such as `pre1` or `-2+deb12u1` is dropped, as distributions add them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text
            .trim()
            .trim_start_matches('v')
            .split(['-', '+', '~', 'p'])
            .next()
            .unwrap_or_default()
            .split('.')
            .map(str::parse)
            .collect::<Result<Vec<u16>, ParseIntError>>();
        match numbers.as_deref() {
            Ok([major, minor]) => Ok(Self::new(*major, *minor, 0)),
            Ok([major, minor, patch]) => Ok(Self::new(*major, *minor, *patch)),
            _ => Err(InvalidRelease(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Release {
    type Error = InvalidRelease;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Release> for String {
    fn from(release: Release) -> Self {
        release.to_string()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_compared() {
        assert_eq!("3.2.7".parse(), Ok(Release::new(3, 2, 7)));
        assert_eq!("3.5".parse(), Ok(Release::new(3, 5, 0)));
        assert_eq!("3.2.7-1+deb12u2".parse(), Ok(Release::new(3, 2, 7)));
        assert!(Release::new(3, 10, 0) > Release::new(3, 9, 9));
        for wrong in ["", "3", "three", "3.5.0.1", "99999.1.1"] {
            assert!(wrong.parse::<Release>().is_err(), "{wrong}");
        }
    }
}
