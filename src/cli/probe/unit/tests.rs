use std::{fs, path::Path};

use crate::cli::probe::{slip::Slip, written::command_line};

#[test]
fn a_unit_is_read_as_systemd_reads_it() {
    let read = |exec: &str| {
        let text = format!(
            "[Service]\nEnvironment=HOST=a.example \"OPTS=-a -z\" RSYNC_PASSWORD=hush\nUser=joe\nWorkingDirectory=/srv\n{exec}\n"
        );
        let found = command_line(Path::new("/etc/systemd/system/a.service"), text.into(), 5);
        found.map_err(|unread| unread.to_string()).map(|written| {
            let password = written.variables.get("RSYNC_PASSWORD").and_then(Option::as_ref);
            assert_eq!(
                password.map(|password| &password[..]),
                Some(&b"hush"[..]),
                "{exec}"
            );
            let folder = written.folder.expect("a folder");
            let words = shell_words::join(&written.words);
            format!("{} {words} [{}]", folder.display(), written.around.join(" "))
        })
    };
    for (exec, expected) in [
        ("ExecStart=/usr/bin/rsync -a x h::m", "/srv -a x h::m [User=joe]"),
        (
            "ExecStart=!!-/usr/bin/rsync -a x h::m",
            "/srv -a x h::m [User=joe]",
        ),
        ("ExecStart=-+/usr/bin/rsync -a x h::m", "/srv -a x h::m []"),
        ("ExecStart=!/usr/bin/rsync -a x h::m", "/srv -a x h::m []"),
        ("ExecStart=/usr/bin/rsync -a x h::m\nUser=", "/srv -a x h::m []"),
        (
            "ExecStart=-rsync $OPTS \\\n  x '${HOST}::m/100%%'",
            "/srv -a -z x 'a.example::m/100%' [User=joe]",
        ),
        (
            "ExecStart=rsync -a * h::m > log",
            "/srv -a '*' h::m '>' log [User=joe]",
        ),
        (
            "ExecStart=/bin/sh -c 'cd www && rsync -a ./ ${HOST}::m'",
            "/srv/www -a ./ a.example::m [cd User=joe]",
        ),
        (
            "ExecStart=/usr/bin/timeout 1h nice rsync -a 'x y' h::m\nProtectHome=yes\nPrivateTmp=no",
            "/srv -a 'x y' h::m [User=joe ProtectHome=yes]",
        ),
    ] {
        assert_eq!(read(exec).as_deref(), Ok(expected), "{exec}");
    }
    for (exec, why) in [
        ("ExecStart=rsync -a x h::%i", "what `%i` stands for"),
        ("ExecStart=/root/push.sh", "of the script that it starts"),
        ("Type=oneshot", "is no `ExecStart=`"),
        ("ExecStart=rsync a b ; rsync b c", "more than once"),
        ("ExecStart=sh -c 'rsync -a x h::$$1'", "only a run can tell"),
        ("ExecStart=sh -c 'rsync a b; rsync b c'", "more than once"),
    ] {
        let error = read(exec).expect_err(why);
        assert!(error.contains(why), "{exec}: {error}");
    }
}
#[test]
fn files_of_variables_count_before_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("one"), "HOST=b.example\n").expect("a file");
    for (lines, expected) in [
        (
            format!("EnvironmentFile={}\nEnvironment=HOST=a.example", at("one")),
            "b.example",
        ),
        (
            format!(
                "EnvironmentFile={}\nEnvironmentFile=\nEnvironment=HOST=a.example",
                at("one")
            ),
            "a.example",
        ),
        (
            format!(
                "Environment=HOST=c\nEnvironment=\nEnvironment=HOST=a.example\nEnvironmentFile=-{}",
                at("none")
            ),
            "a.example",
        ),
    ] {
        let text = format!("[Service]\nExecStart=rsync -a x ${{HOST}}::m\n{lines}\n");
        let written = command_line(Path::new("a.service"), text.into(), 2).expect(&lines);
        assert_eq!(written.words.last(), Some(&format!("{expected}::m")), "{lines}");
        assert_eq!(written.slips, [], "{lines}");
    }
    let text = format!(
        "[Service]\nExecStart=rsync -a x h::m\nEnvironmentFile={}\n",
        at("none")
    );
    let written = command_line(Path::new("a.service"), text.clone().into(), 2).expect(&text);
    assert_eq!(written.slips, [Slip::NoEnvironment(at("none"))]);
    // What cannot be known is not taken for nothing.
    for (file, expected) in [("o*e", Some("b.example::m")), ("n*", None), ("%i", None)] {
        let text = format!(
            "[Service]\nExecStart=rsync -a x ${{HOST}}::m\nEnvironmentFile={}\n",
            at(file)
        );
        let found = command_line(Path::new("a.service"), text.into(), 2);
        let last = found.ok().and_then(|written| written.words.last().cloned());
        assert_eq!(last.as_deref(), expected, "{file}");
    }
    let text = "[Service]\nExecStart=rsync -a x h::m >> /var/log/x 2>&1\nWorkingDirectory=-/no/such\n";
    let written = command_line(Path::new("a.service"), text.into(), 2).expect(text);
    assert_eq!(written.slips, [Slip::NoShell(">>".to_owned())]);
    assert_eq!(written.folder.as_deref(), Some(Path::new("/")));
}

#[test]
fn folders_that_systemd_makes_have_variables() {
    for (settings, words, expected) in [
        (
            "StateDirectory=b c",
            "h::m/ ${STATE_DIRECTORY}/",
            Ok("/var/lib/b:/var/lib/c/"),
        ),
        (
            "RuntimeDirectory=b",
            "h::m/ ${RUNTIME_DIRECTORY}/x",
            Ok("/run/b/x"),
        ),
        (
            "LogsDirectory=a\nLogsDirectory=\nLogsDirectory=b",
            "h::m/ ${LOGS_DIRECTORY}",
            Ok("/var/log/b"),
        ),
        (
            "StateDirectory=b\nEnvironment=STATE_DIRECTORY=/srv",
            "h::m/ ${STATE_DIRECTORY}/",
            Ok("/srv/"),
        ),
        (
            "LoadCredential=pw:/etc/pw",
            "--password-file=${CREDENTIALS_DIRECTORY}/pw h::m/",
            Ok("--password-file=/run/credentials/job.service/pw"),
        ),
        (
            "StateDirectory=%N",
            "h::m/ ${STATE_DIRECTORY}/",
            Err("what `$STATE_DIRECTORY` is only a run can tell"),
        ),
    ] {
        let unit = format!("[Service]\n{settings}\nExecStart=rsync -a {words}\n");
        let line = 2 + settings.lines().count();
        let found = super::command_line(
            Path::new("/etc/systemd/system/job.service"),
            unit.as_bytes(),
            line,
        );
        let found = found.map_err(|unread| unread.to_string());
        match (found, expected) {
            (Ok(written), Ok(expected)) => {
                assert!(
                    written.words.iter().any(|word| word == expected),
                    "{unit}: {:?}",
                    written.words
                );
            }
            (Err(told), Err(expected)) => assert!(told.contains(expected), "{unit}: {told}"),
            (found, _) => panic!("{unit}: {:?}", found.map(|written| written.words)),
        }
    }
}
