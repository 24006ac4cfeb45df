use jiff::civil::date;

use super::{
    failure::{Failure, File},
    recent::{Clients, Own, Recent, recent},
    standing::Proof,
};

fn shown(log: &[u8]) -> String {
    shown_of(log, Own::Local("192.0.2.9".to_owned()))
}

fn shown_of(log: &[u8], own: Own) -> String {
    String::from_utf8(found_of(log, own, &|files| vec![None; files.len()]).open).expect("text")
}

fn found_of(log: &[u8], own: Own, tried: &dyn Fn(&[&File]) -> Vec<Option<bool>>) -> Recent {
    let since = date(2026, 11, 20).at(10, 0, 0, 0);
    let started = date(2026, 11, 21).at(8, 0, 0, 0);
    let clients = Clients {
        own,
        began: date(2026, 11, 21).at(10, 0, 0, 0),
        are_all_asked: false,
        is_kept_out: &|peer| peer.to_string().starts_with("203."),
        is_by_client: &|module| module == "homes",
        limit: &|module| (module == "raised").then_some(9),
        settled: &|failure, module, _| {
            let is_option = matches!(failure, Failure::Option(_));
            (module == Some("m") && is_option).then_some(Proof::Written)
        },
        tried,
    };
    recent(log, since, started, &clients)
}

#[test]
fn what_the_same_client_is_served_afterwards_is_over() {
    let day = |time: &str, process: u8, said: &str| format!("2026/11/21 {time} [{process}] {said}\n");
    let log = |after: &[&str]| {
        let before = ["connect from a (192.0.2.7)", "rsync to a/ from joe@a (192.0.2.7)"];
        let failed = "rsync: [receiver] mkstemp \"/.x\" (in a) failed: Read-only file system (30)";
        let first = before
            .iter()
            .chain([&failed])
            .map(|said| day("09:00:00", 3, said));
        let then = after.iter().map(|said| day("09:30:00", 4, said));
        first.chain(then).collect::<String>()
    };
    let said = |after: &[&str]| shown(log(after).as_bytes()).contains("mkstemp");
    let (came, sums) = (
        "connect from a (192.0.2.7)",
        "sent 9 bytes  received 9000 bytes  total size 8192",
    );
    let again = "rsync to a/ from joe@a (192.0.2.7)";
    assert!(!said(&[came, again, sums]));
    for after in [
        &[][..],
        &[came, again],
        &[came, again, "rsync: [receiver] mkstemp failed", sums],
        &[came, "rsync on a/ from joe@a (192.0.2.7)", sums],
        &[came, "rsync to a/ from amy@a (192.0.2.7)", sums],
        // Perhaps a dry run.
        &[came, again, "sent 9 bytes  received 90 bytes  total size 8192"],
        &[came, again, "sent 9 bytes  received 90 bytes  total size 2"],
        &["connect from b (192.0.2.8)", again, sums],
    ] {
        assert!(said(after), "{after:?}");
    }
    // Who was refused a module has it now.
    let refused = |line: &str, after: &str| {
        let log = [
            day("09:00:00", 3, "connect from a (192.0.2.7)"),
            day("09:00:00", 3, line),
            day("09:30:00", 4, "connect from a (192.0.2.7)"),
            day("09:30:00", 4, after),
            day("09:30:00", 4, sums),
        ];
        shown(log.concat().as_bytes()).contains(line)
    };
    let now = "rsync on data/x from a (192.0.2.7)";
    for line in [
        "rsync denied on module data from a (192.0.2.7)",
        "unknown module 'data' tried from a (192.0.2.7)",
    ] {
        assert!(!refused(line, now), "{line}");
        assert!(refused(line, "rsync on data2/x from a (192.0.2.7)"), "{line}");
    }
}

/// A log of sessions, each of a client and what is said of it.
fn log(sessions: &[(&str, &[&str])]) -> String {
    let lines = sessions.iter().enumerate().flat_map(|(at, (peer, said))| {
        let came = (!peer.is_empty()).then(|| format!("connect from a ({peer})"));
        let said = said.iter().map(|said| (*said).to_owned());
        came.into_iter()
            .chain(said)
            .map(move |said| format!("2026/11/21 09:{at:02}:00 [{at}] {said}\n"))
    });
    lines.collect()
}

/// Lines of one client, those of another one later, and whether these show that the first are over.
type Case<'c> = (&'c [&'c str], (&'c str, &'c [&'c str]), bool);

#[test]
fn what_later_lines_disprove_is_over() {
    let (joe, amy) = ("192.0.2.7", "192.0.2.8");
    let is_over = |first: &[&str], then: (&str, &[&str])| {
        let began = if first[0].starts_with("params.c") { "" } else { joe };
        let log = log(&[(began, first), then]);
        let found = found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|files| {
            vec![None; files.len()]
        });
        let is_in = |text: &[u8]| {
            let text = String::from_utf8_lossy(text);
            first
                .iter()
                .filter(|line| !line.starts_with("rsync allowed"))
                .all(|line| text.contains(line))
        };
        let over = found.over.get(&Proof::Again);
        let is_over = over.is_some_and(|over| is_in(&over.lines));
        assert!(is_over || is_in(&found.open), "{first:?}");
        is_over
    };
    let mismatch = ["auth failed on module m from a (192.0.2.7) for joe: password mismatch"];
    let unmatched = ["auth failed on module m from a (192.0.2.7) for joe: no matching rule"];
    let secrets = [
        "secrets file must not be other-accessible (see strict modes option)",
        "auth failed on module m from a (192.0.2.7) for joe: ignoring secrets file",
    ];
    let entry = [
        "rsync allowed access on module m from a (192.0.2.7)",
        "rsync: [Receiver] chdir /x failed: y",
    ];
    let denied = ["rsync denied on module m from a (192.0.2.7)"];
    let configuration = [
        "params.c:Section() - Badly formed line in config file: x",
        "params.c:pm_process() - Failed.  Error returned from params.c:parse().",
        "rsync error: syntax or usage error (code 1) at clientserver.c(1435) [Receiver=3.5.0]",
    ];
    let read_only = [
        "rsync to m/ from a (192.0.2.7)",
        "ERROR: module is read only",
        "rsync error: syntax or usage error (code 1) at main.c(1) [Receiver=3.5.0]",
    ];
    let excluded = [
        "rsync to m/a/ from a (192.0.2.7)",
        "ERROR: daemon refused to receive file \"x\"",
    ];
    let sums = "sent 9 bytes  received 90 bytes  total size 2";
    let cases: [Case<'_>; 25] = [
        (
            &excluded,
            (joe, &["rsync to m/a/ from a (192.0.2.7)", sums]),
            true,
        ),
        (
            &excluded,
            (joe, &["rsync to m/b/ from a (192.0.2.7)", sums]),
            false,
        ),
        (
            &excluded,
            (amy, &["rsync to m/a/ from a (192.0.2.7)", sums]),
            false,
        ),
        (&mismatch, (joe, &["rsync to m/ from joe@a (192.0.2.7)"]), true),
        // Another client may have another password.
        (&mismatch, (amy, &["rsync to m/ from joe@b (192.0.2.8)"]), false),
        (&mismatch, (joe, &["rsync to m/ from amy@a (192.0.2.7)"]), false),
        (&mismatch, (joe, &["rsync to n/ from joe@a (192.0.2.7)"]), false),
        (
            &mismatch,
            (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
            false,
        ),
        (&unmatched, (amy, &["rsync to m/ from joe@b (192.0.2.8)"]), true),
        (&secrets, (amy, &["rsync on m/ from joe@b (192.0.2.8)"]), true),
        (&secrets, (amy, &["rsync on m/ from b (192.0.2.8)"]), false),
        (&entry, (amy, &["rsync on m/sub from b (192.0.2.8)"]), true),
        (&entry, (amy, &["rsync on n/ from b (192.0.2.8)"]), false),
        (
            &entry,
            (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
            false,
        ),
        (
            &denied,
            (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
            true,
        ),
        (
            &denied,
            (amy, &["rsync allowed access on module m from b (192.0.2.8)"]),
            false,
        ),
        (&configuration, (amy, &[]), true),
        (
            &configuration,
            ("", &["rsyncd version 3.5.0 starting, listening on port 873"]),
            false,
        ),
        (
            &read_only,
            (joe, &["rsync to m/a from a (192.0.2.7)", "receiving file list"]),
            true,
        ),
        (&read_only, (joe, &["rsync to m/a from a (192.0.2.7)"]), false),
        (
            &read_only,
            (joe, &["rsync on m/ from a (192.0.2.7)", "building file list"]),
            false,
        ),
        (
            &read_only,
            (
                joe,
                &["rsync to m/ from joe@a (192.0.2.7)", "receiving file list"],
            ),
            false,
        ),
        (
            &["unknown module 'm' tried from a (192.0.2.7)"],
            (amy, &["rsync on m/ from b (192.0.2.8)"]),
            true,
        ),
        (
            &[
                "rsync allowed access on module homes from a (192.0.2.7)",
                "rsync: chdir /x failed: y",
            ],
            (amy, &["rsync on homes/ from b (192.0.2.8)"]),
            false,
        ),
        (
            &[
                "rsync allowed access on module m from a (192.0.2.7)",
                "rsync: pre-xfer exec failed",
            ],
            (amy, &["rsync on m/ from b (192.0.2.8)"]),
            false,
        ),
    ];
    for (first, then, expected) in cases {
        assert_eq!(is_over(first, then), expected, "{first:?} {then:?}");
    }
}

#[test]
fn slots_are_free_again_for_who_had_none() {
    let refused = |module: &str| format!("rsync allowed access on module {module} from a (192.0.2.7)");
    let is_over = |module: &str, peer: &str| {
        let (refused, asks) = (refused(module), format!("rsync on {module}/ from b ({peer})"));
        let log = log(&[
            ("192.0.2.7", &[&refused, "max connections (2) reached"]),
            (peer, &[&asks]),
        ]);
        let found = found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|_| {
            Vec::new()
        });
        !String::from_utf8_lossy(&found.open).contains("max connections")
    };
    assert!(is_over("m", "192.0.2.7") && is_over("raised", "192.0.2.8"));
    // Another client that is served has perhaps the last slot.
    assert!(!is_over("m", "192.0.2.8"));
}

#[test]
fn rights_are_tried() {
    let denied = |path: &str| {
        format!("rsync: [sender] send_files failed to open \"/{path}\" (in m): Permission denied (13)")
    };
    let [one, two] = ["one", "two"].map(denied);
    let end = "rsync error: some files/attrs were not transferred (code 23) at main.c(1) [sender=3.5.0]";
    let log = log(&[("192.0.2.7", &["rsync on m/ from a (192.0.2.7)", &one, &two, end])]);
    let found = |one: Option<bool>, two: Option<bool>| {
        found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|files| {
            files
                .iter()
                .map(|file| if file.path == "one" { one } else { two })
                .collect()
        })
    };
    let has = |text: &[u8], part: &str| String::from_utf8_lossy(text).contains(part);
    let over = |found: &Recent, part: &str| {
        found
            .over
            .get(&Proof::Tried)
            .is_some_and(|over| has(&over.lines, part))
    };
    let all = found(Some(true), Some(true));
    assert!(over(&all, &one) && over(&all, &two) && over(&all, end) && !has(&all.open, "rsync: "));
    let half = found(Some(true), Some(false));
    assert!(over(&half, &one) && has(&half.holds, &two) && has(&half.holds, end) && !over(&half, end));
    assert!(has(&half.holds, "rsync on m/"));
    let unknown = found(Some(true), None);
    assert!(has(&unknown.open, &two) && has(&unknown.open, end) && unknown.holds.is_empty());
}

#[test]
fn a_client_with_an_address_of_its_own_is_told_from_others() {
    let log = b"2026/11/21 09:00:00 [3] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:00 [3] unknown module 'x' tried from a (127.0.0.1)\n\
        2026/11/21 09:00:00 [4] connect from UNKNOWN (127.82.83.89)\n\
        2026/11/21 09:00:00 [4] rsync to a/ from UNKNOWN (127.82.83.89)\n";
    let text = shown_of(log, Own::Marked(crate::doctor::loopback::MARK));
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("unknown module"), "{text}");
}

#[test]
fn strangers_who_try_names_do_not_count() {
    let log = b"2026/11/21 09:00:00 [3] connect from a (203.0.113.9)\n\
        2026/11/21 09:00:00 [3] unknown module 'x' tried from a (203.0.113.9)\n\
        2026/11/21 09:00:00 [4] connect from a (203.0.113.9)\n\
        2026/11/21 09:00:00 [4] rsync denied on module data from a (203.0.113.9)\n\
        2026/11/21 09:00:00 [5] connect from b (203.0.113.7)\n\
        2026/11/21 09:00:00 [5] rsync denied on module data from b (203.0.113.7)\n\
        2026/11/21 09:00:00 [6] connect from c (192.0.2.7)\n\
        2026/11/21 09:00:00 [6] unknown module 'y' tried from c (192.0.2.7)\n";
    let text = shown(log);
    assert!(text.contains("(203.0.113.7)") && text.contains("'y'"), "{text}");
    assert!(!text.contains("(203.0.113.9)"), "{text}");
}

#[test]
fn only_the_last_day_counts() {
    let log = b"the rest of a line\n\
        2026/11/20 09:59:59 [1] too old\n\
        \x20 of the same\n\
        2026/11/20 10:00:01 [1] bind() failed, and later it did not\n\
        2026/11/20 10:00:01 [2] connect from b (192.0.2.7)\n\
        2026/11/20 10:00:01 [2] young enough\n\
        \x20 of the same\n\
        2026/11/21 09:00:00 [7] bind() failed, since another one runs\n";
    assert_eq!(shown(log).lines().count(), 4, "{}", shown(log));
    assert!(shown(log).contains("[2]"));
    assert!(shown(b"").is_empty() && shown(b"\xff\xfe").is_empty());
    // A byte that is no text stands where a time ends.
    assert!(shown(b"2026/11/21 09:00:0\xe9 [1] x\n").is_empty());
}

#[test]
fn what_the_doctor_met_itself_does_not_count() {
    let log = b"2026/11/21 09:00:00 [3] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:00 [4] connect from b (192.0.2.7)\n\
        2026/11/21 09:00:00 [3] auth failed on module a from b (127.0.0.1) for rsyncctl-doctor: no matching rule\n\
        2026/11/21 09:00:01 [4] chroot failed, far\n\
        2026/11/21 09:00:01 [5] connect from here (192.0.2.9)\n\
        2026/11/21 09:00:01 [5] chroot failed, near\n\
        2026/11/21 09:00:02 [3] connect from a (::1)\n\
        2026/11/21 09:00:02 [3] auth failed on module a from b (::1) for joe: password mismatch\n\
        2026/11/21 09:00:03 [6] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:03 [6] rsync on a/// from a (127.0.0.1)\n\
        2026/11/21 09:00:03 [6] own sender\n\
        2026/11/21 09:00:04 [6] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:04 [6] rsync on a/sub from a (127.0.0.1)\n\
        2026/11/21 09:00:04 [6] read a part\n\
        2026/11/21 09:00:05 [6] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:05 [6] rsync on a/// from joe@a (127.0.0.1)\n\
        2026/11/21 09:00:05 [6] logged in\n\
        2026/11/21 09:00:06 [6] connect from a (127.0.0.1)\n\
        2026/11/21 09:00:06 [6] rsync to a/ from a (127.0.0.1)\n\
        2026/11/21 09:00:06 [6] no space\n";
    let text = shown(log);
    for kept in ["far", "for joe", "read a part", "logged in", "no space"] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
    assert!(
        !["rsyncctl-doctor", "near", "own sender"]
            .iter()
            .any(|own| text.contains(own)),
        "{text}"
    );
}
