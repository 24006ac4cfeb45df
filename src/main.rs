//! `rsyncctl`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    rsyncctl::cli::main(std::env::args_os())
}
