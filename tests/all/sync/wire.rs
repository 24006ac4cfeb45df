//! How much goes over the wire for what changed: as little as with rsync.

use std::{fs, path::Path, process::Command, sync::mpsc};

use super::{Stage, faults::proxy::Proxy};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, program::program},
};

/// What becomes of a file.
const CHANGES: [&str; 6] = ["same", "appended", "prepended", "moved", "scattered", "encrypted"];

/// Some below the shortest block, and some with longer blocks each.
const SIZES: [usize; 4] = [500, 40_000, 600_000, 6_000_000];

/// At this one, each protocol and each compression is tried.
const MIDDLE: usize = 600_000;

fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.below(256) as u8).collect()
}

fn changed(old: &[u8], change: &str, random: &mut Random) -> Vec<u8> {
    let more = bytes(random, old.len() / 50 + 1);
    match change {
        "same" => old.to_vec(),
        "appended" => [old, &more].concat(),
        "prepended" => [&more, old].concat(),
        "moved" => {
            let (front, back) = old.split_at(old.len() * 3 / 7);
            [back, front].concat()
        }
        "scattered" => {
            let mut new = old.to_vec();
            // One in a hundred, in short stretches.
            for _ in 0..old.len() / 100 / 40 + 1 {
                let start = random.below(new.len());
                let end = new.len().min(start + 40);
                new[start..end].iter_mut().for_each(|byte| *byte ^= 0x55);
            }
            new
        }
        "encrypted" => bytes(random, old.len()),
        _ => unreachable!("all are listed"),
    }
}

/// How many bytes a client's session takes, both ways.
fn taken(is_pull: bool, words: &[&str], old: &[u8], new: &[u8], ours: bool) -> usize {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path().join("here");
    let (source, target) = match is_pull {
        true => (stage.source(), here),
        false => (here, stage.target()),
    };
    for (folder, content) in [(&source, new), (&target, old)] {
        fs::create_dir_all(folder).expect("folders");
        fs::write(folder.join("file"), content).expect("a file");
    }
    let (reached, _) = mpsc::channel();
    let proxy = Proxy::start(stage.daemon.port(), None, reached);
    let url = proxy.url();
    let mut command = match ours {
        true => program(folder.path(), &["sync"]),
        false => Command::new("rsync"),
    };
    let command = command.arg("-rI").args(words).current_dir(folder.path());
    let command = match is_pull {
        true => command.arg(format!("{url}/data/src/")).arg("here"),
        false => command.arg("here/").arg(format!("{url}/drop/")),
    };
    let output = command.output().expect("the client runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {error}");
    let read = |folder: &Path| fs::read(folder.join("file")).expect("a file");
    assert!(read(&target) == new, "{words:?}: it is another file");
    proxy.end().iter().sum()
}

/// How much more our client takes than rsync, in ten thousandths, which may be 2 %; with a text for people.
fn compared(is_pull: bool, words: &[&str], old: &[u8], new: &[u8], name: &str) -> (usize, String) {
    let [theirs, ours] = [false, true].map(|ours| taken(is_pull, words, old, new, ours));
    let way = if is_pull { "pulled" } else { "pushed" };
    let text = format!("{name}, {way} {words:?}: {ours} bytes, {theirs} by rsync");
    assert!(ours * 100 <= theirs * 102, "{text}");
    (ours * 10_000 / theirs, text)
}

#[test]
fn a_change_takes_no_more_than_with_rsync() {
    if !has_rsync() {
        return;
    }
    let mut random = Random::new(23);
    let mut largest = (0, String::new());
    for size in SIZES {
        let old = bytes(&mut random, size);
        for change in CHANGES {
            let new = changed(&old, change, &mut random);
            for is_pull in [true, false] {
                let all = [
                    &[][..],
                    &["--protocol=29"],
                    &["--protocol=29", "--cc=md5"],
                    &["--protocol=30"],
                    &["-z"],
                    &["--zl=9", "-z"],
                ];
                let few = if size == MIDDLE { &all[..] } else { &all[..1] };
                for words in few {
                    let told = compared(is_pull, words, &old, &new, &format!("{size} bytes {change}"));
                    largest = largest.max(told);
                }
            }
        }
    }
    println!("at most {:?}", largest);
}

/// What is written over in place: a block is there as long as nothing else stands in its place, and blocks of zeros are in
/// many places.
#[test]
fn a_change_in_place_takes_no_more_than_with_rsync() {
    if !has_rsync() {
        return;
    }
    let mut random = Random::new(29);
    let zeros = vec![0; 2_000_000];
    let mut one = zeros.clone();
    one[1_000_005] = 1;
    let noise = bytes(&mut random, 600_000);
    let grown = [&noise[..], &zeros].concat();
    let image: Vec<u8> = (0..40)
        .flat_map(|part| match part % 3 {
            0 => bytes(&mut random, 50_000),
            _ => vec![0; 50_000],
        })
        .collect();
    let mut written = image.clone();
    for _ in 0..20 {
        let start = random.below(written.len() - 5_000);
        written[start..start + 5_000].copy_from_slice(&noise[..5_000]);
    }
    let twice = [&noise[..], &noise].concat();
    let mut largest = (0, String::new());
    for (name, old, new) in [
        ("one byte among zeros", &zeros, &one),
        ("zeros in place of one byte", &one, &zeros),
        ("zeros behind noise", &noise, &grown),
        ("fewer zeros", &grown, &noise),
        ("an image", &image, &written),
        ("a copy behind", &noise, &twice),
        ("scattered", &noise, &changed(&noise, "scattered", &mut random)),
        ("prepended", &noise, &changed(&noise, "prepended", &mut random)),
        ("moved", &noise, &changed(&noise, "moved", &mut random)),
    ] {
        for words in [&["--inplace"][..], &["--inplace", "--protocol=29"]] {
            for is_pull in [true, false] {
                largest = largest.max(compared(is_pull, words, old, new, name));
            }
        }
    }
    println!("at most {largest:?}");
}
