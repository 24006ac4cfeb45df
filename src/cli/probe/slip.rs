//! What a line of a file is meant to be, and is not for the shell, or for cron.

use std::{ops::Range, path::Path};

use crate::{
    cli::probe::{
        fault::Fault,
        meant::{missing_parent, swallowed, unknown_option, unparted},
        text::lines,
        written::Written,
    },
    probe::Effect,
    rsync::transfer::{KeptOut, kept_out},
    syntax::Invocation,
    terms::{Target, without_password},
};

/// Something that is read otherwise than it is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum Slip {
    /// A blank stands behind the backslash at the end of this line, so that the command ends there.
    Blank(usize),
    /// The command goes on behind the backslash of the line before, and this one is empty or a comment.
    Gap(usize),
    /// A table of cron's has a backslash at the end of this line: it knows no lines that go on.
    CronLine(usize),
    /// This redirection is bash's, and ends the command for the shell at hand.
    Redirection(String),
    /// The value of a variable of cron's has `$` or a backquote: no shell reads it.
    CronVariable(&'static str),
    /// It has a note behind it, which belongs to the value.
    CronNote(&'static str),
    /// rsync has no such option, and one with nearly the same name.
    Unknown(String, &'static str),
    /// A blank is missing between options and an address.
    Glued(String, String),
    /// A unit's file of variables is not there.
    NoEnvironment(String),
    /// A unit's command has this for a shell, which systemd does not start.
    NoShell(String),
    /// The folder above the destination is not there, and rsync makes but the last one.
    NoParent(String),
    /// A blank is missing in front of an address, so that the word is a file of this machine.
    Unparted(String, String),
    /// An option has taken an address for its value.
    Swallowed(String, String),
    /// The colons of an address are wide ones.
    WideColon(String),
    /// Something is to be copied, and this address names no module.
    NoModule(String),
    /// The mode of `--chmod` takes the `x` from folders; what is meant.
    ClosedFolders(String, String),
    /// What a shell, cron or systemd makes of what stands around the command.
    Around(Fault),
}

impl Written {
    /// What of the lines, the variables and the words is read otherwise than it is meant.
    pub(super) fn all_slips(&self, is_real: bool) -> Vec<Slip> {
        let of_words = Slip::of_words(&self.words);
        let stays_in = self.slips.iter().find_map(|slip| match slip {
            Slip::Around(Fault::RunsIn(_, place)) => Some(Path::new(place)),
            _ => None,
        });
        let folder = stays_in.or(self.folder.as_deref()).filter(|_| !is_real);
        let missing = folder.and_then(|folder| missing_parent(&self.words, folder));
        let missing = missing.filter(|folder| !self.is_folder_made(folder));
        let of_destination = missing.map(|folder| Slip::NoParent(folder.display().to_string()));
        let of_modes = Slip::of_modes(&self.words).filter(|_| !is_real);
        let own = self.slips.iter().cloned();
        own.chain(of_words)
            .chain(of_destination)
            .chain(of_modes)
            .collect()
    }
}

impl Slip {
    /// What is wrong with the lines of a command, whose words stand there.
    pub(super) fn of_lines(words: &Range<usize>, bytes: &[u8], is_cron: bool) -> Option<Self> {
        let last = words.end.saturating_sub(1);
        let mut all = lines(bytes).enumerate().skip_while(|(_, line)| line.end <= last);
        let (number, line) = all.next()?;
        let text = bytes[line.clone()]
            .strip_suffix(b"\n")
            .unwrap_or_else(|| &bytes[line]);
        let trimmed = text.trim_ascii_end();
        let backslashes = trimmed.iter().rev().take_while(|&&byte| byte == b'\\').count();
        if backslashes % 2 == 0 {
            return None;
        }
        if is_cron {
            return Some(Self::CronLine(number + 1));
        }
        if trimmed.len() < text.len() {
            return Some(Self::Blank(number + 1));
        }
        let (number, next) = all.next()?;
        let next = bytes[next].trim_ascii();
        (next.is_empty() || next.starts_with(b"#")).then_some(Self::Gap(number + 1))
    }

    /// What is wrong with the words behind `rsync`.
    fn of_words(words: &[String]) -> Option<Self> {
        let invocation = Invocation::parse(words);
        let mut unknown = invocation.options.iter().filter(|option| !option.is_known);
        if let Some(found) = unknown.find_map(|option| unknown_option(&words[option.word])) {
            return Some(found);
        }
        let of_option = invocation.options.iter().find_map(swallowed);
        let of_target = || {
            words
                .iter()
                .filter(|word| !word.starts_with('-'))
                .find_map(|word| unparted(word))
        };
        let is_reached = matches!(invocation.peer(), Some(Target::Daemon(_) | Target::Shell(_)));
        if let Some(found) = of_option.or_else(of_target).filter(|_| !is_reached) {
            return Some(found);
        }
        let is_copied = invocation.targets.len() > 1;
        let mut targets = invocation.targets.iter().zip(&invocation.target_words);
        let (_, &word) =
            targets.find(|(target, _)| matches!(target, Target::Daemon(remote) if remote.path.is_empty()))?;
        is_copied.then(|| Self::NoModule(without_password(&words[word])))
    }

    /// What `--chmod` does to folders that the receiver has to enter.
    fn of_modes(words: &[String]) -> Option<Self> {
        let (modes, keeps_permissions) = Invocation::parse(words).folder_modes()?;
        match kept_out(&modes, keeps_permissions)? {
            (KeptOut::Owner, meant) => Some(Self::ClosedFolders(modes, meant)),
            (KeptOut::Others, _) => None,
        }
    }

    /// What it does.
    pub(super) const fn effect(&self) -> Effect {
        match self {
            Self::NoParent(_) | Self::ClosedFolders(..) => Effect::Later,
            Self::NoEnvironment(_) => Effect::Never,
            Self::Around(fault) => fault.effect(),
            _ => Effect::Other,
        }
    }

    /// What is wrong with the value that cron sets a variable to.
    pub(super) fn of_value(name: &'static str, value: &[u8]) -> Option<Self> {
        let is_of_shell = |pair: &[u8]| {
            pair[0] == b'$' && (pair[1] == b'(' || pair[1] == b'{' || pair[1].is_ascii_alphabetic())
        };
        if value.contains(&b'`') || value.windows(2).any(is_of_shell) {
            return Some(Self::CronVariable(name));
        }
        let has_note = value.windows(2).any(|pair| pair == b" #" || pair == b"\t#");
        has_note.then_some(Self::CronNote(name))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Slip;
    use crate::cli::probe::{meant::missing_parent, written::command_line};

    #[test]
    fn an_address_without_a_module_is_seen() {
        for (line, expected) in [
            ("-a rsync://h:1/ d", Some("rsync://h:1/")),
            ("-a s h::", Some("h::")),
            ("rsync://h", None),
            ("-a h::m d", None),
            ("-a s d", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let expected = expected.map(|address| Slip::NoModule(address.to_owned()));
            assert_eq!(Slip::of_words(&words), expected, "{line}");
        }
    }

    #[test]
    fn modes_that_close_folders_are_seen() {
        for (line, expected) in [
            ("-rp --chmod=644 s h::m", Some(("644", "D755,F644"))),
            ("-rp --chmod=u=rw,go=r h::m d", Some(("u=rw,go=r", "u=rwX,go=rX"))),
            ("-rp --chmod=D755,F644 s h::m", None),
            ("-r --chmod=644 s h::m", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let closed =
                |(given, meant): (&str, &str)| Slip::ClosedFolders(given.to_owned(), meant.to_owned());
            assert_eq!(Slip::of_modes(&words), expected.map(closed), "{line}");
        }
    }

    #[test]
    fn options_that_are_none_are_seen() {
        for (line, expected) in [
            (
                "-a --delate h::m d",
                Some(Slip::Unknown("--delate".to_owned(), "delete")),
            ),
            (
                "-a --exclud=x h::m d",
                Some(Slip::Unknown("--exclud".to_owned(), "exclude")),
            ),
            ("-a --wholly-other h::m d", None),
            (
                "-aPrsync://h/m d",
                Some(Slip::Glued("-aP".to_owned(), "rsync://h/m".to_owned())),
            ),
            ("-a --delete rsync://h/m d", None),
            (
                "-a --password-file=/x/pw /srv/joe@h::m",
                Some(Slip::Unparted("/srv/joe@h::m".to_owned(), "joe@h::m".to_owned())),
            ),
            (
                "-a --password-file=/x/pwjoe@h::m",
                Some(Slip::Unparted(
                    "/x/pwjoe@h::m".to_owned(),
                    "pwjoe@h::m".to_owned(),
                )),
            ),
            (
                "-a s --password-file rsync://h/m",
                Some(Slip::Swallowed(
                    "password-file".to_owned(),
                    "rsync://h/m".to_owned(),
                )),
            ),
            (
                "-a --exclude h::m d",
                Some(Slip::Swallowed("exclude".to_owned(), "h::m".to_owned())),
            ),
            (
                "-a -e joe@h::m d",
                Some(Slip::Swallowed("rsh".to_owned(), "joe@h::m".to_owned())),
            ),
            ("-a --exclude=h::m s d", None),
            ("-a --exclude h::m s h::m", None),
            (
                "-a /srv/datarsync://h/m",
                Some(Slip::Unparted(
                    "/srv/datarsync://h/m".to_owned(),
                    "rsync://h/m".to_owned(),
                )),
            ),
            ("-a ./rsync://h/m d", None),
            ("-a s h：：m", Some(Slip::WideColon("h：：m".to_owned()))),
            ("-a ./a::b c", None),
            ("-a /srv/a::b h::m", None),
            ("-a 备份：夜间 d", None),
            ("-a h::m/a::b d", None),
            ("-a --exclude=/a::b h::m d", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(Slip::of_words(&words), expected, "{line}");
        }
    }

    #[test]
    fn a_destination_without_the_folder_above_it_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        for (line, expected) in [
            ("-a h::m x/y/", Some("x")),
            ("-a h::m x/y/z", Some("x/y")),
            ("-a h::m x", None),
            ("-a h::m ./x/", None),
            ("-a --mkpath h::m x/y/", None),
            ("-a x/y h::m", None),
            ("h::m", None),
        ] {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let expected = expected.map(|parent| folder.path().join(parent));
            assert_eq!(missing_parent(&words, folder.path()), expected, "{line}");
        }
    }

    #[test]
    fn slips_are_seen() {
        for (name, text, line, expected) in [
            ("a.sh", "rsync -a \\ \n h::m d\n", 1, Some(Slip::Blank(1))),
            ("a.sh", "rsync -a \\\t\n h::m d\n", 1, Some(Slip::Blank(1))),
            ("a.sh", "rsync -a h::m \\\n d \\ \n -v\n", 1, Some(Slip::Blank(2))),
            ("a.sh", "rsync -a \\\n\n h::m d\n", 1, Some(Slip::Gap(2))),
            ("a.sh", "rsync -a \\\n  # -v \\\n h::m d\n", 1, Some(Slip::Gap(2))),
            ("a.sh", "rsync -a h::m d \\\n | tee x\n", 1, None),
            ("a.sh", "rsync -a \\\n h::m d\n", 1, None),
            ("a.sh", "rsync -a h::m d\\\\\n\n", 1, None),
            ("a.sh", "rsync -a h::m d\n# \\\n", 1, None),
            (
                "a.cron",
                "0 3 * * * rsync -a h::m d \\\n  -v\n",
                1,
                Some(Slip::CronLine(1)),
            ),
            (
                "a.cron",
                "SHELL=/bin/dash\n0 3 * * * rsync -a h::m d >& /dev/null\n",
                2,
                Some(Slip::Redirection(">& /dev/null".to_owned())),
            ),
            ("a.sh", "#!/bin/dash\nrsync -a h::m d >x 2>&1\n", 2, None),
            ("a.sh", "#!/bin/bash\nrsync -a h::m d >& x\n", 2, None),
            (
                "a.cron",
                "RSYNC_PASSWORD=$(cat f)\n0 3 * * * rsync -a h::m d\n",
                2,
                Some(Slip::CronVariable("RSYNC_PASSWORD")),
            ),
            (
                "a.cron",
                "RSYNC_PASSWORD=pw # note\n0 3 * * * rsync -a h::m d\n",
                2,
                Some(Slip::CronNote("RSYNC_PASSWORD")),
            ),
            (
                "a.cron",
                "RSYNC_PASSWORD=p$w#1\n0 3 * * * RSYNC_PASSWORD=x rsync -a h::m d\n",
                2,
                None,
            ),
        ] {
            let written = command_line(Path::new(name), text.into(), line).expect(text);
            assert_eq!(written.slips.first(), expected.as_ref(), "{text:?}");
        }
    }
}
