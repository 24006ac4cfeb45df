//! How the daemon is started.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{Manager, ServiceUnit, ServicesSubject},
    },
    model::{
        Parameter, Scope,
        script::Script,
        service::{Setting, Word, commands, unknown_daemon_options, words},
    },
    syntax::shell,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY706", braced_variable),
    Check::services("RSY706", quoted_options),
    Check::services("RSY711", daemon_detaches),
    Check::services("RSY711", daemon_detaches_from_shell),
    Check::services("RSY712", pid_file_disagrees),
    Check::services("RSY713", daemon_option_missing),
    Check::services("RSY714", served_configuration_missing),
    Check::services("RSY715", condition_on_another_file),
    Check::services("RSY716", second_exec_start),
    Check::services("RSY717", shell_syntax),
    Check::services("RSY730", time_limit),
    Check::services("RSY773", hang_up_for_reload),
    Check::services("RSY789", daemon_option_unknown),
];

/// RSY706: `${NAME}` is one argument, however many words its value has.
fn braced_variable(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in &subject.services.units {
        let variables = subject.services.variables(unit, subject.sources);
        for setting in unit.unit.list("Service", "ExecStart") {
            for word in words(&setting.value) {
                let name = word
                    .bytes
                    .strip_prefix(b"${")
                    .and_then(|rest| rest.strip_suffix(b"}"));
                let Some(value) = name.and_then(|name| variables.get(name)) else {
                    continue;
                };
                if value
                    .split(u8::is_ascii_whitespace)
                    .filter(|part| !part.is_empty())
                    .count()
                    > 1
                {
                    out.report(
                        Case::at(Span::new(setting.source, word.range))
                            .with("word", String::from_utf8_lossy(&word.bytes))
                            .with("name", String::from_utf8_lossy(name.unwrap_or_default()))
                            .with("value", String::from_utf8_lossy(value)),
                    );
                }
            }
        }
    }
}

/// RSY706 of quotes: what they hold together stays one argument, in the unit as in the value of a variable.
fn quoted_options(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        if server.unit().is_none() {
            continue;
        }
        for word in &server.words[1..] {
            let mut parts = word.bytes.split(u8::is_ascii_whitespace);
            let begins = parts.next().is_some_and(|part| part.starts_with(b"--"));
            let span = server.span(word);
            // What has braces is told as that.
            let has_braces = subject.sources.slice(span).starts_with(b"${");
            if has_braces || !begins || !parts.any(|part| part.starts_with(b"--")) {
                continue;
            }
            let case = Case::at(span).with("value", String::from_utf8_lossy(&word.bytes));
            let named = subject.sources.text(span);
            let name = named.trim_matches(['"', '\'']).strip_prefix('$');
            out.report(match name {
                Some(name) => case.variant("value").with("word", format!("${name}")),
                None => case.variant("quoted"),
            });
        }
    }
}

/// RSY711: systemd watches the process that it starts; a daemon that detaches leaves it at once.
fn daemon_detaches(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(daemon)) = (server.unit(), &server.options.daemon) else {
            continue;
        };
        if server.gets_connection() || !is_whole(unit) {
            continue;
        }
        let r#type = unit.unit.last("Service", "Type");
        let name = r#type.map_or_else(|| "simple".to_owned(), |setting| setting.display());
        match (&*name, &server.options.no_detach) {
            ("forking", Some(option)) => {
                let case = Case::at(server.span(option)).variant("forking");
                out.report(match r#type {
                    Some(setting) => case.also(setting.span(), "type"),
                    None => case,
                });
            }
            // rsync tells systemd nothing (no `sd_notify` in it).
            ("notify" | "notify-reload", Some(_)) => {
                if let Some(setting) = r#type {
                    out.report(Case::at(setting.span()).variant("notify").with("type", name));
                }
            }
            ("simple" | "exec" | "notify" | "idle", None) => {
                let remains = unit.unit.switched_on("Service", "RemainAfterExit").is_some();
                let is_killed = unit
                    .unit
                    .last("Service", "KillMode")
                    .is_none_or(|setting| setting.value.bytes() != b"none");
                if is_killed && !remains {
                    out.report(
                        Case::at(server.span(daemon))
                            .with("type", name)
                            .with("unit", &*unit.unit.name),
                    );
                }
            }
            _ => {}
        }
    }
}

/// RSY711 of a unit that starts a shell, which starts the daemon as its last command.
fn daemon_detaches_from_shell(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in subject
        .services
        .units
        .iter()
        .filter(|unit| !unit.unit.is_template() && is_whole(unit))
    {
        let text = |name| unit.unit.last("Service", name).map(Setting::display);
        let r#type = text("Type").unwrap_or_else(|| "simple".to_owned());
        let watches = matches!(&*r#type, "simple" | "exec" | "notify" | "idle");
        let remains = unit.unit.switched_on("Service", "RemainAfterExit").is_some();
        if !watches || remains || text("KillMode").is_some_and(|mode| mode == "none") {
            continue;
        }
        for setting in unit.unit.list("Service", "ExecStart") {
            for command in commands(&setting.value) {
                let [shell, option, script, ..] = &command[..] else {
                    continue;
                };
                let name = shell.bytes.rsplit(|byte| *byte == b'/').next();
                let is_shell = matches!(name, Some(b"sh" | b"bash" | b"dash")) && option.bytes == b"-c";
                if is_shell && ends_with_detaching_daemon(&script.bytes) {
                    let case = Case::at(Span::new(setting.source, script.range.clone()));
                    out.report(case.with("type", r#type.clone()).with("unit", &*unit.unit.name));
                }
            }
        }
    }
}

fn ends_with_detaching_daemon(script: &[u8]) -> bool {
    let script = Script::read(&shell::parse(script), script);
    script
        .calls
        .last()
        .filter(|call| call.program() == "rsync")
        .is_some_and(|call| {
            let invocation = call.invocation();
            invocation.option("daemon").is_some()
                && invocation.option("no-detach").is_none()
                && call.is_complete()
        })
}

/// RSY712: systemd waits for a file that the daemon does not write.
fn pid_file_disagrees(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration) else {
            continue;
        };
        let (Some(r#type), Some(file)) = (
            unit.unit.last("Service", "Type"),
            unit.unit.last("Service", "PIDFile"),
        ) else {
            continue;
        };
        let own = configuration.text(Scope::Global, Parameter::PidFile);
        if r#type.value.bytes() != b"forking" || same_file(own.value, file.value.bytes()) {
            continue;
        }
        let case = Case::at(file.span()).with("file", file.display());
        out.report(match own.origin.setting() {
            Some(setting) => case
                .also(setting.span(), "other")
                .with("other", String::from_utf8_lossy(own.value)),
            None => case.variant("none"),
        });
    }
}

/// `/var/run` is a link to `/run`, and systemd reads a relative path below it.
fn same_file(one: &[u8], other: &[u8]) -> bool {
    let plain = |path: &[u8]| {
        let text = String::from_utf8_lossy(path).into_owned();
        let below = text
            .strip_prefix("/var/run/")
            .or_else(|| text.strip_prefix("/run/"));
        below.unwrap_or(&text).to_owned()
    };
    plain(one) == plain(other)
}

/// RSY713: without `--daemon` rsync is a client.
fn daemon_option_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        if server.options.daemon.is_some() {
            continue;
        }
        let has_quote = |word: &&Word| word.bytes.contains(&b'"') || word.bytes.contains(&b'\'');
        match server.manager {
            Manager::Unit(_) => {
                let is_server = server.words.iter().any(|word| word.bytes == b"--server");
                if server.options.operand.is_none() && !is_server {
                    out.report(Case::at(server.program()).variant("unit"));
                }
            }
            Manager::Xinetd(service) => {
                if let Some(quoted) = server.words[1..].iter().find(has_quote) {
                    let last = server.words.last().unwrap_or(quoted);
                    out.report(Case::at(server.span(quoted).join(server.span(last))).variant("quoted"));
                    continue;
                }
                let place = match service.attribute("server_args") {
                    Some(attribute) => Span::new(server.source, attribute.range()),
                    None => server.program(),
                };
                out.report(Case::at(place).variant("xinetd"));
            }
            Manager::Inetd(line) => {
                let name = line
                    .words
                    .get(6)
                    .map(|word| Span::new(server.source, word.clone()));
                let is_option = name.is_some_and(|span| subject.sources.slice(span).starts_with(b"-"));
                out.report(match name.filter(|_| is_option) {
                    Some(span) => Case::at(span).variant("name"),
                    None => Case::at(server.program()).variant("inetd"),
                });
            }
        }
    }
}

/// RSY789: what `long_daemon_options` in options.c does not have.
fn daemon_option_unknown(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        if server.options.daemon.is_none() {
            continue;
        }
        // What a manager puts in is not known here.
        let is_plain = |word: &&Word| !word.bytes.iter().any(|byte| b"$%\"'".contains(byte));
        for word in unknown_daemon_options(&server.words[1..]).filter(is_plain) {
            let variant = match server.gets_connection() {
                true => "connection",
                false => "start",
            };
            let case = Case::at(server.span(word)).variant(variant);
            out.report(case.with("option", String::from_utf8_lossy(&word.bytes)));
        }
    }
}

/// RSY714: a file that is named and is not there.
fn served_configuration_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Some(path) = server.options.configuration_file() else {
            continue;
        };
        let is_named = server.options.config.is_some() || server.gets_connection();
        if server.configuration.is_some() || !is_named || !path.starts_with(b"/") {
            continue;
        }
        let path = Path::new(OsStr::from_bytes(path));
        let shown = path.display().to_string();
        if let Some(None) = out.fact(shown.clone(), server.host.metadata(path, true)) {
            let word = server.options.config.as_ref().unwrap_or(&server.words[0]);
            let case = Case::at(server.span(word)).with("path", shown.clone());
            let variant = if server.gets_connection() {
                "connection"
            } else {
                "start"
            };
            out.report(case.variant(variant).fact(format!("{shown} does not exist")));
        }
    }
}

/// RSY715: the start is skipped, without a failure, for want of a file that nobody needs.
fn condition_on_another_file(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(config)) = (server.unit(), server.options.configuration_file()) else {
            continue;
        };
        let place = server
            .options
            .config
            .as_ref()
            .map_or_else(|| server.program(), |word| server.span(word));
        for condition in unit.unit.list("Unit", "ConditionPathExists") {
            let wanted = condition.value.bytes();
            if !wanted.ends_with(b"rsyncd.conf") || wanted == config || !wanted.starts_with(b"/") {
                continue;
            }
            let exists = server.host.metadata(Path::new(OsStr::from_bytes(wanted)), true);
            if !matches!(exists, Ok(Some(_))) {
                out.report(
                    Case::at(condition.span())
                        .also(place, "config")
                        .with("condition", condition.display())
                        .with("config", String::from_utf8_lossy(config)),
                );
            }
        }
    }
}

/// RSY716: a drop-in's `ExecStart=` is a second command, unless an empty one takes the first away.
fn second_exec_start(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in &subject.services.units {
        let commands = unit.unit.list("Service", "ExecStart");
        let Some(last) = commands.last().filter(|_| !unit.unit.is_oneshot()) else {
            continue;
        };
        let is_reset = commands.len() < unit.unit.all("Service", "ExecStart").count();
        let case = Case::at(last.span())
            .with("unit", &*unit.unit.name)
            .with("command", last.display());
        match unit.unit.second_command() {
            Some((first, second)) if first.span() != second.span() => {
                out.report(case.also(first.span(), "first"));
            }
            None if !unit.has_fragment && !is_reset => out.report(case.variant("drop-in")),
            _ => {}
        }
    }
}

/// RSY717: systemd starts the program itself, without a shell.
fn shell_syntax(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    let commands = subject.services.units.iter().flat_map(|unit| {
        let settings = unit.unit.list("Service", "ExecStart").into_iter();
        settings.flat_map(|setting| {
            let commands = commands(&setting.value).into_iter();
            commands.map(|command| (setting.source, command))
        })
    });
    for (source, command) in commands {
        let program = command
            .first()
            .and_then(|word| word.bytes.rsplit(|byte| *byte == b'/').next());
        if program != Some(b"rsync") {
            continue;
        }
        let is_shell = |word: &&Word| {
            let bytes = word.bytes.as_slice();
            matches!(bytes, b"&&" | b"||" | b"|" | b"&" | b"<" | b"2>&1")
                || bytes.starts_with(b">")
                || bytes.starts_with(b"1>")
                || bytes.starts_with(b"2>")
                || bytes.starts_with(b"&>")
        };
        if let Some(word) = command.iter().skip(1).find(is_shell) {
            out.report(
                Case::at(Span::new(source, word.range.clone()))
                    .with("word", String::from_utf8_lossy(&word.bytes)),
            );
        }
    }
}

/// RSY730: a daemon that is stopped after a time takes its transfers with it.
fn time_limit(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let unit = server.unit();
        let limit = unit.and_then(|unit| unit.unit.last("Service", "RuntimeMaxSec"));
        if let Some(limit) = limit.filter(|limit| limit.value.bytes() != b"infinity") {
            let variant = if server.gets_connection() {
                "connection"
            } else {
                "daemon"
            };
            out.report(
                Case::at(limit.span())
                    .variant(variant)
                    .with("limit", limit.display()),
            );
        }
    }
}

/// RSY773: rsync has no handler that reads anything anew; it ends, with 20.
fn hang_up_for_reload(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Some(unit) = server.unit().filter(|_| !server.gets_connection()) else {
            continue;
        };
        let restart = unit.unit.last("Service", "Restart");
        if restart.is_some_and(|setting| matches!(setting.value.bytes(), b"always" | b"on-failure")) {
            continue;
        }
        for setting in unit.unit.list("Service", "ExecReload") {
            for command in commands(&setting.value) {
                let texts: Vec<_> = command.iter().map(|word| &word.bytes[..]).collect();
                let is_kill = texts
                    .first()
                    .is_some_and(|program| program.rsplit(|byte| *byte == b'/').next() == Some(b"kill"));
                let is_hang_up = texts
                    .iter()
                    .any(|word| matches!(*word, b"-HUP" | b"-SIGHUP" | b"-1" | b"HUP" | b"SIGHUP"));
                let is_main = texts
                    .iter()
                    .any(|word| matches!(*word, b"$MAINPID" | b"${MAINPID}"));
                if let (true, Some(first), Some(last)) =
                    (is_kill && is_hang_up && is_main, command.first(), command.last())
                {
                    let place = Span::new(setting.source, first.range.start..last.range.end);
                    out.report(Case::at(place).variant("unit"));
                }
            }
        }
    }
}

/// Whether the unit's own file was given, or its drop-in replaces the command.
fn is_whole(unit: &ServiceUnit<'_>) -> bool {
    unit.has_fragment || !unit.unit.list("Service", "ExecStart").is_empty()
}
