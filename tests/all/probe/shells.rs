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

/// dash ends at what it does not know of bash's once it comes there, and reads over it where it does not.
#[test]
fn what_dash_refuses_ends_it() {
    let told =
        |text: &str, line: usize| format!("dash knows no `{text}` (line {line}): with `Bad substitution`");
    let all: Vec<_> = [
        "${x^^}", "${x,,}", "${x:0:3}", "${x: -1}", "${x/a/b}", "${x//a}", "${!x}", "${x[0]}", "${x[@]}",
        "${#x[@]}", "${x@Q}", "${!x*}", "${1:0:2}", "${@:2}",
    ]
    .iter()
    .map(|text| {
        (
            format!("#!/bin/dash\nx=abc\necho \"{text}\"\nRSYNC\n"),
            told(text, 3),
        )
    })
    .collect();
    let all: Vec<_> = all.iter().map(|(text, why)| (&**text, &**why)).collect();
    come_to_rsync(&all);
    let bad = told("${x^^}", 3);
    come_to_rsync(&[
        ("#!/bin/bash\nx=abc\necho ${x^^}\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\ny=${x^^}\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\nexport y=${x^^}\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\necho ${x^^} || true\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\nif echo ${x^^}; then :; fi\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\nfor y in ${x^^}; do\nRSYNC\ndone\n", &bad),
        ("#!/bin/dash\nx=abc\ncase ${x^^} in\nABC) RSYNC;;\nesac\n", &bad),
        ("#!/bin/dash\nx=abc\necho hi > HERE/${x^^}\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\nf() { echo ${x^^}; }\nf\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\nf() { echo ${x^^}; }\nRSYNC\n", ""),
        ("#!/bin/dash\nset -e\nx=abc; (echo ${x^^})\nRSYNC\n", &bad),
        ("#!/bin/dash\nx=abc\n(echo ${x^^})\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\ny=$(echo ${x^^})\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\necho ${x^^} | cat\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\necho ${x^^} &\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\nif false; then echo ${x^^}; fi\nRSYNC\n", ""),
        (
            "#!/bin/dash\nx=abc\nif [ -n \"$BASH_VERSION\" ]; then echo ${x^^}; fi\nRSYNC\n",
            "",
        ),
        ("#!/bin/dash\nx=abc\necho ${x:-${x^^}} '${x^^}'\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\ncat <<E\n${x^^}\nE\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\nbash -c 'x=abc; echo ${x^^}'\nRSYNC\n", ""),
        ("#!/bin/dash\nx=abc\nbash -c \"echo ${x^^}\"\nRSYNC\n", &bad),
        (
            "#!/bin/dash\n[ -z \"$BASH_VERSION\" ] && exec bash \"$0\" \"$@\"\nx=abc; echo ${x^^}\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/dash\nx=abc\necho ${#x} ${x%b*} ${x##*b} ${x:=1} ${!} $!\nRSYNC\n",
            "",
        ),
        (
            "#!/bin/dash\nf() { :; }\nexport -f f\nRSYNC\n",
            "dash knows no `export -f` (line 3): with `Illegal option` the script ends there",
        ),
        (
            "#!/bin/dash\nexport -f f || true\nRSYNC\n",
            "dash knows no `export -f` (line 2)",
        ),
        (
            "#!/bin/dash\nunset -n f\nRSYNC\n",
            "dash knows no `unset -n` (line 2)",
        ),
        ("#!/bin/dash\n(export -f f)\nRSYNC\n", ""),
        ("#!/bin/dash\nunset -f f\nexport -p > HERE/all\nRSYNC\n", ""),
        ("#!/bin/bash\nf() { :; }\nexport -f f\nRSYNC\n", ""),
    ]);
    // What rsync is to get is known to nobody then.
    let stage = Stage::new(&[]);
    let own = "#!/bin/dash\nx=abc\nrsync -r 127.0.0.1::m ${x/b/c}\n";
    assert_eq!(stage.words_of_script(own), None);
    let output = stage.reproduced("job.sh");
    let told = stderr(&output);
    assert!(
        told.contains("dash knows no `${x/b/c}` (line 3)") && told.contains("rsync is never started"),
        "{output:?}"
    );
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
        (
            "#!bin/sh\nRSYNC\n",
            "names `bin/sh` without the `/` in front of it, so the kernel looks for it in the folder",
        ),
        ("#!bash\nRSYNC\n", "names `bash` without the `/` in front of it"),
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
