//! What several tests need: the program, the pages' examples, a staged machine, a real daemon.

#[path = "../../../build/check.rs"]
pub(crate) mod check;
pub(crate) mod daemon;
pub(crate) mod examples;
#[path = "../../../build/page.rs"]
pub(crate) mod page;
pub(crate) mod program;
pub(crate) mod report;
pub(crate) mod sersync;
pub(crate) mod service;
pub(crate) mod stage;
