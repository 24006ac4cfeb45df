//! What one shell runs, and the calls of rsync's in it.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::{User, geteuid};

use crate::{
    cli::probe::{
        around::{around, is_without_rsync},
        fault::Fault,
        folder::{folder_among, folder_of, is_bound, is_open},
        interpreter::{Interpreter, takes_braces},
        made::written_before,
        reproduction::INPUT_OF_CRON,
        slip::Slip,
        table::is_us,
        variables::OF_RSYNC,
        written::Written,
    },
    model::script::{Call, Runner, Script},
    syntax::shell,
    terms::Bytes,
};

/// What one shell runs.
pub(super) struct Part<'b> {
    pub(super) script: Script,
    /// The same as it is written.
    pub(super) tree: shell::Script,
    /// The shell that reads it, as it is named; none if whoever starts it decides.
    pub(super) shell: Option<String>,
    /// Whether it is one line of somebody's.
    pub(super) is_typed: bool,
    /// Whether the shell makes several words of one with braces, if that is known.
    pub(super) takes_braces: Option<bool>,
    /// Whether cron hands it to the shell.
    pub(super) is_cron: bool,
    /// The variables that cron sets.
    pub(super) variables: BTreeMap<Vec<u8>, &'b [u8]>,
    /// The environment that cron or systemd starts it with; none where it has ours.
    pub(super) given: Option<BTreeMap<&'static str, Vec<u8>>>,
    /// What cron takes away from the command's end, and hands it as input.
    pub(super) cut: Option<Range<usize>>,
    /// Where the text of the shell's begins, and ends.
    pub(super) start: usize,
    pub(super) end: usize,
    /// What keeps cron from taking the table that it stands in.
    pub(super) faults: Vec<Fault>,
    /// Who runs it, where a table of the system's names somebody else than who we are.
    pub(super) user: Option<String>,
}

impl Part<'_> {
    pub(super) fn of_text(bytes: &Bytes, is_typed: bool) -> Self {
        let tree = shell::parse(bytes);
        let interpreter = Interpreter::of(bytes).filter(|_| !is_typed);
        Self {
            script: Script::read(&tree, bytes),
            tree,
            shell: interpreter.map(|interpreter| interpreter.shell().to_owned()),
            is_typed,
            takes_braces: match is_typed {
                true => Some(true),
                false => Interpreter::of(bytes).and_then(|interpreter| takes_braces(interpreter.shell())),
            },
            is_cron: false,
            variables: BTreeMap::new(),
            given: None,
            cut: None,
            start: 0,
            end: bytes.len(),
            faults: Vec::new(),
            user: None,
        }
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.script.calls_of("rsync")
    }

    pub(super) fn command(&self, call: &Call, bytes: &[u8]) -> Result<Written, String> {
        if let Some(cut) = &self.cut
            && let Some(torn) = torn(&bytes[self.start..cut.start])
        {
            let shown = String::from_utf8_lossy(&bytes[cut.start..cut.end.min(cut.start + 3)]).into_owned();
            return Err(format!(
                "cron ends the command at the first `%`, within its {torn}, in front of `{}`, so the shell starts nothing; write `\\%`",
                shown.trim_start_matches('%')
            ));
        }
        if let Some(line) = self.passing_round(call, bytes) {
            return Err(format!(
                "the first round of the loop on line {line} does not come to rsync; give the command of another one, as 'rsync ...'"
            ));
        }
        let mut words = Vec::new();
        for argument in call.arguments() {
            let known = self.words(argument, bytes);
            words.extend(known.map_err(|reason| self.offending_word(call, bytes).unwrap_or(reason))?);
        }
        let mut around = around(&self.script, call, bytes, self.is_typed);
        around.extend(self.user.iter().map(|user| format!("cron's user {user}")));
        // dash has none of these, and says so.
        let is_of_bash = |name: &str| {
            let name = name.split(' ').next().unwrap_or_default();
            ["source", "pushd", "popd"].contains(&name)
        };
        let takes_braces = self.takes_braces_at(&call.range, bytes);
        around.retain(|name| takes_braces != Some(false) || !is_of_bash(name));
        let path = self.variables.get(&b"PATH"[..]);
        around.extend(
            path.filter(|path| is_without_rsync(path))
                .map(|_| "PATH=".to_owned()),
        );
        around.extend(self.cut.iter().map(|_| INPUT_OF_CRON.to_owned()));
        let found = self.variables_of(call, bytes);
        around.extend(found.unknown.iter().map(|name| format!("{name}=")));
        around.extend(written_before(&self.script, call, &words));
        Ok(Written {
            words,
            variables: found.variables,
            is_detached: self.given.is_some(),
            kept_back: found.kept_back,
            slips: self.slips(call, bytes),
            around,
            made: self.made(&call.range, call.range.start, bytes),
            home: self.home_of(call),
            is_bound: is_bound(&self.script, call, bytes),
            folder: self
                .folder_of(call, bytes)
                .and_then(|folder| self.folder_from(&folder)),
            stays_in: self
                .stays_in(call, bytes)
                .and_then(|folder| self.folder_from(&folder)),
            runner: self.runner_of(call),
            ..Written::default()
        })
    }

    /// Who runs a call: whom the line names, else whom its table does.
    fn runner_of(&self, call: &Call) -> Runner {
        let user = self.user.as_ref();
        let outer = user.map_or(Runner::Same, |user| Runner::named(user, true));
        match call.runner.clone().or(outer) {
            Runner::Named { name, .. } if is_us(&name) => Runner::Same,
            runner => runner,
        }
    }

    /// What is read otherwise than it is meant.
    fn slips(&self, call: &Call, bytes: &[u8]) -> Vec<Slip> {
        let found = self.variables_of(call, bytes);
        let faults = self.faults(call, &found, bytes).into_iter().map(Slip::Around);
        let found = found.variables;
        let values = OF_RSYNC.into_iter().filter_map(|name| {
            let value = *self.variables.get(name.as_bytes())?;
            // What is set in front of the command counts instead.
            let holds = found
                .get(name)
                .and_then(Option::as_ref)
                .is_some_and(|held| held == value);
            holds.then(|| Slip::of_value(name, value)).flatten()
        });
        let end = call.words.last().map_or(call.range.end, |word| word.range.end);
        let words = call.range.start..end;
        let line = (!self.is_typed).then(|| Slip::of_lines(&words, bytes, self.is_cron));
        let redirection = redirection_of_bash(call, bytes)
            .filter(|_| self.takes_braces_at(&call.range, bytes) == Some(false));
        let own = line
            .flatten()
            .into_iter()
            .chain(redirection.map(Slip::Redirection));
        own.chain(faults).chain(values).collect()
    }

    /// The folder that it is started in, as far as that is known: cron goes to `HOME`, which is the home of who runs it if the
    /// table sets no other (crontab(5)).
    pub(super) fn home(&self) -> PathBuf {
        if let Some(home) = self.variables.get(&b"HOME"[..]).filter(|_| self.is_cron) {
            return OsStr::from_bytes(home).into();
        }
        let user = match &self.user {
            Some(name) => User::from_name(name),
            None => User::from_uid(geteuid()),
        };
        let user = user.ok().flatten().filter(|_| self.is_cron);
        user.map(|user| user.dir).unwrap_or_default()
    }

    /// Whether the shell that reads a place takes braces apart, if that is known: that of the innermost text around it, or a
    /// bash that the script is handed to in front of it.
    pub(super) fn takes_braces_at(&self, place: &Range<usize>, bytes: &[u8]) -> Option<bool> {
        let texts = self.script.texts.iter();
        let around = texts.filter(|text| text.range.contains(&place.start));
        if let Some(text) = around.min_by_key(|text| text.range.len()) {
            return text.shell.as_deref().and_then(takes_braces);
        }
        self.takes_braces
            .filter(|_| !self.is_handed_to_bash(place, bytes))
    }

    /// Whether a script may go over to bash in front of a place: `exec bash "$0" "$@"`.
    pub(super) fn is_handed_to_bash(&self, place: &Range<usize>, bytes: &[u8]) -> bool {
        let mut before = self
            .script
            .calls
            .iter()
            .filter(|call| call.range.end <= place.start);
        before.any(|call| {
            let is_own = bytes[call.range.clone()].windows(2).any(|name| name == b"$0");
            let is_exec = call.wrappers.iter().any(|wrapper| wrapper == "exec");
            is_own && is_exec && takes_braces(&call.program()) == Some(true)
        })
    }

    /// The folder that the text has gone to before a call, from the one on that it is started in; none if only a run can tell.
    pub(super) fn folder_of(&self, call: &Call, bytes: &[u8]) -> Option<PathBuf> {
        let knows_all = self.takes_braces_at(&call.range, bytes) != Some(false);
        folder_of(&self.script, call, knows_all)
    }

    /// The same where the shell stays where it is if it cannot enter a folder.
    fn stays_in(&self, call: &Call, bytes: &[u8]) -> Option<PathBuf> {
        let knows_all = self.takes_braces_at(&call.range, bytes) != Some(false);
        let home = self.home();
        let is_open = |folder: &Path| is_open(&home.join(folder));
        folder_among(&self.script, call, knows_all, is_open)
    }

    /// Where a folder is that the command goes to, from the one on that it is started in; none if only a run can tell, as where
    /// cron finds no home.
    fn folder_from(&self, folder: &Path) -> Option<PathBuf> {
        let home = self.home();
        let is_there = home.as_os_str().is_empty() || folder.is_absolute() || home.is_dir();
        is_there.then(|| home.join(folder))
    }

    /// Whether cron's `%` parts the line's command from the `rsync` in it.
    pub(super) fn is_cut_before_rsync(&self, line: &Range<usize>, bytes: &[u8]) -> bool {
        let cut = self.cut.as_ref().filter(|cut| line.contains(&cut.start));
        cut.is_some_and(|cut| bytes[cut.clone()].windows(6).any(|word| word == b"rsync "))
    }
}

/// `>& FILE` of a call, with the name.
fn redirection_of_bash(call: &Call, bytes: &[u8]) -> Option<String> {
    let is_in_word = |at: usize| call.words.iter().any(|word| word.range.contains(&at));
    let mut starts = call
        .range
        .clone()
        .filter(|&at| bytes[at..].starts_with(b">&") && !is_in_word(at));
    starts.find_map(|at| {
        let rest = bytes[at + 2..call.range.end].trim_ascii_start();
        let is_number = rest
            .first()
            .is_none_or(|byte| byte.is_ascii_digit() || *byte == b'-');
        let name = rest
            .split(|byte| byte.is_ascii_whitespace() || b";|&".contains(byte))
            .next()?;
        (!is_number).then(|| format!(">& {}", String::from_utf8_lossy(name)))
    })
}

/// What of a text is left open at its end, for which a shell refuses all of it.
fn torn(text: &[u8]) -> Option<&'static str> {
    let (mut is_single, mut is_double, mut is_back) = (false, false, false);
    let mut open = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'\\' if !is_single => at += 1,
            b'\'' if !is_double => is_single = !is_single,
            b'"' if !is_single => is_double = !is_double,
            b'`' if !is_single => is_back = !is_back,
            b'$' if !is_single && text.get(at + 1) == Some(&b'(') => open += 1,
            b')' if !is_single => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    match (is_back, open > 0, is_single || is_double) {
        (true, ..) => Some("backquotes"),
        (_, true, _) => Some("`$(`"),
        (_, _, true) => Some("quotes"),
        _ => None,
    }
}
