//! The parameters of rsyncd.conf: `rules/parameters.toml`, compiled in.

use serde::Serialize;

use crate::terms::Release;

include!(concat!(env!("OUT_DIR"), "/parameters.rs"));

/// How rsync reads a parameter's value (`parm_type` in loadparm.c).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `yes`, `true`, `1`, `no`, `false`, `0`, whatever the case and the blanks.
    Boolean,
    /// The same, or `unset`, or `-1`.
    BooleanOrUnset,
    /// A syslog facility's name or positive number.
    Enum,
    /// What C's `atoi` makes of it.
    Integer,
    /// Text without slashes at its end.
    Path,
    /// Text.
    String,
}

/// Where a parameter may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Only in front of the modules or in `[global]`.
    Global,
    /// In a module, or globally as the default of the modules.
    Module,
}

/// What is known of a parameter.
#[derive(Debug)]
pub struct Facts {
    parameter: Parameter,
    /// Its name, as the manual spells it.
    pub name: &'static str,
    /// How its value is read.
    pub kind: Kind,
    /// Where it may stand.
    pub scope: Scope,
    /// The value that holds when none is set, as it would be written.
    pub default: Option<&'static str>,
    /// The first release that knows it.
    pub since: Release,
    /// What it affects: English, Chinese.
    pub about: [&'static str; 2],
    /// The trap, if there is one: English, Chinese.
    pub danger: Option<[&'static str; 2]>,
}

impl Parameter {
    /// Every parameter, in the order of the names.
    pub fn all() -> impl Iterator<Item = Self> {
        FACTS.iter().map(|facts| facts.parameter)
    }

    /// The parameter that rsync takes `name` for: case and all white space are ignored (`strwiEQ` in loadparm.c).
    pub fn from_name(name: &[u8]) -> Option<Self> {
        let found = BY_KEY.binary_search_by(|(key, _)| key.bytes().cmp(fold(name)));
        found.ok().map(|index| BY_KEY[index].1)
    }

    /// The parameter that people mean by a name that rsync does not know.
    pub fn meant_by(name: &[u8]) -> Option<Self> {
        let key = fold(name);
        WRONG_NAMES
            .iter()
            .find(|(wrong, _)| fold(wrong.as_bytes()).eq(key.clone()))
            .map(|(_, parameter)| *parameter)
    }

    /// The longest parameter name with which a text begins, as rsync compares names, and its length in the text.
    pub fn at_start(text: &[u8]) -> Option<(Self, usize)> {
        let name = |parameter: Self| parameter.name().bytes().filter(|byte| *byte != b' ');
        Self::all()
            .filter_map(|parameter| Some((parameter, folded_prefix(text.iter(), name(parameter))?)))
            .max_by_key(|(_, length)| *length)
    }

    /// The longest parameter name with which a text ends, as rsync compares names, and its length in the text.
    pub fn at_end(text: &[u8]) -> Option<(Self, usize)> {
        let name = |parameter: Self| parameter.name().bytes().rev().filter(|byte| *byte != b' ');
        Self::all()
            .filter_map(|parameter| Some((parameter, folded_prefix(text.iter().rev(), name(parameter))?)))
            .max_by_key(|(_, length)| *length)
    }

    /// What is known of it.
    pub fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }

    /// Its name, as the manual spells it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }
}

/// How many bytes of a text a name takes, case and white space aside; `None` if the text does not begin with it.
fn folded_prefix<'a>(text: impl Iterator<Item = &'a u8>, name: impl Iterator<Item = u8>) -> Option<usize> {
    let mut text = text.enumerate();
    let mut length = 0;
    for wanted in name {
        let (at, byte) = text.find(|(_, byte)| !crate::syntax::rsyncd_conf::is_space(**byte))?;
        if !byte.eq_ignore_ascii_case(&wanted) {
            return None;
        }
        length = at + 1;
    }
    Some(length)
}

/// What of a name counts when rsync compares it.
pub(crate) fn fold(name: &[u8]) -> impl Iterator<Item = u8> + Clone {
    name.iter()
        .filter(|&&byte| !crate::syntax::rsyncd_conf::is_space(byte))
        .map(u8::to_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_white_space() {
        for name in ["read only", "ReadOnly", "r e a d o n l y", "READ\tONLY"] {
            assert_eq!(
                Parameter::from_name(name.as_bytes()),
                Some(Parameter::ReadOnly),
                "{name}"
            );
        }
        for name in [
            "read_only",
            "hosts-allow",
            "pre xfer exec",
            "bind address",
            "rsync port",
            "",
        ] {
            assert_eq!(Parameter::from_name(name.as_bytes()), None, "{name}");
        }
        assert_eq!(
            Parameter::from_name(b"pre-xfer exec"),
            Some(Parameter::PreXferExec)
        );
    }

    #[test]
    fn the_longest_name_counts() {
        assert_eq!(
            Parameter::at_start(b"Ignore  errors  yes"),
            Some((Parameter::IgnoreErrors, 14))
        );
        assert_eq!(
            Parameter::at_start(b"exclude from"),
            Some((Parameter::ExcludeFrom, 12))
        );
        assert_eq!(Parameter::at_start(b"excludes"), Some((Parameter::Exclude, 7)));
        assert_eq!(
            Parameter::at_end(b"rootuse chroot"),
            Some((Parameter::UseChroot, 10))
        );
        assert_eq!(
            Parameter::at_end(b"/run/rsyncd.locklog file"),
            Some((Parameter::LogFile, 8))
        );
        assert_eq!(Parameter::at_end(b"nothing"), None);
        assert_eq!(Parameter::at_start(b"pat"), None);
    }

    #[test]
    fn every_parameter_is_found_by_its_name() {
        for parameter in Parameter::all() {
            assert_eq!(Parameter::from_name(parameter.name().as_bytes()), Some(parameter));
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enumeration() {
        for (index, parameter) in Parameter::all().enumerate() {
            assert_eq!(parameter as usize, index);
        }
    }
}
