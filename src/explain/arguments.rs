//! The names of a text, for the placeholders of a page.

use crate::{
    catalog::{FileKind, Page, Side, Symptom},
    explain::{Incident, PATH_MISSING, Predicted, messages::MESSAGES, place, typed, watched::OTHERS},
    rsync::transfer::kept_out,
    terms::{Misread, RsyncOption, Target, without_password},
};

/// The page of modes of `--chmod` that close folders.
const CLOSING_MODES: &str = "RSY623";

/// What the text and the command line tell a page's cause that shows `symptom` in `lines`, those first, and what is so
/// unless somebody says otherwise: the daemon is found at `port`. What the server's configuration is `found` to have counts more than all of that.
pub(super) fn of(
    incident: &Incident,
    page: &Page,
    symptom: &Symptom,
    lines: &[usize],
    found: Option<&Predicted>,
    port: u16,
) -> Vec<(&'static str, String)> {
    let own = incident.lines.iter().filter(|seen| lines.contains(&seen.number));
    let own: Vec<_> = own.flat_map(|seen| &seen.names).collect();
    // Of several messages that fit a line, the page's own says best what is what.
    let is_of_page = |message: &Option<usize>| {
        let claims = message.iter().flat_map(|number| &MESSAGES.get(*number).claims);
        claims.into_iter().any(|claim| claim.page.id == page.id)
    };
    let by_page = own.iter().filter(|(message, ..)| is_of_page(message));
    let by_line = own.iter().filter(|(message, ..)| message.is_none());
    let in_order = by_page.chain(by_line).chain(&own);
    let named = in_order.map(|(_, kind, name)| (*kind, name.clone()));
    let named = named.chain(incident.names.iter().cloned());
    let slip = typed::slips(incident)
        .into_iter()
        .find(|slip| slip.page == page.id);
    let found_place = found;
    let found = found
        .into_iter()
        .flat_map(|found| found.arguments.iter().cloned());
    let misread = slip.as_ref().and_then(|slip| Misread::of(&slip.word));
    let told = of_misread(misread)
        .into_iter()
        .chain(named)
        .chain(of_command(incident))
        .filter(|(kind, _)| may_be_named(page, symptom, kind))
        .chain(slip.map(|slip| ("word", slip.word)))
        .chain(closing_modes(incident, page))
        .chain([("port", port.to_string())]);
    let mut arguments: Vec<(&'static str, String)> = Vec::new();
    for (kind, name) in found.chain(told) {
        if !name.is_empty() && !arguments.iter().any(|(known, _)| *known == kind) {
            arguments.push((kind, name));
        }
    }
    let value = |kind: &str| {
        arguments
            .iter()
            .find(|(known, _)| *known == kind)
            .map(|(_, value)| value.clone())
    };
    let arrived = value("path").zip(value("target"));
    let arrived = arrived.and_then(|(path, target)| place::arrived(&path, &target));
    if found_place.is_none() && value("name").is_some() && value("name") == value("module") {
        // The message names one module, and a page about two of them has no second one.
        arguments.retain(|(kind, _)| *kind != "name");
    }
    let mut path = arguments.iter_mut().filter(|(kind, _)| *kind == "path");
    if let (Some(arrived), Some((_, path))) = (arrived, path.next()) {
        *path = arrived;
    }
    arguments.push(("source", source(incident, &arguments)));
    arguments.push(("module-url", module(incident, &arguments)));
    // The page of a password file means that file by its path.
    if page.files.contains(&FileKind::Password)
        && let Some((_, file)) = arguments
            .iter()
            .find(|(kind, _)| *kind == "password-file")
            .cloned()
    {
        arguments.push(("path", file));
    }
    if let Some((_, option)) = arguments.iter().find(|(kind, _)| *kind == "option") {
        let hyphens = with_hyphens(option);
        let name = option_name(option, incident, lines);
        arguments.push(("option-name", name));
        arguments.push(("typed-right", hyphens));
    }
    let first = incident.lines.iter().find(|seen| lines.contains(&seen.number));
    if let Some(seen) = first.filter(|seen| seen.others > 0 && page.id == MAY_NOT_READ) {
        arguments.push((OTHERS, seen.others.to_string()));
    }
    if let Some(code) = hook_code(&arguments) {
        arguments.push(("hook-code", code.to_string()));
    }
    arguments
}

/// The page of what a daemon may not read.
const MAY_NOT_READ: &str = "RSY840";

/// Where a cause is cured: what a page finds in files of passwords on both sides is the client's where it is found in the
/// client's own file.
pub(super) fn side_of(page: &Page, found: Option<&Predicted>, arguments: &[(&'static str, String)]) -> Side {
    let file = arguments.iter().find(|(kind, _)| *kind == "password-file");
    let is_of_client = |found: &Predicted| {
        let is_there = |file: &str| {
            found
                .place
                .strip_prefix(file)
                .is_some_and(|rest| rest.starts_with(':'))
        };
        page.files.contains(&FileKind::Password) && file.is_some_and(|(_, file)| is_there(file))
    };
    match found.is_some_and(is_of_client) {
        true => Side::Client,
        false => page.side,
    }
}

/// The path of which the page of a missing one tells is the module's, where nobody says otherwise.
pub(super) fn add_path_of_module(page: &Page, arguments: &mut Vec<(&'static str, String)>) {
    let value = |kind: &str| arguments.iter().find(|(known, _)| *known == kind);
    if page.id == PATH_MISSING
        && value("path").is_none()
        && let Some((_, path)) = value("module-path").cloned()
    {
        arguments.push(("path", path));
    }
}

/// The name of an option of which a message tells, or whose value it tells: the message may name it elsewhere, and else the
/// command line does.
fn option_name(told: &str, incident: &Incident, lines: &[usize]) -> String {
    let bare = told.trim_start_matches('-').split('=').next().unwrap_or_default();
    let is_option = |name: &&str| RsyncOption::of_name(name).is_some();
    let seen = incident.lines.iter().filter(|seen| lines.contains(&seen.number));
    let named = seen
        .flat_map(|seen| seen.text.split_whitespace())
        .filter_map(|word| word.strip_prefix("--"))
        .find(is_option);
    let invocation = incident.command.as_ref().map(|command| &command.invocation);
    let with_value = invocation.and_then(|invocation| {
        let mut options = invocation.options.iter();
        options.find(|given| given.value.as_deref() == Some(told))
    });
    let found = Some(bare).filter(is_option).or(named);
    let found = found.or_else(|| with_value.map(|given| &*given.name));
    found.unwrap_or(bare).to_owned()
}

/// `-avz`, `--delete`: an option with the hyphens that it has in front of it. Letters are told from a name by the names
/// that there are.
fn with_hyphens(option: &str) -> String {
    let name = option.split('=').next().unwrap_or(option);
    match RsyncOption::of_name(name) {
        Some(_) => format!("--{option}"),
        None if name
            .bytes()
            .all(|letter| RsyncOption::of_letter(letter).is_some()) =>
        {
            format!("-{option}")
        }
        None => format!("--{option}"),
    }
}

/// What an address names that rsync misreads, and how it is written.
fn of_misread(misread: Option<Misread>) -> Vec<(&'static str, String)> {
    match misread {
        Some(Misread::Password { right, .. } | Misread::Path { right, .. } | Misread::Host { right, .. }) => {
            vec![("address", right)]
        }
        Some(Misread::Port {
            port, taken, right, ..
        }) => vec![
            ("address", right),
            ("port", port.to_string()),
            ("taken-port", taken.to_string()),
        ],
        None => Vec::new(),
    }
}

/// What the command line names.
fn of_command(incident: &Incident) -> Vec<(&'static str, String)> {
    let Some(command) = &incident.command else {
        return Vec::new();
    };
    let invocation = &command.invocation;
    let value = |option| {
        let given = invocation.option(option);
        given.and_then(|given| given.value.clone())
    };
    let peer = invocation.peer();
    let remote = peer.and_then(|target| target.remote());
    let module = peer.and_then(|target| target.module());
    let port = value("port").or_else(|| remote?.port.map(|port| port.to_string()));
    let file = value("password-file");
    let local = |target: Option<&Target>| match target {
        Some(Target::Local(path)) => Some(path.clone()),
        _ => None,
    };
    let targets = &invocation.targets;
    let is_copy = targets.len() > 1;
    let words = command.words.iter().map(|word| without_password(word));
    let named = [
        ("arguments", Some(shell_words::join(words))),
        ("local", local(targets.first().filter(|_| is_copy))),
        ("destination", local(targets.last().filter(|_| is_copy))),
        ("host", remote.map(|remote| remote.host.clone())),
        ("user", remote.and_then(|remote| remote.user.clone())),
        ("module", module.map(str::to_owned)),
        ("port", port),
        ("password-file", file),
    ];
    let named = named.into_iter();
    named.filter_map(|(kind, name)| Some((kind, name?))).collect()
}

/// The modes of `--chmod` that close folders, and what is meant by them, for the page of that: others speak of modes of files.
fn closing_modes(incident: &Incident, page: &Page) -> Vec<(&'static str, String)> {
    let command = incident.command.as_ref().filter(|_| page.id == CLOSING_MODES);
    let modes = command.and_then(|command| command.invocation.folder_modes());
    let closing = modes.and_then(|(modes, keeps)| Some((kept_out(&modes, keeps)?.1, modes)));
    closing.map_or_else(Vec::new, |(meant, mode)| vec![("mode", mode), ("meant", meant)])
}

/// Where files come from: a module, or what the user typed that is no option with a web page's dash.
fn source(incident: &Incident, arguments: &[(&'static str, String)]) -> String {
    let words = incident
        .command
        .as_ref()
        .map_or(&[][..], |command| &command.words);
    let sources = match words {
        [sources @ .., _destination] if !sources.is_empty() => sources,
        words => words,
    };
    let own = sources.iter().find(|word| !typed::is_mistyped_option(word));
    match own.map(|word| (word, Target::parse(word))) {
        Some((word, Target::Local(_) | Target::Shell(_))) => word.clone(),
        _ => module(incident, arguments),
    }
}

/// The module that the text is about, as a client names it.
fn module(incident: &Incident, arguments: &[(&'static str, String)]) -> String {
    let value = |kind: &str, otherwise: &str| {
        let known = arguments.iter().find(|(known, _)| *known == kind);
        known.map_or_else(|| otherwise.to_owned(), |(_, value)| value.clone())
    };
    let peer = incident
        .command
        .as_ref()
        .and_then(|command| command.invocation.peer());
    let user = match peer.and_then(|peer| peer.remote()?.user.as_ref()) {
        Some(user) => format!("{user}@"),
        None => String::new(),
    };
    let (host, module) = (value("host", "HOST"), value("module", "MODULE"));
    match &*value("port", "873") {
        "873" => format!("{user}{host}::{module}/"),
        port => format!("rsync://{user}{host}:{port}/{module}/"),
    }
}

/// Whether a name of the text is what a page means by it. The page of a file's line means the path or the account of that
/// line; messages tell the file that was copied, and a command line the name of the login.
fn may_be_named(page: &Page, symptom: &Symptom, kind: &str) -> bool {
    let is_of_service =
        |file: &FileKind| matches!(file, FileKind::Inetd | FileKind::Systemd | FileKind::Xinetd);
    let is_foreign = match kind {
        "path" => !page.files.is_empty(),
        "user" => page.files.iter().any(is_of_service),
        _ => false,
    };
    let placeholder = format!("{{{kind}}}");
    let client = symptom.client.into_iter().chain(symptom.wordings.iter().copied());
    let log = symptom
        .log
        .into_iter()
        .chain(symptom.log_wordings.iter().copied());
    !is_foreign || client.chain(log).any(|text| text.contains(&placeholder))
}

/// The exit code in the wait status that a daemon tells of a hook; none where a signal ended the hook.
fn hook_code(arguments: &[(&'static str, String)]) -> Option<u32> {
    let (_, status) = arguments.iter().find(|(kind, _)| *kind == "wait-status")?;
    let code = status.parse::<u32>().ok()? / 256;
    (code > 0).then_some(code)
}
