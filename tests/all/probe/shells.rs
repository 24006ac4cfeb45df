//! Which shell reads what of a script or of a table of cron's, and what is to start rsync there. The shells of this machine
//! are the referees; a program in the place of rsync tells whether it is started.

use super::staging::{Stage, come_to_rsync};
use crate::support::program::{folder, program, stderr, stdout};

/// A text is read by the shell that is handed it, and by no other.
#[test]
fn a_text_is_of_the_shell_that_it_is_handed_to() {
    come_to_rsync(&[
        ("0 4 * * * bash -c 'set -o pipefail; RSYNC | tail -1'\n", ""),
        (
            "0 4 * * * cd / && nice bash -c 'set -o pipefail; RSYNC | tail -1'\n",
            "",
        ),
        ("#!/bin/sh\nbash -c 'set -o pipefail; RSYNC | tail -1'\n", ""),
        (
            "#!/bin/sh\nbash -c \"set -o pipefail; false | true\" || echo x\nRSYNC\n",
            "",
        ),
        ("#!/bin/sh\nbash -c '[[ -d / ]] && RSYNC'\n", ""),
        ("#!/bin/sh\nbash -c 'source HERE/conf; RSYNC'\n", ""),
        ("#!/bin/sh\nbash -c 'cat <<< x; RSYNC'\n", ""),
        ("#!/bin/sh\necho '<<<'\nRSYNC\n", ""),
        ("#!/bin/sh\nbash -c 'true && set -o pipefail; RSYNC'\n", ""),
        (
            "#!/bin/bash\nsh -c 'set -o pipefail; RSYNC'\n",
            "dash does not know the `pipefail` of line 2",
        ),
        (
            "#!/bin/sh\nset -o pipefail\nbash -c 'RSYNC'\n",
            "dash does not know the `pipefail` of line 2",
        ),
        (
            "#!/bin/sh\nif [ -z \"$BASH_VERSION\" ]; then exec bash \"$0\" \"$@\"; fi\nset -o pipefail\nA=(a b)\nRSYNC\n",
            "",
        ),
    ]);
}

/// Where a run puts together which variable is set, any may be.
#[test]
fn what_a_run_names_may_be_any_variable() {
    come_to_rsync(&[
        (
            "#!/bin/bash\nset -eu\nexport $(cat HERE/conf)\necho $A\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/sh\nset -eu\nexport $(cat HERE/conf)\n: ${A:?}\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -eu\nwhile read -r line; do export \"$line\"; done < HERE/conf\necho $A\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -eu\nwhile IFS== read -r k v; do declare \"$k=$v\"; done < HERE/conf\necho $A\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -eu\nk=$(echo A); printf -v \"$k\" x\necho $A\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -eu\nN=$(echo A); read \"$N\" < HERE/conf\necho $A\nRSYNC\n",
            "",
        ),
        ("#!/bin/bash\nset -eu\nexport {A=1,B=1}\necho $A\nRSYNC\n", ""),
        (
            "#!/bin/bash\nD=/no/such\nexport $(cat HERE/conf)\n[ -d $D ] || exit 1\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/bash\nset -eu\nexport B=\"$(cat HERE/conf)\"\necho $A\nRSYNC\n",
            "line 4 uses `A`",
        ),
        (
            "#!/bin/bash\nset -eu\nread -r -p \"$0\" B < HERE/conf\necho $A\nRSYNC\n",
            "line 4 uses `A`",
        ),
    ]);
}

/// What it may have changed is not what the text says.
#[test]
fn a_value_that_a_run_may_change_is_not_known() {
    let stage = Stage::new(&[("conf", "D=/else/\n")]);
    for (text, is_known) in [
        ("D=/d/\nexport $(cat HERE/conf)\n", false),
        ("D=/d/\nexport \"$(cat HERE/conf)\"\n", false),
        (
            "D=/d/\nwhile read -r line; do export \"$line\"; done < HERE/conf\n",
            false,
        ),
        ("D=/d/\nk=$(echo D); declare \"$k=/else/\"\n", false),
        ("D=/d/\nk=$(echo D); printf -v \"$k\" /else/\n", false),
        (
            "D=/d/\nset_it() { local -n ref=$1; ref=/else/; }\nset_it D\n",
            false,
        ),
        ("D=/d/\nN=$(echo D); read \"$N\" <<< /else/\n", false),
        ("D=/d/\nexport {D=/else/,B=1}\n", false),
        ("D=/d/\nexport D+=else/\n", false),
        ("D=/other/\nexport \"D\"=/d/\n", true),
        ("D=/other/\nk=D; export \"$k=/d/\"\n", true),
        ("D=/d/\n( export $(cat HERE/conf) )\n", true),
        ("D=/d/\nexport \"A=$(cat HERE/conf)\"\n", true),
        ("export $(cat HERE/conf)\nD=/d/\n", true),
        ("export $(cat HERE/conf)\nD=${D:-/d/}\n", false),
    ] {
        let own = format!("#!/bin/bash\n{text}rsync -r 127.0.0.1::m $D\n").replace("HERE", &stage.here());
        let words = stage.words_of_script(&own).expect("rsync is started");
        let value = words.get(2).map_or("", |word| word);
        assert_eq!(value == "/d/", is_known, "the shell: {own}: {value}");
        let output = stage.reproduced("job.sh");
        let told = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(told.contains("only a run can tell"), !is_known, "{own}: {told}");
        assert!(!is_known || told.contains("127.0.0.1::m /d/"), "{own}: {told}");
    }
}

/// What is to start rsync has to be there.
#[test]
fn a_program_that_is_to_start_rsync_may_be_missing() {
    let no_wrapper = "there is no program `/usr/local/bin/nice` on this machine, which is to start";
    come_to_rsync(&[
        ("#!/bin/sh\n/usr/local/bin/nice RSYNC\n", no_wrapper),
        ("#!/bin/sh\nnice /usr/local/bin/nice RSYNC\n", no_wrapper),
        ("#!/bin/bash\n/usr/local/bin/nice RSYNC || echo x\n", no_wrapper),
        ("0 4 * * * /usr/local/bin/nice RSYNC\n", no_wrapper),
        (
            "#!/bin/sh\nset -e\n/usr/local/bin/nice true\nRSYNC\n",
            "there is no program `/usr/local/bin/nice` on this machine (line 3)",
        ),
        (
            "#!/bin/sh\nsetuidgid nobody RSYNC\n",
            "there is no program `setuidgid` on this machine",
        ),
        (
            "#!/bin/sh\nflock /nonexistent/x/l RSYNC\n",
            "there is no folder `/nonexistent/x` for the lock",
        ),
        (
            "#!/bin/sh\nflock -w 1 -n /nonexistent/x/l nice RSYNC\n",
            "there is no folder `/nonexistent/x` for the lock",
        ),
        ("#!/bin/sh\nmkdir -p HERE/x\nflock HERE/x/l RSYNC\n", ""),
        ("#!/bin/sh\nflock -n HERE/l nice -n 5 RSYNC\n", ""),
        (
            "#!/bin/sh\nsetuidgid() { shift; \"$@\"; }\nsetuidgid nobody RSYNC\n",
            "",
        ),
        ("#!/bin/bash\ntime RSYNC\n", ""),
        ("#!/bin/sh\nexec nice RSYNC\n", ""),
        (
            "#!/bin/sh\nprintf '#!/bin/sh\\nexec \"$@\"\\n' > HERE/bin/chronic; chmod +x HERE/bin/chronic\nHERE/bin/chronic RSYNC\n",
            "",
        ),
    ]);
}

/// A shell is asked whether it takes a text at all.
#[test]
fn what_no_shell_takes_is_known() {
    come_to_rsync(&[
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
    ]);
}

/// What is no shell reads none of a script's commands.
#[test]
fn a_first_line_may_name_what_is_no_shell() {
    come_to_rsync(&[
        (
            "#!/bin/cat\nRSYNC\n",
            "hands all of it to `/bin/cat`, which is no shell",
        ),
        (
            "#!/usr/bin/perl\nRSYNC\n",
            "hands all of it to `/usr/bin/perl`, which is no shell",
        ),
        (
            "#!/usr/bin/env perl\nRSYNC\n",
            "hands all of it to `perl`, which is no shell",
        ),
        ("#!/bin/sh\nRSYNC\n", ""),
    ]);
}

/// What cron hands a command as input is not read here, nor is a log written: both are said, and nothing is carried out.
#[test]
fn what_is_not_done_is_refused() {
    let folder = folder(&[(
        "job.cron",
        "0 4 * * * rsync --password-file=- joe@127.0.0.1::m/ d/ %pw\n",
    )]);
    for (words, expected) in [
        (
            &["--reproduce", "job.cron:1"][..],
            "reads what rsync is handed as input",
        ),
        (
            &[
                "--really",
                "--reproduce",
                "rsync -r --log-file=log 127.0.0.1::m/ d/",
            ],
            "`--log-file` is not written here",
        ),
    ] {
        let all: Vec<_> = ["probe"].iter().chain(words).copied().collect();
        let output = program(folder.path(), &all).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
        assert!(!stderr(&output).contains("pw\n"), "{output:?}");
    }
}
