//! What several tests need: the pages' examples, a staged machine, a real daemon.

pub(crate) mod daemon;
pub(crate) mod examples;
#[path = "../../../build/page.rs"]
pub(crate) mod page;
pub(crate) mod sersync;
pub(crate) mod stage;
