//! Texts of which somebody has said that the first answer is false: they stay answered rightly.

use std::fs;

use rsyncctl::{
    catalog::{Confidence, Side},
    explain::{Explanation, Known, explain},
};

use crate::support::program::{folder, rsyncctl, stdout};

const REPORTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/errors/reported.txt");

fn explained(text: &str) -> Explanation {
    explain(text.as_bytes(), &Known::default()).expect("a text in memory")
}

/// What the program prints of a text, in English.
fn answer(text: &str) -> String {
    let folder = folder(&[]);
    stdout(&rsyncctl(folder.path(), &["explain", "--lang", "en", text]))
}

#[test]
fn reported_texts_have_their_true_cause_first() {
    let all = fs::read_to_string(REPORTED).expect("texts");
    let mut wrong = Vec::new();
    let mut count = 0;
    for part in all.split("=== ").skip(1) {
        let (head, text) = part.split_once('\n').expect("a head and a text");
        let (expected, _) = head.split_once(':').expect("a rule and a remark");
        let (rule, may_be_certain) = match expected.split_once(' ') {
            Some((rule, "unsure")) => (rule, false),
            _ => (expected, true),
        };
        let explanation = explained(text);
        let mut incidents = explanation.incidents.iter();
        let first = incidents.next().and_then(|incident| incident.causes.first());
        let found = first.map(|cause| cause.page.id);
        let is_certain = first.is_some_and(|cause| cause.confidence == Confidence::Certain);
        count += 1;
        let expected = (rule != "nothing").then_some(rule);
        if found != expected || (is_certain && !may_be_certain) {
            wrong.push(format!("{head}: {found:?}, certain: {is_certain}"));
        }
    }
    println!("explain: {count} reported texts");
    assert!(
        wrong.is_empty(),
        "{} of {count}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What a path without a module means is not cured in rsyncd.conf.
#[test]
fn a_copy_on_one_machine_is_no_daemons() {
    for line in [
        "rsync: [receiver] write failed on \"/mnt/usb/x\": No space left on device (28)",
        "rsync: [generator] failed to set times on \"/mnt/usb/x\": Operation not permitted (1)",
        "rsync: [generator] delete_file: unlink(x) failed: Operation not permitted (1)",
        "rsync: [receiver] chown \"/mnt/usb/.x.AbC\" failed: Invalid argument (22)",
        "rsync: [receiver] mkstemp \"/mnt/usb/.x:y.AbC123\" failed: Invalid argument (22)",
        "rsync: [receiver] write failed on \"/mnt/usb/x\": Input/output error (5)",
        "rsync: [receiver] write failed on \"/mnt/usb/x\": File too large (27)",
        "rsync: [receiver] mkstemp \"/mnt/usb/.x.AbC123\" failed: Read-only file system (30)",
    ] {
        let answer = answer(&format!("bob@n:~$ rsync -a /srv/ /mnt/usb/\n{line}\n"));
        let first = answer.split("\n2. ").next().unwrap_or_default();
        let answer = first.split("less likely:").next().unwrap_or_default();
        for word in ["MODULE_PATH", "MODULE_USER", "rsyncd.conf", "on the server"] {
            assert!(!answer.contains(word), "`{word}` for {line}:\n{answer}");
        }
        assert!(answer.contains("'/mnt/usb"), "{line}:\n{answer}");
        assert!(!answer.contains("//"), "{line}:\n{answer}");
    }
}

/// What an answer says holds for this text.
#[test]
fn what_is_said_of_a_text_is_so() {
    for (text, said, unsaid) in [
        (
            "password file must not be other-accessible\ncontinuing without password file\nPassword: \n\
             @ERROR: auth failed on module www\n\
             rsync error: error starting client-server protocol (code 5) at main.c(1503) [receiver=3.0.6]",
            "passes the file over",
            "stops before it logs in",
        ),
        (
            "@ERROR: Unknown module 'backup'\n\
             rsync error: error starting client-server protocol (code 5) at main.c(1649) [Receiver=3.1.2]",
            "the daemon has no module",
            "nothing was sent to the daemon",
        ),
        (
            "rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]\n\
             rsync error: unexplained error (code 255) at io.c(228) [Receiver=3.2.7]",
            "code 255, which is ssh's own",
            "code 255, which is not rsync's own",
        ),
        (
            "rsync: [client] failed to open exclude file /nope: No such file or directory (2)\n\
             rsync error: error in file IO (code 11) at exclude.c(1719) [client=3.5.0]",
            "the file `/nope`",
            "exclude file /nope`",
        ),
        (
            "rsync: [Receiver] failed to connect to 192.0.2.8 (192.0.2.8): Connection refused (61)\n\
             rsync error: error in socket IO (code 10) at clientserver.c(139) [Receiver=3.2.7]",
            "of `192.0.2.8`",
            "`192.0.2.8 (",
        ),
        (
            "@ERROR: max connections (4) reached -- try again later",
            "are taken",
            "closes the module",
        ),
        (
            "@ERROR: max connections (-1) reached -- try again later",
            "`max connections = -1` closes the module",
            "connections in use",
        ),
    ] {
        let answer = answer(text);
        let words = answer.split_whitespace().collect::<Vec<_>>().join(" ");
        let head = words.find("1. ").expect("a first cause");
        let words = &words[head..];
        assert!(words.contains(said), "`{said}` is missing:\n{answer}");
        assert!(!words.contains(unsaid), "`{unsaid}` is said:\n{answer}");
    }
}

/// With `(in MODULE)` all of it is the daemon's, and over ssh the machine of the failing side decides.
#[test]
fn the_side_of_a_path_follows_the_command() {
    let side = |text: &str| {
        let explanation = explained(text);
        explanation.incidents[0].causes[0].side
    };
    let full = "write failed on \"/srv/inbox/x\": No space left on device (28)";
    for (text, expected) in [
        (
            "rsync: [receiver] write failed on \"x\" (in inbox): No space left on device (28)".to_owned(),
            Side::Server,
        ),
        (
            format!("$ rsync -a a/ nas.example.org:/srv/inbox/\nrsync: [receiver] {full}"),
            Side::Server,
        ),
        (
            format!("$ rsync -a nas.example.org:/srv/ /srv/inbox/\nrsync: [receiver] {full}"),
            Side::Client,
        ),
        (
            format!("$ rsync -a nas.example.org::www/ /srv/inbox/\nrsync: [receiver] {full}"),
            Side::Client,
        ),
        (
            format!("$ rsync -a /a/ /srv/inbox/\nrsync: [receiver] {full}"),
            Side::Client,
        ),
    ] {
        assert_eq!(side(&text), Some(expected), "{text}");
    }
}

#[test]
fn corrected_options_have_the_hyphens_of_their_kind() {
    for (text, correct, false_one) in [
        (
            "rsync: link_stat \"/root/–avz\" failed: No such file or directory (2)",
            "`-avz`",
            "`--avz`",
        ),
        (
            "rsync: link_stat \"/root/–delete\" failed: No such file or directory (2)",
            "`--delete`",
            "`-delete`",
        ),
        (
            "rsync: link_stat \"/root/–exclude=a\" failed: No such file or directory (2)",
            "`--exclude=a`",
            "`-exclude=a`",
        ),
        (
            "rsync: link_stat \"/root/−avz\" failed: No such file or directory (2)",
            "`-avz`",
            "`--avz`",
        ),
    ] {
        let answer = answer(text);
        assert!(answer.contains(correct), "{text}:\n{answer}");
        assert!(!answer.contains(false_one), "{text}:\n{answer}");
    }
}

#[test]
fn a_failed_rename_names_the_file_alone() {
    let answer =
        answer("rsync: rename \"/etc/.hosts.aB12cd\" -> \"etc/hosts\" failed: Device or resource busy (16)");
    assert!(answer.contains("`etc/hosts` is a mount point"), "{answer}");
}

/// What a file says of one module is no answer about another.
#[test]
fn the_configuration_speaks_of_the_module_that_was_asked_for() {
    let folder = folder(&[("r.conf", "[web]\npath = /no/such/web\n[ok]\npath = /usr\n")]);
    let explained = |module: &str| {
        let text = format!("rsync -a b@h::{module}/x .\n@ERROR: chdir failed\n");
        let output = rsyncctl(
            folder.path(),
            &["explain", "--json", "--config", "r.conf", "--host", "live", &text],
        );
        serde_json::from_str::<serde_json::Value>(&stdout(&output)).expect("JSON")
    };
    let other = explained("ok");
    for cause in other["diagnoses"].as_array().expect("causes") {
        assert_ne!(cause["confidence"], "certain", "{cause:#}");
        assert!(!cause["because"].to_string().contains("r.conf:2"), "{cause:#}");
    }
    let own = &explained("web")["diagnoses"][0];
    assert_eq!(own["rule"], "RSY402", "{own:#}");
    assert_eq!(own["confidence"], "certain", "{own:#}");
}

/// A refusal without a reason is told in words, not by its code.
#[test]
fn an_empty_refusal_is_told_in_words() {
    let end = "rsync error: error starting client-server protocol (code 5) at main.c(1954) [Receiver=3.5.0]";
    for (line, expected) in [
        (
            "@ERROR:",
            "1. the server says no, and its `@ERROR:` gives no reason\n",
        ),
        (
            "@ERROR: ",
            "1. the server says no, and its `@ERROR:` gives no reason\n",
        ),
        (
            "@ERROR: not today",
            "1. the server says no in words of its own: `not today`\n",
        ),
    ] {
        let told = answer(&format!("{line}\n{end}\n"));
        assert!(told.contains(expected), "{line}:\n{told}");
    }
}

/// What is to be listed is what the user named, where the command is known.
#[test]
fn the_source_of_a_command_is_the_users_own() {
    let failed = "rsync: [sender] link_stat \"/x\" failed: No such file or directory (2)";
    for (command, source) in [
        ("rsync -a –delete /srv/www/ web@h::www", "/srv/www/"),
        ("rsync -a a b", "a"),
        ("rsync -a joe@h:/srv/ b", "joe@h:/srv/"),
        ("rsync -a joe@h::www/sub b", "joe@h::www/"),
        ("rsync -a rsync://h:8730/www/ b", "rsync://h:8730/www/"),
        ("true", "HOST::MODULE/"),
    ] {
        let told = answer(&format!("$ {command}\n{failed}\n"));
        let expected = format!("rsync --list-only {source}\n");
        assert!(told.contains(&expected), "{command}:\n{told}");
    }
}
