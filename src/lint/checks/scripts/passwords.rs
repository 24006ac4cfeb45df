//! Passwords in scripts, and the files that hold them.

use std::{collections::BTreeMap, path::Path};

use crate::{
    catalog::{FileKind, Safety},
    diagnosis::Edit,
    host::{Part, Unknown},
    lint::{
        checks::{Check, scripts::targets::shown},
        discover,
        report::{Case, Reporter},
        scripts::{ScriptSubject, is_password, written},
    },
    model::{
        Configuration, Parameter, Setting,
        script::{Argument, UNKNOWN, sshpass},
    },
    terms::Target,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY995", password_not_handed_over),
    Check::script("RSY996", password_in_clear),
    Check::script("RSY241", dollar_in_password),
    Check::script("RSY957", mode_of_another_file),
    Check::script("RSY954", secrets_file_handed_over),
    Check::script("RSY302", secrets_file_opened),
    Check::script("RSY328", password_file_opened),
];

/// RSY995: a variable that rsync does not see.
fn password_not_handed_over(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let script = subject.script;
    let asks_daemon = subject.transfers().any(|transfer| {
        transfer
            .targets()
            .any(|(_, target)| matches!(target, Target::Daemon(_)))
    });
    let exports_all = script.calls_of("set").any(|call| {
        let mut words = call.arguments().iter().map(Argument::text);
        words.any(|word| word == "allexport" || word.starts_with('-') && word.contains('a'))
    });
    if !asks_daemon || exports_all || script.takes_in_others {
        return;
    }
    let uses_file = subject.transfers().all(|transfer| transfer.has("password-file"));
    let gives_password = uses_file
        || script
            .assignments
            .iter()
            .any(|assigned| assigned.name == PASSWORD);
    let logs_in = subject.transfers().any(|transfer| {
        let peer = transfer.invocation.peer().cloned();
        matches!(peer, Some(Target::Daemon(remote)) if remote.user.is_some())
    });
    for assigned in script.assignments.iter().filter(|_| logs_in && !gives_password) {
        let is_used = script.used.contains_key(&assigned.name);
        let is_seen = assigned.is_for_command || script.exported.contains(&assigned.name);
        if is_seen && !is_used && is_meant_for_rsync(&assigned.name) {
            let span = subject.span(assigned.range.start..assigned.range.start + assigned.name.len());
            let name = String::from_utf8_lossy(&assigned.name).into_owned();
            let edit = Edit::replace(span, String::from_utf8_lossy(PASSWORD).into_owned());
            let case = Case::at(span).variant("named").with("name", name);
            out.report(case.fix(Safety::Unsafe, [edit]));
        }
    }
    let assigned = script
        .assignments
        .iter()
        .filter(|assigned| !assigned.is_for_command);
    for assigned in assigned.filter(|assigned| !script.exported.contains(&assigned.name)) {
        let is_written = script_writes(subject, assigned.range.clone());
        let name = String::from_utf8_lossy(&assigned.name).into_owned();
        let case = Case::at(subject.span(assigned.range.start..assigned.range.start + assigned.name.len()));
        let is_used = script.used.contains_key(&assigned.name);
        if assigned.name == PASSWORD {
            if !uses_file && !is_used && is_written {
                let start = assigned.range.start;
                let edit = Edit::replace(subject.span(start..start), "export ");
                out.report(case.with("name", name).fix(Safety::Unsafe, [edit]));
            }
        } else if is_password(&assigned.name) && !is_used {
            out.report(case.variant("unused").with("name", name));
        }
    }
}

/// The variable that rsync reads its password from (`auth_client` in authenticate.c).
const PASSWORD: &[u8] = b"RSYNC_PASSWORD";

/// Whether a variable that rsync does not read is called as if it did: a word for a password, with `RSYNC` or alone.
fn is_meant_for_rsync(name: &[u8]) -> bool {
    let words = ["PASS", "PASSWD", "PASSWORD", "PASSWORT", "PW", "PWD", "SECRET"];
    let name = String::from_utf8_lossy(name).to_ascii_uppercase();
    let letters = name.replace('_', "");
    let rest = letters.strip_prefix("RSYNC").unwrap_or(&letters);
    // The shell keeps the folder in that one.
    name.as_bytes() != PASSWORD && name != "PWD" && words.contains(&rest)
}

/// Whether a part of the file is a command of its own, and not a word of `export` or `local`.
fn script_writes(subject: &ScriptSubject<'_>, range: std::ops::Range<usize>) -> bool {
    let source = subject.sources.get(subject.source);
    let line = source.line_range(source.line_of(range.start));
    let before = &source.bytes()[line.start..range.start];
    before.trim_ascii().is_empty() || before.trim_ascii_end().ends_with(b";")
}

/// RSY996: every user of the machine reads command lines.
fn password_in_clear(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source).bytes();
    for call in &subject.script.calls {
        let runs_rsync = call.words.iter().any(|word| word.text().contains("rsync"));
        if runs_rsync && let Some((word, _)) = sshpass::password(&call.front) {
            out.report(Case::at(subject.span(word.range.clone())).variant("command-line"));
        }
    }
    for assigned in &subject.script.assignments {
        if assigned.name == b"RSYNC_PASSWORD" && written(&assigned.value, file).is_some() {
            out.report(Case::at(subject.span(assigned.range.clone())));
        }
    }
}

/// RSY241: the shell takes a part of the password for a variable that nothing sets.
fn dollar_in_password(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let script = subject.script;
    let file = subject.sources.get(subject.source).bytes();
    let is_set = |name: &[u8]| {
        let mut assigned = script.assignments.iter();
        script.set.contains(name) || assigned.any(|assigned| assigned.name == name)
    };
    for assigned in script
        .assignments
        .iter()
        .filter(|assigned| is_password(&assigned.name))
    {
        let pieces = &assigned.value.pieces;
        // Alone it is meant as a variable.
        let has_letters = pieces.iter().any(|piece| {
            piece.variable.is_none() && piece.text.as_ref().is_some_and(|text| !text.is_empty())
        });
        if !has_letters || script.takes_in_others {
            continue;
        }
        // Who writes braces means a variable.
        let bare = pieces.iter().filter_map(|piece| piece.variable.clone());
        for range in bare.filter(|range| range.start > 0 && file[range.start - 1] == b'$') {
            let name = file[range.clone()].trim_ascii();
            let name = name.strip_prefix(b"$").unwrap_or(name);
            let is_named = name
                .first()
                .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
            // In capitals it may be of the environment.
            let is_lower = name.iter().any(u8::is_ascii_lowercase);
            let is_short = name.len() == 1 && !is_named;
            if is_short || is_named && is_lower && !is_set(name) {
                let span = subject.span(range.start - 1..range.end);
                out.report(Case::at(span));
            }
        }
    }
}

/// How many password files of one script are looked for among its `chmod`s.
const MOST_WANTED: usize = 32;

/// RSY957: the file that counts keeps its mode.
fn mode_of_another_file(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let mut wanted: Vec<String> = Vec::new();
    for transfer in subject.transfers() {
        let given = transfer.invocation.option("password-file");
        wanted.extend(given.and_then(|given| given.value.clone()));
    }
    for daemon in subject.daemons {
        let settings = daemon
            .settings
            .iter()
            .filter(|setting| setting.parameter == Parameter::SecretsFile);
        wanted.extend(settings.map(|setting| String::from_utf8_lossy(setting.bytes()).into_owned()));
    }
    wanted.retain(|path| !path.contains(UNKNOWN) && path.starts_with('/'));
    let chmods: Vec<_> = subject.script.calls_of("chmod").collect();
    wanted.sort();
    wanted.dedup();
    if wanted.len() > MOST_WANTED {
        out.unchecked(
            subject.name(),
            Unknown::TooManyParts(MOST_WANTED, Part::PasswordFile),
        );
        wanted.truncate(MOST_WANTED);
    }
    let is_changed = |path: &str| {
        chmods
            .iter()
            .any(|call| call.arguments().iter().any(|word| word.is(path)))
    };
    wanted.retain(|path| !is_changed(path));
    for call in &chmods {
        let mut words = call
            .arguments()
            .iter()
            .filter(|word| !word.text().starts_with('-'));
        let mode = words.next().map(Argument::text).unwrap_or_default();
        let is_private =
            mode.len() >= 3 && mode.ends_with("00") || mode.contains("go-") || mode.contains("go=");
        for word in words.filter(|_| is_private) {
            let path = word.text();
            if let Some(other) = wanted.iter().find(|other| is_meant(&path, other)) {
                let case = Case::at(subject.span(word.range.clone())).with("path", shown(&path));
                out.report(case.with("wanted", other.as_str()));
            }
        }
    }
}

/// Whether one path looks like the other misspelt, or like the same file in another folder.
fn is_meant(path: &str, wanted: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (one, other) = (name(path), name(wanted));
    !path.contains(UNKNOWN)
        && path.starts_with('/')
        && path != wanted
        && (one == other
            || is_longer(path, wanted)
            || is_longer(wanted, path)
            || strsim::damerau_levenshtein(&one, &other) <= 2 && one.len() > 6)
}

/// Whether one path is the other with more letters behind its name: `rsync.password` for `rsync.pass`.
fn is_longer(path: &str, other: &str) -> bool {
    let rest = path.strip_prefix(other);
    let name = other.rsplit('/').next().unwrap_or_default();
    name.contains("pass") && rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// RSY954: the daemon's file has `user:password`, and a client sends the whole line.
fn secrets_file_handed_over(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let given = transfer.invocation.option("password-file");
        let Some((given, path)) = given.and_then(|given| Some((given, given.value.as_deref()?))) else {
            continue;
        };
        // What is in the file is judged where it is seen.
        let is_written = subject
            .script
            .written
            .iter()
            .any(|file| file.path == path.as_bytes());
        let is_given = subject.credentials.iter().any(|(source, kind)| {
            *kind == FileKind::Password && is_named(subject.sources.get(*source).name(), path)
        });
        if path.contains(UNKNOWN) || is_written || is_given {
            continue;
        }
        let word = transfer.word(given.value_word.unwrap_or(given.word));
        let case = Case::at(subject.span(word.range.clone())).with("path", path);
        let sounds_wrong = path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.contains("secret"));
        match secrets_setting(subject, path) {
            Some(setting) if sounds_wrong => {
                out.report(case.also(setting.span(), "secrets").variant("script"));
            }
            None if sounds_wrong => out.report(case.variant("script-name")),
            _ => {}
        }
    }
}

/// Whether a file that was given is the one that a path means: a copy in a work tree lies elsewhere.
fn is_named(file: &str, path: &str) -> bool {
    file.rsplit('/').next() == path.rsplit('/').next()
}

/// The daemons' line that names a secrets file.
fn secrets_setting<'a>(subject: &ScriptSubject<'a>, path: &str) -> Option<&'a Setting> {
    let mut settings = subject.daemons.iter().flat_map(|daemon| &daemon.settings);
    settings.find(|setting| setting.parameter == Parameter::SecretsFile && setting.bytes() == path.as_bytes())
}

/// RSY302: the daemon that the script starts refuses a file that others may read.
fn secrets_file_opened(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let starts_daemon = subject.script.calls.iter().any(|call| {
        let words = call.arguments();
        words.iter().any(|word| word.is("--daemon"))
            || words.iter().any(|word| word.text().starts_with("rsyncd"))
    });
    for (path, mode, range) in opened(subject) {
        let by_name = discover::by_name(Path::new(&path)) == Some(FileKind::Secrets);
        let setting = secrets_setting(subject, &path);
        let is_strict = |daemon: &Configuration| {
            let scopes = daemon.module_scopes().map(|(scope, _)| scope);
            scopes.into_iter().any(|scope| {
                daemon.text(scope, Parameter::SecretsFile).value == path.as_bytes()
                    && daemon.boolean(scope, Parameter::StrictModes).value != Some(false)
            })
        };
        let is_refused = match setting {
            Some(_) => subject.daemons.iter().any(is_strict),
            None => by_name && starts_daemon && subject.daemons.is_empty(),
        };
        if is_refused {
            let case = Case::at(subject.span(range)).variant("script");
            out.report(case.with("path", path).with("mode", mode));
        }
    }
}

/// RSY328: the rsync that the script starts refuses a file that others may read.
fn password_file_opened(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for (path, mode, range) in opened(subject) {
        let is_handed_over = subject.transfers().any(|transfer| {
            let given = transfer.invocation.option("password-file");
            given.is_some_and(|given| given.value.as_deref() == Some(path.as_str()))
        });
        if is_handed_over {
            let case = Case::at(subject.span(range)).variant("script");
            out.report(case.with("path", path).with("mode", mode));
        }
    }
}

/// The files to which a script leaves a mode with rights for others, each with its last `chmod`.
fn opened(subject: &ScriptSubject<'_>) -> Vec<(String, String, std::ops::Range<usize>)> {
    let mut modes = BTreeMap::new();
    for call in subject.script.calls_of("chmod") {
        let words = call.arguments().iter();
        let mut words = words.filter(|word| !word.text().starts_with('-'));
        let Some(mode) = words.next().map(Argument::text) else {
            continue;
        };
        for word in words.filter_map(|word| word.known().map(|path| (word, path))) {
            let path = String::from_utf8_lossy(&word.1).into_owned();
            modes.insert(path, (mode.clone(), word.0.range.clone()));
        }
    }
    let opens = |mode: &str| u32::from_str_radix(mode, 8).is_ok_and(|bits| bits & 0o006 != 0);
    let opened = modes.into_iter().filter(|(_, (mode, _))| opens(mode));
    opened.map(|(path, (mode, range))| (path, mode, range)).collect()
}
