//! The regular expressions of sersync's `filter`: Boost in Perl syntax, each matched against the whole of a string.
//!
//! What is matched was observed with sersync 2.5.4: an event at `WATCH/a` gives `a`, one at `WATCH/sub/a` gives
//! `/sub/a`; a folder that is there at start gives `sub/` or `sub/a/`.

mod parse;
mod program;

use program::Program;

/// When an expression is asked, which decides how the string looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// Something is made, changed or removed: `a`, `/sub/a`.
    Event,
    /// A folder is found while sersync starts: `sub/`, `sub/a/`.
    Start,
}

/// Why an expression gives no [`Expression`]; the number is the offset in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// `*`, `+` or `?` with nothing before it: sersync prints a message and ignores the expression.
    NothingToRepeat(usize),
    /// A bracket or parenthesis without its partner, or a backslash at the end.
    Unbalanced(usize),
    /// It has something in it that is not followed here; nothing is said about it.
    NotFollowed,
}

/// An expression that is understood.
#[derive(Debug)]
pub struct Expression(Program);

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, or that it is beyond what is followed here.
    pub fn parse(expression: &[u8]) -> Result<Self, Fault> {
        let node = parse::parse(expression)?;
        Program::compile(&node).map(Self).ok_or(Fault::NotFollowed)
    }

    /// Whether it matches the whole of `text`.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.0.matches(text)
    }

    /// Whether there is a path that it matches at that moment.
    pub fn can_match(&self, moment: Moment) -> bool {
        self.0.can_match(moment)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(expression: &str) -> (bool, bool) {
        let expression = Expression::parse(expression.as_bytes()).expect("understood");
        (
            expression.can_match(Moment::Event),
            expression.can_match(Moment::Start),
        )
    }

    #[test]
    fn strings_of_events_and_of_the_start_differ() {
        for (expression, expected) in [
            (r"(.*)\.svn", (true, false)),
            ("^info/*", (true, true)),
            ("^static/.*", (false, true)),
            ("/static", (false, false)),
            ("/static/.*", (true, false)),
            ("logs/", (false, true)),
            (r"(^|.*/)\.git(/.*)?", (true, true)),
            ("a$b", (false, false)),
            ("[^/]{3}", (true, false)),
            ("(?:a|b)+", (true, false)),
            ("a//b", (false, false)),
        ] {
            assert_eq!(moments(expression), expected, "{expression}");
        }
    }

    #[test]
    fn the_whole_string_must_match() {
        for (expression, text, expected) in [
            ("^info/*", "info//", true),
            ("^info/*", "infox", false),
            ("^info/*", "/sub/info", false),
            (".php", "xphp", true),
            (".php", "a.php", false),
            (r"(^|.*/)name(/.*)?", "/sub/name", true),
            (r"(^|.*/)name(/.*)?", "name/", true),
            (r"\d{2,3}[a-c]?", "123b", true),
            (r"\d{2,3}[a-c]?", "1b", false),
            ("a*?b", "aab", true),
            ("a$", "a", true),
        ] {
            let parsed = Expression::parse(expression.as_bytes()).expect("understood");
            assert_eq!(
                parsed.matches(text.as_bytes()),
                expected,
                "{expression} on {text}"
            );
        }
    }

    #[test]
    fn faults_are_told_apart() {
        for (expression, fault) in [
            ("*.php", Fault::NothingToRepeat(0)),
            ("(*|a)", Fault::NothingToRepeat(1)),
            ("a|+", Fault::NothingToRepeat(2)),
            ("(a", Fault::Unbalanced(0)),
            ("a)", Fault::Unbalanced(1)),
            ("[a", Fault::Unbalanced(0)),
            ("a\\", Fault::Unbalanced(1)),
            ("(?!a).*", Fault::NotFollowed),
            (r"(a)\1", Fault::NotFollowed),
            ("a{9999}", Fault::NotFollowed),
            ("(((){999999999}){999999999}){999999999}", Fault::NotFollowed),
        ] {
            let found = Expression::parse(expression.as_bytes()).expect_err("a fault");
            assert_eq!(found, fault, "{expression}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(
            expression in proptest::collection::vec(any::<u8>(), 0..60),
            text in proptest::collection::vec(any::<u8>(), 0..20),
        ) {
            if let Ok(expression) = Expression::parse(&expression) {
                expression.matches(&text);
            }
        }

        #[test]
        fn what_matches_can_match(expression in "[ab/.*+?()|^$]{0,12}", path in "(/[ab.]{1,3}){2,3}|[ab.]{1,3}") {
            if let Ok(expression) = Expression::parse(expression.as_bytes())
                && expression.matches(path.as_bytes())
            {
                prop_assert!(expression.can_match(Moment::Event));
            }
        }
    }
}
