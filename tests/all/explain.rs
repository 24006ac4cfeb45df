//! Texts that somebody pastes, and the causes that are found in them.

mod any_bytes;

use rsyncctl::{
    catalog::Confidence,
    explain::{Explanation, Incident, Known, explain},
};

use crate::support::{
    examples::pages,
    program::{folder, rsyncctl, stdout},
};

fn explained(text: &[u8]) -> Explanation {
    explain(text, &Known::default()).expect("a text in memory")
}

#[test]
fn pages_are_the_first_cause_of_the_texts_they_cite() {
    let mut wrong = Vec::new();
    for page in pages() {
        for text in &page.outputs {
            let explanation = explained(text);
            let causes = explanation
                .incidents
                .first()
                .map_or(&[][..], |incident| &incident.causes);
            let first = causes.first().map(|cause| cause.page.id);
            if first != Some(&page.page.id) {
                let text = String::from_utf8_lossy(text);
                wrong.push(format!("{}: {first:?} comes first in\n{text}", page.page.id));
            }
        }
        let is_only_seen = page.page.files.is_empty() && !page.page.noticed;
        if is_only_seen && page.outputs.is_empty() {
            wrong.push(format!("{} shows no output in which it is seen", page.page.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every wording of every symptom that is a sign finds its page, whatever else it finds.
#[test]
fn every_pattern_is_recognised_in_its_own_text() {
    let mut wrong = Vec::new();
    for page in rsyncctl::catalog::pages()
        .iter()
        .filter(|page| page.files.is_empty())
    {
        // What is no sign of a cause is told by it only where the machine shows the cause.
        for symptom in page.symptoms.iter().filter(|symptom| symptom.is_sign) {
            let texts = symptom
                .client
                .into_iter()
                .chain(symptom.log)
                .chain(symptom.wordings.iter().copied());
            for text in texts {
                let line = text
                    .replace("}}", "\u{1}")
                    .replace(['{', '}'], "")
                    .replace('\u{1}', "}");
                let explanation = explained(line.as_bytes());
                let mut causes = explanation.incidents.iter().flat_map(|incident| &incident.causes);
                if !causes.any(|cause| cause.page.id == page.id) {
                    wrong.push(format!("{}: {text}", page.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wait_statuses_of_hooks_are_translated() {
    for (status, code) in [("1792", Some("7")), ("32512", Some("127")), ("9", None)] {
        let explanation = explained(format!("pre-xfer exec returned failure ({status})").as_bytes());
        let arguments = &explanation.incidents[0].causes[0].arguments;
        let found = arguments.iter().find(|(kind, _)| *kind == "hook-code");
        assert_eq!(found.map(|(_, code)| code.as_str()), code, "{status}");
    }
}

/// A shell that could not be run, and the hang-up that follows from it, are one failure.
#[test]
fn hang_ups_belong_to_the_failure_before_them() {
    let text = b"rsync: [Receiver] Failed to exec ssh: No such file or directory (2)
rsync error: error in IPC code (code 14) at pipe.c(85) [Receiver=3.5.0]
rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]
rsync error: error in rsync protocol data stream (code 12) at io.c(285) [Receiver=3.5.0]
";
    assert_eq!(explained(text).incidents.len(), 1);
}

/// The side that fails closes the connection; what the other says of that is no second failure.
#[test]
fn a_hang_up_behind_an_exit_code_belongs_to_its_failure() {
    let text = "rsync: [sender] link_stat \"nosuch\" (in data) failed: No such file or directory (2)
rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1956) [Receiver=3.5.0]
rsync: [Receiver] read error: Connection reset by peer (104)
";
    let explanation = explained(text.as_bytes());
    assert_eq!(explanation.incidents.len(), 1);
    assert_eq!(explanation.incidents[0].causes[0].page.id, "RSY851");
}

/// What is printed in front of a failure, or behind its last line, is no failure of its own and not the cause.
#[test]
fn noise_around_a_failure_is_not_its_cause() {
    for (text, first) in [
        (
            "stdin: is not a tty\nERROR: module is read only\nrsync error: syntax or usage error (code 1) at main.c(1185) \
             [Receiver=3.5.0]\nrsync: [sender] read error: Connection reset by peer (104)\n",
            "RSY885",
        ),
        (
            "$ rsync -a a/ joe@h:data --password-file=x\nThe --password-file option may only be used when accessing an rsync \
             daemon.\nrsync error: syntax or usage error (code 1) at main.c(1383) [sender=3.1.2]\n",
            "RSY874",
        ),
        (
            "rsync  version 3.5.0  protocol version 32\nUsage: rsync [OPTION]... SRC [SRC]... DEST\n  or   rsync \
             [OPTION]... [USER@]HOST::SRC [DEST]\nrsync error: syntax or usage error (code 1) at main.c(1886)\n",
            "RSY977",
        ),
    ] {
        let explanation = explained(text.as_bytes());
        let [incident] = &explanation.incidents[..] else {
            panic!("{} failures in\n{text}", explanation.incidents.len());
        };
        assert_eq!(
            incident.causes.first().map(|cause| cause.page.id),
            Some(first),
            "{text}"
        );
    }
}

/// What stands around an error where people paste it.
pub(crate) fn noises(text: &str) -> Vec<(&'static str, String)> {
    let lines = || text.lines();
    let each = |change: &dyn Fn(&str) -> String| lines().map(change).collect::<Vec<_>>().join("\n");
    vec![
        ("carriage returns", each(&|line| format!("{line}\r"))),
        (
            "colours",
            each(&|line| format!("\x1b[1;31m\x1b[K{line}\x1b[m\x1b[K")),
        ),
        ("quoted mail", each(&|line| format!("> {line}"))),
        (
            "timestamps",
            each(&|line| format!("[2026-11-21T04:00:01+0800] {line}")),
        ),
        (
            "a CI log",
            each(&|line| format!("2026-11-21T04:00:01.1234567Z {line}")),
        ),
        (
            "journald",
            each(&|line| format!("Nov 21 04:00:01 web backup.sh[4711]: {line}")),
        ),
        ("indented", each(&|line| format!("\t    {line}"))),
        (
            "prose",
            format!("今天凌晨备份失败了，日志如下：\n\n{text}\n\n请问是什么原因？已经检查过网络。\n"),
        ),
        (
            "English prose",
            format!("Hi all,\n\nmy nightly backup broke, I get this:\n\n{text}\n\nAny idea? Thanks\n"),
        ),
        (
            "a numbered list",
            format!("1) {}\n解决办法见下文", text.trim_start()),
        ),
        ("no-break spaces", text.replace(' ', "\u{a0}")),
        ("curved quotes", text.replace('"', "”").replace('\'', "’")),
        (
            "progress",
            format!("sending incremental file list\n  1,024  10%  1.00MB/s\r  9,999 100%  2.00MB/s\r{text}"),
        ),
        ("a NUL", text.replace('\n', "\0\n")),
        ("a quoted quote", each(&|line| format!("> > {line}"))),
        ("a block of Markdown", format!("```console\n{text}\n```\n")),
        (
            "a web page's source",
            format!(
                "<pre>{}</pre>",
                text.replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;")
                    .replace('"', "&quot;")
                    .replace('\'', "&#39;")
            ),
        ),
        (
            "wide brackets",
            each(&|line| {
                if is_prompt(line) {
                    line.to_owned()
                } else {
                    format!("（{line}）")
                }
            }),
        ),
        (
            "German prose",
            format!("Hallo zusammen,\nder Abgleich bricht ab, im Terminal steht:\n{text}\nWer weiß Rat?\n"),
        ),
        (
            "another failure behind it",
            format!(
                "{text}\nuser@other:~$ rsync -a logs.example.org::logs/ /srv/logs/\n\
                 @ERROR: max connections (2) reached -- try again later\n\
                 rsync error: error starting client-server protocol (code 5) at main.c(1850) [Receiver=3.2.7]\n"
            ),
        ),
    ]
}

/// Whether a command is typed in a line.
fn is_prompt(line: &str) -> bool {
    ["$ ", "# ", "rsync -"].iter().any(|sign| line.contains(sign))
}

/// What is left where a terminal or a viewer cuts lines.
pub(crate) fn cuts(text: &str) -> Vec<(&'static str, String)> {
    let cut = |width: usize, mark: &str| {
        let lines = text.lines().map(|line| {
            if line.chars().count() <= width {
                return line.to_owned();
            }
            line.chars().take(width).chain(mark.chars()).collect()
        });
        lines.collect::<Vec<String>>().join("\n")
    };
    let middle = text.len() / 2;
    let tail = (middle..text.len()).find(|&at| text.is_char_boundary(at));
    vec![
        ("lines cut at 80 columns", cut(80, "")),
        ("lines cut at 100 characters", cut(100, "…")),
        ("lines cut with points", cut(72, "...")),
        ("the last half", text[tail.unwrap_or(0)..].to_owned()),
    ]
}

/// A cut line tells the causes that begin like it, and none of them is certain.
#[test]
fn a_cut_line_is_less_sure() {
    for text in [
        "rsync: [sender] link_stat \"/srv/www/releases/2026-11-21/static/images/logo\" failed: No such fi",
        "rsync: [sender] link_stat \"/srv/www/releases…",
    ] {
        let explanation = explained(text.as_bytes());
        let causes = &explanation.incidents[0].causes;
        let source = causes.iter().find(|cause| cause.page.id == "RSY851");
        assert!(source.is_some(), "{text}");
        assert_ne!(causes[0].confidence, Confidence::Certain, "{text}");
    }
    let prose =
        "rsync failed to connect to the machine that we use for the nightly backups of the web servers";
    assert!(explained(prose.as_bytes()).incidents.is_empty());
}

fn first_cause(text: &[u8]) -> Option<&'static str> {
    let explanation = explained(text);
    let cause = explanation.incidents.first()?.causes.first()?;
    Some(cause.page.id)
}

#[test]
fn noise_changes_no_answer() {
    let mut wrong = Vec::new();
    for page in pages() {
        for text in &page.outputs {
            let text = String::from_utf8_lossy(text);
            let expected = first_cause(text.as_bytes());
            for (name, noisy) in noises(&text) {
                let found = first_cause(noisy.as_bytes());
                if found != expected {
                    wrong.push(format!("{} with {name}: {found:?}\n{noisy}", page.page.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lines_that_the_terminal_wrapped_are_joined() {
    let text = "rsync: [Receiver] failed to connect to 127.0.0.1 (127.0.0.1): Connection refused (111)";
    for at in 20..text.len() - 8 {
        let wrapped = format!("{}\n{}\n", &text[..at], &text[at..]);
        assert_eq!(first_cause(wrapped.as_bytes()), Some("RSY801"), "{wrapped}");
    }
}

#[test]
fn failures_after_each_other_are_told_apart() {
    let refused = "rsync: failed to connect to h.example (192.0.2.7): Connection refused (111)\n\
                   rsync error: error in socket IO (code 10) at clientserver.c(139) [sender=3.2.7]\n";
    let password = "@ERROR: auth failed on module data\n\
                    rsync error: error starting client-server protocol (code 5) at main.c(1850) [sender=3.2.7]\n";
    for (text, expected) in [
        (format!("{refused}{password}"), vec!["RSY801", "RSY810"]),
        (format!("{password}{refused}"), vec!["RSY810", "RSY801"]),
        (
            format!("{password}\n$ rsync -a x/ joe@h::data\n{refused}{refused}"),
            vec!["RSY810", "RSY801"],
        ),
        (
            "@ERROR: auth failed on module data\nthen\n@ERROR: auth failed on module data\n".to_owned(),
            vec!["RSY810"],
        ),
    ] {
        let explanation = explained(text.as_bytes());
        let found: Vec<_> = explanation
            .incidents
            .iter()
            .map(|incident| incident.causes[0].page.id)
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_daemons_log_decides_what_its_client_cannot_tell() {
    let client = "$ rsync -a joe@h.example::data /dst\n@ERROR: auth failed on module data\n\
                  rsync error: error starting client-server protocol (code 5) at main.c(1888) [Receiver=3.5.0]\n";
    let log = "2026/11/21 04:00:01 [77] secrets file must not be other-accessible (see strict modes option)\n\
               2026/11/21 04:00:01 [77] auth failed on module data from h.example (192.0.2.7) for joe: ignoring secrets file\n";
    for text in [format!("{client}{log}"), format!("{log}{client}")] {
        let explanation = explained(text.as_bytes());
        assert_eq!(explanation.incidents.len(), 1, "{text}");
        assert_eq!(first_cause(text.as_bytes()), Some("RSY302"), "{text}");
    }
}

/// A client's failure takes the log of one process, not those of every client of the day.
#[test]
fn a_failure_is_told_by_one_process_of_the_log() {
    let client = "@ERROR: auth failed on module data\n\
                  rsync error: error starting client-server protocol (code 5) at main.c(1888) [Receiver=3.5.0]\n";
    let log = |process: u32, reason: &str| {
        format!(
            "2026/11/21 04:00:01 [{process}] auth failed on module data from h.example (192.0.2.7) for joe: {reason}\n"
        )
    };
    let text = [
        client,
        &log(70, "password mismatch"),
        &log(71, "secret not found"),
    ]
    .concat();
    let explanation = explained(text.as_bytes());
    let first = |incident: &Incident| incident.causes[0].page.id;
    let found: Vec<_> = explanation.incidents.iter().map(first).collect();
    assert_eq!(found, ["RSY810", "RSY315"]);
}

#[test]
fn nothing_is_found_where_nothing_is() {
    for text in [
        "",
        "\n\n",
        "hello",
        "the rsync manual page",
        "HTTP error (code 404)",
        "\0\0\0\x1b[\x1b]",
    ] {
        assert!(explained(text.as_bytes()).incidents.is_empty(), "{text:?}");
    }
}

#[test]
fn the_configuration_decides_between_causes() {
    let folder = folder(&[(
        "rsyncd.conf",
        "[data]\npath = /srv/data\nhosts allow = 192.0.2.0/24\nauth users = joe\nsecrets file = rsyncd.secrets\n\
         [open]\npath = /srv/open\nread only = no\n",
    )]);
    let first = |text: &str| {
        let output = rsyncctl(
            folder.path(),
            &["explain", "--json", "--config", "rsyncd.conf", text],
        );
        let explanation: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        let cause = &explanation["diagnoses"][0];
        (cause["rule"].clone(), cause["because"][0].clone())
    };
    let (rule, because) = first("@ERROR: auth failed on module data");
    assert_eq!(rule, "RSY320");
    let denied = first("@ERROR: access denied to data from web1 (203.0.113.9)");
    assert_eq!(denied.0, "RSY822");
    assert!(
        denied
            .1
            .as_str()
            .is_some_and(|text| text.contains("hosts allow = 192.0.2.0/24")),
        "{}",
        denied.1
    );
    let unknown = first("@ERROR: Unknown module 'Data'");
    assert!(
        unknown
            .1
            .as_str()
            .is_some_and(|text| text.contains("[data] [open]")),
        "{}",
        unknown.1
    );
    let read_only = first("$ rsync -a x/ joe@h::data\nERROR: module is read only");
    assert!(
        read_only
            .1
            .as_str()
            .is_some_and(|text| text.contains("`read only`")),
        "{}",
        read_only.1
    );
    assert!(
        because
            .as_str()
            .is_some_and(|text| text.contains("rsyncd.conf:5")),
        "{because}"
    );
}

/// What a line in the section of another module does is none of a module's clients' matter.
#[test]
fn the_section_of_another_module_is_not_blamed() {
    let folder = folder(&[(
        "rsyncd.conf",
        "[m]\npath = /srv\nfilter = frobnicate x\n[o]\npath = /srv\ncharset = klingon\n",
    )]);
    for (module, expected) in [("m", "RSY419"), ("o", "RSY220")] {
        let text = format!("$ rsync -a rsync://h/{module}/ x/\nrsync: didn't get server startup line\n");
        let words = ["explain", "--json", "--config", "rsyncd.conf", &text];
        let output = rsyncctl(folder.path(), &words);
        let explanation: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        assert_eq!(explanation["diagnoses"][0]["rule"], expected, "{explanation:#}");
    }
}
