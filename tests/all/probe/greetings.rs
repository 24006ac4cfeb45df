//! What the first line of an answer tells.

use std::{
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    thread,
    time::Duration,
};

use serde_json::Value;

use super::{causes, peer, remarks};
use crate::support::{
    daemon::{has_rsync, rsync},
    program::{rsyncctl, stderr, stdout},
};

#[test]
fn another_service_is_recognized() {
    let folder = tempfile::tempdir().expect("a folder");
    for (says, service) in [
        (&b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "FTP or SMTP"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS"),
    ] {
        let target = format!("rsync://127.0.0.1:{}/data", peer(says));
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        assert_eq!(report["summary"]["failed"], "greeting", "{report:#}");
        let greeting = report["stages"].as_array().expect("stages");
        let greeting = greeting.iter().find(|stage| stage["stage"] == "greeting");
        assert_eq!(
            greeting.expect("it")["facts"][0]["service"],
            service,
            "{report:#}"
        );
        assert_eq!(report["diagnoses"][0]["severity"], "error", "{report:#}");
    }
}

/// A peer that says this over and over, and goes on listening if it says it once.
fn talker(says: &'static [u8], is_endless: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            while stream.write_all(says).is_ok() && is_endless {}
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    port
}

#[test]
fn a_service_whose_first_line_never_ends_is_recognized() {
    let folder = tempfile::tempdir().expect("a folder");
    let telnet = b"\xff\xfd\x18\xff\xfd\x20login: ";
    for (port, code, quoted) in [
        (talker(telnet, false), 30, "login:"),
        (peer(telnet), 5, "login:"),
        (talker(&[b'x'; 4096], true), 5, "xxxx"),
    ] {
        let target = format!("rsync://127.0.0.1:{port}/data");
        let output = rsyncctl(folder.path(), &["probe", "--json", "--timeout=1", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY807", "{report:#}");
        let title = report["diagnoses"][0]["title"].as_str().expect("a title");
        assert!(title.contains(quoted) && title.len() < 400, "{title}");
    }
    // What may be the beginning of a greeting is no other service.
    let target = format!("rsync://127.0.0.1:{}/data", peer(b"@RSYNCD: 31"));
    let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(!causes(&report).contains(&"RSY807"), "{report:#}");
}

/// Up to protocol 28 rsync goes on, and the limit is this client's.
#[test]
fn a_daemon_that_is_too_old_for_this_client_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "the server speaks protocol 28, and the oldest that this client speaks is 29";
    let foreign = "protocol version mismatch -- is your shell clean?";
    for (says, expected) in [
        (&b"@RSYNCD: 28\n"[..], own),
        (b"@RSYNCD: 29.1\n", own),
        (b"@RSYNCD: 19\n", foreign),
    ] {
        let target = format!("rsync://127.0.0.1:{}/data/", peer(says));
        let output = rsyncctl(folder.path(), &["probe", &target]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stdout(&output).contains(expected), "{output:?}");
        assert!(stdout(&output).contains("(RSY826)"), "{output:?}");
        // The user named no protocol.
        let is_old = stdout(&output)
            .contains("the server is too old for rsyncctl: it speaks protocol 28, and rsyncctl 29 and newer");
        assert_eq!(is_old, expected == own, "{output:?}");
        let output = rsyncctl(folder.path(), &["sync", &target]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}

#[test]
fn weak_digests_of_a_greeting_are_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (says, noticed) in [
        (&b"@RSYNCD: 32.0 md4\n@RSYNCD: EXIT\n"[..], &["RSY514"][..]),
        (b"@RSYNCD: 31.0 md5 md4\n@RSYNCD: EXIT\n", &["RSY514"]),
        (b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n@RSYNCD: EXIT\n", &[]),
    ] {
        let target = format!("rsync://127.0.0.1:{}/", peer(says));
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(remarks(&report), noticed, "{report:#}");
        assert_eq!(
            report
                .to_string()
                .contains("any password that this daemon asks for"),
            !noticed.is_empty(),
            "{report:#}"
        );
    }
}

/// A peer that greets, and sends a line of its message of the day now and then, without an end.
fn chatterer() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let pause = Some(Duration::from_millis(100));
            thread::spawn(move || {
                stream.set_read_timeout(pause).expect("a pause");
                let mut says = &b"@RSYNCD: 31.0\n"[..];
                while stream.write_all(says).is_ok() {
                    let _ = stream.read(&mut [0; 4096]);
                    says = b"Welcome!\n";
                }
            });
        }
    });
    port
}

/// rsync listens to it for ever; a probe does not.
#[test]
fn a_message_of_the_day_without_an_end_ends_the_probe() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = format!("rsync://127.0.0.1:{}/data/", chatterer());
    let line = format!("rsync -a {target} here/");
    thread::scope(|scope| {
        for words in [&[&*target][..], &["--reproduce", &line]] {
            let words = [&["probe", "--timeout=1"], words].concat();
            let folder = folder.path();
            scope.spawn(move || {
                let output = rsyncctl(folder, &words);
                assert_eq!(output.status.code(), Some(30), "{output:?}");
                let expected = "no answer came behind the text that begins with `Welcome!`";
                assert!(stdout(&output).contains(expected), "{output:?}");
            });
        }
    });
}

/// What a program prints into the connection is shown, where rsync tells of a tag.
#[test]
fn text_in_the_place_of_the_session_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: OK\nbash: line 3: \x1b[1mfoo: command not found\nbash: line 4: foo: command not found\n");
    let target = format!("rsync://127.0.0.1:{port}/data/");
    let line = format!("rsync -a {target} here/");
    for words in [
        &["probe", "--json", &target][..],
        &["probe", "--json", "--reproduce", &line],
    ] {
        let output = rsyncctl(folder.path(), words);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(12), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY788", "{report:#}");
        let title = report["diagnoses"][0]["title"].as_str().expect("a title");
        assert!(title.ends_with("`bash: line 3:`"), "{title}");
    }
}

/// Bytes of another encoding are told as rsync tells them, and the words around them are known.
#[test]
fn refusals_in_another_encoding_are_told_as_rsync_does() {
    let folder = tempfile::tempdir().expect("a folder");
    for (says, rule, expected) in [
        (
            &b"@RSYNCD: 31.0\n@ERROR: access denied to \xb1\xb8\xb7\xdd from web (192.0.2.7)\n"[..],
            "RSY822",
            "@ERROR: access denied to \\#261\\#270\\#267\\#335 from web (192.0.2.7)",
        ),
        (
            b"@RSYNCD: 31.0\n@ERROR: \xbe\xdc\xbe\xf8\n",
            "RSY831",
            "`\\#276\u{73e}\\#370`",
        ),
    ] {
        let target = format!("rsync://127.0.0.1:{}/data/", peer(says));
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(causes(&report)[0], rule, "{report:#}");
        let told = stdout(&rsyncctl(folder.path(), &["probe", &target]));
        assert!(told.contains(expected), "{told}");
    }
}

/// A peer that says this to each who has said something, which it reads or not, and hangs up.
fn quitter(says: &'static [u8], reads: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            if reads {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(says);
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            } else {
                // What is unread resets the connection.
                let _ = stream.peek(&mut [0]);
                let _ = stream.write_all(says);
            }
        }
    });
    port
}

/// rsync greets at once, and names the module behind the daemon's greeting: whether a hang-up arrives as a reset hangs on
/// that.
#[test]
fn a_hang_up_ends_the_probe_as_it_ends_rsync() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for says in [&b""[..], b"@RSYN", b"@RSYNCD: 31.0\n"] {
        for reads in [true, false] {
            let port = quitter(says, reads);
            let target = format!("rsync://127.0.0.1:{port}/data/");
            let expected = rsync(&["-r".to_owned(), target.clone(), "here/".to_owned()], None);
            let line = format!("rsync -r {target} here/");
            for words in [&[&*target][..], &["--reproduce", &line]] {
                let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
                assert_eq!(
                    output.status.code(),
                    expected.status.code(),
                    "{}, {reads}: {output:?}\n{expected:?}",
                    says.escape_ascii()
                );
            }
        }
    }
}
