//! Generated trees with generated options become the same by our client and the real one.
//!
//! `RSYNCCTL_TREES` is the number of generated trees, `RSYNCCTL_SEED` the seed of the first one.

use std::{fs, path::Path, sync::Mutex, thread};

use super::{
    Stage, assert_none,
    extended::adorn,
    number,
    trees::{RECEIVING, link, names, options, plant},
};
use crate::{differential::generator::Random, support::daemon::has_rsync};

#[test]
fn generated_trees_become_the_same() {
    if !has_rsync() {
        return;
    }
    let count = number("RSYNCCTL_TREES").unwrap_or(160);
    let first = number("RSYNCCTL_SEED").unwrap_or(1);
    let next = Mutex::new(first..first + count);
    let differences = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = next.lock().expect("no panic").next() else {
                        return;
                    };
                    let result = match seed % 2 {
                        0 => generated_pull(seed),
                        _ => generated_push(seed),
                    };
                    if let Err(difference) = result {
                        let text = format!("RSYNCCTL_SEED={seed} RSYNCCTL_TREES=1\n{difference}");
                        differences.lock().expect("no panic").push(text);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().expect("no panic");
    println!("{count} trees compared, from seed {first}");
    assert_none(&differences);
}

/// rsync sets the time of a file that it was told to leave, if a folder was to stand there.
fn may_conflict(words: &[&str]) -> bool {
    !words.contains(&"--ignore-existing")
}

/// ACLs and extended attributes, if they are kept. Without `-p`, rsync's receiver gives a folder with attributes the
/// sender's mode, against the umask: not here.
fn attributes(seed: u64, words: &[String]) -> Option<&'static str> {
    let mut random = Random::new(seed + 7);
    let has_permissions =
        matches!(&*words[0], "-a" | "-rlpt" | "-rlptgo") && !words.iter().any(|word| word == "--no-p");
    (has_permissions && random.chance(40)).then(|| random.pick(&["-A", "-X", "-AX", "-AX"]))
}

/// Gives files ACLs and attributes where those are kept; with one of them alone those that new files would get from
/// their folder are another matter.
fn adorn_all(root: &Path, seed: u64, words: &[&str], is_source: bool) {
    let is_kept = |word: &&str| matches!(*word, "-AX") || is_source && matches!(*word, "-A" | "-X");
    if words.iter().any(is_kept) {
        adorn(root, &mut Random::new(seed + 9));
    }
}

fn generated_pull(seed: u64) -> Result<(), String> {
    let stage = Stage::patient();
    let mut random = Random::new(seed);
    let mut words = options(&mut random);
    plant(&stage.source(), &mut random, None, true);
    for _ in 0..random.below(3) {
        words.push(random.pick(&RECEIVING).to_owned());
    }
    let mut list = None;
    words.extend(attributes(seed, &words).map(str::to_owned));
    match random.chance(35) {
        true => list = names(&mut random, &mut words, &stage.source(), "{url}/source/"),
        false => words.push(random.pick(&["{url}/data/src/", "{url}/data/src"]).to_owned()),
    }
    words.push("dst".to_owned());
    // Where another file is the basis, rsync leaves zeros in front of what it appends, or makes no file: see `parts`.
    if words.iter().any(|word| word.starts_with("--append")) {
        words.retain(|word| !word.starts_with("-y") && !word.contains("-dest="));
    }
    // rsync loses what stands at linked names then: see `conflicts`.
    if words.iter().any(|word| word == "-H") {
        words.retain(|word| word != "--existing");
    }
    if words
        .iter()
        .any(|word| word == "-H" || word.starts_with("--append"))
    {
        link(&stage.source(), &mut random);
    }
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    adorn_all(&stage.source(), seed, &words, true);
    let may_conflict = may_conflict(&words);
    stage.compare(&words, |root| {
        let mut random = Random::new(seed);
        if let Some(list) = &list {
            fs::write(root.join("list"), list).expect("a file");
        }
        for name in ["one", "two"] {
            fs::create_dir(root.join(name)).expect("a folder");
            plant(&root.join(name), &mut random, Some(&stage.source()), may_conflict);
            adorn_all(&root.join(name), seed + 1, &words, false);
        }
        let target = root.join("dst");
        if !random.chance(30) {
            fs::create_dir(&target).expect("a folder");
            plant(&target, &mut random, Some(&stage.source()), may_conflict);
            if words.contains(&"-H") {
                link(&target, &mut random);
            }
            adorn_all(&target, seed + 2, &words, false);
        }
    })
}

fn generated_push(seed: u64) -> Result<(), String> {
    let stage = Stage::patient();
    let mut random = Random::new(seed);
    let mut words = options(&mut random);
    // What a pull does not do yet.
    let others = [
        "-H",
        "-s",
        "-y",
        "--inplace",
        "--append",
        "--append-verify",
        "--backup-dir=old",
        "--partial-dir=.part",
        "--delay-updates",
        "--copy-dest=/",
        "--chown=1:2",
    ];
    for _ in 0..random.below(3) {
        words.push(random.pick(&others).to_owned());
    }
    words.extend(attributes(seed, &words).map(str::to_owned));
    // What stands there is like the files of a pull.
    plant(&stage.source(), &mut Random::new(seed), None, true);
    let mut list = None;
    match random.chance(35) {
        true => list = names(&mut random, &mut words, &stage.source(), "src"),
        false => words.push(random.pick(&["src/", "src"]).to_owned()),
    }
    words.push(random.pick(&["{url}/drop", "{url}/drop/dst"]).to_owned());
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let may_conflict = may_conflict(&words);
    stage.compare_push(
        &words,
        |root| {
            fs::create_dir(root.join("src")).expect("a folder");
            plant(&root.join("src"), &mut Random::new(seed), None, true);
            if let Some(list) = &list {
                fs::write(root.join("list"), list).expect("a file");
            }
            if words.contains(&"-H") {
                link(&root.join("src"), &mut Random::new(seed + 2));
            }
            adorn_all(&root.join("src"), seed, &words, true);
        },
        |target| {
            let mut random = Random::new(seed + 1);
            if !random.chance(30) {
                plant(target, &mut random, Some(&stage.source()), may_conflict);
                if words.contains(&"-H") {
                    link(target, &mut random);
                }
                adorn_all(target, seed + 2, &words, false);
            }
        },
    )
}
