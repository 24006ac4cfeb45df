//! What is easily lost, left out or let out: small trees for both clients, each described by a line for each file.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, lchown, symlink},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Stage, assert_none, touch};
use crate::support::{daemon::has_rsync, mishap::Need, skip};

/// Makes `KIND NAME [TEXT]` each; the time of all is the same.
fn plant(root: &Path, lines: &[&str]) {
    let parts = lines.iter().map(|line| {
        let mut parts = line.splitn(3, ' ');
        let (kind, name) = (parts.next().expect("a kind"), parts.next().expect("a name"));
        (kind, root.join(name), parts.next().unwrap_or_default())
    });
    let parts: Vec<_> = parts.collect();
    for (kind, path, text) in &parts {
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        match *kind {
            "dir" => fs::create_dir_all(path).expect("folders"),
            "file" => fs::write(path, text).expect("a file"),
            "link" => symlink(text, path).expect("a link"),
            "foreign" => {
                symlink(text, path).expect("a link");
                lchown(path, Some(1234), Some(1234)).expect("an owner");
            }
            "hard" => fs::hard_link(root.join(text), path).expect("a link"),
            "fifo" => mkfifo(path, Mode::from_bits_truncate(0o644)).expect("a pipe"),
            kind => panic!("{kind}"),
        }
    }
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for (kind, path, _) in parts.iter().rev() {
        if matches!(*kind, "dir" | "file" | "hard") {
            touch(path, old);
        }
        for folder in path
            .ancestors()
            .skip(1)
            .take_while(|folder| folder.starts_with(root))
        {
            touch(folder, old);
        }
    }
}

/// Pulls with each line of options; `source` is in the module, `here` where the clients start.
fn pulled(options: &[&str], source: &[&str], here: &[&str]) {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source(), source);
    let compared = options.iter().map(|options| {
        let words: Vec<_> = options.split(' ').chain(["{url}/data/src/", "dst/"]).collect();
        stage.compare(&words, |root| plant(root, here))
    });
    assert_none(&compared.filter_map(Result::err).collect::<Vec<_>>());
}

/// Pushes with each line of options and arguments.
fn pushed(options: &[&str], here: &[&str]) {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let compared = options.iter().map(|options| {
        let words: Vec<_> = options.split(' ').chain(["{url}/drop/"]).collect();
        stage.compare_push(&words, |root| plant(root, here), |_| {})
    });
    assert_none(&compared.filter_map(Result::err).collect::<Vec<_>>());
}

#[test]
fn deletions_that_were_put_off_keep_what_rules_of_folders_protect() {
    pulled(
        &[
            "-ri --filter=:_.rules --delete-delay",
            "-ri --filter=:_.rules --delete-after",
            "-ri --filter=:_.rules --delete",
            "-ri --filter=:_.rules --delete-delay --protocol=29",
        ],
        &["file keeps/.rules - *.kept", "dir keeps"],
        &[
            "file dst/keeps/.rules - *.kept",
            "file dst/keeps/sub/x.kept",
            "file dst/keeps/x",
            "file dst/gone/x.kept",
        ],
    );
}

#[test]
fn what_cvs_ignores_stays_in_a_folder_before_protocol_30() {
    pulled(
        &[
            "-rCi --delete",
            "-rCi --delete --protocol=30",
            "-rCi --delete --protocol=29",
        ],
        &["file one"],
        &["file dst/gone/a.o", "file dst/gone/CVS/x"],
    );
}

#[test]
fn what_a_hard_link_replaces_is_kept_as_a_backup() {
    let source = ["file a one", "hard b a", "hard c a"];
    let options = [
        "-rlptHbi",
        "-rlptHbin",
        "-rlptHi",
        "-rlptHi --delete",
        "-rlptHbi --backup-dir=../old",
    ];
    for here in [
        &["file dst/a one", "link dst/b x", "fifo dst/c"][..],
        &["link dst/a x", "fifo dst/b", "file dst/c one"],
        &["link dst/a x", "dir dst/b", "file dst/c one"],
        &["file dst/a one", "link dst/b x", "dir dst/c"],
        &["link dst/a x", "fifo dst/c"],
    ] {
        pulled(&options, &source, here);
    }
}

#[test]
fn a_symlink_that_is_followed_to_a_folder_brings_what_is_in_it() {
    let here = [
        "file outside/q/f one",
        "link src/l ../outside",
        "link l outside",
        "link m ../x",
    ];
    pushed(
        &[
            "-ai --copy-unsafe-links src/l",
            "-lti --copy-unsafe-links src/l",
            "-di --copy-unsafe-links src/l",
            "-ai --copy-unsafe-links src/l/",
            "-ai --copy-unsafe-links --no-inc-recursive src/l l",
            "-aRi --copy-unsafe-links src/./l",
            "-ai --copy-unsafe-links m",
        ],
        &here,
    );
}

#[test]
fn munged_links_are_sent_as_they_were() {
    let here = [
        "file src/f one",
        "link src/l /rsyncd-munged/f",
        "link src/e /rsyncd-munged/",
        "link src/g f",
        "link src/h /rsyncd-munged//etc",
    ];
    pushed(
        &[
            "-ri --links --munge-links src/",
            "-ri --links src/",
            "-ri --links --munge-links --copy-unsafe-links src/",
            "-ri --links --munge-links --stats src/",
        ],
        &here,
    );
}

#[test]
fn merge_files_behind_links_of_somebody_else_are_not_read() {
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("links of another user: {reason}"));
        return;
    }
    let here = [
        "file outside/.rules - y",
        "file outside/x",
        "file outside/y",
        "foreign src/l ../outside",
        "link src/own ../outside",
    ];
    pushed(
        &[
            "-r --filter=:_.rules -L src/",
            "-r --filter=:_.rules -k src/",
            "-r --filter=:_.rules --copy-unsafe-links src/",
            "-r --filter=:_.rules src/own/",
            "-r --filter=:_.rules src/",
        ],
        &here,
    );
}

#[test]
fn merge_files_at_the_destination_are_read_through_the_users_own_links() {
    let here = [
        "file rules P q",
        "file D/q one",
        "link D/.rules ../rules",
        "file E/q one",
        "file E/.rules . more",
        "link E/more ../rules",
        "file F/q one",
        "fifo F/.other",
    ];
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source(), &["file a one"]);
    let compared = ["D", "E", "F"].iter().map(|folder| {
        let words = ["-ri", "--delete", "--filter=:_.rules", "{url}/data/src/", folder];
        stage.compare(&words, |root| plant(root, &here))
    });
    assert_none(&compared.filter_map(Result::err).collect::<Vec<_>>());
}

#[test]
fn merge_files_at_the_destination_of_somebody_else_are_not_read() {
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("links of another user: {reason}"));
        return;
    }
    let here = [
        "file rules P q",
        "file dst/q one",
        "foreign dst/.rules ../rules",
        "file dst/own/x one",
    ];
    pulled(&["-ri --delete --filter=:_.rules"], &["file a one"], &here);
}

#[test]
fn folders_to_compare_with_are_gone_through_by_the_users_own_links() {
    let here = ["dir dst", "file real/b one", "link like/d ../real"];
    pulled(
        &[
            "-rti --link-dest=../like",
            "-rti --compare-dest=../like",
            "-rti --copy-dest=../like",
        ],
        &["file d/b one"],
        &here,
    );
}

#[test]
fn rules_that_are_longer_than_any_path_are_dropped_with_a_word() {
    let rules = format!("- one\n- {}\n- two", "x".repeat(5000));
    let files = ["file one 1", "file two 2", "file three 3"];
    let in_folder = format!("file .rules {rules}");
    pushed(&["-r --filter=:_.rules ."], &[&files[..], &[&in_folder]].concat());
    let command_line = [
        format!("-r --exclude={}", "x".repeat(5000)),
        "-r --exclude-from=rules".to_owned(),
        "-r --filter=._rules".to_owned(),
    ];
    let command_line: Vec<&str> = command_line.iter().map(String::as_str).collect();
    pulled(&command_line, &files, &[&format!("file rules {rules}")]);
}

#[test]
fn times_that_a_receiver_cannot_set_on_links_are_written_large() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let there = |target: &Path| plant(target, &["link l a", "link k z"]);
    let compared = ["-ai --protocol=29", "-ai", "-rli --protocol=29", "-rlgOi"].map(|options| {
        let words: Vec<_> = options.split(' ').chain(["./", "{url}/drop/"]).collect();
        stage.compare_push(&words, |root| plant(root, &["link l a", "link k b"]), there)
    });
    assert_none(&compared.into_iter().filter_map(Result::err).collect::<Vec<_>>());
}

#[test]
fn a_folder_of_an_old_server_is_asked_for_as_a_flat_tree() {
    let there = ["file one", "file d/two", "file d/e/three"];
    pulled(
        &[
            "--old-dirs -q",
            "--old-d -lpti",
            "-d --old-d -lpti",
            "--old-d -d -lpti",
            "--old-d --delete -lpti --protocol=29",
        ],
        &there,
        &["file dst/d/e/other", "file dst/more"],
    );
    pushed(&["--old-dirs -ti .", "--old-d --no-r -ti --delete d/"], &there);
}

#[test]
fn what_takes_the_place_of_something_has_its_permissions() {
    let stage = Stage::new();
    if !has_rsync() {
        return;
    }
    plant(&stage.source(), &["fifo pipe", "file file same", "fifo two"]);
    let here = |root: &Path| {
        plant(root, &["file dst/pipe x", "fifo dst/file", "file like/file same"]);
        for (name, mode) in [("pipe", 0o666), ("file", 0o600)] {
            let path = root.join("dst").join(name);
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        // Permissions of a link say nothing; rsync makes a pipe that all may write.
        symlink("nowhere", root.join("dst/two")).expect("a link");
        touch(&root.join("dst"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    let compared = [
        "-rltD",
        "-rltD --copy-dest=../like",
        "-rltD --delay-updates",
        "-rltpD",
    ]
    .map(|options| {
        let words: Vec<_> = options.split(' ').chain(["{url}/data/src/", "dst/"]).collect();
        stage.compare(&words, here)
    });
    assert_none(&compared.into_iter().filter_map(Result::err).collect::<Vec<_>>());
}

#[test]
fn devices_and_pipes_are_made_unless_they_are_to_be_dropped() {
    let there = ["file one", "fifo pipe"];
    pulled(
        &["-rD", "-rD --drop-D -q", "-rD --drop-D --no-drop-D --blocking-io"],
        &there,
        &[],
    );
    pushed(&["-rDi --drop-D .", "-rDi -M--drop-D ."], &there);
}
