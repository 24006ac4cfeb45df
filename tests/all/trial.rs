//! What users may do, really tried as them: folders of other owners, access lists, mounts of their own, capabilities.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rsyncctl::host::trial::{Answer, COMMAND, Denied, Folder, Identity, Question, Request, Said, Wish, ask};
use tempfile::TempDir;

use crate::support::{program::unprivileged, skip, stage::is_root};

const ROOT: u32 = 0;
const NOBODY: u32 = 65_534;
const GUEST: u32 = 60_123;

fn identity(uid: u32) -> Identity {
    Identity {
        uid,
        gid: uid,
        groups: vec![uid],
    }
}

fn request(daemon: u32, user: u32, questions: &[(&Path, Wish)]) -> Request {
    Request {
        root_of: None,
        daemon: identity(daemon),
        capabilities: None,
        user: identity(user),
        questions: questions
            .iter()
            .map(|(path, wish)| Question::new(path, *wish))
            .collect(),
    }
}

fn asked(request: &Request) -> Vec<Result<Answer, Denied>> {
    ask(Path::new(env!("CARGO_BIN_EXE_rsyncctl")), request)
}

/// The one answer.
fn answer(request: &Request) -> Answer {
    let answers = asked(request);
    assert_eq!(answers.len(), 1);
    answers.into_iter().next().expect("one").expect("an answer")
}

fn folder(answer: Answer) -> Folder {
    match answer {
        Answer::Folder(folder) => folder,
        other => panic!("{other:?}"),
    }
}

fn refused(error: Errno) -> Answer {
    Answer::Refused(error as i32)
}

fn can_change_users() -> bool {
    if !is_root() {
        skip("it tries as other users, which only root may");
    }
    is_root()
}

/// A folder that everybody may pass.
fn place() -> TempDir {
    let place = tempfile::tempdir().expect("a folder");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    place
}

fn made(place: &TempDir, name: &str, mode: u32, owner: u32) -> PathBuf {
    let path = place.path().join(name);
    fs::create_dir_all(&path).expect("a folder");
    fs::write(path.join("file"), "x").expect("a file");
    chown(&path, Some(owner), Some(owner)).expect("root changes owners");
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    path
}

#[test]
fn root_enters_and_its_user_is_kept_out() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let closed = made(&place, "closed", 0o700, ROOT);
    let names = made(&place, "names", 0o711, ROOT);
    let open = made(&place, "open", 0o755, ROOT);
    let own = made(&place, "own", 0o700, NOBODY);
    let below = made(&place, "closed/below", 0o755, NOBODY);
    let missing = place.path().join("none");
    let questions = [
        (&*closed, Wish::Read),
        (&*names, Wish::Read),
        (&*open, Wish::Write),
        (&*own, Wish::Write),
        (&*below, Wish::Write),
        (&*missing, Wish::Read),
    ];
    let answers = asked(&request(ROOT, NOBODY, &questions));
    let mut answers = answers.into_iter().map(|answer| answer.expect("an answer"));
    let mut next = || answers.next().expect("an answer");
    let no = Said::No(Errno::EACCES as i32);
    let closed_to = folder(next());
    assert_eq!((closed_to.list, closed_to.pass), (no, no));
    let names = folder(next());
    assert_eq!((names.list, names.pass, names.write), (no, Said::Yes, None));
    let open = folder(next());
    assert_eq!((open.list, open.write, open.opened), (Said::Yes, Some(no), 1));
    assert!(open.room.is_some_and(|room| room.bytes > 0 && !room.is_read_only));
    assert_eq!(folder(next()).write, Some(Said::Yes));
    // Root has passed the closed folder above.
    assert_eq!(folder(next()).write, Some(Said::Yes));
    assert_eq!(next(), refused(Errno::ENOENT));
    // Who is not root has to pass it.
    let above = request(NOBODY, NOBODY, &[(&below, Wish::Read)]);
    assert_eq!(answer(&above), refused(Errno::EACCES));
    let enter = request(NOBODY, NOBODY, &[(&closed, Wish::Enter)]);
    assert_eq!(answer(&enter), refused(Errno::EACCES));
}

#[test]
fn groups_and_access_lists_count() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let shared = made(&place, "shared", 0o770, ROOT);
    chown(&shared, None, Some(GUEST)).expect("root changes groups");
    let mut member = request(ROOT, NOBODY, &[(&shared, Wish::Write)]);
    assert!(!folder(answer(&member)).list.is_yes());
    member.user.groups.push(GUEST);
    let found = folder(answer(&member));
    assert_eq!((found.list, found.write), (Said::Yes, Some(Said::Yes)));
    let listed = made(&place, "listed", 0o700, ROOT);
    let rule = format!("u:{NOBODY}:rx");
    let status = Command::new("setfacl").args(["-m", &rule]).arg(&listed).status();
    if !status.is_ok_and(|status| status.success()) {
        skip("access lists cannot be set here");
        return;
    }
    let found = folder(answer(&request(ROOT, NOBODY, &[(&listed, Wish::Write)])));
    assert_eq!((found.list, found.pass), (Said::Yes, Said::Yes));
    assert_eq!(found.write, Some(Said::No(Errno::EACCES as i32)));
}

#[test]
fn what_cannot_be_opened_is_named() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let data = made(&place, "data", 0o755, ROOT);
    fs::write(data.join("secret"), "x").expect("a file");
    fs::set_permissions(data.join("secret"), fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::create_dir(data.join("inner")).expect("a folder");
    fs::set_permissions(data.join("inner"), fs::Permissions::from_mode(0o700)).expect("a mode");
    symlink("/etc/shadow", data.join("link")).expect("a link");
    nix::unistd::mkfifo(
        &data.join("pipe"),
        nix::sys::stat::Mode::from_bits_truncate(0o600),
    )
    .expect("a pipe");
    let found = folder(answer(&request(ROOT, NOBODY, &[(&data, Wish::Read)])));
    let closed: Vec<_> = found.closed.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(closed, [&b"inner"[..], b"secret"]);
    assert_eq!(found.opened, 1);
    assert_eq!(
        found.first_closed(),
        Some((PathBuf::from("inner"), Errno::EACCES))
    );
}

#[test]
fn files_are_tried_as_the_daemon() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let closed = made(&place, "closed", 0o755, ROOT);
    let file = closed.join("file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let new = closed.join("new");
    let questions = [
        (&*file, Wish::ReadFile),
        (&*file, Wish::WriteFile),
        (&*new, Wish::WriteFile),
    ];
    let answers: Vec<_> = asked(&request(ROOT, NOBODY, &questions));
    assert_eq!(answers, vec![Ok(Answer::Open); 3]);
    let answers: Vec<_> = asked(&request(NOBODY, NOBODY, &questions));
    assert_eq!(answers, vec![Ok(refused(Errno::EACCES)); 3]);
    assert!(!new.exists());
}

#[test]
fn root_without_its_capabilities_is_like_others() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let home = made(&place, "home", 0o700, NOBODY);
    let mut request = request(ROOT, ROOT, &[(&home, Wish::Write)]);
    assert_eq!(folder(answer(&request)).write, Some(Said::Yes));
    // CAP_SETGID and CAP_SETUID alone.
    request.capabilities = Some(0b1100_0000);
    assert_eq!(answer(&request), refused(Errno::EACCES));
    // It may still become somebody who has the right.
    request.questions = vec![Question::new(place.path(), Wish::Read)];
    request.user = identity(NOBODY);
    assert!(folder(answer(&request)).list.is_yes());
}

/// A process with mounts of its own, which ends with this.
pub(crate) struct Apart(Child);

impl Apart {
    /// One that has run commands there; none if the kernel does not let us.
    pub(crate) fn new(script: &str) -> Option<Self> {
        let script = format!("{script} && echo ready && exec cat");
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let out = child.stdout.take()?;
        BufReader::new(out).read_line(&mut line).ok()?;
        let apart = Self(child);
        (line == "ready\n").then_some(apart)
    }

    pub(crate) fn process(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.0.stdin.take().map(|mut input| input.flush());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn mounts_of_a_process_are_seen_as_it_sees_them() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let hidden = made(&place, "hidden", 0o755, ROOT);
    let data = made(&place, "data", 0o755, NOBODY);
    let script = format!(
        "mount -t tmpfs none '{}' && mount --bind '{1}' '{1}' && mount -o remount,bind,ro '{1}'",
        hidden.display(),
        data.display()
    );
    let Some(apart) = Apart::new(&script) else {
        skip("no process can have mounts of its own here");
        return;
    };
    let inside = hidden.join("file");
    let questions = [
        (&*inside, Wish::ReadFile),
        (&*data, Wish::Write),
        (&*hidden, Wish::Read),
    ];
    let mut request = request(ROOT, NOBODY, &questions);
    let ours = asked(&request);
    assert_eq!(ours[0], Ok(Answer::Open));
    request.root_of = Some(apart.process());
    let theirs = asked(&request);
    assert_eq!(theirs[0], Ok(refused(Errno::ENOENT)));
    let data = folder(theirs[1].clone().expect("an answer"));
    assert_eq!(data.write, Some(Said::No(Errno::EROFS as i32)));
    assert!(data.room.is_some_and(|room| room.is_read_only));
    assert_eq!(folder(theirs[2].clone().expect("an answer")).opened, 0);
    // A process that has ended has no mounts.
    request.root_of = Some(u32::MAX);
    assert!(matches!(asked(&request)[0], Err(Denied::Failed(_))));
}

#[test]
fn a_file_system_that_does_not_answer_stops_no_other() {
    if !can_change_users() {
        return;
    }
    let place = place();
    let data = made(&place, "data", 0o755, ROOT);
    let mounted = place.path().join("mounted");
    fs::create_dir(&mounted).expect("a folder");
    let bindfs = Command::new("bindfs").arg("-f").args([&data, &mounted]).spawn();
    let Ok(mut bindfs) = bindfs else {
        skip("bindfs is not installed");
        return;
    };
    while !mounted.join("file").exists() {
        if bindfs.try_wait().expect("a child").is_some() {
            skip("bindfs cannot mount here");
            return;
        }
        std::thread::yield_now();
    }
    let process = Pid::from_raw(i32::try_from(bindfs.id()).expect("a process"));
    kill(process, Signal::SIGSTOP).expect("our own child");
    let questions = [
        (&*data, Wish::Read),
        (&*mounted, Wish::Read),
        (&*data, Wish::Write),
    ];
    let answers = asked(&request(ROOT, NOBODY, &questions));
    kill(process, Signal::SIGCONT).expect("our own child");
    let unmounted = Command::new("umount").arg("-l").arg(&mounted).status();
    assert!(unmounted.is_ok_and(|status| status.success()));
    let _ = bindfs.kill();
    let _ = bindfs.wait();
    assert_eq!(answers[1], Ok(Answer::Late));
    for at in [0, 2] {
        assert!(matches!(answers[at], Ok(Answer::Folder(_))), "{answers:?}");
    }
}

#[test]
fn what_tries_is_hidden_and_takes_any_input() {
    let place = place();
    let output = unprivileged(&place, &["--help"]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains(COMMAND));
    // There is nothing on its input here.
    let output = unprivileged(&place, &[COMMAND]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let mut child = Command::new(env!("CARGO_BIN_EXE_rsyncctl"))
        .arg(COMMAND)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(b"{\"root_of\":7").expect("it is written");
    drop(input);
    assert_eq!(child.wait().expect("it ends").code(), Some(2));
}
