//! Scripts that do not come to their rsync: a dry run says so, and says it of no script that does. The script's own shell is
//! the referee.

use std::fs;

use super::{
    peer,
    staging::{Stage, come_to_rsync},
};
use crate::support::program::{folder, program, stderr, stdout};

/// A command that fails ends a script that is told to end there.
#[test]
fn failures_that_end_a_script_are_known() {
    come_to_rsync(&[
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
    ]);
}

/// A condition may lead past rsync, and an end stand in front of it.
#[test]
fn what_is_passed_over_is_known() {
    come_to_rsync(&[
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
        // Without a loop they do nothing.
        ("#!/bin/dash\nbreak\nRSYNC\n", ""),
        (
            "#!/bin/bash\nmain() {\n[ -d /no/such ] || continue\nRSYNC\n}\nmain\n",
            "",
        ),
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
    ]);
}

/// What stands in a function is run where that is called.
#[test]
fn functions_are_followed() {
    come_to_rsync(&[
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
    ]);
}

/// A function that is called in front of its definition is no command there.
#[test]
fn a_function_may_be_called_too_early() {
    come_to_rsync(&[
        (
            "#!/bin/dash\nmain\nmain() {\nRSYNC\n}\n",
            "line 2 calls `main`, which is defined further down",
        ),
        (
            "#!/bin/bash\nmain \"$@\"\nfunction main {\nRSYNC\n}\n",
            "line 2 calls `main`, which is defined further down",
        ),
        (
            "#!/bin/sh\nif ! main; then echo x; fi\nmain() {\ninner\n}\ninner() {\nRSYNC\n}\n",
            "line 2 calls `main`, which is defined further down",
        ),
        (
            "#!/bin/sh\nset -e\nprepare\nprepare() {\n:\n}\nRSYNC\n",
            "line 3 calls `prepare`, which is defined further down",
        ),
        (
            "#!/bin/sh\nprepare || exit 1\nprepare() {\n:\n}\nRSYNC\n",
            "the script ends with the `exit` of line 2",
        ),
        ("#!/bin/sh\nprepare\nprepare() {\n:\n}\nRSYNC\n", ""),
        ("#!/bin/sh\nmain\nmain() {\nRSYNC\n}\nmain\n", ""),
        ("#!/bin/sh\ntrap main EXIT\nmain() {\nRSYNC\n}\n", ""),
        ("#!/bin/sh\ntrap 'main' EXIT\nmain() {\nRSYNC\n}\n", ""),
        ("#!/bin/sh\nfirst() {\nmain\n}\nmain() {\nRSYNC\n}\nfirst\n", ""),
        (
            "#!/bin/sh\nfor i in 1 2; do\n[ $i = 2 ] && main\nmain() {\nRSYNC\n}\ndone\n",
            "",
        ),
        ("#!/bin/bash\nalias main=:\nmain\nmain() {\nRSYNC\n}\nmain\n", ""),
    ]);
}

/// Without `PATH` a shell finds nothing that is named without its path.
#[test]
fn programs_are_looked_for_in_path() {
    let taken = "with the `unset PATH` of line 2 the shell finds no program";
    come_to_rsync(&[
        ("#!/bin/dash\nunset PATH\nRSYNC\n", taken),
        ("#!/bin/bash\nunset X PATH\nRSYNC\n", taken),
        ("#!/bin/sh\nunset PATH\nHERE/bin/RSYNC\n", ""),
        ("#!/bin/sh\nunset PATH\nexec HERE/bin/RSYNC\n", ""),
        ("#!/bin/sh\nunset PATH\nPATH=HERE/bin RSYNC\n", ""),
        ("#!/bin/sh\nunset PATH\nPATH=HERE/bin\nRSYNC\n", ""),
        ("#!/bin/sh\nunset PATH\nif :; then PATH=HERE/bin; fi\nRSYNC\n", ""),
        ("#!/bin/sh\nunset PATH\nexport PATH=HERE/bin\nRSYNC\n", ""),
        ("#!/bin/sh\n(unset PATH)\nRSYNC\n", ""),
        (
            "#!/bin/sh\nmain() {\nPATH=HERE/bin\nRSYNC\n}\nunset PATH\nmain\n",
            "",
        ),
        ("#!/bin/bash\nunset -f PATH\nRSYNC\n", ""),
        (
            "#!/bin/sh\nset -e\nunset PATH\nls\nHERE/bin/RSYNC\n",
            "there is no program `ls` on this machine (line 4)",
        ),
    ]);
}

/// A shell gives up at a variable that nothing sets, or that is frozen.
#[test]
fn variables_that_end_a_shell_are_known() {
    come_to_rsync(&[
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
    ]);
}

/// bash goes on with the value that a frozen variable has.
#[test]
fn a_frozen_variable_keeps_its_value() {
    let Some(stage) = Stage::with_daemon(&[]) else {
        return;
    };
    let (here, call) = (stage.here(), stage.call());
    let own = format!(
        "#!/bin/bash\nreadonly D={here}/d/\nD=/no/such/\n{}\n",
        call.replace(&format!("{here}/d/"), "$D")
    );
    fs::write(stage.root().join("job.sh"), own).expect("a file");
    let told = stdout(&stage.reproduced("job.sh:4"));
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
            "for f in /; do\n[ -d $f ] && :\ncontinue\nRSYNC\ndone\n",
            "the round of the loop ends with the `continue` of line 4, in front of the command",
        ),
        (
            "for f in /; do\nbreak\nRSYNC\ndone\n",
            "the loop ends with the `break` of line 3, in front of the command",
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
