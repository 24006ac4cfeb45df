//! The process that tries: it is started for one request, and becomes somebody else for good.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read, Write},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::{ffi::OsStrExt as _, fs::chroot},
    },
    path::Path,
};

use nix::{
    dir::{Dir, Type},
    errno::Errno,
    fcntl::{AtFlags, OFlag, openat},
    sys::{
        stat::{Mode, fstatat},
        statvfs::{FsFlags, fstatvfs, statvfs},
    },
    unistd::{
        AccessFlags, Gid, Uid, chdir, faccessat, getegid, geteuid, getgroups, setgid, setgroups, setuid,
    },
};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::host::{
    live::SAFE_TO_OPEN,
    trial::{Access, Answer, Folder, Identity, MOST_QUESTIONS, Question, Request, Room, Said, Wish},
};

/// The most that is read of a request, in bytes.
const LARGEST: u64 = 8 << 20;
/// So many names of a folder are read.
const NAMES: usize = 500;
/// So many files, and as many folders, of a folder are opened.
const OPENED: usize = 8;

/// Reads a request, and writes lines of JSON: whether we could become the daemon, then for each question what the daemon met
/// when it entered the folder or opened the file, then for each the whole answer.
///
/// # Errors
/// The request cannot be read; we may not become the user; nobody reads the answers.
pub fn serve(input: impl Read, mut out: impl Write) -> io::Result<()> {
    let mut text = Vec::new();
    input.take(LARGEST).read_to_end(&mut text)?;
    let mut request: Request = serde_json::from_slice(&text)?;
    request.questions.truncate(MOST_QUESTIONS);
    let full = match become_daemon(&request) {
        Ok(full) => full,
        Err(error) => return tell(&Said::No(error.raw_os_error().unwrap_or_default()), &mut out),
    };
    tell(&Said::Yes, &mut out)?;
    let mut entered = Vec::new();
    for question in &request.questions {
        let place = enter(question);
        let said = match &place {
            Ok(_) => Said::Yes,
            Err(error) => Said::No(*error as i32),
        };
        tell(&said, &mut out)?;
        entered.push(place);
    }
    if request.user != request.daemon {
        set_capabilities(None, full)?;
        become_somebody(&request.user)?;
    }
    if request.user.uid == 0 {
        limit(full, &request)?;
    }
    for (question, place) in request.questions.iter().zip(entered) {
        let answer = match place {
            Err(error) => Answer::Refused(error as i32),
            Ok(None) => Answer::Open,
            Ok(Some(folder)) => match question.wish {
                Wish::Below(access) => below(&folder, &question.below, access),
                wish => Answer::Folder(look(&folder, wish)),
            },
        };
        tell(&answer, &mut out)?;
    }
    Ok(())
}

/// Takes on the daemon's view of the file system and its rights; those that it could have at most.
fn become_daemon(request: &Request) -> io::Result<CapabilitySets> {
    if let Some(process) = request.root_of {
        // From there on paths lead through that process's own mounts.
        chroot(format!("/proc/{process}/root"))?;
        std::env::set_current_dir("/")?;
    }
    become_somebody(&request.daemon)?;
    let full = capabilities(None)?;
    limit(full, request)?;
    Ok(full)
}

fn tell(what: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, what)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Gives up who we are. It needs no right where nothing changes.
fn become_somebody(identity: &Identity) -> io::Result<()> {
    let gid = Gid::from_raw(identity.gid);
    let groups: Vec<_> = identity.groups.iter().copied().map(Gid::from_raw).collect();
    let is_same = geteuid().as_raw() == identity.uid
        && getegid() == gid
        && getgroups()?.iter().all(|own| groups.contains(own));
    if is_same {
        return Ok(());
    }
    setgroups(&groups)?;
    setgid(gid)?;
    setuid(Uid::from_raw(identity.uid))?;
    Ok(())
}

/// Leaves no more capabilities in effect than the daemon has.
fn limit(full: CapabilitySets, request: &Request) -> io::Result<()> {
    let Some(own) = request.capabilities else {
        return Ok(());
    };
    let sets = CapabilitySets {
        effective: full.effective & CapabilitySet::from_bits_retain(own),
        ..full
    };
    Ok(set_capabilities(None, sets)?)
}

/// What the daemon does: it enters the folder, which it then holds, or opens the file.
fn enter(question: &Question) -> nix::Result<Option<OwnedFd>> {
    let path = question.path();
    match question.wish {
        Wish::Enter => chdir(path).map(|()| None),
        Wish::Read | Wish::Write | Wish::Below(_) => {
            chdir(path)?;
            let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
            openat(nix::fcntl::AT_FDCWD, ".", flags, Mode::empty()).map(Some)
        }
        Wish::ReadFile => may(path, AccessFlags::R_OK).map(|()| None),
        Wish::WriteFile => match may(path, AccessFlags::W_OK) {
            Err(Errno::ENOENT) => {
                let folder = path.parent().unwrap_or_else(|| Path::new("/"));
                may(folder, AccessFlags::W_OK | AccessFlags::X_OK)?;
                match statvfs(folder) {
                    // A file system that counts no inodes has none in all.
                    Ok(room) if room.files() > 0 && room.files_free() == 0 => Err(Errno::ENOSPC),
                    _ => Ok(None),
                }
            }
            other => other.map(|()| None),
        },
    }
}

fn may(path: &Path, access: AccessFlags) -> nix::Result<()> {
    faccessat(nix::fcntl::AT_FDCWD, path, access, AtFlags::AT_EACCESS)
}

/// Whether the user may do that with what is below a folder.
fn below(folder: &OwnedFd, path: &[u8], access: Access) -> Answer {
    let path = if path.is_empty() { b"." } else { path };
    let path = OsStr::from_bytes(path);
    let may = |wanted| faccessat(folder, path, wanted, AtFlags::AT_EACCESS);
    let tried = match access {
        Access::Read => may(AccessFlags::R_OK),
        Access::List => may(AccessFlags::R_OK | AccessFlags::X_OK),
        Access::Enter => may(AccessFlags::X_OK),
        Access::Create => may(AccessFlags::W_OK | AccessFlags::X_OK),
        Access::Own => owns(folder, path),
    };
    match tried {
        Ok(()) => Answer::Open,
        Err(error) => Answer::Refused(error as i32),
    }
}

/// Whether the user owns it, or may do what the owner may. Nothing is set to see it.
fn owns(folder: &OwnedFd, path: &OsStr) -> nix::Result<()> {
    let found = fstatat(folder, path, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    let has_right = || capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::FOWNER));
    match geteuid().as_raw() == found.st_uid || has_right() {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// What the user does in a folder.
fn look(folder: &OwnedFd, wish: Wish) -> Folder {
    let may = |access| said(faccessat(folder, ".", access, AtFlags::AT_EACCESS));
    let mut found = Folder {
        list: Said::Yes,
        pass: may(AccessFlags::X_OK),
        write: (wish == Wish::Write).then(|| may(AccessFlags::W_OK | AccessFlags::X_OK)),
        writes_below: false,
        opened: 0,
        closed: Vec::new(),
        room: room(folder),
    };
    match names(folder) {
        Ok(names) if found.pass.is_yes() => {
            if wish == Wish::Write {
                let access = AccessFlags::W_OK | AccessFlags::X_OK;
                let may =
                    |name: &[u8]| faccessat(folder, OsStr::from_bytes(name), access, AtFlags::AT_EACCESS);
                let mut folders = names.iter().filter(|(_, kind)| *kind == Some(Type::Directory));
                found.writes_below = folders.any(|(name, _)| may(name).is_ok());
            }
            sample(folder, names, &mut found);
        }
        Ok(_) => {}
        Err(error) => found.list = Said::No(error as i32),
    }
    found
}

fn said(result: nix::Result<()>) -> Said {
    match result {
        Ok(()) => Said::Yes,
        Err(error) => Said::No(error as i32),
    }
}

/// The first names of a folder, with their kinds as far as the folder tells them.
fn names(folder: &OwnedFd) -> nix::Result<Vec<(Vec<u8>, Option<Type>)>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut folder = Dir::openat(folder, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in folder.iter().take(NAMES) {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    names.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}

/// Opens some files and folders, and nothing else: to open a device or a pipe may do something.
fn sample(folder: &OwnedFd, names: Vec<(Vec<u8>, Option<Type>)>, found: &mut Folder) {
    let (mut files, mut folders) = (0, 0);
    for (name, kind) in names {
        let (count, more) = match kind {
            Some(Type::File) => (&mut files, SAFE_TO_OPEN),
            Some(Type::Directory) => (&mut folders, OFlag::O_DIRECTORY),
            _ => continue,
        };
        if *count == OPENED {
            continue;
        }
        *count += 1;
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | more;
        let name_of = OsStr::from_bytes(&name);
        let opened = openat(folder, name_of, flags, Mode::empty()).and_then(|opened| {
            drop(File::from(opened));
            // What is in a folder that can only be listed cannot be sent.
            match kind {
                Some(Type::Directory) => faccessat(folder, name_of, AccessFlags::X_OK, AtFlags::AT_EACCESS),
                _ => Ok(()),
            }
        });
        match opened {
            Ok(()) => found.opened += 1,
            // It went away meanwhile, or became something else.
            Err(Errno::ENOENT | Errno::ELOOP | Errno::ENOTDIR | Errno::ENXIO) => {}
            Err(error) => found.closed.push((name, error as i32)),
        }
    }
}

fn room(folder: &OwnedFd) -> Option<Room> {
    let found = fstatvfs(folder.as_fd()).ok()?;
    let size = found.fragment_size();
    let bytes = |blocks: u64| blocks.saturating_mul(size);
    Some(Room {
        bytes: bytes(found.blocks()),
        free: bytes(found.blocks_free()),
        available: bytes(found.blocks_available()),
        inodes: found.files(),
        free_inodes: found.files_free(),
        is_read_only: found.flags().contains(FsFlags::ST_RDONLY),
    })
}
