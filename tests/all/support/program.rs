use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder with files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Runs the program in a folder.
pub(crate) fn rsyncctl(folder: impl AsRef<Path>, arguments: &[&str]) -> Output {
    program(folder, arguments).output().expect("the program runs")
}

/// The program, about to run in a folder, in an environment without wishes.
pub(crate) fn program(folder: impl AsRef<Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_rsyncctl")));
    command
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env_remove("NO_COLOR")
        .env_remove("COLUMNS");
    command
}

/// What a program wrote for its reader.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("output is UTF-8")
}
