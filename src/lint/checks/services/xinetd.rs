//! xinetd's files. What each fault does was seen with xinetd 2.3.15.3.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    host::EntryKind,
    lint::{
        checks::Check,
        files::file_name,
        report::{Case, Reporter},
        services::{Manager, ServicesSubject, XinetdFile},
    },
    model::{
        Scope, access,
        service::{Word, XinetdService, services},
    },
    syntax::xinetd::{Attribute, Opening},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY740", brace_not_alone),
    Check::services("RSY741", operator_glued),
    Check::services("RSY742", service_disabled),
    Check::services("RSY743", waits),
    Check::services("RSY744", admits_nobody),
    Check::services("RSY734", value_switches_off),
    Check::services("RSY745", server_missing),
    Check::services("RSY746", unknown_user),
    Check::services("RSY747", port_unknown),
    Check::services("RSY748", unknown_attribute),
    Check::services("RSY749", several_values),
    Check::services("RSY750", file_skipped),
    Check::services("RSY751", attribute_missing),
    Check::services("RSY752", attribute_repeated),
];

/// Every attribute that xinetd knows.
const ATTRIBUTES: [&str; 43] = [
    "access_times",
    "banner",
    "banner_fail",
    "banner_success",
    "bind",
    "cps",
    "deny_time",
    "disable",
    "disabled",
    "enabled",
    "env",
    "flags",
    "group",
    "groups",
    "id",
    "include",
    "includedir",
    "instances",
    "interface",
    "libwrap",
    "log_on_failure",
    "log_on_success",
    "log_type",
    "max_load",
    "mdns",
    "nice",
    "no_access",
    "only_from",
    "passenv",
    "per_source",
    "port",
    "protocol",
    "redirect",
    "rlimit_as",
    "rlimit_cpu",
    "rlimit_files",
    "rpc_version",
    "server",
    "server_args",
    "socket_type",
    "type",
    "user",
    "wait",
];
/// Attributes that take one word; with more, xinetd ignores the line.
const SINGLE: [&str; 13] = [
    "disable",
    "group",
    "id",
    "instances",
    "nice",
    "per_source",
    "port",
    "protocol",
    "server",
    "socket_type",
    "umask",
    "user",
    "wait",
];
/// Attributes that may be set once.
const ONCE: [&str; 8] = [
    "disable",
    "port",
    "protocol",
    "server",
    "server_args",
    "socket_type",
    "user",
    "wait",
];

fn each<'a>(subject: &ServicesSubject<'a>) -> impl Iterator<Item = (&'a XinetdFile<'a>, XinetdService<'a>)> {
    let sources = subject.sources;
    subject.services.xinetd.iter().flat_map(move |file| {
        let bytes = sources.get(file.source).bytes();
        services(&file.document, bytes).map(move |service| (file, service))
    })
}

/// RSY740: xinetd wants the brace alone on the next line.
fn brace_not_alone(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let span = |range| Span::new(file.source, range);
        let name = service.entry.name.clone().unwrap_or_default();
        match &service.entry.opening {
            Opening::Alone if service.entry.is_closed => {}
            Opening::Alone => out.report(Case::at(span(name)).variant("open")),
            Opening::Missing => out.report(Case::at(span(name)).variant("missing")),
            Opening::SameLine(brace) => {
                let edit = Edit::replace(span(name.end..brace.start), "\n");
                out.report(
                    Case::at(span(brace.clone()))
                        .variant("line")
                        .fix(Safety::Safe, [edit]),
                );
            }
        }
    }
}

/// RSY741: `name=value` is no attribute.
fn operator_glued(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        for attribute in &service.entry.attributes {
            if let Some(operator) = &attribute.glued {
                let blank = Edit::replace(Span::new(file.source, operator.start..operator.start), " ");
                out.report(
                    Case::at(Span::new(file.source, attribute.name.start..operator.end))
                        .with("name", text(subject, file, attribute))
                        .fix(Safety::Safe, [blank]),
                );
            }
        }
    }
}

/// RSY742: the shipped file is switched off.
fn service_disabled(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let Some(attribute) = service.attribute("disable") else {
            continue;
        };
        let case = Case::at(Span::new(file.source, attribute.range()));
        if service.is_disabled() {
            let is_served_otherwise = !subject.services.units.is_empty();
            if !is_served_otherwise {
                out.report(case);
            }
        } else if let Some(value) = service.value("disable")
            && !value.bytes.eq_ignore_ascii_case(b"no")
        {
            let value = String::from_utf8_lossy(&value.bytes).into_owned();
            out.report(case.variant("value").with("value", value));
        }
    }
}

/// RSY743: `wait = yes` hands the listening socket over.
fn waits(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let waits = service
            .value("wait")
            .filter(|word| word.bytes.eq_ignore_ascii_case(b"yes"));
        if let Some(word) = waits {
            out.report(Case::at(Span::new(file.source, word.range)));
        }
    }
    for file in &subject.services.inetd {
        let bytes = subject.sources.get(file.source).bytes();
        for line in &file.lines {
            let is_rsync = line
                .words
                .first()
                .is_some_and(|word| &bytes[word.clone()] == b"rsync");
            if let Some(word) = line.words.get(3).filter(|_| is_rsync)
                && (&bytes[word.clone()] == b"wait" || bytes[word.clone()].starts_with(b"wait."))
            {
                out.report(Case::at(Span::new(file.source, word.clone())).variant("inetd"));
            }
        }
    }
}

/// RSY744: who is not in `only_from` never reaches rsync.
fn admits_nobody(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        if let Some(attribute) = service
            .attribute("only_from")
            .filter(|attribute| attribute.values.is_empty())
        {
            out.report(Case::at(Span::new(file.source, attribute.name.clone())));
        }
        for name in ["only_from", "no_access"] {
            for word in service.values(name) {
                let text = String::from_utf8_lossy(&word.bytes).into_owned();
                let case = Case::at(Span::new(file.source, word.range)).with("word", text.clone());
                let mask = text.split_once('/').map_or("", |(_, mask)| mask);
                let is_unknown = text.contains('*') || mask.contains('.');
                let is_all = matches!(&*text, "0.0.0.0" | "0.0.0.0/0");
                if name == "only_from" && is_unknown {
                    out.report(case.variant("word"));
                } else if name == "no_access" && is_all && service.attribute("only_from").is_none() {
                    out.report(case.variant("all"));
                }
            }
        }
        for name in ["per_source", "instances"] {
            if let Some(word) = service.value(name).filter(|word| word.bytes == b"0") {
                let case = Case::at(Span::new(file.source, word.range)).with("name", name);
                out.report(case.variant("zero"));
            }
        }
    }
}

/// RSY734: what switches the service off, and not just the line.
fn value_switches_off(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let shown = |word: &Word| String::from_utf8_lossy(&word.bytes).into_owned();
        let case = |word: &Word, name: &'static str| {
            let case = Case::at(Span::new(file.source, word.range.clone()));
            case.with("name", name).with("word", shown(word))
        };
        for name in ["only_from", "no_access"] {
            for word in service
                .values(name)
                .iter()
                .filter(|word| word.bytes.contains(&b','))
            {
                // `192.0.2.{1,2}` is xinetd's own way to name several.
                if !word.bytes.contains(&b'{') {
                    out.report(case(word, name));
                }
            }
        }
        if let Some(word) = service.value("max_load")
            && shown(&word).parse().is_ok_and(|load: f64| load == 0.0)
        {
            out.report(case(&word, "max_load").variant("load"));
        }
        let is_stream = service
            .value("socket_type")
            .is_some_and(|word| word.bytes == b"stream");
        if let Some(word) = service
            .value("protocol")
            .filter(|word| is_stream && word.bytes.starts_with(b"udp"))
        {
            out.report(case(&word, "protocol").variant("protocol"));
        }
    }
}

/// RSY745: xinetd starts what `server` names, by its whole path.
fn server_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let Some(word) = service.value("server") else {
            continue;
        };
        let path = Path::new(OsStr::from_bytes(&word.bytes));
        let shown = path.display().to_string();
        let case = || Case::at(Span::new(file.source, word.range.clone())).with("path", shown.clone());
        if path.is_relative() {
            out.report(case().variant("relative"));
            continue;
        }
        match out.fact(shown.clone(), file.host.metadata(path, true)) {
            Some(None) => out.report(case().fact(format!("{shown} does not exist"))),
            Some(Some(found)) if found.kind != EntryKind::File || found.mode & 0o111 == 0 => {
                out.report(case().variant("mode").fact(format!("{shown} cannot be executed")));
            }
            _ => {}
        }
    }
}

/// RSY746: `user` is a user of the machine, not one of `auth users`.
fn unknown_user(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Manager::Xinetd(service) = server.manager else {
            continue;
        };
        let Some(word) = service.value("user").filter(|word| word.bytes != b"root") else {
            continue;
        };
        let name = String::from_utf8_lossy(&word.bytes).into_owned();
        let case = || Case::at(server.span(&word)).with("user", name.clone());
        let configuration = server.configuration;
        let rule = configuration.and_then(|configuration| {
            let mut scopes = configuration.module_scopes().map(|(scope, _): (Scope, _)| scope);
            scopes.find_map(|scope| {
                let setting = configuration
                    .text(scope, crate::model::Parameter::AuthUsers)
                    .origin
                    .setting()?;
                let rules = access::user_rules(setting, configuration.release);
                let names = |rule: &access::UserRule<'_>| rule.pattern == word.bytes;
                rules.iter().any(names).then(|| setting.span())
            })
        });
        if let Some(span) = rule {
            out.report(case().variant("auth").also(span, "users"));
        } else if let Some(None) = out.fact(format!("user {name}"), server.host.user(&name)) {
            out.report(case().fact(format!("there is no user {name}")));
        }
    }
}

/// RSY747: the port comes from the name, or from `port` and `type = UNLISTED`.
fn port_unknown(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let name = service.entry.name.clone().unwrap_or_default();
        let is_unlisted = service
            .values("type")
            .iter()
            .any(|word| word.bytes.eq_ignore_ascii_case(b"UNLISTED"));
        let shown = String::from_utf8_lossy(service.name()).into_owned();
        let case = |range| Case::at(Span::new(file.source, range)).with("name", shown.clone());
        match service.value("port") {
            None if is_unlisted => out.report(case(name).variant("unlisted")),
            None if service.name() != b"rsync" => out.report(case(name)),
            Some(port) if !is_unlisted && service.name() == b"rsync" && port.bytes != b"873" => {
                let number = String::from_utf8_lossy(&port.bytes).into_owned();
                out.report(case(port.range).variant("other").with("port", number));
            }
            _ => {}
        }
    }
}

/// RSY748: what xinetd does not know it skips.
fn unknown_attribute(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        for attribute in &service.entry.attributes {
            let name = text(subject, file, attribute);
            let is_known = ATTRIBUTES
                .iter()
                .chain(&["umask", "rlimit_data", "rlimit_rss", "rlimit_stack"]);
            if attribute.glued.is_some()
                || is_known
                    .into_iter()
                    .any(|known| known.eq_ignore_ascii_case(&name))
            {
                continue;
            }
            let case = Case::at(Span::new(file.source, attribute.name.clone())).with("name", name.clone());
            let distance = |known: &str| strsim::damerau_levenshtein(known, &name.to_lowercase());
            let nearest = ATTRIBUTES.into_iter().min_by_key(|known| distance(known));
            match nearest.filter(|known| distance(known) <= 2) {
                Some(like) => out.report(case.variant("spelling").with("like", like)),
                None => out.report(case),
            }
        }
    }
}

/// RSY749: a note behind a value makes more values of it.
fn several_values(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        for attribute in &service.entry.attributes {
            let name = text(subject, file, attribute);
            let bytes = subject.sources.get(file.source).bytes();
            let note = attribute.values.iter().find(|value| bytes[value.start] == b'#');
            let last = attribute
                .values
                .last()
                .map_or(attribute.name.end, |value| value.end);
            let case =
                |start: usize| Case::at(Span::new(file.source, start..last)).with("name", name.clone());
            let is_single = SINGLE.iter().any(|single| single.eq_ignore_ascii_case(&name));
            match note {
                Some(note) if name.eq_ignore_ascii_case("server_args") => {
                    out.report(case(note.start).variant("arguments"));
                }
                Some(note) => out.report(case(note.start)),
                None if is_single && attribute.values.len() > 1 => {
                    out.report(case(attribute.values[0].start).variant("several"));
                }
                None => {}
            }
        }
    }
}

/// RSY750: `includedir` skips names with a dot and copies of editors.
fn file_skipped(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let path = Path::new(subject.sources.get(file.source).name());
        let folder = path.parent().map(file_name).unwrap_or_default();
        let name = file_name(path);
        if folder == "xinetd.d" && (name.contains('.') || name.ends_with('~')) {
            let span = Span::new(file.source, service.entry.name.clone().unwrap_or_default());
            out.report(Case::at(span).with("file", name));
        }
    }
}

/// RSY751: what every service must have.
fn attribute_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let is_internal = service
            .values("type")
            .iter()
            .any(|word| word.bytes == b"INTERNAL");
        for name in ["socket_type", "wait", "user", "server"] {
            let names_it = |attribute: &&Attribute| text(subject, file, attribute).eq_ignore_ascii_case(name);
            let given = service.entry.attributes.iter().find(names_it);
            let in_defaults = service
                .defaults
                .is_some_and(|defaults| defaults.attributes.iter().any(|one| names_it(&one)));
            if given.is_none() && !in_defaults && !is_internal {
                let span = Span::new(file.source, service.entry.name.clone().unwrap_or_default());
                out.report(Case::at(span).with("name", name));
            } else if let Some(empty) = given.filter(|one| one.values.is_empty()) {
                let span = Span::new(file.source, empty.name.clone());
                out.report(Case::at(span).variant("empty").with("name", name));
            }
        }
    }
}

/// RSY752: of two lines the first one counts.
fn attribute_repeated(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for (file, service) in each(subject) {
        let mut firsts: BTreeMap<String, &Attribute> = BTreeMap::new();
        for attribute in &service.entry.attributes {
            let name = text(subject, file, attribute).to_lowercase();
            if !ONCE.contains(&&*name) {
                continue;
            }
            match firsts.get(&name) {
                Some(first) => out.report(
                    Case::at(Span::new(file.source, attribute.range()))
                        .also(Span::new(file.source, first.range()), "first")
                        .with("name", name),
                ),
                None => {
                    firsts.insert(name, attribute);
                }
            }
        }
    }
}

fn text(subject: &ServicesSubject<'_>, file: &XinetdFile<'_>, attribute: &Attribute) -> String {
    subject
        .sources
        .text(Span::new(file.source, attribute.name.clone()))
}
