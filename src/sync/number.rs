/// How numbers are written: how often `--human-readable` is given, and one more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Readable(pub(super) u8);

impl Default for Readable {
    /// Digits in groups of three.
    fn default() -> Self {
        Self(1)
    }
}

/// From here on a unit does not grow any more.
const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];

impl Readable {
    /// Units of 1024.
    pub(super) const BINARY: Self = Self(3);

    /// A length: digits, digits in groups, units of 1000, or units of 1024 (`do_big_num` in lib/compat.c).
    pub(super) fn length(self, number: u64) -> String {
        let unit = match self.0 {
            0 => return number.to_string(),
            1 => return grouped(number),
            2 => 1000,
            _ => 1024,
        };
        if number < unit {
            return number.to_string();
        }
        let mut size = number as f64 / unit as f64;
        let mut power = 0;
        while size >= unit as f64 && power + 1 < UNITS.len() {
            size /= unit as f64;
            power += 1;
        }
        format!("{size:.2}{}", UNITS[power])
    }

    /// A count: never with a unit.
    pub(super) fn count(self, number: u64) -> String {
        self.without_units().length(number)
    }

    /// A length with a fraction (`do_big_dnum` in lib/compat.c).
    pub(super) fn fraction(self, number: f64, digits: usize) -> String {
        let text = format!("{number:.digits$}");
        if self.0 == 0 || number < 1000.0 {
            return text;
        }
        let whole = number as u64;
        let length = self.length(whole);
        match length.ends_with(UNITS) {
            true => length,
            false => format!("{length}{}", &text[text.find('.').unwrap_or(text.len())..]),
        }
    }

    /// A count with a fraction.
    pub(super) fn count_fraction(self, number: f64, digits: usize) -> String {
        self.without_units().fraction(number, digits)
    }

    fn without_units(self) -> Self {
        Self(self.0.min(1))
    }
}

/// Digits in groups of three.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::Readable;

    #[test]
    fn lengths_have_units_as_wanted() {
        let all = |number| [0, 1, 2, 3].map(|level| Readable(level).length(number)).join(" ");
        assert_eq!(all(999), "999 999 999 999");
        assert_eq!(all(1000), "1000 1,000 1.00K 1000");
        assert_eq!(all(1_234_567), "1234567 1,234,567 1.23M 1.18M");
        assert_eq!(Readable(3).length(u64::MAX >> 1), "8192.00P");
        assert_eq!(Readable(2).count(1_234_567), "1,234,567");
        assert_eq!(Readable(1).fraction(1234.567, 2), "1,234.57");
        assert_eq!(Readable(2).fraction(1234.567, 2), "1.23K");
        assert_eq!(Readable(0).fraction(1234.567, 2), "1234.57");
    }
}
