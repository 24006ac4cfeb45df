//! Files that the user names by what is open: `<(…)`, `/dev/stdin`, `/dev/fd/N`.

use std::{fs, process::Command};

use super::{Stage, client, some_files, told, trees::described};
use crate::support::daemon::has_rsync;

#[test]
fn what_is_open_already_is_read_and_written() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let address = format!("127.0.0.1:{}", stage.daemon.port());
    // `$@` is the client.
    let lines = [
        "\"$@\" -r --exclude-from=<(echo sub) $url/data/src/ dst",
        "\"$@\" -r --include-from=<(echo f1) --exclude=f* $url/data/src/ dst",
        "echo sub | \"$@\" -r --exclude-from=/dev/stdin $url/data/src/ dst",
        "echo sub >rules; \"$@\" -r --exclude-from=/dev/stdin $url/data/src/ dst <rules",
        "\"$@\" -r --filter='merge /dev/fd/9' $url/data/src/ dst 9< <(echo '- sub')",
        "\"$@\" -r --filter='merge /proc/self/fd/9' $url/data/src/ dst 9< <(echo '- sub')",
        "\"$@\" --files-from=<(echo sub/deep; echo f1) $url/data/src/ dst",
        "echo f1 | \"$@\" --files-from=/dev/stdin $url/data/src/ dst",
        "\"$@\" -r --password-file=<(echo not-a-secret) rsync://joe@$at/locked/src/ dst",
        "\"$@\" -r --early-input=<(echo more) $url/data/src/ dst",
        // The size and the time of what is logged, and whose it is, are different.
        "\"$@\" -r --log-file=/dev/stdout $url/data/src/ dst | sed 's/^.*\\] //; /bytes/d' | sort",
        "\"$@\" -r --log-file=>(sed 's/^.*\\] //; /bytes/d' | sort >&5) $url/data/src/ dst 5>&1 | cat",
        // A link with such a text that is an ordinary one leads nowhere.
        "ln -s pipe:[1] plain; \"$@\" -r --exclude-from=plain $url/data/src/ dst",
        "\"$@\" -r --exclude-from=/dev/fd/77 $url/data/src/ dst",
    ];
    let differences: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let run = |ours| {
                let folder = tempfile::tempdir().expect("a folder");
                let client = client(folder.path(), ours);
                let mut shell = Command::new("bash");
                shell
                    .args(["-c", line, "bash"])
                    .arg(client.get_program())
                    .args(client.get_args())
                    .envs(client.get_envs().filter_map(|(name, value)| Some((name, value?))))
                    .env("url", format!("rsync://{address}"))
                    .env("at", &address)
                    .current_dir(folder.path());
                let output = shell.output().expect("the shell runs");
                let place = folder.path().display().to_string();
                let tree = folder.path().join("dst");
                let tree = fs::exists(&tree).is_ok_and(|is| is).then(|| described(&tree));
                let names: Vec<_> = tree
                    .iter()
                    .flat_map(|tree| tree.lines().filter_map(|line| line.split('"').nth(1)))
                    .map(str::to_owned)
                    .collect();
                format!("{}{names:?}", told(&output, &place))
            };
            let (theirs, ours) = (run(false), run(true));
            (theirs != ours).then(|| format!("{line}\n{theirs}\n{ours}"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
