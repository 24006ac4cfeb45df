//! Scripts that do not come to their rsync: a dry run says so, and says it of no script that does. The script's own shell is
//! the referee; a program in the place of rsync tells whether it is started.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::peer;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, rsyncctl, stderr, stdout},
};

/// Whether the script's own shell starts rsync.
pub(super) fn is_started(root: &Path, script: &Path) -> bool {
    let words = root.join("words");
    let _ = fs::remove_file(&words);
    let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
    let mut shell = Command::new("/bin/sh");
    let ran = shell
        .args(["-c", "\"$0\""])
        .arg(script)
        .current_dir(root)
        .env("PATH", path)
        .env("WORDS", &words)
        .output();
    ran.expect("a shell runs");
    words.exists()
}

/// Why rsync is not started, as the first line tells it; nothing where it is.
#[test]
fn a_dry_run_knows_whether_a_script_comes_to_rsync() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/one", "one\n"),
        ("bin/rsync", "#!/bin/sh\n:>\"$WORDS\"\n"),
    ]);
    let root = folder.path();
    for place in [root.to_owned(), root.join("served"), root.join("bin/rsync")] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let configuration = root.join("rsyncd.conf");
    let text = format!("use chroot = no\n[m]\npath = {}/served\n", root.display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = root.display().to_string();
    let call = format!("rsync -r rsync://127.0.0.1:{}/m/ {here}/d/", daemon.port());
    for (text, why) in [
        // Failures that end a script.
        ("#!/bin/sh -e\nfalse\nRSYNC\n", "`false` on line 2 fails"),
        (
            "#!/bin/bash\nset -euo pipefail\nfalse\nRSYNC\n",
            "`false` on line 3 fails",
        ),
        (
            "#!/bin/bash\nset -eo pipefail\nfalse | cat\nRSYNC\n",
            "`false` on line 3 fails",
        ),
        ("#!/bin/sh\nset -e\n( false )\nRSYNC\n", "`false` on line 3 fails"),
        (
            "#!/bin/sh\nset -e\nX=$(false)\nRSYNC\n",
            "`false` on line 3 fails",
        ),
        (
            "#!/bin/sh\nset -e\nf() { false; }\nf\nRSYNC\n",
            "`false` on line 3 fails",
        ),
        (
            "#!/bin/sh\nset -e\nmain() {\nfalse\nRSYNC\n}\nmain \"$@\"\n",
            "`false` on line 4 fails",
        ),
        (
            "#!/bin/sh\nset -e\nno-such-program x\nRSYNC\n",
            "there is no program `no-such-program` on this machine (line 3)",
        ),
        (
            "#!/bin/sh\nset -e\nP=/no/such/program\n$P x\nRSYNC\n",
            "there is no program `/no/such/program` on this machine (line 4)",
        ),
        (
            "#!/bin/dash\n. /no/such/settings\nRSYNC\n",
            "there is no file `/no/such/settings`, which line 2 takes in",
        ),
        ("#!/bin/bash\n. /no/such/settings\nRSYNC\n", ""),
        ("#!/bin/sh\nfalse\nno-such-program\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\ncat /no/such/file\nRSYNC\n",
            "`cat /no/such/file` on line 3 fails",
        ),
        (
            "#!/bin/bash\nset -e\nS=/no/such\ncp -a $S/one $S/two HERE/\nRSYNC\n",
            "`cp /no/such/one` on line 4 fails",
        ),
        (
            "#!/bin/sh\nset -e\nmkdir /no/such/folder\nRSYNC\n",
            "`mkdir /no/such/folder` on line 3 fails",
        ),
        (
            "#!/bin/bash\nset -e\ni=0\n((i++))\nRSYNC\n",
            "`((i++))` on line 4 fails",
        ),
        (
            "#!/bin/sh\nset -e\ni=0\n((i++))\nRSYNC\n",
            "`((i++))` on line 4 fails",
        ),
        ("#!/bin/bash\nset -e\ni=1\n((i++))\nRSYNC\n", ""),
        ("#!/bin/bash\nset -e\ni=0\n((i++)) || true\nRSYNC\n", ""),
        (
            "#!/bin/bash\nset -e\nlocal x=1\nRSYNC\n",
            "`local` on line 3 fails",
        ),
        ("#!/bin/dash\nlocal x=1\nRSYNC\n", "`local` on line 2 fails"),
        ("#!/bin/bash\nlocal x=1\nRSYNC\n", ""),
        ("#!/bin/bash\nset -e\nf() { local x=1; }\nf\nRSYNC\n", ""),
        (
            "#!/bin/bash\nset -e\nread -r -d '' X <<E\na\nE\nRSYNC\n",
            "`read -d ''` on line 3 fails",
        ),
        ("#!/bin/bash\nset -e\nread -r X <<E\na\nE\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\nrm /no/such/file\nRSYNC\n",
            "`rm /no/such/file` on line 3 fails",
        ),
        ("#!/bin/sh\nset -e\nrm -f /no/such/file\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\nfind HERE -path /no/such/file -prune -o -name x\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/sh\nset -e\nfind /no/such/folder -name x\nRSYNC\n",
            "`find /no/such/folder` on line 3 fails",
        ),
        ("#!/bin/sh\nset -e\nmkdir -p HERE/no/such\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\nmkdir HERE/dump.d\ndate > HERE/dump.d/x\ncp HERE/dump.d/x HERE/y\nrm HERE/y HERE/dump.d/x\nrmdir HERE/dump.d\nRSYNC\n",
            "",
        ),
        ("#!/bin/sh\nset -e\nls /no/such/* || :\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nfalse || true\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nfalse && true\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nif false; then :; fi\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\n! true\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nset +e\nfalse\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nfalse | true\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nfalse &\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nexport X=$(false)\nRSYNC\n", ""),
        ("#!/bin/sh\nset -e\nf() { return 0; false; }\nf\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\nmain() {\nfalse\nRSYNC\n}\nmain || exit 1\n",
            "",
        ),
        ("#!/bin/sh\nset -e\nwhile false; do false; done\nRSYNC\n", ""),
        ("#!/bin/dash\nf() { set -o pipefail; }\nRSYNC\n", ""),
        ("#!/bin/dash\ndeclare -r W=1\nW=2\nRSYNC\n", ""),
        // What is passed over.
        ("#!/bin/sh\nfalse && RSYNC\n", "in front of `&&` on line 2 fails"),
        (
            "#!/bin/sh\ntrue || RSYNC\n",
            "in front of `||` on line 2 does not fail",
        ),
        ("#!/bin/sh\nfalse || true && RSYNC\n", ""),
        (
            "#!/bin/sh\nif false; then\nRSYNC\nfi\n",
            "the condition on line 2 leads past",
        ),
        (
            "#!/bin/sh\nif true; then\n:\nelse\nRSYNC\nfi\n",
            "the condition on line 2 leads past",
        ),
        (
            "#!/bin/sh\nexit 0\nRSYNC\n",
            "the script ends with the `exit` of line 2",
        ),
        ("#!/bin/sh\n(exit 0)\nRSYNC\n", ""),
        (
            "#!/bin/sh\n[ -d /no/such/disk ] || exit 1\nRSYNC\n",
            "line 2 asks for `/no/such/disk`, which is not there",
        ),
        (
            "#!/bin/sh\nif [ ! -d /no/such/disk ]; then\necho none; exit 1\nfi\nRSYNC\n",
            "line 2 asks for `/no/such/disk`, which is not there",
        ),
        (
            "#!/bin/bash\nD=/no/such/disk\n[[ -d $D ]] && RSYNC\n",
            "line 3 asks for `/no/such/disk`, which is not there",
        ),
        (
            "#!/bin/sh\nmountpoint -q /no/such/disk && RSYNC\n",
            "line 2 asks for `/no/such/disk`, which is not there",
        ),
        ("#!/bin/sh\n[ -d /no/such/disk ] || echo none\nRSYNC\n", ""),
        ("#!/bin/sh\n[ -f /no/such/lock ] && exit 0\nRSYNC\n", ""),
        (
            "#!/bin/sh\nmkdir -p HERE/made\n[ -d HERE/made ] || exit 1\nRSYNC\n",
            "",
        ),
        // A file that is opened for all that follows.
        ("#!/bin/bash\nexec >> /no/such/log 2>&1\nRSYNC\n", ""),
        (
            "#!/bin/dash\nexec >> /no/such/log 2>&1\nRSYNC\n",
            "there is no folder `/no/such`",
        ),
        (
            "#!/bin/dash\nexec 9> /no/such/lock\nflock -n 9 || exit 1\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 2 opens",
        ),
        (
            "#!/bin/bash\nexec 9> /no/such/lock\nflock -n 9 || exit 1\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 2 opens",
        ),
        (
            "#!/bin/bash\nL=/no/such/lock\nexec 200>$L\nif ! flock -n 200; then\nexit 1\nfi\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 3 opens",
        ),
        ("#!/bin/bash\nexec 9> /no/such/lock\nflock -n 9\nRSYNC\n", ""),
        (
            "#!/bin/bash\nset -e\nexec 9> /no/such/lock\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 3 opens",
        ),
        (
            "#!/bin/sh\n(\nflock -n 9 || exit 1\nRSYNC\n) 9> /no/such/lock\n",
            "there is no folder `/no/such` for the file that line 5 opens",
        ),
        (
            "#!/bin/bash\n{\nRSYNC\n} 9> \"/no/such/lock\"\n",
            "there is no folder `/no/such` for the file that line 4 opens",
        ),
        (
            "#!/bin/sh\nwhile read name; do\nRSYNC\ndone < /no/such/list\n",
            "line 4 reads `/no/such/list`, which is not there",
        ),
        (
            "#!/bin/sh\nmkdir -p HERE/locks\n(\nflock -n 9 || exit 1\nRSYNC\n) 9> HERE/locks/one\n",
            "",
        ),
        ("#!/bin/sh\necho 1 > /no/such/pid\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\necho 1 > /no/such/pid\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 3 opens",
        ),
        (
            "#!/bin/sh\necho 1 > HERE/names\nwhile read name; do\nRSYNC\ndone < HERE/names\n",
            "",
        ),
        ("#!/bin/dash\n( exec 9> /no/such/lock )\nRSYNC\n", ""),
        ("#!/bin/sh\ncat < /no/such/list || :\nRSYNC\n", ""),
        ("#!/bin/bash\nset -e\necho 2> /dev/null > /dev/fd/1\nRSYNC\n", ""),
        (
            "#!/bin/bash\nexec 3< /etc/hostname\nread -r name < /dev/fd/3 || exit 1\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nif : < /dev/tcp/127.0.0.1/PORT; then\nRSYNC\nfi\n",
            "",
        ),
        (
            "#!/bin/sh\nRSYNC >> \"$NO_SUCH\"\n",
            "the name of the file for the output is empty",
        ),
        (
            "#!/bin/sh\nRSYNC >> $NO_SUCH/no/such/log\n",
            "there is no folder `/no/such`",
        ),
        ("#!/bin/sh\nNO_SUCH=HERE\nRSYNC >> $NO_SUCH/log\n", ""),
        // A folder that a line of its own goes to.
        ("#!/bin/sh\ncd /no/such && echo there\nRSYNC\n", ""),
        (
            "#!/bin/sh\ncd /no/such &&\n  RSYNC\n",
            "the folder `/no/such`, which it goes to first",
        ),
        (
            "#!/bin/sh\ncd /no/such && {\necho there\nRSYNC\n}\n",
            "the folder `/no/such`, which it goes to first",
        ),
        // Functions.
        (
            "#!/bin/sh\nf() {\nRSYNC\n}\n",
            "stands in the function `f`, which nothing in `job.sh` calls",
        ),
        (
            "#!/bin/sh\nf() {\nRSYNC\n}\nmain() {\nf\n}\n# main\n",
            "the function `main`",
        ),
        ("#!/bin/sh\nf() {\nRSYNC\n}\nf\n", ""),
        ("#!/bin/sh\nf() {\nRSYNC\n}\ntrap f EXIT\n", ""),
        ("#!/bin/sh\nf() {\nRSYNC\n}\nname=f\n$name\n", ""),
        // Variables.
        (
            "#!/bin/dash\nreadonly X=1\nX=2\nRSYNC\n",
            "line 3 sets `X`, which is readonly",
        ),
        (
            "#!/bin/bash\nset -e\nreadonly X=1\nX=2\nRSYNC\n",
            "line 4 sets `X`, which is readonly",
        ),
        (
            "#!/bin/bash\nf() {\nreadonly X=1\nX=2\nRSYNC\n}\nf\n",
            "line 4 sets `X`, which is readonly",
        ),
        (
            "#!/bin/sh\nset -u\necho $NO_SUCH\nRSYNC\n",
            "line 3 uses `NO_SUCH`",
        ),
        (
            "#!/bin/bash\nset -u\nX=/$NO_SUCH\nRSYNC\n",
            "line 3 uses `NO_SUCH`",
        ),
        ("#!/bin/sh\n: ${NO_SUCH:?}\nRSYNC\n", "line 2 asks for `NO_SUCH`"),
        ("#!/bin/sh\nset -u\necho ${NO_SUCH:-}\nRSYNC\n", ""),
        ("#!/bin/sh\nset -u\n(echo $NO_SUCH)\nRSYNC\n", ""),
        ("#!/bin/sh\nset -u\n: ${NO_SUCH:=x}\necho $NO_SUCH\nRSYNC\n", ""),
        ("#!/bin/sh\nset -u\necho $HOME $PWD $$\nRSYNC\n", ""),
        ("#!/bin/sh\necho $NO_SUCH\nRSYNC\n", ""),
        (
            "#!/bin/bash\nset -u\nexec {own}> HERE/lock\nflock $own\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -u\ncoproc CP { cat; }\nkill $CP_PID\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/dash\nset -u\necho $HOSTNAME\nRSYNC\n",
            "line 3 uses `HOSTNAME`",
        ),
        ("#!/bin/bash\nset -u\necho $HOSTNAME\nRSYNC\n", ""),
        (
            "#!/bin/sh\nPATH=$PATH:/usr/local/bin\nset -e\nno-such-program x\nRSYNC\n",
            "there is no program `no-such-program` on this machine (line 4)",
        ),
        (
            "#!/bin/sh\nif [ -n \"$BASH_VERSION\" ]; then [[ a = b ]]; fi\nRSYNC\n",
            "",
        ),
        // What no shell takes.
        (
            "#!/bin/sh\r\nRSYNC\r\n",
            "the first line of `job.sh` ends with a carriage return",
        ),
        (
            "#!/usr/bin/env bash\r\nRSYNC\n",
            "the first line of `job.sh` ends with a carriage return",
        ),
        (
            "#!/bin/sh\nRSYNC )\n",
            "`sh` does not take what stands up to line 2",
        ),
        (
            "#!/bin/bash\nRSYNC &&\n",
            "`bash` does not take what stands up to line 2",
        ),
        (
            "#!/bin/sh\nif true; then\nRSYNC\n",
            "`sh` does not take what stands up to line 3",
        ),
        (
            "#!/bin/sh\nRSYNC || || true\n",
            "`sh` does not take what stands up to line 2",
        ),
        ("#!/bin/sh\nRSYNC\nfi\n", ""),
        ("#!/bin/sh\nif true; then\nRSYNC\nfi\n)\n", ""),
        ("#!/bin/bash\nshopt -s extglob\nls !(x) >/dev/null\nRSYNC\n", ""),
    ] {
        let own = text.replace("RSYNC", &call).replace("HERE", &here);
        let own = own.replace("PORT", &daemon.port().to_string());
        let script = root.join("job.sh");
        fs::write(&script, &own).expect("a file");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
        assert_eq!(is_started(root, &script), why.is_empty(), "the shell: {own}");
        let line = 1 + own[..own.find("rsync -r").expect("a call")].matches('\n').count();
        let place = format!("job.sh:{line}");
        let output = program(root, &["probe", "--reproduce", &place])
            .output()
            .expect("it runs");
        let told = stdout(&output);
        let first = told.lines().next().unwrap_or_default();
        assert_eq!(
            first.contains("rsync is never started"),
            !why.is_empty(),
            "{own}: {told}"
        );
        assert!(first.contains(why), "{own}: {told}");
    }
    // bash goes on with the value that the variable has.
    let own = format!(
        "#!/bin/bash\nreadonly D={here}/d/\nD=/no/such/\n{}\n",
        call.replace(&format!("{here}/d/"), "$D")
    );
    fs::write(root.join("job.sh"), own).expect("a file");
    let output = program(root, &["probe", "--reproduce", "job.sh:4"])
        .output()
        .expect("it runs");
    let told = stdout(&output);
    assert!(
        told.contains("/d/: that works") && told.contains("line 3 sets `D`, which is readonly: it keeps"),
        "{told}"
    );
}

/// What the first round of a loop passes over the next one may come to.
#[test]
fn a_round_that_passes_rsync_over_is_told() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let folder = folder(&[("there", "")]);
    let root = folder.path();
    let passed = "the first round of the loop on line 2 does not come to rsync";
    let never = "rsync is never started: line 3 asks for `/no/such`";
    for (text, expected) in [
        (
            "for f in /no/such HERE/there; do\n[ -e \"$f\" ] && RSYNC\ndone\n",
            passed,
        ),
        (
            "for f in /no/such HERE/there; do\n[ -e $f ] || continue\nRSYNC\ndone\n",
            passed,
        ),
        (
            "for f in /no/such; do\n[ -e $f ] || continue\nRSYNC\ndone\n",
            never,
        ),
        (
            "for f in HERE/there /no/such; do\n[ -e $f ] || continue\nRSYNC\ndone\n",
            "works",
        ),
    ] {
        let call = format!("rsync rsync://127.0.0.1:{port}/");
        let own = text
            .replace("RSYNC", &call)
            .replace("HERE", &root.display().to_string());
        fs::write(root.join("job.sh"), format!("#!/bin/sh\n{own}")).expect("a file");
        let output = program(root, &["probe", "--reproduce", "job.sh"])
            .output()
            .expect("it runs");
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert!(told.contains(expected), "{own}: {told}");
    }
}

/// What a unit runs first, and what it names that is not there.
#[test]
fn a_dry_run_knows_whether_a_unit_comes_to_rsync() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let call = format!("rsync rsync://127.0.0.1:{port}/");
    let folder = folder(&[]);
    let root = folder.path();
    for (text, expected) in [
        (
            "ExecStartPre=/bin/false\nExecStart=RSYNC\n",
            "`ExecStartPre=/bin/false` fails on this machine",
        ),
        (
            "ExecStart=RSYNC\nExecStartPre=/no/such/program\n",
            "`ExecStartPre=/no/such/program` fails",
        ),
        (
            "Type=oneshot\nExecStart=false\nExecStart=RSYNC\n",
            "`ExecStart=false` fails",
        ),
        (
            "ExecStart=/no/such/RSYNC\n",
            "there is no program `/no/such/rsync`",
        ),
        ("ExecStart=/bin/sh -ec 'false; RSYNC'\n", ""),
        (
            "ExecStart=/bin/sh -c 'set -e; false; RSYNC'\n",
            "`false` on line 1 fails",
        ),
        ("ExecStartPre=-/bin/false\nExecStart=RSYNC\n", ""),
        ("ExecStartPre=/bin/false\nExecStartPre=\nExecStart=RSYNC\n", ""),
        ("ExecStart=RSYNC\nExecStartPost=/bin/false\n", ""),
        (
            "ExecStartPre=/bin/cp /bin/true /no/such/program\nExecStartPre=/no/such/program\nExecStart=RSYNC\n",
            "around it was not carried out",
        ),
        (
            "ExecStartPre=-/bin/cp /usr/bin/rsync /no/such/rsync\nExecStart=/no/such/RSYNC\n",
            "",
        ),
        (
            "ExecStartPre=/bin/sh -c 'echo > /no/such'\nExecStart=/bin/sh -c '[ -e /no/such ] && RSYNC'\n",
            "around it was not carried out",
        ),
        (
            "ExecStartPre=/bin/mkdir /no/other\nExecStart=/bin/sh -c '[ -e /no/such ] && RSYNC'\n",
            "line 1 asks for `/no/such`, which is not there",
        ),
        // Folders that systemd makes, and the variables of theirs.
        (
            "StateDirectory=no-such\nExecStart=/bin/sh -c '[ -d /var/lib/no-such ] && RSYNC'\n",
            "",
        ),
        (
            "StateDirectory=other\nExecStart=/bin/sh -c '[ -d /var/lib/no-such ] && RSYNC'\n",
            "line 1 asks for `/var/lib/no-such`, which is not there",
        ),
        (
            "RuntimeDirectory=no-such\nExecStart=/bin/sh -c 'set -u; cd $RUNTIME_DIRECTORY && RSYNC'\n",
            "",
        ),
        (
            "CacheDirectory=no-such\nWorkingDirectory=/var/cache/no-such\nExecStart=RSYNC\n",
            "",
        ),
        (
            "LoadCredential=pw:/etc/pw\nExecStart=/bin/sh -c 'set -u; ls $CREDENTIALS_DIRECTORY; RSYNC'\n",
            "",
        ),
        (
            "ExecStartPre=/bin/mountpoint -q /mnt\nExecStart=RSYNC\n",
            "`ExecStartPre=/bin/mountpoint` around it was not carried out",
        ),
    ] {
        let own = format!("[Service]\n{}", text.replace("RSYNC", &call));
        fs::write(root.join("job.service"), &own).expect("a file");
        let line = 1 + own[..own.find("rsync rsync").expect("a call")]
            .matches('\n')
            .count();
        let place = format!("job.service:{line}");
        let output = program(root, &["probe", "--reproduce", &place])
            .output()
            .expect("it runs");
        let told = stdout(&output);
        let first = told.lines().next().unwrap_or_default();
        let is_never = !expected.is_empty() && !expected.contains("around");
        assert_eq!(
            first.contains("rsync is never started"),
            is_never,
            "{own}: {told} {output:?}"
        );
        assert!(first.contains(expected), "{own}: {told}");
    }
}

/// Where a shell does not get into a folder, and goes on, its command is about the files of another one.
#[test]
fn a_shell_that_stays_where_it_is_is_told() {
    let folder = folder(&[("conf", "TARGET=127.0.0.1::m\n")]);
    let here = folder.path().display().to_string();
    let refused = |line: &str| {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        stderr(&output)
    };
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: OK\n");
    let stays = "the shell stays where it is and goes on there, so rsync runs with the files of";
    fs::create_dir(folder.path().join("here")).expect("a folder");
    // What it is told to read is found where the shell stands.
    fs::write(folder.path().join("here/rules"), "- x\n").expect("a file");
    let call = format!("rsync -r --exclude-from=rules rsync://127.0.0.1:{port}/m ./");
    for (line, place, is_found) in [
        (format!("cd here; cd nope; {call}"), format!("{here}/here"), true),
        (
            format!("cd {here}/here; cd /nope; {call}"),
            format!("{here}/here"),
            true,
        ),
        (format!("cd /nope; cd here; {call}"), String::new(), true),
        (format!("cd /nope; {call}"), here.clone(), false),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", &line]);
        let told = format!("{}{}", stderr(&output), stdout(&output));
        assert_ne!(output.status.code(), Some(2), "{line}: {output:?}");
        let is_missing = told.contains("failed to open exclude file rules");
        assert_eq!(is_missing, !is_found, "{line}: {told}");
        assert!(
            told.contains("cd /nope || exit 1") || told.contains("|| exit 1"),
            "{line}: {told}"
        );
        assert!(
            place.is_empty() || told.contains(&format!("{stays} `{place}`")),
            "{line}: {told}"
        );
    }
    for line in [
        "cd /nope && rsync -a 127.0.0.1::m ./",
        "set -e; cd /nope; rsync -a 127.0.0.1::m ./",
    ] {
        let told = refused(line);
        assert!(
            !told.contains(stays) && told.contains("so nothing was carried out"),
            "{told}"
        );
    }
    // What dash does not know reads no file.
    let script = format!("#!/bin/dash\nsource {here}/conf\nrsync -a $TARGET d/\n");
    fs::write(folder.path().join("a.sh"), script).expect("a file");
    let told = refused("a.sh");
    assert!(told.contains("what `$TARGET` is only a run can tell"), "{told}");
}
