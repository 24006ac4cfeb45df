//! Mistakes that no message names, and that the command line shows beside it.

use crate::{
    explain::{Command, Incident, command::Way, facts},
    rsync::transfer::{KeptOut, kept_out},
    terms::{Misread, Remote, Target, without_password},
};

/// A mistake of the command line that the failure follows from.
#[derive(Debug)]
pub(super) struct Slip {
    /// Its page, and the page's kind of case.
    pub(super) page: &'static str,
    pub(super) variant: &'static str,
    /// The word of the command line.
    pub(super) word: String,
    /// Whether the word is wrong for sure; else it may be meant so.
    pub(super) is_sure: bool,
}

/// The oldest protocol that a release of today speaks, as it says itself: `--protocol must be at least 20`.
const OLDEST_PROTOCOL: u32 = 20;

/// What web pages make of the hyphens in front of an option.
const DASHES: [char; 5] = ['\u{2010}', '\u{2013}', '\u{2014}', '\u{2212}', '\u{ff0d}'];

/// The mistakes in the command line above a failure.
pub(super) fn slips(incident: &Incident) -> Vec<Slip> {
    let Some(command) = &incident.command else {
        return Vec::new();
    };
    let words = &command.words;
    let mut slips: Vec<_> = words.iter().filter_map(|word| slip(word, incident)).collect();
    if command.invocation.option("rsh").is_some() {
        slips.extend(port_of_shell(incident));
    }
    if command.invocation.option("rsh").is_some()
        && matches!(command.invocation.peer(), Some(Target::Daemon(_)))
        && shows(incident, &["did not see server greeting"])
    {
        slips.push(Slip {
            page: "RSY809",
            variant: "shell",
            word: "::".to_owned(),
            is_sure: true,
        });
    }
    if let Some(protocol) = command
        .invocation
        .option("protocol")
        .and_then(|given| given.value.as_ref())
        && protocol
            .parse::<u32>()
            .is_ok_and(|version| version < OLDEST_PROTOCOL)
        && shows(incident, &["is your shell clean?"])
    {
        slips.push(Slip {
            page: "RSY826",
            variant: "typed",
            word: format!("--protocol={protocol}"),
            is_sure: true,
        });
    }
    slips.extend(refused_algorithm(incident));
    slips.extend(returned(command));
    slips.extend(temporary(incident));
    slips.extend(climbing(command, incident));
    slips.extend(other_module(command, incident));
    slips.extend(closed_way(incident));
    slips.extend(closed_folders(command, incident));
    if command.is_of_root && incident.lines.iter().any(|seen| is_owner_refused(&seen.text)) {
        slips.push(Slip {
            page: "RSY776",
            variant: "root",
            word: "root".to_owned(),
            is_sure: false,
        });
    }
    let sources = &words[..words.len().saturating_sub(1)];
    let torn = sources.windows(2).find(|pair| {
        let may_go_on = !pair[1].starts_with(['/', '-']);
        may_go_on && pair.iter().all(|word| is_missing(word, incident))
    });
    if let Some(pair) = torn {
        slips.push(Slip {
            page: "RSY881",
            variant: "blank",
            word: pair.join(" "),
            is_sure: true,
        });
    }
    slips
}

/// Whether a word begins with what web pages make of the hyphens in front of an option.
pub(super) fn is_mistyped_option(word: &str) -> bool {
    word.starts_with(DASHES)
}

fn slip(word: &str, incident: &Incident) -> Option<Slip> {
    let found = |page, variant, is_sure| {
        Some(Slip {
            page,
            variant,
            word: without_password(word),
            is_sure,
        })
    };
    let unexpected = ["Unexpected remote arg: ", "Unexpected local arg: "];
    if is_port(word) && (is_missing(word, incident) || shows(incident, &unexpected)) {
        return found("RSY881", "port", true);
    }
    if let Some((before, _)) = word.split_once('&')
        && is_missing(before, incident)
    {
        return found("RSY881", "ampersand", true);
    }
    if is_mistyped_option(word) && shows(incident, &unexpected) {
        return found("RSY875", "dash", true);
    }
    match Misread::of(word) {
        Some(Misread::Password { .. }) => return found("RSY785", "typed", true),
        Some(Misread::Port { .. }) => return found("RSY786", "typed", true),
        Some(Misread::Path { shown, .. }) => {
            let variant = if shown.contains("::") || shown.contains("://") {
                "port"
            } else {
                "slash"
            };
            return found("RSY806", variant, true);
        }
        Some(Misread::Host { .. }) => return found("RSY806", "blank", true),
        None => {}
    }
    match Target::parse(word) {
        Target::Shell(remote) if is_drive(&remote) && (is_unreached(incident) || is_refused(incident)) => {
            found("RSY806", "drive", true)
        }
        Target::Shell(remote) | Target::Daemon(remote)
            if first(&remote.path).contains(':')
                && (is_unreached(incident) || is_missing(&remote.path, incident)) =>
        {
            found("RSY806", "colons", true)
        }
        Target::Shell(remote)
            if !remote.path.starts_with(['/', '~', '.']) && is_missing(first(&remote.path), incident) =>
        {
            found("RSY874", "module", false)
        }
        _ => None,
    }
}

/// Whether a path of no module keeps its owner.
fn is_owner_refused(line: &str) -> bool {
    let is_told = ["chown \"", "chgrp \""].iter().any(|call| line.contains(call));
    is_told && line.contains("Operation not permitted (1)") && !line.contains("(in ")
}

/// An algorithm that the command line asks of a daemon, which hangs up at once.
fn refused_algorithm(incident: &Incident) -> Option<Slip> {
    let invocation = &incident.command.as_ref()?.invocation;
    let is_daemon = matches!(invocation.peer(), Some(Target::Daemon(_)));
    if !is_daemon || !shows(incident, &["unexpectedly closed (0 bytes received so far)"]) {
        return None;
    }
    ["checksum-choice", "compress-choice"]
        .into_iter()
        .find_map(|option| {
            let value = invocation.option(option)?.value.as_ref()?;
            Some(Slip {
                page: "RSY888",
                variant: "choice",
                word: format!("--{option}={value}"),
                is_sure: true,
            })
        })
}

/// The folder of `-T`, which is the receiver's: the client's in a pull, the module's in a push.
fn temporary(incident: &Incident) -> Option<Slip> {
    let invocation = &incident.command.as_ref()?.invocation;
    let folder = invocation.option("temp-dir")?.value.clone()?;
    let texts = [
        "The temp-dir does not exist: ",
        "The temp-dir is not a directory: ",
    ];
    let is_push = invocation.is_push()?;
    if is_push && !matches!(invocation.peer(), Some(Target::Daemon(_))) {
        return None;
    }
    // A module may have one of its own.
    let (page, variant) = match (is_push, folder.starts_with('/')) {
        (true, true) => ("RSY434", "absolute"),
        (true, false) => ("RSY434", "relative"),
        (false, _) => ("RSY795", "typed"),
    };
    shows(incident, &texts).then_some(Slip {
        page,
        variant,
        word: folder,
        is_sure: true,
    })
}

/// A source with `..` in it: a daemon takes that out of the name, and what it sends nobody has asked for.
fn climbing(command: &Command, incident: &Incident) -> Option<Slip> {
    let is_climbing = |word: &&String| match Target::parse(word) {
        Target::Local(_) => false,
        Target::Shell(remote) | Target::Daemon(remote) => remote.path.split('/').any(|part| part == ".."),
    };
    let word = command.words.iter().find(is_climbing)?;
    shows(incident, &["rejecting unrequested file-list name: "]).then_some(Slip {
        page: "RSY976",
        variant: "climbing",
        word: word.clone(),
        is_sure: true,
    })
}

/// A source in another module than the first one's: a session has one module, and its name is a path in it for the others
/// (`glob_expand_module` in util1.c; observed with rsync 3.5.0).
fn other_module(command: &Command, incident: &Incident) -> Option<Slip> {
    let sources = command.invocation.targets.split_last()?.1.iter();
    let mut sources = sources.filter_map(|source| match source {
        Target::Daemon(remote) => Some(remote),
        Target::Local(_) | Target::Shell(_) => None,
    });
    let own = first(&sources.next()?.path);
    let others = sources.filter(|source| first(&source.path) != own);
    let is_told = |remote: &&Remote| {
        let module = first(&remote.path);
        // Behind a change of root paths begin with a slash.
        let names = ["", "/"].map(|front| format!("\"{front}{module}"));
        let is_named = |text: &str| {
            names.iter().any(|name| {
                let behind = text.split_once(&**name).map(|(_, behind)| behind);
                behind.is_some_and(|behind| behind.starts_with(['"', '/']))
            })
        };
        let inside = format!("(in {own})");
        let mut lines = incident.lines.iter();
        !module.is_empty() && lines.any(|seen| seen.text.contains(&inside) && is_named(&seen.text))
    };
    Some(Slip {
        page: "RSY870",
        variant: "modules",
        word: others.filter(is_told).map(|other| other.path.clone()).next()?,
        is_sure: true,
    })
}

/// A carriage return at the end of a word or of a variable in it, which nobody sees.
fn returned(command: &Command) -> Option<Slip> {
    let options = command.invocation.options.iter();
    let values = options.filter_map(|option| option.value.as_ref());
    let word = command
        .words
        .iter()
        .chain(values)
        .find(|word| word.contains('\r'))?;
    Some(Slip {
        page: "RSY969",
        variant: "typed",
        word: without_password(word).replace('\r', ""),
        is_sure: true,
    })
}

/// A proxy or a program that does not connect the client: nothing has reached the server.
fn closed_way(incident: &Incident) -> Option<Slip> {
    let way = incident.command.as_ref()?.way?;
    let is_ungreeted = incident.lines.iter().any(|seen| facts::is_ungreeted(&seen.text));
    let (variant, word, is_shown) = match way {
        Way::Proxy if is_ungreeted => ("hang-up", "RSYNC_PROXY", true),
        Way::Proxy => (
            "proxy",
            "RSYNC_PROXY",
            shows(incident, &["failed to connect to ", "getaddrinfo: "]),
        ),
        Way::Program => ("program", "RSYNC_CONNECT_PROG", is_ungreeted),
    };
    is_shown.then(|| Slip {
        page: "RSY813",
        variant,
        word: word.to_owned(),
        is_sure: true,
    })
}

/// `--chmod` with a mode for files, which holds for folders too: a receiver that is not root cannot enter them any more.
fn closed_folders(command: &Command, incident: &Incident) -> Option<Slip> {
    let (modes, keeps_permissions) = command.invocation.folder_modes()?;
    let (KeptOut::Owner, _) = kept_out(&modes, keeps_permissions)? else {
        return None;
    };
    let is_of_receiver = |text: &str| {
        let in_folder = [
            "change_dir",
            "failed to modify permissions",
            "mkstemp",
            "opendir",
            "recv_generator",
        ];
        text.contains("Permission denied")
            && !text.contains("[sender]")
            && in_folder.iter().any(|call| text.contains(call))
    };
    let mut lines = incident.lines.iter();
    lines.any(|seen| is_of_receiver(&seen.text)).then_some(Slip {
        page: "RSY623",
        variant: "owner",
        word: format!("--chmod={modes}"),
        is_sure: true,
    })
}

/// `-p2222`, which rsync reads as options of its own where ssh and it are not quoted together.
fn port_of_shell(incident: &Incident) -> Option<Slip> {
    let option = incident.lines.iter().find_map(|seen| {
        let (before, _) = seen.text.split_once(": unknown option")?;
        let option = before.rsplit(' ').next()?;
        option
            .strip_prefix("-p")
            .filter(|port| is_port(port))
            .and(Some(option))
    })?;
    Some(Slip {
        page: "RSY881",
        variant: "shell",
        word: option.to_owned(),
        is_sure: true,
    })
}

/// The first part of a path.
fn first(path: &str) -> &str {
    path.split('/').next().unwrap_or_default()
}

fn is_port(word: &str) -> bool {
    word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse::<u16>().is_ok()
}

/// `C:/data`, `D:\data`
fn is_drive(remote: &Remote) -> bool {
    remote.host.len() == 1
        && remote.host.bytes().all(|byte| byte.is_ascii_alphabetic())
        && remote.path.starts_with(['/', '\\'])
}

/// Whether rsync says that there is no such file.
fn is_missing(word: &str, incident: &Incident) -> bool {
    let word = word.trim_end_matches('/');
    let ends = |path: &String| {
        let rest = path.trim_end_matches('/').strip_suffix(word);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    !word.is_empty() && incident.missing.iter().any(ends)
}

/// Whether there is no such host, or nobody answers there.
fn is_unreached(incident: &Incident) -> bool {
    shows(
        incident,
        &[
            "Could not resolve hostname",
            "getaddrinfo:",
            "ssh: connect to host",
        ],
    )
}

/// Whether rsync counts more remote sides than there may be.
fn is_refused(incident: &Incident) -> bool {
    shows(
        incident,
        &["cannot both be remote", "must come from the same machine"],
    )
}

fn shows(incident: &Incident, texts: &[&str]) -> bool {
    let mut lines = incident.lines.iter();
    lines.any(|seen| texts.iter().any(|text| seen.text.contains(text)))
}
