//! Files and folders that a script opens, or goes to, in front of its rsync. The script's own shell is the referee.

use std::fs;

use super::{peer, staging::come_to_rsync};
use crate::support::program::{folder, rsyncctl, stderr, stdout};

/// What cannot open its files is not run; `exec` opens them for all that follows.
#[test]
fn what_cannot_be_opened_is_known() {
    come_to_rsync(&[
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
        ("#!/bin/dash\n[ -d / ] || exec > /no/such/log\nRSYNC\n", ""),
        ("#!/bin/dash\nexec > /no/such/log &\nRSYNC\n", ""),
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
    ]);
}

/// With `set -C` a shell opens no file anew that is there; in bash `set -e` ends with what `exec` cannot open.
#[test]
fn what_is_there_may_not_be_written_anew() {
    let kept = |line: usize| format!("conf`, which line {line} opens with `>`, is there, and with `set -C`");
    let (second, third, fourth) = (kept(2), kept(3), kept(4));
    come_to_rsync(&[
        ("#!/bin/dash\nset -C\nRSYNC > HERE/conf\n", &third),
        ("#!/bin/bash\nset -C\nRSYNC > HERE/conf 2>&1\n", &third),
        ("#!/bin/bash\nset -o noclobber\nRSYNC &> HERE/conf\n", &third),
        ("#!/bin/sh\nset -C; RSYNC 2> HERE/conf\n", &second),
        ("#!/bin/sh\nset -C\n{ RSYNC; } > HERE/conf\n", &third),
        (
            "#!/bin/sh\nset -eC\ndate > HERE/rsyncd.conf\nRSYNC\n",
            "rsyncd.conf`, which line 3 opens",
        ),
        ("#!/bin/sh\nset -e\nset -C\n: > HERE/conf\nRSYNC\n", &fourth),
        ("#!/bin/dash\nset -C\nexec > HERE/conf\nRSYNC\n", &third),
        ("#!/bin/bash\nset -C\nexec > HERE/conf\nRSYNC\n", ""),
        ("#!/bin/sh\nset -C\ndate > HERE/conf\nRSYNC\n", ""),
        ("#!/bin/sh\nset -C\nRSYNC >| HERE/log1\n", ""),
        ("#!/bin/sh\nset -C\nRSYNC >> HERE/conf\n", ""),
        ("#!/bin/sh\nset -C\nset +C\nRSYNC > HERE/log2\n", ""),
        ("#!/bin/sh\nset -C\nRSYNC > /dev/null\n", ""),
        (
            "#!/bin/sh\nset -C\n: >| HERE/log4\nrm HERE/log4\nRSYNC > HERE/log4\n",
            "",
        ),
        ("#!/bin/sh\n(set -C)\nRSYNC > HERE/log4\n", ""),
        (
            "#!/bin/bash\nset -e\nexec > /no/such/log 2>&1\nRSYNC\n",
            "there is no folder `/no/such` for the file that line 3 opens",
        ),
        (
            "#!/bin/bash\nexec > /no/such/log || exit 1\nRSYNC\n",
            "the script ends with the `exit` of line 2",
        ),
        ("#!/bin/bash\nset -e\nexec > /no/such/log || true\nRSYNC\n", ""),
    ]);
}

/// A folder that a line of its own goes to need not be there for the next.
#[test]
fn a_folder_may_be_gone_to_first() {
    come_to_rsync(&[
        ("#!/bin/sh\ncd /no/such && echo there\nRSYNC\n", ""),
        (
            "#!/bin/sh\ncd /no/such &&\n  RSYNC\n",
            "the folder `/no/such`, which it goes to first",
        ),
        (
            "#!/bin/sh\ncd /no/such && {\necho there\nRSYNC\n}\n",
            "the folder `/no/such`, which it goes to first",
        ),
    ]);
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
