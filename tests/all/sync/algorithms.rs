//! Checksums and compressions, chosen and negotiated.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use rsyncctl::rsync::proto::{Compression, TokenWriter};

use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, program::program},
    sync::{Stage, some_files, trees::touch},
};

const PROTOCOLS: [&str; 4] = ["--protocol=29", "--protocol=30", "--protocol=31", "--protocol=32"];

/// Words of different lengths, which a compressor makes a quarter of.
fn prose(random: &mut Random, length: usize) -> Vec<u8> {
    let words: Vec<String> = (0..900)
        .map(|_| {
            let letters = 2 + random.below(9);
            (0..letters)
                .map(|_| char::from(b'a' + random.below(26) as u8))
                .collect()
        })
        .collect();
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(words[random.below(words.len())].as_bytes());
        text.push(b" \n,"[random.below(20).min(2)]);
    }
    text.truncate(length);
    text
}

/// Old content, and new content that shares most of it.
fn versions() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let mut random = Random::new(11);
    let text = prose(&mut random, 400_000);
    let more = prose(&mut random, 9_000);
    let (front, back) = text.split_at(123_457);
    let noise: Vec<u8> = (0..150_000).map(|_| random.below(256) as u8).collect();
    vec![
        ("inserted", text.clone(), [front, &more, back].concat()),
        ("moved", text.clone(), [back, front].concat()),
        ("new", Vec::new(), prose(&mut random, 70_000)),
        (
            "noise",
            noise.clone(),
            [&more, &noise[..], &noise[70_000..]].concat(),
        ),
        ("empty", more, Vec::new()),
    ]
}

fn stage() -> Stage {
    let stage = Stage::new();
    for (name, _, new) in versions() {
        fs::write(stage.source().join(name), new).expect("a file");
    }
    touch(&stage.source(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    stage
}

fn old_versions(root: &Path) {
    fs::create_dir(root.join("dst")).expect("a folder");
    for (name, old, _) in versions() {
        if !old.is_empty() {
            let path = root.join("dst").join(name);
            fs::write(&path, old).expect("a file");
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_001));
        }
    }
}

#[test]
fn every_compression_brings_the_same_at_every_protocol() {
    if !has_rsync() {
        return;
    }
    let stage = stage();
    let mut differences = Vec::new();
    for protocol in PROTOCOLS {
        for compression in ["none", "zlib", "zlibx", "lz4", "zstd"] {
            let choice = format!("--compress-choice={compression}");
            let words = ["-ai", protocol, &choice, "{url}/data/src/", "dst"];
            differences.extend(stage.compare(&words, old_versions).err());
        }
        // Blocks that are longer than a stored one of deflate.
        let words = [
            "-ai",
            protocol,
            "--old-compress",
            "-B100000",
            "{url}/data/src/",
            "dst",
        ];
        differences.extend(stage.compare(&words, old_versions).err());
        for words in [&["-aiz"][..], &["-aizz"], &["-aiz", "-W"], &["-aiz", "--zl=9"]] {
            let words = [words, &[protocol, "{url}/data/src/", "dst"]].concat();
            differences.extend(stage.compare(&words, old_versions).err());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_checksum_brings_the_same_at_every_protocol() {
    if !has_rsync() {
        return;
    }
    let stage = stage();
    let choices = [
        "xxh128",
        "xxh3",
        "xxh64",
        "XXHash",
        "md5",
        "md4",
        "sha1",
        "none",
        "auto",
        "auto,sha1",
        "md5,none",
    ];
    let mut differences = Vec::new();
    for protocol in PROTOCOLS {
        for choice in choices {
            // Without a digest a daemon does not survive `-c`.
            let kept = if choice.contains("none") { "-ai" } else { "-aic" };
            let choice = format!("--cc={choice}");
            let words = [kept, protocol, &choice, "{url}/data/src/", "dst"];
            differences.extend(stage.compare(&words, old_versions).err());
        }
        for seed in ["1", "-1", "2147483647"] {
            let seed = format!("--checksum-seed={seed}");
            let words = ["-ai", protocol, &seed, "{url}/data/src/", "dst"];
            differences.extend(stage.compare(&words, old_versions).err());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_nobody_knows_is_refused_as_rsync_does() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let compressions = |list| vec![("RSYNC_COMPRESS_LIST", list)];
    let checksums = |list| vec![("RSYNC_CHECKSUM_LIST", list)];
    let cases = [
        (vec![], "-ai --zc=bogus"),
        (vec![], "-ai --cc=md5,bogus"),
        (vec![], "-ai --cc=bogus"),
        (compressions("lz4 bogus & zlib"), "-aiz"),
        (compressions("bogus"), "-aiz"),
        (compressions("bogus"), "-ai"),
        (compressions("zstd lz4"), "-aiz --protocol=29"),
        (compressions("zstd lz4"), "-aiz --protocol=29 --zc=zlib"),
        (checksums("sha1 bogus SHA1"), "-aiI"),
        (checksums("none"), "-aiI"),
        (checksums("bogus"), "-ai"),
        (checksums("bogus"), "-ai --cc=md5"),
        (checksums("xxh3"), "-ai --protocol=30 --cc=auto"),
        (checksums("xxh3 sha1"), "-ai --protocol=29"),
        (vec![], "-ai --zc=zlib --zl=0"),
        (vec![], "-ai --zc=zstd --zl=0"),
        (vec![], "-ai --zl=22"),
        (vec![], "-aiz --no-z"),
        (vec![], "-aiz --zc=none"),
        (vec![], "-aiz --skip-compress=gz/mp[34]/jpg"),
    ];
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|(environment, words)| {
            let mut words: Vec<_> = words.split(' ').collect();
            words.extend(["{url}/data/src/", "dst"]);
            stage.compare_in(environment, &words, |_| {}).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A number of `--stats`.
fn statistic(command: &mut Command, name: &str) -> u64 {
    let output = command.output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    number
        .replace(',', "")
        .parse()
        .unwrap_or_else(|_| panic!("{name}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_we_compress_is_as_small_as_what_rsync_compresses() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut random = Random::new(5);
    let text = prose(&mut random, 1_000_000);
    let source = include_bytes!("../../../Cargo.lock");
    for (name, content) in [("text", &text[..]), ("source", source)] {
        let path = stage.source().join(name);
        fs::write(&path, content).expect("a file");
        for compression in Compression::OFFERED {
            let mut ours = Vec::new();
            let mut writer = TokenWriter::new(compression, None);
            for piece in content.chunks(32 * 1024) {
                writer.literal(piece, &mut ours);
            }
            writer.end(&mut ours);
            let folder = tempfile::tempdir().expect("a folder");
            let mut rsync = Command::new("timeout");
            rsync
                .args([
                    "--signal=KILL",
                    "60",
                    "rsync",
                    "--stats",
                    "--zc",
                    compression.name(),
                ])
                .arg(format!(
                    "rsync://127.0.0.1:{}/data/src/{name}",
                    stage.daemon.port()
                ))
                .arg(folder.path().join("dst"));
            let theirs = statistic(&mut rsync, "Total bytes received: ");
            println!(
                "{name}, {compression:?}: {} bytes, rsync {theirs} with its list",
                ours.len()
            );
            assert!(
                ours.len() as u64 * 100 <= theirs * 102,
                "{name}, {compression:?}: {} bytes, rsync {theirs}",
                ours.len()
            );
        }
    }
}

#[test]
fn levels_are_asked_of_the_sender() {
    if !has_rsync() {
        return;
    }
    let stage = stage();
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let received = |words: &[&str]| {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = program(folder.path(), &["sync", "-r", "--stats"]);
        statistic(command.args(words).args([&*url, "dst"]), "Total bytes received: ")
    };
    let sizes = [
        received(&[]),
        received(&["--zc=zlib", "--zl=1"]),
        received(&["--zc=zlib", "--zl=9"]),
        received(&["--zc=zstd", "--zl=19"]),
    ];
    assert!(sizes.is_sorted_by(|more, less| more > less), "{sizes:?}");
}

#[test]
fn a_daemon_understands_what_we_compress() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let new_versions = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        for (name, _, new) in versions() {
            let path = root.join("src").join(name);
            fs::write(&path, new).expect("a file");
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
        touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    let old_target = |target: &Path| {
        for (name, old, _) in versions() {
            fs::write(target.join(name), old).expect("a file");
        }
    };
    let mut differences = Vec::new();
    for protocol in PROTOCOLS {
        for choice in ["none", "zlib", "zlibx", "lz4", "zstd"] {
            for more in ["-B700", "-B100000", "-W", "--compress-level=1"] {
                let choice = format!("--compress-choice={choice}");
                let words = ["-aiI", protocol, &choice, more, "src/", "{url}/drop/"];
                differences.extend(stage.compare_push(&words, new_versions, old_target).err());
            }
        }
        for choice in ["xxh64", "md4", "sha1", "none", "xxh3,md5"] {
            let choice = format!("--checksum-choice={choice}");
            let words = ["-aizI", protocol, &choice, "src/", "{url}/drop/"];
            differences.extend(stage.compare_push(&words, new_versions, old_target).err());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
