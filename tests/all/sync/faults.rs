//! The connection of a small session breaks, lies or stands still at each place, or the client is killed: each file is the
//! old or the new one, nothing else is left, the client ends as rsync does, and the next run completes.
//!
//! `RSYNCCTL_STRIDE` is the distance of one place from the next, 1 for every byte.

pub(super) mod proxy;
mod scene;

use std::{
    collections::BTreeMap,
    env,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener},
    process::{Command, Output, Stdio},
    sync::{Mutex, mpsc},
    thread,
};

pub(super) use self::scene::collect;
use self::scene::{Scene, limited};
use crate::{
    differential::generator::Random,
    support::daemon::has_rsync,
    sync::{
        described,
        faults::proxy::{Direction, Fault, Kind, Proxy},
    },
};

/// As many sessions run at once.
const WORKERS: u64 = 4;

/// A way for files to go, and how.
#[derive(Clone, Copy, Debug)]
struct Session {
    is_pull: bool,
    protocol: &'static str,
    words: &'static [&'static str],
}

const fn session(is_pull: bool, protocol: &'static str, words: &'static [&'static str]) -> Session {
    Session {
        is_pull,
        protocol,
        words,
    }
}

const SESSIONS: [Session; 4] = [
    session(true, "--protocol=32", &["-a"]),
    session(true, "--protocol=29", &["-a"]),
    session(false, "--protocol=32", &["-a"]),
    session(false, "--protocol=29", &["-a"]),
];

/// Which client.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Client {
    Ours,
    Theirs,
}

/// How many bytes lie between two places.
fn stride(default: usize) -> usize {
    let wanted = env::var("RSYNCCTL_STRIDE").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The places of a session that goes well.
fn places(session: Session, stride: usize) -> Vec<(Direction, usize)> {
    let scene = Scene::new(session);
    let (output, [up, down]) = scene.run(Client::Ours, None, &[]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{session:?}: {error}");
    scene.complete(&[]).expect("nothing happened");
    let places = |direction, count| (0..count).step_by(stride).map(move |offset| (direction, offset));
    places(Direction::ToServer, up)
        .chain(places(Direction::ToClient, down))
        .collect()
}

/// Tries each of the places; what went wrong, and how often the client ended with which code.
fn everywhere(
    session: Session,
    places: &[(Direction, usize)],
    attempt: impl Fn(&Scene, Direction, usize) -> Result<Option<i32>, String> + Sync,
) -> BTreeMap<Option<i32>, usize> {
    let next = Mutex::new(places.iter());
    let results = Mutex::new((BTreeMap::new(), Vec::new()));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let scene = Scene::new(session);
                loop {
                    let place = next.lock().expect("no panic").next();
                    let Some(&(direction, offset)) = place else { return };
                    let result = attempt(&scene, direction, offset);
                    let mut results = results.lock().expect("no panic");
                    match result {
                        Ok(code) => *results.0.entry(code).or_default() += 1,
                        Err(text) => results.1.push(format!("{direction:?} {offset}: {text}")),
                    }
                }
            });
        }
    });
    let (codes, errors) = results.into_inner().expect("no panic");
    let shown = &errors[..errors.len().min(8)];
    assert!(
        errors.is_empty(),
        "{session:?}: {} of {} go wrong:\n{}",
        errors.len(),
        places.len(),
        shown.join("\n")
    );
    println!("{session:?}: {} places, {codes:?}", places.len());
    codes
}

/// What the client must not have done, whatever happened.
fn ended(output: &Output, codes: &[i32]) -> Result<Option<i32>, String> {
    let error = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code();
    let is_known = code.is_some_and(|code| codes.contains(&code));
    match is_known && !error.contains("panicked") && (code == Some(0) || !error.is_empty()) {
        true => Ok(code),
        false => Err(format!("ends with {}: {error}", output.status)),
    }
}

#[test]
fn a_connection_that_breaks_hurts_nothing() {
    if !has_rsync() {
        return;
    }
    let stride = stride(13);
    for session in SESSIONS {
        let places = places(session, stride);
        let codes = everywhere(session, &places, |scene, direction, offset| {
            let kind = Kind::Cut;
            let fault = Fault {
                direction,
                offset,
                kind,
            };
            let (output, _) = scene.run(Client::Ours, Some(fault), &[]);
            let code = ended(&output, &[0, 5, 10, 12])?;
            scene.check(true, false)?;
            if code == Some(0) {
                scene.is_complete()?;
            }
            scene.complete(&[])?;
            // The two clients do not end at the same byte.
            if code == Some(0) {
                return Ok(code);
            }
            // Both race at some of the places. What was sent and not yet taken when the connection is cut makes a reset
            // (10) of a hang-up (12), and the two clients send in pieces of their own.
            let agrees = || {
                let theirs = scene.run(Client::Theirs, Some(fault), &[]).0.status.code();
                let is_broken = |code| matches!(code, Some(10 | 12));
                theirs == code || (is_broken(theirs) && is_broken(code))
            };
            if offset % (stride * 5) == 0 && !(0..5).any(|_| agrees()) {
                let error = String::from_utf8_lossy(&output.stderr);
                return Err(format!("rsync does not end with {code:?}: {error}"));
            }
            Ok(code)
        });
        assert!(codes.len() > 1, "{codes:?}");
    }
}

#[test]
fn a_byte_that_changes_hurts_nothing() {
    if !has_rsync() {
        return;
    }
    let compressed = [
        session(true, "--protocol=32", &["-az"]),
        session(false, "--protocol=32", &["-az"]),
    ];
    for session in SESSIONS.into_iter().chain(compressed) {
        let places = places(session, stride(23));
        let codes = [0, 1, 2, 3, 4, 5, 10, 11, 12, 20, 22, 23, 24, 25, 30];
        everywhere(session, &places, |scene, direction, offset| {
            let bits = Random::new(offset as u64).pick(&[1, 0x10, 0x80, 0xff]);
            let kind = Kind::Flip(bits);
            let fault = Fault {
                direction,
                offset,
                kind,
            };
            let (output, _) = scene.run(Client::Ours, Some(fault), &["--timeout=2"]);
            let code = ended(&output, &codes)?;
            scene.check(false, false)?;
            scene.complete(&["--delete"])?;
            Ok(code)
        });
    }
}

#[test]
fn a_connection_that_stands_still_is_left() {
    if !has_rsync() {
        return;
    }
    for session in SESSIONS {
        let places = places(session, stride(250));
        everywhere(session, &places, |scene, direction, offset| {
            let kind = Kind::Stall;
            let fault = Fault {
                direction,
                offset,
                kind,
            };
            let (output, _) = scene.run(Client::Ours, Some(fault), &["--timeout=1"]);
            // A server has the same patience, and may lose it first.
            let code = ended(&output, if session.is_pull { &[30] } else { &[30, 12] })?;
            scene.check(true, false)?;
            scene.complete(&[])?;
            Ok(code)
        });
    }
}

#[test]
fn a_client_that_is_killed_hurts_nothing() {
    if !has_rsync() {
        return;
    }
    for session in SESSIONS {
        let places = places(session, stride(130));
        for signal in ["KILL", "TERM", "INT"] {
            everywhere(session, &places, |scene, direction, offset| {
                scene.prepare();
                let (reached, arrival) = mpsc::channel();
                let kind = Kind::Stall;
                let fault = Fault {
                    direction,
                    offset,
                    kind,
                };
                let proxy = Proxy::start(scene.stage.daemon.port(), Some(fault), reached);
                let mut client = scene.client(Client::Ours, &proxy.url(), &["--timeout=20"]);
                let client = client.stdout(Stdio::null()).stderr(Stdio::piped());
                let client = client.spawn().expect("the client runs");
                // It ends without it if it is not reached.
                let _ = arrival.recv();
                let script = format!("kill -s {signal} {}", client.id());
                let status = Command::new("sh").args(["-c", &script]).status();
                assert!(status.expect("sh runs").success(), "it was running");
                let output = client.wait_with_output().expect("it ends");
                proxy.end();
                let is_kill = signal == "KILL";
                let code = match is_kill {
                    true => output.status.code(),
                    false => ended(&output, &[20])?,
                };
                scene.check(true, is_kill && session.is_pull)?;
                scene.complete(if is_kill { &["--delete"] } else { &[] })?;
                Ok(code)
            });
        }
    }
}

#[test]
fn a_file_that_was_spoilt_is_asked_for_once_more() {
    if !has_rsync() {
        return;
    }
    for (words, is_said) in [(&["-a"], false), (&["-av"], true), (&["-ai"], true)] {
        let scene = Scene::new(session(true, "--protocol=32", words));
        // Among the literal bytes of the first file, in each client's session.
        let fault = Fault {
            direction: Direction::ToClient,
            offset: 500,
            kind: Kind::Flip(1),
        };
        let [ours, theirs] = [Client::Ours, Client::Theirs].map(|client| {
            let (output, _) = scene.run(client, Some(fault), &[]);
            scene.check(true, false).expect("whole files");
            let source = described(&scene.source());
            assert_eq!(described(&scene.destination()), source, "{client:?}");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            (output.status.code(), error)
        });
        assert_eq!(ours, theirs, "{words:?}");
        let warning = "WARNING: basis failed verification -- update discarded (will try again).\n";
        let said = if is_said { warning } else { "" };
        assert_eq!(ours, (Some(0), said.to_owned()), "{words:?}");
    }
}

#[test]
fn a_daemon_that_hangs_up_at_once_is_told_from_a_broken_transfer() {
    if !has_rsync() {
        return;
    }
    let scene = Scene::new(SESSIONS[0]);
    for (said, expected) in [
        ("", "rsync: did not see server greeting"),
        (
            "@RSYNCD: 32.0 sha512 md5\n",
            "rsync: didn't get server startup line",
        ),
    ] {
        for client in [Client::Ours, Client::Theirs] {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
            let port = listener.local_addr().expect("an address").port();
            let peer = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("it connects");
                stream.write_all(said.as_bytes()).expect("it listens");
                let _ = stream.shutdown(Shutdown::Write);
                let _ = stream.read_to_end(&mut Vec::new());
            });
            let output = limited(&scene.client(client, &format!("rsync://127.0.0.1:{port}"), &[]));
            peer.join().expect("the peer ends");
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(error.lines().next(), Some(expected), "{client:?}");
            assert_eq!(output.status.code(), Some(5), "{client:?}");
        }
    }
}
