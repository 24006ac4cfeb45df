//! What rsync says at which level: the words of `--info` and `--debug`, and what `--verbose` sets of them.

use std::fmt;

/// The highest level that a word takes.
const MOST: u8 = 4;

/// A word of `--info`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    missing_docs,
    reason = "the table below says what each is for, in rsync's words"
)]
pub enum Info {
    Backup,
    Copy,
    Del,
    Flist,
    Misc,
    Mount,
    Name,
    Nonreg,
    Progress,
    Remove,
    Skip,
    Stats,
    Symsafe,
}

/// A word of `--debug`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(
    missing_docs,
    reason = "the table below says what each is for, in rsync's words"
)]
pub enum Debug {
    Acl,
    Backup,
    Bind,
    Chdir,
    Connect,
    Cmd,
    Del,
    Deltasum,
    Dup,
    Exit,
    Filter,
    Flist,
    Fuzzy,
    Genr,
    Hash,
    Hlink,
    Iconv,
    Io,
    Nstr,
    Own,
    Proto,
    Recv,
    Send,
    Time,
}

/// Which process of a session says something: a set of these.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Speaker(u8);

impl Speaker {
    /// The client, whatever it does.
    pub const CLIENT: Self = Self(1);
    /// The server, whatever it does.
    pub const SERVER: Self = Self(2);
    /// Who sends.
    pub const SENDER: Self = Self(4);
    /// Who receives.
    pub const RECEIVER: Self = Self(8);
    const BOTH_SIDES: Self = Self(3);
    const BOTH_ROLES: Self = Self(12);

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// A word, in the order of rsync's tables.
struct Word {
    name: &'static str,
    who: Speaker,
    help: &'static str,
}

const fn word(name: &'static str, who: Speaker, help: &'static str) -> Word {
    Word { name, who, help }
}

/// `info_words` in options.c.
const INFO: [Word; 13] = [
    word("BACKUP", Speaker::RECEIVER, "Mention files backed up"),
    word(
        "COPY",
        Speaker::RECEIVER,
        "Mention files copied locally on the receiving side",
    ),
    word(
        "DEL",
        Speaker::RECEIVER,
        "Mention deletions on the receiving side",
    ),
    word(
        "FLIST",
        Speaker::CLIENT,
        "Mention file-list receiving/sending (levels 1-2)",
    ),
    word(
        "MISC",
        Speaker::BOTH_ROLES,
        "Mention miscellaneous information (levels 1-2)",
    ),
    word(
        "MOUNT",
        Speaker::BOTH_ROLES,
        "Mention mounts that were found or skipped",
    ),
    word(
        "NAME",
        Speaker::BOTH_ROLES,
        "Mention 1) updated file/dir names, 2) unchanged names",
    ),
    word(
        "NONREG",
        Speaker::RECEIVER,
        "Mention skipped non-regular files (default 1, 0 disables)",
    ),
    word(
        "PROGRESS",
        Speaker::CLIENT,
        "Mention 1) per-file progress or 2) total transfer progress",
    ),
    word(
        "REMOVE",
        Speaker::SENDER,
        "Mention files removed on the sending side",
    ),
    word(
        "SKIP",
        Speaker::RECEIVER,
        "Mention files skipped due to transfer overrides (levels 1-2)",
    ),
    word(
        "STATS",
        Speaker::BOTH_SIDES,
        "Mention statistics at end of run (levels 1-3)",
    ),
    word("SYMSAFE", Speaker::BOTH_ROLES, "Mention symlinks that are unsafe"),
];

/// `debug_words` in options.c.
const DEBUG: [Word; 24] = [
    word("ACL", Speaker::BOTH_ROLES, "Debug extra ACL info"),
    word("BACKUP", Speaker::RECEIVER, "Debug backup actions (levels 1-2)"),
    word("BIND", Speaker::CLIENT, "Debug socket bind actions"),
    word(
        "CHDIR",
        Speaker::BOTH_SIDES,
        "Debug when the current directory changes",
    ),
    word("CONNECT", Speaker::CLIENT, "Debug connection events (levels 1-2)"),
    word(
        "CMD",
        Speaker::CLIENT,
        "Debug commands+options that are issued (levels 1-2)",
    ),
    word("DEL", Speaker::RECEIVER, "Debug delete actions (levels 1-3)"),
    word(
        "DELTASUM",
        Speaker::BOTH_ROLES,
        "Debug delta-transfer checksumming (levels 1-4)",
    ),
    word("DUP", Speaker::RECEIVER, "Debug weeding of duplicate names"),
    word("EXIT", Speaker::BOTH_SIDES, "Debug exit events (levels 1-3)"),
    word("FILTER", Speaker::BOTH_ROLES, "Debug filter actions (levels 1-3)"),
    word(
        "FLIST",
        Speaker::BOTH_ROLES,
        "Debug file-list operations (levels 1-4)",
    ),
    word("FUZZY", Speaker::RECEIVER, "Debug fuzzy scoring (levels 1-2)"),
    word("GENR", Speaker::RECEIVER, "Debug generator functions"),
    word("HASH", Speaker::BOTH_ROLES, "Debug hashtable code"),
    word(
        "HLINK",
        Speaker::BOTH_ROLES,
        "Debug hard-link actions (levels 1-3)",
    ),
    word(
        "ICONV",
        Speaker::BOTH_SIDES,
        "Debug iconv character conversions (levels 1-2)",
    ),
    word("IO", Speaker::BOTH_SIDES, "Debug I/O routines (levels 1-4)"),
    word("NSTR", Speaker::BOTH_SIDES, "Debug negotiation strings"),
    word(
        "OWN",
        Speaker::RECEIVER,
        "Debug ownership changes in users & groups (levels 1-2)",
    ),
    word("PROTO", Speaker::BOTH_SIDES, "Debug protocol information"),
    word("RECV", Speaker::RECEIVER, "Debug receiver functions"),
    word("SEND", Speaker::SENDER, "Debug sender functions"),
    word(
        "TIME",
        Speaker::RECEIVER,
        "Debug setting of modified times (levels 1-2)",
    ),
];

/// What `-v`, given that often, adds to `--info` (`info_verbosity` in options.c).
const INFO_OF_VERBOSITY: [&str; 6] = [
    "NONREG",
    "COPY,DEL,FLIST,MISC,NAME,STATS,SYMSAFE",
    "BACKUP,MISC2,MOUNT,NAME2,REMOVE,SKIP",
    "",
    "",
    "",
];

/// The same for `--debug`.
const DEBUG_OF_VERBOSITY: [&str; 6] = [
    "",
    "",
    "BIND,CMD,CONNECT,DEL,DELTASUM,DUP,FILTER,FLIST,ICONV",
    "ACL,BACKUP,CONNECT2,DELTASUM2,DEL2,EXIT,FILTER2,FLIST2,FUZZY,GENR,OWN,RECV,SEND,TIME",
    "CMD2,DELTASUM3,DEL3,EXIT2,FLIST3,ICONV2,OWN2,PROTO,TIME2",
    "CHDIR,DELTASUM4,FLIST4,FUZZY2,HASH,HLINK",
];

/// Who set a level: the user's words win over what other options imply.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Priority {
    #[default]
    Implied,
    Help,
    User,
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    level: u8,
    set_by: Priority,
}

/// What is said: a level for each word.
#[derive(Clone, Debug, Default)]
pub struct OutputLevels {
    info: [Level; INFO.len()],
    debug: [Level; DEBUG.len()],
}

/// A word list that is not carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OutputWords {
    /// `help` is among them: what there is to know.
    Help(String),
    /// There is no such word.
    Unknown(String),
}

impl OutputLevels {
    /// The level of a word of `--info`.
    pub const fn info(&self, word: Info) -> u8 {
        self.info[word as usize].level
    }

    /// The level of a word of `--debug`.
    pub const fn debug(&self, word: Debug) -> u8 {
        self.debug[word as usize].level
    }

    /// `--info=WORDS`.
    ///
    /// # Errors
    ///
    /// A word that does not exist, and `help`.
    pub fn set_info(&mut self, words: &str) -> Result<(), OutputWords> {
        set(&INFO, &mut self.info, words, Priority::User, "--info")
    }

    /// `--debug=WORDS`.
    ///
    /// # Errors
    ///
    /// A word that does not exist, and `help`.
    pub fn set_debug(&mut self, words: &str) -> Result<(), OutputWords> {
        set(&DEBUG, &mut self.debug, words, Priority::User, "--debug")
    }

    /// What another option implies for `--info`, unless the user said otherwise.
    pub fn imply_info(&mut self, words: &str) {
        imply(&INFO, &mut self.info, words, Priority::Implied);
    }

    /// What `--verbose` implies, given that often.
    pub fn imply_verbosity(&mut self, count: u8) {
        let last = usize::from(count).min(INFO_OF_VERBOSITY.len() - 1);
        for words in &INFO_OF_VERBOSITY[..=last] {
            imply(&INFO, &mut self.info, words, Priority::Implied);
        }
        for words in &DEBUG_OF_VERBOSITY[..=last] {
            imply(&DEBUG, &mut self.debug, words, Priority::Implied);
        }
    }

    /// The option that tells a server what the user wants it to say: only what was set by name, and no word of `--debug`
    /// (`server_options` in options.c).
    pub fn of_server(&self, server: Speaker) -> Option<String> {
        option(&INFO, &self.info, server).map(|words| format!("--info={words}"))
    }

    /// The words of `--debug` that the user set, and that these processes say something for; with their levels.
    pub fn asked_debug(&self, who: Speaker) -> impl Iterator<Item = (&'static str, u8)> {
        let asked = DEBUG.iter().zip(&self.debug).filter(move |(word, level)| {
            level.set_by == Priority::User && level.level > 0 && word.who.has(who)
        });
        asked.map(|(word, level)| (word.name, level.level))
    }
}

/// Sets the levels that a list of words names; the words before a bad one are set (`parse_output_words` in options.c).
fn set(
    table: &[Word],
    levels: &mut [Level],
    words: &str,
    set_by: Priority,
    option: &str,
) -> Result<(), OutputWords> {
    for text in words.split(',').filter(|text| !text.is_empty()) {
        // A word of digits alone is a name like any other.
        let name = match text.starts_with(|letter: char| letter.is_ascii_digit()) {
            true => text,
            false => text.trim_end_matches(|letter: char| letter.is_ascii_digit()),
        };
        let digits = &text[name.len()..];
        let level = match digits {
            "" => 1,
            digits => digits.parse().map_or(MOST, |level: u8| level.min(MOST)),
        };
        let mut put = |place: usize, level: u8| {
            if set_by >= levels[place].set_by {
                levels[place] = Level { level, set_by };
            }
        };
        match &*name.to_ascii_lowercase() {
            "help" => return Err(OutputWords::Help(help(table, option))),
            "none" => (0..table.len()).for_each(|place| put(place, 0)),
            "all" => (0..table.len()).for_each(|place| put(place, level)),
            _ => {
                let place = table.iter().position(|word| word.name.eq_ignore_ascii_case(name));
                let unknown = || OutputWords::Unknown(format!("Unknown {option} item: \"{name}\""));
                put(place.ok_or_else(unknown)?, level);
            }
        }
    }
    Ok(())
}

fn imply(table: &[Word], levels: &mut [Level], words: &str, set_by: Priority) {
    set(table, levels, words, set_by, "").expect("rsync's own words exist");
}

/// The shortest list that sets what was not implied.
fn option(table: &[Word], levels: &[Level], who: Speaker) -> Option<String> {
    let concerned: Vec<_> = table
        .iter()
        .zip(levels)
        .filter(|(word, _)| word.who.has(who))
        .collect();
    let said: Vec<_> = concerned
        .iter()
        .filter(|(_, level)| level.set_by != Priority::Implied)
        .collect();
    if said.is_empty() {
        return None;
    }
    // The first level that most of them have can be said of all at once.
    let mut counts = [0_usize; MOST as usize + 1];
    let (mut most, mut common) = (0, 0);
    for (_, level) in said.iter().filter(|(_, level)| level.set_by != Priority::Help) {
        let count = &mut counts[usize::from(level.level)];
        *count += 1;
        if *count > most {
            (most, common) = (*count, level.level);
        }
    }
    let at_once = (said.len() == concerned.len() && most >= 5).then_some(common);
    let all = at_once.map(|level| match level {
        0 => "NONE".to_owned(),
        level => leveled("ALL", level),
    });
    let single = said
        .iter()
        .filter(|(_, level)| Some(level.level) != at_once)
        .map(|(word, level)| leveled(word.name, level.level));
    Some(all.into_iter().chain(single).collect::<Vec<_>>().join(","))
}

/// Level 1 goes without saying.
fn leveled(name: &str, level: u8) -> String {
    match level {
        1 => name.to_owned(),
        level => format!("{name}{level}"),
    }
}

/// What `--info=help` and `--debug=help` say.
fn help(table: &[Word], option: &str) -> String {
    let mut text =
        String::from("Use OPT or OPT1 for level 1 output, OPT2 for level 2, etc.; OPT0 silences.\n\n");
    let mut line = |name: &str, what: &dyn fmt::Display| text.push_str(&format!("{name:<10} {what}\n"));
    for word in table {
        line(word.name, &word.help);
    }
    text.push('\n');
    let mut line = |name: &str, what: &dyn fmt::Display| text.push_str(&format!("{name:<10} {what}\n"));
    line("ALL", &format!("Set all {option} options (e.g. all{MOST})"));
    line("NONE", &format!("Silence all {option} options (same as all0)"));
    line("HELP", &"Output this help message");
    text.push_str("\nOptions added at each level of verbosity:\n");
    let of_verbosity = match option {
        "--info" => INFO_OF_VERBOSITY,
        _ => DEBUG_OF_VERBOSITY,
    };
    for (count, words) in of_verbosity.iter().enumerate() {
        let mut levels = vec![Level::default(); table.len()];
        imply(table, &mut levels, words, Priority::Help);
        let everyone = Speaker::BOTH_SIDES.and(Speaker::BOTH_ROLES);
        if let Some(words) = self::option(table, &levels, everyone) {
            text.push_str(&format!("{count}) {words}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Debug, Info, OutputLevels, OutputWords, Speaker};

    #[test]
    fn the_users_words_win_over_what_is_implied() {
        let mut levels = OutputLevels::default();
        levels.set_info("name0,progress2").expect("words");
        levels.imply_verbosity(2);
        levels.imply_info("flist2,progress");
        assert_eq!(levels.info(Info::Name), 0);
        assert_eq!((levels.info(Info::Progress), levels.info(Info::Flist)), (2, 2));
        assert_eq!((levels.info(Info::Skip), levels.debug(Debug::Cmd)), (1, 1));
    }

    #[test]
    fn a_server_is_told_what_was_said_and_concerns_it() {
        let told = |info: &str| {
            let mut levels = OutputLevels::default();
            levels.set_info(info).expect("words");
            levels.set_debug("all").expect("words");
            levels.imply_verbosity(1);
            levels.of_server(Speaker::SERVER.and(Speaker::RECEIVER))
        };
        assert_eq!(told("skip2,progress2").as_deref(), Some("--info=SKIP2"));
        assert_eq!(told("all").as_deref(), Some("--info=ALL"));
        assert_eq!(
            told("none,Del,stats99").as_deref(),
            Some("--info=NONE,DEL,STATS4")
        );
        assert_eq!(told("progress,flist"), None);
    }

    #[test]
    fn unknown_words_are_named() {
        let unknown = |words: &str| OutputLevels::default().set_info(words).expect_err("no words");
        let named = |name: &str| OutputWords::Unknown(format!("Unknown --info item: \"{name}\""));
        assert_eq!(unknown("name,bogus3"), named("bogus"));
        assert_eq!(unknown("12"), named("12"));
        assert!(matches!(unknown("help1"), OutputWords::Help(_)));
    }
}
