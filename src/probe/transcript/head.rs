use jiff::Timestamp;

use crate::{
    probe::transcript::event::{quoted, text_of},
    rsync::{delta::Checksum, proto::Compression},
};

/// The first line: what follows is one of ours, and how it is written.
const FIRST: &str = "rsyncctl transcript 1";

/// What a reader should know before passing it on.
const NOTES: [&str; 4] = [
    "# What a probe read (<) and wrote (>): seconds, number of the connection, bytes.",
    "# `rsyncctl probe --replay FILE` goes through it again, without a network.",
    "# It has names of the server's files, and the content of those that were pulled. It has no password:",
    "# answers to challenges, which passwords can be guessed from, are hidden, and early input is.",
];

/// What the whole transcript is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The release of this program that made it.
    pub program: String,
    /// When it began.
    pub began: Timestamp,
    /// What was done.
    pub subject: Subject,
    /// The options that decide how.
    pub options: Vec<String>,
    /// Who asked where the target names nobody.
    pub login: String,
    /// The variable of a proxy or a program, where one of them made the connections.
    pub way: Option<String>,
    /// The checksums that were offered, if the environment named some.
    pub checksums: Option<Vec<Checksum>>,
    /// The same of compressions.
    pub compressions: Option<Vec<Compression>>,
}

/// What was done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// A target was probed.
    Probe(String),
    /// A command line of rsync's was carried out.
    Reproduce(String),
}

impl Head {
    /// How it is written: lines, and an empty one.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![FIRST.to_owned()];
        lines.extend(NOTES.map(str::to_owned));
        let mut say = |key: &str, value: &str| lines.push(format!("{key} {}", quoted(value.as_bytes())));
        say("program", &self.program);
        say("began", &self.began.to_string());
        match &self.subject {
            Subject::Probe(target) => say("probe", target),
            Subject::Reproduce(line) => say("reproduce", line),
        }
        for option in &self.options {
            say("option", option);
        }
        say("login", &self.login);
        if let Some(way) = &self.way {
            say("way", way);
        }
        let joined = |names: Vec<&str>| names.join(" ");
        if let Some(checksums) = &self.checksums {
            let names = checksums.iter().map(|checksum| checksum.name());
            say("checksums", &joined(names.collect()));
        }
        if let Some(compressions) = &self.compressions {
            let names = compressions.iter().map(|compression| compression.name());
            say("compressions", &joined(names.collect()));
        }
        lines.push(String::new());
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Reads it from the lines in front of the first empty one.
    ///
    /// # Errors
    ///
    /// The number of a line that makes no sense, counted from 1.
    pub(super) fn read<'l>(lines: &mut impl Iterator<Item = (usize, &'l str)>) -> Result<Self, usize> {
        if lines.next().is_none_or(|(_, line)| line != FIRST) {
            return Err(1);
        }
        let mut head = Self {
            program: String::new(),
            began: Timestamp::UNIX_EPOCH,
            subject: Subject::Probe(String::new()),
            options: Vec::new(),
            login: String::new(),
            way: None,
            checksums: None,
            compressions: None,
        };
        for (number, line) in lines.filter(|(_, line)| !line.starts_with('#')) {
            if line.is_empty() {
                return Ok(head);
            }
            head.take(line).ok_or(number)?;
        }
        Ok(head)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        let (key, value) = line.split_once(' ')?;
        let value = text_of(value)?;
        match key {
            "program" => self.program = value,
            "began" => self.began = value.parse().ok()?,
            "probe" => self.subject = Subject::Probe(value),
            "reproduce" => self.subject = Subject::Reproduce(value),
            "option" => self.options.push(value),
            "login" => self.login = value,
            "way" => self.way = Some(value),
            "checksums" => self.checksums = Some(all(&value, Checksum::of_name)?),
            "compressions" => self.compressions = Some(all(&value, Compression::of_name)?),
            _ => return None,
        }
        Some(())
    }
}

fn all<T>(names: &str, of_name: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    names.split_whitespace().map(of_name).collect()
}
