//! Whether all that stands around a call of rsync's is so plain that the call by itself does what the whole does. What a
//! shell can do in front of a command has no end: what is plain is listed here, and nothing else is.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    cli::probe::{
        front::Front,
        interpreter::{self, Interpreter},
        lexical::leads_elsewhere,
        special::{changes_shells, is_for_rsync, is_special},
        tail,
        text::position,
        token::{Command, End, Met, Reader, Token, is_letter},
        value::Names,
    },
    lint::Crontab,
    syntax::crontab::Kind,
    terms::Bytes,
};

/// What decides about a call besides its own words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Surroundings {
    /// Nothing.
    Plain,
    /// This sign on this line may, the first one being 1.
    Line(usize, String),
    /// Whatever starts it may.
    #[default]
    Unknown,
}

/// What our reader of scripts makes of a call, and who runs it.
pub(super) struct Reading<'r> {
    pub(super) words: &'r [String],
    /// Where it runs: from our own folder on, or a whole path; none if only a run can tell.
    pub(super) folder: Option<&'r Path>,
    /// The folder that all begins in, in the same way.
    pub(super) start: Option<PathBuf>,
    pub(super) is_typed: bool,
    /// Whether bash reads it, or dash.
    pub(super) is_bash: Option<bool>,
    pub(super) call: Range<usize>,
}

/// Commands that change nothing for those behind them, and do not fail.
const IDLE: [&[u8]; 3] = [b":", b"echo", b"true"];

/// Where programs are looked for.
const FOLDERS: [&[u8]; 7] = [
    b"/usr/local/sbin",
    b"/usr/local/bin",
    b"/usr/sbin",
    b"/usr/bin",
    b"/sbin",
    b"/bin",
    b"/snap/bin",
];

/// Where cron looks for programs (Debian's cron 3.0pl1).
const PATH_OF_CRON: &[u8] = b"/usr/bin:/bin";

/// What a text of a shell's has around a call; the lines behind the call do not matter to it.
pub(super) fn around_in(text: &[u8], reading: &Reading<'_>) -> Surroundings {
    let line = position(text, reading.call.start);
    if let Some(name) = env::vars_os().find(|(name, _)| changes_shells(name.as_bytes())) {
        return Surroundings::Line(line, format!("{}=", name.0.display()));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut state = State::new(reading, path.as_bytes(), false);
    let mut reader = state.reader(text);
    if text.starts_with(b"#!") {
        if !Interpreter::of(text).is_some_and(|interpreter| interpreter.is_plain()) {
            return Surroundings::Line(1, "#!".to_owned());
        }
        reader.skip_line();
    }
    match state.follow(&mut reader, reading.call.start) {
        Ok(()) => Surroundings::Plain,
        Err(met) => Surroundings::Line(position(text, met.at.min(text.len())), met.sign),
    }
}

/// What a table of cron's has around a call.
pub(super) fn around_in_table(path: &Path, text: &Bytes, reading: &Reading<'_>) -> Surroundings {
    let mut state = State::new(reading, PATH_OF_CRON, true);
    let mut found = Surroundings::Unknown;
    // cron takes no table with a line that is none, or whose last line has no end.
    for line in Crontab::read(path, text).lines {
        let here = position(text, line.range.start);
        let refused = |sign: &str| Surroundings::Line(here, sign.to_owned());
        if !text[line.range.clone()].ends_with(b"\n") {
            return refused("the end of the table without a newline");
        }
        match line.kind {
            Kind::Blank | Kind::Comment => {}
            Kind::Assignment { name, value } => {
                let (name, value) = (&text[name], &text[value]);
                let is_followed = match name {
                    // Where a job starts, which is followed.
                    b"HOME" => true,
                    b"SHELL" => str::from_utf8(value).is_ok_and(|shell| {
                        interpreter::is_plain(shell) && interpreter::is_shell(Path::new(shell))
                    }),
                    b"PATH" => state.takes_path(value),
                    // cron sets it itself.
                    b"LOGNAME" => false,
                    // Whom cron or a shell at a terminal tells of mail.
                    b"MAIL" | b"MAILFROM" | b"MAILPATH" | b"MAILTO" => true,
                    name => !is_special(name),
                };
                if !is_followed {
                    return refused(&format!("{}=", String::from_utf8_lossy(name)));
                }
                state.names.set(name, Some(value.to_vec()));
            }
            Kind::Job(job) if job.schedule.is_err() || job.command.is_empty() => {
                return refused("times that cron does not understand");
            }
            Kind::Job(job) if line.range.contains(&reading.call.start) => {
                if job.input.is_some() {
                    return refused("%");
                }
                if let Some(user) = job.user.clone().filter(|_| is_of_either_kind(path)) {
                    let user = String::from_utf8_lossy(&text[user]);
                    return refused(&format!(
                        "{user}, a user in /etc/cron.d and a command in a user's table,"
                    ));
                }
                let mut reader = state.reader(&text[job.command.clone()]);
                let call = reading.call.start.saturating_sub(job.command.start);
                if let Err(met) = state.follow(&mut reader, call) {
                    return refused(&met.sign);
                }
                found = Surroundings::Plain;
            }
            Kind::Job(_) => {}
        }
    }
    found
}

/// Whether the place of a table says nothing about its jobs, which name users in the system's tables alone (crontab(5)).
fn is_of_either_kind(path: &Path) -> bool {
    let has_user = |text: &[u8]| Crontab::read(path, &Bytes::from(text.to_vec())).has_user;
    !has_user(b"") && has_user(b"* * * * * root true\n")
}

/// What has been read so far.
struct State<'r> {
    reading: &'r Reading<'r>,
    names: Names,
    /// Those that nothing sets a second time.
    frozen: BTreeSet<Vec<u8>>,
    /// Whether it has gone to another folder.
    has_moved: bool,
    /// Where programs are looked for.
    path: Vec<u8>,
    is_cron: bool,
}

impl<'r> State<'r> {
    fn new(reading: &'r Reading<'r>, path: &[u8], is_cron: bool) -> Self {
        let mut names = Names::default();
        // cron sets its own.
        let home = env::var_os("HOME").filter(|home| !is_cron && home.as_bytes().starts_with(b"/"));
        if let Some(home) = home {
            names.set(b"HOME", Some(home.as_bytes().to_vec()));
        }
        Self {
            reading,
            names,
            frozen: BTreeSet::new(),
            has_moved: false,
            path: path.to_vec(),
            is_cron,
        }
    }

    fn reader<'t>(&self, text: &'t [u8]) -> Reader<'t> {
        Reader {
            text,
            at: 0,
            is_typed: self.reading.is_typed,
            is_bash: self.reading.is_bash == Some(true),
        }
    }

    /// Goes through a text up to the end of the line with the call.
    fn follow(&mut self, reader: &mut Reader<'_>, call: usize) -> Result<(), Met> {
        while !reader.is_at_end() {
            let command = reader.command(Some(&self.names))?;
            if command.tokens.is_empty() && command.end == End::Line {
                continue;
            }
            if command.range.contains(&call) {
                return self.call(&command, reader);
            }
            self.takes(&command)?;
            match command.end {
                End::Line | End::Semicolon | End::And => {}
                // What has not failed does not end there.
                End::Or => {
                    let alternative = reader.command(Some(&self.names))?;
                    let is_followed = matches!(alternative.end, End::Line | End::Semicolon);
                    if alternative.range.contains(&call) || !is_followed || !is_exit(&alternative) {
                        return Err(command.met("||"));
                    }
                }
                End::Pipe => return Err(command.met("|")),
            }
        }
        Err(Met::new(call, "rsync"))
    }

    /// Takes a command that decides nothing about those behind it but by the variables that it sets and the folder that it
    /// goes to, which are followed.
    fn takes(&mut self, command: &Command<'_>) -> Result<(), Met> {
        for token in &command.tokens {
            match token {
                Token::Word(_) => {}
                // rsync may read what anything writes into a file.
                Token::Output(file) if self.names.word(file).as_deref() == Some(b"/dev/null") => {}
                Token::Output(_) => return Err(command.met(">")),
                Token::Input(_) => return Err(command.met("<")),
            }
        }
        let words = command.words();
        let is_plain = match &words[..] {
            [] => false,
            [b"cd", folder] => self.goes_to(folder),
            [b"set", options @ ..] => self.is_strictness(options),
            [b"export", set @ ..] => {
                for word in set {
                    if !self.exports(word) {
                        return Err(command.met(name_of(word)));
                    }
                }
                true
            }
            [b"readonly", set @ ..] => {
                for word in set {
                    let name = assigned(word).map(|(name, _)| name.to_vec());
                    if !self.exports(word) || !name.is_some_and(|name| self.frozen.insert(name)) {
                        return Err(command.met(name_of(word)));
                    }
                }
                true
            }
            [b"mkdir", b"-p", folders @ ..] => {
                let is_there = |folder: &&[u8]| self.is_there(folder, "-d");
                self.has("mkdir") && !folders.is_empty() && folders.iter().all(is_there)
            }
            [b"umask", mask] => self.names.word(mask).is_some_and(|mask| is_own_mask(&mask)),
            [b"[", kind, file, b"]"] | [b"test", kind, file] => {
                str::from_utf8(kind).is_ok_and(|kind| self.is_there(file, kind))
            }
            [b"date"] => self.has("date"),
            [b"date", format] => format.starts_with(b"+") && self.has("date"),
            [b"sleep", time] if self.has("sleep") => {
                let digits = time.strip_suffix(b"s").unwrap_or(time);
                !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
            }
            [program, ..] if IDLE.contains(program) => true,
            set => {
                for word in set {
                    if !self.sets(word) {
                        return Err(command.met(name_of(word)));
                    }
                }
                true
            }
        };
        match is_plain {
            true => Ok(()),
            false => Err(command.met(words.first().map_or("", |word| name_of(word)))),
        }
    }

    /// Whether the command is a call of rsync's with nothing that matters around it.
    fn call(&self, command: &Command<'_>, reader: &mut Reader<'_>) -> Result<(), Met> {
        let front = Front {
            names: &self.names,
            path: &self.path,
            is_bash: self.reading.is_bash == Some(true),
        };
        let words = command.words();
        let arguments = front.arguments(&words).map_err(|sign| command.met(sign))?;
        let mut own = Vec::new();
        for argument in arguments {
            let words = self.names.words(argument).ok_or_else(|| command.met("$"))?;
            own.extend(words);
        }
        // Two have read it, and neither alone is trusted.
        if !own
            .iter()
            .map(Vec::as_slice)
            .eq(self.reading.words.iter().map(String::as_bytes))
        {
            let sign = if self.is_cron { "\\%" } else { "\\" };
            return Err(command.met(sign));
        }
        tail::check(command, reader, &self.names, &self.path, self.reading)
    }

    /// Whether what a word names is there now, as `test` asks for it.
    fn is_there(&self, word: &[u8], kind: &str) -> bool {
        let Some(name) = self.names.word(word).filter(|name| name.starts_with(b"/")) else {
            return false;
        };
        let file = Path::new(OsStr::from_bytes(&name));
        match kind {
            "-d" => file.is_dir(),
            "-e" => file.exists(),
            "-f" => file.is_file(),
            _ => false,
        }
    }

    /// Whether there is a program of that name, and no script in its place.
    fn has(&self, program: &str) -> bool {
        interpreter::system_program(&self.path, program).is_some()
    }

    /// Whether a folder is the one that the system comes to, too, and the first that is gone to.
    fn goes_to(&mut self, word: &[u8]) -> bool {
        let Some(folder) = self.names.word(word) else {
            return false;
        };
        let is_named = !matches!(folder.first(), None | Some(b'-' | b'+'));
        let start = self.reading.start.as_deref();
        is_named && !leads_elsewhere(&folder, start) && !std::mem::replace(&mut self.has_moved, true)
    }

    /// Whether words of `set` only end a script at failures.
    fn is_strictness(&self, words: &[&[u8]]) -> bool {
        let mut words = words.iter();
        let mut is_any = false;
        while let Some(word) = words.next() {
            let Some(letters) = word.strip_prefix(b"-").filter(|letters| !letters.is_empty()) else {
                return false;
            };
            for letter in letters {
                let is_known = match letter {
                    b'e' | b'u' | b'x' => true,
                    b'o' => match words.next() {
                        Some(&(b"errexit" | b"nounset" | b"xtrace")) => true,
                        Some(&b"pipefail") => {
                            let is_bash = self.reading.is_bash;
                            is_bash == Some(true)
                                || is_bash == Some(false) && interpreter::dash_knows_pipefail()
                        }
                        _ => false,
                    },
                    _ => false,
                };
                if !is_known {
                    return false;
                }
            }
            is_any = true;
        }
        is_any
    }

    /// Whether a word sets a variable that only the text reads, which is known from here on.
    fn sets(&mut self, word: &[u8]) -> bool {
        let Some((name, value)) = assigned(word) else {
            return false;
        };
        let value = self.names.value(value);
        // What only a run can tell is today's date.
        if value.is_none() && !self.has("date") {
            return false;
        }
        let is_followed = match (name, &value) {
            (b"PATH", Some(path)) => self.takes_path(path),
            // What rsync reads is not guessed.
            (name, None) if is_for_rsync(name) => false,
            _ => !is_special(name) && name != b"PATH",
        };
        self.names.set(name, value);
        is_followed && !self.frozen.contains(name)
    }

    /// The same behind `export`, whose words dash splits where older.
    fn exports(&mut self, word: &[u8]) -> bool {
        match assigned(word) {
            Some((_, [b'~', ..])) => false,
            Some((_, value)) => {
                let is_whole = value.starts_with(b"\"") || !value.contains(&b'$');
                is_whole && self.sets(word)
            }
            None => is_name(word) && !is_special(word),
        }
    }

    /// Whether a search path has no folders but those of the system.
    fn takes_path(&mut self, path: &[u8]) -> bool {
        self.path = path.to_vec();
        path.split(|&byte| byte == b':')
            .all(|folder| FOLDERS.contains(&folder))
    }
}

/// `exit`, `exit 1`
fn is_exit(command: &Command<'_>) -> bool {
    let is_number = |code: &[u8]| code.iter().all(u8::is_ascii_digit);
    let is_exit = match &command.words()[..] {
        [b"exit"] => true,
        [b"exit", code] => is_number(code),
        _ => false,
    };
    is_exit && command.words().len() == command.tokens.len()
}

/// Whether a mask in octal is the one that we have already.
fn is_own_mask(mask: &[u8]) -> bool {
    let number = |text: &str| u32::from_str_radix(text, 8).ok();
    let is_octal = !mask.is_empty() && mask.iter().all(|byte| (b'0'..=b'7').contains(byte));
    let own = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("Umask:"));
    let asked = str::from_utf8(mask).ok().filter(|_| is_octal).and_then(number);
    asked.is_some() && asked == own.and_then(|own| number(own.trim()))
}

/// The name and the value of a word that sets a variable.
pub(super) fn assigned(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|&byte| byte == b'=')?;
    is_name(&word[..at]).then(|| (&word[..at], &word[at + 1..]))
}

fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && !word[0].is_ascii_digit() && word.iter().all(|&byte| is_letter(byte))
}

/// What a word is called that is not followed; of what may be a password nothing but the name of its variable.
pub(super) fn name_of(word: &[u8]) -> &str {
    let shown = match assigned(word) {
        Some((name, _)) => &word[..=name.len()],
        None => word,
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_./+-=[:".contains(byte);
    let shown = str::from_utf8(shown).ok();
    shown
        .filter(|shown| shown.bytes().all(|byte| is_plain(&byte)))
        .unwrap_or("a command")
}

#[cfg(test)]
mod tests;
