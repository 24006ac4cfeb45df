use std::ffi::OsString;

use super::{Command, Place, Surroundings, UsageError};
use crate::rsync::filter::CvsIgnores;

fn parse(line: &str) -> Result<Command, UsageError> {
    let words: Vec<_> = line.split(' ').map(OsString::from).collect();
    let surroundings = Surroundings {
        read: Box::new(|_| Err(std::io::ErrorKind::NotFound.into())),
        read_list: |_| Err(std::io::ErrorKind::NotFound.into()),
        ignores: CvsIgnores::default(),
        umask: 0o022,
        now: jiff::Zoned::now(),
        max_alloc: None,
        iconv: None,
        partial_directory: None,
    };
    Command::parse(&words, surroundings)
}

#[test]
fn a_command_line_becomes_a_plan() {
    let Ok(Command::Transfer(plan)) = parse("-avn --no-o --port=8730 joe@[::1]::data/sub dst") else {
        panic!("a plan");
    };
    assert_eq!(
        (&*plan.daemon.address.host, plan.daemon.address.port),
        ("::1", 8730)
    );
    assert!(plan.options.recursive && plan.options.dry_run && !plan.options.owner);
    assert!(
        matches!(&plan.place, Place::Files { module, paths, destination: Some(_) } if module == "data" && paths == &[b"data/sub"])
    );
}

#[test]
fn further_sources_need_no_host() {
    for line in ["h::m/a ::m/b d", "--port=1 h::m/a rsync://h/m/b d", "-B2k h::m d"] {
        assert!(parse(line).is_ok(), "{line}");
    }
}

#[test]
fn the_port_of_an_address_counts_before_that_of_the_option() {
    let port = |line| match parse(line) {
        Ok(Command::Transfer(plan)) => plan.daemon.address.port,
        other => panic!("{other:?}"),
    };
    assert_eq!(port("--port=1 rsync://h:2/m/"), 2);
    assert_eq!(port("--port=1 rsync://h/m/"), 1);
    assert_eq!(port("h::m"), 873);
}

#[test]
fn what_cannot_be_done_is_said() {
    let refusal = |line| parse(line).expect_err("a refusal");
    assert_eq!(
        refusal("-a --bogus h::m d"),
        UsageError::Unknown("--bogus".into())
    );
    assert_eq!(
        refusal("-a --remote-option=1 h::m d"),
        UsageError::RemoteOption("1".into())
    );
    assert_eq!(
        refusal("-a --write-devices h::m d"),
        UsageError::PushOnly("write-devices".into())
    );
    assert_eq!(refusal("-a h::m i::n"), UsageError::BothRemote);
    assert_eq!(refusal("-a C:/data h::m"), UsageError::BothRemote);
    assert_eq!(refusal("-a a b"), UsageError::NotYet("a copy on this machine"));
    assert_eq!(
        refusal("--timeout=x h::m d"),
        UsageError::Number("--timeout=x".into())
    );
    for (line, text) in [
        ("-B abc h::m d", "--block-size=abc is invalid"),
        (
            "--max-alloc=1 h::m d",
            "--max-alloc=1 is too small (min: 1.00M or 0 for unlimited)",
        ),
        (
            "--port=99999 h::m d",
            "--port=99999: number out of range (1 to 65535)",
        ),
        (
            "h::m rsync://h:1/m d",
            "All source args must use the same port number.",
        ),
        (
            "rsync://h:1/m rsync://h:2/m d",
            "All source args must use the same port number.",
        ),
        ("h::m h:m d", "All source args must use the same hostspec format."),
        (
            "h::m j@h::m d",
            "All source args must come from the same machine.",
        ),
        ("a h::m h::m", "Unexpected remote arg: h::m"),
        (
            "a j@h:/m",
            "`j@h:/m` has one colon, so it is reached through a remote shell, which is not supported yet; use rsync for it, or write `j@h::m` if a daemon's module is meant",
        ),
        (
            "h：:m/ d",
            "`h：:m/` has one colon, so it is reached through a remote shell, which is not supported yet; use rsync for it, or write `h::m/` if a daemon's module is meant",
        ),
        (
            "http://h/m d",
            "`http://h/m` has one colon, so it is reached through a remote shell, which is not supported yet; use rsync for it, or write `rsync://h/m` if a daemon's module is meant",
        ),
        (
            "rsync:／／h/m d",
            "`rsync:／／h/m` has one colon, so it is reached through a remote shell, which is not supported yet; use rsync for it, or write `rsync://h/m` if a daemon's module is meant",
        ),
        (
            "--password-file=p h:m d",
            "The --password-file option may only be used when accessing an rsync daemon.",
        ),
        (
            "--contimeout=3 a b",
            "The --contimeout option may only be used when connecting to an rsync daemon.",
        ),
    ] {
        assert_eq!(refusal(line).to_string(), text, "{line}");
    }
    for line in [
        "rsync://h:x/m d",
        "rsync://h:-1/m d",
        "rsync://h:+873/m d",
        "rsync:/h.example/m d",
    ] {
        assert!(matches!(refusal(line), UsageError::Misread(_)), "{line}");
    }
    assert!(matches!(refusal("h::m m d"), UsageError::UnexpectedLocal(_)));
    for line in [
        "-aX -f-x_user.a h::m d",
        "-X --filter=+x_user.a f h::m",
        "-a -f-x_user.a h::m d",
    ] {
        assert!(parse(line).is_ok(), "{line}");
    }
}
