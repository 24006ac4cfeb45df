//! Our filter rules and those of the real rsync, on generated trees with generated rules and merge files.
//!
//! `RSYNCCTL_FILTERS` is the number of generated rule sets, `RSYNCCTL_SEED` the seed of the first one.

use std::{
    env, fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    path::Path,
    process::Command,
    sync::Mutex,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use rsyncctl::rsync::filter::{CvsIgnores, FilterError, FilterList, Purpose, Side};

use crate::{
    differential::generator::Random,
    support::daemon::has_rsync,
    sync::{Stage, assert_none, touch},
};

/// Names that patterns can confuse.
const NAMES: [&str; 10] = ["a", "b", "ab", "foo", "bar.o", "x[1]", "st*r", "a-b", "core", "]"];

const PIECES: [&str; 20] = [
    "a",
    "b",
    "ab",
    "foo",
    "bar.o",
    "*",
    "**",
    "***",
    "?",
    "[ab]",
    "[!a]",
    "[^b-f]",
    "[[:alpha:]]*",
    "x\\[1]",
    "x[1]",
    "*.o",
    "st\\*r",
    "*o*",
    "[]-a]",
    "[a-",
];

const PREFIXES: [&str; 24] = [
    "- ",
    "- ",
    "- ",
    "- ",
    "+ ",
    "+ ",
    "+ ",
    "-! ",
    "-/ ",
    "-p ",
    "-s ",
    "-r ",
    "H ",
    "S ",
    "P ",
    "R ",
    "exclude ",
    "include,s ",
    "hide_",
    "+!s ",
    "-sr ",
    "protect,p ",
    "risk ",
    "-x ",
];

const MERGES: [&str; 15] = [
    ": .f",
    ":n .f",
    ":- .f",
    ":+ .f",
    ":e .f",
    ":w- .f",
    ":s .f",
    ":/ .f",
    ":C",
    "-C",
    "dir-merge .g",
    ": /.g",
    ". rules",
    "!",
    ":,w+e .g",
];

fn pattern(random: &mut Random) -> String {
    let mut text = String::new();
    if random.chance(25) {
        text.push('/');
    }
    for place in 0..=random.below(3) {
        if place > 0 && random.chance(70) {
            text.push('/');
        }
        text.push_str(random.pick(&PIECES));
    }
    if random.chance(20) {
        text.push('/');
    }
    text
}

fn rule(random: &mut Random) -> String {
    match random.below(12) {
        0..2 => random.pick(&MERGES).to_owned(),
        2 if random.chance(6) => random
            .pick(&["bogus", "-z a", "- ", "!x", "Hs a", "exclude,n a"])
            .to_owned(),
        _ => format!("{}{}", random.pick(&PREFIXES), pattern(random)),
    }
}

/// The rules of a file, of a kind that may stand in any merge file.
fn rules_of_file(random: &mut Random) -> String {
    let end = random.pick(&["\n", "\n", "\r\n", "\r"]);
    let mut text = String::new();
    for _ in 0..random.below(4) {
        match random.below(8) {
            0 => text.push_str("# a remark"),
            1 => text.push_str(&pattern(random)),
            2 => text.push_str(random.pick(&["!", ": .g", ":n .f", "; another"])),
            _ => text.push_str(&format!("{}{}", random.pick(&PREFIXES[..8]), pattern(random))),
        }
        text.push_str(end);
    }
    text
}

fn plant(folder: &Path, random: &mut Random, depth: usize) {
    for name in [".f", ".g", ".cvsignore"] {
        if random.chance(25) {
            // Words, where words are read; else mostly rules.
            let text = match name {
                ".cvsignore" => format!(
                    "{} {}\n{}",
                    pattern(random),
                    random.pick(&["!", "*.o", "x"]),
                    pattern(random)
                ),
                _ => rules_of_file(random),
            };
            fs::write(folder.join(name), text).expect("a file");
        }
    }
    for _ in 0..2 + random.below(5) {
        let path = folder.join(random.pick(&NAMES));
        if path.exists() {
            continue;
        }
        if depth < 3 && random.chance(45) {
            fs::create_dir(&path).expect("a folder");
            plant(&path, random, depth + 1);
        } else {
            fs::write(&path, "").expect("a file");
        }
    }
}

/// An option with rules.
enum Given {
    Filter(String),
    Exclude(String),
    Include(String),
    ExcludeFrom,
    Cvs,
    DeleteExcluded,
}

fn given(random: &mut Random) -> Vec<Given> {
    (0..1 + random.below(5))
        .map(|_| match random.below(14) {
            0 => Given::Exclude(pattern(random)),
            1 => Given::Include(pattern(random)),
            2 => Given::Exclude(format!("{}{}", random.pick(&["- ", "+ ", "!"]), pattern(random))),
            3 if random.chance(50) => Given::ExcludeFrom,
            4 if random.chance(50) => Given::Cvs,
            5 if random.chance(50) => Given::DeleteExcluded,
            _ => Given::Filter(rule(random)),
        })
        .collect()
}

/// What rsync lists of a tree, and why something is in the list or is not; or what it says instead.
fn theirs(root: &Path, given: &[Given]) -> Result<Vec<String>, String> {
    let mut command = Command::new("timeout");
    command
        .args([
            "--signal=KILL",
            "60",
            "rsync",
            "-r",
            "--list-only",
            "--debug=FILTER",
        ])
        .current_dir(root);
    command
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", root)
        .env_remove("CVSIGNORE");
    for option in given {
        match option {
            Given::Filter(rule) => command.arg(format!("--filter={rule}")),
            Given::Exclude(rule) => command.arg(format!("--exclude={rule}")),
            Given::Include(rule) => command.arg(format!("--include={rule}")),
            Given::ExcludeFrom => command.arg("--exclude-from=patterns"),
            Given::Cvs => command.arg("-C"),
            Given::DeleteExcluded => command.arg("--delete-excluded"),
        };
    }
    let output = command.arg("tree/").output().expect("rsync runs");
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().next().unwrap_or_default();
        let line = line.strip_prefix("rsync: [client] ").unwrap_or(line);
        return Err(without_place(line, root));
    }
    let text = String::from_utf8(output.stdout).expect("names of letters");
    let mut names: Vec<_> = text
        .lines()
        .map(|line| match line.starts_with('[') {
            true => line.replace(&format!("{}/", root.display()), ""),
            false => line.split_whitespace().skip(4).collect::<Vec<_>>().join(" "),
        })
        .filter(|name| name != ".")
        .collect();
    names.sort();
    Ok(names)
}

/// A complaint with places below the folder that holds all.
fn without_place(text: &str, root: &Path) -> String {
    text.replace(&format!("{}/", root.display()), "")
}

fn ours(root: &Path, given: &[Given]) -> Result<Vec<String>, String> {
    let tree = root.join("tree");
    let mut filters = FilterList::new(CvsIgnores::default());
    let mut cvs = false;
    let mut start = |name: &[u8]| fs::read(root.join(std::ffi::OsStr::from_bytes(name)));
    let said = |error: FilterError| without_place(&error.to_string(), root);
    for option in given {
        match option {
            Given::Filter(rule) => filters.filter(rule.as_bytes(), &mut start),
            Given::Exclude(rule) => filters.pattern(rule.as_bytes(), false, &mut start),
            Given::Include(rule) => filters.pattern(rule.as_bytes(), true, &mut start),
            Given::ExcludeFrom => filters.patterns_of(b"patterns", false, &mut start),
            Given::Cvs => {
                cvs = true;
                Ok(())
            }
            Given::DeleteExcluded => {
                filters.delete_excluded();
                Ok(())
            }
        }
        .map_err(said)?;
    }
    filters.announce(Side::Sender, 32, cvs).map_err(said)?;
    filters.set_root(tree.as_os_str().as_bytes());
    let mut names = Vec::new();
    walk(&tree, "", &mut filters, &mut names).map_err(said)?;
    names.sort();
    Ok(names)
}

/// What a sender would list below a folder, and why: each folder whole, then those below it in the order of their names,
/// as rsync does (`send_extra_file_list` in flist.c). So the first of several bad rules is the same.
fn walk(
    tree: &Path,
    folder: &str,
    filters: &mut FilterList,
    names: &mut Vec<String>,
) -> Result<(), FilterError> {
    let mut read = |name: &[u8]| fs::read(tree.join(std::ffi::OsStr::from_bytes(name)));
    filters.enter(folder.as_bytes(), &mut read)?;
    let mut entries: Vec<_> = fs::read_dir(tree.join(folder))
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .collect();
    // A folder sorts as if a slash ended its name.
    entries.sort_by_cached_key(|entry| [entry.file_name().as_bytes(), b"/"].concat());
    let mut folders = Vec::new();
    for entry in entries {
        let base = entry.file_name().into_string().expect("letters");
        let name = match folder {
            "" => base,
            folder => format!("{folder}/{base}"),
        };
        let is_directory = entry.path().is_dir();
        if let Some(reason) = filters.reason(name.as_bytes(), is_directory, Purpose::Sending) {
            let reason = String::from_utf8(reason).expect("letters");
            names.push(reason.replace(&format!("{}/", tree.parent().expect("a parent").display()), ""));
        }
        if !filters.excludes(name.as_bytes(), is_directory, Purpose::Sending) {
            names.push(name.clone());
            if is_directory {
                folders.push(name);
            }
        }
    }
    for name in folders {
        walk(tree, &name, filters, names)?;
    }
    filters.leave();
    Ok(())
}

#[test]
fn generated_rules_decide_as_in_rsync() {
    if !has_rsync() {
        return;
    }
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let count = number("RSYNCCTL_FILTERS").unwrap_or(400);
    let first = number("RSYNCCTL_SEED").unwrap_or(1);
    let next = Mutex::new(first..first + count);
    let differences = Mutex::new(Vec::new());
    let (decided, refused) = (Mutex::new(0), Mutex::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    let mut random = Random::new(seed);
                    let folder = tempfile::tempdir().expect("a folder");
                    let root = folder.path().canonicalize().expect("it is there");
                    fs::create_dir(root.join("tree")).expect("a folder");
                    plant(&root.join("tree"), &mut random, 0);
                    fs::write(root.join("rules"), rules_of_file(&mut random)).expect("a file");
                    fs::write(root.join("patterns"), rules_of_file(&mut random)).expect("a file");
                    fs::write(root.join(".g"), rules_of_file(&mut random)).expect("a file");
                    let given = given(&mut random);
                    let (theirs, ours) = (theirs(&root, &given), ours(&root, &given));
                    // What a merge file below holds is complained of by several processes at once.
                    *(if theirs.is_ok() { &decided } else { &refused }).lock().expect("no panic") += 1;
                    if theirs != ours {
                        let rules: Vec<_> = given
                            .iter()
                            .map(|option| match option {
                                Given::Filter(rule) => format!("--filter={rule}"),
                                Given::Exclude(rule) => format!("--exclude={rule}"),
                                Given::Include(rule) => format!("--include={rule}"),
                                Given::ExcludeFrom => "--exclude-from=patterns".to_owned(),
                                Given::Cvs => "-C".to_owned(),
                                Given::DeleteExcluded => "--delete-excluded".to_owned(),
                            })
                            .collect();
                        let text = format!(
                            "RSYNCCTL_SEED={seed} RSYNCCTL_FILTERS=1 {rules:?}\nrsync:    {theirs:?}\nrsyncctl: {ours:?}"
                        );
                        differences.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    println!("{count} rule sets: {decided:?} decided, {refused:?} refused");
    assert_none(&differences);
}

#[test]
fn links_that_are_followed_take_part_as_what_they_lead_to() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        fs::create_dir_all(root.join("src/folder")).expect("folders");
        fs::write(root.join("src/folder/file"), "one").expect("a file");
        for (to, link) in [
            ("folder", "in"),
            ("folder", "out"),
            ("none", "lost"),
            ("../../none", "gone"),
        ] {
            symlink(to, root.join("src").join(link)).expect("a link");
        }
        touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    for follow in ["-L", "-k", "--copy-unsafe-links", "-l"] {
        for rules in [
            &["--exclude=lost/"][..],
            &["--exclude=gone/", "--exclude=out"],
            &[
                "--exclude=lost",
                "--include=in/",
                "--exclude=in",
                "--exclude=out/",
            ],
        ] {
            for named in [&["src/"][..], &["src/lost", "src/in", "src/out"]] {
                let words = [&["-rt", "-i", follow], rules, named, &["{url}/drop"]].concat();
                if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
                    panic!("{difference}");
                }
            }
        }
    }
}

#[test]
fn files_with_rules_are_where_they_are_named() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        fs::create_dir_all(root.join("src")).expect("folders");
        for name in ["src/a", "src/b", "src/c"] {
            fs::write(root.join(name), name).expect("a file");
        }
        fs::write(root.join("patterns"), "b\n").expect("a file");
        fs::write(root.join("rules"), "- c\n").expect("a file");
        // The time of the folder must not happen to be that of the target.
        touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    for words in [
        ["-rti", "--exclude-from={here}/patterns"],
        ["-rti", "--exclude-from=patterns"],
        ["-rti", "--exclude-from=./src/../patterns"],
        ["-rti", "--filter=merge {here}/rules"],
        ["-rti", "--filter=. rules"],
        ["-rti", "--filter=merge,- {here}/patterns"],
    ] {
        let words = [&words[..], &["src/", "{url}/drop"]].concat();
        if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
            panic!("{difference}");
        }
        assert!(stage.target().join("a").exists(), "{words:?}");
        let left = fs::read_dir(stage.target()).expect("a folder").count();
        assert_eq!(left, 2, "{words:?}");
    }
    // Above, in and below what is sent.
    for rules in ["--include-from={here}/patterns", "--include-from=patterns"] {
        source(stage.folder.path());
        let words = ["-rti", rules, "--exclude=*", "{url}/data/src/", "dst"];
        fs::write(stage.source().join("b"), "b").expect("a file");
        if let Err(difference) = stage.compare(&words, source) {
            panic!("{difference}");
        }
    }
}

#[test]
fn links_to_files_with_rules_are_followed_if_they_are_trusted() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for owner in [None, Some(1234)]
        .into_iter()
        .take(1 + usize::from(nix::unistd::geteuid().is_root()))
    {
        let source = |root: &Path| {
            fs::create_dir_all(root.join("src/d")).expect("folders");
            for name in ["src/a", "src/b", "src/d/b"] {
                fs::write(root.join(name), name).expect("a file");
            }
            fs::write(root.join("rules"), "- b\n").expect("a file");
            fs::write(root.join("names"), "a\n").expect("a file");
            for (to, link) in [
                ("../rules", "src/.rsync-filter"),
                ("../../names", "src/d/.cvsignore"),
            ] {
                symlink(to, root.join(link)).expect("a link");
                std::os::unix::fs::lchown(root.join(link), owner, owner).expect("an owner");
            }
            touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        };
        for words in [
            ["-rti", "-FF"],
            ["-rti", "--filter=: .rsync-filter"],
            ["-rti", "-C"],
        ] {
            let words = [&words[..], &["src/", "{url}/drop"]].concat();
            if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
                assert!(
                    difference.contains("-! refusing to follow a symlink"),
                    "{difference}"
                );
                let is_more = difference.lines().skip(3).any(|line| line.starts_with('+'));
                assert!(owner.is_some() && !is_more, "{difference}");
            }
        }
    }
}
