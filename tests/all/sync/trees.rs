use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, File, FileTimes},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt as _, PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use nix::{
    fcntl::AT_FDCWD,
    sys::{
        stat::{Mode, UtimensatFlags, utimensat},
        time::TimeSpec,
    },
    unistd::mkfifo,
};

use crate::differential::generator::Random;

/// Names that stand beside each other in ways that sorting, quoting and decoding can get wrong.
const NAMES: [&[u8]; 16] = [
    b"a",
    b"a-",
    b"a.b",
    b"a0",
    b"A",
    b"b c",
    b"-x",
    b".hidden",
    b"caf\xc3\xa9",
    b"latin\xe9",
    b"z[1]",
    b"*",
    b"new\nline",
    b"tab\there",
    b"\xe6\x96\x87",
    b"longer-name-that-shares-a-prefix",
];

/// Fills a folder. With a model some files are as there.
/// Unless it may conflict, nothing stands where the model has a folder.
pub(super) fn plant(root: &Path, random: &mut Random, model: Option<&Path>, may_conflict: bool) {
    level(root, random, model, may_conflict, 0);
    touch(root, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

fn level(folder: &Path, random: &mut Random, model: Option<&Path>, may_conflict: bool, depth: usize) {
    for _ in 0..random.below(7) {
        let name = OsStr::from_bytes(random.pick(&NAMES));
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            continue;
        }
        let model = model.map(|model| model.join(name));
        let time = SystemTime::UNIX_EPOCH
            + Duration::new(
                1_000_000_000 + random.below(3) as u64,
                random.below(2) as u32 * 500_000_000,
            );
        let kind = random.below(10);
        if model.as_deref().is_some_and(Path::is_dir) && !(5..8).contains(&kind) && !may_conflict {
            continue;
        }
        match kind {
            0..5 => {
                let there = model
                    .as_deref()
                    .filter(|model| model.symlink_metadata().is_ok_and(|found| found.is_file()))
                    .and_then(|model| fs::read(model).ok());
                let mut content = there
                    .filter(|_| random.chance(70))
                    .unwrap_or_else(|| content(random));
                if random.chance(20) {
                    content.extend_from_slice(b"more");
                }
                fs::write(&path, content).expect("a file");
                mode(&path, random.pick(&[0o644, 0o600, 0o755, 0o640]));
                touch(&path, time);
            }
            5..8 if depth < 3 => {
                fs::create_dir(&path).expect("a folder");
                level(&path, random, model.as_deref(), may_conflict, depth + 1);
                mode(&path, random.pick(&[0o755, 0o700, 0o775]));
                touch(&path, time);
            }
            8 => {
                symlink(OsStr::from_bytes(random.pick(&NAMES)), &path).expect("a link");
                touch_itself(&path, time);
            }
            _ => {
                mkfifo(&path, Mode::from_bits_truncate(0o600)).expect("a pipe");
                touch_itself(&path, time);
            }
        }
    }
}

/// Gives some of the files of a folder another name each.
pub(super) fn link(root: &Path, random: &mut Random) {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    let mut index = 0;
    while let Some(folder) = folders.get(index).cloned() {
        index += 1;
        let mut entries: Vec<_> = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        entries.sort();
        for path in entries {
            match path.symlink_metadata().expect("it is there").is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    for _ in 0..random.below(8) {
        if files.is_empty() {
            return;
        }
        let from = &files[random.below(files.len())];
        let folder = &folders[random.below(folders.len())];
        let time = folder
            .metadata()
            .and_then(|found| found.modified())
            .expect("a time");
        // What has the name stays.
        let _ = fs::hard_link(from, folder.join(OsStr::from_bytes(random.pick(&NAMES))));
        touch(folder, time);
    }
}

fn content(random: &mut Random) -> Vec<u8> {
    let length = random.pick(&[0, 1, 5, 700, 1401, 20_000]);
    (0..length).map(|_| random.below(256) as u8).collect()
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

pub(super) fn touch(path: &Path, time: SystemTime) {
    let file = File::open(path).expect("it was made");
    file.set_times(FileTimes::new().set_modified(time))
        .expect("a time");
}

/// The same without opening it, and of a link itself.
pub(super) fn touch_itself(path: &Path, time: SystemTime) {
    let time = TimeSpec::from_duration(time.duration_since(SystemTime::UNIX_EPOCH).expect("later"));
    utimensat(AT_FDCWD, path, &time, &time, UtimensatFlags::NoFollowSymlink).expect("a time");
}

/// What only the receiving side does.
pub(super) const RECEIVING: [&str; 25] = [
    "-K",
    "-H",
    "-H",
    "-H",
    "-H",
    "--inplace",
    "--append",
    "--append-verify",
    "--backup-dir=old",
    "--backup-dir=../kept/new",
    "--partial",
    "--partial-dir=.part",
    "--partial-dir=A",
    "--delay-updates",
    "-T{here}/one",
    "--preallocate",
    "--fsync",
    "-y",
    "-yy",
    "--compare-dest=../one",
    "--copy-dest=../one",
    "--link-dest=../one",
    "--compare-dest=../two",
    "--copy-dest=../two",
    "--link-dest=../two",
];

/// A command line without its source and its destination.
pub(super) fn options(random: &mut Random) -> Vec<String> {
    let base = random.pick(&["-a", "-r", "-rt", "-rlpt", "-rltD", "-rlptgo", "-d", "-dl"]);
    let mut words = vec![base.to_owned()];
    let others = [
        "-i",
        "-v",
        "-n",
        "-c",
        "-I",
        "-u",
        "-W",
        "-O",
        "--size-only",
        "--existing",
        "--ignore-existing",
        "--no-p",
        "--no-t",
        "--no-D",
        "--numeric-ids",
        "--protocol=29",
        "--protocol=30",
        "--protocol=31",
        "-B512",
        "--no-whole-file",
        "--no-inc-recursive",
    ];
    for _ in 0..random.below(4) {
        words.push(random.pick(&others).to_owned());
    }
    if random.chance(60) {
        words.push("-i".to_owned());
    }
    // What takes part, and what is deleted.
    let deletions = [
        "--delete",
        "--del",
        "--delete-before",
        "--delete-delay",
        "--delete-after",
        "--delete-excluded",
        "--force",
    ];
    if random.chance(50) {
        words.push(random.pick(&deletions).to_owned());
    }
    let choices = [
        "--exclude=a*",
        "--exclude=.hidden",
        "--exclude=*/*/",
        "--include=a/",
        "--exclude=A/",
        "--filter=P a-",
        "--filter=R,p A",
        "--filter=-p a.b",
        "--filter=-s a0",
        "--filter=-r b c",
        "--filter=: .hidden",
        "-F",
        "-C",
        "-m",
        "--max-size=1k",
        "--min-size=2",
        "--modify-window=1",
        "--modify-window=-1",
        "--max-delete=1",
        "--max-delete=0",
        "--ignore-errors",
        "--chmod=D755,F640",
        "--chmod=go-rwx,u+X",
        "--safe-links",
        "--munge-links",
        "-x",
        "-L",
        "-k",
        "--copy-unsafe-links",
        "-b",
        "-b",
        "-b",
        "-b",
        "--suffix=-",
    ];
    for _ in 0..random.below(3) {
        words.push(random.pick(&choices).to_owned());
    }
    // What is said of it, and how.
    let outputs = [
        "-v",
        "-ii",
        "-h",
        "-hh",
        "--no-h",
        "-q",
        "-8",
        "--stats",
        "--progress",
        "--info=progress2",
        "--info=name2,skip2",
        "--info=del,stats2,nonreg0",
        "--info=none,name",
        "--out-format=%i|%n%L|%l|%b|%c",
        "--out-format=%o:%20f:%C",
        "--out-format=%M-%-12''l-%U:%G",
        "--stderr=client",
        "--outbuf=B",
    ];
    if random.chance(60) {
        for _ in 0..=random.below(3) {
            words.push(random.pick(&outputs).to_owned());
        }
    }
    // How many files are still to be looked at depends on how fast lists come one by one.
    if words.iter().any(|word| word.contains("progress")) {
        words.push("--no-inc-recursive".to_owned());
    }
    // With `-vv --stats` rsync tells of its memory, and with `-vvv` of what its own functions do.
    let most = match words.iter().any(|word| word == "--stats") {
        true => 1,
        false => 2,
    };
    let mut count = 0;
    words.retain(|word| {
        count += usize::from(word == "-v");
        word != "-v" || count <= most
    });
    words
}

/// What names a folder or a file of a tree, in words that a client starts with, if those were put behind `in_front`; a list
/// of files, if that is what names it.
pub(super) fn names(
    random: &mut Random,
    words: &mut Vec<String>,
    root: &Path,
    in_front: &str,
) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    collect(root, Path::new(""), &mut found);
    let pick = |random: &mut Random, found: &[PathBuf]| match found.is_empty() || random.chance(10) {
        true => b"none/x".to_vec(),
        false => {
            let path = &found[random.below(found.len())];
            let is_folder = root.join(path).is_dir();
            let slash = ["", "", "/", "/."][random.below(4)];
            let mut name = path.as_os_str().as_bytes().to_vec();
            name.extend_from_slice(if is_folder { slash.as_bytes() } else { b"" });
            name
        }
    };
    if random.chance(50) {
        words.push("--files-from=list".to_owned());
        let ends_with_nul = random.chance(50);
        let end = if ends_with_nul { b'\0' } else { b'\n' };
        if ends_with_nul {
            words.push("--from0".to_owned());
        }
        if random.chance(30) {
            words.push("-r".to_owned());
        }
        words.push(in_front.to_owned());
        let mut list = Vec::new();
        for _ in 0..random.below(5) {
            list.extend(pick(random, &found));
            list.push(end);
        }
        return Some(list);
    }
    words.push("-R".to_owned());
    for _ in 0..=random.below(3) {
        // What a shell or a line would change is for lists.
        let name = pick(random, &found);
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"./-".contains(byte);
        let name = match name.iter().all(is_plain) && name[0] != b'-' {
            true => String::from_utf8(name).expect("letters"),
            false => ".".to_owned(),
        };
        let way = random.pick(&["/", "/./", "//"]);
        words.push(format!("{in_front}{way}{name}"));
    }
    None
}

fn collect(root: &Path, below: &Path, found: &mut Vec<PathBuf>) {
    let mut names: Vec<_> = fs::read_dir(root.join(below))
        .expect("a folder")
        .map(|entry| below.join(entry.expect("an entry").file_name()))
        .collect();
    names.sort();
    for name in names {
        let is_folder = root.join(&name).symlink_metadata().expect("it is there").is_dir();
        found.push(name.clone());
        if is_folder {
            collect(root, &name, found);
        }
    }
}

/// All that counts of a tree, a line for each thing.
pub(super) fn described(root: &Path) -> String {
    let mut lines = Vec::new();
    describe(root, Path::new(""), &mut lines);
    lines.sort();
    lines.concat()
}

fn describe(root: &Path, below: &Path, lines: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(below)).expect("a folder") {
        let name = below.join(entry.expect("an entry").file_name());
        let path = root.join(&name);
        let found = path.symlink_metadata().expect("it is there");
        let mut line = format!("{:?} {:o} {}:{}", name, found.mode(), found.uid(), found.gid());
        if !found.is_dir() && found.nlink() > 1 {
            let _ = write!(line, " {} names", found.nlink());
        }
        if found.is_file() {
            let content = fs::read(&path).expect("a file");
            let _ = write!(
                line,
                " {} bytes {:x?}",
                content.len(),
                &content[..content.len().min(8)]
            );
            let _ = write!(
                line,
                " {:x}",
                content
                    .iter()
                    .fold(0_u64, |sum, &byte| sum.wrapping_mul(31) + u64::from(byte))
            );
        }
        if found.is_symlink() {
            let _ = write!(line, " -> {:?}", fs::read_link(&path).expect("a link"));
        }
        let mut names: Vec<_> = xattr::list(&path).expect("a list").collect();
        names.sort();
        for name in names {
            let value = xattr::get(&path, &name)
                .expect("an attribute")
                .unwrap_or_default();
            let _ = write!(line, " {}={:x?}", name.display(), &value[..value.len().min(60)]);
        }
        // What was made or changed just now has a time of its own in each run.
        let is_planted = found.mtime() < 1_100_000_000;
        if is_planted {
            let _ = write!(line, " {}.{}", found.mtime(), found.mtime_nsec());
        }
        line.push('\n');
        lines.push(line);
        if found.is_dir() {
            describe(root, &name, lines);
        }
    }
}
