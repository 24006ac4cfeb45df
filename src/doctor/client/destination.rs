//! Whether files of this machine are there, and whether there is room where others come to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::statvfs::statvfs,
    unistd::{AccessFlags, access},
};

use crate::{
    doctor::{
        Check, Fact, Report, Skip, Stage,
        client::{
            Client, ClientFact, Room,
            runner::{ENTER, WRITE},
        },
    },
    host::{EntryKind, Unknown},
};

/// A file system with less room is told as nearly full, in percent.
const NEARLY_FULL: u64 = 98;

/// Looks at the destination, or at the sources of a push; what room there is at the destination.
pub(super) fn look(client: &Client<'_>, stage: &mut Stage, report: &mut Report) -> Option<Room> {
    let Some(destination) = client.destination() else {
        sources(client, stage, report);
        return None;
    };
    let found = client.setup.host.metadata(&destination, true);
    let folder = match found {
        Ok(Some(found)) if found.kind == EntryKind::Directory => destination.clone(),
        Ok(_) => destination.parent().unwrap_or_else(|| Path::new("/")).to_owned(),
        Err(reason) => {
            let name = destination.display().to_string();
            stage.note(Fact::Unseen(name.clone(), reason.clone()));
            report.not_seen(name, reason);
            stage.warn();
            return None;
        }
    };
    let shown = destination.display().to_string();
    let arguments = |folder: &Path| {
        let folder = folder.display().to_string();
        vec![
            ("path", shown.clone()),
            ("target-path", shown.clone()),
            ("PARENT_FOLDER", folder.clone()),
            ("target-folder", folder),
        ]
    };
    if !matches!(client.setup.host.metadata(&folder, true), Ok(Some(_))) {
        if !client.has("mkpath") {
            let fact = format!("{} is not there", folder.display());
            let cause = client.cause(
                "RSY852",
                Check::Destination,
                &destination,
                arguments(&folder),
                fact,
            );
            report.causes.push(cause);
            stage.note(Fact::NoFile(folder));
            stage.fail();
        }
        return None;
    }
    if client.is_of_another() {
        if let Some(fact) = client.closed(&folder, WRITE | ENTER) {
            let arguments = arguments(&folder);
            let cause = client.cause("RSY842", Check::Destination, &destination, arguments, fact);
            report.causes.push(cause);
            stage.fail();
        }
    } else if let Err(error) = access(&folder, AccessFlags::W_OK | AccessFlags::X_OK) {
        let rule = if error == Errno::EROFS { "RSY848" } else { "RSY842" };
        let fact = format!("{}: {}", folder.display(), error.desc());
        stage.note(Fact::Unseen(
            folder.display().to_string(),
            Unknown::Failed(error.desc().to_owned()),
        ));
        let mut arguments = arguments(&folder);
        let point = mount_point(&folder).map(|point| point.display().to_string());
        arguments.extend(point.map(|point| ("MOUNT_POINT", point)));
        let cause = client.cause(rule, Check::Destination, &destination, arguments, fact);
        report.causes.push(cause);
        stage.fail();
    }
    let room = room(&folder)?;
    if room.is_full() {
        let what = if room.free == 0 { "blocks" } else { "inodes" };
        let fact = format!("the file system of {} has no free {what}", folder.display());
        let cause = client.cause(
            "RSY846",
            Check::Destination,
            &destination,
            arguments(&folder),
            fact,
        );
        report.causes.push(cause);
        stage.fail();
    } else if room.used() >= NEARLY_FULL {
        stage.warn();
    }
    stage.note(Fact::Client(ClientFact::Room(room.clone())));
    Some(room)
}

/// Where the file system of a folder is mounted: the fifth field of proc_pid_mountinfo(5).
fn mount_point(folder: &Path) -> Option<PathBuf> {
    let folder = fs::canonicalize(folder).ok()?;
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let points = points.map(|point| PathBuf::from(unescaped(point)));
    // Of two at one place the later one is seen.
    let points = points.filter(|point| folder.starts_with(point));
    points.max_by_key(|point| point.components().count())
}

/// A path of the kernel's tables, where blanks and the like stand as `\\040`.
fn unescaped(point: &str) -> String {
    let escapes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    let replaced = |text: String, (escape, letter): (&str, &str)| text.replace(escape, letter);
    escapes.into_iter().fold(point.to_owned(), replaced)
}

/// What is left on the file system of a folder, for whoever asks (statvfs(3)).
pub(super) fn room(folder: &Path) -> Option<Room> {
    let found = statvfs(folder).ok()?;
    let unit = found.fragment_size();
    Some(Room {
        path: folder.to_owned(),
        free: found.blocks_available().saturating_mul(unit),
        size: found.blocks().saturating_mul(unit),
        // Some file systems make room for entries as they are needed, and count none.
        entries: (found.files() > 0).then(|| found.files_available()),
    })
}

/// Whether the sources of this machine are there.
fn sources(client: &Client<'_>, stage: &mut Stage, report: &mut Report) {
    let sources: Vec<PathBuf> = client.sources().map(|path| client.path(path)).collect();
    if sources.is_empty() {
        stage.skip(Skip::NoFilesHere);
        return;
    }
    for path in sources {
        // With a slash behind a link it is what that leads to.
        let follow = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        match client.setup.host.metadata(&path, follow) {
            Ok(Some(_)) => stage.note(Fact::Client(ClientFact::Source(path))),
            Ok(None) => {
                let name = path.display().to_string();
                let arguments = vec![("path", name.clone()), ("source", name.clone())];
                let fact = format!("{name} is not there");
                report
                    .causes
                    .push(client.cause("RSY851", Check::Destination, &path, arguments, fact));
                stage.note(Fact::NoFile(path));
                stage.fail();
            }
            Err(reason) => {
                let name = path.display().to_string();
                stage.note(Fact::Unseen(name.clone(), reason.clone()));
                report.not_seen(name, reason);
                stage.warn();
            }
        }
    }
}
