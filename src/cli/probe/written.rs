//! A command line as a shell reads it: typed, or where it stands in a script or in one of cron's tables.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    catalog::FileKind,
    cli::probe::{
        made::Made,
        mistaken::mistaken,
        part::Part,
        plain::{Reading, Surroundings, around_in, around_in_table},
        run_parts::omitted,
        settled::settled,
        slip::Slip,
        started::{missing, started, started_by},
        table::of_crontab,
        text::{as_a_shell_reads, is_comment_of_rsync, lines, names_rsync, position, without_prompt},
        unit,
        unread::Unread,
    },
    lint::recognise,
    model::script::{Call, Runner},
    terms::Bytes,
};

/// A command line of rsync's that a shell would run.
#[derive(Debug, Default)]
pub(in crate::cli) struct Written {
    /// The words behind `rsync`.
    pub(in crate::cli) words: Vec<String>,
    /// The variables that rsync reads, as they are set there.
    pub(in crate::cli) variables: BTreeMap<String, Option<Vec<u8>>>,
    /// Whether cron or systemd starts it, so that it has none of our own environment.
    pub(super) is_detached: bool,
    /// Those that `sudo` keeps from it.
    pub(super) kept_back: Vec<&'static str>,
    /// Whether lines of the file end as those of Windows do.
    pub(super) has_returns: bool,
    /// What stands around it and changes what it does, by name.
    pub(in crate::cli) around: Vec<String>,
    /// What is read otherwise than it is meant.
    pub(in crate::cli) slips: Vec<Slip>,
    /// The folder that it runs in, from the one on that the script is started in; none if only a run can tell.
    pub(in crate::cli) folder: Option<PathBuf>,
    /// The same where the shell stays where it is if it cannot enter a folder.
    pub(super) stays_in: Option<PathBuf>,
    /// Whether nothing runs where that folder cannot be entered.
    pub(super) is_bound: bool,
    /// What `HOME` holds there, if anything.
    pub(super) home: Option<Vec<u8>>,
    /// The folders that are made in front of it.
    pub(super) made: Made,
    /// Who runs it; the same as who we are unless somebody else is named.
    pub(in crate::cli) runner: Runner,
    /// What decides about it besides its own words.
    pub(super) surroundings: Surroundings,
    /// What of the line is read otherwise than it is meant that starts a script.
    pub(super) outer_slips: Vec<Slip>,
    /// Where it stands, if the line starts a script that calls rsync.
    pub(in crate::cli) started: Option<(PathBuf, usize)>,
}

impl Written {
    /// Whether a folder is made in front of it, or may be.
    pub(super) fn is_folder_made(&self, folder: &Path) -> bool {
        let from = self.folder.as_deref().unwrap_or_else(|| Path::new(""));
        self.made.has(folder, from)
    }

    /// What of the file that is asked about is read otherwise than it is meant: that of a script which it starts is another one.
    pub(super) fn own_slips(&mut self) -> &mut Vec<Slip> {
        match self.started {
            Some(_) => &mut self.outer_slips,
            None => &mut self.slips,
        }
    }

    /// What our reader of scripts makes of a call.
    fn reading(&self, part: &Part<'_>, call: &Call) -> Reading<'_> {
        // Nobody knows where a script is started.
        let is_known = |folder: &&Path| part.is_typed || folder.is_absolute();
        let start = if part.is_typed {
            PathBuf::new()
        } else {
            part.home()
        };
        Reading {
            words: &self.words,
            folder: self.folder.as_deref().filter(is_known),
            start: Some(start).filter(|start| is_known(&&**start)),
            is_typed: part.is_typed,
            is_bash: part.takes_braces,
            call: call.range.clone(),
        }
    }
}

/// The command line in a text that somebody typed or pasted. Errors do not show it: it may hold passwords.
///
/// # Errors
///
/// There is none, or more than one, or what it says is known only once it runs.
pub(in crate::cli) fn typed(line: &str) -> Result<Written, String> {
    let line = without_prompt(line);
    shell_words::split(line).map_err(|error| format!("the command line: {error}"))?;
    let bytes = Bytes::from(line.as_bytes().to_vec());
    let part = Part::of_text(&bytes, true);
    let mut calls = part.calls();
    match (calls.next(), calls.next()) {
        (Some(call), None) => {
            let written = part.command(call, &bytes)?;
            Ok(Written {
                surroundings: around_in(&bytes, &written.reading(&part, call)),
                ..written
            })
        }
        (Some(_), Some(_)) => {
            Err("the command line calls rsync more than once; give the one that fails".to_owned())
        }
        (None, _) => Err("the command line has no `rsync` that it calls itself; write the whole command, such as 'rsync -av host::module/ dir/', or FILE:LINE of a script or crontab".to_owned()),
    }
}

/// The command line that stands on a line of a file, or goes on there.
///
/// # Errors
///
/// There is none, or more than one, or what it says is known only once it runs.
pub(in crate::cli) fn command_line(path: &Path, bytes: Vec<u8>, line: usize) -> Result<Written, Unread> {
    line_of(path, bytes, line, true)
}

/// The same; a script that the line starts is read, too, unless this is one already.
pub(super) fn line_of(path: &Path, bytes: Vec<u8>, line: usize, may_start: bool) -> Result<Written, Unread> {
    let kind = recognise(path, &Bytes::from(bytes.clone()));
    // systemd is no shell.
    if kind == Some(FileKind::Systemd) {
        return unit::command_line(path, &bytes, line);
    }
    let raw = bytes;
    let bytes = settled(path, raw.clone(), kind == Some(FileKind::Crontab), !may_start);
    let (read, has_returns) = as_a_shell_reads(&bytes);
    let (plain, bytes) = (Bytes::from(bytes), Bytes::from(read));
    let parts = parts(path, &plain, &bytes);
    let here = lines(&bytes)
        .nth(line - 1)
        .ok_or_else(|| Unread::NoCommand(format!("`{}` has no line {line}", path.display())))?;
    let calls = || {
        parts
            .iter()
            .flat_map(|part| part.calls().map(move |call| (part, call)))
    };
    let touches = |call: &Call| call.range.start < here.end && here.start < call.range.end;
    let mut found = calls().filter(|(_, call)| touches(call));
    match (found.next(), found.next()) {
        (Some((part, call)), None) => match part.command(call, &bytes) {
            Ok(mut written) => {
                // What another line starts, no folder has to offer.
                let omitted = omitted(path, &raw).filter(|_| may_start && !part.is_cron);
                written.slips.splice(0..0, omitted.map(Slip::Around));
                Ok(Written {
                    has_returns,
                    surroundings: surroundings(path, raw, line, &written),
                    ..written
                })
            }
            Err(reason) => Err(Unread::Unclear(reason)),
        },
        (Some(_), Some(_)) => Err(Unread::Unclear(format!(
            "line {line} of `{}` calls rsync more than once; paste the command that fails, as 'rsync ...'",
            path.display()
        ))),
        (None, _) if parts.iter().any(|part| part.is_cut_before_rsync(&here, &bytes)) => {
            Err(Unread::Unclear(format!(
                "cron ends the command of line {line} of `{}` at the first `%`, in front of `rsync`; write `\\%`",
                path.display()
            )))
        }
        // It is meant to: what stands in front of it is taken for something else.
        (None, _) if names_rsync(&bytes[here.clone()]) => {
            let why = mistaken(path, &bytes, &here);
            let why = why.unwrap_or_else(|| "has `rsync`, and does not call it".to_owned());
            Err(Unread::Unclear(format!(
                "line {line} of `{}` {why}",
                path.display()
            )))
        }
        // A comment is no command, whatever it says.
        (None, _) if is_comment_of_rsync(&bytes[here.clone()]) => Err(Unread::NoCommand(format!(
            "line {line} of `{}` is a comment: nothing runs the `rsync` in it",
            path.display()
        ))),
        (None, _) => {
            let all = parts
                .iter()
                .flat_map(|part| part.script.calls.iter().map(move |call| (part, call)));
            for (part, call) in all.filter(|(_, call)| may_start && touches(call)) {
                if let Some(script) = started(call)? {
                    return started_by(part, call, &bytes, script, false);
                }
                if let Some(file) = missing(call) {
                    return Err(Unread::NoCommand(format!(
                        "line {line} of `{}` starts `{}`, which is not there",
                        path.display(),
                        file.display()
                    )));
                }
            }
            let others = calls().map(|(_, call)| position(&bytes, call.range.start).to_string());
            let others: Vec<_> = others.take(MOST_LINES).collect();
            let hint = match others.is_empty() {
                true => "it has no such line".to_owned(),
                false => format!("it does so on {}", others.join(", ")),
            };
            Err(Unread::NoCommand(format!(
                "line {line} of `{}` calls no rsync; {hint}",
                path.display()
            )))
        }
    }
}

/// What stands around the call on a line of a file, none of whose questions is answered; `written`: what is made of the call
/// with the answers, which decide nothing where its words are the same.
fn surroundings(path: &Path, file: Vec<u8>, line: usize, written: &Written) -> Surroundings {
    let (read, _) = as_a_shell_reads(&file);
    let (plain, bytes) = (Bytes::from(file), Bytes::from(read));
    let Some(here) = lines(&bytes).nth(line - 1) else {
        return Surroundings::Unknown;
    };
    let parts = parts(path, &plain, &bytes);
    let calls = parts
        .iter()
        .flat_map(|part| part.calls().map(move |call| (part, call)));
    let mut found = calls.filter(|(_, call)| call.range.start < here.end && here.start < call.range.end);
    match (found.next(), found.next()) {
        (Some((part, call)), None) => {
            let reading = written.reading(part, call);
            match part.is_cron {
                true => around_in_table(path, &bytes, &reading),
                false => around_in(&bytes, &reading),
            }
        }
        _ => Surroundings::Unknown,
    }
}

/// The shell's parts of a file: `plain` as it stands there, `bytes` as a shell reads it.
pub(super) fn parts<'b>(path: &Path, plain: &'b Bytes, bytes: &'b Bytes) -> Vec<Part<'b>> {
    match recognise(path, plain) {
        Some(FileKind::Crontab) => of_crontab(path, plain, bytes),
        _ => vec![Part::of_text(bytes, false)],
    }
}

/// Lines that are named.
const MOST_LINES: usize = 10;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nix::unistd::geteuid;

    use super::{command_line, typed};

    fn read(name: &str, text: &str, line: usize) -> Result<String, String> {
        let found = command_line(Path::new(name), text.into(), line);
        found.map_err(|unread| unread.to_string()).map(|written| {
            let password = written.variables.get("RSYNC_PASSWORD").and_then(Option::as_ref);
            let password = password.map(|password| String::from_utf8_lossy(password).into_owned());
            let password = password.map_or_else(String::new, |password| format!("{password} "));
            format!("{password}{}", shell_words::join(&written.words))
        })
    }

    const SCRIPT: &str = "\
#!/bin/bash
HOST=backup.example
export RSYNC_PASSWORD='not a secret'
SRC=/srv/www
rsync -av --delete \\
    --exclude '*.tmp' \\
    \"$SRC/\" joe@$HOST::data/ || exit 1
RSYNC_PASSWORD=other nice -n 10 /usr/bin/rsync -a $SRC/ $HOST::data > /dev/null
rsync -a \"$1\" $HOST::data
rsync -a *.txt $HOST::data
rsync a b; rsync b c
";

    #[test]
    fn a_script_is_followed() {
        let first = "'not a secret' -av --delete --exclude '*.tmp' /srv/www/ joe@backup.example::data/";
        for line in [5, 6, 7] {
            assert_eq!(
                read("b.sh", SCRIPT, line).as_deref(),
                Ok(&first.replace("'not a secret'", "not a secret")[..])
            );
        }
        assert_eq!(
            read("b.sh", SCRIPT, 8).as_deref(),
            Ok("other -a /srv/www/ backup.example::data")
        );
        for (line, why) in [
            (1, "calls no rsync; it does so on 5, 8, 9, 10, 11, 11"),
            (9, "what `$1` is only a run can tell"),
            (10, "names of files in the place of `*.txt`"),
            (11, "more than once"),
            (12, "has no line 12"),
        ] {
            let error = read("b.sh", SCRIPT, line).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_table_of_crons_is_followed() {
        let table = "\
HOST=backup.example
RSYNC_PASSWORD=not-a-secret
0 3 * * * root rsync -a /srv/ joe@$HOST::data/ >> /var/log/x 2>&1
0 4 * * * root rsync -a '--log-file-format=\\%i' /srv/ ${HOST}::data/
0 5 * * * root rsync -a /srv/ $HOST::data/$(date +%F)/
";
        let read = |line| read("/etc/cron.d/backup", table, line);
        assert_eq!(
            read(3).as_deref(),
            Ok("not-a-secret -a /srv/ joe@backup.example::data/")
        );
        assert_eq!(
            read(4).as_deref(),
            Ok("not-a-secret -a '--log-file-format=%i' /srv/ backup.example::data/")
        );
        let escaped = "0 3 * * * RSYNC_PASSWORD='p\\%w' rsync -a '--exclude=*\\%*' h::m x\n";
        assert_eq!(
            command_line(Path::new("/etc/crontab.txt.cron"), escaped.into(), 1).map(|written| {
                (
                    written.variables["RSYNC_PASSWORD"].clone(),
                    written.words[1].clone(),
                )
            }),
            Ok((Some(b"p%w".to_vec()), "--exclude=*%*".to_owned()))
        );
        let torn = "0 3 * * * rsync -a h::m d/`date +%F`/\n";
        let error = command_line(
            Path::new("/etc/cron.d/b"),
            torn.replace("* rsync", "* root rsync").into(),
            1,
        );
        let error = error.expect_err("it is torn").to_string();
        assert!(
            error.contains("within its backquotes, in front of `F`"),
            "{error}"
        );
        let error = read(5).expect_err("a run decides");
        assert!(
            error.contains("cron ends the command at the first `%`"),
            "{error}"
        );
    }

    #[test]
    fn a_typed_line_is_read_as_a_shell_reads_it() {
        for (line, words, around) in [
            ("rsync -a h::m/ x/ > /dev/null 2>&1", "-a h::m/ x/", ""),
            ("$ rsync h::m", "h::m", ""),
            ("# rsync h::m", "h::m", ""),
            ("[root@web01 ~]# rsync h::m", "h::m", ""),
            ("root@web01:/srv# rsync h::m # all of it", "h::m", ""),
            ("rsync -a h::m/ x/ | tee log && echo ok", "-a h::m/ x/", ""),
            ("nice -n 19 ionice -c3 timeout 9 rsync h::", "h::", ""),
            ("timeout -k 1 0.01 rsync h::", "h::", "timeout 0.01"),
            ("timeout -k 1 -s INT 9 rsync h::", "h::", ""),
            ("timeout 0.01s rsync h::", "h::", "timeout 0.01s"),
            ("export RSYNC_PASSWORD=pw; rsync h::", "h::", ""),
            ("env RSYNC_PASSWORD=pw LC_ALL=C rsync h::", "h::", ""),
            ("X=h; rsync $X::", "h::", ""),
            ("rsync 'h::m/*' h::m/* x", "h::m/* h::m/* x", ""),
            ("cd ../there && rsync -a h::m/ ./", "-a h::m/ ./", "cd"),
            ("tar x; rsync h::", "h::", "tar"),
            ("mkdir x && rsync h::", "h::", "mkdir"),
            ("mkdir x; rsync h::", "h::", "mkdir"),
            ("test -d x && rsync h::", "h::", "test"),
            ("[ -e x ] || rsync h::", "h::", "["),
            ("sleep 1; rsync h::", "h::", ""),
            ("PATH=/nonexistent; rsync h::", "h::", "PATH="),
            ("PATH=/nonexistent:$PATH; rsync h::", "h::", ""),
            ("PATH=/nonexistent; /usr/bin/rsync h::", "h::", ""),
            ("echo begun && rsync h::", "h::", ""),
            ("if [ -d x ]; then rsync h::; fi", "h::", "if"),
            ("exit; rsync h::", "h::", "exit"),
            ("env FOO=1 rsync h::", "h::", ""),
            ("sshpass -p pw rsync h::", "h::", ""),
            ("sshpass -ppw timeout 9 rsync h::", "h::", ""),
            ("RSYNC_PASSWORD=pw sshpass -p other rsync h::", "h::", ""),
            ("SSHPASS=pw sshpass -e rsync h::", "h::", ""),
            ("sshpass -e rsync h::", "h::", "RSYNC_PASSWORD="),
            ("sshpass -f /root/pw rsync h::", "h::", "RSYNC_PASSWORD="),
            ("sudo -u nobody rsync h::", "h::", "sudo"),
            ("sudo nice -n 5 rsync h::", "h::", "sudo"),
            ("su joe -c 'rsync h::'", "h::", "su"),
            // Root becomes root.
            (
                "sudo sh -c 'cd x && rsync h::'",
                "h::",
                if geteuid().is_root() { "cd" } else { "cd sudo" },
            ),
            ("runuser -u joe -- rsync h::", "h::", "runuser"),
            ("env -C x rsync h::", "h::", "env"),
            ("env RSYNC_PROXY=p:1 rsync h::", "h::", ""),
            ("export RSYNC_PROXY=p:1; rsync h::", "h::", ""),
            ("RSYNC_PROXY=$P rsync h::", "h::", "RSYNC_PROXY="),
            ("RSYNC_RSH=ssh rsync h::", "h::", "RSYNC_RSH="),
            (
                "echo pw | rsync --password-file=- h::",
                "--password-file=- h::",
                "echo|",
            ),
            ("rsync --files-from=- h::m x < list", "--files-from=- h::m x", "<"),
            ("for d in a b; do rsync h::$d x; done", "h::a x", "for"),
            ("rsync h::m/{a,b}/ x", "h::m/a/ h::m/b/ x", ""),
            (
                "rsync --exclude={\"/dev/*\",'/a,b',c} h::m x",
                "--exclude=/dev/* --exclude=/a,b --exclude=c h::m x",
                "",
            ),
        ] {
            let written = typed(line).expect(line);
            assert_eq!(written.words.join(" "), words, "{line}");
            assert_eq!(written.around.join(" ").replace(" |", "|"), around, "{line}");
            let has_password = ["=pw", "-p pw", "-ppw"].iter().any(|text| line.contains(text));
            let password = written.variables.get("RSYNC_PASSWORD").and_then(Option::as_ref);
            assert_eq!(password, has_password.then(|| b"pw".to_vec()).as_ref(), "{line}");
        }
        for (line, why) in [
            ("", "has no `rsync`"),
            ("ls rsync", "has no `rsync`"),
            ("rsync 'a", "missing closing quote"),
            ("rsync a; rsync b", "more than once"),
            ("rsync h::m/ $DEST/", "what `$DEST/` is only a run can tell"),
            ("rsync h::m/ ${DEST:-hush}/", "what `$DEST/` is only"),
            ("rsync h::m/ \"$(echo hush)\"", "what `$(...)` is only"),
            (
                "rsync --password-file=<(echo hush) h::",
                "what `--password-file=$(...)` is only",
            ),
            ("rsync *.txt h::m", "names of files"),
            (
                "rsync h::m ~nobody-of-that-name/x",
                "a home folder in the place of `~nobody-of-that-name/x`",
            ),
            ("rsync h::m {1..3}/", "only a run can tell"),
            ("rsync h::m {a,$B}/", "only a run can tell"),
        ] {
            let error = typed(line).expect_err(line);
            assert!(error.contains(why) && !error.contains("hush"), "{line}: {error}");
        }
    }
    #[test]
    fn braces_are_of_the_shell_that_reads_them() {
        for (name, front, expected) in [
            ("a.sh", "#!/bin/bash\n", Ok("h::m/a h::m/b x")),
            ("a.sh", "#!/usr/bin/env bash\n", Ok("h::m/a h::m/b x")),
            ("a.sh", "#!/usr/bin/dash\n", Ok("h::m/{a,b} x")),
            ("a.sh", "#!/usr/bin/fish\n", Err("only a run can tell")),
            ("a.cron", "SHELL=/bin/bash\n0 3 * * * ", Ok("h::m/a h::m/b x")),
            ("a.cron", "SHELL=/bin/dash\n0 3 * * * ", Ok("h::m/{a,b} x")),
        ] {
            let text = format!("{front}rsync h::m/{{a,b}} x\n");
            let found = command_line(Path::new(name), text.into(), 2);
            match (found, expected) {
                (Ok(written), Ok(words)) => assert_eq!(written.words.join(" "), words, "{front}"),
                (Err(unread), Err(why)) => assert!(unread.to_string().contains(why), "{front}: {unread}"),
                (found, _) => panic!("{front}: {:?}", found.map_err(|unread| unread.to_string())),
            }
        }
    }
}
