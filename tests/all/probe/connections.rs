//! Connections that do not come about, or break at once.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{causes, causes::report};
use crate::support::{
    program::{folder, rsyncctl, stdout},
    skip,
};

/// A proxy that hangs up, before or behind its yes, is named by its variable.
#[test]
fn a_proxy_that_hangs_up_is_named() {
    let folder = folder(&[]);
    for (says, code) in [(&b""[..], 10), (b"HTTP/1.0 200 OK\r\n\r\n", 5)] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = listener.local_addr().expect("bound");
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a client");
                let mut heard = Vec::new();
                while !heard.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    if stream.read(&mut byte).unwrap_or_default() == 0 {
                        break;
                    }
                    heard.extend(byte);
                }
                let _ = stream.write_all(says);
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let line = format!("RSYNC_PROXY={proxy} rsync -r rsync://192.0.2.9/data/ here/");
        let (report, found) = report(folder.path(), &["--reproduce", &line]);
        assert_eq!(found, Some(code), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY813", "{report:#}");
        assert!(
            report["diagnoses"][0]["title"]
                .to_string()
                .contains("RSYNC_PROXY"),
            "{report:#}"
        );
    }
}

/// The same of one that resets the connection: it hangs up and has not read what it was asked.
#[test]
fn a_proxy_that_resets_is_named() {
    let folder = folder(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a client");
            let _ = stream.peek(&mut [0]);
        }
    });
    let line = format!("RSYNC_PROXY={proxy} rsync -r rsync://192.0.2.9/data/ here/");
    let (report, found) = report(folder.path(), &["--reproduce", &line]);
    assert_eq!(found, Some(10), "{report:#}");
    assert_eq!(causes(&report)[0], "RSY813", "{report:#}");
}

/// Several targets of one daemon wait for each other: its queue is short, and who finds no place in it waits for seconds.
#[test]
fn a_daemon_is_not_asked_by_all_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let (count, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (of_peer, most_of_peer) = (count, most.clone());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let (count, most) = (of_peer.clone(), most_of_peer.clone());
            thread::spawn(move || {
                most.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = stream.write_all(b"@RSYNCD: 31.0\n");
                let mut piece = [0; 64];
                while !matches!(stream.read(&mut piece), Ok(0) | Err(_)) {
                    if piece.contains(&b'\n') {
                        let _ = stream.write_all(b"@ERROR: not today\n");
                        let _ = stream.shutdown(std::net::Shutdown::Write);
                    }
                }
                count.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    let folder = folder(&[("list", &format!("rsync://127.0.0.1:{port}/\n").repeat(100))]);
    let words = [
        "probe",
        "--targets",
        "list",
        "--jobs",
        "100",
        "--format",
        "concise",
    ];
    let output = rsyncctl(folder.path(), &words);
    assert_eq!(stdout(&output).lines().count(), 100, "{output:?}");
    // One that has ended may still be counted for a moment.
    assert!(most.load(Ordering::SeqCst) <= 24, "{most:?}");
}

/// A name has an address, and not of the family that is asked for.
#[test]
fn an_address_of_the_other_family_is_told() {
    let is_single = {
        let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
        let names = |line: &&str| line.split_whitespace().any(|word| word == "localhost");
        let mut lines = hosts.lines().filter(names);
        lines.all(|line| !line.trim_start().starts_with("::1"))
    };
    if !is_single {
        skip("`localhost` has an IPv6 address here");
        return;
    }
    let folder = folder(&[]);
    let (report, code) = report(folder.path(), &["-6", "rsync://localhost/"]);
    assert_eq!(code, Some(10), "{report:#}");
    let first = &report["diagnoses"][0];
    assert_eq!(first["rule"], "RSY804", "{report:#}");
    let told = "the name `localhost` has no IPv6 address, but 127.0.0.1";
    assert_eq!(first["title"], told, "{report:#}");
}

/// A reset in place of a connection is told by no page of what comes behind it.
#[test]
fn a_reset_while_connecting_is_no_missing_file() {
    let text = "rsync: [Receiver] failed to connect to h (192.0.2.7): Connection reset by peer (104)\nrsync error: error in socket IO (code 10) at clientserver.c(139) [Receiver=3.5.0]\n";
    let folder = folder(&[("text", text)]);
    let told = stdout(&rsyncctl(folder.path(), &["explain", "text"]));
    assert!(told.contains("RSY832") && !told.contains("RSY714"), "{told}");
}
