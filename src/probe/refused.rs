//! Options of a probe's own that a daemon refuses, and that a client may leave out.

/// What a daemon says of an option in its `refuse options` (`option_error` in options.c).
pub(super) const REFUSAL: &str = "The server is configured to refuse -";

/// The letters that were refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Refused(Vec<char>);

impl Refused {
    /// Takes a refusal of one of these letters down; its option, if it is a new one.
    pub(super) fn take(
        &mut self,
        letters: &str,
        mut lines: impl Iterator<Item = String>,
    ) -> Option<&'static str> {
        let letter = lines.find_map(|line| letter_of(&line))?;
        let is_own = self.left(letters).contains(letter);
        let is_new = is_own && !self.has(letter);
        is_new.then(|| self.0.push(letter))?;
        Some(option(letter))
    }

    pub(super) fn has(&self, letter: char) -> bool {
        self.0.contains(&letter)
    }

    /// These letters without what was refused; folders are listed where no trees are.
    fn left(&self, letters: &str) -> String {
        let is_listed = letters.contains('r') && self.has('r');
        let letters = letters.chars().chain(is_listed.then_some('d'));
        letters.filter(|letter| !self.has(*letter)).collect()
    }

    /// These letters as a word of rsync's, without what was refused: where none is left it is an option that is
    /// not sent.
    pub(super) fn word(&self, letters: &str) -> String {
        let left = self.left(letters);
        match left.is_empty() {
            true => "--no-motd".to_owned(),
            false => format!("-{left}"),
        }
    }
}

/// The letter of a refused option: `--times (-t)`, `--(null) (-D)`.
fn letter_of(line: &str) -> Option<char> {
    let (_, option) = line.split_once(REFUSAL)?;
    let letter = option.trim_end().strip_suffix(')')?.rsplit_once("(-")?.1;
    let mut letters = letter.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// The name of an option, without its hyphens.
fn option(letter: char) -> &'static str {
    match letter {
        'D' => "devices",
        'd' => "dirs",
        'g' => "group",
        'l' => "links",
        'n' => "dry-run",
        'o' => "owner",
        'p' => "perms",
        'r' => "recursive",
        't' => "times",
        _ => "compress",
    }
}

#[cfg(test)]
mod tests {
    use super::Refused;

    #[test]
    fn what_is_refused_is_left_out() {
        let mut refused = Refused::default();
        let mut take = |letters: &str, line: &str| refused.take(letters, [line.to_owned()].into_iter());
        let said = |option: &str| format!("rsync: The server is configured to refuse {option}");
        assert_eq!(take("rtn", &said("--times (-t)")), Some("times"));
        // It was left out already.
        assert_eq!(take("rtn", &said("--times (-t)")), None);
        assert_eq!(take("rtn", &said("--checksum (-c)")), None);
        assert_eq!(take("rtD", &said("--(null) (-D)")), Some("devices"));
        assert_eq!(take("rtn", &said("--delete")), None);
        assert_eq!(take("rtn", "rsync: read error (-r)"), None);
        assert_eq!(take("rtn", &said("--recursive (-r)")), Some("recursive"));
        assert_eq!(refused.word("rtzDn"), "-znd");
        assert_eq!(refused.take("r", [said("--dirs (-d)")].into_iter()), Some("dirs"));
        assert_eq!(refused.word("rt"), "--no-motd");
        let mut none = Refused::default();
        assert_eq!(none.take("", [said("--times (-t)")].into_iter()), None);
    }
}
