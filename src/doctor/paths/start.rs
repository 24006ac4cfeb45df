//! What a daemon opens before it serves anybody, as who starts it: its configuration, what that includes, its pid file.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use crate::{
    doctor::{
        Cause, Check, PathFact,
        paths::{Daemon, Judge, files::nearest, user_name},
    },
    explain::Server,
    host::{
        EntryKind, Metadata,
        trial::{Answer, Question, Request, Wish, ask},
        walk,
    },
    model::{Parameter, Scope, has_variable},
    terms::Release,
};

/// Since this release nobody's links but root's and its own user's lead rsync to its configuration (`open_no_attacker_symlinks`
/// in syscall.c).
const TRUSTS_FEW: Release = Release::new(3, 5, 0);

/// What one of them is, and its page.
struct Opened {
    /// As reports call it.
    what: &'static str,
    rule: &'static str,
    path: PathBuf,
    wish: Wish,
}

/// Tries them. A daemon that runs has its pid file.
pub(super) fn look(
    server: &Server,
    is_running: bool,
    release: Release,
    daemon: &Daemon,
    judge: &Judge<'_>,
) -> (Vec<PathFact>, Vec<Cause>) {
    let (mut facts, mut causes) = (Vec::new(), Vec::new());
    let opened = opened(server, is_running, judge);
    let request = Request {
        root_of: daemon.root_of,
        daemon: daemon.identity.clone(),
        capabilities: daemon.capabilities,
        user: daemon.identity.clone(),
        questions: opened
            .iter()
            .map(|one| Question::new(&one.path, one.wish))
            .collect(),
    };
    let user = user_name(daemon.identity.uid);
    for (one, answer) in opened.iter().zip(ask(judge.own, &request)) {
        let is_read = one.wish == Wish::ReadFile;
        if let Some((link, found)) =
            foreign_link(&one.path, daemon, judge).filter(|_| is_read && release >= TRUSTS_FEW)
        {
            let refusal = judge.refusal(&link, Errno::ELOOP);
            let owner = user_name(found.uid);
            let shown = link.display().to_string();
            let fact = format!("{shown} is a link of {owner}");
            let command = format!("chown -h root {}", shell_words::quote(&shown));
            let arguments = vec![
                ("file", one.path.display().to_string()),
                ("path", one.path.display().to_string()),
                ("link", shown),
                ("user", owner),
                ("reason", Errno::ELOOP.desc().to_owned()),
            ];
            let cause = judge.cause_of("RSY893", arguments, vec![fact]);
            causes.push(cause.of_kind("link").typing(vec![command]));
            facts.push(PathFact::File {
                parameter: one.what,
                refusal,
            });
            continue;
        }
        let Ok(Answer::Refused(error)) = answer else {
            continue;
        };
        let error = Errno::from_raw(error);
        if error == Errno::ENOSPC {
            let mut cause = judge.without_inodes("pid", &one.path, Vec::new());
            // That none runs shows it, too.
            cause.seen.insert(Check::Daemon);
            causes.push(cause);
            facts.push(PathFact::File {
                parameter: one.what,
                refusal: judge.refusal(&nearest(&one.path, one.wish, judge), error),
            });
            continue;
        }
        // What is missing is told by the configuration's stage.
        if !matches!(error, Errno::EACCES | Errno::EPERM) {
            continue;
        }
        let refusal = judge.refusal(&nearest(&one.path, one.wish, judge), error);
        let path = one.path.display().to_string();
        let folder = one.path.parent().unwrap_or_else(|| Path::new("/"));
        let arguments = vec![
            ("file", path.clone()),
            ("path", path.clone()),
            ("folder", folder.display().to_string()),
            ("user", user.clone()),
            ("reason", error.desc().to_owned()),
        ];
        let cause = judge
            .cause_of(one.rule, arguments, vec![refusal.shown()])
            .of_kind("denied");
        let command = format!(
            "setfacl -m u:{}:r {}",
            shell_words::quote(&user),
            shell_words::quote(&path)
        );
        causes.push(match is_read {
            true => cause.typing(vec![command]),
            false => cause,
        });
        facts.push(PathFact::File {
            parameter: one.what,
            refusal,
        });
    }
    (facts, causes)
}

fn opened(server: &Server, is_running: bool, judge: &Judge<'_>) -> Vec<Opened> {
    let configuration = &server.configuration;
    let own = Opened {
        what: "config",
        rule: "RSY893",
        path: judge.file.to_owned(),
        wish: Wish::ReadFile,
    };
    let includes = configuration.includes.iter().map(|include| Opened {
        what: "&include",
        rule: "RSY106",
        path: include.path.clone(),
        wish: Wish::ReadFile,
    });
    let pid = configuration.text(Scope::Global, Parameter::PidFile).value;
    let pid = Opened {
        what: Parameter::PidFile.name(),
        rule: "RSY604",
        path: PathBuf::from(OsStr::from_bytes(pid)),
        wish: Wish::WriteFile,
    };
    let is_plain = pid.path.is_absolute() && !has_variable(pid.path.as_os_str().as_encoded_bytes());
    [own]
        .into_iter()
        .chain(includes)
        .chain((!is_running && is_plain).then_some(pid))
        .collect()
}

/// The first link on the way to a path that belongs neither to root nor to the daemon's user.
fn foreign_link(path: &Path, daemon: &Daemon, judge: &Judge<'_>) -> Option<(PathBuf, Metadata)> {
    let trusted = [0, daemon.identity.uid];
    let passed = walk(judge.host, path).ok()?;
    passed.into_iter().find_map(|component| {
        let found = component.metadata?;
        let is_foreign = found.kind == EntryKind::Link && !trusted.contains(&found.uid);
        is_foreign.then_some((component.path, found))
    })
}
