//! Every test that runs the program, or a real rsync, in one binary.
#![allow(missing_docs, clippy::print_stdout, reason = "tests")]

mod access;
mod action;
mod baseline;
mod build_check;
mod cli;
mod cli_explain;
mod clients;
mod command_line;
mod coverage;
mod crontabs;
mod differential;
mod explain;
mod fixes;
mod github;
mod harmless_fixes;
mod human;
mod json;
mod markdown;
mod mishaps;
mod pages;
mod proofs;
mod properties;
mod readme;
mod regression;
mod reports;
mod sarif;
mod scripts;
mod secrecy;
mod sersync;
mod services;
mod sound;
mod support;
mod tutorial;
mod tutorial_errors;
