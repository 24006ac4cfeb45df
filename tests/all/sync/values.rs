//! Values of options: numbers as C reads them, sizes, empty values, and maps of owners.

use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{Prepare, Stage, client, some_files, trees::touch};
use crate::support::{daemon::has_rsync, skip};

const NUMBERS: [&str; 10] = [
    "timeout",
    "contimeout",
    "port",
    "protocol",
    "checksum-seed",
    "compress-level",
    "zl",
    "zt",
    "max-delete",
    "modify-window",
];

/// Both clients with each of the lines, whose words a `|` stands between.
fn compare(stage: &Stage, lines: impl IntoIterator<Item = String>, prepare: Prepare) {
    let differences: Vec<_> = lines
        .into_iter()
        .filter_map(|line| {
            let words: Vec<_> = line.split('|').collect();
            stage.compare(&words, prepare).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn numbers_are_read_as_c_reads_them() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let lines = NUMBERS.iter().flat_map(|option| {
        let texts = ["", "08", "0x", "2147483648"];
        texts.map(|text| format!("-r|-z|--{option}={text}|{{url}}/data/src/|dst"))
    });
    compare(&stage, lines, |_| {});
    let accepted = [
        "--max-delete=-2147483649",
        "--max-delete=99999999999999999999",
        "--max-delete=5 ",
        "--max-delete=010",
        "--max-delete=0x10",
        "--max-delete= 5",
        "--max-delete=+0x2",
        "--checksum-seed=-010",
        "--timeout=0x10",
        "--timeout=2147483647",
        "--contimeout=99999999",
        "--contimeout=-1",
        "--modify-window=01",
        "--port=-1",
        "--port=0",
        "--protocol=036",
        "--protocol=33",
        "-@|01",
        "-@|",
        "-@x",
        "-rv@x",
        "-@|x",
        "--timeout|x",
        "--zl|5x",
    ];
    let lines = accepted.map(|option| format!("-r|-z|--debug=cmd|{option}|{{url}}/data/src/|dst"));
    compare(&stage, lines, |_| {});
    let many: Prepare = |root| {
        fs::create_dir_all(root.join("dst")).expect("a folder");
        for number in 0..20 {
            fs::write(root.join(format!("dst/more{number}")), "x").expect("a file");
        }
    };
    // The least is none for rsync too.
    let lines = ["010", "0x10", " 5", "", "-2147483648", "-2147483647"]
        .map(|most| format!("-ri|--delete|--no-i-r|--max-delete={most}|{{url}}/data/src/|dst"));
    compare(&stage, lines, many);
}

#[test]
fn empty_values_are_those_that_rsync_takes_them_for() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let given = [
        "--bwlimit=",
        "--bwlimit=.",
        "--bwlimit=k",
        "--bwlimit=8p",
        "-B|",
        "--block-size=",
        "--block-size=k",
        "--max-size=",
        "--max-size=.",
        "--min-size=",
        "--max-alloc=",
        "--exclude-from=",
        "--include-from=",
        "--temp-dir=",
        "-T|",
        "--log-file=",
        "--files-from=",
        "--early-input=",
        "--partial-dir=",
        "--partial-dir=|--inplace",
        "--partial-dir=|--append",
        "--bwlimit=-1",
        "--bwlimit=0-1",
        "--max-size=+1",
    ];
    let lines = given.iter().flat_map(|option| {
        let pull = format!("-r|--debug=cmd|{option}|{{url}}/data/src/|dst");
        // rsync waits for ever in a push then.
        let is_endless = matches!(*option, "--temp-dir=" | "-T|");
        let push = (!is_endless).then(|| format!("-r|{option}|src/|{{url}}/drop"));
        [Some(pull), push].into_iter().flatten()
    });
    compare(&stage, lines, |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        some_files(&root.join("src"));
    });
}

#[test]
fn a_wrong_word_is_named_as_it_was_typed() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let words = [
        "-a=x",
        "-rv=x",
        "-rj",
        "-jr",
        "-j=1",
        "--nosuch=1",
        "-P=1",
        "-F=",
        "--a",
        "---",
        "--=x",
        "--delete=",
        "--no-iconv=x",
        "-=",
        "--no-force",
        "--no-ignore-errors",
    ];
    let lines = words.map(|word| format!("-r|{word}|{{url}}/data/src/|dst"));
    compare(&stage, lines, |_| {});
    let lines = [
        "-r|--delete|--force|--no-force|{url}/data/src/|dst",
        "-r|--delete|--no-force|--force|{url}/data/src/|dst",
        "-r|--debug=cmd|--delete|--ignore-errors|--no-ignore-errors|{url}/data/src/|dst",
        "-r|--debug=cmd|--delete|--no-ignore-errors|--ignore-errors|{url}/data/src/|dst",
    ];
    compare(&stage, lines.map(str::to_owned), |root| {
        fs::create_dir_all(root.join("dst/f1/full")).expect("folders");
    });
}

#[test]
fn the_environment_names_the_folder_for_parts_that_are_kept() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let part: Prepare = |root| {
        for name in ["src", "dst/.parts"] {
            fs::create_dir_all(root.join(name)).expect("a folder");
        }
        fs::write(root.join("src/f1"), "one").expect("a file");
        fs::write(root.join("dst/.parts/f1"), "on").expect("a file");
    };
    let options = [
        "-riP",
        "-ri|--partial",
        "-ri",
        "-ri|--partial|--inplace",
        "-ri|--partial|--no-partial",
        "-ri|--partial|--partial-dir=.other",
        "-ri|--delay-updates",
        "-ri|--partial|--delay-updates",
        "-ri|--partial|--partial-dir=",
    ];
    let compare = |options: &str, folder: &str| {
        for places in ["{url}/data/src/|dst", "src/|{url}/drop"] {
            let line = format!("{options}|--debug=cmd|{places}");
            let words: Vec<_> = line.split('|').collect();
            let environment = [("RSYNC_PARTIAL_DIR", folder)];
            if let Err(difference) = stage.compare_in(&environment, &words, part) {
                panic!("{difference}");
            }
        }
    };
    for options in options {
        compare(options, ".parts");
    }
    for folder in [".", "", "./.parts/"] {
        compare("-riP", folder);
    }
}

#[test]
fn maps_of_owners_are_read_alike() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let maps = [
        "1:+5",
        "1:05",
        "1:0x5",
        "1:-5",
        "1-:3",
        "1--2:3",
        "0-0:9",
        "5-0:9",
        "1:99999999999",
        "99999999999:1",
        "a:5,,b:6",
        "a,b:5",
        "ro\\ot:5",
        "ro[o]t:+1",
        "*:nosuch1,*:nosuch2",
        "x:,y",
    ];
    let lines = maps.iter().flat_map(|map| {
        let options = [format!("--usermap={map}"), format!("--groupmap={map}")];
        options.map(|option| format!("-rt|{option}|{{url}}/data/src/|dst"))
    });
    let chown = ["+5:+6", "+5", ":+6"].map(|owner| format!("-rt|--chown={owner}|{{url}}/data/src/|dst"));
    compare(&stage, lines.chain(chown), |_| {});
}

#[test]
fn an_empty_program_for_the_connection_ends_at_once() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for ours in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = client(folder.path(), ours);
        command.args(["-r", &url, "dst"]).env("RSYNC_CONNECT_PROG", "");
        let output = command.output().expect("the client runs");
        // It may be gone before anything is written to it.
        let code = output.status.code();
        assert!(matches!(code, Some(5 | 12)), "{ours} {code:?}");
        assert!(!folder.path().join("dst").exists(), "{ours}");
    }
}

/// A zone is named as the system's library has it: by the name of its file, or by what it is.
#[test]
fn times_are_shown_in_the_zone_that_is_named() {
    if !has_rsync() {
        return;
    }
    if !Path::new("/usr/share/zoneinfo/Asia/Tokyo").exists() {
        skip("/usr/share/zoneinfo has no zones");
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    touch(&stage.source().join("f1"), time);
    for zone in [
        "Asia/Tokyo",
        ":Asia/Tokyo",
        "/usr/share/zoneinfo/Asia/Tokyo",
        "America/New_York",
        "posix/Asia/Tokyo",
        "asia/tokyo",
        "JST-9",
        "CET-1CEST",
        "EST5EDT4",
        "Nowhere/At_All",
        "",
    ] {
        for words in ["-r|{url}/data/src/", "-rt|--out-format=%M %n|{url}/data/src/|dst"] {
            let words: Vec<_> = words.split('|').collect();
            let compared = stage.compare_in(&[("TZ", zone)], &words, |_| {});
            assert!(compared.is_ok(), "{zone}: {}", compared.unwrap_err());
        }
    }
    let listed = |zone: &str| {
        let url = format!("rsync://127.0.0.1:{}/data/src/f1", stage.daemon.port());
        let mut command = client(stage.folder.path(), true);
        let output = command
            .arg(url)
            .env("TZ", zone)
            .output()
            .expect("the client runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (tokyo, world) = (listed("Asia/Tokyo"), listed("UTC"));
    assert!(tokyo.contains("2001/09/09 10:46:40"), "{tokyo}");
    assert!(world.contains("2001/09/09 01:46:40"), "{world}");
}
