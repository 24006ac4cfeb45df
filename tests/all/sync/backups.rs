//! What is kept when something else takes its place, where that is easily lost.

use std::{
    fs,
    os::unix::fs::{lchown, symlink},
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use nix::unistd::geteuid;

use super::{
    Stage, assert_none, client,
    stage::told,
    trees::{described, touch_itself},
};
use crate::support::{daemon::has_rsync, skip};

/// The link to the backups leads into the transfer, and goes: what it led to stays as it is.
#[test]
fn backups_overwrite_nothing_where_their_link_led() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = stage.source();
    fs::create_dir(source.join("d")).expect("a folder");
    fs::write(source.join("one"), "newer").expect("a file");
    fs::write(source.join("d/one"), "deep, and new").expect("a file");
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for way in ["link", "link/more"] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("d")).expect("folders");
        fs::write(folder.path().join("one"), "old").expect("a file");
        fs::write(folder.path().join("d/one"), "deep").expect("a file");
        symlink("d", folder.path().join("link")).expect("a link");
        // rsync ends with 23 here and there: it takes folders of backups for made that went with the link.
        let ended = client(folder.path(), true)
            .args(["-rlb", "--delete", "--backup-dir", way, &url, "."])
            .status();
        assert!(ended.expect("it runs").success());
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("d/one"), "deep, and new");
        assert_eq!(read(&format!("{way}/one")), "old");
        assert_eq!(read(&format!("{way}/d/one")), "deep");
    }
}

/// A link that stands for a folder of the transfer is not removed, and leads to the backups as before.
#[test]
fn backups_go_where_a_kept_link_leads() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.source().join("kept")).expect("a folder");
    fs::write(stage.source().join("one"), "newer").expect("a file");
    make_old(&stage.source());
    let mut differences = Vec::new();
    for target in ["../real", "real"] {
        let prepare = |root: &Path| {
            fs::create_dir(root.join("there")).expect("a folder");
            fs::create_dir(root.join("there").join(target)).expect("a folder");
            fs::write(root.join("there/one"), "old").expect("a file");
            symlink(target, root.join("there/kept")).expect("a link");
            make_old(root);
        };
        for options in [
            "-aKOb --backup-dir=kept",
            "-aKOb --backup-dir=kept/more",
            "-aKOb --backup-dir={here}/there/kept",
        ] {
            let words = options.split(' ').chain(["{url}/data/src/", "there"]);
            differences.extend(stage.compare(&words.collect::<Vec<_>>(), prepare).err());
        }
    }
    assert_none(&differences);
}

/// A link that stands for a folder may lead out of the destination: what is there is seen, and is not deleted.
#[test]
fn nothing_is_deleted_where_a_kept_link_leads() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.source().join("kept")).expect("a folder");
    make_old(&stage.source());
    let mut differences = Vec::new();
    for names in [&[][..], &["empty/", "full/", "full/one", "two"]] {
        let prepare = |root: &Path| {
            fs::create_dir(root.join("there")).expect("a folder");
            fs::create_dir(root.join("real")).expect("a folder");
            for name in names {
                match name.strip_suffix('/') {
                    Some(folder) => fs::create_dir(root.join("real").join(folder)).expect("a folder"),
                    None => fs::write(root.join("real").join(name), "text").expect("a file"),
                }
            }
            symlink("../real", root.join("there/kept")).expect("a link");
            make_old(root);
        };
        for options in [
            "-aKO --delete",
            "-aKO --delete-after",
            "-aKOb --backup-dir=kept --delete-before",
        ] {
            // What is kept of what is deleted rsync puts where the link leads.
            if options.contains("backup") && !names.is_empty() {
                continue;
            }
            let words = options.split(' ').chain(["{url}/data/src/", "there"]);
            differences.extend(stage.compare(&words.collect::<Vec<_>>(), prepare).err());
        }
    }
    assert_none(&differences);
}

/// However the way to the backups is written: a link of the destination on it that goes, or that something takes the place of,
/// leads nowhere from then on, and what is where it led stays as it is.
#[test]
fn backups_leave_alone_what_is_where_their_link_led() {
    if !has_rsync() {
        return;
    }
    let mut differences = Vec::new();
    for by in ["nothing", "a folder", "a file", "a file before all"] {
        let stage = Stage::new();
        let source = stage.source();
        plant_transfer(&source, "newer");
        let link = if by == "a file before all" {
            "a link"
        } else {
            "link"
        };
        match by {
            "nothing" => {}
            "a folder" => fs::create_dir(source.join(link)).expect("a folder"),
            _ => fs::write(source.join(link), "a file").expect("a file"),
        }
        make_old(&source);
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let run = |ours: bool, target: &str, way: &str| {
            let folder = tempfile::tempdir().expect("a folder");
            let there = folder.path().join("there");
            fs::create_dir(&there).expect("a folder");
            fs::create_dir(folder.path().join("real")).expect("a folder");
            plant_transfer(&there, "old");
            symlink(target, there.join(link)).expect("a link");
            make_old(folder.path());
            let way = way.replace("{there}", &there.display().to_string());
            let way = format!("--backup-dir={}", way.replace("{link}", link));
            // Where the link goes while files are on their way, rsync's processes race each other.
            let late = match by {
                "a folder" | "a file" => "--delay-updates",
                _ => "--quiet",
            };
            // What is kept of the link itself stays where it is put: rsync gives up here and there where that is deleted.
            let rule = format!("--filter=P /d/{link}");
            let ended = client(folder.path(), ours)
                .args(["-aOb", "--delete", late])
                .args([&*rule, "--filter=P /d/more", &*way, &*url, "there"])
                .output()
                .expect("it runs");
            let kept = fs::read_to_string(there.join("d/one")).unwrap_or_default();
            (ended.status.code(), kept, described(folder.path()))
        };
        for target in ["d", "../real"] {
            for way in [
                "{link}",
                "{link}/more",
                "../there/{link}",
                "{there}/{link}",
                "{there}/../there/{link}/more",
            ] {
                let ours = run(true, target, way);
                assert_eq!(ours.1, "the same", "{by} {target} {way}");
                let theirs = run(false, target, way);
                if theirs != ours {
                    differences.push(format!("{by} {target} {way}: {ours:?}\n{theirs:?}"));
                }
            }
        }
    }
    assert_none(&differences);
}

/// Where the sender puts another link in the place of the one that leads to the backups, none are put behind that.
#[test]
fn backups_follow_no_link_of_the_sender() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    plant_transfer(&stage.source(), "newer");
    symlink("../out", stage.source().join("link")).expect("a link");
    make_old(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["there", "real", "out"] {
        fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    plant_transfer(&folder.path().join("there"), "old");
    symlink("../real", folder.path().join("there/link")).expect("a link");
    make_old(folder.path());
    let ended = client(folder.path(), true)
        .args(["-ab", "--backup-dir=link", &url, "there"])
        .status();
    // rsync puts them into the other folder.
    assert_eq!(ended.expect("it runs").code(), Some(11));
    assert_eq!(names(&folder.path().join("out")), [""; 0]);
    assert_eq!(names(&folder.path().join("real")), ["link"]);
    let read = |name: &str| fs::read_to_string(folder.path().join("there").join(name)).unwrap_or_default();
    assert_eq!((&*read("b one"), &*read("d/one")), ("old", "the same"));
}

/// A link that leads to no folder of backups is removed, without a backup of it, and a folder takes its place; where it is
/// not removed, the run ends as soon as something is to be kept.
#[test]
fn a_link_that_leads_to_no_backups_goes() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("one"), "newer").expect("a file");
    fs::write(stage.source().join("two"), "the same").expect("a file");
    make_old(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let is_root = geteuid().is_root();
    let run = |ours: bool, (link, target, is_foreign): (&str, &str, bool), options: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let there = folder.path().join("there");
        fs::create_dir_all(folder.path().join("real")).expect("a folder");
        fs::create_dir(&there).expect("a folder");
        fs::write(there.join("one"), "old").expect("a file");
        fs::write(there.join("two"), "the same").expect("a file");
        symlink(target, there.join(link)).expect("a link");
        if is_foreign {
            lchown(there.join(link), Some(1234), Some(1234)).expect("an owner");
        }
        make_old(folder.path());
        let output = client(folder.path(), ours)
            .args(options.split(' '))
            .args([&*url, "there"])
            .output()
            .expect("it runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            described(folder.path()),
        )
    };
    let links = [
        ("kept", "nowhere", false),
        ("kept", "../real", true),
        ("kept", "nowhere", true),
        ("../kept", "nowhere", true),
    ];
    let mut differences = Vec::new();
    for link in links
        .into_iter()
        .filter(|(_, _, is_foreign)| is_root || !is_foreign)
    {
        for options in [
            "-rltOib --delete --backup-dir",
            "-rltOib --backup-dir",
            "-rltOib --delete --exclude=one --backup-dir",
            "-rltOib --exclude=one --backup-dir",
        ] {
            for rest in ["", "/more"] {
                let options = format!("{options}={}{rest}", link.0);
                let goes = options.contains("--delete") && link.0 == "kept";
                if goes && !rest.is_empty() {
                    // rsync ends with 11 here, at each run, or says nothing at all.
                    let (code, _, tree) = run(true, link, &options);
                    assert_eq!(code, Some(23), "{link:?} {options}");
                    let is_kept = tree.contains("kept/more/one");
                    assert!(
                        is_kept != options.contains("exclude"),
                        "{link:?} {options}: {tree}"
                    );
                    continue;
                }
                let (ours, theirs) = (run(true, link, &options), run(false, link, &options));
                if ours != theirs {
                    differences.push(format!("{link:?} {options}: {ours:?}\n{theirs:?}"));
                }
            }
        }
    }
    assert_none(&differences);
}

/// A file that is other than at the other side, and one that is not; another of that name is where a link may lead.
fn plant_transfer(root: &Path, content: &str) {
    fs::create_dir(root.join("d")).expect("a folder");
    for name in ["b one", "one"] {
        fs::write(root.join(name), content).expect("a file");
    }
    fs::write(root.join("d/one"), "the same").expect("a file");
}

/// A plain user may give no second name to what somebody else owns.
#[test]
fn what_somebody_else_owns_is_moved_to_the_backups() {
    if !geteuid().is_root() {
        return skip("is not root");
    }
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("one"), "a file").expect("a file");
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let run = |ours: bool, options: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        symlink("nowhere", folder.path().join("one")).expect("a link");
        lchown(folder.path().join("one"), Some(1), Some(1)).expect("an owner");
        lchown(folder.path(), Some(65534), Some(65534)).expect("an owner");
        let client = client(folder.path(), ours);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(client.get_program())
            .args(client.get_args())
            .args(options.split(' '))
            .args([&*url, "."])
            .current_dir(folder.path())
            .envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().expect("setpriv runs");
        (
            told(&output, &folder.path().display().to_string()),
            described(folder.path()),
        )
    };
    for options in ["-rtb", "-rltb", "-rlb --backup-dir=kept"] {
        assert_eq!(run(true, options), run(false, options), "{options}");
    }
}

/// A limit of the shell's is met as a full disk is.
#[test]
fn a_file_that_may_not_grow_is_told() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("large"), vec![7; 300_000]).expect("a file");
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let run = |ours: bool, options: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let client = client(folder.path(), ours);
        let output = Command::new("sh")
            .args(["-c", "ulimit -f 100; exec \"$0\" \"$@\""])
            .arg(client.get_program())
            .args(client.get_args())
            .args([options, &url, "there"])
            .current_dir(folder.path())
            .envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .output()
            .expect("sh runs");
        let place = folder.path().display().to_string();
        (told(&output, &place), names(&folder.path().join("there")))
    };
    let differences = ["-r", "-rP"].map(|options| {
        let (ours, theirs) = (run(true, options), run(false, options));
        (ours != theirs).then(|| format!("{options}: {ours:?}\n{theirs:?}"))
    });
    assert_none(&differences.into_iter().flatten().collect::<Vec<_>>());
}

/// A time long ago, for all below a folder.
fn make_old(folder: &Path) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.symlink_metadata().expect("it is there").is_dir() {
            make_old(&path);
        }
        touch_itself(&path, old);
    }
    touch_itself(folder, old);
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    names.collect()
}
