//! What several tests need: the program, the pages' examples, a staged machine, a real daemon.

#[path = "../../../build/check.rs"]
pub(crate) mod check;
pub(crate) mod daemon;
pub(crate) mod examples;
pub(crate) mod mishap;
#[path = "../../../build/page.rs"]
pub(crate) mod page;
pub(crate) mod port;
pub(crate) mod program;
pub(crate) mod report;
pub(crate) mod sersync;
pub(crate) mod service;
pub(crate) mod stage;
pub(crate) mod symptom;
pub(crate) mod terminal;
pub(crate) mod threads;

/// Says that a test is left out and why. Where everything must run, as in `tests/run.sh` as root, that is a failure.
pub(crate) fn skip(reason: &str) {
    assert!(
        std::env::var_os("RSYNCCTL_REQUIRE").is_none(),
        "left out, though RSYNCCTL_REQUIRE is set: {reason}"
    );
    println!("skipped: {reason}");
}
