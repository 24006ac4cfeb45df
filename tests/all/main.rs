//! Every test that runs the program, or a real rsync, in one binary.
#![allow(missing_docs, clippy::print_stdout, reason = "tests")]

mod cli;
mod pages;
mod proofs;
mod sersync;
mod support;
