//! What the daemon quotes of its configuration, where it reads it and goes on.

/// What the daemon quotes of its configuration when it reads it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Quoted {
    /// The name of a parameter.
    Name(String),
    /// The name of one that stands in a module, and is of the whole daemon.
    Misplaced(String),
    /// What a line gives to a parameter.
    Value(String),
    /// A line.
    Line(String),
}

/// What it says (`lp_do_parameter` and `set_boolean` in loadparm.c, `Parameter` in params.c).
const UNKNOWN_NAMES: [&str; 2] = ["Unknown Parameter encountered: ", "IGNORING unknown parameter "];
const NO_BOOLEAN: &str = "Badly formed boolean in configuration file: ";
const NO_LINE: &str = " Ignoring badly formed line in config file: ";
const MISPLACED: [&str; 2] = ["Global parameter ", " found in module section!"];

impl Quoted {
    /// What a line quotes; none if it is another one.
    pub(super) fn of(said: &str) -> Option<Self> {
        if let Some(rest) = UNKNOWN_NAMES.iter().find_map(|start| said.strip_prefix(start)) {
            return Some(Self::Name(quoted(rest)?.to_owned()));
        }
        if let Some(rest) = said.strip_prefix(NO_BOOLEAN) {
            return Some(Self::Value(quoted(rest)?.to_owned()));
        }
        if let Some((_, line)) = said.split_once(NO_LINE) {
            return Some(Self::Line(line.trim().to_owned()));
        }
        let [start, end] = MISPLACED;
        let name = said.strip_prefix(start)?.strip_suffix(end)?;
        Some(Self::Misplaced(name.to_owned()))
    }

    /// Whether a line has it; whether it is one of a module's.
    pub(super) fn is_in(&self, line: &str, is_of_module: bool) -> bool {
        let (name, value) = line.split_once('=').unwrap_or((line, ""));
        // The daemon reads names without regard to blanks and case (`strwicmp` in loadparm.c).
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(|letter| !letter.is_whitespace());
            letters.flat_map(char::to_lowercase).collect()
        };
        match self {
            Self::Name(own) => plain(own) == plain(name),
            Self::Misplaced(own) => is_of_module && plain(own) == plain(name),
            Self::Value(own) => own.trim() == value.trim(),
            Self::Line(own) => own == line,
        }
    }
}

/// What stands in quotes in a text.
pub(super) fn quoted(text: &str) -> Option<&str> {
    text.split_once('"')?.1.rsplit_once('"').map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn lines_quote_the_configuration_as_it_was() {
        let said = [
            "Unknown Parameter encountered: \"read_only\"",
            "Badly formed boolean in configuration file: \"no  # for \"x\"\".",
            "params.c:Parameter() - Ignoring badly formed line in config file: path /srv",
            "Global parameter pid file found in module section!",
        ];
        let quoted = said.map(|said| Quoted::of(said).expect("it quotes something"));
        let lines = [
            "Read_Only = no",
            "read only = no  # for \"x\"",
            "path /srv",
            "pid file = /run/x",
        ];
        for (quoted, line) in quoted.iter().zip(lines) {
            assert!(quoted.is_in(line, true), "{line}");
            assert!(!quoted.is_in("read only = no", true), "{line}");
        }
        assert!(!quoted[3].is_in("pid file = /run/x", false));
        assert_eq!(
            Quoted::of("params.c:Section() - Badly formed line in config file: [x"),
            None
        );
    }
}
