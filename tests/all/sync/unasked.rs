//! Names that nobody asked for, from a daemon that is not honest: our client and the real one refuse them alike.

use crate::{
    support::{daemon::installed, skip},
    sync::peer::answered,
};

/// A list with the file `f1` of six bytes.
const LIST: &[u8] = b"\x18\x02f1\x00\x06\x00\x3b\x00\xca\x9a\xa4\x81\x00\x00\x00";

#[test]
fn names_that_nobody_asked_for_are_refused() {
    if let Err(reason) = installed() {
        skip(&format!("the comparison needs a real rsync; {reason}"));
        return;
    }
    for (words, expected) in [
        (
            "-r {url}/m/other d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r {url}/m/f[2-9] d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r --exclude=f* {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
        (
            "-r -f H_f1 {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, 0, LIST, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(error.lines().next(), Some(expected), "{words:?} {ours}");
            assert_eq!(output.status.code(), Some(4), "{words:?} {ours}");
        }
    }
    // What is trusted, protected here, or decided by files that only the sender has, comes as far as the hang-up.
    for words in [
        "-r --trust-sender {url}/m/other d",
        "-r -f P_f1 {url}/m/ d",
        "-r -f :_.f -f -_f1 {url}/m/ d",
        "-r {url}/m/f[12] d",
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, 0, LIST, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!error.contains("rejecting"), "{words:?} {ours}: {error}");
        }
    }
}
