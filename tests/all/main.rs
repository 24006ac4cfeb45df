//! Every test that runs the program, or a real rsync, in one binary.
#![allow(missing_docs, clippy::print_stdout, reason = "tests")]

mod cli;
mod github;
mod human;
mod json;
mod pages;
mod proofs;
mod properties;
mod sarif;
mod support;
