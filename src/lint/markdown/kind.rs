//! What a code block shows: by its label, by the file's name near it, by its content.

use std::path::{Path, PathBuf};

use crate::{
    catalog::FileKind,
    lint::{crontabs, discover::by_name, files::file_name, scripts, services},
    model::Parameter,
    syntax::rsyncd_conf::{self, Kind},
    terms::Bytes,
};

/// Labels that say nothing about which program reads the file.
const GENERIC: &[&str] = &[
    "",
    "ini",
    "conf",
    "config",
    "cfg",
    "text",
    "txt",
    "plain",
    "plaintext",
    "properties",
    "toml",
    "nohighlight",
    "none",
    "unix",
    "linux",
];
/// Labels of command lines. People put files below them too.
const SHELLS: &[&str] = &[
    // What is typed, without what is printed.
    "sh",
    "bash",
    "shell",
    "zsh",
    // Both.
    "console",
    "shell-session",
    "terminal",
];
/// Words of a line; a longer one is a sentence. A page that was pasted whole is no configuration.
const MOST_WORDS: usize = 15;
/// How much of the text above a block may name its file, in bytes.
const NEAR: usize = 400;

/// Parameters that only rsync has among the programs whose files look alike.
const DISTINCTIVE: &[Parameter] = &[
    Parameter::AuthUsers,
    Parameter::SecretsFile,
    Parameter::UseChroot,
    Parameter::MotdFile,
    Parameter::TransferLogging,
    Parameter::RefuseOptions,
    Parameter::DontCompress,
    Parameter::StrictModes,
    Parameter::MungeSymlinks,
    Parameter::FakeSuper,
    Parameter::IgnoreErrors,
    Parameter::IgnoreNonreadable,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
    Parameter::IncomingChmod,
    Parameter::OutgoingChmod,
    Parameter::DaemonChroot,
];
/// Words of Samba's configuration, which has many of rsync's parameters.
const FOREIGN: &[&[u8]] = &[
    b"validusers",
    b"browseable",
    b"browsable",
    b"workgroup",
    b"guestok",
    b"createmask",
    b"serverstring",
    b"vfsobjects",
];

/// What a section of a code block is, and what its file is called; `None` if it is nothing of ours, or a sketch.
pub(super) fn kind(
    info: &str,
    before: &[u8],
    path: Option<PathBuf>,
    text: &Bytes,
) -> Option<(FileKind, PathBuf)> {
    if text.trim_ascii().is_empty() || is_sketch(text) {
        return None;
    }
    let label = label(info);
    if path.is_none() && label == "console" {
        return None;
    }
    let path = path.or_else(|| named(info.as_bytes())).or_else(|| {
        let first = text.split(|&byte| byte == b'\n').next()?;
        first.starts_with(b"#").then(|| named(first)).flatten()
    });
    let is_generic = GENERIC.contains(&&*label) || SHELLS.contains(&&*label);
    let near = || named(&before[before.len().saturating_sub(NEAR)..]);
    let kind = match &*label {
        "rsyncd.conf" | "rsyncd" => Some(FileKind::RsyncdConf),
        "systemd" | "service" | "desktop" => Some(FileKind::Systemd),
        "xinetd" => Some(FileKind::Xinetd),
        "crontab" | "cron" => Some(FileKind::Crontab),
        "dockerfile" | "docker" => Some(FileKind::Dockerfile),
        "xml" | "html" => Some(FileKind::Sersync),
        _ if !is_generic => return None,
        _ => None,
    };
    // The label tells the kind; else the name; else the content alone.
    if let Some(kind) = kind {
        let path = path.or_else(near).filter(|path| by_name(path) == Some(kind));
        let is_named = path.is_some() || label.starts_with("rsyncd");
        return holds(kind, text, is_named).then(|| (kind, path.unwrap_or_else(|| usual_name(kind, text))));
    }
    let named = path.or_else(near);
    if let Some(path) = named
        && let Some(kind) = by_name(&path)
        && holds(kind, text, true)
    {
        return Some((kind, path));
    }
    let kinds = [
        FileKind::Sersync,
        FileKind::Systemd,
        FileKind::Xinetd,
        FileKind::Inetd,
        FileKind::Environment,
        FileKind::RsyncdConf,
        FileKind::Crontab,
    ];
    let is_ours = |kind: &FileKind| {
        holds(*kind, text, false)
            || *kind == FileKind::RsyncdConf && speaks_of_rsync(before) && is_module(text)
    };
    let kind = kinds.into_iter().find(is_ours);
    let kind = kind.or_else(|| is_script(&label, text).then_some(FileKind::Script))?;
    Some((kind, usual_name(kind, text)))
}

/// Whether the text leaves out so much that what remains cannot be judged.
pub(super) fn is_part(kind: FileKind, text: &Bytes) -> bool {
    match kind {
        FileKind::RsyncdConf => {
            let (mut has_global, mut modules, mut paths) = (false, 0, 0);
            for item in rsyncd_conf::parse(text) {
                match item.kind {
                    Kind::Section(_) => modules += 1,
                    Kind::Parameter(line) if modules == 0 => {
                        has_global |= Parameter::from_name(line.name.bytes()).is_some();
                    }
                    Kind::Parameter(line) => {
                        paths +=
                            usize::from(Parameter::from_name(line.name.bytes()) == Some(Parameter::Path));
                    }
                    _ => {}
                }
            }
            !has_global || modules == 0 || paths < modules
        }
        FileKind::Systemd => !contains(text, b"ExecStart="),
        FileKind::Sersync => !contains(text, b"</head"),
        FileKind::Script => !scripts::has_shebang(text),
        _ => false,
    }
}

/// Whether dots stand for lines, or for a part of one.
fn is_sketch(text: &[u8]) -> bool {
    let are_dots = |word: &[u8]| {
        word == b"..." || word == "…".as_bytes() || word == b"......" || word == "……".as_bytes()
    };
    let mut lines = text.split(|&byte| byte == b'\n').map(|line| line.trim_ascii());
    lines.any(|line| match line.strip_prefix(b"#") {
        // The dots of a sentence stand for nothing.
        Some(comment) => are_dots(comment.trim_ascii()),
        None => {
            let words = line.split(u8::is_ascii_whitespace);
            words.take_while(|word| !word.starts_with(b"#")).any(are_dots)
        }
    })
}

/// The first word of the info string, as it is usually written: ```` ```{.ini} ````, ```` ```INI title="x" ````.
fn label(info: &str) -> String {
    let info = info.trim_start_matches(['{', '.']);
    let word = info.split(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ':' | '{'));
    let word = word.into_iter().next().unwrap_or_default();
    // ```` ```title="rsyncd.conf" ```` has no label.
    if word.contains('=') {
        return String::new();
    }
    word.to_ascii_lowercase()
}

/// The last word that is a name of a file of ours.
fn named(text: &[u8]) -> Option<PathBuf> {
    let is_of_path =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'@' | b'~');
    let words = text.split(|&byte| !is_of_path(byte));
    let mut paths = words.rev().filter_map(|word| {
        let word = std::str::from_utf8(word).ok()?.trim_end_matches('.');
        let path = Path::new(word);
        by_name(path).map(|_| path.to_owned())
    });
    paths.find(|path| !matches!(by_name(path), Some(FileKind::Markdown)))
}

/// Whether a text is of that kind. A name near it makes little enough.
fn holds(kind: FileKind, text: &Bytes, is_named: bool) -> bool {
    match kind {
        FileKind::RsyncdConf => is_rsyncd_conf(text, is_named),
        FileKind::Sersync => {
            text.trim_ascii_start().starts_with(b"<")
                && contains(text, b"<head")
                && contains(text, b"<sersync")
        }
        FileKind::Systemd => {
            let is_unit = services::by_content(text) == Some(FileKind::Systemd);
            is_unit && (is_named || contains(text, b"rsync"))
        }
        FileKind::Xinetd => {
            let first = text.trim_ascii_start();
            let is_service =
                first.starts_with(b"service") && contains(first, b"rsync") && contains(first, b"{");
            is_service || services::by_content(text) == Some(FileKind::Xinetd) && contains(text, b"rsync")
        }
        FileKind::Inetd => services::by_content(text) == Some(FileKind::Inetd) && contains(text, b"rsync"),
        FileKind::Environment => {
            let is_assignment = |line: &[u8]| {
                let line = line.trim_ascii();
                line.is_empty() || line.starts_with(b"#") || line.contains(&b'=') && !line.contains(&b' ')
            };
            services::by_content(text) == Some(FileKind::Environment)
                && text.split(|&byte| byte == b'\n').any(is_assignment)
        }
        FileKind::Crontab => crontabs::by_content(text).is_some(),
        FileKind::Dockerfile => scripts::names_program(text) && contains(text, b"FROM"),
        FileKind::Secrets => {
            let mut lines = text
                .split(|&byte| byte == b'\n')
                .filter(|line| !line.trim_ascii().is_empty());
            is_named && lines.all(|line| line.starts_with(b"#") || is_secret(line))
        }
        _ => false,
    }
}

/// Whether the text above a block is about rsync, and not about Samba, whose shares look like rsync's modules.
fn speaks_of_rsync(before: &[u8]) -> bool {
    let near = before[before.len().saturating_sub(NEAR)..].to_ascii_lowercase();
    contains(&near, b"rsync") && !contains(&near, b"samba") && !contains(&near, b"smb")
}

/// Whether a text has a module with its folder, and little else.
fn is_module(text: &Bytes) -> bool {
    let (mut has_header, mut has_path) = (false, false);
    for item in rsyncd_conf::parse(text) {
        match item.kind {
            Kind::Section(_) => has_header = true,
            Kind::Parameter(line) => {
                has_path |= Parameter::from_name(line.name.bytes()) == Some(Parameter::Path);
            }
            _ => {}
        }
    }
    has_header && has_path && is_rsyncd_conf(text, true)
}

/// Whether a block with the label of a shell, or with none and the first line of a script, is one that calls a program of
/// ours. A list of commands to choose from has no first line: nothing in it follows from anything else.
fn is_script(label: &str, text: &[u8]) -> bool {
    if SHELLS[..4].contains(&label) && scripts::calls_rsync(text) {
        return true;
    }
    let is_labelled = SHELLS.contains(&label) && label != "console" || GENERIC.contains(&label);
    is_labelled && scripts::has_shebang(text) && scripts::names_program(text)
}

/// Whether a line is `user:password`, and no command, sentence or address.
fn is_secret(line: &[u8]) -> bool {
    let user = line.split(|&byte| byte == b':').next().unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@');
    user.len() < line.len()
        && !user.is_empty()
        && user.iter().all(is_name)
        && !line[user.len()..].starts_with(b"://")
}

fn is_rsyncd_conf(text: &Bytes, is_named: bool) -> bool {
    let (mut known, mut distinctive, mut other, mut sentences) = (0, 0, 0, 0);
    for item in rsyncd_conf::parse(text) {
        match item.kind {
            Kind::Parameter(line) => match Parameter::from_name(line.name.bytes()) {
                Some(parameter) => {
                    known += 1;
                    distinctive += usize::from(DISTINCTIVE.contains(&parameter));
                }
                None => {
                    let name: Vec<u8> = line
                        .name
                        .bytes()
                        .iter()
                        .filter(|byte| **byte != b' ')
                        .copied()
                        .collect();
                    if FOREIGN.contains(&&*name.to_ascii_lowercase()) {
                        return false;
                    }
                    other += 1;
                }
            },
            Kind::Section(_) | Kind::Directive(_) | Kind::Blank | Kind::Comment(_) => {}
            _ => {
                let words = text[item.range.clone()].split(u8::is_ascii_whitespace);
                sentences += usize::from(words.count() > MOST_WORDS);
                other += 1;
            }
        }
    }
    let is_enough = if is_named {
        known > 0
    } else {
        known > 1 && distinctive > 0
    };
    is_enough && known + distinctive > other && sentences < 2
}

/// What a file of that kind is called where nobody says otherwise.
fn usual_name(kind: FileKind, text: &[u8]) -> PathBuf {
    PathBuf::from(match kind {
        FileKind::Sersync => "confxml.xml",
        FileKind::Systemd if contains(text, b"[Socket]") => "rsync.socket",
        FileKind::Systemd => "rsync.service",
        FileKind::Xinetd => "/etc/xinetd.d/rsync",
        FileKind::Inetd => "/etc/inetd.conf",
        FileKind::Environment => "/etc/default/rsync",
        FileKind::Crontab => "crontab",
        FileKind::Script => "script.sh",
        FileKind::Dockerfile => "Dockerfile",
        _ => "rsyncd.conf",
    })
}

/// Whether a path is a Markdown file's.
pub(in crate::lint) fn is_markdown(path: &Path) -> bool {
    let name = file_name(path).to_ascii_lowercase();
    name.ends_with(".md") || name.ends_with(".markdown")
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    text.windows(what.len()).any(|window| window == what)
}
