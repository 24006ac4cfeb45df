use crate::model::parameter::{Kind, fold};

/// A value as rsync understands it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// Yes or no.
    Boolean(bool),
    /// `unset` of a three-way boolean.
    Unset,
    /// What `atoi` gave.
    Integer(i32),
    /// The text itself; the setting holds it.
    Text,
}

impl Value {
    /// Reads a value as `do_parameter` in loadparm.c does. `None`: rsync ignores it, and what held before holds on.
    pub(crate) fn read(kind: Kind, text: &[u8]) -> Option<Self> {
        match kind {
            Kind::Boolean => boolean(text).map(Self::Boolean),
            Kind::BooleanOrUnset => boolean(text)
                .map(Self::Boolean)
                .or_else(|| (is(text, "unset") || is(text, "-1")).then_some(Self::Unset)),
            Kind::Integer => Some(Self::Integer(atoi(text))),
            Kind::Enum => facility(text).map(Self::Integer),
            Kind::Path | Kind::String => Some(Self::Text),
        }
    }
}

/// `set_boolean` in loadparm.c.
pub(crate) fn boolean(text: &[u8]) -> Option<bool> {
    if ["yes", "true", "1"].iter().any(|word| is(text, word)) {
        return Some(true);
    }
    ["no", "false", "0"]
        .iter()
        .any(|word| is(text, word))
        .then_some(false)
}

fn is(text: &[u8], word: &str) -> bool {
    fold(text).eq(fold(word.as_bytes()))
}

/// C's `atoi`: white space, a sign, digits; the rest is ignored, and what does not fit wraps as in glibc, which
/// converts to a long first.
pub(crate) fn atoi(text: &[u8]) -> i32 {
    let start = text
        .iter()
        .position(|&byte| !crate::syntax::rsyncd_conf::is_space(byte))
        .unwrap_or(text.len());
    let (negative, digits) = match &text[start..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut number: i64 = 0;
    for digit in digits.iter().take_while(|byte| byte.is_ascii_digit()) {
        let digit = i64::from(digit - b'0');
        number = number.saturating_mul(10);
        number = if negative {
            number.saturating_sub(digit)
        } else {
            number.saturating_add(digit)
        };
    }
    number as i32
}

/// The facilities of `enum_syslog_facility` in loadparm.c, with their numbers on Linux.
pub(crate) const FACILITIES: [(&str, i32); 21] = [
    ("auth", 4 << 3),
    ("authpriv", 10 << 3),
    ("cron", 9 << 3),
    ("daemon", 3 << 3),
    ("ftp", 11 << 3),
    ("kern", 0),
    ("local0", 16 << 3),
    ("local1", 17 << 3),
    ("local2", 18 << 3),
    ("local3", 19 << 3),
    ("local4", 20 << 3),
    ("local5", 21 << 3),
    ("local6", 22 << 3),
    ("local7", 23 << 3),
    ("lpr", 6 << 3),
    ("mail", 2 << 3),
    ("news", 7 << 3),
    ("security", 4 << 3),
    ("syslog", 5 << 3),
    ("user", 1 << 3),
    ("uucp", 8 << 3),
];

/// A facility's number, or `None` for a text that rsync ignores (P_ENUM in loadparm.c).
fn facility(text: &[u8]) -> Option<i32> {
    FACILITIES
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name.as_bytes()))
        .map(|(_, number)| *number)
        .or_else(|| Some(atoi(text)).filter(|&number| number > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_six_words() {
        for yes in ["yes", "TRUE", " 1", "t r u e"] {
            assert_eq!(boolean(yes.as_bytes()), Some(true), "{yes}");
        }
        for no in ["no", "F A L S E", "0"] {
            assert_eq!(boolean(no.as_bytes()), Some(false), "{no}");
        }
        for other in ["on", "off", "y", "", "no # really", "unset"] {
            assert_eq!(boolean(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Value::read(Kind::BooleanOrUnset, b"unset"), Some(Value::Unset));
    }

    #[test]
    fn integers_are_what_atoi_makes_of_them() {
        for (text, number) in [("ten", 0), ("10 minutes", 10), ("-1", -1), (" +7", 7), ("", 0)] {
            assert_eq!(atoi(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn unknown_facilities_are_ignored() {
        assert_eq!(facility(b"Local5"), Some(21 << 3));
        assert_eq!(facility(b"24"), Some(24));
        assert_eq!(facility(b"locale5"), None);
    }
}
