//! Every test that runs the program, or a real rsync, in one binary.
#![allow(missing_docs, clippy::print_stdout, reason = "tests")]

mod any_bytes;
mod cli;
mod fixes;
mod pages;
mod proofs;
mod support;
