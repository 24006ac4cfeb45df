//! Trees to the typed configuration that a program really uses, with the place where each value stands.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod sersync;
